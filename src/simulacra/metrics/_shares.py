"""Shares of rows: how sure one may be of them, and whether two differ by more than chance."""

from __future__ import annotations

import numpy as np
from scipy.stats import beta, hypergeom

from simulacra.domain import Array
from simulacra.metrics._verdicts import ALARM

Z = 1.96
Counts = Array | int


def wilson(hits: Array, rows: Array, z: float = Z) -> tuple[Array, Array]:
    """Return the ends of intervals of shares, 95 % unless told otherwise; 0 to 1 where there are no rows.

    Notes
    -----
    **Source** Wilson 1927, "Probable inference, the law of succession, and statistical inference".

    Examples
    --------
    >>> [round(float(end), 3) for end in wilson(np.array(5), np.array(10))]
    [0.237, 0.763]
    """
    hits, rows = np.asarray(hits, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    share, inverse = hits / np.maximum(rows, 1), z * z / np.maximum(rows, 1)
    middle = (share + inverse / 2) / (1 + inverse)
    half = z * np.sqrt(share * (1 - share) / np.maximum(rows, 1) + inverse / (4 * np.maximum(rows, 1)))
    half = half / (1 + inverse)
    low, high = np.minimum(share, middle - half), np.maximum(share, middle + half)
    return np.where(rows > 0, np.clip(low, 0, 1), 0.0), np.where(rows > 0, np.clip(high, 0, 1), 1.0)


def share_interval(hits: float, rows: int, z: float = Z) -> tuple[float, float]:
    """Return Wilson's interval of one share."""
    low, high = wilson(np.array(hits), np.array(rows), z)
    return float(low), float(high)


def exact_interval(hits: int, rows: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a share, which is never too narrow.

    Notes
    -----
    **Source** Clopper & Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the
    binomial".

    Examples
    --------
    >>> [round(end, 3) for end in exact_interval(0, 20)]
    [0.0, 0.168]
    """
    low = float(beta.ppf(0.025, hits, rows - hits + 1)) if hits else 0.0
    return low, float(beta.ppf(0.975, hits + 1, rows - hits)) if hits < rows else 1.0


def chance_of_fewer(hits: Counts, rows: Counts, their_hits: Counts, their_rows: Counts) -> Array:
    """Return the chance of so few hits if both shares are equal (Fisher's exact test, one-sided).

    Examples
    --------
    >>> round(float(chance_of_fewer(np.array(0), np.array(5), np.array(5), np.array(5))), 4)
    0.004
    """
    ours, every, total, rows = _urn(hits, rows, their_hits, their_rows)
    return hypergeom.cdf(ours, every, total, rows)


def chance_of_more(hits: Counts, rows: Counts, their_hits: Counts, their_rows: Counts) -> Array:
    """Return the chance of so many hits if both shares are equal (Fisher's exact test, one-sided)."""
    ours, every, total, rows = _urn(hits, rows, their_hits, their_rows)
    return hypergeom.sf(ours - 1, every, total, rows)


def chance_of_apart(hits: Counts, rows: Counts, their_hits: Counts, their_rows: Counts) -> Array:
    """Return the chance of shares so far apart if they are equal: twice the smaller tail."""
    tails = (tail(hits, rows, their_hits, their_rows) for tail in (chance_of_fewer, chance_of_more))
    return np.minimum(1.0, 2 * np.minimum(*tails))


def _urn(
    hits: Counts, rows: Counts, their_hits: Counts, their_rows: Counts
) -> tuple[Array, Array, Array, Array]:
    """Return our hits, all rows, all hits and our rows, as counts of one shape."""
    ours, rows, theirs, others = np.broadcast_arrays(*(np.asarray(x, dtype=np.int64)
                                                       for x in (hits, rows, their_hits, their_rows)))  # fmt: skip
    return ours, rows + others, ours + theirs, rows


def rare(chances: Array) -> Array:
    """Tell which of several chances are so small that real rows hardly ever give a single one of them."""
    return np.asarray(chances < ALARM / max(1, np.size(chances)))
