"""A database as frames under a schema: whole, or a bounded sample that stays whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from simulacra._frames_types import type_text
from simulacra.databases.connection import Connection, connect
from simulacra.databases.described import Described
from simulacra.databases.reflection import choose_tables, declare
from simulacra.databases.refusals import rewording
from simulacra.databases.sampling import choose_rows
from simulacra.databases.urls import parse_url
from simulacra.databases.values import read_values
from simulacra.domain import Array
from simulacra.errors import OptionError
from simulacra.frames import Layout
from simulacra.schema.types import Schema


@dataclass(frozen=True, slots=True)
class Pulled:
    """Tables as they were read.

    Parameters
    ----------
    frames : dict of str to DataFrame
        Their values, typed.
    schema : Schema
        What the database declares of them, refined by the values.
    layouts : dict of str to Layout
        The types that the database itself gives the columns, to be given back.
    notes : tuple of str
        What was left out or changed, one sentence each.
    """

    frames: dict[str, pl.DataFrame]
    schema: Schema
    layouts: dict[str, Layout]
    notes: tuple[str, ...]


def read_database(
    data: str | Path, *, tables: Sequence[str] | None = None, rows: int | None = None
) -> Pulled:
    """Read a database.

    Parameters
    ----------
    data : str or Path
        A URL, or the path of a database file; see `simulacra.databases.urls.parse_url`.
    tables : sequence of str or None
        Which tables; all when None. References to others are left out.
    rows : int or None
        Read about so many rows of each table at most: some entities with all that belongs to them, and all that they
        refer to. The same database gives the same sample.

    Returns
    -------
    Pulled
        Frames, schema, layouts and notes.

    Raises
    ------
    FileError
        The database can not be reached.
    UnknownName
        There is no table of a name.

    Notes
    -----
    All tables are read in one transaction, as they were at one moment. **Cost**: linear in rows; about one block of
    rows is held as the driver gives it.

    **Privacy**: no password is kept in what is returned.

    Examples
    --------
    >>> import sqlite3, tempfile
    >>> path = tempfile.mkdtemp() + "/shop.db"
    >>> with sqlite3.connect(path) as shop:
    ...     _ = shop.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, price DECIMAL(8,2))")
    ...     _ = shop.execute("INSERT INTO items VALUES (1, 2.5)")
    >>> read_database(path).frames["items"].rows()
    [(1, 2.5)]
    """
    if rows is not None and rows < 1:
        raise OptionError(f"rows is how many rows of each table to read, 1 or more, not {rows!r}.")
    location = parse_url(data)
    notes: list[str] = []
    with rewording(location, "read"), connect(location) as database:
        database.begin()
        elsewhere = database.elsewhere()
        named = choose_tables(database.names(), tables, location, elsewhere)
        if elsewhere and tables is None and "schema" not in location.options:
            notes.append(
                f"tables of {'the namespace' if len(elsewhere) == 1 else 'the namespaces'} "
                f"{', '.join(map(repr, elsewhere))} are not read; name those to read behind the URL: "
                f"?schema={elsewhere[0]}, several with commas between."
            )
        found = [database.describe(name) for name in named]
        chosen = dict.fromkeys(named) if rows is None else choose_rows(database, found, rows)
        frames = {}
        for table in found:
            with rewording(location, "read", table.name):
                frames[table.name] = _pull(database, table, chosen[table.name], notes)
    sampled = [name for name, mask in chosen.items() if mask is not None]
    if sampled:
        notes.append(
            f"a sample of the database was read, whole entities with what they refer to: "
            f"{', '.join(f'{len(frames[name]):,} rows of {name!r}' for name in sampled)}."
        )
    schema = declare(found, location, frames)
    layouts = {
        table.name: Layout(
            "polars",
            {column.name: type_text(column.dtype) for column in frames[table.name].get_columns()},
            dialect=location.dialect,
            sql={field.name: field.told for field in table.fields},
        )
        for table in found
    }
    return Pulled(frames, schema, layouts, tuple(notes))


def _pull(database: Connection, table: Described, mask: Array | None, notes: list[str]) -> pl.DataFrame:
    """Read a table, or the rows of it that a mask marks."""
    pieces: list[pl.DataFrame] = []
    lost = dict.fromkeys(table.names, 0)
    place = 0

    def take(frame: pl.DataFrame) -> None:
        nonlocal place
        if mask is not None:
            part = mask[place : place + len(frame)]
            place += len(frame)
            frame = frame.filter(pl.Series(part))
        columns = []
        for field in table.fields:
            values, gone = read_values(frame[field.name], field.type)
            lost[field.name] += gone
            columns.append(values)
        pieces.append(pl.DataFrame(columns))

    database.pull(table, take)
    for name, count in lost.items():
        if count:
            notes.append(
                f"table {table.name!r}, column {name!r}: {count:,} values have no counterpart here (such as infinite "
                "dates) and count as missing."
            )
    if not pieces:
        empty = [read_values(pl.Series(f.name, [], dtype=pl.String), f.type)[0] for f in table.fields]
        return pl.DataFrame(empty)
    return pl.concat(pieces, how="vertical_relaxed")
