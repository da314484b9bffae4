"""Correlations of numbers, over the rows in which both of them are there."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from simulacra.domain import Array


def correlations(values: Array) -> Array:
    """Return the matrix of Pearson's correlations of columns, each pair over rows without a missing value.

    NaN where one of them does not vary or there are fewer than 3 such rows.

    Examples
    --------
    >>> correlations(np.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0], [9.0, np.nan]])).round(3).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    known = ~np.isnan(values)
    held = known.any(axis=0)
    middle = np.zeros(values.shape[1])
    middle[held] = np.nanmean(values[:, held], axis=0)
    scale = np.ones(values.shape[1])
    scale[held] = np.nanstd(values[:, held], axis=0)
    scale[~(scale > 0)] = 1.0
    # centred and scaled, so that sums of squares keep their digits
    filled = np.where(known, (values - middle) / scale, 0.0)
    there = known.astype(np.float64)
    rows, sums, squares = there.T @ there, filled.T @ there, (filled**2).T @ there
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = filled.T @ filled - sums * sums.T / rows
        spread = squares - sums**2 / rows
        spread[spread <= 1e-12 * rows] = 0.0
        found = covariance / np.sqrt(spread * spread.T)
    found[(rows < 3) | ~np.isfinite(found)] = np.nan
    return np.clip(found, -1.0, 1.0)


def ranks(values: Array) -> Array:
    """Return every column's ranks among the values that are there, ties in the middle: Spearman's."""
    found = np.full(values.shape, np.nan)
    for place in range(values.shape[1]):
        known = ~np.isnan(values[:, place])
        found[known, place] = rankdata(values[known, place])
    return found
