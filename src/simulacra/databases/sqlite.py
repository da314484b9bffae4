"""SQLite: a file whose columns hold what they like, read by what they do hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import polars as pl

from simulacra.databases._inspection import Inspection
from simulacra.databases.connection import CHUNK, Connection, Take
from simulacra.databases.described import Described, Field
from simulacra.databases.sqltypes import INTEGERS, SqlType, parse_type
from simulacra.databases.urls import Location
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
        for _, column, text, needed, _, key in rows:
            type = self._actual(name, column, parse_type(text or "", self.dialect))
            fields.append(Field(column, text or "", type, not (needed or key)))
        if self._inspection is None:
            # a connection of its own: the inspector ends transactions
            self._inspection = Inspection("sqlite", lambda: self._open("ro"))
        return self._inspection.describe(name, tuple(fields))

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


def _held(type: SqlType) -> pl.DataType:
    if type.family in INTEGERS:
        return pl.Int64()
    return pl.Float64() if type.family in {"numeric", "double", "real"} else pl.String()
