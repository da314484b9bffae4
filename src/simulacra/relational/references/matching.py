"""Parents for rows that ask for one of a kind: as many rows for each as it is to have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulacra.domain import Array
from simulacra.relational.references.profiles import Suits

_ROUNDS = 60


def match_parents(
    asks: Array, kinds: Array, degrees: Array, rng: np.random.Generator, suits: Suits | None = None
) -> Array:
    """Choose a parent for every row.

    Parameters
    ----------
    asks : array of int, shape (rows,)
        The kind that each row asks for; below 0 for no parent.
    kinds : array of int, shape (parents,)
        The kind of each parent; near numbers mean kinds that are alike.
    degrees : array of int, shape (parents,)
        How many rows each is to have, as far as these are as many as there are rows; else in proportion.
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
    Each parent has as many places as it is to have rows. A row is given a place of its kind and of its levels; where
    these are taken, one of its kind, then one of its levels, and at last any that is free.

    **Cost**: some sorts of the rows.

    Examples
    --------
    >>> from simulacra.randomness import Streams
    >>> match_parents(np.array([1, 1, 0, -1]), np.array([0, 1]), np.array([5, 9]), Streams(0).stream("x")).tolist()
    [1, 1, 0, -1]
    """
    found = np.full(len(asks), -1, np.int64)
    wanting = np.flatnonzero(asks >= 0)
    if not len(kinds) or not len(wanting):
        return found
    hard = suits is not None and len(suits.levels) > 0 and suits.first_is_whole
    if hard and suits is not None:
        places, own_level = _part_by_level(suits.levels[0][wanting], suits.shared[0], degrees, rng)
    else:
        places = np.repeat(np.arange(len(kinds)), deal(degrees, len(wanting), rng))
        own_level = np.zeros(len(places), bool)
    levels: list[tuple[Array, Array]] = []
    times = rng.random(len(wanting)), rng.random(len(wanting))
    if suits is not None:
        for column, (own, shared, shares) in enumerate(
            zip(suits.levels, suits.shared, suits.shares, strict=True)
        ):
            sure = own_level if hard and not column else rng.random(len(places)) < shares[places]
            levels.append((own[wanting], np.where(sure, shared[places], -1)))
        since, until = suits.since[places], suits.until[places]
        times = suits.times[wanting], since + times[1] * (until - since)
    kind = (asks[wanting], kinds[places])
    nothing = (np.zeros(len(wanting), np.int64),) * 2
    steps = [([kind, *levels], times), ([kind, *levels[:1]], times)]
    if hard:
        steps += [(levels, kind), (levels[:1], kind)]
    steps += [([kind], times), (levels[:1] or [nothing], kind), ([nothing], kind)]
    for keys, along in steps:
        rows = np.flatnonzero(found[wanting] < 0)
        free = np.flatnonzero(places >= 0)
        if not len(rows):
            break
        own, other = _meet(
            [(one[rows], two[free]) for one, two in keys], (along[0][rows], along[1][free]), rng
        )
        found[wanting[rows[own]]] = places[free[other]]
        places[free[other]] = -1
    return found


def _part_by_level(
    levels: Array, shared: Array, degrees: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return as many places as there are rows, those of parents that share the rows' levels; and whether they do."""
    parts, rest = [], 0
    for level, rows in zip(*np.unique(levels, return_counts=True), strict=True):
        own = np.flatnonzero((shared == level) & (degrees > 0)) if level >= 0 else shared[:0]
        if len(own):
            parts.append(np.repeat(own, deal(degrees[own], int(rows), rng)))
        else:
            rest += int(rows)
    # what no parent shares goes to few of them, so that the others keep to their level
    order = rng.permutation(len(shared))
    some = order[: int(np.searchsorted(np.cumsum(np.maximum(degrees[order], 1)), rest)) + 1]
    parts.append(np.repeat(some, deal(degrees[some], rest, rng)))
    places = np.concatenate(parts)
    return places, np.arange(len(places)) < len(places) - rest


def _meet(
    keys: Sequence[tuple[Array, Array]], along: tuple[Array, Array], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Pair rows and places of the same keys, as many as both have, in the order of what they stand along."""
    rows, places = len(along[0]), len(along[1])
    code = np.zeros(rows + places, np.int64)
    lost = np.zeros(rows + places, bool)
    for one, two in keys:
        both = np.concatenate([one, two])
        lost |= both < 0
        code = np.unique(code * (int(both.max(initial=0)) + 2) + both + 1, return_inverse=True)[1]
    number = int(code.max(initial=0)) + 1
    sides = [(code[:rows], lost[:rows]), (code[rows:], lost[rows:])]
    most = np.minimum(*(np.bincount(own[~gone], minlength=number) for own, gone in sides))
    pairs = []
    for (own, gone), values in zip(sides, along, strict=True):
        held = rng.permutation(np.flatnonzero(~gone))
        held = held[np.argsort(own[held], kind="stable")]
        begins = np.searchsorted(own[held], np.arange(number))
        taken = held[np.arange(len(held)) - begins[own[held]] < most[own[held]]]
        pairs.append(taken[np.lexsort((values[taken], own[taken]))])
    return pairs[0], pairs[1]


def deal(degrees: Array, rows: int, rng: np.random.Generator) -> Array:
    """Return how many of the rows each parent gets: at least one if it is to have some and the rows suffice."""
    weights = np.maximum(np.asarray(degrees, float), 0)
    if weights.sum() <= 0:
        weights = np.ones(len(weights))
    least = (weights > 0).astype(np.int64)
    if least.sum() > rows:
        least[:] = 0
    more = np.maximum(weights / weights.sum() * rows - least, 0)
    if more.sum() <= 0:
        more = weights
    order = rng.permutation(len(weights))
    ends = np.floor(np.cumsum(more[order]) / more.sum() * (rows - least.sum()) + 1e-9 + rng.random())
    ends[-1] = rows - least.sum()
    extra = np.empty(len(weights), np.int64)
    extra[order] = np.diff(np.minimum(ends, ends[-1]), prepend=0)
    return np.asarray(least + extra)


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
