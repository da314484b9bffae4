"""How likely a model finds rows: closed forms, planted outliers, and the two metrics that stand on it."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run
from simulacra.errors import OptionError, SchemaViolation
from simulacra.metric import Comparison, Score
from simulacra.metrics._shapes import kolmogorov
from simulacra.metrics.fidelity.plausibility import KOLMOGOROV_MEAN, Plausibility, _judge
from simulacra.metrics.privacy.likelihood import LikelihoodRatio
from simulacra.plausibility import FLOOR, judge_rows, measure_density
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Table


def shop(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    net = rng.integers(10, 200, rows)
    tax = rng.integers(1, 40, rows)
    region = rng.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2])
    return pl.DataFrame({
        "id": np.arange(rows),
        "region": region,
        "code": pl.Series(region).replace_strict({"north": "007", "south": "008", "west": "009"}),
        "member": rng.random(rows) < np.where(region == "west", 0.9, 0.1),
        "net": net,
        "tax": tax,
        "gross": net + tax,
        "paid": pl.Series(rng.normal(50, 5, rows)).round(2).set(pl.Series(rng.random(rows) < 0.1), None),
    })  # fmt: skip


@cache
def model() -> sim.Synthesizer:
    return sim.fit(shop(3_000, 0), seed=1)


def with_values(**values: object) -> pl.DataFrame:
    """A plausible row, with some values changed."""
    row = {
        "id": 1,
        "region": "north",
        "code": "007",
        "member": False,
        "net": 100,
        "tax": 20,
        "gross": 120,
        "paid": 50.0,
    }
    return pl.DataFrame({name: [value] for name, value in {**row, **values}.items()})


def test_probabilities_of_all_rows_that_can_be_add_up_to_one() -> None:
    rng = np.random.default_rng(0)
    a = rng.choice(["x", "y", "z"], 2_000)
    frame = pl.DataFrame(
        {
            "a": a,
            "b": np.where(rng.random(2_000) < 0.8, a == "x", rng.random(2_000) < 0.5),
            "n": rng.integers(0, 5, 2_000),
        }
    )
    fitted = sim.fit(frame, seed=0)
    every = list(itertools.product("xyz", [False, True], range(5)))
    found = measure_density(fitted, pl.DataFrame(every, schema=frame.schema, orient="row"))
    # the chance of a walk that goes on after almost all of it is used up is left out: below 1e-3 for each column
    assert np.exp(found.rows).sum() == pytest.approx(1.0, abs=3e-3)
    # the mean over rows of the data is minus the entropy: 60 cells, each share known to sqrt(p / n)
    shares = frame.group_by(frame.columns).len()["len"].to_numpy() / 2_000
    assert measure_density(fitted, frame).rows.mean() == pytest.approx(
        (shares * np.log(shares)).sum(), abs=0.05
    )


def test_a_share_is_what_a_level_gets() -> None:
    found = measure_density(
        model(), pl.concat([with_values(region=r, code=c) for r, c in (("north", "007"), ("west", "009"))])
    )
    # the column drawn first is not known, so region and code together: one of them says all
    both = (found.columns["region"] + found.columns["code"] + found.columns["member"]).to_numpy()
    expected = np.log([0.5 * 0.9, 0.2 * 0.1])
    # 4 standard errors of the log of a share p of 3,000 rows are 4 sqrt((1 - p) / 3000 p), .51 for p = .02
    np.testing.assert_allclose(both, expected, atol=0.51)


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"region": "east"}, "region"),
        ({"net": 100_000, "gross": 100_020}, "net"),
        ({"gross": 121}, "gross"),
        ({"paid": 900.0}, "paid"),
        ({"member": None}, "member"),
    ],
    ids=["level never seen", "out of range", "broken sum", "far away", "missing where nothing is"],
)
def test_what_can_not_be_drawn_is_named(values: dict[str, object], column: str) -> None:
    assert measure_density(model(), with_values()).rows[0] > FLOOR
    found = measure_density(model(), with_values(**values))
    assert found.columns[column][0] == FLOOR
    judged = judge_rows(model(), with_values(**values), draws=500).row(0, named=True)
    assert judged["percentile"] == 0.0
    # what follows from a strange value is not blamed as well
    assert judged["column"] == column
    assert (found.columns.row(0).count(FLOOR)) == 1


def test_a_rare_combination_is_less_plausible_than_a_common_one() -> None:
    common, rare = measure_density(model(), pl.concat([with_values(), with_values(member=True)])).rows
    # .9 against .1 in truth; the log of the ratio of shares is known to 4 x .06 from 1,500 rows, and back-off blurs it
    assert common - rare == pytest.approx(np.log(9), abs=0.5)


def test_own_draws_spread_over_all_percentiles() -> None:
    judged = judge_rows(model(), model().sample(2_000, seed=8).polars(), draws=2_000)
    # a mean of 2,000 uniform ranks has a standard error of 29 / sqrt(2000) = .65, twice for two samples: 4 x .91
    assert judged["percentile"].mean() == pytest.approx(50, abs=3.7)
    assert judged["row"].to_list() == list(range(1, 2_001))


def test_keys_need_not_be_there_and_other_columns_are_left_aside() -> None:
    frame = shop(50, 3)
    whole = measure_density(model(), frame)
    assert whole.columns.columns == [name for name in frame.columns if name != "id"]
    assert measure_density(model(), frame.drop("id").with_columns(more=1)).columns.equals(whole.columns)
    with pytest.raises(SchemaViolation, match="'tax'"):
        measure_density(model(), frame.drop("tax"))
    assert len(measure_density(model(), frame.head(0))) == 0
    assert judge_rows(model(), frame.head(0)).is_empty()


def test_files_are_read_by_the_models_schema(tmp_path: Path) -> None:
    frame = shop(60, 4)
    # ten rows of one region alone would be guessed to be something else
    part = frame.filter(region="north").head(10)
    part.write_csv(tmp_path / "part.csv")
    path = model().save(tmp_path / "shop.sim")
    found = sim.load(path).log_density(tmp_path / "part.csv")
    assert found.columns.equals(model().log_density(part).columns)
    assert found.columns["code"].min() > FLOOR


def test_weights_say_nothing_of_a_row() -> None:
    frame = shop(500, 5).with_columns(w=pl.Series(np.random.default_rng(1).uniform(1, 3, 500)))
    fitted = sim.fit(frame, weight="w", seed=0)
    found = fitted.log_density(frame)
    assert "w" not in found.columns.columns
    assert fitted.log_density(frame.drop("w")).columns.equals(found.columns)


def test_texts_count_by_their_shape() -> None:
    texts = [f"A-{i:03}" for i in range(400)]
    fitted = sim.fit(pl.DataFrame({"t": texts, "n": np.arange(400) % 7}), seed=0, schema=None)
    assert np.isfinite(fitted.log_density(pl.DataFrame({"t": ["A-999", "?"], "n": [1, 1]})).rows).all()


def test_models_that_can_not_tell_say_so() -> None:
    fitted = sim.fit(shop(300, 6), "copula", seed=0)
    with pytest.raises(OptionError, match="'copula' can not tell how likely a row is"):
        fitted.log_density(shop(5, 0))
    with pytest.raises(OptionError, match="draws is a whole number from 1"):
        judge_rows(model(), shop(5, 0), draws=0)


# --- the metrics

TABLE = Table("t", (Column("x", "number"), Column("y", "number")))


@dataclass(frozen=True)
class Bell:
    """A likelihood of two normal columns; one that memorises adds to the rows it knows."""

    known: frozenset[float] = frozenset()
    bonus: float = 0.0

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        logs = frame.select(pl.col("x", "y") ** 2 * -0.5 - 0.92)
        return logs.with_columns(pl.col("x") + self.bonus * frame["x"].is_in(list(self.known)))

    def refit(self, frame: pl.DataFrame, seed: int) -> Bell:
        return replace(self, known=frozenset(frame["x"].to_list()))


def bells(rows: int, seed: int, spread: float = 1.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({name: rng.normal(0, spread, rows) for name in "xy"})


def case(spread: float = 1.0, bonus: float = 0.0, leaked: int = 0) -> Comparison:
    train = bells(2_000, 1)
    likelihood = Bell(frozenset(train["x"].head(leaked).to_list()), bonus)
    return Comparison(
        TABLE, train, bells(2_000, 2, spread), bells(2_000, 3), streams=Streams(4), likelihood=likelihood
    )


def scores_of(metric: sim.Metric, comparison: Comparison) -> dict[str, Score]:
    return {score.name: score for score in metric.score(comparison)}


def test_equally_plausible_rows_pass_and_too_plausible_ones_fail() -> None:
    alike, narrow = (
        scores_of(Plausibility(), case(spread))["fidelity/plausibility"] for spread in (1.0, 0.6)
    )
    assert alike.verdict == "pass"
    # the statistic's 99.9 % point at 2 x 2,000 rows is 1.95 sqrt(2 / 2000) = .062
    assert alike.value < 0.062
    # log-densities are minus half a chi-square with 2 degrees of freedom: the distance of exp(-t) from exp(-t / .36)
    # is largest at t = .36 ln(1 / .36) / (1 - .36), where it is .36; the interval's half width is about .04
    t = 0.36 * np.log(1 / 0.36) / 0.64
    assert narrow.value == pytest.approx(np.exp(-t) - np.exp(-t / 0.36), abs=0.062)
    assert narrow.verdict == "fail"
    assert narrow.baseline == pytest.approx(0.8687 * np.sqrt(2 / 2_000), rel=1e-3)


def test_the_picture_stands_for_enough_real_rows() -> None:
    detail = scores_of(Plausibility(), case())["fidelity/plausibility"].detail
    assert detail is not None
    for role, rows in (("train", 2_000), ("holdout", 2_000), ("synthetic", 2_000)):
        assert detail[role].sum() == pytest.approx(1.0)
        assert role == "synthetic" or (detail[role] * rows).min() >= 10 - 1e-9
    assert detail["low"].to_list()[1:] == detail["high"].to_list()[:-1]


def test_the_least_plausible_rows_are_shown_to_the_owner() -> None:
    comparison = case()
    odd = replace(comparison, synthetic=comparison.synthetic.vstack(pl.DataFrame({"x": [0.1], "y": [30.0]})))
    private = scores_of(Plausibility(), odd)["fidelity/plausibility"].private
    assert private is not None
    assert len(private) == 5
    assert private.row(0)[1] == "y"
    assert private["y "][0] == 30.0


def test_a_model_that_knows_some_rows_is_caught_and_one_that_knows_none_is_not() -> None:
    honest = scores_of(LikelihoodRatio(), case())
    assert honest["privacy/likelihood"].verdict == "pass"
    assert honest["privacy/likelihood/auc"].value == pytest.approx(0.5, abs=0.05)
    # 4 standard errors of the gap: the log-density of a row has variance 1
    assert abs(honest["privacy/likelihood/gap"].value) < 4 * np.sqrt(1 / 2_000 + 1 / 1_000)
    leaky = scores_of(LikelihoodRatio(), case(bonus=3.0, leaked=200))
    # exactly the 200 of 2,000 rows stand out, and the second model knows none of either kind
    assert leaky["privacy/likelihood"].value == pytest.approx(0.1, abs=0.01)
    assert leaky["privacy/likelihood"].verdict == "fail"
    assert leaky["privacy/likelihood/gap"].value > honest["privacy/likelihood/gap"].value + 0.2
    by_column = leaky["privacy/likelihood/gap"].detail
    assert by_column is not None
    assert by_column["column"][0] == "x"


def test_reasons_are_given_where_nothing_can_be_told() -> None:
    for metric in (Plausibility(), LikelihoodRatio()):
        (score,) = metric.score(replace(case(), likelihood=None))
        assert "model=" in score.words
        (score,) = metric.score(replace(case(), holdout=None))
        assert "holdout=" in score.words
        (score,) = metric.score(replace(case(), holdout=bells(20, 1)))
        assert "at least" in score.words
    frame = shop(400, 7)
    copula = sim.fit(frame, "copula", seed=0)
    names = ["fidelity/plausibility", "privacy/likelihood"]
    if not hasattr(copula.generator, "log_density"):
        report = sim.evaluate(
            frame, copula.sample(400, seed=1), holdout=shop(400, 8), model=copula, metrics=names
        )
        assert all("'copula' can not tell" in report[name].words for name in names)


@cache
def report() -> sim.Report:
    fitted = model()
    return sim.evaluate(
        shop(3_000, 0), fitted.sample(3_000, seed=2), holdout=shop(1_500, 9), model=fitted,
        metrics=["fidelity/plausibility", "privacy/likelihood"],
    )  # fmt: skip


def test_evaluate_asks_the_model_that_made_the_rows() -> None:
    assert {score.name for score in report()} == {
        "fidelity/plausibility", "privacy/likelihood", "privacy/likelihood/auc", "privacy/likelihood/gap",
    }  # fmt: skip
    assert report()["fidelity/plausibility"].verdict == "pass"
    assert "made by model 'trees', privacy 'balanced'." in report().notes


def test_strict_models_know_their_rows_less() -> None:
    gaps = {}
    for level in ("strict", "fidelity"):
        fitted = sim.fit(shop(3_000, 0), seed=1, privacy=level)
        known, unknown = (fitted.log_density(shop(3_000, seed)).rows for seed in (0, 9))
        gaps[level] = known.mean() - unknown.mean()
    assert gaps["strict"] < gaps["fidelity"]


def test_the_page_has_the_picture_and_no_row_but_for_the_owner(tmp_path: Path) -> None:
    page = report().save(tmp_path / "a.html").read_text(encoding="utf-8")
    assert 'data-chart="plausibility"' in page
    chart = sim.plot.plausibility(report()).to_dict()
    shown = (
        [row for values in chart["datasets"].values() for row in values]
        if "datasets" in chart
        else chart["data"]["values"]
    )
    assert {row["rows"] for row in shown} == {"unseen real", "training", "synthetic"}
    assert report()["fidelity/plausibility"].private is not None
    assert "least likely" not in page
    assert "least likely" in report().save(tmp_path / "b.html", private=True).read_text(encoding="utf-8")


def test_scores_and_levels_of_privacy_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, new, file, out = (
        str(tmp_path / name) for name in ("train.csv", "new.csv", "shop.sim", "scores.csv")
    )
    shop(1_000, 0).write_csv(train)
    pl.concat([shop(20, 1), with_values(gross=999)]).write_csv(new)
    assert run(["fit", train, "--privacy", "strict", "--seed", "1", "-o", file]) == 0
    assert "(privacy strict)" in capsys.readouterr().err
    assert sim.load(file).provenance["options"]["privacy"] == "strict"
    assert run(["score", file, new, "-o", out]) == 0
    assert pl.read_csv(out).columns == ["row", "log_density", "percentile", "column", "surprise"]
    capsys.readouterr()
    assert run(["score", file, new, "--top", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 21
    assert told["scores"][0]["row"] == 21
    assert told["scores"][0]["column"] == "gross"
    assert run(["score", file, new, "--top", "2", "-q"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_levels_of_privacy_are_refused_where_there_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, file = str(tmp_path / "train.csv"), str(tmp_path / "shop.sim")
    shop(100, 0).write_csv(train)
    for more, said in (
        (["-m", "copula", "--privacy", "strict"], "has no levels of privacy"),
        (["--privacy", "strictly"], "did you mean 'strict'"),
        (["--privacy", "strict", "--set", "privacy=balanced"], "both set the level of privacy"),
    ):
        assert run(["fit", train, "-o", file, *more]) == 2
        assert said in capsys.readouterr().err


def test_few_real_rows_are_as_plausible_as_others() -> None:
    rng = Streams(3).stream("rows")
    verdicts = []
    for _ in range(2_000):
        value = kolmogorov(rng.normal(size=50), rng.normal(size=50))
        verdicts.append(_judge(value, KOLMOGOROV_MEAN * 0.2, (50, 50), Plausibility.limits))
    # at most 1e-4 each, so more than three of 2,000 have a chance below 1e-4
    assert len(verdicts) - verdicts.count("pass") <= 3
    apart = kolmogorov(rng.normal(size=50), rng.normal(3.0, size=50))
    assert _judge(apart, KOLMOGOROV_MEAN * 0.2, (50, 50), Plausibility.limits) == "fail"
