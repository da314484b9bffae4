"""Edge cases: what is labelled valid keeps the contract, and what is labelled invalid breaks it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest

import simulacra as sim
from simulacra.edges import EdgeCases, make_edge_cases
from simulacra.errors import OptionError, SchemaError, SchemaViolation
from simulacra.schema.conformance import conform
from simulacra.schema.constraints import (
    Check,
    Combination,
    Determines,
    Equality,
    Implies,
    Monotone,
    OneHot,
    Pattern,
    Unique,
)
from simulacra.schema.types import Column, Table
from simulacra.schema.validation import validate

EVERY_KIND = Table(
    "people",
    (
        Column("id", "key", integer=True),
        Column("code", "key"),
        Column("age", "number", integer=True, bounds=(18, 90)),
        Column("fives", "number", integer=True, step=5, bounds=(0, 100), nullable=True),
        Column("paid", "number", decimals=2, bounds=(-10.0, 999.99)),
        Column("weight", "number", bounds=(0.5, 80.5)),
        Column("clock", "number", integer=True, format="HHMM", bounds=(0, 2359)),
        Column("state", "category", levels=("OH", "NY", "tx")),
        Column("free", "category"),
        Column("member", "boolean", nullable=True),
        Column("yes", "boolean", format="no|yes"),
        Column("born", "date", bounds=(date(1990, 1, 1), date(2023, 6, 30))),
        Column("seen", "datetime", bounds=(datetime(2023, 1, 1), datetime(2024, 12, 31, 23, 59))),
        Column("paris", "datetime", timezone="Europe/Paris"),
        Column("opens", "time", bounds=(time(8), time(17, 30))),
        Column("stay", "duration", bounds=(timedelta(0), timedelta(days=3))),
        Column("note", "text"),
        Column("zip", "text", pattern="[0-9]{5}"),
        Column("mail", "text", identifying="email"),
    ),
)
RULES = Table(
    "orders",
    (
        Column("id", "key", integer=True),
        Column("a", "number", integer=True, bounds=(0, 50)),
        Column("b", "number", integer=True, bounds=(0, 50)),
        Column("total", "number", integer=True, bounds=(-10, 200)),
        Column("status", "category", levels=("open", "sent")),
        Column("sent", "date", bounds=(date(2024, 1, 1), date(2024, 12, 31)), nullable=True),
        Column("make", "category", levels=("VW", "Fiat")),
        Column("model", "category", levels=("Golf", "Panda", "500")),
        Column("zip", "category", levels=tuple(f"{n:05d}" for n in range(30))),
        Column("city", "category", levels=("X", "Y", "Z")),
        Column("is_a", "boolean"),
        Column("is_b", "boolean"),
        Column("account", "category", levels=tuple("ABCDEFGH")),
        Column("day", "date", bounds=(date(2024, 1, 1), date(2024, 12, 31))),
        Column("balance", "number", integer=True, bounds=(0, 100_000)),
        Column("sku", "text"),
    ),
    constraints=(
        Check("a <= b"), Equality("total", "a + b"), Implies("status = 'sent'", "sent is not null"),
        Combination(("make", "model"), (("VW", "Golf"), ("Fiat", "Panda"), ("Fiat", "500"))),
        Determines("zip", "city"), OneHot(("is_a", "is_b")), Monotone("balance", "day", by="account"),
        Pattern("sku", "[A-Z]{3}-[0-9]{4}"), Unique(("account", "day")),
    ),
)  # fmt: skip


def found(rows: pl.DataFrame, table: Table) -> bool:
    """Whether validation finds anything in rows, typed or as text."""
    try:
        frame, _ = conform(rows, table)
    except SchemaViolation:
        return True
    return bool(validate(frame, table))


def assert_labels(made: EdgeCases, table: Table) -> None:
    valid, invalid = made.valid, made.invalid
    assert not found(valid, table)
    named = made.frame.filter(~pl.col("_valid")).select("_case", "_column", "_breaks").rows()
    missed = [
        label for row, label in zip(invalid.iter_slices(1), named, strict=True) if not found(pl.concat([valid, row]), table)
    ]
    assert not missed
    assert made.frame.filter(pl.col("_valid") != pl.col("_breaks").is_null()).is_empty()


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("table", [EVERY_KIND, RULES], ids=["kinds", "rules"])
def test_labels_are_what_validation_finds(table: Table, as_text: bool) -> None:
    made = make_edge_cases(table, as_text=as_text)
    assert_labels(made, table)
    assert made.frame["_valid"].any() and not made.frame["_valid"].all()


@pytest.mark.parametrize("rule", RULES.constraints, ids=lambda rule: type(rule).__name__)
def test_every_constraint_is_broken_by_a_row_of_its_own(rule: object) -> None:
    frame = make_edge_cases(RULES).frame
    alone = frame.filter(pl.col("_breaks") == str(rule))
    assert len(alone)
