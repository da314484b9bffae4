"""References to a row of a sibling table: to the same parent, and to what else is the key there.

A fielding row belongs to a player, and names a year and a stint that the player has a batting row of. Both tables are
drawn by the player, so the year and the stint are ordinary values, which the row beside them tells. Where they still
miss, the nearest row of the same parent is meant.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.relational.plan import Link, Plan, locate


def is_nested(plan: Plan, link: Link) -> bool:
    """Tell whether a reference made of values leads to a sibling of the same parent, and names that parent too."""
    own, other = plan.driving(link.table), plan.driving(link.reference.table)
    if link.way != "value" or own is None or other is None or own.reference.table != other.reference.table:
        return False
    pairs = dict(zip(link.reference.columns, link.reference.to, strict=True))
    shared = [pairs.get(name) for name in own.reference.columns]
    return shared == list(other.reference.columns) and len(pairs) > len(shared)


def settle_nested(
    child: pl.DataFrame,
    parent: pl.DataFrame,
    link: Link,
    shared: tuple[str, ...],
    rate: float,
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Let rows that lead nowhere lead to the nearest row of the same parent, but for the share that did in the data.

    Parameters
    ----------
    child, parent : DataFrame
        The table that refers, and the sibling.
    link : Link
        The reference.
    shared : tuple of str
        The columns of the child that name the parent of both.
    rate : float
        The share of rows that are to lead nowhere.
    rng : Generator
        Which of them stay.

    Returns
    -------
    DataFrame
        The table that refers.

    Notes
    -----
    **Cost**: a sort of both tables, if any row leads nowhere.
    """
    lost = np.flatnonzero(locate(child, parent, link.reference).fill_null(0).to_numpy() < 0)
    spare = min(round(rate * len(child)), len(lost))
    lost = np.sort(rng.permutation(lost)[spare:])
    if not len(lost):
        return child
    pairs = dict(zip(link.reference.columns, link.reference.to, strict=True))
    rest = [name for name in pairs if name not in shared]
    at = _nearest(
        child.select(*shared, *rest)[lost], parent.select(pl.col(pairs[n]).alias(n) for n in pairs), rest
    )
    held = at >= 0
    changed = []
    for name in rest:
        values = child[name].clone()
        new = parent[pairs[name]].gather(at[held]).cast(values.dtype)
        changed.append(values.scatter(lost[held], new).alias(name))
    return child.with_columns(changed)


def _nearest(rows: pl.DataFrame, parents: pl.DataFrame, rest: list[str]) -> Array:
    """Return the nearest row of the same parent for each row; -1 where the parent has none."""
    shared = [name for name in rows.columns if name not in rest]
    along = pl.col(rest[0]).cast(pl.Float64, strict=False).fill_null(0.0).alias("#along")
    left = rows.select(*shared, along).with_row_index("#row").sort("#along")
    right = parents.select(*shared, along).with_row_index("#at").sort("#along", maintain_order=True)
    found = left.join_asof(right, on="#along", by=shared, strategy="nearest", check_sortedness=False)
    return found.sort("#row")["#at"].cast(pl.Int64).fill_null(-1).to_numpy()
