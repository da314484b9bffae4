"""Rows that a draw starts from: entities that are there already, and the beginnings of their histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import OptionError
from simulacra.relational.given.silences import Silence
from simulacra.relational.histories.clocks import Clock
from simulacra.schema.conformance import canonical_type

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


_EVEN = (0.3, 100.0)
"""The least and most even that gaps are taken for."""


@dataclass(frozen=True)
class Known:
    """Rows of one unit that are there already, in the order in which the unit draws its rows.

    Parameters
    ----------
    frame : DataFrame
        What its model can be told of them, under the names that it has there.
    tables : mapping of str to DataFrame
        By member: the rows as they were given.
    entity : array of int or None
        The row of the parent that each belongs to: a place among the parent's known rows, or in a table kept as it is.
    now : array or None
        Positions on the clock.
    """

    frame: pl.DataFrame
    tables: Mapping[str, pl.DataFrame]
    entity: Array | None = None
    now: Array | None = None

    def __len__(self) -> int:
        return len(next(iter(self.tables.values())))

    def counts(self, parents: int) -> Array:
        """Return how many rows each row of the parent has."""
        assert self.entity is not None
        return np.bincount(self.entity, minlength=parents)

    def moments(self, parents: int) -> Array:
        """Return how many different times the rows of each row of the parent have."""
        assert self.entity is not None and self.now is not None
        new = (np.diff(self.entity, prepend=-1) != 0) | (np.diff(self.now, prepend=np.nan) != 0)
        return np.bincount(self.entity[new], minlength=parents)

    def evenness(self, parents: int) -> float:
        """Return how even gaps are within entities: the shape of a gamma distribution of such a spread."""
        assert self.entity is not None and self.now is not None
        gap, same = np.diff(self.now), np.diff(self.entity) == 0
        entity, gap = self.entity[1:][same & (gap > 0)], gap[same & (gap > 0)]
        counts, sums = np.bincount(entity, minlength=parents), np.bincount(entity, gap, minlength=parents)
        squares = np.bincount(entity, gap**2, minlength=parents)
        several = counts > 1
        if not several.any():
            return 1.0
        mean = sums[several] / counts[several]
        # of few gaps the spread is estimated without bias, and the entities count as much as they have gaps
        spread = (squares[several] - counts[several] * mean**2) / (counts[several] - 1)
        uneven = float(np.average(np.maximum(spread, 0) / mean**2, weights=counts[several] - 1))
        return float(np.clip(1 / max(uneven, 1e-9), *_EVEN))

    def ends(self, parents: int) -> tuple[Array, Array]:
        """Return when the first row of each entity is, and how far its last lies from it; NaN without rows."""
        assert self.entity is not None and self.now is not None
        counts = self.counts(parents)
        begins, held = np.cumsum(counts) - counts, counts > 0
        first, span = np.full(parents, np.nan), np.full(parents, np.nan)
        first[held] = self.now[begins[held]]
        span[held] = self.now[begins[held] + counts[held] - 1] - first[held]
        return first, span


@dataclass(frozen=True)
class Given:
    """All that a draw starts from.

    Parameters
    ----------
    units : mapping of str to Known
        By unit.
    kept : mapping of str to array of int
        Of tables that are kept as they are: the rows that histories are drawn of.
    steps : int or None
        How many more rows each history gets; as many as in the data when None.
    after : date, datetime, number or None
        Until when it is known that nothing else happened.
    notes : tuple of str
        What there is to tell.
    silences : mapping of str to Silence
        By unit: how long histories are silent that go on.
    """

    units: Mapping[str, Known] = field(default_factory=dict)
    kept: Mapping[str, Array] = field(default_factory=dict)
    steps: int | None = None
    after: Any = None
    notes: tuple[str, ...] = ()
    silences: Mapping[str, Silence] = field(default_factory=dict)

    def roots(self, model: DatabaseSynthesizer) -> tuple[str, ...]:
        """Return the roots whose rows are given."""
        return tuple(name for name in self.units if model.plan.driving(name) is None)

    def since(self, clock: Clock | None) -> float:
        """Return `after` as a position; no limit where there is none, or rows are not ordered by it."""
        if self.after is None or clock is None:
            return -np.inf
        kind = clock.column.kind
        timed = kind in {"date", "datetime"}
        if timed != isinstance(self.after, date):
            return -np.inf
        whole_day = kind == "datetime" and not isinstance(self.after, datetime)
        instant = self.after + timedelta(days=1) if whole_day else self.after
        values = pl.Series(clock.column.name, [instant])
        if clock.column.timezone is not None and values.dtype != pl.Date and values.dtype.time_zone is None:  # type: ignore[attr-defined]
            values = values.dt.replace_time_zone(clock.column.timezone)
        elif clock.column.timezone is not None and values.dtype == pl.Date:
            values = values.cast(pl.Datetime("us")).dt.replace_time_zone(clock.column.timezone)
        return float(clock.positions(values.cast(canonical_type(clock.column)))[0]) - whole_day


def read_instant(after: Any) -> Any:
    """Read a day, an instant or a number that may be a text.

    Examples
    --------
    >>> read_instant("1998-03-01"), read_instant(7), read_instant("2020-01-01T10:30")
    (datetime.date(1998, 3, 1), 7, datetime.datetime(2020, 1, 1, 10, 30))
    """
    if not isinstance(after, str):
        return after
    for read in (date.fromisoformat, datetime.fromisoformat, float):
        try:
            return read(after)
        except ValueError:
            continue
    raise OptionError(f"after is a day, an instant or a number, not {after!r}. Write it as 2024-01-31.")


def attach(frame: pl.DataFrame, columns: Sequence[pl.Series]) -> pl.DataFrame:
    """Return a frame with more columns; one that has none yet has no number of rows either.

    Examples
    --------
    >>> attach(pl.DataFrame(), [pl.Series("a", [1, 2])]).shape
    (2, 1)
    """
    return frame.with_columns(columns) if frame.width else pl.DataFrame(list(columns))
