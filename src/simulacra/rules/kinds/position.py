"""The place of a row among those of its parent: 1, 2, 3 for the lines of an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from simulacra.errors import SchemaError
from simulacra.rule import Rows, Rule
from simulacra.rules.reading import require_word
from simulacra.schema.types import Table


@dataclass(frozen=True)
class Position(Rule):
    """Counts the rows of each parent.

    Examples
    --------
    >>> Position.read({"position": 1}, "here").start
    1
    """

    word: ClassVar[str] = "position"
    example: ClassVar[str] = "{position: 1}"
    start: int
    place: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Position:
        """Read ``{position: START}``."""
        start = require_word(content, "position", (), place)
        start = 1 if start is None else start
        if isinstance(start, bool) or not isinstance(start, int):
            raise SchemaError(f"{place}: position takes the number to start with, such as 1, not {start!r}.")
        return cls(start, place)

    def facts(self, table: Table) -> dict[str, Any]:
        """A whole number."""
        return {"kind": "number", "integer": True}

    def draw(self, rows: Rows) -> pl.Series:
        """Count."""
        if rows.histories is None:
            raise SchemaError(
                f"{self.place}: position counts the rows of a parent, and this table has none. Use sequence, or give "
                "the table a reference with children."
            )
        return pl.Series(rows.histories.positions + self.start)
