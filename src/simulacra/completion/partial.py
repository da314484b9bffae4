"""Partial rows of a model's table, read as the model reads them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from simulacra.dataset import Dataset, dataset
from simulacra.errors import DataError, UnknownName
from simulacra.frames import is_frame
from simulacra.schema.types import Schema, Table

_ALIKE = 0.8
"""How alike two names must be to be taken for one misspelt."""


def open_partial(table: Table, data: Any) -> Dataset:
    """Read partial rows: columns of a model's table as the model reads them, others as they are guessed.

    Parameters
    ----------
    table : Table
        The model's.
    data : path, frame, Dataset or mapping
        The rows; a mapping of columns to values is a frame, in which a single value stands in every row.

    Returns
    -------
    Dataset
        The rows; columns that the model does not have are a note.

    Raises
    ------
    DataError
        They can not be read.
    UnknownName
        A column is named nearly as one of the model's that the rows lack.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("age", "number"), Column("sex", "category")))
    >>> open_partial(table, {"age": [25, 70], "sex": "Female"}).polars().rows()
    [(25.0, 'Female'), (70.0, 'Female')]
    """
    if isinstance(data, Mapping) and not any(map(is_frame, data.values())):
        data = _rows_of(data)
    loose = dataset(data)
    notes = find_strangers(loose.schema.table().names, table)
    found = dataset(data, schema=agree(loose.schema, table))
    return replace(found, notes=(*found.notes, *notes))


def agree(schema: Schema, table: Table) -> Schema:
    """Say of data's columns what a model's table says, where it has them."""
    own = schema.table()
    known = set(table.names)
    columns = tuple(table[column.name] if column.name in known else column for column in own.columns)
    return Schema((Table(own.name, columns),))


def _rows_of(cells: Mapping[str, Any]) -> pl.DataFrame:
    """Make rows of values by column."""
    several = {
        name: list(values)
        for name, values in cells.items()
        if isinstance(values, Iterable) and not isinstance(values, (str, bytes, Mapping))
    }
    lengths = {name: len(values) for name, values in several.items()}
    rows = next(iter(lengths.values()), 1 if cells else 0)
    columns = []
    for name, values in cells.items():
        if lengths.get(name, rows) != rows:
            raise DataError(
                f"given column {name!r} has {lengths[name]:,} values, and the first one {rows:,}. Give each as many, "
                "or one value that stands in every row."
            )
        try:
            columns.append(pl.Series(name, several.get(name, [values] * rows)))
        except (TypeError, pl.exceptions.PolarsError) as error:
            raise DataError(
                f"given column {name!r} has values of several kinds. Give numbers, texts or dates alone."
            ) from error
    return pl.DataFrame(columns)


def find_strangers(names: Sequence[str], table: Table) -> list[str]:
    """Say which columns of partial rows a model does not have.

    Parameters
    ----------
    names : sequence of str
        The columns of the rows.
    table : Table
        The model's.

    Returns
    -------
    list of str
        One sentence, or none.

    Raises
    ------
    UnknownName
        A column that the model does not have is named nearly as one that the rows lack.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> find_strangers(["age", "shoe"], Table("t", (Column("age", "number"), Column("sex", "category"))))
    ["column 'shoe' is none of the model's: it stays as it is, and tells nothing of its rows."]
    """
    strange = [name for name in names if name not in table.names]
    lacking = [name for name in table.names if name not in names]
    for name in strange:
        near = nearest(name, lacking)
        if near is not None:
            raise UnknownName(
                f"no column of the model is named {name!r}; did you mean {near!r}, which the rows lack? Rename it, or "
                "leave it out."
            )
    if not strange:
        return []
    many = len(strange) > 1
    listed = ", ".join(map(repr, strange))
    return [
        f"columns {listed} are none of the model's: they stay as they are, and tell nothing of their rows."
        if many
        else f"column {listed} is none of the model's: it stays as it is, and tells nothing of its rows."
    ]


def nearest(name: str, known: Iterable[str], alike: float = _ALIKE) -> str | None:
    """Return the name that another is likely to stand for, or None.

    Examples
    --------
    >>> nearest("female", ["Female", "Male"]), nearest("shoe", ["sex"])
    ('Female', None)
    """
    plain = {_plain(other): other for other in known}
    found = difflib.get_close_matches(_plain(name), list(plain), n=1, cutoff=alike)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum()) or name
