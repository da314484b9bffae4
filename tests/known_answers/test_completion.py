"""Completed rows against conditionals that are known exactly."""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.completion._crowds import Crowd
from simulacra.domain import Array
from simulacra.randomness import Streams

LEVELS = {"a": ["a0", "a1", "a2"], "b": ["b0", "b1"], "c": ["c0", "c1", "c2"], "d": ["d0", "d1"]}
GRID = pl.DataFrame(list(itertools.product(*LEVELS.values())), schema=list(LEVELS), orient="row")
ROWS = 3_000


@pytest.fixture(scope="module")
def model() -> sim.Synthesizer:
    """Four columns that hang together: a gives b, a and b give c, c gives d."""
    rng = Streams(1).stream("table")
    n = 6_000
    a = rng.choice(3, n, p=[0.6, 0.37, 0.03])
    b = (rng.random(n) < np.array([0.1, 0.6, 0.9])[a]).astype(int)
    c = (a + b + (rng.random(n) < 0.3)) % 3
    d = (rng.random(n) < np.array([0.05, 0.5, 0.97])[c]).astype(int)
    codes = dict(zip(LEVELS, (a, b, c, d)))
    return sim.fit(pl.DataFrame({name: [LEVELS[name][x] for x in codes[name]] for name in LEVELS}), seed=1)


@pytest.fixture(scope="module")
def joint(model: sim.Synthesizer) -> Array:
    """The model's own probability of each of the 36 rows that there can be."""
    return np.exp(model.log_density(GRID).rows)


PATTERNS = [known for size in range(1, 4) for known in itertools.combinations(LEVELS, size)]


@pytest.mark.parametrize("known", PATTERNS, ids="-".join)
def test_gaps_are_drawn_from_the_models_own_conditional(
    model: sim.Synthesizer, joint: Array, known: tuple[str, ...]
) -> None:
    # the commonest and the rarest combination of known values
    chances = GRID.with_columns(p=pl.Series(joint)).group_by(known).agg(pl.col("p").sum()).sort("p", *known)
    for row in (chances.row(-1, named=True), chances.row(len(chances) // 3, named=True)):
        partial = pl.DataFrame({name: [row[name]] * ROWS for name in known})
        done = sim.impute(partial, model, seed=7).dataset.polars().select(list(LEVELS))
        fits = np.logical_and.reduce([(GRID[name] == row[name]).to_numpy() for name in known])
        wanted = np.where(fits, joint, 0) / joint[fits].sum()
        counted = GRID.join(
            done.group_by(list(LEVELS)).len(), on=list(LEVELS), how="left", maintain_order="left"
        )
        shares = counted["len"].fill_null(0).to_numpy() / ROWS
        assert shares.sum() == pytest.approx(1)
        # 4.5 standard errors of a share among independent rows: a chance of 1e-5 for each of some 300 comparisons
        error = np.sqrt(wanted * (1 - wanted) / ROWS)
        assert (np.abs(shares - wanted) <= 4.5 * error + 1e-3).all()


def test_a_rare_cause_is_found_though_few_draws_would_hit_it() -> None:
    """The first column is rare beforehand and nearly certain once the last is known: lists find it, draws would not."""
    rng = Streams(2).stream("rare")
    n = 20_000
    ill = rng.random(n) < 0.01
    test = np.where(ill, rng.random(n) < 0.95, rng.random(n) < 0.001)
    frame = pl.DataFrame({"ill": np.where(ill, "yes", "no"), "test": np.where(test, "pos", "neg")})
    model = sim.fit(frame, seed=1, privacy="fidelity")
    grid = pl.DataFrame({"ill": ["yes", "no"], "test": ["pos", "pos"]})
    yes, no = np.exp(model.log_density(grid).rows)
    done = sim.impute(pl.DataFrame({"test": ["pos"] * 4_000}), model, seed=3).frame
    wanted = yes / (yes + no)
    # 4.5 standard errors
    assert abs((done["ill"] == "yes").mean() - wanted) <= 4.5 * np.sqrt(wanted * (1 - wanted) / 4_000)
    assert wanted > 0.5


def test_a_number_is_drawn_given_a_later_number() -> None:
    """y = x + noise, both standard: x given y = 1 has mean 1/2 and variance 1/2."""
    rng = Streams(3).stream("normal")
    x = rng.normal(size=20_000)
    y = x + rng.normal(size=20_000)
    model = sim.fit(pl.DataFrame({"x": x, "y": y}), "copula", seed=1)
    done = sim.impute(pl.DataFrame({"y": [1.0] * 4_000}), model, seed=2).frame["x"].to_numpy()
    # 5 standard errors of a mean, and as much again for what 20,000 rows tell of the correlation
    assert done.mean() == pytest.approx(0.5, abs=10 * np.sqrt(0.5 / 4_000))
    assert done.var() == pytest.approx(0.5, rel=0.1)


def test_thinning_keeps_expected_weights_and_heavy_particles() -> None:
    weights = np.array([0.4, 0.3, *[0.01] * 30])
    owner = np.repeat([0, 1], 32)
    log = np.log(np.tile(weights, 2))
    total = np.zeros(64)
    turns = 1_500
    for turn in range(turns):
        crowd = Crowd(2, owner, log, np.ones(64), np.arange(64, dtype=np.uint64))
        thin, index = crowd.thinned(20, 8, Streams(turn).stream("thin"))
        assert {0, 1, 32, 33} <= set(index.tolist()) and abs(len(index) - 16) <= 2
        total[index] += np.exp(thin.log)
    # a light particle stays with a chance of .2 and then weighs .05: 5 standard errors of its mean weight
    assert np.abs(total / turns - np.exp(log)).max() <= 5 * 0.05 * np.sqrt(0.2 * 0.8 / turns)


def test_picking_is_in_proportion_to_weight() -> None:
    crowd = Crowd(
        30_000, np.repeat(np.arange(30_000), 3), np.tile(np.log([0.2, 0.5, 0.3]), 30_000) - 700.0,
        np.ones(90_000), np.arange(90_000, dtype=np.uint64),
    )  # fmt: skip
    rows, picked = crowd.pick(Streams(1).stream("pick"))
    assert np.array_equal(rows, np.arange(30_000)) and np.array_equal(picked // 3, rows)
    # 5 standard errors
    shares = np.bincount(picked % 3) / 30_000
    assert np.abs(shares - [0.2, 0.5, 0.3]).max() <= 5 * np.sqrt(0.25 / 30_000)
