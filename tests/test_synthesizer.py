"""Fit and sample as a user calls them: exact counts, seeds, conditions, frames in and out."""

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import simulacra as sim
from simulacra.errors import (
    DataError,
    ImpossibleCondition,
    OptionError,
    PredicateError,
    RareCondition,
    SchemaViolation,
    UnknownName,
)


def table(n: int = 3_000) -> pl.DataFrame:
    rng = np.random.default_rng(1)
    state = rng.choice(["OH", "NY", "CA"], n, p=[0.2, 0.5, 0.3])
    age = rng.integers(18, 91, n)
    spend = np.where(state == "OH", 10, 50) + rng.exponential(20, n)
    return pl.DataFrame({
        "state": state, "age": age.astype(np.int16), "spend": spend.round(2).astype(np.float32),
        "fraud": np.where(rng.random(n) < 0.02, "yes", "no"), "member": rng.random(n) < 0.5,
    })  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return sim.fit(table(), "trees", seed=3)


@pytest.mark.parametrize("n", [0, 1, 7, 70_000])
def test_exactly_as_many_rows_as_asked(model, n):
    assert len(model.sample(n, seed=1)) == n


def test_the_same_seed_gives_the_same_rows_and_another_does_not(model):
    assert model.sample(200, seed=1).digest == model.sample(200, seed=1).digest
    assert model.sample(200, seed=1).digest != model.sample(200, seed=2).digest
    assert "seed" in model.sample(5).notes[-1]


