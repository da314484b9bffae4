"""One axis of a Bayesian network: a coarse code by what its parents are, then a fine code within it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from simulacra.domain import Array
from simulacra.models.table._ladders import Ladder

MARKS = 4
"""Random numbers that a draw of one row takes."""


def group_codes(counts: Array, groups: int, *, ordered: bool, missing: bool = False) -> tuple[Array, int]:
    """Put codes into groups of about equal weight; a code that weighs as much as a group is one of its own.

    Parameters
    ----------
    counts : array, shape (codes,)
        What each code weighs.
    groups : int
        How many groups there may be.
    ordered : bool
        Whether neighbours belong together; if not, all but the most frequent codes are one group.
    missing : bool
        Whether code 0 means "no value", and so stands alone.

    Returns
    -------
    array of int, shape (codes,)
        The group of each code; -1 for those that weigh nothing.
    int
        How many groups there are.

    Examples
    --------
    >>> group_codes(np.array([90, 2, 2, 0, 3, 3]), 3, ordered=True)
    (array([ 2,  0,  0, -1,  1,  1]), 3)
    """
    used = np.flatnonzero(counts > 0)
    found = np.full(len(counts), -1)
    if len(used) <= groups:
        found[used] = np.arange(len(used))
        return found, max(len(used), 1)
    mass = counts[used]
    if not ordered:
        rank = np.empty(len(used), np.int64)
        rank[np.argsort(-mass, kind="stable")] = np.arange(len(used))
        found[used] = np.minimum(rank, groups - 1)
        return found, groups
    single = mass >= mass.sum() / groups
    single[0] |= missing and used[0] == 0
    room = max(groups - int(single.sum()), 1)
    rest = np.where(single, 0.0, mass)
    middle = (np.cumsum(rest) - rest / 2) / max(rest.sum(), 1e-300)
    place = np.minimum((middle * room).astype(np.int64), room - 1)
    kinds, dense = np.unique(np.where(single, room + np.arange(len(used)), place), return_inverse=True)
    found[used] = dense
    return found, len(kinds)


def sort_nodes(nodes: Mapping[int, Node]) -> list[int]:
    """Return the places of nodes, parents first."""
    order: list[int] = []
    left = list(nodes)
    while left:
        place = next(p for p in left if not set(nodes[p].parents) & set(left))
        left.remove(place)
        order.append(place)
    return order


def explain_table(table: Array, margins: Sequence[Array]) -> Array:
    """Return the share of an axis' entropy that each parent explains, as if parents were independent.

    Parameters
    ----------
    table : array, shape (codes of the first parent, ..., own codes)
        Chances.
    margins : sequence of array
        Chances of the codes of each parent.

    Examples
    --------
    >>> half = np.array([0.5, 0.5])
    >>> explain_table(np.eye(2), [half]).tolist()
    [1.0]
    """
    joint = table
    for axis, margin in enumerate(margins):
        joint = joint * margin.reshape([-1 if a == axis else 1 for a in range(table.ndim)])
    whole = _entropy(joint.sum(axis=tuple(range(len(margins)))))
    if not margins or whole <= 0:
        return np.zeros(len(margins))
    parents = _entropy(joint.sum(axis=-1))
    told = max(parents + whole - _entropy(joint), 0.0)
    alone = []
    for axis, margin in enumerate(margins):
        pair = joint.sum(axis=tuple(a for a in range(len(margins)) if a != axis))
        alone.append(max(_entropy(margin) + whole - _entropy(pair), 1e-9))
    return np.array(alone) / sum(alone) * min(told / whole, 1.0)


def _entropy(chances: Array) -> float:
    held = chances[chances > 0]
    return float(-(held * np.log(held)).sum())


@dataclass(frozen=True)
class Node:
    """The chances of one axis' codes.

    Parameters
    ----------
    parents : tuple of int
        Their places, the most telling first.
    maps : tuple of array of int
        By parent: the group of each of its codes, -1 for codes that were never seen.
    own : array of int, shape (codes,)
        The coarse code of each code.
    coarse : Ladder
        Coarse codes by groups of the parents.
    fine : Ladder or None
        Codes by coarse code, then by groups of some parents; None where every coarse code is one code.
    """

    parents: tuple[int, ...]
    maps: tuple[Array, ...]
    own: Array
    coarse: Ladder
    fine: Ladder | None = None

    @classmethod
    def told(cls, parents: Sequence[int], table: Array, chances: Array) -> Self:
        """Make a node of a table of chances.

        Parameters
        ----------
        parents : sequence of int
            Their places.
        table : array, shape (codes of the first parent, ..., own codes)
            Its last dimension sums to 1.
        chances : array, shape (own codes,)
            The chances of the codes, whatever the parents are.
        """
        maps = tuple(np.arange(size) for size in table.shape[:-1])
        return cls(tuple(parents), maps, np.arange(table.shape[-1]), Ladder.told(table, chances))

    @cached_property
    def lone(self) -> Array:
        """The code of each coarse code, where these are the same."""
        found = np.zeros(self.coarse.size, np.int64)
        used = np.flatnonzero(self.own >= 0)
        found[self.own[used]] = used
        return found

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.own)

    @property
    def smoothed(self) -> bool:
        """Whether draws back off to fewer parents, as those of a table that was told never do."""
        return bool((self.coarse.rungs[-1].trust < 1).any())

    def see(self, codes: Sequence[Array]) -> list[Array]:
        """Return the groups that codes of the parents stand for."""
        return [own[code] for own, code in zip(self.maps, codes, strict=True)]

    def draw(self, groups: Sequence[Array], uniform: Array) -> Array:
        """Draw a code for each row; `uniform` has the shape (MARKS, rows)."""
        coarse = self.coarse.draw(groups, uniform[:2])
        if self.fine is None:
            return self.lone[coarse]
        return self.fine.draw([coarse, *self._some(groups)], uniform[2:])

    def weigh(self, groups: Sequence[Array], codes: Array) -> Array:
        """Return the chance of a code of each row."""
        coarse = self.own[codes]
        found = self.coarse.weigh(groups, coarse)
        if self.fine is not None:
            found = found * self.fine.weigh([coarse, *self._some(groups)], codes)
        return found

    def chances(self, groups: Sequence[Array], rows: int) -> Array:
        """Return the chance of every code for each row, shape (rows, codes)."""
        key = np.zeros(rows, np.int64)
        for group, own in zip(groups, self.maps):
            _, key = np.unique(key * (int(own.max(initial=0)) + 2) + group + 1, return_inverse=True)
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        few = [group[first] for group in groups]
        coarse = np.zeros((len(first), self.coarse.size))
        self.coarse.add(coarse, few, np.ones(len(first)))
        found = np.zeros((len(first), self.size))
        if self.fine is None:
            found[:, self.lone] = coarse
        else:
            for code in range(self.coarse.size):
                parents = [np.full(len(first), code), *self._some(few)]
                self.fine.add(found, parents, coarse[:, code])
        return found[place]

    def margin(self) -> Array:
        """Return the chance of every code, whatever the parents are."""
        alone = self.without_parents()
        return alone.chances([], 1)[0]

    def without_parents(self) -> Node:
        """Return the node cut off from its parents: its codes keep their frequencies."""
        fine = None if self.fine is None else replace(self.fine, rungs=self.fine.rungs[:2])
        coarse = replace(self.coarse, rungs=self.coarse.rungs[:1])
        return replace(self, parents=(), maps=(), coarse=coarse, fine=fine)

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON and arrays."""
        return {
            "parents": list(self.parents),
            "maps": list(self.maps),
            "own": self.own,
            "coarse": self.coarse.dump(),
            "fine": None if self.fine is None else self.fine.dump(),
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the node from what `dump` gave."""
        fine = None if state["fine"] is None else Ladder.restore(state["fine"])
        return cls(
            tuple(state["parents"]), tuple(state["maps"]), state["own"], Ladder.restore(state["coarse"]), fine
        )

    def _some(self, groups: Sequence[Array]) -> Sequence[Array]:
        """Return the groups of the parents that fine codes heed."""
        assert self.fine is not None
        return groups[: len(self.fine.rungs) - 2]
