"""Tables that refer to themselves: each row stands on a level, and its parent one level above it.

Parents of the same table that are chosen freely close circles, and rows become their own parents. So a row draws how
far it is from one that refers to nothing, and whether others refer to it. Parents are then dealt level by level, from
the first one down, to rows that others refer to: no circle can arise.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from simulacra.domain import Array
from simulacra.relational.references.matching import match_parents

MOST_LEVELS = 1_000
"""Levels at most; of a deeper table, several levels become one."""
FOREST = 0.5
"""Share of rows on circles up to which these are taken for mistakes, or for tops that refer to themselves."""


def find_levels(at: Array) -> Array | None:
    """Tell how many steps lie between each row and one that refers to nothing.

    Parameters
    ----------
    at : array of int
        Position of each row's parent in the same table; below 0 where there is none.

    Returns
    -------
    array of int or None
        Rows on a circle, such as those that refer to themselves, count as if they referred to nothing. None if most
        rows stand on circles: pairs of rows that refer to each other have no levels.

    Notes
    -----
    **Cost**: rows times the log of their number.

    Examples
    --------
    >>> find_levels(np.array([-1, 0, 1, 0])).tolist(), find_levels(np.array([0, 0, 1, 1])).tolist()
    ([0, 1, 2, 1], [0, 1, 2, 2])
    >>> find_levels(np.array([1, 0, 3, 2])) is None
    True
    """
    number = len(at)
    # one more place stands for nowhere
    above = np.append(np.where(at >= 0, at, number), number)
    far, steps = above, 1
    while steps < number:
        far, steps = far[far], 2 * steps
    circle = np.zeros(number + 1, bool)
    circle[far] = True
    circle[number] = False
    if number and circle.sum() > FOREST * number and not (at == np.arange(number))[circle[:-1]].all():
        return None
    above[circle] = number
    level, jump = (above != number).astype(np.int64), above
    while (jump != number).any():
        level = level + level[jump]
        jump = jump[jump]
    found = level[:number]
    deepest = int(found.max(initial=0))
    return found if deepest < MOST_LEVELS else found * MOST_LEVELS // (deepest + 1)


def write_levels(level: Array, at: Array) -> Array:
    """Join the level of each row and whether any other refers to it in one number, as one model draws both.

    Numbers below 0 stand for rows of the first level that refer to themselves.

    Examples
    --------
    >>> write_levels(np.array([0, 1, 1, 0]), np.array([-1, 0, 0, 3])).tolist()
    [1, 2, 2, -1]
    """
    own = at == np.arange(len(at))
    leads = np.bincount(at[(at >= 0) & ~own], minlength=len(level)) > 0
    return np.where(own, -1 - leads, 2 * level + leads)


def match_levels(
    asks: Array, kinds: Array, degrees: Array, places: Array, rng: np.random.Generator, *, nullable: bool
) -> Array:
    """Choose a parent in the same table for every row, one level above it.

    Parameters
    ----------
    asks, kinds : array of int
        The kind that each row asks for, and the one that it is of.
    degrees : array of int
        How many rows each is to have, as a parent.
    places : array of int
        What `write_levels` wrote, as it was drawn.
    rng : Generator
        Which rows get which parent.
    nullable : bool
        Whether a row may refer to nothing; else all of the first level refer to themselves.

    Returns
    -------
    array of int
        Position of the parent; -1, or that of the row itself, on the first level alone.

    Notes
    -----
    Where a level came out empty and one below it did not, a row from there moves up. Rows that others refer to share
    the next level in proportion to their degrees; where there is none, one row is chosen.

    **Cost**: a sort of the rows, and another one on each level.

    Examples
    --------
    >>> from simulacra.randomness import Streams
    >>> kinds = np.zeros(5, int)
    >>> match_levels(kinds, kinds, kinds, np.array([2, 3, 4, 4, 1]), Streams(0).stream("x"), nullable=True).tolist()
    [4, 4, 1, 1, -1]
    """
    own = (places < 0) | (not nullable)
    found = np.where(own, np.arange(len(places)), -1)
    level, leads = np.divmod(np.where(places < 0, -1 - places, places), 2)
    level[places < 0] = 0
    rows = _fill_levels(level, leads, rng)
    for above, below in pairwise(rows):
        leaders = above[leads[above] > 0]
        if not len(leaders):
            wide = above[degrees[above] == degrees[above].max()]
            leaders = rng.choice(wide, 1)
        asked = np.where(np.isin(asks[below], kinds[leaders]), asks[below], kinds[leaders[0]])
        chosen = match_parents(asked, kinds[leaders], np.maximum(degrees[leaders], 1), rng)
        found[below] = leaders[chosen]
    return found


def _fill_levels(level: Array, leads: Array, rng: np.random.Generator) -> list[Array]:
    """List the rows of each level; none is empty above one that is not."""
    order = rng.permutation(len(level))
    # rows that others refer to stand first: they are who moves up
    order = order[np.lexsort((-leads[order], level[order]))]
    ends = np.flatnonzero(np.diff(level[order])) + 1
    drawn = np.split(order, ends) if len(order) else []
    rows: list[Array] = []
    for own in drawn:
        while len(own) > 1 and len(rows) < level[own[0]]:
            rows.append(own[:1])
            own = own[1:]
        rows.append(own)
    return rows


def part_selves(found: Array, rng: np.random.Generator) -> Array:
    """Exchange the parents of rows that became their own.

    Examples
    --------
    >>> from simulacra.randomness import Streams
    >>> part_selves(np.array([0, 2, 1]), Streams(0).stream("x")).tolist() != [0, 2, 1]
    True
    """
    found = found.copy()
    for row in np.flatnonzero(found == np.arange(len(found))).tolist():
        if found[row] != row:
            continue
        others = np.flatnonzero((found >= 0) & (found != row))
        if not len(others):
            found[row] = -1
            continue
        other = int(rng.choice(others))
        found[row], found[other] = found[other], found[row]
    return found
