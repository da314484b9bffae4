"""Exact relations between columns are found, kept in every row, and never made up."""

import zipfile

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.cli._demo import find_data
from simulacra.domain import Axis, Block, Domain
from simulacra.randomness import Streams
from simulacra.relations import Sum, find_relations, put_back, take_out

N = 2_000


def orders() -> pl.DataFrame:
    rng = np.random.default_rng(4)
    net = (rng.gamma(2, 40, N)).round(2)
    tax = (net * rng.choice([0.07, 0.19], N)).round(2)
    ordered = pl.Series(rng.integers(18_000, 19_000, N)).cast(pl.Int32).cast(pl.Date)
    days = rng.integers(0, 30, N)
    start, took = rng.integers(0, 1440, N), rng.integers(5, 300, N)
    end = (start + took) % 1440
    return pl.DataFrame({
        "net": net, "tax": tax, "gross": (net + tax).round(2),
        "ordered": ordered, "days": days, "shipped": ordered + pl.Series([0] * N).cast(pl.Duration("us")),
        "start": start // 60 * 100 + start % 60, "took": took, "end": end // 60 * 100 + end % 60,
        "hour": start // 60, "minute": start % 60, "noise": rng.normal(size=N).round(3),
    }).with_columns(shipped=pl.col("ordered") + pl.duration(days=pl.col("days")))  # fmt: skip


def minutes(name: str) -> pl.Expr:
    return pl.col(name) // 100 * 60 + pl.col(name) % 100


RULES = {
    "gross": (pl.col("net") + pl.col("tax")).round(2) == pl.col("gross"),
    "shipped": pl.col("ordered") + pl.duration(days=pl.col("days")) == pl.col("shipped"),
    "end": (minutes("start") + pl.col("took") - minutes("end")) % 1440 == 0,
    "start": pl.col("hour") * 100 + pl.col("minute") == pl.col("start"),
}


@pytest.mark.parametrize("model", ["trees", "copula"])
def test_sums_dates_and_clocks_are_kept_in_every_row(model, tmp_path):
    frame = orders()
    fitted = sim.fit(frame, model, seed=1)
    assert {str(r).split(" = ")[0].strip("'") for r in fitted.relations} == set(RULES)
    for drawn in (
        fitted.sample(5_000, seed=2),
        sim.load(fitted.save(tmp_path / "m.sim")).sample(5_000, seed=2),
    ):
        kept = drawn.polars().select(**{name: rule.all() for name, rule in RULES.items()})
        assert kept.row(0) == (True,) * len(RULES)
    assert sum("exact relation" in note for note in fitted.notes) == len(RULES)


def test_a_model_of_single_columns_relates_nothing():
    assert sim.fit(orders(), "independent", seed=1).relations == ()


def test_rows_that_break_a_rule_are_tolerated_and_stay_about_as_many():
    frame = orders()
    dirty = np.arange(N) % 400 == 0
    frame = frame.with_columns(
        gross=pl.when(pl.Series(dirty)).then(pl.col("gross") + 50).otherwise(pl.col("gross"))
    )
    fitted = sim.fit(frame, seed=1)
    relation = next(r for r in fitted.relations if r.target == "gross")
    assert not relation.exact and relation.share > 0.99
    held = fitted.sample(5_000, seed=2).polars().select(RULES["gross"].mean()).item()
    # 5 of 2,000 rows break it: fewer than 10 share the difference, so protection may mend them all
    assert held > 0.99


def test_missing_values_take_their_own_way():
    frame = orders().with_columns(
        tax=pl.when(pl.int_range(N) % 7 == 0).then(None).otherwise(pl.col("tax")),
        gross=pl.when(pl.int_range(N) % 5 == 0).then(None).otherwise(pl.col("gross")),
    )
    drawn = sim.fit(frame, seed=1).sample(5_000, seed=2).polars()
    assert drawn.drop_nulls(["net", "tax", "gross"]).select(RULES["gross"].all()).item()
    # shares of 1/5 and 1/7 in 5,000 draws of a model of 2,000 rows: five standard errors of both
    assert drawn["gross"].null_count() / 5_000 == pytest.approx(1 / 5, abs=0.053)
    assert drawn["tax"].null_count() / 5_000 == pytest.approx(1 / 7, abs=0.047)


