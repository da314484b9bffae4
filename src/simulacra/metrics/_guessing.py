"""The spread of a cross-validated AUC where there is nothing to find."""

from __future__ import annotations

import math

from simulacra.metric import Verdict
from simulacra.metrics._verdicts import judge_excess

OVERLAP = 1.5
"""Folds learn from rows that are scored in other folds, which widens the spread: by simulation 1.2 to 1.3 times."""


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
