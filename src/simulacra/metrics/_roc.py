"""Read an attack's true-positive rate off its ROC curve, and how sure one may be of it."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from simulacra.domain import Array

Z = 1.96


def caught(scores: Array, members: Array, rate: float) -> tuple[float, tuple[float, float]]:
    """Return the true-positive rate at a false-positive rate, with its 95 % interval.

    A threshold at the j-th highest of n strangers lets another stranger pass with chance j / (n + 1), so the
    rank is rate x (n + 1), between ranks by interpolation; below the first rank it starts from nobody.
    """
    strangers = len(scores) - int(members.sum())
    curve = members_above(scores, members)
    value = float(np.interp(rate * (strangers + 1), np.arange(strangers + 1), curve))
    ends = [int(binom.ppf(q, strangers, rate)) for q in (0.025, 0.975)]
    ends[1] = min(strangers, ends[1] + 1)
    count = len(scores) - strangers
    low, high = _wilson(value, count)
    below, above = min(value, curve[ends[0]]), max(value, curve[ends[1]])
    low = value - float(np.hypot(value - low, value - below))
    high = value + float(np.hypot(high - value, above - value))
    return value, (max(0.0, low), min(1.0, high))


def members_above(scores: Array, members: Array) -> Array:
    """Return the share of members above the j-th highest stranger, for j = 0 (nobody is) to all strangers.

    Among b members and a strangers with one score, the members above the i-th of these strangers are
    b i / (a + 1) on average over all orders.
    """
    levels, place = np.unique(-scores, return_inverse=True)
    ours = np.bincount(place, members, minlength=len(levels))
    theirs = np.bincount(place, ~members, minlength=len(levels)).astype(np.int64)
    before = np.cumsum(ours) - ours
    level = np.repeat(np.arange(len(levels)), theirs)
    rank = np.arange(len(level)) - (np.cumsum(theirs) - theirs)[level] + 1
    above = before[level] + ours[level] * rank / (theirs[level] + 1)
    return np.concatenate([[0.0], above / ours.sum()])


def _wilson(share: float, rows: int) -> tuple[float, float]:
    inverse = Z * Z / rows
    middle = (share + inverse / 2) / (1 + inverse)
    half = Z * np.sqrt(share * (1 - share) / rows + inverse / (4 * rows)) / (1 + inverse)
    return min(share, float(middle - half)), max(share, float(middle + half))
