"""Databases that are files: every kind of value there and back, odd names, samples, URLs, folders and dumps."""

from __future__ import annotations

import sqlite3
import string
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import simulacra as sim
from simulacra.databases.reading import read_database
from simulacra.databases.reflection import reflect
from simulacra.databases.sqltypes import SqlType
from simulacra.databases.urls import conceal_url, is_database, parse_url
from simulacra.databases.writing import write_database
from simulacra.schema.conformance import canonical_type
from simulacra.schema.types import Column, Reference, Schema, Table

SYSTEMS = ["sqlite", "duckdb"]
each_system = pytest.mark.parametrize("system", SYSTEMS)

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = st.text(string.ascii_letters + " '\"`%;-é", min_size=1, max_size=8)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))
KINDS = {
    "whole": (Column("whole", "number", integer=True), st.integers(-(2**62), 2**62)),
    "real": (Column("real", "number"), st.floats(allow_nan=False, allow_infinity=False, width=64)),
    "price": (Column("price", "number", decimals=2), st.integers(-(10**7), 10**7).map(lambda n: n / 100)),
    "level": (Column("level", "category"), WORDS),
    "flag": (Column("flag", "boolean"), st.booleans()),
    "day": (Column("day", "date"), st.dates(date(1800, 1, 1), date(2200, 1, 1))),
    "moment": (Column("moment", "datetime"), MOMENTS),
    "instant": (Column("instant", "datetime", timezone="UTC"), MOMENTS),
    "clock": (Column("clock", "time"), st.times()),
    "span": (Column("span", "duration"), st.timedeltas(timedelta(0), timedelta(days=900))),
    "words": (Column("words", "text"), WORDS),
    "code": (Column("code", "key"), WORDS),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, pl.DataFrame]:
    """One column of every kind, with missing values, under names that need quoting."""
    rows = draw(st.integers(0, 6))
    columns, values = [Column("id", "key", integer=True)], {"id": pl.Series(range(rows), dtype=pl.Int64)}
    for kind, (column, strategy) in KINDS.items():
        made = draw(st.lists(st.none() | strategy, min_size=rows, max_size=rows))
        name = f"{draw(NAMES)} {kind}"
        columns.append(Column(name, column.kind, nullable=True, integer=column.integer, decimals=column.decimals,
                              timezone=column.timezone))  # fmt: skip
        dtype = canonical_type(column)
        plain = pl.Series(made, dtype=pl.Datetime("us") if column.timezone else dtype)
        values[name] = plain.dt.replace_time_zone("UTC") if column.timezone else plain
    return Table(draw(NAMES), tuple(columns), key=("id",)), pl.DataFrame(values)


@each_system
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=tables())
def test_what_is_written_is_read_again(system: str, made: tuple[Table, pl.DataFrame]) -> None:
    table, frame = made
    with tempfile.TemporaryDirectory() as folder:
        url = f"{system}:///{folder}/a.db"
        write_database({table.name: frame}, Schema((table,)), url)
        back = sim.read(url, schema=Schema((table,)))
        assert back.polars().sort("id").equals(frame)
        assert back.layouts[table.name].dialect == system


