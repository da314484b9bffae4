"""Raking: shares of cells that keep to given margins, and whole rows that keep to them exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array

TOLERANCE = 1e-9
"""A margin is reached when no share of it is further off."""
MOST_SWEEPS = 5_000
"""Sweeps of fitting before the margins count as out of reach: a zero that they need is approached ever more slowly."""
_WHOLE = 1e-7
"""How near to a whole number a number of rows counts as whole."""
_SEARCHED = 400
"""Cells on either side that an exchange of single rows is searched among."""


@dataclass(frozen=True)
class Raked:
    """Shares of cells after raking.

    Parameters
    ----------
    shares : array
        One per cell.
    error : float
        The largest difference between a share that a margin asked for and the one reached.
    """

    shares: Array
    error: float


def rake(shares: Array, labels: Array, targets: Sequence[Array], *, most: int = MOST_SWEEPS) -> Raked:
    """Find the shares nearest to the given ones that keep to margins.

    Parameters
    ----------
    shares : array of shape (cells,)
        Shares before; a zero stays one.
    labels : int array of shape (cells, margins)
        Which part of each margin a cell belongs to.
    targets : sequence of arrays
        For each margin the share of each of its parts.
    most : int
        Sweeps at most.

    Returns
    -------
    Raked
        Nearest in Kullback-Leibler distance: each cell is multiplied by one factor per margin.

    Notes
    -----
    **Cost**: cells times margins times sweeps.

    **Source**: Deming and Stephan 1940, "On a least squares adjustment of a sampled frequency table when the expected
    marginal totals are known", section 5 (the sweeps); Ireland and Kullback 1968, "Contingency tables with given
    marginals" (nearest in Kullback-Leibler distance); Csiszar 1975, "I-divergence geometry", theorem 3.2 (zeros).

    Examples
    --------
    >>> cells = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> even = np.array([0.5, 0.5])
    >>> rake(np.array([0.4, 0.1, 0.1, 0.4]), cells, [even, np.array([0.8, 0.2])]).shares.round(3).tolist()
    [0.483, 0.017, 0.317, 0.183]
    """
    now = shares / shares.sum()
    error = _margin_error(now, labels, targets)
    sweeps = 0
    while error > TOLERANCE and sweeps < most:
        for margin, target in enumerate(targets):
            part = labels[:, margin]
            sums = np.bincount(part, now, minlength=len(target))
            now = now * np.divide(target, sums, out=np.zeros(len(target)), where=sums > 0)[part]
        error, sweeps = _margin_error(now, labels, targets), sweeps + 1
    return Raked(now, error)


def _margin_error(shares: Array, labels: Array, targets: Sequence[Array]) -> float:
    sums = (np.bincount(labels[:, k], shares, minlength=len(target)) for k, target in enumerate(targets))
    return max(float(np.abs(found - target).max()) for found, target in zip(sums, targets, strict=True))


def round_shares(shares: Array, n: int) -> Array:
    """Cut n rows by shares, largest remainders first.

    Parameters
    ----------
    shares : array
        They sum to 1.
    n : int
        Number of rows.

    Returns
    -------
    int array
        They sum to `n`, each within one row of ``shares * n``; a share of 0 gets none.

    Notes
    -----
    **Source**: the method of Hamilton (largest remainders); Balinski and Young 1982, "Fair Representation".

    Examples
    --------
    >>> round_shares(np.array([0.5, 0.25, 0.25, 0.0]), 7).tolist()
    [3, 2, 2, 0]
    """
    exact = shares * n
    # a share such as .29 times 100 is a hair below 29
    whole = np.floor(exact + _WHOLE).astype(np.int64)
    remainders = np.where(shares > 0, exact - whole, -1)
    for part in np.argsort(-remainders, kind="stable")[: n - int(whole.sum())]:
        whole[part] += 1
    return whole


def round_cells(expected: Array, labels: Array, totals: Sequence[Array], rng: np.random.Generator) -> Array:
    """Turn expected numbers of rows per cell into whole ones that keep to margins.

    Parameters
    ----------
    expected : array of shape (cells,)
        Expected rows, whose margins are `totals`.
    labels : int array of shape (cells, margins)
        Which part of each margin a cell belongs to.
    totals : sequence of int arrays
        For each margin the rows of each of its parts.
    rng : Generator
        Decides which cells are rounded up.

    Returns
    -------
    int array
        Whole rows; with two margins always, with more nearly always, every margin is met exactly.

    Notes
    -----
    Each cell is rounded up with a chance of its fraction, so that a cell of a tenth of a row gets one now and then.
    What more than two margins leave broken is mended by exchanging single rows.

    **Cost**: cells times the number of parts of all margins.

    **Source**: Deville and Tille 2004, "Efficient balanced sampling: the cube method", section 3 (flight phase). With
    two margins it is the unbiased controlled rounding of Cox 1987, "A constructive procedure for unbiased
    controlled rounding".

    Examples
    --------
    >>> cells = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> rows = round_cells(np.full(4, 2.5), cells, [np.array([5, 5])] * 2, np.random.Generator(np.random.Philox(1)))
    >>> rows.reshape(2, 2).sum(axis=0).tolist(), rows.reshape(2, 2).sum(axis=1).tolist()
    ([5, 5], [5, 5])
    """
    whole = np.floor(expected + _WHOLE)
    part = np.clip(expected - whole, 0, 1)
    part[part < _WHOLE] = 0
    _fly(part, labels, [len(total) for total in totals], rng)
    up = part > 1 - _WHOLE
    open_ = np.flatnonzero((part >= _WHOLE) & ~up)
    rows = whole.astype(np.int64) + up
    missing = int(totals[0].sum() - rows.sum())
    rows[open_[np.argsort(-part[open_], kind="stable")][: max(missing, 0)]] += 1
    _exchange(rows, expected, labels, totals)
    return rows


def _fly(part: Array, labels: Array, sizes: Sequence[int], rng: np.random.Generator) -> None:
    """Move fractions within the margins until all but a few are 0 or 1; each keeps its mean."""
    # the last part of every margin but the first follows from the others
    starts = np.concatenate([[0], np.cumsum([sizes[0], *(size - 1 for size in sizes[1:])])]).astype(int)
    rows_of = [
        [int(starts[k] + label) for k, label in enumerate(cell) if k == 0 or label < sizes[k] - 1]
        for cell in labels.tolist()
    ]
    inverse = np.eye(int(starts[-1]))
    basis = np.full(len(inverse), -1)
    for cell in rng.permutation(np.flatnonzero(part > 0)).tolist():
        turn = inverse[:, rows_of[cell]].sum(axis=1)
        turn[np.abs(turn) < _WHOLE] = 0
        free = np.flatnonzero((basis < 0) & (turn != 0))
        if len(free):
            leaving = int(free[np.argmax(np.abs(turn[free]))])
        else:
            leaving = _step(part, cell, basis, turn, rng)
            if leaving < 0:
                continue
        inverse[leaving] /= turn[leaving]
        others = turn.copy()
        others[leaving] = 0
        inverse -= np.outer(others, inverse[leaving])
        basis[leaving] = cell


def _step(part: Array, cell: int, basis: Array, turn: Array, rng: np.random.Generator) -> int:
    """Move one cell against those of the basis until one is whole; give its place, -1 for the cell itself."""
    used = np.flatnonzero(turn)
    moved, slope = np.append(basis[used], cell), np.append(-turn[used], 1.0)
    level = part[moved]
    room_up = np.where(slope > 0, 1 - level, level) / np.abs(slope)
    room_down = np.where(slope > 0, level, 1 - level) / np.abs(slope)
    up, down = max(float(room_up.min()), 0.0), max(float(room_down.min()), 0.0)
    rises = rng.random() * (up + down) < down
    part[moved] = np.clip(level + slope * (up if rises else -down), 0, 1)
    hit = int(np.argmin(room_up if rises else room_down))
    part[moved[hit]] = round(float(part[moved[hit]]))
    return -1 if hit == len(used) else int(used[hit])


def _exchange(rows: Array, expected: Array, labels: Array, totals: Sequence[Array]) -> None:
    """Exchange single rows between cells as long as that brings the margins nearer to what they should be."""
    while True:
        lack = [
            total - np.bincount(labels[:, k], rows, minlength=len(total)).astype(np.int64)
            for k, total in enumerate(totals)
        ]
        off = [k for k, found in enumerate(lack) if found.any()]
        best = min((_best_exchange(rows, expected, labels, lack, k) for k in off), default=(0.0, -1, -1))
        if best[0] >= 0:
            return
        rows[best[1]] += 1
        rows[best[2]] -= 1


def _best_exchange(
    rows: Array, expected: Array, labels: Array, lack: Sequence[Array], margin: int
) -> tuple[float, int, int]:
    """Find the best row to add and to take away for one margin: (change, added, taken)."""
    adds = np.flatnonzero((lack[margin][labels[:, margin]] > 0) & (expected > 0))
    takes = np.flatnonzero((lack[margin][labels[:, margin]] < 0) & (rows > 0))
    adds = adds[np.argsort(rows[adds] - expected[adds], kind="stable")][:_SEARCHED]
    takes = takes[np.argsort(expected[takes] - rows[takes], kind="stable")][:_SEARCHED]
    if not (len(adds) and len(takes)):
        return 0.0, -1, -1
    change = np.zeros((len(adds), len(takes)))
    for k, found in enumerate(lack):
        to, of = labels[adds, k], labels[takes, k]
        gain = np.where(found[to] > 0, -1, 1)[:, None] + np.where(found[of] < 0, -1, 1)[None, :]
        change += np.where(to[:, None] == of[None, :], 0, gain)
    # among equals the exchange that leaves the cells nearest to what is expected
    strain = (rows[adds] - expected[adds])[:, None] - (rows[takes] - expected[takes])[None, :]
    score = change + 1e-6 * np.tanh(strain)
    place = np.unravel_index(int(np.argmin(score)), score.shape)
    whole = float(change[place])
    return whole, int(adds[place[0]]), int(takes[place[1]])


def pool_counts(counts: Array, members: Array) -> Array:
    """Estimate the shares of cells from samples of which some saw only a part of the cells.

    Parameters
    ----------
    counts : array of shape (samples, cells)
        Rows counted; the first sample saw all cells.
    members : boolean array of shape (samples, cells)
        The cells that each sample could see.

    Returns
    -------
    array
        Shares that sum to 1. Cells that only a sample of a part saw share half a row of the first sample.

    Notes
    -----
    **Source**: Vardi 1985, "Empirical distributions in selection bias models", equation 2.2 (the nonparametric
    maximum likelihood).

    Examples
    --------
    >>> all_, part = [900, 90, 10], [0, 800, 200]
    >>> pool_counts(np.array([all_, part]), np.array([[True] * 3, [False, True, True]])).round(3).tolist()
    [0.9, 0.081, 0.019]
    """
    sizes = counts.sum(axis=1).astype(float)
    seen = counts.sum(axis=0).astype(float)
    for sample in range(1, len(counts)):
        if sizes[sample] and not counts[0, members[sample]].any():
            seen += 0.5 * counts[sample] / sizes[sample]
    visible = np.ones(len(counts))
    visible[1:] = (members[1:] @ seen) / seen.sum()
    for _ in range(200):
        before = visible.copy()
        for sample in range(1, len(counts)):
            own = members[sample]
            others = np.delete(sizes / visible, sample) @ np.delete(members, sample, axis=0)[:, own]
            visible[sample] = _balance(seen[own], others, sizes[sample])
        if np.abs(visible - before).max() < 1e-12:
            break
    shares = seen / ((sizes / visible) @ members)
    return shares / shares.sum()


def _balance(seen: Array, others: Array, size: float) -> float:
    """Solve for the share of the cells that a sample saw: the w at which the sum of seen / (others w + size) is 1."""
    share = 0.0
    for _ in range(100):
        below = others * share + size
        excess = float((seen / below).sum()) - 1
        # convex and falling, so that steps from the left never pass the root
        step = excess / float((seen * others / below**2).sum())
        share += step
        if step < 1e-13:
            break
    return max(share, 1e-300)


def effective_share(before: Array, after: Array) -> float:
    """Give the effective sample size per row of the weights that lead from one set of shares to another.

    Notes
    -----
    1 / (1 + CV^2), with CV the coefficient of variation of the weights after / before in rows drawn by `before`.

    **Source**: Kong 1992, "A note on importance sampling using standardized weights".

    Examples
    --------
    >>> round(effective_share(np.array([0.9, 0.1]), np.array([0.5, 0.5])), 2)
    0.36
    """
    kept = after > 0
    return float(after.sum() ** 2 / (after[kept] ** 2 / before[kept]).sum())


def divergence(before: Array, after: Array) -> float:
    """Give the Kullback-Leibler distance, in nats, of shares from those before.

    Examples
    --------
    >>> round(divergence(np.array([0.9, 0.1]), np.array([0.5, 0.5])), 3)
    0.511
    """
    kept = after > 0
    return float((after[kept] * np.log(after[kept] / before[kept])).sum())
