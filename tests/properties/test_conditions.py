"""Any condition on any table: exactly n rows, all of which satisfy it, and the chance that is told is the model's."""

import os

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulacra as sim
from simulacra.errors import ImpossibleCondition, RareCondition
from simulacra.schema.predicates import Predicate

FREE = 20_000
ROWS = 2_000


def made(n: int = 1_500) -> pl.DataFrame:
    rng = np.random.default_rng(11)
    k = np.minimum(rng.geometric(0.02, n), 400)
    a, d = rng.poisson(8, n) + k % 3 * 4, rng.poisson(3, n)
    day = np.datetime64("2023-01-01") + rng.integers(0, 500, n).astype("timedelta64[D]")
    seen = day.astype("datetime64[us]") + (rng.integers(0, 48, n) * 30).astype("timedelta64[m]")
    start, late = rng.integers(0, 1_440, n), rng.poisson(20, n)
    end = (start + late) % 1_440
    frame = pl.DataFrame(
        {
            "cat": [f"v{i:03d}" for i in k],
            "parent": [f"p{i % 5}" for i in k],
            "flag": rng.random(n) < 0.3,
            "a": a,
            "d": d,
            "tot": a + d,
            "price": np.exp(rng.normal(2 + a / 10, 0.7)).round(2),
            "real": rng.normal(size=n),
            "day": day,
            "due": day + rng.poisson(5, n).astype("timedelta64[D]"),
            "seen": pl.Series(seen).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin"),
            "left": start // 60 * 100 + start % 60,
            "late": late,
            "came": end // 60 * 100 + end % 60,
            "note": [f"order {i} for {i * 7 % 1000}" if i % 4 else f"bill no {i}" for i in range(n)],
        }
    )
    holes = [
        pl.when(pl.Series(rng.random(n) < 0.1)).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("cat", "d", "real", "due", "flag")
    ]
    return frame.with_columns(holes)


class Fitted(list):
    """Models, and rows that each drew freely."""

    def __repr__(self):
        return "models"


@pytest.fixture(scope="module")
def fitted():
    models = [sim.fit(made(), name, seed=1) for name in ("trees", "copula")]
    return Fitted((model, model.sample(FREE, seed=9).polars()) for model in models)


NUMBERS = st.sampled_from(["a", "d", "tot", "price", "real", "left", "late", "came"])
ATOMS = st.one_of(
    st.builds("{} {} {}".format, NUMBERS, st.sampled_from(["<", ">=", "<>"]), st.integers(-1, 40)),
    st.builds("{} {} {}".format, NUMBERS, st.sampled_from(["<", ">", "<="]), NUMBERS),
    st.builds("{} - {} between -2 and 3".format, NUMBERS, NUMBERS),
    st.builds("coalesce({}, 0) % {} = 1".format, st.sampled_from(["a", "tot", "late"]), st.integers(2, 5)),
    st.builds("case when {} > {} then 1 else 0 end = 1".format, NUMBERS, st.integers(0, 20)),
    st.builds(
        "extract({} from seen) < {}".format, st.sampled_from(["month", "hour", "dow"]), st.integers(2, 9)
    ),
    st.builds("due - day {} 4".format, st.sampled_from(["<", "=", ">="])),
    st.builds("cat like '{}'".format, st.sampled_from(["v00%", "%1%", "%7"])),
    st.builds("parent in ({})".format, st.sampled_from(["'p1'", "'p0', 'p4'"])),
    st.sampled_from(
        ["flag", "flag is null", "d is not null", "real is distinct from 0", "note like 'b%'", "came < 100"]
    ),
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=3,
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(condition=CONDITIONS, which=st.integers(0, 1))
def test_rows_satisfy_any_condition(fitted, condition, which):
    model, free = fitted[which]
    predicate = Predicate.parse(condition, model.table)
    share = predicate.evaluate(free).fill_null(False).mean()
    if share < 2e-3:
        return
    drawn = model.sample(ROWS, seed=5, where=condition)
    frame = drawn.polars()
    assert len(frame) == ROWS and predicate.evaluate(frame).all() and frame.schema == free.schema
    words = drawn.notes[0]
    told = float(words.split("about ")[1].split(" %")[0]) / 100
    worth = float(words.split("worth ")[1].split(" ")[0].replace(",", ""))
    # the error of a frequency, and of a mean weight: 1 / sqrt(effective) of it at most; three digits are told. 5
    # standard errors are passed by chance in 1 of 40,000 runs of 30 conditions
    error = np.sqrt(share / FREE + told**2 / worth) + 0.005 * told
    assert abs(told - share) < 5 * error
    kept = free.filter(predicate.evaluate(free))
    for name in ("a", "late", "real"):
        cut = kept[name].median()
        if cut is None:
            continue
        one, two = ((part[name] <= cut).fill_null(False).mean() for part in (kept, frame))
        # rows picked from 2.5 times as many effective particles: 1.4 times the variance
        spread = np.sqrt(max(one * (1 - one), 1 / len(kept)) * (1 / len(kept) + 1.4 / ROWS))
        assert abs(one - two) < 5.5 * spread, name


@pytest.mark.parametrize(
    "where", ["note like 'b%'", "note like 'b%' or a > 14", "note is not null and came < 200"]
)
def test_a_condition_on_texts_alone_is_drawn_as_often_as_it_holds(fitted, where):
    for model, free in fitted:
        predicate = Predicate.parse(where, model.table)
        kept = free.filter(predicate.evaluate(free))
        frame = model.sample(ROWS, seed=4, where=where).polars()
        assert len(frame) == ROWS and predicate.evaluate(frame).all()
        one, two = ((part["a"] > 14).mean() for part in (kept, frame))
        assert abs(one - two) < 4.5 * np.sqrt(one * (1 - one) * (1 / len(kept) + 1.4 / ROWS))


@pytest.mark.parametrize("n", [0, 1, 300])
def test_every_number_of_rows_is_kept_to(fitted, n):
    model, _ = fitted[0]
    frame = model.sample(n, seed=2, where="tot > 2 * late or came < 100").polars()
    assert (
        len(frame) == n
        and frame.filter((pl.col("tot") > 2 * pl.col("late")) | (pl.col("came") < 100)).height == n
    )


def test_threads_and_the_way_of_asking_change_no_row(fitted, monkeypatch, tmp_path):
    model, _ = fitted[0]
    where, n = "late > tot and flag", 65_537
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    alone = model.sample(n, seed=3, where=where).polars()
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert model.sample(n, seed=3, where=where).polars().equals(alone)
    pieces = pl.concat(list(model.chunks(n, seed=3, where=where)))
    assert pieces.equals(alone)
    model.write(tmp_path / "rows.parquet", n, seed=3, where=where)
    assert pl.read_parquet(tmp_path / "rows.parquet")["price"].equals(alone["price"])


def test_what_can_not_be_is_told_apart(fitted, monkeypatch):
    monkeypatch.setattr("simulacra.sampling.lookahead.HOPELESS", 100_000)
    model, _ = fitted[0]
    with pytest.raises(ImpossibleCondition, match='can match "late < -5"'):
        model.sample(5, seed=1, where="a > 5 and late < -5")
    with pytest.raises(RareCondition, match="rule each other out"):
        model.sample(5, seed=1, where="late < 12 and late > 20")
    with pytest.raises(RareCondition, match="none of"):
        model.sample(5, seed=1, where="tot < a and d >= 0 and flag")
