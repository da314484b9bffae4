"""Hold data against their schema: every rule that rows break, with counts and the first rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from simulacra.errors import SchemaError, SchemaViolation
from simulacra.schema._parsing import duration_text
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table

_SHOWN_ROWS = 3
_SHOWN_RULES = 3


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of the schema that some rows break.

    Parameters
    ----------
    table : str
        The table's name.
    column : str
        The column, several joined by commas, or ``""`` for a rule over a whole row.
    rule : str
        What the rows break, as it stands after "break".
    count : int
        How many rows break it.
    rows : int
        How many rows there are.
    first : tuple of int
        The first rows that break it; the first data row is row 1.
    advice : str
        What can be done.

    Examples
    --------
    >>> print(Violation("orders", "age", "age >= 0", 2, 9840, (17, 40)))
    table 'orders', column 'age': 2 of 9,840 rows break "age >= 0" (first: rows 17, 40).
    """

    table: str
    column: str
    rule: str
    count: int
    rows: int
    first: tuple[int, ...]
    advice: str = ""

    def __str__(self) -> str:
        place = f"table {self.table!r}" + (f", column {self.column!r}" if self.column else "")
        rows = ", ".join(str(row) for row in self.first)
        word = "row" if len(self.first) == 1 else "rows"
        breaks = "breaks" if self.count == 1 else "break"
        text = f'{place}: {self.count:,} of {self.rows:,} rows {breaks} "{self.rule}" (first: {word} {rows}).'
        return f"{text} {self.advice}" if self.advice else text


def validate(frame: pl.DataFrame, table: Table) -> list[Violation]:
    """Find every rule of a table that rows break, the most broken first.

    Parameters
    ----------
    frame : DataFrame
        Canonical values; see `simulacra.schema.conformance.conform`.
    table : Table
        The schema.

    Returns
    -------
    list of Violation
        Empty if the rows keep the schema.

    Raises
    ------
    PredicateError
        A constraint can not be understood.
    SchemaError
        A pattern is no regular expression.

    Notes
    -----
    A missing value breaks only "has a value", and a constraint is broken only where it is false, not
    where it is unknown, as in SQL.

    **Cost**: linear in rows.

    **Privacy**: a violation tells counts, row numbers and facts of the schema, never a value of a row.

    Examples
    --------
    >>> table = Table("t", (Column("age", "number", integer=True, bounds=(0, 120)),))
    >>> [(found.rule, found.count) for found in validate(pl.DataFrame({"age": [3, 150]}), table)]
    [('between 0 and 120', 1)]
    """
    found: list[Violation] = []
    for column in table.columns:
        for rule, broken, advice in _column_rules(frame[column.name], column):
            _add(found, table, column.name, rule, broken, advice)
    one_key = len(table.key) == 1 and table[table.key[0]].kind == "key"  # then the column's own rule says it
    if table.key and not one_key:
        keys = frame.select(table.key)
        taken = keys.is_duplicated() & ~keys.select(pl.any_horizontal(pl.all().is_null())).to_series()
        rule = "different in every row"
        _add(found, table, ", ".join(table.key), rule, taken, "Remove the doubles, or choose another key.")
    for constraint in table.constraints:
        truth = Predicate.parse(constraint.sql, table).evaluate(frame)
        advice = "Correct the data, or drop the constraint from the schema."
        _add(found, table, "", constraint.sql, ~truth, advice)
    return sorted(found, key=lambda violation: -violation.count)


def require_valid(frame: pl.DataFrame, table: Table) -> None:
    """Raise an error if rows break their schema.

    Parameters
    ----------
    frame : DataFrame
        Canonical values.
    table : Table
        The schema.

    Raises
    ------
    SchemaViolation
        With the three rules that most rows break.

    Examples
    --------
    >>> require_valid(pl.DataFrame({"a": ["x"]}), Table("t", (Column("a", "category", levels=("x", "y")),)))
    """
    found = validate(frame, table)
    if not found:
        return
    more = len(found) - _SHOWN_RULES
    tail = (
        [f"{more} more {'rules are' if more > 1 else 'rule is'} broken; see validate()."] if more > 0 else []
    )
    raise SchemaViolation("\n".join([str(violation) for violation in found[:_SHOWN_RULES]] + tail))


def _add(
    found: list[Violation], table: Table, column: str, rule: str, broken: pl.Series, advice: str
) -> None:
    broken = broken.fill_null(False)
    count = int(broken.sum())
    if count:
        first = tuple(row + 1 for row in broken.arg_true().head(_SHOWN_ROWS).to_list())
        found.append(Violation(table.name, column, rule, count, len(broken), first, advice))


def _column_rules(values: pl.Series, column: Column) -> Iterator[tuple[str, pl.Series, str]]:
    """Give each rule of a column: its words, the rows that break it (null: kept), and advice."""
    if not column.nullable:
        yield "has a value", values.is_null(), "Fill them in, or set nullable: true in the schema."
    if column.bounds is not None:
        low, high = column.bounds
        secret = column.sensitive and not column.declared
        rule = "within its bounds" if secret else f"between {_show(low)} and {_show(high)}"
        yield rule, (values < low) | (values > high), "Correct the data, or widen the bounds in the schema."
    if column.levels is not None:
        rule = f"one of its {len(column.levels):,} levels"
        known = values.is_in(pl.Series([list(column.levels)], dtype=pl.List(pl.String)))
        yield rule, ~known, "Correct the data, or add the levels to the schema."
    if column.pattern is not None:
        advice = "Correct the data, or the pattern."
        yield f"matches {column.pattern}", ~_match(values.cast(pl.String), column), advice
    if column.kind == "number":
        yield from _number_rules(values, column)
    if column.kind == "key":
        taken = values.is_duplicated() & values.is_not_null()
        yield "different in every row", taken, "Remove the doubles, or make it a category."


def _match(text: pl.Series, column: Column) -> pl.Series:
    try:
        return text.str.contains(f"^(?:{column.pattern})$")
    except pl.exceptions.ComputeError as error:
        raise SchemaError(
            f"column {column.name!r}: pattern {column.pattern!r} is no regular expression that can be "
            "checked (look-around and back-references can not). Simplify it."
        ) from error


def _number_rules(values: pl.Series, column: Column) -> Iterator[tuple[str, pl.Series, str]]:
    advice = "Correct the data, or loosen the schema."
    if column.integer and not values.dtype.is_integer():
        yield "a whole number", values != values.round(), advice
    if column.decimals is not None and values.dtype.is_float():
        word = "decimal" if column.decimals == 1 else "decimals"
        # rounding may differ in the last bit of a large number
        off = (values - values.round(column.decimals)).abs() > 1e-9 * values.abs().clip(lower_bound=1e-3)
        yield f"at most {column.decimals} {word}", off, advice
    if column.step is not None:
        steps = values / column.step
        yield f"a multiple of {column.step:g}", (steps - steps.round()).abs() > 1e-9, advice
    if column.format == "HHMM":
        yield "a clock time written as HHMM", (values % 100 >= 60) | (values < 0) | (values > 2400), advice


def _show(bound: Any) -> str:
    if isinstance(bound, timedelta):
        return str(duration_text(pl.Series([bound]))[0])
    return str(bound)
