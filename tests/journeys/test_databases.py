"""Databases on the command line: from one into another, and every wrong call told in one sentence."""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run

TABLES = ["customers", "orders", "states"]


def make_shop(path: Path) -> None:
    """A shop: customers with keys of their own, orders with keys of two columns, and a public table of states."""
    dice = random.Random(7)
    states = ["OH", "NY", "TX"]
    with closing(sqlite3.connect(path)) as shop:
        shop.executescript("""
            CREATE TABLE states (code CHAR(2) PRIMARY KEY, region TEXT NOT NULL);
            CREATE TABLE customers (
                id INTEGER PRIMARY KEY, state CHAR(2) NOT NULL REFERENCES states, age INTEGER NOT NULL);
            CREATE TABLE orders (
                customer INTEGER NOT NULL REFERENCES customers, no INTEGER, price DECIMAL(8,2),
                PRIMARY KEY (customer, no));
        """)
        shop.executemany("INSERT INTO states VALUES (?, ?)", [(code, f"{code} region") for code in states])
        for customer in range(1, 301):
            state = dice.choice(states)
            shop.execute("INSERT INTO customers VALUES (?, ?, ?)", (customer, state, dice.randint(18, 80)))
            for no in range(dice.choice([0, 1, 2, 4] if state == "OH" else [0, 1])):
                row = (customer, no, dice.randint(100, 9900) / 100)
                shop.execute("INSERT INTO orders VALUES (?, ?, ?)", row)
        shop.commit()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder with the shop as a database, and a model of it."""
    folder = tmp_path_factory.mktemp("shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_shop(folder / "shop.db")
        assert run(["fit", "shop.db", "--reference", "states", "--seed", "1", "-o", "shop.sim", "-q"]) == 0
        yield folder


def count(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path)) as opened:
        return opened.execute(query).fetchone()[0]


def test_from_one_database_into_another(shop, capsys):
    call = ["sample", "shop.sim", "--scale", "3", "--seed", "1", "-o", "sqlite:///bigger.db", "--json"]
    assert run(call) == 0
    told = json.loads(capsys.readouterr().out)
    assert (
        told["tables"]["customers"] == 900
        and told["tables"]["states"] == 3
        and told["file"] == "sqlite:///bigger.db"
    )
    bigger = shop / "bigger.db"
    assert count(bigger, "SELECT count(*) FROM orders") == told["tables"]["orders"]
    lost = "SELECT count(*) FROM {} WHERE {} NOT IN (SELECT {} FROM {})"
    assert count(bigger, lost.format("orders", "customer", "id", "customers")) == 0
    assert count(bigger, lost.format("customers", "state", "code", "states")) == 0
    ohio, others = (
        count(bigger, f"SELECT count(*) FROM orders JOIN customers ON customer = id WHERE state {what}")
        / count(bigger, f"SELECT count(*) FROM customers WHERE state {what}")
        for what in ("= 'OH'", "<> 'OH'")
    )
    # 1.75 and 0.5 orders a customer; the standard errors are below 0.1 of the data and 0.09 of the draw
    assert ohio == pytest.approx(1.75, abs=0.5) and others == pytest.approx(0.5, abs=0.3)


def test_what_is_there_is_kept_unless_it_is_to_be_replaced(shop, capsys):
    call = ["sample", "shop.sim", "-n", "20", "-o", "there.db", "-q"]
    assert run([*call, "--seed", "1"]) == 0
    before = sim.read("there.db").digest
    assert run([*call, "--seed", "2"]) == 2 and "is there already" in capsys.readouterr().err
    assert sim.read("there.db").digest == before
    assert run([*call, "--seed", "2", "--if-exists", "replace"]) == 0
    assert (
        sim.read("there.db").digest != before
        and count(shop / "there.db", "SELECT count(*) FROM customers") == 20
    )


def test_folders_and_dumps(shop):
    for form in ("csv", "parquet"):
        call = [
            "sample",
            "shop.sim",
            "-n",
            "customers=50",
            "--seed",
            "1",
            "--format",
            form,
            "-o",
            f"{form}.out",
            "-q",
        ]
        assert run(call) == 0
    one, two = sim.read("csv.out"), sim.read("parquet.out")
    assert sorted(one.frames) == TABLES and len(one.polars("customers")) == 50 and one.digest == two.digest
    assert (
        run(["sample", "shop.sim", "-n", "50", "--seed", "1", "-o", "shop.sql", "--dialect", "sqlite", "-q"])
        == 0
    )
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(Path("shop.sql").read_text())
        assert made.execute("SELECT count(*) FROM orders").fetchone()[0] == len(one.polars("orders"))


def test_a_folder_is_fitted_as_a_database_is(shop, capsys):
    sim.read("shop.db").write("files", format="csv")
    call = [
        "fit",
        "files",
        "--reference",
        "states",
        "-m",
        "orders=independent",
        "-m",
        "copula",
        "-o",
        "f.sim",
    ]
    assert run([*call, "--seed", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert sorted(told["tables"]) == TABLES and told["roots"] == ["customers"]
    assert told["provenance"]["model"] == "copula, independent"


def test_one_table_and_some_tables(shop, capsys):
    assert run(["fit", "shop.db", "--table", "customers", "--seed", "1", "-o", "one.sim"]) == 0
    assert "to 300 rows" in capsys.readouterr().err
    assert run(["sample", "one.sim", "--scale", "0.1", "--seed", "1", "-o", "one.db", "-q"]) == 0
    assert count(shop / "one.db", "SELECT count(*) FROM customers") == 30
    assert run(["fit", "shop.db", "--tables", "customers,orders", "--seed", "1", "-o", "two.sim"]) == 0
    assert "to 2 tables with" in capsys.readouterr().err


def test_a_part_of_a_database_is_enough(shop, capsys):
    call = [
        "fit",
        "shop.db",
        "--reference",
        "states",
        "--read-rows",
        "100",
        "--seed",
        "1",
        "-o",
        "part.sim",
        "--json",
    ]
    assert run(call) == 0
    assert json.loads(capsys.readouterr().out)["provenance"]["data"]["rows"] <= 203


def test_estimates_add_the_tables_up(shop, capsys):
    call = ["fit", "shop.db", "--reference", "states", "--estimate"]
    assert run([*call, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tables"] == 3 and told["rows"] == len(sim.read("shop.db")) and 0 < told["seconds"] < 100
    assert run([*call[:-1], "--max-memory", "1MB", "-o", "never.sim"]) == 2
    assert "3 tables" in capsys.readouterr().err and not Path("never.sim").exists()


def test_conditions_name_their_table(shop):
    where = [
        "--where",
        "customers: state = 'OH' and (select count(*) from orders) >= 1",
        "--where",
        "customers: age > 30",
    ]
    assert run(["sample", "shop.sim", "-n", "25", "--seed", "1", *where, "-o", "asked.db", "-q"]) == 0
    asked = sim.read("asked.db")
    customers, orders = asked.polars("customers"), asked.polars("orders")
    assert len(customers) == 25 and set(customers["state"]) == {"OH"} and customers["age"].min() > 30
    assert set(orders["customer"]) == set(customers["id"])


def test_histories_of_one_table(shop, capsys):
    orders = sim.read("shop.db").polars("orders")
    orders.write_csv("log.csv")
    assert (
        run(["fit", "log.csv", "--entity", "customer", "--order", "no", "--seed", "1", "-o", "log.sim"]) == 0
    )
    assert f"histories of {orders['customer'].n_unique()} entities" in capsys.readouterr().err
    assert run(["sample", "log.sim", "-n", "40", "--seed", "1", "-q"]) == 0
    drawn = pl.read_csv(capsys.readouterr().out.encode())
    assert drawn.columns == orders.columns and drawn["customer"].n_unique() == 40
    assert run(["sample", "log.sim", "-n", "10", "--seed", "1", "--where", "price > 50", "-q"]) == 0
    assert pl.read_csv(capsys.readouterr().out.encode())["price"].min() > 50


def test_the_same_seed_fills_the_same_database(shop):
    for name in ("a", "b"):
        assert run(["sample", "shop.sim", "--seed", "5", "-o", f"{name}.db", "-q"]) == 0
    assert sim.read("a.db").digest == sim.read("b.db").digest


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (["fit", "shop.db", "-o", "x.sim"], "--reference states"),
        (["fit", "shop.db", "-o", "x.sim", "--reference", "state"], "did you mean 'states'"),
        (["fit", "shop.db", "-o", "x.sim", "--table", "order"], "did you mean 'orders'"),
        (["fit", "shop.db", "-o", "x.sim", "--tables", "orders,custs"], "custs"),
        (["fit", "shop.db", "-o", "x.sim", "--table", "orders", "--tables", "orders"], "--tables"),
        (["fit", "shop.db", "-o", "x.sim", "--table", "orders", "--reference", "orders"], "one table"),
        (
            ["fit", "shop.db", "-o", "x.sim", "-m", "order=copula", "--reference", "states"],
            "did you mean 'orders'",
        ),
        (["fit", "shop.db", "-o", "x.sim", "-m", "copula", "-m", "trees"], "twice"),
        (["fit", "shop.db", "-o", "x.sim", "--entity", "id"], "one table"),
        (["fit", "shop.db", "-o", "x.sim", "--weight", "age"], "one table"),
        (["fit", "shop.db", "-o", "shop.db"], ".sim"),
        (["fit", "absent.db", "-o", "x.sim"], "absent.db"),
        (["fit", "shop.sim", "-o", "x.sim", "--read-rows", "9"], "--read-rows"),
        (["sample", "shop.sim", "-n", "5"], "stdout"),
        (["sample", "shop.sim", "-n", "5", "-o", "x.csv"], "--format csv"),
        (["sample", "shop.sim", "-n", "5", "-o", "shop.sim"], "overwritten"),
        (["sample", "shop.sim", "-n", "5", "-o", "nowhere/x"], "nowhere"),
        (["sample", "shop.sim", "-n", "5", "-o", "x", "--format", "doc"], ".doc"),
        (["sample", "shop.sim", "-n", "5", "-o", "x.db", "--format", "csv"], "--format"),
        (["sample", "shop.sim", "-n", "5", "-o", "oracle://h/d"], "oracle"),
        (["sample", "shop.sim", "-n", "5", "-o", "x.sql", "--dialect", "oracle"], "postgresql"),
        (["sample", "shop.sim", "-n", "5", "--scale", "2", "-o", "x"], "--scale"),
        (["sample", "shop.sim", "--scale", "-1", "-o", "x"], "-1"),
        (["sample", "shop.sim", "-n", "custs=5", "-o", "x"], "did you mean 'customers'"),
        (["sample", "shop.sim", "-n", "orders=5", "-o", "x"], "follow from these"),
        (["sample", "shop.sim", "-n", "customers=few", "-o", "x"], "customers=few"),
        (["sample", "shop.sim", "-n", "5", "-o", "x", "--balance", "state:OH=0.5"], "--balance"),
        (["sample", "shop.sim", "-n", "5", "-o", "x", "--fair", "target=state"], "--fair"),
        (["sample", "shop.sim", "-n", "5", "-o", "x", "--where", "state = 'OH'"], "customers:"),
        (["explain", "shop.sim"], "customers, orders, states"),
        (["score", "shop.sim", "shop.db"], "--table"),
        (["edges", "shop.sim", "-o", "x.csv"], "--table"),
    ],
)
def test_wrong_calls_get_one_clear_sentence_and_leave_nothing(shop, capsys, call, words):
    before = {path.name for path in shop.iterdir()}
    assert run(call) == 2
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said and len(said.strip().splitlines()) <= 4
    assert {path.name for path in shop.iterdir()} == before


@pytest.mark.parametrize(
    "call",
    [
        ["fit", "postgresql://ada:s3cret@localhost:1/shop", "-o", "x.sim"],
        ["fit", "a.csv", "postgresql://ada:s3cret@localhost:1/shop"],
        ["fit", "postgresql://ada:s3cret@localhost:1/shop", "-o", "postgresql://ada:s3cret@localhost:1/shop"],
        ["sample", "shop.sim", "-o", "postgresql://ada:s3cret@localhost:1/shop"],
        ["sample", "shop.sim", "-o", "oracle://ada:s3cret@localhost:1/shop"],
    ],
)
def test_passwords_are_never_shown(shop, capsys, call):
    assert run(call) == 2
    out = capsys.readouterr()
    assert "s3cret" not in out.out + out.err
