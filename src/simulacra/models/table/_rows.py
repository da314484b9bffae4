"""Models that keep the training rows, and draw by taking some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from simulacra.domain import Array, Block, Domain
from simulacra.errors import NotFitted, OptionError
from simulacra.generator import Generator
from simulacra.models.table._neighbours import Donors
from simulacra.models.table._spread import Spread
from simulacra.randomness import Streams


@dataclass(kw_only=True)
class Keeper(Generator):
    """Base of models that keep the training rows.

    A subclass calls `_keep` when it fits, and `_pick` when it samples. Where a context is known, a row is taken among
    those of the same context, or of the five or more nearest contexts.
    """

    stores_rows: ClassVar[bool] = True

    def _keep(self, block: Block, context: Block | None, rng: Streams) -> None:
        """Keep the rows of some weight, and learn how numbers spread and which rows have which context."""
        weights = np.ones(len(block)) if block.weights is None else block.weights.astype(np.float64)
        held = np.flatnonzero(weights > 0)
        rows = block if len(held) == len(block) else block.take(held)
        self.rows_ = Block(block.domain, rows.columns, weights[held], len(held))
        self.spreads_ = [
            Spread.fit(axis, values, weights[held]) if axis.size is None else None
            for axis, values in zip(block.domain.axes, rows.columns)
        ]
        self.context_: Domain | None = None if context is None else context.domain
        self.donors_: Donors | None = None
        if context is not None:
            self._give_contexts(context.take(held), weights[held], rng)

    def _give_contexts(self, context: Block, mass: Array, rng: Streams) -> None:
        """Learn which rows have which context."""
        self.donors_ = Donors.fit(context, mass, rng.stream("contexts"))

    def _pick(self, n: int, context: Block | None, rng: Streams, mass: Array | None = None) -> Array:
        """Draw rows in proportion to their weights, or to another mass."""
        if not hasattr(self, "rows_"):
            raise NotFitted("this model has learnt nothing yet. Call fit first.")
        uniform = rng.stream("rows").random(n)
        if self.context_ is not None and self.donors_ is not None:
            if context is None or context.domain != self.context_ or len(context) != n:
                raise OptionError(
                    f"this model was fitted with a context of {len(self.context_)} axes: "
                    f"sample needs a context of the same axes with {n:,} rows."
                )
            return self.donors_.draw(context, uniform)
        ends = np.cumsum(self._weights if mass is None else mass)
        return np.minimum(np.searchsorted(ends, uniform * ends[-1], side="right"), len(ends) - 1)

    @property
    def _weights(self) -> Array:
        weights = self.rows_.weights
        assert weights is not None
        return weights

    def dump(self) -> dict[str, Any]:
        """Return the fitted state: the rows themselves."""
        return {
            "domain": self.rows_.domain.dump(),
            "columns": list(self.rows_.columns),
            "weights": self._weights,
            "spreads": [None if spread is None else spread.dump() for spread in self.spreads_],
            "context": None if self.context_ is None else self.context_.dump(),
            "donors": None if self.donors_ is None else self.donors_.dump(),
        }

    def restore(self, state: dict[str, Any]) -> Any:
        """Take back the state that `dump` gave."""
        domain, weights = Domain.restore(state["domain"]), np.asarray(state["weights"], np.float64)
        self.rows_ = Block(domain, tuple(state["columns"]), weights, len(weights))
        self.spreads_ = [None if item is None else Spread.restore(item) for item in state["spreads"]]
        self.context_ = None if state["context"] is None else Domain.restore(state["context"])
        self.donors_ = None if state["donors"] is None else Donors.restore(state["donors"])
        return self
