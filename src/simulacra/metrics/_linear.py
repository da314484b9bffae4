"""Linear and logistic regression: how a table becomes numbers for them, their fit, and its standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

from simulacra.domain import Array
from simulacra.metrics._case import LEVEL_KINDS, as_levels
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

MOST_LEVELS = 20
MOST_FEATURES = 400
FEWEST_OF_A_LEVEL = 10
FEWEST_MISSING = 20
RIDGE = 1.0
"""Weight of the penalty in rows: a level that nearly decides the target gets a finite coefficient."""
STEPS = 25
NEARLY = 1e-6


@dataclass(frozen=True)
class Scale:
    """How one column of numbers becomes features."""

    centre: float
    spread: float
    low: float
    high: float
    gaps: bool


@dataclass(frozen=True)
class Coding:
    """How columns become features, learnt from real rows alone.

    Parameters
    ----------
    columns : tuple of Column
        The columns, each once.
    scales : dict
        For each column of numbers its centre and spread.
    levels : dict
        For each column of levels those that get a feature of their own; the commonest is what they are compared with.
    names : list of (str, str)
        Column and level (empty for a number, ``missing`` for its gaps) of each feature.
    owners : array
        For each feature, the position of its column.
    """

    columns: tuple[Column, ...]
    scales: dict[str, Scale]
    levels: dict[str, list[str]]
    names: list[tuple[str, str]]
    owners: Array

    def matrix(self, frame: pl.DataFrame) -> Array:
        """Return the features of rows, shape (rows, features)."""
        parts: list[Array] = []
        for column in self.columns:
            if column.name in self.levels:
                levels = self.levels[column.name]
                position = {level: i for i, level in enumerate(levels)}
                values = as_levels(frame[column.name]).fill_null("\x00missing")
                codes = values.replace_strict(position, default=-1, return_dtype=pl.Int64).to_numpy()
                parts.append((codes[:, None] == np.arange(len(levels))).astype(np.float64))
            elif column.name in self.scales:
                parts.append(_scaled(_numbers(frame[column.name], column), self.scales[column.name]))
        return np.hstack(parts) if parts else np.empty((frame.height, 0))


def _scaled(values: Array, scale: Scale) -> Array:
    gap = np.isnan(values)
    bounded = (np.clip(values, scale.low, scale.high) - scale.centre) / scale.spread
    bounded[gap] = 0.0
    return np.column_stack([bounded, gap]) if scale.gaps else bounded[:, None]


def _numbers(values: pl.Series, column: Column) -> Array:
    if column.kind in {"text", "key"}:
        return values.cast(pl.String).str.len_chars().cast(pl.Float64).to_numpy()
    return as_numbers(values)


def encode(frame: pl.DataFrame, columns: Sequence[Column], most: int = MOST_FEATURES) -> Coding:
    """Learn a coding from real rows: standard numbers with a mark for gaps, a mark for each common level.

    Numbers far outside the real range are taken for its end, so that no single row decides.
    """
    scales: dict[str, Scale] = {}
    levels: dict[str, list[str]] = {}
    names: list[tuple[str, str]] = []
    owners: list[int] = []
    share = int(np.clip(most // max(1, len(columns)), 1, MOST_LEVELS))
    for position, column in enumerate(columns):
        if column.kind in LEVEL_KINDS:
            values = as_levels(frame[column.name]).fill_null("\x00missing").alias("level")
            counts = (
                values.to_frame().group_by("level").len().sort(["len", "level"], descending=[True, False])
            )
            common = counts.filter(pl.col("len") >= FEWEST_OF_A_LEVEL)["level"].to_list()[1 : share + 1]
            # the rest, should there be none, is what the commonest level is compared with
            levels[column.name] = common
            own = [(column.name, level.replace("\x00", "")) for level in common]
        else:
            found = _scale(_numbers(frame[column.name], column))
            if found is None:
                continue
            scales[column.name] = found
            own = [(column.name, "")] + ([(column.name, "missing")] if found.gaps else [])
        names += own
        owners += [position] * len(own)
    return Coding(tuple(columns), scales, levels, names, np.array(owners, dtype=np.int64))


def _scale(values: Array) -> Scale | None:
    known = values[~np.isnan(values)]
    if len(known) == 0 or known.min() == known.max():
        return None
    low, centre, high = np.quantile(known, [0.005, 0.5, 0.995])
    if low == high:
        low, centre, high = known.min(), known.mean(), known.max()
    inside = np.clip(known, low, high)
    gaps = len(values) - len(known)
    many = gaps >= FEWEST_MISSING and len(known) >= FEWEST_MISSING
    reach = 2 * low - centre, 2 * high - centre
    return Scale(float(inside.mean()), float(inside.std()), float(reach[0]), float(reach[1]), many)


@dataclass(frozen=True)
class Linear:
    """A fitted regression: the intercept first; a row per class against the rest, or one row.

    Parameters
    ----------
    weights : array
        Shape (1 or classes, features + 1).
    classes : int or None
        How many classes; None for a number.
    """

    weights: Array
    classes: int | None

    def predict(self, matrix: Array) -> Array:
        """Return the chance of each class, shape (rows, classes), or numbers."""
        told = matrix @ self.weights[:, 1:].T + self.weights[:, 0]
        if self.classes is None:
            return told[:, 0]
        chances = expit(told)
        if len(self.weights) == 1:
            return np.column_stack([1 - chances, chances])
        return chances / np.maximum(chances.sum(axis=1, keepdims=True), 1e-12)


def fit_linear(matrix: Array, answers: Array, classes: int | None) -> Linear:
    """Fit least squares, or a logistic regression for each class against the rest."""
    if classes is None:
        return Linear(fit_numbers(matrix, answers)[None, :], None)
    if classes == 2:
        return Linear(fit_logistic(matrix, answers == 1)[None, :], 2)
    rows = [fit_logistic(matrix, answers == c) for c in range(classes)]
    return Linear(np.array(rows), classes)


def with_intercept(matrix: Array) -> Array:
    """Put a column of ones first."""
    return np.column_stack([np.ones(len(matrix)), matrix])


def _penalty(features: int) -> Array:
    penalty = np.full(features, RIDGE)
    penalty[0] = NEARLY
    return penalty


def fit_numbers(matrix: Array, answers: Array) -> Array:
    """Return the coefficients of least squares with a little ridge, the intercept first."""
    design = with_intercept(matrix)
    gram = design.T @ design + np.diag(_penalty(design.shape[1]))
    solved: Array = cho_solve(cho_factor(gram), design.T @ answers)
    return solved


def fit_logistic(matrix: Array, positive: Array) -> Array:
    """Return the coefficients of logistic regression with a little ridge, by Newton's method.

    Notes
    -----
    **Source** le Cessie & van Houwelingen 1992, section 2 (ridge in logistic regression).
    """
    design = with_intercept(matrix)
    penalty = _penalty(design.shape[1])
    wanted = positive.astype(np.float64)
    weights = np.zeros(design.shape[1])
    share = np.clip(wanted.mean(), 0.5 / len(wanted), 1 - 0.5 / len(wanted))
    weights[0] = np.log(share / (1 - share))
    loss = _loss(design, wanted, weights, penalty)
    for _ in range(STEPS):
        chance = expit(design @ weights)
        slope = design.T @ (wanted - chance) - penalty * weights
        spread = np.maximum(chance * (1 - chance), NEARLY)
        curve = (design * spread[:, None]).T @ design + np.diag(penalty)
        step = cho_solve(cho_factor(curve), slope)
        size = 1.0
        while (lower := _loss(design, wanted, weights + size * step, penalty)) > loss and size > 1e-3:
            size /= 2
        weights = weights + size * step
        if abs(loss - lower) <= NEARLY * (abs(loss) + 1):
            break
        loss = lower
    return weights


def _loss(design: Array, wanted: Array, weights: Array, penalty: Array) -> float:
    told = design @ weights
    return float((np.logaddexp(0, told) - wanted * told).sum() + 0.5 * (penalty * weights**2).sum())


def moments(matrix: Array, answers: Array, weights: Array, *, logistic: bool) -> tuple[Array, Array]:
    """Return what the covariance of fitted coefficients is made of.

    Parameters
    ----------
    matrix : array
        The features, without an intercept.
    answers : array
        Numbers, or 0 and 1.
    weights : array
        The fitted coefficients, the intercept first.
    logistic : bool
        Whether they are those of a logistic regression.

    Returns
    -------
    curve : array
        The second derivative of the penalised loss.
    scores : array
        Each row's derivative, divided by one minus its leverage.

    Notes
    -----
    **Source** MacKinnon & White 1985, "Some heteroskedasticity-consistent covariance matrix estimators", section 2: the
    estimator now called HC3.
    """
    design = with_intercept(matrix)
    told = design @ weights
    chance = expit(told) if logistic else told
    spread = np.maximum(chance * (1 - chance), NEARLY) if logistic else np.ones(len(told))
    curve = (design * spread[:, None]).T @ design + np.diag(_penalty(design.shape[1]))
    leverage = np.einsum("ij,ij->i", design, cho_solve(cho_factor(curve), design.T).T) * spread
    residual = (answers - chance) / np.maximum(1 - leverage, 0.05)
    return curve, design * residual[:, None]
