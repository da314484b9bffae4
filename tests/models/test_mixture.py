"""Mixtures: known components found again, conditions beside closed forms, spikes and gaps, covariances, limits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

import simulacra as sim
from simulacra.domain import Axis, Block, Domain, Support
from simulacra.errors import OptionError
from simulacra.models.table._climbing import Rows, climb, expect, start
from simulacra.models.table._parted import Parted
from simulacra.models.table._views import View
from simulacra.models.table.mixture import Mixture
from simulacra.randomness import Streams
from simulacra.testing import check_generator

SIGMAS = 5.0
"""A false alarm in 6e-7 of comparisons."""


def clusters(rows: int, seed: int = 1) -> Block:
    """Two clusters: 30 % about (-3, 0) with level 0 in 90 %, 70 % about (3, 2) with level 1 in 80 %."""
    rng = Streams(seed).stream("clusters")
    second = rng.random(rows) < 0.7
    x = rng.normal(np.where(second, 3.0, -3.0))
    y = rng.normal(np.where(second, 2.0, 0.0), 0.5)
    level = (rng.random(rows) < np.where(second, 0.8, 0.1)).astype(np.uint8)
    axes = (Axis("x", "x", holders=10), Axis("y", "y", holders=10), Axis("level", "level", size=2))
    return Block(Domain(axes), (x, y, level))


def leaning(rows: int, slope: float = 0.8, seed: int = 3) -> Block:
    """Two normal numbers of correlation `slope`."""
    rng = Streams(seed).stream("leaning")
    x = rng.standard_normal(rows)
    y = slope * x + np.sqrt(1 - slope**2) * rng.standard_normal(rows)
    return Block(Domain((Axis("x", "x", holders=10), Axis("y", "y", holders=10))), (x, y))


def walk(model: Mixture, n: int, supports: dict[int, Support], seed: int = 5) -> tuple[Block, np.ndarray]:
    draft, rng, log = model.start(n), Streams(seed), np.zeros(n)
    for axis in model.order:
        log += model.step(draft, axis, support=supports.get(axis), rng=rng)
    return model.finish(draft, rng), log


def test_leaning_normals_keep_the_contract() -> None:
    check_generator(lambda: Mixture(components=3, covariance="full"))


def test_two_clusters_are_found_again() -> None:
    model = Mixture(components=2, scale="value").fit(clusters(4_000), rng=Streams(1))
    shares = np.sort(model.found_.share)
    assert np.allclose(shares, [0.3, 0.7], atol=SIGMAS * np.sqrt(0.21 / 4_000))
    likely = np.sort(model.found_.theta[2][2] / model.found_.theta[2][1:].sum(0))
    assert np.allclose(likely, [0.1, 0.8], atol=SIGMAS * np.sqrt(0.16 / 1_200))


def test_a_level_is_drawn_given_a_number_by_the_posterior_of_components() -> None:
    block = clusters(20_000)
    pair = Block(Domain((block.domain.axes[0], block.domain.axes[2])), (block.columns[0], block.columns[2]))
    model = Mixture(components=2, scale="value").fit(pair, rng=Streams(1))
    given = np.array([-3.0, -0.5, 0.0, 0.5, 3.0])
    draft, rng = model.start(len(given)), Streams(2)
    model.step(draft, 0, given=given, rng=rng)
    told = model._chances(draft, 1, slice(0, len(given)))[:, 1]
    second = 0.7 * norm.pdf(given, 3)
    second = second / (second + 0.3 * norm.pdf(given, -3))
    assert np.allclose(told, 0.1 + 0.7 * second, atol=0.05)


def test_masses_of_limits_are_the_model_s_own_shares() -> None:
    model = Mixture(components=4).fit(clusters(4_000), rng=Streams(1))
    limits = {0: Support(ranges=np.array([[2.0, np.inf]])), 2: Support(levels=np.array([1.0, 0.0]))}
    fake, log = walk(model, 20_000, limits)
    plain = model.sample(50_000, rng=Streams(7))
    inside = (plain.columns[0] >= 2.0) & (plain.columns[2] == 0)
    mass = np.exp(log)
    error = np.sqrt(mass.var() / 20_000 + inside.mean() * (1 - inside.mean()) / 50_000)
    assert abs(mass.mean() - inside.mean()) <= SIGMAS * error
    assert (fake.columns[0] >= 2.0).all() and (fake.columns[2] == 0).all()
    wanted, found = plain.columns[1][inside], np.average(fake.columns[1], weights=mass)
    assert abs(found - wanted.mean()) <= SIGMAS * wanted.std() * np.sqrt(2 / inside.sum())


@pytest.mark.parametrize("covariance", ["full", "tied"])
def test_one_full_component_is_the_joint_normal(covariance: str) -> None:
    block = leaning(6_000)
    model = Mixture(components=1, covariance=covariance).fit(block, rng=Streams(1))
    fake = model.sample(20_000, rng=Streams(2))
    assert abs(np.corrcoef(fake.columns)[0, 1] - 0.8) < 0.02
    real = leaning(200, seed=9)
    told = model.log_density(real).sum(1)
    x, y = real.columns
    exact = norm.logpdf(x) + norm.logpdf(y, 0.8 * x, 0.6)
    assert abs((told - exact).mean()) < 0.1


def test_a_diagonal_component_can_not_lean() -> None:
    fake = Mixture(components=1).fit(leaning(4_000), rng=Streams(1)).sample(20_000, rng=Streams(2))
    assert abs(np.corrcoef(fake.columns)[0, 1]) < SIGMAS / np.sqrt(20_000)


def test_conditions_on_leaning_numbers_match_the_closed_form() -> None:
    model = Mixture(components=1, covariance="full").fit(leaning(8_000), rng=Streams(1))
    draft, rng = model.start(10_000), Streams(2)
    model.step(draft, 0, given=np.full(10_000, 1.5), rng=rng)
    log = model.step(draft, 1, support=Support(ranges=np.array([[2.0, np.inf]])), rng=rng)
    values = model.finish(draft, rng).columns[1]
    assert (values >= 2.0).all()
    assert abs(np.exp(log).mean() - norm.sf((2.0 - 1.2) / 0.6)) < 0.02


def test_zeros_gaps_and_round_values_come_back_as_often() -> None:
    rng = Streams(4).stream("spikes")
    rows = 5_000
    amount = np.round(np.exp(rng.normal(5, 1, rows)))
    amount[rng.random(rows) < 0.4] = 0.0
    amount[rng.random(rows) < 0.1] = 100.0
    amount[rng.random(rows) < 0.2] = np.nan
    block = Block(Domain((Axis("amount", "amount", lattice=True, missing=True, holders=10),)), (amount,))
    fake = Mixture().fit(block, rng=Streams(1)).sample(rows, rng=Streams(2)).columns[0]
    for spike in (np.isnan, lambda v: v == 0.0, lambda v: v == 100.0):
        p = spike(amount).mean()
        assert abs(spike(fake).mean() - p) <= SIGMAS * np.sqrt(2 * p * (1 - p) / rows) + 0.005
    assert (fake[~np.isnan(fake)] == np.rint(fake[~np.isnan(fake)])).all()


def test_likelihood_never_falls_from_step_to_step() -> None:
    block = clusters(2_000)
    views = [View.fit(axis, values, max_codes=512) for axis, values in zip(block.domain.axes, block.columns)]
    codes = [view.encode(values) for view, values in zip(views, block.columns)]
    sizes = [view.size for view in views]
    parted = [
        Parted.fit(view, np.bincount(own, minlength=view.size).astype(float))
        for view, own in zip(views, codes)
    ]
    rows = Rows.of(codes, np.ones(2_000), sizes)
    found = start(rows, parted, np.array([3, 500, 900, 1_500]), [own.scores(False) for own in parted])
    told = []
    for _ in range(12):
        found = climb(rows, found, 1)
        told.append(expect(rows, found).likelihood / 2_000)
    # a little of the margins in each component is a prior: what rises is the likelihood with it
    assert all(after >= before - 1e-3 for before, after in pairwise(told))


@pytest.mark.parametrize("components", ["auto", "bic"])
def test_the_number_of_components_is_chosen_and_shown(components: str) -> None:
    model = Mixture(components=components, scale="value").fit(clusters(3_000), rng=Streams(1))
    shown = model.exhibits()
    assert [one.name for one in shown] == ["Number of components", "Components"]
    curves = shown[0].detail
    assert curves.columns == ["step", "curve", "value"]
    criterion = curves.filter(pl.col("curve") == "Bayesian information criterion")
    if components == "bic":
        best = criterion.sort("value")["step"][-1]
        assert best == 2 and len(model.found_) == 2
    else:
        assert set(curves["curve"]) == {"Bayesian information criterion", "held-out log-likelihood"}
        assert len(model.found_) >= 2


def test_no_component_has_fewer_rows_than_protection_asks_for() -> None:
    block = clusters(300)
    model = Mixture(components=200).fit(block, rng=Streams(1))
    assert len(model.found_) <= 30
    assert model.found_.share.min() * 300 >= 9


def test_weights_count() -> None:
    block = clusters(4_000)
    weights = np.where(block.columns[2] == 1, 3.0, 1.0)
    model = Mixture(components=4).fit(Block(block.domain, block.columns, weights), rng=Streams(1))
    share = (model.sample(10_000, rng=Streams(2)).columns[2] == 1).mean()
    wanted = weights[block.columns[2] == 1].sum() / weights.sum()
    assert abs(share - wanted) <= SIGMAS * np.sqrt(wanted * (1 - wanted) / 10_000) + 0.002


def test_a_context_is_heeded() -> None:
    block = clusters(4_000)
    context = Block(Domain((block.domain.axes[0],)), (block.columns[0],))
    own = Block(Domain(block.domain.axes[1:]), block.columns[1:])
    model = Mixture(components=16).fit(own, context=context, rng=Streams(1))
    asked = Block(context.domain, (np.repeat([-3.0, 3.0], 500),))
    fake = model.sample(1_000, context=asked, rng=Streams(2))
    low, high = fake.columns[0][:500].mean(), fake.columns[0][500:].mean()
    assert abs(low) < 0.3 and abs(high - 2.0) < 0.3


def test_five_thousand_levels_and_wide_gaps_work() -> None:
    rng = Streams(6).stream("odd")
    rows = 12_000
    many = rng.integers(5_000, size=rows).astype(np.uint16)
    gaps = np.where(rng.random(rows) < 0.4, np.nan, rng.normal(size=rows))
    domain = Domain((Axis("many", "many", size=5_000), Axis("gaps", "gaps", missing=True, holders=10)))
    model = Mixture(components=8).fit(Block(domain, (many, gaps)), rng=Streams(1))
    fake = model.sample(2_000, rng=Streams(2))
    assert abs(np.isnan(fake.columns[1]).mean() - 0.4) < SIGMAS * np.sqrt(0.24 / 2_000)


def test_a_frame_goes_in_and_rows_under_a_condition_come_out() -> None:
    block = clusters(1_500)
    frame = pl.DataFrame(
        {"x": block.columns[0], "y": block.columns[1], "level": np.array(["low", "high"])[block.columns[2]]}
    )
    model = sim.fit(frame, "mixture", components=4, seed=1)
    fake = model.sample(200, where="level = 'high' and x < 0", seed=2).polars()
    assert len(fake) == 200 and (fake["x"] < 0).all() and set(fake["level"]) == {"high"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"components": 0}, "components is a whole number from 1"),
        ({"components": "aic"}, "not 'aic'"),
        ({"covariance": "round"}, "covariance is 'diagonal', 'full' or 'tied', not 'round'"),
        ({"scale": "log"}, "scale is 'rank' or 'value', not 'log'"),
        ({"max_codes": 1}, "max_codes is a whole number from 2"),
    ],
)
def test_options_are_checked(options: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Mixture(**options)
