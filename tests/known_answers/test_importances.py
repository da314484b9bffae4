"""Importances of models on tables whose dependence is known."""

from __future__ import annotations

import numpy as np
import pytest

from simulacra.domain import Array, Axis, Block, Domain
from simulacra.models.table.copula import Copula
from simulacra.models.table.trees import Trees
from simulacra.randomness import Streams

ROWS = 6_000


def block(weights: Array | None = None, **columns: tuple[Array, dict]) -> Block:
    axes = tuple(Axis(name, name, **facts) for name, (_, facts) in columns.items())
    return Block(Domain(axes), tuple(values for values, _ in columns.values()), weights)


def real(values: Array) -> tuple[Array, dict]:
    return values.astype(float), {"ordered": True, "holders": 10}


def coded(values: Array, size: int) -> tuple[Array, dict]:
    return values.astype(np.uint16 if size > 256 else np.uint8), {"size": size}


def pair(model: Trees | Copula, found: Array, one: int, other: int) -> float:
    """What the earlier of two axes explains of the later."""
    order = list(model.order) if isinstance(model, Trees) else [0, 1, 2]
    first, last = sorted((one, other), key=order.index)
    return float(found[last, first])


@pytest.mark.parametrize("weighted", [False, True])
def test_a_function_of_one_column_is_explained_by_it_alone(weighted: bool) -> None:
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=ROWS), rng.normal(size=ROWS)
    weights = rng.random(ROWS) + 0.5 if weighted else None
    model = Trees().fit(block(weights, x=real(x), y=real(np.sin(2 * x)), noise=real(noise)), rng=Streams(1))
    found = model.importances()
    last = max((0, 1), key=list(model.order).index)
    # x is explained by y = sin 2x up to its branches, y by x nearly whole
    assert found[last, 1 - last] > (0.95 if last == 1 else 0.2)
    assert found[last, 2] < 0.05 * found[last, 1 - last]
    assert found[2].sum() < 0.05


def test_two_equal_causes_share_evenly_and_an_entropy_is_told_in_its_units() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 2, ROWS), rng.integers(0, 2, ROWS)
    y = 2 * a + b
    model = Trees(predictors=1.0).fit(block(a=coded(a, 2), b=coded(b, 2), y=coded(y, 4)), rng=Streams(1))
    found = model.importances()
    if model.order[-1] == 2:
        np.testing.assert_allclose(found[2], [0.5, 0.5, 0.0], atol=0.02)  # log 2 of log 4 each
    else:
        last = model.order[-1]
        assert found[last, 2] > 0.98


def test_unrelated_columns_of_many_levels_are_not_favoured() -> None:
    rng = np.random.default_rng(2)
    many, few = rng.integers(0, 200, ROWS), rng.integers(0, 3, ROWS)
    y = np.where(rng.random(ROWS) < 0.8, few, rng.integers(0, 3, ROWS))
    model = Trees(evidence=0).fit(
        block(many=coded(many, 200), few=coded(few, 3), y=coded(y, 3)), rng=Streams(1)
    )
    found = model.importances()
    # even if every split is made, what chance removes is taken off
    assert pair(model, found, 1, 2) > 4 * pair(model, found, 0, 2)


@pytest.mark.parametrize("rows", [4_000, 40_000])
def test_the_parent_of_a_large_vocabulary_explains_its_part_of_the_entropy(rows: int) -> None:
    rng = np.random.default_rng(3)
    city = rng.integers(0, 600, rows)
    region = city // 100
    found = Trees().fit(block(region=coded(region, 6), city=coded(city, 600)), rng=Streams(1)).importances()
    if found[1, 0]:
        # the region is log 6 of the log 600 nats of a city; bias of an entropy of 600 levels is 600 / 2 / rows
        assert abs(found[1, 0] - np.log(6) / np.log(600)) < 0.05 + 300 / rows
    else:
        assert found[0, 1] > 0.95


def test_context_axes_explain_too() -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(0, 4, 2_000)
    context = block(x=coded(x, 4))
    model = Trees().fit(block(y=coded(x // 2, 2)), context=context, rng=Streams(1))
    found = model.importances()
    assert found.shape == (1, 2) and found[0, 0] > 0.98 and found[0, 1] == 0
    assert model.describe(0).startswith("from 8 trees by 1 earlier column")


def test_constant_axes_and_tables_of_one_row_have_no_importances() -> None:
    one = block(a=coded(np.zeros(50), 1), b=real(np.full(50, 3.0)), c=coded(np.arange(50) % 2, 2))
    for data in (one, one.take(slice(0, 1))):
        model = Trees().fit(data, rng=Streams(1))
        assert (model.importances() == 0).all()
        assert model.describe(0) == "always the same value"


def test_a_copula_tells_squared_correlations() -> None:
    rng = np.random.default_rng(5)
    x, noise = rng.normal(size=(2, ROWS))
    y = 0.8 * x + 0.6 * rng.normal(size=ROWS)
    found = Copula().fit(block(x=real(x), y=real(y), noise=real(noise)), rng=Streams(1)).importances()
    # a correlation of .8 from 6,000 rows has a standard error of .005, its square one of .0075
    assert found[0, 1] == pytest.approx(0.64, abs=0.035) and found[1, 0] == pytest.approx(0.64, abs=0.035)
    assert found[2].max() < 0.01
