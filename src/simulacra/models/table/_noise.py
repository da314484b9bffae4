"""What would have been: the noise that a row's codes tell of, and the codes that it makes under other chances."""

from __future__ import annotations

import numpy as np

from simulacra.domain import Array

_LEAST = 1e-12
"""Chance that a code is given that could not be drawn: it happened all the same."""


def follow_order(before: Array, after: Array, codes: Array, uniform: Array) -> tuple[Array, Array]:
    """Return the codes that keep the row's rank, and where in their intervals: low stays low.

    Parameters
    ----------
    before, after : array, shape (rows, codes)
        Chances of ordered codes as they were, and as they would have been.
    codes : array of int, shape (rows,)
        What was drawn.
    uniform : array, shape (rows,)
        Where in its code's interval the row lies.

    Returns
    -------
    codes : array of int, shape (rows,)
        Codes.
    place : array, shape (rows,)
        Where in its code's interval the row lies, 0 to 1.

    Notes
    -----
    The noise is uniform, and the code is the inverse of the distribution function at it (comonotone; Pearl 2009,
    section 7.1).

    Examples
    --------
    >>> before, after = np.array([[0.5, 0.5, 0.0]]), np.array([[0.0, 0.5, 0.5]])
    >>> codes, place = follow_order(before, after, np.array([1]), np.array([0.3]))
    >>> codes.tolist(), place.round(1).tolist()
    ([2], [0.3])
    """
    rows = np.arange(len(codes))
    total = np.cumsum(before, axis=1)
    own = before[rows, codes]
    place = total[rows, codes] - own + uniform * own
    reached = np.cumsum(after, axis=1)
    found = (reached <= (place * reached[:, -1])[:, None]).sum(axis=1)
    last = after.shape[1] - 1 - (after[:, ::-1] > 0).argmax(axis=1)
    found = np.minimum(found, last)
    share = np.maximum(after[rows, found], 1e-300)
    rest = (place * reached[:, -1] - reached[rows, found] + share) / share
    return found, np.clip(rest, 0.0, 1.0)


def follow_levels(before: Array, after: Array, codes: Array, uniform: Array) -> Array:
    """Return the codes that unordered codes would have been, if each was the largest of its log chance plus noise.

    Parameters
    ----------
    before, after : array, shape (rows, codes)
        Chances as they were, and as they would have been.
    codes : array of int, shape (rows,)
        What was drawn.
    uniform : array, shape (rows, codes)
        Random numbers.

    Returns
    -------
    array of int, shape (rows,)
        Codes. One whose odds against all others have not fallen stays.

    Notes
    -----
    The Gumbel noise is drawn given the code that won: the largest sum is a Gumbel variable, the others are cut at it
    (Oberst and Sontag 2019, section 3.2; Maddison, Tarlow and Minka 2014, "A* sampling", section 3).

    Examples
    --------
    >>> before, after = np.array([[0.2, 0.8]]), np.array([[0.6, 0.4]])
    >>> follow_levels(before, after, np.array([0]), np.array([[0.5, 0.1]])).tolist()
    [0]
    """
    rows = np.arange(len(codes))
    seen = before.copy()
    seen[rows, codes] = np.maximum(seen[rows, codes], _LEAST)
    with np.errstate(divide="ignore"):
        log = np.log(seen)
        gumbel = -np.log(-np.log(np.clip(uniform, 1e-300, 1 - 1e-16)))
        top = gumbel[rows, codes]
        cut = -np.logaddexp(-top[:, None], -(log + gumbel))
        # the chances of a code that was out of the question say nothing of its noise
        noise = np.where(np.isneginf(log), gumbel, cut - np.where(np.isneginf(log), 0.0, log))
        noise[rows, codes] = top - log[rows, codes]
        return np.asarray((np.log(after) + noise).argmax(axis=1))
