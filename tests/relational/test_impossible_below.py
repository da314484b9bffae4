"""Conditions on rows below a row that a model can not draw: told at once, with what it has released."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

import simulacra as sim
from simulacra.errors import ImpossibleCondition
from simulacra.randomness import Streams
from simulacra.relational.asking import asking
from simulacra.relational.database import DatabaseSynthesizer


@pytest.fixture(scope="module")
def model() -> Any:
    rng = Streams(1).stream("shop")
    people = pl.DataFrame({"id": range(300), "state": ["OH", "NY", "CA"] * 100})
    owner = [person for person in range(300) for _ in range(1 + person % 4)]
    orders = pl.DataFrame({
        "id": range(len(owner)), "person": owner, "amount": rng.integers(1, 30, size=len(owner)),
        "product": rng.choice(["X", "Y", "Z"], size=len(owner)),
        "secret": rng.choice(["Plague", "Gout"], size=len(owner)),
        "bought": [date(2023, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 365, size=len(owner))],
    }).sort("person", "bought")  # fmt: skip
    lines = pl.DataFrame({"order": [o for o in range(len(owner)) for _ in range(1 + o % 3)]})
    lines = lines.with_columns(price=pl.Series(rng.integers(1, 9, size=len(lines))))
    real = sim.read({"people": people, "orders": orders, "lines": lines})
    tables = (sim.Table(t.name, t.columns, ("id",) if "id" in t.names else ()) for t in real.schema.tables)
    schema = sim.Schema(tuple(tables)).with_reference("orders", "person", "people", "id")
    schema = schema.with_reference("lines", "order", "orders", "id").with_order("bought", table="orders")
    return sim.fit(real, schema=schema.with_column("secret", table="orders", sensitive=True), seed=0)


@pytest.fixture
def no_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("rows were drawn")

    monkeypatch.setattr(asking, "draw_unit", refuse)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"orders": "amount > 1000"}, "table 'orders', where \"amount > 1000\": 'amount' is always between 1 and 29"),
        ({"orders": "product = 'x'"}, "did you mean 'X'?"),
        ({"orders": "amount > 3 and product = 'Q'"}, "'product' is one of 'X', 'Y', 'Z'"),
        ({"orders": "amount is null"}, "'amount' has no missing values"),
        ({"orders": "amount > 100 or product = 'W'"}, "none of the 2 parts of its OR can hold"),
        ({"orders": "bought > '2030-01-01'"}, "'bought' never takes such a value"),
        ({"orders": "extract(year from bought) = 2019"}, "'bought' never takes such a value"),
        ({"orders": "bought >= '2023-12-31'"}, "no history of this model starts then"),
        ({"orders": "1 = 0"}, "no row can match"),
        ({"lines": "price > 90"}, "'price' is always between 1 and 8"),
        ({"people": "(select count(*) from orders where amount > 99) >= 2"},
         "that takes at least 2 rows of orders with amount > 99, and 'amount' is always between 1 and 29"),
        ({"people": "state = 'OH' and (select max(amount) from orders) > 99"}, "between 1 and 29"),
        ({"people": "(select max(price) from lines) > 90"}, "'price' is always between 1 and 8"),
        ({"people": "(select count(*) from lines) >= 500"}, "no row of 'people' has at least 500 rows of lines"),
        ({"orders": "(select count(*) from lines) >= 50"}, "no row of 'orders' has at least 50 rows of lines"),
    ],
)  # fmt: skip
def test_it_is_told_before_anything_is_drawn(
    model: DatabaseSynthesizer, no_draws: None, where: dict[str, str], words: str
) -> None:
    with pytest.raises(ImpossibleCondition) as caught:
        model.sample(5, where=where, seed=1)
    assert words in str(caught.value)


def test_levels_of_a_sensitive_column_are_not_named(model: DatabaseSynthesizer, no_draws: None) -> None:
    with pytest.raises(ImpossibleCondition, match="'secret' never takes such a value") as caught:
        model.sample(5, where={"orders": "secret = 'plague'"}, seed=1)
    assert "Plague" not in str(caught.value)


@pytest.mark.parametrize(
    "where",
    [
        {"orders": "amount >= 29"},
        {"orders": "bought >= '2023-09-01'"},
        {"orders": "extract(month from bought) = 2"},
        {"orders": "amount > 100 or product = 'X'"},
        {"people": "(select count(*) from orders where amount > 1000) = 0"},
        {"people": "(select count(*) from lines) >= 8"},
    ],
)
def test_what_can_be_is_drawn(model: DatabaseSynthesizer, where: dict[str, str]) -> None:
    assert len(model.sample(5, where=where, seed=1).polars("people")) == 5
