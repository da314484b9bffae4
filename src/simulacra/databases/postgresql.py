"""PostgreSQL: rows by COPY in both directions, everything else in one transaction."""

from __future__ import annotations

import io
import os
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from pg8000.dbapi import Connection as Driver
from pg8000.dbapi import DatabaseError, InterfaceError

from simulacra.databases._inspection import Inspection
from simulacra.databases.connection import (
    CHUNK,
    Connection,
    Rows,
    Take,
    list_references,
    tell_always,
    tell_computed,
    tell_default,
    tell_orphans,
)
from simulacra.databases.described import Described, Field
from simulacra.databases.planning import create_table, list_keys, write_reference
from simulacra.databases.refusals import rewording
from simulacra.databases.rendering import quote_name, quote_text
from simulacra.databases.rules import tell_unsaid
from simulacra.databases.sqltypes import SqlType
from simulacra.databases.urls import Location
from simulacra.databases.values import array_literals
from simulacra.errors import OptionError
from simulacra.schema.importers._defaults import parse_default

_SOCKETS = ("/var/run/postgresql", "/tmp")
_COLUMNS = """
SELECT a.attname, format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid),
       CASE WHEN t.typbasetype <> 0 THEN t.typtypmod ELSE a.atttypmod END), NOT a.attnotnull, t.typname,
       (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
       coalesce(pg_get_expr(d.adbin, d.adrelid), t.typdefault), a.attidentity::text, a.attgenerated <> ''
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = {table}::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_NAMES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')
AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 1, 2
"""


