"""Balls around real rows that reach to their nearest real neighbours, and who lies in them.

Rows are dealt into groups, and each ball knows how many rows of each group it holds. So what chance alone would give
is learnt by dealing the groups of synthetic and control rows anew, and the spread of a figure by leaving groups out,
without looking at a distance again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from simulacra.domain import Array
from simulacra.metric import Comparison
from simulacra.metrics._embedding import BLOCK, Points, Side, eccentricity, embed, measure
from simulacra.metrics._verdicts import noise

GROUPS = 50
DEALS = 400
MOST_BALLS = 6_000
BEYOND = 1.4
"""How much farther out than all deals a difference must be; 1.2 would do for a normal distribution."""
LEVELS = np.linspace(0.0, 1.0, 201)


@dataclass(frozen=True)
class Balls:
    """What the balls around real rows hold.

    Parameters
    ----------
    synthetic, control : array
        Shape (balls, groups): how many rows of each group lie in each ball.
    apart, control_apart : array
        Shape (balls, groups): the distance from the centre of the ball to the nearest row of the group in it; infinite
        where there is none.
    steps, control_steps : array
        Shape (balls, groups): how far that row lies from the centre of the real rows, as a step of `shares`.
    shares, control_shares : array
        Shape (groups, steps): how many rows of each group lie in each step outwards from that centre.
    neighbours : int
        The ball around a row reaches to this neighbour.
    note : str
        What was left out, for people.
    """

    synthetic: Array
    control: Array
    apart: Array
    control_apart: Array
    steps: Array
    control_steps: Array
    shares: Array
    control_shares: Array
    neighbours: int
    note: str


def draw_balls(case: Comparison, against: Side, neighbours: int) -> Balls:
    """Draw balls around some real rows of a side; remembered."""

    def make() -> Balls:
        cloud = embed(case, against)
        balls = min(MOST_BALLS, len(cloud))
        centres = cloud.reference.take(np.arange(balls))
        radii = reach(centres, cloud.reference, neighbours)
        sides = (cloud.synthetic, cloud.control)
        far = [eccentricity(side, cloud.reference) for side in sides]
        edges = np.unique(np.quantile(np.concatenate(far), LEVELS, method="inverted_cdf"))
        step = [np.searchsorted(edges, side) for side in far]
        ours, theirs = (hold(centres, radii, side, at) for side, at in zip(sides, step, strict=True))
        shares = [tabulate(at, len(edges)) for at in step]
        return Balls(
            *(ours[0], theirs[0], ours[1], theirs[1], ours[2], theirs[2], shares[0], shares[1]),
            neighbours=neighbours,
            note=cloud.note,
        )

    return case.remember(("balls", against, neighbours), make)


def reach(centres: Points, references: Points, neighbours: int) -> Array:
    """Return the distance of each of the first references to its k-th nearest other one."""
    radii = np.empty(len(centres), dtype=np.float32)
    _reach(
        centres.codes, centres.numbers, references.codes, references.numbers,
        min(neighbours, len(references) - 1), radii,
    )  # fmt: skip
    return radii


def hold(centres: Points, radii: Array, side: Points, step: Array) -> tuple[Array, Array, Array]:
    """Count the rows of each group in each ball; find the one nearest to the ball's centre, and its step."""
    shape = len(centres), min(GROUPS, len(side))
    counts = np.zeros(shape, dtype=np.int32)
    apart = np.full(shape, np.inf, dtype=np.float32)
    steps = np.zeros(shape, dtype=np.int64)
    _hold(
        centres.codes, centres.numbers, side.codes, side.numbers, radii, step, counts, apart, steps
    )  # fmt: skip
    return counts, apart, steps


def tabulate(codes: Array, size: int) -> Array:
    """Count the rows of each group that have each code, shape (groups, size)."""
    groups = min(GROUPS, len(codes))
    owner = np.arange(len(codes)) % groups
    return np.bincount(owner * size + codes, minlength=groups * size).reshape(groups, size).astype(np.float64)


def chance_error(groups: int, difference: Callable[[Array], Array], rng: np.random.Generator) -> float:
    """Return the spread that a difference of two sides has when their groups are dealt anew.

    It is made larger where the farthest deals are farther out than those of a normal distribution, so that the normal
    limits of `noise` hold for few rows too.

    Parameters
    ----------
    groups : int
        How many groups either side has.
    difference : callable
        Gets a table of shape (deals, 2 x groups) that is True for the groups of one hand, and returns for each
        deal the figure of that hand minus that of the other.
    rng : Generator
        Deals.
    """
    order = np.argsort(rng.random((DEALS, 2 * groups)), axis=1)
    found = np.abs(difference(order < groups))
    return max(float(np.sqrt(np.mean(found**2))), float(found.max()) * BEYOND / noise(1.0))


def jackknife_error(without: Array) -> float:
    """Return the standard error of a figure from its values with one group left out at a time."""
    groups = len(without)
    return float(np.sqrt((groups - 1) * np.var(without)))


def interval_of(value: float, error: float, low: float = 0.0, high: float = 1.0) -> tuple[float, float]:
    """Return a normal 95 % interval, kept in its range; the value stays inside."""
    return max(min(low, value), value - 1.96 * error), min(max(high, value), value + 1.96 * error)


@njit(cache=True, nogil=True)
def _reach(
    codes: Array, numbers: Array, their_codes: Array, their_numbers: Array, neighbours: int, radii: Array
) -> None:
    total = np.empty(BLOCK, np.float32)
    nearest = np.empty(neighbours, np.float32)
    for q in range(len(radii)):
        nearest[:] = np.float32(np.inf)
        for first in range(0, their_codes.shape[1], BLOCK):
            size = min(BLOCK, their_codes.shape[1] - first)
            measure(codes, numbers, q, their_codes, their_numbers, first, total[:size])
            for i in range(size):
                if total[i] < nearest[-1] and first + i != q:
                    at = neighbours - 1
                    while at > 0 and nearest[at - 1] > total[i]:
                        nearest[at] = nearest[at - 1]
                        at -= 1
                    nearest[at] = total[i]
        radii[q] = nearest[-1]


@njit(cache=True, nogil=True)
def _hold(
    codes: Array,
    numbers: Array,
    their_codes: Array,
    their_numbers: Array,
    radii: Array,
    step: Array,
    counts: Array,
    apart: Array,
    steps: Array,
) -> None:
    total = np.empty(BLOCK, np.float32)
    groups = counts.shape[1]
    for q in range(len(radii)):
        for first in range(0, their_codes.shape[1], BLOCK):
            size = min(BLOCK, their_codes.shape[1] - first)
            measure(codes, numbers, q, their_codes, their_numbers, first, total[:size])
            for i in range(size):
                if total[i] <= radii[q]:
                    group = (first + i) % groups
                    counts[q, group] += 1
                    if total[i] < apart[q, group]:
                        apart[q, group] = total[i]
                        steps[q, group] = step[first + i]
