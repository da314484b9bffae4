"""Rows under conditions, without drawing in vain: particles are drawn axis by axis within limits, and weighted.

Every particle's weight is the chance that an unrestricted draw would have kept the wishes so far, so that the weighted
particles stand for the model's rows that keep them, and the mean weight is the probability that one does. Particles of
small weight are thinned out; rows are picked from what is left.

Source: Doucet and Johansen 2009, "A tutorial on particle filtering and smoothing", sections 3 and 4 (sequential
importance sampling and resampling); Fearnhead and Clifford 2003, "On-line inference for hidden Markov models via
particle filters", section 3 (thinning that keeps large weights as they are); Kitagawa 1996 (systematic resampling).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array, Block, Domain, Support, code_dtype
from simulacra.generator import Sequential
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.sampling.decoding import Decoder
from simulacra.sampling.supports import Gate, Plan, Wish

WORTH = 2.5
"""Effective particles drawn per row wanted: margins vary by a fifth more than those of independent rows at most."""
FEWEST = 2_048
"""Particles drawn at least, so that their mean weight tells the probability."""
_SPARSE = 0.8
"""Share of living particles below which the dead are left behind."""
CROWDED = 4
"""Particles kept per effective particle wanted before they are thinned."""


@dataclass
class Tally:
    """What the particles drawn so far say of the wishes.

    Parameters
    ----------
    drawn : int
        Particles in all.
    total, squares : float
        Sum of their weights, and of the weights' squares.
    late_kept, late_drawn : int
        Finished rows that kept what is judged last, of how many.
    """

    drawn: int = 0
    total: float = 0.0
    squares: float = 0.0
    late_kept: int = 0
    late_drawn: int = 0

    def add(self, drawn: int, weights: Array) -> None:
        """Count more particles; those of weight 0 may be left out of `weights`."""
        self.drawn += drawn
        self.total += float(weights.sum())
        self.squares += float((weights**2).sum())

    def join(self, other: Tally) -> None:
        """Count what another tally counted."""
        self.drawn += other.drawn
        self.total += other.total
        self.squares += other.squares
        self.late_kept += other.late_kept
        self.late_drawn += other.late_drawn

    def join_branches(self, other: Tally, chance: float) -> None:
        """Count what was drawn for the parts of an OR, which together have some chance."""
        scale = chance * other.drawn / other.total if other.total else 1.0
        self.drawn += other.drawn
        self.total += scale * other.total
        self.squares += scale**2 * other.squares
        self.late_kept += other.late_kept
        self.late_drawn += other.late_drawn

    @property
    def chance(self) -> float:
        """The estimated probability that a row keeps the wishes."""
        late = self.late_kept / self.late_drawn if self.late_drawn else 1.0
        return self.total / self.drawn * late if self.drawn else 1.0

    @property
    def effective(self) -> float:
        """Kish's effective sample size: as many rows of equal weight would tell as much."""
        return self.total**2 / self.squares if self.squares > 0 else 0.0

    @property
    def yield_(self) -> float:
        """Effective particles per particle drawn."""
        return self.effective / self.drawn if self.drawn else 1.0


@dataclass
class Cloud:
    """Weighted particles: drafts of rows, in pieces."""

    drafts: list[Any] = field(default_factory=list)
    weights: list[Array] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(map(len, self.weights))

    def add(self, draft: Any, weights: Array) -> None:
        """Take more particles."""
        if len(weights):
            self.drafts.append(draft)
            self.weights.append(weights)

    def all_weights(self) -> Array:
        """Return the weights of all pieces."""
        return np.concatenate([np.empty(0), *self.weights])

    def keep(self, index: Array, weights: Array) -> None:
        """Keep some particles with new weights; `index` is ascending and counts over all pieces."""
        ends = np.cumsum([0, *map(len, self.weights)])
        cuts = np.searchsorted(index, ends)
        parts = [
            (draft.take(index[a:b] - start), weights[a:b])
            for draft, start, a, b in zip(self.drafts, ends, cuts, cuts[1:])
            if b > a
        ]
        self.drafts, self.weights = [p[0] for p in parts], [p[1] for p in parts]


