"""Where the tables of a data set are from, and where they go that is no file of one table."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from simulacra.databases.deposit import Deposit
from simulacra.databases.urls import is_database, require_known
from simulacra.errors import DataError, MissingExtra, OptionError
from simulacra.filing import SCHEMA_FILE as SCHEMA_FILE
from simulacra.filing import read_path, source_for
from simulacra.frames import Layout, is_frame, to_polars
from simulacra.registry import install_advice
from simulacra.schema.files import read_schema
from simulacra.schema.types import Schema
from simulacra.storage import atomic_path


@dataclass(slots=True)
class Gathered:
    """Tables as they were found, with the schema that stood with them."""

    raw: dict[str, pl.DataFrame] = field(default_factory=dict)
    typed: dict[str, bool] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    schema: Schema | None = None


def gather(data: Any, name: str | None, tables: Sequence[str] | None, rows: int | None) -> Gathered:
    """Read the tables of a path, a database, a frame or a mapping of frames."""
    require_known(data)
    if is_database(data):
        pulled = _leaf("reading").read_database(data, tables=tables, rows=rows)
        found = Gathered(
            pulled.frames, dict.fromkeys(pulled.frames, True), pulled.layouts, list(pulled.notes)
        )
        found.schema = pulled.schema
    elif tables is not None or rows is not None:
        raise OptionError("tables and rows choose what to read of a database, and these data are none.")
    else:
        found = _gather_files(Path(data)) if isinstance(data, (str, Path)) else _gather_frames(data, name)
    if name is not None and len(found.raw) == 1:
        only = next(iter(found.raw))
        found.raw, found.typed = {name: found.raw[only]}, {name: found.typed[only]}
        found.layouts = {name: found.layouts[only]} if found.layouts else {}
    return found


def _gather_files(path: Path) -> Gathered:
    found = Gathered()
    for file, loaded in read_path(path).items():
        found.raw[file], found.typed[file] = loaded.frame, loaded.typed
        found.notes += loaded.notes
    beside = path.expanduser() / SCHEMA_FILE
    if beside.is_file():
        found.schema = read_schema(beside)
        found.notes.append(f"the schema is read from {SCHEMA_FILE!r} in folder {path.name!r}.")
    return found


def _gather_frames(data: Any, name: str | None) -> Gathered:
    found = Gathered()
    frames = data if isinstance(data, Mapping) else {name or "table": data}
    for key, frame in frames.items():
        if not is_frame(frame):
            raise DataError(
                f"data must be a path or a pandas, Polars or Arrow frame, not a {type(frame).__name__}."
            )
        found.raw[key], found.layouts[key] = to_polars(frame)
        found.typed[key] = True
        found.notes += found.layouts[key].notes
    return found


def write_database(*given: Any, **options: Any) -> Deposit:
    """Write tables into a database; see `simulacra.databases.writing.write_database`."""
    deposit: Deposit = _leaf("writing").write_database(*given, **options)
    return deposit


def write_dump(*given: Any, **options: Any) -> Path:
    """Write tables as SQL text; see `simulacra.databases.dumping.write_dump`."""
    path: Path = _leaf("dumping").write_dump(*given, **options)
    return path


def write_book(frames: Mapping[str, pl.DataFrame], schema: Schema, path: Path) -> Path:
    """Write tables as the sheets of one workbook."""
    source = source_for(path)
    with atomic_path(path) as beside:
        source.write_tables({t.name: source.prepare(frames[t.name], t) for t in schema.tables}, beside)
    return path


def _leaf(name: str) -> Any:
    try:
        return importlib.import_module(f"simulacra.databases.{name}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in {"", "simulacra"}:
            raise
        raise MissingExtra(
            f"databases need {missing!r}. Install it with: {install_advice(missing)}"
        ) from error
