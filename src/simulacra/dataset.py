"""Datasets: frames that keep to a schema, whatever they came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from simulacra.errors import DataError, OptionError
from simulacra.filing import read_path, write_path
from simulacra.frames import Layout, from_polars, is_frame, to_polars
from simulacra.provenance import fingerprint
from simulacra.randomness import Streams, resolve_seed
from simulacra.schema.conformance import conform
from simulacra.schema.inference import infer_schema
from simulacra.schema.types import Schema, Table


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

    def split(self, holdout: float = 0.2, *, seed: int | None = None) -> tuple[Dataset, Dataset]:
        """Part the rows at random into a training part and a holdout.

        Parameters
        ----------
        holdout : float
            Share of rows in the second part, above 0 and below 1.
        seed : int or None
            The same seed gives the same parts.

        Returns
        -------
        (Dataset, Dataset)
            Training part and holdout, both in the order of the rows.
        """
        if not 0 < holdout < 1:
            raise OptionError(f"the holdout is a share above 0 and below 1, not {holdout!r}.")
        frame, name = self.polars(), self.name
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
                table = replace(table, name=self.name)
            frame, told = conform(self.frames[self.schema.table(table.name).name], table)
            frames[table.name] = frame
            notes += told
        renamed = Schema(tuple(replace(t, name=n) for t, n in zip(schema.tables, frames, strict=True)))
        return replace(self, schema=renamed, frames=frames, notes=tuple(notes))

    @property
    def digest(self) -> str:
        """SHA-256 of all values in row order."""
        digests = [fingerprint(frame) for _, frame in sorted(self.frames.items())]
        return digests[0] if len(digests) == 1 else fingerprint(pl.DataFrame({"digest": digests}))

    def write(self, path: str | Path) -> Path:
        """Write the data to a file, or several tables to a folder of Parquet files.

        Parameters
        ----------
        path : str or Path
            The ending chooses the format: .csv (.csv.gz, ...), .parquet, .arrow, .jsonl, .xlsx.

        Returns
        -------
        Path
            What was written.

        Raises
        ------
        FileError
            It can not be written; nothing is left half done.
        """
        target = Path(path)
        if len(self.frames) == 1:
            self._write_table(self.schema.table(), target)
            return target
        if target.suffix:
            raise DataError(f"{len(self.frames)} tables go to a folder, and {str(target)!r} is a file name.")
        target.mkdir(exist_ok=True)
        for table in self.schema.tables:
            self._write_table(table, target / f"{table.name}.parquet")
        return target

    def _write_table(self, table: Table, path: Path) -> None:
        whole = stored(iter([self.frames[table.name]]), self.layouts[table.name], table)
        write_path(next(whole), path, table)


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
) -> Dataset:
    """Make a Dataset of a path, a frame, a mapping of names to frames, or a Dataset.

    Parameters
    ----------
    data : path, frame, mapping or Dataset
        A data file, a folder of data files, a pandas, Polars or Arrow frame.
    schema : Schema or None
        The contract; inferred when None.
    name : str or None
        Name of the only table; the file's stem, or ``"table"``, when None.
    extra, unreadable : str
        As in `simulacra.schema.conformance.conform`.

    Returns
    -------
    Dataset
        The values under their schema.
    """
    if isinstance(data, Dataset):
        return data if schema is None else data.with_schema(schema)
    raw: dict[str, pl.DataFrame] = {}
    typed: dict[str, bool] = {}
    layouts: dict[str, Layout] = {}
    notes: list[str] = []
    if isinstance(data, (str, Path)):
        for file, loaded in read_path(Path(data)).items():
            raw[file], typed[file] = loaded.frame, loaded.typed
            notes += loaded.notes
    else:
        frames = data if isinstance(data, Mapping) else {name or "table": data}
        for key, frame in frames.items():
            if not is_frame(frame):
                raise DataError(
                    f"data must be a path or a pandas, Polars or Arrow frame, not a {type(frame).__name__}."
                )
            raw[key], layouts[key] = to_polars(frame)
            typed[key] = True
            notes += layouts[key].notes
    if name is not None and len(raw) == 1:
        only = next(iter(raw))
        raw, typed = {name: raw[only]}, {name: typed[only]}
        layouts = {name: layouts[only]} if layouts else {}
    if schema is None:
        schema = infer_schema(raw, typed)
    elif len(schema.tables) == len(raw) == 1:
        only = next(iter(raw))
        schema = replace(schema, tables=(replace(schema.tables[0], name=only),))
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
