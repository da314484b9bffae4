"""Tables where they lie: one file, or many parts of a folder, read piece by piece and never held whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from simulacra._filing_parts import find_parts
from simulacra._tablefiles_scanning import count_rows, scan_pieces
from simulacra.errors import DataError
from simulacra.filing import SCHEMA_FILE as SCHEMA_FILE
from simulacra.filing import known_suffixes, table_name
from simulacra.schema.types import Schema
from simulacra.storage import open_error

PIECE_ROWS = 262_144
"""Rows that are looked at together."""

_NOTHING = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a table.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Its path from the folder of the table, for messages.
    given : dict
        Values that all its rows share and that only its path tells: ``country=DE/part-00000.parquet``.
    """

    path: Path
    name: str
    given: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a table, as the file has them.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    part : Part
        The file that they are of.
    first : int
        How many rows of the file come before.
    start : int
        How many rows of the table come before.
    """

    frame: pl.DataFrame
    part: Part
    first: int
    start: int


@dataclass(frozen=True)
class TableFiles:
    """A table that lies in one file or in several.

    Parameters
    ----------
    name : str
        The table.
    parts : tuple of Part
        Its files, in the order of their rows.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for number in range(2):
    ...     pl.DataFrame({"a": [number, 7]}).write_parquet(folder / f"part-{number}.parquet")
    >>> table = find_tables(folder)[folder.name]
    >>> table.rows, [piece.frame["a"].to_list() for piece in table.pieces()]
    (4, [[0, 7], [1, 7]])
    """

    name: str
    parts: tuple[Part, ...]

    @cached_property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(part.path.stat().st_size for part in self.parts)

    @cached_property
    def rows(self) -> int | None:
        """Rows of all files; None where only reading them whole would tell."""
        counts = [count_rows(part.path) for part in self.parts]
        return None if None in counts else sum(count for count in counts if count is not None)

    @property
    def suffixes(self) -> frozenset[str]:
        """Endings of the files."""
        return frozenset(part.path.suffix.lower() for part in self.parts)

    def pieces(self, columns: Sequence[str] | None = None, *, rows: int = PIECE_ROWS) -> Iterator[Piece]:
        """Go through the rows in order.

        Parameters
        ----------
        columns : sequence of str or None
            Which columns to read; all when None.
        rows : int
            Rows of a piece, at most; the next file begins a new one.

        Yields
        ------
        Piece
            The rows as the file has them: text where the format has no types.

        Raises
        ------
        FileError, DataError
            A file can not be read, is damaged, or lacks a column.
        """
        start = 0
        for part in self.parts:
            first = 0
            for frame in scan_pieces(part.path, _own(columns, part), rows):
                whole = _with_given(frame, part, columns)
                yield Piece(whole, part, first, start)
                first += frame.height
                start += frame.height


def find_tables(path: str | Path, schema: Schema | None = None) -> dict[str, TableFiles]:
    """Find which files of a path hold which tables, without reading their rows.

    Parameters
    ----------
    path : str or Path
        A data file, a folder of data files (one to a table), a folder of parts of one table (``part-*``, also below
        ``column=value`` folders), or a folder with such a folder for each table.
    schema : Schema or None
        With one table, parts without a folder of the table's name are of that table.

    Returns
    -------
    dict of str to TableFiles
        The tables; those that the schema names come in its order.

    Raises
    ------
    FileError
        There is no such path, or the run that writes the folder is not finished, or a part of it is gone.
    DataError
        It holds no data.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> pl.DataFrame({"a": [1]}).write_parquet(folder / "people.parquet")
    >>> list(find_tables(folder))
    ['people']
    """
    root = Path(path).expanduser()
    if not root.exists():
        raise open_error(root, FileNotFoundError(2, "no such file"))
    if root.is_file():
        name = schema.tables[0].name if schema is not None and len(schema.tables) == 1 else table_name(root)
        return {name: TableFiles(name, (Part(root, root.name),))}
    find_parts(root)  # refuses a folder that lacks parts
    found: dict[str, list[Part]] = {}
    for file in _data_files(root):
        inside = file.relative_to(root)
        table = _table_of(inside, root, schema)
        found.setdefault(table, []).append(Part(file, inside.as_posix(), _given(inside)))
    if not found:
        raise DataError(f"folder {str(root)!r} holds no data files. Name another one.")
    order = {name: place for place, name in enumerate(schema.names if schema is not None else ())}
    names = sorted(found, key=lambda name: (order.get(name, len(order)), name))
    return {name: TableFiles(name, tuple(found[name])) for name in names}


def is_parted(path: object) -> bool:
    """Tell whether a path is a folder in which tables lie in parts.

    Examples
    --------
    >>> is_parted("nowhere")
    False
    """
    if not isinstance(path, (str, Path)):
        return False
    with suppress(OSError, ValueError):
        root = Path(path).expanduser()
        if not root.is_dir():
            return False
        if (root / "manifest.json").is_file():
            return True
        return any(_is_part(file.name) for file in _data_files(root))
    return False


def _data_files(root: Path) -> list[Path]:
    endings = tuple(known_suffixes())
    found = []
    for file in sorted(root.rglob("*")):
        inside = file.relative_to(root)
        hidden = any(name.startswith((".", "_")) for name in inside.parts)
        ours = inside.as_posix() in {SCHEMA_FILE, "manifest.json"}
        if not hidden and not ours and file.name.lower().endswith(endings) and file.is_file():
            found.append(file)
    return found


def _is_part(name: str) -> bool:
    return re.match(r"part-\d", name) is not None


def _table_of(inside: Path, root: Path, schema: Schema | None) -> str:
    """Name the table of a file: the folder that it is in, or the file itself."""
    folders = [name for name in inside.parts[:-1] if "=" not in name]
    if folders:
        return folders[0]
    if not _is_part(inside.name) and inside.parent == Path():
        return table_name(inside)
    if schema is not None and len(schema.tables) == 1:
        return schema.tables[0].name
    return root.resolve().name


def _given(inside: Path) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in inside.parts[:-1]:
        column, mark, value = name.partition("=")
        if mark:
            found[unquote(column)] = None if value == _NOTHING else unquote(value)
    return found


def _own(columns: Sequence[str] | None, part: Part) -> list[str] | None:
    return None if columns is None else [name for name in columns if name not in part.given]


def _with_given(frame: pl.DataFrame, part: Part, columns: Sequence[str] | None) -> pl.DataFrame:
    wanted = [name for name in part.given if columns is None or name in columns]
    lacking = [name for name in wanted if name not in frame.columns]
    if lacking:
        frame = frame.with_columns(pl.lit(part.given[name], dtype=pl.String).alias(name) for name in lacking)
    return frame if columns is None else frame.select(columns)
