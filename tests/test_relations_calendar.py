"""Calendar parts of instants: found on data with the zone they are read in, and kept in every drawn row."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.fitting import relate
from simulacra.relations import Calendar, Zone, find_parts
from simulacra.relations.parts import from_wall_clock, instants, wall_clock
from simulacra.schema.types import Column, Schema, Table

YORK = "America/New_York"


def hours(rows: int, *, zone: str | None = "UTC", days: int = 365) -> pl.Series:
    """Whole hours by day in New York, few of them at night, as instants."""
    rng = np.random.default_rng(5)
    at = [
        datetime(2013, 1, 1) + timedelta(days=int(d), hours=int(h))
        for d, h in zip(rng.integers(0, days, rows), rng.choice(np.arange(5, 24), rows), strict=True)
    ]
    local = pl.Series("at", at, dtype=pl.Datetime("us")).dt.replace_time_zone(YORK)
    return local.dt.convert_time_zone("UTC").dt.replace_time_zone(zone)


def flights(rows: int = 4_000) -> tuple[pl.DataFrame, Table]:
    """Instants in UTC with their parts in New York, and a clock time that goes by one of them."""
    local = pl.col("at").dt.convert_time_zone(YORK)
    minutes = pl.Series("minute", np.random.default_rng(1).choice([0, 15, 30, 45], rows).astype(np.int64))
    frame = hours(rows).to_frame().with_columns(
        year=local.dt.year().cast(pl.Int64), month=local.dt.month().cast(pl.Int64),
        day=local.dt.day().cast(pl.Int64), hour=local.dt.hour().cast(pl.Int64), minute=minutes,
    ).with_columns(departs=pl.col("hour") * 100 + pl.col("minute"), late=pl.col("hour") // 3 * 5)  # fmt: skip
    columns = (
        Column("at", "datetime", timezone="UTC"),
        *(Column(name, "number", integer=True) for name in ("year", "month", "day", "hour", "minute")),
        Column("departs", "number", integer=True, format="HHMM"),
        Column("late", "number", integer=True),
    )
    return frame, Table("flights", columns)


def holds(frame: pl.DataFrame) -> pl.Series:
    local = pl.col("at").dt.convert_time_zone(YORK)
    return frame.select(
        (local.dt.year() == pl.col("year"))
        & (local.dt.month() == pl.col("month"))
        & (local.dt.day() == pl.col("day"))
        & (local.dt.hour() == pl.col("hour"))
        & (pl.col("departs") == pl.col("hour") * 100 + pl.col("minute"))
    ).to_series()


def numbers(frame: pl.DataFrame, **more: str) -> Table:
    """The schema of a frame of instants named "at" and of numbers."""
    zone = frame["at"].dtype.time_zone if isinstance(frame["at"].dtype, pl.Datetime) else None
    kind = "date" if frame["at"].dtype == pl.Date else "datetime"
    others = [name for name in frame.columns if name != "at" and name not in more]
    return Table("t", (
        Column("at", kind, timezone=zone), *(Column(name, "number", integer=True) for name in others),
        *(Column(name, kind) for name, kind in more.items()),
    ))  # fmt: skip


@pytest.fixture(scope="module")
def model() -> sim.Synthesizer:
    frame, table = flights()
    return sim.fit(frame, schema=Schema((table,)), seed=1)


def test_parts_are_found_in_their_zone() -> None:
    frame, table = flights()
    found = [str(relation) for relation in relate(frame, table)]
    for name in ("year", "month", "day", "hour"):
        assert f"'{name}' is the {name} of 'at' in {YORK}" in found
    assert f"'at' goes by the clocks of {YORK}" in found
    assert "'departs' = 60 x 'hour' + 'minute'" in found


def test_drawn_rows_keep_parts_and_what_stands_on_them(model: sim.Synthesizer, tmp_path) -> None:
    drawn = model.sample(5_000, seed=2).polars()
    assert holds(drawn).all()
    # nobody flies at night, and a model that saw clocks of UTC would move some flights there in spring
    assert drawn["hour"].min() >= 5
    model.save(tmp_path / "m.sim")
    assert (
        sim.load(tmp_path / "m.sim").sample(500, seed=2).polars().equals(model.sample(500, seed=2).polars())
    )


@pytest.mark.parametrize(
    "where",
    [
        "month = 2", "hour = 7 and month = 3 and day = 10", "month = 11 and day = 3", "month = 7 or hour = 20",
        "day + month > 40", "departs between 600 and 630 and month = 5",
        "at >= '2013-07-04T00:00:00Z' and at < '2013-07-05T00:00:00Z'", "extract(month from at) <> month",
    ],
)  # fmt: skip
def test_conditions_on_parts_and_instants_give_exact_rows(model: sim.Synthesizer, where: str) -> None:
    drawn = model.sample(200, where=where, seed=3).polars()
    assert len(drawn) == 200
    assert holds(drawn).all()
    if "at" not in where.split() and "extract" not in where:
        assert pl.SQLContext(t=drawn).execute(f"select * from t where {where}").collect().height == 200


def test_impossible_parts_are_said(model: sim.Synthesizer) -> None:
    with pytest.raises(sim.errors.SimulacraError):
        model.sample(10, where="month = 2 and day = 30", seed=1).polars()


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("", ""),
        ("UTC-05:00", "UTC-05:00"),
        ("Asia/Kolkata", "UTC+05:30"),
        ("Australia/Sydney", "Australia/Sydney"),
    ],
)
def test_zones_are_told_apart(zone: str, expected: str) -> None:
    rng = np.random.default_rng(2)
    ticks = rng.integers(0, 365 * 96, 3_000) * 900_000_000 + 1_600_000_000_000_000
    at = pl.Series("at", ticks).cast(pl.Datetime("us"))
    wall = wall_clock(at, zone)
    frame = pl.DataFrame(
        {"at": at, "hour": wall.dt.hour().cast(pl.Int64), "weekday": wall.dt.weekday().cast(pl.Int64)}
    )
    parts = find_parts(frame, numbers(frame), "at")
    assert [(part.column, part.zone) for part in parts] == [("hour", expected), ("weekday", expected)]
    assert all(part.compute(at).equals(frame[part.column]) for part in parts)


def test_parts_of_dates_and_dates_of_instants() -> None:
    days = [date(2020, 1, 1) + timedelta(days=n % 900) for n in range(3_000)]
    at = pl.Series("at", days)
    frame = pl.DataFrame({
        "at": at, "week": at.dt.week().cast(pl.Int64), "quarter": at.dt.quarter().cast(pl.Int64),
        "sunday": (at.dt.weekday() % 7).cast(pl.Int64), "ordinal": at.dt.ordinal_day().cast(pl.Int64),
        "other": pl.Series(np.random.default_rng(0).integers(1, 5, 3_000)),
    })  # fmt: skip
    found = {part.column: part.name for part in find_parts(frame, numbers(frame), "at")}
    assert found == {
        "week": "ISO week", "quarter": "quarter", "sunday": "weekday (Sunday is 0)", "ordinal": "day of the year",
    }  # fmt: skip
    local = wall_clock(instants(hours(3_000)), YORK)
    frame = pl.DataFrame({"at": hours(3_000), "on": local.dt.date(), "time": local.dt.time()})
    table = numbers(frame, on="date", time="time")
    found = {part.column: (part.name, part.zone) for part in find_parts(frame, table, "at")}
    assert found == {"on": ("date", YORK), "time": ("time of day", YORK)}
    drawn = sim.fit(frame, schema=Schema((table,)), seed=0).sample(1_000, seed=0).polars()
    local = wall_clock(instants(drawn["at"]), YORK)
    assert (drawn["on"] == local.dt.date()).all() and (drawn["time"] == local.dt.time()).all()


def test_gaps_and_few_exceptions_stay() -> None:
    frame, table = flights(6_000)
    rng = np.random.default_rng(3)
    lost = pl.Series(rng.random(6_000) < 0.2)
    wrong = pl.Series(rng.random(6_000) < 0.003)
    frame = frame.select("at", "month", "hour").with_columns(
        month=pl.when(~lost).then("month"),
        hour=pl.when(wrong).then((pl.col("hour") + 7) % 24).otherwise("hour"),
    )
    table = Table("t", (table["at"], Column("month", "number", integer=True, nullable=True), table["hour"]))
    drawn = sim.fit(frame, schema=Schema((table,)), seed=0).sample(4_000, seed=0).polars()
    local = pl.col("at").dt.convert_time_zone(YORK)
    known = drawn.drop_nulls("month")
    # four standard errors of a share of .2
    assert abs(1 - len(known) / 4_000 - 0.2) < 4 * np.sqrt(0.2 * 0.8 * (1 / 4_000 + 1 / 6_000))
    assert known.select((local.dt.month() == pl.col("month")).all()).item()
    assert drawn.select((local.dt.hour() == pl.col("hour")).mean()).item() > 0.99


def test_columns_that_only_look_like_parts_are_left_alone() -> None:
    rng = np.random.default_rng(4)
    at = hours(3_000)
    frame = pl.DataFrame({
        "at": at, "stars": rng.integers(1, 8, 3_000), "guests": rng.integers(0, 24, 3_000),
        "near": (at.dt.hour() + pl.Series(rng.integers(0, 2, 3_000))).cast(pl.Int64) % 24,
    })  # fmt: skip
    assert find_parts(frame, numbers(frame), "at") == ()
    assert not [r for r in relate(frame, numbers(frame)) if isinstance(r, Calendar | Zone)]


def test_orders_of_instants_hold_beside_parts() -> None:
    frame, table = flights(3_000)
    took = pl.Series(np.random.default_rng(6).integers(1, 9, 3_000))
    frame = frame.select("at", "hour", until=pl.col("at") + pl.duration(hours=took))
    until = pl.col("until").dt.convert_time_zone(YORK).dt.hour().cast(pl.Int64)
    frame = frame.with_columns(arrives=until)
    table = Table("t", (
        table["at"], table["hour"], Column("until", "datetime", timezone="UTC"),
        Column("arrives", "number", integer=True),
    ))  # fmt: skip
    drawn = sim.fit(frame, schema=Schema((table,)), seed=0).sample(2_000, seed=0).polars()
    assert (drawn["until"] >= drawn["at"]).all()
    assert (drawn["until"].dt.convert_time_zone(YORK).dt.hour() == drawn["arrives"]).all()
    assert (drawn["at"].dt.convert_time_zone(YORK).dt.hour() == drawn["hour"]).all()


def within(model: sim.Synthesizer) -> pl.DataFrame:
    """Some rows without the instants that protection cut off, which count as the nearest that is left."""
    low, high = (pl.lit(end).cast(pl.Datetime("us", "UTC")) for end in model.encodings["at"].ends)
    return flights(200)[0].filter(pl.col("at").is_between(low, high))


def test_known_instants_tell_their_parts(model: sim.Synthesizer) -> None:
    frame = within(model)
    some = frame.with_columns(
        pl.lit(None, pl.Int64).alias("month"),
        pl.lit(None, pl.Int64).alias("hour"),
        pl.lit(None, pl.Int64).alias("departs"),
    )
    assert holds(sim.impute(some, model=model, seed=0).frame).all()


def test_known_parts_tell_the_instant(model: sim.Synthesizer) -> None:
    frame = within(model)
    done = sim.impute(frame.with_columns(at=pl.lit(None, frame.schema["at"])), model=model, seed=0).frame
    assert holds(done).all()
    assert (done["at"] != frame["at"]).sum() <= 1


def test_clocks_come_back_but_for_the_hour_shown_twice() -> None:
    at = pl.Series(
        "at",
        [datetime(2013, 1, 1) + timedelta(minutes=30 * n) for n in range(2 * 24 * 365)],
        dtype=pl.Datetime("us"),
    )
    for zone in (YORK, "UTC+05:30", "Australia/Lord_Howe", "Pacific/Apia"):
        again = from_wall_clock(wall_clock(at, zone), zone)
        assert (again != at).sum() <= 2
    shown = pl.Series(
        [datetime(2013, 3, 10, 1, 30), datetime(2013, 3, 10, 2, 30), datetime(2013, 3, 10, 3, 30)]
    )
    assert all(one <= two for one, two in pairwise(from_wall_clock(shown, YORK)))
