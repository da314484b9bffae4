"""Columns that are read from the order of a table's rows: filled in from the clock of each history."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

import simulacra as sim
from simulacra.randomness import Streams
from simulacra.relational.extension import extend
from simulacra.relational.histories.clocks import Clock
from simulacra.relational.plan import make_plan

YORK = "America/New_York"


@pytest.fixture(scope="module")
def stations() -> sim.Dataset:
    """Stations with measurements by the hour, which say month and hour as clocks on the wall do."""
    rng = Streams(3).stream("stations")
    names = [f"S{n:02}" for n in range(40)]
    start = pl.Series("at", [datetime(2013, 3, 1)] * 40).dt.replace_time_zone("UTC")
    frame = pl.DataFrame({"station": names, "at": start}).join(pl.DataFrame({"n": range(48)}), how="cross")
    frame = frame.with_columns(
        at=pl.col("at") + pl.duration(hours=pl.col("n") * pl.Series(rng.integers(9, 12, 1_920)))
    )
    frame = frame.sort("station", "at").unique(["station", "at"], maintain_order=True).drop("n")
    local = pl.col("at").dt.convert_time_zone(YORK)
    frame = frame.with_columns(
        month=local.dt.month().cast(pl.Int64), hour=local.dt.hour().cast(pl.Int64),
        warmth=pl.Series(rng.normal(size=len(frame))).round(2),
    )  # fmt: skip
    parents = pl.DataFrame({"name": names, "height": rng.integers(1, 900, 40)})
    data = sim.read({"stations": parents, "weather": frame})
    schema = data.schema.with_key("name", table="stations").with_key("station", "at", table="weather")
    if not schema.table("weather").references:
        schema = schema.with_reference("weather", "station", "stations")
    return data.with_schema(schema)


def test_parts_of_the_order_are_not_modelled_and_come_back(stations: sim.Dataset, tmp_path) -> None:
    plan = make_plan(stations.schema, stations.frames)
    made = extend(plan, stations.schema, stations.frames, Streams(0))["weather"]
    assert made.table.names == ("warmth",)
    assert made.clock is not None
    assert {(part.column, part.zone) for part in made.clock.parts} == {("month", YORK), ("hour", YORK)}
    model = sim.fit(stations, seed=0)
    model.save(tmp_path / "m.sim")
    drawn = sim.load(tmp_path / "m.sim").sample(seed=1)
    local = pl.col("at").dt.convert_time_zone(YORK)
    rows = drawn.polars("weather")
    assert len(rows) > 1_000
    assert rows.select(
        (local.dt.month() == pl.col("month")).all() & (local.dt.hour() == pl.col("hour")).all()
    ).item()
    assert rows.equals(model.sample(seed=1).polars("weather"))


def test_clocks_show_a_model_the_time_of_day_in_the_zone_of_the_parts(stations: sim.Dataset) -> None:
    plan = make_plan(stations.schema, stations.frames)
    clock = extend(plan, stations.schema, stations.frames, Streams(0))["weather"].clock
    assert clock is not None
    again = Clock.restore(clock.dump(), clock.column)
    at = pl.Series("at", [datetime(2013, 3, 9, 3), datetime(2013, 7, 9, 3)], dtype=pl.Datetime("us", "UTC"))
    seen = again.look(again.positions(at), 1)
    assert list(seen.domain.names) == ["#day", "#clock"]
    assert seen.columns[1].tolist() == [22 * 60, 23 * 60]
    assert again == clock
