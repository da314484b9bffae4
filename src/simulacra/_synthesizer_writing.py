"""Drawn rows on their way into one file, or into memory: refused where they can not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import polars as pl

from simulacra.dataset import stored
from simulacra.filing import write_csv, write_path
from simulacra.frames import Layout
from simulacra.memory import require_memory
from simulacra.provenance import Fingerprint
from simulacra.schema.types import Table
from simulacra.storage import require_space

SMALLEST = 20
"""Times that a file can be smaller than the values in memory, at most."""


def write_pieces(
    pieces: Iterator[pl.DataFrame], n: int, target: str | Path | TextIO, layout: Layout, table: Table
) -> str:
    """Write n rows, piece by piece, to a file beside its place, or to an open one; return their digest."""
    digest = Fingerprint()

    def told() -> Iterator[pl.DataFrame]:
        checked = not isinstance(target, (str, Path))
        for piece in pieces:
            if not checked and len(piece):
                least = piece.estimated_size() / len(piece) * n / SMALLEST
                require_space(str(target), int(least))
                checked = True
            digest.add(piece)
            yield piece

    if isinstance(target, (str, Path)):
        write_path(stored(told(), layout, table), target, table)
    else:
        write_csv(told(), target, table)
    return digest.hexdigest()


def require_rows(n: int, piece: pl.DataFrame) -> None:
    """Refuse more rows than fit into memory, judged by the first of them; joining and writing needs them twice."""
    needed = int(2 * piece.estimated_size() / max(len(piece), 1) * n)
    require_memory(
        needed,
        f"{n:,} rows of {piece.width} columns",
        "Draw fewer, or draw them in pieces with model.chunks(n, seed=...).",
    )
