"""Calendar parts: ``month``, ``hour`` or ``weekday`` of the instant in another column, on some zone's clocks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis, Block
from simulacra.relations._measures import Measure, find_measures
from simulacra.relations._parting import CLOCK, DAYS, NUMBER, Candidate, search_parts
from simulacra.relations.orders import ends_held
from simulacra.relations.parts import DAY, PERIODS, Part, instants, is_by_day
from simulacra.relations.relation import Prediction, Range, Remains, span
from simulacra.schema.types import Column, Table

MOST_INSTANTS = 30
MOST_PARTS = 200
QUARTERS = 96
"""Quarters of an hour in a day: zones differ by whole ones."""
LONGEST = 1_000_000
"""Instants that are listed at most to see how far a part reaches."""


@dataclass(frozen=True, eq=False)
class Calendar(Prediction):
    """A column that is a part of the date or instant in another one.

    The instant is what a model draws, and the part is read from it. A model does not see the part, as days and clocks
    are told to it already.

    Parameters
    ----------
    target : str
        The axis that holds the part.
    part : Part
        Which part it is, and on whose clocks.
    measure : Measure
        How instants are read from their axes; once settled, within their ends.
    """

    kind: ClassVar[str] = "calendar"
    part: Part
    measure: Measure

    @property
    def sources(self) -> tuple[str, ...]:
        """The axes of the instant."""
        return self.measure.axes

    @property
    def is_by_day(self) -> bool:
        """Whether the part is the same for a whole day."""
        return is_by_day(self.part.name)

    def predict(self, arrays: Mapping[str, Array]) -> Array:
        """Return the part of every row's instant, NaN where there is none."""
        return self.part.positions(read_instants(self.measure.read(arrays), self.measure.steps))

    def reach(self, limits: Mapping[str, Range]) -> Range:
        """Return the smallest and largest value that instants within their ends can give."""
        clock = self._times() if self.is_by_day else self._clock(limits)
        if len(self._days()) * len(clock) > LONGEST:
            steps = self.part.steps or PERIODS.get(self.part.name, 60)
            return (0.0, steps - 1.0)
        return span(self.part.positions(read_instants(self._listed(clock).ravel(), self.measure.steps)))

    def settle(self, remains: Remains) -> Self:
        """Hold instants within the ends that they are given out in, and write the range of the part."""
        measure = self.measure if self.measure.ends is not None else given_out(self.measure, remains)
        ready = replace(self, measure=measure)
        return Prediction.settle(ready, remains)

    @property
    def _steps(self) -> int:
        return self.measure.steps or 1

    def _days(self) -> Array:
        assert self.measure.ends is not None
        low, high = np.nan_to_num(np.floor(np.array(self.measure.ends) / self._steps))
        return np.arange(low, high + 1)

    def _times(self) -> Array:
        """List times of day between which no clock of any zone starts a new day."""
        marks = np.arange(QUARTERS) * (self._steps / QUARTERS)
        return np.unique(np.append(np.ceil(marks), self._steps - 1).astype(np.int64))

    def _clock(self, limits: Mapping[str, Range]) -> Array:
        """List the times of day that may be drawn."""
        low, high = np.nan_to_num(limits[self.sources[-1]]) if self.measure.steps else (0.0, 0.0)
        return np.arange(low, high + 1)

    def _listed(self, clock: Array) -> Array:
        """List instants within the ends, a line for each day."""
        assert self.measure.ends is not None
        return np.clip(self._days()[:, None] * self._steps + clock[None, :], *self.measure.ends)

    def dump(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return {**super().dump(), "part": self.part.dump(), "measure": self.measure.dump()}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the relation from what `dump` gave."""
        part, measure = Part.restore(state["part"]), Measure.restore(state["measure"])
        return super().restore({**state, "part": part, "measure": measure})

    def __str__(self) -> str:
        return str(self.part)


def read_instants(positions: Array, steps: int) -> pl.Series:
    """Return positions, of which a day has `steps`, as instants without a zone."""
    held = ~np.isnan(positions)
    ticks = np.rint(np.where(held, positions, 0)).astype(np.int64) * (DAY // (steps or 1))
    series = pl.Series(ticks).cast(pl.Datetime("us"))
    return series if held.all() else pl.select(pl.when(pl.Series(held)).then(series)).to_series()


def given_out(measure: Measure, remains: Remains) -> Measure:
    """Return a measure that reads dates and instants within the ends that they are given out in."""
    if not measure.steps:
        return replace(measure, ends=remains.range(measure.axes[0]))
    return replace(measure, ends=remains.instants.get(measure.column) or ends_held(measure, remains))


def find_calendar(
    block: Block, *, table: Table | None = None, declared: Collection[str] = ()
) -> list[Calendar]:
    """Find columns that are calendar parts of a date or an instant.

    Parameters
    ----------
    block : Block
        Encoded rows.
    table : Table or None
        Of which kind columns are, and the zones and bounds of instants.
    declared : collection of str
        Columns whose bounds are public.

    Returns
    -------
    list of Calendar
        No target twice; parts of instants before parts of dates.

    Notes
    -----
    **Cost**: that of `search_parts` for each date and instant.
    """
    arrays = dict(zip(block.domain.names, block.columns, strict=True))
    axes = {axis.name: axis for axis in block.domain.axes}
    sources = [m for m, _ in find_measures(block, None) if m.steps or axes[m.axes[0]].calendar]
    sources = sorted(sources, key=lambda m: not m.steps)[:MOST_INSTANTS]
    if not sources:
        return []
    waiting = {axis.name: own for axis in axes.values() if (own := _candidate(axis, arrays, table))}
    waiting = dict(list(waiting.items())[:MOST_PARTS])
    found: list[Calendar] = []
    for measure in sources:
        column = table[measure.column] if table is not None else None
        zone = column.timezone if column is not None else None
        utc = read_instants(measure.read(arrays), measure.steps)
        others = {name: own for name, own in waiting.items() if name not in measure.axes}
        parts = search_parts(utc, measure.column, others, zone, days=not measure.steps)
        held = replace(measure, ends=_public_ends(measure, column, declared))
        found += [
            Calendar(name, part, held, share=share, exact=share == 1) for name, (part, share) in parts.items()
        ]
        waiting = {name: own for name, own in waiting.items() if name not in parts}
    return found


def find_parts(frame: pl.DataFrame, table: Table, column: str) -> tuple[Part, ...]:
    """Find the columns of a table that are calendar parts of one of its dates or instants in every row.

    Parameters
    ----------
    frame : DataFrame
        Canonical values.
    table : Table
        Their columns.
    column : str
        The column of dates or instants.

    Returns
    -------
    tuple of Part
        In the order of the columns; ``part.compute(values)`` gives the column again. Columns of which a value is
        missing where the instant is not, or there where it is missing, are left out.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> at = [datetime(2024, 1, 1) + timedelta(hours=n) for n in range(5_000)]
    >>> frame = pl.DataFrame({"at": at, "month": [t.month for t in at]})
    >>> columns = (Column("at", "datetime"), Column("month", "number", integer=True))
    >>> print(*find_parts(frame, Table("t", columns), "at"))
    'month' is the month of 'at'
    """
    kind = table[column].kind
    if kind not in {"date", "datetime"}:
        return ()
    utc = instants(frame[column])
    gaps = frame[column].is_null()
    candidates = {
        other.name: found
        for other in table.columns
        if other.name != column
        and (found := _candidate_values(other, frame[other.name])) is not None
        and (frame[other.name].is_null() == gaps).all()
    }
    parts = search_parts(utc, column, candidates, table[column].timezone, days=kind == "date")
    return tuple(parts[name][0] for name in candidates if name in parts and parts[name][1] == 1)


def _candidate(axis: Axis, arrays: Mapping[str, Array], table: Table | None) -> Candidate | None:
    kind = table[axis.column].kind if table is not None else "number"
    if axis.part != "value" or axis.size is not None or not axis.lattice:
        return None
    values = arrays[axis.name]
    if axis.calendar:
        return Candidate(values, DAYS)
    if kind not in {"number", "time"}:
        return None
    if axis.period:
        spelling = "time" if kind == "time" else "HHMM"
        return Candidate(values, CLOCK, axis.period, spelling) if DAY % axis.period == 0 else None
    return Candidate(values, NUMBER) if axis.unit == 1 and kind == "number" else None


def _candidate_values(column: Column, values: pl.Series) -> Candidate | None:
    if column.kind == "date":
        return Candidate(values.cast(pl.Int32).cast(pl.Float64).to_numpy(), DAYS)
    if column.kind == "time":
        seconds = values.cast(pl.Int64).cast(pl.Float64).to_numpy() / 1e9
        return Candidate(seconds, CLOCK, 86_400, "time")
    if column.kind != "number" or not column.integer:
        return None
    numbers = values.cast(pl.Float64).to_numpy()
    if column.format == "HHMM":
        return Candidate(numbers // 100 * 60 + numbers % 100, CLOCK, 1_440, "HHMM")
    return Candidate(numbers, NUMBER)


def _public_ends(measure: Measure, column: Column | None, declared: Collection[str]) -> Range | None:
    """Return the declared bounds of an instant as positions."""
    if column is None or column.bounds is None or column.name not in declared:
        return None
    ticks = instants(pl.Series(list(column.bounds))).cast(pl.Int64).to_numpy() / (DAY // (measure.steps or 1))
    return float(np.floor(ticks[0])), float(np.floor(ticks[1]))
