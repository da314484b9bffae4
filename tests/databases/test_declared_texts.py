"""What a database declares of texts, random identifiers, references and counted columns is kept, or said."""

from __future__ import annotations

import re
import sqlite3
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.schema.inference import infer_table

TOWNS = {"Boston": "021", "Columbus": "432", "Dallas": "752", "Seattle": "981"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def make_addresses(rows: int = 1200) -> pl.DataFrame:
    rng = np.random.Generator(np.random.Philox(5))
    towns = rng.choice(list(TOWNS), rows)
    codes = [f"{TOWNS[town]}{rng.integers(100):02d}" for town in towns]
    return pl.DataFrame({"city": towns, "zip": codes})


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("declared") / "shop.db"
    with sqlite3.connect(path) as base:
        base.executescript("""
            CREATE TABLE people (id INTEGER PRIMARY KEY, city TEXT NOT NULL, zip VARCHAR(10), room VARCHAR(8), n INT);
            CREATE TABLE cards (no INTEGER PRIMARY KEY, owner INTEGER REFERENCES people ON DELETE CASCADE, sum REAL);
            CREATE TABLE imported (age TEXT, town TEXT);
        """)
        addresses = make_addresses()
        base.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?)",
            [
                (n, city, code, str(100 + n % 700), n % 9)
                for n, (city, code) in enumerate(addresses.rows(), 1)
            ],
        )
        base.executemany("INSERT INTO cards VALUES (?, ?, ?)", [(n, 1 + n % 600, n / 7) for n in range(1200)])
        base.executemany(
            "INSERT INTO imported VALUES (?, ?)", [(str(n % 90), f"t{n % 5}") for n in range(500)]
        )
    return path


def test_numbers_in_declared_texts_stay_texts(shop: Path) -> None:
    read = sim.read(shop, tables=["people", "imported"])
    people = read.schema.table("people")
    assert people["zip"].kind in {"text", "category"} and people["room"].kind in {"text", "category"}
    assert people["n"].kind == "number"
    # of a table that is all text nothing was declared: it is read as a CSV file is
    assert read.schema.table("imported")["age"].kind == "number"


def test_postcodes_stay_in_their_towns() -> None:
    drawn = sim.fit(make_addresses(), seed=1).sample(1000, seed=2).frame
    assert drawn["zip"].str.contains(r"^\d{5}$").all()
    right = drawn.select((pl.col("zip").str.head(3) == pl.col("city").replace_strict(TOWNS)).mean()).item()
    assert right > 0.97
    assert drawn["zip"].n_unique() > 200


@pytest.mark.parametrize("name", ["zip", "postcode", "postal_code", "PLZ"])
def test_postcodes_of_files_are_no_numbers(name: str) -> None:
    codes = pl.Series(name, [str(10115 + n * 37 % 60000) for n in range(900)] * 3)
    counted = pl.Series("weight", codes.to_list())
    table, _ = infer_table(pl.DataFrame([codes, counted]), "t", typed=False)
    assert table[name].kind in {"text", "category"} and table["weight"].kind == "number"


def test_actions_of_references_are_told(shop: Path) -> None:
    assert any("owner ON DELETE CASCADE" in note for note in sim.read(shop).notes)


def test_references_to_what_is_not_read_are_told(shop: Path) -> None:
    notes = sim.read(shop, tables=["cards"]).notes
    assert any("references to 'people', not read" in note and "--tables" in note for note in notes)


def test_random_identifiers_stay_such() -> None:
    rng = np.random.Generator(np.random.Philox(6))
    held = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(150)]
    frame = pl.DataFrame({"who": [held[n % 150] for n in range(300)], "sum": np.arange(300) % 17})
    schema = sim.infer(frame).with_column("who", kind="text")
    drawn = sim.fit(frame, schema=schema, seed=1).sample(400, seed=2).frame["who"]
    assert all(UUID.fullmatch(text) for text in drawn) and not set(drawn) & set(held)


def test_uuids_without_their_table_go_back_into_postgresql(postgresql: Any) -> None:
    url, target = postgresql.database("loose"), postgresql.database("loose_out")
    postgresql.run(r"""\c loose
        CREATE TABLE customers (id uuid PRIMARY KEY, born int);
        CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          customer uuid NOT NULL REFERENCES customers, total int NOT NULL);
        INSERT INTO customers SELECT md5(i::text)::uuid, 1950 + i % 60 FROM generate_series(1, 100) i;
        INSERT INTO orders (customer, total)
          SELECT md5((1 + i % 100)::text)::uuid, i % 40 FROM generate_series(1, 300) i;
    """)
    read = sim.read(url, tables=["orders"])
    assert any("GENERATED ALWAYS" in note for note in read.notes)
    sim.fit(read, seed=1).sample(200, seed=2).write(target)
    back = sim.read(target).frame
    assert len(back) == 200 and back["customer"].str.contains(UUID.pattern).all()
