"""Dates of rows of different owners that stand in an order: how far each owner may move without breaking it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.masking._owners import Frames, Pointers
from simulacra.schema.types import Reference, Schema

DAY = 86_400_000_000
_LEAST = 10
"""Rows that an order is believed from: fewer may stand so by chance."""


@dataclass(frozen=True, eq=False)
class Order:
    """Two dates, of a row and of the row that it refers to, of which one is never before the other.

    Parameters
    ----------
    child, parent : tuple of (str, str)
        Table and column of each.
    rows, others : array of int64
        Pairs of rows, of the child and of the parent.
    gap : array of int64
        Microseconds from the parent's date to the child's.
    later : bool
        True: the child's is never before the parent's. False: never after.
    """

    child: tuple[str, str]
    parent: tuple[str, str]
    rows: Array
    others: Array
    gap: Array
    later: bool

    def breaks(self, child: Array, parent: Array) -> int:
        """Count the pairs that are out of order once the rows of both tables have moved by so many microseconds."""
        after = self.gap + child[self.rows] - parent[self.others]
        return int((after < 0).sum() if self.later else (after > 0).sum())


def find_orders(
    schema: Schema,
    frames: Frames,
    pointers: Pointers,
    owners: Mapping[str, Array],
    dates: Mapping[str, list[str]],
) -> Iterator[Order]:
    """List the orders of dates between rows that belong to different owners.

    Parameters
    ----------
    schema : Schema
        Tables with references.
    frames : mapping
        Their rows.
    pointers : mapping
        What `simulacra.lineage.resolve` gives.
    owners : mapping
        For each table the code of each row's owner.
    dates : mapping
        For each table the columns that move.

    Yields
    ------
    Order
        One for each pair of columns that all rows keep in an order.
    """
    for table in schema.tables:
        for at, reference in enumerate(table.references):
            both = dates.get(table.name, []), dates.get(reference.table, [])
            if all(both):
                yield from _along(table.name, reference, frames, pointers[table.name, at], owners, both)


def _along(
    child: str,
    reference: Reference,
    frames: Frames,
    up: Array,
    owners: Mapping[str, Array],
    dates: tuple[list[str], list[str]],
) -> Iterator[Order]:
    rows = np.flatnonzero(up >= 0)
    rows = rows[owners[child][rows] != owners[reference.table][up[rows]]]
    if len(rows) < _LEAST:
        return
    others = up[rows]
    high = {name: clock(frames[reference.table][name]).gather(others) for name in dates[1]}
    for own in dates[0]:
        low = clock(frames[child][own]).gather(rows)
        for name, theirs in high.items():
            gap = low - theirs
            known = gap.is_not_null().to_numpy()
            apart = gap.drop_nulls().to_numpy()
            if len(apart) < _LEAST:
                continue
            for later, kept in ((True, apart.min() >= 0), (False, apart.max() <= 0)):
                if kept:
                    yield Order(
                        (child, own), (reference.table, name), rows[known], others[known], apart, later
                    )


def narrow(order: Order, moved: Array, at: Array, low: Array, high: Array) -> None:
    """Narrow what owners may move by, given how far the owners of the rows above them have moved.

    Parameters
    ----------
    order : Order
        What must stay.
    moved : array of int64
        Microseconds that each row of the parent has moved.
    at : array of int64
        The owner of each row of the child, as a place in `low` and `high`.
    low, high : array of int64
        Days; changed in place.
    """
    theirs, owner = moved[order.others], at[order.rows]
    if order.later:
        np.maximum.at(low, owner, -((order.gap - theirs) // DAY))
    else:
        np.minimum.at(high, owner, (theirs - order.gap) // DAY)


def clock(values: pl.Series) -> pl.Series:
    """Count microseconds on the clock of the place, in which a day is a day also where clocks change.

    Examples
    --------
    >>> clock(pl.Series([1], dtype=pl.Date)).to_list()
    [86400000000]
    """
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.replace_time_zone(None).cast(pl.Int64)
    return values.cast(pl.Int64) * DAY