def test_two_processes_write_the_same_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table().write_csv("in.csv")
    script = (
        "import simulacra as sim; m = sim.fit('in.csv', seed=1); m.save('a.sim');"
        "m.sample(500, seed=2).write('a.csv')"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    here = sim.fit("in.csv", seed=1)
    here.save("b.sim")
    here.sample(500, seed=2).write("b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.sim").read_bytes() == (tmp_path / "b.sim").read_bytes()


def test_chunks_are_the_rows_of_one_sample(model):
    whole = model.sample(70_000, seed=5).polars()
    assert pl.concat(model.chunks(70_000, seed=5)).equals(whole)


@pytest.mark.parametrize(
    "make", [lambda f: f, lambda f: f.to_pandas(), lambda f: f.to_arrow(), lambda f: f.lazy()]
)
def test_the_same_kind_of_frame_comes_back_with_the_same_types(make):
    given = make(table(400))
    back = sim.fit(given, "independent", seed=1).sample(50, seed=1).frame
    if isinstance(given, pl.LazyFrame):
        given = given.collect()
    assert type(back) is type(given)
    if isinstance(given, pl.DataFrame):
        assert back.schema == given.schema
    elif isinstance(given, pd.DataFrame):
        assert back.dtypes.to_dict() == given.dtypes.to_dict()
    else:
        assert isinstance(given, pa.Table) and back.schema.types == given.schema.types


@pytest.mark.parametrize(
    ("where", "check"),
    [
        (
            "state = 'OH' and age between 20 and 30",
            (pl.col("state") == "OH") & pl.col("age").is_between(20, 30),
        ),
        ({"state": "OH", "member": True}, (pl.col("state") == "OH") & pl.col("member")),
        (
            "spend > 2 * age or state <> 'NY'",
            (pl.col("spend") > 2 * pl.col("age")) | (pl.col("state") != "NY"),
        ),
        ("AGE >= 88", pl.col("age") >= 88),
    ],
)
def test_every_row_satisfies_the_condition(model, where, check):
    drawn = model.sample(300, seed=1, where=where)
    assert len(drawn) == 300 and drawn.polars().select(check.all()).item()
    assert "has a probability of about" in drawn.notes[0]


def test_a_condition_keeps_the_conditional_distribution(model):
    plain = model.sample(60_000, seed=1).polars()
    ohio = model.sample(4_000, seed=2, where="state = 'OH'").polars()
    # means of about 12,000 and 4,000 exponential-like values (sd 20): standard error .37; 5 of them
    assert abs(plain.filter(pl.col("state") == "OH")["spend"].mean() - ohio["spend"].mean()) < 1.85


@pytest.mark.parametrize(
    "where", ["age > 95", "state = 'TX'", "state = 'OH' and spend < 0", "member is null"]
)
def test_impossible_conditions_name_the_column(model, where):
    with pytest.raises(ImpossibleCondition, match="no row can match"):
        model.sample(5, seed=1, where=where)


def test_swapped_limits_are_told(model):
    with pytest.raises(ImpossibleCondition, match=r"limits .* are swapped.* Write the lower one first"):
        model.sample(5, seed=1, where="age between 40 and 30")


def test_conditions_that_never_happen_together_are_told_apart(model, monkeypatch):
    monkeypatch.setattr("simulacra.sampling.drawing.HOPELESS", 20_000)
    with pytest.raises(RareCondition, match="none of "):
        model.sample(5, seed=1, where="age + spend < 0")


def test_too_many_rows_of_a_rare_kind_is_refused_with_the_number_to_be_had(model, monkeypatch):
    monkeypatch.setattr("simulacra.sampling.drawing.MOST_DRAWS", 1_000)
    with pytest.raises(RareCondition, match="Ask for at most"):
        model.sample(50_000, seed=1, where="spend > 2 * age")


def test_wrong_columns_are_named_with_the_nearest(model):
    with pytest.raises(PredicateError, match="did you mean 'state'"):
        model.sample(5, seed=1, where="stat = 'OH'")


def test_balance_gives_the_shares_asked_for(model):
    drawn = model.sample(1_000, seed=1, balance={"fraud": {"yes": 0.5}}).frame
    assert (drawn["fraud"] == "yes").sum() == 500 and len(drawn) == 1_000
    assert (drawn["fraud"][:500] == "yes").sum() not in (0, 500)
    one = model.sample(100, seed=1, balance={"state": {"OH": 0.9, "NY": 0.1}}).frame
    assert sorted(one["state"].value_counts().rows()) == [("NY", 10), ("OH", 90)]


@pytest.mark.parametrize(
    "balance",
    [{"fraud": {"yes": 1.5}}, {"fraud": {}}, {"fraud": {"yes": 0.5, "no": 0.6}}, {"frau": {"yes": 0.5}}],
)
def test_wrong_balance_is_refused(model, balance):
    with pytest.raises((OptionError, UnknownName)):
        model.sample(10, seed=1, balance=balance)


def test_keys_count_on_whatever_was_filtered():
    frame = table(500).with_columns(id=pl.int_range(1, 501))
    model = sim.fit(frame, "independent", seed=1)
    assert model.table["id"].kind == "key"
    for request in ({"where": "state = 'OH'"}, {"balance": {"state": {"OH": 0.5, "NY": 0.5}}}):
        drawn = model.sample(200, seed=1, **request).polars()
        assert drawn["id"].to_list() == list(range(1, 201))


def test_constraints_hold_in_every_row():
    frame = table()
    schema = sim.infer(frame).with_constraint("spend >= 10").with_constraint("age < 90 or member is not null")
    drawn = sim.fit(frame, "independent", schema=schema, seed=1).sample(2_000, seed=1).polars()
    assert drawn["spend"].min() >= 10


def test_rows_that_break_a_constraint_are_counted_and_tolerated():
    frame = table()
    schema = sim.infer(frame).with_constraint("age < 60")
    model = sim.fit(frame, "independent", schema=schema, seed=1)
    broken = (frame["age"] >= 60).sum()
    assert any(f'{broken:,} of {len(frame):,} training rows break "age < 60"' in note for note in model.notes)
    assert model.sample(500, seed=1).polars()["age"].max() < 60


def test_data_that_break_the_schema_are_an_error_with_counts():
    frame = table()
    schema = sim.infer(frame).with_column("age", bounds=(0, 60))
    with pytest.raises(SchemaViolation, match="rows break"):
        sim.fit(frame, schema=schema, seed=1)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", True, 2**63])
def test_bad_seeds_are_refused(model, seed):
    with pytest.raises(OptionError, match="seed"):
        model.sample(1, seed=seed)


@pytest.mark.parametrize("n", [-1, 1.5, "many", True])
def test_bad_counts_are_refused(model, n):
    with pytest.raises(OptionError, match="number of rows"):
        model.sample(n, seed=1)


def test_unknown_models_and_settings_are_named():
    with pytest.raises(UnknownName, match="no model named 'tree'; did you mean 'trees'"):
        sim.fit(table(50), "tree")
    with pytest.raises(OptionError, match="no option of model 'trees' named 'leafs'"):
        sim.fit(table(50), "trees", leafs=3)


def test_no_rows_and_several_tables_are_clear():
    with pytest.raises(DataError, match="no rows"):
        sim.fit(table(50)[:0], seed=1)
    with pytest.raises(DataError, match="one table"):
        sim.fit(sim.read({"a": table(50), "b": table(50)}), entity="a", seed=1)


@pytest.mark.parametrize("name", ["independent", "copula", "trees"])
def test_odd_tables_survive(name):
    n = 40
    frame = pl.DataFrame({
        "nothing": pl.Series([None] * n, dtype=pl.Float64), "same": ["x"] * n, "flag": [True] * n,
        "half": [None, 1.5] * (n // 2), "": [1, 2] * (n // 2), "emoji 🙂": ["a", None] * (n // 2),
        "id": range(n), "note": [f"word{i} and some more words {i}" for i in range(n)],
    })  # fmt: skip
    fitted = sim.fit(frame, name, seed=1)
    drawn = fitted.sample(300, seed=1).polars()
    assert drawn.width == frame.width and len(drawn) == 300
    assert drawn["same"].unique().to_list() == ["x"] and drawn["nothing"].null_count() == 300


def test_declared_bounds_give_extremes_but_not_single_values():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"x": np.append(rng.normal(50, 5, 2_000), [0.123456, 99.876543])})
    schema = sim.infer(frame).with_column("x", bounds=(0.0, 100.0), declared=True)
    drawn = sim.fit(frame, schema=schema, seed=1).sample(20_000, seed=1).polars()["x"]
    assert not drawn.is_in(frame["x"].to_list()).any()
    assert drawn.is_between(0, 100).all()


