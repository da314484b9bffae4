"""Verdicts that real rows hardly ever lose: a figure counts against the synthetic rows only beyond noise."""

from __future__ import annotations

import math

from scipy.stats import binom, norm

from simulacra.metric import Verdict
from simulacra.metrics._case import judge

ALARM = 1e-4
"""Chance that unseen real rows get another verdict than pass from one score; a report has some fifty of them."""


def noise(error: float, looks: int = 1) -> float:
    """Return the excess that chance alone hardly ever goes beyond.

    Parameters
    ----------
    error : float
        Standard error of the excess: of the figure minus what it is held against.
    looks : int
        How many figures the largest was picked from (columns, groups), if it was picked.

    Examples
    --------
    >>> round(noise(0.01), 4)
    0.0372
    """
    return float(norm.isf(ALARM / max(1, looks))) * error


def judge_excess(excess: float, error: float, limits: tuple[float, float], looks: int = 1) -> Verdict:
    """Judge by how much a figure is worse than that of real data; what noise explains passes.

    Parameters
    ----------
    excess : float
        The figure minus real data's, positive where synthetic rows are worse.
    error : float
        Standard error of the excess; NaN where it is not known, then never worse than look.
    limits : (float, float)
        The excess up to which a figure passes, and up to which it is worth a look.
    looks : int
        How many figures the largest was picked from, if it was picked.

    Examples
    --------
    >>> judge_excess(0.09, 0.03, (0.02, 0.05)), judge_excess(0.09, 0.01, (0.02, 0.05))
    ('pass', 'fail')
    """
    if math.isnan(error):
        verdict = judge(excess, limits)
        return "look" if verdict == "fail" else verdict
    return "pass" if excess <= noise(error, looks) else judge(excess, limits)


def beyond_chance(hits: int, trials: int, chance: float, looks: int = 1) -> bool:
    """Tell whether so many hits are more than chance hardly ever gives (exact binomial test).

    Examples
    --------
    >>> beyond_chance(60, 100, 0.5), beyond_chance(80, 100, 0.5)
    (False, True)
    """
    return bool(binom.sf(hits - 1, trials, chance) < ALARM / max(1, looks))


def error_of(interval: tuple[float, float]) -> float:
    """Return the standard error that a normal 95 % interval stands for.

    Examples
    --------
    >>> round(error_of((-0.98, 0.98)), 3)
    0.5
    """
    return (interval[1] - interval[0]) / 3.92
