"""Dates, times and durations as whole numbers that distributions can be of, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import SchemaError
from simulacra.schema._fields import load_bound

DAY = 86_400_000_000
"""Microseconds of a day."""
PRECISIONS = {"day": DAY, "hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000, "millisecond": 1_000,
              "microsecond": 1}  # fmt: skip
"""What moments can be rounded down to, in microseconds."""
KINDS = ("date", "datetime", "time", "duration")


def read_moment(text: Any) -> tuple[str, int] | None:
    """Read a date, a datetime, a time or a duration in ISO 8601: its kind and its microseconds; None if it is none.

    Examples
    --------
    >>> read_moment("1970-01-02"), read_moment("PT1S"), read_moment("price")
    (('date', 86400000000), ('duration', 1000000), None)
    """
    if isinstance(text, (date, time, timedelta)):
        return kind_of_moment(text), micros(text)
    if not isinstance(text, str) or (not text[:1].isdigit() and not text.startswith(("P", "-P"))):
        return None
    for kind in KINDS:
        try:
            value = load_bound(text, {"kind": kind}, "")
        except SchemaError:
            continue
        return kind, micros(value)
    return None


def kind_of_moment(value: date | time | timedelta) -> str:
    """Name the kind of column that a moment belongs to."""
    if isinstance(value, datetime):
        return "datetime"
    return "date" if isinstance(value, date) else "time" if isinstance(value, time) else "duration"


def micros(value: date | time | timedelta) -> int:
    """Count the microseconds of a moment: since 1970, since midnight, or of a duration."""
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    if isinstance(value, time):
        return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    return (value - date(1970, 1, 1)).days * DAY


def to_micros(column: pl.Series) -> npt.NDArray[np.float64]:
    """Turn a column of moments into microseconds; missing is NaN. Numbers stay as they are."""
    factor = DAY if column.dtype == pl.Date else 1
    if column.dtype == pl.Time:
        return np.asarray(column.to_physical().cast(pl.Float64).to_numpy() / 1_000)
    return np.asarray(column.to_physical().cast(pl.Float64).to_numpy() * factor)


def from_micros(numbers: npt.NDArray[Any], kind: str, precision: str = "second") -> pl.Series:
    """Turn microseconds into a column of moments, rounded down; NaN is missing."""
    missing = np.isnan(numbers) if numbers.dtype.kind == "f" else None
    missing = None if missing is None or not missing.any() else missing
    clean = numbers if missing is None else np.nan_to_num(numbers)
    step = DAY if kind == "date" else PRECISIONS[precision]
    whole = np.floor_divide(clean.astype(np.int64), step)
    if kind == "date":
        out = pl.Series(whole.astype(np.int32)).cast(pl.Date)
    elif kind == "time":
        out = pl.Series(np.mod(whole * step, DAY) * 1_000).cast(pl.Time)
    else:
        out = pl.Series(whole * step).cast(pl.Datetime("us") if kind == "datetime" else pl.Duration("us"))
    return out if missing is None else out.set(pl.Series(missing), None)


def widest(kinds: Sequence[str]) -> str:
    """Choose the kind that several moments together are of."""
    return "datetime" if "datetime" in kinds else kinds[0]