class PostgreSQL(Connection):
    """A connection to PostgreSQL."""

    dialect = "postgresql"

    def __init__(self, location: Location, *, writing: bool = False) -> None:
        super().__init__(location, writing=writing)
        self._driver = _open(location)
        self._inspections: dict[str, Inspection] = {}
        self._qualified: dict[str, tuple[str, str]] = {}
        chosen = [name.strip() for name in location.options.get("schema", "").split(",")]
        self._namespaces = tuple(dict.fromkeys(name for name in chosen if name))
        for setting in (
            "timezone = 'UTC'", "datestyle = 'ISO'", "bytea_output = 'hex'", "synchronize_seqscans = off",
            "client_min_messages = error",
            *([f"search_path = {self.quoted(*self._namespaces)}"] if self._namespaces else []),
        ):  # fmt: skip
            self.run(f"SET {setting}")

    def begin(self) -> None:
        """Begin a transaction; one that reads sees the database as it is now, whatever others write."""
        self.run("BEGIN" if self.writing else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def names(self) -> list[str]:
        """List the tables, partitioned ones once; of several namespaces with these before their names."""
        wanted = self._namespaces or (str(self.ask("SELECT current_schema()")[0][0]),)
        there = [(space, name) for space, name in self.ask(_NAMES) if space in wanted]
        if len(wanted) == 1:
            return [name for _, name in there]
        self._qualified = {f"{space}.{name}": (space, name) for space, name in there}
        return list(self._qualified)

    def elsewhere(self) -> list[str]:
        """List the namespaces with tables that are not read."""
        wanted = self._namespaces or (str(self.ask("SELECT current_schema()")[0][0]),)
        return sorted({space for space, _ in self.ask(_NAMES)} - set(wanted))

    def quoted(self, *names: str) -> str:
        """Quote names, with commas between; tables of several namespaces stand behind a point."""
        known = self._qualified
        return ", ".join(
            ".".join(quote_name(part, self.dialect) for part in known.get(name, (name,))) for name in names
        )

    def describe(self, name: str) -> Described:
        """Tell what the database declares of a table."""
        rows = self.ask(_COLUMNS.format(table=quote_text(self.quoted(name), self.dialect)))
        fields, notes = [], []
        for column, text, nullable, own, levels, default, identity, computed in rows:
            type = SqlType("enum", levels=tuple(levels), name=own) if levels else SqlType.parse(text)
            counted = bool(identity) or (default or "").startswith("nextval(")
            if identity == "a":
                notes.append(tell_always(name, column))
            if computed:
                notes.append(tell_computed(name, column))
            known = None if default is None or computed or counted else parse_default(default, "postgres")
            fields.append(Field(column, type.dump(text), type, nullable, known, counted))
        space, own = self._qualified.get(name, ("", name))
        if space not in self._inspections:
            namespace = space or str(self.ask("SELECT current_schema()")[0][0])
            among = self._namespaces if space else ()
            self._inspections[space] = Inspection(
                "postgresql+pg8000", lambda: _open(self.location), namespace, among
            )
        found = self._inspections[space].describe(own, tuple(fields))
        return replace(found, name=name, notes=(*found.notes, *notes))

    def pull(self, table: Described, take: Take, rows: int = CHUNK) -> None:
        """Read rows as CSV, as fast as the server writes it."""
        asked = ", ".join(self._text_of(field) for field in table.fields)
        sink = _Sink(table.names, take, rows)
        statement = f"COPY (SELECT {asked} FROM {self.quoted(table.name)}) TO STDOUT (FORMAT csv)"
        self._driver.execute_unnamed(statement, stream=sink)
        sink.flush()

    def _text_of(self, field: Field) -> str:
        name = self.quoted(field.name)
        if field.type.family == "interval":
            return f"(extract(epoch FROM {name}) * 1000000)::bigint"
        if field.type.family == "bytes":
            return f"encode({name}, 'hex')"
        if field.type.family == "array":
            return f"to_json({name})::text"
        return name

    def run(self, sql: str) -> None:
        """Run a statement."""
        self._driver.execute_simple(sql)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query of few rows."""
        return [tuple(row) for row in self._driver.execute_unnamed(sql).rows or []]

    def load(self, table: Described, frames: Iterator[pl.DataFrame]) -> None:
        """Put rows into a table as CSV."""
        arrays = [field.name for field in table.fields if field.type.family == "array"]
        octets = [field.name for field in table.fields if field.type.family == "bytes"]

        def blocks() -> Iterator[bytes]:
            for frame in frames:
                changed = frame.with_columns(
                    *(array_literals(frame[name]).alias(name) for name in arrays),
                    *((pl.lit("\\x") + pl.col(name)).alias(name) for name in octets),
                )
                if changed.width == 1:  # an empty line would be no row
                    changed = changed.with_columns(pl.all().cast(pl.String))
                yield changed.write_csv(include_header=False, quote_style="necessary").encode()

        statement = f"COPY {self.quoted(table.name)} ({self.quoted(*table.names)}) FROM STDIN (FORMAT csv)"
        self._driver.execute_unnamed(statement, stream=blocks())

    def drop(self, names: Sequence[str]) -> None:
        """Drop tables together, so that references among them do not matter."""
        if names:
            self.run(f"DROP TABLE {self.quoted(*names)}")

    def fill(self, plan: Sequence[Described], present: Sequence[str], rows: Rows, notes: list[str]) -> None:
        """Make tables, put in their rows, and add keys and references, which is faster then."""
        self.drop(present)
        made = self.make_tables(plan, notes)
        for table in made:
            self.load_named(table, rows)
        self.link_tables(made, notes)

    def make_tables(self, plan: Sequence[Described], notes: list[str]) -> list[Described]:
        """Make tables without keys and references; return them as the database knows them."""
        for space in self._namespaces:
            self.run(f"CREATE SCHEMA IF NOT EXISTS {quote_name(space, self.dialect)}")
        self._qualified = {}
        made = []
        for table in plan:
            fields = tuple(self._known(table, field, notes) for field in table.fields)
            made.append(replace(table, fields=fields))
            bare = replace(
                made[-1], fields=tuple(replace(field, default=None) for field in fields), checks=()
            )
            self.run(create_table(bare, self.dialect, keys=False, references=False))
        return made

    def link_tables(self, plan: Sequence[Described], notes: list[str]) -> None:
        """Add to tables that are filled what the database holds rows against, and what it puts in by itself."""
        self._qualified = {}
        for table in plan:
            self._fill_in(table, notes)
        for table in plan:
            with rewording(self.shown, "write", table.name):
                for key in list_keys(table, self.dialect):
                    self.run(f"ALTER TABLE {self.quoted(table.name)} ADD {key}")
            self._check(table, notes)
        for table, reference in list_references(plan):
            orphans = self.has_orphans(table.name, reference)
            if orphans:
                notes.append(tell_orphans(table.name, reference, True))
            added = write_reference(reference, self.dialect) + (" NOT VALID" if orphans else "")
            self.run(f"ALTER TABLE {self.quoted(table.name)} ADD {added}")
        if len(self._namespaces) > 1:
            for table in plan:
                self._move(table.name)

    def _move(self, name: str) -> None:
        """Put a table into the namespace that its name begins with, if it is one of those that are written to."""
        space, _, own = name.partition(".")
        if space in self._namespaces and own:
            self.run(f"ALTER TABLE {self.quoted(name)} SET SCHEMA {self.quoted(space)}")
            self.run(f"ALTER TABLE {self.quoted(space)}.{self.quoted(name)} RENAME TO {self.quoted(own)}")

    def _fill_in(self, table: Described, notes: list[str]) -> None:
        """Add what the database puts in by itself, and let it count on from the rows that are there."""
        for field in table.fields:
            name = self.quoted(field.name)
            if field.default is not None:
                added = f"ALTER TABLE {self.quoted(table.name)} ALTER {name} SET DEFAULT {field.default}"
                if not self._attempt(added):
                    notes.append(tell_default(table.name, field))
            if field.counted:
                place = ", ".join(
                    quote_text(text, self.dialect) for text in (self.quoted(table.name), field.name)
                )
                last = f"(SELECT max({name}) FROM {self.quoted(table.name)})"
                self.ask(f"SELECT setval(pg_get_serial_sequence({place}), {last}) WHERE {last} > 0")

    def _check(self, table: Described, notes: list[str]) -> None:
        """Add checks, those that rows break without looking at the rows that are there."""
        for check in table.checks:
            added = f"ALTER TABLE {self.quoted(table.name)} ADD CHECK ({check})"
            if self._attempt(added):
                continue
            why = "the database does not take it"
            if self._attempt(added + " NOT VALID"):
                why = "some rows break it, and the database does not check those"
            told = tell_unsaid(table.name, check, why)
            notes.append(told if "take" in why else told.replace("not declared", "declared", 1))

    def _attempt(self, sql: str) -> bool:
        """Run a statement that may fail, which would end the transaction otherwise."""
        self.run("SAVEPOINT simulacra")
        try:
            self.run(sql)
        except DatabaseError:
            self.run("ROLLBACK TO SAVEPOINT simulacra")
            return False
        self.run("RELEASE SAVEPOINT simulacra")
        return True

    def _known(self, table: Described, field: Field, notes: list[str]) -> Field:
        """Make the type of a column that the database does not have: an enum, or else text."""
        if field.type.family == "enum":
            return replace(field, text=self.quoted(self.make_enum(field.type.name, field.type.levels)))
        if field.type.family not in {"other", "array"} or self.knows_type(field.text):
            return field
        notes.append(
            f"table {table.name!r}, column {field.name!r}: the database has no type {field.text!r}; it becomes a text."
        )
        return replace(field, text="text", type=SqlType("text"))

    def make_enum(self, name: str, levels: tuple[str, ...]) -> str:
        """Find the enum of these levels by its name, or make it; return the name that it has got."""
        for number in range(1, 1000):
            tried = name if number == 1 else f"{name}_{number}"
            query = (
                "SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum JOIN pg_type t ON t.oid = enumtypid "
                f"WHERE typname = {quote_text(tried, self.dialect)} AND typnamespace = current_schema()::regnamespace"
            )
            found = self.ask(query)[0][0]
            if found is None and not self.knows_type(self.quoted(tried)):
                labels = ", ".join(quote_text(level, self.dialect) for level in levels)
                self.run(f"CREATE TYPE {self.quoted(tried)} AS ENUM ({labels})")
                return tried
            if found is not None and tuple(found) == levels:
                return tried
        return name

    def knows_type(self, text: str) -> bool:
        """Tell whether the database has a type that is written so."""
        return self.ask(f"SELECT to_regtype({quote_text(text, self.dialect)})::text")[0][0] is not None

    def close(self) -> None:
        """End the connection; what was not committed is undone."""
        for inspection in self._inspections.values():
            inspection.close()
        self._driver.close()


def open_connection(location: Location, *, writing: bool = False) -> PostgreSQL:
    """Open a connection to PostgreSQL."""
    return PostgreSQL(location, writing=writing)


class _Sink(io.RawIOBase):
    """Takes what COPY sends, row by row, and gives it on in frames."""

    def __init__(self, names: tuple[str, ...], take: Take, rows: int) -> None:
        super().__init__()
        self._names, self._take, self._rows, self._held = names, take, rows, list[bytes]()

    def write(self, data: Any) -> int:
        self._held.append(bytes(data))
        if len(self._held) >= self._rows:
            self.flush()
        return len(data)

    def flush(self) -> None:
        if not self._held:
            return
        text, self._held = b"".join(self._held), []
        self._take(
            pl.read_csv(text, has_header=False, infer_schema=False, new_columns=self._names, raise_if_empty=False)
        )  # fmt: skip


def _open(location: Location) -> Driver:
    socket = _socket(location)
    try:
        return _connect(location, socket)
    except AttributeError as error:
        if location.password is not None:
            raise
        # the driver takes a password for granted where the server asks for one
        raise InterfaceError("no password was provided") from error


def _connect(location: Location, socket: str | None) -> Driver:
    found = Driver(
        location.user or os.environ.get("USER") or "postgres",
        host=location.host or "localhost",
        database=location.database or None,
        port=location.port or 5432,
        password=location.password,
        unix_sock=socket,
        ssl_context=False if socket else _encryption(location.options),
        timeout=float(location.options["connect_timeout"]) if "connect_timeout" in location.options else None,
        application_name="simulacra",
    )
    found.autocommit = True
    return found


def _socket(location: Location) -> str | None:
    folders = (location.host,) if location.host.startswith("/") else () if location.host else _SOCKETS
    for folder in folders:
        path = Path(folder) / f".s.PGSQL.{location.port or 5432}"
        if path.exists() or location.host:
            return str(path)
    return None


def _encryption(options: Any) -> Any:
    mode = options.get("sslmode", "prefer")
    if mode == "disable":
        return False
    if mode in {"allow", "prefer"}:
        return None
    if mode == "require":
        return True
    if mode not in {"verify-ca", "verify-full"}:
        raise OptionError(
            f"sslmode {mode!r} is not known. Use disable, prefer, require, verify-ca or verify-full."
        )
    context = ssl.create_default_context(cafile=options.get("sslrootcert"))
    context.check_hostname = mode == "verify-full"
    return context
