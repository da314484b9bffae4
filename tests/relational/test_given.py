"""Draws that start from rows that are there: entities alone, and histories that go on."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.dataset import Dataset
from simulacra.errors import DataError, OptionError, UnknownName

sys.path.insert(0, str(Path(__file__).parent))
from shops import make_company


@pytest.fixture(scope="module")
def real() -> Dataset:
    return make_company()


@pytest.fixture(scope="module")
def model(real: Dataset) -> sim.DatabaseSynthesizer:
    return sim.fit(real, seed=0)  # type: ignore[return-value]


def make_log(people: int, seed: int, weeks: int = 60) -> pl.DataFrame:
    """Purchases: a third of the people buy every week and dear, the others seldom and cheap."""
    rng = np.random.Generator(np.random.Philox(seed))
    start, rows = date(2023, 1, 2), []
    for person in range(people):
        often = rng.random() < 0.33
        day = start + timedelta(int(rng.integers(30)))
        while day < start + timedelta(7 * weeks):
            rows.append(
                (
                    f"u{seed}-{person}",
                    "often" if often else "seldom",
                    day,
                    int(rng.integers(50, 60) if often else rng.integers(1, 9)),
                )
            )
            day += timedelta(1 + int(rng.exponential(7 if often else 70)))
    return pl.DataFrame(rows, schema=["who", "kind", "day", "amount"], orient="row")


@pytest.fixture(scope="module")
def log_model() -> sim.DatabaseSynthesizer:
    return sim.fit(make_log(400, 1), entity="who", order="day", seed=0)  # type: ignore[return-value]


def test_all_that_belongs_to_given_customers(model: sim.DatabaseSynthesizer, real: Dataset) -> None:
    wanted = pl.DataFrame({
        "id": [100_001, 100_002, 100_003, 100_004], "country": ["IT"] * 4, "rich": ["yes", "yes", "no", "no"],
        "since": [date(2020, 3, n) for n in (1, 2, 3, 4)],
    })  # fmt: skip
    fake = model.sample(given={"customers": wanted}, seed=1)
    customers = fake.polars("customers")
    assert customers.select(wanted.columns).equals(wanted)
    assert set(fake.polars("orders")["customer"]) <= set(wanted["id"])
    lines = fake.polars("lines")
    assert set(lines["number"]) == set(fake.polars("orders")["number"])
    known = lines.filter(~pl.col("sku").str.starts_with("GONE"))["sku"]
    # products that nobody orders are left out, and staff that nobody refers to
    assert set(fake.polars("products")["sku"]) <= set(known)
    assert len(fake.polars("products")) < len(real.polars("products"))
    assert set(customers["seller"].drop_nulls()) <= set(fake.polars("staff")["id"])


def test_many_given_customers_have_what_the_real_ones_have(
    model: sim.DatabaseSynthesizer, real: Dataset
) -> None:
    wanted = real.polars("customers").drop("seller")
    fake = model.sample(given={"customers": wanted}, seed=2)
    means = {}
    for name, data in (("real", real), ("fake", fake)):
        counted = data.polars("customers").join(
            data.polars("orders").group_by("customer").len(), left_on="id", right_on="customer", how="left"
        )
        means[name] = (
            counted.group_by("rich").agg(pl.col("len").fill_null(0).mean()).sort("rich")["len"].to_numpy()
        )
    # about 160 and 240 customers with Poisson numbers of 4 and 1.5; both sides vary, hence the 2
    errors = 4 * np.sqrt(2 * np.array([1.5 / 240, 4.0 / 160]))
    assert (np.abs(means["real"] - means["fake"]) < errors).all(), means


def test_histories_go_on(model: sim.DatabaseSynthesizer, real: Dataset) -> None:
    customers = real.polars("customers")
    orders = real.polars("orders").filter(pl.col("day") < date(2020, 9, 1))
    lines = real.polars("lines").join(orders.select("number"), on="number", how="semi")
    given = {"customers": customers, "orders": orders, "lines": lines, "products": real.polars("products")}
    fake = model.sample(given=given, after="2020-08-31", seed=3)
    found = fake.polars("orders")
    assert found.filter(pl.col("day") < date(2020, 9, 1)).sort("number").equals(orders.sort("number"))
    new = found.filter(pl.col("day") >= date(2020, 9, 1))
    assert len(new) and not set(new["number"]) & set(orders["number"])
    assert found["number"].is_unique().all()
    # what was ordered stays, line by line, and new orders have lines of their own
    kept = fake.polars("lines").join(orders.select("number"), on="number", how="semi")
    assert kept.sort("number", "line").equals(lines.select(kept.columns).sort("number", "line"))
    assert set(new["number"]) <= set(fake.polars("lines")["number"])
    really = real.polars("orders").filter(pl.col("day") >= date(2020, 9, 1))
    assert not any("drawn anew" in note for note in fake.notes if "'sku'" in note)
    assert 0.7 < len(new) / len(really) < 1.4


def test_references_to_rows_that_are_drawn_anew_are_told(
    model: sim.DatabaseSynthesizer, real: Dataset
) -> None:
    fake = model.sample(given={"customers": real.polars("customers")}, seed=1)
    assert any("'seller'" in note and "drawn anew" in note for note in fake.notes)
    sellers = fake.polars("customers")["seller"].drop_nulls()
    assert sellers.is_in(fake.polars("staff")["id"].implode()).all()


def test_a_log_goes_on(log_model: sim.DatabaseSynthesizer) -> None:
    log, until = make_log(300, 2), date(2023, 9, 30)
    past, future = log.filter(pl.col("day") <= until), log.filter(pl.col("day") > until)
    fake = log_model.sample(given=past, after=until, seed=1).frame
    assert (
        fake.filter(pl.col("day") <= until)
        .sort("who", "day", "amount")
        .equals(past.sort("who", "day", "amount"))
    )
    new = fake.filter(pl.col("day") > until)
    assert set(new["who"]) <= set(past["who"]) and fake.columns == log.columns
    for kind in ("often", "seldom"):
        one, two = (frame.filter(pl.col("kind") == kind) for frame in (future, new))
        assert 0.75 < len(two) / len(one) < 1.3, kind
        assert abs(two["amount"].mean() - one["amount"].mean()) < 1.5  # type: ignore[operator]
    assert log_model.sample(given=past, after=until, seed=1).frame.equals(fake)


def test_a_log_goes_on_for_so_many_steps(log_model: sim.DatabaseSynthesizer) -> None:
    past = make_log(50, 3)
    fake = log_model.sample(given=past, steps=4, seed=1).frame
    more = fake.group_by("who").len().join(past.group_by("who").len(), on="who")
    assert (more["len"] - more["len_right"] == 4).all()
    gaps = fake.group_by("kind").agg((pl.col("day").max() - past["day"].max()).dt.total_days())  # type: ignore[operator]
    assert dict(gaps.iter_rows())["seldom"] > dict(gaps.iter_rows())["often"]


def test_only_some_entities_of_a_log(log_model: sim.DatabaseSynthesizer) -> None:
    fake = log_model.sample(
        given={"who": ["a", "b", "c"], "kind": ["often", "seldom", "often"]}, seed=1
    ).frame
    assert set(fake["who"]) <= {"a", "b", "c"}
    counted = dict(fake.group_by("who").len().iter_rows())
    assert counted["a"] > 2 * counted.get("b", 0) and (fake.filter(who="a")["kind"] == "often").all()


def test_histories_of_some_rows_of_a_public_table() -> None:
    rng = np.random.Generator(np.random.Philox(5))
    rows = [
        (place, date(2024, 1, 1) + timedelta(day), int(10 * place + rng.integers(5)))
        for place in range(4)
        for day in range(60)
    ]
    readings = pl.DataFrame(rows, schema=["station", "day", "level"], orient="row")
    real = sim.read(
        {"stations": pl.DataFrame({"station": range(4), "river": list("abcd")}), "readings": readings}
    )
    schema = real.schema.with_key("station", table="stations").with_role("stations", "reference")
    if not schema.table("readings").references:
        schema = schema.with_reference("readings", "station", "stations")
    schema = schema.with_role("readings", "event").with_order("day", table="readings")
    fitted = sim.fit(real, schema=schema, seed=0)
    fake = fitted.sample(given={"stations": pl.DataFrame({"station": [2]})}, seed=1)
    assert set(fake.polars("readings")["station"]) == {2} and len(fake.polars("readings")) == 60
    on = fitted.sample(
        given={"stations": pl.DataFrame({"station": [2]}), "readings": readings.filter(station=2)},
        steps=5,
        seed=1,
    )
    assert len(on.polars("readings")) == 65
    with pytest.raises(DataError, match="none of the reference table's"):
        fitted.sample(given={"stations": pl.DataFrame({"station": [9]})})


def test_what_can_not_be_given_is_said(
    model: sim.DatabaseSynthesizer, real: Dataset, log_model: sim.DatabaseSynthesizer
) -> None:
    orders, customers = real.polars("orders"), real.polars("customers")
    with pytest.raises(OptionError, match="Give these too"):
        model.sample(given={"orders": orders})
    with pytest.raises(DataError, match="belong to no given row of 'customers'"):
        model.sample(given={"customers": customers.head(3), "orders": orders})
    with pytest.raises(UnknownName, match="clients"):
        model.sample(given={"clients": customers})
    with pytest.raises(UnknownName, match="shoe"):
        model.sample(given={"customers": customers.with_columns(shoe=1)})
    with pytest.raises(DataError, match="there twice"):
        model.sample(given={"customers": pl.concat([customers.head(2)] * 2)})
    with pytest.raises(OptionError, match="already"):
        model.sample(steps=3)
    with pytest.raises(OptionError, match="Leave the number out"):
        model.sample(5, given={"customers": customers})
    with pytest.raises(OptionError, match="given rows are what they are"):
        model.sample(given={"customers": customers}, where={"customers": "rich = 'yes'"})
    with pytest.raises(DataError, match="'who'"):
        log_model.sample(given={"kind": ["often"]})
    with pytest.raises(DataError, match="must be known whole"):
        log_model.sample(given=make_log(5, 4).drop("amount"))
    with pytest.raises(OptionError, match="after is"):
        log_model.sample(given=make_log(5, 4), after="soon")
    with pytest.raises(OptionError, match="are later"):
        log_model.sample(given=make_log(5, 4), after="2020-01-01")
    with pytest.raises(UnknownName, match="shoe"):
        log_model.sample(given=make_log(5, 4).with_columns(shoe=1))
    with pytest.raises(DataError, match="'kind' is the same"):
        log_model.sample(given=make_log(5, 4).with_columns(kind=pl.col("day").cast(pl.String)))
    with pytest.raises(DataError, match="given twice"):
        log_model.sample(given={"who": ["a", "a"]})


def test_who_has_left_does_not_come_back() -> None:
    """Everybody acts every one to three days, and leaves for good with a chance of 0.1 after each event."""

    def make(people: int, seed: int) -> pl.DataFrame:
        rng = np.random.Generator(np.random.Philox(seed))
        rows = []
        for person in range(people):
            day = date(2024, 1, 1) + timedelta(int(rng.integers(100)))
            while True:
                rows.append((f"{seed}-{person}", day, int(rng.integers(1, 50))))
                if rng.random() < 0.1:
                    break
                day += timedelta(int(rng.integers(1, 4)))
        return pl.DataFrame(rows, schema=["who", "day", "amount"], orient="row")

    fitted = sim.fit(make(800, 1), entity="who", order="day", seed=0)
    log, until = make(400, 2), date(2024, 4, 1)
    past = log.filter(pl.col("day") <= until)
    real = log.filter(pl.col("day") > until).join(past, on="who", how="semi")
    new = fitted.sample(given=past, after=until, seed=1).frame.filter(pl.col("day") > until)
    silent = past.group_by("who").agg((until - pl.col("day").max()).dt.total_days().alias("days"))
    gone = silent.filter(pl.col("days") > 5)["who"]
    assert len(gone) > 100 and new["who"].is_in(gone.implode()).sum() <= 0.05 * len(new)
    assert 0.6 < len(new) / len(real) < 1.6


def test_steps_keep_a_timetable() -> None:
    hours = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 2, 10), "1h", eager=True)
    rng = np.random.Generator(np.random.Philox(8))
    log = pl.concat([
        pl.DataFrame({"station": f"s{n}", "at": hours[: 300 + 20 * n], "level": rng.integers(0, 9, 300 + 20 * n)})
        for n in range(12)
    ])  # fmt: skip
    fitted = sim.fit(log, entity="station", order="at", seed=0)
    more = fitted.sample(given=log, steps=24, seed=1).frame
    gaps = more.select((pl.col("at").diff().over("station")).alias("gap"))["gap"].drop_nulls()
    assert (gaps == timedelta(hours=1)).all()
    only = fitted.sample(given={"station": ["x", "y"]}, steps=10, seed=1).frame
    assert dict(only.group_by("station").len().iter_rows()) == {"x": 10, "y": 10}


def test_a_panel_of_public_entities() -> None:
    rng = np.random.Generator(np.random.Philox(6))
    rows = [
        (
            place,
            date(2024, 1, 1) + timedelta(day),
            round(float(100 * (n + 1) + 10 * np.sin(day / 9) + rng.normal()), 1),
        )
        for n, place in enumerate(("ash", "oak", "elm"))
        for day in range(200)
    ]
    panel = pl.DataFrame(rows, schema=["station", "day", "level"], orient="row")
    with pytest.raises(DataError, match="reference="):
        sim.fit(panel, entity="station", order="day", seed=0)
    fitted = sim.fit(panel, entity="station", order="day", reference=["station"], seed=0)
    fake = fitted.sample(seed=1).frame
    assert dict(fake.group_by("station").len().iter_rows()) == {"ash": 200, "oak": 200, "elm": 200}
    means = {name: fake.filter(station=name)["level"].mean() for name in ("ash", "oak", "elm")}
    assert all(abs(means[name] - 100 * (n + 1)) < 6 for n, name in enumerate(means)), means
    some = fitted.sample(given={"station": ["oak"]}, seed=1).frame
    assert set(some["station"]) == {"oak"} and len(some) == 200
    on = fitted.sample(given=panel.filter(station="elm"), steps=7, seed=1).frame
    assert len(on) == 207 and on.head(200).equals(panel.filter(station="elm"))
    assert on["day"].max() > panel["day"].max()  # type: ignore[operator]
    with pytest.raises(OptionError, match="Leave it out"):
        fitted.sample(5)


def test_shares_of_different_prices_keep_their_own_steps() -> None:
    rng = np.random.Generator(np.random.Philox(7))
    rows = []
    for name, price, step in (("cheap", 5.0, 0.01), ("dear", 900.0, 0.02), ("wild", 60.0, 0.05)):
        for day in range(500):
            price = max(price * float(np.exp(step * rng.normal())), 0.5)
            rows.append((name, date(2022, 1, 3) + timedelta(day), round(price, 2)))
    panel = pl.DataFrame(rows, schema=["share", "day", "close"], orient="row")
    fitted = sim.fit(panel, entity="share", order="day", reference=["share"], seed=0)
    fake = fitted.sample(seed=1).frame
    for name in ("cheap", "dear", "wild"):
        real, drawn = (frame.filter(share=name).sort("day")["close"] for frame in (panel, fake))
        steps = [float(x.log().diff().std()) for x in (real, drawn)]  # type: ignore[arg-type]
        assert 0.6 < steps[1] / steps[0] < 1.7, (name, steps)
        assert real.min() * 0.9 <= drawn.min() and drawn.max() <= real.max() * 1.1, name  # type: ignore[operator]
