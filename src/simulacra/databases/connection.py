"""The contract that each database system fulfils: described, read, written."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

import polars as pl

from simulacra.databases.described import Described, Field
from simulacra.databases.planning import create_table
from simulacra.databases.refusals import rewording
from simulacra.databases.rendering import quote_name, quote_names
from simulacra.databases.rules import find_breach, tell_unsaid
from simulacra.databases.urls import Location
from simulacra.errors import MissingExtra
from simulacra.registry import install_advice
from simulacra.schema.types import Reference

Take = Callable[[pl.DataFrame], None]
Rows = Callable[[Described], Iterator[pl.DataFrame]]
CHUNK = 65_536
"""Rows that are read and written at a time."""


class Connection(ABC):
    """A connection to a database, of which each system has its own kind.

    Parameters
    ----------
    location : Location
        Where the database is.
    writing : bool
        Whether it is to be changed; it is opened for reading only otherwise.
    """

    dialect: ClassVar[str]

    def __init__(self, location: Location, *, writing: bool = False) -> None:
        self.location, self.writing = location, writing
        self.shown = location

    @abstractmethod
    def names(self) -> list[str]:
        """List the tables, without views."""

    def elsewhere(self) -> list[str]:
        """List the namespaces of the database with tables that are not read."""
        return []

    @abstractmethod
    def describe(self, name: str) -> Described:
        """Tell what the database declares of a table."""

    @abstractmethod
    def pull(self, table: Described, take: Take, rows: int = CHUNK) -> None:
        """Read the columns of a table, and give them on in frames of about so many rows."""

    @abstractmethod
    def run(self, sql: str) -> None:
        """Run a statement."""

    @abstractmethod
    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query of few rows."""

    @abstractmethod
    def load(self, table: Described, frames: Iterator[pl.DataFrame]) -> None:
        """Put rows, as `write_values` gives them, into a table that is there."""

    @abstractmethod
    def close(self) -> None:
        """End the connection; what was not committed is undone."""

    def begin(self) -> None:
        """Begin the one transaction in which all is read or written."""
        self.run("BEGIN")

    def commit(self) -> None:
        """Keep what was written."""
        self.run("COMMIT")

    def fill(self, plan: Sequence[Described], present: Sequence[str], rows: Rows, notes: list[str]) -> None:
        """Make tables and put in their rows, within the transaction.

        Parameters
        ----------
        plan : sequence of Described
            The tables; those that others refer to come first.
        present : sequence of str
            Which of them are there, and are to be replaced.
        rows : callable
            Gives the rows of a table.
        notes : list of str
            Gets what the system can not hold.
        """
        self.drop(present)
        for table in plan:
            self.run(create_table(table, self.dialect))
        for table in plan:
            self.load_named(table, rows)
            for check in table.checks:
                if self.breaks(table.name, check):
                    why = "some rows break it, and the database does not check those"
                    notes.append(tell_unsaid(table.name, check, why).replace("not declared", "declared", 1))
        for table, reference in list_references(plan):
            if self.has_orphans(table.name, reference):
                notes.append(tell_orphans(table.name, reference, True))

    def load_named(self, table: Described, rows: Rows, name: str | None = None) -> None:
        """Put in the rows of a table, which errors name; it may stand under another name for now."""
        with rewording(self.shown, "write", table.name):
            self.load(replace(table, name=name or table.name), rows(table))

    def takes(self, statement: str) -> bool:
        """Tell whether a statement that makes a table can be run, without running it here."""
        return True

    def breaks(self, table: str, check: str) -> bool:
        """Tell whether a row of a table breaks a check."""
        return bool(self.ask(find_breach(table, check, self.dialect)))

    def screen(self, table: Described, notes: list[str]) -> Described:
        """Leave out the checks and defaults that the system does not take."""
        if self.takes(create_table(table, self.dialect, references=False)):
            return table
        bare = replace(table, key=(), uniques=(), checks=(), references=(),
                       fields=tuple(replace(field, default=None) for field in table.fields))  # fmt: skip
        kept = []
        for place, field in enumerate(table.fields):
            fields = (*bare.fields[:place], field, *bare.fields[place + 1 :])
            if field.default is None or self.takes(create_table(replace(bare, fields=fields), self.dialect)):
                kept.append(field)
                continue
            notes.append(tell_default(table.name, field))
            kept.append(replace(field, default=None))
        checks = []
        for check in table.checks:
            if self.takes(create_table(replace(bare, checks=(check,)), self.dialect)):
                checks.append(check)
            else:
                notes.append(tell_unsaid(table.name, check, "the database does not take it"))
        return replace(table, fields=tuple(kept), checks=tuple(checks))

    def undo(self) -> None:
        """Take back what ending the connection does not undo."""
        return

    def drop(self, names: Sequence[str]) -> None:
        """Drop tables, those that refer to others first."""
        for name in reversed(names):
            self.run(f"DROP TABLE {self.quoted(name)}")

    def count(self, name: str) -> int:
        """Count the rows of a table."""
        return int(self.ask(f"SELECT count(*) FROM {self.quoted(name)}")[0][0])

    def quoted(self, *names: str) -> str:
        """Quote names, with commas between."""
        return quote_names(names, self.dialect)

    def has_orphans(self, table: str, reference: Reference, other: str | None = None) -> bool:
        """Tell whether a row of a table refers to a row that is not there."""
        pairs = [
            (f"a.{quote_name(here, self.dialect)}", f"b.{quote_name(there, self.dialect)}")
            for here, there in zip(reference.columns, reference.to, strict=True)
        ]
        given = " AND ".join(f"{here} IS NOT NULL" for here, _ in pairs)
        same = " AND ".join(f"{here} = {there}" for here, there in pairs)
        parent = self.quoted(other or reference.table)
        query = (
            f"SELECT 1 FROM {self.quoted(table)} a WHERE {given} AND NOT EXISTS "
            f"(SELECT 1 FROM {parent} b WHERE {same}) LIMIT 1"
        )
        return bool(self.ask(query))


