"""Rules on the command line: tables from columns, from files, from contracts of others, into files and databases."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

import simulacra as sim
from simulacra.cli import group

RULES = """
tables:
  customers:
    rows: 20
    columns: {id: sequence, name: person.name, email: email, city: address.city, state: address.state}
  orders:
    columns:
      id: sequence
      customer_id: {reference: {to: customers, children: {poisson: 3}}}
      amount: {lognormal: [25, 0.9], decimals: 2}
"""


def run(*words: object, code: int = 0) -> Result:
    done = CliRunner().invoke(group, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def test_one_line_makes_a_table(tmp_path: Path) -> None:
    columns = ("name", "street", "city", "state", "zip", "phone", "date", "time", "year", "ssn", "company", "job",
               "email", "license_plate")  # fmt: skip
    first = run("generate", *columns, "-n", 50, "--seed", 1).stdout
    assert first == run("generate", *columns, "-n", 50, "--seed", 1).stdout
    frame = pl.read_csv(first.encode())
    assert frame.columns == list(columns)
    assert frame["ssn"].str.contains(r"^9\d\d-\d\d-\d{4}$").all()
    assert frame["phone"].str.contains("555-01").all()
    assert frame["email"].str.contains(r"@example\.(com|net|org)$").all()
    run("generate", *columns, "-n", 5, "-o", tmp_path / "people.xlsx")
    assert sim.read(tmp_path / "people.xlsx").frame.shape == (5, 14)


def test_a_table_into_a_database(tmp_path: Path) -> None:
    rule = "income={lognormal: [41000, 0.5], decimals: 2}"
    run("generate", "id=sequence", "name", rule, "-n", 7, "--table", "people", "-o", tmp_path / "people.db")
    with sqlite3.connect(tmp_path / "people.db") as base:
        rows = base.execute("select id, name, income from people order by id").fetchall()
    assert [row[0] for row in rows] == list(range(1, 8))
    assert all(isinstance(row[2], float) for row in rows)


def test_rules_in_a_file_fill_folders_and_databases(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(RULES, encoding="utf-8")
    told = run("sample", tmp_path / "shop.yaml", "--seed", 1, "-o", tmp_path / "shop", "--json")
    facts = json.loads(told.stdout)
    assert facts["tables"]["customers"] == 20
    folder = sim.read(tmp_path / "shop")
    assert folder.polars("orders")["customer_id"].is_in(folder.polars("customers")["id"].implode()).all()
    run("verify", tmp_path / "shop", "--deep")
    run("sample", tmp_path / "shop.yaml", "--seed", 1, "-o", tmp_path / "shop.db")
    base = sim.read(tmp_path / "shop.db")
    assert base.schema.table("orders").references[0].table == "customers"
    for table in ("customers", "orders"):
        assert base.polars(table).sort("id").rows() == folder.polars(table).sort("id").rows()


def test_the_same_call_goes_on_and_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(RULES, encoding="utf-8")
    out = tmp_path / "shop"
    first = json.loads(run("sample", tmp_path / "shop.yaml", "--seed", 1, "-o", out, "--json").stdout)
    (out / "orders" / "part-00000.parquet").unlink()
    run("verify", out, code=1)
    again = json.loads(run("sample", tmp_path / "shop.yaml", "--seed", 1, "-o", out, "--json").stdout)
    assert again["sha256"] == first["sha256"]
    run("verify", out)
    refused = CliRunner().invoke(
        group, ["sample", str(tmp_path / "shop.yaml"), "--seed", "2", "-o", str(out)]
    )
    assert refused.exit_code != 0
    run("sample", tmp_path / "shop.yaml", "--seed", 2, "-o", out, "--if-exists", "replace")


def test_a_contract_of_others_makes_test_data(tmp_path: Path) -> None:
    (tmp_path / "shop.sql").write_text(
        "create table customers(id integer primary key, first_name varchar(40) not null, "
        "state char(2) not null check (state in ('OH', 'CA')));\n"
        "create table orders(id integer primary key, customer_id integer not null references customers(id), "
        "amount numeric(8, 2) check (amount > 0));",
        encoding="utf-8",
    )
    made = sim.compose(tmp_path / "shop.sql").sample(200, seed=1)
    customers, orders = made.polars("customers"), made.polars("orders")
    assert set(customers["state"]) == {"OH", "CA"}
    assert (orders["amount"].drop_nulls() > 0).all()
    assert orders["customer_id"].is_in(customers["id"].implode()).all()
    assert customers["first_name"].n_unique() > 50


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("generate", "nmae"), "did you mean 'name'"),
        (("generate", "name", "name"), "named twice"),
        (("generate", "name", "--json"), "Name it with -o"),
        (("sample", "absent.yaml", "-o", "x.csv"), "absent.yaml"),
        (("sample", "shop", "--where", "a = 1", "-o", "out"), "Change the rule"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_sentence(words: tuple[str, ...], message: str) -> None:
    done = CliRunner().invoke(group, list(words))
    assert done.exit_code != 0
    assert message in str(done.exception) + done.output
