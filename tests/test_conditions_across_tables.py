"""Conditions across tables: known answers, SQL's three-valued logic, the same rows as SQLite, and clear errors."""

from __future__ import annotations

import random
import sqlite3
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulacra.errors import ImpossibleCondition, PredicateError, SchemaError
from simulacra.relational.asking.conditions import read_conditions
from simulacra.schema.constraints import Check
from simulacra.schema.crossing import Crossing, crosses, read_formula, set_apart
from simulacra.schema.routes import Rows, find_route
from simulacra.schema.types import Column, Reference, Schema, Table


def key(name: str) -> Column:
    return Column(name, "key", integer=True, nullable=True)


def whole(name: str) -> Column:
    return Column(name, "number", integer=True, nullable=True)


CUSTOMERS = Table(
    "customers", (key("id"), Column("state", "category"), whole("credit"), Column("created", "date")), ("id",)
)
ORDERS = Table(
    "orders",
    (key("id"), key("customer"), Column("product", "category"), whole("amount"), Column("bought", "date")),
    ("id",),
    references=(Reference(("customer",), "customers"),),
)
LINES = Table(
    "lines",
    (key("id"), key("order"), whole("amount")),
    ("id",),
    references=(Reference(("order",), "orders"),),
)
SHOP = Schema((CUSTOMERS, ORDERS, LINES))
FRAMES = {
    "customers": pl.DataFrame(
        {
            "id": [1, 2, 3],
            "state": ["OH", "OH", "NY"],
            "credit": [10, None, 5],
            "created": [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)],
        }
    ),
    "orders": pl.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "customer": [1, 1, 3, None],
            "product": ["X", "X", "Y", "X"],
            "amount": [4, None, 7, 9],
            "bought": [date(2024, 2, 5), date(2024, 3, 5), date(2024, 1, 5), date(2024, 2, 5)],
        }
    ),
    "lines": pl.DataFrame({"id": [1, 2, 3, 4], "order": [1, 1, 3, 99], "amount": [1, 2, 3, 4]}),
}


def truth(table: str, sql: str, schema: Schema = SHOP, frames: Any = FRAMES) -> list[bool | None]:
    return Crossing.parse(sql, table, schema).evaluate(frames).to_list()


def test_the_example_of_the_design() -> None:
    sql = (
        "state = 'OH' and (select count(*) from orders where product = 'X' and "
        "extract(month from bought) in (2, 3)) >= 2"
    )
    asked = read_conditions({"customers": sql}, SHOP)
    assert asked.keep(FRAMES)["customers"].to_list() == [True, False, False]
    condition = asked["customers"]
    assert str(condition.row) == "state = 'OH'" and len(condition.rest) == 1
    (bound,) = condition.bounds
    assert (bound.child, bound.least, bound.most) == ("orders", 2, None)
    assert bound.where is not None
    assert bound.where.evaluate(FRAMES["orders"]).to_list() == [True, True, False, True]
    assert asked.reads == ("customers", "orders")


@pytest.mark.parametrize(
    ("sql", "answer"),
    [
        ("(select count(*) from orders) = 0", [False, True, False]),
        ("(select count(amount) from orders) = 1", [True, False, True]),
        ("(select count(distinct product) from orders) = 1", [True, False, True]),
        ("(select sum(amount) from orders) > 4", [False, None, True]),
        ("(select sum(amount) from orders where product = 'Z') is null", [True, True, True]),
        ("(select avg(amount) from orders) = 4", [True, None, False]),
        ("(select min(bought) from orders) >= created", [True, None, False]),
        ("(select max(product) from orders) = 'X'", [True, None, False]),
        ("(select coalesce(sum(amount), 0) from orders) + 1 = 1", [False, True, False]),
        ("((select count(*) from orders)) = 0", [False, True, False]),
        ("(((select count(*) from orders))) = 0", [False, True, False]),
        ("exists (select 1 from orders where amount > 5)", [False, False, True]),
        ("not exists (select * from orders)", [False, True, False]),
        ("(select sum(amount) from lines) = 3", [True, None, True]),
        ("(select sum(amount) from lines) < (select sum(amount) from orders)", [True, None, True]),
        ("(select count(*) from orders where (select count(*) from lines) > 0) = 1", [True, False, True]),
        ("(select sum(l.amount * orders.amount) from lines as l) = 12", [True, None, False]),
        ("(select count(*) from orders as o where o.bought > customers.created) >= 1", [True, False, False]),
        ("(select count(*) from orders o where o.customer = customers.id and amount > 3) = 1", [True, False, True]),
        ("(select max(bought) from orders) - created > 30", [True, None, False]),
        ("CUSTOMERS.credit > 7 or (select count(*) from Orders) = 0", [True, True, False]),
    ],
)  # fmt: skip
def test_known_answers(sql: str, answer: list[bool | None]) -> None:
    assert truth("customers", sql) == answer


