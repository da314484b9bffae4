"""Models made of published figures: they have the moments, correlations and chances that were told."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import kendalltau, norm, skew, spearmanr

import simulacra as sim
from simulacra.cli import run
from simulacra.distributions.moments import match_moments
from simulacra.domain import Domain
from simulacra.errors import ImpossibleCondition, OptionError, SchemaError, SimulacraError, UnknownName
from simulacra.figures import Figures
from simulacra.models.table.distributions import Distributions
from simulacra.randomness import Streams
from simulacra.testing import check_generator

ROWS = 20_000
RAIN = {
    "rain": {"yes": 0.2, "no": 0.8},
    "sprinkler": {
        "given": ["rain"],
        "rows": [{"rain": "yes", "on": 0.01, "off": 0.99}, {"rain": "no", "on": 0.4, "off": 0.6}],
    },
    "wet": {
        "given": ["sprinkler", "rain"],
        "rows": [
            {"sprinkler": "on", "rain": "yes", "true": 0.99, "false": 0.01},
            {"sprinkler": "on", "rain": "no", "true": 0.9, "false": 0.1},
            {"sprinkler": "off", "rain": "yes", "true": 0.8, "false": 0.2},
            {"sprinkler": "off", "rain": "no", "true": 0.0, "false": 1.0},
        ],
    },
}


def one(entry: Any, **sampled: Any) -> pl.Series:
    return sim.design("distributions", {"x": entry}).sample(ROWS, seed=1, **sampled).frame["x"]


@pytest.mark.parametrize(
    ("told", "family"),
    [
        ({"mean": 5, "variance": 4}, "normal"),
        ({"mean": 5, "sd": 2, "skew": 1}, "gamma"),
        ({"mean": 5, "sd": 2, "skew": -1.5}, "gamma"),
        ({"mean": 5, "sd": 2, "min": 0}, "gamma"),
        ({"mean": 5, "sd": 2, "skew": 1.264, "min": 0}, "lognormal"),
        ({"mean": 5, "sd": 2, "skew": 0.2, "min": 0}, "beta"),
        ({"mean": 5, "sd": 2, "skew": 2, "min": 0}, "gamma"),
        ({"mean": 5, "sd": 2, "skew": 0.5, "max": 20}, "beta"),
        ({"mean": 5, "sd": 2, "bounds": [0, 20]}, "beta"),
        ({"mean": 5, "sd": 2, "skew": 0.9, "bounds": [0, 20]}, "beta"),
        ({"mean": 5, "variance": 5, "min": 0, "integer": True}, "poisson"),
        ({"mean": 5, "variance": 9, "min": 0, "integer": True}, "negative-binomial"),
        ({"mean": 50, "variance": 30, "skew": 0.7, "integer": True}, "gamma"),
    ],
)
def test_drawn_numbers_have_the_moments_that_were_told(told: dict[str, Any], family: str) -> None:
    model = sim.design("distributions", {"x": told})
    assert model.generator.exhibits()[0].detail["parameters"][0].startswith(family)
    values = model.sample(ROWS, seed=1).frame["x"].to_numpy().astype(float)
    variance = told.get("variance", told.get("sd", 0) ** 2)
    assert abs(values.mean() - told["mean"]) < 5 * math.sqrt(variance / ROWS)
    # the fourth moment of these is below 20 variances squared, which bounds the error of the variance
    assert abs(values.var() / variance - 1) < 5 * math.sqrt(12 / ROWS)
    if "skew" in told:
        assert abs(skew(values) - told["skew"]) < 0.25
    low, high = told.get("bounds", (told.get("min", -math.inf), told.get("max", math.inf)))
    assert low <= values.min() and values.max() <= high


def test_the_law_has_its_moments_exactly() -> None:
    law = match_moments(5, 4, 0.9, low=0, high=20)
    a, b, low, high = (law.parameters[name] for name in ("a", "b", "low", "high"))
    mean, var = a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))
    third = 2 * (b - a) * math.sqrt(a + b + 1) / ((a + b + 2) * math.sqrt(a * b))
    assert low + (high - low) * mean == pytest.approx(5)
    assert (high - low) ** 2 * var == pytest.approx(4)
    assert third == pytest.approx(0.9)
    assert low >= 0 and high <= 20


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"mean": 0.5, "variance": 1, "bounds": [0, 1]}, "at most 0.25"),
        ({"mean": 5, "variance": 0}, "a variance is above 0"),
        ({"mean": 5, "sd": 1, "bounds": [6, 9]}, "to lie between 6 and 9"),
        ({"mean": 1, "sd": 1, "skew": -1, "min": 0}, "skewness above 0, not -1"),
        ({"mean": 5}, "with the variance, or with sd"),
        ({"sd": 5}, "the mean is not"),
        ({"mean": 5, "sd": 1, "normal": [0, 1]}, "mean and normal is told|normal and mean"),
        ({"normal": ["x + 1", 1]}, "a formula|no column|not a column"),
        ({"nromal": [0, 1]}, "did you mean 'normal'"),
        ({"normal": [0, 1], "bounds": [50, 60]}, "within the bounds"),
        ({"normal": [0, 1], "missing": 1.5}, "missing is a share"),
        ({"choice": {"a": 1}, "mean": 3}, "is told"),
        ({"ranges": {"0-10": 0.5, "5-15": 0.5}}, "overlap"),
        ({"ranges": {"0-10": 0.5, "11+": 0.5}}, "has no end"),
        ({"ranges": {"0-10": 0.5, "11-20": 0.7}}, "sum to 1.2"),
        ("person.name", "expected a distribution"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence_with_its_column(told: Any, said: str) -> None:
    with pytest.raises(SimulacraError, match=said) as caught:
        sim.design("distributions", {"x": told})
    assert "'x'" in str(caught.value)


def test_columns_of_all_kinds_keep_their_kinds_units_and_gaps() -> None:
    model = sim.design(
        "distributions",
        {
            "kilos": {"lognormal": [70, 0.2], "decimals": 1, "unit": "kg", "missing": 0.2},
            "n": {"poisson": 3},
            "group": {"choice": {"b": 0.3, "a": 0.7}},
            "ill": {"choice": {"true": 0.1, "false": 0.9}, "missing": 0.5},
            "age": {"ranges": {"0-17": 0.2, "65+": 0.2, "18-64": 0.6}, "bounds": [0, 99]},
            "day": {"uniform": ["2020-01-01", "2020-12-31"]},
            "clock": {"uniform": ["08:00", "17:00"], "precision": "minute"},
            "wait": {"exponential": "PT1H"},
            "when": {"uniform": ["2020-01-01T00:00:00", "2020-03-01T00:00:00"]},
            "price": {"choice": {1.5: 0.2, 2.5: 0.8}},
            "always": 3,
        },
    )
    fake = model.sample(ROWS, seed=1).frame
    kinds = {name: str(dtype) for name, dtype in fake.schema.items()}
    assert kinds == {
        "kilos": "Float64", "n": "Int64", "group": "String", "ill": "Boolean", "age": "Int64", "day": "Date",
        "clock": "Time", "wait": "Duration(time_unit='us')", "when": "Datetime(time_unit='us', time_zone=None)",
        "price": "Float64", "always": "Int64",
    }  # fmt: skip
    assert model.table["kilos"].unit == "kg"
    error = 5 * math.sqrt(0.25 / ROWS)
    assert abs(fake["kilos"].null_count() / ROWS - 0.2) < error
    assert abs(fake["ill"].null_count() / ROWS - 0.5) < error and abs(fake["ill"].mean() - 0.1) < 2 * error
    assert abs((fake["group"] == "b").mean() - 0.3) < error
    assert abs((fake["age"] < 18).mean() - 0.2) < error and abs((fake["age"] > 64).mean() - 0.2) < error
    assert (fake["kilos"].drop_nulls() * 10 % 1).round(6).is_in([0.0, 1.0]).all()
    assert str(fake["day"].min()) == "2020-01-01" and str(fake["day"].max()) == "2020-12-31"
    assert (
        fake["clock"].dt.second().max() == 0
        and set(fake["price"]) == {1.5, 2.5}
        and set(fake["always"]) == {3}
    )
    assert fake["when"].dt.hour().n_unique() == 24
    hour = fake["wait"].dt.total_seconds().mean() / 3_600
    assert abs(hour - 1) < 5 / math.sqrt(ROWS)


def test_a_designed_model_takes_conditions_shares_and_a_file(tmp_path: Path) -> None:
    model = sim.design("distributions", {"x": {"normal": [0, 1]}, "c": {"choice": {"a": 0.9, "b": 0.1}}})
    tail = model.sample(2_000, seed=1, where="x > 3").frame["x"].to_numpy()
    # of a normal beyond 3 half lies beyond 3.2046
    assert tail.min() > 3
    assert abs((tail > norm.isf(norm.sf(3) / 2)).mean() - 0.5) < 5 * 0.5 / math.sqrt(2_000)
    assert (model.sample(1_000, seed=1, balance={"c": {"b": 0.5}}).frame["c"] == "b").sum() == 500
    with pytest.raises(ImpossibleCondition, match="'x' never takes such a value"):
        model.sample(1, where="x > 100")
    again = sim.load(model.save(tmp_path / "a.sim"))
    assert again.sample(500, seed=3).digest == model.sample(500, seed=3).digest
    assert "no row was read" in again.notes[0] and again.provenance["data"]["rows"] == 0


@pytest.mark.parametrize("options", [{"family": "gaussian"}, {"family": "t", "df": 4}])
@pytest.mark.parametrize("of", ["rank", "kendall"])
def test_a_copula_has_the_correlations_that_were_told(options: dict[str, Any], of: str) -> None:
    columns = {"x": {"mean": 5, "sd": 2, "skew": 1}, "y": {"normal": [0, 1]}, "z": {"uniform": [0, 1]}}
    told = {("x", "y"): 0.6, ("x", "z"): -0.3}
    fake = sim.design("copula", columns, correlations=told, of=of, **options).sample(ROWS, seed=1).frame
    measure = spearmanr if of == "rank" else kendalltau
    for (one, two), value in told.items():
        # standard errors of both are below 1.3 / sqrt(n)
        assert abs(measure(fake[one], fake[two])[0] - value) < 5 * 1.3 / math.sqrt(ROWS)
    assert abs(fake["x"].mean() - 5) < 5 * 2 / math.sqrt(ROWS)


@pytest.mark.parametrize("options", [{"family": "gaussian"}, {"family": "t", "df": 8}])
def test_rank_correlations_of_ties_categories_and_gaps_are_as_told(options: dict[str, Any]) -> None:
    levels = ["never", "some", "often", "always"]
    columns = {
        "x": {"normal": [0, 1], "missing": 0.3},
        "n": {"poisson": 1.2},
        "l": {"choice": dict(zip(levels, [0.5, 0.3, 0.15, 0.05]))},
        "z": {"mixture": [{"weight": 0.6, "of": 0}, {"weight": 0.4, "of": {"exponential": 3}}]},
    }
    told = {("x", "n"): 0.5, ("x", "l"): -0.4, ("n", "l"): 0.3, ("z", "x"): 0.4}
    fake = sim.design("copula", columns, correlations=told, **options).sample(ROWS, seed=1).frame
    fake = fake.with_columns(pl.col("l").cast(pl.Enum(levels)).to_physical().cast(pl.Float64))
    for pair, value in told.items():
        kept = fake.select(pair).drop_nulls()
        # five standard errors, and a hundredth for what is reckoned with nearly
        assert abs(spearmanr(*kept.get_columns())[0] - value) < 5 / math.sqrt(len(kept)) + 0.01, pair
    # gaps say next to nothing of the others
    gaps = fake.filter(pl.col("x").is_null())["n"]
    assert abs(gaps.mean() - 1.2) < 5 * math.sqrt(1.2 / len(gaps)) + 0.05
    with pytest.raises(OptionError, match=r"between -0.377 and 0.377"):
        rare = {"b": {"choice": {"true": 0.05, "false": 0.95}}, "y": {"normal": [0, 1]}}
        sim.design("copula", rare, correlations={("b", "y"): 0.9})


def test_correlations_of_values_are_as_told_whatever_their_distributions() -> None:
    columns = {
        "x": {"lognormal": [10, 0.8], "missing": 0.1},
        "n": {"poisson": 1.2},
        "ill": {"choice": {"true": 0.2, "false": 0.8}},
        "y": {"normal": [0, 1]},
    }
    told = {("x", "n"): 0.5, ("x", "ill"): -0.3, ("x", "y"): 0.6, ("n", "y"): 0.4}
    fake = sim.design("copula", columns, correlations=told, of="pearson").sample(2 * ROWS, seed=1).frame
    fake = fake.with_columns(pl.col("ill").cast(pl.Float64))
    for pair, value in told.items():
        kept = fake.select(pair).drop_nulls()
        # long tails make standard errors of up to 3 / sqrt(n)
        assert abs(np.corrcoef(*kept.get_columns())[0, 1] - value) < 10 / math.sqrt(len(kept)), pair


def test_a_t_copula_has_tails_that_come_together() -> None:
    columns = {"x": {"normal": [0, 1]}, "y": {"normal": [0, 1]}}
    shares = []
    for options in ({"family": "gaussian"}, {"family": "t", "df": 3}):
        model = sim.design("copula", columns, correlations={"x": {"y": 0.5}}, of="normal", **options)
        fake = model.sample(ROWS, seed=1).frame
        shares.append(((fake["x"] > 2.326) & (fake["y"] > 2.326)).mean() * 100)
    # chances of both beyond the 99th percentile given one: .13 and .35
    assert 0.06 < shares[0] < 0.2 and 0.25 < shares[1] < 0.45


def test_conditions_on_a_designed_copula_move_the_others() -> None:
    columns = {"x": {"normal": [0, 1]}, "y": {"normal": [0, 1]}}
    model = sim.design("copula", columns, correlations={"x": {"y": 0.8}}, of="normal")
    given = model.sample(4_000, seed=1, where="x between 1.99 and 2.01").frame["y"]
    assert abs(given.mean() - 1.6) < 5 * 0.6 / math.sqrt(4_000)
    assert abs(given.std() - 0.6) < 5 * 0.6 / math.sqrt(8_000)


@pytest.mark.parametrize(
    "told",
    [
        {("x", "y"): 0.5, ("y", "z"): 0.4},
        {"x": {"y": 0.5}, "y": {"z": 0.4, "x": 0.5}},
        [["x", "y", 0.5], ["z", "y", 0.4]],
        [[1, 0.5, 0.2], [0.5, 1, 0.4], [0.2, 0.4, 1]],
        np.array([[1, 0.5, 0.2], [0.5, 1, 0.4], [0.2, 0.4, 1]]),
        pl.DataFrame(
            {"of": ["x", "y", "z"], "x": [1.0, 0.5, 0.2], "y": [0.5, 1.0, 0.4], "z": [0.2, 0.4, 1.0]}
        ),
    ],
)
def test_correlations_come_in_several_forms_and_what_is_not_named_follows(told: Any) -> None:
    columns = {name: {"normal": [0, 1]} for name in "xyz"}
    fake = sim.design("copula", columns, correlations=told, of="normal").sample(ROWS, seed=1).frame
    # x and z are independent given y: 0.5 times 0.4
    for one, two, value in (("x", "y", 0.5), ("y", "z", 0.4), ("x", "z", 0.2)):
        assert abs(np.corrcoef(fake[one], fake[two])[0, 1] - value) < 5 / math.sqrt(ROWS)


def test_contradicting_correlations_are_refused_or_repaired() -> None:
    columns = {name: {"normal": [0, 1]} for name in "xyz"}
    told = {("x", "y"): 0.9, ("y", "z"): 0.9, ("x", "z"): -0.9}
    with pytest.raises(OptionError, match=r"contradict each other.*x and y 0\.\d+ in place of 0\.9"):
        sim.design("copula", columns, correlations=told)
    model = sim.design("copula", columns, correlations=told, of="normal", repair=True)
    assert "the nearest were taken" in model.notes[1]
    fake = model.sample(ROWS, seed=1).frame
    # the nearest of this symmetric case is one half throughout
    assert abs(np.corrcoef(fake["x"], fake["y"])[0, 1] - 0.5) < 0.03


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"correlations": {("x", "q"): 0.5}}, UnknownName, "'q'"),
        ({"correlations": {("x", "y"): 1.5}}, SchemaError, "from -1 to 1"),
        ({"correlations": {("x", "y"): 0.5, ("y", "x"): 0.4}}, SchemaError, "Keep one"),
        ({"correlations": [[1.0]]}, SchemaError, "1 x 1"),
        ({"correlations": {("x", "y"): 0.5}, "of": "ranks"}, OptionError, "did you mean 'rank'"),
        ({"correlations": {("x", "y"): 0.5}, "family": "vine"}, OptionError, "gaussian or t"),
        ({"correlations": {("x", "y"): 0.5}, "family": "t", "df": -1}, OptionError, "df"),
        ({"edges": [("x", "y")]}, OptionError, "with tables"),
    ],
)
def test_figures_of_copulas_are_checked(changes: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        sim.design("copula", {"x": {"normal": [0, 1]}, "y": {"normal": [0, 1]}}, **changes)


def test_a_network_has_the_chances_of_its_tables() -> None:
    edges = [("rain", "sprinkler"), ("rain", "wet"), ("sprinkler", "wet")]
    model = sim.design("bayes-net", tables=RAIN, edges=edges)
    assert model.table.names == ("rain", "sprinkler", "wet")
    fake = model.sample(ROWS, seed=1).frame
    wet = 0.2 * 0.01 * 0.99 + 0.2 * 0.99 * 0.8 + 0.8 * 0.4 * 0.9
    assert abs(fake["wet"].mean() - wet) < 5 * math.sqrt(0.25 / ROWS)
    # what can not be is never drawn
    assert not len(fake.filter((pl.col("sprinkler") == "off") & (pl.col("rain") == "no") & pl.col("wet")))
    # conditions upwards are exact: the textbook's chance of rain given wet grass
    rain = (model.sample(ROWS, seed=2, where="wet").frame["rain"] == "yes").mean()
    assert abs(rain - (0.2 * 0.01 * 0.99 + 0.2 * 0.99 * 0.8) / wet) < 5 * math.sqrt(0.25 / ROWS)


def test_ranges_in_tables_are_numbers() -> None:
    tables = {
        "age": {"18-64": 60, "0-17": 20, "65+": 20},
        "ill": {"given": "age", "rows": {"0-17": {"true": 0, "false": 1}, "18-64": {"true": 0.1, "false": 0.9},
                                         "65+": {"true": 0.5, "false": 0.5}}},
    }  # fmt: skip
    facts = {"age": {"bounds": [0, 99], "unit": "years"}, "height": {"normal": [170, 10]}}
    model = sim.design("bayes-net", facts, tables=tables)
    assert model.table["age"].unit == "years" and model.table["ill"].kind == "boolean"
    fake = model.sample(ROWS, seed=1).frame
    assert fake.schema["age"] == pl.Int64 and fake["age"].max() == 99
    assert abs((fake["age"] < 18).mean() - 0.2) < 5 * 0.4 / math.sqrt(ROWS)
    assert not fake.filter(pl.col("age") < 18)["ill"].any()
    old = fake.filter(pl.col("age") >= 65)["ill"]
    assert abs(old.mean() - 0.5) < 5 * 0.5 / math.sqrt(len(old))
    assert abs(fake["height"].mean() - 170) < 5 * 10 / math.sqrt(ROWS)
    assert model.sample(100, seed=1, where="ill and age < 30").frame["age"].min() >= 18


@pytest.mark.parametrize(
    ("tables", "edges", "said"),
    [
        ({"a": {"x": 0.5, "y": 0.6}}, None, "sum to 1.1"),
        ({"a": {"given": ["b"], "rows": [{"b": "x", "u": 1.0}]}, "b": {"x": 0.5, "y": 0.5}}, None, "b = y. Add it"),
        ({"a": {"given": ["b"], "rows": [{"b": "z", "u": 1.0}]}, "b": {"x": 1}}, None, "no value of 'b' named 'z'"),
        ({"a": {"given": ["c"], "rows": [{"c": "z", "u": 1.0}]}}, None, "no table named 'c'"),
        (
            {"a": {"given": ["b"], "rows": [{"b": "x", "u": 1}]}, "b": {"given": ["a"], "rows": [{"a": "u", "x": 1}]}},
            None,
            "given each other",
        ),
        (RAIN, [("rain", "sprinkler")], "edges do not say so"),
        ({"a": {"x": 1}, "b": {"y": 1}}, [("a", "b")], "is not given 'a'"),
        ({"a": {"given": ["b"]}, "b": {"y": 1}}, None, "'rows' is missing"),
    ],
)  # fmt: skip
def test_tables_are_checked(tables: dict[str, Any], edges: Any, said: str) -> None:
    with pytest.raises(SimulacraError, match=said):
        sim.design("bayes-net", tables=tables, edges=edges)


def test_other_models_say_that_they_learn_from_rows() -> None:
    with pytest.raises(OptionError, match=r"learns from rows.*copula.*distributions"):
        sim.design("trees", {"x": {"normal": [0, 1]}})
    with pytest.raises(OptionError, match="has no correlations"):
        sim.design("distributions", {"x": {"normal": [0, 1]}}, correlations={})
    with pytest.raises(OptionError, match="has no tables"):
        sim.design("copula", tables=RAIN)
    with pytest.raises(SchemaError, match="there is no column"):
        sim.design("copula")


FIGURES = """\
model: copula
name: people
family: t
df: 6
columns:
  height: {normal: [170, 10], unit: cm, decimals: 1}
  weight: {mean: 75, sd: 14, skew: 0.8, decimals: 1}
  smoker: {choice: {no: 0.8, yes: 0.2}}
