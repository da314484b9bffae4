"""Edge cases: what is labelled valid keeps the contract, and what is labelled invalid breaks it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

import simulacra as sim
from simulacra.edges.edge_cases import EdgeCases
from simulacra.errors import OptionError, SchemaError, SchemaViolation
from simulacra.randomness import Streams
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


def assert_labels(made: EdgeCases, table: Table, every: int = 1) -> None:
    valid, invalid = made.valid, made.invalid
    assert not found(valid, table)
    flags = made.frame.filter(~pl.col("_valid")).select("_case", "_column", "_breaks").rows()
    kept = [
        flags[place]
        for place in range(0, len(invalid), every)
        if not found(pl.concat([valid, invalid[place]]), table)
    ]
    assert not kept
    assert made.frame.filter(pl.col("_valid") != pl.col("_breaks").is_null()).is_empty()


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("table", [EVERY_KIND, RULES], ids=["kinds", "rules"])
def test_labels_are_what_validation_finds(table: Table, as_text: bool) -> None:
    made = sim.make_edge_cases(table, as_text=as_text)
    # each row is validated beside all valid ones, which takes long: every ninth shows a mistake in any kind of case
    assert_labels(made, table, every=9)
    assert made.frame["_valid"].any() and not made.frame["_valid"].all()


@pytest.fixture(scope="module")
def ruled() -> EdgeCases:
    return sim.make_edge_cases(RULES)


@pytest.mark.parametrize("rule", RULES.constraints, ids=lambda rule: type(rule).__name__)
def test_every_constraint_is_broken_by_a_row_of_its_own(ruled: EdgeCases, rule: object) -> None:
    assert len(ruled.frame.filter(pl.col("_breaks") == str(rule)))


def test_a_repeated_key_is_among_the_cases(ruled: EdgeCases) -> None:
    row = ruled.frame.row(by_predicate=pl.col("_case") == "repeated key", named=True)
    assert row["_breaks"] == "id: different in every row" and row["id"] in ruled.valid["id"]


def labels(columns: tuple[Column, ...], as_text: bool = False) -> dict[tuple[str, object], bool]:
    made = sim.make_edge_cases(Table("t", columns), as_text=as_text)
    rows = made.frame.filter(pl.col("_column").is_not_null()).rows(named=True)
    return {(row["_case"], row[row["_column"]]): row["_valid"] for row in rows}


def test_limits_of_a_number_lie_a_step_apart() -> None:
    found = labels((Column("a", "number", decimals=2, bounds=(0.5, 9.75)),))
    assert found[("minimum", 0.5)] and found[("maximum", 9.75)]
    assert (
        found[("just below the minimum", 0.49)] is False and found[("just above the maximum", 9.76)] is False
    )
    assert found[("missing", None)] is False


def test_leap_days_and_what_is_none() -> None:
    column = Column("d", "date", bounds=(date(2021, 5, 1), date(2025, 5, 1)))
    assert labels((column,))[("leap day", date(2024, 2, 29))]
    assert labels((column,), as_text=True)[("no leap year", "2023-02-29")] is False


def test_hours_that_clocks_skip_and_repeat() -> None:
    column = Column("t", "datetime", timezone="America/New_York", bounds=None)
    typed = dict(labels((column,)).keys())
    first, second = (typed[f"hour that comes twice, {which}"] for which in ("first", "second"))
    assert f"{first:%H:%M}" == f"{second:%H:%M}" == "01:30"
    assert first.utcoffset() - second.utcoffset() == timedelta(hours=1)
    skipped = [key for key in labels((column,), as_text=True) if key[0] == "hour that clocks skip"]
    assert skipped == [("hour that clocks skip", "2024-03-10T02:30:00")]


def test_changes_of_clocks_are_taken_within_the_bounds_where_there_is_one() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    bounds = (datetime(2025, 3, 1, tzinfo=berlin), datetime(2025, 5, 31, tzinfo=berlin))
    found = {
        case: (value, valid)
        for (case, value), valid in labels(
            (Column("t", "datetime", timezone="Europe/Berlin", bounds=bounds),), as_text=True
        ).items()
    }
    assert found["last moment before clocks go forward"] == ("2025-03-30T01:59:59+01:00", True)
    assert found["hour that clocks skip"] == ("2025-03-30T02:30:00", False)
    # they go back in autumn, which lies outside
    assert found["hour that comes twice, first"] == ("2025-10-26T02:30:00+02:00", False)


@pytest.fixture(scope="module")
def related() -> EdgeCases:
    rng = Streams(5).stream("sales")
    rows = 600
    net, tax = rng.integers(100, 99_999, rows) / 100, rng.integers(0, 3_000, rows) / 100
    start = [datetime(2025, 3, 1) + timedelta(minutes=n) for n in rng.integers(0, 80_000, rows).tolist()]
    zips = [f"{n:05d}" for n in rng.integers(0, 20, rows).tolist()]
    frame = pl.DataFrame({"net": net, "tax": tax, "zip": zips, "start": start}).with_columns(
        total=(pl.col("net") + pl.col("tax")).round(2),
        city=pl.col("zip").str.slice(4, 1),
        end=pl.col("start") + pl.duration(minutes=pl.Series(rng.integers(0, 5_000, rows))),
    )
    return sim.make_edge_cases(sim.fit(frame, "copula", seed=1))


def test_valid_rows_keep_the_relations_that_a_model_keeps(related: EdgeCases) -> None:
    valid = related.valid
    assert (valid["net"] + valid["tax"] - valid["total"]).abs().max() < 0.005
    assert (valid["zip"].str.slice(4, 1) == valid["city"]).all()
    assert (valid["start"] <= valid["end"]).all()
    # cells beside those that a case is about give way, so the limits of each column are still valid rows
    cases = related.frame.filter(pl.col("_valid"))
    assert {("minimum", "tax"), ("maximum", "end"), ("first level", "city")} <= set(
        cases.select("_case", "_column").rows()
    )
    assert any("keeps in every row" in note for note in related.notes)


def test_each_relation_is_broken_on_purpose(related: EdgeCases) -> None:
    alone = set(related.frame.filter(~pl.col("_valid"))["_breaks"])
    assert {'"total" = net + tax', '"zip" determines "city"', '"start" <= "end"'} <= alone


def test_long_and_odd_texts_are_whole() -> None:
    found = labels((Column("t", "text"),))
    assert found[("10,000 signs", "x" * 10_000)]
    assert {"4-byte Unicode", "combining signs", "right-to-left signs", "new line"} <= {
        case for case, _ in found
    }


def test_rows_are_the_same_for_a_seed_and_come_from_a_model() -> None:
    frame = pl.DataFrame({"id": range(300), "a": [n % 7 for n in range(300)], "b": ["x", "y", "z"] * 100})
    schema = sim.infer(frame).with_column("id", kind="key").with_constraint("a < 6 or b = 'x'")
    model = sim.fit(frame, "independent", schema=schema, seed=1)
    made, again = (sim.make_edge_cases(model, seed=3) for _ in range(2))
    assert made.frame.equals(again.frame)
    assert_labels(made, model.table, every=5)
    assert any("a < 6" in rule for rule in made.frame["_breaks"].drop_nulls())


def test_rows_can_be_put_behind_others() -> None:
    rows = pl.DataFrame({"id": [1, 2, 3], "a": [5, 6, 7]})
    table = Table(
        "t", (Column("id", "key", integer=True), Column("a", "number", integer=True, bounds=(0, 9)))
    )
    made = sim.make_edge_cases(table, into=rows)
    assert made.frame["id"].head(3).to_list() == [1, 2, 3] and made.frame["_case"].head(3).is_null().all()
    assert_labels(made, table)
    with pytest.raises(SchemaViolation, match="between 0 and 9"):
        sim.make_edge_cases(table, into=rows.with_columns(a=pl.lit(10)))


def test_what_can_not_be_made_is_told() -> None:
    table = Table("t", (Column("a", "number", integer=True, bounds=(0, 9)),), constraints=(Check("a >= 0"),))
    assert "`a >= 0`" in sim.make_edge_cases(table).notes[0]
    with pytest.raises(OptionError, match="another prefix"):
        sim.make_edge_cases(Table("t", (Column("_case", "text"),)))
    unfilled = Table(
        "t", (Column("a", "category"), Column("b", "category")), constraints=(Combination(("a", "b")),)
    )
    with pytest.raises(SchemaError, match="learnt by a fit"):
        sim.make_edge_cases(unfilled)


def test_a_text_file_keeps_missing_and_empty_apart(tmp_path: Path) -> None:
    made = sim.make_edge_cases(Table("t", (Column("t", "text", nullable=True),)), as_text=True)
    path = made.write(tmp_path / "edges.csv")
    assert '\n"",empty text,t,,true\n' in path.read_text() and "\n,missing,t,,true" in path.read_text()