def test_columns_of_rows_above() -> None:
    assert truth("orders", "bought >= customers.created") == [True, True, False, None]
    assert truth("lines", "customers.state = 'OH' and amount < orders.amount") == [True, True, False, None]
    assert truth("orders", "exists (select 1 from lines) and customers.state = 'NY'") == [
        False,
        False,
        True,
        False,
    ]


TWO_WAYS = Schema(
    (
        CUSTOMERS,
        Table(
            "orders",
            (key("id"), key("billing_id"), key("shipping_id")),
            ("id",),
            references=(
                Reference(("billing_id",), "customers", name="billing"),
                Reference(("shipping_id",), "customers", name="shipping"),
            ),
        ),
        Table("lines", (key("order"), whole("amount")), references=(Reference(("order",), "orders"),)),
    )
)
TWO_FRAMES = {
    "customers": FRAMES["customers"],
    "orders": pl.DataFrame({"id": [1, 2], "billing_id": [1, 1], "shipping_id": [2, 1]}),
    "lines": pl.DataFrame({"order": [1, 2], "amount": [5, 6]}),
}


@pytest.mark.parametrize(
    ("table", "sql", "answer"),
    [
        ("customers", "(select count(*) from orders.billing) = 2", [True, False, False]),
        ("customers", "(select count(*) from orders.shipping_id) = 1", [True, True, False]),
        ("customers", "(select count(*) from orders where orders.shipping_id = customers.id) = 1", [True, True, False]),
        ("customers", "(select sum(amount) from lines.shipping) = 5", [False, True, None]),
        ("orders", "billing.credit > 5", [True, True]),
        ("orders", "shipping.credit is null", [True, False]),
        ("lines", "shipping.state = 'OH' and billing.credit = 10", [True, True]),
    ],
)  # fmt: skip
def test_a_reference_is_named_where_there_are_several(
    table: str, sql: str, answer: list[bool | None]
) -> None:
    assert truth(table, sql, TWO_WAYS, TWO_FRAMES) == answer


def test_a_join_that_is_written_out_is_not_taken_for_its_twin() -> None:
    both = (
        "(select count(*) from orders where orders.billing_id = customers.id) > "
        "(select count(*) from orders where orders.shipping_id = customers.id)"
    )
    assert truth("customers", both, TWO_WAYS, TWO_FRAMES) == [True, False, False]


def test_a_table_that_refers_to_itself() -> None:
    people = Table(
        "people",
        (key("id"), key("boss"), whole("pay")),
        ("id",),
        references=(Reference(("boss",), "people"),),
    )
    schema = Schema((people,))
    frames = {"people": pl.DataFrame({"id": [1, 2, 3], "boss": [None, 1, 1], "pay": [10, 12, 8]})}
    assert truth("people", "(select count(*) from people) = 2", schema, frames) == [True, False, False]
    assert truth("people", "exists (select 1 from people p where p.pay > people.pay)", schema, frames) == [
        True, False, False,
    ]  # fmt: skip
    assert truth("people", "boss.pay > pay", schema, frames) == [None, False, True]


def test_a_key_of_several_columns() -> None:
    weather = Table("weather", (Column("at", "category"), whole("hour"), whole("wind")), ("at", "hour"))
    flights = Table(
        "flights",
        (Column("at", "category"), whole("hour")),
        references=(Reference(("at", "hour"), "weather"),),
    )
    frames = {
        "weather": pl.DataFrame({"at": ["A", "A", "B"], "hour": [1, 2, 1], "wind": [5, 6, 7]}),
        "flights": pl.DataFrame({"at": ["A", "B", "B", "A"], "hour": [2, 1, 2, None]}),
    }
    schema = Schema((weather, flights))
    assert truth("flights", "weather.wind > 6", schema, frames) == [False, True, None, None]
    assert truth("weather", "(select count(*) from flights) = 1", schema, frames) == [False, True, True]


def test_a_direct_reference_goes_before_a_way_over_other_tables() -> None:
    pays = Table(
        "pays", (key("order"), key("customer")),
        references=(Reference(("order",), "orders"), Reference(("customer",), "customers")),
    )  # fmt: skip
    route = find_route(Schema((CUSTOMERS, ORDERS, pays)), "pays", "customers")
    assert route.tables == ("pays", "customers")


