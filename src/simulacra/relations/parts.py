"""Calendar parts of dates and instants: year, month, day, hour, weekday, ..., as clocks in some zone show them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Array

DAY = 86_400_000_000
"""Microseconds in a day."""
TIME_OF_DAY = "time of day"
DATE = "date"

_OFFSET = re.compile(r"UTC([+-])(\d\d):(\d\d)")

Ruler = Callable[[pl.Series], pl.Series]
_BY_DAY: dict[str, Ruler] = {
    "month": lambda wall: wall.dt.month(),
    "day": lambda wall: wall.dt.day(),
    "year": lambda wall: wall.dt.year(),
    "weekday (Monday is 1)": lambda wall: wall.dt.weekday(),
    "weekday (Monday is 0)": lambda wall: wall.dt.weekday() - 1,
    "weekday (Sunday is 0)": lambda wall: wall.dt.weekday() % 7,
    "weekday (Sunday is 1)": lambda wall: wall.dt.weekday() % 7 + 1,
    "quarter": lambda wall: wall.dt.quarter(),
    "ISO week": lambda wall: wall.dt.week(),
    "day of the year": lambda wall: wall.dt.ordinal_day(),
    "ISO year": lambda wall: wall.dt.iso_year(),
    DATE: lambda wall: wall.dt.date(),
}
_BY_CLOCK: dict[str, Ruler] = {
    "hour": lambda wall: wall.dt.hour(),
    "minute": lambda wall: wall.dt.minute(),
    "second": lambda wall: wall.dt.second(),
}
RANGES: dict[str, tuple[int, int]] = {
    "month": (1, 12), "day": (1, 31), "year": (1000, 9999), "weekday (Monday is 1)": (1, 7),
    "weekday (Monday is 0)": (0, 6), "weekday (Sunday is 0)": (0, 6), "weekday (Sunday is 1)": (1, 7),
    "quarter": (1, 4), "ISO week": (1, 53), "day of the year": (1, 366), "ISO year": (1000, 9999),
    "hour": (0, 23), "minute": (0, 59), "second": (0, 59),
}  # fmt: skip
"""What each part that is a number can be."""
PERIODS = {"hour": 24, "minute": 60}
"""Parts that a change of zone moves round."""


@dataclass(frozen=True)
class Part:
    """A column that is a part of the date or instant in another one.

    Parameters
    ----------
    column : str
        The column that holds the part.
    of : str
        The column that holds the date or instant.
    name : str
        Which part.
    zone : str
        Whose clocks: empty for those of the column itself (UTC, where it has a time zone), ``"UTC-05:00"``, or the
        name of a zone.
    steps : int
        For a time of day: how many a day has.
    form : str
        For a time of day: ``"time"``, or ``"HHMM"`` for a number.

    Examples
    --------
    >>> from datetime import datetime
    >>> values = pl.Series("at", [datetime(2013, 2, 21, 1)], dtype=pl.Datetime("us", "UTC"))
    >>> part = Part("hour", "at", "hour", "America/New_York")
    >>> part.compute(values).to_list()
    [20]
    >>> print(part)
    'hour' is the hour of 'at' in America/New_York
    """

    column: str
    of: str
    name: str
    zone: str = ""
    steps: int = 0
    form: str = ""

    def __str__(self) -> str:
        where = f" in {self.zone}" if self.zone else ""
        return f"'{self.column}' is the {self.name} of '{self.of}'{where}"

    def compute(self, values: pl.Series) -> pl.Series:
        """Return the part of dates or instants as canonical values of its column.

        Parameters
        ----------
        values : Series
            Dates, or instants with or without a time zone.

        Returns
        -------
        Series
            Whole numbers, dates or times of day; null where there is no instant.

        Notes
        -----
        **Cost**: linear.
        """
        found = self.positions(instants(values))
        held = pl.Series(~np.isnan(found))
        whole = pl.Series(self.column, np.nan_to_num(found).astype(np.int64))
        if self.name == DATE:
            whole = whole.cast(pl.Int32).cast(pl.Date)
        elif self.form == "HHMM":
            whole = whole // 60 * 100 + whole % 60
        elif self.form == "time":
            whole = (whole * (DAY * 1_000 // self.steps)).cast(pl.Time)
        return pl.select(pl.when(held).then(whole)).to_series().alias(self.column)

    def positions(self, utc: pl.Series) -> Array:
        """Return the part of instants as a position on its column's lattice; NaN where there is none."""
        return read_wall(wall_clock(utc, self.zone), self.name, self.steps)

    def dump(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the part from what `dump` gave."""
        return cls(**state)


def is_by_day(name: str) -> bool:
    """Tell whether a part is the same for a whole day."""
    return name in _BY_DAY


def instants(values: pl.Series) -> pl.Series:
    """Return dates or instants as instants without a zone: those of UTC where there is one."""
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return values.cast(pl.Datetime("us"))


def wall_clock(utc: pl.Series, zone: str) -> pl.Series:
    """Return what calendars and clocks show in a zone.

    Examples
    --------
    >>> from datetime import datetime
    >>> wall_clock(pl.Series([datetime(2013, 2, 21, 1)]), "UTC-05:00").to_list()
    [datetime.datetime(2013, 2, 20, 20, 0)]
    """
    if not zone:
        return utc
    offset = _OFFSET.fullmatch(zone)
    if offset is not None:
        return _moved(utc, _minutes(offset))
    return utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)


def from_wall_clock(wall: pl.Series, zone: str) -> pl.Series:
    """Return instants from what clocks show: the first, where they show it twice.

    What no clock shows is taken for a time as long after the hour, or the day, that they leave out.

    Examples
    --------
    >>> from datetime import datetime
    >>> shown = pl.Series([datetime(2013, 3, 10, 1, 30), datetime(2013, 3, 10, 2, 30)])
    >>> [f"{at:%H:%M}" for at in from_wall_clock(shown, "America/New_York")]
    ['06:30', '07:30']
    """
    if not zone:
        return wall
    offset = _OFFSET.fullmatch(zone)
    if offset is not None:
        return _moved(wall, -_minutes(offset))
    shown = wall.alias("shown").to_frame()
    tries = [pl.col("shown"), *(pl.col("shown").dt.offset_by(later) for later in ("1h", "24h"))]
    found = pl.coalesce(
        one.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null") for one in tries
    )
    return shown.select(found.dt.convert_time_zone("UTC").dt.replace_time_zone(None)).to_series()


def _minutes(offset: re.Match[str]) -> int:
    sign, hours, minutes = offset.groups()
    return int(f"{sign}1") * (int(hours) * 60 + int(minutes))


def _moved(values: pl.Series, minutes: int) -> pl.Series:
    return (values.cast(pl.Int64) + minutes * 60_000_000).cast(pl.Datetime("us"))


def read_wall(wall: pl.Series, name: str, steps: int = 0) -> Array:
    """Read a part from what calendars and clocks show, as float64 positions."""
    if name == TIME_OF_DAY:
        read = wall.cast(pl.Int64) % DAY // (DAY // steps)
    elif name == DATE:
        read = wall.cast(pl.Date).cast(pl.Int32)
    else:
        # the narrow types of these parts do not hold what is added to them
        read = {**_BY_DAY, **_BY_CLOCK}[name](wall).cast(pl.Int64)
    return read.cast(pl.Float64).to_numpy()
