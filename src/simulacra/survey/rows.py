"""Rows that can be gone through again and again, wherever they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from simulacra.tablefiles import PIECE_ROWS, Part, Piece


class Rows(Protocol):
    """Rows that can be gone through again and again; `TableFiles` is one, `FrameRows` another."""

    @property
    def name(self) -> str:
        """The table."""
        ...

    @property
    def rows(self) -> int | None:
        """How many there are, if that is known."""
        ...

    def pieces(self, columns: Sequence[str] | None = None, *, rows: int = PIECE_ROWS) -> Iterator[Piece]:
        """Go through them."""
        ...


@dataclass(frozen=True)
class FrameRows:
    """Rows of a frame in memory.

    Parameters
    ----------
    name : str
        The table.
    frame : DataFrame
        The rows.

    Examples
    --------
    >>> [piece.frame.height for piece in FrameRows("t", pl.DataFrame({"a": range(5)})).pieces(rows=3)]
    [3, 2]
    """

    name: str
    frame: pl.DataFrame

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.frame.height

    def pieces(self, columns: Sequence[str] | None = None, *, rows: int = PIECE_ROWS) -> Iterator[Piece]:
        """Go through the rows."""
        chosen = self.frame if columns is None else self.frame.select(columns)
        part = Part(Path(self.name), self.name)
        for start in range(0, max(chosen.height, 1), rows):
            yield Piece(chosen[start : start + rows], part, start, start)
