"""Values of an axis counted, and cut into exact ones and bins of enough rows."""

from __future__ import annotations

import numpy as np

from simulacra.domain import Array, Axis
from simulacra.errors import DataError

COMMON = 5
"""Rows that hold a value before it counts as one of many repeated values (dates, clock times, counts)."""
DENSE = 65_025
"""Codes of an axis on which most neighbouring points of the lattice are common."""
TABLE = 16_000_000
"""Lattice points up to which values are counted and looked up in tables instead of sorted."""


def count_values(axis: Axis, values: Array) -> tuple[Array, Array, int]:
    """Count the values of a real axis.

    Parameters
    ----------
    axis : Axis
        The axis.
    values : array
        Its values, shape (rows,).

    Returns
    -------
    distinct : array of float64
        The values that occur, ascending.
    counts : array of int64
        How many rows hold each.
    gaps : int
        How many rows have none.

    Raises
    ------
    DataError
        The axis holds infinite values, or NaN though it has no missing values.
    """
    nan = np.isnan(values)
    gaps = int(nan.sum())
    if gaps and not axis.missing:
        raise DataError(
            f"axis {axis.name!r}: {gaps:,} values are NaN, but none may be missing. Declare the column nullable."
        )
    held = values[~nan] if gaps else values
    ends = (float(held.min()), float(held.max())) if len(held) else (0.0, 0.0)
    if not np.isfinite(ends).all():
        raise DataError(f"axis {axis.name!r} holds infinite values. Replace them by missing ones.")
    if axis.lattice and len(held) and ends[1] - ends[0] < min(TABLE, 64 * len(held) + 1000):
        counts = np.bincount((held - ends[0]).astype(np.int32))
        present = np.flatnonzero(counts)
        return present + ends[0], counts[present], gaps
    ordered = np.sort(held.astype(np.float64, copy=False))
    starts = (
        np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(held) else np.empty(0, np.int64)
    )
    return ordered[starts], np.diff(np.append(starts, len(held))), gaps


def room_for(axis: Axis, distinct: Array, counts: Array, max_codes: int, max_exact: int) -> int:
    """Allow more codes where most rows hold values that repeat.

    Parameters
    ----------
    axis : Axis
        The axis.
    distinct, counts : array
        The values that occur, ascending, and how many rows hold each.
    max_codes, max_exact : int
        How many codes there may be, and how many if values repeat.

    Returns
    -------
    int
        One of the two; or `DENSE` where more values repeat than that, and they are neighbours on a lattice: a bin of
        them loses little.
    """
    common = counts >= max(axis.holders, COMMON)
    many = int(common.sum())
    if many <= max_codes or max_exact <= max_codes or 2 * counts[common].sum() <= counts.sum():
        return max_codes
    neighbours = axis.lattice and many > DENSE and np.median(np.diff(distinct[common])) == 1
    return min(DENSE, max_exact) if neighbours else max_exact


def cut_bins(distinct: Array, counts: Array, holders: int, room: int) -> tuple[Array, Array]:
    """Cut the values of an axis into exact ones and bins.

    Parameters
    ----------
    distinct, counts : array
        The values that occur, ascending, and how many rows hold each.
    holders : int
        Rows that an exact value or a bin has at least.
    room : int
        How many codes there may be.

    Returns
    -------
    low, high : array of float64
        Smallest and largest value of each code, in order.
    """
    single = counts >= holders
    least = holders
    if single.sum() + counts[~single].sum() / holders > room:
        least = max(int(np.ceil(counts.sum() / max(room, 1))), holders)
        single = counts >= least
    rest = np.flatnonzero(~single)
    starts = _merge(counts[rest], least, holders, alone=not single.any())
    stops = [*starts[1:], len(rest)] if starts else []
    edges = [_edges(distinct, counts, rest[a], rest[b - 1], holders) for a, b in zip(starts, stops)]
    low = np.concatenate([distinct[single], [edge[0] for edge in edges]])
    high = np.concatenate([distinct[single], [edge[1] for edge in edges]])
    order = np.argsort(low + high, kind="stable")
    return low[order], high[order]


def _merge(counts: Array, least: int, holders: int, alone: bool) -> list[int]:
    """Return where each bin starts: each holds `least` rows, the last one what is left over as well."""
    total = np.cumsum(counts)
    if not len(total) or (total[-1] < holders and not alone):
        return []
    starts = [0]
    while True:
        before = total[starts[-1] - 1] if starts[-1] else 0
        stop = int(np.searchsorted(total, before + least)) + 1
        if stop >= len(total) or total[-1] - total[stop - 1] < least:
            return starts
        starts.append(stop)


def _edges(distinct: Array, counts: Array, first: int, last: int, holders: int) -> tuple[float, float]:
    """Put the edges of a bin beside its outermost values, so that neither is given away."""
    low, high = float(distinct[first]), float(distinct[last])
    if first == last:
        if counts[first] >= holders:
            return low, high
        # One value, and too few rows hold it: only its magnitude may be known.
        unit = 10.0 ** np.floor(np.log10(abs(low))) if low else 1.0
        return float((np.floor(low / unit) - 0.5) * unit), float((np.floor(low / unit) + 1.5) * unit)
    reach = (high - low) / (last - first) / 2
    if first:
        low -= min(reach, (low - distinct[first - 1]) / 2)
    elif counts[0] < holders:
        low = (low + float(distinct[1])) / 2
    if last + 1 < len(distinct):
        high += min(reach, (distinct[last + 1] - high) / 2)
    elif counts[-1] < holders:
        high = (high + float(distinct[-2])) / 2
    return float(low), float(high)
