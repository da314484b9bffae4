"""SQL expressions over one row that give a value: parse, check against a table, evaluate."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl
from sqlglot import exp

from simulacra.errors import DataError, PredicateError
from simulacra.schema._compiler import Compiler
from simulacra.schema._literals import shorten
from simulacra.schema.predicates import parse_sql
from simulacra.schema.types import Table


@dataclass(frozen=True)
class Formula:
    """A SQL expression over one row of a table, such as ``price * amount``.

    Make one with `Formula.parse`. The language is that of `Predicate`, and a missing value makes the result missing.

    Parameters
    ----------
    sql : str
        The expression.
    columns : tuple of str
        The columns that it reads, in the order of the table.
    kind : str
        What it gives: ``number``, ``text``, ``boolean``, ``date``, ``datetime``, ``time`` or ``duration``.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("price", "number"), Column("amount", "number", integer=True)))
    >>> total = Formula.parse("Price * amount", table)
    >>> total.columns, total.kind
    (('price', 'amount'), 'number')
    >>> total.evaluate(pl.DataFrame({"price": [1.5, None], "amount": [2, 3]})).to_list()
    [3.0, None]
    """

    sql: str
    columns: tuple[str, ...]
    kind: str
    _expr: pl.Expr = field(compare=False, repr=False)

    @classmethod
    def parse(cls, sql: str, table: Table) -> Formula:
        """Read an expression and check it against the columns of a table.

        Raises
        ------
        PredicateError
            The text is no SQL, names an unknown column, or does more than look at one row.
        """
        compiler = Compiler(table)
        try:
            value = compiler.compile(parse_sql(sql.strip(), table))
        except PredicateError as error:
            raise PredicateError(f'expression "{shorten(sql)}": {error}') from error.__cause__
        except RecursionError:
            raise PredicateError(f'expression "{shorten(sql)}": nested too deeply.') from None
        columns = tuple(name for name in table.names if name in compiler.columns)
        return cls(sql, columns, value.kind, value.expr)

    def __str__(self) -> str:
        return self.sql

    def evaluate(self, frame: pl.DataFrame) -> pl.Series:
        """Compute the expression for every row.

        Raises
        ------
        DataError
            The frame lacks a column.
        """
        for name in self.columns:
            if name not in frame.columns:
                raise DataError(f'expression "{shorten(self.sql)}": the data have no column {name!r}.')
        result = frame.select(self._expr.alias("value")).to_series()
        # an expression that Polars folds to a constant comes back as one value
        return result if len(result) == frame.height else result.new_from_index(0, frame.height)


def names_in(sql: str) -> tuple[str, ...]:
    """List the columns that SQL text names, as they are written, without a table to check them against.

    Examples
    --------
    >>> names_in('"hours-per-week" <= Age')
    ('hours-per-week', 'Age')
    """
    found = parse_sql(sql.strip(), Table("", ())).find_all(exp.Column, bfs=False)
    return tuple(dict.fromkeys(node.name for node in found))