correlations:
  height: {weight: 0.45}
  weight: {smoker: 0.1}
of: kendall
"""


def test_a_file_of_figures_is_loaded_and_sampled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "figures.yaml"
    path.write_text(FIGURES)
    model = sim.load(path)
    assert isinstance(model, sim.Synthesizer) and model.table.name == "people"
    out = tmp_path / "x.csv"
    assert run(["sample", str(path), "-n", "50", "--seed", "1", "-o", str(out)]) == 0
    assert pl.read_csv(out).equals(model.sample(50, seed=1).frame)
    assert run(["sample", str(path), "--scale", "2", "-o", str(out)]) == 2
    assert "made from figures" in capsys.readouterr().err


def test_a_wrong_file_of_figures_is_named(tmp_path: Path) -> None:
    path = tmp_path / "figures.yaml"
    path.write_text("model: copla\ncolumns: {x: {normal: [0, 1]}}\n")
    with pytest.raises(UnknownName, match=r"figures.yaml.*did you mean 'copula'"):
        sim.load(path)


def test_files_of_rules_stay_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("model: company\nname: person.name\n")
    assert sim.load(path).sample(2, seed=1).frame.columns == ["model", "name"]


def test_the_contract_finds_a_model_that_draws_something_else() -> None:
    class Deaf(Distributions):
        def design(self, domain: Domain, figures: Figures, *, rng: Streams) -> Deaf:
            even = [
                replace(cells, share=np.full(len(cells.share), 1 / len(cells.share)))
                for cells in figures.cells
            ]
            super().design(domain, replace(figures, cells=tuple(even)), rng=rng)
            return self

    with pytest.raises(AssertionError, match=r"a design told 0.300 of a level, and 0.3\d\d were drawn"):
        check_generator(Deaf, seed=3)


NETWORK = """\
model: bayes-net
columns:
  age: {bounds: [0, 99], unit: years}
tables:
  age: {0-17: 20, 18-64: 60, 65+: 20}
  ill:
    given: age
    rows:
      0-17: {yes: 0.0, no: 1.0}
      18-64: {yes: 0.1, no: 0.9}
      65+: {yes: 0.4, no: 0.6}
edges: [[age, ill]]
"""


def test_tables_stand_in_a_file_too(tmp_path: Path) -> None:
    path = tmp_path / "network.yaml"
    path.write_text(NETWORK)
    ill = sim.load(path).sample(2_000, seed=1, where="ill = 'yes'").frame
    assert ill["age"].min() >= 18
    # 0.2 * 0.4 of 0.6 * 0.1 + 0.2 * 0.4
    assert abs((ill["age"] >= 65).mean() - 0.08 / 0.14) < 5 * 0.5 / math.sqrt(2_000)