def test_empty_tables() -> None:
    frames = {name: frame.clear() for name, frame in FRAMES.items()}
    assert truth("customers", "(select sum(amount) from lines) > 1", frames=frames) == []
    frames["customers"] = FRAMES["customers"]
    assert truth("customers", "(select count(*) from lines) = 0", frames=frames) == [True] * 3
    assert truth("customers", "(select max(bought) from orders) > created", frames=frames) == [None] * 3


def test_several_tables_are_judged_each_by_itself() -> None:
    asked = read_conditions({"orders": {"product": "X"}, "customers": "exists (select 1 from orders)"}, SHOP)
    kept = asked.keep(FRAMES)
    assert {name: rows.to_list() for name, rows in kept.items()} == {
        "orders": [True, True, False, True], "customers": [True, False, True],
    }  # fmt: skip
    assert list(asked) == ["orders", "customers"] and asked.get("lines") is None


def test_constants_are_read_as_the_column_is_written() -> None:
    dated = Column("day", "date", format="%d.%m.%Y")
    child = Table("visits", (key("who"), dated), references=(Reference(("who",), "customers"),))
    frames = {
        "customers": FRAMES["customers"],
        "visits": pl.DataFrame({"who": [1, 2], "day": [date(2024, 5, 1), date(2024, 6, 1)]}),
    }
    sql = "(select max(day) from visits) >= '01.06.2024'"
    assert truth("customers", sql, Schema((CUSTOMERS, child)), frames) == [False, True, None]


