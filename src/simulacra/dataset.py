"""Datasets: frames that keep to a schema, whatever they came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from simulacra._dataset_folders import files_of, require_absent
from simulacra._dataset_sources import SCHEMA_FILE, gather, write_book, write_database, write_dump
from simulacra.databases.deposit import Deposit
from simulacra.databases.urls import is_database, require_known
from simulacra.errors import DataError, OptionError
from simulacra.filing import write_path
from simulacra.frames import Layout, from_polars, to_polars
from simulacra.provenance import fingerprint
from simulacra.randomness import Streams, resolve_seed
from simulacra.schema.conformance import conform
from simulacra.schema.files import write_schema
from simulacra.schema.inference import infer_schema
from simulacra.schema.types import Schema, Table
from simulacra.splitting import split_entities, split_with_notes
from simulacra.storage import atomic_folder


@dataclass(frozen=True, repr=False)
class Dataset:
    """One or more tables under a schema.

    Parameters
    ----------
    schema : Schema
        The contract.
    frames : dict
        Canonical values of each table, as Polars frames.
    layouts : dict
        The kind of frame each table came as, and is given back as.
    notes : tuple of str
        What happened on the way: renamed columns, an accepted share, a seed.
    """

    schema: Schema
    frames: Mapping[str, pl.DataFrame]
    layouts: Mapping[str, Layout]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(frame) for frame in self.frames.values())

    def __repr__(self) -> str:
        tables = ", ".join(f"{name}: {len(f):,} rows x {f.width} columns" for name, f in self.frames.items())
        return f"Dataset({tables})"

    @property
    def name(self) -> str:
        """The name of the only table."""
        return self.schema.table().name

    @property
    def frame(self) -> Any:
        """The only table, as the kind of frame it came as (pandas, Polars or Arrow)."""
        return self.table()

    def table(self, name: str | None = None) -> Any:
        """Return a table as the kind of frame it came as."""
        table = self.schema.table(name)
        return from_polars(self.frames[table.name], self.layouts[table.name], table)

    def polars(self, name: str | None = None) -> pl.DataFrame:
        """Return a table's canonical values as a Polars frame."""
        return self.frames[self.schema.table(name).name]

    def select(self, *names: str) -> Dataset:
        """Return some of the tables."""
        schema = self.schema.select(names)
        return replace(
            self, schema=schema, frames={n: self.frames[n] for n in names}, layouts={n: self.layouts[n] for n in names}
        )  # fmt: skip

    def split(
        self, holdout: float = 0.2, *, entity: str | None = None, seed: int | None = None
    ) -> tuple[Dataset, Dataset]:
        """Part the rows at random into a training part and a holdout.

        Of several tables the entities are parted with all that belongs to them; see
        `simulacra.splitting.split_database`.

        Parameters
        ----------
        holdout : float
            Share of rows in the second part, above 0 and below 1.
        entity : str or None
            The column of a log that says whose event each row is: whole entities are parted then.
        seed : int or None
            The same seed gives the same parts.

        Returns
        -------
        (Dataset, Dataset)
            Training part and holdout, both in the order of the rows.
        """
        if not 0 < holdout < 1:
            raise OptionError(f"the holdout is a share above 0 and below 1, not {holdout!r}.")
        if len(self.frames) > 1:
            if entity is not None:
                raise OptionError(
                    "entity= (--entity) is for one table. Several are parted by what refers to what; leave it out."
                )
            streams = Streams(resolve_seed(seed))
            halves, told = split_with_notes(self.schema, self.frames, holdout, streams)
            notes = (*self.notes, *told)
            return replace(self, frames=halves[0], notes=notes), replace(self, frames=halves[1], notes=notes)
        frame, name = self.polars(), self.name
        if entity is not None:
            logs = split_entities(frame, entity, holdout, Streams(resolve_seed(seed)))
            return replace(self, frames={name: logs[0]}), replace(self, frames={name: logs[1]})
        order = Streams(resolve_seed(seed)).stream("split").permutation(len(frame))
        cut = round(len(frame) * (1 - holdout))
        parts = (np.sort(order[:cut]), np.sort(order[cut:]))
        one, two = (replace(self, frames={name: frame[part]}) for part in parts)
        return one, two

    def chunks(self, rows: int = 65_536, *, name: str | None = None) -> Iterator[pl.DataFrame]:
        """Go through a table's canonical values in pieces."""
        yield from self.polars(name).iter_slices(rows)

    def with_schema(self, schema: Schema) -> Dataset:
        """Return the same values under another schema, read anew where kinds differ."""
        frames, notes = {}, list(dict.fromkeys((*self.notes, *schema.notes)))
        for table in schema.tables:
            if table.name not in self.frames and len(schema.tables) == len(self.frames) == 1:
                table = table.renamed(self.name)
            frame, told = conform(self.frames[self.schema.table(table.name).name], table)
            frames[table.name] = frame
            notes += told
        renamed = Schema(tuple(t.renamed(n) for t, n in zip(schema.tables, frames, strict=True)))
        return replace(self, schema=renamed, frames=frames, notes=tuple(notes))

    @property
    def digest(self) -> str:
        """SHA-256 of all values in row order."""
        digests = [fingerprint(frame) for _, frame in sorted(self.frames.items())]
        return digests[0] if len(digests) == 1 else fingerprint(pl.DataFrame({"digest": digests}))

    def write(
        self,
        path: str | Path,
        *,
        format: str | None = None,
        if_exists: Literal["error", "replace", "append"] = "error",
        dialect: str | None = None,
    ) -> Path | Deposit:
        """Write the data to a file, a folder, a database or a dump.

        Parameters
        ----------
        path : str or Path
            The ending of a file chooses the format: .csv (.csv.gz, ...), .parquet, .arrow, .jsonl, .xlsx, or .sql for
            SQL that makes and fills the tables. A URL (``postgresql://user@host/name``) or a file that ends in .db,
            .sqlite or .duckdb is a database. Several tables are the sheets of an .xlsx file, and go to a folder
            otherwise, with their schema beside them.
        format : str or None
            Ending of the files in a folder: ``"parquet"`` (when None) or another of the above.
        if_exists : {"error", "replace", "append"}
            What to do with a table that a database or a folder has already. A file of one table is replaced, and so is
            a dump or a workbook; only databases are appended to.
        dialect : str or None
            For whom a dump is: ``sqlite``, ``postgresql``, ``mysql`` or ``duckdb``; the database that the tables are
            from, or SQLite, when None.

        Returns
        -------
        Path or Deposit
            What was written: a file or a folder; for a database the numbers of rows, and notes.

        Raises
        ------
        FileError
            It can not be written; nothing is left half done.
        DataError
            The rows do not fit the database, which is as it was.
        """
        require_known(path)
        if is_database(path):
            return write_database(self.frames, self.schema, path, layouts=self.layouts, if_exists=if_exists)
        if if_exists not in {"error", "replace"}:
            raise OptionError(
                f"{if_exists!r} is for databases, and files are written whole. Say if_exists='replace' "
                "(--if-exists replace)."
            )
        target = Path(path).expanduser()
        if target.suffix.lower() == ".sql":
            return write_dump(self.frames, self.schema, target, layouts=self.layouts, dialect=dialect)
        if len(self.frames) == 1 and format is None:
            self._write_table(self.schema.table(), target)
            return target
        if target.suffix.lower() == ".xlsx" and format is None:
            return write_book({t.name: self._stored(t) for t in self.schema.tables}, self.schema, target)
        if target.suffix and format is None:
            raise DataError(f"{len(self.frames)} tables go to a folder, and {str(target)!r} is a file name.")
        if if_exists == "error":
            require_absent(target, self.frames)
        with atomic_folder(target, files_of(target, self.frames)) as beside:
            for table in self.schema.tables:
                self._write_table(table, beside / f"{table.name}.{(format or 'parquet').lstrip('.')}")
            write_schema(self.schema, beside / SCHEMA_FILE)
        return target

    def _write_table(self, table: Table, path: Path) -> None:
        write_path(self._stored(table), path, table)

    def _stored(self, table: Table) -> pl.DataFrame:
        return next(stored(iter([self.frames[table.name]]), self.layouts[table.name], table))


