"""The rules of one column, each with the values that break it and with advice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import polars as pl

from simulacra.errors import SchemaError
from simulacra.schema._parsing import duration_text
from simulacra.schema.types import Column


def column_rules(
    values: pl.Series, column: Column, *, distinct: bool = True
) -> Iterator[tuple[str, pl.Series, str]]:
    """Give each rule of a column: its words, the rows that break it (null: kept), and advice.

    A key that refers to rows of a table, or is a part of a longer key, need not be `distinct`.
    """
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
    if column.kind == "key" and distinct:
        taken = values.is_duplicated() & values.is_not_null()
        yield "different in every row", taken, "Remove the doubles, or make it a category."


def weight_rules(values: pl.Series, column: Column) -> Iterator[tuple[str, pl.Series, str]]:
    """Give the rules of the column that weighs rows."""
    advice = "Correct the weights, leave these rows out, or take the weight out of the schema."
    if column.nullable:
        yield "has a weight", values.is_null(), advice
    numbers = values.cast(pl.Float64)
    yield "a finite weight of 0 or more", ~(numbers.is_finite() & (numbers >= 0)), advice
    if len(values) and float(numbers.fill_null(0.0).sum()) == 0.0:
        yield "some row has a weight above 0", numbers == 0, advice


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
