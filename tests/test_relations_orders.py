"""Columns in order are found, kept in every drawn row, and never made up."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

import simulacra as sim

N = 3_000


def prices(n: int = N) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    middle = np.exp(rng.normal(4, 1, n))
    start, end = (middle * np.exp(rng.normal(0, 0.01, n)) for _ in range(2))
    low = np.minimum(start, end) * (1 - np.abs(rng.normal(0, 0.01, n)))
    high = np.maximum(start, end) * (1 + np.abs(rng.normal(0, 0.01, n)))
    return pl.DataFrame({"open": start, "high": high, "low": low, "close": end}).with_columns(
        pl.all().round(2)
    )


def trips(n: int = N) -> pl.DataFrame:
    rng = np.random.default_rng(2)
    start = [datetime(2024, 1, 1) + timedelta(minutes=int(m)) for m in rng.integers(0, 200_000, n)]
    took = np.where(rng.random(n) < 0.3, 0, rng.gamma(2, 300, n)).astype(int)
    day = pl.Series(rng.integers(18_000, 19_000, n)).cast(pl.Int32).cast(pl.Date)
    frame = pl.DataFrame({"start": start, "booked": day, "fee": rng.gamma(2, 5, n).round(1)})
    return frame.with_columns(
        end=pl.col("start") + pl.duration(minutes=pl.Series(took)),
        paid=pl.col("booked") + pl.duration(days=pl.Series(rng.geometric(0.1, n) - 1)),
    )


@pytest.mark.parametrize("model", ["trees", "copula"])
def test_low_open_close_and_high_stay_in_order(model, tmp_path):
    fitted = sim.fit(prices(), model, seed=1)
    loaded = sim.load(fitted.save(tmp_path / "m.sim"))
    for drawn in (fitted.sample(5_000, seed=2).polars(), loaded.sample(5_000, seed=2).polars()):
        low, high = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
        assert drawn.select(((pl.col("low") <= low) & (high <= pl.col("high"))).all()).item()
    assert sum("<=" in note for note in fitted.notes) == 3


def test_dates_and_instants_stay_in_order():
    fitted = sim.fit(trips(), seed=1)
    drawn = fitted.sample(5_000, seed=2).polars()
    assert drawn.select((pl.col("start") <= pl.col("end")).all()).item()
    assert drawn.select((pl.col("booked") <= pl.col("paid")).all()).item()
    # 3 in 10 end when they start: five standard errors of both shares
    same = drawn.select((pl.col("start") == pl.col("end")).mean()).item()
    assert same == pytest.approx(0.3, abs=5 * (0.3 * 0.7 * (1 / 3_000 + 1 / 5_000)) ** 0.5)
    assert {str(relation) for relation in fitted.relations} == {"'start' <= 'end'", "'booked' <= 'paid'"}


def test_a_column_of_many_zeros_is_seen_as_it_is():
    rng = np.random.default_rng(3)
    price = rng.gamma(2, 30, N).round(2) + 1
    discount = np.where(rng.random(N) < 0.6, 0, price * rng.random(N)).round(2)
    fitted = sim.fit(pl.DataFrame({"discount": discount, "price": price}), seed=1)
    drawn = fitted.sample(5_000, seed=2).polars()
    assert [str(relation) for relation in fitted.relations] == ["'discount' <= 'price'"]
    assert drawn.select((pl.col("discount") <= pl.col("price")).all()).item()
    zeros = drawn.select((pl.col("discount") == 0).mean()).item()
    assert zeros == pytest.approx((discount == 0).mean(), abs=5 * (0.24 * (1 / N + 1 / 5_000)) ** 0.5)


def test_missing_ends_are_no_ends():
    gone = pl.int_range(N) % 9
    frame = prices().with_columns(
        open=pl.when(gone == 0).then(None).otherwise("open"),
        low=pl.when(gone == 1).then(None).otherwise("low"),
    )
    drawn = sim.fit(frame, seed=1).sample(5_000, seed=2).polars()
    for low, high in (
        ("low", "open"),
        ("low", "close"),
        ("open", "high"),
        ("close", "high"),
        ("low", "high"),
    ):
        assert drawn.select((pl.col(low) <= pl.col(high)).all()).item()
    # five standard errors of a share of 1/9 in 3,000 and in 5,000 rows
    assert drawn["open"].null_count() / 5_000 == pytest.approx(1 / 9, abs=0.037)
    assert drawn["low"].null_count() / 5_000 == pytest.approx(1 / 9, abs=0.037)


def test_one_row_out_of_order_and_the_order_is_left_to_the_model():
    frame = prices().with_columns(high=pl.when(pl.int_range(N) == 5).then(0.01).otherwise("high"))
    assert not any("'high'" in str(relation) for relation in sim.fit(frame, seed=1).relations)


def test_columns_that_mean_different_things_are_no_order():
    rng = np.random.default_rng(4)
    frame = pl.DataFrame({
        "rooms": rng.integers(1, 9, N), "area": rng.integers(200, 4_000, N),
        "x": rng.normal(size=N).round(2), "y": rng.normal(size=N).round(2),
        "day": pl.Series(rng.integers(3_000, 9_000, N)).cast(pl.Int32).cast(pl.Date),
        "days": rng.integers(0, 9_000, N),
    })  # fmt: skip
    assert sim.fit(frame, seed=1).relations == ()


def test_nothing_beyond_what_protection_left_comes_back():
    frame = prices()
    edge = pl.DataFrame({"open": 90_000.0, "high": 99_000.0, "low": 80_000.0, "close": 95_000.0})
    fitted = sim.fit(pl.concat([frame, edge]), seed=1)
    assert fitted.relations
    assert fitted.table["high"].bounds[1] <= frame["high"].max()
    assert fitted.sample(5_000, seed=1).polars()["high"].max() <= frame["high"].max()


def shipments() -> pl.DataFrame:
    """Orders over 95 days, shipped 1 to 199 hours later: a third not at all, nor any of the last nine days."""
    rng = np.random.default_rng(5)
    ordered = pl.Series(1_700_000_000_000_000 + np.sort(rng.integers(0, 95 * 86_400, 1_500)) * 1_000_000)
    hours = pl.Series(rng.integers(1, 200, 1_500))
    frame = pl.DataFrame({"ordered": ordered, "shipped": ordered + hours * 3_600_000_000})
    lost = pl.Series(rng.random(1_500) < 0.33) | (frame["ordered"] > ordered.max() - 9 * 86_400_000_000)
    frame = frame.with_columns(shipped=pl.when(lost).then(None).otherwise("shipped"))
    instants = pl.all().cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return frame.with_columns(instants).with_columns(pl.all().dt.convert_time_zone("Europe/Berlin"))


@pytest.mark.parametrize("protect", [True, False])
def test_an_instant_that_may_be_missing_never_lies_before_the_other(protect):
    frame = shipments()
    fitted = sim.fit(frame, seed=1, protect=protect)
    drawn = fitted.sample(20_000, seed=2).polars()
    hours = (drawn["shipped"] - drawn["ordered"]).dt.total_seconds() / 3_600
    assert hours.min() >= 0
    # of 100 hours of a spread of 58: five standard errors of a median, 1.25 * 58 / sqrt(900) each
    assert hours.median() == pytest.approx(100, abs=12)
    low, high = fitted.table["shipped"].bounds
    assert drawn["shipped"].min() >= low
    assert drawn["shipped"].max() <= high


def test_a_saved_model_keeps_the_ends_of_instants(tmp_path):
    fitted = sim.fit(shipments(), seed=1)
    fitted.save(tmp_path / "m.sim")
    loaded = sim.load(tmp_path / "m.sim")
    assert loaded.sample(500, seed=2).polars().equals(fitted.sample(500, seed=2).polars())


def test_a_declared_end_that_leaves_no_room_leaves_the_value_missing():
    rng = np.random.default_rng(6)
    start = rng.integers(0, 1_000, N)
    end = start + rng.integers(0, 60, N)
    frame = pl.DataFrame({"start": start, "end": pl.Series(end).set(pl.Series(end > 800), None)})
    schema = sim.infer(frame).with_column("end", bounds=(0, 800), declared=True)
    fitted = sim.fit(frame, seed=1, schema=schema)
    drawn = fitted.sample(5_000, seed=2).polars()
    assert drawn.select((pl.col("start") <= pl.col("end")).all()).item()
    assert drawn["end"].max() <= 800