def stored(frames: Iterator[pl.DataFrame], layout: Layout, table: Table) -> Iterator[pl.DataFrame]:
    """Give canonical values the types that they came in, where that was as Polars has them.

    Parameters
    ----------
    frames : iterator of DataFrame
        Canonical values, piece by piece.
    layout : Layout
        What they looked like.
    table : Table
        Their schema.

    Raises
    ------
    DataError
        A later piece does not fit a type that the first one fits, so the pieces can not stand in one file.
    """
    types: pl.Schema | None = None
    for frame in frames:
        out: pl.DataFrame = from_polars(frame, layout, table) if layout.kind == "polars" else frame
        types = types or out.schema
        if out.schema != types:
            uneven = ", ".join(repr(name) for name in types if out.schema[name] != types[name])
            raise DataError(
                f"column {uneven}: some rows do not fit the type that the training data had. "
                "Draw all rows first, with sample(...).write(...), which takes a wider one."
            )
        yield out


def dataset(
    data: Any,
    *,
    schema: Schema | None = None,
    name: str | None = None,
    extra: Literal["error", "drop"] = "error",
    unreadable: Literal["error", "null"] = "error",
    tables: Sequence[str] | None = None,
    rows: int | None = None,
) -> Dataset:
    """Make a Dataset of a path, a database, a frame, a mapping of names to frames, or a Dataset.

    Parameters
    ----------
    data : path, URL, frame, mapping or Dataset
        A data file, a folder of data files, a database, a pandas, Polars or Arrow frame.
    schema : Schema or None
        The contract. When None: what a database declares, the ``schema.yaml`` of a folder, or else inferred.
    name : str or None
        Name of the only table; the file's stem, or ``"table"``, when None.
    extra, unreadable : str
        As in `simulacra.schema.conformance.conform`.
    tables : sequence of str or None
        Which tables of a database; all when None.
    rows : int or None
        About how many rows of each table of a database to read at most; see
        `simulacra.databases.reading.read_database`.

    Returns
    -------
    Dataset
        The values under their schema.
    """
    if isinstance(data, Dataset):
        return data if schema is None else data.with_schema(schema)
    found = gather(data, name, tables, rows)
    raw, typed, layouts, notes = found.raw, found.typed, dict(found.layouts), list(found.notes)
    schema = found.schema if schema is None else schema
    if schema is None:
        schema = infer_schema(raw, typed)
    elif len(schema.tables) == len(raw) == 1:
        only = next(iter(raw))
        schema = replace(schema, tables=(schema.tables[0].renamed(only),))
    notes += schema.notes
    values = {}
    for table in schema.tables:
        if table.name not in raw:
            raise DataError(
                f"the schema has a table {table.name!r} that the data have not: {', '.join(raw)}."
            )
        values[table.name], told = conform(raw[table.name], table, extra=extra, unreadable=unreadable)
        notes += told
        stored = raw[table.name] if typed[table.name] else values[table.name]
        layouts.setdefault(table.name, to_polars(stored)[1])
    return Dataset(schema, values, layouts, tuple(notes))


@dataclass(frozen=True)
class Written:
    """What `Synthesizer.write` wrote.

    Parameters
    ----------
    rows : int
        Number of rows.
    digest : str
        SHA-256 of all values in row order; that of `Dataset.digest`.
    notes : tuple of str
        The accepted share of a condition, a seed that was drawn.
    """

    rows: int
    digest: str
    notes: tuple[str, ...] = ()
