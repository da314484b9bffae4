"""What every search for constraints looks at: a table's columns as codes and as numbers, on some rows and on all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.randomness import Streams
from simulacra.schema.breaches import find_broken
from simulacra.schema.constraints import Constraint
from simulacra.schema.types import Column, Table

GLANCE = 2_000
"""Rows that candidates are tried on first."""
SLACK = 4
"""A candidate may break in so many times the share of exceptions on the rows tried first."""
FEWEST = 30
"""Rows that must speak for a constraint, and rows that chance must be expected to break."""
MOST = 60
"""Columns at most that are held against each other."""
CODED = ("number", "category", "boolean", "date", "time", "duration")
ORDERED = ("number", "date", "datetime", "time", "duration")


@dataclass(frozen=True, slots=True)
class Found:
    """A constraint that may hold: rows that speak for it, rows that break it, and why it is no chance."""

    constraint: Constraint
    support: int
    exceptions: int
    reason: str


@dataclass
class Look:
    """A table under search.

    Parameters
    ----------
    frame : DataFrame
        Canonical values.
    table : Table
        Their schema.
    share : float
        Share of the rows that may break a constraint.
    holders : int
        Rows that must hold a value before it may be named.
    """

    frame: pl.DataFrame
    table: Table
    share: float
    holders: int
    _codes: dict[str, tuple[Array, int]] = field(default_factory=dict)
    _numbers: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        order = Streams(0).at(self.table.name, "mining").stream("glance").permutation(len(self.frame))
        self.glance: Array = np.sort(order[:GLANCE])
        self.shuffle: Array = order[:GLANCE]

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def limit(self) -> float:
        """The share of rows that may break a candidate at the first try."""
        return SLACK * self.share + 2 / max(len(self.glance), 1)

    def listed(self, kinds: tuple[str, ...]) -> list[Column]:
        """List the columns of some kinds that vary, the first `MOST`."""
        found = [c for c in self.table.columns if c.kind in kinds and c.name != self.table.weight]
        return [column for column in found[: 5 * MOST] if self.size(column.name) > 1][:MOST]

    def codes(self, name: str) -> Array:
        """Return a number from 0 for every value, the last for missing ones if there are any."""
        return self._coded(name)[0]

    def size(self, name: str) -> int:
        """Return how many different values there are; missing is one."""
        return self._coded(name)[1]

    def _coded(self, name: str) -> tuple[Array, int]:
        if name not in self._codes:
            codes = _rank(self.frame[name])
            self._codes[name] = codes, int(codes.max(initial=-1)) + 1
        return self._codes[name]

    def numbers(self, name: str) -> Array:
        """Return values as reals, NaN where missing: days for dates, seconds for datetimes, times and durations."""
        if name not in self._numbers:
            kind = self.table[name].kind
            values = self.frame[name].to_physical().cast(pl.Float64)
            scale = {"datetime": 1e6, "duration": 1e6, "time": 1e9}.get(kind, 1.0)
            self._numbers[name] = (values / scale).fill_null(np.nan).to_numpy()
        return self._numbers[name]

    def filled(self, name: str) -> int:
        """Return how many rows have a value."""
        return len(self) - self.frame[name].null_count()

    def counts(self, name: str) -> Array:
        """Return how many rows hold each code."""
        return np.bincount(self.codes(name), minlength=self.size(name))

    def alike(self, name: str) -> float:
        """Return the chance that two different rows agree in a column."""
        return float(_pairs(self.counts(name)).sum() / max(_pairs(len(self)), 1))

    def agreeing(self, names: tuple[str, ...]) -> float:
        """Return how many pairs of rows would agree in independent columns; a missing value agrees with none."""
        every = max(_pairs(len(self)), 1)
        alike = [self.alike(name) - _pairs(self.frame[name].null_count()) / every for name in names]
        return every * float(np.prod(alike))

    def breaks(self, constraint: Constraint) -> int | None:
        """Count the rows that break a candidate; None if they are too many for it to be one."""
        broken = int(find_broken(constraint, self.frame, self.table).sum())
        return broken if broken <= self.share * len(self) else None


def _pairs(count: Any) -> Any:
    return count * (count - 1) / 2


def _rank(values: pl.Series) -> Array:
    codes = values.rank("dense").cast(pl.Int64)
    top = int(codes.max() or 0)  # type: ignore[arg-type]
    return codes.fill_null(top + 1).to_numpy() - 1


def quote(name: str) -> str:
    """Write a column's name as SQL."""
    plain = name.isidentifier() and name.islower() and name.isascii()
    return name if plain and name not in _WORDS else '"' + name.replace('"', '""') + '"'


_WORDS = {
    "all", "and", "any", "as", "asc", "between", "by", "case", "cast", "current", "date", "day", "default",
    "desc", "distinct", "do", "else", "end", "exists", "false", "fetch", "for", "from", "full", "group",
    "having", "hour", "in", "inner", "interval", "into", "is", "join", "key", "left", "like", "limit",
    "minute", "month", "natural", "not", "null", "offset", "on", "or", "order", "outer", "primary",
    "references", "right", "second", "select", "set", "table", "then", "time", "timestamp", "to", "true",
    "union", "unique", "using", "values", "when", "where", "window", "with", "year",
}  # fmt: skip
