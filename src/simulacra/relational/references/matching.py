"""Parents for rows that ask for one of a kind: as many rows for each as it is to have."""

from __future__ import annotations

import numpy as np

from simulacra.domain import Array
from simulacra.relational.references.profiles import Suits

_ROUNDS = 60
MORE = 1.5
"""Times as many rows as they are to have that the parents of a level take at most."""


def match_parents(
    asks: Array, kinds: Array, degrees: Array, rng: np.random.Generator, suits: Suits | None = None
) -> Array:
    """Choose a parent for every row.

    Parameters
    ----------
    asks : array of int, shape (rows,)
        The kind that each row asks for; below 0 for no parent.
    kinds : array of int, shape (parents,)
        The kind of each parent.
    degrees : array of int, shape (parents,)
        How many rows each is to have; only their proportions within a kind count.
    rng : Generator
        Which rows get which parent.
    suits : Suits or None
        What rows and parents of one kind are held against each other by; any row suits any parent without it.

    Returns
    -------
    array of int, shape (rows,)
        Position of the parent; -1 where none was asked for, or where there is none at all.

    Notes
    -----
    Where no parent is of the kind, any parent is taken.

    **Cost**: a sort of both sides.

    Examples
    --------
    >>> from simulacra.randomness import Streams
    >>> match_parents(np.array([1, 1, 0, -1]), np.array([0, 1]), np.array([5, 5]), Streams(0).stream("x")).tolist()
    [1, 1, 0, -1]
    """
    found = np.full(len(asks), -1, np.int64)
    wanting = np.flatnonzero(asks >= 0)
    if not len(kinds) or not len(wanting):
        return found
    wanting = rng.permutation(wanting)
    wanting = wanting[np.argsort(asks[wanting], kind="stable")]
    by_kind = np.argsort(kinds, kind="stable")
    held = kinds[by_kind]
    wanted, first, number = np.unique(asks[wanting], return_index=True, return_counts=True)
    for kind, begin, rows in zip(wanted, first, number):
        low, high = np.searchsorted(held, kind, "left"), np.searchsorted(held, kind, "right")
        own = by_kind[low:high] if high > low else np.arange(len(kinds))
        some = wanting[begin : begin + rows]
        if suits is None:
            found[some] = deal(own, degrees[own], int(rows), rng)
        else:
            found[some] = _deal_suited(some, own, degrees, suits, rng)
    return found


def _deal_suited(
    rows: Array, parents: Array, degrees: Array, suits: Suits, rng: np.random.Generator
) -> Array:
    """Deal rows to the parents whose other rows have their level, in the order of time."""
    found = np.full(len(rows), -1, np.int64)
    levels, shared = suits.levels[rows], suits.shared[parents]
    left = np.asarray(degrees, float).copy()
    for level in np.unique(levels):
        own = parents[shared == level]
        room = int(np.ceil(MORE * degrees[own].sum()))
        here = np.flatnonzero(levels == level)[:room]
        if len(own) and len(here):
            found[here] = _deal_in_time(rows[here], own, degrees, suits, rng)
    left -= np.bincount(found[found >= 0], minlength=len(left))
    rest = np.flatnonzero(found < 0)
    if len(rest):
        found[rest] = _deal_in_time(rows[rest], parents, np.maximum(left, 0), suits, rng)
    return found


def _deal_in_time(
    rows: Array, parents: Array, degrees: Array, suits: Suits, rng: np.random.Generator
) -> Array:
    """Spread as many times as each parent is to have rows over its span, and give the rows to them in order."""
    dealt = np.sort(deal(parents, degrees[parents], len(rows), rng))
    new = np.flatnonzero(np.diff(dealt, prepend=-1))
    number = np.diff(np.append(new, len(dealt)))
    place = (np.arange(len(dealt)) - np.repeat(new, number) + rng.random(len(dealt))) / np.repeat(
        number, number
    )
    times = suits.since[dealt] + place * (suits.until - suits.since)[dealt]
    found = np.empty(len(rows), np.int64)
    found[np.argsort(suits.times[rows], kind="stable")] = dealt[np.argsort(times, kind="stable")]
    return found


def deal(parents: Array, degrees: Array, rows: int, rng: np.random.Generator) -> Array:
    """Deal rows to parents in proportion to their degrees, each share rounded up or down."""
    weights = np.asarray(degrees, float)
    if weights.sum() <= 0:
        weights = np.ones(len(parents))
    order = rng.permutation(len(parents))
    ends = np.cumsum(weights[order]) / weights.sum() * rows + rng.random()
    shares = np.diff(np.floor(ends), prepend=np.floor(ends[0] - weights[order[0]] / weights.sum() * rows))
    dealt = np.repeat(parents[order], np.maximum(shares, 0).astype(np.int64))[:rows]
    if len(dealt) < rows:
        dealt = np.append(dealt, rng.choice(parents, rows - len(dealt), p=weights / weights.sum()))
    return np.asarray(rng.permutation(dealt))


def part_pairs(entity: Array, found: Array, kinds: Array, rng: np.random.Generator) -> Array:
    """Exchange parents among rows until no entity has one twice.

    Parameters
    ----------
    entity : array of int
        The other side of each pair.
    found : array of int
        The parent of each row; below 0 for none.
    kinds : array of int
        The kind of each parent.
    rng : Generator
        Which rows exchange.

    Returns
    -------
    array of int
        Parents that hold as many rows as before, as far as pairs that differ allow.
    """
    found = found.copy()
    parents = len(kinds)
    for attempt in range(_ROUNDS):
        twice = _twice(entity, found, parents)
        if not len(twice):
            break
        near = attempt < _ROUNDS // 2
        for row in twice[:20_000]:
            pool = np.flatnonzero(kinds[found] == kinds[found[row]]) if near and len(twice) < 50 else None
            other = int(rng.choice(pool)) if pool is not None and len(pool) else int(rng.integers(len(found)))
            if found[other] >= 0:
                found[row], found[other] = found[other], found[row]
    twice = _twice(entity, found, parents)
    for row in twice:
        held = set(found[entity == entity[row]].tolist())
        free = [parent for parent in rng.permutation(parents).tolist() if parent not in held]
        found[row] = free[0] if free else found[row]
    return found


def _twice(entity: Array, found: Array, parents: int) -> Array:
    rows = np.flatnonzero(found >= 0)
    code = entity[rows].astype(np.int64) * (parents + 1) + found[rows]
    order = np.argsort(code, kind="stable")
    again = np.flatnonzero(np.diff(code[order]) == 0) + 1
    return rows[order[again]]
