"""Dates and times of fixed ranges: they do not hang on today's date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.field import Drawn, Field, Given
from simulacra.fields._kinds import Listed, LocalField, shuffled
from simulacra.fields._words import Words

Places = npt.NDArray[Any]

_EPOCH = date(1970, 1, 1)
_DAY = 86_400


def _days(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - _EPOCH).days


@dataclass(frozen=True)
class Moment(LocalField):
    """Whole numbers of a range, as dates, instants, times of day or years.

    Parameters
    ----------
    low, high : int
        The first and the last: days or seconds from 1970 on, seconds of a day, or years.
    """

    inputs: tuple[str, ...] = ()
    low: int = 0
    high: int = _DAY - 1

    def draw_in(self, locale: str, rows: int, rng: np.random.Generator, given: Given) -> Drawn:
        """Draw evenly."""
        return Drawn(self._write(rng.integers(self.low, self.high + 1, size=rows)))

    def room_in(self, locale: str, given: Given) -> int:
        """Count them."""
        return self.high - self.low + 1

    def number_in(self, locale: str, places: Places, rng: np.random.Generator, given: Given) -> pl.Series:
        """Shuffle them."""
        return self._write(shuffled(places, self.room_in(locale, given), rng).astype(np.int64) + self.low)

    def _write(self, numbers: Places) -> pl.Series:
        if self.kind == "date":
            return pl.Series(numbers.astype(np.int32)).cast(pl.Date)
        if self.kind == "datetime":
            return pl.Series(numbers.astype(np.int64) * 1_000_000).cast(pl.Datetime("us"))
        if self.kind == "time":
            return pl.Series(numbers.astype(np.int64) * 1_000_000_000).cast(pl.Time)
        return pl.Series(numbers.astype(np.int64))


_MONTHS = Words(("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                 "November", "December"))  # fmt: skip
_WEEKDAYS = Words(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))


def _months(locale: str) -> Words:
    return _MONTHS


def _weekdays(locale: str) -> Words:
    return _WEEKDAYS


def fields() -> list[Field]:
    """Return the fields of time."""
    first, last = _days(2000, 1, 1), _days(2025, 12, 31)
    return [
        Moment("date", "day from 2000 to 2025", kind="date", low=first, high=last),
        Moment("birthdate", "day from 1940 to 2007", kind="date", low=_days(1940, 1, 1), high=_days(2007, 12, 31)),
        Moment("time", "time of day, to the second", kind="time"),
        Moment("datetime", "instant from 2000 to 2025, to the second", kind="datetime", low=first * _DAY,
               high=(last + 1) * _DAY - 1),
        Moment("year", "year from 1950 to 2025", kind="number", integer=True, low=1950, high=2025),
        Listed("month", "name of a month, in English", (), words=_months),
        Listed("weekday", "name of a day of the week, in English", (), words=_weekdays),
    ]  # fmt: skip