SHOP = """
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, boss integer REFERENCES customers, vip boolean);
CREATE TABLE products (id integer PRIMARY KEY, price decimal(8,2) CHECK (price >= 0));
CREATE TABLE "order" ("Customer" integer NOT NULL REFERENCES customers, no integer, day date, product integer
  REFERENCES products, PRIMARY KEY ("Customer", no), UNIQUE (day, "Customer"));
CREATE VIEW busy AS SELECT * FROM "order";
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as made:
        made.executescript(SHOP)
        made.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?)",
            [(i, f"name {i}", i // 2 or None, i % 2) for i in range(1, 401)],
        )
        made.executemany("INSERT INTO products VALUES (?, ?)", [(i, i * 1.25) for i in range(1, 31)])
        made.executemany(
            'INSERT INTO "order" VALUES (?, ?, ?, ?)',
            [(i, n, f"2024-01-{n + 1:02d}", (i + n) % 30 + 1) for i in range(1, 401) for n in range(i % 6)],
        )
    made.close()
    return path


def test_a_schema_is_read_without_rows(shop: Path) -> None:
    schema = reflect(str(shop))
    assert schema.names == ("customers", "order", "products")
    order = schema.table("order")
    assert order.key == ("Customer", "no") and order["Customer"].kind == "key"
    assert Reference("Customer", "customers", "id") in order.references
    assert schema.table("products")["price"].decimals == 2
    assert reflect(str(shop), tables=["order"]).table().references == ()
    with pytest.raises(sim.errors.UnknownName, match="'orders'; did you mean 'order'"):
        reflect(str(shop), tables=["orders"])


def test_a_sample_stays_whole(shop: Path) -> None:
    whole, some = sim.read(shop), sim.read(shop, rows=200)
    orders, customers = some.polars("order"), some.polars("customers")
    assert 0 < len(orders) <= 200 < len(whole.polars("order"))
    # who is there has all of his orders, and whom a row refers to is there
    counts = whole.polars("order").group_by("Customer").len()
    sampled = orders.group_by("Customer").len()
    assert sampled.join(counts, on=["Customer", "len"], how="semi").height == len(sampled)
    assert orders["Customer"].is_in(customers["id"].implode()).all()
    assert customers["boss"].drop_nulls().is_in(customers["id"].implode()).all()
    assert orders["product"].is_in(some.polars("products")["id"].implode()).all()
    assert some.digest == sim.read(shop, rows=200).digest
    assert "sample" in some.notes[0] and sim.read(shop, rows=5000).digest == whole.digest
    with pytest.raises(sim.errors.OptionError, match="1 or more"):
        sim.read(shop, rows=0)


@each_system
def test_a_model_remembers_the_types_of_the_database(system: str, shop: Path, tmp_path: Path) -> None:
    read = sim.read(shop, tables=["order"])
    path = sim.fit(read, "independent", seed=1).save(tmp_path / "order.sim")
    deposit = sim.load(path).sample(50, seed=1).write(f"{system}:///{tmp_path}/new.db")
    assert deposit.rows == {"order": 50}
    with_types = read_database(f"{system}:///{tmp_path}/new.db").layouts["order"].sql
    assert [SqlType.parse(text).family for text in with_types.values()] == [
        "integer",
        "integer",
        "date",
        "integer",
    ]


@each_system
def test_a_table_is_only_replaced_when_asked(system: str, tmp_path: Path) -> None:
    url = f"{system}:///{tmp_path}/a.db"
    table = Table("t", (Column("id", "key", integer=True),), key=("id",))
    one, two = (pl.DataFrame({"id": range(start, start + 3)}) for start in (0, 3))
    write_database({"t": one}, Schema((table,)), url)
    with pytest.raises(sim.errors.DataError, match="is there already"):
        write_database({"t": two}, Schema((table,)), url)
    write_database({"t": two}, Schema((table,)), url, if_exists="append")
    assert sim.read(url).polars()["id"].to_list() == list(range(6))
    with pytest.raises(sim.errors.DataError, match="repeat a key"):
        write_database({"t": two}, Schema((table,)), url, if_exists="append")
    write_database({"t": iter([one, two])}, Schema((table,)), url, if_exists="replace")
    assert len(sim.read(url)) == 6
    other = Table("u", (Column("id", "key", integer=True),), key=("id",))
    write_database({"u": one}, Schema((other,)), url)
    assert sim.read(url).schema.names == ("t", "u")
    with pytest.raises(sim.errors.OptionError, match="if_exists"):
        write_database({"t": one}, Schema((table,)), url, if_exists="drop")  # type: ignore[arg-type]


@each_system
def test_a_failure_leaves_no_file(system: str, tmp_path: Path) -> None:
    table = Table("t", (Column("id", "key", integer=True),), key=("id",))
    with pytest.raises(sim.errors.DataError) as caught:
        write_database({"t": pl.DataFrame({"id": [1, 1]})}, Schema((table,)), f"{system}:///{tmp_path}/a.db")
    assert f"{system}:///{tmp_path}/a.db" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@each_system
def test_circles_and_orphans_are_written(system: str, tmp_path: Path) -> None:
    a = Table("a", (Column("id", "key", integer=True), Column("b", "key", integer=True, nullable=True)), key=("id",),
              references=(Reference("b", "b"),))  # fmt: skip
    b = Table("b", (Column("id", "key", integer=True), Column("a", "key", integer=True)), key=("id",),
              references=(Reference("a", "a"),))  # fmt: skip
    frames = {
        "a": pl.DataFrame({"id": [1, 2], "b": [5, None]}),
        "b": pl.DataFrame({"id": [5, 6], "a": [2, 9]}),
    }
    url = f"{system}:///{tmp_path}/a.db"
    deposit = write_database(frames, Schema((a, b)), url)
    assert any("rows that are not there" in note or "loaded later" in note for note in deposit.notes)
    back = sim.read(url)
    assert all(back.polars(name).sort("id").equals(frame) for name, frame in frames.items())
    if system == "sqlite":
        assert [len(table.references) for table in back.schema.tables] == [1, 1]


def test_texts_that_are_too_long_and_values_of_another_type_are_told(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as made:
        made.execute("CREATE TABLE t (code varchar(3), n integer)")
    made.close()
    table = Table("t", (Column("code", "text"), Column("n", "text", nullable=True)))
    frame = pl.DataFrame({"code": ["abcd", "ab"], "n": ["12", "none"]})
    deposit = write_database({"t": frame}, Schema((table,)), tmp_path / "a.db", if_exists="append")
    assert [note.partition(": ")[2][:7] for note in deposit.notes] == ["1 texts", "1 value"]
    assert sim.read(tmp_path / "a.db").polars()["code"].to_list() == ["abc", "ab"]


def test_sqlite_columns_are_read_by_what_they_hold(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "odd.db") as made:
        made.execute("CREATE TABLE t (a integer, b date, c boolean, d, e numeric)")
        rows = [(i, "2024-01-05" if i else "soon", i, b"\x01", 1.5) for i in range(3)] + [
            ("x", "", 2, None, None)
        ]
        made.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", rows)
    made.close()
    frame = read_database(tmp_path / "odd.db").frames["t"]
    assert frame["a"].to_list() == ["0", "1", "2", "x"] and frame["b"].to_list()[0] == "soon"
    assert frame["c"].to_list() == [0, 1, 2, 2] and frame["d"].to_list()[:2] == ["01", "01"]


def test_a_folder_keeps_its_references(shop: Path, tmp_path: Path) -> None:
    read = sim.read(shop)
    for kind in ("csv", "parquet"):
        folder = read.write(tmp_path / kind, format=kind)
        assert sorted(path.name for path in Path(str(folder)).iterdir()) == [
            f"customers.{kind}", f"order.{kind}", f"products.{kind}", "schema.yaml",
        ]  # fmt: skip
        back = sim.read(folder)
        assert back.schema == read.schema and back.digest == read.digest
        assert "'schema.yaml'" in back.notes[0]


def test_a_dump_says_what_it_can_not_hold(shop: Path, tmp_path: Path) -> None:
    read = sim.read(shop)
    path = read.write(tmp_path / "shop.sql")
    made = sqlite3.connect(tmp_path / "again.db")
    made.executescript(path.read_text(encoding="utf-8"))
    made.close()
    assert sim.read(tmp_path / "again.db").digest == read.digest
    with pytest.raises(sim.errors.UnknownName, match="no dialect named 'oracle'"):
        read.write(tmp_path / "no.sql", dialect="oracle")
    assert not (tmp_path / "no.sql").exists()


def test_urls_are_understood_and_passwords_concealed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_database("postgresql+psycopg://h/x") and is_database(Path("a.sqlite3"))
    assert not any(map(is_database, ["a.csv", "https://h/a.db?x", pl.DataFrame(), None, 3]))
    found = parse_url("mysql://u%40x:p%3Aw%2F@h.example:3307/shop?ssl=1")
    assert (found.user, found.password, found.host, found.port) == ("u@x", "p:w/", "h.example", 3307)
    assert "p:w" not in repr(found) and conceal_url("mysql://u:s3cret@h/x?password=t0p") == "mysql://u@h/x"
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("PGPASSWORD", "from the environment")
    found = parse_url("postgres://ada@/shop")
    assert (found.host, found.password) == ("db.example", "from the environment")
    for bad in (
        "postgresql://u:s3cret@h:port/x",
        "postgresql://u:${NOT_THERE}@h/x",
        "sqlite://",
        "sqlite:///:memory:",
    ):
        with pytest.raises(sim.errors.OptionError) as caught:
            parse_url(bad)
        assert "s3cret" not in str(caught.value)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all " * 100)
    for system in SYSTEMS:
        with pytest.raises(sim.errors.FileError):
            sim.read(f"{system}:///{tmp_path}/text.db")
        with pytest.raises(sim.errors.FileError, match="there is no file"):
            sim.read(f"{system}:///{tmp_path}/absent.db")
    sqlite3.connect(tmp_path / "empty.db").close()
    with pytest.raises(sim.errors.DataError, match="has no tables"):
        sim.read(tmp_path / "empty.db")
    with pytest.raises(sim.errors.OptionError, match="these data are none"):
        sim.read(pl.DataFrame({"a": [1]}), rows=5)
