"""SQL conditions over one row: parse, check against a table, split, evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ParseError, SqlglotError

from simulacra.errors import DataError, PredicateError
from simulacra.schema._compiler import Compiler
from simulacra.schema._forms import (
    compares_constants,
    compares_null,
    compares_sums,
    goes_by_hours,
    is_null_test,
    list_clock_times,
    list_literals,
    split_or,
)
from simulacra.schema._literals import quoted, shorten
from simulacra.schema._mappings import write_mapping
from simulacra.schema._refusals import flatten, reserved
from simulacra.schema._values import boolean
from simulacra.schema.types import Table

MAX_LENGTH = 100_000
"""Characters in the longest condition that is read."""


_MOST_BRANCHES = 24


class _Dialect(Postgres):
    """PostgreSQL, with names in `backticks` too."""

    class Tokenizer(Postgres.Tokenizer):
        IDENTIFIERS = ['"', "`"]


@dataclass(frozen=True)
class Predicate:
    """A SQL condition over one row of a table, parsed, checked and ready to evaluate.

    Make one with `Predicate.parse`.

    Parameters
    ----------
    sql : str
        The condition.
    columns : tuple of str
        The columns that it reads, in the order of the table.

    Notes
    -----
    A condition is TRUE, FALSE or UNKNOWN (null) for a row, as in SQL: comparing with a missing value is
    unknown, and AND, OR and NOT follow three-valued logic.

    Understood: ``= <> < <= > >=``, BETWEEN, IN, LIKE and ILIKE (with ESCAPE), IS NULL, IS DISTINCT FROM, AND,
    OR, NOT, ``+ - * / %``, ``||``, CASE, COALESCE, NULLIF, ABS, ROUND, FLOOR, CEIL, LENGTH, LOWER, UPPER,
    TRIM, SUBSTRING, LEFT, RIGHT, EXTRACT (and DATE_PART, YEAR(x), ...), CAST, ``~`` and REGEXP_LIKE; DATE,
    TIMESTAMP, TIME and INTERVAL constants; a date plus an interval, a date minus a date (whole days).
    Anything over several rows (aggregates, windows, queries) or that changes from run to run (CURRENT_DATE)
    is refused.

    - Names ignore case where that is clear; ``"hours-per-week"`` stands in double quotes or in backticks.
    - A constant takes the type of what it is compared with: ``day >= '2013-02-01'``, ``region = 3`` on a
      category (every level that reads as 3), ``smoker = 'yes'`` on a boolean written no/yes.
    - ``/`` is true division (7 / 2 is 3.5); dividing by zero gives NULL. Products are floating point.
    - ``%`` takes the sign of its left side; ROUND and CAST to a whole number round halves away from zero.
    - LIKE has no escape character unless ESCAPE names one. Texts compare by code point.
    - CAST gives NULL for a value that it can not convert. A date plus whole days or months stays a date;
      months end on the last day there is (31 January + 1 month is 28 February).
    - ``week`` is the ISO week; ``dow`` counts from Sunday = 0, ``isodow`` from Monday = 1.

    **Cost**: parsing grows with the text, evaluation is one vectorised pass over the rows.

    **Source**: ISO/IEC 9075-2 (SQL/Foundation), section 8 "Predicates"; details as in PostgreSQL.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> table = Table("people", (Column("age", "number", integer=True), Column("state", "category")))
    >>> old = Predicate.parse("age >= 65 and State in ('OH', 'NY')", table)
    >>> old.columns
    ('age', 'state')
    >>> old.evaluate(pl.DataFrame({"age": [70, 20, None], "state": ["OH", "OH", "OH"]})).to_list()
    [True, False, None]
    """

    sql: str
    columns: tuple[str, ...]
    _expr: pl.Expr = field(compare=False, repr=False)
    _missed: tuple[tuple[str, str], ...] = field(compare=False, repr=False)
    _node: exp.Expression = field(compare=False, repr=False)
    _table: Table = field(compare=False, repr=False)

    @classmethod
    def parse(cls, condition: str | Mapping[str, Any], table: Table) -> Predicate:
        """Read a condition and check it against the columns of a table.

        Parameters
        ----------
        condition : str or mapping
            SQL, or columns with the values wanted: ``{"state": "OH"}`` (equal), a list or set (one of),
            ``(low, high)`` (between, inclusive), None (missing). All columns must fit.
        table : Table
            Gives names and types.

        Raises
        ------
        PredicateError
            The text is not SQL, names an unknown column, or does more than look at one row.

        Examples
        --------
        >>> from simulacra.schema.types import Column, Table
        >>> table = Table("t", (Column("age", "number"), Column("state", "category")))
        >>> print(Predicate.parse({"state": ["OH", "NY"], "age": (20, 30)}, table))
        "state" IN ('OH', 'NY') AND "age" BETWEEN 20 AND 30
        """
        if isinstance(condition, Mapping):
            text = write_mapping(condition, table)
        elif isinstance(condition, str):
            text = condition.strip()
        else:
            raise PredicateError(
                f"a condition is SQL text or a mapping of columns, not {type(condition).__name__!r}."
            )
        try:
            return cls._compile(text, parse_sql(text, table), table)
        except PredicateError as error:
            raise PredicateError(f"where {quoted(shorten(text))}: {error}") from error.__cause__
        except RecursionError:
            raise PredicateError(
                f"where {quoted(shorten(text))}: nested too deeply. Take parentheses away."
            ) from None

    @classmethod
    def _compile(cls, sql: str, node: exp.Expression, table: Table) -> Predicate:
        compiler = Compiler(table)
        value = boolean(compiler.compile(node))
        columns = tuple(name for name in table.names if name in compiler.columns)
        return cls(sql, columns, value.expr, tuple(compiler.missed), node, table)

    def __str__(self) -> str:
        return self.sql

    def evaluate(self, frame: pl.DataFrame) -> pl.Series:
        """Evaluate the condition on every row.

        Parameters
        ----------
        frame : DataFrame
            Canonical values of the table's columns; only `columns` are read.

        Returns
        -------
        Series
            Boolean, one per row; null where the condition is UNKNOWN.

        Raises
        ------
        DataError
            The frame lacks a column.
        """
        for name in self.columns:
            if name not in frame.columns:
                raise DataError(f"where {quoted(shorten(self.sql))}: the data have no column {name!r}.")
        result = frame.select(self._expr.alias("where")).to_series()
        # an expression that Polars folds to a constant comes back as one value
        return result if len(result) == frame.height else result.new_from_index(0, frame.height)

    def keep(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows for which the condition is TRUE, in order."""
        return frame.filter(self.evaluate(frame))

    def terms(self) -> tuple[Predicate, ...]:
        """Split the condition at its ANDs: a row fits if and only if it fits every term.

        Examples
        --------
        >>> from simulacra.schema.types import Column, Table
        >>> table = Table("t", (Column("a", "number"), Column("b", "number")))
        >>> [str(term) for term in Predicate.parse("a > 1 and (b = 2 and a < b)", table).terms()]
        ['a > 1', 'b = 2', 'a < b']
        """
        node = self._node.unnest()
        if not isinstance(node, exp.And):
            return (self,) if node is self._node else (self._compile(write_sql(node), node, self._table),)
        parts = [part.unnest() for part in flatten(node)]
        return tuple(self._compile(write_sql(part), part, self._table) for part in parts)

    def joined(self, other: Predicate | None) -> Predicate:
        """Make the condition that is TRUE where both are; None holds everywhere."""
        if other is None:
            return self
        left, right = (exp.Paren(this=part._node.unnest().copy()) for part in (self, other))
        sql = f"({self.sql}) AND ({other.sql})"
        return self._compile(sql, exp.And(this=left, expression=right), self._table)

    def branches(self) -> tuple[Predicate, ...]:
        """Split the condition at its ORs over several columns into parts that rule each other out.

        A row fits if and only if it fits one of them; one part comes back where there is no such OR, or too many.

        Examples
        --------
        >>> from simulacra.schema.types import Column, Table
        >>> table = Table("t", (Column("a", "number"), Column("b", "number")))
        >>> [str(part) for part in Predicate.parse("a = 1 or b = 2", table).branches()]
        ['(a = 1)', '(NOT COALESCE((a = 1), FALSE)) AND (b = 2)']
        """
        found: list[list[str]] = [[]]
        for term in self.terms():
            ways = split_or(term._node.unnest(), write_sql) if len(term.columns) > 1 else []
            if not ways or len(found) * len(ways) > _MOST_BRANCHES:
                ways = [[f"({term.sql})"]]
            found = [[*before, *way] for before in found for way in ways]
        return tuple(Predicate.parse(" AND ".join(parts), self._table) for parts in found)

    def literals(self) -> list[Any]:
        """List the constants that the condition names: numbers of either sign, and dates.

        Examples
        --------
        >>> from simulacra.schema.types import Column, Table
        >>> Predicate.parse("a > 2.5", Table("t", (Column("a", "number"),))).literals()
        [2.5, -2.5]
        """
        return list_literals(self._node)

    def compares_constants(self) -> bool:
        """Tell whether it only holds bare columns against constants: its truth can change nowhere else.

        Examples
        --------
        >>> from simulacra.schema.types import Column, Table
        >>> table = Table("t", (Column("a", "number"),))
        >>> [Predicate.parse(text, table).compares_constants() for text in ("a > 1 or a in (0, 2)", "a % 2 = 0")]
        [True, False]
        """
        return compares_constants(self._node)

    def compares_sums(self) -> bool:
        """Tell whether it only holds sums, differences and multiples of columns against each other, by order.

        Examples
        --------
        >>> from simulacra.schema.types import Column, Table
        >>> table = Table("t", (Column("a", "number"), Column("b", "number")))
        >>> [Predicate.parse(text, table).compares_sums() for text in ("a + 1 > 2 * b", "a = b", "a % 2 > b")]
        [True, False, False]
        """
        return compares_sums(self._node)

    def goes_by_hours(self) -> bool:
        """Tell whether, apart from constants, it looks at nothing finer than hours: dates, weekdays, hours."""
        return goes_by_hours(self._node)

    def clock_times(self) -> list[int]:
        """List the times of day, in microseconds, of the instants that the condition names."""
        return list_clock_times(self._node)

    def is_swapped(self) -> bool:
        """Tell whether this is a BETWEEN of two constants whose lower limit is the higher one: never TRUE.

        Examples
        --------
        >>> from simulacra.schema.types import Column, Table
        >>> Predicate.parse("a between 30 and 20", Table("t", (Column("a", "number"),))).is_swapped()
        True
        """
        node = self._node.unnest()
        if not isinstance(node, exp.Between):
            return False
        low, high = node.args["low"], node.args["high"]
        if low.find(exp.Column) or high.find(exp.Column):
            return False
        above = self._compile("", exp.GT(this=low.copy(), expression=high.copy()), self._table)
        return bool(above.truth())

    def truth(self) -> bool | None:
        """Tell what a condition that reads no column is in every row; None for UNKNOWN.

        Examples
        --------
        >>> from simulacra.schema.types import Column, Table
        >>> table = Table("t", (Column("a", "number"),))
        >>> [Predicate.parse(text, table).truth() for text in ("1 = 1", "1 = 0", "1 = null")]
        [True, False, None]
        """
        found: bool | None = self.evaluate(pl.DataFrame({"row": [0]}))[0]
        return found

    def compares_null(self) -> bool:
        """Tell whether this is a comparison with NULL, which is never TRUE."""
        return compares_null(self._node.unnest())

    def is_null_test(self) -> bool:
        """Tell whether this asks for the missing values of a column, and for nothing else."""
        return is_null_test(self._node.unnest())

    def unknown_levels(self) -> list[tuple[str, str]]:
        """List (column, level) for constants that are no level of the category they are compared with.

        Such a comparison is never TRUE on data that keep to the schema; the caller may want to warn.
        """
        return list(self._missed)


