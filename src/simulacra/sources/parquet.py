"""Apache Parquet (.parquet, .pq): typed columns, compressed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from simulacra.randomness import BLOCK_ROWS
from simulacra.source import Source, Stored
from simulacra.sources._bytes import open_writer
from simulacra.sources._plain import Blocks, opened, plain_columns, stored


@dataclass
class Parquet(Source):
    """A Parquet file.

    Notes
    -----
    **Cost**: linear.

    **Source**: Apache Parquet format, version 2.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.parquet"
    >>> Parquet().write(pl.DataFrame({"a": [1, None]}), path)
    >>> Parquet().read(path).rows()
    [(1,), (None,)]
    """

    suffixes = (".parquet", ".pq")
    notes: list[str] = field(default_factory=list)

    def read(self, path: Path) -> pl.DataFrame:
        """Read a whole file; nested and binary columns become text, with a note."""
        self.notes.clear()
        with opened(path, "a Parquet file") as file:
            frame = pl.read_parquet(file)
        return plain_columns(frame, self.notes)

    def open(self, path: Path) -> Stored:
        """Open a file to read it column by column."""
        self.notes.clear()
        return stored(pl.scan_parquet(path, glob=False), path, "a Parquet file", self.notes)

    def write(self, frame: pl.DataFrame, path: Path) -> None:
        """Write a frame to exactly this path."""
        with open_writer(path) as file:
            frame.write_parquet(file, row_group_size=BLOCK_ROWS)

    def write_blocks(self, blocks: Iterator[pl.DataFrame], path: Path) -> None:
        """Write frames behind each other, one row group each."""
        with open_writer(path) as file, Blocks(blocks) as joined:
            joined.lazy.sink_parquet(file, row_group_size=BLOCK_ROWS)
