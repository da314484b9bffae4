"""Graphs of Bayesian networks: what a set of parents is worth, and searches for a good graph."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from simulacra.domain import Array

_TABLE = 1_000_000
"""Cells of a table of counts up to which it is not made sparse."""
_PRIOR = 1.0
"""Rows that the prior of BDeu is worth."""
CANDIDATES = 14
"""Parents that are tried for an axis at most: those that tell most by themselves (the sparse candidates of Friedman,
Nachman and Pe'er 1999, "Learning Bayesian network structure from massive datasets")."""

Edge = tuple[int, int]


@dataclass(frozen=True)
class Parent:
    """A parent of an axis: its place, and in which of its groupings it is seen."""

    place: int
    level: int


@dataclass(frozen=True)
class Features:
    """Rows as a search sees them.

    Parameters
    ----------
    groups : sequence of sequence of (array, int)
        By axis and grouping: the group of each row, and how many there are; coarse groupings first.
    own : sequence of (array, int)
        By axis: the groups in which its own chances are judged.
    inputs : int
        So many first axes are given: they have no parents.
    weights : array or None
        Of the rows.
    """

    groups: Sequence[Sequence[tuple[Array, int]]]
    own: Sequence[tuple[Array, int]]
    inputs: int = 0
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.own)


class Scorer:
    """What sets of parents are worth to an axis, by one of two scores; differences count.

    ``"mi"`` is the mutual information times the rows, less its bias in a finite table (Miller 1955, "Note on the bias
    of information estimates"). ``"bdeu"`` is the log of the marginal likelihood under a uniform Dirichlet prior
    (Heckerman, Geiger and Chickering 1995, "Learning Bayesian networks: the combination of knowledge and statistical
    data", section 5).
    """

    def __init__(self, features: Features, kind: str) -> None:
        self.features, self.kind = features, kind
        self.rows = len(features.own[0][0]) if len(features) else 0
        self.blank = (np.zeros(self.rows, np.int64), 1)

    def join(self, config: tuple[Array, int], parent: Parent) -> tuple[Array, int]:
        """Return the groups of a set of parents with one more."""
        group, groups = self.features.groups[parent.place][parent.level]
        key, size = config[0] * groups + group, config[1] * groups
        if size <= max(_TABLE // 64, 4 * self.rows):
            return key, size
        used, key = np.unique(key, return_inverse=True)
        return key, len(used)

    def worth(self, place: int, config: tuple[Array, int]) -> float:
        """Score an axis given a set of parents, in nats over all rows."""
        own, size = self.features.own[place]
        return self._worth(own, size, config, self.kind)

    def information(self, one: int, other: int) -> float:
        """Return the mutual information of two axes less its bias, in nats over all rows."""
        own, size = self.features.own[one]
        return self._worth(own, size, self.features.own[other], "mi") - self._worth(
            own, size, self.blank, "mi"
        )

    def _worth(self, own: Array, size: int, config: tuple[Array, int], kind: str) -> float:
        cells, key = config[1] * size, config[0] * size + own
        weights = self.features.weights
        if cells > max(_TABLE, 4 * self.rows):
            used, at = np.unique(key, return_inverse=True)
            counts = np.bincount(at, weights).astype(np.float64)
            totals = np.bincount(used // size, counts)
        else:
            table = np.bincount(key, weights, minlength=cells).astype(np.float64).reshape(-1, size)
            totals, counts = table.sum(1), table.ravel()
        counts, totals = counts[counts > 0], totals[totals > 0]
        if kind == "bdeu":
            each, cell = _PRIOR / config[1], _PRIOR / cells
            return float(
                (gammaln(counts + cell) - gammaln(cell)).sum()
                - (gammaln(totals + each) - gammaln(each)).sum()
            )
        free = len(totals) * (size - 1)
        return float((counts * np.log(counts)).sum() - (totals * np.log(totals)).sum() - free / 2)


class Search:
    """A graph that grows edge by edge and never closes a circle.

    Parameters
    ----------
    scorer : Scorer
        What is worth how much.
    """

    def __init__(self, scorer: Scorer) -> None:
        size = len(scorer.features)
        self.scorer, self.first = scorer, scorer.features.inputs
        self.pairs: dict[Edge, float] = {}
        self.parents: list[list[Parent]] = [[] for _ in range(size)]
        self.gains: list[list[float]] = [[] for _ in range(size)]
        self.config = [scorer.blank] * size
        self.worth = [scorer.worth(place, scorer.blank) for place in range(size)]
        self.above = np.eye(size, dtype=bool)

    @property
    def targets(self) -> range:
        """The axes that may have parents."""
        return range(self.first, len(self.parents))

    def offer(self, place: int, source: int) -> tuple[float, Parent]:
        """Return what one more parent is worth to an axis, seen in its best grouping."""
        levels = range(len(self.scorer.features.groups[source]))
        gains = [
            (self.scorer.worth(place, self.scorer.join(self.config[place], Parent(source, level))), level)
            for level in levels
        ]
        gain, level = max(gains, key=lambda one: one[0])
        return gain - self.worth[place], Parent(source, level)

    def add(self, place: int, gain: float, parent: Parent) -> None:
        """Add an edge."""
        self.parents[place].append(parent)
        self.gains[place].append(gain)
        self.config[place] = self.scorer.join(self.config[place], parent)
        self.worth[place] += gain
        # whatever leads to the parent leads to whatever the axis leads to
        self.above[np.ix_(self.above[:, parent.place], self.above[place])] = True

    def keep(self, edges: Sequence[Edge]) -> None:
        """Add edges that were asked for; the parents of an axis in the order of what they are worth."""
        for place in self.targets:
            left = {source for source, target in edges if target == place}
            while left:
                gain, parent = max(
                    (self.offer(place, source) for source in sorted(left)), key=lambda one: one[0]
                )
                self.add(place, gain, parent)
                left.remove(parent.place)

    def span(self) -> None:
        """Add the edges of a tree that holds most mutual information in all (Chow and Liu 1968).

        Axes known beforehand are in it from the start. An axis that nothing tells of stays alone.
        """
        size = len(self.parents)
        table = np.zeros((size, size))
        for one in self.targets:
            for other in range(one):
                table[one, other] = table[other, one] = self.scorer.information(one, other)
        done = list(range(self.first)) or [int(table.sum(0).argmax())][:size]
        left = [place for place in self.targets if place not in done]
        while left:
            reach = table[np.ix_(done, left)]
            source, place = (int(at) for at in np.unravel_index(reach.argmax(), reach.shape))
            if reach[source, place] > 0:
                self.add(left[place], *self.offer(left[place], done[source]))
            done.append(left.pop(place))

    def grow(self, max_parents: int, forbidden: Collection[Edge]) -> None:
        """Add the edge that is worth most, again and again, as long as it is worth anything."""
        candidates = self._candidates(forbidden)
        offers: dict[int, list[tuple[float, Parent]]] = {}

        def look(place: int) -> None:
            held = {parent.place for parent in self.parents[place]}
            free = [source for source in candidates[place] if source not in held]
            offers[place] = [self.offer(place, source) for source in free] if len(held) < max_parents else []

        for place in self.targets:
            look(place)
        while True:
            best = max(
                (
                    (gain, place, parent)
                    for place, own in offers.items()
                    for gain, parent in own
                    if gain > 0 and not self.above[place, parent.place]
                ),
                key=lambda one: one[0],
                default=None,
            )
            if best is None:
                return
            gain, place, parent = best
            self.add(place, gain, parent)
            look(place)

    def order(self) -> list[int]:
        """Return the axes that are drawn, parents first; of those that are free, the first."""
        done, order = set(range(self.first)), []
        left = list(self.targets)
        while left:
            place = next(p for p in left if all(parent.place in done for parent in self.parents[p]))
            left.remove(place)
            done.add(place)
            order.append(place)
        return order

    def shares(self) -> Array:
        """Return the share of each axis' entropy that each of its parents adds, shape (axes drawn, all axes)."""
        found = np.zeros((len(self.targets), len(self.parents)))
        for row, place in enumerate(self.targets):
            held = np.bincount(self.scorer.features.own[place][0], self.scorer.features.weights)
            held = held[held > 0] / max(held.sum(), 1e-300)
            entropy = float(-(held * np.log(held)).sum())
            for gain, parent in zip(self.gains[place], self.parents[place]):
                found[row, parent.place] = max(gain, 0.0) / max(entropy * self.scorer.rows, 1e-300)
            found[row] /= max(found[row].sum(), 1.0)
        return found

    def _candidates(self, forbidden: Collection[Edge]) -> list[list[int]]:
        """List, for each axis, the parents that are worth trying."""
        size = len(self.parents)
        found: list[list[int]] = []
        for place in range(size):
            others = [other for other in range(size) if other != place and (other, place) not in forbidden]
            if place >= self.first and len(others) > CANDIDATES:
                told = {other: self._pair(place, other) for other in others}
                others = sorted(sorted(others, key=lambda other: -told[other])[:CANDIDATES])
            found.append(others)
        return found

    def _pair(self, one: int, other: int) -> float:
        key = (min(one, other), max(one, other))
        if key not in self.pairs:
            self.pairs[key] = self.scorer.information(*key)
        return self.pairs[key]
