"""Kinds of parents: rows that ask for a parent ask for a kind, and a kind is what many parents share.

A row that refers to a parent which does not draw it (the plane of a flight, the product of an order line) can not name
one that is not yet drawn. So parents are sorted into kinds by a tree: what they are themselves, and what the rows are
like that refer to them. A row's model draws a kind, a parent's model draws its kind and how many rows refer to it, and
afterwards each row gets a parent of the kind that it asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.tree import DecisionTreeRegressor

from simulacra.domain import Array
from simulacra.randomness import Streams

MOST_KINDS = 120
LEAST = 20
"""Parents of a kind at least."""
_LEVELS = 8
_ROWS = 20_000


@dataclass(frozen=True)
class Grouping:
    """Parents sorted into kinds.

    Parameters
    ----------
    kinds : array of int, shape (parents,)
        The kind of each.
    degrees : array of int, shape (parents,)
        Rows that refer to each.
    """

    kinds: Array
    degrees: Array


def group_parents(
    parents: pl.DataFrame, rows: pl.DataFrame, at: Array, *, level: Array | None = None, rng: Streams
) -> Grouping:
    """Sort parents into kinds by what they are and by what refers to them.

    Parameters
    ----------
    parents, rows : DataFrame
        Both sides, without keys.
    at : array of int, shape (rows,)
        Position of each row's parent; below 0 where there is none.
    level : array of int or None
        Where both sides are one table: how far each row is from one that refers to nothing.
    rng : Streams
        Where randomness comes from.

    Notes
    -----
    **Cost**: linear in rows; a tree on at most 20,000 parents.

    **Source**: regression trees of several targets, after De'ath 2002, "Multivariate regression trees".
    """
    number = len(parents)
    degrees = np.bincount(at[at >= 0], minlength=number)
    features = [_numbers(parents), np.log1p(degrees)[:, None].astype(float)]
    held = at >= 0
    of_rows = _numbers(rows)[held]
    means = np.zeros((number, of_rows.shape[1]))
    for column in range(of_rows.shape[1]):
        means[:, column] = np.bincount(at[held], of_rows[:, column], minlength=number)
    features.append(means / np.maximum(degrees, 1)[:, None])
    if level is not None:
        features.append(level[:, None] * 3.0)
    table = np.concatenate(features, axis=1)
    table = (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-9)
    kinds_wanted = min(MOST_KINDS, number // LEAST)
    if kinds_wanted < 2 or not table.shape[1]:
        return Grouping(np.zeros(number, np.int64), degrees)
    chosen = rng.stream("parents").permutation(number)[:_ROWS]
    tree = DecisionTreeRegressor(
        max_leaf_nodes=kinds_wanted, min_samples_leaf=max(1, min(LEAST, len(chosen) // 2)), random_state=0
    )
    tree.fit(table[chosen], table[chosen], sample_weight=1.0 + degrees[chosen])
    _, kinds = np.unique(_from_left(tree)[tree.apply(table)], return_inverse=True)
    return Grouping(kinds.astype(np.int64), degrees)


def _from_left(tree: DecisionTreeRegressor) -> Array:
    """Number the nodes from left to right, so that near numbers mean that little parts them."""
    left, right = tree.tree_.children_left, tree.tree_.children_right
    number = np.zeros(len(left), np.int64)
    waiting, seen = [0], 0
    while waiting:
        node = waiting.pop()
        number[node], seen = seen, seen + 1
        if left[node] >= 0:
            waiting += [int(right[node]), int(left[node])]
    return number


def _numbers(frame: pl.DataFrame) -> Array:
    """Return columns as numbers: ranks of ordered ones, one column for each frequent level of others."""
    parts: list[Array] = []
    for name in frame.columns:
        values = frame[name]
        if values.dtype.is_numeric() or values.dtype.is_temporal():
            ranks = values.rank("average").to_numpy().astype(float) / max(len(values), 1)
            parts.append(np.nan_to_num(ranks, nan=-0.5))
        elif values.dtype == pl.Boolean:
            parts.append(values.cast(pl.Float64).fill_null(-0.5).to_numpy())
        else:
            counts = values.value_counts(sort=True).drop_nulls()
            if len(counts) > max(1_000, len(values) // 4):
                continue
            for level in counts[name][:_LEVELS].to_list():
                parts.append((values == level).fill_null(False).cast(pl.Float64).to_numpy())
    return np.stack(parts, axis=1) if parts else np.zeros((len(frame), 0))
