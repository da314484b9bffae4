"""A model of several tables: keys, references and rates hold, and rows that belong together look it."""

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
from simulacra.relational.plan import find_facts, make_plan
from simulacra.schema.types import Column, Reference, Schema, Table

sys.path.insert(0, str(Path(__file__).parent))
from shops import key, make_company


@pytest.fixture(scope="module")
def real() -> Dataset:
    return make_company()


@pytest.fixture(scope="module")
def model(real: Dataset) -> object:
    return sim.fit(real, seed=0)


@pytest.fixture(scope="module")
def fake(model: object) -> Dataset:
    return model.sample(seed=1)  # type: ignore[attr-defined, no-any-return]


def facts(data: Dataset, table: str, parent: str) -> object:
    reference = next(r for r in data.schema.table(table).references if r.table == parent)
    return find_facts(table, reference, data.frames)


def test_plan_of_every_kind_of_reference(real: Dataset) -> None:
    plan = make_plan(real.schema, real.frames)
    ways = {link.name: link.way for link in plan.links}
    assert plan.kept == ("countries",)
    assert ways["orders.customer>customers"] == "driving"
    assert ways["lines.number>orders"] == "driving"
    assert ways["lines.sku>products"] == "matched"
    assert ways["staff.boss>staff"] == "matched"
    assert ways["customers.country>countries"] == "value"


def test_keys_are_unique(fake: Dataset) -> None:
    for table in fake.schema.tables:
        frame = fake.polars(table.name)
        assert frame.select(table.key).is_duplicated().sum() == 0, table.name
        assert frame.select(table.key).null_count().sum_horizontal().item() == 0, table.name


def test_references_lead_to_rows_at_the_real_rate(real: Dataset, fake: Dataset) -> None:
    for table, parent in [
        ("customers", "countries"), ("customers", "staff"), ("orders", "customers"), ("lines", "orders"),
        ("lines", "products"), ("tagged", "customers"), ("tagged", "tags"), ("staff", "staff"),
    ]:  # fmt: skip
        one, two = facts(real, table, parent), facts(fake, table, parent)
        for name in ("nulls", "orphans"):
            share = getattr(one, name) / one.rows
            error = 4 * np.sqrt(max(share * (1 - share), 1e-12) / two.rows)
            assert abs(getattr(two, name) / two.rows - share) <= error + (0.08 if table == "staff" else 0), (
                table,
                name,
            )


def test_reference_tables_are_kept(real: Dataset, fake: Dataset) -> None:
    assert fake.polars("countries").equals(real.polars("countries"))


def test_types_come_back(real: Dataset, fake: Dataset) -> None:
    for name in real.frames:
        assert fake.polars(name).schema == real.polars(name).schema


def test_managers_form_no_circle(fake: Dataset) -> None:
    staff = fake.polars("staff")
    boss = dict(zip(staff["id"], staff["boss"]))
    for person in boss:
        seen, at = set(), person
        while at is not None:
            assert at not in seen
            seen.add(at)
            at = boss[at]


def test_lines_are_numbered_in_each_order(fake: Dataset) -> None:
    lines = fake.polars("lines").group_by("number").agg(pl.col("line").sort())
    assert all(row == list(range(1, len(row) + 1)) for row in lines["line"].to_list())


def test_the_rich_order_more_and_dearer(real: Dataset, fake: Dataset) -> None:
    def told(data: Dataset) -> tuple[float, float]:
        orders = data.polars("orders").join(data.polars("customers"), left_on="customer", right_on="id")
        counts = orders["rich"].value_counts()
        rich = data.polars("customers")["rich"].value_counts()
        rate = {r["rich"]: r["count"] for r in counts.to_dicts()}
        people = {r["rich"]: r["count"] for r in rich.to_dicts()}
        lines = data.polars("lines").join(orders, on="number").join(data.polars("products"), on="sku")
        dear = lines.group_by("rich").agg((pl.col("dear") == "yes").mean())
        share = dict(dear.iter_rows())
        return rate["yes"] / people["yes"] - rate["no"] / people["no"], share["yes"] - share["no"]

    one, two = told(real), told(fake)
    assert two[0] == pytest.approx(one[0], abs=0.8)
    assert two[1] == pytest.approx(one[1], abs=0.2)


