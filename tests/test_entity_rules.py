"""Constraints across tables and over entities: which rows break them, what a repair gives, and a table alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulacra as sim
from simulacra.errors import PredicateError, SchemaError
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.schema.breaches import find_broken
from simulacra.schema.constraints import Check, Constraint, Equality, Implies, Monotone, Running
from simulacra.schema.files import dump_schema, load_schema
from simulacra.schema.types import Column, Reference, Schema, Table
from simulacra.schema.validation import validate


def number(name: str, **facts: Any) -> Column:
    return Column(name, "number", nullable=True, **facts)


def key(name: str) -> Column:
    return Column(name, "key", integer=True, nullable=True)


CUSTOMERS = Table(
    "customers", (key("id"), Column("created", "date"), number("n_orders", integer=True), number("spent", decimals=2)),
    ("id",),
)  # fmt: skip
ORDERS = Table(
    "orders",
    (key("id"), key("customer"), Column("bought", "date", nullable=True), number("total", decimals=2)),
    ("id",),
    references=(Reference(("customer",), "customers"),),
)
LINES = Table(
    "lines",
    (key("order"), number("quantity", integer=True), number("price", decimals=2)),
    references=(Reference(("order",), "orders"),),
)
SHOP = Schema((CUSTOMERS, ORDERS, LINES))
FRAMES = {
    "customers": pl.DataFrame(
        {
            "id": [1, 2, 3],
            "created": [date(2024, 1, 10), date(2024, 2, 10), date(2024, 3, 10)],
            "n_orders": [2, 5, 0],
            "spent": [0.9, 1.0, None],
        }
    ),
    "orders": pl.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "customer": [1, 1, 2, None],
            "bought": [date(2024, 1, 10), date(2024, 1, 5), None, date(2020, 1, 1)],
            "total": [0.3, 9.0, 7.0, None],
        }
    ),
    "lines": pl.DataFrame({"order": [1, 1, 2, 9], "quantity": [1, 2, 3, 4], "price": [0.1, 0.1, 0.2, 0.5]}),
}


def held(*rules: tuple[str, str | Constraint], schema: Schema = SHOP) -> EntityRules:
    for table, rule in rules:
        schema = schema.with_constraint(rule, table=table)
    return EntityRules.of(schema)


def marks(rules: EntityRules, frames: dict[str, pl.DataFrame] = FRAMES) -> list[list[bool]]:
    return [broken.to_list() for broken in rules.broken(frames)]


def test_counts_that_match() -> None:
    rules = held(("customers", "n_orders = (select count(*) from orders)"))
    assert marks(rules) == [[False, True, False]]
    mended, notes = rules.repair(FRAMES)
    assert mended["customers"]["n_orders"].to_list() == [2, 1, 0]
    assert mended["customers"].schema == FRAMES["customers"].schema
    assert "1 of 3 values of 'n_orders' was computed" in notes[0]
    assert rules.computed == {("customers", "n_orders")}


@pytest.mark.parametrize(
    "rule",
    [
        "total = (select sum(quantity * price) from lines)",
        "(select sum(quantity * price) from lines) = orders.total",
        Equality("total", "(select sum(quantity * price) from lines)"),
    ],
)
def test_sums_that_match_up_to_rounding(rule: str | Constraint) -> None:
    rules = held(("orders", rule))
    # 0.1 + 0.2 is no 0.3 in doubles; an order without lines, or without a total, is free
    assert marks(rules) == [[False, True, False, False]]
    mended, _ = rules.repair(FRAMES)
    assert mended["orders"]["total"].to_list() == [0.3, 0.6, 7.0, None]
    assert not any(rules.find_violations(mended))


def test_rules_are_repaired_in_the_order_in_which_they_read_each_other() -> None:
    rules = held(
        ("customers", "spent = (select coalesce(sum(total), 0) from orders)"),
        ("orders", "total = (select coalesce(sum(quantity * price), 0) from lines)"),
    )
    assert [table for table, _ in rules.rules] == ["orders", "customers"]
    mended, notes = rules.repair(FRAMES)
    assert mended["orders"]["total"].to_list() == [0.3, 0.6, 0.0, None]
    assert mended["customers"]["spent"].to_list() == [0.9, 0.0, None]
    assert not rules.find_violations(mended) and len(notes) == 2


def test_a_date_on_or_after_that_of_the_row_above() -> None:
    rules = held(("orders", "bought >= customers.created"))
    (found,) = rules.find_violations(FRAMES)
    assert (found.table, found.count, found.rows, found.first) == ("orders", 1, 4, (2,))
    mended, notes = rules.repair(FRAMES)
    assert mended["orders"]["bought"].to_list() == [
        date(2024, 1, 10),
        date(2024, 1, 15),
        None,
        date(2020, 1, 1),
    ]
    assert "reflected" in notes[0]


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(values=st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=1, max_size=8))
def test_a_reflected_value_keeps_its_rule_and_its_bounds(sign: str, values: list[tuple[int, int]]) -> None:
    decimals = pl.Series([value / 10 for value, _ in values])
    whole = pl.Series([value for value, _ in values], dtype=pl.Int64)
    days = pl.Series([date(2024, 1, 10) + timedelta(days=value) for value, _ in values])
    limit = pl.Series([limit for _, limit in values], dtype=pl.Int64)
    above = Table(
        "above",
        (key("id"), number("whole", integer=True), number("part", decimals=1), Column("day", "date")),
        ("id",),
    )
    below = Table(
        "below",
        (
            key("up"),
            number("whole", integer=True, bounds=(-6, 6)),
            number("part", decimals=1),
            Column("day", "date"),
        ),
        references=(Reference(("up",), "above"),),
    )
    frames = {
        "above": pl.DataFrame(
            {"id": range(len(values)), "whole": limit, "part": limit / 10,
             "day": [date(2024, 1, 10) + timedelta(days=step) for step in limit]}
        ),
        "below": pl.DataFrame({"up": range(len(values)), "whole": whole, "part": decimals, "day": days}),
    }  # fmt: skip
    rules = held(
        *[("below", f"{name} {sign} above.{name}") for name in ("whole", "part", "day")],
        schema=Schema((above, below)),
    )
    mended, _ = rules.repair(frames)
    assert not rules.find_violations(mended)
    assert mended["below"]["whole"].is_between(-6, 6).all()
    fitted = rules.broken(frames)[0].not_()
    assert mended["below"]["whole"].filter(fitted).equals(whole.filter(fitted))


def test_conditions_without_a_value_are_told_and_left() -> None:
    rules = held(
        ("orders", "total < 5 or customers.n_orders > 3"),
        ("customers", Implies("n_orders > 1", "(select count(*) from orders where bought is null) = 0")),
        ("customers", "exists (select 1 from orders)"),
    )
    assert marks(rules) == [[False, True, False], [False, False, True], [False, True, False, False]]
    mended, notes = rules.repair(FRAMES)
    assert not notes and all(mended[name].equals(FRAMES[name]) for name in FRAMES)


ACCOUNTS = Table("accounts", (key("id"), number("opening", decimals=2)), ("id",))
MOVES = Table(
    "moves",
    (
        key("account"),
        Column("day", "date", nullable=True),
        number("amount", decimals=2),
        number("balance", decimals=2),
    ),
    references=(Reference(("account",), "accounts"),),
)
BANK = Schema((ACCOUNTS, MOVES))
BOOKS = {
    "accounts": pl.DataFrame({"id": [1, 2, 3], "opening": [100.0, 5.0, None]}),
    "moves": pl.DataFrame(
        {
            "account": [1, 2, 1, 1, 3, None],
            "day": [date(2024, 1, day) for day in (3, 1, 1, 2, 1, 1)],
            "amount": [0.1, 1.0, 0.2, None, 4.0, 9.0],
            "balance": [100.3, 7.0, 100.2, 100.2, 4.0, 1.0],
        }
    ),
}


def test_a_running_balance_from_an_opening_above() -> None:
    rule = Running("balance", "amount", by="account", order="day", opening="accounts.opening")
    rules = held(("moves", rule), schema=BANK)
    # the third account has no opening, the last row no account
    assert marks(rules, BOOKS) == [[False, True, False, False, False, False]]
    broken = {**BOOKS, "moves": BOOKS["moves"].with_columns(balance=pl.lit(0.0))}
    mended, _ = rules.repair(broken)
    assert mended["moves"]["balance"].to_list() == [100.3, 6.0, 100.2, 100.2, 0.0, 0.0]


def test_a_running_sum_that_starts_with_what_the_first_row_shows() -> None:
    frame = pl.DataFrame({"g": [1, 1, 1, 2], "at": [3, 1, 2, 1], "a": [1, 5, 2, 7], "s": [14, 10, 12, 3]})
    table = Table("t", tuple(number(name, integer=True) for name in ("g", "at", "a", "s")))
    free = Running("s", "a", by="g", order="at", opening=None)
    # 10, and 2 more, and 1 more
    assert find_broken(free, frame, table).to_list() == [True, False, False, False]
    rules = held(("t", free), schema=Schema((table,)))
    mended, _ = rules.repair({"t": frame})
    assert mended["t"]["s"].to_list() == [13, 10, 12, 3]
    assert find_broken(Running("s", "a", by="g", order="at"), frame, table).to_list() == [
        True,
        True,
        True,
        True,
    ]


def test_rows_of_one_moment_are_told_apart_by_a_second_column() -> None:
    frame = pl.DataFrame({"at": [1, 1, 1], "id": [3, 1, 2], "a": [4, 1, 2], "s": [7, 1, 3]})
    table = Table("t", tuple(number(name, integer=True) for name in ("at", "id", "a", "s")))
    assert not find_broken(Running("s", "a", order=("at", "id")), frame, table).any()
    assert find_broken(Running("s", "a", order="at"), frame, table).to_list() == [True, True, True]


def test_a_running_sum_of_durations() -> None:
    spans = [timedelta(minutes=m) for m in (5, 10, 15)]
    frame = pl.DataFrame({"at": [1, 2, 3], "a": spans, "s": [spans[0], spans[2], spans[2]]})
    table = Table("t", (number("at", integer=True), Column("a", "duration"), Column("s", "duration")))
    rule = Running("s", "a", order="at")
    assert find_broken(rule, frame, table).to_list() == [False, False, True]
    mended, _ = held(("t", rule), schema=Schema((table,))).repair({"t": frame})
    assert mended["t"]["s"].to_list()[2] == timedelta(minutes=30)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 5), st.none() | st.integers(-999, 999)),
        min_size=0,
        max_size=15,
    )
)
def test_a_running_sum_is_that_of_a_loop(rows: list[tuple[int, int, int | None]]) -> None:
    frame = pl.DataFrame(
        {"g": [row[0] for row in rows], "at": [row[1] for row in rows],
         "a": [None if row[2] is None else row[2] / 100 for row in rows], "s": [0.0] * len(rows)},
        schema={"g": pl.Int64, "at": pl.Int64, "a": pl.Float64, "s": pl.Float64},
    )  # fmt: skip
    table = Table(
        "t",
        (
            number("g", integer=True),
            number("at", integer=True),
            number("a", decimals=2),
            number("s", decimals=2),
        ),
    )
    rules = held(("t", Running("s", "a", by="g", order="at", opening="1.5")), schema=Schema((table,)))
    mended, _ = rules.repair({"t": frame})
    sums: dict[int, int] = {}
    wanted = [0.0] * len(rows)
    for place in sorted(range(len(rows)), key=lambda at: (rows[at][0], rows[at][1])):
        group, _, amount = rows[place]
        sums[group] = sums.get(group, 150) + (amount or 0)
        wanted[place] = sums[group] / 100
    assert mended["t"]["s"].to_list() == pytest.approx(wanted, abs=1e-12)
    assert not any(broken.any() for broken in rules.broken(mended))


def test_values_that_must_rise_within_an_entity_are_sorted() -> None:
    frame = pl.DataFrame({"g": [1, 1, 1, 2, 2, 1], "at": [1, 2, 3, 1, 2, None], "v": [5, 3, 4, 1, 2, 0]})
    table = Table("t", tuple(number(name, integer=True) for name in ("g", "at", "v")))
    for falling, values in ((False, [3, 4, 5, 1, 2, 0]), (True, [5, 4, 3, 2, 1, 0])):
        rules = held(("t", Monotone("v", "at", by="g", falling=falling)), schema=Schema((table,)))
        mended, notes = rules.repair({"t": frame})
        assert mended["t"]["v"].to_list() == values and "put in order" in notes[0]
        assert not any(broken.any() for broken in rules.broken(mended))


def test_a_schema_file_holds_them() -> None:
    rules = (
        Check("bought >= customers.created"),
        Check("total = (select sum(quantity * price) from lines)"),
        Running("total", "total * 2", by="customer", order=("bought", "id")),
        Running("total", "total", order="bought", opening=None),
        Running("total", "total", order="bought", opening="customers.spent"),
    )
    schema = SHOP.with_table(replace(ORDERS, constraints=rules))
    assert load_schema(dump_schema(schema)).table("orders").constraints == rules


def test_errors_are_clear() -> None:
    with pytest.raises(PredicateError, match="no column named 'amont'"):
        BANK.with_constraint(Running("balance", "amont", order="day"), table="moves")
    with pytest.raises(SchemaError, match="one of number, duration"):
        BANK.with_constraint(Running("day", "amount", order="account"), table="moves")
    with pytest.raises(SchemaError, match="gives a date"):
        BANK.with_constraint(Running("balance", "day", order="account"), table="moves")
    with pytest.raises(SchemaError, match="both sides"):
        SHOP.with_constraint(Equality("spent", "spent + (select sum(total) from orders)"), table="customers")
    with pytest.raises(PredicateError, match="can not be compared"):
        SHOP.with_constraint(Equality("spent", "(select max(bought) from orders)"), table="customers")
    with pytest.raises(SchemaError, match="named twice"):
        Running("a", "b", by="a", order="c")


def test_a_table_alone_sets_them_apart_with_a_note() -> None:
    frame = pl.DataFrame(
        {
            "id": range(60),
            "customer": range(60),
            "bought": [date(2024, 1, 1)] * 60,
            "total": [float(n) for n in range(60)],
        }
    )
    orders = replace(
        ORDERS, references=(), constraints=(Check("bought >= customers.created"), Check("total >= 0"))
    )
    assert validate(frame, orders) == []
    model = sim.fit(frame, schema=Schema((orders,)), seed=1)
    assert [str(rule) for rule in model.schema.table().constraints] == ["total >= 0"]
    assert any("several tables" in note for note in model.notes)
    assert len(model.sample(20, seed=1).frame) == 20


def test_dates_and_moments_are_compared() -> None:
    above = Table("above", (key("id"), Column("at", "datetime")), ("id",))
    below = Table("below", (key("up"), Column("at", "datetime")), references=(Reference(("up",), "above"),))
    frames = {
        "above": pl.DataFrame({"id": [1], "at": [datetime(2024, 1, 1, 12)]}),
        "below": pl.DataFrame({"up": [1, 1], "at": [datetime(2024, 1, 1, 11), datetime(2024, 1, 1, 12)]}),
    }
    rules = held(("below", "at > above.at"), schema=Schema((above, below)))
    mended, _ = rules.repair(frames)
    assert not rules.find_violations(mended)
    assert mended["below"]["at"][0] == datetime(2024, 1, 1, 13, 0, 0, 1)


def test_a_selection_of_tables_leaves_out_what_reads_the_others() -> None:
    schema = SHOP.with_constraint("total >= 0", "bought >= customers.created", table="orders")
    alone = schema.select(["orders", "lines"])
    assert [str(rule) for rule in alone.table("orders").constraints] == ["total >= 0"]
    assert any("bought >= customers.created" in note for note in alone.notes)
    assert (
        schema.select(["customers", "orders"]).table("orders").constraints
        == schema.table("orders").constraints
    )


def test_a_fitted_model_of_one_table_takes_no_such_rule() -> None:
    frame = pl.DataFrame({"day": list(range(50)), "amount": list(range(50)), "balance": list(range(50))})
    model = sim.fit(frame, "independent", seed=1).with_constraint(Running("balance", "amount", order="day"))
    with pytest.raises(SchemaError, match="whole entities"):
        model.sample(10, seed=1)


def test_edge_cases_of_a_contract_set_them_apart() -> None:
    table = Table("t", (number("a", integer=True, bounds=(0, 9)),), constraints=(Check("a < other.b"),))
    made = sim.make_edge_cases(Schema((table,)), seed=1)
    assert any("several tables" in note for note in made.notes)
