"""Rules that rows break are found, counted and told without showing a value."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from simulacra.errors import PredicateError, SchemaError, SchemaViolation
from simulacra.schema.types import Check, Column, Table
from simulacra.schema.validation import Violation, describe_broken, require_valid, validate


def broken(values: list[Any], column: Column) -> list[tuple[str, int, tuple[int, ...]]]:
    """Validate one column."""
    frame = pl.DataFrame({column.name: values})
    return [(found.rule, found.count, found.first) for found in validate(frame, Table("t", (column,)))]


@pytest.mark.parametrize(
    ("column", "values", "rule"),
    [
        (Column("x", "text"), ["a", None], "has a value"),
        (Column("x", "number", bounds=(0, 1), nullable=True), [0.5, 1.01, None], "between 0 and 1"),
        (
            Column("x", "date", bounds=(date(2024, 1, 1), date(2024, 1, 31))),
            [date(2024, 1, 31), date(2024, 2, 1)],
            "between 2024-01-01 and 2024-01-31",
        ),
        (
            Column("x", "duration", bounds=(timedelta(0), timedelta(hours=1))),
            [timedelta(0), timedelta(hours=2)],
            "between PT0S and PT1H",
        ),
        (Column("x", "category", levels=("a",), nullable=True), ["a", "b", None], "one of its 1 levels"),
        (Column("x", "category", levels=()), ["b"], "one of its 0 levels"),
        (Column("x", "text", pattern="[A-Z]|[0-9]", nullable=True), ["A", "AB", None], "matches [A-Z]|[0-9]"),
        (Column("x", "number", decimals=1), [0.1, 0.15], "at most 1 decimal"),
        (Column("x", "number", integer=True, step=5), [10, 12], "a multiple of 5"),
        (Column("x", "number", integer=True, format="HHMM"), [2400, 1261], "a clock time written as HHMM"),
        (Column("x", "number", integer=True), [1.0, 1.5], "a whole number"),
    ],
)
def test_each_rule_is_checked(column: Column, values: list[Any], rule: str) -> None:
    bad = values.index(values[1]) + 1 if len(values) > 1 else 1
    assert broken(values, column) == [(rule, 1, (bad,))]


def test_keys_are_unique_in_every_row_that_has_one() -> None:
    assert broken([1, 2, 1, 3], Column("x", "key", integer=True)) == [("different in every row", 2, (1, 3))]
    table = Table("t", (Column("a", "number"), Column("b", "number", nullable=True)), key=("a", "b"))
    frame = pl.DataFrame({"a": [1, 1, 1, 1], "b": [1, 2, 1, None]})
    found = validate(frame, table)
    assert [(v.column, v.count, v.first) for v in found] == [("a, b", 2, (1, 3))]


def test_decimals_of_large_numbers_are_not_taken_for_more() -> None:
    column = Column("x", "number", decimals=2)
    assert not broken([0.1 + 0.2, 123456789.01, 1e15, -0.29], column)


def test_a_constraint_fails_only_where_it_is_false() -> None:
    columns = (Column("low", "number", nullable=True), Column("high", "number", nullable=True))
    table = Table("t", columns, constraints=(Check("low <= high"),))
    frame = pl.DataFrame({"low": [1.0, 5.0, None, 7.0], "high": [2.0, 4.0, 1.0, 6.5]})
    (found,) = validate(frame, table)
    assert str(found) == (
        "table 't': 2 of 4 rows break \"low <= high\" (first: rows 2, 4). "
        "Correct the data, or drop the constraint from the schema."
    )


def test_a_constraint_that_can_not_be_understood_is_an_error() -> None:
    table = Table("t", (Column("a", "number"),), constraints=(Check("a >"),))
    with pytest.raises(PredicateError):
        validate(pl.DataFrame({"a": [1.0]}), table)


def test_the_worst_rules_stand_in_the_error_and_values_do_not() -> None:
    columns = tuple(Column(name, "category", levels=("a",)) for name in "pqrs")
    frame = pl.DataFrame(
        {"p": ["Secret", "a", "a"], "q": ["a"] * 3, "r": ["Secret"] * 3, "s": ["a", "b", "c"]}
    )
    table = Table("t", (*columns, Column("n", "number")))
    with pytest.raises(SchemaViolation) as raised:
        require_valid(frame.with_columns(n=pl.lit(None, dtype=pl.Float64)), table)
    lines = str(raised.value).splitlines()
    assert len(lines) == 4
    assert {line.split("'")[3] for line in lines[:2]} == {"r", "n"}
    assert "'s'" in lines[2]
    assert lines[3] == "1 more rule is broken; see validate()."
    assert "Secret" not in str(raised.value)


def test_bounds_of_a_sensitive_column_are_not_shown() -> None:
    column = Column("x", "number", bounds=(7, 31_415), sensitive=True)
    (found,) = validate(pl.DataFrame({"x": [1.0]}), Table("t", (column,)))
    assert "31" not in str(found)


def test_a_pattern_that_can_not_be_checked_is_an_error() -> None:
    table = Table("t", (Column("x", "text", pattern="(?=a)"),))
    with pytest.raises(SchemaError, match="column 'x'"):
        validate(pl.DataFrame({"x": ["a"]}), table)


def test_good_data_pass() -> None:
    table = Table("t", (Column("x", "number", bounds=(0, 9)),), constraints=(Check("x > 0"),))
    require_valid(pl.DataFrame({"x": [1.0, 9.0]}), table)
    require_valid(pl.DataFrame({"x": []}, schema={"x": pl.Float64}), table)
    assert validate(pl.DataFrame(), Table("t", ())) == []


def test_a_violation_reads_as_a_sentence() -> None:
    one = Violation("t", "x", "has a value", 1, 1, (1,), "Fill it in.")
    assert str(one) == "table 't', column 'x': 1 of 1 rows breaks \"has a value\" (first: row 1). Fill it in."


def test_what_may_be_shared_does_not_show_bounds_read_off_the_rows() -> None:
    table = Table(
        "t",
        (
            Column("weight", "number", bounds=(13769, 1268339)),
            Column("age", "number", bounds=(0, 120), declared=True),
            Column("town", "category", levels=("Ulm",), nullable=True),
        ),
        constraints=(Check("age < 900"),),
    )
    frame = pl.DataFrame(
        {"weight": [1.0, 2.0, 20000.0], "age": [3.0, 150.0, 20.0], "town": ["Ulm", "Bonn", None]}
    )
    assert describe_broken(frame, table) == [
        "column 'weight': 2 of 3 rows lie outside the range of the training rows (first: rows 1, 2).",
        "table 't', column 'age': 1 of 3 rows breaks \"between 0 and 120\" (first: row 2). "
        "Correct the data, or widen the bounds in the schema.",
        "column 'town': 1 of 3 rows holds a level that the training rows do not have (first: row 2).",
    ]
    assert any(found.rule == "between 13769 and 1268339" for found in validate(frame, table))
