"""Columns that others determine, and products: found, kept in every drawn row, and never made up."""

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.relations.products import ROUNDINGS, Product

N = 4_000
STATES = ["OH", "PA", "NY", "CA", "TX"]


def shops(n: int = N) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    town, product, size = rng.integers(0, 40, n), rng.integers(0, 8, n), rng.integers(0, 3, n)
    quantity = rng.integers(1, 12, n)
    price = np.array([1.25, 3.1, 7.77, 12.0, 0.8, 5.55, 9.99, 4.0])[product] * np.array([1, 2, 3])[size]
    return pl.DataFrame({
        "town": [f"t{i}" for i in town], "state": [STATES[i % 5] for i in town],
        "product": [f"p{i}" for i in product], "size": np.array(["s", "m", "l"])[size], "price": price.round(2),
        "quantity": quantity, "amount": (price * quantity).round(2), "x": rng.normal(size=n).round(2),
    })  # fmt: skip


def mapping(frame: pl.DataFrame, by: list[str], target: str) -> set[tuple]:
    return set(frame.select(*by, target).unique().rows())


@pytest.mark.parametrize("model", ["trees", "copula"])
def test_what_is_determined_is_looked_up(model, tmp_path):
    frame = shops()
    fitted = sim.fit(frame, model, seed=1)
    loaded = sim.load(fitted.save(tmp_path / "m.sim"))
    assert {str(relation) for relation in fitted.relations} == {
        "'town' determines 'state'", "'product' and 'size' determine 'price'", "'amount' = 'price' x 'quantity'",
    }  # fmt: skip
    for drawn in (fitted.sample(5_000, seed=2).polars(), loaded.sample(5_000, seed=2).polars()):
        assert drawn.columns == frame.columns and drawn.schema == frame.schema
        assert mapping(drawn, ["town"], "state") <= mapping(frame, ["town"], "state")
        assert mapping(drawn, ["product", "size"], "price") <= mapping(frame, ["product", "size"], "price")
        assert (
            drawn.select(
                ((pl.col("price") * pl.col("quantity")).round(2) - pl.col("amount")).abs().max()
            ).item()
            < 1e-6
        )


def test_a_model_of_single_columns_looks_nothing_up():
    assert sim.fit(shops(), "independent", seed=1).relations == ()


def test_one_to_one_columns_with_missing_values_go_together():
    rng = np.random.default_rng(2)
    grade = rng.integers(0, 6, N)
    words = ["a", "b", "c", "d", "e", None]
    frame = pl.DataFrame(
        {"word": [words[g] for g in grade], "number": [None if g == 5 else g + 1 for g in grade]}
    )
    drawn = sim.fit(frame, seed=1).sample(3_000, seed=2).polars()
    assert mapping(drawn, ["word"], "number") == mapping(frame, ["word"], "number")


def test_rare_sources_take_their_values_with_them():
    frame = shops()
    rare = frame.head(4).with_columns(town=pl.lit("hidden"), state=pl.lit("ZZ"))
    fitted = sim.fit(pl.concat([frame, rare]), seed=1)
    assert "'town' determines 'state'" in map(str, fitted.relations)
    assert "ZZ" not in fitted.table["state"].levels
    assert set(fitted.sample(5_000, seed=1).polars()["state"]) == set(STATES)
    stored = next(r for r in fitted.relations if r.target == "state").dump()
    assert len(stored["groups"]) == 40


def test_small_groups_and_single_exceptions_prove_nothing():
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(N // 4), 4)
    frame = pl.DataFrame({"person": [f"p{i}" for i in person], "town": [f"t{i % 30}" for i in person],
                          "x": rng.normal(size=N).round(2)})  # fmt: skip
    assert sim.fit(frame, seed=1).relations == ()
    broken = shops().with_columns(state=pl.when(pl.int_range(N) == 7).then(pl.lit("TX")).otherwise("state"))
    broken = broken.with_columns(town=pl.when(pl.int_range(N) == 7).then(pl.lit("t0")).otherwise("town"))
    assert "'town' determines 'state'" not in map(str, sim.fit(broken, seed=1).relations)


@pytest.mark.parametrize("rounding", ["half up", "half even", "down"])
def test_products_are_rounded_as_the_data_are(rounding):
    rng = np.random.default_rng(4)
    a, b = rng.integers(100, 9_000, N), rng.integers(1, 200, N)
    whole, rest = np.divmod(a * b, 100)
    up = {
        "half up": rest >= 50,
        "half even": (rest > 50) | ((rest == 50) & (whole % 2 == 1)),
        "down": rest < 0,
    }
    frame = pl.DataFrame({"net": a / 100, "rate": b / 100, "tax": (whole + up[rounding]) / 100})
    fitted = sim.fit(frame, seed=1)
    (relation,) = fitted.relations
    assert isinstance(relation, Product) and relation.exact and relation.rounding in ROUNDINGS
    drawn = fitted.sample(3_000, seed=2).polars()
    cents = [np.rint(drawn[name].to_numpy() * 100).astype(int) for name in frame.columns]
    whole, rest = np.divmod(cents[0] * cents[1], 100)
    up = {
        "half up": rest >= 50,
        "half even": (rest > 50) | ((rest == 50) & (whole % 2 == 1)),
        "down": rest < 0,
    }
    assert (cents[2] == whole + up[rounding]).all()


def test_a_ratio_is_rebuilt_and_a_divisor_of_0_left_alone():
    rng = np.random.default_rng(5)
    part, total = rng.integers(0, 500, N), rng.integers(500, 900, N)
    total[::7] = 0
    percent = np.where(total > 0, np.round(100 * part / np.maximum(total, 1), 1), 0.0)
    frame = pl.DataFrame({"part": part, "total": total, "percent": percent})
    fitted = sim.fit(frame, seed=1)
    assert "'percent' = 100 x 'part' / 'total'" in map(str, fitted.relations)
    drawn = fitted.sample(3_000, seed=2).polars().filter(pl.col("total") > 0)
    assert (
        drawn.select((pl.col("percent") - 100 * pl.col("part") / pl.col("total")).abs().max()).item()
        <= 0.05 + 1e-9
    )
