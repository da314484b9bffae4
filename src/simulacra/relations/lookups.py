"""Columns that others determine: ``zip`` determines ``state``, ``product`` determines ``price``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from simulacra.domain import Array, code_dtype
from simulacra.privacy.holders import count_holders
from simulacra.relations.relation import Relation, Remains

NOTHING = np.empty(0)


@dataclass(frozen=True, eq=False)
class Lookup(Relation):
    """A column that has one value for every value of another column, or of two.

    Models see the target, and what they draw of it is replaced. Leaving it out was measured to cost: a state is a
    coarser form of its zip code, and other columns follow it more easily (detection .539 without it, .522 with it).

    Parameters
    ----------
    target : str
        The axis that is looked up.
    by : tuple of str
        The one or two axes that determine it.
    keys : tuple of array
        For each axis of `by` that is a number, its values, ascending; empty for codes.
    groups : array
        Places of the known combinations, ascending.
    values : array
        The target's value for each of `groups`.
    usual : array
        The target's commonest value for each value of the first axis, where a combination is unknown.
    """

    kind: ClassVar[str] = "lookup"
    by: tuple[str, ...]
    keys: tuple[Array, ...] = ()
    sizes: tuple[int, ...] = ()
    groups: Array = field(default_factory=lambda: NOTHING)
    values: Array = field(default_factory=lambda: NOTHING)
    usual: Array = field(default_factory=lambda: NOTHING)

    @property
    def sources(self) -> tuple[str, ...]:
        """The axes that determine the target."""
        return self.by

    def take_out(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return the target itself: models see it."""
        return {self.target: arrays[self.target]}

    def put_back(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Look the target up; a combination that was never seen gets the usual value of its first half."""
        found, known, first = self._find(arrays)
        return {self.target: np.where(known, self.values[found], self.usual[first])}

    def holds(self, arrays: Mapping[str, Array]) -> Array:
        """Mark the rows whose target is the one that was learnt, or whose combination was never seen."""
        if not len(self.groups):
            return np.ones(len(arrays[self.target]), dtype=bool)
        found, known, _ = self._find(arrays)
        return ~known | (self.values[found] == arrays[self.target])

    def _find(self, arrays: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        """Return the place of each row's group, whether there is one, and the place of its first half."""
        places = [
            _nearest(arrays[name], keys) if len(keys) else arrays[name].astype(np.int64)
            for name, keys in zip(self.by, self.keys, strict=True)
        ]
        wanted = _combine(places, self.sizes)
        found = np.minimum(np.searchsorted(self.groups, wanted), len(self.groups) - 1)
        return found, self.groups[found] == wanted, places[0]

    def settle(self, remains: Remains) -> Self:
        """Learn the table from rows whose sources protection left, and only for groups of at least k rows."""
        target = remains.before[self.target]
        need = remains.need(self.target)
        keys, sizes, places, valid = [], [], [], np.ones(len(target), dtype=bool)
        for name in self.by:
            known, size, place, kept = _places(name, remains)
            keys.append(known)
            sizes.append(size)
            places.append(np.where(kept, place, 0))
            valid &= kept
        wanted = _combine(places, tuple(sizes))[valid]
        groups, first, counts = np.unique(wanted, return_index=True, return_counts=True)
        owners = None if remains.owners is None or need == 1 else remains.owners[valid]
        enough = _held(wanted, groups, counts, owners) >= need
        groups, values = groups[enough], target[valid][first[enough]]
        usual = _usual(places[0][valid], target[valid], sizes[0], need, owners)
        values, usual = (_renumber(self.target, part, remains) for part in (values, usual))
        return replace(self, keys=tuple(keys), sizes=tuple(sizes), groups=groups, values=values, usual=usual)

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the relation from what `dump` gave."""
        tuples = {name: tuple(state[name]) for name in ("by", "keys", "sizes")}
        return super().restore({**state, **tuples})

    def __str__(self) -> str:
        verb = "determines" if len(self.by) == 1 else "determine"
        return f"{' and '.join(repr(name) for name in self.by)} {verb} {self.target!r}"


def _combine(places: list[Array], sizes: tuple[int, ...]) -> Array:
    return places[0] if len(places) == 1 else places[0] * sizes[1] + places[1]


def _nearest(values: Array, keys: Array) -> Array:
    """Return the place of the nearest key; missing comes after all keys."""
    gap = np.isnan(values)
    middles = (keys[1:] + keys[:-1]) / 2
    return np.where(gap, len(keys), np.searchsorted(middles, np.where(gap, keys[0], values)))


def _places(name: str, remains: Remains) -> tuple[Array, int, Array, Array]:
    """Return the keys of a number, how many places there are, each row's, and whether protection left its value."""
    values, axis = remains.before[name], remains.axes[name]
    if axis.size is None:
        some = ~np.isnan(values)
        found, counts = np.unique(values[some], return_counts=True)
        need = remains.need(name)
        owners = None if remains.owners is None or need == 1 else remains.owners[some]
        keys = found[_held(values[some], found, counts, owners) >= need]
        place = _nearest(values, keys)
        kept = np.isnan(values) | (np.append(keys, 0.0)[place] == values)
        return keys, len(keys) + 1, place, kept
    codes = values.astype(np.int64)
    stay = remains.kept.get(name)
    if stay is None:
        return NOTHING, axis.size, codes, np.ones(len(codes), dtype=bool)
    place = np.minimum(np.searchsorted(stay, codes), max(len(stay) - 1, 0))
    return NOTHING, max(len(stay), 1), place, stay[place] == codes


def _held(values: Array, distinct: Array, counts: Array, owners: Array | None) -> Array:
    """Return how many holders each distinct value has."""
    return (
        counts if owners is None else count_holders(np.searchsorted(distinct, values), len(distinct), owners)
    )


def _usual(places: Array, target: Array, size: int, need: int, owners: Array | None) -> Array:
    """Return the commonest target of each place, and of all where a place has none with enough holders."""
    levels, index = np.unique(target, return_inverse=True)
    both = places * len(levels) + index
    joint, counts = np.unique(both, return_counts=True)
    held = _held(both, joint, counts, owners)
    usual = np.full(size, levels[count_holders(index, len(levels), owners).argmax()])
    by_count = np.argsort(counts, kind="stable")
    by_count = by_count[held[by_count] >= need]
    # the last one written is the commonest
    usual[joint[by_count] // len(levels)] = levels[joint[by_count] % len(levels)]
    return usual


def _renumber(target: str, values: Array, remains: Remains) -> Array:
    """Number codes as protection left them; whatever k rows hold was left."""
    size = remains.axes[target].size
    if size is None:
        return values
    stay = remains.kept.get(target, np.arange(size))
    return np.searchsorted(stay, values).astype(code_dtype(max(len(stay), 1)))
