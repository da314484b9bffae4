"""Parts as rows of a PostgreSQL database: each is there once, with its record, or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from simulacra.databases.connection import connect
from simulacra.databases.described import Described
from simulacra.databases.planning import plan_tables
from simulacra.databases.postgresql import PostgreSQL
from simulacra.databases.refusals import rewording
from simulacra.databases.rendering import quote_text
from simulacra.databases.urls import Location, parse_url
from simulacra.databases.values import write_values
from simulacra.errors import DataError, FileError, OptionError
from simulacra.scale.manifest import Manifest, Record, Units, write_manifest
from simulacra.scale.plan import Part, Plan
from simulacra.scale.store import ATTEMPTS, FIRST_WAIT
from simulacra.scale.target import IfExists, Target
from simulacra.schema.types import Schema

SPACE = "simulacra_parts"
"""The namespace in which a database keeps what it knows of a run, apart from the tables."""
_TABLE = f"{SPACE}.parts"
_MAKE = f"""
CREATE SCHEMA IF NOT EXISTS {SPACE};
CREATE TABLE IF NOT EXISTS {_TABLE} (space text, part text, content text NOT NULL, PRIMARY KEY (space, part))
"""


class Tables(Target):
    """Tables of a PostgreSQL database.

    Parameters
    ----------
    schema : Schema
        The tables.
    location : Location
        The database.

    Notes
    -----
    A part is one transaction: its rows by COPY, and its record. Keys, checks and references are added when all rows are
    there.
    """

    def __init__(self, schema: Schema, location: Location) -> None:
        super().__init__(schema, str(location))
        self.location = location

    @contextmanager
    def _open(self) -> Iterator[PostgreSQL]:
        with rewording(self.location, "write"), connect(self.location, writing=True) as database:
            assert isinstance(database, PostgreSQL)
            yield database

    def begin(self, plan: Plan, if_exists: IfExists, *, check: bool) -> tuple[Plan, list[Record]]:
        """Make the tables, or go on with the run that filled them; see `Target.begin`."""
        with self._open() as database:
            database.begin()
            for statement in _MAKE.split(";"):
                database.run(statement)
            known = self._known(database)
            there = set(database.names())
            present = [name for name in self.schema.names if name in there]
            if known and present and if_exists == "resume":
                found = self._resume(known, plan)
                database.commit()
                return found
            if present and if_exists != "replace":
                raise FileError(
                    f"table {present[0]!r} is there already in {self.place}; nothing was changed. "
                    "Say if_exists='replace' (--if-exists replace), or choose another database."
                )
            database.drop(present)
            database.run(f"DELETE FROM {_TABLE} WHERE space = current_schema()")
            database.make_tables(self._plan([]), [])
            self._keep(database, "plan", plan.to_bytes().decode())
            database.commit()
        return plan, []

    def _known(self, database: PostgreSQL) -> dict[str, Any]:
        rows = database.ask(f"SELECT part, content FROM {_TABLE} WHERE space = current_schema()")
        return {str(part): json.loads(content) for part, content in rows}

    def _resume(self, known: dict[str, Any], plan: Plan) -> tuple[Plan, list[Record]]:
        if "manifest" in known:
            manifest = Manifest.load(known["manifest"], self.place)
            old, records = manifest.plan, list(manifest.records)
        else:
            old = Plan.load(known.pop("plan"), self.place)
            records = [Record.load(content) for content in known.values()]
        if old.identity != plan.identity:
            raise FileError(
                f"{self.place} holds parts of other rows: another model, request, seed or version made them. "
                "Say if_exists='replace' (--if-exists replace), or choose another database."
            )
        return old, records

    def _plan(self, notes: list[str]) -> list[Described]:
        planned, told = plan_tables(self.schema, {}, "postgresql")
        notes += told
        return planned

    def _keep(self, database: PostgreSQL, part: str, content: str) -> None:
        texts = ", ".join(quote_text(text, "postgresql") for text in (part, content))
        database.run(f"INSERT INTO {_TABLE} VALUES (current_schema(), {texts})")

    def save(
        self, plan: Plan, part: Part, frames: Mapping[str, Sequence[pl.DataFrame]], units: Mapping[str, Units]
    ) -> Record:
        """Put in the rows of a part and its record, in one transaction."""
        size = sum(int(frame.estimated_size()) for own in frames.values() for frame in own)
        record = Record(part.group, part.number, part.first, units, (), size)
        for attempt in range(ATTEMPTS):
            try:
                self._save(record, frames)
                return record
            except FileError:
                if attempt == ATTEMPTS - 1:
                    raise
            time.sleep(FIRST_WAIT * 2**attempt)
        return record

    def _save(self, record: Record, frames: Mapping[str, Sequence[pl.DataFrame]]) -> None:
        with self._open() as database:
            database.begin()
            # whoever comes second waits here until the first is done, and then has nothing to do
            database.run(f"LOCK TABLE {_TABLE} IN ROW EXCLUSIVE MODE")
            key = quote_text(record.key, "postgresql")
            database.ask(f"SELECT pg_advisory_xact_lock(hashtext(current_schema() || {key}))")
            there = f"SELECT 1 FROM {_TABLE} WHERE space = current_schema() AND part = {key}"
            if database.ask(there):
                return
            for table in self._plan([]):
                if table.name in frames:
                    database.load_named(table, lambda chosen: self._convert(chosen, frames[chosen.name]))
            self._keep(database, record.key, record.to_bytes().decode())
            database.commit()

    def _convert(self, target: Described, frames: Sequence[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Give rows as the database takes them."""
        table = self.schema.table(target.name)
        for frame in frames:
            made = []
            for field in target.fields:
                values = frame[field.name]
                plain = values.cast(pl.String) if values.dtype == pl.Enum else values
                written = write_values(plain, table[field.name], field.type, "postgresql").alias(field.name)
                if written.null_count() != values.null_count():
                    raise DataError(
                        f"table {target.name!r}, column {field.name!r}: some values do not fit the type {field.text}. "
                        "Give the column another kind in the schema."
                    )
                made.append(written)
            yield pl.DataFrame(made)

    def finish(self, manifest: Manifest) -> Manifest:
        """Add keys, checks and references, and keep the manifest in the place of the records."""
        notes: list[str] = []
        with self._open() as database:
            database.begin()
            if "manifest" in self._known(database):
                return manifest
            database.link_tables(self._plan(notes), notes)
            manifest = manifest.with_notes(notes)
            database.run(f"DELETE FROM {_TABLE} WHERE space = current_schema()")
            self._keep(database, "manifest", write_manifest(manifest).decode())
            database.commit()
        return manifest


def open_tables(schema: Schema, url: str | Path) -> Tables:
    """Open the database that parts go to.

    Parameters
    ----------
    schema : Schema
        The tables.
    url : str or Path
        Where it is.

    Raises
    ------
    OptionError
        It is no PostgreSQL database, or more than one namespace of it.

    Examples
    --------
    >>> open_tables(Schema(()), "postgresql://ada:secret@db.example/shop").place
    'postgresql://ada@db.example/shop'
    """
    location = parse_url(url)
    if location.dialect != "postgresql":
        raise OptionError(
            f"parts go to PostgreSQL, and {str(location)!r} is of {location.dialect}. Write a folder of parts, or all "
            "rows at once: sample(...).write(...)."
        )
    if "," in location.options.get("schema", ""):
        raise OptionError("parts go to one namespace of a database, and ?schema= names several. Name one.")
    return Tables(schema, location)
