"""The cells that columns divide rows into: levels or bands of each column, their conditions, and their crossing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import OptionError
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table

LEVEL_KINDS = frozenset({"category", "boolean"})
FEW = 8
"""A number, date or time with so few distinct values is taken value by value."""
BANDS = 4


@dataclass(frozen=True)
class Parts:
    """The parts of one column: each of its levels, or bands of its values; missing is a part where there is any.

    Parameters
    ----------
    column : Column
        The column.
    values : Series
        The levels; or the upper ends of the bands, of which the last is open.
    banded : bool
        Whether these are bands.
    missing : bool
        Whether the last part is that of missing values.
    """

    column: Column
    values: pl.Series
    banded: bool
    missing: bool

    def __len__(self) -> int:
        return len(self.values) + self.missing

    @classmethod
    def cut(cls, column: Column, values: pl.Series) -> Parts:
        """Divide by the levels that rows hold, or at their quantiles."""
        if column.kind in {"text", "key"}:
            raise OptionError(
                f"column {column.name!r} is a {column.kind}, whose values make no groups. Name a category, a boolean, "
                "a number or a date."
            )
        known = values.drop_nulls()
        distinct = known.unique().sort()
        missing = len(known) < len(values)
        if column.kind in LEVEL_KINDS or len(distinct) <= FEW:
            return cls(column, distinct, False, missing)
        ordered = known.sort()
        places = np.ceil(np.arange(1, BANDS + 1) / BANDS * len(ordered)).astype(np.int64) - 1
        return cls(column, ordered.gather(places).unique().sort(), True, missing)

    def codes(self, values: pl.Series) -> Array:
        """Return the part of each value; -1 for a level that is none of them."""
        if self.banded:
            # the last band is open above
            ends = self.values.slice(0, len(self.values) - 1)
            codes = np.asarray(ends.search_sorted(values.fill_null(self.values[0]), "left"), dtype=np.int64)
        else:
            numbers = pl.int_range(len(self.values), eager=True, dtype=pl.Int64)
            found = values.replace_strict(self.values, numbers, default=-1, return_dtype=pl.Int64)
            codes = found.fill_null(-1).to_numpy().copy()
        blank = values.is_null().to_numpy()
        codes[blank] = len(self.values) if self.missing else -1
        return codes

    def sql(self, part: int, table: Table) -> str:
        """Return the condition of a part."""
        name, column = self.column.name, '"' + self.column.name.replace('"', '""') + '"'
        if part == len(self.values):
            return f"{column} IS NULL"
        if not self.banded:
            return Predicate.parse({name: self.values[part]}, table).sql
        ends = [self._constant(place, table, len(column)) for place in (part - 1, part)]
        if len(self.values) == 1:
            return f"{column} IS NOT NULL"
        low = f"{column} > {ends[0]}" if part else ""
        high = f"{column} <= {ends[1]}" if part < len(self.values) - 1 else ""
        return " AND ".join(filter(None, (low, high)))

    def _constant(self, place: int, table: Table, width: int) -> str:
        """Write a value as SQL does: what stands after the column and the sign of equality."""
        sql = Predicate.parse({self.column.name: self.values[max(place, 0)]}, table).sql
        return sql[width + len(" = ") :]

    def words(self, part: int) -> str:
        """Return the name of a part; values of a sensitive column are numbered."""
        if part == len(self.values):
            return "missing"
        if self.column.sensitive:
            return f"part {part + 1}"
        if not self.banded:
            return str(self.values.cast(pl.String)[part])
        if len(self.values) == 1:
            return "any value"
        if part == 0:
            return f"up to {self.values[0]}"
        low, high = self.values[part - 1], self.values[part]
        return f"over {low}" if part == len(self.values) - 1 else f"over {low} to {high}"


@dataclass(frozen=True)
class Crossing:
    """Cells of several columns at once: those that rows were seen in.

    Parameters
    ----------
    parts : tuple of Parts
        One per column.
    cells : array, shape (cells, columns)
        The part of each column.
    """

    parts: tuple[Parts, ...]
    cells: Array

    def __len__(self) -> int:
        return len(self.cells)

    @classmethod
    def cut(cls, columns: Sequence[Column], frame: pl.DataFrame) -> Crossing:
        """Divide by columns; without any there is one cell of all rows."""
        parts = tuple(Parts.cut(column, frame[column.name]) for column in columns)
        if not parts:
            return cls((), np.zeros((1, 0), dtype=np.int64))
        codes = np.column_stack([part.codes(frame[part.column.name]) for part in parts])
        return cls(parts, np.unique(codes, axis=0))

    def codes(self, frame: pl.DataFrame) -> Array:
        """Return the cell of each row; -1 for one that was not seen."""
        if not self.parts:
            return np.zeros(len(frame), dtype=np.int64)
        sizes = [len(part) + 1 for part in self.parts]
        whole, keys = np.zeros(len(frame), dtype=np.int64), np.zeros(len(self), dtype=np.int64)
        for place, (part, size) in enumerate(zip(self.parts, sizes, strict=True)):
            whole = whole * size + part.codes(frame[part.column.name]) + 1
            keys = keys * size + self.cells[:, place] + 1
        # keys ascend, since the cells are in order
        found = np.minimum(np.searchsorted(keys, whole), len(keys) - 1)
        return np.where(keys[found] == whole, found, -1)

    def sql(self, cell: int, table: Table) -> str:
        """Return the condition of a cell; empty where every row is in it."""
        return " AND ".join(
            part.sql(int(code), table) for part, code in zip(self.parts, self.cells[cell], strict=True)
        )

    def words(self, cell: int) -> str:
        """Return the name of a cell."""
        return ", ".join(
            part.words(int(code)) for part, code in zip(self.parts, self.cells[cell], strict=True)
        )

    def values(self, cell: int) -> dict[str, Any]:
        """Return the level of each column in a cell."""
        found: dict[str, Any] = {}
        for part, code in zip(self.parts, self.cells[cell], strict=True):
            found[part.column.name] = None if code == len(part.values) else part.values[int(code)]
        return found
