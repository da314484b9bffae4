"""What `copula` and `independent` must keep when drawn step by step: closed forms of masses, draws and densities."""

from __future__ import annotations

import warnings
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal, norm, truncnorm

from simulacra.domain import Array, Axis, Block, Domain, Support
from simulacra.errors import NotFitted
from simulacra.generator import Dense, Generator, Sequential
from simulacra.models.table._codes import draw_codes
from simulacra.models.table._scores import Margin, draw_between
from simulacra.models.table._views import View
from simulacra.models.table.copula import Copula
from simulacra.models.table.independent import Independent
from simulacra.randomness import Streams

ROWS = 8_000
DRAWS = 20_000
SIGMAS = 5.0
"""Standard errors that two figures may be apart: two-sided, 6e-7; seeds are fixed besides."""
COVARIANCE = np.array([[1.0, 0.7, -0.4], [0.7, 1.0, -0.2], [-0.4, -0.2, 1.0]])


@cache
def normals() -> Copula:
    """A copula of three correlated normals."""
    root = np.linalg.cholesky(COVARIANCE)
    values = root @ np.random.default_rng(3).normal(size=(3, ROWS))
    return Copula().fit(
        Block(Domain(tuple(Axis(name, name) for name in "xyz")), tuple(values)), rng=Streams(1)
    )


def mixed(rows: int = ROWS) -> Block:
    """Axes of all kinds that hang together, with codes that no row has."""
    rng = np.random.default_rng(5)
    hidden = rng.normal(size=rows)
    size = np.exp(hidden + rng.normal(size=rows))
    size[rng.random(rows) < 0.2] = np.nan
    axes = (
        Axis("kind", "kind", size=5),
        Axis("grade", "grade", size=6, ordered=True),
        Axis("size", "size", missing=True, holders=10),
        Axis("count", "count", lattice=True, holders=10),
    )
    columns = (
        np.where(hidden > 0.5, 4, np.where(hidden > -1, 1, 3)).astype(np.uint8),
        np.clip(2 * np.rint(hidden + 2), 2, 4).astype(np.uint8),
        size,
        np.rint(40 * np.exp(hidden / 2)),
    )
    return Block(Domain(axes), columns)


def walk(
    model: Sequential, n: int, supports: dict[int, Support], seed: int = 7
) -> tuple[Block, Array, dict[int, Array]]:
    """Draw step by step: the rows, the log masses of every axis, and the codes."""
    draft, rng = model.start(n), Streams(seed)
    logs = np.stack([model.step(draft, axis, support=supports.get(axis), rng=rng) for axis in model.order])
    codes = {axis: model.codes(draft, axis) for axis in model.order}
    return model.finish(draft, rng), logs, codes


def cut(model: Copula, axis: int, code: int) -> float:
    """The score below which the codes below this one lie, and the first value above it."""
    margin = model.margins_[axis]
    return float(norm.ppf(margin.share[:code].sum()))


def above(model: Copula, axis: int, code: int) -> Support:
    return Support(ranges=np.array([[model.margins_[axis].view.low[code], np.inf]]))


@pytest.mark.parametrize(("level", "most"), [(0.5, 1.0), (0.99, 1e-3)])
def test_masses_of_a_copula_are_the_probability_of_a_box_of_the_normal(level: float, most: float) -> None:
    # the mean of the products of masses estimates it without bias (the GHK simulator); scipy integrates it
    model = normals()
    first = [int(level * model.cells(axis)) for axis in range(2)]
    last = int((1 - level) * model.cells(2)) - 1
    supports = {axis: above(model, axis, code) for axis, code in enumerate(first)}
    supports[2] = Support(ranges=np.array([[-np.inf, model.margins_[2].view.high[last]]]))
    _, logs, _ = walk(model, DRAWS, supports)
    mass = np.exp(logs.sum(0))
    # the third axis falls where the others rise: turned round, all limits are from below
    flip = np.array([-1.0, -1.0, 1.0])
    correlation = (model.root_ @ model.root_.T) * np.outer(flip, flip)
    corner = [-cut(model, 0, first[0]), -cut(model, 1, first[1]), cut(model, 2, last + 1)]
    exact = multivariate_normal(cov=correlation, abseps=1e-8, maxpts=10**6).cdf(corner)
    assert exact < most
    assert abs(mass.mean() - exact) <= SIGMAS * mass.std() / np.sqrt(DRAWS) + 1e-7
    assert mass.std() / mass.mean() < 2, "a rare box must not need many more particles than a common one"


