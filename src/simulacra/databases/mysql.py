"""MySQL and MariaDB: tables loaded under names of their own, and renamed all at once."""

from __future__ import annotations

import getpass
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pymysql
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from simulacra.databases._inspection import Inspection
from simulacra.databases.connection import (
    CHUNK,
    Connection,
    Rows,
    Take,
    list_references,
    tell_computed,
    tell_default,
    tell_orphans,
)
from simulacra.databases.described import Described, Field
from simulacra.databases.planning import create_table, write_reference
from simulacra.databases.rendering import quote_text, write_literals
from simulacra.databases.rules import tell_unsaid
from simulacra.databases.sqltypes import SqlType, parse_type
from simulacra.databases.urls import Location
from simulacra.errors import FileError
from simulacra.schema.importers._defaults import parse_default

NEW, OLD = "_simulacra_new_", "_simulacra_old_"
"""What the names of tables begin with while they are loaded, and after others have taken their place."""

_INSERTED = 1_000
_LOCK = "simulacra"


class MySQL(Connection):
    """A connection to MySQL or MariaDB."""

    dialect = "mysql"

    def __init__(self, location: Location, *, writing: bool = False) -> None:
        super().__init__(location, writing=writing)
        self._driver = _open(location)
        self._inspection: Inspection | None = None
        modes = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO"
        self.run(
            f"SET SESSION sql_mode = '{modes}', time_zone = '+00:00', foreign_key_checks = 0, sql_notes = 0"
        )
        self._local = writing and bool(self.ask("SELECT @@local_infile")[0][0])

    def begin(self) -> None:
        """Begin to read what is there now, whatever others write; or to write, which one process does at a time."""
        if not self.writing:
            self.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            return
        if not self.ask(f"SELECT get_lock(concat('{_LOCK}.', left(sha1(database()), 40)), 10)")[0][0]:
            raise FileError(
                f"another process writes into {self.location} at this time. Try again when it is done."
            )
        left = [name for name in self.names() if name.startswith((NEW, OLD))]
        self.drop(left)  # a process that was killed left them: it does not hold the lock any more
        self.run("START TRANSACTION")

    def names(self) -> list[str]:
        """List the tables."""
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = database() "
        return [str(name) for (name,) in self.ask(query + "AND table_type = 'BASE TABLE' ORDER BY 1")]

    def describe(self, name: str) -> Described:
        """Tell what the database declares of a table."""
        own = f"table_schema = database() AND table_name = {quote_text(name, self.dialect)}"
        rows = self.ask(
            "SELECT column_name, column_type, is_nullable, concat('=', column_default), lower(extra) FROM "
            f"information_schema.columns WHERE {own} ORDER BY ordinal_position"
        )
        if self._inspection is None:
            self._inspection = Inspection("mysql+pymysql", lambda: _open(self.location, plain=False))
        found = self._inspection.describe(name, ())
        # MariaDB writes JSON as a text with a check, which is taken for the type again
        listed = self._list_checks(name)
        formed = {check for check in listed if check.lower().replace(" ", "").startswith("json_valid(")}
        marked = {text[text.index("(") + 1 : -1].strip("`") for text in formed}
        fields, notes = [], list(found.notes)
        for column, text, nullable, default, extra in rows:
            is_json = column in marked or text == "json"
            type = SqlType("json") if is_json else parse_type(text, self.dialect)
            if "generated" in extra.replace("default_generated", ""):
                notes.append(tell_computed(name, column))
            known = None if default is None else self._default(default[1:], extra)
            counted = "auto_increment" in extra
            fields.append(Field(column, "json" if is_json else text, type, nullable == "YES", known, counted))
        checks = tuple(check for check in listed if check not in formed)
        return replace(found, fields=tuple(fields), checks=checks, notes=tuple(notes))

    def _list_checks(self, name: str) -> list[str]:
        """List the checks of a table; SQLAlchemy does not know those that stand behind a column."""
        table, place = quote_text(name, self.dialect), "c.constraint_schema = database()"
        if self._is_mariadb():
            where = f"c.table_name = {table}"
        else:
            where = (
                "EXISTS (SELECT 1 FROM information_schema.table_constraints t "
                "WHERE t.constraint_name = c.constraint_name AND t.table_schema = database() "
                f"AND t.table_name = {table})"
            )
        query = f"SELECT c.check_clause FROM information_schema.check_constraints c WHERE {place} AND {where}"
        return [str(clause) for (clause,) in self.ask(f"{query} ORDER BY 1")]

    def _default(self, text: str, extra: str) -> str | None:
        """Read a default, which MySQL tells without the quotes of texts."""
        if "generated" in extra.replace("default_generated", ""):
            return None
        bare = not self._is_mariadb() and "default_generated" not in extra
        return parse_default(quote_text(text, self.dialect) if bare else text, "mysql")

    def _is_mariadb(self) -> bool:
        return "mariadb" in str(self.ask("SELECT concat('v', version())")[0][0]).lower()

    def pull(self, table: Described, take: Take, rows: int = CHUNK) -> None:
        """Read rows with a cursor that holds none, some at a time."""
        asked = ", ".join(self._text_of(field) for field in table.fields)
        with self._driver.cursor(SSCursor) as cursor:
            cursor.execute(f"SELECT {asked} FROM {self.quoted(table.name)}")
            while found := cursor.fetchmany(rows):
                columns = zip(table.names, zip(*found, strict=True), strict=True)
                take(pl.DataFrame([pl.Series(name, values, dtype=pl.String) for name, values in columns]))

    def _text_of(self, field: Field) -> str:
        name = self.quoted(field.name)
        if field.type.family == "bytes":
            return f"lower(hex({name}))"
        if field.type.family == "real":
            return f"{name} * 1e0"  # the server shows no more than six digits of a float
        return f"bin({name})" if field.type.family == "bit" else name

    def run(self, sql: str) -> None:
        """Run a statement."""
        self._driver.query(sql)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query of few rows."""
        with self._driver.cursor() as cursor:
            cursor.execute(sql)
            return [tuple(_plain(value) for value in row) for row in cursor.fetchall()]

    def load(self, table: Described, frames: Iterator[pl.DataFrame]) -> None:
        """Put rows into a table: from files where the server takes them, and else by statements of many rows."""
        names = self.quoted(*table.names)
        with tempfile.TemporaryDirectory(prefix="simulacra-") as folder:
            path = Path(folder) / "block.csv"
            for frame in frames:
                if self._local:
                    self._load_file(table, frame, path)
                    continue
                literals = pl.DataFrame(
                    [write_literals(frame[f.name], f.type, "mysql") for f in table.fields]
                )
                rows = literals.select("(" + pl.concat_str(pl.all(), separator=", ") + ")").to_series()
                for part in range(0, len(rows), _INSERTED):
                    values = ", ".join(rows[part : part + _INSERTED])
                    self.run(f"INSERT INTO {self.quoted(table.name)} ({names}) VALUES {values}")

    def _load_file(self, table: Described, frame: pl.DataFrame, path: Path) -> None:
        frame = frame.with_columns(pl.col(pl.Boolean).cast(pl.Int8))
        octets = [field.name for field in table.fields if field.type.family == "bytes"]
        # a text that reads NULL stands in quotes, and a missing value does not: so the server tells them apart
        frame.write_csv(path, include_header=False, quote_style="non_numeric", null_value="NULL")
        places = ", ".join(
            f"@h{n}" if f.name in octets else self.quoted(f.name) for n, f in enumerate(table.fields)
        )
        sets = ", ".join(
            f"{self.quoted(f.name)} = unhex(@h{n})" for n, f in enumerate(table.fields) if f.name in octets
        )
        self.run(
            f"LOAD DATA LOCAL INFILE {quote_text(str(path), self.dialect)} INTO TABLE {self.quoted(table.name)} "
            "CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' "
            f"LINES TERMINATED BY '\\n' ({places}){f' SET {sets}' if sets else ''}"
        )
        # a row that does not fit is left out, or its values changed, with no more than a warning
        wrong = self.ask("SHOW WARNINGS LIMIT 1")
        if wrong:
            raise pymysql.err.DataError(wrong[0][1], str(wrong[0][2]))

    def fill(self, plan: Sequence[Described], present: Sequence[str], rows: Rows, notes: list[str]) -> None:
        """Make tables under names of their own, put in their rows, and let them take their places all at once."""
        for table in plan:
            bare = replace(table, checks=(), fields=tuple(replace(f, default=None) for f in table.fields))
            self.run(create_table(bare, self.dialect, name=NEW + table.name, references=False))
        for table in plan:
            self.load_named(table, rows, NEW + table.name)
        self.commit()
        for table in plan:
            self._add_rules(table, notes)
        for table, reference in list_references(plan):
            other = NEW + reference.table
            if self.has_orphans(NEW + table.name, reference, other):
                notes.append(tell_orphans(table.name, reference, True))
            added = write_reference(reference, self.dialect, table=other)
            self.run(f"ALTER TABLE {self.quoted(NEW + table.name)} ADD {added}")
        self.run("SET SESSION foreign_key_checks = 1")  # so that references follow the new names
        gone = [f"{self.quoted(name)} TO {self.quoted(OLD + name)}" for name in present]
        come = [f"{self.quoted(NEW + t.name)} TO {self.quoted(t.name)}" for t in plan]
        self.run(f"RENAME TABLE {', '.join([*gone, *come])}")
        self.run("SET SESSION foreign_key_checks = 0")
        self.drop([OLD + name for name in present])

    def _add_rules(self, table: Described, notes: list[str]) -> None:
        """Add what the database puts in by itself, and checks that all rows keep."""
        place = f"ALTER TABLE {self.quoted(NEW + table.name)}"
        for field in table.fields:
            if field.default is None:
                continue
            # a whole definition takes any default; SET DEFAULT takes constants only in older servers
            empty = "NULL" if field.nullable else "NOT NULL"
            made = f"{self.quoted(field.name)} {field.text} {empty} DEFAULT {field.default}"
            if not self._attempt(f"{place} MODIFY {made}"):
                notes.append(tell_default(table.name, field))
        for check in table.checks:
            if self._attempt(f"{place} ADD CHECK ({check})"):
                continue
            try:
                broken = self.breaks(NEW + table.name, check)
            except pymysql.Error:
                broken = False
            why = "some rows break it" if broken else "the database does not take it"
            notes.append(tell_unsaid(table.name, check, why))

    def _attempt(self, sql: str) -> bool:
        """Run a statement that may fail."""
        try:
            self.run(sql)
        except pymysql.Error:
            return False
        return True

    def undo(self) -> None:
        """Drop the tables that have not taken their places."""
        with suppress(Exception):  # the error that led here is the one to tell; the next run drops them too
            self.drop([name for name in self.names() if name.startswith(NEW)])

    def close(self) -> None:
        """End the connection; what was not committed is undone."""
        if self._inspection is not None:
            self._inspection.close()
        if self._driver.open:
            self._driver.close()


def open_connection(location: Location, *, writing: bool = False) -> MySQL:
    """Open a connection to MySQL or MariaDB."""
    return MySQL(location, writing=writing)


def _open(location: Location, *, plain: bool = True) -> Any:
    options = location.options
    secure = options.get("ssl_ca") or options.get("ssl") in {"1", "true", "required"}
    return pymysql.connect(
        host=location.host if location.host and not location.host.startswith("/") else "localhost",
        port=location.port or 3306,
        unix_socket=location.host if location.host.startswith("/") else options.get("unix_socket"),
        user=location.user or getpass.getuser(),
        password=location.password or "",
        database=location.database or None,
        charset="utf8mb4",
        connect_timeout=int(options.get("connect_timeout", 10)),
        ssl=ssl.create_default_context(cafile=options.get("ssl_ca")) if secure else None,
        conv=encoders if plain else None,  # values come as text, which Polars parses
        local_infile=True,
    )


def _plain(value: Any) -> Any:
    """Read a whole number of a small query, whose values come as text too."""
    return int(value) if isinstance(value, str) and value.isdigit() else value
