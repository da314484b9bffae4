"""Tables as SQL text that a database's own client loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TextIO

import polars as pl

from simulacra.databases.described import Described
from simulacra.databases.planning import create_table, plan_tables, write_reference
from simulacra.databases.rendering import quote_name, quote_names, quote_text, write_literals
from simulacra.databases.urls import DIALECTS, SCHEMES
from simulacra.databases.values import array_literals, write_values
from simulacra.errors import unknown
from simulacra.frames import Layout
from simulacra.schema.types import Schema
from simulacra.storage import atomic_path

_BLOCK = 65_536
_ROWS = {"postgresql": 500, "mysql": 500, "duckdb": 2_000, "sqlite": 500}
"""Rows of one INSERT."""

_BEFORE = {
    "sqlite": "PRAGMA foreign_keys = OFF;\nBEGIN;\n",
    "postgresql": "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET timezone = 'UTC';\n"
    "SET client_min_messages = warning;\nBEGIN;\n",
    "mysql": "SET NAMES utf8mb4;\nSET time_zone = '+00:00';\nSET foreign_key_checks = 0;\n",
    "duckdb": "SET TimeZone = 'UTC';\nBEGIN TRANSACTION;\n",
}
_AFTER = {
    "sqlite": "COMMIT;\n",
    "postgresql": "COMMIT;\n",
    "mysql": "SET foreign_key_checks = 1;\n",
    "duckdb": "COMMIT;\n",
}

Frames = Mapping[str, pl.DataFrame | Iterable[pl.DataFrame]]


def write_dump(
    frames: Frames,
    schema: Schema,
    path: str | Path,
    *,
    layouts: Mapping[str, Layout] | None = None,
    dialect: str | None = None,
) -> Path:
    """Write tables as SQL text: statements that make them, and that put in their rows.

    Parameters
    ----------
    frames : mapping of str to DataFrame or iterable of DataFrame
        Canonical values of each table; of several frames one is held at a time.
    schema : Schema
        Their contract.
    path : str or Path
        The file. It is written beside and renamed.
    layouts : mapping of str to Layout or None
        The types of the database that they come from.
    dialect : str or None
        For which system: ``sqlite``, ``postgresql``, ``mysql`` or ``duckdb``; the one that the tables come from, or
        SQLite, when None.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UnknownName
        There is no such dialect.
    FileError
        The file can not be written; an older one is kept.

    Notes
    -----
    In PostgreSQL references are added at the end without a check of the rows that are there (NOT VALID), so that
    orphans do not stop the load. What a system can not hold stands in comments at the head of the file.

    Examples
    --------
    >>> import tempfile
    >>> from simulacra.schema.types import Column, Table
    >>> shop = Schema((Table("items", (Column("name", "text"),)),))
    >>> path = write_dump({"items": pl.DataFrame({"name": ["it's"]})}, shop, tempfile.mkdtemp() + "/shop.sql")
    >>> print(path.read_text().splitlines()[-2])
    INSERT INTO "items" ("name") VALUES ('it''s');
    """
    layouts = layouts or {}
    found = [layout.dialect for layout in layouts.values() if layout.dialect]
    given = dialect or (found[0] if found else "sqlite")
    if given.lower() not in SCHEMES:
        raise unknown("dialect", given, DIALECTS)
    system, target = SCHEMES[given.lower()], Path(path)
    plan, notes = plan_tables(schema, layouts, system)
    with atomic_path(target) as beside, beside.open("w", encoding="utf-8", newline="\n") as file:
        for note in notes:
            file.write("-- " + note.replace("\n", " ") + "\n")
        file.write(_BEFORE[system])
        _write_tables(file, plan, frames, schema, system)
        file.write(_AFTER[system])
    return target


def _write_tables(file: TextIO, plan: list[Described], frames: Frames, schema: Schema, dialect: str) -> None:
    late = dialect in {"postgresql", "mysql"}
    made: set[str] = set()
    for table in plan:
        for field in table.fields:
            if dialect == "postgresql" and field.type.family == "enum" and field.type.name not in made:
                made.add(field.type.name)
                labels = ", ".join(quote_text(level, dialect) for level in field.type.levels)
                file.write(f"CREATE TYPE {quote_name(field.type.name, dialect)} AS ENUM ({labels});\n")
    for table in plan:
        shown = _with_enums(table, dialect)
        # DuckDB checks every row at once, which orphans and rows of one table that refer to each other do not stand
        references = dialect == "sqlite"
        file.write(create_table(shown, dialect, references=references) + ";\n")
        for statement in _inserts(table, frames[table.name], schema, dialect):
            file.write(statement)
    if late:
        for table in plan:
            for reference in table.references:
                end = " NOT VALID" if dialect == "postgresql" else ""
                added = write_reference(reference, dialect) + end
                file.write(f"ALTER TABLE {quote_name(table.name, dialect)} ADD {added};\n")


def _with_enums(table: Described, dialect: str) -> Described:
    """Write the names of enums, which PostgreSQL makes before its tables."""
    if dialect != "postgresql":
        return table
    fields = tuple(
        field.renamed(quote_name(field.type.name, dialect)) if field.type.family == "enum" else field
        for field in table.fields
    )
    return table.with_fields(fields)


def _inserts(
    table: Described, frames: pl.DataFrame | Iterable[pl.DataFrame], schema: Schema, dialect: str
) -> Iterator[str]:
    columns = schema.table(table.name)
    head = f"INSERT INTO {quote_name(table.name, dialect)} ({quote_names(table.names, dialect)}) VALUES "
    for frame in [frames] if isinstance(frames, pl.DataFrame) else frames:
        for block in frame.iter_slices(_BLOCK):
            literals = []
            for field in table.fields:
                values = write_values(block[field.name], columns[field.name], field.type, dialect)
                if dialect == "postgresql" and field.type.family == "array":
                    values = array_literals(values)
                literals.append(write_literals(values.alias(field.name), field.type, dialect))
            texts = pl.DataFrame(literals).select("(" + pl.concat_str(pl.all(), separator=", ") + ")")
            rows = texts.to_series()
            for start in range(0, len(rows), _ROWS[dialect]):
                yield head + ",\n".join(rows[start : start + _ROWS[dialect]]) + ";\n"