@pytest.mark.parametrize(
    ("table", "sql", "words"),
    [
        ("customers", "count(*) >= 2", "whose rows"),
        ("customers", "(select count(*) from ordrs) > 1", "did you mean 'orders'"),
        ("customers", "(select count(*) from orders where sate = 1) > 1", "no column named 'sate'"),
        ("customers", "(select amount from orders) > 1", "many values"),
        ("customers", "(select id + sum(amount) from orders) > 1", "stands beside an aggregate"),
        ("customers", "(select median(amount) from orders) > 1", "no aggregate named"),
        ("customers", "(select sum(amount) over () from orders) > 1", "not an aggregate alone"),
        ("customers", "(select count(*) from orders group by product) > 1", "take GROUP out"),
        ("customers", "(select count(*) from orders limit 1) > 1", "take LIMIT out"),
        ("customers", "(select count(*) from orders join lines on true) > 1", "take JOINS out"),
        ("customers", "(select count(*) from (select 1) as x) > 1", "not a table alone"),
        ("customers", "(select 1 union select 2) > 1", "no query over one table"),
        ("customers", "id in (select customer from orders)", "EXISTS"),
        ("customers", "(select sum(product) from orders) > 1", "no meaning"),
        ("customers", "(select count(*) from customers) > 1", "no reference leads"),
        ("lines", "(select count(*) from orders) > 1", "no reference leads"),
        ("customers", "(select max(bought) from orders) > 3", "can not be compared"),
        ("orders", "customers.sate = 'OH'", "did you mean 'state'"),
        ("orders", "customer.state = 'OH' and nobody.state = 'OH'", "no table or reference named 'nobody'"),
        ("customers", "(select count(*) from orders where exists (select 1)) > 1", "no FROM"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(table: str, sql: str, words: str) -> None:
    with pytest.raises(PredicateError) as caught:
        Crossing.parse(sql, table, SHOP)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"table '{table}', where ")


def test_errors_of_the_mapping() -> None:
    with pytest.raises(PredicateError, match="mapping of tables"):
        read_conditions("state = 'OH'", SHOP)  # type: ignore[arg-type]
    with pytest.raises(PredicateError, match="did you mean 'customers'"):
        read_conditions({"customer": "state = 'OH'"}, SHOP)
    with pytest.raises(PredicateError, match=r"Name the reference: from orders\.billing"):
        read_conditions({"customers": "exists (select 1 from orders)"}, TWO_WAYS)
    with pytest.raises(ImpossibleCondition, match="no number of rows"):
        read_conditions({"customers": "(select count(*) from orders) between 3 and 2"}, SHOP)
    with pytest.raises(ImpossibleCondition):
        read_conditions({"customers": "(select count(*) from orders) < 0"}, SHOP)


@pytest.mark.parametrize(
    ("sql", "bounds"),
    [
        ("(select count(*) from orders) > 2", ["at least 3 rows of orders"]),
        ("2 < (select count(*) from orders)", ["at least 3 rows of orders"]),
        ("(select count(*) from orders) = 2", ["at least 2, at most 2 rows of orders"]),
        ("not (select count(*) from orders) > 2", ["at most 2 rows of orders"]),
        ("(select count(*) from orders) in (2, 4)", ["at least 2, at most 4 rows of orders"]),
        ("not exists (select 1 from orders)", ["no row of orders"]),
        ("(select count(distinct product) from orders) = 2", ["at least 2 rows of orders with product IS NOT NULL"]),
        ("(select sum(amount) from orders) > 9", ["at least 1 row of orders with amount IS NOT NULL"]),
        ("(select avg(amount) from orders) > 9", ["at least 1 row of orders with amount > 9"]),
        ("(select min(bought) from orders) >= created", ["at least 1 row of orders with bought IS NOT NULL"]),
        ("(select min(amount) from orders) > 9", [
            "at least 1 row of orders with amount > 9", "no row of orders with amount <= 9"]),
        ("(select count(*) from orders) > 2 or state = 'OH'", []),
        ("(select coalesce(sum(amount), 0) from orders) < 5", []),
        ("(select count(*) from orders where exists (select 1 from lines)) >= 2", ["at least 2 rows of orders"]),
        ("(select count(*) from orders where exists (select 1 from lines)) = 0", []),
    ],
)  # fmt: skip
def test_bounds_say_how_many_rows_are_needed(sql: str, bounds: list[str]) -> None:
    assert [str(bound) for bound in read_conditions({"customers": sql}, SHOP)["customers"].bounds] == bounds


def test_a_table_alone_is_parted_from_what_crosses() -> None:
    schema = SHOP.with_constraint("amount >= 0", "bought >= customers.created", table="orders")
    table, apart = set_apart(schema.table("orders"))
    assert [str(rule) for rule in table.constraints] == ["amount >= 0"]
    assert apart == (Check("bought >= customers.created"),)
    assert not crosses(Check("orders.amount > 1.5 and product = 'select . from'"), table)
    with pytest.raises(PredicateError, match="no column named"):
        SHOP.with_constraint("bought >= customers.creatd", table="orders")
    with pytest.raises(SchemaError, match="no reference"):
        find_route(SHOP, "customers", "lines")


def test_formulas_have_kinds() -> None:
    assert read_formula("(select max(bought) from orders)", "customers", SHOP).kind == "date"
    assert read_formula("customers.state || '!'", "orders", SHOP).kind == "text"


# the same rows as SQLite, with the join written out there

AGGREGATES = (
    "count(*)",
    "count(amount)",
    "count(distinct amount)",
    "sum(amount)",
    "min(amount)",
    "max(amount)",
    "avg(amount)",
)
TESTS = ("=", "<>", "<", "<=", ">", ">=")
Pair = tuple[str, str]


@st.composite
def _figures(draw: st.DrawFn) -> Pair:
    figure = draw(st.sampled_from(AGGREGATES))
    child = draw(st.sampled_from(["orders", "lines"]))
    inner = draw(
        st.sampled_from(
            [
                "",
                "amount > 3",
                "amount is null or amount < 2",
                "not (amount = 4)",
                "amount > customers.credit",
            ]
            + (
                ["product = 'X'", "product <> 'Y' and amount >= 1"]
                if child == "orders"
                else ["orders.amount > 2"]
            )
        )
    )
    ours = f"(select {figure} from {child}{' where ' + inner if inner else ''})"
    qualified = figure.replace("amount", f"{child}.amount")
    spelled = " ".join(
        f"{child}.amount" if word == "amount" else word for word in inner.replace("(", "( ").split()
    )
    source = "orders where" if child == "orders" else 'lines join orders on lines."order" = orders.id where'
    return (
        ours,
        f"(select {qualified} from {source} orders.customer = customers.id and ({spelled or 'true'}))",
    )


@st.composite
def _tests(draw: st.DrawFn) -> Pair:
    ours, theirs = draw(_figures())
    test = draw(st.sampled_from(TESTS))
    kind = draw(st.integers(0, 4))
    if kind == 0:
        mine, other = draw(_figures())
        return f"{ours} {test} {mine}", f"{theirs} {test} {other}"
    if kind == 1:
        return f"{ours} {test} credit", f"{theirs} {test} credit"
    if kind == 2:
        return f"{ours} is null", f"{theirs} is null"
    limit = draw(st.integers(0, 6))
    return f"{ours} {test} {limit}", f"{theirs} {test} {limit}"


def _joined(parts: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    plain = st.sampled_from(["state = 'OH'", "credit > 3", "not credit = 2"]).map(lambda text: (text, text))
    one = st.one_of(parts, plain)
    joined = st.tuples(one, st.sampled_from(["and", "or"]), one).map(
        lambda found: tuple(f"({found[0][at]} {found[1]} {found[2][at]})" for at in (0, 1))
    )
    denied = parts.map(lambda found: (f"not ({found[0]})", f"not ({found[1]})"))
    return st.one_of(joined, denied)  # type: ignore[arg-type]


def _random_shop(seed: int) -> dict[str, pl.DataFrame]:
    draw = random.Random(seed)

    def some(values: list[Any], rows: int, gaps: float = 0.2) -> list[Any]:
        return [None if draw.random() < gaps else draw.choice(values) for _ in range(rows)]

    customers, orders, lines = 6, draw.randint(0, 12), draw.randint(0, 20)
    numbers, days = list(range(6)), [date(2024, 1, 1) + timedelta(days=d) for d in range(5)]
    integer, text = pl.Int64, pl.String
    return {
        "customers": pl.DataFrame(
            {"id": range(customers), "state": some(["OH", "NY"], customers), "credit": some(numbers, customers),
             "created": some(days, customers, 0)},
            schema={"id": integer, "state": text, "credit": integer, "created": pl.Date},
        ),
        "orders": pl.DataFrame(
            {"id": range(orders), "customer": some(list(range(customers + 1)), orders),
             "product": some(["X", "Y"], orders), "amount": some(numbers, orders), "bought": some(days, orders)},
            schema={"id": integer, "customer": integer, "product": text, "amount": integer, "bought": pl.Date},
        ),
        "lines": pl.DataFrame(
            {"id": range(lines), "order": some(list(range(orders + 1)), lines), "amount": some(numbers, lines)},
            schema={"id": integer, "order": integer, "amount": integer},
        ),
    }  # fmt: skip


def _ask_sqlite(frames: dict[str, pl.DataFrame], table: str, sql: str) -> list[bool | None]:
    with sqlite3.connect(":memory:") as database:
        for name, frame in frames.items():
            names = ", ".join(f'"{column}"' for column in frame.columns)
            database.execute(f"create table {name} ({names})")
            marks = ", ".join("?" * frame.width)
            rows = [tuple(str(v) if isinstance(v, date) else v for v in row) for row in frame.iter_rows()]
            database.executemany(f"insert into {name} values ({marks})", rows)
        found = database.execute(f"select ({sql}) from {table} order by {table}.rowid").fetchall()
    database.close()
    return [None if value is None else bool(value) for (value,) in found]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(pair=st.one_of(_tests(), _joined(_tests())), seed=st.integers(0, 10_000))
def test_the_same_rows_as_sqlite(pair: Pair, seed: int) -> None:
    frames = _random_shop(seed)
    ours, theirs = pair
    assert truth("customers", ours, frames=frames) == _ask_sqlite(frames, "customers", theirs)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(test=st.sampled_from(TESTS), column=st.sampled_from(["credit", "id"]), seed=st.integers(0, 10_000))
def test_rows_above_are_the_same_as_in_sqlite(test: str, column: str, seed: int) -> None:
    frames = _random_shop(seed)
    above = (
        f'(select c.{column} from orders o join customers c on c.id = o.customer where o.id = lines."order")'
    )
    ours = truth("lines", f"amount {test} customers.{column}", frames=frames)
    assert ours == _ask_sqlite(frames, "lines", f"amount {test} {above}")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(pair=_tests(), seed=st.integers(0, 10_000))
def test_every_row_that_fits_keeps_the_bounds(pair: Pair, seed: int) -> None:
    frames = _random_shop(seed)
    try:
        condition = read_conditions({"customers": pair[0]}, SHOP)["customers"]
    except ImpossibleCondition:
        assert not any(truth("customers", pair[0], frames=frames))
        return
    kept = condition.keep(frames)
    for bound in condition.bounds:
        fits = pl.repeat(True, frames[bound.child].height, eager=True)
        if bound.where is not None:
            fits = bound.where.evaluate(frames[bound.child]).fill_null(False)
        parents = Rows(frames).up(bound.route).filter(fits)
        counts = pl.Series([int((parents == row).sum()) for row in range(len(kept))]).filter(kept)
        assert (counts >= bound.least).all()
        assert bound.most is None or (counts <= bound.most).all()
