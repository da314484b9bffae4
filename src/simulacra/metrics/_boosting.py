"""Boosted trees as the metrics use them: blank features are allowed, and threads work on whole fits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from simulacra.domain import Array

Job = TypeVar("Job")
Done = TypeVar("Done")
Model = TypeVar("Model", HistGradientBoostingClassifier, HistGradientBoostingRegressor)


def fit(model: Model, matrix: Array, answers: Array, weights: Array | None = None) -> Model:
    """Fit, taking a feature without any value for a constant (scikit-learn 1.9 refuses it)."""
    blank = np.isnan(matrix).all(axis=0)
    return model.fit(np.where(blank, 0.0, matrix) if blank.any() else matrix, answers, weights)


def in_parallel(work: Callable[[Job], Done], jobs: Iterable[Job]) -> list[Done]:
    """Do jobs of boosting side by side, each with one thread; the results do not depend on how many run.

    The library's own threads meet after every node and wait by spinning: on a busy machine of two cores that took
    ten times the processor time.
    """
    # OpenMP counts its threads for each calling thread, so the limit is set in each of them
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), initializer=_limit) as pool:
        return list(pool.map(work, jobs))


def _limit() -> None:
    threadpool_limits(1, user_api="openmp")
