"""Axes as digits of at most 255 codes: one digit, or from coarse to fine where an axis has more codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, Block
from simulacra.errors import DataError
from simulacra.models.table._bins import count_values
from simulacra.models.table._calendar import RULES, choose_rule, months, phases
from simulacra.models.table._levels import Traits, arrange_levels, find_parent
from simulacra.models.table._views import View

BASE = 255
"""Largest number of codes of a digit."""
_DEPTH = 3
_MOST = BASE**_DEPTH
_ASKED = 24
"""Traits of other columns that are asked whether they go by the calendar."""
_SEASONS = 400
"""Days from which the month of the year is not the same as the time that has passed."""


@dataclass(frozen=True, slots=True)
class Digits:
    """How the codes of one view become one to three digits, the coarsest first.

    A finer digit means something only beside all coarser ones of its axis. On a calendar the first digit is the
    weekday or the day of the month, and the next are weeks or months.

    Parameters
    ----------
    view : View
        The view.
    members : array
        The view's codes that occur, in the order of their digits.
    address : array of uint8, shape (digits, members)
        The digits of each.
    starts : tuple of array
        For each digit but the first: where the codes of each coarser group start, and the end.
    slots : array
        The member that each combination of digits stands for, in the order that `starts` counts.
    """

    view: View
    members: Array
    address: Array
    starts: tuple[Array, ...]
    slots: Array

    @classmethod
    def fit(cls, view: View, codes: Array, place: Array | None = None) -> Self:
        """Arrange the codes that occur; `place` gives each code of the view its place, if not its own number."""
        counts = np.bincount(codes, minlength=view.size)
        present = np.flatnonzero(counts)
        if len(present) > _MOST:
            raise DataError(
                f"axis {view.axis.name!r}: {len(present):,} levels occur, and this model takes at most {_MOST:,}. "
                "Merge levels, or leave the column out."
            )
        if view.calendar is not None:
            return cls.make(view, present, _calendar_address(view, present, counts[present]))
        if place is not None:
            present = present[np.argsort(place[present], kind="stable")]
        return cls.make(view, present, _address(counts[present]))

    @classmethod
    def make(cls, view: View, members: Array, address: Array) -> Self:
        """Work out from each member's digits what splitting and joining need."""
        known, owner = address, np.arange(len(members))
        if view.calendar is not None:
            known, owner = _complete(address)
        order = np.lexsort(known[::-1])
        known, owner = known[:, order], owner[order]
        node = known[0].astype(np.int64)
        total = int(node.max(initial=0)) + 1
        starts = []
        for digit in known[1:]:
            width = np.zeros(total, np.int64)
            np.maximum.at(width, node, digit.astype(np.int64) + 1)
            start = np.append(0, np.cumsum(width))
            starts.append(start)
            node = start[node] + digit
            total = int(start[-1])
        # a combination that no row has stands for the next one that some row has
        near = np.minimum(np.searchsorted(node, np.arange(total)), max(len(owner) - 1, 0))
        return cls(view, members, address, tuple(starts), owner[near])

    @property
    def bounds(self) -> tuple[tuple[int, ...], ...]:
        """For each digit, the coarser ones without which it means nothing.

        A week means the same on all weekdays, so what is known of one helps with the others.
        """
        return tuple(
            () if self.view.calendar is not None and digit == 1 else tuple(range(digit))
            for digit in range(len(self.address))
        )

    @property
    def blank(self) -> bool:
        """Whether rows whose first digit is 0 have no others: on a calendar, those without a date."""
        return self.view.calendar is not None and self.view.missing

    @property
    def nominal(self) -> tuple[bool, ...]:
        """Which digits have no order of their own."""
        unordered = self.view.axis.size is not None and not self.view.axis.ordered
        calendar = self.view.calendar
        kinds = [calendar.rule == "weekday"] if calendar is not None else [unordered]
        kinds += [unordered] * (len(self.address) - 1)
        return tuple(kinds)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each digit."""
        return tuple(int(digit.max(initial=0)) + 1 for digit in self.address)

    def split(self, codes: Array) -> tuple[Array, ...]:
        """Turn the view's codes into digits; a code that never occurred becomes the nearest that did."""
        if not len(self.members):
            return tuple(np.zeros(len(codes), np.uint8) for _ in self.address)
        by_code = np.argsort(self.members, kind="stable")
        known = self.members[by_code].astype(np.int64)
        middles = (known[1:] + known[:-1] + 1) // 2
        at = by_code[np.searchsorted(middles, np.arange(self.view.size), side="right")]
        return tuple(digit[at][codes] for digit in self.address)

    def number(self, digits: Sequence[Array]) -> Array:
        """Turn digits into one number below the number of combinations."""
        slot = digits[0].astype(np.int64)
        for start, digit in zip(self.starts, digits[1:]):
            slot = np.minimum(start[slot] + digit, start[slot + 1] - 1)
        return slot

    def join(self, digits: Sequence[Array]) -> Array:
        """Turn digits into the view's codes."""
        table = self.members[self.slots]
        if not self.starts:
            return table[digits[0]]
        return table[self.number(digits)]

    def shares(self, share: Array) -> list[Array]:
        """Average a share of each code of the view over the codes below each digit, coarse to fine.

        The last array has an entry for each number of `number`; an average is 0 only where all below it are. A share
        may have several lines, shape (lines, codes): so do the averages.
        """
        if not len(self.members):
            return [np.ones((*share.shape[:-1], 1)) for _ in self.address]
        found = [share[..., self.members[self.slots]]]
        for start in reversed(self.starts):
            found.append(np.add.reduceat(found[-1], start[:-1], axis=-1) / np.diff(start))
        return found[::-1]

    def lent(self) -> dict[int, Array]:
        """Return, on a calendar, the slots that no row has by the member that each stands for."""
        if self.view.calendar is None:
            return {}
        phase, slot = (a.ravel() for a in np.indices(self.sizes[:2]))
        rest = [np.zeros(len(slot), np.int64)] * (len(self.address) - 2)
        owner = self.slots[self.number([phase, slot, *rest])]
        spare = (self.address[1, owner] != slot) & ((phase > 0) | (not self.blank))
        return {int(member): slot[spare & (owner == member)] for member in np.unique(owner[spare])}

    def derive(self, codes: Array) -> tuple[Array, ...]:
        """Work out features of the view's codes that help to predict other columns: the month, the weekday.

        Parameters
        ----------
        codes : array
            What `join` gives.

        Returns
        -------
        tuple of array of uint8
            One array per feature, of codes without an order.
        """
        return tuple(self._feature(name)[codes] for name in self.features)

    @property
    def features(self) -> tuple[str, ...]:
        """What `derive` works out."""
        if not self.view.axis.calendar or not len(self.view.low):
            return ()
        days = self.view.middles()
        seasons = days.max() - days.min() >= _SEASONS
        rule = None if self.view.calendar is None else self.view.calendar.rule
        weekdays = rule != "weekday" and self.view.exact.mean() > 0.5
        return ("month",) * bool(seasons) + ("weekday",) * bool(weekdays)

    def _feature(self, name: str) -> Array:
        days = np.rint(self.view.middles()).astype(np.int64)
        if name == "month":
            table, none = months(days), 12
        else:
            table, none = phases("weekday", days), RULES["weekday"]
            table[~self.view.exact] = none
        return np.append(np.uint8(none), table) if self.view.missing else table

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON and arrays."""
        return {"view": self.view.dump(), "members": self.members, "address": self.address}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the digits from what `dump` gave."""
        return cls.make(View.restore(state["view"]), state["members"], state["address"])


