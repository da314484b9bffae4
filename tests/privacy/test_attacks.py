"""The attack by nearest records and the distances to them, against closed forms and against planted leaks."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_curve

from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._neighbours import nearest, place
from simulacra.metrics._roc import caught, members_above
from simulacra.metrics.privacy.distances import Distances
from simulacra.metrics.privacy.membership import Membership
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Table

TABLE = Table(
    "people",
    (
        Column("x", "number"),
        Column("y", "number", nullable=True),
        Column("c", "category"),
        Column("d", "date"),
    ),
)


def people(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    y = pl.Series(x + rng.normal(size=rows)).set(pl.Series(rng.random(rows) < 0.1), None)
    levels = pl.Series(rng.integers(0, 6, rows)).cast(pl.String)
    days = pl.Series(rng.integers(15_000, 16_000, rows)).cast(pl.Int32).cast(pl.Date)
    return pl.DataFrame({"x": x, "y": y, "c": levels, "d": days})


TRAIN, HOLDOUT, FRESH = people(4_000, 1), people(2_000, 2), people(4_000, 3)


def run(metric: type[Metric], fake: pl.DataFrame, **changes: object) -> list[Score]:
    fields = {"train": TRAIN, "holdout": HOLDOUT, "streams": Streams(3)} | changes
    return list(metric().score(Comparison(TABLE, synthetic=fake, **fields)))  # type: ignore[arg-type]


@pytest.mark.parametrize("columns", [["x"], ["c"], ["x", "y", "c", "d"], ["x", "y", "c", "d"] * 3])
def test_the_nearest_record_is_that_of_a_plain_search(columns: list[str]) -> None:
    kinds = {column.name: column for column in TABLE.columns}
    frames = [HOLDOUT[:300], TRAIN[:1_500]]
    ours, theirs = place(frames, [kinds[name] for name in columns], 2)
    found = nearest(ours, theirs)
    total = np.zeros((300, 1_500), np.float32)
    for left, right in [*zip(ours.codes, theirs.codes, strict=True)]:
        total += left[:, None] != right
    for left, right in [*zip(ours.numbers, theirs.numbers, strict=True)]:
        total += np.minimum(np.abs(left[:, None] - right), 1)
    np.testing.assert_array_equal(found.distance, total.min(axis=1))
    np.testing.assert_array_equal(total[np.arange(300), found.index], found.distance)
    np.testing.assert_array_equal(found.ties, (total == found.distance[:, None]).sum(axis=1))


def test_distance_is_gower_s() -> None:
    frame = pl.DataFrame(
        {"x": [0.0, 10.0, 5.0, None, 1e9], "c": ["a", "b", "a", None, "a"]},
        schema={"x": pl.Float64, "c": pl.String},
    )
    columns = [Column("x", "number"), Column("c", "category")]
    real, query = place([frame[:2], frame[2:]], columns, 1)
    # half the range away; missing is far from all levels and numbers; beyond the range counts 1 at most
    np.testing.assert_allclose(nearest(query, real.take(np.array([0]))).distance, [0.5, 2.0, 1.0])
    assert nearest(query.take(np.array([1])), query).distance[0] == 0.0


def test_caught_members_are_read_off_the_roc_curve() -> None:
    rng = np.random.default_rng(0)
    members = np.repeat([True, False], 5_000)
    scores = rng.normal(size=10_000) + members
    value, (low, high) = caught(scores, members, 0.01)
    false, true, _ = roc_curve(members, scores, drop_intermediate=False)
    assert value == pytest.approx(np.interp(0.01, false, true), abs=1e-3)
    # P(N(1, 1) > z) where P(N(0, 1) > z) = 0.01
    assert low < 0.0924 < high
    assert high - low < 0.05


@pytest.mark.parametrize("levels", [2, 50, None])
def test_guessing_catches_one_in_a_hundred_however_few_strangers_and_levels(levels: int | None) -> None:
    rng = np.random.default_rng(1)
    members = np.repeat([True, False], 40)
    values = []
    for _ in range(2_000):
        scores = rng.normal(size=80) if levels is None else rng.integers(0, levels, 80).astype(float)
        values.append(caught(scores, members, 0.01)[0])
    # 0.01 in expectation; five standard errors of the mean of 2,000 draws
    assert abs(np.mean(values) - 0.01) < 5 * np.std(values) / np.sqrt(2_000) + 1e-9


def test_ties_count_by_their_expectation() -> None:
    scores = np.array([2.0, 1.0, 1.0, 1.0, 0.0])
    members = np.array([True, True, True, False, False])
    # one member above all; of the two that tie with a stranger one is above it on average
    np.testing.assert_allclose(members_above(scores, members), [0.0, 2 / 3, 1.0])


def test_fresh_real_rows_are_no_leak() -> None:
    for score in run(Membership, FRESH):
        assert score.verdict == "pass", score.name
        assert score.interval[0] <= score.baseline <= score.interval[1]
    (score,) = run(Distances, FRESH)
    assert score.verdict == "info"
    assert score.interval[0] <= 0 <= score.interval[1]


def test_copies_and_blurred_copies_are_found() -> None:
    caught, isolated, auc = run(Membership, TRAIN)
    assert caught.value > 0.95
    assert auc.value > 0.95
    assert {score.verdict for score in (caught, isolated, auc)} == {"fail"}
    (far,) = run(Distances, TRAIN)
    assert far.value == pytest.approx(1.0, abs=0.01)
    blurred = TRAIN.with_columns(pl.col("x") + np.random.default_rng(5).normal(0, 0.01, TRAIN.height))
    assert run(Membership, blurred)[0].verdict == "fail"
    assert run(Distances, blurred)[0].value > 0.8


def test_a_leak_of_a_few_shows_at_low_false_alarms_and_not_in_the_mean() -> None:
    few = pl.concat([FRESH[:-120], TRAIN[:120]])
    caught, _, auc = run(Membership, few)
    # 3 % of the members are copied and named for sure, beside the 1 % that guessing names
    assert caught.verdict == "look"
    assert caught.value == pytest.approx(0.04, abs=0.012)
    assert auc.verdict == "pass"


def test_a_copied_share_is_the_excess() -> None:
    half = pl.concat([FRESH[:2_000], TRAIN[:2_000]])
    (score,) = run(Distances, half)
    assert score.interval[0] < 0.5 < score.interval[1]
    assert score.detail["sets"].to_list() == [2, 1]


def test_intervals_of_distances_hold_for_perfect_data() -> None:
    pool = people(2_700, 7)
    outside, values, margins = 0, [], []
    for seed in range(60):
        order = np.random.default_rng(seed).permutation(2_700)
        train, holdout, fake = pool[order[:1_200]], pool[order[1_200:1_700]], pool[order[1_700:]]
        (score,) = run(Distances, fake, train=train, holdout=holdout, streams=Streams(seed))
        outside += not score.interval[0] <= 0 <= score.interval[1]
        values.append(score.value)
        margins.append(score.interval[1] - score.value)
    # 5 % of 60 is 3; 9 or more has a chance of 0.2 %
    assert outside < 9
    # the standard deviation of 60 draws has an error of 9 %: three of them to either side
    assert 0.73 < np.mean(margins) / 1.96 / np.std(values, ddof=1) < 1.27


def test_ties_are_half_and_equal_rows_leave_nothing_to_see() -> None:
    values = {"x": [1.0], "y": [None], "c": ["a"], "d": FRESH["d"][:1]}
    same = pl.concat([pl.DataFrame(values, schema=TRAIN.schema)] * 300)
    (score,) = run(Distances, same, train=same, holdout=same)
    assert score.value == 0.0
    caught, _, auc = run(Membership, same, train=same, holdout=same)
    assert caught.value == pytest.approx(0.01)
    assert auc.value == 0.5


def test_without_a_holdout_both_say_how_to_give_one() -> None:
    for metric in (Membership, Distances):
        (score,) = run(metric, FRESH, holdout=None)
        assert score.verdict == "not computed"
        assert "--holdout" in score.words


def test_what_is_left_out_for_the_cost_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulacra.metrics._attack.PAIR_CELLS", 10_000_000)
    monkeypatch.setattr("simulacra.metrics.privacy.distances.PAIR_CELLS", 10_000_000)
    assert "A random 208 candidates of each kind were used" in run(Membership, FRESH)[0].words
    assert "A random 416 synthetic rows were used" in run(Distances, FRESH)[0].words


def test_threads_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(Distances, FRESH)[0].value
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert run(Distances, FRESH)[0].value == first
