"""What a request of rows below is likely to come to, and how rows of different weights are picked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array

LOST = 0.02
"""Share of the weight of a pool that picking rows at most once may lose."""


@dataclass(frozen=True)
class Outlook:
    """How likely it is that enough and not too many rows of a history are of a kind.

    Parameters
    ----------
    least : int
        So many at least.
    most : int or None
        So many at most.
    rate : float
        Share of rows of that kind.
    longest : int
        Rows of the longest history.

    Notes
    -----
    Rows count as independent, which they are not: the outlook leads draws, and weights make up for what it gets wrong.
    Only where it is 0 is it right for certain.

    Examples
    --------
    >>> outlook = Outlook(2, None, 0.5, 3)
    >>> outlook.of(np.array([3, 2, 1, 1]), np.array([0, 0, 0, 1])).tolist()
    [0.5, 0.25, 0.0, 0.5]
    """

    least: int
    most: int | None
    rate: float
    longest: int

    def __post_init__(self) -> None:
        top = max(self.least, 0 if self.most is None else self.most + 1)
        held = np.arange(top + 1)
        ends = (held >= self.least) & (True if self.most is None else held <= self.most)
        table = np.empty((self.longest + 1, top + 1))
        table[0] = ends
        for left in range(1, self.longest + 1):
            one_more = table[left - 1][np.minimum(held + 1, top)]
            table[left] = (1 - self.rate) * table[left - 1] + self.rate * one_more
        object.__setattr__(self, "_table", table)

    def of(self, left: Array, hits: Array) -> Array:
        """Return the chance of histories with so many rows left, and so many of the kind so far."""
        table: Array = self.__dict__["_table"]
        return np.asarray(table[np.minimum(left, self.longest), np.minimum(hits, table.shape[1] - 1)])


def share_out(weights: Array, n: int) -> tuple[Array, float]:
    """Return the chance of each of a pool's rows to be among n that are picked by weight, each at most once.

    Parameters
    ----------
    weights : array
        Above 0.
    n : int
        At most their number.

    Returns
    -------
    (array, float)
        Chances that add up to n, and the share of the weight that is lost since no chance is above 1.

    Examples
    --------
    >>> chances, lost = share_out(np.array([1.0, 1.0, 2.0]), 2)
    >>> chances.tolist(), lost
    ([0.5, 0.5, 1.0], 0.0)
    """
    chances = weights / weights.sum() * n
    lost = float(np.maximum(chances - 1, 0).sum() / max(n, 1))
    full = np.zeros(len(weights), bool)
    while (chances > 1).any():
        full |= chances >= 1
        rest = weights[~full].sum()
        chances = np.where(full, 1.0, weights * ((n - full.sum()) / rest if rest else 0.0))
    return chances, lost


def pick(weights: Array, n: int, rng: np.random.Generator) -> Array:
    """Pick n rows of a pool by weight, each at most once.

    Parameters
    ----------
    weights : array
        Above 0; at least n of them.
    n : int
        How many.
    rng : Generator
        Which ones.

    Returns
    -------
    array of int, shape (n,)
        Ascending.

    Notes
    -----
    **Source**: systematic sampling in a random order with chances in proportion to size (Madow 1949).

    Examples
    --------
    >>> from simulacra.randomness import Streams
    >>> pick(np.array([1.0, 1.0, 2.0, 0.0001]), 3, Streams(0).stream("x")).tolist()
    [0, 1, 2]
    """
    if not n:
        return np.zeros(0, np.int64)
    chances, _ = share_out(weights, n)
    order = rng.permutation(len(weights))
    ends = np.cumsum(chances[order])
    ends *= n / ends[-1]
    marks = np.arange(n) + rng.random()
    # chances of 1 are kept once whatever rounding does to their ends
    found = np.unique(np.minimum(np.searchsorted(ends, marks, side="right"), len(order) - 1))
    chosen = np.zeros(len(weights), bool)
    chosen[order[found]] = True
    if len(found) < n:
        spare = order[~chosen[order]]
        chosen[spare[np.argsort(-chances[spare], kind="stable")][: n - len(found)]] = True
    return np.flatnonzero(chosen)


def worth_of(weights: Array) -> int:
    """Return how many rows of a pool can be picked by weight with little of it lost.

    Examples
    --------
    >>> worth_of(np.ones(5)), worth_of(np.array([1.0, 1.0, 1.0, 9.0]))
    (5, 1)
    """
    low, high = 0, len(weights)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if share_out(weights, middle)[1] <= LOST else (low, middle - 1)
    return low
