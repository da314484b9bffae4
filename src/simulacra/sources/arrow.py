"""Apache Arrow and Feather (.arrow, .feather, .ipc, .arrows): typed columns."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from simulacra.source import Source
from simulacra.sources._bytes import open_writer
from simulacra.sources._plain import opened, plain_columns


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

    def write(self, frame: pl.DataFrame, path: Path) -> None:
        """Write a frame to exactly this path."""
        with open_writer(path) as file:
            if path.suffix.lower() == ".arrows":
                frame.write_ipc_stream(file)
            else:
                frame.write_ipc(file)
