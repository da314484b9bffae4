"""Columns that differ in every row: by constraints of contracts, by rules, and in what is written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import simulacra as sim
from simulacra.dataset import dataset
from simulacra.errors import SchemaError
from simulacra.schema.constraints import Unique

DDL = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY, email TEXT UNIQUE NOT NULL, code VARCHAR(8) UNIQUE, nr INT UNIQUE, name TEXT NOT NULL
);
CREATE TABLE profiles (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL UNIQUE REFERENCES users(id));
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), nr INTEGER NOT NULL, UNIQUE (user_id, nr)
);
CREATE TABLE tags (id INTEGER PRIMARY KEY, label TEXT UNIQUE, UNIQUE (id, label));
CREATE TABLE marks (
    user_id INTEGER NOT NULL REFERENCES users(id), tag_id INTEGER NOT NULL REFERENCES tags(id),
    PRIMARY KEY (user_id, tag_id)
);
"""


def test_unique_columns_of_a_contract_differ_and_stay_unique(tmp_path: Path) -> None:
    (tmp_path / "ddl.sql").write_text(DDL)
    drawn = sim.generate(tmp_path / "ddl.sql", 300, seed=1)
    for name, columns in {
        "users": ["email"], "profiles": ["user_id"], "orders": ["user_id", "nr"], "marks": ["user_id", "tag_id"],
    }.items():  # fmt: skip
        rows = drawn.table(name).select(columns).drop_nulls()
        assert rows.height and rows.is_unique().all(), name
    codes = drawn.table("users")["code"].drop_nulls()
    assert codes.is_unique().all() and codes.str.len_chars().max() <= 8
    assert drawn.table("users")["nr"].drop_nulls().is_unique().all()
    assert Unique("email") in drawn.schema.table("users").constraints
    drawn.write(tmp_path / "made.db")
    with sqlite3.connect(tmp_path / "made.db") as base:
        (text,) = base.execute("select sql from sqlite_master where name = 'users'").fetchone()
    assert 'UNIQUE ("email")' in text and '"name" text NOT NULL' in text


def test_a_unique_rule_is_told_by_the_schema_of_its_rows() -> None:
    rules = {"id": "sequence", "mail": {"field": "email", "unique": True}, "boss": {"reference": "staff"},
             "part": {"formula": "1 / (id - 1)"}, "age": {"int": [18, 99], "missing": 0.1}}  # fmt: skip
    drawn = sim.generate({"tables": {"staff": {"columns": rules}}}, 50, seed=1)
    table = drawn.schema.table()
    assert table.constraints == (Unique("mail"),)
    assert {c.name for c in table.columns if c.required} == {"id", "mail"}
    assert table["boss"].nullable, "the first row finds nobody before it"
    again = dataset(drawn.frame, schema=drawn.schema)
    assert again.schema.table().constraints == (Unique("mail"),)


def test_a_unique_constraint_makes_a_written_rule_unique() -> None:
    rules: dict[str, Any] = {"columns": {"a": {"int": [1, 60]}}, "constraints": [{"unique": "a"}]}
    drawn = sim.generate({"tables": {"t": rules}}, 60, seed=1).frame
    assert sorted(pl.DataFrame(drawn)["a"]) == list(range(1, 61))


def test_what_rules_can_not_keep_apart_is_refused() -> None:
    columns = {"a": {"int": [1, 5]}, "d": {"choice": ["x", "y"]}}
    with pytest.raises(SchemaError, match="about several rows"):
        sim.compose({"tables": {"t": {"columns": columns, "constraints": [{"unique": ["a", "d"]}]}}})
    with pytest.raises(SchemaError, match=r"table 't'.*no column named 'b'"):
        sim.compose({"tables": {"t": {"columns": columns, "constraints": ["b > 3"]}}})
    with pytest.raises(sim.errors.OptionError, match="or leave unique out"):
        sim.generate({"a": {"int": [1, 5], "unique": True}}, 9)


