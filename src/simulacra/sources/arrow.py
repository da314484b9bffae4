"""Apache Arrow and Feather (.arrow, .feather, .ipc, .arrows): typed columns."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from simulacra.randomness import BLOCK_ROWS
from simulacra.source import Source, Stored
from simulacra.sources._bytes import open_writer
from simulacra.sources._plain import Blocks, opened, plain_columns, stored


@dataclass
class Arrow(Source):
    """An Arrow IPC file (Feather version 2) or, with the suffix ``.arrows``, stream.

    Notes
    -----
    **Cost**: linear.

    **Source**: Apache Arrow columnar format, "Serialization and interprocess communication".

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.arrow"
    >>> Arrow().write(pl.DataFrame({"a": [1, None]}), path)
    >>> Arrow().read(path).rows()
    [(1,), (None,)]
    """

    suffixes = (".arrow", ".feather", ".ipc", ".arrows")
    notes: list[str] = field(default_factory=list)

    def read(self, path: Path) -> pl.DataFrame:
        """Read a whole file, of either form; nested and binary columns become text, with a note."""
        self.notes.clear()
        with opened(path, "an Arrow or Feather 2 file") as file:
            content = file.read()
            read = pl.read_ipc if content.startswith(b"ARROW1") else pl.read_ipc_stream
            frame = read(io.BytesIO(content))
        return plain_columns(frame, self.notes)

    def open(self, path: Path) -> Stored:
        """Open a file to read it column by column; the stream form is read whole."""
        with opened(path, "an Arrow or Feather 2 file") as file:
            seekable = file.read(6) == b"ARROW1"
        if not seekable:
            return super().open(path)
        self.notes.clear()
        return stored(pl.scan_ipc(path, glob=False), path, "an Arrow or Feather 2 file", self.notes)

    def write(self, frame: pl.DataFrame, path: Path) -> None:
        """Write a frame to exactly this path."""
        if _is_stream(path):
            with open_writer(path) as file:
                frame.write_ipc_stream(file)
        else:
            self.write_blocks(frame.iter_slices(BLOCK_ROWS) if len(frame) else iter([frame]), path)

    def write_blocks(self, blocks: Iterator[pl.DataFrame], path: Path) -> None:
        """Write frames behind each other, one record batch each; the stream form joins them first."""
        if _is_stream(path):
            super().write_blocks(blocks, path)
            return
        with open_writer(path) as file, Blocks(blocks) as joined:
            joined.lazy.sink_ipc(file, record_batch_size=BLOCK_ROWS)


def _is_stream(path: Path) -> bool:
    return path.suffix.lower() == ".arrows"
