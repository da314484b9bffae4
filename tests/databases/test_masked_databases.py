"""Masked copies and subsets of real databases: from each system into an empty database of the same one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

import simulacra as sim
from simulacra.cli import run

PEOPLE = 60
FIRST, LAST = ("Anna", "Paul", "Greta", "Jonas"), ("Weber", "Fischer", "Lang")

TABLES = """
CREATE TABLE country (code char(2) PRIMARY KEY, name varchar(20) NOT NULL);
CREATE TABLE customer (
  id integer PRIMARY KEY, no varchar(8) NOT NULL UNIQUE,
  first_name varchar(20) NOT NULL, last_name varchar(20) NOT NULL,
  email varchar(40) UNIQUE, country char(2) NOT NULL REFERENCES country (code), boss integer REFERENCES customer (id),
  since date NOT NULL
);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer REFERENCES customer (id), placed timestamp NOT NULL);
CREATE TABLE line (
  order_id integer NOT NULL REFERENCES orders (id), line_no integer NOT NULL, sent date, PRIMARY KEY (order_id, line_no)
);
CREATE TABLE claim (
  id integer PRIMARY KEY, order_id integer, line_no integer, made date NOT NULL,
  FOREIGN KEY (order_id, line_no) REFERENCES line (order_id, line_no)
);
"""


def statements() -> str:
    """The tables, and rows of them as SQL that all four systems read."""
    people = [(i, FIRST[i % 4], LAST[i % 3]) for i in range(1, PEOPLE + 1)]
    rows = {
        "country": "('DE', 'Germany'), ('AT', 'Austria'), ('CH', 'Switzerland')",
        # one by one: DuckDB looks for the row referred to among those of earlier statements
        "customer": "; INSERT INTO customer VALUES ".join(
            f"({i}, 'K{7 * i:05d}', '{a}', '{b}', '{a.lower()}.{b.lower()}{i}@firm.de', "
            f"'{('DE', 'AT', 'CH')[i % 3]}', {i // 2 or 'NULL'}, '2020-{i % 12 + 1:02d}-{i % 28 + 1:02d}')"
            for i, a, b in people
        ),
        "orders": ", ".join(
            f"({i + 500}, {'NULL' if i % 50 == 7 else i // 3 + 1}, '2021-{i % 12 + 1:02d}-{i % 28 + 1:02d} 08:30:00')"
            for i in range(3 * PEOPLE)
        ),
        "line": ", ".join(
            f"({i + 500}, {n}, '2021-{i % 12 + 1:02d}-{i % 28 + 1:02d}')"
            for i in range(3 * PEOPLE)
            for n in range(1, i % 3 + 2)
        ),
        "claim": ", ".join(f"({i}, {500 + 3 * i + 2}, 3, '2022-0{i % 9 + 1}-11')" for i in range(1, 50)),
    }
    return TABLES + "".join(f"INSERT INTO {name} VALUES {values};\n" for name, values in rows.items())


@pytest.fixture(params=["sqlite", "duckdb", "postgresql", "mariadb"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """A filled database of each system, and an empty one."""
    system = request.param
    if system in {"postgresql", "mariadb"}:
        server: Any = request.getfixturevalue(system)
        source, target = server.database("masksource"), server.database("masktarget")
        sql = statements()
        switch = "\\c masksource\n" if system == "postgresql" else "USE masksource;\n"
        server.run(switch + sql)
        return source, target
    source, target = (f"{system}:///{tmp_path / name}.db" for name in ("source", "target"))
    if system == "sqlite":
        with closing(sqlite3.connect(tmp_path / "source.db")) as there:
            there.executescript(statements())
    else:
        with duckdb.connect(str(tmp_path / "source.db")) as other:
            other.execute(statements())
    return source, target


def test_a_masked_copy_keeps_what_holds_together(
    places: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = places
    key = "a key that only this test knows"
    monkeypatch.setenv("SIMULACRA_MASK_KEY", key)
    assert (
        run(["mask", source, "-o", target, "--keys", "--shift-dates", "20", "--columns", "email=email"]) == 0
    )
    said = capsys.readouterr()
    assert key not in said.out + said.err
    password = source.partition("://")[2].partition("@")[0].partition(":")[2] if "@" in source else ""
    assert not password or password not in said.out + said.err
    old, new = sim.read(source), sim.read(target)
    assert {n: len(f) for n, f in new.frames.items()} == {n: len(f) for n, f in old.frames.items()}
    assert new.schema.table("line").key == ("order_id", "line_no")
    for table in new.schema.tables:
        for reference in table.references:
            own = new.frames[table.name].select(reference.columns).drop_nulls()
            theirs = new.frames[reference.table].select(reference.to)
            assert own.join(theirs, left_on=reference.columns, right_on=reference.to, how="anti").is_empty()
    # codes of a small list and line numbers stay; names and addresses do not
    assert new.polars("country").sort("code").equals(old.polars("country").sort("code"))
    assert set(new.polars("line")["line_no"]) == {1, 2, 3}
    people, before = new.polars("customer"), old.polars("customer")
    assert people["no"].str.contains(r"^K\d{5}$").all() and not set(people["email"]) & set(before["email"])
    # an address goes on naming its owner
    folded = (
        people["first_name"]
        .str.to_lowercase()
        .str.replace_all("ß", "ss")
        .str.normalize("NFKD")
        .str.replace_all("[^a-z]", "")
    )
    agree = people.select(same=people["email"].str.starts_with(folded))["same"]
    assert agree.all()


def test_a_subset_of_a_database_is_whole(places: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    source, target = places
    condition = "customer: country = 'AT' and (select count(*) from orders) >= 3"
    assert run(["subset", source, "-o", target, "--where", condition, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert 0 < told["tables"]["orders"] < 3 * PEOPLE and "in addition" in " ".join(told["notes"])
    new = sim.read(target)
    owners = set(new.polars("orders")["customer_id"])
    chosen = new.polars("customer").filter(new.polars("customer")["id"].is_in(list(owners)))
    assert set(chosen["country"]) == {"AT"} and len(new.polars("customer")) > len(chosen)
