"""What chance makes of a figure when rows of one entity go together: whole entities change sides, not rows.

Orders of one customer are alike. A test that deals single rows takes them for independent, and alarms at real data.
So entities fall into random groups and whole groups change sides (`simulacra.metrics._exchange`) or are drawn again
(`simulacra.metrics._resampling`). All that is asked of rows is sums, so one pass over them serves all draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array
from simulacra.metric import Verdict
from simulacra.metrics._exchange import Excess, Exchange, worst_of
from simulacra.metrics._resampling import Resample
from simulacra.randomness import Streams

Sums = Callable[[Array, int], Array]
"""Takes the group of each row and how many groups there are, and returns sums: groups x figures."""
MOST_EDGES = 512
"""Cells of a distribution: up to so many values it is told exactly, and to within 0.002 beyond."""
Distance = Callable[[Array, Array], Array]
"""Takes the sums of two sides, over the last axis, and says how far they are apart."""


@dataclass(frozen=True)
class Gap:
    """One figure of synthetic rows beside that of real ones.

    Parameters
    ----------
    value : float
        How far synthetic rows are from real ones.
    baseline : float or None
        How far other real rows are.
    chance : array
        What the excess (the distance, without a holdout) is where nothing is wrong.
    spread : array
        The distance over bootstrap repetitions.
    """

    value: float
    baseline: float | None
    chance: Array
    spread: Array

    @property
    def excess(self) -> Excess:
        """By how much the figure is worse than that of real data."""
        return Excess.over(self.value, self.baseline, self.chance)

    def interval(self, highest: float = 1.0) -> tuple[float, float]:
        """Return the 95 % interval of the figure."""
        half = 1.96 * float(self.spread.std())
        return max(0.0, self.value - half), min(max(highest, self.value), self.value + half)


@dataclass(frozen=True)
class Plan:
    """Which rows change sides together, and which are drawn again together.

    Parameters
    ----------
    exchange : Exchange
        Groups of the synthetic rows and of the other real ones.
    resamples : (Resample, Resample)
        Groups of the synthetic rows and of those they are held against.
    """

    exchange: Exchange
    resamples: tuple[Resample, Resample]

    @classmethod
    def make(cls, clusters: Sequence[Array], streams: Streams) -> Plan:
        """Deal the entities of two or three sides into groups; `clusters` has the entity of each row of each side."""
        dense = [np.unique(labels, return_inverse=True)[1] for labels in clusters]
        counts = [int(labels.max()) + 1 if len(labels) else 0 for labels in dense]
        dealt = Exchange.plan(max(1, counts[0]), max(1, counts[-1]), streams.stream("exchange"))
        exchange = Exchange(dealt.left[dense[0]], dealt.right[dense[-1]], dealt.first)
        drawn = []
        for at, side in enumerate(("synthetic", "reference")):
            plan = Resample.plan(max(1, counts[at]), streams.stream("resample", side))
            drawn.append(Resample(plan.groups[dense[at]], plan.weights))
        return cls(exchange, (drawn[0], drawn[1]))

    def compare(self, sums: Sequence[Sums], distance: Distance) -> Gap:
        """Hold synthetic rows against real ones, and other real rows as well."""
        whole = [make(np.zeros(1, dtype=np.int64), 1)[0] for make in sums]
        value = float(distance(whole[0], whole[1]))
        baseline = float(distance(whole[2], whole[1])) if len(sums) == 3 else None
        exchange = self.exchange
        count = exchange.first.shape[1]
        table = sums[0](exchange.left, count) + sums[-1](exchange.right, count)
        one = exchange.first @ table
        other = table.sum(axis=0) - one
        chance = (
            distance(one, other) if baseline is None else distance(one, whole[1]) - distance(other, whole[1])
        )
        drawn = [
            plan.weights @ make(plan.groups, plan.weights.shape[1])
            for plan, make in zip(self.resamples, sums)
        ]
        return Gap(value, baseline, chance, distance(drawn[0], drawn[1]))


def count_codes(codes: Array, size: int) -> Sums:
    """Count the rows of each code."""

    def make(groups: Array, count: int) -> Array:
        places = np.broadcast_to(groups, codes.shape) * size + codes
        return np.bincount(places, minlength=count * size).reshape(count, size).astype(np.float64)

    return make


def add_up(values: Array) -> Sums:
    """Add up the columns of a matrix of rows x figures."""

    def make(groups: Array, count: int) -> Array:
        place = np.broadcast_to(groups, len(values))
        return np.column_stack(
            [np.bincount(place, column, minlength=count) for column in np.ascontiguousarray(values.T)]
        )

    return make


def find_edges(values: Sequence[Array]) -> Array:
    """Return where ordered cells end that serve all sides alike: all values there are, or many quantiles of them.

    With cells from one side only, values of the other that lie between two of its own would not be seen.

    Examples
    --------
    >>> find_edges([np.array([0.0, 5.0]), np.array([0.0, 10.0])]).tolist()
    [0.0, 5.0, 10.0]
    """
    together = np.concatenate(list(values))
    known = np.unique(together)
    if len(known) <= MOST_EDGES:
        return known
    return np.unique(np.quantile(together, np.linspace(0, 1, MOST_EDGES), method="inverted_cdf"))


def rank_among(values: Array, known: Array) -> Array:
    """Return the share of known values, sorted and not empty, below each value, ties by half; NaN where missing.

    Examples
    --------
    >>> rank_among(np.array([1.0, 2.0, np.nan, 9.0]), np.array([1.0, 2.0, 2.0, 3.0])).tolist()
    [0.125, 0.5, nan, 1.0]
    """
    # of few values: looking a million up in a long array waits for memory
    levels, counts = np.unique(known, return_counts=True)
    place = np.minimum(np.searchsorted(levels, values, "left"), len(levels) - 1)
    ends = np.cumsum(counts)
    below = np.where(values > levels[place], ends[place], ends[place] - counts[place])
    upto = np.where(values >= levels[place], ends[place], ends[place] - counts[place])
    return np.where(np.isnan(values), np.nan, (below + upto) / (2 * len(known)))


def shares(counts: Array) -> Array:
    """Return counts as shares over the last axis."""
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1e-300)


def variation(left: Array, right: Array) -> Array:
    """Return the total variation of two sides' counts.

    Examples
    --------
    >>> float(variation(np.array([1, 1]), np.array([4, 0])))
    0.5
    """
    return 0.5 * np.abs(shares(left) - shares(right)).sum(axis=-1)


def largest_gap(left: Array, right: Array) -> Array:
    """Return the Kolmogorov-Smirnov distance of two sides' counts of ordered codes.

    Examples
    --------
    >>> float(largest_gap(np.array([1, 1]), np.array([4, 0])))
    0.5
    """
    return np.abs(np.cumsum(shares(left) - shares(right), axis=-1)).max(axis=-1)


def apart(figure: Callable[[Array], Array]) -> Distance:
    """Return how far two sides are apart in one figure that is computed from sums."""
    return lambda left, right: np.abs(figure(left) - figure(right))


def correlation(sums: Array) -> Array:
    """Return the correlation of two numbers from n, x, y, xx, yy and xy; 0 where one is constant.

    Examples
    --------
    >>> round(float(correlation(np.array([3.0, 6, 12, 14, 56, 28]))), 3)
    1.0
    """
    n, x, y, xx, yy, xy = (sums[..., at] for at in range(6))
    n = np.maximum(n, 1.0)
    spread = np.maximum(xx / n - (x / n) ** 2, 0) * np.maximum(yy / n - (y / n) ** 2, 0)
    joint = xy / n - x * y / n**2
    return np.where(spread > 1e-12, joint / np.sqrt(np.maximum(spread, 1e-12)), 0.0)


def moments(left: Array, right: Array) -> Sums:
    """Add up what `correlation` needs of two numbers; rows in which one is missing are left out."""
    known = ~(np.isnan(left) | np.isnan(right))
    x, y = np.where(known, left, 0.0), np.where(known, right, 0.0)
    return add_up(np.column_stack([known.astype(np.float64), x, y, x * x, y * y, x * y]))


def judge_worst(gaps: Sequence[Gap], limits: tuple[float, float]) -> tuple[int, Verdict]:
    """Return which gap loses most against real data, and its verdict."""
    return worst_of([gap.excess for gap in gaps], limits)
