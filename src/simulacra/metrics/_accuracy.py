"""How well predictions fit the truth, how sure one may be of it, and how much of a gap the training rows explain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm, t

from simulacra.domain import Array
from simulacra.metric import Comparison
from simulacra.metrics._learners import (
    Learner,
    Question,
    asked_classes,
    predict,
    some,
    train,
    view,
)
from simulacra.metrics._roc import influence
from simulacra.metrics._verdicts import ALARM

SPLITS = 8
SPLIT_ROWS = 12_000
SPLIT_TEST_ROWS = 4_000


@dataclass(frozen=True)
class Accuracy:
    """A figure of one model on test rows, with each row's influence on it.

    Parameters
    ----------
    value : float
        The area under the ROC curve (the mean over classes, each against the rest), or R2.
    influences : array
        Of each test row, with mean 0.
    parts : list of (str, float, array)
        Name, figure and influences of what is listed: each class; R2 and the mean absolute error.
    """

    value: float
    influences: Array
    parts: list[tuple[str, float, Array]]


def measure(question: Question, told: Array, truth: Array) -> Accuracy:
    """Hold predictions against the truth."""
    if question.classes is None:
        return _measure_numbers(told, truth)
    counts = np.bincount(truth, minlength=len(question.classes))
    asked = asked_classes(counts)
    found = [influence(told[:, c], truth == c) for c in asked]
    sensitive = question.target.sensitive
    shown = [f"class {c + 1}" if sensitive else question.classes[c] for c in asked]
    names = [f"AUC of {one}" for one in shown] if len(asked) > 1 else ["AUC"]
    parts = [(name, value, effect) for name, (value, effect) in zip(names, found, strict=True)]
    value = float(np.mean([one for one, _ in found]))
    return Accuracy(value, np.mean([effect for _, effect in found], axis=0), parts)


def _measure_numbers(told: Array, truth: Array) -> Accuracy:
    squared = (truth - told) ** 2
    deviation = (truth - truth.mean()) ** 2
    mean, spread = squared.mean(), deviation.mean()
    value = float(1 - mean / spread)
    effect = -(squared - mean) / spread + mean / spread**2 * (deviation - spread)
    absolute = np.abs(truth - told)
    middle = float(absolute.mean())
    return Accuracy(
        value, effect, [("R2", value, effect), ("mean absolute error", middle, absolute - middle)]
    )


def error_over_rows(influences: Array) -> float:
    """Return the standard error over test rows; no less than the weight of one row."""
    rows = len(influences)
    return max(float(np.sqrt((influences**2).sum() / max(rows - 1, 1) / rows)), 1 / rows)


@dataclass(frozen=True)
class Spread:
    """A standard error, and from how many differences it was estimated."""

    error: float
    degrees: int

    def careful(self, chance: float = ALARM) -> float:
        """Widen the error so that limits of the normal distribution hold with this chance in one tail."""
        return self.error * float(t.isf(chance, self.degrees) / norm.isf(chance))


def training_spread(case: Comparison, question: Question, learner: Learner) -> Spread:
    """Return the standard error that the choice of training rows gives to the gap between two models.

    Real rows fall into two halves, again and again; a model is trained on each, and the two are compared on the same
    test rows.

    Notes
    -----
    With random halves the difference of a smooth figure has four times the variance that the figure has with all
    rows, whatever the data; the gap between two models of all rows has twice that variance. The spread falls at
    least as fast as that with the number of rows, so the error is not too small where halves of fewer rows stand in.
    """
    key = ("accuracy", "training spread", question.target.name, learner)
    return case.remember(key, lambda: _training_spread(case, question, learner))


def _training_spread(case: Comparison, question: Question, learner: Learner) -> Spread:
    matrix, truth = _split_test(case, question, learner)
    gaps = []
    for pair in half_models(case, question, learner):
        one, other = (measure(question, predict(model, matrix, question), truth).value for model in pair)
        gaps.append(one - other)
    scale = half_size(question) / question.used
    return Spread(float(np.sqrt(np.mean(np.square(gaps)) * scale)), len(gaps))


def _split_test(case: Comparison, question: Question, learner: Learner) -> tuple[Array, Array]:
    matrix, truth = view(case, question, learner).matrices["test"], question.answers["test"]
    rows = some(question, SPLIT_TEST_ROWS, case.streams.at("accuracy", question.target.name).stream("test"))
    if question.classes is not None:
        counts = np.bincount(truth[rows], minlength=len(question.classes))
        if len(asked_classes(counts)) == 0:
            return matrix, truth
    return matrix[rows], truth[rows]


def half_size(question: Question) -> int:
    """Return the rows of a half."""
    return min(question.used, SPLIT_ROWS) // 2


def half_models(case: Comparison, question: Question, learner: Learner) -> Iterator[tuple[Any, Any]]:
    """Train on either half of the real rows, several times."""
    if learner != "forest":  # only forests are asked again
        return _half_models(case, question, learner)
    key = ("accuracy", "half forests", question.target.name)
    return iter(case.remember(key, lambda: list(_half_models(case, question, learner))))


def _half_models(case: Comparison, question: Question, learner: Learner) -> Iterator[tuple[Any, Any]]:
    streams = case.streams.at("accuracy", question.target.name)
    seen, size = view(case, question, learner), half_size(question)
    matrix, answers = seen.matrices["real"], question.answers["real"]
    for number in range(SPLITS):
        order = streams.stream("halves", number).permutation(question.used)
        rng = streams.stream("forest", number)
        one, other = (
            train(question, learner, seen, matrix[rows], answers[rows], rng)
            for rows in (order[:size], order[size : 2 * size])
        )
        yield one, other
