"""Discrete views of axes: every value becomes a code, and a code knows what values it may give back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, Axis, Support, code_dtype
from simulacra.models.table._bins import TABLE, count_values, cut_bins, room_for
from simulacra.models.table._calendar import Calendar, phases

_POINTS = (0.0, 1 - 1e-9, 0.5, 0.25, 0.75, 0.1, 0.9, 0.4)
"""Where a bin is looked at: its two ends, then inside."""
_REDRAWS = 8


_EVERYTHING = Support(ranges=np.array([[-np.inf, np.inf]]), missing=True)


@dataclass(frozen=True, slots=True)
class View:
    """The codes of one axis.

    A coded axis keeps its codes. On a real axis a code is either one exact value or a bin, from which
    values are drawn uniformly; a bin may lie around exact values of other codes and then leaves them out. On a
    calendar a bin is made of days of one kind: Mondays of some weeks, or month ends of some months.

    Parameters
    ----------
    axis : Axis
        The axis.
    low, high : array
        Smallest and largest value of each code, ascending; equal for an exact code. Empty for coded axes. With a
        calendar they are positions on it.
    missing : bool
        Whether code 0 stands for "no value".
    calendar : Calendar or None
        How days are arranged, where they are not simply in order.

    Notes
    -----
    **Privacy.** An exact code is held by at least `axis.holders` rows, or rows of so many owners. The edges of a bin
    lie between values of the data, so no value that is held by fewer stands in the view.

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
    calendar: Calendar | None = None

    @classmethod
    def fit(
        cls, axis: Axis, values: Array, *, max_codes: int, max_exact: int = 0, owners: Array | None = None
    ) -> Self:
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
            When more than `max_codes` values are each held by a few rows and by `axis.holders`, and
            together by most rows, then this many codes are allowed.
        owners : array of int or None
            Whose row each is, shape (rows,): then `axis.holders` counts these.

        Returns
        -------
        View
            The view.

        Raises
        ------
        DataError
            A real axis holds infinite values, or NaN though it has no missing values.
        """
        if axis.size is not None:
            return cls(axis, np.empty(0), np.empty(0))
        tally = count_values(axis, values, owners)
        missing = tally.gaps > 0
        if not len(tally.distinct):
            return cls(axis, np.empty(0), np.empty(0), missing)
        room = room_for(axis, tally, max_codes - missing, max_exact - missing)
        low, high = cut_bins(tally, axis.holders, room)
        return cls(axis, low, high, missing)

    def arrange(
        self, rule: str, values: Array, *, max_codes: int, max_exact: int, owners: Array | None = None
    ) -> View:
        """Make another view of a calendar axis, whose bins hold days of one kind.

        Parameters
        ----------
        rule : str
            One of the rules of `Calendar`.
        values : array
            The axis' values, shape (rows,).
        max_codes, max_exact : int
            As in `fit`, for each kind of day.
        owners : array of int or None
            As in `fit`.

        Returns
        -------
        View
            The new view; this one if no kind of day has enough rows.
        """
        tally = count_values(self.axis, values, owners)
        calendar = Calendar.covering(rule, tally, self.axis.holders)
        if not len(calendar.kept):
            return self
        held = np.flatnonzero(np.isin(phases(rule, tally.distinct), calendar.kept))
        positions = calendar.positions(tally.distinct[held])
        order = np.argsort(positions)
        moved = tally.moved(positions[order].astype(np.float64), held[order])
        room = room_for(self.axis, moved, max_codes, max_exact)
        pieces = np.flatnonzero(np.diff(moved.distinct // calendar.stride)) + 1
        edges = [
            cut_bins(moved.between(start, stop), self.axis.holders, room)
            for start, stop in pairwise([0, *pieces.tolist(), len(order)])
        ]
        low, high = (np.concatenate(side) for side in zip(*edges))
        return replace(self, low=low, high=high, calendar=calendar)

    @property
    def size(self) -> int:
        """Number of codes."""
        return self.axis.size if self.axis.size is not None else len(self.low) + self.missing

    @property
    def exact(self) -> Array:
        """Whether each code of a real axis is one value; the missing code is left out."""
        return self.low == self.high

    def middles(self) -> Array:
        """Return a value in the middle of each code of a real axis; the missing code is left out."""
        middles = (self.low + self.high) / 2
        return middles if self.calendar is None else self._days(np.floor(middles))

    def table(self) -> tuple[Array, Array]:
        """Return, by code, both ends of its values and points between, and whether it is one value."""
        if self.axis.size is not None:
            return np.arange(self.axis.size)[:, None], np.ones(self.axis.size, bool)
        share = np.array(_POINTS)
        exact = self.exact
        if self.calendar is not None:
            points = self._days(
                np.floor(self.low[:, None] + share * (np.floor(self.high) - self.low + 1)[:, None])
            )
        elif self.axis.lattice:
            points = _on_lattice(
                self.low[:, None], self.high[:, None], np.broadcast_to(share, (len(exact), len(share)))
            )
        else:
            points = self.low[:, None] + share * (self.high - self.low)[:, None]
        if self.missing:
            points, exact = np.vstack([np.full(len(share), np.nan), points]), np.append(True, exact)
        return points, exact

    def encode(self, values: Array) -> Array:
        """Turn values into codes: one never seen into the nearest, NaN never seen into the middle one."""
        kind = code_dtype(max(self.size, 1))
        if self.axis.size is not None:
            return values.astype(kind, copy=False)
        gaps = np.isnan(values)
        if not len(self.low) or gaps.all():
            return np.full(len(values), 0 if self.missing else len(self.low) // 2, kind)
        codes = self._tabled(values, kind) if self.axis.lattice else self._searched(values, kind)
        codes[gaps] = 0 if self.missing else len(self.low) // 2
        return codes

    def decode(self, codes: Array, rng: np.random.Generator) -> Array:
        """Turn codes into values: the exact value, or one drawn uniformly from the bin."""
        if self.axis.size is not None:
            return codes.astype(code_dtype(self.axis.size), copy=False)
        if not len(self.low):
            return np.full(len(codes), np.nan)
        exact = self.exact
        table = self.low if self.calendar is None else self._days(self.low)
        if self.missing:
            table, exact = np.append(np.nan, table), np.append(True, exact)
        values = table[codes]
        if not exact.all():
            wide = np.flatnonzero(~exact[codes])
            values[wide] = self._draw(codes[wide].astype(np.int64) - self.missing, rng)
        return values

    def share(self, support: Support) -> Array:
        """Return the share of each code's values that are allowed, shape (size,); a bias does not count."""
        if not support.limited:
            return np.ones(self.size)
        if self.axis.size is not None:
            return np.asarray(support.levels, np.float64)
        share = support.holds(self.low if self.calendar is None else self._days(self.low)).astype(np.float64)
        for code in np.flatnonzero(~self.exact).tolist():
            part, whole = (self._allowed(code, limits)[1].sum() for limits in (support, _EVERYTHING))
            share[code] = part / whole if whole > 0 else 0.0
        return np.append(float(support.missing), share) if self.missing else share

    def weights(self, support: Support) -> Array:
        """Return the share of each code that is allowed, times its bias, shape (size,)."""
        share = self.share(support)
        return share if support.bias is None else share * support.bias

    def decode_within(self, codes: Array, support: Support, rng: np.random.Generator) -> Array:
        """Turn codes into values as `decode` does, and draw inside the allowed part of each bin."""
        values = self.decode(codes, rng)
        if self.axis.size is not None:
            return values
        wrong = np.flatnonzero(~support.holds(values))
        at = codes[wrong].astype(np.int64) - self.missing
        uniform = rng.random(len(wrong))
        for code in np.unique(at[at >= 0]).tolist():
            own = at == code
            start, size = self._allowed(code, support)
            if size.sum() > 0:
                values[wrong[own]] = self._spread(start, size, uniform[own])
        return values

    def _allowed(self, code: int, support: Support) -> tuple[Array, Array]:
        """Return where the allowed pieces of a bin start, and how long each is (or how many points it has)."""
        low, high = self.low[code], self.high[code]
        taken = self._taken(low, high)
        if self.calendar is not None:
            days = self._days(np.setdiff1d(np.arange(np.ceil(low), np.floor(high) + 1), taken))
            days = days[support.holds(days)]
            return days, np.ones(len(days))
        ranges = np.reshape(support.ranges if support.ranges is not None else [], (-1, 2))
        start, stop = np.maximum(ranges[:, 0], low), np.minimum(ranges[:, 1], high)
        if not self.axis.lattice:
            return start, np.maximum(stop - start, 0)
        start, stop = np.ceil(start), np.floor(stop)
        wide = start <= stop
        # pieces are apart, so cutting them at values of other codes keeps starts and stops in step
        inside = taken[Support(ranges=np.stack([start, stop], 1)[wide]).holds(taken)]
        start = np.sort(np.append(start[wide], inside + 1))
        stop = np.sort(np.append(stop[wide], inside - 1))
        return start, stop - start + 1

    def _taken(self, low: float, high: float) -> Array:
        """Return the values of exact codes on a lattice that lie in a bin, unless nothing else does."""
        exact = self.low[self.exact]
        taken = exact[np.searchsorted(exact, low) : np.searchsorted(exact, high, side="right")]
        return taken[:0] if len(taken) > np.floor(high) - np.ceil(low) else taken

    def _spread(self, start: Array, size: Array, uniform: Array) -> Array:
        ends = np.cumsum(size)
        place = uniform * ends[-1]
        piece = np.minimum(np.searchsorted(ends, place, side="right"), len(ends) - 1)
        offset = place - (ends[piece] - size[piece])
        return start[piece] + (np.floor(offset) if self.axis.lattice else offset)

    def volume(self) -> Array:
        """Return how many values each code stands for, or how long its bin is on a continuous axis; shape (size,)."""
        if self.axis.size is not None:
            return np.ones(self.axis.size)
        volume = np.ones(len(self.low))
        wide = ~self.exact
        if self.axis.lattice:
            points = np.floor(self.high[wide]) - np.ceil(self.low[wide]) + 1
            exact = self.low[self.exact]
            taken = np.searchsorted(exact, self.high[wide], side="right") - np.searchsorted(
                exact, self.low[wide]
            )
            volume[wide] = np.maximum(np.where(points > taken, points - taken, points), 1)
        else:
            volume[wide] = self.high[wide] - self.low[wide]
        return np.append(1.0, volume) if self.missing else volume

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON and arrays."""
        calendar = None if self.calendar is None else self.calendar.dump()
        edges = {"low": self.low, "high": self.high}
        return {"axis": self.axis.dump(), **edges, "missing": self.missing, "calendar": calendar}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the view from what `dump` gave."""
        low, high = (np.asarray(state[edge], np.float64) for edge in ("low", "high"))
        calendar = None if state["calendar"] is None else Calendar.restore(state["calendar"])
        return cls(Axis.restore(state["axis"]), low, high, bool(state["missing"]), calendar)

    def _tabled(self, values: Array, kind: type[np.unsignedinteger[Any]]) -> Array:
        """Look values on a lattice up in a table of the points around the middle value; search for those beyond."""
        low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        room = TABLE if self.axis.calendar else min(TABLE, 4 * len(values) + 1000)
        if not high - low < room:
            middle = np.nanmedian(values[:: max(len(values) // 1000, 1)])
            low = max(low, middle - room // 2)
        low = np.floor(low)
        last = min(np.ceil(high), low + room)
        inside = (values >= low) & (values <= last)
        if self.calendar is not None:
            table = self._codes(np.arange(low, last + 1)).astype(kind)
        else:
            pieces, starts = self._pieces(kind)
            ends = np.clip(np.ceil(starts) - low, 0, last - low + 1).astype(np.int64)
            table = np.repeat(pieces, np.diff(np.concatenate([[0], ends, [int(last - low) + 1]])))
        codes = table[np.rint(np.where(inside, values - low, 0)).astype(np.int32)]
        if not inside.all():
            beyond = np.flatnonzero(~inside & ~np.isnan(values))
            codes[beyond] = self._searched(values[beyond], kind)
        return codes

    def _searched(self, values: Array, kind: type[np.unsignedinteger[Any]]) -> Array:
        pieces, starts = self._pieces(kind)
        return pieces[np.searchsorted(starts, values, side="right")]

    def _codes(self, values: Array) -> Array:
        """Look values up one by one."""
        return (
            self._nearest(values if self.calendar is None else self.calendar.positions(values)) + self.missing
        )

    def _days(self, positions: Array) -> Array:
        assert self.calendar is not None
        return self.calendar.days(np.rint(positions)).astype(np.float64)

    def pieces(self) -> tuple[Array, Array] | None:
        """Return codes in the order of values, and where each but the first starts; None where order does not tell.

        A value's code is that of its piece; NaN is coded apart.
        """
        if self.axis.size is not None or self.calendar is not None or not len(self.low):
            return None
        return self._pieces(code_dtype(max(self.size, 1)))

    def _pieces(self, kind: type[np.unsignedinteger[Any]]) -> tuple[Array, Array]:
        """Cut the line where another code begins: the codes in order, and where each but the first starts."""
        single, bins = self.low[self.exact], np.flatnonzero(~self.exact)
        cuts = (
            (self.low[bins][1:] + self.high[bins][:-1]) / 2 if len(bins) else (single[1:] + single[:-1]) / 2
        )
        starts = np.unique(np.concatenate([single, np.nextafter(np.append(single, cuts), np.inf)]))
        return self._codes(np.append(-np.inf, starts)).astype(kind), starts

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

    def _draw(self, at: Array, rng: np.random.Generator) -> Array:
        """Draw one value from the bin of each row."""
        low, high = self.low[at], self.high[at]
        share = rng.random(len(at))
        if not self.axis.lattice:
            return low + share * (high - low)
        values = _on_lattice(low, high, share)
        self._leave_out_exact(values, low, high, rng)
        return values if self.calendar is None else self._days(values)

    def _leave_out_exact(self, values: Array, low: Array, high: Array, rng: np.random.Generator) -> None:
        points = self.low[self.exact]
        if not len(points):
            return
        wide = np.arange(len(values))
        for _ in range(_REDRAWS):
            place = np.minimum(np.searchsorted(points, values[wide]), len(points) - 1)
            wide = wide[points[place] == values[wide]]
            if not len(wide):
                return
            values[wide] = _on_lattice(low[wide], high[wide], rng.random(len(wide)))


def _on_lattice(low: Array, high: Array, share: Array) -> Array:
    first, last = np.ceil(low), np.floor(high)
    middle = np.rint((low + high) / 2)
    return np.where(first > last, middle, np.minimum(first + np.floor(share * (last - first + 1)), last))
