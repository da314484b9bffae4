"""What chance alone makes of a difference: rows change sides at random, and the difference is taken again.

Unseen real rows in place of the synthetic ones are exchangeable with the real rows that give the ceiling, so
dealing the two kinds anew shows the spread of "figure minus ceiling" where nothing is wrong, however few rows
there are. Rows fall into random groups, and whole groups change sides: one pass over the rows serves all draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array
from simulacra.metric import Verdict
from simulacra.metrics._verdicts import judge_excess

DRAWS = 400
GROUPS = 100
MOST_GROUPS = 1_000
SKEW = 1.5
"""A distance from the very sample that it is held against is skewed: its rare values lie this much farther out than
a normal law says (Kolmogorov-Smirnov at a chance of 1e-4 to 1e-6: 1.4 to 1.45 times)."""


@dataclass(frozen=True)
class Exchange:
    """The groups of two sides' rows, and which of them are on the first side in each draw."""

    left: Array
    right: Array
    first: Array

    @classmethod
    def plan(cls, left: int, right: int, rng: np.random.Generator) -> Exchange:
        """Deal the rows of two sides into groups of about equal size, and the groups onto two sides."""
        size = max(1, min(left, right) // GROUPS, (left + right) // MOST_GROUPS)
        ours, theirs = (max(1, round(rows / size)) for rows in (left, right))
        order = np.argsort(rng.random((DRAWS, ours + theirs)), axis=1)
        groups = rng.permutation(left) % ours, ours + rng.permutation(right) % theirs
        return cls(*groups, (order < ours).astype(np.float64))

    def shares(self, left: Array, right: Array, size: int) -> tuple[Array, Array]:
        """Return the share of each code on either side in each draw, two arrays of shape (DRAWS, size)."""
        count = self.first.shape[1]
        table = np.bincount(self.left * size + left, minlength=count * size)
        table = table + np.bincount(self.right * size + right, minlength=count * size)
        table = table.reshape(count, size)
        ours = self.first @ table
        theirs = table.sum(axis=0) - ours
        return ours / ours.sum(axis=1, keepdims=True), theirs / theirs.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Excess:
    """By how much a distance is above what real data get, and how much of that is chance.

    Parameters
    ----------
    value : float
        The distance minus the ceiling's; without one, minus what rows of one kind get on average.
    error : float
        Its standard error where nothing is wrong.
    """

    value: float
    error: float

    @classmethod
    def over(cls, distance: float, baseline: float | None, draws: Array) -> Excess:
        """Hold a distance against its ceiling, or against chance where there is none.

        `draws` are repetitions of "distance minus ceiling", or of the distance itself where there is no ceiling.
        """
        if baseline is None:
            return cls(distance - float(draws.mean()), SKEW * float(draws.std()))
        return cls(distance - baseline, float(draws.std()))

    def judge(self, limits: tuple[float, float], looks: int = 1) -> Verdict:
        """Judge; see `judge_excess`."""
        return judge_excess(self.value, self.error, limits, looks)


def worst_of(excesses: Sequence[Excess], limits: tuple[float, float]) -> tuple[int, Verdict]:
    """Return which excess loses most (the gravest verdict, then the largest), and its verdict.

    Examples
    --------
    >>> worst_of([Excess(0.3, 0.5), Excess(0.2, 0.01)], (0.02, 0.1))
    (1, 'fail')
    """
    verdicts = [excess.judge(limits, len(excesses)) for excess in excesses]
    gravity = [("pass", "look", "fail").index(verdict) for verdict in verdicts]
    at = max(range(len(excesses)), key=lambda i: (gravity[i], excesses[i].value))
    return at, verdicts[at]
