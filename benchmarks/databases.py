"""Rows into databases and out of them: 1,000,000 rows x 6 columns, in rows per second of wall time.

python dev.py bench databases                                        SQLite and DuckDB
python dev.py bench databases --url postgresql://user@host/empty     that database too; --url may be repeated
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import polars as pl

from simulacra.databases.reading import read_database
from simulacra.databases.urls import conceal_url, parse_url
from simulacra.databases.writing import write_database
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Schema, Table

PAGE = Path(__file__).with_name("databases.md")
HEADER = """# Databases

`python dev.py bench databases`. Rows per second of wall time, the making of tables, keys and references included: a
table of `rows` rows and 6 columns (key, reference, price, category, moment, text) and the table that it refers to.
*Read* includes the schema that is made of what the database declares and of the values.

"""
TABLES = Schema((
    Table("customers", (Column("id", "key", integer=True), Column("name", "text")), key=("id",)),
    Table("orders", (
        Column("id", "key", integer=True), Column("customer", "key", integer=True),
        Column("price", "number", decimals=2, bounds=(0.0, 999.99)), Column("state", "category", nullable=True),
        Column("placed", "datetime"), Column("note", "text", nullable=True),
    ), key=("id",)),
)).with_reference("orders", "customer", "customers")  # fmt: skip


def main(arguments: list[str]) -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(prog="dev.py bench databases", description=__doc__)
    parser.add_argument("--url", action="append", default=[], help="an empty database; may be repeated")
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args(arguments)
    frames = make(given.rows)
    lines = ["| system | written | read |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for url in [f"sqlite:///{folder}/a.db", f"duckdb:///{folder}/a.duckdb", *given.url]:
            lines.append(measure(url, frames, given.rows))
            print(lines[-1])
    PAGE.write_text(HEADER + f"{given.rows:,} rows.\n\n" + "\n".join(lines) + "\n", encoding="utf-8")


def make(rows: int) -> dict[str, pl.DataFrame]:
    """Make the two tables."""
    rng = Streams(1).stream("rows")
    few = max(rows // 10, 1)
    states = pl.Series(["new", "paid", "sent", None])
    numbers = rng.integers(0, 100_000_000, rows)
    orders = pl.DataFrame(
        {
            "id": pl.int_range(rows, eager=True),
            "customer": rng.integers(0, few, rows),
            "price": rng.integers(0, 100_000, rows) / 100,
            "state": states.gather(rng.integers(0, 4, rows)),
            "placed": pl.Series(numbers * 1_000_000).cast(pl.Datetime("us")),
            "note": "note, number " + pl.Series(numbers).cast(pl.String),
        }
    )  # fmt: skip
    names = "Customer " + pl.int_range(few, eager=True).cast(pl.String)
    return {"customers": pl.DataFrame({"id": pl.int_range(few, eager=True), "name": names}), "orders": orders}


def measure(url: str, frames: dict[str, pl.DataFrame], rows: int) -> str:
    """Write and read one database, and return its line."""
    start = time.perf_counter()
    write_database(frames, TABLES, url, if_exists="replace")
    written = time.perf_counter()
    found = read_database(url)
    done = time.perf_counter()
    if len(found.frames["orders"]) != rows:
        raise SystemExit(f"{conceal_url(url)} gave back {len(found.frames['orders']):,} rows")
    system = parse_url(url).dialect
    return f"| {system} | {rows / (written - start):,.0f} rows/s | {rows / (done - written):,.0f} rows/s |"
