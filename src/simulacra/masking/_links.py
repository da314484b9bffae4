"""A reference as numbers: which rows of two tables hold the same values, ready to be walked either way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import DataError
from simulacra.schema.reference import Reference
from simulacra.schema.types import Schema, Table


@dataclass(frozen=True, eq=False)
class Side:
    """The rows of one table by the code of the values that they hold; -1 for none.

    Parameters
    ----------
    codes : array of int64
        One per row.
    order, starts : array of int64
        Rows sorted by code, and where each code starts among them.
    """

    codes: Array
    order: Array
    starts: Array

    @classmethod
    def of(cls, codes: Array, size: int) -> Side:
        """Sort rows by code, once, so that a walk only touches the rows that it finds."""
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(size + 1))
        return cls(codes, order, starts)

    def rows(self, codes: Array) -> Array:
        """List the rows that hold any of some codes."""
        first, count = self.starts[codes], self.starts[codes + 1] - self.starts[codes]
        within = np.arange(int(count.sum())) - np.repeat(count.cumsum() - count, count)
        return self.order[np.repeat(first, count) + within]


@dataclass(frozen=True, eq=False)
class Link:
    """A reference between rows.

    Parameters
    ----------
    child, parent : str
        The table that refers, and the one referred to.
    below, above : Side
        Their rows by what they hold.
    """

    child: str
    parent: str
    below: Side
    above: Side

    def up(self, rows: Array) -> Array:
        """List the parents of child rows; a row without one, or an orphan, has none."""
        return self.above.rows(_known(self.below.codes[rows]))

    def down(self, rows: Array) -> Array:
        """List the children of parent rows."""
        return self.below.rows(_known(self.above.codes[rows]))


def _known(codes: Array) -> Array:
    found = np.unique(codes)
    return found[found >= 0]


def find_links(schema: Schema, frames: Mapping[str, pl.DataFrame]) -> list[Link]:
    """Number the values of every reference.

    Raises
    ------
    DataError
        The two sides of a reference hold values of different types.
    """
    return [
        _link(table, reference, frames[table.name], frames[reference.table])
        for table in schema.tables
        for reference in table.references
    ]


def _link(table: Table, reference: Reference, child: pl.DataFrame, parent: pl.DataFrame) -> Link:
    to = list(reference.to)
    for own, other in zip(reference.columns, to, strict=True):
        if child[own].dtype != parent[other].dtype:
            raise DataError(
                f"table {table.name!r}: {own!r} refers to {reference.table}.{other}, and one holds "
                f"{child[own].dtype} values, the other {parent[other].dtype}. Make both of one kind in the schema."
            )
    distinct = parent.select(to).drop_nulls().unique(maintain_order=True).with_row_index("\0code")
    size = len(distinct)
    above = _codes(parent.select(to), distinct, to)
    below = _codes(
        child.select(pl.col(own).alias(other) for own, other in zip(reference.columns, to, strict=True)),
        distinct,
        to,
    )
    return Link(table.name, reference.table, Side.of(below, size), Side.of(above, size))


def _codes(values: pl.DataFrame, distinct: pl.DataFrame, on: list[str]) -> Array:
    """Look up the number of each row's values; -1 where one is missing or no parent has them."""
    found = values.join(distinct, on=on, how="left", maintain_order="left")["\0code"]
    return found.cast(pl.Int64).fill_null(-1).to_numpy()
