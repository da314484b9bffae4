"""Weighted particles that belong to rows: split, merged, thinned and picked within each row, all rows at once.

Source: Doucet and Johansen 2009, "A tutorial on particle filtering and smoothing", section 3 (weights, effective sample
size); Fearnhead and Clifford 2003, "On-line inference for hidden Markov models via particle filters", section 3
(particles on the same discrete state are one, and thinning keeps large weights as they are).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from simulacra.domain import Array

_HALVINGS = 40


@dataclass(frozen=True)
class Crowd:
    """Particles of several rows; those of a row stand together.

    Parameters
    ----------
    rows : int
        How many rows there are.
    owner : array of int, shape (particles,)
        The row of each particle, ascending.
    log : array, shape (particles,)
        Logs of their weights, comparable within a row.
    doubt : array, shape (particles,)
        What share of its own square a weight adds to the variance: 1 for one draw, 1/k for k draws that fell together,
        0 for a weight that was worked out and not drawn.
    mark : array of uint64, shape (particles,)
        Equal for particles of a row that are alike in all that was drawn.
    """

    rows: int
    owner: Array
    log: Array
    doubt: Array
    mark: Array

    @classmethod
    def start(cls, rows: int) -> Self:
        """Return one particle for each row."""
        owner = np.arange(rows)
        return cls(rows, owner, np.zeros(rows), np.zeros(rows), _mix(owner.astype(np.uint64), np.uint64(1)))

    def __len__(self) -> int:
        return len(self.owner)

    def take(self, index: Array) -> Self:
        """Return some of the particles; one may be taken several times."""
        return replace(
            self, owner=self.owner[index], log=self.log[index], doubt=self.doubt[index], mark=self.mark[index]
        )

    def counts(self) -> Array:
        """Return how many particles each row has."""
        return np.bincount(self.owner, minlength=self.rows)

    def weights(self) -> Array:
        """Return weights that sum to 1 in every row that has some."""
        top = np.full(self.rows, -np.inf)
        np.maximum.at(top, self.owner, self.log)
        weights = np.exp(self.log - np.where(top > -np.inf, top, 0.0)[self.owner])
        total = np.bincount(self.owner, weights, self.rows)
        return weights / np.where(total > 0, total, 1.0)[self.owner]

    def worth(self) -> Array:
        """Return each row's effective number of draws; infinite without chance, 0 if all are dead."""
        weights = self.weights()
        spread = np.bincount(self.owner, self.doubt * weights**2, self.rows)
        alive = np.bincount(self.owner, weights, self.rows) > 0
        return np.where(alive, 1 / np.maximum(spread, 1e-300), 0.0)

    def copies(self, chosen: Array, wanted: int) -> Array:
        """Return how often to take each particle so that rows have about so many: heavy ones more often.

        Parameters
        ----------
        chosen : array of bool
            The particles that are about to be drawn on; all others are taken once.
        wanted : int
            Particles per row.
        """
        # one part in a million less, so that rounding gives no row a particle more than another
        return np.where(chosen, np.maximum(np.ceil(wanted * self.weights() - 1e-6), 1), 1).astype(np.int64)

    def marked(self, values: Array, chosen: Array | None = None) -> Self:
        """Tell particles apart that differ in something drawn."""
        values = np.ascontiguousarray(values)
        bits = values.view(np.uint64) if values.dtype == np.float64 else values.astype(np.uint64)
        mark = _mix(self.mark, bits)
        return replace(self, mark=mark if chosen is None else np.where(chosen, mark, self.mark))

    def merged(self, chosen: Array) -> tuple[Self, Array]:
        """Make one particle of those that are alike, among some; return it with the positions that stay."""
        places = np.flatnonzero(chosen)
        _, first, group = np.unique(self.mark[places], return_index=True, return_inverse=True)
        if len(first) == len(places):
            return self, np.arange(len(self))
        top = np.full(len(first), -np.inf)
        np.maximum.at(top, group, self.log[places])
        base = np.where(top > -np.inf, top, 0.0)
        parts = np.exp(self.log[places] - base[group])
        total = np.bincount(group, parts)
        squares = np.bincount(group, self.doubt[places] * parts**2)
        log, doubt = self.log.copy(), self.doubt.copy()
        with np.errstate(divide="ignore"):
            log[places[first]] = np.log(total) + base
        doubt[places[first]] = squares / np.where(total > 0, total**2, 1.0)
        stays = ~chosen
        stays[places[first]] = True
        index = np.flatnonzero(stays)
        return replace(self, log=log, doubt=doubt).take(index), index

    def thinned(self, most: int, wanted: int, rng: np.random.Generator) -> tuple[Self, Array]:
        """Drop the dead, and of rows with more than `most` particles keep about `wanted`: heavy ones as they are.

        Returns
        -------
        crowd : Crowd
            What stays. A light one stays with a probability in proportion to its weight, and then has that of the
            threshold, so that expected weights are unchanged.
        index : array
            The positions that stay, ascending.
        """
        uniform = rng.random(self.rows)
        weights = self.weights()
        full = (self.counts() > most)[self.owner]
        stays = self.log > -np.inf
        log = self.log
        if full.any():
            cut = _thresholds(self.owner[full], weights[full], self.rows, wanted)[self.owner]
            light = full & (weights < cut)
            shares = np.where(light, weights / np.where(light, cut, 1.0), 0.0)
            ends = np.cumsum(shares)
            ends -= np.append(0.0, ends)[np.searchsorted(self.owner, self.owner)]
            points = ends - uniform[self.owner]
            stays &= ~light | (np.ceil(points) > np.ceil(points - shares))
            with np.errstate(divide="ignore", invalid="ignore"):
                log = np.where(light, log + np.log(cut) - np.log(weights), log)
        index = np.flatnonzero(stays)
        return replace(self, log=log).take(index), index

    def pick(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Pick one particle of every row in proportion to weight; return the rows that have one, and the positions."""
        uniform = rng.random(self.rows)
        rows = np.flatnonzero(np.bincount(self.owner, self.log > -np.inf, self.rows) > 0)
        alive = np.flatnonzero(self.log > -np.inf)
        owner, weights = self.owner[alive], self.weights()[alive]
        start = np.searchsorted(owner, rows)
        stop = np.searchsorted(owner, rows, side="right")
        ends = np.cumsum(weights)
        begin = np.append(0.0, ends)[start]
        total = ends[stop - 1] - begin
        found = np.searchsorted(ends, begin + uniform[rows] * total, side="right")
        return rows, alive[np.clip(found, start, stop - 1)]


def _thresholds(owner: Array, weights: Array, rows: int, wanted: int) -> Array:
    """Find for each row the c for which the sum of min(w / c, 1) is `wanted`, by halving."""
    low, high = np.zeros(rows), np.ones(rows)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        held = np.bincount(owner, np.minimum(weights / middle[owner], 1.0), rows)
        low, high = np.where(held > wanted, middle, low), np.where(held > wanted, high, middle)
    return high


def _mix(state: Array, bits: Array | np.uint64) -> Array:
    """Stir bits into 64-bit states (the finaliser of splitmix64)."""
    state = (state ^ bits) + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
