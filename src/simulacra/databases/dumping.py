"""Tables as SQL text that a database's own client loads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import polars as pl

from simulacra.databases.described import Described
from simulacra.databases.planning import create_table, plan_tables, write_reference
from simulacra.databases.rendering import quote_name, quote_names, quote_text, write_literals
from simulacra.databases.rules import tell_unsaid, write_checks
from simulacra.databases.urls import DIALECTS, SCHEMES
from simulacra.databases.values import array_literals, write_values
from simulacra.errors import unknown
from simulacra.frames import Layout
from simulacra.schema.breaches import find_broken
from simulacra.schema.constraints import Check, Implies
from simulacra.schema.crossing import crosses
from simulacra.schema.types import Schema, Table
from simulacra.schema.validation import validate_column
from simulacra.storage import atomic_path

_BLOCK = 65_536
_ROWS = {"postgresql": 500, "mysql": 500, "duckdb": 2_000, "sqlite": 500}
"""Rows of one INSERT."""

_BEFORE = {
    "sqlite": "PRAGMA foreign_keys = OFF;\nPRAGMA ignore_check_constraints = ON;\nBEGIN;\n",
    "postgresql": "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET timezone = 'UTC';\n"
    "SET client_min_messages = warning;\nBEGIN;\n",
    "mysql": "SET NAMES utf8mb4;\nSET time_zone = '+00:00';\nSET foreign_key_checks = 0;\n"
    "SET sql_mode = concat(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO');\n/*M! SET check_constraint_checks = 0 */;\n",
    "duckdb": "SET TimeZone = 'UTC';\nBEGIN TRANSACTION;\n",
}
_AFTER = {
    "sqlite": "COMMIT;\nPRAGMA ignore_check_constraints = OFF;\n",
    "postgresql": "COMMIT;\n",
    "mysql": "/*M! SET check_constraint_checks = 1 */;\nSET foreign_key_checks = 1;\n",
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
    orphans do not stop the load. Checks that rows break are left out. What a system can not hold stands in comments at
    the head of the file.

    Examples
    --------
    >>> import tempfile
    >>> from simulacra.schema.types import Column, Table
    >>> shop = Schema((Table("items", (Column("name", "text"),)),))
    >>> path = write_dump({"items": pl.DataFrame({"name": ["it's"]})}, shop, tempfile.mkdtemp() + "/shop.sql")
    >>> print(path.read_text().splitlines()[-3])
    INSERT INTO "items" ("name") VALUES ('it''s');
    """
    layouts = layouts or {}
    found = [layout.dialect for layout in layouts.values() if layout.dialect]
    given = dialect or (found[0] if found else "sqlite")
    if given.lower() not in SCHEMES:
        raise unknown("dialect", given, DIALECTS)
    system, target = SCHEMES[given.lower()], Path(path)
    notes: list[str] = []
    held = replace(schema, tables=tuple(_kept(table, frames[table.name], notes) for table in schema.tables))
    plan, unsaid = plan_tables(held, layouts, system)
    notes += unsaid
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
        if dialect == "postgresql":
            shown = replace(shown, checks=())
        file.write(create_table(shown, dialect, references=references) + ";\n")
        for statement in _inserts(table, frames[table.name], schema, dialect):
            file.write(statement)
    if dialect == "postgresql":
        for table in plan:
            file.writelines(_count_on(table))
            end = "" if isinstance(frames[table.name], pl.DataFrame) else " NOT VALID"
            place = quote_name(table.name, dialect)
            file.writelines(
                f"ALTER TABLE {place} ADD {check}{end};\n" for check in write_checks(table.checks)
            )
    if late:
        for table in plan:
            for reference in table.references:
                end = " NOT VALID" if dialect == "postgresql" else ""
                added = write_reference(reference, dialect) + end
                file.write(f"ALTER TABLE {quote_name(table.name, dialect)} ADD {added};\n")


def _kept(table: Table, rows: pl.DataFrame | Iterable[pl.DataFrame], notes: list[str]) -> Table:
    """Leave out checks that rows break, where all rows are at hand."""
    if not isinstance(rows, pl.DataFrame):
        return table
    kept = []
    for rule in table.constraints:
        broken = False
        if isinstance(rule, (Check, Implies)) and not crosses(rule, table):
            broken = bool(find_broken(rule, rows, table).any())
        if broken:
            notes.append(tell_unsaid(table.name, str(rule), "some rows break it"))
        else:
            kept.append(rule)
    table = replace(table, constraints=tuple(kept))
    for column in table.columns:
        if column.declared and validate_column(rows[column.name], column, table):
            notes.append(
                tell_unsaid(table.name, f"of the bounds or levels of {column.name!r}", "some rows break it")
            )
            table = table.with_column(column.name, declared=False)
    return table


def _count_on(table: Described) -> Iterator[str]:
    """Let PostgreSQL count on from the rows that are there."""
    for field in table.fields:
        if field.counted:
            name, place = quote_name(field.name, "postgresql"), quote_name(table.name, "postgresql")
            words = f"{quote_text(place, 'postgresql')}, {quote_text(field.name, 'postgresql')}"
            last = f"(SELECT max({name}) FROM {place})"
            yield f"SELECT setval(pg_get_serial_sequence({words}), {last}) WHERE {last} > 0;\n"


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
