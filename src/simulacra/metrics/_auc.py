"""Area under the ROC curve, and how sure one may be of it."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from simulacra.domain import Array


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