def test_the_first_axis_has_the_same_mass_in_every_row() -> None:
    model = normals()
    _, logs, _ = walk(model, 50, {0: above(model, 0, 3_000)})
    assert np.allclose(np.exp(logs[0]), model.margins_[0].share[3_000:].sum(), rtol=1e-9)
    assert (logs[1:] == 0).all()


def test_an_axis_that_is_known_moves_the_others_as_the_normal_says() -> None:
    model = normals()
    correlation = (model.root_ @ model.root_.T)[0, 1]
    view = model.margins_[0].view
    given = np.full(DRAWS, view.middles()[3_500])
    draft, rng = model.start(DRAWS), Streams(4)
    log = model.step(draft, 0, given=given, rng=rng)
    assert np.allclose(np.exp(log), model.margins_[0].share[3_500], rtol=1e-6)
    for axis in (1, 2):
        model.step(draft, axis, rng=rng)
    rows = model.finish(draft, rng)
    assert (rows.columns[0] == given).all()
    score = norm.ppf(model.margins_[0].share[:3_500].sum())
    expected = norm.cdf((cut(model, 1, 2_000) - correlation * score) / np.sqrt(1 - correlation**2))
    below = (model.codes(draft, 1) < 2_000).mean()
    # the score of the known code is between its cuts, which are 1/3,800 of the rows apart
    assert abs(below - expected) <= SIGMAS * np.sqrt(expected * (1 - expected) / DRAWS) + 1e-3


def test_rows_of_which_some_are_known_get_the_chance_of_their_code() -> None:
    for model in (Independent().fit(mixed(), rng=Streams(1)), Copula().fit(mixed(), rng=Streams(1))):
        held = np.arange(400) % 4 == 0
        given = np.where(held, 4, 0).astype(np.uint8)
        draft, rng = model.start(400), Streams(2)
        levels = np.array([0.0, 1.0, 0.0, 0.0, 0.0])
        log = model.step(draft, 0, support=Support(levels=levels), given=given, held=held, rng=rng)
        share = np.bincount(mixed().columns[0]) / ROWS
        assert np.allclose(np.exp(log), np.where(held, share[4], share[1]), rtol=1e-9)
        values = model.read(draft, 0, rng)
        assert (values == np.where(held, 4, 1)).all(), "what is known is not asked whether it is allowed"


def test_a_known_code_that_no_row_had_is_worth_nothing_and_stays() -> None:
    for model in (Independent().fit(mixed(), rng=Streams(1)), Copula().fit(mixed(), rng=Streams(1))):
        draft, rng = model.start(5), Streams(2)
        known = [np.array([0, 2, 1, 3, 4], np.uint8), np.array([0, 5, 3, 2, 4], np.uint8)]
        logs = np.stack([model.step(draft, axis, given=values, rng=rng) for axis, values in enumerate(known)])
        assert (np.isneginf(logs) == [[1, 1, 0, 0, 0], [1, 1, 1, 0, 0]]).all()
        rest = np.stack([model.step(draft, axis, rng=rng) for axis in (2, 3)])
        assert (rest == 0).all()
        rows = model.finish(draft, rng)
        assert all((made == values).all() for made, values in zip(rows.columns, known, strict=False))
        assert np.isfinite(rows.columns[3]).all()


def test_masses_of_independent_columns_are_exact() -> None:
    block = mixed()
    model = Independent().fit(block, rng=Streams(1))
    view = model.views_[3]
    low, high = view.low[10], view.high[20]
    supports = {
        0: Support(levels=np.array([0, 1.0, 0, 0.25, 0])),
        2: Support(missing=True),
        3: Support(ranges=np.array([[low, high]])),
    }
    rows, logs, _ = walk(model, 100, supports)
    kinds = np.bincount(block.columns[0], minlength=5) / ROWS
    codes = view.encode(block.columns[3])
    exact = [
        kinds[1] + kinds[3] / 4,
        1.0,
        np.isnan(block.columns[2]).mean(),
        ((codes >= 10) & (codes <= 20)).mean(),
    ]
    assert np.allclose(np.exp(logs), np.array(exact)[:, None], rtol=1e-12)
    assert np.isnan(rows.columns[2]).all()
    assert ((rows.columns[3] >= low) & (rows.columns[3] <= high)).all()


