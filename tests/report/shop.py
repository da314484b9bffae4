"""A made-up shop with known links: regions (reference), customers, orders in their order, lines of orders."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulacra.randomness import Streams
from simulacra.schema.types import Column, Reference, Schema, Table

SHOP = Schema(
    (
        Table(
            "regions", (Column("region", "key"), Column("climate", "category")), ("region",), role="reference"
        ),
        Table(
            "customers",
            (
                Column("customer", "key", integer=True),
                Column("region", "key"),
                Column("segment", "category"),
                Column("age", "number", integer=True),
            ),
            ("customer",),
            references=(Reference("region", "regions"),),
        ),
        Table(
            "orders",
            (
                Column("order", "key", integer=True),
                Column("customer", "key", integer=True, nullable=True),
                Column("day", "number", integer=True),
                Column("amount", "number"),
                Column("state", "category"),
            ),
            ("order",),
            references=(Reference("customer", "customers"),),
            role="event",
            order="day",
        ),
        Table(
            "lines",
            (
                Column("order", "key", integer=True),
                Column("line", "key", integer=True),
                Column("pieces", "number", integer=True),
            ),
            ("order", "line"),
            references=(Reference("order", "orders"),),
            role="child",
        ),
    )
)


def make_shop(customers: int, seed: int) -> dict[str, pl.DataFrame]:
    """Make a shop: rich customers order more and dearer, states follow each other, 2 % of orders are nobody's."""
    rng = Streams(seed).stream("shop")
    regions = pl.DataFrame({"region": [f"r{i}" for i in range(12)], "climate": ["dry", "wet", "cold"] * 4})
    rich = rng.random(customers) < 0.3
    one = pl.DataFrame({
        "customer": np.arange(customers) + 1_000 * seed, "region": rng.choice(regions["region"].to_list(), customers),
        "segment": np.where(rich, "rich", "plain"), "age": rng.integers(18, 90, customers),
    })  # fmt: skip
    counts = rng.poisson(np.where(rich, 6, 2))
    owner = np.repeat(np.arange(customers), counts)
    n = len(owner)
    level = rng.normal(size=customers)[owner]
    day = rng.integers(0, 100, customers)[owner] + np.cumsum(rng.geometric(0.1, n)) % 500
    state = np.where(rng.random(n) < 0.8, np.where(rich[owner], "sent", "open"), "back")
    buyer = pl.Series(owner + 1_000 * seed).set(pl.Series(rng.random(n) < 0.02), None)
    two = pl.DataFrame({
        "order": np.arange(n) + 100_000 * seed, "customer": buyer, "day": day,
        "amount": np.exp(level + rich[owner] + 0.3 * rng.normal(size=n)), "state": state,
    })  # fmt: skip
    lines = 1 + rng.poisson(1.0, n)
    of = np.repeat(np.arange(n), lines)
    first = np.cumsum(lines) - lines
    three = pl.DataFrame({
        "order": of + 100_000 * seed, "line": np.arange(len(of)) - first[of],
        "pieces": 1 + rng.poisson(1 + 3 * rich[owner][of], len(of)),
    })  # fmt: skip
    return {"regions": regions, "customers": one, "orders": two, "lines": three}
