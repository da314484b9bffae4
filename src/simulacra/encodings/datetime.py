"""Dates with a time: the day's number, and ticks since midnight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis, Support, join_runs
from simulacra.encoding import Encoding, Limits
from simulacra.encodings._real import LISTABLE, common_unit
from simulacra.privacy.holders import find_ends
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column

DAY = 86_400_000_000
"""Microseconds in a day."""
_QUARTER = DAY // 96
"""Microseconds in the largest part of a day by which time zones differ in whole numbers."""


@dataclass(frozen=True)
class Datetime(Encoding):
    """An instant as two axes: the day, and the time of day as a count of its common unit.

    Full hours stay full hours. With a time zone, day and clock are those of UTC, so that every instant has exactly
    one code, also when clocks are put back.

    Examples
    --------
    >>> from datetime import datetime
    >>> values = pl.Series("t", [datetime(1970, 1, 2, 6), datetime(1970, 1, 1, 9)], dtype=pl.Datetime("us"))
    >>> [a.tolist() for a in Datetime.fit(values, Column("t", "datetime")).encode(values)]
    [[1.0, 0.0], [2.0, 3.0]]
    """

    column: Column
    unit: int
    missing: bool
    days: tuple[float, float]
    clock: tuple[float, float]
    ends: tuple[int, int]
    holders: int = 1

    @classmethod
    def fit(cls, values: pl.Series, column: Column, *, holders: int = 1, owners: Array | None = None) -> Self:
        """Find the common unit of the clock times, and the ranges of both parts."""
        missing = column.nullable or values.null_count() > 0
        ticks = values.drop_nulls().cast(pl.Int64).to_numpy()
        if column.declared and column.bounds is not None:
            ends = pl.Series(list(column.bounds)).cast(values.dtype).cast(pl.Int64).to_numpy()
            unit = common_unit(np.append(np.mod(ticks, DAY), DAY))
            days = (float(ends[0] // DAY), float(ends[1] // DAY))
            return cls(
                column, unit, missing, days, (0.0, DAY / unit - 1), (int(ends[0]), int(ends[1])), holders
            )
        if not len(ticks):
            return cls(column, DAY, missing, (0.0, 0.0), (0.0, 0.0), (0, 0), holders)
        day, clock = np.floor_divide(ticks, DAY), np.mod(ticks, DAY)
        unit = common_unit(np.append(clock, DAY))
        days, spread = (
            (float(day.min()), float(day.max())),
            (float(clock.min() / unit), float(clock.max() / unit)),
        )
        # day and clock are protected apart, so the instants themselves are held to the k-th from each end here
        whose = None if owners is None else owners[values.is_not_null().to_numpy()]
        low, high = find_ends(ticks, min(holders, len(ticks)), whose) or (0, 0)
        return cls(column, unit, missing, days, spread, (int(low), int(high)), holders)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The day and the clock, both on a lattice."""
        name = self.column.name
        return tuple(
            Axis(
                f"{name}.{part}", name, part, ordered=True, lattice=True, missing=self.missing, holders=self.holders,
                period=DAY // self.unit if part == "clock" else None, calendar=part == "day",
            )
            for part in ("day", "clock")
        )  # fmt: skip

    def encode(self, values: pl.Series) -> tuple[Array, ...]:
        """Split instants into day and clock, NaN in both where missing."""
        held = values.is_not_null().to_numpy()
        ticks = values.drop_nulls().cast(pl.Int64).to_numpy()
        day, clock = np.full(len(values), np.nan), np.full(len(values), np.nan)
        day[held] = np.floor_divide(ticks, DAY)
        clock[held] = np.mod(ticks, DAY) / self.unit
        return (day, clock)

    def decode(self, arrays: tuple[Array, ...], *, rng: np.random.Generator, start: int = 0) -> pl.Series:
        """Put day and clock together; null where either is missing."""
        day, clock = (np.asarray(a, dtype=np.float64) for a in arrays)
        held = ~(np.isnan(day) | np.isnan(clock))
        whole = np.rint(np.clip(np.where(held, day, 0), *self.days)).astype(np.int64) * DAY
        ticks = whole + np.rint(np.clip(np.where(held, clock, 0), *self.clock)).astype(np.int64) * self.unit
        values = self._instants(np.clip(ticks, *self.ends))
        return values if held.all() else values.set(pl.Series(~held), None)

    def _instants(self, ticks: Array) -> pl.Series:
        utc = pl.Series(self.column.name, ticks).cast(pl.Datetime("us"))
        if self.column.timezone is None:
            return utc
        return utc.dt.replace_time_zone("UTC").dt.convert_time_zone(self.column.timezone)

    def narrow(self, kept: dict[str, Array], limits: dict[str, tuple[float, float]]) -> Self:
        """Take the limits that protection left as the new ranges."""
        days, clock = limits.get("day", self.days), limits.get("clock", self.clock)
        if np.isnan(days[0]):
            column = replace(self.column, bounds=None, nullable=True)
            return replace(self, column=column, missing=True, days=(0.0, 0.0), clock=(0.0, 0.0), ends=(0, 0))
        column, ends = self.column, self.ends
        if "instant" in limits:
            ends = (int(limits["instant"][0]) * self.unit, int(limits["instant"][1]) * self.unit)
        if column.bounds is not None and not column.declared:
            low, high = self._instants(np.array(ends)).to_list()
            column = replace(column, bounds=(low, high))
        return replace(self, column=column, days=days, clock=clock, ends=ends)

    def candidates(self, literals: Sequence[Any] = ()) -> pl.Series | None:
        """List every day with every clock time when that is short, else a grid of both."""
        days = np.arange(self.days[0], self.days[1] + 1)
        clock = np.arange(self.clock[0], self.clock[1] + 1)
        if len(days) * len(clock) > LISTABLE:
            clock = np.linspace(self.clock[0], self.clock[1], max(LISTABLE // len(days), 2)).round()
        ticks = (days[:, None] * DAY + clock[None, :] * self.unit).ravel().astype(np.int64)
        values = self._instants(np.clip(ticks, *self.ends))
        return values.extend_constant(None, 1) if self.missing else values

    def restrict(self, term: Predicate, *, unknown: bool = False) -> Limits:
        """Find the days, and the times of day, of the instants that satisfy the condition.

        Truth must be the same from one of the tried times of day to the next: those of constants, and each quarter
        of an hour. Conditions that look at minutes or reckon leave both axes as they are.
        """
        days, clock = np.arange(self.days[0], self.days[1] + 1), self._times(term)
        if len(days) * len(clock) > 2 * LISTABLE:
            return Limits()
        ticks = (days[:, None] * DAY + clock[None, :] * self.unit).ravel().astype(np.int64)
        values = self._instants(np.clip(ticks, *self.ends)).extend_constant(None, 1)
        found = term.evaluate(values.to_frame()).fill_null(unknown).to_numpy()
        fits, missing = found[:-1].reshape(len(days), len(clock)), bool(found[-1]) and self.missing
        by_day, by_clock = np.any(fits, axis=1), np.any(fits, axis=0)
        name = self.column.name
        supports = {
            f"{name}.{part}": Support(ranges=join_runs(points, held, lattice=True), missing=missing)
            for part, points, held in (("day", days, by_day), ("clock", clock, by_clock))
        }
        return Limits(supports, exact=bool((fits == np.outer(by_day, by_clock)).all()))

    def _times(self, term: Predicate) -> Array:
        """List the times of day between which a condition can not change: all where they are few, or any may matter."""
        all_times = np.arange(self.clock[0], self.clock[1] + 1)
        if len(all_times) <= 96 or not term.goes_by_hours():
            return all_times
        marks = np.arange(0, DAY, _QUARTER)
        offsets = np.unique([0, *(tick % _QUARTER for tick in term.clock_times())])
        points = (marks[:, None] + offsets[None, :]).ravel() / self.unit
        near = np.concatenate([np.floor(points) + step for step in (-1, 0, 1)])
        return np.unique(np.clip(np.append(near, [self.clock[0], self.clock[1]]), *self.clock))

    def dump(self) -> dict[str, Any]:
        """Return unit, ranges and flags."""
        return {
            "unit": self.unit, "missing": self.missing, "holders": self.holders, "days": list(self.days),
            "clock": list(self.clock), "ends": list(self.ends),
        }  # fmt: skip

    @classmethod
    def restore(cls, state: dict[str, Any], column: Column) -> Self:
        """Make the encoding from what `dump` gave."""
        days, clock, ends = (tuple(state[name]) for name in ("days", "clock", "ends"))
        return cls(
            column, int(state["unit"]), bool(state["missing"]), days, clock, ends, int(state["holders"])
        )
