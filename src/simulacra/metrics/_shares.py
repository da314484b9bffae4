"""Shares of rows: how sure one may be of them, and whether two differ by more than chance."""

from __future__ import annotations

import numpy as np
from scipy.stats import hypergeom

from simulacra.domain import Array
from simulacra.metrics._verdicts import ALARM

Z = 1.96


def wilson(hits: Array, rows: Array) -> tuple[Array, Array]:
    """Return the ends of 95 % intervals of shares; 0 to 1 where there are no rows.

    Notes
    -----
    **Source** Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    Examples
    --------
    >>> [round(float(end), 3) for end in wilson(np.array(5), np.array(10))]
    [0.237, 0.763]
    """
    hits, rows = np.asarray(hits, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    share, inverse = hits / np.maximum(rows, 1), Z * Z / np.maximum(rows, 1)
    middle = (share + inverse / 2) / (1 + inverse)
    half = Z * np.sqrt(share * (1 - share) / np.maximum(rows, 1) + inverse / (4 * np.maximum(rows, 1)))
    half = half / (1 + inverse)
    low, high = np.minimum(share, middle - half), np.maximum(share, middle + half)
    return np.where(rows > 0, np.clip(low, 0, 1), 0.0), np.where(rows > 0, np.clip(high, 0, 1), 1.0)


def chance_of_fewer(hits: Array, rows: Array, their_hits: Array, their_rows: Array) -> Array:
    """Return the chance of so few hits if both shares are equal (Fisher's exact test, one-sided).

    Examples
    --------
    >>> round(float(chance_of_fewer(np.array(0), np.array(5), np.array(5), np.array(5))), 4)
    0.004
    """
    return _tails(hits, rows, their_hits, their_rows)[0]


def chance_of_more(hits: Array, rows: Array, their_hits: Array, their_rows: Array) -> Array:
    """Return the chance of so many hits if both shares are equal (Fisher's exact test, one-sided)."""
    return _tails(hits, rows, their_hits, their_rows)[1]


def chance_of_apart(hits: Array, rows: Array, their_hits: Array, their_rows: Array) -> Array:
    """Return the chance of shares so far apart if they are equal: twice the smaller tail."""
    return np.minimum(1.0, 2 * np.minimum(*_tails(hits, rows, their_hits, their_rows)))


def _tails(hits: Array, rows: Array, their_hits: Array, their_rows: Array) -> tuple[Array, Array]:
    """Return the chances of at most and of at least so many hits, given the hits of both sides together."""
    ours, rows, theirs, others = np.broadcast_arrays(*(np.asarray(x, dtype=np.int64)
                                                       for x in (hits, rows, their_hits, their_rows)))  # fmt: skip
    every, total = rows + others, ours + theirs
    return hypergeom.cdf(ours, every, total, rows), hypergeom.sf(ours - 1, every, total, rows)


def rare(chances: Array) -> Array:
    """Tell which of several chances are so small that real rows hardly ever give a single one of them."""
    return np.asarray(chances < ALARM / max(1, np.size(chances)))