def test_orders_follow_each_other(fake: Dataset) -> None:
    orders = fake.polars("orders")
    gaps = orders.with_columns(pl.col("day").diff().over("customer").dt.total_days())["day"].drop_nulls()
    assert gaps.min() >= 1


def test_same_seed_same_bytes_and_files(model: object, fake: Dataset, tmp_path: Path) -> None:
    assert all(model.sample(seed=1).polars(n).equals(fake.polars(n)) for n in fake.frames)  # type: ignore[attr-defined]
    loaded = sim.load(model.save(tmp_path / "company.sim"))  # type: ignore[attr-defined]
    again = loaded.sample(seed=1)
    assert all(again.polars(name).equals(fake.polars(name)) for name in fake.frames)
    assert not all(loaded.sample(seed=2).polars(name).equals(fake.polars(name)) for name in fake.frames)


def test_scale(model: object, real: Dataset) -> None:
    big = model.sample(scale=3, seed=1)  # type: ignore[attr-defined]
    assert len(big.polars("customers")) == 3 * len(real.polars("customers"))
    assert len(big.polars("countries")) == 3
    orders = len(real.polars("orders"))
    assert abs(len(big.polars("orders")) / 3 - orders) < 5 * np.sqrt(orders)
    assert big.polars("orders")["number"].is_unique().all()


def test_rows_of_roots_can_be_chosen(model: object) -> None:
    drawn = model.sample({"customers": 5}, seed=1)  # type: ignore[attr-defined]
    assert len(drawn.polars("customers")) == 5
    nothing = model.sample(scale=0, seed=1)  # type: ignore[attr-defined]
    assert (
        len(nothing.polars("orders")) == 0
        and nothing.polars("orders").schema == drawn.polars("orders").schema
    )
    with pytest.raises(OptionError, match="orders"):
        model.sample({"orders": 5}, seed=1)  # type: ignore[attr-defined]
    with pytest.raises(OptionError, match="n and scale"):
        model.sample({"customers": 5}, scale=2)  # type: ignore[attr-defined]


