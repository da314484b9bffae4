"""A made-up shop with every kind of reference: its model is drawn in shards by tests."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

import simulacra as sim
from simulacra.dataset import Dataset
from simulacra.randomness import Streams
from simulacra.schema.constraints import Check, Unique
from simulacra.schema.types import Column, Reference, Schema, Table

GONE = 9
"""Products that lines name and that are not there."""
LOST = 0.05
"""Share of the lines that name one of these."""


def key(name: str, **facts: Any) -> Column:
    return Column(name, "key", integer=True, **facts)


def make_shop(people: int = 300) -> Dataset:
    """Countries (public), products, customers who recommend others, orders, lines with a total, and reviews.

    Products are small and need no others; reviews belong to them and are written by customers, so where `reviews` are
    learnt, products are divided with customers.
    """
    rng = Streams(5).stream("shop")
    rich = rng.random(people) < 0.4
    customers = pl.DataFrame({
        "id": np.arange(people) * 3 + 7,
        "email": [f"{name}{n}@example.com" for n, name in enumerate(rng.choice(["ada", "bob", "eve"], people))],
        "country": rng.choice(["DE", "FR", "IT"], people, p=[0.6, 0.3, 0.1]),
        "rich": np.where(rich, "yes", "no"),
        "friend": pl.Series([int(rng.integers(n)) * 3 + 7 if n > 50 and n % 3 else None for n in range(people)]),
        "since": [date(2020, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 300, people)],
    })  # fmt: skip
    dear = np.arange(150) < 75
    products = pl.DataFrame({
        "sku": [f"P{n:04d}" for n in rng.permutation(150)],
        "dear": np.where(dear, "yes", "no"),
        "price": np.where(dear, rng.integers(500, 900, 150), rng.integers(5, 90, 150)),
    })  # fmt: skip
    orders, lines = [], []
    for row in range(people):
        day = customers["since"][row]
        for _ in range(int(rng.poisson(1.5 + 2.5 * rich[row]))):
            day += timedelta(int(rng.integers(1, 60)))
            number, total = f"B-{len(orders):06}", 0
            for line in range(int(rng.integers(1, 5))):
                at = int(rng.integers(0, 75)) + 75 * int(rng.random() > (0.85 if rich[row] else 0.1))
                sku = f"GONE{rng.integers(GONE)}" if rng.random() < LOST else products["sku"][at]
                paid = int(rng.integers(1, 60))
                lines.append((number, line + 1, sku, paid))
                total += paid
            orders.append((number, int(customers["id"][row]), day, total))
    frames = {
        "countries": pl.DataFrame({"code": ["DE", "FR", "IT"], "eu": [True] * 3}),
        "products": products,
        "customers": customers,
        "orders": pl.DataFrame(orders, schema=["number", "customer", "day", "total"], orient="row"),
        "lines": pl.DataFrame(lines, schema=["number", "line", "sku", "paid"], orient="row"),
    }
    whole = "number"
    schema = Schema((
        Table("countries", (Column("code", "key"), Column("eu", "boolean")), ("code",), role="reference"),
        Table("products", (Column("sku", "key"), Column("dear", "category"), Column("price", whole, integer=True)),
              ("sku",)),
        Table("customers", (key("id"), Column("email", "text", identifying="email"), Column("country", "key"),
              Column("rich", "category"), key("friend", nullable=True), Column("since", "date")), ("id",),
              references=(Reference(("country",), "countries"), Reference(("friend",), "customers")),
              constraints=(Unique(("email",)),)),
        Table("orders", (Column("number", "key"), key("customer"), Column("day", "date"),
              Column("total", whole, integer=True)), ("number",), references=(Reference(("customer",), "customers"),),
              role="event", order="day", constraints=(Check("total = (select sum(paid) from lines)"),)),
        Table("lines", (Column("number", "key"), Column("line", whole, integer=True), Column("sku", "key"),
              Column("paid", whole, integer=True)), ("number", "line"),
              references=(Reference(("number",), "orders"), Reference(("sku",), "products"))),
    ))  # fmt: skip
    return sim.read(frames, schema=schema)


def add_reviews(shop: Dataset) -> Dataset:
    """Add reviews, which belong to products and name customers."""
    rng = Streams(6).stream("reviews")
    skus, ids = shop.polars("products")["sku"], shop.polars("customers")["id"]
    at = np.sort(rng.integers(0, len(skus), 600))
    reviews = pl.DataFrame({
        "sku": skus.gather(at),
        "place": pl.Series(at).rle_id().to_frame("at").select(pl.int_range(pl.len()).over("at") + 1).to_series(),
        "stars": rng.integers(1, 6, 600),
        "by": ids.gather(rng.integers(0, len(ids), 600)),
    })  # fmt: skip
    table = Table("reviews", (Column("sku", "key"), Column("place", "number", integer=True),
                  Column("stars", "number", integer=True), key("by")), ("sku", "place"),
                  references=(Reference(("sku",), "products"), Reference(("by",), "customers")))  # fmt: skip
    return sim.read({**shop.frames, "reviews": reviews}, schema=Schema((*shop.schema.tables, table)))
