"""Violations in tables that are put in order before they are learnt from, told by the rows as they were given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import polars as pl

from simulacra.errors import SchemaViolation
from simulacra.schema.types import Schema
from simulacra.schema.validation import validate_column, violated


@contextmanager
def rows_as_given(schema: Schema, frames: Mapping[str, pl.DataFrame]) -> Iterator[None]:
    """Tell a violation that is found in rows that were put in order by the rows as they were given.

    Parameters
    ----------
    schema : Schema
        All tables.
    frames : mapping of str to DataFrame
        Canonical values of each of them, in their own order.

    Raises
    ------
    SchemaViolation
        The one that was raised, with the numbers of the rows as they were given.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> table = Table("t", (Column("a", "number", bounds=(0, 9)),))
    >>> frames = {"t": pl.DataFrame({"a": [10.0, 1.0]})}
    >>> with rows_as_given(Schema((table,)), frames):  # doctest: +ELLIPSIS
    ...     raise violated(validate_column(frames["t"]["a"].sort(), table["a"], table))
    Traceback (most recent call last):
        ...
    simulacra.errors.SchemaViolation: table 't', column 'a': 1 of 2 rows breaks "between 0 and 9" (first: row 1)...
    """
    try:
        yield
    except SchemaViolation as error:
        found = [
            violation
            for table in schema.tables
            if f"table {table.name!r}" in str(error)
            for column in table.columns
            if repr(column.name) in str(error)
            for violation in validate_column(frames[table.name][column.name], column, table)
        ]
        if not found:
            raise
        raise violated(found) from None
