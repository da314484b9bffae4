"""SQLite: a file whose columns hold what they like, read by what they do hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import polars as pl
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from simulacra.databases._inspection import Inspection, list_actions
from simulacra.databases.connection import CHUNK, Connection, Rows, Take
from simulacra.databases.described import Described, Field
from simulacra.databases.rendering import quote_text
from simulacra.databases.sqltypes import INTEGERS, SqlType, parse_type
from simulacra.databases.urls import Location
from simulacra.schema.importers._defaults import parse_default
from simulacra.storage import open_error

_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*"
_CLOCK = "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*"
_SHAPES = {"date": _DAY, "timestamp": _DAY, "timestamptz": _DAY, "time": _CLOCK}


class SQLite(Connection):
    """A connection to a SQLite file."""

    dialect = "sqlite"

    def __init__(self, location: Location, *, writing: bool = False) -> None:
        super().__init__(location, writing=writing)
        if not writing and not location.path.is_file():
            raise open_error(location.path, FileNotFoundError(2, "no such file"))
        self._driver = self._open("rwc" if writing else "ro")
        self._inspection: Inspection | None = None

    def _open(self, mode: str) -> sqlite3.Connection:
        place = f"file:{quote(str(self.location.path.absolute()))}?mode={mode}"
        driver = sqlite3.connect(place, uri=True, isolation_level=None, timeout=30)
        driver.text_factory = lambda data: data.decode("utf-8", "replace")
        return driver

    def begin(self) -> None:
        """Begin the one transaction in which all is read or written."""
        self.run("BEGIN IMMEDIATE" if self.writing else "BEGIN")

    def names(self) -> list[str]:
        """List the tables, without those that the system keeps for itself."""
        own = "name LIKE 'sqlite\\_%' ESCAPE '\\'"
        query = f"SELECT name FROM sqlite_master WHERE type = 'table' AND NOT {own} ORDER BY 1"
        return [str(name) for (name,) in self.ask(query)]

    def describe(self, name: str) -> Described:
        """Tell what the database declares of a table, and of the types what the values agree with."""
        rows = self.ask(f"PRAGMA table_info({self.quoted(name)})")
        fields = []
        keys = sum(bool(key) for *_, key in rows)
        for _, column, text, needed, default, key in rows:
            type = self._actual(name, column, parse_type(text or "", self.dialect))
            known = None if default is None else parse_default(default, self.dialect)
            counted = bool(key) and keys == 1 and (text or "").upper() == "INTEGER"
            fields.append(Field(column, text or "", type, not (needed or key), known, counted))
        if self._inspection is None:
            # a connection of its own: the inspector ends transactions
            self._inspection = Inspection("sqlite", lambda: self._open("ro"))
        made = self.ask(
            f"SELECT sql FROM sqlite_master WHERE type = 'table' AND name = {quote_text(name, 'sqlite')}"
        )
        actions = [  # which the inspector overlooks where they are written in other ways than its own
            action
            for _, _, _, column, _, update, delete, _ in self.ask(
                f"PRAGMA foreign_key_list({self.quoted(name)})"
            )
            for action in list_actions(column, delete, update)
        ]
        found = self._inspection.describe(name, tuple(fields), actions)
        return replace(found, checks=_find_checks(made[0][0]))

    def _actual(self, table: str, column: str, declared: SqlType) -> SqlType:
        """Find the type that all values have: SQLite holds any value in any column."""
        name, place = self.quoted(column), self.quoted(table)
        kinds = {kind for (kind,) in self.ask(f"SELECT DISTINCT typeof({name}) FROM {place}")} - {"null"}
        family = declared.family
        if not kinds:
            return declared
        if kinds == {"integer"}:
            if family == "boolean":
                odd = self.ask(f"SELECT 1 FROM {place} WHERE {name} NOT IN (0, 1) LIMIT 1")
                return SqlType("bigint") if odd else declared
            return declared if family in {*INTEGERS, "numeric", "double", "real"} else SqlType("bigint")
        if kinds <= {"integer", "real"}:
            return declared if family in {"numeric", "double", "real"} else SqlType("double")
        if kinds == {"blob"}:
            return SqlType("bytes")
        if kinds == {"text"} and family in _SHAPES:
            odd = self.ask(f"SELECT 1 FROM {place} WHERE {name} NOT GLOB '{_SHAPES[family]}' LIMIT 1")
            return SqlType("text") if odd else declared
        return declared if declared.textual and declared.family != "bytes" else SqlType("text")

    def pull(self, table: Described, take: Take, rows: int = CHUNK) -> None:
        """Read rows with one cursor, some at a time."""
        asked = ", ".join(self._text_of(field) for field in table.fields)
        cursor = self._driver.execute(f"SELECT {asked} FROM {self.quoted(table.name)}")
        while found := cursor.fetchmany(rows):
            columns = zip(table.fields, zip(*found, strict=True), strict=True)
            take(pl.DataFrame([pl.Series(f.name, values, dtype=_held(f.type)) for f, values in columns]))

    def _text_of(self, field: Field) -> str:
        name = self.quoted(field.name)
        if field.type.family == "bytes":
            return f"lower(hex({name}))"
        if field.type.family in {"numeric", "double", "real"}:
            return f"CAST({name} AS REAL)"
        return f"CAST({name} AS TEXT)" if _held(field.type) == pl.String() else name

    def run(self, sql: str) -> None:
        """Run a statement."""
        self._driver.execute(sql)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query of few rows."""
        return self._driver.execute(sql).fetchall()

    def fill(self, plan: Sequence[Described], present: Sequence[str], rows: Rows, notes: list[str]) -> None:
        """Make tables and put in their rows, which are held against checks afterwards."""
        self.run("PRAGMA ignore_check_constraints = ON")
        super().fill([self.screen(table, notes) for table in plan], present, rows, notes)

    def takes(self, statement: str) -> bool:
        """Tell whether a statement that makes a table can be run, by a database in memory."""
        with closing(sqlite3.connect(":memory:")) as scratch:
            try:
                scratch.execute(statement)
            except sqlite3.Error:
                return False
        return True

    def load(self, table: Described, frames: Iterator[pl.DataFrame]) -> None:
        """Put rows into a table, within the transaction."""
        octets = [field.name for field in table.fields if field.type.family == "bytes"]
        holes = ", ".join("?" * len(table.fields))
        sql = f"INSERT INTO {self.quoted(table.name)} ({self.quoted(*table.names)}) VALUES ({holes})"
        for frame in frames:
            whole = frame.with_columns(pl.col(name).str.decode("hex") for name in octets)
            self._driver.executemany(sql, whole.iter_rows())

    def close(self) -> None:
        """End the connection; what was not committed is undone."""
        if self._inspection is not None:
            self._inspection.close()
        self._driver.close()


def open_connection(location: Location, *, writing: bool = False) -> SQLite:
    """Open a connection to a SQLite file."""
    return SQLite(location, writing=writing)


def _find_checks(statement: str | None) -> tuple[str, ...]:
    """Find the checks in the statement that made a table, which SQLite keeps as it was written."""
    try:
        made = sqlglot.parse_one(statement or "", dialect="sqlite")
    except (SqlglotError, RecursionError):
        return ()
    found = [check.this.sql(dialect="sqlite") for check in made.find_all(exp.CheckColumnConstraint)]
    return tuple(dict.fromkeys(reversed(found)))


def _held(type: SqlType) -> pl.DataType:
    if type.family in INTEGERS:
        return pl.Int64()
    return pl.Float64() if type.family in {"numeric", "double", "real"} else pl.String()
