"""The ROC curve of scores: the area under it, points on it, and how sure one may be of either."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import binom, rankdata

from simulacra.domain import Array
from simulacra.metric import Verdict
from simulacra.metrics._shares import share_interval
from simulacra.metrics._verdicts import judge_excess

OVERLAP = 1.5
"""Folds learn from rows that are scored in other folds, which widens the spread: by simulation 1.2 to 1.3 times."""


def area(scores: Array, positive: Array) -> float:
    """Return the chance that a positive row scores above a negative one; ties count half."""
    wins = int(positive.sum())
    losses = len(scores) - wins
    if wins == 0 or losses == 0:
        return float("nan")
    return float((rankdata(scores)[positive].sum() - wins * (wins + 1) / 2) / (wins * losses))


def influence(scores: Array, positive: Array) -> tuple[float, Array]:
    """Return the area and each row's influence on it; the influences have mean 0.

    Notes
    -----
    **Source** DeLong, DeLong & Clarke-Pearson 1988, section 2 (structural components), with midranks.
    """
    wins = int(positive.sum())
    losses = len(scores) - wins
    pooled = rankdata(scores)
    placement = np.empty(len(scores))
    placement[positive] = (pooled[positive] - rankdata(scores[positive])) / losses
    placement[~positive] = 1 - (pooled[~positive] - rankdata(scores[~positive])) / wins
    value = float(placement[positive].mean())
    rows = len(scores)
    share = np.where(positive, wins / rows, losses / rows)
    return value, (placement - value) / share


def interval_from(value: float, influences: Array, floor: float = 0.0) -> tuple[float, float]:
    """Return the normal 95 % interval of a statistic from its influences.

    `floor` keeps the standard error above zero where the sample happens to be separated perfectly.
    """
    error = max(float(np.sqrt((influences**2).mean() / len(influences))), floor)
    return value - 1.96 * error, value + 1.96 * error


def area_interval(scores: Array, positive: Array) -> tuple[float, tuple[float, float]]:
    """Return the area and its 95 % interval by DeLong's variance, inside [0, 1]."""
    value, influences = influence(scores, positive)
    low, high = interval_from(value, influences, floor=1 / len(scores))
    return value, (max(0.0, low), min(1.0, high))


def guessing_error(rows: int) -> float:
    """Return the standard error of the out-of-fold AUC of guessing, with so many rows on each side.

    Notes
    -----
    **Source** Mann & Whitney 1947, "On a test of whether one of two random variables is stochastically larger".

    Examples
    --------
    >>> round(guessing_error(1_000), 4)
    0.0194
    """
    return OVERLAP * math.sqrt((2 * rows + 1) / (12 * rows * rows))


def judge_area(value: float, baseline: float | None, rows: int, limits: tuple[float, float]) -> Verdict:
    """Judge an AUC by how far it is above guessing, or above real data's where these are told apart as well.

    Examples
    --------
    >>> judge_area(0.62, 0.5, 30, (0.1, 0.25)), judge_area(0.62, 0.5, 3_000, (0.1, 0.25))
    ('pass', 'look')
    """
    return judge_excess(value - max(0.5, baseline or 0.0), guessing_error(rows), limits)


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
    low, high = share_interval(value * count, count)
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
