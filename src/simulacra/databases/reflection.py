"""What a database declares of its tables, as a schema that its values refine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl
import sqlglot
from sqlglot.errors import SqlglotError

from simulacra.databases.connection import connect
from simulacra.databases.described import Described, Field
from simulacra.databases.refusals import rewording
from simulacra.databases.sqltypes import INTEGERS
from simulacra.databases.urls import Location, parse_url
from simulacra.errors import DataError, unknown
from simulacra.schema._link_shape import apply_shape, judge_shape
from simulacra.schema._linking import relate_tables
from simulacra.schema._patterns import UUID
from simulacra.schema.conformance import conform
from simulacra.schema.importers._ddl_checks import add_check
from simulacra.schema.importers.assembly import assemble
from simulacra.schema.importers.drafts import ColumnDraft, Draft, LinkDraft, TableDraft
from simulacra.schema.inference import infer_table
from simulacra.schema.integrity import check_references
from simulacra.schema.types import Column, Schema, Table

_DIALECTS = {"postgresql": "postgres"}
_COMMON_LENGTH = 255
"""Lengths from here on are what people write for any text, and say nothing of the values."""
_FEW_KINDS = 50


def reflect(url: str, *, tables: Sequence[str] | None = None) -> Schema:
    """Read the schema that a database declares, without its rows.

    Parameters
    ----------
    url : str
        A database; see `simulacra.databases.urls.parse_url`.
    tables : sequence of str or None
        Which tables; all when None.

    Returns
    -------
    Schema
        Tables with columns, keys, references and constraints; views are left out. What could not be carried stands in
        its notes.

    Raises
    ------
    FileError
        The database can not be reached.
    UnknownName
        There is no table of a name.

    Examples
    --------
    >>> import sqlite3, tempfile
    >>> path = tempfile.mkdtemp() + "/shop.db"
    >>> shop = sqlite3.connect(path)
    >>> _ = shop.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, price DECIMAL(8,2))")
    >>> shop.close()
    >>> reflect(path).table()["price"].decimals
    2
    """
    location = parse_url(url)
    with rewording(location, "read"), connect(location) as database:
        there = choose_tables(database.names(), tables, location, database.elsewhere())
        found = [database.describe(name) for name in there]
    return declare(found, location)


def choose_tables(
    there: Sequence[str], wanted: Sequence[str] | None, location: Location, elsewhere: Sequence[str] = ()
) -> list[str]:
    """Check which tables are asked for.

    Raises
    ------
    DataError
        The database has no table.
    UnknownName
        It has none of a name.

    Examples
    --------
    >>> choose_tables(["a", "b"], ["b"], Location("sqlite", "shop.db"))
    ['b']
    """
    if not there and elsewhere:
        raise DataError(
            f"{location} has no tables in this namespace, but in {', '.join(map(repr, elsewhere))}. Say which to read "
            f"with ?schema={','.join(elsewhere)} behind the URL."
        )
    if not there:
        raise DataError(f"{location} has no tables. Check the name of the database.")
    for name in wanted or ():
        if name not in there:
            raise unknown("table", name, there)
    return list(dict.fromkeys(there if wanted is None else wanted))


def declare(
    found: Sequence[Described], location: Location, raw: Mapping[str, pl.DataFrame] | None = None
) -> Schema:
    """Make a schema of what a database declares; its values, if there are any, fill in the rest.

    Parameters
    ----------
    found : sequence of Described
        The tables.
    location : Location
        The database.
    raw : mapping of str to DataFrame or None
        Their values. Bounds, levels and the like come from them; kinds, decimals, keys and references only where the
        database does not declare them.

    Examples
    --------
    >>> from simulacra.databases.sqltypes import SqlType
    >>> table = Described("t", (Field("n", "int", SqlType("integer")),), ("n",))
    >>> declare([table], Location("sqlite", "a.db")).table()["n"].kind
    'key'
    """
    seen = None
    if raw is not None:
        guessed = [infer_table(raw[t.name], t.name, texts=_declared_texts(t)) for t in found]
        seen = Schema(
            tuple(_agreed(table, described) for (table, _), described in zip(guessed, found, strict=True)),
            {table.name: reasons for table, reasons in guessed},
        )
    draft = Draft(str(location))
    read = {described.name for described in found}
    for described in found:
        table = _draft(described, None if seen is None else seen.table(described.name))
        draft.notes += described.notes
        gone = [link for link in table.links if link.table not in read]
        if gone:
            draft.notes.append(_tell_unread(table, gone))
            table.links = [link for link in table.links if link.table in read]
        draft.tables.append(table)
    for described in found:
        _add_checks(draft, described, location)
    schema = assemble(draft, seen)
    if raw is None or len(found) == 1:
        return schema
    if not any(table.references for table in schema.tables):
        return relate_tables(raw, schema)
    return _with_roles(schema, raw)


def _tell_unread(draft: TableDraft, gone: Sequence[LinkDraft]) -> str:
    others = ", ".join(repr(name) for name in dict.fromkeys(link.table for link in gone))
    columns = ", ".join(repr(name) for name in dict.fromkeys(name for link in gone for name in link.columns))
    return (
        f"table {draft.name!r}: references to {others}, not read, are left out: which rows belong together by "
        f"{columns} is not kept, and protection counts these rows one by one. Read them too (tables=, --tables) to "
        "keep both."
    )


def _with_roles(schema: Schema, raw: Mapping[str, pl.DataFrame]) -> Schema:
    """Judge what each table is, and by what its rows are in order, of the references that the database declares."""
    frames = {t.name: conform(raw[t.name], t, unreadable="null")[0] for t in schema.tables}
    facts = check_references(frames, schema)
    shaped = [
        apply_shape(table, judge_shape(frames[table.name], table, facts)) if facts else table
        for table in schema.tables
    ]
    return replace(schema, tables=tuple(shaped))


def _declared_texts(table: Described) -> set[str]:
    """List the columns that are declared as text; none where all are plain text, since a program made such a table."""
    plain = [f.type.family in {"text", "varchar"} and not f.type.length for f in table.fields]
    if all(plain):
        return set()
    return {f.name for f in table.fields if f.type.family in {"char", "varchar", "text"}}


def _agreed(table: Table, described: Described) -> Table:
    """Make what the data show agree with the decimals that the database declares, so that bounds are taken over."""
    columns = []
    for column, field in zip(table.columns, described.fields, strict=True):
        if column.kind == "number" and column.integer and field.type.family == "numeric" and field.type.scale:
            column = replace(column, integer=False, decimals=field.type.scale, step=column.step or 1.0)
        columns.append(column)
    return replace(table, columns=tuple(columns), key=())


def _draft(described: Described, seen: Table | None) -> TableDraft:
    linked = {*described.key, *(name for reference in described.references for name in reference.columns)}
    columns = [
        _draft_column(f, None if seen is None else seen[f.name], f.name in linked) for f in described.fields
    ]
    links = [LinkDraft(r.columns, r.table, r.to) for r in described.references]
    return TableDraft(described.name, columns, described.key, list(described.uniques), links)


def _draft_column(field: Field, seen: Column | None, linked: bool) -> ColumnDraft:
    type, draft = field.type, ColumnDraft(field.name, nullable=field.nullable, default=field.default)
    family = type.family
    if family in INTEGERS or (family == "numeric" and type.scale == 0 and (type.length or 0) <= 18):
        # codes and telephone numbers stand in whole numbers too, which only the values tell
        coded = seen is not None and seen.kind in {"category", "text"} and not linked
        draft.kind = None if coded else "number"
        draft.integer = True if draft.kind else None
    elif family in {"numeric", "real", "double"}:
        draft.kind, draft.decimals = "number", type.scale if family == "numeric" else None
        draft.integer = False if type.scale else None
    elif family in {"boolean", "date", "time"}:
        draft.kind = family  # type: ignore[assignment]
    elif family in {"timestamp", "timestamptz"}:
        draft.kind, draft.timezone = "datetime", "UTC" if family == "timestamptz" else None
    elif family == "interval":
        draft.kind = "duration"
    elif family == "enum":
        draft.kind, draft.levels = "category", type.levels
    elif family in {"json", "array", "bytes", "bit"}:
        draft.kind = "category" if seen is not None and seen.kind == "category" else "text"
    elif family == "uuid":
        # names of rows are given out as levels only where they are as few as kinds are
        few = seen is not None and seen.levels is not None and len(seen.levels) < _FEW_KINDS
        draft.kind, draft.pattern = "string" if few or not linked else "text", UUID
    else:
        # dates that stand in a text are found by the values, but names of rows stay text
        draft.kind = None if seen is not None and not linked else "string"
        if family in {"char", "varchar"} and type.length and type.length < _COMMON_LENGTH:
            draft.lengths = (None, type.length)
    return draft


def _add_checks(draft: Draft, described: Described, location: Location) -> None:
    table = draft.table(described.name)
    assert table is not None
    for check in described.checks:
        try:
            node = sqlglot.parse_one(check, dialect=_DIALECTS.get(location.dialect, location.dialect))
        except (SqlglotError, RecursionError):
            draft.notes.append(f"table {described.name!r}: the check {check!r} can not be read: left out.")
            continue
        add_check(table, node, None)
