"""Databases as people have them, on the four systems: read with all that they declare, written with the same types."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

import simulacra as sim
from simulacra.databases.writing import write_database
from simulacra.dataset import Dataset
from simulacra.schema.types import Reference, Schema, Table

POSTGRESQL = """
CREATE TYPE "order status" AS ENUM ('new', 'sent', 'it''s back');
CREATE DOMAIN cents AS integer CHECK (VALUE >= 0);
CREATE TABLE "Customer" (
  id uuid PRIMARY KEY, "full name" varchar(40) NOT NULL, boss uuid REFERENCES "Customer", born date,
  vip boolean NOT NULL, score real, balance numeric(12,2) DEFAULT 0, ip inet, photo bytea, tags text[], extra jsonb,
  CHECK (balance >= -100)
);
CREATE TABLE "order" (
  "customer id" uuid NOT NULL REFERENCES "Customer"(id), no smallint NOT NULL, status "order status" NOT NULL,
  placed timestamptz(3) NOT NULL, shipped timestamp, at time, took interval, code char(5) UNIQUE, big bigint, fee cents,
  ratio double precision, points integer[],
  PRIMARY KEY ("customer id", no)
);
CREATE TABLE item (
  c uuid, n smallint, line integer, "a ""quoted"" name" text, FOREIGN KEY (c, n) REFERENCES "order"("customer id", no),
  PRIMARY KEY (c, n, line)
);
CREATE VIEW busy AS SELECT * FROM "order";
INSERT INTO "Customer" SELECT md5(i::text)::uuid, 'Näme, "' || i || '"',
  CASE WHEN i > 1 THEN md5((i/2)::text)::uuid END,
  date '1960-02-29' + i, i % 2 = 0, i / 7.0, i * 1.25, '10.0.0.1'::inet + i, decode('00ff', 'hex') || i::text::bytea,
  CASE WHEN i % 3 = 0 THEN NULL ELSE ARRAY['a b', 'c"d', NULL, i::text] END, jsonb_build_object('n', i, 't', 'x''y\\z')
  FROM generate_series(1, 60) i;
INSERT INTO "order" SELECT md5(i::text)::uuid, n, (ARRAY['new', 'sent', 'it''s back'])[1 + (i + n) % 3]::"order status",
  timestamptz '2024-03-31 00:30:00+01' + i * interval '1 hour 0.25 second',
  NULLIF(timestamp '2024-05-01' + n * interval '1 day', '2024-05-02'), time '10:00:00.5' + n * interval '1 minute',
  n * interval '90 second', lpad((i * 10 + n)::text, 5, '0'), 9007199254740993 + i, n * 7, i / 3.0,
  ARRAY[i, n] FROM generate_series(1, 60) i, generate_series(0, 2) n WHERE n < i % 4;
INSERT INTO item SELECT "customer id", no, l, CASE l WHEN 0 THEN '' WHEN 1 THEN E'two\\nlines, \\\\N' END
  FROM "order", generate_series(0, 2) l WHERE l <= no;
