"""Orders of unordered levels: along the line on which they hang together most with all other axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtri

from simulacra.domain import Array

_GROUPS = 64
"""Groups of codes that an axis is compared with: the most frequent levels alone, or neighbouring codes together."""
_ROWS = 50_000
_PARTNERS = 64
"""Other axes that an axis is compared with."""
_SCREENED, _COARSE = 2_000, 8
"""Rows and groups by which these are chosen where there are more."""
_TURNS = 8
_POWERS = 25
_PRIOR = 10.0
"""Rows of no association that every level is given, so that few rows do not look like a strong one."""


def order_levels(
    codes: Sequence[Array], sizes: Sequence[int], nominal: Sequence[bool], weights: Array
) -> list[Array]:
    """Put the levels of unordered axes in order.

    Parameters
    ----------
    codes : sequence of array, shape (rows,)
        The codes of each axis.
    sizes : sequence of int
        The number of codes of each.
    nominal : sequence of bool
        Which axes are without order; the codes of the others stay as they are.
    weights : array, shape (rows,)
        Weights of the rows.

    Returns
    -------
    list of array, shape (codes,)
        The codes of each axis in their order.

    Notes
    -----
    Every axis has a score for each code, that of normals cut by the shares of its codes. The levels of an
    unordered axis are put in the order of the mean, among the rows of each, of the other axes' scores, weighted by
    their correlations with it; by turns, which lets the sum of squared correlations grow. The first order is along the
    first axis of a correspondence analysis.

    **Cost.** Unordered axes times axes (at most 64, those that hang together most with each in 2,000 rows) times rows
    (at most 50,000); memory of a level, 64 numbers for each other axis.

    **Source.** Gifi 1990, "Nonlinear multivariate analysis", sections 3.9 and 4.4; Young, de Leeuw and Takane 1976,
    "Regression with qualitative and quantitative variables: an alternating least squares method with optimal
    scaling features".

    Examples
    --------
    >>> town = np.repeat(np.arange(3), 100).astype(np.uint8)
    >>> rent = np.repeat([2, 0, 1], 100).astype(np.uint8)
    >>> sorted_towns, _ = order_levels([town, rent], [3, 3], [True, False], np.ones(300))
    >>> sorted_towns.tolist() in ([1, 2, 0], [0, 2, 1])
    True
    """
    orders = [np.arange(size) for size in sizes]
    loose = [place for place, own in enumerate(nominal) if own and sizes[place] > 2]
    if not loose or len(codes) < 2:
        return orders
    step = -(-len(weights) // _ROWS)
    weights = weights[::step] / weights[::step].sum()
    columns = [Grouped.of(own[::step], size, free, weights) for own, size, free in zip(codes, sizes, nominal)]
    partners = _choose_partners(loose, [own[::step] for own in codes], columns)
    tables = {
        place: _cross(place, partners[place], [own[::step] for own in codes], columns, weights)
        for place in loose
    }
    scores = [column.score(order) for column, order in zip(columns, orders)]
    for place in loose:
        orders[place] = np.argsort(_first_axis(place, tables[place], columns, scores), kind="stable")
    for place in loose:
        scores[place] = columns[place].score(orders[place])
    for _ in range(_TURNS):
        changed = False
        for place in loose:
            pull = _pull(place, tables[place], columns, scores)
            order = np.argsort(pull, kind="stable")
            if not np.array_equal(order, orders[place]):
                orders[place], changed = order, True
                scores[place] = columns[place].score(order)
        if not changed:
            break
    return orders


@dataclass(frozen=True, slots=True)
class Grouped:
    """One axis, with its codes in groups.

    Parameters
    ----------
    share : array
        The share of each code.
    group : array
        The group of each code.
    mass : array, shape (64,)
        The share of each group.
    nominal : bool
        Whether codes are without order.
    """

    share: Array
    group: Array
    mass: Array
    nominal: bool

    @classmethod
    def of(cls, codes: Array, size: int, nominal: bool, weights: Array) -> Self:
        """Group the codes of an axis."""
        share = np.bincount(codes, weights, minlength=size)
        if nominal:
            group = np.empty(size, np.int64)
            group[np.argsort(-share, kind="stable")] = np.minimum(np.arange(size), _GROUPS - 1)
        else:
            middle = np.cumsum(share) - share / 2
            group = np.clip((middle * _GROUPS).astype(np.int64), 0, _GROUPS - 1)
        return cls(share, group, np.bincount(group, share, minlength=_GROUPS), nominal)

    def score(self, order: Array) -> Array:
        """Return the standardised score of each code when codes lie in an order."""
        share, score = self.share[order], np.empty(len(order))
        score[order] = ndtri(np.clip(np.cumsum(share) - share / 2, 1e-9, 1 - 1e-9))
        score -= score @ self.share
        return score / max(float(np.sqrt(score**2 @ self.share)), 1e-9)

    def by_group(self, score: Array) -> Array:
        """Return the mean score of each group."""
        return np.bincount(self.group, self.share * score, minlength=_GROUPS) / np.maximum(self.mass, 1e-300)


def _choose_partners(
    loose: Sequence[int], codes: Sequence[Array], columns: Sequence[Grouped]
) -> dict[int, list[int]]:
    """Choose the axes that each unordered one is compared with: all, or of many those that tell most of it."""
    everyone = range(len(columns))
    if len(columns) <= _PARTNERS + 1:
        return {place: [other for other in everyone if other != place] for place in loose}
    step = -(-len(codes[0]) // _SCREENED)
    # one column for each coarse group of each axis, so that one product holds the tables of an axis with all others
    marks = np.zeros((len(codes[0][::step]), len(columns), _COARSE), np.float32)
    for place, column in enumerate(columns):
        group = column.group[codes[place][::step]]
        coarse = np.minimum(group, _COARSE - 1) if column.nominal else group * _COARSE // _GROUPS
        marks[np.arange(len(marks)), place, coarse] = 1
    share = marks.mean(0)
    found = {}
    for place in loose:
        table = np.tensordot(marks[:, place], marks, (0, 0)) / len(marks)
        expected = share[place][:, None, None] * share
        chi = ((table - expected) ** 2 / np.maximum(expected, 1e-9)).sum((0, 2))
        chi[place] = -1.0
        found[place] = np.sort(np.argsort(-chi, kind="stable")[:_PARTNERS]).tolist()
    return found


def _cross(
    place: int, partners: Sequence[int], codes: Sequence[Array], columns: Sequence[Grouped], weights: Array
) -> dict[int, Array]:
    """Return what part of each level lies in each group of every other axis; few rows are drawn to the average."""
    own, size = codes[place].astype(np.int64) * _GROUPS, len(columns[place].share)
    prior = _PRIOR / len(weights)
    found = {}
    for other in partners:
        column = columns[other]
        table: Array = np.bincount(own + column.group[codes[other]], weights, minlength=size * _GROUPS)
        table = table.reshape(size, _GROUPS) + prior * column.mass
        found[other] = (table / (columns[place].share + prior)[:, None]).astype(np.float32)
    return found


def _first_axis(
    place: int, tables: dict[int, Array], columns: Sequence[Grouped], scores: Sequence[Array]
) -> Array:
    """Return the place of every level on the first axis of a correspondence analysis, by powers."""
    share = columns[place].share
    blocks: list[Array] = []
    for other, table in tables.items():
        column = columns[other]
        if column.nominal:
            blocks.append((table - column.mass) / np.sqrt(np.maximum(column.mass, 1e-9)))
        else:
            blocks.append((table @ column.by_group(scores[other]))[:, None])
    found: Array = np.cos(np.arange(len(share)))
    for _ in range(_POWERS):
        found = sum((block @ (block.T @ (share * found)) for block in blocks), np.zeros(len(share)))
        found = found / max(float(np.abs(found).max()), 1e-300)
    return found


def _pull(place: int, tables: dict[int, Array], columns: Sequence[Grouped], scores: Sequence[Array]) -> Array:
    """Return, for every level, the mean of the other axes' scores, weighted by their correlations with this one."""
    share, total = columns[place].share, np.zeros(len(columns[place].share))
    for other, table in tables.items():
        means = table @ columns[other].by_group(scores[other])
        total += ((share * scores[place]) @ means) * means
    return total
