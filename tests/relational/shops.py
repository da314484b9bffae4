"""A made-up company: every kind of reference that a database can have."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

import simulacra as sim
from simulacra.dataset import Dataset
from simulacra.schema.types import Column, Reference, Schema, Table


def key(name: str, **facts: object) -> Column:
    return Column(name, "key", integer=True, **facts)  # type: ignore[arg-type]


def make_company(people: int = 400, seed: int = 1) -> Dataset:
    """Countries (public), staff with managers, customers, orders with two addresses, lines, products, tags."""
    rng = np.random.Generator(np.random.Philox(seed))
    countries = pl.DataFrame({"code": ["DE", "FR", "IT"], "eu": [True, True, True], "people": [84, 68, 59]})
    level = np.sort(rng.choice(3, 60, p=[0.1, 0.3, 0.6]))
    boss = [None if n == 0 else int(rng.choice(np.flatnonzero(level == n - 1))) + 1 for n in level]
    staff = pl.DataFrame(
        {"id": range(1, 61), "boss": boss, "pay": (100 - 30 * level + rng.integers(0, 9, 60)).tolist()}
    )
    rich = rng.random(people) < 0.4
    customers = pl.DataFrame({
        "id": np.arange(people) * 3 + 7,
        "country": rng.choice(["DE", "FR", "IT"], people, p=[0.6, 0.3, 0.1]),
        "rich": np.where(rich, "yes", "no"),
        "seller": pl.Series([None if rng.random() < 0.2 else int(rng.integers(1, 61)) for _ in range(people)]),
        "since": [date(2020, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 300, people)],
    })  # fmt: skip
    products = pl.DataFrame({
        "sku": [f"P{n:04d}" for n in rng.permutation(150)],
        "dear": np.where(np.arange(150) < 75, "yes", "no"),
        "price": np.where(np.arange(150) < 75, rng.integers(500, 900, 150), rng.integers(5, 90, 150)),
    })  # fmt: skip
    orders, lines = [], []
    for row in range(people):
        day = customers["since"][row]
        for _ in range(rng.poisson(1.5 + 2.5 * rich[row])):
            day += timedelta(int(rng.integers(1, 60)))
            number = len(orders) + 1
            orders.append((number, int(customers["id"][row]), day))
            for line in range(int(rng.integers(1, 5))):
                dear = rng.random() < (0.85 if rich[row] else 0.1)
                at = int(rng.integers(0, 75)) + (0 if dear else 75)
                sku = "GONE" + str(rng.integers(9)) if rng.random() < 0.05 else products["sku"][at]
                lines.append((number, line + 1, sku, int(rng.integers(1, 6))))
    orders_frame = pl.DataFrame(orders, schema=["number", "customer", "day"], orient="row")
    lines_frame = pl.DataFrame(lines, schema=["number", "line", "sku", "pieces"], orient="row")
    pairs = {(int(rng.integers(people)), int(rng.integers(20))) for _ in range(3 * people)}
    tags = pl.DataFrame({"tag": range(20), "colour": rng.choice(["red", "blue"], 20)})
    tagged = pl.DataFrame(
        {
            "customer": [int(customers["id"][a]) for a, _ in sorted(pairs)],
            "tag": [b for _, b in sorted(pairs)],
        }
    )
    schema = Schema((
        Table("countries", (Column("code", "key"), Column("eu", "boolean"), Column("people", "number", integer=True)),
              ("code",), role="reference"),
        Table("staff", (key("id"), key("boss", nullable=True), Column("pay", "number", integer=True)), ("id",),
              references=(Reference(("boss",), "staff", name="boss"),)),
        Table("customers", (key("id"), Column("country", "key"), Column("rich", "category"),
              key("seller", nullable=True), Column("since", "date")), ("id",),
              references=(Reference(("country",), "countries"), Reference(("seller",), "staff"))),
        Table("products", (Column("sku", "key"), Column("dear", "category"), Column("price", "number", integer=True)),
              ("sku",)),
        Table("orders", (key("number"), key("customer"), Column("day", "date")), ("number",),
              references=(Reference(("customer",), "customers"),), role="event", order="day"),
        Table("lines", (key("number"), Column("line", "number", integer=True), Column("sku", "key"),
              Column("pieces", "number", integer=True)), ("number", "line"),
              references=(Reference(("number",), "orders"), Reference(("sku",), "products"))),
        Table("tags", (key("tag"), Column("colour", "category")), ("tag",)),
        Table("tagged", (key("customer"), key("tag")), ("customer", "tag"), role="link",
              references=(Reference(("customer",), "customers"), Reference(("tag",), "tags"))),
    ))  # fmt: skip
    frames = {
        "countries": countries, "staff": staff, "customers": customers, "products": products, "orders": orders_frame,
        "lines": lines_frame, "tags": tags, "tagged": tagged,
    }  # fmt: skip
    return sim.read(frames, schema=schema)
