"""What the models must get right where the answer is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.datasets import load_iris

from simulacra.domain import Axis, Block, Domain
from simulacra.errors import DataError, NotFitted, OptionError
from simulacra.models.table import _growth as growth_module
from simulacra.models.table._views import View
from simulacra.models.table.copula import Copula
from simulacra.models.table.independent import Independent
from simulacra.models.table.trees import Trees
from simulacra.randomness import Streams

ROWS = 4000


def make(**columns: tuple[np.ndarray, dict]) -> Block:
    axes = tuple(Axis(name, name, **facts) for name, (_, facts) in columns.items())
    return Block(Domain(axes), tuple(values for values, _ in columns.values()))


def draw(model, block: Block, n: int = ROWS, seed: int = 1) -> dict[str, np.ndarray]:
    fake = model.fit(block, rng=Streams(seed)).sample(n, rng=Streams(seed + 1))
    return dict(zip(fake.domain.names, fake.columns))


def test_view_keeps_common_values_and_hides_rare_ones() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([np.zeros(500), np.full(300, 7.0), rng.random(700) * 5 + 1])
    axis = Axis("x", "x", holders=10)
    view = View.fit(axis, values, max_codes=64)
    back = view.decode(view.encode(values), rng)
    assert view.size <= 64
    assert (back[:500] == 0).all() and (back[500:800] == 7).all()
    assert not np.isin(back[800:], values[800:]).any()
    # A bin holds at most about twice 1500/64 of 700 values over a width of 5: two neighbours span 0.4.
    assert np.abs(back[800:] - values[800:]).max() < 0.5
    assert not np.isin(np.concatenate([view.low, view.high]), values[800:]).any()


def test_view_draws_whole_numbers_and_leaves_out_values_of_other_codes() -> None:
    values = np.concatenate([np.full(500, 30.0), np.tile([28.0, 29.0, 31.0, 32.0], 4)])
    view = View.fit(Axis("age", "age", lattice=True, holders=10), values, max_codes=255)
    drawn = view.decode(view.encode(np.full(2000, 29.0)), np.random.default_rng(1))
    # 28 and 32 are the extremes, and fewer rows hold them than may be shown.
    assert set(drawn) == {29.0, 31.0}


def test_view_survives_its_state_and_encodes_what_it_never_saw() -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0])
    view = View.fit(Axis("x", "x", missing=True), values, max_codes=255)
    assert view.encode(np.array([-5.0, 3.9, 99.0, np.nan])).tolist() == [1, 3, 3, 0]
    again = View.restore(view.dump())
    assert again.size == view.size == 4
    np.testing.assert_array_equal(again.decode(view.encode(values), np.random.default_rng(0)), values)


def test_view_refuses_what_the_axis_rules_out() -> None:
    with pytest.raises(DataError, match="axis 'x': 1 values are NaN"):
        View.fit(Axis("x", "x"), np.array([1.0, np.nan]), max_codes=8)
    with pytest.raises(DataError, match="axis 'x' holds infinite values"):
        View.fit(Axis("x", "x"), np.array([1.0, np.inf]), max_codes=8)


@pytest.mark.parametrize("rho", [-0.9, -0.4, 0.0, 0.6, 0.95])
def test_copula_finds_the_correlation_behind_numbers_and_cut_numbers(rho: float) -> None:
    n = 20_000
    z = np.random.default_rng(3).multivariate_normal([0, 0], [[1, rho], [rho, 1]], n)
    block = make(
        x=(np.exp(z[:, 0]), {}),
        level=(np.digitize(z[:, 1], [-1.0, 0.3]).astype(np.uint8), {"size": 3, "ordered": True}),
        high=((z[:, 1] > 1.0).astype(np.uint8), {"size": 2, "ordered": True}),
    )
    model = Copula().fit(block, rng=Streams(1))
    found = (model.root_ @ model.root_.T)[0, 1:]
    # The error of a polychoric correlation from n rows is below 2/sqrt(n) per pair here; 5 of these.
    np.testing.assert_allclose(found, rho, atol=5 * 2 / np.sqrt(n))


def test_copula_follows_its_context() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=ROWS)
    block, context = make(y=(x + 0.1 * rng.normal(size=ROWS), {})), make(x=(x, {}))
    model = Copula().fit(block, context=context, rng=Streams(1))
    given = context.take(slice(0, 1000))
    y = model.sample(1000, context=given, rng=Streams(2)).columns[0]
    # corr = 1/sqrt(1.01) = .995; six standard errors from 1,000 rows: 6 (1 - .99) / 31.6 = .002.
    assert np.corrcoef(y, given.columns[0])[0, 1] > 0.985


def test_independent_keeps_shares_and_drops_relations() -> None:
    codes = (np.arange(ROWS) % 4).astype(np.uint8)
    fake = draw(Independent(), make(a=(codes, {"size": 4}), b=(codes, {"size": 4})))
    # Six standard errors of a share of 1/4 in 4,000 rows: .041; two columns agree in 1/4 by chance.
    np.testing.assert_allclose(np.bincount(fake["a"], minlength=4) / ROWS, 0.25, atol=0.041)
    assert abs((fake["a"] == fake["b"]).mean() - 0.25) < 0.041


def test_trees_learn_curves_mixtures_and_interactions() -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(-2, 2, ROWS)
    side = rng.integers(0, 2, ROWS).astype(np.uint8)
    y = np.where(side == 0, x**2, -(x**2)) + 0.1 * rng.normal(size=ROWS)
    fake = draw(Trees(), make(x=(x, {}), side=(side, {"size": 2}), y=(y, {})))
    residual = fake["y"] - np.where(fake["side"] == 0, fake["x"] ** 2, -(fake["x"] ** 2))
    # y has a standard deviation of 2.2 and the noise .1; leaves of 30 rows blur the curve by some .2.
    assert np.std(residual) < 0.6


def test_trees_keep_a_column_that_another_one_decides() -> None:
    rng = np.random.default_rng(6)
    minute = rng.integers(0, 1000, 20_000).astype(float)
    block = make(
        minute=(minute, {"lattice": True}),
        hour=(np.floor(minute / 60), {"lattice": True}),
        rest=((minute % 60).astype(np.uint8), {"size": 60}),
        noise=(rng.normal(size=20_000), {}),
    )
    fake = draw(Trees(), block)
    assert (fake["hour"] == fake["minute"] // 60).all()
    assert (fake["rest"] == fake["minute"] % 60).all()


def test_trees_keep_a_column_that_two_others_decide() -> None:
    rng = np.random.default_rng(7)
    a, b = (rng.integers(0, 6, ROWS).astype(np.uint8) for _ in range(2))
    c = ((a * 5 + b * 7) % 11).astype(np.uint8)
    fake = draw(Trees(), make(a=(a, {"size": 6}), b=(b, {"size": 6}), c=(c, {"size": 11})))
    seen = set(zip(a, b, c))
    assert all(row in seen for row in zip(fake["a"], fake["b"], fake["c"]))


def test_trees_draw_levels_of_a_large_vocabulary_within_their_family() -> None:
    rng = np.random.default_rng(8)
    family = rng.integers(0, 4, 12_000)
    level = rng.permutation(600)[family * 150 + rng.integers(0, 150, 12_000)].astype(np.uint16)
    block = make(family=(family.astype(np.uint8), {"size": 4}), level=(level, {"size": 600}))
    fake = draw(Trees(), block)
    owner = dict(zip(level.tolist(), family.tolist()))
    agree = np.mean([owner[code] == f for code, f in zip(fake["level"].tolist(), fake["family"].tolist())])
    assert agree > 0.97
    # The total variation of two samples of L equal levels is near sqrt(L (1/n + 1/m) / pi / 2).
    shares = [np.bincount(codes, minlength=600) / len(codes) for codes in (level, fake["level"])]
    assert np.abs(shares[0] - shares[1]).sum() / 2 < 1.5 * np.sqrt(600 * (1 / 12_000 + 1 / ROWS) / np.pi / 2)


def test_trees_follow_their_context_and_ask_for_it() -> None:
    given = (np.arange(ROWS) % 3).astype(np.uint8)
    block, context = make(a=(given, {"size": 3})), make(g=(given, {"size": 3}))
    model = Trees().fit(block, context=context, rng=Streams(1))
    fake = model.sample(300, context=context.take(slice(0, 300)), rng=Streams(2))
    assert (fake.columns[0] == given[:300]).all()
    with pytest.raises(OptionError, match="fitted with a context of 1 axes"):
        model.sample(300, rng=Streams(2))


def test_trees_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    iris = load_iris()
    block = make(**{f"x{i}": (iris.data[:, i], {}) for i in range(4)})
    many = draw(Trees(), block)
    monkeypatch.setattr(growth_module, "ThreadPoolExecutor", lambda workers: ThreadPoolExecutor(1))
    one = draw(Trees(), block)
    assert all(many[name].tobytes() == one[name].tobytes() for name in many)


def test_trees_bound_the_predictors_of_wide_tables() -> None:
    rng = np.random.default_rng(9)
    base = rng.normal(size=3000)
    block = make(**{f"x{i}": (base + rng.normal(size=3000), {}) for i in range(45)})
    fake = np.array(list(draw(Trees(trees=2, max_predictors=12), block).values()))
    mean = (np.corrcoef(fake).sum() - 45) / (45 * 44)
    assert 0.25 < mean < 0.55, "pairs of x0 ... x44 correlate by .5 in the data"


def test_trees_smooth_more_with_more_backoff() -> None:
    rng = np.random.default_rng(10)
    x = rng.normal(size=ROWS)
    block = make(x=(x, {}), y=(x + 0.05 * rng.normal(size=ROWS), {}))
    sharp, smooth = (
        np.corrcoef(f["x"], f["y"])[0, 1] for f in (draw(Trees(backoff=c), block) for c in (0.0, 100.0))
    )
    # The standard error of these correlations is (1 - .995^2) / sqrt(4000) = .00016.
    assert smooth < sharp - 0.001


@pytest.mark.parametrize("options", [{"trees": 0}, {"min_leaf": 0}, {"backoff": -1.0}, {"predictors": 0.0}])
def test_trees_refuse_options_out_of_range(options: dict) -> None:
    with pytest.raises(OptionError, match=f"model 'trees': {next(iter(options))} is"):
        Trees(**options)


@pytest.mark.parametrize("model", [Independent, Copula, Trees])
def test_an_unfitted_model_says_so(model: type) -> None:
    with pytest.raises(NotFitted, match="Call fit first"):
        model().sample(1, rng=Streams(0))
