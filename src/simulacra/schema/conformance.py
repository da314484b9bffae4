"""Bring data to the one form that all code inside uses: one type per kind of column, missing as null."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Literal

import polars as pl

from simulacra.errors import SchemaViolation
from simulacra.schema._convert import READERS, Converted
from simulacra.schema.types import Column, Table

_READ_AS = {
    "number": "a number",
    "category": "a category",
    "boolean": "true or false",
    "date": "a date",
    "datetime": "a date and time",
    "time": "a time of day",
    "duration": "a duration",
    "text": "text",
    "key": "a key",
}


def canonical_type(column: Column) -> pl.DataType:
    """Return the Polars type that holds the canonical values of a column.

    Examples
    --------
    >>> canonical_type(Column("age", "number", integer=True))
    Int64
    """
    whole = pl.Int64() if column.integer else None
    types: dict[str, pl.DataType] = {
        "number": whole or pl.Float64(),
        "category": pl.String(),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "datetime": pl.Datetime("us", column.timezone),
        "time": pl.Time(),
        "duration": pl.Duration("us"),
        "text": pl.String(),
        "key": whole or pl.String(),
    }
    return types[column.kind]


def empty_frame(table: Table) -> pl.DataFrame:
    """Make a frame of no rows with the canonical types of a table.

    Examples
    --------
    >>> empty_frame(Table("t", (Column("age", "number"),))).dtypes
    [Float64]
    """
    return pl.DataFrame(schema={column.name: canonical_type(column) for column in table.columns})


def conform(
    frame: pl.DataFrame,
    table: Table,
    *,
    extra: Literal["error", "drop"] = "error",
    unreadable: Literal["error", "null"] = "error",
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Turn typed or text columns into canonical values, in the order of the schema.

    Parameters
    ----------
    frame : DataFrame
        Columns as a file or another library gave them.
    table : Table
        What the columns are.
    extra : str
        What to do with columns that the schema does not have: ``"error"`` or ``"drop"``.
    unreadable : str
        What to do with values that can not be read as their kind: ``"error"``, or ``"null"`` to count them as
        missing and say so in a note.

    Returns
    -------
    frame : DataFrame
        One column per column of the table; see `canonical_type`.
    notes : tuple of str
        What was changed in a way that a person may want to know.

    Raises
    ------
    SchemaViolation
        A column is missing or unknown, or values can not be read. The message names columns, counts and rows
        (the first data row is row 1), never values.

    Notes
    -----
    **Cost**: linear in rows; text is parsed once per different value.

    Values are read, not judged: a number out of bounds or an unknown level passes here; see
    `simulacra.schema.validation`.

    Examples
    --------
    >>> table = Table("t", (Column("age", "number", integer=True), Column("zip", "category")))
    >>> conform(pl.DataFrame({"zip": [10001, 94105], "age": ["41", "NA"]}), table)[0].rows()
    [(41, '10001'), (None, '94105')]
    """
    check_names(frame.columns, table, extra)
    columns: list[pl.Series] = []
    problems: list[str] = []
    notes: list[str] = []
    for column in table.columns:
        values, told, problem = conform_column(frame[column.name], column, table.name)
        notes += told
        if problem and unreadable == "error":
            problems.append(problem)
        elif problem:
            notes.append(f"{problem}; they count as missing")
        columns.append(values)
    if problems:
        raise unreadable_values(problems)
    if extra == "drop":
        dropped = [name for name in frame.columns if name not in set(table.names)]
        if dropped:
            notes.append(f"table {table.name!r}: not in the schema, so left out: {_quote(dropped)}")
    return pl.DataFrame(columns) if columns else frame.select([]), tuple(notes)


