"""Rows of several tables under conditions, and constraints across tables in what a model of several tables draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.dataset import Dataset
from simulacra.errors import ImpossibleCondition, OptionError, PredicateError, RareCondition
from simulacra.randomness import Streams
from simulacra.relational.asking import asking
from simulacra.relational.asking.conditions import read_conditions
from simulacra.relational.asking.weights import pick, share_out
from simulacra.relational.database import DatabaseSynthesizer
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.schema.types import Schema

TWO_X = "(select count(*) from orders where product = 'X' and extract(month from bought) in (2, 3)) >= 2"


def make_shop(customers: int = 1_500) -> dict[str, pl.DataFrame]:
    rng = Streams(5).stream("shop")
    tier = rng.integers(3, size=customers)
    counts = rng.poisson(3 + 3 * tier)
    owner = np.repeat(np.arange(customers), counts)
    likes = rng.random(customers) < 0.1
    product = np.where(rng.random(len(owner)) < np.where(likes, 0.5, 0.08)[owner], "X", "Y")
    day = np.datetime64("2023-01-01") + rng.integers(0, 730, size=len(owner)).astype("timedelta64[D]")
    lines = rng.integers(1, 4, size=len(owner))
    of = np.repeat(np.arange(len(owner)), lines)
    orders = pl.DataFrame(
        {"customer": owner + 1, "product": product, "bought": day, "amount": rng.integers(1, 30, size=len(owner)),
         "kind": rng.integers(1, 4, size=len(owner))}
    )  # fmt: skip
    orders = orders.with_columns(pl.col("bought").cast(pl.Date)).sort("customer", "bought")
    orders = orders.with_row_index("id", offset=1)
    parts = pl.DataFrame({"order": of + 1, "price": rng.integers(1, 9, size=len(of)).astype(float)})
    totals = parts.group_by("order").agg(pl.col("price").sum()).sort("order")["price"]
    return {
        "customers": pl.DataFrame(
            {"id": np.arange(1, customers + 1), "state": np.array(["OH", "NY", "CA", "TX", "WA"])[
                rng.integers(5, size=customers)], "tier": np.array(["a", "b", "c"])[tier],
             "low": rng.integers(5, size=customers), "number": counts}
        ).with_columns(high=pl.col("low") + tier + 1),
        "orders": orders.with_columns(pl.col("id").cast(pl.Int64), total=totals),
        "lines": parts,
    }  # fmt: skip


def describe(real: Dataset) -> Schema:
    columns = tuple(
        (t.name, sim.Table(t.name, t.columns, ("id",) if "id" in t.names else ())) for t in real.schema.tables
    )
    return (
        Schema(tuple(table for _, table in columns))
        .with_reference("orders", "customer", "customers", "id")
        .with_reference("lines", "order", "orders", "id")
    )


@pytest.fixture(scope="module")
def model() -> Any:
    real = sim.read(make_shop())
    return sim.fit(real, schema=describe(real), seed=0)


def frames_of(drawn: Dataset) -> dict[str, pl.DataFrame]:
    return {name: drawn.polars(name) for name in drawn.schema.names}


def require_whole(frames: dict[str, pl.DataFrame]) -> None:
    """Every key is there once, and every reference leads to a row."""
    assert frames["customers"]["id"].is_unique().all()
    assert frames["orders"]["id"].is_unique().all()
    assert frames["orders"]["customer"].is_in(frames["customers"]["id"].to_list()).all()
    assert frames["lines"]["order"].is_in(frames["orders"]["id"].to_list()).all()


@pytest.mark.parametrize(
    "where",
    [
        {"customers": f"state = 'OH' and {TWO_X}"},
        {"customers": "tier = 'c'"},
        {"customers": "(select count(*) from orders) between 2 and 3 and state in ('OH', 'NY')"},
        {"customers": "(select max(amount) from orders) < 20"},
        {"customers": "(select sum(price) from lines) > 60"},
        {"orders": "amount > 15"},
        {"orders": "(select count(*) from lines) >= 2", "customers": {"state": "TX"}},
        {"lines": "price < 5 and orders.product = 'Y'", "customers": "tier = 'a'"},
    ],
)
def test_exactly_so_many_rows_satisfy(model: DatabaseSynthesizer, where: dict[str, Any]) -> None:
    frames = frames_of(model.sample(60, where=where, seed=3))
    assert len(frames["customers"]) == 60
    require_whole(frames)
    for keep in read_conditions(where, model.schema).keep(frames).values():
        assert keep.all()


def test_the_same_seed_gives_the_same_bytes(model: DatabaseSynthesizer) -> None:
    one, two, other = (model.sample(40, where={"customers": TWO_X}, seed=seed) for seed in (1, 1, 2))
    assert all(one.polars(name).equals(two.polars(name)) for name in one.schema.names)
    assert not one.polars("orders").equals(other.polars("orders"))


def test_rows_are_those_that_filtering_would_keep(model: DatabaseSynthesizer) -> None:
    asked = read_conditions({"customers": TWO_X}, model.schema)
    free = frames_of(model.sample(60_000, seed=11))
    keep = asked.keep(free)["customers"]
    filtered = free["customers"].filter(keep)
    led = model.sample(1_000, where={"customers": TWO_X}, seed=12)
    assert any("led to what is asked" in note for note in led.notes)
    told = next(float(n.partition("about ")[2].split()[0]) for n in led.notes if "led to" in n)
    pushed = (free["customers"]["number"] >= 0) & (
        free["orders"].group_by("customer").len().join(free["customers"], left_on="customer", right_on="id",
        how="right")["len"].fill_null(0) >= 2)  # fmt: skip
    assert told == pytest.approx(len(filtered) / int(pushed.sum()), rel=0.15)
    found = frames_of(led)

    def figures(customers: pl.DataFrame, orders: pl.DataFrame) -> pl.DataFrame:
        own = orders.group_by("customer").agg(
            rows=pl.len().cast(pl.Float64), x=(pl.col("product") == "X").mean(), amount=pl.col("amount").mean(),
            late=(pl.col("bought").dt.month() > 6).mean(),
        )  # fmt: skip
        joined = customers.join(own, left_on="id", right_on="customer")
        return joined.select("rows", "x", "amount", "late", tier=(pl.col("tier") == "c").cast(pl.Float64))

    ours, theirs = figures(found["customers"], found["orders"]), figures(filtered, free["orders"])
    for name in ours.columns:
        one, two = ours[name].to_numpy(), theirs[name].to_numpy()
        # weights make a thousand rows worth fewer: half of them, and five figures at 4 standard errors
        error = np.sqrt(2 * one.var() / len(one) + two.var() / len(two))
        assert abs(one.mean() - two.mean()) < 4 * error, name


def test_every_row_of_a_named_table_satisfies_and_numbers_stay(model: DatabaseSynthesizer) -> None:
    drawn = frames_of(model.sample(400, where={"orders": "product = 'X'"}, seed=4))
    free = frames_of(model.sample(400, seed=4))
    assert set(drawn["orders"]["product"]) == {"X"}
    assert len(drawn["orders"]) == pytest.approx(len(free["orders"]), rel=0.15)


def test_a_condition_that_no_row_can_meet(model: DatabaseSynthesizer) -> None:
    with pytest.raises(ImpossibleCondition, match=r"no row of this model .* has at least 500 rows of orders"):
        model.sample(5, where={"customers": "(select count(*) from orders) >= 500"}, seed=0)
    with pytest.raises(ImpossibleCondition):
        model.sample(5, where={"customers": "state = 'QQ'"}, seed=0)
    with pytest.raises(PredicateError, match=r"'id' is a key, and keys are counted anew"):
        model.sample(5, where={"customers": "id = 5"}, seed=0)


def test_too_rare_is_said_with_what_was_found(
    model: DatabaseSynthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ENOUGH", 10_000)
    monkeypatch.setattr(asking, "MOST", 100_000)
    with pytest.raises(
        RareCondition, match=r"too rare for 50 rows: \d+ found among [\d,]+ rows of 'customers' drawn"
    ):
        model.sample(50, where={"customers": "(select sum(amount) from orders) > 100000"}, seed=0)


def test_what_n_counts(model: DatabaseSynthesizer) -> None:
    with pytest.raises(OptionError, match="table that can be given a number"):
        model.sample({"orders": 5}, where={"orders": "amount > 3"}, seed=0)
    assert (
        len(model.sample({"customers": 7}, where={"orders": "amount > 3"}, seed=0).polars("customers")) == 7
    )
    assert len(model.sample(0, where={"customers": TWO_X}, seed=0).polars("orders")) == 0


def test_rules_hold_in_what_is_drawn() -> None:
    real = sim.read(make_shop(600))
    schema = (
        describe(real)
        .with_constraint("low < high", table="customers")
        .with_constraint("number = (select count(*) from orders)", table="customers")
        .with_constraint("total = (select sum(price) from lines)", table="orders")
        .with_constraint("kind = 1 or amount > 3", table="orders")
    )
    model = sim.fit(real, schema=schema, seed=0)
    assert "number" not in model.units["customers"].synthesizer.table.names
    for drawn in (
        model.sample(scale=1, seed=1),
        model.sample(50, where={"customers": "number >= 5"}, seed=1),
    ):
        frames = frames_of(drawn)
        assert not EntityRules.of(schema).find_violations(frames)
        assert (frames["customers"]["low"] < frames["customers"]["high"]).all()
        assert ((frames["orders"]["kind"] == 1) | (frames["orders"]["amount"] > 3)).all()
        assert not any("could not be mended" in note for note in drawn.notes)
        assert frames["customers"]["number"].null_count() == 0


def test_parents_that_belong_are_kept() -> None:
    rng = Streams(3).stream("clubs")
    people = pl.DataFrame({"id": range(400), "age": rng.integers(18, 80, size=400)})
    clubs = pl.DataFrame({"id": range(300), "size": rng.integers(1, 4, size=300)})
    stays = pl.DataFrame({
        "person": np.repeat(np.arange(400), 2), "club": rng.integers(300, size=800),
        "nights": rng.integers(1, 9, size=800)
    })  # fmt: skip
    real = sim.read({"people": people, "clubs": clubs, "stays": stays})
    schema = Schema(
        tuple(sim.Table(t.name, t.columns, ("id",) if "id" in t.names else ()) for t in real.schema.tables)
    )
    schema = schema.with_reference("stays", "person", "people", "id").with_reference(
        "stays", "club", "clubs", "id"
    )
    model = sim.fit(real, schema=schema, seed=0)
    driver = model.plan.driving("stays").reference.table
    loose, column = ("clubs", "club") if driver == "people" else ("people", "person")
    drawn = frames_of(model.sample({driver: 5}, where={"stays": "nights >= 4"}, seed=2))
    assert len(drawn[driver]) == 5
    assert (drawn["stays"]["nights"] >= 4).all()
    assert 0 < len(drawn[loose]) == drawn["stays"][column].n_unique()
    assert drawn["stays"][column].is_in(drawn[loose]["id"].to_list()).all()


def test_sums_follow_the_roots_that_lead_to_them(model: DatabaseSynthesizer) -> None:
    where = {"customers": "(select sum(amount) from orders) > 250"}
    drawn = model.sample(400, where=where, seed=8)
    assert any("followed the more the likelier they are by" in note for note in drawn.notes)
    free = frames_of(model.sample(60_000, seed=11))
    keep = read_conditions(where, model.schema).keep(free)["customers"]
    ours, theirs = drawn.polars("customers"), free["customers"].filter(keep)
    for name in ("number", "low"):
        one, two = ours[name].to_numpy(), theirs[name].to_numpy()
        assert abs(one.mean() - two.mean()) < 4 * np.sqrt(one.var() / len(one) + two.var() / len(two)), name


def test_picks_follow_the_weights() -> None:
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    streams = Streams(0)
    found = np.zeros(4)
    for turn in range(4_000):
        found[pick(weights, 2, streams.stream("pick", turn))] += 1
    chances, lost = share_out(weights, 2)
    assert lost == 0
    assert np.allclose(found / 4_000, chances, atol=4 * np.sqrt(0.25 / 4_000))