def test_no_values_of_keys_are_learnt(model: object, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(model.save(tmp_path / "m.sim")) as file:  # type: ignore[attr-defined]
        text = b"".join(file.read(name) for name in file.namelist() if name.endswith(".json")).decode()
    assert "GONE" not in text and "P0001" not in text


def test_another_model_for_one_table(real: Dataset) -> None:
    model = sim.fit(real, {"customers": "independent"}, seed=0)
    assert len(model.sample(seed=1).polars("customers")) == 400
    with pytest.raises(UnknownName, match="custommers"):
        sim.fit(real, {"custommers": "independent"})


def test_small_tables_need_a_word(real: Dataset) -> None:
    with pytest.raises(DataError, match=r"countries.*3.*reference"):
        sim.fit(real, schema=real.schema.with_role("countries", "entity"))
    assert sim.fit(real, schema=real.schema.with_role("countries", "entity"), reference=["countries"], seed=0)


def test_a_cycle_is_broken() -> None:
    rng = np.random.Generator(np.random.Philox(3))
    teams = pl.DataFrame(
        {"id": range(80), "captain": rng.integers(0, 400, 80), "size": rng.integers(1, 9, 80)}
    )
    players = pl.DataFrame(
        {"id": range(400), "team": [i // 5 for i in range(400)], "age": rng.integers(18, 40, 400)}
    )
    schema = Schema((
        Table("teams", (key("id"), key("captain"), Column("size", "number", integer=True)), ("id",),
              references=(Reference(("captain",), "players"),)),
        Table("players", (key("id"), key("team"), Column("age", "number", integer=True)), ("id",),
              references=(Reference(("team",), "teams"),)),
    ))  # fmt: skip
    fake = sim.fit(sim.read({"teams": teams, "players": players}, schema=schema), seed=0).sample(seed=1)
    assert fake.polars("teams")["captain"].is_in(fake.polars("players")["id"].to_list()).all()
    assert fake.polars("players")["team"].is_in(fake.polars("teams")["id"].to_list()).all()


def test_composite_references() -> None:
    rng = np.random.Generator(np.random.Philox(4))
    rooms = pl.DataFrame({"house": [i // 4 for i in range(400)], "room": [i % 4 + 1 for i in range(400)],
                          "beds": rng.integers(1, 4, 400)})  # fmt: skip
    nights = rng.integers(0, 400, 3000)
    stays = pl.DataFrame({"house": nights // 4, "room": nights % 4 + 1, "guests": rng.integers(1, 4, 3000)})
    schema = Schema((
        Table("rooms", (key("house"), key("room"), Column("beds", "number", integer=True)), ("house", "room")),
        Table("stays", (key("house"), key("room"), Column("guests", "number", integer=True)),
              references=(Reference(("house", "room"), "rooms"),)),
    ))  # fmt: skip
    fake = sim.fit(sim.read({"rooms": rooms, "stays": stays}, schema=schema), seed=0).sample(seed=1)
    assert fake.polars("rooms").select("house", "room").is_unique().all()
    assert fake.polars("stays").join(fake.polars("rooms"), on=["house", "room"], how="anti").height == 0


def test_rows_drawn_together(real: Dataset) -> None:
    """A parent with exactly one row of a table that another parent draws is drawn with it, and agrees with it."""
    rng = np.random.Generator(np.random.Philox(5))
    accounts = pl.DataFrame({"id": range(300), "town": rng.choice(["A", "B"], 300)})
    owner = np.repeat(np.arange(300), rng.integers(1, 3, 300))
    town = accounts["town"].to_numpy()[owner]
    clients = pl.DataFrame({"id": range(len(owner)), "town": town})
    links = pl.DataFrame({"account": owner, "client": range(len(owner))})
    schema = Schema((
        Table("accounts", (key("id"), Column("town", "category")), ("id",)),
        Table("clients", (key("id"), Column("town", "category")), ("id",)),
        Table("links", (key("account"), key("client")),
              references=(Reference(("account",), "accounts"), Reference(("client",), "clients"))),
    ))  # fmt: skip
    fake = sim.fit(
        sim.read({"accounts": accounts, "clients": clients, "links": links}, schema=schema), seed=0
    ).sample(seed=1)
    both = fake.polars("links").join(fake.polars("accounts"), left_on="account", right_on="id")
    both = both.join(fake.polars("clients"), left_on="client", right_on="id", suffix="_client")
    assert len(both) == len(fake.polars("clients")) == len(fake.polars("links"))
    assert (both["town"] == both["town_client"]).mean() > 0.95


def test_empty_tables_stay_empty(real: Dataset) -> None:
    frames = {**real.frames, "tagged": real.polars("tagged").clear()}
    fake = sim.fit(sim.read(frames, schema=real.schema), seed=0).sample(seed=1)
    assert len(fake.polars("tagged")) == 0


def make_log(people: int = 500) -> pl.DataFrame:
    rng = np.random.Generator(np.random.Philox(6))
    rows = []
    for person in range(people):
        day, home, level = (
            date(2024, 1, 1) + timedelta(int(rng.integers(60))),
            rng.choice(["N", "S"]),
            rng.gamma(4, 10),
        )
        for _ in range(1 + rng.poisson(2)):
            rows.append((f"u{person}", home, day, round(level * rng.uniform(0.9, 1.1), 2)))
            day += timedelta(int(rng.integers(1, 15)))
    return pl.DataFrame(rows, schema=["user", "home", "day", "amount"], orient="row")


def test_a_log_as_histories(tmp_path: Path) -> None:
    log = make_log()
    model = sim.fit(log, entity="user", order="day", seed=0)
    fake = model.sample(seed=1).frame
    assert fake.schema == log.schema
    assert fake.group_by("user").agg(pl.col("home").n_unique())["home"].max() == 1
    assert fake.select(pl.col("day").diff().over("user").dt.total_days().min()).item() >= 1
    spread = (
        fake.group_by("user").agg(pl.col("amount").std() / pl.col("amount").mean())["amount"].drop_nulls()
    )
    truth = log.group_by("user").agg(pl.col("amount").std() / pl.col("amount").mean())["amount"].drop_nulls()
    assert spread.median() < 3 * truth.median()
    assert model.sample(7, seed=2).frame["user"].n_unique() == 7
    assert sim.load(model.save(tmp_path / "log.sim")).sample(seed=1).frame.equals(fake)


def test_a_log_needs_its_entity() -> None:
    log = make_log(30)
    with pytest.raises(OptionError, match="entity"):
        sim.fit(log, order="day")
    with pytest.raises(UnknownName, match="usr"):
        sim.fit(log, entity="usr")


def test_long_histories_keep_the_season() -> None:
    rng = np.random.Generator(np.random.Philox(7))
    days = np.arange(730)
    rows = []
    for sensor in range(4):
        noise = 0.0
        for day in days:
            noise = 0.9 * noise + rng.normal(0, 1.5)
            rows.append(
                (sensor, date(2022, 1, 1) + timedelta(int(day)), round(15 - 12 * np.cos(day / 58) + noise, 1))
            )
    log = pl.DataFrame(rows, schema=["sensor", "day", "heat"], orient="row")
    fake = sim.fit(log, entity="sensor", order="day", seed=0, protect=False).sample(seed=1).frame
    real_months, months = (
        frame.group_by(pl.col("day").dt.month_start()).agg(pl.col("heat").mean()).sort("day")
        for frame in (log, fake)
    )
    both = real_months.join(months, on="day")
    assert both.select(pl.corr("heat", "heat_right")).item() > 0.9
    step = fake.sort("sensor", "day").select(pl.col("heat").diff().over("sensor").std()).item()
    assert step < 6


def test_dates_follow_each_other_and_end_with_the_data() -> None:
    rng = np.random.Generator(np.random.Philox(8))
    people = pl.DataFrame(
        {"id": range(300), "since": [date(2023, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 300, 300)]}
    )
    rows = []
    for person in range(300):
        for _ in range(int(rng.integers(0, 6))):
            day = people["since"][person] + timedelta(int(rng.integers(0, 120)))
            if day <= date(2024, 1, 1):
                rows.append((len(rows), int(rng.integers(20)) if rng.random() < 0.5 else None, person, day,
                             day + timedelta(int(rng.integers(1, 9))) if rng.random() < 0.9 else None))  # fmt: skip
    orders = pl.DataFrame(rows, schema=["id", "seller", "person", "placed", "shipped"], orient="row")
    sellers = pl.DataFrame({"id": range(20), "town": ["A", "B"] * 10})
    schema = Schema((
        Table("sellers", (key("id"), Column("town", "category")), ("id",)),
        Table("people", (key("id"), Column("since", "date")), ("id",)),
        Table("orders", (key("id"), key("seller", nullable=True), key("person"), Column("placed", "date"),
              Column("shipped", "date", nullable=True)), ("id",), role="child",
              references=(Reference(("seller",), "sellers"), Reference(("person",), "people"))),
    ))  # fmt: skip
    real = sim.read({"sellers": sellers, "people": people, "orders": orders}, schema=schema)
    assert make_plan(real.schema, real.frames).driving("orders").reference.table == "people"  # type: ignore[union-attr]
    fake = sim.fit(real, seed=0).sample(scale=3, seed=1)
    drawn = fake.polars("orders").join(fake.polars("people"), left_on="person", right_on="id")
    days = drawn.select((pl.col("shipped") - pl.col("placed")).dt.total_days())["shipped"].drop_nulls()
    assert days.min() >= 1 and days.max() <= 8
    assert drawn["placed"].max() <= orders["placed"].max()
    assert (drawn["placed"] >= drawn["since"]).mean() > 0.98
    assert drawn["shipped"].null_count() / len(drawn) == pytest.approx(0.1, abs=0.05)


def test_a_condition_on_a_log_is_on_its_events() -> None:
    model = sim.fit(make_log(), entity="user", order="day", seed=0)
    assert model.sample(20, where="amount > 30", seed=1).frame["amount"].min() > 30
