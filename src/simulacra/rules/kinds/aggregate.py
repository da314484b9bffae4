"""A figure over the rows that belong to a row: the total of an order's lines, the number of a customer's orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from simulacra.errors import SchemaError
from simulacra.rule import Rows, Rule
from simulacra.rules.kinds.formula import FormulaRule
from simulacra.rules.reading import as_mapping, names_in, require_word
from simulacra.schema.types import Table

FIGURES = ("count", "sum", "mean", "min", "max", "first", "last")


@dataclass(frozen=True)
class Aggregate(Rule):
    """A figure of an expression over a row's children; 0 for counts and sums of none, else missing.

    As in SQL a count is of the rows in which the expression has a value: ``"*"`` counts all.

    Notes
    -----
    **Cost**: the columns of the children that are read are made twice.

    Examples
    --------
    >>> rule = Aggregate.read({"aggregate": {"of": "lines", "sum": "price * quantity"}}, "here")
    >>> rule.child, rule.figure, rule.child_needs
    ('lines', 'sum', ('price', 'quantity'))
    """

    word: ClassVar[str] = "aggregate"
    example: ClassVar[str] = '{aggregate: {of: lines, sum: "price * quantity"}}'
    child: str
    figure: str
    sql: str
    place: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Aggregate:
        """Read ``{aggregate: {of: TABLE, FIGURE: SQL}}``."""
        given = require_word(content, "aggregate", (), place)
        given = as_mapping(given, "aggregate", ("of", *FIGURES), place, cls.example)
        figures = [name for name in given if name in FIGURES]
        if not isinstance(given.get("of"), str) or len(figures) != 1:
            raise SchemaError(f"{place}: an aggregate names a table and one figure, as in {cls.example}.")
        sql = given[figures[0]]
        sql = "1" if sql in ("*", None) else str(sql)
        names_in(sql, place)
        return cls(given["of"], figures[0], sql, place)

    @property
    def child_needs(self) -> tuple[str, ...]:
        """The columns of the children that it reads."""
        return names_in(self.sql, self.place)

    def facts(self, table: Table) -> dict[str, Any]:
        """What the figure is, by what the expression is among the columns of the children (`table` is theirs)."""
        if self.figure == "count":
            return {"kind": "number", "integer": True}
        known = FormulaRule(self.sql, self.place).facts(table)
        if self.figure in {"sum", "mean"}:
            self._require_number(known["kind"])
            whole = bool(known.get("integer")) and self.figure == "sum"
            return {
                "kind": "number",
                "integer": whole,
                **({} if self.figure == "sum" else {"nullable": True}),
            }
        return {**known, "nullable": True}

    def _require_number(self, kind: str) -> None:
        if kind not in {"number", "duration"}:
            raise SchemaError(
                f"{self.place}: {self.figure} needs numbers, and {self.sql!r} gives a {kind}. Take count, min or max."
            )

    def draw(self, rows: Rows) -> pl.Series:
        """The figure is computed where the children are."""
        return rows.values[f"{self.child}<"]

    def compute(self, owners: pl.Series, values: pl.Series, count: int) -> pl.Series:
        """Compute the figure of each of `count` parents from its children's values."""
        value = pl.col("v")
        figure = {"count": value.count().cast(pl.Int64), "sum": value.sum(), "mean": value.mean(), "min": value.min(),
                  "max": value.max(), "first": value.first(), "last": value.last()}[self.figure]  # fmt: skip
        told = pl.DataFrame({"o": owners, "v": values}).group_by("o").agg(figure.alias("f"))
        every = pl.DataFrame({"o": pl.Series(range(count), dtype=owners.dtype)})
        out = every.join(told, on="o", how="left", maintain_order="left")["f"]
        return out.fill_null(0) if self.figure in {"count", "sum"} else out