@pytest.mark.parametrize(
    ("rule", "many"),
    [
        ({"uniform": ["2024-01-01", "2024-12-31"]}, 366),
        ({"uniform": ["2024-01-01", "2024-12-31"], "min": "2024-12-01"}, 31),
        ({"uniform": ["2024-01-01T00:00:00", "2024-01-01T00:59:59"]}, 3600),
        ({"uniform": ["08:00:00", "09:59:00"], "precision": "minute"}, 120),
        ({"int": [1, 100], "min": 51}, 50),
    ],
)
def test_dates_and_times_of_a_range_differ_down_to_the_last(rule: dict[str, Any], many: int) -> None:
    made = pl.DataFrame(sim.generate({"a": {**rule, "unique": True}}, many, seed=1).frame)["a"]
    free = pl.DataFrame(sim.generate({"a": rule}, 50 * many, seed=1).frame)["a"]
    assert made.n_unique() == many and made.null_count() == 0
    assert made.dtype == free.dtype and made.min() == free.min()
    # a moment that is drawn freely is never the very last one of its range
    assert made.dtype != pl.Date or made.max() == free.max()
    assert made.sort()[-2] <= free.max() <= made.max()  # type: ignore[operator]
    assert not made.is_sorted()
    with pytest.raises(sim.errors.OptionError, match=f"{many + 1:,} rows are to differ.*{many:,} values"):
        sim.generate({"a": {**rule, "unique": True}}, many + 1, seed=1)


def test_unique_dates_of_a_contract_differ_and_booleans_are_refused() -> None:
    def contract(facts: dict[str, Any]) -> dict[str, Any]:
        columns = {"id": {"kind": "key", "integer": True}, "a": facts}
        return {"tables": {"t": {"columns": columns, "key": ["id"], "constraints": [{"unique": ["a"]}]}}}

    days = contract({"kind": "date", "bounds": ["2024-01-01", "2024-01-31"]})
    assert sim.generate(days, 31, seed=1).polars()["a"].n_unique() == 31
    for refused in (
        contract({"kind": "boolean"}),
        {"tables": {"t": {"columns": {"a": {"choice": [True, False], "unique": True}}}}},
    ):
        with pytest.raises(SchemaError, match="table 't', column 'a': a boolean has two values"):
            sim.compose(refused)


@pytest.mark.parametrize(
    "name",
    [{"field": "person.name", "country": "land"}, {"field": "person.name", "locale": "de_DE"}],
)
@pytest.mark.parametrize("contract", [False, True])
def test_unique_addresses_write_names_as_their_country_does(name: dict[str, Any], contract: bool) -> None:
    columns: dict[str, Any] = {
        "land": {"choice": ["DE", "FR"]}, "name": name, "mail": {"field": "email", "unique": True},
        "plain": "email", "login": {"field": "username", "unique": True},
    }  # fmt: skip
    table: dict[str, Any] = {"columns": columns}
    if contract:
        del columns["mail"]["unique"]
        table["constraints"] = [{"unique": ["mail"]}]
    rows = sim.generate({"tables": {"people": table}}, 3000, seed=1).polars()
    german = rows.filter(
        pl.col("name").str.contains(r"^[^- ]+ [^- ]+$") & pl.col("name").str.contains("[äöüÄÖÜ]")
        & (pl.lit("locale" in name) | (pl.col("land") == "DE"))
    )  # fmt: skip
    assert german.height > 100
    # the plain address has the name that was drawn: both begin alike, and the unique one has a number behind
    stem = pl.col("mail").str.replace(r"\.\d+@.*$", "")
    assert german.select((stem == pl.col("plain").str.replace("@.*$", "")).mean()).item() > 0.9
    assert (
        german["mail"].str.contains("ae|oe|ue").all() and german["login"].str.contains("[a-z]+[0-9]+$").all()
    )
    assert rows["mail"].is_unique().all() and rows["login"].is_unique().all()
