"""Moments of a period, more of them at busy hours, on busy days and in busy months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import SchemaError, unknown
from simulacra.rule import Rows, Rule
from simulacra.rules.moments import DAY, PRECISIONS, from_micros, read_moment, to_micros
from simulacra.rules.reading import as_mapping, evaluate, kind_of, names_in, require_word
from simulacra.schema.types import Table

_OPTIONS = ("from", "to", "hours", "weekdays", "months", "growth", "rising", "precision")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = {
    **{str(i + 1): i for i in range(12)},
    **{
        name: i
        for i, name in enumerate(
            ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
        )
    },
}
_HOUR = PRECISIONS["hour"]


@dataclass(frozen=True)
class Timetable(Rule):
    """Moments between ``from`` and ``to``, by weights of the hours, weekdays and months, and a growth per year.

    Rows of a table of its own follow each other in time; rows that belong to a parent do so within each parent, and
    ``from`` or ``to`` may be a column of it. ``rising: false`` leaves them in any order.

    Examples
    --------
    >>> rule = Timetable.read({"timetable": {"from": "2024-01-01", "to": "2024-12-31", "weekdays": {"sun": 0}}}, "here")
    >>> rule.needs()
    ()
    """

    word: ClassVar[str] = "timetable"
    example: ClassVar[str] = (
        "{timetable: {from: 2024-01-01, to: 2024-12-31, hours: {9-17: 3}, weekdays: {sun: 0.2}}}"
    )
    start: int | str
    end: int | str
    hours: tuple[float, ...]
    weekdays: tuple[float, ...]
    months: tuple[float, ...]
    growth: float
    rising: bool
    precision: str
    place: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Timetable:
        """Read ``{timetable: {from:, to:, hours:, weekdays:, months:, growth:, rising:, precision:}}``."""
        given = as_mapping(
            require_word(content, "timetable", (), place), "timetable", _OPTIONS, place, cls.example
        )
        ends: list[int | str] = []
        for name in ("from", "to"):
            value = given.get(name)
            if value is None:
                raise SchemaError(f"{place}: a timetable needs {name!r}, as in {cls.example}.")
            moment = read_moment(value)
            if moment is None:
                names_in(str(value), place)
            ends.append(
                str(value)
                if moment is None
                else moment[1] + (DAY if name == "to" and moment[0] == "date" else 0)
            )
        fixed = [end for end in ends if isinstance(end, int)]
        if len(fixed) == 2 and fixed[0] >= fixed[1]:
            raise SchemaError(f"{place}: the timetable ends before it begins. Swap from and to.")
        precision = given.get("precision", "second")
        if precision not in PRECISIONS:
            raise SchemaError(f"{place}: {unknown('precision', str(precision), list(PRECISIONS))}")
        growth = given.get("growth", 0)
        if isinstance(growth, bool) or not isinstance(growth, (int, float)) or growth <= -1:
            raise SchemaError(f"{place}: growth is a share per year, such as 0.2, not {growth!r}.")
        return cls(
            ends[0], ends[1], _weights(given.get("hours"), 24, {str(i): i for i in range(24)}, f"{place}, hours"),
            _weights(given.get("weekdays"), 7, {name: i for i, name in enumerate(_WEEKDAYS)}, f"{place}, weekdays"),
            _weights(given.get("months"), 12, _MONTHS, f"{place}, months"),
            float(growth), bool(given.get("rising", True)), precision, place,
        )  # fmt: skip

    @property
    def _computed(self) -> tuple[str, ...]:
        return tuple(end for end in (self.start, self.end) if isinstance(end, str))

    def needs(self) -> tuple[str, ...]:
        """The columns that from and to name."""
        return tuple(dict.fromkeys(name for sql in self._computed for name in names_in(sql, self.place)))

    def facts(self, table: Table) -> dict[str, Any]:
        """A datetime, or a date if days are precise enough."""
        for sql in self._computed:
            kind = kind_of(sql, table, self.place)
            if kind not in {"date", "datetime"}:
                raise SchemaError(
                    f"{self.place}: {sql!r} is a {kind}. A timetable goes from a date to a date."
                )
        nullable = any(table[name].nullable for name in self.needs())
        facts = {"kind": "date" if self.precision == "day" else "datetime"}
        return {**facts, "nullable": True} if nullable else facts

    def draw(self, rows: Rows) -> pl.Series:
        """Draw moments by the inverse of the cumulated weights."""
        start, end = (self._end(value, rows, late) for value, late in ((self.start, False), (self.end, True)))
        u = rows.rng.random(rows.count)
        if self.rising and rows.histories is None:
            u += rows.numbers
            u /= max(rows.total, 1)
        missing = np.isnan(start) | np.isnan(end)
        first, last = np.nanmin(start, initial=np.inf), np.nanmax(end, initial=-np.inf)
        if missing.all():
            return pl.repeat(None, rows.count, dtype=pl.Datetime("us"), eager=True)
        clock = _clock(
            int(min(first, last)), int(max(first, last)), self.hours, self.weekdays, self.months, self.growth
        )
        low, high = clock.passed(start), clock.passed(np.maximum(end, start))
        moments = clock.moments(low + u * (high - low))
        # rounding must not lead out of the period
        moments = np.clip(moments, start, np.maximum(end - 1, start))
        if self.rising and rows.histories is not None:
            moments = moments[np.lexsort((moments, rows.histories.owners))]
        moments = np.where(missing, np.nan, moments) if missing.any() else moments
        return from_micros(moments, self.facts(rows.table)["kind"], self.precision)

    def _end(self, value: int | str, rows: Rows, late: bool) -> npt.NDArray[np.float64]:
        if not isinstance(value, str):
            return np.full(1, float(value))
        column = evaluate(value, rows)
        return to_micros(column) + (DAY if late and column.dtype == pl.Date else 0)


@dataclass(frozen=True)
class Clock:
    """How much of the weight of a period has passed at each moment, hour by hour."""

    start: int
    cumulated: npt.NDArray[np.float64]

    def passed(self, moments: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Give the weight that has passed at each moment."""
        hours = (moments - self.start) / _HOUR
        return np.interp(hours, np.arange(len(self.cumulated)), self.cumulated)

    def moments(self, passed: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Give the moments at which so much weight has passed."""
        last = len(self.cumulated) - 1
        hour = np.clip(np.searchsorted(self.cumulated, passed, side="right") - 1, 0, last - 1)
        width = self.cumulated[hour + 1] - self.cumulated[hour]
        inside = np.divide(passed - self.cumulated[hour], width, out=np.zeros_like(passed), where=width > 0)
        return self.start + (hour + np.clip(inside, 0, 1)) * _HOUR


@lru_cache(maxsize=64)
def _clock(
    first: int,
    last: int,
    hours: tuple[float, ...],
    weekdays: tuple[float, ...],
    months: tuple[float, ...],
    growth: float,
) -> Clock:
    start = first // _HOUR * _HOUR
    count = max(-(-(last - start) // _HOUR), 1)
    if count > 24 * 366 * 500:
        raise SchemaError("a timetable spans at most 500 years. Shorten it.")
    zero = datetime(1970, 1, 1) + timedelta(microseconds=start)
    at = pl.datetime_range(zero, zero + timedelta(hours=count - 1), "1h", eager=True)
    weights = (
        np.asarray(hours)[at.dt.hour().to_numpy()]
        * np.asarray(weekdays)[at.dt.weekday().to_numpy() - 1]
        * np.asarray(months)[at.dt.month().to_numpy() - 1]
        * (1 + growth) ** (np.arange(count) / (24 * 365.25))
    )
    return Clock(start, np.concatenate([[0.0], np.cumsum(weights)]))


def _weights(given: Any, size: int, names: Mapping[str, int], place: str) -> tuple[float, ...]:
    """Read weights as a list of all, or by name where they are not 1; a range such as 9-17 names several."""
    if given is None:
        return (1.0,) * size
    if isinstance(given, (list, tuple)):
        weights = list(given)
    elif isinstance(given, Mapping):
        weights = [1.0] * size
        for name, weight in given.items():
            for place_ in _named(str(name).lower(), names, size, place):
                weights[place_] = weight
    else:
        raise SchemaError(f"{place}: expected {size} weights, or weights by name, not {given!r}.")
    if len(weights) != size or not all(
        isinstance(w, (int, float)) and not isinstance(w, bool) and w >= 0 for w in weights
    ):
        raise SchemaError(f"{place}: expected {size} weights of 0 or more.")
    if not sum(weights) > 0:
        raise SchemaError(f"{place}: all weights are 0. Make one of them larger.")
    return tuple(float(weight) for weight in weights)


def _named(name: str, names: Mapping[str, int], size: int, place: str) -> list[int]:
    """List what a name or a range of them means; 22-5 goes on after midnight."""
    low, _, high = name.partition("-")
    for word in (low, high or low):
        if word[:3] not in names and word not in names:
            raise SchemaError(f"{place}: {unknown('name', word, list(names))}")
    first, last = (names.get(word, names.get(word[:3], 0)) for word in (low, high or low))
    return [hour % size for hour in range(first, last + 1 + (size if first > last else 0))]