@pytest.mark.parametrize("name", ["independent", "copula"])
def test_codes_are_drawn_in_proportion_to_chance_share_and_bias(name: str) -> None:
    model: Generator = {"independent": Independent, "copula": Copula}[name]().fit(mixed(), rng=Streams(1))
    assert isinstance(model, Sequential)
    share, bias = np.array([0, 1.0, 0, 0.5, 0.5]), np.array([1.0, 0.5, 1, 1, 0.25])
    _, logs, codes = walk(model, DRAWS, {0: Support(levels=share, bias=bias)})
    chances = np.bincount(mixed().columns[0], minlength=5) / ROWS * share * bias
    assert np.allclose(np.exp(logs[0]), chances.sum(), rtol=1e-9)
    expected = chances / chances.sum()
    found = np.bincount(codes[0], minlength=5) / DRAWS
    assert (np.abs(found - expected) <= SIGMAS * np.sqrt(expected * (1 - expected) / DRAWS)).all()
    assert (found[chances == 0] == 0).all()


@pytest.mark.parametrize("name", ["independent", "copula"])
def test_nothing_allowed_is_minus_infinity_and_no_error(name: str) -> None:
    model: Generator = {"independent": Independent, "copula": Copula}[name]().fit(mixed(), rng=Streams(1))
    assert isinstance(model, Sequential)
    nothing = {0: Support(levels=np.zeros(5)), 2: Support(), 3: Support(ranges=np.array([[-9.0, -8.0]]))}
    rows, logs, _ = walk(model, 40, nothing)
    assert np.isneginf(logs[[0, 2, 3]]).all() and (logs[1] == 0).all()
    assert len(rows) == 40 and (rows.columns[0] < 5).all()


