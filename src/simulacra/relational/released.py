"""What may be given out of how many rows are below others, and when: where no model draws it.

The rows below a public table are not public because it is: a school is known, and how many pupils it has to the last
one, and when the first one came, may tell of a pupil. So counts are rounded, and the ends of histories are told by
rows further inside.
"""

from __future__ import annotations

import numpy as np

from simulacra.domain import Array
from simulacra.privacy.holders import find_ends
from simulacra.relational.extension import Extended


def release(
    made: Extended, holders: int, rng: np.random.Generator
) -> tuple[Array, tuple[Array, Array] | None]:
    """Return how many rows each parent has, and where histories start and how long they are, as may be given out.

    Parameters
    ----------
    made : Extended
        Rows, all of a parent that is there.
    holders : int
        k of the protection; with 1 all is given out as it is.
    rng : Generator
        Where randomness comes from.
    """
    counts = made.counts[: made.parents]
    if holders <= 1:
        return counts, made.ends() if made.now is not None else None
    rounded = round_counts(counts, holders, rng)
    return rounded, None if made.now is None else soften_ends(made.now, counts, holders, rng)


def round_counts(counts: Array, holders: int, rng: np.random.Generator) -> Array:
    """Round counts to multiples of k, at random and right on average; 0 stays 0, and the sum changes by less than k.

    Parameters
    ----------
    counts : array of int
        Rows of each parent.
    holders : int
        k; 1 changes nothing.
    rng : Generator
        Where randomness comes from.

    Returns
    -------
    array of int
        Multiples of k.

    Notes
    -----
    **Source**: random rounding (Hundepool et al. 2012, "Statistical Disclosure Control", section 5.4), drawn
    systematically in random order (Madow 1949) so that sums hold.

    Examples
    --------
    >>> rounded = round_counts(np.array([0, 3, 17, 60]), 10, np.random.default_rng(0))
    >>> rounded[[0, 3]].tolist(), set((rounded % 10).tolist()), abs(int(rounded.sum()) - 80) < 10
    ([0, 60], {0}, True)
    """
    order = rng.permutation(len(counts))
    marks = np.floor(np.cumsum(counts[order]) / holders + rng.random()).astype(np.int64)
    out = np.empty(len(counts), np.int64)
    out[order] = np.diff(marks, prepend=0) * holders
    return out


def soften_ends(now: Array, counts: Array, holders: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Tell where histories start and how long they are without telling when their first and last rows are.

    Parameters
    ----------
    now : array, shape (rows,)
        Positions of rows on their clock, those of a parent behind each other and in order.
    counts : array of int, shape (parents,)
        Rows of each parent.
    holders : int
        k.
    rng : Generator
        Where randomness comes from.

    Returns
    -------
    (array, array)
        First position and length of each history. They are told by the k-th and the 2 k-th row from each end, as if
        rows beyond followed as those between, and lie within the ends of all rows, which are told alike. Where there
        are fewer than 2 k rows, the ends are those of another parent.

    Examples
    --------
    >>> first, span = soften_ends(np.arange(100.0), np.array([100]), 10, np.random.default_rng(0))
    >>> first.tolist(), span.tolist()
    ([0.0], [99.0])
    """
    begins = np.cumsum(counts) - counts
    many = np.flatnonzero(counts >= 2 * holders)
    ordered = np.sort(now)
    if len(now) >= 2 * holders:
        low, high = (
            _reach_out(ordered, at, step, holders).item() for at, step in ((0, 1), (len(now) - 1, -1))
        )
    else:
        low, high = find_ends(now, holders) or (0.0, 0.0)
    first, last = np.full(len(counts), low), np.full(len(counts), high)
    first[many] = np.clip(_reach_out(now, begins[many], 1, holders), low, high)
    last[many] = np.clip(_reach_out(now, begins[many] + counts[many] - 1, -1, holders), low, high)
    if len(many):
        few = np.flatnonzero(counts < 2 * holders)
        like = many[rng.integers(len(many), size=len(few))]
        first[few], last[few] = first[like], last[like]
    return np.minimum(first, last), np.abs(last - first)


def _reach_out(now: Array, at: Array | int, step: int, holders: int) -> Array:
    """Tell where rows start, or end, by the k-th and 2 k-th from there."""
    near, far = now[at + step * (holders - 1)], now[at + step * (2 * holders - 1)]
    return np.asarray(near - np.trunc((far - near) / holders * (holders - 1)))


def level_groups(sizes: Array, holders: int) -> Array:
    """Code the sizes of groups beyond the k-th from each end to these; all to their mean where there are fewer.

    Examples
    --------
    >>> level_groups(np.array([1, 1, 2, 90]), 2).tolist(), level_groups(np.array([3, 5]), 9).tolist()
    ([1, 1, 2, 2], [4, 4])
    """
    ends = find_ends(sizes, holders)
    if ends is None:
        return np.full(len(sizes), np.rint(sizes.mean()) if len(sizes) else 0).astype(sizes.dtype)
    return np.clip(sizes, *ends)
