"""Orders that name coupons without a foreign key: masks, subsets and splits tear nothing; instants move too."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import simulacra as sim

KEY = "a key that only tests know"
PEOPLE, ORDERS = 800, 2400


def shop(*, minutes: bool = False) -> sim.Dataset:
    rng = np.random.default_rng(3)
    first, last = (
        rng.choice(["Ada", "Carlos", "Jamal", "Rosa"], PEOPLE),
        rng.choice(["Abernathy", "Lindqvist"], PEOPLE),
    )
    who = rng.integers(0, PEOPLE, ORDERS)
    joined = [datetime(2021, 1, 1) + timedelta(microseconds=int(x)) for x in rng.integers(0, 10**13, PEOPLE)]
    names = list(zip(first, last, strict=True))
    unit = 60_000_000 if minutes else 1
    if minutes:
        joined = [at.replace(second=0, microsecond=0) for at in joined]
    placed = [
        joined[i] + timedelta(microseconds=int(x) * unit)
        for i, x in zip(who, rng.integers(0, 10**12 // unit, ORDERS), strict=True)
    ]
    coupons, later = rng.integers(101, 155, ORDERS).tolist(), rng.integers(0, 3, ORDERS).tolist()
    frames = {
        "countries": pl.DataFrame({
            "country_id": range(1, 9), "name": [f"Land {c}" for c in "ABCDEFGH"], "area": range(100, 180, 10),
        }),
        "coupons": pl.DataFrame({"coupon_id": range(101, 151), "percent": [5 + i % 40 for i in range(50)]}),
        "customers": pl.DataFrame({
            "customer_id": range(1000, 1000 + PEOPLE), "first_name": first, "last_name": last,
            "email": [f"{a}.{b}.{i}@mailbox.example".lower() for i, (a, b) in enumerate(names, start=100)],
            "country_id": rng.integers(1, 9, PEOPLE), "joined": joined,
        }),
        "orders": pl.DataFrame({
            "order_id": range(1, ORDERS + 1), "customer_id": who + 1000,
            "coupon_id": [c if u < 0.3 else None for u, c in zip(rng.random(ORDERS), coupons, strict=True)],
            "placed": placed, "day": [at.date() for at in placed],
            "promised": [at.date() + timedelta(d) for at, d in zip(placed, later, strict=True)],
        }),
        "products": pl.DataFrame({
            "sku": [f"HO-{i:04d}" for i in range(200)], "title": [f"Lamp no {i} in red" for i in range(200)],
        }),
    }  # fmt: skip
    schema = sim.infer(frames)
    for name in schema.names:
        schema = schema.without_reference(name).with_key(frames[name].columns[0], table=name)
    schema = schema.with_reference("orders", "customer_id", "customers")
    schema = schema.with_reference("customers", "country_id", "countries")
    for column, what in (("first_name", "person.first"), ("last_name", "person.last"), ("email", "email")):
        schema = schema.with_column(column, table="customers", kind="text", identifying=what)
    schema = schema.with_column("title", table="products", kind="text", identifying=None)
    return sim.read(frames, schema=schema)


@pytest.fixture(scope="module")
def data() -> sim.Dataset:
    return shop()


@pytest.fixture(scope="module")
def masked(data: sim.Dataset) -> sim.Dataset:
    return sim.mask(data, keys=True, shift_dates=30, key=KEY)


def dangling(part: sim.Dataset) -> float:
    named = part.polars("orders")["coupon_id"].drop_nulls()
    return float((~named.is_in(part.polars("coupons")["coupon_id"].implode())).mean())


def test_undeclared_references_are_permuted_alike(data: sim.Dataset, masked: sim.Dataset) -> None:
    before, after = (
        one.polars("orders").join(one.polars("coupons"), on="coupon_id", how="left")["percent"]
        for one in (data, masked)
    )
    assert after.equals(before) and before.null_count() < ORDERS
    assert not masked.polars("orders")["coupon_id"].equals(data.polars("orders")["coupon_id"])
    assert any(
        "orders.coupon_id (coupons.coupon_id)" in note and "names and values agree" in note
        for note in masked.notes
    )
    # the schema stays what was declared
    assert masked.schema.table("orders").references == data.schema.table("orders").references


def test_a_column_that_is_kept_is_noted_where_its_key_is_replaced(data: sim.Dataset) -> None:
    done = sim.mask(data, keys=True, keep=["orders.coupon_id"], key=KEY)
    assert done.polars("orders")["coupon_id"].equals(data.polars("orders")["coupon_id"])
    assert any(
        "orders.coupon_id" in note and "one is replaced and the other stays" in note for note in done.notes
    )
    plain = sim.mask(data, key=KEY)
    assert not any("orders.coupon_id" in note for note in plain.notes)


def test_subsets_follow_undeclared_references(data: sim.Dataset) -> None:
    part = sim.subset(data, table="coupons", where="coupon_id = 103")
    assert part.polars("orders")["coupon_id"].unique().to_list() == [103]
    assert any("orders.coupon_id (coupons.coupon_id)" in note for note in part.notes)


def test_splits_follow_undeclared_references_and_leave_small_lists_whole(data: sim.Dataset) -> None:
    parts = data.split(0.25, seed=1)
    assert [len(part.polars("customers")) for part in parts] == [PEOPLE * 3 // 4, PEOPLE // 4]
    whole = dangling(data)
    for part in parts:
        # of 180 orders with a coupon or more; four standard errors
        assert dangling(part) < whole + 4 * (whole * (1 - whole) / 160) ** 0.5
        assert len(part.polars("countries")) == 8
        assert any("orders.coupon_id (coupons.coupon_id)" in note for note in part.notes)
    both = [set(part.polars("customers")["customer_id"]) for part in parts]
    assert not both[0] & both[1]


def test_addresses_with_a_number_apart_follow_the_name_in_their_row(
    data: sim.Dataset, masked: sim.Dataset
) -> None:
    people = masked.polars("customers")
    letters = {"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "đ": "d", "ı": "i", "œ": "oe"}
    names = [
        people[name]
        .str.to_lowercase()
        .str.replace_many(letters)
        .str.normalize("NFKD")
        .str.replace_all("[^a-z]", "")
        for name in ("first_name", "last_name")
    ]
    local = people["email"].str.extract(r"^(.+)\.\d+@")
    assert (local == names[0] + "." + names[1]).mean() > 0.99
    assert people["email"].n_unique() == PEOPLE


def test_exact_times_of_day_move_with_their_owner(data: sim.Dataset, masked: sim.Dataset) -> None:
    old, new = (
        one.polars("orders").join(
            one.polars("customers").select("customer_id", "joined"), on="customer_id", maintain_order="left"
        )
        for one in (data, masked)
    )
    same = (old["placed"].dt.time() == new["placed"].dt.time()).mean()
    assert same < 0.01
    # gaps and order within an owner stay, also to dates that know no time
    assert ((new["placed"] - new["joined"]) == (old["placed"] - old["joined"])).all()
    assert (new["placed"].dt.date() == new["day"]).all() and (
        new["placed"].dt.date() <= new["promised"]
    ).all()
    moved = (new["day"] - old["day"]).dt.total_days()
    assert moved.abs().max() <= 30 and moved.n_unique() > 40
    left = {one.table: one for one in masked.remains}
    assert not any("time of day" in name for name in left["orders"].columns)
    assert any("times of day move too" in note and "orders.placed" in note for note in masked.notes)


def test_times_of_day_that_stay_are_said_and_counted() -> None:
    data = shop(minutes=True)
    done = sim.mask(data, shift_dates=400, key=KEY)
    assert done.polars("orders")["placed"].dt.time().equals(data.polars("orders")["placed"].dt.time())
    left = {one.table: one for one in done.remains}["orders"]
    assert "placed (time of day)" in left.columns and left.alone > 0
    assert any("times of day stay" in note and "orders.placed" in note for note in done.notes)


def test_texts_that_name_nobody_may_be_kept(masked: sim.Dataset) -> None:
    assert any("--keep products.title" in note for note in masked.notes)
    calls = [f"Call {name} back about lamp {i}" for i in range(40) for name in ("Anna", "Peter")]
    notes = pl.DataFrame({"note": calls, "on": [date(2024, 1, 1)] * 80})
    schema = sim.infer(notes).with_column("note", kind="text")
    assert not any("--keep" in note for note in sim.mask(notes, schema=schema, key=KEY).notes)


@pytest.mark.parametrize("seed", [3, 4])
def test_instants_keep_their_order_with_those_of_other_owners(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hired = [datetime(2020, 1, 1) + timedelta(microseconds=int(x)) for x in rng.integers(0, 10**12, 15)]
    doctor = rng.integers(0, 15, 200)
    since = [
        hired[i] + timedelta(seconds=int(x))
        for i, x in zip(doctor, rng.integers(1, 200_000, 200), strict=True)
    ]
    frames = {
        "doctors": pl.DataFrame({"id": range(15), "name": [f"Ann Lee{i}" for i in range(15)], "hired": hired}),
        "patients": pl.DataFrame({
            "id": range(200), "name": [f"Bo May{i}" for i in range(200)], "doctor": doctor, "since": since,
        }),
    }  # fmt: skip
    schema = sim.infer(frames)
    for name in schema.names:
        schema = schema.without_reference(name).with_key("id", table=name)
        schema = schema.with_column("name", table=name, kind="text", identifying="person.name")
    data = sim.read(frames, schema=schema.with_reference("patients", "doctor", "doctors"))
    done = sim.mask(data, shift_dates=5, key=KEY)
    both = done.polars("patients").join(done.polars("doctors"), left_on="doctor", right_on="id")
    assert (both["since"] >= both["hired"]).all()
    assert (done.polars("patients")["since"] - frames["patients"]["since"]).abs().max() <= timedelta(days=5)


def test_small_lists_that_may_be_referred_to_are_whole_in_both_parts(data: sim.Dataset) -> None:
    # many of the codes are gone: whether the column refers is doubtful
    frames = dict(data.frames) | {"coupons": data.polars("coupons").filter(pl.col("coupon_id") <= 135)}
    parts = sim.read(frames, schema=data.schema).split(0.25, seed=1)
    for part in parts:
        assert len(part.polars("coupons")) == 35
        assert any("may refer to the rows in brackets" in note for note in part.notes)
        assert any("whole in both parts: coupons" in note for note in part.notes)