def list_references(plan: Sequence[Described]) -> list[tuple[Described, Reference]]:
    """List all references of tables, each with the table that has it.

    Examples
    --------
    >>> list_references([Described("a", (), references=(Reference("b", "b", "id"),))])[0][1].table
    'b'
    """
    return [(table, reference) for table in plan for reference in table.references]


def tell_orphans(table: str, reference: Reference, declared: bool) -> str:
    """Say that rows break a reference.

    Examples
    --------
    >>> print(tell_orphans("orders", Reference("customer", "customers", "id"), False))  # doctest: +ELLIPSIS
    table 'orders': some rows refer by customer -> customers(id) to rows that are not there, so the reference is not ...
    """
    what = "declared, and the database does not check it" if declared else "not declared"
    return f"table {table!r}: some rows refer by {reference} to rows that are not there, so the reference is {what}."


def tell_computed(table: str, column: str) -> str:
    """Say that the database computes a column.

    Examples
    --------
    >>> tell_computed("t", "a")
    "table 't', column 'a': the database computes it; here, and where it is written to, it is a plain column."
    """
    return (
        f"table {table!r}, column {column!r}: the database computes it; here, and where it is written to, it is a "
        "plain column."
    )


def tell_always(table: str, column: str) -> str:
    """Say that the database alone counts a column, which rows that are written with their numbers can not keep.

    Examples
    --------
    >>> print(tell_always("t", "id"))  # doctest: +ELLIPSIS
    table 't', column 'id': GENERATED ALWAYS AS IDENTITY becomes BY DEFAULT where rows are written, since these ...
    """
    return (
        f"table {table!r}, column {column!r}: GENERATED ALWAYS AS IDENTITY becomes BY DEFAULT where rows are written, "
        "since these bring their own numbers."
    )


def tell_default(table: str, field: Field) -> str:
    """Say that the database does not take the default of a column.

    Examples
    --------
    >>> from simulacra.databases.sqltypes import SqlType
    >>> tell_default("t", Field("a", "text", SqlType("text"), default="f()"))
    "table 't', column 'a': the default f() is not declared: the database does not take it."
    """
    return (
        f"table {table!r}, column {field.name!r}: the default {field.default} is not declared: the database does "
        "not take it."
    )


@contextmanager
def connect(
    location: Location, *, writing: bool = False, shown: Location | None = None
) -> Iterator[Connection]:
    """Open a connection, and close it in any case.

    Parameters
    ----------
    location : Location
        Where the database is.
    writing : bool
        Whether it is to be changed.
    shown : Location or None
        What to call it in messages.

    Yields
    ------
    Connection
        Of the kind that the system needs.

    Raises
    ------
    MissingExtra
        A package is not installed.
    FileError
        The database can not be reached.
    """
    try:
        leaf = importlib.import_module(f"simulacra.databases.{location.dialect}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in {"", "simulacra"}:
            raise
        raise MissingExtra(
            f"a {location.dialect} database needs {missing!r}. Install it with: {install_advice(missing)}"
        ) from error
    connection: Connection = leaf.open_connection(location, writing=writing)
    connection.shown = shown or location
    try:
        yield connection
    finally:
        connection.close()
