"""A text with columns written into it: Order {id} of {customers.name}."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from simulacra.errors import SchemaError
from simulacra.rule import Rows, Rule
from simulacra.rules.reading import require_word
from simulacra.schema.types import Table

_PIECE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class TextRule(Rule):
    """Fixed text with the values of columns between braces; missing where one of them is.

    Examples
    --------
    >>> TextRule.read({"text": "Order {id} of {customers.name}"}, "here").needs()
    ('id', 'customers.name')
    """

    word: ClassVar[str] = "text"
    example: ClassVar[str] = '{text: "Order {id} of {customers.name}"}'
    template: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> TextRule:
        """Read ``{text: TEMPLATE}``."""
        template = require_word(content, "text", (), place)
        if not isinstance(template, str):
            raise SchemaError(f"{place}: text takes a template such as {cls.example}, not {template!r}.")
        if "" in (found.strip() for found in _PIECE.findall(template)):
            raise SchemaError(f"{place}: {{}} in {template!r} names no column. Write {{column}}.")
        return cls(template)

    def needs(self) -> tuple[str, ...]:
        """The columns between braces."""
        return tuple(dict.fromkeys(found.strip() for found in _PIECE.findall(self.template)))

    def facts(self, table: Table) -> dict[str, Any]:
        """A text."""
        nullable = any(table[name].nullable for name in self.needs())
        return {"kind": "text", "nullable": True} if nullable else {"kind": "text"}

    def draw(self, rows: Rows) -> pl.Series:
        """Write the columns into the template."""
        pieces = _PIECE.split(self.template)
        if len(pieces) == 1:
            return pl.repeat(self.template, rows.count, eager=True)
        columns = {name: rows.values[name].cast(pl.String) for name in self.needs()}
        parts = [
            pl.col(piece.strip()) if place % 2 else pl.lit(piece)
            for place, piece in enumerate(pieces)
            if piece or place % 2
        ]
        return pl.DataFrame(columns).select(pl.concat_str(parts).alias("text"))["text"]
