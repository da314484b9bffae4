"""Tables of strata x groups x levels: the shares that each definition of parity asks for, in whole rows."""

from __future__ import annotations

import numpy as np

from simulacra.domain import Array


def make_independent(counts: Array) -> Array:
    """Return shares under which level and group are independent in every stratum, and all else is as counted.

    Parameters
    ----------
    counts : array, shape (strata, groups, levels)
        Rows counted.

    Returns
    -------
    array, shape (strata, groups, levels)
        p(stratum) p(group | stratum) p(level | stratum).

    Examples
    --------
    >>> make_independent(np.array([[[40, 10], [20, 30]]])).round(2).tolist()
    [[[0.3, 0.2], [0.3, 0.2]]]
    """
    total = counts.sum()
    strata = np.maximum(counts.sum(axis=(1, 2), keepdims=True), 1)
    groups = counts.sum(axis=2, keepdims=True) / strata
    levels = counts.sum(axis=1, keepdims=True) / strata
    return groups * levels * strata / max(total, 1)


def set_rates(counts: Array, positive: int, rate: float) -> Array:
    """Return shares under which the positive level has one rate in every group; others keep their proportions.

    Examples
    --------
    >>> set_rates(np.array([[[40, 10], [20, 30]]]), 1, 0.5).round(2).tolist()
    [[[0.25, 0.25], [0.25, 0.25]]]
    """
    groups = counts.sum(axis=2, keepdims=True) / max(counts.sum(), 1)
    rest = counts.astype(np.float64)
    rest[..., positive] = 0
    others = rest.sum(axis=2, keepdims=True)
    shares = groups * (1 - rate) * np.divide(rest, others, out=np.zeros_like(rest), where=others > 0)
    shares[..., positive] = groups[..., 0] * rate
    return shares


def keep_within(shares: Array, counts: Array) -> tuple[Array, Array]:
    """Move what stands in cells that were never counted to the other levels of the same stratum and group.

    Returns
    -------
    shares : array
        Nothing in a cell without rows.
    lost : array, shape (strata, groups)
        Which strata and groups could not be given what was asked.
    """
    asked = shares.sum(axis=2, keepdims=True)
    kept = np.where(counts > 0, shares, 0.0)
    left = kept.sum(axis=2, keepdims=True)
    # where all that was asked for lies in empty cells, the group keeps what it has
    own = counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)
    scaled = np.where(left > 0, kept * asked / np.where(left > 0, left, 1.0), own * asked)
    lost = (shares[...] > 0) & (counts == 0)
    return scaled, lost.any(axis=2)


def apportion(total: int, weights: Array) -> Array:
    """Deal a whole number out in proportion, by largest remainder; equal remainders go to the first.

    Examples
    --------
    >>> apportion(10, np.array([1.0, 1.0, 1.0])).tolist()
    [4, 3, 3]
    """
    mass = float(weights.sum())
    if mass <= 0:
        return np.zeros(len(weights), dtype=np.int64)
    exact = total * weights / mass
    whole = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def deal(n: int, shares: Array) -> Array:
    """Turn shares into whole rows whose margins are rounded once, so that small cells do not drift all one way.

    Parameters
    ----------
    n : int
        Rows in all.
    shares : array, shape (strata, groups, levels)
        What is asked for; sums to 1.

    Returns
    -------
    array of int
        Rows of each cell, summing to n. Where the shares can be hit, every margin differs from its share by less than
        one row.

    Examples
    --------
    >>> deal(10, np.array([[[0.3, 0.2], [0.3, 0.2]]])).tolist()
    [[[3, 2], [3, 2]]]
    """
    strata = apportion(n, shares.sum(axis=(1, 2)))
    groups = deal_table(strata, shares.sum(axis=2))
    levels = deal_table(strata, shares.sum(axis=1))
    return np.stack([
        deal_table(groups[place], shares[place], levels[place]) for place in range(len(shares))
    ])  # fmt: skip


def deal_table(rows: Array, shares: Array, columns: Array | None = None) -> Array:
    """Fill a table with whole numbers near given shares: exact sums of rows, and of columns where they can be had.

    Parameters
    ----------
    rows : array of int, shape (rows,)
        Sum of each row.
    shares : array, shape (rows, columns)
        Shares; within a row only their ratios count. A share of 0 stays 0.
    columns : array of int or None
        Sum of each column; the nearest to the shares when None.

    Notes
    -----
    **Source**: controlled rounding, Cox 1987, "A constructive procedure for unbiased controlled rounding", section 1
    (the problem); columns are filled one after the other by largest remainder, which is not unbiased but never random.
    """
    sums = shares.sum(axis=1, keepdims=True)
    wanted = np.divide(shares, sums, out=np.zeros_like(shares, dtype=np.float64), where=sums > 0)
    if columns is None:
        columns = apportion(int(rows.sum()), (wanted * rows[:, None]).sum(axis=0))
    filled = np.zeros(shares.shape, dtype=np.int64)
    left = rows.astype(np.int64).copy()
    for place in range(shares.shape[1]):
        tail = wanted[:, place:].sum(axis=1)
        part = np.divide(wanted[:, place], tail, out=np.zeros(len(rows)), where=tail > 1e-12)
        last = tail - wanted[:, place] <= 1e-12
        low = np.where(last, left, 0)
        high = np.where(wanted[:, place] > 0, left, low)
        filled[:, place] = _bounded(left * part, int(columns[place]), low, high)
        left -= filled[:, place]
    return filled


def _bounded(exact: Array, total: int, low: Array, high: Array) -> Array:
    """Round numbers to a total within limits, the largest remainders upward; as near the total as the limits let."""
    whole = np.clip(np.floor(exact + 1e-9).astype(np.int64), low, high)
    while (short := total - int(whole.sum())) != 0:
        step = 1 if short > 0 else -1
        free = np.flatnonzero(whole < high) if step > 0 else np.flatnonzero(whole > low)
        if len(free) == 0:
            break
        order = free[np.argsort(-step * (exact - whole)[free], kind="stable")]
        whole[order[: abs(short)]] += step
    return whole
