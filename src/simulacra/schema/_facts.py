"""What numbers have in common: their digits, their step, a clock, a code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

MAX_DECIMALS = 12
_MIN_DISTINCT_STEP = 20
_MIN_DISTINCT_CLOCK = 50
_MIN_HOURS = 4
MAX_LEVELS = 100_000


def count_decimals(values: npt.NDArray[np.float64]) -> int | None:
    """Count the digits after the point, or return None if there are more than 12 or than a float can tell.

    Examples
    --------
    >>> count_decimals(np.array([1.5, 2.25]))
    2
    """
    rest = values
    top = float(np.abs(values).max(initial=0.0))
    for digits in range(MAX_DECIMALS + 1):
        # beyond 15 significant digits every float looks like a short decimal
        if top * 10.0**digits >= 1e15:
            return None
        rest = rest[np.round(rest, digits) != rest]
        if not len(rest):
            return digits
    return None


def find_step(values: npt.NDArray[np.int64]) -> float | None:
    """Find the largest number above 1 that divides all values, if enough differ to be sure."""
    if len(values) < _MIN_DISTINCT_STEP:
        return None
    step = int(np.gcd.reduce(values))
    return float(step) if step > 1 else None


def is_clock(values: npt.NDArray[np.int64]) -> bool:
    """Tell whether whole numbers are clock times written as HHMM.

    Such lie from 0 to 2400 and never have 60 to 99 as their last two digits. A number that is no clock
    time has its last two digits below 60 six times in ten, so 50 different values that all do, over several
    hours, leave no doubt.
    """
    if len(values) < _MIN_DISTINCT_CLOCK or values.min() < 0 or values.max() > 2400:
        return False
    if (values % 100 >= 60).any():
        return False
    return (
        len(values[values >= 100]) >= _MIN_DISTINCT_CLOCK // 2 and len(np.unique(values // 100)) >= _MIN_HOURS
    )


def are_codes(values: npt.NDArray[np.int64], total: int) -> bool:
    """Tell whether whole numbers are codes such as 94105: of one length, far apart, and few for the rows."""
    if len(values) < 3 or values.min() < 10_000 or len(values) * 50 > total:
        return False
    same_length = len(str(values.min())) == len(str(values.max()))
    apart = int(values.max()) - int(values.min()) >= 10 * len(values)
    return same_length and apart and int(np.gcd.reduce(values)) == 1


def repeat(counts: pl.Series) -> bool:
    """Tell whether values repeat enough to be the levels of a category.

    Parameters
    ----------
    counts : Series
        In how many rows each value stands.
    """
    total, distinct = int(counts.sum()), len(counts)
    if distinct > MAX_LEVELS:
        return False
    held = int(counts.filter(counts >= 10).sum())
    return distinct <= max(20, 0.02 * total) or 2 * held >= total


def show(value: Any) -> str:
    """Write a number for people."""
    if isinstance(value, int):
        return str(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
