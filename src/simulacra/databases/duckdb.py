"""DuckDB: frames in and out by its own engine, with Parquet files as the way in."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from simulacra.databases.connection import CHUNK, Connection, Rows, Take, tell_orphans
from simulacra.databases.described import Described, Field
from simulacra.databases.planning import create_table
from simulacra.databases.refusals import rewording
from simulacra.databases.rendering import quote_text
from simulacra.databases.rules import tell_unsaid
from simulacra.databases.sqltypes import INTEGERS, parse_type
from simulacra.databases.urls import Location
from simulacra.schema.importers._defaults import parse_default
from simulacra.schema.types import Reference
from simulacra.storage import open_error

_PLAIN = {"boolean", "date", "time", "timestamp", "timestamptz"}


class DuckDB(Connection):
    """A connection to a DuckDB file."""

    dialect = "duckdb"

    def __init__(self, location: Location, *, writing: bool = False) -> None:
        super().__init__(location, writing=writing)
        if not writing and not location.path.is_file():
            raise open_error(location.path, FileNotFoundError(2, "no such file"))
        self._driver = duckdb.connect(str(location.path), read_only=not writing)
        self.run("SET TimeZone = 'UTC'")

    def begin(self) -> None:
        """Begin the one transaction in which all is read or written."""
        self.run("BEGIN TRANSACTION")

    def names(self) -> list[str]:
        """List the tables."""
        query = "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary AND "
        return [str(name) for (name,) in self.ask(query + f"{_HERE} ORDER BY 1")]

    def describe(self, name: str) -> Described:
        """Tell what the database declares of a table."""
        where = f"table_name = {quote_text(name, self.dialect)} AND {_HERE}"
        columns = "SELECT column_name, data_type, is_nullable, column_default FROM duckdb_columns() WHERE "
        fields = tuple(
            Field(column, text, parse_type(text, self.dialect), nullable, _default(default))
            for column, text, nullable, default in self.ask(
                f"{columns}NOT internal AND {where} ORDER BY column_index"
            )
        )
        asked = (
            "constraint_type, constraint_column_names, referenced_table, referenced_column_names, expression"
        )
        key: tuple[str, ...] = ()
        references, uniques, checks = [], [], []
        for kind, own, other, to, text in self.ask(f"SELECT {asked} FROM duckdb_constraints() WHERE {where}"):
            if kind == "PRIMARY KEY":
                key = tuple(own)
            elif kind == "FOREIGN KEY":
                references.append(Reference(tuple(own), other, tuple(to)))
            elif kind == "UNIQUE":
                uniques.append(tuple(own))
            elif kind == "CHECK":
                checks.append(text)
        return Described(name, fields, key, tuple(references), tuple(uniques), tuple(checks))

    def pull(self, table: Described, take: Take, rows: int = CHUNK) -> None:
        """Read rows by their numbers, some at a time."""
        asked = ", ".join(self._value_of(field) for field in table.fields)
        last = self.ask(f"SELECT max(rowid) FROM {self.quoted(table.name)}")[0][0]
        step = 8 * rows
        for low in range(0, -1 if last is None else last + 1, step):
            where = f"rowid >= {low} AND rowid < {low + step}"
            take(
                pl.DataFrame(
                    _Stream(self._driver.sql(f"SELECT {asked} FROM {self.quoted(table.name)} WHERE {where}"))
                )
            )

    def _value_of(self, field: Field) -> str:
        name, type = self.quoted(field.name), field.type
        if type.family in {"numeric", "double", "real"}:
            shown = (
                f"CAST({name} AS BIGINT)"
                if type.scale == 0 and (type.length or 0) <= 18
                else f"{name}::DOUBLE"
            )
            shown = f"{name}::VARCHAR::DOUBLE" if type.family == "real" else shown
            shown = (
                f"TRY_CAST({name} AS DOUBLE)" if type.family == "numeric" and type.length is None else shown
            )
        elif type.family in INTEGERS:
            shown = f"{name}::BIGINT"
        elif type.family in _PLAIN:
            shown = (
                f"CASE WHEN isfinite({name}) THEN {name} END"
                if type.family not in {"time", "boolean"}
                else name
            )
            shown = f"{shown}::TIMESTAMP" if type.family == "timestamp" else shown
        elif type.family == "interval":
            shown = f"epoch_us({name})"
        elif type.family == "bytes":
            shown = f"lower(hex({name}))"
        elif type.family == "array" or (type.family == "json" and type.name):
            shown = f"to_json({name})::VARCHAR"
        else:
            shown = f"{name}::VARCHAR"
        return f"{shown} AS {name}"

    def run(self, sql: str) -> None:
        """Run a statement."""
        self._driver.execute(sql)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query of few rows."""
        return list(self._driver.execute(sql).fetchall())

    def fill(self, plan: Sequence[Described], present: Sequence[str], rows: Rows, notes: list[str]) -> None:
        """Make tables and put in their rows; those that refer to others wait in a table without rules."""
        self.drop(present)
        made: set[str] = set()
        for table in (self.screen(one, notes) for one in plan):
            name, staged = f"simulacra {table.name}", bool(table.references or table.checks)
            if staged:
                bare = create_table(
                    replace(table, checks=()), self.dialect, name=name, keys=False, references=False
                )
                self.run(bare.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1))
                self.load_named(table, rows, name)
            broken = [check for check in table.checks if self.breaks(name, check)]
            notes += [tell_unsaid(table.name, check, "some rows break it") for check in broken]
            table = replace(table, checks=tuple(check for check in table.checks if check not in broken))
            kept = tuple(r for r in table.references if self._can_hold(table.name, name, r, made, notes))
            self.run(create_table(replace(table, references=kept), self.dialect))
            if staged:
                with rewording(self.shown, "write", table.name):
                    self.run(
                        f"INSERT INTO {self.quoted(table.name)} SELECT * FROM {self.quoted(name)} ORDER BY rowid"
                    )
                self.run(f"DROP TABLE {self.quoted(name)}")
            else:
                self.load_named(table, rows)
            made.add(table.name)

    def takes(self, statement: str) -> bool:
        """Tell whether a statement that makes a table can be run, by a database in memory: here it would end all."""
        with duckdb.connect() as scratch:
            try:
                scratch.execute(statement)
            except duckdb.Error:
                return False
        return True

    def _can_hold(
        self, table: str, staged: str, reference: Reference, made: set[str], notes: list[str]
    ) -> bool:
        if reference.table not in made:
            what = "itself" if reference.table == table else "a table that is loaded later"
            notes.append(
                f"table {table!r}: the reference {reference} leads to {what}, which DuckDB can not check row by "
                "row; it is not declared."
            )
            return False
        if self.has_orphans(staged, reference):
            notes.append(tell_orphans(table, reference, False))
            return False
        return True

    def load(self, table: Described, frames: Iterator[pl.DataFrame]) -> None:
        """Put rows into a table, within the transaction, by Parquet files of a block each."""
        names = self.quoted(*table.names)
        values = ", ".join(self._stored(field) for field in table.fields)
        with tempfile.TemporaryDirectory(prefix="simulacra-") as folder:
            path = Path(folder) / "block.parquet"
            for frame in frames:
                frame.write_parquet(path, compression="lz4", statistics=False)
                source = quote_text(str(path), self.dialect)
                self.run(
                    f"INSERT INTO {self.quoted(table.name)} ({names}) SELECT {values} FROM read_parquet({source})"
                )

    def _stored(self, field: Field) -> str:
        name = self.quoted(field.name)
        if field.type.family == "bytes":
            return f"unhex({name})"
        if field.type.family == "array":
            return f"CAST({name}::JSON AS {field.text})"
        return f"CAST({name} AS {field.text})"

    def close(self) -> None:
        """End the connection; what was not committed is undone."""
        self._driver.close()


class _Stream:
    """Arrow data of a query.

    Polars remembers the types that it is given, and DuckDB complains at the end of the process when those are its own.
    """

    def __init__(self, relation: Any) -> None:
        self._relation = relation

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._relation.__arrow_c_stream__(requested_schema)


def _default(text: str | None) -> str | None:
    return None if text is None else parse_default(text, "duckdb")


_HERE = "database_name = current_database() AND schema_name = current_schema()"


def open_connection(location: Location, *, writing: bool = False) -> DuckDB:
    """Open a connection to a DuckDB file."""
    return DuckDB(location, writing=writing)
