"""Tables into a database: created, loaded and linked, all or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import polars as pl

from simulacra.databases.connection import CHUNK, Connection, connect
from simulacra.databases.deposit import Deposit
from simulacra.databases.described import Described, Field
from simulacra.databases.planning import plan_tables
from simulacra.databases.refusals import rewording
from simulacra.databases.urls import Location, parse_url
from simulacra.databases.values import write_values
from simulacra.errors import DataError, OptionError
from simulacra.frames import Layout
from simulacra.schema.types import Schema, Table
from simulacra.storage import atomic_path

Frames = Mapping[str, pl.DataFrame | Iterable[pl.DataFrame]]
IfExists = Literal["error", "replace", "append"]


@dataclass(slots=True)
class _Task:
    """What one call writes, and what came of it."""

    frames: Frames
    schema: Schema
    if_exists: IfExists
    dialect: str
    rows: Counter[str] = field(default_factory=Counter)
    cut: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


def write_database(
    frames: Frames,
    schema: Schema,
    url: str | Path,
    *,
    layouts: Mapping[str, Layout] | None = None,
    if_exists: IfExists = "error",
) -> Deposit:
    """Write tables into a database.

    Parameters
    ----------
    frames : mapping of str to DataFrame or iterable of DataFrame
        Canonical values of each table of the schema; of several frames one is held at a time. Tables are asked for in
        the order that `simulacra.databases.planning.order_tables` gives.
    schema : Schema
        Their contract: keys, references and unique columns are declared.
    url : str or Path
        The database; see `simulacra.databases.urls.parse_url`. A file is made if it is not there.
    layouts : mapping of str to Layout or None
        The types of the database that they come from; columns get the same ones, or the nearest. Chosen by the schema
        where they are missing.
    if_exists : {"error", "replace", "append"}
        What to do with a table that is there.

    Returns
    -------
    Deposit
        Numbers of rows, and notes.

    Raises
    ------
    FileError
        A table is there, or the database can not be reached or does not allow it; it is as it was.
    DataError
        The rows do not fit; the database is as it was.

    Notes
    -----
    All is written in one transaction; in MySQL and MariaDB, where tables can not be made in one, under other names that
    take their places all at once. A process that is killed leaves the database as it was. A reference that some rows
    break is declared where the system allows that unchecked (PostgreSQL, MySQL, SQLite), and else left out with a note.

    **Cost**: linear in rows: some 200,000 rows of 6 columns a second into PostgreSQL, which are sent with COPY.

    Examples
    --------
    >>> import tempfile
    >>> from simulacra.databases.reading import read_database
    >>> from simulacra.schema.types import Column
    >>> shop = Schema((Table("items", (Column("id", "key", integer=True),), key=("id",)),))
    >>> path = tempfile.mkdtemp() + "/shop.db"
    >>> write_database({"items": pl.DataFrame({"id": [1, 2]})}, shop, path).rows
    {'items': 2}
    >>> read_database(path).frames["items"].rows()
    [(1,), (2,)]
    """
    if if_exists not in {"error", "replace", "append"}:
        raise OptionError(f"if_exists= (--if-exists) is 'error', 'replace' or 'append', not {if_exists!r}.")
    location = parse_url(url)
    task = _Task(frames, schema, if_exists, location.dialect)
    if location.is_file and not location.path.exists():
        with atomic_path(location.path) as beside:
            try:
                _write(replace(location, database=str(beside)), location, task, layouts or {})
            finally:
                for suffix in (".wal", "-journal", "-wal", "-shm"):
                    with suppress(FileNotFoundError):
                        Path(f"{beside}{suffix}").unlink()
    else:
        _write(location, location, task, layouts or {})
    for (table, column), count in task.cut.items():
        task.notes.append(
            f"table {table!r}, column {column!r}: {count:,} texts are cut to the length of the column."
        )
    for (table, column), count in task.lost.items():
        task.notes.append(
            f"table {table!r}, column {column!r}: {count:,} values do not fit its type and are missing."
        )
    return Deposit(
        str(location), {table.name: task.rows[table.name] for table in schema.tables}, tuple(task.notes)
    )


def _write(place: Location, shown: Location, task: _Task, layouts: Mapping[str, Layout]) -> None:
    plan, notes = plan_tables(task.schema, layouts, place.dialect)
    task.notes += notes
    with rewording(shown, "write"), connect(place, writing=True, shown=shown) as database:
        there = set(database.names())
        present = [table.name for table in plan if table.name in there]
        if present and task.if_exists == "error":
            raise DataError(
                f"table {present[0]!r} is there already in {shown}; nothing was changed. "
                "Say if_exists='replace' (--if-exists replace) or 'append', or choose another database."
            )
        if task.if_exists == "append":
            _append(database, shown, plan, there, task)
            return
        database.begin()
        try:
            database.fill(plan, present, lambda table: _convert(task, table), task.notes)
        except BaseException:
            database.undo()
            raise
        database.commit()


def _append(
    database: Connection, shown: Location, plan: list[Described], there: set[str], task: _Task
) -> None:
    for table in plan:
        if table.name not in there:
            raise DataError(
                f"there is no table {table.name!r} in {shown} to append to. "
                "Say if_exists='error' (--if-exists error)."
            )
    targets = [database.describe(table.name) for table in plan]
    for table, target in zip(plan, targets, strict=True):
        lacking = [name for name in table.names if name not in target.names]
        if lacking:
            raise DataError(
                f"table {table.name!r} of {shown} has no column {lacking[0]!r}. Append to another."
            )
    database.begin()
    for table, target in zip(plan, targets, strict=True):
        database.load_named(target.select(table.names), lambda chosen: _convert(task, chosen))
    database.commit()


def _convert(task: _Task, target: Described) -> Iterator[pl.DataFrame]:
    """Give the rows of a table in blocks, as the database takes them."""
    table: Table = task.schema.table(target.name)
    given = task.frames[target.name]
    for frame in [given] if isinstance(given, pl.DataFrame) else given:
        for block in frame.iter_slices(CHUNK):
            task.rows[target.name] += len(block)
            yield pl.DataFrame([_fit(task, table, field, block[field.name]) for field in target.fields])


def _fit(task: _Task, table: Table, field: Field, values: pl.Series) -> pl.Series:
    out = write_values(values, table[field.name], field.type, task.dialect).alias(field.name)
    gone = out.null_count() - values.null_count()
    if gone:
        task.lost[table.name, field.name] += gone
    most = field.type.length
    if most is not None and field.type.family in {"char", "varchar"}:
        long = int((out.str.len_chars() > most).sum())
        if long:
            task.cut[table.name, field.name] += long
            out = out.str.head(most)
    return out