def test_identifying_columns_become_fakes_whatever_they_were():
    frame = pl.DataFrame({"mail": ["ann@firm.com", "bob@firm.com"] * 50, "x": range(100)})
    schema = sim.infer(frame).with_column("mail", identifying="email")
    drawn = sim.fit(frame, schema=schema, seed=1).sample(50, seed=1).polars()["mail"]
    assert drawn.str.contains(r"@example\.(com|org|net)$").all() and not drawn.str.contains("firm").any()
    with pytest.raises(sim.errors.SchemaError, match="did you mean 'email'"):
        sim.infer(frame).with_column("mail", identifying="e-mail")


def test_chunks_keep_the_constraints():
    frame = table(500).filter(pl.col("spend") + pl.col("age") >= 60)
    model = sim.fit(
        frame, "independent", schema=sim.infer(frame).with_constraint("spend + age >= 60"), seed=1
    )
    pieces = pl.concat(model.chunks(1_000, seed=3))
    assert (pieces["spend"] + pieces["age"] >= 60).all()
    assert pieces.equals(model.sample(1_000, seed=3).polars())


@pytest.mark.parametrize("request_", [{}, {"where": "age > 20"}])
def test_more_rows_than_fit_into_memory_are_refused_at_once(model, request_):
    with pytest.raises((OptionError, RareCondition), match=r"GB of memory|Ask for at most"):
        model.sample(100_000_000_000, seed=1, **request_)
