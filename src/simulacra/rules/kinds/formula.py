"""A value computed from other columns of the row, or of the rows that it refers to, by a SQL expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import polars as pl

from simulacra.errors import SchemaError
from simulacra.rule import Rows, Rule
from simulacra.rules.reading import evaluate, kind_of, names_in, require_word
from simulacra.schema.conformance import empty_frame
from simulacra.schema.formulas import Formula
from simulacra.schema.types import Table


@dataclass(frozen=True)
class FormulaRule(Rule):
    """What an expression gives: ``price * quantity``, ``customers.country``, ``first || ' ' || last``.

    Examples
    --------
    >>> FormulaRule.read({"formula": "price * products.weight"}, "here").needs()
    ('price', 'products.weight')
    """

    word: ClassVar[str] = "formula"
    example: ClassVar[str] = '{formula: "price * quantity"}'
    sql: str
    place: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> FormulaRule:
        """Read ``{formula: SQL}``."""
        sql = require_word(content, "formula", (), place)
        if not isinstance(sql, str):
            sql = str(sql).lower() if isinstance(sql, bool) else str(sql)
        if not sql.strip():
            raise SchemaError(f"{place}: the formula is empty. Write it like {cls.example}.")
        names_in(sql, place)
        return cls(sql, place)

    def needs(self) -> tuple[str, ...]:
        """The columns that it names."""
        return names_in(self.sql, self.place)

    def facts(self, table: Table) -> dict[str, Any]:
        """The kind that the expression gives; a copy of one column has all its facts."""
        kind = kind_of(self.sql, table, self.place)
        formula = Formula.parse(self.sql, table)
        if len(formula.columns) == 1 and self.sql.strip().strip('"').lower() == formula.columns[0].lower():
            column = table[formula.columns[0]]
            keep = (
                "integer",
                "decimals",
                "timezone",
                "levels",
                "declared",
                "nullable",
                "identifying",
                "locale",
            )
            return {
                "kind": column.kind,
                **{name: getattr(column, name) for name in keep if getattr(column, name)},
            }
        facts: dict[str, Any] = {"kind": kind}
        if kind == "number":
            own = replace(table, columns=tuple(table[name] for name in formula.columns), key=(), references=(),
                          constraints=(), weight=None, order=None)  # fmt: skip
            facts["integer"] = formula.evaluate(empty_frame(own)).dtype.is_integer()
        if any(table[name].nullable for name in formula.columns):
            facts["nullable"] = True
        return facts

    def draw(self, rows: Rows) -> pl.Series:
        """Compute it."""
        return evaluate(self.sql, rows)