@dataclass(frozen=True)
class Walker:
    """Draws particles of a model under a plan.

    Parameters
    ----------
    model : Sequential
        The fitted model.
    plan : Plan
        Limits, gates and lead.
    decoder : Decoder
        Turns axes into the columns that gates look at.
    """

    model: Sequential
    plan: Plan
    decoder: Decoder

    def walk(self, n: int, rng: Streams) -> tuple[Any, Array]:
        """Draw all axes that are limited or come before one that is; return the living particles and their weights."""
        draft, log = self.model.start(n), np.zeros(n)
        for stage, axis in enumerate(self.model.order[: self.plan.stages], 1):
            free = not self.plan.steers(axis)
            log = log + self._step(draft, axis, rng) if not free else self._free(draft, axis, log, rng)
            gate = self.plan.gates.get(stage)
            if gate is not None:
                log = np.where(self._judge(draft, gate, rng), log, -np.inf)
            if gate is not None or not free:
                alive = np.flatnonzero(log > -np.inf)
                if len(alive) < _SPARSE * len(log) or stage == self.plan.stages:
                    draft, log = draft.take(alive), log[alive]
            if not len(log):
                break
        return draft, np.exp(log)

    def watch(self, n: int, rng: Streams) -> tuple[list[Array], Array, Array]:
        """Walk as `walk` does and keep the dead.

        Returns
        -------
        seen : list of array
            The codes of every axis drawn, in the order of drawing.
        base : array, shape (n,)
            Weights under which the particles stand for draws without a lead.
        weights : array, shape (n,)
            Weights under which they stand for rows that keep the wishes.
        """
        draft, log, base = self.model.start(n), np.zeros(n), np.zeros(n)
        seen = []
        for stage, axis in enumerate(self.model.order[: self.plan.stages], 1):
            step = self._step(draft, axis, rng)
            log += step
            seen.append(self.model.codes(draft, axis))
            if axis in self.plan.bias:
                limited = axis in self.plan.supports or axis in self.plan.foreseen
                base += -np.log(self.plan.bias[axis][seen[-1]]) if limited else step
            gate = self.plan.gates.get(stage)
            if gate is not None:
                log = np.where(self._judge(draft, gate, rng), log, -np.inf)
        return seen, np.exp(base), np.exp(log)

    def finish(self, draft: Any, rng: Streams) -> Block:
        """Draw the axes that are free, and return the rows."""
        for axis in self.model.order[self.plan.stages :]:
            self.model.step(draft, axis, rng=rng)
        return self.model.finish(draft, rng)

    def _free(self, draft: Any, axis: int, log: Array, rng: Streams) -> Array:
        self.model.step(draft, axis, rng=rng)
        return log

    def _step(self, draft: Any, axis: int, rng: Streams) -> Array:
        support, lead, ahead = (
            self.plan.support(axis), self.plan.bias.get(axis), self.plan.foreseen.get(axis),
        )  # fmt: skip
        lines = None
        if ahead is not None:
            told, lines = ahead.lines([self.model.codes(draft, own) for own in ahead.before], len(draft))
            lead = told if lead is None else told * lead
            support = replace(support or Support(), bias=lead, lines=lines)
        mass = self.model.step(draft, axis, support=support, rng=rng)
        if lead is None:
            return mass
        # drawn in proportion to the lead, so each row counts by what the lead made of its chance
        codes = self.model.codes(draft, axis)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(
                mass > -np.inf, mass - np.log(lead[codes] if lines is None else lead[lines, codes]), -np.inf
            )

    def _judge(self, draft: Any, gate: Gate, rng: Streams) -> Array:
        names = self.decoder.domain.names
        arrays = {names[axis]: self.model.read(draft, axis, rng) for axis in gate.axes}
        columns = sorted({name for wish in gate.wishes for name in wish.term.columns})
        return keeps(gate.wishes, self.decoder.columns(columns, arrays, len(draft)))


def keeps(wishes: Sequence[Wish], frame: pl.DataFrame) -> Array:
    """Tell which rows keep all wishes."""
    kept = np.ones(len(frame), bool)
    for wish in wishes:
        kept &= wish.term.evaluate(frame).fill_null(wish.unknown).to_numpy()
    return kept


