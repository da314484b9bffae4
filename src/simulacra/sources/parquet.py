"""Apache Parquet (.parquet, .pq): typed columns, compressed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from simulacra.source import Source
from simulacra.sources._bytes import open_writer
from simulacra.sources._plain import opened, plain_columns


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

    def write(self, frame: pl.DataFrame, path: Path) -> None:
        """Write a frame to exactly this path."""
        with open_writer(path) as file:
            frame.write_parquet(file)