@dataclass(frozen=True, slots=True)
class Split:
    """The digits of every axis of a block.

    Parameters
    ----------
    digits : list of Digits
        One per axis.
    arrays : list of tuple of array of uint8
        The rows' digits, coarse to fine.
    derived : list of tuple of array of uint8
        The rows' derived features.
    parents : tuple of int or None
        For a large vocabulary, the axis of which every level belongs to one code: the region of each city.
    """

    digits: list[Digits]
    arrays: list[tuple[Array, ...]]
    derived: list[tuple[Array, ...]]
    parents: tuple[int | None, ...]


def split_axes(block: Block, rng: np.random.Generator) -> Split:
    """Learn the digits of every axis of a block, and give the rows' digits.

    Parameters
    ----------
    block : Block
        The rows.
    rng : Generator
        For the projections by which levels of large vocabularies are ordered.

    Returns
    -------
    Split
        Digits, the rows' digits and derived features, and which axis each large vocabulary is nested in.
    """
    views = [
        View.fit(axis, values, max_codes=BASE, max_exact=_MOST, owners=block.owners)
        for axis, values in zip(block.domain.axes, block.columns)
    ]
    codes = [view.encode(values) for view, values in zip(views, block.columns)]
    traits = Traits(views, codes, rng)
    for index, (view, values) in enumerate(zip(views, block.columns)):
        if view.axis.calendar and not (view.exact.all() and view.size <= BASE):
            views[index] = _on_calendar(view, values, traits.leaving_out(index, _ASKED), block.owners)
            codes[index] = views[index].encode(values)
    digits = []
    parents: list[int | None] = []
    for index, (view, c) in enumerate(zip(views, codes)):
        large = view.axis.size is not None and not view.axis.ordered and view.size > BASE
        parents.append(find_parent(index, views, codes) if large else None)
        place = arrange_levels(index, traits, codes, parents[index]) if large else None
        digits.append(Digits.fit(view, c, place))
    arrays = [d.split(c) for d, c in zip(digits, codes)]
    return Split(digits, arrays, [d.derive(c) for d, c in zip(digits, codes)], tuple(parents))


