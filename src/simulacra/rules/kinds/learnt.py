"""A column of a fitted model, beside which other columns of the table are made by rules."""

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
class Learnt(Rule):
    """Values that a model of the table draws, all its columns together.

    Examples
    --------
    >>> Learnt.read({"learnt": "age"}, "here").column
    'age'
    """

    word: ClassVar[str] = "learnt"
    example: ClassVar[str] = "{learnt: age}"
    column: str
    place: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Learnt:
        """Read ``{learnt: COLUMN}``."""
        column = require_word(content, "learnt", (), place)
        if not isinstance(column, str):
            raise SchemaError(f"{place}: learnt takes the name of a column of the model, not {column!r}.")
        return cls(column, place)

    def facts(self, table: Table) -> dict[str, Any]:
        """Nothing but what stands beside it: the model is not asked here."""
        return {"kind": "text"}

    def draw(self, rows: Rows) -> pl.Series:
        """Give the model's column."""
        if rows.learnt is None:
            raise SchemaError(
                f"{self.place}: its table has no model to draw it from. Name one: model: people.sim, or fit the "
                "table to data with this schema."
            )
        return rows.learnt()[self.column]
