"""Files and folders of data: the right source for each path, read with notes, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from errno import EISDIR
from pathlib import Path
from typing import TextIO

import polars as pl

from simulacra._filing_parts import Parts, find_parts, join_parts
from simulacra._filing_suffixes import suffixes_of
from simulacra.errors import DataError, FileError
from simulacra.formatting import format_frame
from simulacra.memory import require_memory
from simulacra.randomness import BLOCK_ROWS
from simulacra.registry import SOURCES
from simulacra.schema.types import Table
from simulacra.source import Source, Stored
from simulacra.storage import atomic_path, open_error, write_error

SCHEMA_FILE = "schema.yaml"
"""The file in a folder of tables that says what they are."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """One table as a file has it.

    Parameters
    ----------
    frame : DataFrame
        The values.
    typed : bool
        False if all columns are text and must be parsed.
    notes : tuple of str
        What was assumed or changed while reading, one sentence each.
    """

    frame: pl.DataFrame
    typed: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """One table as a file has it, to be read column by column.

    Parameters
    ----------
    stored : Stored
        The columns.
    typed : bool
        False if all columns are text and must be parsed.
    notes : tuple of str
        What was assumed or changed while opening, one sentence each.
    """

    stored: Stored
    typed: bool
    notes: tuple[str, ...] = ()


def open_path(path: Path | str) -> Opened:
    """Open a data file to read it column by column.

    Parameters
    ----------
    path : Path or str
        A file (``"book.xlsx#May"`` names a sheet).

    Returns
    -------
    Opened
        Its columns; Parquet and Arrow files are left on disk, others are read whole.

    Raises
    ------
    FileError, DataError, MissingExtra
        As `read_path` does.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "people.parquet"
    >>> pl.DataFrame({"age": [36, 41]}).write_parquet(path)
    >>> open_path(path).stored.load("age").to_list()
    [36, 41]
    """
    source, file = _source_of(Path(path).expanduser())
    opened = source.open(file)
    return Opened(opened, source.typed, tuple(source.notes))


def read_path(path: Path | str) -> dict[str, Loaded]:
    """Read a data file, or all data files of a folder.

    Parameters
    ----------
    path : Path or str
        A file (``"book.xlsx#May"`` names a sheet) or a folder.

    Returns
    -------
    dict
        Each table by its name: the file's name without suffixes.

    Raises
    ------
    FileError
        The path does not exist or can not be read, or its suffix is unknown.
    DataError
        A file's contents can not be understood, or a folder holds no data files.
    MissingExtra
        The format needs an optional package.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("name,age\\nAda,36\\n")
    >>> {name: loaded.frame.shape for name, loaded in read_path(path).items()}
    {'people': (1, 2)}
    """
    path = Path(path).expanduser()
    if not path.is_dir():
        return {table_name(path): _read_file(path)}
    parts = find_parts(path)
    return _read_folder(path) if parts is None else _read_parts(path, parts)


def write_path(frame: pl.DataFrame | Iterator[pl.DataFrame], path: Path | str, table: Table) -> None:
    """Write canonical values to a file, whole or not at all.

    Parameters
    ----------
    frame : DataFrame, or iterator of DataFrame
        Canonical values; several frames of one schema, at least one, are written behind each other as they come, and
        not held, where the format allows it. The file is the same as that of the joined frame.
    path : Path or str
        The file; its suffix chooses the format and the compression.
    table : Table
        The schema: formats and decimals of values that stand as text.

    Raises
    ------
    FileError
        The suffix is unknown, the folder is missing or closed, or the disk is full; an older file is kept.
    MissingExtra
        The format needs an optional package.

    Examples
    --------
    >>> import tempfile
    >>> from simulacra.schema.types import Column
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> write_path(pl.DataFrame({"a": [1.5]}), path, Table("a", (Column("a", "number", decimals=2, format="fixed"),)))
    >>> path.read_text()
    'a\\n1.50\\n'
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise write_error(path, IsADirectoryError(EISDIR, "is a directory"))
    source = source_for(path)
    blocks = even_blocks(frame.iter_slices(BLOCK_ROWS) if isinstance(frame, pl.DataFrame) else frame)
    if isinstance(frame, pl.DataFrame) and not len(frame):
        blocks = iter([frame])
    with atomic_path(path) as beside:
        source.write_blocks((source.prepare(block, table) for block in blocks), beside)