"""
MARIADB = """
CREATE TABLE `Customer` (
  id int unsigned PRIMARY KEY AUTO_INCREMENT, `full name` varchar(40) NOT NULL, boss int unsigned, born date,
  vip tinyint(1) NOT NULL, score float, balance decimal(12,2), photo longblob, extra json,
  kind enum('a','it''s') NOT NULL,
  FOREIGN KEY (boss) REFERENCES `Customer`(id), CHECK (balance >= -100)
);
CREATE TABLE `order` (
  `customer id` int unsigned NOT NULL, no smallint NOT NULL, placed timestamp(3) NOT NULL, shipped datetime(6),
  `at` time(1), code char(5) UNIQUE, big bigint, ratio double, made year,
  PRIMARY KEY (`customer id`, no), FOREIGN KEY (`customer id`) REFERENCES `Customer`(id)
);
INSERT INTO `Customer` SELECT seq, CONCAT('Näme, "', seq, '"'), IF(seq > 1, seq DIV 2, NULL),
  '1960-02-29' + INTERVAL seq DAY, seq % 2, seq / 7, seq * 1.25, UNHEX(CONCAT('00ff', HEX(seq))),
  JSON_OBJECT('n', seq, 't', 'x\\'y\\\\z'), IF(seq % 2, 'a', 'it''s')
  FROM (SELECT @r := @r + 1 seq FROM information_schema.columns, (SELECT @r := 0) z LIMIT 60) s;
INSERT INTO `order` SELECT id, no, '2024-03-31 00:30:00' + INTERVAL id HOUR,
  NULLIF('2024-05-01 00:00:00.25' + INTERVAL no DAY, '2024-05-02 00:00:00.25'),
  '10:00:00.5', LPAD(id * 10 + no, 5, '0'), 9007199254740993 + id, id / 3, 2000 + no
  FROM `Customer`, (SELECT 0 no UNION SELECT 1 UNION SELECT 2) n WHERE no < id % 4;
"""


def shapes(schema: Schema) -> dict[str, Any]:
    return {
        t.name: (t.key, t.references, [(c.name, c.kind, c.nullable) for c in t.columns])
        for t in schema.tables
    }


def same(one: Dataset, two: Dataset) -> None:
    assert shapes(one.schema) == shapes(two.schema)
    for name, frame in one.frames.items():
        key = list(one.schema.table(name).key)
        assert frame.sort(key).equals(two.frames[name].sort(key)), name


@pytest.fixture
def shop(postgresql: Any) -> str:
    url = postgresql.database("shop")
    run_in(postgresql, "shop", POSTGRESQL)
    return url


def run_in(server: Any, database: str, sql: str) -> str:
    client = [*server.client[:-1], database] if "psql" in server.client[0] else [*server.client, database]
    return type(server)(server.url, tuple(client), server.environment).run(sql)


def test_postgresql_is_read_with_all_that_it_declares(shop: str) -> None:
    read = sim.read(shop)
    assert set(read.schema.names) == {"Customer", "order", "item"}
    customer, order, item = (read.schema.table(name) for name in ("Customer", "order", "item"))
    assert customer.key == ("id",) and order.key == ("customer id", "no") and item.key == ("c", "n", "line")
    assert Reference("boss", "Customer", "id") in customer.references
    assert Reference(("c", "n"), "order", ("customer id", "no")) in item.references
    assert (customer["id"].kind, customer["boss"].kind, customer["boss"].nullable) == ("key", "key", True)
    assert customer["balance"].decimals == 2 and customer["ip"].identifying == "ip"
    assert order["status"].levels == ("new", "sent", "it's back") and order["status"].declared
    assert order["placed"].timezone == "UTC" and order["shipped"].timezone is None
    assert order["took"].kind == "duration" and order["at"].kind == "time"
    assert any("balance" in str(check) for check in customer.constraints)
    assert any(getattr(rule, "columns", ()) == ("code",) for rule in order.constraints)
    # a text that is empty is not a missing one, and \N is a text
    assert set(read.polars("item")['a "quoted" name']) == {"", "two\nlines, \\N", None}


def test_postgresql_gets_back_its_own_types_and_values(shop: str, postgresql: Any) -> None:
    read = sim.read(shop)
    target = postgresql.database("copy_of_shop")
    deposit = read.write(target)
    assert deposit.rows == {name: len(frame) for name, frame in read.frames.items()}
    types = (
        "SELECT a.attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid WHERE attnum > 0 AND relkind = 'r' "
        "AND relnamespace = 'public'::regnamespace ORDER BY 1::text, attnum"
    )
    before, after = run_in(postgresql, "shop", types), run_in(postgresql, "copy_of_shop", types)
    assert after.replace("integer", "cents") == before.replace("integer", "cents")
    for table, key in (('"Customer"', "id"), ('"order"', '"customer id", no'), ("item", "c, n, line")):
        rows = f"SELECT * FROM {table} ORDER BY {key}"
        assert run_in(postgresql, "shop", rows) == run_in(postgresql, "copy_of_shop", rows)
    same(read, sim.read(target))
    foreign = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"
    assert run_in(postgresql, "copy_of_shop", foreign) == "3\n"


def test_mariadb_gets_back_its_own_types_and_values(mariadb: Any) -> None:
    url = mariadb.database("shop")
    run_in(mariadb, "shop", MARIADB)
    read = sim.read(url)
    customer, order = read.schema.table("Customer"), read.schema.table("order")
    assert customer["kind"].levels == ("a", "it's") and customer["vip"].kind == "boolean"
    assert Reference("boss", "Customer", "id") in customer.references
    assert order["placed"].timezone == "UTC" and order["shipped"].kind == "datetime"
    target = mariadb.database("copy_of_shop")
    assert read.write(target).notes == ()
    types = (
        "SELECT table_name, column_name, column_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = '{}' ORDER BY 1, ordinal_position"
    )
    before, after = (mariadb.run(types.format(name)) for name in ("shop", "copy_of_shop"))
    assert after.replace("longtext", "json") == before.replace("longtext", "json")
    for table, key in (("Customer", "id"), ("order", "`customer id`, no")):
        rows = f"SELECT * FROM `{table}` ORDER BY {key}"
        assert run_in(mariadb, "shop", rows) == run_in(mariadb, "copy_of_shop", rows)
    same(read, sim.read(target))


@pytest.mark.parametrize("target", ["sqlite", "duckdb", "mariadb"])
def test_postgresql_goes_into_other_systems(
    shop: str, target: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    read = sim.read(shop)
    if target == "mariadb":
        url = request.getfixturevalue("mariadb").database("from_postgresql")
    else:
        url = f"{target}:///{tmp_path}/shop.db"
    read.write(url)
    back = sim.read(url)
    for table in read.schema.tables:
        key = list(table.key)
        one, two = (data.polars(table.name).sort(key) for data in (read, back))
        assert two.columns == one.columns
        for name in one.columns:
            there = two[name].cast(one[name].dtype) if one[name].dtype.is_numeric() else two[name]
            assert one[name].equals(there), (table.name, name)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql", "duckdb"])
def test_a_dump_loads_with_the_clients_of_the_servers(
    dialect: str, shop: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    read = sim.read(shop)
    dump = read.write(tmp_path / "shop.sql", dialect=dialect)
    text = dump.read_text(encoding="utf-8")
    if dialect == "sqlite":
        with sqlite3.connect(tmp_path / "a.db") as file:
            file.executescript(text)
        file.close()
        url = str(tmp_path / "a.db")
    elif dialect == "duckdb":
        with duckdb.connect(str(tmp_path / "a.duckdb")) as made:
            made.execute(text)
        url = str(tmp_path / "a.duckdb")
    else:
        server = request.getfixturevalue("mariadb" if dialect == "mysql" else dialect)
        url = server.database("from_dump")
        run_in(server, "from_dump", text)
    back = sim.read(url)
    assert {name: len(frame) for name, frame in back.frames.items()} == {
        n: len(f) for n, f in read.frames.items()
    }
    one, two = (data.polars("item").sort("c", "n", "line") for data in (read, back))
    assert one.equals(two)
    if dialect == "postgresql":
        same(read, back)


@pytest.mark.parametrize("system", ["postgresql", "mariadb"])
def test_orphans_are_written_and_told(system: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(system).database("orphans")
    parent = Table("p", (sim.Column("id", "key", integer=True),), key=("id",))
    child = Table("c", (sim.Column("p", "key", integer=True),), references=(Reference("p", "p"),))
    frames = {"p": pl.DataFrame({"id": [1, 2]}), "c": pl.DataFrame({"p": [1, 7]})}
    told = write_database(frames, Schema((parent, child)), url)
    assert "rows that are not there" in told.notes[0]
    back = sim.read(url)
    assert back.polars("c")["p"].to_list() == [1, 7] and back.schema.table("c").references


@pytest.mark.parametrize("system", ["postgresql", "mariadb"])
def test_what_can_not_be_written_leaves_all_as_it_was(system: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(system)
    url = server.database("failing")
    keyed = Table("t", (sim.Column("id", "key", integer=True), sim.Column("x", "category")), key=("id",))
    good = sim.read(pl.DataFrame({"id": range(30), "x": ["a"] * 30}), schema=Schema((keyed,)), name="t")
    good.write(url)
    for how in ("replace", "append"):
        with pytest.raises(sim.errors.DataError, match="repeat a key"):
            write_database(
                {"t": pl.DataFrame({"id": [5, 5], "x": ["b", "b"]})}, Schema((keyed,)), url, if_exists=how
            )
        back = sim.read(url)
        assert back.schema.names == ("t",) and back.digest == good.digest
    one = pl.DataFrame({"id": [1], "x": ["c"]})
    assert write_database({"t": one}, Schema((keyed,)), url, if_exists="replace").rows == {"t": 1}


@pytest.mark.parametrize("system", ["postgresql", "mariadb"])
def test_a_password_stands_nowhere(
    system: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = request.getfixturevalue(system)
    url = server.database("quiet")
    password = url.split(":")[2].split("@")[0]
    data = sim.read(pl.DataFrame({"id": range(60), "x": [1, 2] * 30}), name="t")
    deposit = data.write(url)
    read = sim.read(url)
    path = sim.fit(read, "independent", seed=1).save(tmp_path / "a.sim")
    assert password.encode() not in path.read_bytes()
    said = [str(deposit), repr(deposit), repr(read), *read.notes, repr(read.layouts), repr(read.schema)]
    wrong = url.replace(password, "wr0ng-secret")
    for bad in (wrong, url.replace("/quiet", "/absent")):
        with pytest.raises(sim.errors.FileError) as caught:
            sim.read(bad)
        assert caught.value.__cause__ is None and caught.value.__suppress_context__
        said.append(str(caught.value))
    assert not [text for text in said if password in text or "wr0ng-secret" in text]
    # the variables of the system's own tools serve as well
    monkeypatch.setenv("PGPASSWORD" if system == "postgresql" else "MYSQL_PWD", password)
    assert len(sim.read(url.replace(f":{password}", ""))) == 60
    monkeypatch.setenv("SHOP_SECRET", password)
    assert len(sim.read(url.replace(password, "${SHOP_SECRET}"))) == 60


_KILLED = """
import sys, time
import polars as pl
from simulacra.databases.writing import write_database
from simulacra.schema.types import Column, Schema, Table
table = Table("t", (Column("id", "key", integer=True),), key=("id",))
def pieces():
    for n in range(1000):
        yield pl.DataFrame({"id": range(n * 10000, n * 10000 + 10000)})
        if n == 3:
            print("now", flush=True)
            time.sleep(60)
write_database({"t": pieces()}, Schema((table,)), sys.argv[1], if_exists="replace")
"""


@pytest.mark.parametrize("system", ["postgresql", "mariadb", "sqlite", "duckdb"])
def test_a_writer_that_is_killed_leaves_all_as_it_was(
    system: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if system in {"sqlite", "duckdb"}:
        url = f"{system}:///{tmp_path}/t.db"
    else:
        url = request.getfixturevalue(system).database("killed")
    before = sim.read(pl.DataFrame({"id": range(25), "x": [0.5] * 25}), name="t")
    before.write(url)
    with subprocess.Popen([sys.executable, "-c", _KILLED, url], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"now\n"
        writer.kill()
    back = sim.read(url, tables=["t"])
    assert back.polars().equals(before.polars())
    # nothing that the next one could trip over
    before.write(url, if_exists="replace")
    assert sim.read(url).schema.names == ("t",)
