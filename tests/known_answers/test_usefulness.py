"""Usefulness: predictions, importance, coefficients, queries and a user's analysis against planted defects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from simulacra.errors import OptionError
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._accuracy import Spread
from simulacra.metrics._learners import predictions
from simulacra.metrics._linear import fit_logistic, fit_numbers, moments
from simulacra.metrics._sql import check_query
from simulacra.metrics.utility.coefficients import Coefficients
from simulacra.metrics.utility.importance import Importance, _judge, _Overlap, _Trial
from simulacra.metrics.utility.queries import Queries
from simulacra.metrics.utility.task import Analysis
from simulacra.metrics.utility.transfer import Transfer
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Table

TABLE = Table(
    "loans",
    (
        Column("pay", "number"),
        Column("age", "number"),
        Column("town", "category"),
        Column("paid", "boolean"),
        Column("sum", "number"),
    ),
)
QUERIES = {
    "towns": "select town, count(*) as n, avg(pay) as pay from loans group by town",
    "whole": "select avg(age) as age, sum(sum) as total, corr(pay, sum) as link from data",
}


def make(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    pay, age = rng.normal(size=(2, rows))
    town = rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
    return pl.DataFrame(
        {
            "pay": pay,
            "age": age,
            "town": town,
            "paid": pay + (town == "b") + rng.logistic(size=rows) > 0,
            "sum": 2 * pay - age + rng.normal(size=rows),
        }
    )


def analyse(rows: pl.DataFrame) -> dict[str, float]:
    return {"link": float(np.corrcoef(rows["pay"], rows["sum"])[0, 1]), "rows": rows.height}


TRAIN, FRESH, HOLDOUT = (make(800, seed) for seed in range(3))
CASE = Comparison(
    TABLE, TRAIN, FRESH, HOLDOUT, targets=("sum",), streams=Streams(0), queries=QUERIES, task=analyse
)
METRICS: tuple[type[Metric], ...] = (Transfer, Importance, Coefficients, Queries, Analysis)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train on four pairs of halves: the defects planted here are seen in spite of the wider error."""
    monkeypatch.setattr("simulacra.metrics._accuracy.SPLITS", 4)


def shuffle(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        frame[name].sample(fraction=1, shuffle=True, seed=i) for i, name in enumerate(frame.columns)
    )


def score(metric: type[Metric], fake: pl.DataFrame, **changes: object) -> dict[str, Score]:
    return {one.name: one for one in metric().score(replace(CASE, synthetic=fake, **changes))}


def test_fresh_real_rows_pass_every_score() -> None:
    for metric in METRICS:
        for name, one in score(metric, FRESH).items():
            assert one.verdict == "pass", (name, one.words)
            assert one.title
            assert one.baseline is not None


def test_fresh_small_samples_pass() -> None:
    # one false alarm in 10,000 per score is allowed: 6 x 4 scores give none in 99.7 % of runs
    for seed in range(6):
        train, fake, holdout = (make(80, 100 + 3 * seed + i) for i in range(3))
        case = replace(CASE, train=train, synthetic=fake, holdout=holdout, streams=Streams(seed))
        for metric in (Coefficients, Queries, Analysis):
            for one in metric().score(case):
                assert one.verdict in {"pass", "not computed"}, one.words


def test_shuffled_columns_fail() -> None:
    fake = shuffle(TRAIN)
    found = {name: one for metric in METRICS for name, one in score(metric, fake).items()}
    lost = ("transfer", "transfer/linear", "transfer/forest", "importance", "task")
    assert {found[f"utility/{name}"].verdict for name in lost} == {"fail"}
    # some coefficients and answers do not depend on how columns hang together
    assert "pass" not in {found[f"utility/{name}"].verdict for name in ("coefficients", "queries")}


def test_several_targets_do_not_hide_what_is_lost() -> None:
    targets = ("sum", "pay", "age")
    fresh, lost = (
        score(Importance, fake, targets=targets)["utility/importance"] for fake in (FRESH, shuffle(TRAIN))
    )
    assert fresh.verdict == "pass"
    assert lost.verdict == "fail"
    assert "the mean over them is" in lost.words


def test_noise_is_pooled_over_targets() -> None:
    limits, resampled = Importance.limits, np.tile([0.33, 0.45], 100)  # a standard deviation of 0.06

    def trial(value: float, error: float) -> _Trial:
        detail = pl.DataFrame()
        return _Trial(None, _Overlap(value, resampled), 0.875, Spread(error, 7), detail)  # type: ignore[arg-type]

    alone = trial(0.388, 0.055)
    assert _judge([alone], limits) == "fail"
    # at 2.5e-5 for each of three targets and their mean, a spread of seven degrees of freedom explains the loss ...
    assert _judge([alone, trial(0.875, 0.055), trial(0.875, 0.055)], limits) == "pass"
    # ... and one of 21 does not
    assert _judge([alone] * 3, limits) == "fail"
    # a target that is known well counts beside one that is further off and known badly
    assert _judge([trial(0.5, 0.001), trial(0.4, 0.5)], limits) == "fail"
    assert _judge([trial(0.8, 0.055)] * 3, limits) == "pass"


