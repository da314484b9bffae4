"""Boosted trees as the metrics use them: blank features are allowed, small problems take one thread."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TypeVar

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from simulacra.domain import Array

SMALL = 1_000_000
"""Cells of a matrix below which threads cost more than they bring, above all on a busy machine."""

Model = TypeVar("Model", HistGradientBoostingClassifier, HistGradientBoostingRegressor)


def fit(model: Model, matrix: Array, answers: Array) -> Model:
    """Fit, taking a feature without any value for a constant (scikit-learn 1.9 refuses it)."""
    blank = np.isnan(matrix).all(axis=0)
    return model.fit(np.where(blank, 0.0, matrix) if blank.any() else matrix, answers)


def threads(cells: int) -> AbstractContextManager[object]:
    """Work on a small problem with one thread only; results are the same either way."""
    return threadpool_limits(1 if cells < SMALL else None, user_api="openmp")
