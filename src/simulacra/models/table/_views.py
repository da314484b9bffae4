"""Discrete views of axes: every value becomes a code, and a code knows what values it may give back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, Axis, code_dtype
from simulacra.errors import DataError

COMMON = 5
"""Rows that hold a value before it counts as one of many repeated values (dates, clock times, counts)."""
_REDRAWS = 8


@dataclass(frozen=True, slots=True)
class View:
    """The codes of one axis.

    A coded axis keeps its codes. On a real axis a code is either one exact value or a bin, from which
    values are drawn uniformly; a bin may lie around exact values of other codes and then leaves them out.

    Parameters
    ----------
    axis : Axis
        The axis.
    low, high : array
        Smallest and largest value of each code, ascending; equal for an exact code. Empty for coded axes.
    missing : bool
        Whether code 0 stands for "no value".

    Notes
    -----
    **Privacy.** An exact code is held by at least `axis.holders` rows. The edges of a bin lie between
    values of the data, so no value that is held by fewer rows stands in the view.

    Examples
    --------
    >>> view = View.fit(Axis("age", "age", lattice=True), np.array([1.0, 1.0, 2.0, 5.0]), max_codes=255)
    >>> view.encode(np.array([5.0, 1.0])).tolist()
    [2, 0]
    """

    axis: Axis
    low: Array
    high: Array
    missing: bool = False

    @classmethod
    def fit(cls, axis: Axis, values: Array, *, max_codes: int, max_exact: int = 0) -> Self:
        """Learn the codes of an axis.

        Parameters
        ----------
        axis : Axis
            The axis.
        values : array
            Its values, shape (rows,).
        max_codes : int
            Largest number of codes of a real axis.
        max_exact : int
            When more than `max_codes` values are each held by `COMMON` rows and by `axis.holders`, and
            together by most rows, then this many codes are allowed.

        Returns
        -------
        View
            The view.

        Raises
        ------
        DataError
            A real axis holds infinite values, or NaN though it has no missing values.
        """
        none = np.empty(0)
        if axis.size is not None:
            return cls(axis, none, none)
        gaps = np.isnan(values)
        missing = bool(gaps.any())
        if missing and not axis.missing:
            raise DataError(
                f"axis {axis.name!r}: {int(gaps.sum()):,} values are NaN, but none may be missing. "
                "Declare the column nullable."
            )
        distinct, counts = np.unique(values[~gaps] if missing else values, return_counts=True)
        if len(distinct) and not np.isfinite(distinct[[0, -1]]).all():
            raise DataError(f"axis {axis.name!r} holds infinite values. Replace them by missing ones.")
        if not len(distinct):
            return cls(axis, none, none, missing)
        room = max_codes - missing
        common = counts >= max(axis.holders, COMMON)
        if max_exact and common.sum() > room and 2 * counts[common].sum() > counts.sum():
            room = max_exact - missing
        low, high = _bins(distinct.astype(np.float64), counts, axis.holders, room)
        return cls(axis, low, high, missing)

    @property
    def size(self) -> int:
        """Number of codes."""
        return self.axis.size if self.axis.size is not None else len(self.low) + self.missing

    @property
    def exact(self) -> Array:
        """Whether each code of a real axis is one value; the missing code is left out."""
        return self.low == self.high

    def encode(self, values: Array) -> Array:
        """Turn values into codes: one never seen into the nearest, NaN never seen into the middle one."""
        kind = code_dtype(max(self.size, 1))
        if self.axis.size is not None:
            return values.astype(kind, copy=False)
        if not len(self.low):
            return np.zeros(len(values), kind)
        gaps = np.isnan(values)
        known = np.where(gaps, self.low[len(self.low) // 2], values)
        codes = self._nearest(known) + self.missing
        if self.missing:
            codes[gaps] = 0
        return codes.astype(kind)

    def decode(self, codes: Array, rng: np.random.Generator) -> Array:
        """Turn codes into values: the exact value, or one drawn uniformly from the bin."""
        if self.axis.size is not None:
            return codes.astype(code_dtype(self.axis.size), copy=False)
        if not len(self.low):
            return np.full(len(codes), np.nan)
        at = codes.astype(np.int64) - self.missing
        gaps = at < 0
        at[gaps] = 0
        low, high = self.low[at], self.high[at]
        share = rng.random(len(codes))
        values = low + share * (high - low)
        if self.axis.lattice:
            values = _on_lattice(low, high, share)
            self._leave_out_exact(values, at, rng)
        values[gaps] = np.nan
        return values

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON and arrays."""
        return {"axis": self.axis.dump(), "low": self.low, "high": self.high, "missing": self.missing}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the view from what `dump` gave."""
        low, high = (np.asarray(state[edge], np.float64) for edge in ("low", "high"))
        return cls(Axis.restore(state["axis"]), low, high, bool(state["missing"]))

    def _nearest(self, values: Array) -> Array:
        exact = self.exact
        single, bins = np.flatnonzero(exact), np.flatnonzero(~exact)
        codes = np.empty(len(values), np.int64)
        todo = np.ones(len(values), bool)
        if len(single):
            points = self.low[single]
            middles = (points[1:] + points[:-1]) / 2
            codes = single[np.searchsorted(middles, values)]
            todo = self.low[codes] != values
        if len(bins) and todo.any():
            cuts = (self.low[bins][1:] + self.high[bins][:-1]) / 2
            codes[todo] = bins[np.searchsorted(cuts, values[todo])]
        return codes

    def _leave_out_exact(self, values: Array, at: Array, rng: np.random.Generator) -> None:
        exact = self.exact
        points = self.low[exact]
        wide = np.flatnonzero(~exact[at])
        if not len(points) or not len(wide):
            return
        for _ in range(_REDRAWS):
            place = np.minimum(np.searchsorted(points, values[wide]), len(points) - 1)
            wide = wide[points[place] == values[wide]]
            if not len(wide):
                return
            values[wide] = _on_lattice(self.low[at[wide]], self.high[at[wide]], rng.random(len(wide)))


def _on_lattice(low: Array, high: Array, share: Array) -> Array:
    first, last = np.ceil(low), np.floor(high)
    middle = np.rint((low + high) / 2)
    return np.where(first > last, middle, np.minimum(first + np.floor(share * (last - first + 1)), last))


def _bins(distinct: Array, counts: Array, holders: int, room: int) -> tuple[Array, Array]:
    """Cut sorted distinct values into exact ones and bins; return their edges in order."""
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
