"""Contracts of others given to the verbs: what they leave open comes from the data, and errors name the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import FileError, SchemaError, SchemaViolation
from simulacra.schema.constraints import Check

SQL = """
CREATE TABLE shop.CUSTOMERS (ID int PRIMARY KEY, zip varchar(5) NOT NULL, age smallint CHECK (age BETWEEN 18 AND 120),
    city varchar(40), plan text CHECK (plan IN ('basic', 'plus', 'never')), since date);
CREATE TABLE shop.ORDERS (ID int PRIMARY KEY, customer_id int REFERENCES shop.CUSTOMERS, price numeric(8,2) NOT NULL);
CREATE TABLE shop.EMPTY (ID int);
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    n = 200
    folder = tmp_path / "shop"
    folder.mkdir()
    pl.DataFrame({
        "id": range(n),
        "zip": [10000 + 7 * (i % 9) for i in range(n)],
        "age": [18 + i % 60 for i in range(n)],
        "city": ["Oslo", "Lima", "Bonn", "Rome"] * 50,
        "plan": ["basic", "plus"] * 100,
        "since": [f"{1 + i % 28:02d}.03.2024" for i in range(n)],
    }).write_csv(folder / "customers.csv")  # fmt: skip
    pl.DataFrame({
        "id": range(2 * n), "customer_id": [i // 2 for i in range(2 * n)], "price": [i / 4 for i in range(2 * n)],
    }).write_csv(folder / "orders.csv")  # fmt: skip
    (tmp_path / "shop.sql").write_text(SQL)
    return folder


def test_a_script_and_a_folder_meet(shop: Path, tmp_path: Path) -> None:
    data = sim.read(shop, schema=tmp_path / "shop.sql")
    customers, orders = data.schema.table("customers"), data.schema.table("orders")
    # names as the data spell them, whatever the script does
    assert customers.key == orders.key == ("id",)
    assert str(orders.references[0]) == "customer_id -> customers(id)"
    assert customers["age"].bounds == (18, 120) and customers["age"].declared
    assert customers["plan"].levels == ("basic", "plus", "never")
    # what the script leaves open is what the data show
    assert customers["zip"].kind == "category" and customers["zip"].levels is not None
    assert data.polars("customers")["zip"][0] == "10000"
    assert customers["city"].levels is not None and set(customers["city"].levels) == {
        "Oslo",
        "Lima",
        "Bonn",
        "Rome",
    }
    assert not customers["city"].declared
    assert customers["since"].kind == "date" and customers["since"].format == "%d.%m.%Y"
    assert orders["price"].decimals == 2 and orders["price"].bounds == (0, 99.75)
    assert any("'shop.EMPTY'" in note or "'EMPTY'" in note for note in data.notes)
    assert orders.role == "child"


def test_one_table_of_a_script_is_found_by_the_name_of_the_file(shop: Path, tmp_path: Path) -> None:
    model = sim.fit(shop / "customers.csv", "independent", schema=tmp_path / "shop.sql", seed=1)
    drawn = model.sample(60, seed=1).polars()
    assert drawn["zip"].dtype == pl.String and set(drawn["plan"]) <= {"basic", "plus", "never"}
    assert drawn["age"].is_between(18, 120).all()


def test_data_are_held_against_a_script(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orders = str(shop / "orders.csv")
    assert run(["inspect", orders, "--schema", str(tmp_path / "shop.sql")]) == 0
    tight = tmp_path / "tight.sql"
    tight.write_text(
        "create table orders (id int primary key, customer_id int, price numeric(8,2) check (price < 50))"
    )
    capsys.readouterr()
    assert run(["inspect", orders, "--schema", str(tight)]) == 1
    assert '"price" < 50' in capsys.readouterr().err


def test_data_with_other_columns_are_refused(shop: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sql"
    other.write_text("create table orders (id int primary key, customer int)")
    with pytest.raises(SchemaViolation, match="customer"):
        sim.read(shop / "orders.csv", schema=other)
    other.write_text("create table a (id int); create table b (id int)")
    with pytest.raises(SchemaError, match=r"other\.sql.*no table 'orders', which the data have: 'a', 'b'"):
        sim.read(shop / "orders.csv", schema=other)


def test_a_file_of_dbt_may_describe_some_columns_only(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "schema.yml"
    path.write_text(
        "models: [{name: customers, columns: [{name: id, tests: [unique, not_null]}]}, {name: orders, columns: "
        "[{name: customer_id, tests: [{relationships: {to: ref('customers'), field: id}}]}]}]"
    )
    data = sim.read(shop, schema=path)
    assert data.schema.table("customers").names == ("id", "zip", "age", "city", "plan", "since")
    assert data.schema.table("customers").key == ("id",)
    assert data.schema.table("orders").references[0].table == "customers"
    assert data.schema.table("customers")["age"].bounds == (18, 77)


def test_where_a_contract_names_no_references_the_data_speak(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "plain.sql"
    path.write_text(
        "create table customers (id int, zip text, age int, city text, plan text, since date);"
        "create table orders (id int, customer_id int, price numeric(8,2));"
    )
    data = sim.read(shop, schema=path)
    assert str(data.schema.table("orders").references[0]) == "customer_id -> customers(id)"
    assert any("names no references" in note for note in data.notes)


def test_a_package_finds_its_tables_by_the_names_of_files(shop: Path, tmp_path: Path) -> None:
    field = {"name": "price", "type": "number", "constraints": {"minimum": 0, "required": True}}
    schema = {
        "fields": [{"name": "id", "type": "integer"}, {"name": "customer_id", "type": "integer"}, field]
    }
    package = {
        "resources": [
            {"name": "sales-2024", "path": "orders.csv", "schema": schema},
            {"name": "x", "schema": schema},
        ]
    }
    path = tmp_path / "datapackage.json"
    path.write_text(json.dumps(package))
    table = sim.read(shop / "orders.csv", schema=path).schema.table()
    assert table.name == "orders" and table.constraints == (Check('"price" >= 0'),)
    assert table["price"].bounds == (0, 99.75)


def test_nested_objects_stay_columns_where_the_data_have_them_so(tmp_path: Path) -> None:
    rows = [{"id": i, "place": {"city": "Oslo", "no": i}, "flat.x": i % 3} for i in range(30)]
    path = tmp_path / "visits.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    inner = {"type": "object", "properties": {"city": {"type": "string"}, "no": {"type": "integer"}}}
    flat = {"type": "object", "properties": {"x": {"type": "integer"}}}
    content: dict[str, Any] = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "place": inner, "flat": flat},
        "required": ["id"],
    }
    table = sim.read(path, schema=content).schema.table()
    assert table.names == ("id", "place", "flat.x")
    assert table["place"].kind == "text" and table["flat.x"].kind == "number"


def test_telephone_numbers_stay_private_though_a_contract_calls_them_whole_numbers() -> None:
    frame = pl.DataFrame({"phone": [4915100000000 + 37 * i for i in range(100)], "n": range(100)})
    fields = [{"name": "phone", "type": "integer"}, {"name": "n", "type": "integer"}]
    table = sim.read(frame, schema={"fields": fields}).schema.table()
    assert table["phone"].identifying == "phone" and table["phone"].kind == "text"


@pytest.mark.parametrize(
    ("name", "text", "error", "words"),
    [
        ("a.sql", "select 1", SchemaError, r"a\.sql.*describes no table"),
        ("a.json", '{"what": 1}', SchemaError, r"a\.json.* has 'what'.*data package"),
        ("a.yaml", "models: *x", SchemaError, r"a\.yaml"),
        ("a.json", "[" * 100_000, SchemaError, r"a\.json"),
        ("a.yaml", "- 1", SchemaError, "has no 'tables'"),
    ],
)
def test_files_that_are_no_contract_are_refused_in_words(
    tmp_path: Path, name: str, text: str, error: type[Exception], words: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(error, match=words):
        sim.read(pl.DataFrame({"a": [1]}), schema=path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no file .*shop\.sql"):
        sim.read(pl.DataFrame({"a": [1]}), schema=tmp_path / "shop.sql")