def write_sql(node: exp.Expression) -> str:
    """Write a parsed condition, or a part of one, as text that is read the same."""
    return node.sql(dialect=_Dialect, comments=False)


def parse_sql(text: str, table: Table) -> exp.Expression:
    """Parse the SQL of one condition or expression; the table is only asked for hints."""
    if not text:
        raise PredicateError("the condition is empty. Write one, such as age > 30.")
    if len(text) > MAX_LENGTH:
        raise PredicateError(f"the condition has {len(text):,} characters; at most {MAX_LENGTH:,} are read.")
    try:
        found = _Dialect().parse_into(exp.Condition, text)
    except ParseError as error:
        hint = (
            reserved(text, table)
            or "Names with spaces or signs stand in double quotes, texts in single quotes."
        )
        raise PredicateError(f"{_describe(error)} {hint}") from None
    except SqlglotError:
        raise PredicateError(
            "a quote is opened and never closed. Close it; a quote in a text is written twice."
        ) from None
    statements = [node for node in found if node is not None]
    if not statements:
        hint = reserved(text, table) or "Write one, such as age > 30."
        raise PredicateError(f"the condition is empty. {hint}")
    if len(statements) > 1:
        raise PredicateError("there are several statements. Join conditions with AND instead of ';'.")
    return statements[0]


def _describe(error: ParseError) -> str:
    place = error.errors[0] if error.errors else {}
    before, here = (str(place.get(part) or "") for part in ("start_context", "highlight"))
    read = (before + here)[-40:].strip()
    return f"this is no SQL condition: it can not be read beyond {read!r}."
