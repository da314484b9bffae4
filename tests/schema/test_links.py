"""References between tables, found from values and names, and what follows for keys, kinds, roles and orders."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from simulacra.cli._demo import find_data
from simulacra.dataset import dataset
from simulacra.schema.files import format_schema, parse_schema
from simulacra.schema.inference import infer_schema, infer_table
from simulacra.schema.links import Link, find_links, sure
from simulacra.schema.types import Schema
from simulacra.schema.validation import validate

RNG = np.random.default_rng(3)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def same_numbers() -> None:
    """Give each test the same numbers, whichever ran before it."""
    RNG.bit_generator.state = START


def whole(low: int, high: int, rows: int) -> np.ndarray:
    return RNG.integers(low, high + 1, rows)


def found(**frames: pl.DataFrame) -> set[str]:
    """The references of the schema that is inferred."""
    schema = infer_schema(frames)
    return {f"{table.name}.{reference}" for table in schema.tables for reference in table.references}


def plain(frames: dict[str, pl.DataFrame]) -> Schema:
    """A schema without references."""
    return Schema(tuple(infer_table(frame, name)[0] for name, frame in frames.items()))


@pytest.fixture(scope="module")
def flights() -> dict[str, pl.DataFrame]:
    names = ("airlines", "airports", "planes", "weather", "flights")
    return {name: pl.from_pandas(pd.read_csv(find_data(name))) for name in names}


@pytest.fixture
def shop() -> dict[str, pl.DataFrame]:
    """A shop whose keys are all 1 to n, so that every small number lies among them."""
    rows = 2_000
    start = date(2020, 1, 1)
    return {
        "customers": pl.DataFrame({"id": range(1, 501), "score": whole(1, 100, 500), "age": whole(18, 90, 500)}),
        "products": pl.DataFrame(
            {"id": range(1, 101), "category_id": whole(1, 12, 100), "stock": whole(0, 99, 100)}
        ),
        "categories": pl.DataFrame(
            {"id": range(1, 13), "name": [f"c{i}" for i in range(12)], "parent_category_id": [None] * 6 + [1, 2, 3] * 2}
        ),
        "orders": pl.DataFrame(
            {
                "id": range(1, rows + 1),
                "bill_customer_id": whole(1, 500, rows),
                "ship_customer_id": whole(1, 500, rows),
                "quantity": whole(1, 100, rows),
                "month": whole(1, 12, rows),
                "priority": whole(1, 5, rows),
                "ordered_at": [start + timedelta(days=int(d)) for d in whole(0, 900, rows)],
            }
        ),
        "order_items": pl.DataFrame(
            {
                "order_id": np.repeat(np.arange(1, rows + 1), 3),
                "line_no": np.tile([1, 2, 3], rows),
                "product_id": whole(1, 100, 3 * rows),
                "qty": whole(1, 12, 3 * rows),
            }
        ),
        "shipments": pl.DataFrame(
            {
                "shipment_id": range(1, 3_001),
                "order_id": np.repeat(np.arange(1, rows + 1), 3)[:3_000],
                "line_no": np.tile([1, 2, 3], rows)[:3_000],
                "days": whole(1, 30, 3_000),
            }
        ),
        "employees": pl.DataFrame(
            {"id": range(1, 51), "manager_id": [None, *(i // 3 + 1 for i in range(49))], "level": whole(1, 5, 50)}
        ),
    }  # fmt: skip


# --- what is there is found, and nothing else


def test_flights_are_linked_with_their_orphans(flights: dict[str, pl.DataFrame]) -> None:
    assert found(**flights) == {
        "weather.origin -> airports(faa)",
        "flights.carrier -> airlines(carrier)",
        "flights.tailnum -> planes(tailnum)",
        "flights.origin -> airports(faa) as origin",
        "flights.dest -> airports(faa) as dest",
        "flights.origin, time_hour -> weather(origin, time_hour)",
    }
    by_name = {str(link.reference): link for link in find_links(flights, plain(flights))}
    planes = by_name["tailnum -> planes(tailnum)"]
    assert (planes.rows, planes.nulls, planes.orphans) == (336_776, 2_512, 50_094)
    assert 1 - by_name["dest -> airports(faa) as dest"].share_found == pytest.approx(7_602 / 336_776)
    assert by_name["origin, time_hour -> weather(origin, time_hour)"].orphans == 1_556


def test_keys_without_gaps_are_linked_by_names_alone(shop: dict[str, pl.DataFrame]) -> None:
    assert found(**shop) == {
        "products.category_id -> categories(id)",
        "categories.parent_category_id -> categories(id)",
        "orders.bill_customer_id -> customers(id) as bill",
        "orders.ship_customer_id -> customers(id) as ship",
        "order_items.order_id -> orders(id)",
        "order_items.product_id -> products(id)",
        "shipments.order_id -> orders(id)",
        "shipments.order_id, line_no -> order_items(order_id, line_no)",
        "employees.manager_id -> employees(id)",
    }


def test_tables_of_different_origin_are_not_linked(
    flights: dict[str, pl.DataFrame], shop: dict[str, pl.DataFrame]
) -> None:
    some = {**flights, "flights": flights["flights"].gather_every(20)}
    assert found(**some, **shop) == found(**some) | found(**shop)


def test_numbers_that_fill_the_keys_are_proposed_and_not_taken() -> None:
    frames = {
        "rooms": pl.DataFrame({"id": range(1, 41), "seats": whole(10, 500, 40)}),
        "exams": pl.DataFrame({"exam_id": range(1, 801), "points": whole(1, 40, 800)}),
    }
    assert found(**frames) == set()
    (link,) = find_links(frames, plain(frames))
    assert (str(link), link.strength) == ("exams.points -> rooms(id)", "possible")
    assert sure([link]) == ()


def test_sparse_numbers_need_no_names() -> None:
    keys = np.sort(RNG.choice(10**6, 400, replace=False))
    frames = {
        "people": pl.DataFrame({"id": keys, "age": whole(18, 90, 400)}),
        "calls": pl.DataFrame({"caller": RNG.choice(keys, 900), "seconds": whole(1, 9_999, 900)}),
    }
    assert found(**frames) == {"calls.caller -> people(id)"}


@pytest.mark.parametrize(
    ("column", "table", "key"),
    [
        ("customer_id", "customers", "id"),
        ("CustomerID", "Customers", "CustomerID"),
        ("customerid", "customer", "id"),
        ("cust_no", "customers", "cust_no"),
        ("CustomerKey", "DimCustomer", "CustomerKey"),
        ("category", "categories", "id"),
        ("dept_no", "departments", "id"),
        ("home_address_id", "addresses", "address_id"),
    ],
)
def test_names_are_read_in_many_spellings(column: str, table: str, key: str) -> None:
    frames = {
        table: pl.DataFrame({key: range(1, 61), "height": whole(1, 9, 60)}),
        "visits": pl.DataFrame(
            {"visit_id": range(1, 501), column: whole(1, 60, 500), "rating": whole(1, 5, 500)}
        ),
    }
    assert found(**frames) == {f"visits.{column} -> {table}({key})"}


def test_tables_that_number_their_own_rows_are_not_linked() -> None:
    frames = {
        f"log_{n}": pl.DataFrame({"id": range(1, n + 1), "level": whole(1, 3, n)}) for n in (100, 300, 600)
    }
    assert found(**frames) == set()


def test_a_table_of_details_refers_to_the_table_of_its_name() -> None:
    frames = {
        "student_details": pl.DataFrame({"student_id": range(1, 201), "height": whole(150, 200, 200)}),
        "students": pl.DataFrame({"student_id": range(1, 201), "year": whole(1, 4, 200)}),
    }
    assert found(**frames) == {"student_details.student_id -> students(student_id)"}


def test_tables_may_refer_to_each_other_in_a_circle() -> None:
    frames = {
        "departments": pl.DataFrame(
            {"dept_id": range(1, 31), "manager_emp_id": [i * 7 % 200 + 1 for i in range(30)]}
        ),
        "employees": pl.DataFrame({"emp_id": range(1, 201), "dept_id": [i % 30 + 1 for i in range(200)]}),
    }
    assert found(**frames) == {
        "departments.manager_emp_id -> employees(emp_id)",
        "employees.dept_id -> departments(dept_id)",
    }


def test_half_of_the_values_may_be_orphans_where_names_agree() -> None:
    parts = pl.DataFrame({"part_code": [f"P-{i:04d}" for i in range(100)]})
    uses = pl.DataFrame({"part_code": [f"P-{i % 150:04d}" for i in range(600)], "n": whole(1, 3, 600)})
    (link,) = find_links({"parts": parts, "uses": uses}, plain({"parts": parts, "uses": uses}))
    assert link.orphans == 200
    assert link.share_found == pytest.approx(2 / 3)
    few = parts.head(30)
    assert find_links({"parts": few, "uses": uses}, plain({"parts": few, "uses": uses})) == ()


def test_dates_lead_to_a_calendar_only_where_they_are_named_so() -> None:
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(400)]
    frames = {
        "calendar": pl.DataFrame({"day": days, "week": [i // 7 for i in range(400)]}),
        "people": pl.DataFrame({"name": [f"n{i}" for i in range(50)], "birth": days[:50]}),
    }
    assert found(**frames) == set()
    assert [link.strength for link in find_links(frames, plain(frames))] == ["possible"]


@pytest.mark.parametrize(
    "frames",
    [
        {"a": pl.DataFrame({"id": pl.Series([], dtype=pl.Int64)}), "b": pl.DataFrame({"a_id": [1, 2]})},
        {"a": pl.DataFrame({"id": [1]}), "b": pl.DataFrame({"a_id": [1]})},
        {"a": pl.DataFrame({"id": range(30)}), "b": pl.DataFrame({"a_id": pl.Series([None] * 9, dtype=pl.Int64)})},
        {"a": pl.DataFrame({"flag": [True, False]}), "b": pl.DataFrame({"x": [1.5, 2.5]})},
    ],
)  # fmt: skip
def test_tables_with_hardly_a_value_are_not_linked(frames: dict[str, pl.DataFrame]) -> None:
    assert found(**frames) == set()


def test_references_that_are_known_are_not_asked_again(shop: dict[str, pl.DataFrame]) -> None:
    known = dataset(shop)
    assert sure(find_links(known.frames, known.schema)) == ()
    less = known.schema.without_reference("products")
    links = sure(find_links(known.frames, less))
    assert [str(link) for link in links] == ["products.category_id -> categories(id)"]


# --- evidence


def test_evidence_says_what_a_person_can_check(flights: dict[str, pl.DataFrame]) -> None:
    told = {str(link.reference): link.evidence for link in find_links(flights, plain(flights))}
    assert told["carrier -> airlines(carrier)"] == (
        "all 16 values of carrier are among the 16 values of airlines.carrier; the names are the same"
    )
    assert told["tailnum -> planes(tailnum)"].startswith(
        "3,322 of 4,043 values of tailnum are among the 3,322 keys"
    )
    assert "by chance less than once in 1,000,000" in told["dest -> airports(faa) as dest"]


def test_evidence_holds_no_value() -> None:
    secret = [f"Secret-{i:03d}" for i in range(90)]
    frames = {
        "people": pl.DataFrame({"code": secret, "n": whole(1, 9, 90)}),
        "visits": pl.DataFrame({"code": secret * 2 + ["Other-1"]}),
    }
    (link,) = find_links(frames, plain(frames))
    assert isinstance(link, Link)
    assert "Secret" not in str(link.to_dict()) and "Other" not in str(link.to_dict())


def test_the_schema_file_has_the_evidence_as_comments(shop: dict[str, pl.DataFrame]) -> None:
    schema = infer_schema(shop)
    text = format_schema(schema)
    assert (
        "# why: all 12 values of category_id are among the 12 keys of categories; it is named after the table"
        in text
    )
    assert "# why: child: its rows belong to rows of order_items" in text
    assert parse_schema(text) == schema


# --- what follows of links


def test_addresses_that_others_name_become_keys_that_are_faked_alike() -> None:
    mails = [f"{name}{i}@mail.example" for i, name in enumerate(["ann", "bob", "eve", "joe"] * 30)]
    frames = {
        "users": pl.DataFrame({"email": mails, "age": whole(18, 90, 120)}),
        "visits": pl.DataFrame({"email": mails * 3, "pages": whole(1, 9, 360)}),
    }
    schema = infer_schema(frames)
    assert [str(r) for r in schema.table("visits").references] == ["email -> users(email)"]
    for table in schema.tables:
        assert (table["email"].kind, table["email"].identifying) == ("key", "email")


def test_columns_that_refer_may_repeat_and_keys_may_not(shop: dict[str, pl.DataFrame]) -> None:
    data = dataset(shop)
    assert all(not validate(data.frames[table.name], table) for table in data.schema.tables)
    customers = data.schema.table("customers")
    twice = pl.concat([data.frames["customers"], data.frames["customers"].head(1)])
    assert [found.rule for found in validate(twice, customers)] == ["different in every row"]


def test_both_sides_of_a_reference_have_one_kind(
    shop: dict[str, pl.DataFrame], flights: dict[str, pl.DataFrame]
) -> None:
    for frames in (shop, flights):
        data = dataset(frames)
        for table in data.schema.tables:
            for reference in table.references:
                for name, to in zip(reference.columns, reference.to, strict=True):
                    column, target = table[name], data.schema.table(reference.table)[to]
                    assert (column.kind, column.integer) == (target.kind, target.integer)
                    assert data.frames[table.name][name].dtype == data.frames[reference.table][to].dtype


def test_codes_that_were_read_as_categories_become_keys() -> None:
    districts = pl.DataFrame({"district_id": [str(i) for i in range(1, 78)]})
    accounts = pl.DataFrame(
        {
            "account_id": [str(i) for i in range(1, 3_001)],
            "district_id": [str(i % 77 + 1) for i in range(3_000)],
        }
    )
    frames = {"district": districts, "account": accounts}
    schema = infer_schema(frames, {"district": False, "account": False})
    column = schema.table("account")["district_id"]
    assert (column.kind, column.integer, column.levels) == ("key", True, None)


def test_composite_keys_are_found_where_a_link_or_a_parent_needs_them(
    shop: dict[str, pl.DataFrame], flights: dict[str, pl.DataFrame]
) -> None:
    assert infer_schema(shop).table("order_items").key == ("order_id", "line_no")
    assert infer_schema(flights).table("weather").key == ("origin", "time_hour")


def test_pairs_are_a_link_with_both_as_its_key() -> None:
    pairs = pl.DataFrame({"student_id": whole(1, 300, 3_000), "course_id": whole(1, 40, 3_000)}).unique(
        maintain_order=True
    )
    frames = {
        "students": pl.DataFrame({"student_id": range(1, 301), "year": whole(1, 4, 300)}),
        "courses": pl.DataFrame({"course_id": range(1, 41), "credits": whole(1, 6, 40)}),
        "enrollments": pairs.with_columns(grade=pl.Series(whole(1, 6, len(pairs)))),
    }
    table = infer_schema(frames).table("enrollments")
    assert (table.role, table.key) == ("link", ("student_id", "course_id"))


def test_what_happens_to_an_entity_in_time_is_an_event() -> None:
    stamps = [datetime(2024, 1, 1) + timedelta(minutes=int(m)) for m in whole(0, 10**6, 2_000)]
    frames = {
        "users": pl.DataFrame(
            {"id": range(1, 401), "born": [date(1980, 1, 1) + timedelta(days=i) for i in range(400)]}
        ),
        "visits": pl.DataFrame({"user_id": whole(1, 400, 2_000), "at": stamps, "pages": whole(1, 9, 2_000)}),
        "profiles": pl.DataFrame({"user_id": range(1, 401), "since": stamps[:400]}),
    }
    schema = infer_schema(frames)
    visits, profiles = schema.table("visits"), schema.table("profiles")
    assert (visits.role, visits.order, visits.key) == ("event", "at", ())
    assert (profiles.role, profiles.order) == ("child", None)
    assert schema.table("users").role == "entity"


def test_the_first_of_several_times_orders_events_and_no_guess_is_made_between_others() -> None:
    start = [datetime(2024, 1, 1) + timedelta(hours=int(h)) for h in whole(0, 9_000, 1_000)]
    later = [at + timedelta(hours=int(h)) for at, h in zip(start, whole(1, 50, 1_000), strict=True)]
    users = pl.DataFrame({"id": range(1, 201), "age": whole(18, 90, 200)})
    trips = pl.DataFrame({"user_id": whole(1, 200, 1_000), "arrived": later, "left": start})
    assert infer_schema({"users": users, "trips": trips}).table("trips").order == "left"
    mixed = trips.with_columns(left=pl.Series(start).shuffle(seed=1))
    table = infer_schema({"users": users, "trips": mixed}).table("trips")
    assert (table.role, table.order) == ("child", None)


def test_many_that_share_a_few_are_things_of_their_own(shop: dict[str, pl.DataFrame]) -> None:
    frames = {
        "districts": pl.DataFrame({"id": range(1, 21), "name": [f"d{i}" for i in range(20)]}),
        "people": pl.DataFrame({"person_id": range(1, 2_001), "district_id": whole(1, 20, 2_000)}),
    }
    schema = infer_schema(frames)
    assert [table.role for table in schema.tables] == ["entity", "entity"]
    assert "write 'role: reference'" in schema.reasons["districts"]["(role)"]
    assert not any(table.role == "reference" for table in infer_schema(shop).tables)


def test_one_table_is_guessed_as_before() -> None:
    frame = pl.DataFrame({"id": range(60), "parent_id": [None, *(i // 2 for i in range(59))]})
    schema = infer_schema({"t": frame})
    table, reasons = infer_table(frame, "t")
    assert schema.table() == table
    assert schema.reasons["t"] == reasons


def test_a_table_without_those_that_it_refers_to_can_be_fitted_alone(shop: dict[str, pl.DataFrame]) -> None:
    alone = dataset(shop).select("orders")
    table = alone.schema.table()
    assert (table.key, table.references, table["bill_customer_id"].kind) == (("id",), (), "number")
    assert not validate(alone.frames["orders"], table)
    both = dataset(shop).select("customers", "orders").schema.table("orders")
    assert both["bill_customer_id"].kind == "key"


def test_of_two_directions_the_one_that_lacks_no_row_is_the_reference() -> None:
    """Most orders have one payment, which says whose it is: a payment refers to its order, and not the other way."""
    orders = pl.DataFrame({"oid": range(600), "amount": [n % 37 for n in range(600)]})
    paid = [n for n in range(600) if n % 7]
    payments = pl.DataFrame({"pid": range(len(paid)), "oid": paid, "how": ["c", "p"] * (len(paid) // 2)})
    found = dataset({"orders": orders, "payments": payments}).schema
    assert [str(r) for r in found.table("payments").references] == ["oid -> orders(oid)"]
    assert not found.table("orders").references
