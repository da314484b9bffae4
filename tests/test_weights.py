"""Row weights: what is learnt and measured is the population, not the sample."""

import math

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import simulacra as sim
from simulacra.cli import group
from simulacra.schema.files import format_schema, json_schema, parse_schema

N = 6_000
SHARE = 0.3
"""Share of women in the population; the sample has about 6 in 10."""


def survey(n: int = N, seed: int = 3) -> pl.DataFrame:
    """A sample in which women are asked 3.5 times as often, with weights that undo it."""
    rng = np.random.default_rng(seed)
    woman = rng.random(8 * n) < SHARE
    asked = rng.random(8 * n) < np.where(woman, 0.35, 0.1)
    woman = woman[asked][:n]
    income = np.where(woman, rng.normal(40, 5, n), rng.normal(30, 5, n)).round(1)
    weight = np.where(woman, 20 / 7, 10.0).round(3)
    return pl.DataFrame({"sex": np.where(woman, "f", "m"), "income": income, "w": weight})


@pytest.mark.parametrize("model", ["trees", "independent", "copula"])
def test_a_biased_sample_gives_the_population(model):
    frame = survey()
    drawn = sim.fit(frame, model, weight="w", seed=1).sample(10_000, seed=2).polars()
    # Sampling error of a weighted share of 6,000 rows, as if they were 6,000 / 1.4 equal ones, and of 10,000 draws;
    # four standard errors: one false alarm in 16,000.
    error = 4 * math.sqrt(SHARE * (1 - SHARE) * (1.4 / N + 1 / 10_000))
    assert (frame["sex"] == "f").mean() > 0.5
    assert (drawn["sex"] == "f").mean() == pytest.approx(SHARE, abs=error)
    # sd of income in the population is 6.8; bins of 255 codes cost nothing against that
    assert drawn["income"].mean() == pytest.approx(33.0, abs=4 * 6.8 * math.sqrt(1.4 / N + 1 / 10_000))


def test_the_column_of_weights_comes_back_as_their_mean():
    frame = survey()
    drawn = sim.fit(frame, "independent", weight="w", seed=1).sample(50, seed=2).polars()
    assert drawn.columns == frame.columns
    assert drawn["w"].unique().to_list() == [round(frame["w"].mean(), 3)]
    whole = frame.with_columns(w=pl.col("w").round().cast(pl.Int64))
    drawn = sim.fit(whole, "independent", weight="w", seed=1).sample(50, seed=2).polars()
    assert drawn["w"].dtype == pl.Int64
    assert drawn["w"].unique().to_list() == [round(whole["w"].mean())]


def test_a_saved_model_keeps_weights_and_says_so(tmp_path):
    fitted = sim.fit(survey(1_000), "independent", weight="w", seed=1)
    again = sim.load(fitted.save(tmp_path / "m.sim"))
    assert again.table.weight == "w"
    assert again.sample(20, seed=1).frame.equals(fitted.sample(20, seed=1).frame)
    assert any("'w'" in note and "equally" in note for note in again.notes)


def test_rows_of_weight_0_stand_for_nobody():
    frame = pl.DataFrame({"a": ["x"] * 100 + ["y"] * 100, "w": [1.5] * 100 + [0.0] * 100})
    fitted = sim.fit(frame, weight="w", seed=1)
    assert fitted.sample(200, seed=1).polars()["a"].unique().to_list() == ["x"]
    assert any("100 rows of weight 0" in note for note in fitted.notes)


def test_protection_counts_rows_not_weights():
    heavy = pl.DataFrame({"a": ["x"] * 100 + ["rare"] * 3, "w": [1.0] * 100 + [1_000.0] * 3})
    drawn = sim.fit(heavy, weight="w", seed=1).sample(500, seed=1).polars()
    assert drawn["a"].unique().to_list() == ["x"]


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0, -1.0], "finite weight of 0 or more"),
        ([0.0, 0.0], "weight above 0"),
        ([1.0, None], "has a weight"),
        ([1.0, math.inf], "can not be read"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights, words):
    frame = pl.DataFrame({"a": ["x", "y"] * 50, "w": weights * 50})
    with pytest.raises(sim.errors.SimulacraError, match=words):
        sim.fit(frame, "independent", weight="w", seed=1)


def test_a_weight_that_is_no_number_or_no_column_is_refused():
    frame = pl.DataFrame({"a": ["x", "y"] * 50, "w": [1.5, 2.5] * 50})
    with pytest.raises(sim.errors.SchemaError, match="'a' is a category, not a number"):
        sim.fit(frame, weight="a")
    with pytest.raises(sim.errors.UnknownName, match="did you mean 'w'"):
        sim.fit(frame, weight="ww")


def test_the_schema_file_holds_the_weight():
    schema = sim.infer(survey(200)).with_weight("w")
    assert parse_schema(format_schema(schema)) == schema
    assert "    weight: w\n" in format_schema(schema)
    assert "weight" in json_schema()["properties"]["tables"]["additionalProperties"]["properties"]
    assert schema.with_weight(None) == sim.infer(survey(200))
    with pytest.raises(sim.errors.SchemaError, match="expected the name of a column"):
        parse_schema("version: 1\ntables: {t: {weight: [w], columns: {w: number}}}")
    with pytest.raises(sim.errors.SchemaError, match="not one of its columns"):
        parse_schema("version: 1\ntables: {t: {weight: v, columns: {w: number}}}")


def test_the_evaluation_holds_rows_against_the_population():
    frame = survey()
    schema = sim.infer(frame).with_weight("w")
    fitted = sim.fit(frame, "trees", schema=schema, seed=1)
    drawn = fitted.sample(N, seed=2)
    names = ["fidelity/marginals", "privacy/copies"]
    weighed = sim.evaluate(frame, drawn, schema=schema, metrics=names)
    plain = sim.evaluate(frame, drawn.polars(), schema=schema.with_weight(None), metrics=names)
    # Unweighed, the sample's .6 of women stands against the population's .3. Weighed, three marginals of some 2,400
    # thinned rows against 6,000 differ by no more than .05 in total variation (a few bins of 1 %).
    assert weighed["fidelity/marginals"].value < 0.05 < 0.15 < plain["fidelity/marginals"].value
    assert any("kept in proportion to 'w'" in note for note in weighed.evaluation.notes)
    assert sim.evaluate(frame, drawn, model=fitted, metrics=names[:1])["fidelity/marginals"].value < 0.05


def test_the_command_line_takes_a_weight(tmp_path):
    survey(500).write_csv(tmp_path / "survey.csv")
    run = CliRunner().invoke
    data, yaml, model = (str(tmp_path / name) for name in ("survey.csv", "s.yaml", "m.sim"))
    assert run(group, ["inspect", data, "--weight", "w", "-o", yaml]).exit_code == 0
    assert sim.fit(data, "independent", schema=yaml, seed=1).table.weight == "w"
    assert run(group, ["fit", data, "--weight", "w", "-m", "independent", "-o", model]).exit_code == 0
    assert sim.load(model).table.weight == "w"
