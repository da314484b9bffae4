"""Measure rows of several tables under conditions: a made shop, rare requests, and brute force beside them.

python dev.py bench asking

A request is drawn once with 1,000 customers, and its customers are held against those that filtering free draws keeps:
the share of each state and tier, the number of orders, the share of the product, and the mean amount. The worst
difference is told in standard errors.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import polars as pl

import simulacra as sim
from simulacra.randomness import Streams
from simulacra.relational.asking.conditions import read_conditions
from simulacra.schema.types import Schema

REQUESTS = (
    {"customers": "state = 'OH' and (select count(*) from orders where product = 'X' "
                  "and extract(month from bought) in (2, 3)) >= 2"},
    {"customers": "state = 'OH' and (select count(*) from orders where product = 'X') >= 3"},
    {"customers": "(select count(*) from orders where product = 'X' and extract(month from bought) in (2, 3)) >= 2"},
    {"customers": "(select sum(amount) from orders) > 900"},
    {"customers": "state = 'OH'", "orders": "amount > 60"},
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit once, draw each request, and print a table."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench asking", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--free", type=int, default=300_000, help="customers that are drawn freely")
    options = parser.parse_args(arguments)
    real = sim.read(make_shop(options.customers))
    tables = tuple(
        sim.Table(t.name, t.columns, ("id",) if "id" in t.names else ()) for t in real.schema.tables
    )
    schema = Schema(tables).with_reference("orders", "customer", "customers", "id")
    model = sim.fit(real, schema=schema, seed=0)
    free = model.sample(options.free, seed=1)
    print("| condition | told | long run | CPU-s | worst z |\n|---|---|---|---|---|")
    for where in REQUESTS:
        print(measure(model, schema, free, where, options), flush=True)


def measure(
    model: sim.DatabaseSynthesizer,
    schema: Schema,
    free: sim.Dataset,
    where: dict[str, str],
    options: argparse.Namespace,
) -> str:
    """Draw one request, and return its line."""
    start = time.process_time()
    drawn = model.sample(options.rows, where=where, seed=2)
    spent = time.process_time() - start
    keep = read_conditions(where, schema).keep({n: free.polars(n) for n in schema.names})
    asked = "; ".join(f"{table}: `{text}`" for table, text in where.items())
    said = f"| {asked} | {drawn.notes[-1].partition('about ')[2].split()[0]} "
    if set(where) != {"customers"}:
        return said + f"| | {spent:.1f} | rows below are drawn anew one by one |"
    kept = free.polars("customers").filter(keep["customers"])
    ours, theirs = look(drawn.polars("customers"), drawn), look(kept, free)
    worst = max(
        abs(ours[name].mean() - theirs[name].mean())
        / max(float(np.sqrt(ours[name].var() / len(ours) + theirs[name].var() / max(len(theirs), 1))), 1e-12)
        for name in ours.columns
    )
    return said + f"| {len(kept) / options.free:.3g} | {spent:.1f} | {worst:.1f} of {ours.width} |"


def look(customers: pl.DataFrame, data: sim.Dataset) -> pl.DataFrame:
    """Return figures of customers and of their orders."""
    orders = data.polars("orders").group_by("customer").agg(
        pl.len().cast(pl.Float64).alias("rows"), (pl.col("product") == "X").mean().alias("x"), pl.col("amount").mean(),
        (pl.col("bought").dt.month() > 6).mean().alias("late"),
    )  # fmt: skip
    joined = customers.join(orders, left_on="id", right_on="customer")
    levels = [(pl.col("tier") == level).cast(pl.Float64).alias(f"tier {level}") for level in "abc"]
    return joined.select("rows", "x", "amount", "late", pl.col("age").cast(pl.Float64), *levels)


def make_shop(customers: int) -> dict[str, pl.DataFrame]:
    """Make customers of three tiers, and about ten orders of each; some like a product."""
    rng = Streams(0).stream("shop")
    tier = rng.integers(3, size=customers)
    owner = np.repeat(np.arange(customers), rng.poisson(6 + 4 * tier))
    likes = rng.integers(20, size=customers)[owner]
    product = np.where(rng.random(len(owner)) < 0.15, likes, rng.integers(20, size=len(owner)))
    day = np.datetime64("2022-01-01") + rng.integers(0, 1095, size=len(owner)).astype("timedelta64[D]")
    states = np.array(["OH", "NY", "CA", "TX", "WA", "IL", "FL", "PA", "GA", "MI"])
    orders = pl.DataFrame({
        "customer": owner + 1, "product": np.array([*(f"P{i}" for i in range(19)), "X"])[product], "bought": day,
        "amount": np.round(np.exp(rng.normal(3, 0.6, len(owner))) + product, 2),
        "quantity": rng.integers(1, 6, size=len(owner)),
    })  # fmt: skip
    orders = orders.with_columns(pl.col("bought").cast(pl.Date)).sort("customer", "bought")
    return {
        "customers": pl.DataFrame({
            "id": np.arange(1, customers + 1), "state": states[rng.integers(10, size=customers)],
            "tier": np.array(["a", "b", "c"])[tier], "age": rng.integers(18, 90, size=customers),
        }),
        "orders": orders.with_row_index("id", offset=1).with_columns(pl.col("id").cast(pl.Int64)),
    }  # fmt: skip
