"""Values of an axis counted, and cut into exact ones and bins of enough holders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array, Axis
from simulacra.errors import DataError
from simulacra.privacy.holders import count_holders, find_ends, list_holders

COMMON = 5
"""Rows that hold a value before it counts as one of many repeated values (dates, clock times, counts)."""
DENSE = 65_025
"""Codes of an axis on which most neighbouring points of the lattice are common."""
TABLE = 16_000_000
"""Lattice points up to which values are counted and looked up in tables instead of sorted."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The values of a real axis, counted.

    Parameters
    ----------
    distinct : array of float64
        The values that occur, ascending.
    counts : array of int64
        How many rows hold each.
    gaps : int
        How many rows have none.
    pairs : (array, array) or None
        The place of each value with each owner of a row that holds it, in the order of places; None where every row is
        a holder.
    """

    distinct: Array
    counts: Array
    gaps: int = 0
    pairs: tuple[Array, Array] | None = None

    @property
    def holders(self) -> Array:
        """How many holders each value has."""
        return self.counts if self.pairs is None else np.bincount(self.pairs[0], minlength=len(self.distinct))

    def moved(self, values: Array, places: Array) -> Tally:
        """Return the values of these places under other names, which ascend."""
        pairs = self.pairs
        if pairs is not None:
            new = np.full(len(self.distinct), -1)
            new[places] = np.arange(len(places))
            at = new[pairs[0]]
            order = np.flatnonzero(at >= 0)
            if (np.diff(places) < 0).any():
                order = order[np.argsort(at[order], kind="stable")]
            pairs = at[order], pairs[1][order]
        return Tally(values, self.counts[places], self.gaps, pairs)

    def between(self, first: int, stop: int) -> Tally:
        """Return the values of a run of places."""
        pairs = self.pairs
        if pairs is not None:
            a, b = np.searchsorted(pairs[0], (first, stop))
            pairs = pairs[0][a:b] - first, pairs[1][a:b]
        return Tally(self.distinct[first:stop], self.counts[first:stop], self.gaps, pairs)


def count_values(axis: Axis, values: Array, owners: Array | None = None) -> Tally:
    """Count the values of a real axis.

    Parameters
    ----------
    axis : Axis
        The axis.
    values : array
        Its values, shape (rows,).
    owners : array of int or None
        Whose row each is: these are the holders then, and values beyond the k-th of them from an end count as that one.

    Returns
    -------
    Tally
        The values and their holders.

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
    if owners is None or axis.holders <= 1:
        return Tally(*_count(axis, held, ends), gaps)
    whose = owners[~nan] if gaps else owners
    inner = find_ends(held, axis.holders, whose)
    if inner is None:
        # so few hold any that none may be known
        return Tally(np.empty(0), np.empty(0, np.int64), gaps)
    held = np.clip(held, *inner)
    distinct, counts = _count(axis, held, inner)
    return Tally(distinct, counts, gaps, list_holders(_locate(axis, held, distinct), whose))


def _count(axis: Axis, held: Array, ends: tuple[float, float]) -> tuple[Array, Array]:
    """Return the values that occur, and how many rows hold each: in a table where they lie close."""
    if axis.lattice and len(held) and ends[1] - ends[0] < min(TABLE, 64 * len(held) + 1000):
        counts = np.bincount((held - ends[0]).astype(np.int32))
        present = np.flatnonzero(counts)
        return present + ends[0], counts[present]
    ordered = np.sort(held.astype(np.float64, copy=False))
    starts = (
        np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(held) else np.empty(0, np.int64)
    )
    return ordered[starts], np.diff(np.append(starts, len(held)))


def _locate(axis: Axis, held: Array, distinct: Array) -> Array:
    """Return the place of each value among those that occur."""
    if not axis.lattice or distinct[-1] - distinct[0] >= min(TABLE, 64 * len(held) + 1000):
        return np.searchsorted(distinct, held)
    table = np.zeros(int(distinct[-1] - distinct[0]) + 1, np.int64)
    table[(distinct - distinct[0]).astype(np.int64)] = np.arange(len(distinct))
    return table[(held - distinct[0]).astype(np.int64)]


def room_for(axis: Axis, tally: Tally, max_codes: int, max_exact: int) -> int:
    """Allow more codes where most rows hold values that repeat.

    Parameters
    ----------
    axis : Axis
        The axis.
    tally : Tally
        Its values.
    max_codes, max_exact : int
        How many codes there may be, and how many if values repeat.

    Returns
    -------
    int
        One of the two; or `DENSE` where more values repeat than that, and they are neighbours on a lattice: a bin of
        them loses little.
    """
    distinct, counts = tally.distinct, tally.counts
    common = (counts >= max(axis.holders, COMMON)) & (tally.holders >= axis.holders)
    many = int(common.sum())
    if many <= max_codes or max_exact <= max_codes or 2 * counts[common].sum() <= counts.sum():
        return max_codes
    neighbours = axis.lattice and many > DENSE and np.median(np.diff(distinct[common])) == 1
    return min(DENSE, max_exact) if neighbours else max_exact


def cut_bins(tally: Tally, holders: int, room: int) -> tuple[Array, Array]:
    """Cut the values of an axis into exact ones and bins.

    Parameters
    ----------
    tally : Tally
        The values that occur.
    holders : int
        Holders that an exact value or a bin has at least.
    room : int
        How many codes there may be.

    Returns
    -------
    low, high : array of float64
        Smallest and largest value of each code, in order.
    """
    distinct, counts, held = tally.distinct, tally.counts, tally.holders
    single = held >= holders
    least = holders
    if single.sum() + counts[~single].sum() / holders > room:
        least = max(int(np.ceil(counts.sum() / max(room, 1))), holders)
        single &= counts >= least
    rest = np.flatnonzero(~single)
    alone = not single.any()
    starts = _merge(counts[rest], least, holders, alone)
    if tally.pairs is not None and starts:
        starts = _widen(starts, tally.moved(distinct[rest], rest), holders, alone)
    stops = [*starts[1:], len(rest)] if starts else []
    edges = [_edges(distinct, held, rest[a], rest[b - 1], holders) for a, b in zip(starts, stops)]
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


def _widen(starts: list[int], tally: Tally, holders: int, alone: bool) -> list[int]:
    """Join bins of many rows and too few owners to their neighbours."""
    assert tally.pairs is not None
    places, owners = tally.pairs
    begin = np.array(starts)
    while True:
        few = count_holders(np.searchsorted(begin, places, side="right") - 1, len(begin), owners) < holders
        if not few.any():
            return begin.tolist()
        if len(begin) == 1:
            return [0] if alone else []
        # of neighbours that lack owners every other one takes the next bin in, so that none grows more than it must
        run = np.arange(len(few)) - np.maximum.accumulate(np.where(few, -1, np.arange(len(few))))
        into = np.flatnonzero(few & (run % 2 == 1))
        begin = np.delete(begin, np.where(into + 1 < len(begin), into + 1, into))


def _edges(distinct: Array, counts: Array, first: int, last: int, holders: int) -> tuple[float, float]:
    """Put the edges of a bin beside its outermost values, so that neither is given away; counts are of holders."""
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
