"""Elliptical copulas and their margins against closed forms: Gaussian, Student t, orders of categories, designs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.stats import gamma, kstest, multivariate_t, spearmanr, t
from threadpoolctl import threadpool_limits

from simulacra.domain import Array, Axis, Block, Domain, Support
from simulacra.errors import OptionError
from simulacra.figures import Cells, Figures
from simulacra.generator import Designed, Exhibiting, Reorderable
from simulacra.models.table._scaling import order_levels
from simulacra.models.table.copula import Copula
from simulacra.randomness import Streams
from simulacra.testing import check_generator

DRAWS = 40_000
SIGMAS = 5.0
"""Standard errors that two figures may be apart: two-sided, 6e-7; seeds are fixed besides."""
CORRELATION = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])


def reals(*columns: Array, **facts: Any) -> Block:
    axes = tuple(Axis(f"x{place}", f"x{place}", **facts) for place in range(len(columns)))
    return Block(Domain(axes), columns)


def designed(family: str = "t", df: float | None = 4.0, correlation: Array = CORRELATION) -> Copula:
    """A copula of axes with 1,000 even bins each."""
    edges = np.linspace(0, 1, 1_001)
    cells = Cells(np.full(1_000, 1e-3), edges[:-1], edges[1:])
    size = len(correlation)
    domain = Domain(tuple(Axis(f"x{place}", f"x{place}") for place in range(size)))
    figures = Figures(cells=(cells,) * size, told=("uniform",) * size, correlations=correlation)
    model = Copula(family=family, df=df)
    assert isinstance(model, Designed)
    return model.design(domain, figures, rng=Streams(0))


def test_masses_of_a_t_copula_are_the_probability_of_a_box_of_the_t() -> None:
    # the mean of the products of masses estimates it without bias; scipy integrates it
    model, level = designed(), np.array([0.9, 0.95, 0.1])
    draft, rng, log = model.start(DRAWS), Streams(3), np.zeros(DRAWS)
    ranges = [[level[0], 1.0], [level[1], 1.0], [0.0, level[2]]]
    for axis in model.order:
        log += model.step(draft, axis, support=Support(ranges=np.array([ranges[axis]])), rng=rng)
    flip = np.array([-1.0, -1.0, 1.0])
    corner = flip * t.ppf(level, 4.0)
    shape = CORRELATION * np.outer(flip, flip)
    exact = multivariate_t(shape=shape, df=4.0, seed=1).cdf(corner, maxpts=2_000_000)
    mass = np.exp(log)
    # scipy's integral has an error of about 1e-6 here
    assert exact < 0.02
    assert abs(mass.mean() - exact) <= SIGMAS * mass.std() / np.sqrt(DRAWS) + 1e-5
    rows = model.finish(draft, rng)
    assert all(((c >= low) & (c <= high)).all() for c, (low, high) in zip(rows.columns, ranges))


def test_a_known_extreme_moves_and_widens_the_others_as_the_conditional_t_says() -> None:
    model, given = designed(), 0.9905
    draft, rng = model.start(DRAWS), Streams(4)
    log = model.step(draft, 0, given=np.full(DRAWS, given), rng=rng)
    assert np.allclose(np.exp(log), 1e-3, rtol=1e-9)
    model.step(draft, 1, rng=rng)
    score = t.ppf(given, 4.0)
    spread = np.sqrt((4.0 + score**2) / 5.0 * (1 - 0.6**2))
    for level in (0.1, 0.5, 0.9):
        expected = t.cdf((t.ppf(level, 4.0) - 0.6 * score) / spread, 5.0)
        found = (model.read(draft, 1, rng) <= level).mean()
        # the known value lies anywhere in a bin of a thousandth
        assert abs(found - expected) <= SIGMAS * np.sqrt(expected * (1 - expected) / DRAWS) + 3e-3


@pytest.mark.parametrize("family", ["gaussian", "t"])
def test_another_order_is_the_same_copula(family: str) -> None:
    model = designed(family)
    assert isinstance(model, Reorderable)
    plain, turned = (own.sample(DRAWS, rng=Streams(6)).columns for own in (model, model.ordered([2, 0])))
    assert model.ordered([2]).order == (2, 0, 1) and model.order == (0, 1, 2)
    # correlations of ranks have standard errors below 1/sqrt(n) each
    assert np.abs(np.corrcoef(plain) - np.corrcoef(turned)).max() <= SIGMAS * np.sqrt(2 / DRAWS)
    corners = [((own[0] > 0.9) & (own[1] > 0.9) & (own[2] < 0.3)).mean() for own in (plain, turned)]
    assert abs(corners[0] - corners[1]) <= SIGMAS * np.sqrt(2 * corners[0] / DRAWS)


def test_extremes_come_together_under_a_t_copula_and_not_under_a_normal_one() -> None:
    free = np.eye(2)
    both = {}
    for family in ("t", "gaussian"):
        x, y = designed(family, 3.0 if family == "t" else None, free).sample(DRAWS, rng=Streams(5)).columns
        both[family] = ((x > 0.99) & (y > 0.99)).mean()
    corner = np.full(2, -t.ppf(0.99, 3.0))
    expected = multivariate_t(shape=free, df=3.0, seed=1).cdf(corner)
    assert abs(both["t"] - expected) <= SIGMAS * np.sqrt(expected / DRAWS)
    assert abs(both["gaussian"] - 1e-4) <= SIGMAS * np.sqrt(1e-4 / DRAWS)
    assert expected > 1e-3


@pytest.mark.parametrize("df", [4.0, None])
def test_degrees_of_freedom_are_found_by_likelihood(df: float | None) -> None:
    rng, n = np.random.default_rng(6), 5_000
    z = np.linalg.cholesky(CORRELATION) @ rng.normal(size=(3, n))
    if df is not None:
        z *= np.sqrt(df / rng.chisquare(df, n))
    block = reals(*z)
    few = Axis("few", "few", size=4, ordered=True)
    codes = np.digitize(z[0] + rng.normal(size=n), [-1.0, 0.0, 1.5]).astype(np.uint8)
    block = Block(Domain((*block.domain.axes, few)), (*block.columns, codes))
    model = Copula(family="t").fit(block, rng=Streams(1))
    # 800 rows of three columns tell the logarithm of 4 to about .2; a normal looks like 30 or more
    assert (2.5 < model.joint_.df < 7.0) if df else model.joint_.df > 20
    # correlations are found under the normal, which is .01 to .02 off under a t
    np.testing.assert_allclose(model.correlation_[:3, :3], CORRELATION, atol=0.07)


def test_degrees_of_freedom_can_be_told() -> None:
    block = reals(*np.random.default_rng(1).normal(size=(2, 200)))
    assert Copula(family="t", df=7).fit(block, rng=Streams(1)).joint_.df == 7.0
    assert designed(df=None).joint_.df == 5.0


@pytest.mark.parametrize("options", [{"family": "t", "df": 4}, {"margins": "parametric"}])
def test_every_elliptical_kind_keeps_the_contract(options: dict[str, Any]) -> None:
    check_generator(partial(Copula, **options), seed=3)


def test_levels_are_put_on_the_line_on_which_they_hang_together() -> None:
    rng, n = np.random.default_rng(2), 6_000
    hidden = rng.normal(size=n)
    rank = np.digitize(hidden, [-1.0, -0.3, 0.3, 1.0])
    name = np.array([3, 0, 4, 1, 2])[rank]
    other = np.array([1, 2, 0])[np.digitize(hidden + 0.5 * rng.normal(size=n), [-0.5, 0.5])]
    orders = order_levels(
        [name, other, np.digitize(hidden, np.linspace(-2, 2, 30))],
        [5, 3, 31],
        [True, True, False],
        np.ones(n),
    )
    assert orders[0].tolist() in ([3, 0, 4, 1, 2], [2, 1, 4, 0, 3])
    assert orders[1].tolist() in ([1, 2, 0], [0, 2, 1])
    assert orders[2].tolist() == list(range(31))


def test_a_category_keeps_what_it_tells_of_a_number() -> None:
    rng, n = np.random.default_rng(3), 8_000
    # the commonest level lies in the middle, so an order by frequency would hide most of it
    job = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1]).astype(np.uint8)
    wage = np.array([0.0, 2.0, -2.0, 4.0])[job] + rng.normal(size=n)
    domain = Domain((Axis("job", "job", size=4), Axis("wage", "wage")))
    fake = Copula().fit(Block(domain, (job, wage)), rng=Streams(1)).sample(n, rng=Streams(2))
    means = [fake.columns[1][fake.columns[0] == level].mean() for level in range(4)]
    assert np.argsort(means).tolist() == [2, 0, 1, 3]
    # a normal behind both can not be exact: a step of means is kept to within a third
    assert np.diff(np.sort(means)).min() > 1.3


def test_designed_margins_and_correlations_are_kept() -> None:
    model = designed("gaussian", None)
    columns = model.sample(DRAWS, rng=Streams(1)).columns
    # Spearman's rho of a normal pair is 6/pi asin(r/2); its standard error is below 1/sqrt(n)
    found = np.corrcoef(columns)
    expected = 6 / np.pi * np.arcsin(CORRELATION / 2)
    np.testing.assert_allclose(found, expected, atol=SIGMAS / np.sqrt(DRAWS))
    assert all(kstest(column, "uniform").pvalue > 1e-4 for column in columns)
    again = Copula(family="gaussian").restore(model.dump()).sample(DRAWS, rng=Streams(1))
    assert all((a == b).all() for a, b in zip(columns, again.columns))


def test_a_copula_without_correlations_is_independent() -> None:
    cells = (
        Cells(np.array([0.25, 0.75])),
        Cells(np.array([0.5, 0.4]), np.array([0, 1.0]), np.array([0, 3.0]), 0.1),
    )
    domain = Domain((Axis("a", "a", size=2), Axis("b", "b", missing=True)))
    model = Copula().design(domain, Figures(cells=cells, told=("", "")), rng=Streams(0))
    a, b = model.sample(DRAWS, rng=Streams(1)).columns
    assert abs(a.mean() - 0.75) < SIGMAS * 0.45 / np.sqrt(DRAWS)
    for own in (0, 1):
        assert abs(np.isnan(b[a == own]).mean() - 0.1) < SIGMAS * 0.3 / np.sqrt((a == own).sum())


def test_parametric_margins_are_told_and_drawn() -> None:
    rng, n = np.random.default_rng(7), 4_000
    x = gamma(2.0, scale=3.0).rvs(n, random_state=rng)
    block = reals(x, x + rng.normal(size=n), holders=10)
    model = Copula(margins="parametric").fit(block, rng=Streams(1))
    assert isinstance(model, Exhibiting)
    told = model.exhibits()[-1].detail.filter(column="x0")["distribution"][0]
    assert told.startswith("gamma")
    fake = model.sample(n, rng=Streams(2)).columns
    # the parameters of 4,000 rows move the distribution function by less than .02; so do the draws by .02 more
    assert kstest(fake[0], gamma(2.0, scale=3.0).cdf).statistic < 0.04
    assert not np.isin(fake[0], x).any()
    assert spearmanr(*fake).statistic == pytest.approx(spearmanr(*block.columns).statistic, abs=0.03)


def test_the_strongest_correlations_are_shown() -> None:
    found = designed().exhibits()
    assert len(found) == 2
    graph = found[0].detail
    assert graph.select("source", "target", "strength").row(0) == ("x0", "x1", 0.6)
    assert not graph["directed"].any() and graph["strength"].abs().is_sorted(descending=True)
    assert "Student t with 4 degrees of freedom" in found[0].text
    empty = Copula().fit(Block(Domain(()), (), rows=5), rng=Streams(1)).exhibits()
    assert empty[0].detail.is_empty()


def test_the_number_of_threads_changes_nothing() -> None:
    rng = np.random.default_rng(8)
    hidden = rng.normal(size=(4, 5_000))
    codes = np.digitize(hidden[0] + hidden[1], np.linspace(-2, 2, 12)).astype(np.uint8)
    block = reals(*hidden, hidden.sum(0))
    block = Block(Domain((*block.domain.axes, Axis("name", "name", size=13))), (*block.columns, codes))
    states = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            states.append(Copula(family="t").fit(block, rng=Streams(1)).dump())
    assert states[0]["correlation"].tobytes() == states[1]["correlation"].tobytes()
    assert states[0]["joint"]["df"] == states[1]["joint"]["df"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "student"}, "no family named 'student'"),
        ({"margins": "normal"}, "no margins named"),
        ({"vine": "c"}, "no vine named"),
        ({"df": 0.5}, "df is a number from 1"),
        ({"truncate": 0}, "truncate is a whole number from 1"),
        ({"pairs": "clayton, franc"}, "did you mean 'frank'"),
        ({"max_codes": 1}, "max_codes is a whole number from 2"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises((OptionError, LookupError), match=message):
        Copula(**options)