def write_csv(frames: Iterator[pl.DataFrame], file: TextIO, table: Table) -> None:
    """Write canonical values to an open text file as CSV, piece by piece.

    Parameters
    ----------
    frames : iterator of DataFrame
        Frames of one schema, at least one.
    file : text file
        Where to.
    table : Table
        Their schema.

    Examples
    --------
    >>> import sys
    >>> from simulacra.schema.types import Column
    >>> table = Table("a", (Column("a", "number", integer=True),))
    >>> write_csv(iter([pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})]), sys.stdout, table)
    a
    1
    2
    """
    for number, block in enumerate(even_blocks(frames)):
        file.write(format_frame(block, table).write_csv(include_header=not number))


def even_blocks(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Cut frames anew, so that every one but the last has 65,536 rows.

    Parameters
    ----------
    frames : iterator of DataFrame
        Frames of one schema.

    Yields
    ------
    DataFrame
        The same rows in the same order; one frame without rows if there are none.

    Examples
    --------
    >>> [len(block) for block in even_blocks(iter([pl.DataFrame({"a": range(50_000)})] * 2))]
    [65536, 34464]
    """
    held: pl.DataFrame | None = None
    for frame in frames:
        held = frame if held is None else pl.concat([held, frame])
        while len(held) > BLOCK_ROWS:
            yield held[:BLOCK_ROWS]
            held = held[BLOCK_ROWS:]
    if held is not None:
        yield held


def source_for(path: Path | str) -> Source:
    """Make the source that writes (and reads) files of this name; only that one is imported.

    Parameters
    ----------
    path : Path or str
        A file's name; it need not exist.

    Raises
    ------
    FileError
        The suffix is unknown, or that of a format which is only read.
    MissingExtra
        The format needs an optional package.

    Examples
    --------
    >>> type(source_for("a.csv.gz")).__name__
    'Csv'
    """
    path = Path(path)
    name = _source_name(path)
    if name is None:
        raise FileError(_unknown_suffix(path, writable_suffixes()))
    if path.name.lower().endswith(tuple(known_suffixes().keys() - writable_suffixes().keys())):
        known = _shown(writable_suffixes())
        raise FileError(
            f"{path.name!r} can not be written: {path.suffix!r} is a format that is only read. Use one of {known}."
        )
    return _make(name)


def known_suffixes() -> dict[str, str]:
    """Map each suffix that can be read to the name of its source, compressed forms included.

    Examples
    --------
    >>> known_suffixes()[".parquet"], known_suffixes()[".csv.gz"]
    ('parquet', 'csv')
    """
    found = {}
    for name, file in SOURCES.files().items():
        for suffix in suffixes_of(name, file).suffixes:
            found[suffix] = name
    return found


def writable_suffixes() -> dict[str, str]:
    """Map each suffix that can be written to the name of its source.

    Examples
    --------
    >>> ".xlsx" in writable_suffixes(), ".ods" in writable_suffixes()
    (True, False)
    """
    closed = {
        suffix for name, file in SOURCES.files().items() for suffix in suffixes_of(name, file).read_only
    }
    return {suffix: name for suffix, name in known_suffixes().items() if suffix not in closed}


def table_name(path: Path | str) -> str:
    """Name the table of a file: its name without the suffixes of its format.

    Examples
    --------
    >>> table_name("data/orders.2024.csv.gz")
    'orders.2024'
    """
    path = Path(path)
    path, sheet = _split_sheet(path)
    lower = path.name.lower()
    endings = [suffix for suffix in known_suffixes() if lower.endswith(suffix) and len(lower) > len(suffix)]
    stem = path.name[: -len(max(endings, key=len))] if endings else path.stem
    return sheet or stem


def _read_file(path: Path) -> Loaded:
    source, file = _source_of(path)
    frame = source.read(file)
    return Loaded(frame, source.typed, tuple(source.notes))


def _source_of(path: Path) -> tuple[Source, Path]:
    """Make the source of a file that exists, told which sheet is meant."""
    file, sheet = _split_sheet(path)
    if not file.exists():
        raise open_error(file, FileNotFoundError(2, "no such file"))
    name = _source_name(file)
    if name is None:
        raise FileError(_unknown_suffix(file, known_suffixes()))
    source = _make(name)
    if sheet is not None:
        source.sheet = sheet  # type: ignore[attr-defined]
    return source, file


def _read_folder(folder: Path) -> dict[str, Loaded]:
    try:
        files = sorted(f for f in folder.iterdir() if f.is_file() and not f.name.startswith("."))
    except OSError as error:
        raise open_error(folder, error) from error
    data = [f for f in files if _source_name(f) is not None]
    if not data:
        raise DataError(
            f"folder {str(folder)!r} holds no data files. Known suffixes: {_shown(known_suffixes())}."
        )
    # among tables of other kinds it is a text for people
    prose = [f for f in data if f.name.lower().removesuffix(".gz").endswith(".txt")]
    data = [f for f in data if f not in prose] or data
    skipped = [f.name for f in files if f not in data and f.name != SCHEMA_FILE]
    found: dict[str, Loaded] = {}
    origins: dict[str, str] = {}
    for file in data:
        name = table_name(file)
        if name in found:
            raise DataError(
                f"folder {str(folder)!r}: {origins[name]!r} and {file.name!r} would both be "
                f"table {name!r}. Move one away."
            )
        found[name], origins[name] = _read_file(file), file.name
    if skipped:
        first = next(iter(found))
        shown = ", ".join(repr(name) for name in skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        note = f"{len(skipped)} file(s) of folder {folder.name!r} are not data and were skipped: {shown}."
        if any(f.name in skipped for f in prose):
            note += " A .txt beside data files is taken for a text; rename it to .csv if it is a table."
        found[first] = Loaded(found[first].frame, found[first].typed, (*found[first].notes, note))
    return found


def _read_parts(folder: Path, parts: Parts) -> dict[str, Loaded]:
    advice = "Read some of its files alone, or ask all of them with DuckDB or Polars."
    require_memory(parts.size, f"all rows of folder {str(folder)!r}", advice)
    found = {}
    for table, names in parts.files.items():
        loaded = {name: _read_file(folder / name) for name in names}
        frame = join_parts({name: one.frame for name, one in loaded.items()})
        notes = tuple(dict.fromkeys(note for one in loaded.values() for note in one.notes))
        found[table] = Loaded(frame, all(one.typed for one in loaded.values()), notes)
    return found


def _split_sheet(path: Path) -> tuple[Path, str | None]:
    """Part ``book.xlsx#May``, unless a file has just that name."""
    stem, mark, sheet = path.name.rpartition("#")
    if mark and stem and sheet and _source_name(path.with_name(stem)) == "excel" and not path.exists():
        return path.with_name(stem), sheet
    return path, None


def _source_name(path: Path) -> str | None:
    lower = path.name.lower()
    fitting = {suffix: name for suffix, name in known_suffixes().items() if lower.endswith(suffix)}
    return fitting[max(fitting, key=len)] if fitting else None


def _make(name: str) -> Source:
    made: Source = SOURCES.load(name)()
    return made


def _unknown_suffix(path: Path, known: Mapping[str, str]) -> str:
    what = f"suffix {path.suffix!r} is not known" if path.suffix else "its name has no suffix"
    return f"can not tell the format of {str(path)!r}: {what}. Use one of {_shown(known)}."


def _shown(known: Mapping[str, str]) -> str:
    return (
        ", ".join(sorted(s for s in known if s.count(".") == 1)) + " (text formats also with .gz, .zst, ...)"
    )
