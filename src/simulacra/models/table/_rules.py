"""Columns that decide another one: found before the forest grows, so that rules come out exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from simulacra.domain import Array

_GLANCE = 2_000
LOOK = 20_000
"""Rows that rules are looked for in."""
_HOLDS = 0.995
"""Share of rows in which the decided code must be the usual one of its group."""
_EXPLAINS = 0.95
"""Share of the rows outside the commonest code that the rule must explain."""
_GROUP = 20
"""Rows that a group of equal deciding codes has on average; smaller groups prove nothing."""
_NEAREST = 8


def find_rule(
    target: Array,
    known: Sequence[Array],
    nearness: Array,
    rows: int,
    distinct: Callable[[tuple[int, ...]], int],
) -> tuple[int, ...]:
    """Find one or two columns whose codes decide the target's code in nearly every row.

    Parameters
    ----------
    target : array of int64, shape (at most LOOK,)
        Codes of the column in question, in random rows.
    known : sequence of array of int64
        Codes of the columns that come before it.
    nearness : array, shape (known columns,)
        How much each of them tells about the target; of pairs, only those of the nearest are looked at.
    rows : int
        Number of rows of the table.
    distinct : callable
        Counts the combinations of some of `known` over the whole table.

    Returns
    -------
    tuple of int
        Which of `known` decide the target; empty if none do.

    Notes
    -----
    **Cost.** Quadratic in columns on a glance at 2,000 rows; what passes is looked at in 20,000 rows.

    Examples
    --------
    >>> day = np.arange(3000) % 100
    >>> find_rule(day // 25, [day % 7, day], np.ones(2), 3000, lambda columns: 100)
    (1,)
    """
    nearest = [int(i) for i in np.argsort(-nearness, kind="stable")[:_NEAREST]]
    singles = [(i,) for i in range(len(known))]
    for candidates in (singles, list(combinations(sorted(nearest), 2))):
        found = []
        for columns in candidates:
            if _decides(_key(columns, known, _GLANCE), target[:_GLANCE]) is None:
                continue
            held = _decides(_key(columns, known, LOOK), target)
            if held is not None and distinct(columns) * _GROUP <= rows:
                found.append((held, columns))
        if found:
            return max(found, key=lambda item: item[0])[1]
    return ()


def _key(columns: tuple[int, ...], known: Sequence[Array], rows: int) -> Array:
    key = known[columns[0]][:rows]
    for column in columns[1:]:
        other = known[column][:rows]
        key = key * (int(other.max(initial=0)) + 1) + other
    return key


def _decides(key: Array, target: Array) -> float | None:
    """Return the share of rows that have the usual code of their group, if that is a rule."""
    span = int(target.max(initial=0)) + 1
    joint, counts = np.unique(key * span + target, return_counts=True)
    group = joint // span
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    held = float(np.maximum.reduceat(counts, starts).sum() / len(target))
    usual = np.bincount(target).max() / len(target)
    return held if held >= _HOLDS and held - usual >= _EXPLAINS * (1 - usual) else None
