"""Membership attacks: what they find, what they never accuse, and whether their intervals and tests hold."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from simulacra.metric import Comparison, Score
from simulacra.metrics._attack import Suspicion, gather, judge_caught
from simulacra.metrics._neighbours import nearest_several, place
from simulacra.metrics._roc import area_interval
from simulacra.metrics.privacy.classifier import Classifier, _snap
from simulacra.metrics.privacy.density import DensityRatio
from simulacra.metrics.privacy.membership import Membership
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Table

TABLE = Table(
    "people",
    (
        Column("x", "number"),
        Column("y", "number", nullable=True),
        Column("n", "number", integer=True),
        Column("c", "category"),
    ),
)
ATTACKS = (Membership, DensityRatio, Classifier)


def people(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    y = pl.Series(x + rng.normal(size=rows)).set(pl.Series(rng.random(rows) < 0.1), None)
    return pl.DataFrame(
        {"x": x, "y": y, "n": rng.poisson(3, rows), "c": pl.Series(rng.integers(0, 5, rows)).cast(pl.String)}
    )


TRAIN, HOLDOUT, FRESH = people(2_000, 1), people(800, 2), people(2_000, 3)


def attack(metric: type, fake: pl.DataFrame) -> list[Score]:
    return list(metric().score(Comparison(TABLE, TRAIN, fake, HOLDOUT, streams=Streams(4))))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learn with fewer trees: these rows are few."""
    monkeypatch.setattr("simulacra.metrics.privacy.classifier.ROUNDS", 40)


@pytest.mark.parametrize("metric", ATTACKS)
def test_unseen_rows_pass_and_copies_fail(metric: type) -> None:
    fresh, copied = attack(metric, FRESH), attack(metric, TRAIN)
    assert [score.verdict for score in fresh] == ["pass"] * 3
    assert all("No leak found by this attack" in score.words for score in fresh)
    assert copied[0].verdict == copied[2].verdict == "fail"
    named = copied[0].private
    assert named.height > 0
    for row in named.iter_rows(named=True):
        assert TRAIN["x"][row["train_row"] - 1] == row["train: x"]


@pytest.mark.parametrize("metric", ATTACKS)
def test_a_hair_of_noise_does_not_blind_an_attack(metric: type) -> None:
    rng = np.random.default_rng(5)
    hair = TRAIN.with_columns(pl.col("x", "y") + rng.normal(0, 1e-4, TRAIN.height))
    assert {score.verdict for score in attack(metric, hair)[::2]} <= {"look", "fail"}


def test_crowds_around_training_rows_are_seen_by_density() -> None:
    rng = np.random.default_rng(6)
    near = TRAIN[np.repeat(np.arange(0, 2_000, 10), 10)]
    crowd = near.with_columns(pl.col("x", "y") + rng.normal(0, 0.02, near.height))
    assert attack(DensityRatio, crowd)[0].verdict == "fail"


def test_all_attacks_share_their_candidates() -> None:
    case = Comparison(TABLE, TRAIN, FRESH, HOLDOUT, streams=Streams(4))
    trial = gather(case)
    assert not isinstance(trial, str)
    assert gather(case) is trial
    assert trial.members.height == trial.strangers.height == 800
    assert TRAIN[trial.rows].equals(trial.members)
    assert HOLDOUT[trial.stranger_rows].equals(trial.strangers)
    # the isolated lie farther from other rows than every other candidate
    others = np.setdiff1d(np.arange(1_600), trial.isolated)
    assert trial.known[trial.isolated, 0].min() >= trial.known[others, 0].max()


def test_several_nearest_are_those_of_a_plain_search() -> None:
    ours, theirs = place([HOLDOUT[:50], TRAIN[:1_200]], TABLE.columns, 2)
    total = np.zeros((50, 1_200), np.float32)
    for left, right in zip(ours.codes, theirs.codes, strict=True):
        total += left[:, None] != right
    for left, right in zip(ours.numbers, theirs.numbers, strict=True):
        total += np.minimum(np.abs(left[:, None] - right), 1)
    np.testing.assert_array_equal(nearest_several(ours, theirs, 7), np.sort(total, axis=1)[:, :7])
    few = nearest_several(ours, theirs.take(np.arange(3)), 7)
    assert np.isfinite(few).sum(axis=1).tolist() == [3] * 50


def test_wrong_decimals_do_not_give_synthetic_rows_away() -> None:
    real = np.array([[0.0], [1.0], [2.0], [np.nan]])
    moved = _snap([np.array([[0.4], [1.6], [9.0], [np.nan]]), real], real, np.array([False]))[0]
    np.testing.assert_array_equal(moved[:, 0], [0.0, 2.0, 2.0, np.nan])


def test_the_exact_test_counts_as_chance_does() -> None:
    # 3 members before the first of 3 strangers: 3! 3! / 6! of all orders
    found = Suspicion(np.arange(6.0), np.array([False] * 3 + [True] * 3))
    assert found.chance() == pytest.approx(1 / 20)
    # nobody before the first stranger happens always
    assert Suspicion(-found.scores, found.inside).chance() == 1.0
    assert judge_caught(found) == "pass"


def test_tests_by_ranks_accuse_no_more_often_than_they_say() -> None:
    rng = np.random.default_rng(7)
    inside = np.repeat([True, False], 60)
    caught, ranked = [], []
    for _ in range(1_500):
        found = Suspicion(np.round(rng.normal(size=120), 1), inside)
        caught.append(found.chance())
        ranked.append(found.ranked())
    # 15 of 1,500 are expected below 0.01; 29 or more have a chance of 0.1 %
    assert np.sum(np.array(caught) < 0.01) < 29
    assert 3 < np.sum(np.array(ranked) < 0.01) < 29


def test_intervals_cover_known_truth() -> None:
    rng = np.random.default_rng(8)
    members = np.repeat([True, False], [400, 400])
    rates, areas = 0, 0
    # P(N(1, 1) > z) where P(N(0, 1) > z) = 0.01, and P(N(1, 1) > N(0, 1))
    true_rate, true_area = norm.sf(norm.isf(0.01) - 1), norm.cdf(1 / np.sqrt(2))
    for _ in range(300):
        found = Suspicion(rng.normal(size=800) + members, members)
        low, high = found.caught()[1]
        rates += low <= true_rate <= high
        low, high = area_interval(found.scores, members)[1]
        areas += low <= true_area <= high
    # 285 of 300 are expected, with a standard deviation of 3.8: three of them below, and a wide interval is no sin
    assert rates >= 273
    assert 273 <= areas <= 297


def test_the_interval_leaves_out_what_the_exact_test_rules_out() -> None:
    inside = np.repeat([True, False], 150)
    # with 150 strangers the threshold that 1 % of them pass is all but unknown, but not that guessing is ruled out
    copied = Suspicion(np.where(inside, 2.0, 1.0) + np.linspace(0, 0.5, 300), inside)
    value, (low, high) = copied.caught()
    assert (value, low, high) == (1.0, 0.01, 1.0)
    guessed = Suspicion(np.arange(300.0), np.tile([True, False], 150))
    assert guessed.caught()[1][0] == 0.0
