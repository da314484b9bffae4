"""pMSE against a case worked by hand and against the closed form of its expectation."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from simulacra.metric import Comparison
from simulacra.metrics._propensity import design, expected_pmse, pmse, propensities
from simulacra.metrics.fidelity.propensity import Propensity
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Table

LETTER = Table("t", (Column("c", "category"),))
NORMAL = Table("t", tuple(Column(c, "number") for c in "abc"))


def letters(a: int, b: int) -> pl.DataFrame:
    return pl.DataFrame({"c": ["a"] * a + ["b"] * b})


def normal(
    rows: int, rng: np.random.Generator, mean: object = (0, 0, 0), spread: object = None
) -> pl.DataFrame:
    values = rng.multivariate_normal(
        np.asarray(mean), np.eye(3) if spread is None else np.asarray(spread), rows
    )
    return pl.DataFrame(dict(zip("abc", values.T, strict=True)))


def test_by_hand() -> None:
    # 3/4 of the synthetic and 1/4 of the real rows hold a, so the scores are 3/4 and 1/4, each 1/4 off 1/2:
    # pMSE is 1/16; with one term and 400 rows its expectation is 1/8 / 400 and its spread sqrt(2) times that
    case = Comparison(LETTER, letters(50, 150), letters(150, 50), letters(50, 150))
    score = Propensity().score(case)[0]
    assert score.value == pytest.approx(400 / 16 * 8, rel=1e-4)
    assert score.baseline == pytest.approx(0.0, abs=1e-6)
    assert score.verdict == "fail" and score.detail is not None
    whole = score.detail.row(0, named=True)
    assert whole["pmse"] == pytest.approx(1 / 16, rel=1e-4) and whole["parameters"] == 2
    assert whole["standardized"] == pytest.approx((200 - 1) / np.sqrt(2), rel=1e-4)


def ratio(fake: pl.DataFrame, real: pl.DataFrame) -> float:
    label = np.repeat([True, False], [fake.height, real.height])
    matrix, _ = design([fake, real], NORMAL.columns, 9, 25, Streams(0).stream("design"))
    scores, parameters = propensities(matrix, label)
    assert parameters == 10
    return pmse(scores, label) / expected_pmse(10, float(label.mean()), len(label))[0]


@pytest.mark.parametrize("rows", [(500, 500), (300, 900)])
def test_expectation(rows: tuple[int, int]) -> None:
    # The 9 terms (values, squares, products) are what a normal distribution is fitted by, so that rows drawn from
    # the fitted one meet the closed form. Its spread is sqrt(2 / 9) of the mean, 0.053 for the mean of 80 draws;
    # fresh real rows get 1 / (share of real rows), with the same relative spread. 4 standard errors, and 5 % for the
    # cut at five robust units and for samples that are not infinite.
    rng = np.random.default_rng(1)
    synthetic, fresh = [], []
    for _ in range(80):
        real = normal(rows[1], rng)
        values = real.to_numpy()
        synthetic.append(ratio(normal(rows[0], rng, values.mean(axis=0), np.cov(values.T)), real))
        fresh.append(ratio(normal(rows[0], rng), real))
    assert np.mean(synthetic) == pytest.approx(1.0, abs=0.05 + 4 * 0.053)
    twice = sum(rows) / rows[1]
    assert np.mean(fresh) == pytest.approx(twice, abs=twice * (0.05 + 4 * 0.053))


def test_order_of_columns_and_separation() -> None:
    rng = np.random.default_rng(2)
    real, holdout = normal(2000, rng), normal(2000, rng)
    far = real.with_columns(pl.col("b") * 1000)
    logistic, tree = Propensity().score(Comparison(NORMAL, real, far, holdout))
    assert logistic.verdict == tree.verdict == "fail"
    assert logistic.detail is not None and logistic.detail["column"][1] == "b"
    assert tree.detail is not None and tree.detail["column"][0] == "b"
    # told apart without error, pMSE is 1/4 and no more
    cut = real.with_columns(pl.col("b") + 100)
    whole = Propensity().score(Comparison(NORMAL, real, cut, holdout))[0].detail
    assert whole is not None and whole["pmse"][0] == pytest.approx(0.25, abs=1e-3)


def test_one_outlier_moves_nothing() -> None:
    rng = np.random.default_rng(3)
    real, holdout = normal(1000, rng), normal(1000, rng)
    spoilt = real.with_columns(a=pl.when(pl.int_range(pl.len()) == 0).then(1e9).otherwise("a"))
    clean, dirty = (Propensity().score(Comparison(NORMAL, real, fake, holdout)) for fake in (real, spoilt))
    for before, after in zip(clean, dirty, strict=True):
        assert after.verdict == "pass" and abs(after.value - before.value) < 0.3


def test_tree_sees_what_the_logistic_model_does_not() -> None:
    # a checkerboard in two columns: no main effect, and the product of signs is nearly outside the terms
    rng = np.random.default_rng(4)
    real, holdout = normal(2500, rng), normal(2500, rng)
    fake = normal(5000, rng).filter((pl.col("a") > 0) == (pl.col("b") > 0)).head(2400)
    assert Propensity().score(Comparison(NORMAL, real, fake, holdout))[1].verdict != "pass"
