"""The models that augmentation is judged by: the same for all methods, told apart only by their training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from simulacra.domain import Array
from simulacra.metrics._boosting import fit as fit_boosting
from simulacra.metrics._features import extract
from simulacra.metrics._linear import encode
from simulacra.schema.types import Column

LEARNERS = ("boosting", "linear")
SHRINKAGE = 10.0
"""L2 penalty on leaves: without it the steps of a rare class, of tiny curvature, run away."""
REACH = 30.0
"""Standard deviations beyond which a number says no more to a linear model."""


@dataclass(frozen=True)
class View:
    """Several frames as a learner sees them.

    Parameters
    ----------
    matrices : tuple of array
        One per frame, under one coding.
    categorical : array of bool
        Whether a feature is a code without order.
    """

    matrices: tuple[Array, ...]
    categorical: Array


@dataclass(frozen=True)
class Lesson:
    """What one model learns from: features, classes, and weights where rows count unequally."""

    matrix: Array
    codes: Array
    weights: Array | None = None

    def with_rows(self, matrix: Array, codes: Array) -> Lesson:
        """Return the lesson with rows added."""
        return Lesson(np.concatenate([self.matrix, matrix]), np.concatenate([self.codes, codes]))


def view(frames: Sequence[pl.DataFrame], columns: Sequence[Column], learner: str) -> View:
    """Turn frames into features; the first frame's rows are the real ones that a linear coding is learnt from."""
    if learner == "boosting":
        features = extract(frames, columns)
        return View(tuple(features.matrices), features.categorical)
    coding = encode(frames[0], columns)
    matrices = tuple(np.clip(coding.matrix(frame), -REACH, REACH) for frame in frames)
    marks = np.array([level != "" for _, level in coding.names], dtype=bool)
    return View(matrices, marks)


def teach(lesson: Lesson, categorical: Array, learner: str) -> Any:
    """Fit one model; a lesson with one class only is that class."""
    if len(np.unique(lesson.codes)) == 1:
        return int(lesson.codes[0])
    weights = None if lesson.weights is None else lesson.weights / lesson.weights.mean()
    if learner == "linear":
        model = LogisticRegression(max_iter=1000)
        with threadpool_limits(1):
            return model.fit(lesson.matrix, lesson.codes, sample_weight=weights)
    boosted = HistGradientBoostingClassifier(
        l2_regularization=SHRINKAGE,
        min_samples_leaf=int(np.clip(len(lesson.matrix) // 10, 2, 20)),
        categorical_features=categorical,
        early_stopping=False,
        random_state=0,
    )
    return fit_boosting(boosted, lesson.matrix, lesson.codes, weights)


def foretell(model: Any, matrix: Array, classes: int) -> Array:
    """Return the chance of each class, shape (rows, classes)."""
    told = np.zeros((len(matrix), classes))
    if isinstance(model, int):
        told[:, model] = 1.0
    else:
        told[:, model.classes_] = model.predict_proba(matrix)
    return told
