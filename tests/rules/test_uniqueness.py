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
