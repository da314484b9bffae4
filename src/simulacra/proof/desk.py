"""What the proof of a constraint among rows works with: rows gathered by number, and rows brought together in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np
import polars as pl

from simulacra.proof.canonical import canonical_pieces
from simulacra.proof.codes import Coding
from simulacra.randomness import BLOCK_ROWS
from simulacra.schema.types import Schema, Table
from simulacra.tablefiles import TableFiles

ROW, _PART = "\x00row", "\x00part"
SORTING = 5
"""How many times the size of its columns a constraint among rows needs."""
_MOST_PARTS = 256
_ASSUMED_BYTES = 8
"""Bytes of a row of a file that does not tell how many it has."""


@dataclass(frozen=True)
class Desk:
    """What the work has to hand: where the rows are, and what may be used.

    Parameters
    ----------
    files : dict
        Each table's files.
    schema : Schema
        The rules.
    memory : int
        Bytes that may be used.
    scratch : Path
        A folder for what does not fit.
    step : callable
        Told what is being done.
    """

    files: Mapping[str, TableFiles]
    schema: Schema
    memory: int
    scratch: Path
    step: Callable[[str], None]

    def needs(self, name: str, columns: int) -> int:
        """Estimate the memory in which some columns of a table are compared."""
        files = self.files[name]
        rows = files.rows
        return SORTING * 8 * columns * (rows if rows is not None else files.bytes // _ASSUMED_BYTES)

    def pieces(self, table: Table, columns: Sequence[str], rows: int) -> Iterator[pl.DataFrame]:
        """Go through some columns in about so many rows at a time, each row with its number."""
        held: list[pl.DataFrame] = []
        count = 0
        for frame, piece in canonical_pieces(self.files[table.name], table, columns):
            held.append(_numbered(frame, piece.start))
            count += frame.height
            if count >= rows:
                yield pl.concat(held)
                held, count = [], 0
        if held:
            yield pl.concat(held)

    def gather(
        self, table: Table, columns: Sequence[str], groups: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Read some columns of all rows, or of those in some groups, each with its number."""
        found: list[pl.DataFrame] = []
        for piece_frame, piece in canonical_pieces(self.files[table.name], table, columns):
            frame = _numbered(piece_frame, piece.start)
            if groups is not None:
                frame = frame.join(groups, on=groups.columns, how="semi", maintain_order="left")
            if frame.height or not found:
                found.append(frame)
        return pl.concat(found)

    def scatter(self, table: Table, columns: Sequence[str], key: Coding, parts: int) -> Bundle:
        """Bring rows with equal values of some columns together in files."""
        bundle = Bundle(self.scratch / uuid4().hex, parts)
        rows = self.few_rows(len(columns) + 1)
        for frame in self.pieces(table, columns, rows):
            bundle.add(frame, key)
        return bundle

    def few_rows(self, columns: int) -> int:
        """Choose how many rows are looked at together: a share of the memory, and never so few that it costs time."""
        return max(self.memory // (2 * SORTING * 8 * columns), BLOCK_ROWS)

    def parts(self, needed: int) -> int:
        """Choose into how many files rows go, with room for uneven ones."""
        return min(_MOST_PARTS, max(1, -(-2 * needed // self.memory)))


@dataclass
class Bundle:
    """Rows in files, by a hash of some of their values.

    Parameters
    ----------
    folder : Path
        Where the files are; it is made.
    parts : int
        How many there are at most.

    Examples
    --------
    >>> import tempfile
    >>> bundle = Bundle(Path(tempfile.mkdtemp()) / "b", 3)
    >>> bundle.add(pl.DataFrame({"a": [1, 2, 1], "\\x00row": [0, 1, 2]}), Coding(("a",), False))
    >>> sorted(len(bundle.take(part)) for part in range(3))[-1] >= 2
    True
    """

    folder: Path
    parts: int
    _empty: pl.DataFrame = field(default_factory=pl.DataFrame)
    _written: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir()

    def add(self, frame: pl.DataFrame, key: Coding) -> None:
        """Write some rows."""
        codes = key.rows(frame)[0].view(np.uint64) % np.uint64(self.parts)
        marked = frame.with_columns(pl.Series(_PART, codes.astype(np.int32)))
        for (part,), some in marked.partition_by(_PART, include_key=False, as_dict=True).items():
            some.write_ipc(self.folder / f"{part:03d}-{self._written:07d}.arrow", compression="lz4")
        self._written += 1
        self._empty = frame.clear()

    def take(self, part: int) -> pl.DataFrame:
        """Read the rows of one part in their order, and delete their files."""
        files = sorted(self.folder.glob(f"{part:03d}-*.arrow"))
        # read whole, since the files go
        frame = pl.concat([pl.read_ipc(file.read_bytes()) for file in files]) if files else self._empty
        for file in files:
            file.unlink()
        return frame


def _numbered(frame: pl.DataFrame, start: int) -> pl.DataFrame:
    return frame.with_columns(pl.Series(ROW, np.arange(start, start + frame.height)))