class Pool:
    """Draws as many rows under a plan as are wanted, from a growing cloud of particles.

    Parameters
    ----------
    walker : Walker
        Draws particles.
    expected : float
        Effective particles per particle, as a pilot found.
    """

    def __init__(self, walker: Walker, expected: float) -> None:
        self.walker = walker
        self.expected = expected

    def rows(self, n: int, rng: Streams, tally: Tally, most: int) -> Block | None:
        """Draw n rows; None when `most` particles do not hold n effective ones.

        What is drawn is added to `tally`.
        """
        if not n:
            return _no_rows(self.walker.decoder.domain)
        own, cloud = Tally(), Cloud()
        need = WORTH * n
        batch = 0
        while own.effective < need and own.drawn < most:
            size = _next_size(need, own, self.expected)
            draft, weights = self.walker.walk(size, rng.at("batch", batch))
            own.add(size, weights)
            cloud.add(draft, weights)
            if len(cloud) > CROWDED * need + BLOCK_ROWS:
                index, new = thin(cloud.all_weights(), int(CROWDED * need), _uniform(rng, "thin", batch))
                cloud.keep(index, new)
            batch += 1
        tally.join(own)
        if own.effective < min(n, need):
            return None
        weights = cloud.all_weights()
        order = rng.stream("order").permutation(len(weights))
        picked = np.sort(order[pick(weights[order], n, _uniform(rng, "pick", 0))])
        cloud.keep(picked, weights[picked])
        blocks = [
            self.walker.finish(draft, rng.at("rest", place)) for place, draft in enumerate(cloud.drafts)
        ]
        columns = [np.concatenate(parts) for parts in zip(*(block.columns for block in blocks), strict=True)]
        shuffled = rng.stream("shuffle").permutation(n)
        return Block(self.walker.decoder.domain, tuple(c[shuffled] for c in columns), rows=n)


def _no_rows(domain: Domain) -> Block:
    kinds = [np.float64 if axis.size is None else code_dtype(axis.size) for axis in domain.axes]
    return Block(domain, tuple(np.empty(0, kind) for kind in kinds), rows=0)


def _next_size(need: float, own: Tally, expected: float) -> int:
    share = own.yield_ if own.effective >= 50 else min(expected, 1.0)
    lacking = (need - own.effective) / max(share, 1e-6)
    return int(np.clip(1.05 * lacking, FEWEST, BLOCK_ROWS))


def _uniform(rng: Streams, *name: Any) -> float:
    return float(rng.stream(*name).random())


def thin(weights: Array, m: int, uniform: float) -> tuple[Array, Array]:
    """Choose about m particles: the heavy ones as they are, the light ones at random with a common new weight.

    Parameters
    ----------
    weights : array, shape (particles,)
        Positive weights.
    m : int
        How many to keep, below their number.
    uniform : float
        A random number in [0, 1).

    Returns
    -------
    index, weights : array
        Which stay, ascending, and their new weights, whose expectation is that of the old ones.
    """
    order = np.sort(weights)
    below = np.cumsum(order)
    # the smallest c for which the sum of min(w / c, 1) is at most m
    heavy = len(order) - 1 - np.arange(len(order))
    room = m - heavy
    fits = (room > 0) & (below <= room * order)
    last = int(np.argmax(fits))
    cut = below[last] / room[last] if fits.any() else order[-1]
    light = np.flatnonzero(weights < cut)
    ends = np.cumsum(weights[light]) / cut
    points = np.arange(np.ceil(ends[-1] - uniform) if len(ends) else 0) + uniform
    picked = light[np.searchsorted(ends, points, side="right").clip(max=max(len(light) - 1, 0))]
    index = np.sort(np.concatenate([np.flatnonzero(weights >= cut), picked]))
    return index, np.maximum(weights[index], cut)


def pick(weights: Array, n: int, uniform: float) -> Array:
    """Pick n particles in proportion to their weights, as evenly as can be; return positions, ascending."""
    ends = np.cumsum(weights)
    points = (np.arange(n) + uniform) * (ends[-1] / n)
    return np.minimum(np.searchsorted(ends, points, side="right"), len(weights) - 1)
