"""Distinct cells of two sides of one size, and what chance alone does to the difference."""

from __future__ import annotations

import numpy as np

from simulacra.domain import Array

SURE = 4.5
"""Standard errors that a difference of distinct counts hardly ever reaches: 2 exp(-4.5**2 / 2) is below 1e-4."""


def distinct_error(ours: Array, theirs: Array) -> float:
    """Return the standard error of the difference between two numbers of distinct cells, made by chance alone.

    Parameters
    ----------
    ours, theirs : array of int
        Rows of each side in each cell, of the same number of rows in all.

    Notes
    -----
    Of the `k` rows of both sides in a cell, each falls to either side like a coin, given that both sides have as
    many rows. A cell counts for one side only if all its rows fall there: the difference has variance `2 / 2**k`
    and covariance `k / 2**k` with the rows of one side, whose sum is fixed. A cell's part is symmetric and has
    thinner tails than the normal, so that Chernoff's bound with this variance may be used for the whole.

    Examples
    --------
    >>> distinct_error(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1]))
    0.0
    >>> distinct_error(np.array([2, 0, 0]), np.array([0, 1, 1]))
    0.5
    """
    both = (ours + theirs).astype(np.float64)
    both = both[both > 0]
    tail = np.exp2(-both)
    variance = 2 * tail.sum() - (both * tail).sum() ** 2 / (both.sum() / 4)
    return float(np.sqrt(max(0.0, variance)))


def count_cells(ours: Array, theirs: Array) -> tuple[Array, Array]:
    """Return the rows of both sides in each cell that any row is in, from the cells of rows."""
    _, places = np.unique(np.concatenate([ours, theirs]), return_inverse=True)
    size = int(places.max()) + 1 if len(places) else 0
    return np.bincount(places[: len(ours)], minlength=size), np.bincount(places[len(ours) :], minlength=size)