def test_turned_signs_are_found_and_the_worst_target_is_shown() -> None:
    fake = FRESH.with_columns(-pl.col("sum"))
    signs = score(Coefficients, fake)["utility/coefficients/signs"]
    assert signs.verdict == "fail"
    assert signs.value == 0
    one = score(Transfer, fake, targets=("paid", "sum"))["utility/transfer"]
    assert "'sum'" in one.words
    assert one.verdict == "fail"
    assert set(one.detail["target"]) == {"paid", "sum"}


def test_one_outlier_moves_no_score() -> None:
    outlier = TRAIN.head(1).with_columns(pl.col("pay", "age", "sum") * 1e6)
    fake = pl.concat([TRAIN, outlier])
    for metric in (Importance, Coefficients):
        with_it, without = score(metric, fake), score(metric, TRAIN)
        for name, one in with_it.items():
            assert one.verdict == "pass", name
            # one row in 801 at the end of the range, 5 standard deviations out in three columns, has that much leverage
            assert one.value == pytest.approx(without[name].value, abs=0.15), name


def test_predictions_are_those_of_the_holdout_rows() -> None:
    found = predictions(CASE, "paid")
    assert not isinstance(found, str)
    assert found.real.shape == found.synthetic.shape == (800, 2)
    assert np.allclose(found.real.sum(axis=1), 1)
    classes = np.array(found.question.classes)[found.truth]
    assert (classes == HOLDOUT["paid"].cast(pl.String).to_numpy()[found.question.rows]).all()
    assert predictions(CASE, "paid").real is found.real, "models are trained once"
    assert "no column" in str(predictions(CASE, "wages"))


def test_regressions_agree_with_closed_forms() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4_000, 1))
    y = 3 + 2 * x[:, 0] + rng.normal(size=4_000)
    weights = fit_numbers(x, y)
    slope = np.cov(x[:, 0], y)[0, 1] / x.var(ddof=1)
    # the ridge of one row shrinks the slope by about 1 / 4,000
    assert weights[1] == pytest.approx(slope, rel=1e-3)
    curve, scores = moments(x, y, weights, logistic=False)
    bread = np.linalg.inv(curve)
    error = np.sqrt((bread @ scores.T @ scores @ bread)[1, 1])
    # noise of variance 1: the error of the slope is 1 / sqrt(4,000), itself known to about 1 / sqrt(8,000)
    assert error == pytest.approx(1 / np.sqrt(4_000), rel=0.05)
    group = (x > 0).astype(float)
    paid = rng.random(4_000) < np.where(group[:, 0] == 1, 0.7, 0.2)
    found = fit_logistic(group, paid)
    # 2,000 rows a side hold information 1 / (1 / 420 + 1 / 320) on the difference: the ridge takes 2.2 / 180 = 0.012
    odds = [np.log(paid[group[:, 0] == g].mean() / (1 - paid[group[:, 0] == g].mean())) for g in (0, 1)]
    assert found == pytest.approx([odds[0], odds[1] - odds[0]], abs=0.015)


def test_overlap_of_two_real_samples_is_as_expected() -> None:
    # two normal estimates of one error: 1 - E|d| / 3.92 with d of variance 2 is 0.712; the part below 0 is cut
    values = []
    for seed in range(30):
        train, fake, holdout = (make(400, 500 + 3 * seed + i) for i in range(3))
        case = replace(CASE, train=train, synthetic=fake, holdout=holdout, targets=("sum",))
        values.append(Coefficients().score(case)[0].value)
    # four coefficients each: a standard deviation of about 0.12 / sqrt(30)
    assert np.mean(values) == pytest.approx(0.714, abs=0.07)


def test_counts_are_scaled_to_the_training_rows_and_means_are_not() -> None:
    found = score(Queries, make(500, 9))["utility/queries"]
    assert found.verdict == "pass"
    detail = found.detail.filter(pl.col("query") == "towns")
    assert detail.filter(pl.col("figure") == "n")["synthetic"].sum() == pytest.approx(800)
    assert detail.filter(pl.col("figure") == "pay")["synthetic"].abs().max() < 1


def test_a_lost_group_and_a_scaled_column_are_found() -> None:
    lost = score(Queries, FRESH.filter(pl.col("town") != "c"))["utility/queries"]
    assert lost.verdict in {"look", "fail"}
    assert (
        score(Queries, FRESH.with_columns((pl.col("sum") + 3) * 1_000))["utility/queries"].verdict != "pass"
    )


