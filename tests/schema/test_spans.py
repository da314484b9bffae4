"""Spans of time are multiplied by numbers and divided: so many minutes after a moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from simulacra.errors import PredicateError
from simulacra.schema.formulas import Formula
from simulacra.schema.types import Column, Table

TABLE = Table("t", (Column("at", "datetime"), Column("m", "number", integer=True), Column("g", "duration")))
ROWS = pl.DataFrame(
    {
        "at": [datetime(2024, 1, 1, 10), datetime(2024, 1, 1, 10)],
        "m": [90, None],
        "g": [timedelta(minutes=3), timedelta(0)],
    }
)


@pytest.mark.parametrize(
    ("sql", "first", "second"),
    [
        ("at + m * interval '1 minute'", datetime(2024, 1, 1, 11, 30), None),
        ("at - interval '1 hour' * 2", datetime(2024, 1, 1, 8), datetime(2024, 1, 1, 8)),
        ("g * 0.5", timedelta(seconds=90), timedelta(0)),
        ("g / m", timedelta(seconds=2), None),
        ("g / 0", None, None),
    ],
)
def test_spans_are_stretched(sql: str, first: Any, second: Any) -> None:
    assert Formula.parse(sql, TABLE).evaluate(ROWS).to_list() == [first, second]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("m * interval '1 month'", "no fixed length"),
        ("m / interval '1 day'", "Multiply a span of time by a number"),
        ("g * g", "Multiply a span of time by a number"),
    ],
)
def test_what_can_not_be_stretched_is_refused(sql: str, message: str) -> None:
    with pytest.raises(PredicateError, match=message):
        Formula.parse(sql, TABLE)