def test_flights_keep_their_clock():
    with zipfile.ZipFile(find_data("flights")) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".csv") and not n.startswith("__"))
        frame = pl.read_csv(packed.read(name), null_values=["NA"], infer_schema_length=None).gather_every(60)
    drawn = sim.fit(frame, seed=1).sample(4_000, seed=2).polars().drop_nulls(["dep_time", "dep_delay"])
    assert drawn.select((pl.col("hour") * 100 + pl.col("minute") == pl.col("sched_dep_time")).all()).item()
    late = (minutes("dep_time") - minutes("sched_dep_time") - pl.col("dep_delay")) % 1440
    assert drawn.select((late == 0).all()).item()


def test_unrelated_columns_are_left_alone():
    rng = np.random.default_rng(0)
    axes = tuple(Axis(f"v{i}", f"v{i}", ordered=True, lattice=True) for i in range(60))
    block = Block(Domain(axes), tuple(rng.integers(0, 50, N).astype(float) for _ in axes))
    assert find_relations(block, Streams(1)) == ()


def test_taking_out_and_putting_back_loses_nothing():
    rng = np.random.default_rng(1)
    names = ("a", "b", "c")
    columns = [rng.integers(0, 1440, N).astype(float) for _ in names]
    for column in columns:
        column[rng.random(N) < 0.1] = np.nan
    axes = tuple(Axis(name, name, ordered=True, lattice=True, missing=True) for name in names)
    block = Block(Domain(axes), tuple(columns))
    for relation in (
        Sum("c", (("a", 1), ("b", -1)), constant=3),
        Sum("c", (("a", 60), ("b", 1)), period=1440),
    ):
        taken = take_out(block, (relation,))
        back = put_back(dict(zip(names, taken.columns, strict=True)), (relation,))
        for name, column in zip(names, columns, strict=True):
            np.testing.assert_array_equal(back[name], column)


def test_ranges_of_rebuilt_columns_say_only_what_protection_left():
    frame = orders().with_columns(net=pl.when(pl.int_range(N) == 0).then(987_654.32).otherwise(pl.col("net")))
    frame = frame.with_columns(gross=(pl.col("net") + pl.col("tax")).round(2))
    fitted = sim.fit(frame, seed=1)
    assert fitted.table["gross"].bounds[1] < 10_000
    assert fitted.sample(5_000, seed=1).polars()["gross"].max() < 10_000


@pytest.mark.parametrize("midnights", [(0.0,), (1440.0,), (0.0, 1440.0)])
def test_midnight_is_given_back_as_it_was_written(midnights):
    rng = np.random.default_rng(2)
    start, took = 10.0 * rng.integers(1, 144, 20_000), rng.integers(5, 300, 20_000).astype(float)
    # midnight is too rare to be among the rows that are looked at, and may be written in either way
    took[(start + took) % 1440 == 0] += 1
    end = (start + took) % 1440
    start[:4], took[:4], end[:4] = 1400, 40, np.resize(midnights, 4)
    clock = {"ordered": True, "lattice": True}
    axes = (
        Axis("s", "s", period=1440, **clock),
        Axis("t", "t", **clock),
        Axis("e", "e", period=1440, **clock),
    )
    block = Block(Domain(axes), (start, took, end))
    relations = find_relations(block, Streams(1))
    # the end can be rebuilt only where midnight is written in one way; else the start is, from the end
    assert len(relations) == 1
    assert relations[0].target != "e" or len(midnights) == 1
    back = put_back(dict(zip("ste", take_out(block, relations).columns, strict=True)), relations)
    for name, column in zip("ste", block.columns, strict=True):
        np.testing.assert_array_equal(back[name], column)
