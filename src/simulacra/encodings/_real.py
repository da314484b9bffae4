"""What numbers, dates, times and durations share: one real axis on a lattice, NaN for missing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis, Support, join_runs
from simulacra.encoding import Encoding, Limits
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column

LISTABLE = 2_000_000
"""A lattice with at most this many points is listed whole when a condition is checked."""


@dataclass(frozen=True)
class Real(Encoding):
    """A real axis; subclasses say how a value becomes a position on it and back.

    `lattice` says that positions are whole numbers; `unit` is the distance of two of them in the column's own
    scale, whatever that is for the subclass.
    """

    column: Column
    unit: float
    lattice: bool
    missing: bool
    low: float
    high: float
    holders: int = 1

    @abstractmethod
    def _positions(self, values: pl.Series) -> Array:
        """Turn values without nulls into float64 positions."""

    @abstractmethod
    def _values(self, positions: Array) -> pl.Series:
        """Turn float64 positions without NaN into values."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """One real axis."""
        name = self.column.name
        return (
            Axis(
                name, name, ordered=True, lattice=self.lattice, missing=self.missing, holders=self.holders,
                unit=self._worth, period=self._period, calendar=self._calendar,
            ),
        )  # fmt: skip

    @property
    def _worth(self) -> float:
        """What one position is worth, on the scale of all columns of its kind."""
        return self.unit

    @property
    def _period(self) -> int | None:
        """Positions after which the lattice starts again, if it does."""
        return None

    @property
    def _calendar(self) -> bool:
        """Whether positions are days since 1970-01-01."""
        return False

    def encode(self, values: pl.Series) -> tuple[Array, ...]:
        """Turn values into positions, NaN where missing."""
        held = values.is_not_null().to_numpy()
        positions = np.full(len(values), np.nan)
        positions[held] = self._positions(values.drop_nulls())
        return (positions,)

    def decode(self, arrays: tuple[Array, ...], *, rng: np.random.Generator, start: int = 0) -> pl.Series:
        """Turn positions into values inside the range, null where NaN."""
        positions = np.asarray(arrays[0], dtype=np.float64)
        held = ~np.isnan(positions)
        inside = np.clip(positions[held], self.low, self.high)
        values = self._values(np.rint(inside) if self.lattice else inside)
        if held.all():
            return values.alias(self.column.name)
        index = np.cumsum(held) - 1
        where = pl.Series(np.where(held, index, 0), dtype=pl.UInt32)
        spread = values.gather(where) if len(values) else pl.Series([None] * len(held), dtype=values.dtype)
        return pl.select(pl.when(pl.Series(held)).then(spread)).to_series().alias(self.column.name)

    def narrow(self, kept: dict[str, Array], limits: dict[str, tuple[float, float]]) -> Self:
        """Take the limits that protection left as the new range."""
        low, high = limits.get("value", (self.low, self.high))
        if np.isnan(low):
            column = replace(self.column, bounds=None, nullable=True)
            return replace(self, column=column, missing=True, low=0.0, high=0.0)
        column = self.column
        if column.bounds is not None and not column.declared:
            ends = self._values(np.array([low, high], dtype=np.float64)).to_list()
            column = replace(column, bounds=(ends[0], ends[1]))
        return replace(self, column=column, low=float(low), high=float(high))

    def candidates(self, literals: Sequence[Any] = ()) -> pl.Series | None:
        """List the lattice when it is short, else an even grid and the literals that lie in the range."""
        if self.lattice and self.high - self.low < LISTABLE:
            positions = np.arange(self.low, self.high + 1)
        else:
            positions = np.linspace(self.low, self.high, 10_001)
            named = self._literal_positions(literals)
            positions = np.concatenate([positions, named[(named >= self.low) & (named <= self.high)]])
            positions = np.rint(positions) if self.lattice else positions
        values = self._values(positions).alias(self.column.name)
        return values.extend_constant(None, 1) if self.missing else values

    def restrict(self, term: Predicate, *, unknown: bool = False) -> Limits:
        """Find the ranges of positions whose values satisfy the condition.

        A short lattice is tried point by point. Elsewhere truth can only change at the constants of a plain comparison;
        other conditions leave the axis as it is.
        """
        if self.lattice and self.high - self.low < LISTABLE:
            points = np.arange(self.low, self.high + 1)
        elif term.compares_constants() and self.column.kind == "number":
            points = self._breaks(self._literal_positions(term.literals()))
        else:
            return Limits()
        values = self._values(points).alias(self.column.name).extend_constant(None, 1)
        fits = term.evaluate(values.to_frame()).fill_null(unknown).to_numpy()
        ranges = join_runs(points, fits[:-1], lattice=self.lattice)
        support = Support(ranges=ranges, missing=bool(fits[-1]) and self.missing)
        return Limits({self.column.name: support}, exact=True)

    def _breaks(self, named: Array) -> Array:
        """List the positions at which a comparison with constants can change, and one between each two of them."""
        ends = np.unique(np.concatenate([[self.low, self.high], np.clip(named, self.low, self.high)]))
        if self.lattice:
            near = np.concatenate([np.floor(ends) + step for step in (-1, 0, 1, 2)])
            return np.unique(np.clip(near, self.low, self.high))
        beside = np.concatenate([np.nextafter(ends, -np.inf), ends, np.nextafter(ends, np.inf)])
        between = (ends[1:] + ends[:-1]) / 2
        return np.unique(np.clip(np.concatenate([beside, between]), self.low, self.high))

    def _literal_positions(self, literals: Sequence[Any]) -> Array:
        numbers = [float(x) for x in literals if isinstance(x, (int, float)) and not isinstance(x, bool)]
        if not numbers:
            return np.empty(0)
        positions = self._positions(pl.Series(numbers, dtype=pl.Float64))
        return np.concatenate([positions - 1, positions, positions + 1])

    def dump(self) -> dict[str, Any]:
        """Return unit, range and flags."""
        names = ("unit", "lattice", "missing", "low", "high", "holders")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def restore(cls, state: dict[str, Any], column: Column) -> Self:
        """Make the encoding from what `dump` gave."""
        return cls(column, **state)

    @classmethod
    def _spanning(
        cls, values: pl.Series, column: Column, *, unit: float, lattice: bool, holders: int
    ) -> Self:
        """Make the encoding with its range: the declared bounds, or what occurs."""
        missing = column.nullable or values.null_count() > 0
        draft = cls(column, unit, lattice, missing, -np.inf, np.inf, holders)
        ends = values.drop_nulls()
        if column.declared and column.bounds is not None:
            ends = pl.Series(list(column.bounds)).cast(values.dtype)
        positions = draft._positions(ends) if len(ends) else np.zeros(1)
        return replace(draft, low=float(positions.min()), high=float(positions.max()))


def common_unit(whole: Array) -> int:
    """Return the greatest common divisor of whole numbers; 1 when there is none.

    Examples
    --------
    >>> common_unit(np.array([0, 7200, 3600]))
    3600
    """
    divisor = int(np.gcd.reduce(np.abs(whole))) if len(whole) else 1
    return divisor or 1