def test_columns_that_are_nearly_one_stay_finite_where_they_contradict() -> None:
    # the score of a third copy is 1,000 standard deviations off: it must be impossible, not an overflow
    x = np.random.default_rng(1).normal(size=2_000)
    domain = Domain(tuple(Axis(f"x{i}", f"x{i}") for i in range(12)))
    model = Copula().fit(Block(domain, tuple([x] * 12)), rng=Streams(1))
    draft, rng = model.start(200), Streams(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for axis in range(11):
            given = np.full(200, (-3.0, 3.0)[axis % 2])
            log = model.step(draft, axis, given=given, held=np.arange(200) % 2 == 0, rng=rng)
            assert not np.isnan(log).any() and (log[::2] < -2).all() and (log[1::2] == 0).all()
        limits = Support(ranges=np.array([[-4.0, -2.5]]))
        last = model.step(draft, 11, support=limits, rng=rng)
    assert not np.isnan(last).any() and (last <= 0).all()
    assert np.isfinite(model.finish(draft, rng).columns[11]).all()


def test_a_draw_between_limits_is_a_truncated_normal() -> None:
    uniform = Streams(3).stream("u").random(5_000)
    for low, high in [
        (-np.inf, np.inf),
        (-np.inf, -2.0),
        (1.5, np.inf),
        (-0.3, 0.4),
        (6.0, 6.5),
        (-30.0, -29.0),
        (38, 39),
    ]:
        z, log = draw_between(np.full(5_000, low), np.full(5_000, high), uniform)
        assert ((z >= low) & (z <= high)).all()
        # a false alarm has a chance of 1e-4 a piece, and the seed is fixed
        assert kstest(z, truncnorm(low, high).cdf).pvalue > 1e-4
        exact = norm.logcdf(-abs(low)) if np.isfinite(low) and not np.isfinite(high) else None
        assert exact is None or np.allclose(log, exact, rtol=1e-9)
    ends, _ = draw_between(np.full(2, -np.inf), np.full(2, np.inf), np.array([0.0, np.nextafter(1.0, 0.0)]))
    assert np.isfinite(ends).all(), "the ends of the unit interval must not give infinite scores"


def test_a_bias_that_differs_from_code_to_code_agrees_with_the_sum_over_codes() -> None:
    rng = np.random.default_rng(2)
    view = View.fit(Axis("c", "c", size=200, ordered=True), np.arange(200, dtype=np.uint8), max_codes=256)
    share = rng.dirichlet(np.full(200, 0.3))
    share[::7] = 0
    margin = Margin.fit(view, share)
    weights = rng.random(200) * (rng.random(200) < 0.7)
    mean, sd = np.repeat([-2.0, 0.1, 5.0], DRAWS), 0.6
    _, codes, log = margin.draw_within(weights, mean, sd, rng.random((2, len(mean))))
    total = np.cumsum(margin.share)
    edges = np.concatenate([[-np.inf], norm.ppf(np.minimum(total[:-1], 1.0)), [np.inf]])
    for own, where in zip(np.split(codes, 3), (-2.0, 0.1, 5.0), strict=True):
        chances = np.array(
            [norm.cdf((b - where) / sd) - norm.cdf((a - where) / sd) for a, b in pairwise(edges)]
        )
        chances = np.where(margin.share > 0, chances * weights, 0)
        # the reference itself loses digits in the far tail
        assert np.allclose(np.exp(log[mean == where]), chances.sum(), rtol=1e-6)
        expected = chances / chances.sum()
        found = np.bincount(own, minlength=200) / DRAWS
        assert (np.abs(found - expected) <= SIGMAS * np.sqrt(expected / DRAWS) + SIGMAS / DRAWS).all()
        assert (found[weights == 0] == 0).all() and (found[share == 0] == 0).all()


def test_no_uniform_number_leads_to_a_code_without_weight() -> None:
    weights = np.array([0.0, 0.3, 0.0, 0.1, 0.6, 0.0])
    uniform = np.array([0.0, 0.29999999, 0.3, 0.75, 1 - 2.0**-53])
    assert draw_codes(weights, uniform).tolist() == [1, 1, 3, 4, 4]
    margin = Margin.fit(
        View.fit(Axis("c", "c", size=6, ordered=True), np.zeros(0, np.uint8), max_codes=9), np.ones(6)
    )
    both = np.stack([uniform, uniform[::-1]])
    _, codes, _ = margin.draw_within(weights, np.zeros(5), 1.0, both)
    assert (weights[codes] > 0).all() and codes[[0, -1]].tolist() == [1, 4]


def test_values_that_were_read_lie_in_the_allowed_part_of_their_bin() -> None:
    for model in (Independent(max_codes=20), Copula(max_codes=20)):
        model.fit(mixed(), rng=Streams(1))
        view = (model.views_ if isinstance(model, Independent) else model._views)[2]
        wide = np.flatnonzero(view.high > view.low)[3]
        low, high = np.linspace(view.low[wide], view.high[wide], 4)[1:3]
        draft, rng = model.start(500), Streams(2)
        for axis in (0, 1):
            model.step(draft, axis, rng=rng)
        log = model.step(draft, 2, support=Support(ranges=np.array([[low, high]])), rng=rng)
        values = model.read(draft, 2, rng)
        assert ((values >= low) & (values <= high)).all() and len(np.unique(values)) > 450
        assert (model.codes(draft, 2) == wide + 1).all()
        if isinstance(model, Independent):
            share = (view.encode(mixed().columns[2]) == wide + 1).mean()
            assert np.allclose(np.exp(log), share / 3)
        model.step(draft, 3, rng=rng)
        assert (model.finish(draft.take(np.arange(0, 500, 5)), rng).columns[2] == values[::5]).all()


def test_steps_with_a_context_are_those_of_sample() -> None:
    block = mixed()
    context = Block(Domain(block.domain.axes[:1]), block.columns[:1])
    own = Block(Domain(block.domain.axes[1:]), block.columns[1:])
    model = Copula().fit(own, context=context, rng=Streams(1))
    known, plain = context.take(slice(0, 300)), Streams(9)
    draft = model.start(300, context=known)
    for axis in model.order:
        model.step(draft, axis, rng=plain)
    for a, b in zip(
        model.finish(draft, plain).columns, model.sample(300, context=known, rng=plain).columns, strict=True
    ):
        assert np.array_equal(a, b, equal_nan=True)


def test_densities_of_independent_columns_are_their_shares() -> None:
    block = mixed()
    model = Independent().fit(block, rng=Streams(1))
    assert isinstance(model, Dense)
    told = model.log_density(block)
    shares = np.bincount(block.columns[0], minlength=5) / ROWS
    assert np.allclose(np.exp(told[:, 0]), shares[block.columns[0]])
    gaps = np.isnan(block.columns[2])
    assert np.allclose(np.exp(told[gaps, 2]), gaps.mean())
    # over its bins, the density of a continuous axis times their length sums to all that is not missing
    view = model.views_[2]
    others = [np.resize(column, len(view.low)) for column in block.columns]
    middles = Block(block.domain, (*others[:2], view.middles(), others[3]))
    density = np.exp(model.log_density(middles)[:, 2])
    assert np.isclose((density * view.volume()[1:]).sum(), 1 - gaps.mean())
    unseen = Block(block.domain, (np.array([2], np.uint8), *(c[:1] for c in block.columns[1:])))
    assert model.log_density(unseen)[0, 0] == np.log(1e-12)


@pytest.mark.parametrize("model", [Independent(), Copula()], ids=["independent", "copula"])
def test_a_model_that_learnt_nothing_says_so(model: Independent | Copula) -> None:
    for ask in (lambda: model.order, lambda: model.cells(0), lambda: model.start(3)):
        with pytest.raises(NotFitted, match="has learnt nothing yet"):
            ask()