def _on_calendar(view: View, values: Array, traits: Iterable[Array], owners: Array | None) -> View:
    """Arrange the days of a view by the rule that tells most about them, if one does."""
    tally = count_values(view.axis, values)
    days, counts = tally.distinct, tally.counts
    if not len(days):
        return view
    held = ~np.isnan(values)
    at = np.searchsorted(days, values[held])
    means = [np.bincount(at, trait[held], minlength=len(days)) / counts for trait in traits]
    rule = choose_rule(days.astype(np.int64), counts, means)
    if rule is None:
        return view
    return view.arrange(rule, values, max_codes=BASE, max_exact=_MOST, owners=owners)


def _address(counts: Array) -> Array:
    """Give members in their order one digit, or as many as they need."""
    if len(counts) <= BASE:
        return np.arange(len(counts), dtype=np.uint8)[None, :]
    deep = len(counts) > BASE * BASE
    starts = _groups(counts, BASE * BASE if deep else BASE)
    coarse = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    if not deep:
        return np.stack([coarse, np.arange(len(counts)) - starts[coarse]]).astype(np.uint8)
    finer = [_address(counts[a:b]) for a, b in pairwise(starts)]
    rows = max(len(part) for part in finer)
    # a group of few members needs no middle digit, and has 0 for the last one
    below = [np.vstack([part, np.zeros((rows - len(part), part.shape[1]), np.uint8)]) for part in finer]
    return np.vstack([coarse.astype(np.uint8), np.hstack(below)])


def _calendar_address(view: View, members: Array, counts: Array) -> Array:
    """Give each code of a calendar its phase, a slot of weeks or months, and its rank within that slot."""
    assert view.calendar is not None
    at = members.astype(np.int64) - view.missing
    gap = at < 0
    phase = np.where(gap, -1, view.low[at] // view.calendar.stride).astype(np.int64)
    period = view.calendar.periods(view.calendar.days(np.ceil(view.low[at])))
    period[gap] = period.min(initial=0)
    distinct, place = np.unique(period, return_inverse=True)
    slot = place
    if len(distinct) > BASE:
        starts = _groups(np.bincount(place, counts).astype(np.int64), len(distinct))
        slot = np.searchsorted(starts, place, side="right") - 1
    key = phase * (BASE + 1) + slot
    order = np.argsort(key, kind="stable")
    rank = np.empty(len(key), np.int64)
    rank[order] = np.arange(len(key)) - np.searchsorted(key[order], key[order])
    # numbered from 0, as a digit that never varies is never drawn
    parts = [np.unique(phase, return_inverse=True)[1], slot]
    if rank.max(initial=0):
        parts.append(rank)
    return np.stack(parts).astype(np.uint8)


def _complete(address: Array) -> tuple[Array, Array]:
    """Give a code to every slot of every phase: where none begins, the last one that began before.

    Returns
    -------
    address : array of uint8, shape (digits, members and added ones)
        The digits.
    owner : array
        The member that each stands for.
    """
    order = np.lexsort(address[::-1])
    key = address[0, order].astype(np.int64) * (BASE + 1) + address[1, order]
    phases_, slots = int(address[0].max()) + 1, int(address[1].max()) + 1
    phase, slot = np.divmod(np.arange(phases_ * slots), slots)
    wanted = phase * (BASE + 1) + slot
    before = np.maximum(np.searchsorted(key, wanted, side="right") - 1, 0)
    first = np.searchsorted(key, phase * (BASE + 1))
    source = np.maximum(before, first)
    lacking = key[source] != wanted
    added = np.zeros((len(address), int(lacking.sum())), np.uint8)
    added[0], added[1] = phase[lacking], slot[lacking]
    owner = np.append(np.arange(len(order)), order[source[lacking]])
    return np.hstack([address, added]), owner


def _groups(counts: Array, longest: int) -> Array:
    """Cut levels in order into at most BASE runs of about equal weight, none longer than `longest`."""
    starts = [0]
    mass, left, levels = 0, int(counts.sum()), len(counts)
    for index, rows in enumerate(counts.tolist()):
        mass += rows
        still = BASE - len(starts)
        enough = mass * (still + 1) >= left and levels - index - 1 <= longest * still
        if index + 1 < levels and still and (enough or index + 1 - starts[-1] == longest):
            starts.append(index + 1)
            left -= mass
            mass = 0
    return np.array([*starts, levels], np.int64)
