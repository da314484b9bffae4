"""Rules over several tables that data keep: they are found at a fit, by evidence, and hold in every drawn row."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.dataset import Dataset
from simulacra.relational.database import DatabaseSynthesizer
from simulacra.relational.mining.mining import find_rules
from simulacra.relational.plan import make_plan
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.schema.types import Column, Reference, Schema, Table
from simulacra.schema.validation import validate_constraints


def key(name: str, **facts: Any) -> Column:
    return Column(name, "key", integer=True, **facts)


def number(name: str, **facts: Any) -> Column:
    return Column(name, "number", **facts)


def streams(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


PRODUCTS = Table("products", (key("id"), Column("name", "category"), number("price", decimals=2)), ("id",))
CUSTOMERS = Table(
    "customers",
    (
        key("id"), Column("country", "category"), Column("since", "date"), number("orders", integer=True),
        number("spent", decimals=2), Column("first", "date", nullable=True), Column("last", "date", nullable=True),
    ),
    ("id",),
)  # fmt: skip
ORDERS = Table(
    "order",
    (
        key("id"), key("customer"), Column("day", "date"), Column("shipped", "date", nullable=True),
        number("net", decimals=2), number("fee", decimals=2), number("total", decimals=2),
    ),
    ("id",), references=(Reference(("customer",), "customers"),), role="event", order="day",
)  # fmt: skip
LINES = Table(
    "lines",
    (
        key("order"), key("customer"), number("line", integer=True), key("product", nullable=True),
        Column("title", "category"), number("quantity", integer=True), number("unit_price", decimals=2),
        number("amount", decimals=2), Column("country", "category"),
    ),
    ("order", "line"),
    references=(Reference(("order",), "order"), Reference(("customer",), "customers"),
                Reference(("product",), "products")),
)  # fmt: skip
RULES = {
    ("lines", '"customer" = "order".customer'),
    ("lines", '"title" = products.name'),
    ("lines", '"unit_price" = products.price'),
    ("lines", '"country" = customers.country'),
    ("lines", '"amount" = quantity * unit_price'),
    ("customers", '"orders" = (select count(*) from "order")'),
    ("customers", '"spent" = coalesce((select sum(total) from "order"), 0)'),
    ("customers", '"first" = (select min("day") from "order")'),
    ("customers", '"last" = (select max("day") from "order")'),
    ("order", '"net" = coalesce((select sum(amount) from lines), 0)'),
    ("order", '"total" = net + fee'),
    ("order", '"day" >= customers.since'),
    ("order", '"day" rises with "id" within "customer"'),
    ("order", '"day" <= shipped'),
}


def make_shop(people: int = 300, seed: int = 1) -> Dataset:
    """Copies, products, totals and days in order; lines of products that are gone, and orders without lines."""
    rng = streams(seed)
    price = np.round(np.exp(rng.normal(3, 1, 60)), 2)
    orders: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    since = [date(2020, 1, 1) + timedelta(int(day)) for day in rng.integers(0, 1400, people)]
    for person in range(people):
        day = since[person]
        for _ in range(rng.poisson(2.5)):
            day += timedelta(int(rng.integers(0, 90)))
            net = 0.0
            for line in range(int(rng.integers(0 if rng.random() < 0.1 else 1, 4))):
                gone, at, pieces = rng.random() < 0.05, int(rng.integers(60)), int(rng.integers(1, 6))
                unit = round(float(rng.uniform(1, 50)), 2) if gone else float(price[at])
                net = round(net + round(pieces * unit, 2), 2)
                lines.append((
                    len(orders) + 1, person, line + 1, None if gone else at, "gone" if gone else f"product {at}",
                    pieces, unit, round(pieces * unit, 2), "DE" if person % 3 else "FR",
                ))  # fmt: skip
            fee = round(float(rng.uniform(0, 9)), 2)
            shipped = day + timedelta(int(rng.integers(0, 20))) if rng.random() < 0.9 else None
            orders.append((len(orders) + 1, person, day, shipped, net, fee, round(net + fee, 2)))
    order = pl.DataFrame(orders, schema=list(ORDERS.names), orient="row", infer_schema_length=None)
    told = order.group_by("customer").agg(
        orders=pl.len().cast(pl.Int64), spent=pl.col("total").sum().round(2), first=pl.col("day").min(),
        last=pl.col("day").max(),
    )  # fmt: skip
    customers = pl.DataFrame(
        {"id": range(people), "country": ["DE" if n % 3 else "FR" for n in range(people)], "since": since}
    ).join(told, left_on="id", right_on="customer", how="left", maintain_order="left")
    frames = {
        "products": pl.DataFrame(
            {"id": range(60), "name": [f"product {n}" for n in range(60)], "price": price}
        ),
        "customers": customers.with_columns(pl.col("orders").fill_null(0), pl.col("spent").fill_null(0.0)),
        "order": order,
        "lines": pl.DataFrame(lines, schema=list(LINES.names), orient="row", infer_schema_length=None),
    }
    return sim.read(frames, schema=Schema((PRODUCTS, CUSTOMERS, ORDERS, LINES)))


def found_in(data: Dataset) -> set[tuple[str, str]]:
    plan = make_plan(data.schema, data.frames)
    return {(found.table, str(found.constraint)) for found in find_rules(data, plan)}


def require_kept(model: DatabaseSynthesizer, fake: Dataset) -> None:
    rules = EntityRules.of(model.schema)
    assert not rules.find_violations(fake.frames)
    assert not any(broken.any() for broken in rules.broken(fake.frames))
    for table in model.schema.tables:
        assert not validate_constraints(fake.frames[table.name], table)


@pytest.fixture(scope="module")
def shop() -> Dataset:
    return make_shop()


@pytest.fixture(scope="module")
def model(shop: Dataset) -> Any:
    return sim.fit(shop, seed=1)


def test_a_shop_shows_its_rules(shop: Dataset) -> None:
    assert found_in(shop) == RULES


def test_drawn_rows_keep_them_and_notes_name_them(model: DatabaseSynthesizer) -> None:
    fake = model.sample(scale=3, seed=2)
    require_kept(model, fake)
    customers, lines = fake.frames["customers"], fake.frames["lines"]
    none = customers["orders"] == 0
    assert (
        none.any()
        and (customers["spent"].filter(none) == 0).all()
        and customers["first"].filter(none).is_null().all()
    )
    assert customers["first"].filter(~none).is_not_null().all()
    # lines of products that are gone keep prices of their own
    gone = lines.filter(pl.col("product").is_null())
    assert (
        0.02 < len(gone) / len(lines) < 0.1
        and gone["unit_price"].is_not_null().all()
        and gone["unit_price"].n_unique() > 5
    )
    said = "\n".join(model.notes)
    assert all(f"`{rule}` holds in" in said or f'"{rule}" holds in' in said for _, rule in RULES)


def test_copies_are_those_of_drawn_rows_above(model: DatabaseSynthesizer, shop: Dataset) -> None:
    fake = model.sample(seed=3).frames
    real, drawn = set(shop.frames["products"]["price"]), set(fake["products"]["price"])
    copied = set(fake["lines"].filter(pl.col("product").is_not_null())["unit_price"])
    assert copied <= drawn and not copied <= real
    joined = fake["lines"].join(fake["products"], left_on="product", right_on="id")
    assert (joined["unit_price"] == joined["price"]).all() and (joined["title"] == joined["name"]).all()


def test_a_saved_model_keeps_them_and_draws_the_same(model: DatabaseSynthesizer, tmp_path: Path) -> None:
    again = sim.load(model.save(tmp_path / "shop.sim"))
    one, two = model.sample(seed=5), again.sample(seed=5)
    assert one.digest == two.digest and again.schema == model.schema
    assert sim.fit(make_shop(), seed=1).sample(seed=5).digest == one.digest


def test_conditions_may_be_on_what_rules_compute(model: DatabaseSynthesizer) -> None:
    fake = model.sample(50, seed=1, where={"customers": "spent > 100 and last >= date '2022-01-01'"})
    customers = fake.frames["customers"]
    assert (
        len(customers) == 50
        and (customers["spent"] > 100).all()
        and (customers["last"] >= date(2022, 1, 1)).all()
    )
    require_kept(model, fake)


def test_the_search_can_be_left_out(shop: Dataset) -> None:
    model = sim.fit(shop, seed=1, rules=False)
    assert not any(table.constraints for table in model.schema.tables)


def test_what_the_schema_says_is_not_found_again(shop: Dataset) -> None:
    schema = shop.schema
    for table, rule in sorted(RULES):
        if "rises" not in rule:
            schema = schema.with_constraint(rule, table=table)
    assert not found_in(shop.with_schema(schema)) - {("order", '"day" rises with "id" within "customer"')}


@pytest.mark.parametrize(
    ("table", "column", "rule"),
    [
        ("lines", "unit_price", '"unit_price" = products.price'),
        ("customers", "spent", '"spent" = coalesce((select sum(total) from "order"), 0)'),
        ("lines", "country", '"country" = customers.country'),
    ],
)
def test_an_equality_with_an_exception_is_no_rule(shop: Dataset, table: str, column: str, rule: str) -> None:
    frame = shop.frames[table]
    # the last row that the rule says something of
    at = int((frame["product"].is_not_null() if table == "lines" else frame["orders"] > 0).arg_true()[-1])
    other: Any = "XX" if column == "country" else float(frame[column][at]) + 1
    values = frame[column].to_list()
    values[at] = other
    changed = frame.with_columns(pl.Series(column, values, dtype=frame[column].dtype))
    broken = Dataset(shop.schema, {**shop.frames, table: changed}, shop.layouts)
    assert (table, rule) in RULES and (table, rule) not in found_in(broken)


@pytest.mark.parametrize("seed", range(12))
def test_independent_columns_and_constants_give_no_rules(seed: int) -> None:
    rng = streams(seed)

    def draw(prefix: str, rows: int) -> dict[str, Any]:
        return {
            f"{prefix}few": rng.integers(0, 2, rows), f"{prefix}rare": rng.random(rows) < 0.01,
            f"{prefix}level": rng.choice(list("abc"), rows, p=[0.9, 0.07, 0.03]),
            f"{prefix}day": [date(2020, 1, 1) + timedelta(int(day)) for day in rng.integers(0, 400, rows)],
            f"{prefix}same": np.full(rows, 7), f"{prefix}real": np.round(rng.gamma(1, 10, rows), 2),
        }  # fmt: skip

    top, middle, low = (int(rng.integers(*ends)) for ends in ((12, 200), (40, 900), (60, 2000)))
    real = sim.read({
        "top": pl.DataFrame({"id": np.arange(top), **draw("a", top)}),
        "middle": pl.DataFrame({"id": np.arange(middle), "top": rng.integers(0, top, middle), **draw("b", middle)}),
        "low": pl.DataFrame({"middle": rng.integers(0, middle, low), **draw("c", low)}),
    })  # fmt: skip
    tables = tuple(Table(t.name, t.columns, ("id",) if "id" in t.names else ()) for t in real.schema.tables)
    schema = (
        Schema(tables)
        .with_reference("middle", "top", "top", "id")
        .with_reference("low", "middle", "middle", "id")
    )
    assert not found_in(real.with_schema(schema))


def make_clinic(dirty: int = 0, seed: int = 4) -> Dataset:
    """Patients, their stays, and the visits of stays: no visit is before the patient is registered."""
    rng = streams(seed)
    patients = pl.DataFrame({
        "id": range(400), "registered": [date(2020, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 1000, 400)],
        "ward": rng.choice(["north", "south", "east"], 400),
    })  # fmt: skip
    stays = pl.DataFrame(
        {"id": range(700), "patient": rng.integers(0, 400, 700), "cause": rng.choice(["a", "b"], 700)}
    )
    visits: list[tuple[Any, ...]] = []
    for stay in range(700):
        at = patients["registered"][int(stays["patient"][stay])] + timedelta(int(rng.integers(0, 200)))
        for _ in range(int(rng.integers(1, 4))):
            at += timedelta(int(rng.integers(0, 5)))
            visits.append((len(visits), stay, at, patients["ward"][int(stays["patient"][stay])]))
    frame = pl.DataFrame(visits, schema=["id", "stay", "day", "ward"], orient="row")
    early = pl.int_range(pl.len()) < dirty
    frame = frame.with_columns(day=pl.when(early).then(pl.date(2019, 1, 1)).otherwise("day"))
    schema = Schema((
        Table("patients", (key("id"), Column("registered", "date"), Column("ward", "category")), ("id",)),
        Table("stays", (key("id"), key("patient"), Column("cause", "category")), ("id",),
              references=(Reference(("patient",), "patients"),)),
        Table("visits", (key("id"), key("stay"), Column("day", "date"), Column("ward", "category")), ("id",),
              references=(Reference(("stay",), "stays"),)),
    ))  # fmt: skip
    return sim.read({"patients": patients, "stays": stays, "visits": frame}, schema=schema)


def test_days_keep_their_order_with_rows_two_references_above() -> None:
    real = make_clinic()
    rules = found_in(real)
    assert rules == {
        ("visits", '"day" >= patients.registered'),
        ("visits", '"day" rises with "id" within "stay"'),
        ("visits", '"ward" = patients.ward'),
    }
    loose = sim.fit(real, seed=1, rules=False).sample(seed=1)
    named = EntityRules.of(sim.fit(real, seed=1).schema)
    assert any(broken.any() for broken in named.broken(loose.frames))
    model = sim.fit(real, seed=1)
    fake = model.sample(scale=2, seed=1)
    require_kept(model, fake)


def test_days_may_have_a_few_exceptions() -> None:
    rule = ("visits", '"day" >= patients.registered')
    assert rule in found_in(make_clinic(dirty=1)) and rule not in found_in(make_clinic(dirty=30))
    model = sim.fit(make_clinic(dirty=1), seed=1)
    assert any("and 1 breaks it: kept as a rule" in note for note in model.notes)
    require_kept(model, model.sample(seed=1))


def test_a_rule_within_rows_is_mended_after_the_rule_that_changes_its_columns() -> None:
    above = Table("above", (key("id"), Column("from", "datetime"), number("price", decimals=2)), ("id",))
    below = Table(
        "below",
        (key("up"), Column("start", "date"), Column("stop", "date"), number("n", integer=True),
         number("price", decimals=2), number("sum", decimals=2)),
        references=(Reference(("up",), "above"),),
    )  # fmt: skip
    schema = Schema((above, below)).with_constraint(
        "start >= above.from",
        "start <= stop",
        "price = above.price",
        "sum = n * price",
        "n >= 1",
        table="below",
    )
    frames = {
        "above": pl.DataFrame({"id": [1], "from": [datetime(2024, 1, 10, 12)], "price": [2.5]}),
        "below": pl.DataFrame({
            "up": [1, 1], "start": [date(2024, 1, 10), date(2024, 2, 1)], "stop": [date(2024, 1, 9), date(2024, 2, 1)],
            "n": [2, 3], "price": [1.0, 2.5], "sum": [0.0, 7.5],
        }),
    }  # fmt: skip
    mended, _ = EntityRules.of(schema).repair(frames)
    assert mended["below"].row(0) == (1, date(2024, 1, 12), date(2024, 1, 15), 2, 2.5, 5.0)
    assert mended["below"].row(1) == frames["below"].row(1)


def test_products_with_a_row_above_and_figures_of_rows_below() -> None:
    rng = streams(9)
    goods = pl.DataFrame({"id": range(50), "price": np.round(rng.gamma(2, 9, 50), 2)})
    baskets = pl.DataFrame({"id": range(300)})
    owner = np.sort(rng.integers(0, 250, 900))
    items = pl.DataFrame({
        "basket": owner, "good": rng.integers(0, 50, 900), "pieces": rng.integers(1, 7, 900),
        "at": [datetime(2024, 1, 1) + timedelta(minutes=int(m)) for m in rng.integers(0, 500_000, 900)],
    }).with_columns(rank=pl.lit(rng.choice(["a", "b", "c", "d"], 900)))  # fmt: skip
    items = items.with_columns(cost=pl.col("pieces") * goods["price"].gather(items["good"]))
    told = items.group_by("basket").agg(
        worth=pl.col("cost").sum().round(2), ranks=pl.col("rank").n_unique(), until=pl.col("at").max().dt.date(),
        mean=pl.col("pieces").mean().round(3), many=pl.len(), any=pl.lit(value=True),
    )  # fmt: skip
    items = items.with_columns(cents=pl.col("cost").round(0, mode="half_away_from_zero").cast(pl.Int64)).drop(
        "cost"
    )
    baskets = baskets.join(
        told, left_on="id", right_on="basket", how="left", maintain_order="left"
    ).with_columns(
        pl.col("any").fill_null(value=False), pl.col("ranks").cast(pl.Int64), pl.col("many").cast(pl.Int64)
    )
    real = sim.read({"goods": goods, "baskets": baskets, "items": items})
    schema = Schema(
        tuple(Table(t.name, t.columns, ("id",) if "id" in t.names else ()) for t in real.schema.tables)
    )
    schema = schema.with_reference("items", "basket", "baskets", "id").with_reference(
        "items", "good", "goods", "id"
    )
    real = real.with_schema(schema)
    assert found_in(real) == {
        ("items", '"cents" = round(pieces * goods.price)'),
        ("baskets", '"worth" = (select sum(pieces * goods.price) from items)'),
        ("baskets", '"ranks" = nullif((select count(distinct rank) from items), 0)'),
        ("baskets", '"until" = cast((select max(at) from items) as date)'),
        ("baskets", '"mean" = (select avg(pieces) from items)'),
        ("baskets", '"many" = nullif((select count(*) from items), 0)'),
        ("baskets", '"any" = exists (select 1 from items)'),
    }
    model = sim.fit(real, seed=1)
    fake = model.sample(seed=1)
    require_kept(model, fake)
    drawn = fake.frames["baskets"]
    empty = ~drawn["any"]
    assert 20 < empty.sum() < 90
    assert all(drawn[name].is_null().equals(empty) for name in ("worth", "ranks", "until", "mean", "many"))
