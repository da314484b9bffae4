"""The contract that a source fulfils: one file format, read and written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import polars as pl

from simulacra.errors import DataError
from simulacra.schema.types import Table


@dataclass(frozen=True)
class Stored:
    """A table where it lies, read column by column.

    Parameters
    ----------
    names : tuple of str
        Its columns.
    rows : int
        Its number of rows.
    load : callable
        Reads a column by its name.
    drop : callable
        Told the name of a column that will not be asked for again.

    Examples
    --------
    >>> stored = Stored.of(pl.DataFrame({"a": [1, 2]}))
    >>> stored.load("a").to_list()
    [1, 2]
    """

    names: tuple[str, ...]
    rows: int
    load: Callable[[str], pl.Series]
    drop: Callable[[str], object] = lambda name: None

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Stored:
        """Make it of a frame in memory; a column that is dropped frees its memory, if nobody else holds it."""
        columns = {column.name: column for column in frame.get_columns()}
        return cls(tuple(columns), frame.height, columns.__getitem__, columns.pop)


class Source(ABC):
    """A file format.

    `read` gives a frame as the file has it. A format without types (CSV) gives text columns only and leaves the
    reading of values to `simulacra.schema.inference` and `simulacra.schema.conformance`.
    """

    suffixes: ClassVar[tuple[str, ...]]
    """Lower-case endings of file names, with the dot."""
    read_only: ClassVar[tuple[str, ...]] = ()
    """Those of them that can be read and not written."""
    typed: ClassVar[bool] = True
    """False if all columns are read as text and values must be parsed."""
    compressed: ClassVar[bool] = False
    """Whether files may also be compressed (.gz, .zst, .bz2, .xz, .zip). All of this is read off the source."""
    notes: Sequence[str] = ()
    """What was assumed or changed while reading, one sentence each."""

    @abstractmethod
    def read(self, path: Path) -> pl.DataFrame:
        """Read a whole file.

        Raises
        ------
        FileError
            The file can not be opened.
        DataError
            Its contents are not of this format; the message says where.
        """

    @abstractmethod
    def write(self, frame: pl.DataFrame, path: Path) -> None:
        """Write a frame to exactly this path (the caller writes beside the target and renames)."""

    def open(self, path: Path) -> Stored:
        """Open a file to read it column by column; a format that can not do that is read whole.

        Raises
        ------
        FileError, DataError
            As `read` does; what is wrong with a column may be found when it is loaded.
        """
        return Stored.of(self.read(path))

    def write_blocks(self, blocks: Iterator[pl.DataFrame], path: Path) -> None:
        """Write frames of one schema, at least one, behind each other; a format that can not do that joins them.

        `write` gives the same bytes for the joined frame if all blocks but the last have `BLOCK_ROWS` rows.
        """
        self.write(pl.concat(blocks), path)

    def write_tables(self, frames: Mapping[str, pl.DataFrame], path: Path) -> None:
        """Write several tables to one file; most formats hold one.

        Raises
        ------
        DataError
            The format holds one table.
        """
        raise DataError(f"{len(frames)} tables go to a folder, and {path.suffix!r} is a file of one.")

    def prepare(self, frame: pl.DataFrame, table: Table) -> pl.DataFrame:
        """Turn canonical values into what this format can hold; typed formats take them as they are."""
        return frame
