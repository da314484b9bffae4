"""Parametric distributions: the family that made the data is found; spikes, bounds and lattices stay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

import simulacra as sim
from simulacra.distributions.cutting import cut, list_pieces
from simulacra.distributions.families import FAMILIES
from simulacra.distributions.functions import Law
from simulacra.distributions.grammar import parse_distribution
from simulacra.domain import Axis, Block, Domain, Support
from simulacra.errors import DataError, OptionError
from simulacra.models.table.distributions import Distributions
from simulacra.randomness import Streams
from simulacra.schema._yaml import load_yaml

ROWS = 4_000
HOLDERS = 10


def stream(name: str) -> np.random.Generator:
    return Streams(11).stream(name)


def fitted(values: Any, *, lattice: bool = False, missing: bool = False, **options: Any) -> Distributions:
    axis = Axis("x", "x", lattice=lattice, missing=missing, holders=HOLDERS)
    block = Block(Domain((axis,)), (np.asarray(values, np.float64),))
    return Distributions(**options).fit(block, rng=Streams(1))


def shape_of(model: Distributions) -> Any:
    return model.shapes_[0]


MADE: dict[str, tuple[Any, bool, dict[str, tuple[float, float]]]] = {
    # drawn numbers, whether they are whole, and parameters with their standard errors (from the Fisher information)
    "normal": (stream("normal").normal(5, 2, ROWS), False, {"mean": (5, 0.032), "sd": (2, 0.023)}),
    "lognormal": (np.exp(stream("ln").normal(1, 0.7, ROWS)), False, {"sigma": (0.7, 0.008)}),
    "gamma": (stream("gamma").gamma(2, 3, ROWS), False, {"shape": (2, 0.042), "scale": (3, 0.071)}),
    "beta": (stream("beta").beta(2, 5, ROWS), False, {"a": (2, 0.042), "b": (5, 0.11)}),
    "weibull": (stream("w").weibull(1.8, ROWS) * 10, False, {"shape": (1.8, 0.022), "scale": (10, 0.093)}),
    "student": (stream("t").standard_t(3, ROWS), False, {"df": (3, 0.17), "sd": (1, 0.02)}),
    "uniform": (stream("even").random(ROWS) * 4 + 1, False, {"low": (1, 0.005), "high": (5, 0.005)}),
    "exponential": (stream("e").exponential(3, ROWS), False, {"mean": (3, 0.048)}),
    "pareto": ((stream("p").pareto(2.5, ROWS) + 1) * 100, False, {"shape": (2.5, 0.04)}),
    "poisson": (stream("po").poisson(3, ROWS), True, {"mean": (3, 0.028)}),
    "negative-binomial": (
        stream("nb").negative_binomial(1.5, 0.2, ROWS), True, {"mean": (6, 0.09), "size": (1.5, 0.05)}
    ),
    "geometric": (stream("ge").geometric(0.3, ROWS), True, {"mean": (1 / 0.3, 0.045)}),
    "binomial": (stream("b").binomial(10, 0.3, ROWS), True, {"p": (0.3, 0.0023)}),
}  # fmt: skip


@pytest.mark.parametrize("word", MADE)
def test_the_family_that_made_the_values_fits_with_its_parameters(word: str) -> None:
    values, whole, known = MADE[word]
    model = fitted(values, lattice=whole, families=(word,))
    law = shape_of(model).law
    assert law.word == word
    for name, (true, error) in known.items():
        # 5 standard errors: a false alarm once in 1.7 million; seeds are fixed besides
        assert abs(law.parameters[name] - true) < 5 * error, name
    # Kolmogorov: a distance above 1.95 / sqrt(n) has a chance of 0.001
    assert shape_of(model).distance < 1.95 / math.sqrt(ROWS)


@pytest.mark.parametrize("word", sorted(set(MADE) - {"exponential", "binomial"}))
def test_among_all_families_the_right_one_is_chosen(word: str) -> None:
    # a richer family wins by chance about once in ten; these seeds are of the others
    values, whole, _ = MADE[word]
    shape = shape_of(fitted(values, lattice=whole))
    assert shape.law.word == word
    assert shape.second not in {word, ""} and shape.second_aic >= shape.aic - 2


def test_likelihood_and_criterion_are_those_of_scipy() -> None:
    values = MADE["normal"][0]
    mean, sd = stats.norm.fit(values)
    exact = 4 - 2 * stats.norm.logpdf(values, mean, sd).sum()
    found = fitted(values, families="normal")
    # 256 groups lose next to nothing
    assert abs(shape_of(found).aic - exact) < 0.003 * exact


def test_distribution_functions_are_those_of_scipy() -> None:
    x = np.linspace(0.1, 9.7, 13)
    known = [
        (Law("normal", {"mean": 1.0, "sd": 2.0}), stats.norm(1, 2)),
        (Law("student", {"df": 4.0, "mean": 1.0, "sd": 2.0}), stats.t(4, 1, 2)),
        (Law("negative-binomial", {"mean": 5.0, "size": 1.5}), stats.nbinom(1.5, 1.5 / 6.5)),
        (Law("gompertz", {"mode": 8.0, "spread": 2.0, "after": 0.0}), stats.gompertz(math.exp(-4), scale=2)),
        (Law("triangular", {"low": 0.0, "mode": 2.0, "high": 10.0}), stats.triang(0.2, scale=10)),
    ]
    for law, other in known:
        assert np.allclose(law.below(x), other.cdf(x), atol=1e-12), law.word
        q = np.array([1e-6, 0.1, 0.5, 0.99])
        assert np.allclose(law.quantile(q), other.ppf(q)), law.word


@pytest.mark.parametrize("word", FAMILIES)
@pytest.mark.parametrize("step", [None, 0.5])
def test_cells_have_the_distribution_that_rules_draw_from(word: str, step: float | None) -> None:
    parsed = parse_distribution(load_yaml(FAMILIES[word].example))
    drawn = parsed.draw(50_000, Streams(3).stream(word)).astype(np.float64)
    low, high, share = cut(list_pieces(parsed), step=step)
    assert share.sum() == pytest.approx(1) and (high >= low).all() and (np.diff(low) >= 0).all()
    # a grid between which both are compared: at most 2.4 / sqrt(n) apart but once in 100,000 draws
    marks = np.quantile(drawn, [0.02, 0.2, 0.5, 0.8, 0.98]) + 0.3
    if step is not None:
        drawn, low, high = np.rint(drawn / step) * step, low * step, high * step
    width = np.maximum(high - low, 1e-300)
    for mark in marks:
        told = (share * np.where(high == low, low <= mark, np.clip((mark - low) / width, 0, 1))).sum()
        slack = share.max() if step is not None and (high > low).any() else 0.0
        assert abs(told - (drawn <= mark).mean()) < 2.4 / math.sqrt(len(drawn)) + slack


def test_zeros_and_missing_values_have_shares_of_their_own() -> None:
    values = np.where(stream("spike").random(ROWS) < 0.4, 0.0, stream("z").gamma(2, 3, ROWS))
    values[stream("gap").random(ROWS) < 0.25] = np.nan
    model = fitted(values, missing=True)
    assert shape_of(model).name(model.domain_.axes[0]) == "zero-inflated gamma"
    fake = model.sample(20_000, rng=Streams(2)).columns[0]
    error = 5 * math.sqrt(0.25 / ROWS)
    assert abs(np.isnan(fake).mean() - 0.25) < error and abs((fake == 0).mean() - 0.3) < error


def test_zero_inflated_counts_are_found_where_zeros_stand_out_and_only_there() -> None:
    counts = stream("zip").poisson(6, ROWS)
    inflated = np.where(stream("zi").random(ROWS) < 0.3, 0, counts)
    plain, twice = fitted(counts, lattice=True), fitted(inflated, lattice=True, families="poisson")
    assert not shape_of(plain).spikes and shape_of(plain).law.word == "poisson"
    assert list(shape_of(twice).spikes) == [0.0]
    assert abs(shape_of(twice).law.parameters["mean"] - 6) < 5 * math.sqrt(6 / (0.7 * ROWS))


def test_what_is_drawn_keeps_to_lattice_and_range() -> None:
    values = np.rint(stream("la").normal(100, 30, ROWS))
    fake = fitted(values, lattice=True).sample(20_000, rng=Streams(2)).columns[0]
    ordered = np.sort(values)
    assert (fake == np.rint(fake)).all()
    assert ordered[0] <= fake.min() and fake.max() <= ordered[-1]


def test_dates_and_cents_come_back_as_such() -> None:
    days = (stream("days").gamma(3, 40, 2_000)).astype(int)
    frame = pl.DataFrame({"day": days, "cents": np.round(stream("cents").gamma(2, 9, 2_000), 2)})
    frame = frame.with_columns(pl.lit("2020-01-01").str.to_date() + pl.duration(days=pl.col("day")))
    fake = sim.fit(frame, "distributions", seed=0).sample(2_000, seed=1).frame
    assert fake.schema == frame.schema
    assert (fake["cents"] * 100 - (fake["cents"] * 100).round()).abs().max() < 1e-6
    assert frame["day"].min() <= fake["day"].min() and fake["day"].max() <= frame["day"].max()
    assert fake["day"].n_unique() > 200


def test_conditions_are_exact_within_a_bin() -> None:
    model = fitted(MADE["normal"][0])
    draft = model.start(5_000)
    log = model.step(draft, 0, support=Support(ranges=np.array([[6.0, 6.01]])), rng=Streams(3))
    values = model.finish(draft, Streams(3)).columns[0]
    assert ((values >= 6) & (values <= 6.01)).all()
    law = shape_of(model).law
    assert np.exp(log[0]) == pytest.approx(float(np.diff(law.below(np.array([6.0, 6.01])))[0]), rel=0.02)


def test_weights_count_as_rows_do() -> None:
    values = stream("weighed").normal(0, 1, ROWS)
    # normals weighed by exp(x / 2) are those around 1 / 2
    weights = np.exp(values / 2)
    block = Block(Domain((Axis("x", "x", holders=HOLDERS),)), (values,), weights / weights.mean())
    model = Distributions(families="normal").fit(block, rng=Streams(1))
    assert shape_of(model).law.parameters["mean"] == pytest.approx(0.5, abs=5 * 1.3 / math.sqrt(ROWS))


def test_the_exhibit_names_the_choice_and_the_runner_up() -> None:
    frame = pl.DataFrame({"x": MADE["gamma"][0], "c": ["a", "b"] * (ROWS // 2)})
    (exhibit,) = sim.fit(frame, "distributions", seed=0).generator.exhibits()
    rows = {row["column"]: row for row in exhibit.detail.to_dicts()}
    assert rows["x"]["family"] == "gamma" and rows["x"]["runner_up"] and rows["x"]["ks"] < 0.04
    assert "shape" in rows["x"]["parameters"] and rows["x"]["runner_up_aic"] > rows["x"]["aic"] - 2
    assert rows["c"]["parameters"] == "shares of 2 levels" and rows["c"]["aic"] is None


def test_the_smallest_distance_can_be_asked_for() -> None:
    by_ks, by_aic = (shape_of(fitted(MADE["gamma"][0], by=by)) for by in ("ks", "aic"))
    assert by_ks.distance <= by_aic.distance and by_aic.aic <= by_ks.aic + 2


def test_a_family_that_can_not_be_is_said() -> None:
    model = fitted(MADE["normal"][0], families="pareto")
    assert "none of the families asked for can be" in model.exhibits()[0].detail["parameters"][0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"families": "gama"}, "did you mean 'gamma'"),
        ({"families": ()}, "names none"),
        ({"by": "bic"}, "'aic' or 'ks'"),
    ],
)
def test_options_are_checked(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Distributions(**options)


def test_numbers_too_large_to_be_squared_are_refused() -> None:
    with pytest.raises(DataError, match="another unit"):
        fitted(MADE["normal"][0] * 1e200)


@pytest.mark.parametrize(
    "values",
    [
        np.full(50, 3.0),
        np.repeat([1.0, 2.0], 25),
        [2.5],
        stream("far").standard_normal(500) * 1e-300,
        stream("wide").standard_cauchy(500),
        -np.exp(stream("minus").standard_normal(500)),
        1e9 + stream("near").standard_normal(500) * 1e-3,
        np.append(np.zeros(1_000), stream("big").integers(1, 10**6, 30)),
    ],
    ids=["constant", "two values", "one row", "tiny", "Cauchy", "negative", "far from 0", "nearly all zero"],
)
def test_odd_columns_give_finite_numbers_in_their_range(values: Any) -> None:
    model = fitted(values)
    fake = model.sample(1_000, rng=Streams(2)).columns[0]
    low, high = np.min(values), np.max(values)
    # of values that too few rows hold only the magnitude is kept
    assert np.isfinite(fake).all() and low - abs(low) - 1 <= fake.min() and fake.max() <= high + abs(high) + 1
    assert np.isfinite(model.log_density(Block(model.domain_, (np.asarray(values, float)[:20],)))).all()


def test_one_shape_survives_its_state() -> None:
    model = fitted(np.where(stream("s").random(ROWS) < 0.4, 0.0, MADE["gamma"][0]))
    back = Distributions().restore(model.dump())
    assert back.exhibits()[0].detail.equals(model.exhibits()[0].detail)
