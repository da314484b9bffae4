"""Leading particles to where wishes can hold: what a pilot's survivors had in common weighs the draws of all others.

A wish about a late column says nothing about the early ones, and most particles would come to nothing there. The
survivors of a pilot tell which codes of early axes lead to them. Their weights are approximated by a product of one
factor per code of a few axes, fitted as margins are raked, and draws follow the factors. Weights make up for it, so the
result is the same in law; only the effort is less.

Source: Guarniero, Johansen and Lee 2017, "The iterated auxiliary particle filter", section 3 (twisting by
estimated look-ahead, repeated); Rubinstein and Kroese 2004, "The cross-entropy method", chapter 3 (fitting the
proposal to survivors); Deming and Stephan 1940 (raking).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulacra.domain import Array
from simulacra.generator import Tabled
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.sampling.foresight import foresee
from simulacra.sampling.particles import Tally, Walker

PILOT = 16_384
"""Particles of a pilot."""
HOPELESS = 4_000_000
"""Particles without one survivor before a condition is given up."""
GOOD = 0.3
"""Effective particles per particle from which no lead is looked for."""
_POOR = 0.1
"""Effective particles per particle below which more of them are looked at."""
_ROUNDS = 5
_GROUPS = 48
"""Groups into which the codes of an ordered axis are put."""
_GAIN = 0.06
"""Nats that an axis' factor must tell."""
_OPEN = 0.1
"""Share of draws of an axis that follow no lead: no code is left out for want of a survivor in the pilot."""
_WARY = 0.3
"""The same where survivors still differ much: some come from where the pilot saw few of them."""
_LIMITED = 7.0
"""What a limited draw of an axis costs more than a free one, about."""
_FORESEEN = 10.0
"""What one costs beyond that whose limits differ from row to row."""
_RARER = 10_000.0
"""Particles, times the probability of the whole, after which a part of it that no particle kept is left out."""
_FEW = 30
"""Effective particles that a pilot learns from at least."""


@dataclass(frozen=True)
class Scouted:
    """What pilots found out: how to draw, how many effective particles that gives, and how likely the wishes are."""

    walker: Walker
    expected: float
    tally: Tally


def scout(walker: Walker, rng: Streams, *, beside: float = 0.0) -> Scouted:
    """Find a lead for a plan that few particles survive.

    Parameters
    ----------
    walker : Walker
        A model and a plan without a lead.
    rng : Streams
        Where randomness comes from.
    beside : float
        The probability of what this is only a part of: a part that is rarer by far is not searched for long.

    Returns
    -------
    Scouted
        The walker with the plan to use. Its tally is empty of survivors when none of `HOPELESS` particles survived.
    """
    best = walker
    tally = Tally()
    if not walker.plan.stages:
        # what is judged on finished rows alone: every particle will do
        tally.add(1, np.ones(1))
        return Scouted(walker, 1.0, tally)
    found = _glance(walker, rng.at("glance"))
    tally.join(found.tally)
    share = found.tally.yield_
    if share >= GOOD and found.tally.total:
        return Scouted(walker, share, tally)
    foreseen = foresee(walker.plan, walker.model, walker.decoder, _margins(found))
    if foreseen or found.tally.effective < _FEW:
        best = replace(walker, plan=replace(walker.plan, foreseen=foreseen))
        found = _pilot(best, rng.at("round", 0), most=_patience(beside))
        tally.join(found.tally)
        share = found.tally.yield_
    value = share / _cost(best)
    for turn in range(1, _ROUNDS):
        if not found.tally.total or share >= GOOD:
            break
        wary = turn > 1 and share < _POOR
        led = replace(found.walker, plan=replace(best.plan, bias=_learn(found, wary)))
        if not led.plan.bias:
            break
        found = _pilot(led, rng.at("round", turn), 4 * PILOT if wary else PILOT, _patience(beside))
        tally.join(found.tally)
        better = found.tally.yield_ / _cost(led)
        if better > value:
            best, value, share = led, better, found.tally.yield_
        elif found.tally.effective > 200 and turn > 2:
            break
    return Scouted(best, share, tally)


@dataclass(frozen=True)
class _Pilot:
    walker: Walker
    seen: list[Array]
    base: Array
    weights: Array
    tally: Tally


def glance(walker: Walker, rng: Streams) -> Tally:
    """Tell what a few particles say of a plan."""
    return _glance(walker, rng).tally


def _patience(beside: float) -> int:
    """Return after how many particles without a survivor a part of something so likely is left out."""
    return int(min(HOPELESS, _RARER / beside)) if beside else HOPELESS


def _glance(walker: Walker, rng: Streams, size: int = PILOT) -> _Pilot:
    """Draw a few particles."""
    seen, base, weights = walker.watch(size, rng.at(0))
    tally = Tally()
    tally.add(size, weights)
    return _Pilot(walker, seen, base, weights, tally)


def _margins(pilot: _Pilot) -> dict[int, Array]:
    """Return how likely the codes of the axes are that were drawn, none of them 0."""
    model = pilot.walker.model
    found = {}
    for axis, codes in zip(model.order, pilot.seen):
        counts = np.bincount(codes, minlength=model.cells(axis)) + 0.5
        found[axis] = counts / counts.sum()
    return found


