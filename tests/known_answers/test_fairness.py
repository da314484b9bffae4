"""The fairness audit: groups are what they should be, planted unfairness is found, and real rows pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from simulacra.metric import Comparison, Score
from simulacra.metrics._groups import FEWEST, Groups, cut, gather
from simulacra.metrics._shares import chance_of_apart, chance_of_fewer, chance_of_more, wilson
from simulacra.metrics.fairness.groups import Representation
from simulacra.metrics.fairness.likeness import Likeness
from simulacra.metrics.fairness.prediction import Prediction
from simulacra.metrics.fairness.privacy import Exposure
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Table

TABLE = Table(
    "people",
    (
        Column("sex", "category"),
        Column("origin", "category", nullable=True),
        Column("age", "number", integer=True),
        Column("pay", "number"),
        Column("good", "boolean"),
    ),
)
METRICS = (Representation, Likeness, Prediction, Exposure)


def people(rows: int, seed: int) -> pl.DataFrame:
    """Rows of one population: an outcome that depends on pay alone, pay that depends on age and sex."""
    rng = Streams(seed).stream("people")
    sex = rng.choice(["f", "m"], rows, p=[0.4, 0.6])
    origin = rng.choice(["north", "south", "isle"], rows, p=[0.7, 0.25, 0.05])
    age = rng.integers(18, 80, rows)
    pay = np.exp(0.7 * rng.normal(size=rows) + 0.01 * age + 0.2 * (sex == "m"))
    good = pay + rng.normal(size=rows) > 2.6
    lost = pl.Series(rng.random(rows) < 0.02)
    return pl.DataFrame(
        {"sex": sex, "origin": pl.Series(origin).set(lost, None), "age": age, "pay": pay, "good": good},
        schema_overrides={"age": pl.Int64},
    )


@pytest.fixture(scope="module")
def fair() -> Comparison:
    frames = people(3_000, 1), people(3_000, 2), people(1_500, 3)
    return Comparison(TABLE, *frames, targets=("good",), groups=("sex", "origin"), streams=Streams(7))


def scores(case: Comparison, *metrics: type) -> dict[str, Score]:
    return {score.name: score for metric in metrics or METRICS for score in metric().score(case)}


def synthetic(case: Comparison, **columns: pl.Expr) -> Comparison:
    return replace(case, synthetic=case.synthetic.with_columns(**columns))


# --- groups


def test_groups_are_levels_bands_and_intersections_and_small_ones_are_merged(fair: Comparison) -> None:
    groups = gather(replace(fair, groups=("sex", "origin", "age")))
    assert isinstance(groups, Groups)
    assert [part.by for part in groups.partitions] == ["sex", "origin", "age", "sex × origin × age"]
    sex, origin, age, finest = groups.partitions
    assert sex.names == ("f", "m") and origin.names == ("isle", "north", "south", "missing")
    assert len(age.names) == 4 and age.names[0].startswith("up to ") and age.names[-1].startswith("over ")
    # quartile bands of 3,000 rows of 62 ages: a band may be off by the rows of one age, about 50
    np.testing.assert_allclose(age.counts()[0], 750, atol=60)
    assert finest.names[-1] == "others" and finest.merged > 0
    assert (finest.counts()[0][:-1] >= FEWEST).all()
    np.testing.assert_array_equal(finest.counts().sum(axis=1), [3_000, 3_000, 1_500])
    assert "merged" in groups.note()


def test_a_level_that_only_synthetic_rows_have_is_a_group_of_its_own(fair: Comparison) -> None:
    odd = synthetic(fair, sex=pl.when(pl.int_range(pl.len()) < 600).then(pl.lit("x")).otherwise("sex"))
    part = gather(odd).partitions[0]  # type: ignore[union-attr]
    assert part.names == ("f", "m", "others")
    np.testing.assert_array_equal(part.counts()[:, 2], [0, 600, 0])
    assert scores(odd, Representation)["fairness/groups"].verdict == "fail"


def test_a_number_of_few_values_is_taken_value_by_value() -> None:
    values = pl.Series([0.0, 1.0, 1.0, None, 3.0])
    names, (codes, beyond) = cut(Column("n", "number"), [values, pl.Series([9.0, -1.0])])
    assert names == ["0", "1", "3", "missing"]
    assert codes.tolist() == [0, 1, 1, 3, 2] and beyond.tolist() == [2, 0]


def test_without_groups_every_metric_says_how_to_name_them(fair: Comparison) -> None:
    found = scores(replace(fair, groups=()))
    assert {score.verdict for score in found.values()} == {"not computed"}
    assert all("--group" in score.words for score in found.values())


def test_without_a_target_or_a_holdout_what_can_be_done_is_done(fair: Comparison) -> None:
    bare = scores(replace(fair, targets=(), holdout=None))
    done = {name for name, score in bare.items() if score.verdict != "not computed"}
    assert done == {"fairness/groups", "fairness/groups/lost", "fairness/likeness"}
    assert all(bare[name].baseline is None for name in done)


# --- exact tests


def test_exact_chances_against_a_closed_form() -> None:
    # 3 of 3 against 0 of 3: one of the 20 ways to choose 3 of 6
    three, none = np.array(3), np.array(0)
    assert chance_of_more(three, three, none, three) == pytest.approx(1 / 20)
    assert chance_of_fewer(none, three, three, three) == pytest.approx(1 / 20)
    assert chance_of_apart(none, three, three, three) == pytest.approx(1 / 10)
    assert chance_of_apart(three, three, three, three) == 1


def test_wilson_intervals_hold_the_share_and_bare_groups_tell_nothing() -> None:
    low, high = wilson(np.array([0, 5, 10, 0]), np.array([10, 10, 10, 0]))
    np.testing.assert_allclose(low, [0, 0.2366, 0.7225, 0], atol=1e-4)
    np.testing.assert_allclose(high, [0.2775, 0.7634, 1, 1], atol=1e-4)


# --- verdicts


def test_unseen_real_rows_pass_everything(fair: Comparison) -> None:
    found = scores(fair)
    assert len(found) == 8
    assert {score.verdict for score in found.values()} == {"pass"}
    assert all(score.baseline is not None and score.title and score.interval for score in found.values())


def test_real_rows_hardly_ever_raise_an_alarm() -> None:
    # each verdict errs once in 10,000 draws: of 40 draws of 4 scores one would be seen with a chance of 2 %
    for seed in range(40):
        frames = people(240, 3 * seed), people(240, 3 * seed + 1), people(120, 3 * seed + 2)
        case = Comparison(TABLE, *frames, targets=("good",), groups=("sex", "age"), streams=Streams(seed))
        metrics = (Representation, Exposure)
        assert {score.verdict for score in scores(case, *metrics).values()} <= {"pass", "not computed"}, seed


def test_a_group_that_was_dropped_is_found(fair: Comparison) -> None:
    gone = replace(fair, synthetic=fair.synthetic.filter(pl.col("origin").ne_missing("isle")))
    found = scores(gone, Representation)
    assert found["fairness/groups/lost"].value == 1.0
    assert found["fairness/groups/lost"].verdict == "fail"
    assert "'isle'" in found["fairness/groups/lost"].words
    # an exact figure: all of the isle's share has to move
    isle = (fair.train["origin"] == "isle").sum() / fair.train.height
    one = scores(replace(gone, groups=("origin",)), Representation)["fairness/groups"]
    assert one.value == pytest.approx(isle, abs=0.02)  # twice the sampling error of a share of 3,000 rows


def test_another_outcome_in_one_group_is_found_in_rates_and_in_models(fair: Comparison) -> None:
    biased = synthetic(fair, good=pl.col("good") & ((pl.col("sex") == "m") | (pl.col("age") % 4 == 0)))
    found = scores(biased, Representation, Prediction)
    assert found["fairness/groups"].verdict == "pass"
    assert found["fairness/groups/rates"].verdict == "fail"
    assert "group 'f'" in found["fairness/groups/rates"].words
    assert found["fairness/prediction/odds"].verdict == "fail"
    worst = found["fairness/prediction/odds"].detail.sort("growth").row(-1, named=True)  # type: ignore[union-attr]
    assert worst["lowest"].startswith("f")
    detail = found["fairness/prediction"].detail
    assert detail is not None
    women = detail.filter(by="sex", group="f").row(0, named=True)
    assert women["predicted_synthetic"] < women["predicted_real"]
    assert women["tpr_synthetic"] < women["tpr_real"]


def test_shuffled_labels_change_the_rates(fair: Comparison) -> None:
    mixed = synthetic(fair, good=pl.col("good").shuffle(seed=1))
    # the pay gap between the sexes is gone from the outcome; the sexes' own rates were 6 points apart or more
    assert scores(mixed, Representation)["fairness/groups/rates"].value > 0.02


def test_a_group_made_worse_than_the_others_is_found(fair: Comparison) -> None:
    south = pl.col("origin") == "south"
    worse = synthetic(fair, pay=pl.when(south).then(pl.col("pay").max() - pl.col("pay")).otherwise("pay"))
    score = scores(worse, Likeness)["fairness/likeness"]
    assert score.verdict == "fail" and "south" in score.words
    assert score.value > 0.15


def test_copies_of_one_group_are_found_and_a_copy_of_everybody_exposes_no_group_more(
    fair: Comparison,
) -> None:
    isle = pl.col("origin").eq_missing("isle")
    one = replace(fair, synthetic=pl.concat([fair.synthetic.filter(~isle), fair.train.filter(isle)]))
    found = scores(one, Exposure)
    assert [score.verdict for score in found.values()] == ["fail", "fail"]
    assert "isle" in found["fairness/privacy"].words
    assert found["fairness/privacy"].value > 0.9
    every = scores(replace(fair, synthetic=fair.train), Exposure)
    assert {score.verdict for score in every.values()} == {"pass"}
    assert "everybody else 100 %" in every["fairness/privacy"].words


def test_one_outlier_moves_nothing(fair: Comparison) -> None:
    outlier = fair.synthetic.head(1).with_columns(pay=pl.lit(1e9), age=pl.lit(10**6, pl.Int64))
    spoilt = replace(fair, synthetic=pl.concat([fair.synthetic, outlier]))
    metrics = (Representation, Prediction, Exposure)
    before, after = (scores(replace(case, groups=("sex", "age")), *metrics) for case in (fair, spoilt))
    for name, score in after.items():
        # one row more draws other samples, so that two estimates of one thing may differ by their interval
        low, high = score.interval or (0.0, 0.0)
        assert score.verdict == "pass"
        assert abs(score.value - before[name].value) <= max(0.01, high - low), name


# --- numbers, classes, privacy of the detail


def test_a_number_to_predict_gives_gaps_in_standard_deviations(fair: Comparison) -> None:
    unequal = synthetic(fair, pay=pl.when(pl.col("sex") == "m").then(pl.col("pay") + 3).otherwise("pay"))
    found = scores(replace(unequal, targets=("pay",)), Prediction, Representation)
    assert found["fairness/prediction"].verdict == "fail"
    assert "standard deviations" in found["fairness/prediction"].words
    assert found["fairness/groups/rates"].verdict == "fail"


def test_outcomes_of_a_sensitive_target_are_numbered(fair: Comparison) -> None:
    hidden = replace(
        fair, table=TABLE.with_column("origin", sensitive=True), targets=("origin",), groups=("sex",)
    )
    shown = scores(hidden, Representation)["fairness/groups/rates"]
    assert shown.detail is not None
    assert not {"isle", "north", "south"} & set(shown.detail["outcome"])
    assert "isle" not in shown.words


def test_no_share_of_a_few_real_rows_is_shown(fair: Comparison) -> None:
    tiny = replace(fair, train=fair.train.with_columns(good=pl.int_range(pl.len()) < 12))
    detail = scores(tiny, Representation)["fairness/groups/rates"].detail
    assert detail is not None
    counts = detail.drop_nulls("real").select(pl.col("real") * pl.col("rows")).to_series()
    assert ((counts < 1e-9) | (counts > 9.99)).all()
    assert detail["real"].null_count() > 0
