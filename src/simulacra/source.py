"""The contract that a source fulfils: one file format, read and written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import polars as pl

from simulacra.schema.types import Table


class Source(ABC):
    """A file format.

    `read` gives a frame as the file has it. A format without types (CSV) gives text columns only and leaves the
    reading of values to `simulacra.schema.inference` and `simulacra.schema.conformance`.
    """

    suffixes: ClassVar[tuple[str, ...]]
    """Lower-case endings of file names, with the dot."""
    typed: ClassVar[bool] = True
    """False if all columns are read as text and values must be parsed."""
    compressed: ClassVar[bool] = False
    """Whether files may also be compressed (.gz, .zst, .bz2, .xz, .zip). Both names are read off the source."""
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

    def prepare(self, frame: pl.DataFrame, table: Table) -> pl.DataFrame:
        """Turn canonical values into what this format can hold; typed formats take them as they are."""
        return frame