def test_what_few_rows_hold_stands_with_the_owner_only() -> None:
    train = TRAIN.with_columns(
        town=pl.when(pl.int_range(pl.len()) < 2).then(pl.lit("hamlet")).otherwise("town")
    )
    queries = {**QUERIES, "top": "select max(pay) as top from data"}
    found = Queries().score(replace(CASE, train=train, queries=queries))[0]
    assert "hamlet" not in str(found.detail.rows())
    assert "hamlet" in str(found.private["group"].to_list())
    assert found.detail.filter(pl.col("query") == "top")["real"].to_list() == [None]
    # figures keep twelve digits: the rest hangs on the order in which threads add
    top = found.private.filter(pl.col("query") == "top")["real"].to_list()
    assert top == pytest.approx([train["pay"].max()], rel=1e-11)


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("drop table data", "not one SELECT"),
        ("select 1; select 2", "not one SELECT"),
        ("select (", "no SQL that can be read"),
        ("select count(*) from others", "'others'"),
        ("select count(*) from read_csv('/etc/passwd')", "something else"),
        ("select * from data", "not figures"),
        ("select avg(wage) from data", "'wage'"),
    ],
)
def test_what_is_no_question_is_refused(sql: str, why: str) -> None:
    with pytest.raises(OptionError, match="query 'q'") as error:
        check_query("q", sql, "loans", TABLE.names)
    assert why in str(error.value)
    assert Queries().score(replace(CASE, queries={"q": sql}))[0].verdict == "not computed"


def test_queries_without_an_answer_are_named() -> None:
    queries = {
        "bad": "select (",
        "unk": "select avg(wage) from data",
        "none": "select avg(pay) as pay from data where pay > 1000",
        "good": "select avg(pay) as pay from data",
    }
    found = score(Queries, FRESH, queries=queries)
    words, refused = found["utility/queries"].words, found["utility/queries/refused"]
    named = (
        "2 of 4 queries could not be asked: 'bad' is no SQL that can be read, 'unk' asks of a column 'wage'"
    )
    for said in (words, refused.words):
        assert named in said
        assert "'none' gives no figure" in said
    assert refused.verdict == "not computed"
    assert refused.asked
    assert words.startswith("Of 1 answer to your queries, 0 lie outside")
    del queries["good"]
    (alone,) = score(Queries, FRESH, queries=queries).values()
    assert alone.verdict == "not computed"
    assert "2 of 3 queries could not be asked" in alone.words
    assert list(score(Queries, FRESH)) == ["utility/queries"]


def test_one_answer_is_told_in_the_singular() -> None:
    fake = FRESH.with_columns(pl.col("pay") + 5)
    words = score(Queries, fake, queries={"q": "select avg(pay) as pay from data"})["utility/queries"].words
    assert "Of 1 answer to your queries, 1 lies outside" in words
    assert "1 is so far off" in words
    words = score(Analysis, fake, task=lambda rows: rows["pay"].mean())["utility/task"].words
    assert words.startswith("Of 1 figure of your analysis, 1 lies outside")


def test_a_column_with_quotes_in_its_name_can_be_asked_of() -> None:
    query = check_query("q", 'select avg("a ""b""") as mean from data', "t", ('a "b"', "x"))
    assert query.ask(pl.DataFrame({'a "b"': [1.0, 3.0], "x": [0.0, 0.0]})) == {("q", "", "mean"): 2.0}


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (3, "the task is no function (it is of type int); give"),
        (lambda rows: None, "the task gave a NoneType; return a number or a mapping of names to numbers"),
        (lambda rows: {"secret": "x"}, "the task gave a mapping that holds a str; return"),
    ],
)
def test_a_task_that_gives_no_number_is_told_so(task: object, why: str) -> None:
    found = score(Analysis, FRESH, task=task)["utility/task"]
    assert found.verdict == "not computed"
    assert why in found.words
    assert "secret" not in found.words


def test_a_broken_analysis_is_told_without_values() -> None:
    def break_down(rows: pl.DataFrame) -> float:
        raise KeyError("secret value")

    found = Analysis().score(replace(CASE, task=break_down))[0]
    assert found.verdict == "not computed"
    assert "KeyError" in found.words
    assert "secret" not in found.words


def test_an_extreme_is_not_held_to_the_error_of_a_mean() -> None:
    # the largest of n draws does not settle down as a mean does; 10 pairs of fresh samples must pass
    for seed in range(10):
        train, fake = make(400, 900 + 2 * seed), make(400, 901 + 2 * seed)
        case = replace(CASE, train=train, synthetic=fake, task=lambda rows: float(rows["pay"].max()))
        assert Analysis().score(case)[0].verdict == "pass"