def _pilot(walker: Walker, rng: Streams, size: int = PILOT, most: int = HOPELESS) -> _Pilot:
    """Draw particles until some survive; keep the first ones, and all that survive."""
    first = _glance(walker, rng, size)
    seen, base, weights, tally = first.seen, first.base, first.weights, first.tally
    turn = 0
    while tally.effective < _FEW and tally.drawn < (most if not tally.total else most // 8):
        turn += 1
        more, more_base, own = walker.watch(BLOCK_ROWS, rng.at(turn))
        tally.add(BLOCK_ROWS, own)
        alive = np.flatnonzero(own > 0)
        seen = [np.concatenate([a, b[alive]]) for a, b in zip(seen, more)]
        base = np.concatenate([base, more_base[alive]])
        weights = np.concatenate([weights, own[alive]])
    # of later batches only survivors were kept, so the dead of the first one stand for all the dead
    base[:size][weights[:size] == 0] *= tally.drawn / size
    return _Pilot(walker, seen, base, weights, tally)


def _cost(walker: Walker) -> float:
    plan = walker.plan
    steered = sum(plan.steers(axis) for axis in walker.model.order)
    return len(walker.model.order) + _LIMITED * steered + _FORESEEN * len(plan.foreseen)


def _learn(pilot: _Pilot, wary: bool) -> dict[int, Array]:
    """Fit a factor per code of a few axes, whose product tells best what a particle's weight will be."""
    order = pilot.walker.model.order[: pilot.walker.plan.stages]
    plan = pilot.walker.plan
    gated = plan.stages in plan.gates
    axes = [
        _Axis.of(pilot, place, axis)
        for place, axis in enumerate(order if gated else order[:-1])
        if axis not in plan.foreseen
    ]
    effective = pilot.tally.effective
    product = pilot.base / pilot.base.sum()
    chosen: list[_Axis] = []
    # in the order of drawing: each axis is led by what it tells beyond those before it
    for axis in axes:
        if axis.groups > 1 and axis.gain(product, effective) > _GAIN:
            chosen.append(axis)
            product = axis.rake(product, effective)
    for axis in chosen:
        product = axis.rake(product, effective)
    return {axis.axis: axis.bias(_WARY if wary else _OPEN) for axis in chosen}


@dataclass
class _Axis:
    """The factors of one axis."""

    axis: int
    group: Array
    codes: Array
    share: Array
    target: Array
    factor: Array

    @classmethod
    def of(cls, pilot: _Pilot, place: int, axis: int) -> _Axis:
        cells, codes = pilot.walker.model.cells(axis), pilot.seen[place]
        group = np.arange(cells)
        if pilot.walker.decoder.domain.axes[axis].size is None and cells > _GROUPS:
            order, model = np.arange(cells), pilot.walker.model
            if isinstance(model, Tabled):
                # the codes of a calendar go by weekdays
                order = np.argsort(model.table(axis)[0][:, 0], kind="stable")
            counts = np.bincount(codes, pilot.base, minlength=cells)[order]
            groups = np.clip(pilot.tally.effective / 4, _GROUPS, 8 * _GROUPS)
            group[order] = np.floor(np.cumsum(counts) / counts.sum() * (groups - 1e-9)).astype(np.int64)
            group = np.unique(group, return_inverse=True)[1]
        own = group[codes]
        size = int(group.max()) + 1
        share, target = (
            np.bincount(own, by, minlength=size) / by.sum() for by in (pilot.base, pilot.weights)
        )
        return cls(axis, group, own, share, target, np.ones(size))

    @property
    def groups(self) -> int:
        return len(self.factor)

    def gain(self, product: Array, effective: float) -> float:
        """Return how much this axis still tells, in nats, less what chance alone would tell."""
        now = np.bincount(self.codes, product, minlength=self.groups)
        wanted = self._smoothed(now, effective)
        held = wanted > 0
        told = float((wanted[held] * np.log(wanted[held] / np.maximum(now[held], 1e-300))).sum())
        return told - (np.count_nonzero(self.target) - 1) / (2 * effective)

    def rake(self, product: Array, effective: float) -> Array:
        """Bring the axis' margin to that of the survivors; return the particles' new weights."""
        now = np.bincount(self.codes, product, minlength=self.groups)
        change = np.divide(self._smoothed(now, effective), now, out=np.ones(self.groups), where=now > 0)
        self.factor *= change
        product = product * change[self.codes]
        return product / product.sum()

    def _smoothed(self, now: Array, effective: float) -> Array:
        prior = 2.0
        return (effective * self.target + prior * now) / (effective + prior) * (now > 0)

    def bias(self, open_: float) -> Array:
        """Return the weights of the model's codes, 1 at most; a share of the draws stays open."""
        lead = (1 - open_) * self.factor / (self.share @ self.factor) + open_
        return (lead / lead[self.share > 0].max()).clip(max=1.0)[self.group]
