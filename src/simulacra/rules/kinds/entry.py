"""What is told of an entry into a state, where rows are steps of walks: its state, when it began, when it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from simulacra.errors import SchemaError, unknown
from simulacra.rule import Rows, Rule
from simulacra.rules.moments import PRECISIONS, from_micros, to_micros
from simulacra.rules.reading import require_word
from simulacra.schema.types import Table

FACTS = ("state", "at", "until", "before", "number")


@dataclass(frozen=True)
class Entry(Rule):
    """A fact of the entry that a row is, in a table whose reference has ``states``.

    ``state``; ``at``, when it was entered; ``until``, when it was left, missing if it was not; ``before``, the state
    before; ``number``, how many times it has been entered.

    Examples
    --------
    >>> Entry.read({"entry": "until"}, "here").facts(Table("t", ()))
    {'kind': 'datetime', 'nullable': True}
    """

    word: ClassVar[str] = "entry"
    example: ClassVar[str] = "{entry: state}"
    fact: str
    precision: str
    place: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Entry:
        """Read ``{entry: FACT}``, with ``precision`` beside ``at`` and ``until``."""
        fact = require_word(content, "entry", ("precision",), place)
        if fact not in FACTS:
            raise SchemaError(f"{place}: {unknown('fact of an entry', str(fact), FACTS)}")
        precision = content.get("precision", "second")
        if precision not in PRECISIONS:
            raise SchemaError(f"{place}: {unknown('precision', str(precision), list(PRECISIONS))}")
        return cls(str(fact), str(precision), place)

    def facts(self, table: Table) -> dict[str, Any]:
        """A category, a whole number, or a datetime (a date where days are precise enough)."""
        if self.fact in {"state", "before"}:
            return {"kind": "category", **({"nullable": True} if self.fact == "before" else {})}
        if self.fact == "number":
            return {"kind": "number", "integer": True}
        kind = "date" if self.precision == "day" else "datetime"
        return {"kind": kind, **({"nullable": True} if self.fact == "until" else {})}

    def draw(self, rows: Rows) -> pl.Series:
        """Give what the walk told."""
        if rows.histories is None or not rows.histories.entries:
            raise SchemaError(
                f"{self.place}: entry tells of a walk through states, and the rows of this table are none. Give its "
                "reference 'states'."
            )
        told = rows.histories.entries[self.fact]
        if self.fact in {"at", "until"}:
            return from_micros(to_micros(told), str(self.facts(rows.table)["kind"]), self.precision)
        return told
