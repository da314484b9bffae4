"""Rows of files as canonical values, piece by piece, and the places that they have in the files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.proof.lines import Place
from simulacra.schema._convert import READERS, Converted
from simulacra.schema.conformance import canonical_type
from simulacra.schema.types import Column, Table
from simulacra.tablefiles import Piece, TableFiles

FIRST = 5
"""How many rows that break a rule are named."""


def read_column(values: pl.Series, column: Column) -> Converted:
    """Read one column as the schema has it; what can not be read is null and marked.

    Examples
    --------
    >>> found = read_column(pl.Series(["4", "x"]), Column("age", "number", integer=True))
    >>> found.values.to_list(), found.bad.to_list()
    ([4, None], [False, True])
    """
    found = READERS[column.kind](values, column)
    return Converted(found.values.alias(column.name).cast(canonical_type(column)), found.bad, found.notes)


def canonical_pieces(
    files: TableFiles, table: Table, columns: Sequence[str]
) -> Iterator[tuple[pl.DataFrame, Piece]]:
    """Go through some columns in canonical values."""
    for piece in files.pieces(columns):
        yield pl.DataFrame([read_column(piece.frame[name], table[name]).values for name in columns]), piece


@dataclass
class Places:
    """Which file every row number of a table is in."""

    starts: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def enter(self, piece: Piece) -> None:
        """Learn where a file begins."""
        if not piece.first and (not self.names or self.names[-1] != piece.part.name):
            self.starts.append(piece.start)
            self.names.append(piece.part.name)

    def find(self, rows: Iterable[int]) -> tuple[Place, ...]:
        """Name the places of some row numbers; the first row of the table is 0."""
        found = []
        for row in rows:
            place = bisect_right(self.starts, row) - 1
            found.append(Place(self.names[place], row - self.starts[place] + 1))
        return tuple(found)


@dataclass
class Tally:
    """How many rows break one rule, and the first of them."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, broken: pl.Series | Array, start: int) -> None:
        """Count the rows of a piece; a null is no breach."""
        marks = broken.fill_null(False).to_numpy() if isinstance(broken, pl.Series) else broken
        count = int(np.count_nonzero(marks))
        if count and len(self.first) < FIRST:
            self.first += [start + int(row) for row in np.flatnonzero(marks)[: FIRST - len(self.first)]]
        self.count += count
