"""The contract of an exact relation, and what those share that subtract a prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

import numpy as np

from simulacra.domain import Array, Axis

Range = tuple[float, float]

HOLDS = 0.995
"""Share of the rows that have all values in which a sum or a product must hold; the others keep a residual."""
FEWEST = 100
"""Complete rows below which nothing is looked for."""
MARK = "#"
"""Start of the names of columns that tables get for the histories of their rows."""
VARIED = 12
"""A number of fewer different values is no sum or product to look for: it is left to the model."""


@dataclass(frozen=True)
class Remains:
    """What protection left of a block, with the targets that are rebuilt already.

    Parameters
    ----------
    before : dict
        Every axis' values as they were encoded.
    after : dict
        Every axis' values after protection: residuals where a relation was taken out, and values again once rebuilt.
    axes : dict
        The axes as they were encoded.
    guarded : frozenset of str
        Names of the axes that protection may change.
    kept : dict
        For coded axes that lost codes: the old codes that stay, ascending.
    limits : dict
        Ranges of rebuilt real axes.
    instants : dict
        Ranges of rebuilt instants, by column, in positions.
    declared : frozenset of str
        Columns whose levels and bounds are public.
    owners : array or None
        Whose row each is; every row is a holder of its own when None.
    """

    before: Mapping[str, Array]
    after: dict[str, Array]
    axes: Mapping[str, Axis]
    guarded: frozenset[str]
    kept: Mapping[str, Array] = field(default_factory=dict)
    limits: dict[str, Range] = field(default_factory=dict)
    instants: dict[str, Range] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    owners: Array | None = None

    def need(self, name: str) -> int:
        """Return how many holders must share a value of an axis before it may be given out."""
        return self.axes[name].holders if name in self.guarded else 1

    def range(self, name: str) -> Range:
        """Return the smallest and largest value that an axis can have, from what protection left of it."""
        return self.limits[name] if name in self.limits else span(self.after[name])


@dataclass(frozen=True, eq=False)
class Relation(ABC):
    """A rule by which one column follows from others, in every row that has them."""

    kind: ClassVar[str]
    target: str

    @property
    def targets(self) -> tuple[str, ...]:
        """The axes that are rebuilt."""
        return (self.target,)

    @property
    @abstractmethod
    def sources(self) -> tuple[str, ...]:
        """The axes that the targets are rebuilt from."""

    @abstractmethod
    def take_out(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return what is left of each target when all that the rule tells is taken out."""

    @abstractmethod
    def put_back(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return the targets from what was left of them; sources are rebuilt already."""

    @abstractmethod
    def settle(self, remains: Remains) -> Self:
        """Learn from the rows what is needed to put back, and only what protection left.

        The targets' ranges are written into `remains` where they change.
        """

    @abstractmethod
    def __str__(self) -> str:
        """Say the rule."""

    def dump(self) -> dict[str, Any]:
        """Return the fields: JSON values and arrays."""
        return {"kind": self.kind, **{f.name: getattr(self, f.name) for f in fields(self)}}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the relation from what `dump` gave."""
        return cls(**{name: value for name, value in state.items() if name != "kind"})


@dataclass(frozen=True, eq=False)
class Prediction(Relation):
    """A rule that predicts its target's position on its lattice; what is left is the difference.

    Where the rule holds, 0 is left; a row that breaks it, or lacks a source, keeps what it has. Nothing is lost.

    Parameters
    ----------
    share : float
        Share of the rows looked at in which it holds.
    exact : bool
        It holds in every row that has all values, so every row drawn keeps it too.
    """

    share: float = field(default=1.0, kw_only=True)
    exact: bool = field(default=False, kw_only=True)

    @abstractmethod
    def predict(self, arrays: Mapping[str, Array]) -> Array:
        """Return the prediction for every row, NaN where a source is missing."""

    @abstractmethod
    def reach(self, limits: Mapping[str, Range]) -> Range:
        """Return the smallest and largest value that sources within limits can give."""

    @property
    def circular(self) -> bool:
        """Whether totals start again after a period."""
        return False

    def take_out(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return the residual of the target; where a source is missing, the target itself."""
        values = arrays[self.target]
        left = self._between(values - self.predict(arrays))
        return {self.target: np.where(np.isnan(left), values, left)}

    def put_back(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return the target from its residual."""
        left = arrays[self.target]
        predicted = self.predict(arrays)
        total = np.where(np.isnan(left), np.nan, predicted) if self.exact else left + predicted
        return {self.target: np.where(np.isnan(predicted), left, self._fold(total))}

    def settle(self, remains: Remains) -> Self:
        """Write the target's range: what sources in their ranges give, and the residuals."""
        left = remains.after[self.target]
        lone = np.isnan(self.predict(remains.after))
        low, high = self.reach({name: remains.range(name) for name in self.sources})
        if not self.circular:
            least, most = span(left[~lone])
            low, high = low + least, high + most
        remains.limits[self.target] = span(np.array([low, high, *span(left[lone])]))
        return self

    def _between(self, left: Array) -> Array:
        """Bring differences into their shortest form, where totals start again."""
        return left

    def _fold(self, total: Array) -> Array:
        """Bring totals into their range, where they start again."""
        return total


def span(values: Array) -> Range:
    """Return the smallest and largest value that is not NaN; NaN if there is none."""
    held = values[~np.isnan(values)]
    return (float(held.min()), float(held.max())) if len(held) else (float("nan"), float("nan"))