def conform_column(values: pl.Series, column: Column, table: str) -> tuple[pl.Series, list[str], str]:
    """Turn one column into canonical values.

    Parameters
    ----------
    values : Series
        As a file or another library gave them.
    column : Column
        What they are.
    table : str
        Name of the table, for messages.

    Returns
    -------
    values : Series
        Canonical values; null where one can not be read.
    notes : list of str
        What was changed in a way that a person may want to know.
    problem : str
        What can not be read, without a full stop; empty if all can.

    Examples
    --------
    >>> values, notes, problem = conform_column(pl.Series(["4", "x"]), Column("age", "number"), "t")
    >>> values.to_list(), problem
    ([4.0, None], "table 't', column 'age': 1 of 2 rows can not be read as a number (first: row 2)")
    """
    result = READERS[column.kind](values, column)
    notes = [f"table {table!r}, column {column.name!r}: {note}" for note in result.notes]
    problem = _describe(result, column, table, len(values)) if result.bad.any() else ""
    return result.values.alias(column.name).cast(canonical_type(column)), notes, problem


def unreadable_values(problems: Sequence[str]) -> SchemaViolation:
    """Make the error for columns with values that can not be read.

    Parameters
    ----------
    problems : sequence of str
        What `conform_column` said of each, at least one.

    Returns
    -------
    SchemaViolation
        The error, not raised.

    Examples
    --------
    >>> print(unreadable_values(["column 'age': 1 of 2 rows can not be read"]))  # doctest: +ELLIPSIS
    column 'age': 1 of 2 rows can not be read. Correct them, change the schema, ...
    """
    more = f" {len(problems) - 3} more columns have such values." if len(problems) > 3 else ""
    advice = "Correct them, change the schema, or count them as missing: sim.read(..., unreadable='null')."
    return SchemaViolation(f"{'; '.join(problems[:3])}.{more} {advice}")


def check_names(names: Sequence[str], table: Table, extra: str = "error") -> None:
    """Raise an error if columns are not those of the schema.

    Parameters
    ----------
    names : sequence of str
        The columns at hand.
    table : Table
        The schema.
    extra : str
        What to do with columns that the schema does not have: ``"error"`` or ``"drop"``.

    Raises
    ------
    SchemaViolation
        A column is missing or unknown, with the name that it may have now.

    Examples
    --------
    >>> check_names(["age"], Table("t", (Column("age", "number"),)))
    """
    lacking = [name for name in table.names if name not in set(names)]
    unknown = [name for name in names if name not in set(table.names)]
    if lacking:
        near = {name: difflib.get_close_matches(name, unknown, n=1, cutoff=0.7) for name in lacking}
        hints = [f"{found[0]!r} may be {name!r}" for name, found in near.items() if found]
        hint = f" ({', '.join(hints[:3])})" if hints else ""
        word = "columns" if len(lacking) > 1 else "column"
        raise SchemaViolation(
            f"table {table.name!r} lacks the {word} {_quote(lacking)}{hint}. "
            f"Add {'them' if len(lacking) > 1 else 'it'}, or take {'them' if len(lacking) > 1 else 'it'} "
            "out of the schema."
        )
    if unknown and extra == "error":
        word = "columns" if len(unknown) > 1 else "column"
        raise SchemaViolation(
            f"table {table.name!r} has the {word} {_quote(unknown)}, which the schema does not know. "
            "Add them to the schema, or drop them: sim.read(..., extra='drop')."
        )


def _quote(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:8]) + (
        f" and {len(names) - 8} more" if len(names) > 8 else ""
    )


def _describe(result: Converted, column: Column, table: str, rows: int) -> str:
    bad = result.bad.fill_null(False)
    first = [str(row + 1) for row in bad.arg_true().head(3).to_list()]
    what = "a whole number" if column.integer else _READ_AS[column.kind]
    word = "row" if len(first) == 1 else "rows"
    return (
        f"table {table!r}, column {column.name!r}: {int(bad.sum()):,} of {rows:,} rows can not be read "
        f"as {what} (first: {word} {', '.join(first)})"
    )
