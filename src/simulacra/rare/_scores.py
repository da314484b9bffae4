"""How well rare levels are recognised: ROC AUC, average precision, balanced accuracy, and their standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array

DRAWS = 200
CHUNK = 25
"""Bootstrap draws that are worked on at once."""

AUC, PRECISION, BALANCED, CHOSEN = (
    "ROC AUC",
    "average precision",
    "balanced accuracy",
    "balanced accuracy, threshold chosen",
)
SCORES = (AUC, PRECISION, BALANCED, CHOSEN)
"""In the order of the report. The third takes the likeliest class (0.5 for two), the fourth moves the threshold."""


@dataclass(frozen=True)
class Measured:
    """The scores of one method on the same test rows: each with its bootstrap repetitions.

    Parameters
    ----------
    values : dict
        Score to figure.
    draws : dict
        Score to an array of the same figure under resampled test rows; methods share the resamples.
    """

    values: dict[str, float]
    draws: dict[str, Array]

    def error(self, score: str) -> float:
        """Return the standard error over test rows."""
        return float(self.draws[score].std(ddof=1))

    def gap(self, other: Measured, score: str) -> tuple[float, float]:
        """Return the difference from another method, and its standard error; both saw the same rows."""
        return self.values[score] - other.values[score], float(
            (self.draws[score] - other.draws[score]).std(ddof=1)
        )


def resample(truth: Array, rng: np.random.Generator) -> Array:
    """Draw weights of test rows, shape (DRAWS + 1, rows), within each class; the first row is the sample itself.

    Notes
    -----
    **Source** Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 8.3 (several samples: each class
    is drawn from by itself).
    """
    weights = np.zeros((DRAWS + 1, len(truth)), dtype=np.float32)
    for code in np.unique(truth):
        rows = np.flatnonzero(truth == code)
        weights[1:, rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=DRAWS)
    weights[0] = 1
    return weights


def measure(told: Array, truth: Array, chosen: Array, rare: tuple[int, ...], weights: Array) -> Measured:
    """Score predictions.

    Parameters
    ----------
    told : array
        Chances of each class, shape (repetitions, rows, classes); scores are means over the repetitions.
    truth : array
        The true classes.
    chosen : array
        Classes predicted with the threshold that was chosen, shape (repetitions, rows).
    rare : tuple of int
        The levels whose recognition is measured, each against the rest.
    weights : array
        Of `resample`.
    """
    areas, precisions, plain, moved = [], [], [], []
    for chances, decided in zip(told, chosen, strict=True):
        for code in rare:
            area, precision = rank_scores(chances[:, code], truth == code, weights)
            areas.append(area)
            precisions.append(precision)
        plain.append(balanced(chances.argmax(axis=1), truth, weights))
        moved.append(balanced(decided, truth, weights))
    found = [np.mean(each, axis=0) for each in (areas, precisions, plain, moved)]
    return Measured(
        {score: float(one[0]) for score, one in zip(SCORES, found, strict=True)},
        {score: one[1:] for score, one in zip(SCORES, found, strict=True)},
    )


def rank_scores(chances: Array, positive: Array, weights: Array) -> tuple[Array, Array]:
    """Return area under the ROC curve and average precision for each row of weights.

    Notes
    -----
    Average precision is the mean of the precision at each threshold, weighted by the recall gained there; ties are one
    threshold. **Source** Davis and Goadrich 2006, "The relationship between precision-recall and ROC curves",
    section 2.
    """
    order = np.argsort(-chances, kind="stable")
    ordered = chances[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    hits = positive[order].astype(np.float64)
    areas, precisions = [], []
    for start in range(0, len(weights), CHUNK):
        drawn = weights[start : start + CHUNK][:, order].astype(np.float64)
        won = (drawn * hits).cumsum(axis=1)[:, ends]
        seen = drawn.cumsum(axis=1)[:, ends]
        lost = seen - won
        gained = np.diff(won, axis=1, prepend=0.0)
        missed = np.diff(lost, axis=1, prepend=0.0)
        wins, losses = won[:, -1], lost[:, -1]
        areas.append((missed * (won - gained / 2)).sum(axis=1) / (wins * losses))
        precisions.append((gained * won / np.maximum(seen, 1e-12)).sum(axis=1) / wins)
    return np.concatenate(areas), np.concatenate(precisions)


def balanced(predicted: Array, truth: Array, weights: Array) -> Array:
    """Return the mean share of rows of each class that are recognised, for each row of weights."""
    recalls = []
    for code in np.unique(truth):
        rows = truth == code
        own = weights[:, rows].astype(np.float64)
        recalls.append(own @ (predicted[rows] == code) / own.sum(axis=1))
    return np.mean(recalls, axis=0)


def choose_scale(chances: Array, truth: Array, rare: int) -> Array:
    """Choose by what each class's chance is multiplied before the likeliest is taken.

    Of two classes the threshold is the one with the highest balanced accuracy on these rows, halfway to the next
    chance. Of more, each chance is divided by the mean chance of its class.

    Notes
    -----
    **Source** Menon et al. 2013, "On the statistical consistency of algorithms for binary classification under class
    imbalance", section 4 (a threshold on the chance maximises balanced accuracy); Saerens et al. 2002, "Adjusting
    the outputs of a classifier to new a priori probabilities", section 2 (division by the prior).
    """
    if chances.shape[1] > 2:
        return 1 / np.maximum(chances.mean(axis=0), 1e-9)
    threshold = choose_threshold(chances[:, rare], truth == rare)
    scale = np.ones(2)
    scale[rare] = (1 - threshold) / threshold
    return scale


def choose_threshold(chances: Array, positive: Array) -> float:
    """Return the threshold of highest balanced accuracy."""
    order = np.argsort(-chances, kind="stable")
    ordered, hits = chances[order], positive[order]
    gain = hits.cumsum() / max(hits.sum(), 1) - (~hits).cumsum() / max((~hits).sum(), 1)
    ends = np.append(ordered[1:] != ordered[:-1], False)
    if not ends.any():
        return 0.5
    best = int(np.where(ends, gain, -np.inf).argmax())
    return float(np.clip((ordered[best] + ordered[best + 1]) / 2, 1e-9, 1 - 1e-9))
