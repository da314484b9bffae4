"""Copies of training rows: planted ones are found, and chance ones are not held against anybody."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from simulacra.metric import Comparison, Score
from simulacra.metrics._copies import find_copies
from simulacra.metrics.privacy.copies import Copies
from simulacra.schema.types import Column, Table

TABLE = Table(
    "people", (Column("pay", "number"), Column("age", "number", integer=True), Column("town", "category"))
)
COARSE = Table("coarse", (Column("age", "number", integer=True), Column("town", "category")))


def people(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "pay": rng.lognormal(7, 3, rows),
            "age": rng.integers(18, 90, rows),
            "town": rng.choice(["a", "b", "c"], rows),
        }
    )


def run(train: pl.DataFrame, fake: pl.DataFrame, holdout: pl.DataFrame, table: Table = TABLE) -> Score:
    return Copies().score(Comparison(table, train, fake, holdout))[0]


def rate(score: Score, copies: str, side: str = "synthetic") -> float:
    return float(score.detail.filter(copies=copies)[side][0])


@pytest.mark.parametrize(
    ("rows", "copied", "holdout"), [(4_000, 40, 1_000), (4_000, 40, 2_000), (100_000, 100, 25_000)]
)
def test_a_few_exact_copies_are_never_a_pass(rows: int, copied: int, holdout: int) -> None:
    train = people(rows, 1)
    fake = pl.concat([train[:copied], people(rows - copied, 2)])
    score = run(train, fake, people(holdout, 3))
    assert score.verdict == "look"
    assert score.value == pytest.approx(copied / rows, rel=0.1)
    assert score.detail.filter(copies="exact")["chance"][0] < 0.01
    assert "copied beyond chance" in score.words


def test_a_hair_of_noise_is_found_where_huge_values_stretch_the_range() -> None:
    train, holdout = people(3_000, 1), people(1_500, 2)
    hair = train.with_columns(pl.col("pay") * (1 + np.random.default_rng(3).normal(0, 1e-4, 3_000)))
    score = run(train, hair, holdout)
    # by the range alone unseen rows are near training rows as well
    assert rate(score, "near", "holdout") > 0.5
    assert rate(score, "exact") == 0.0
    assert score.verdict == "fail"
    assert rate(score, "close", "excess") > 0.5


def test_tables_of_few_levels_pass_and_their_copies_do_not() -> None:
    frames = [people(n, seed).select("age", "town") for seed, n in enumerate((1_000, 1_000, 500))]
    train, fresh, holdout = frames
    score = run(train, fresh, holdout, COARSE)
    assert rate(score, "exact", "holdout") > 0.9
    assert score.verdict == "pass"
    assert run(train, train, holdout, COARSE).verdict == "fail"


def test_copies_of_rows_that_occur_once_are_told_apart() -> None:
    rare = people(500, 1)
    common = pl.concat([people(1, 2)] * 500)
    train = pl.concat([rare, common])
    fake = pl.concat([rare[:100], common[:300], people(600, 3)])
    score = run(train, fake, pl.concat([people(250, 4), common[:250]]))
    assert rate(score, "exact") == pytest.approx(0.4)
    assert rate(score, "exact, of single rows") == pytest.approx(0.1)
    # common rows are in the holdout as often, so only those that occur once can raise the alarm
    assert rate(score, "exact", "excess") < 0
    assert score.verdict == "fail"
    assert "occur only once" in score.words
    first = score.private.row(0, named=True)
    assert first["times_in_train"] == 1
    assert first["train: pay"] == first["synthetic: pay"] == train["pay"][first["train_row"] - 1]


def test_one_outlier_in_a_copy_changes_nothing() -> None:
    train, holdout = people(1_000, 1), people(500, 2)
    outlier = train[:1].with_columns(pl.col("pay") * 1e9)
    score = run(train, pl.concat([train, outlier]), holdout)
    assert score.value == pytest.approx(1.0, abs=0.002)


def test_constants_are_copies_of_each_other_and_say_so() -> None:
    same = pl.concat([people(1, 1)] * 100)
    score = run(same, same, same)
    assert score.verdict == "not computed"
    assert "can not be told from chance" in score.words


def test_too_few_rows_to_tell_a_copy_from_chance_are_no_pass() -> None:
    train, holdout = people(3, 1), people(3, 2)
    for fake in (train, people(3, 3)):
        score = run(train, fake, holdout)
        assert score.verdict == "not computed"
        assert "too few rows to tell a copy from chance" in score.words
    assert run(people(30, 1), people(30, 1), people(30, 2)).verdict == "fail"


def test_a_copy_too_few_for_an_alarm_passes_with_what_would_have_been_seen() -> None:
    train = people(1_000, 1)
    score = run(train, pl.concat([train[:1], people(999, 2)]), people(500, 3))
    assert score.verdict == "pass"
    assert rate(score, "exact, of single rows") == 0.001
    assert score.words.startswith("No leak found by this attack")
    assert "it would have seen " in score.words
    assert score.detail.filter(copies="exact")["detectable"][0] < 0.05


def test_groups_of_equal_rows_count_as_groups() -> None:
    train = pl.concat([people(50, 1), *[people(1, 5)] * 4, *[people(1, 6)] * 2])
    found = find_copies(train, [train], TABLE.columns)
    # six rows in groups of 4, 4, 4, 4, 2 and 2: of 10/3 on average
    assert found.twins() == (round(6 / (10 / 3)), int(56 / (10 / 3)))
    np.testing.assert_array_equal(found.frames[0].exact[:50], np.arange(50))


def test_unseen_rows_raise_no_alarm_and_intervals_hold() -> None:
    inside = alarms = 0
    for seed in range(60):
        frames = [people(n, 1_000 * seed + n).select("age", "town") for n in (300, 301, 150)]
        score = run(*frames, COARSE)
        alarms += score.verdict != "pass"
        low, high = score.detail.filter(copies="exact").select("low", "high").row(0)
        inside += low <= 0 <= high
    assert alarms == 0
    # 57 of 60 are expected; 51 or fewer have a chance of 1 %
    assert inside >= 51
