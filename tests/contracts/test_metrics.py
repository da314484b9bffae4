"""Every metric in the registry keeps the contract; evaluation and profiles do what they promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from simulacra import evaluation
from simulacra.errors import DataError, OptionError, UnknownName
from simulacra.evaluation import evaluate
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics.fidelity.marginals import Marginals
from simulacra.profile import profile
from simulacra.randomness import Streams
from simulacra.registry import METRICS
from simulacra.schema.types import Column, Table
from simulacra.testing.metrics import (
    check_metric,
    check_score,
    check_secrecy,
    make_case,
    make_frame,
    odd_cases,
)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detect with fewer trees, and train on fewer halves, where how well is not asked."""
    monkeypatch.setattr("simulacra.metrics.fidelity.detection.ROUNDS", 10)
    monkeypatch.setattr("simulacra.metrics._accuracy.SPLITS", 2)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", METRICS.names())
def test_contract(name: str) -> None:
    check_metric(METRICS.load(name)(), name)


@pytest.mark.usefixtures("quick")
def test_every_metric_is_scored_beside_its_ceiling() -> None:
    steps: list[float] = []
    result = evaluate(make_case(), progress=lambda share, step: steps.append(share))
    # a metric may give several scores, its headline first
    named = ["/".join(score.name.split("/")[:2]) for score in result.scores]
    assert list(dict.fromkeys(named)) == METRICS.names()
    assert set(METRICS.names()) <= {score.name for score in result.scores}
    assert all(score.baseline is not None for score in result.scores)
    assert set(result.seconds) == set(METRICS.names())
    assert result.summary["rows"] == {"train": 300, "synthetic": 300, "holdout": 300}
    assert steps == sorted(steps)
    assert steps[-1] == 1.0
    with pytest.raises(UnknownName, match="did you mean 'fidelity/pairs'"):
        result["fidelity/pair"]


def test_without_a_holdout_privacy_is_not_assessable_and_a_note_says_so() -> None:
    result = evaluate(replace(make_case(), holdout=None), metrics=["privacy/copies", "fidelity/marginals"])
    assert result["privacy/copies"].verdict == "not computed"
    assert "holdout=" in result["privacy/copies"].words
    assert result["fidelity/marginals"].baseline is None
    assert "No holdout" in result.notes[0]


def test_a_broken_metric_is_seen_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(self: Metric, case: Comparison) -> None:
        raise KeyError("secret value")

    monkeypatch.setattr(Marginals, "score", explode)
    result = evaluate(make_case(), metrics=["fidelity/marginals", "fidelity/pairs"])
    assert result["fidelity/marginals"].verdict == "not computed"
    assert "KeyError" in result["fidelity/marginals"].words
    assert "secret" not in result["fidelity/marginals"].words
    assert result["fidelity/pairs"].verdict == "pass"


def test_users_thresholds_take_the_place_of_ours() -> None:
    names = ["fidelity/marginals", "utility/transfer"]
    strict = {"fidelity/marginals": (0.0, 0.0), "utility/transfer": (1.1, 0.0)}
    result = evaluate(make_case(), metrics=names, thresholds=strict)
    assert result["fidelity/marginals"].verdict == "fail"
    assert result["utility/transfer"].verdict == "look"
    with pytest.raises(OptionError, match="Swap them"):
        evaluate(make_case(), metrics=names, thresholds={"fidelity/marginals": (0.2, 0.1)})
    with pytest.raises(UnknownName):
        evaluate(make_case(), metrics=names, thresholds={"fidelity/marginal": (0.1, 0.2)})


def test_wrong_questions_are_refused() -> None:
    case = make_case()
    with pytest.raises(UnknownName, match="no metric named 'fidelity/pear'"):
        evaluate(case, metrics=["fidelity/pear"])
    with pytest.raises(UnknownName, match="no column named"):
        evaluate(replace(case, targets=("bb",)), metrics=[])
    with pytest.raises(DataError, match="the synthetic data lack 1 of 11 columns of the schema: 'x'"):
        evaluate(replace(case, synthetic=case.synthetic.drop("x")), metrics=[])


def test_violations_of_the_schema_are_told() -> None:
    table = make_case().table.with_column("n", bounds=(0, 100))
    case = replace(make_case(), table=table)
    assert not any("'n'" in line for line in evaluate(case, metrics=[]).summary["violations"])
    spoilt = replace(case, synthetic=case.synthetic.with_columns(pl.lit(200, dtype=pl.Int64).alias("n")))
    assert any("'n'" in line for line in evaluate(spoilt, metrics=[]).summary["violations"])


def test_profile_shares_add_up_and_no_cell_shows_a_few_rows() -> None:
    case = make_case(500)
    shown = profile(case)
    assert {"id", "email"}.isdisjoint(shown["column"].to_list())
    sums = shown.group_by("column").agg(pl.col("real", "synthetic", "holdout").sum())
    np.testing.assert_allclose(sums.drop("column").to_numpy(), 1.0)
    counts = shown["real_count"].to_numpy()
    assert ((counts == 0) | (counts >= 10)).all()
    bins = shown.filter(pl.col("low").is_not_null())
    assert (bins["low"] < bins["high"]).all()
    assert bins.group_by("column").len()["len"].max() <= 30
    assert shown.filter(column="d")["label"][1].startswith("201")


def test_profile_hides_extremes_rare_levels_and_sensitive_values() -> None:
    rng = np.random.default_rng(0)
    pay = np.append(rng.integers(1_000, 2_000, 400), [987_654])
    job = ["clerk"] * 380 + ["pilot"] * 15 + ["king"] * 6
    ill = Column("ill", "category", sensitive=True)
    table = Table("t", (Column("pay", "number", integer=True), Column("job", "category"), ill))
    frame = pl.DataFrame({"pay": pay, "job": job, "ill": job})
    shown = profile(Comparison(table, frame, frame))
    assert "987" not in " ".join(shown["label"].to_list())
    assert 987_654 not in shown["high"].to_list()
    assert 987_653 not in shown["high"].to_list()
    assert "king" not in shown["label"].to_list()
    assert "clerk" not in shown.filter(column="ill")["label"].to_list()
    counts = shown["real_count"].to_numpy()
    assert ((counts == 0) | (counts >= 10)).all()


def test_profile_puts_values_outside_the_real_range_aside() -> None:
    table = Table("t", (Column("x", "number"),))
    real = pl.DataFrame({"x": np.linspace(0, 1, 200)})
    shown = profile(Comparison(table, real, real * 1000))
    outside = shown.filter(label="outside")["synthetic"].sum()
    assert outside > 0.95


def test_profile_survives_odd_data() -> None:
    for title, case in odd_cases():
        assert profile(case).columns[:2] == ["column", "kind"], title


@pytest.mark.usefixtures("quick")
def test_row_caps_are_said() -> None:
    case = replace(make_case(400), max_rows=100, streams=Streams(1))
    for name in ("fidelity/detection", "fidelity/pairs", "utility/transfer"):
        assert "random 100 rows" in METRICS.load(name)().score(case)[0].words


def test_frames_of_the_contract_differ() -> None:
    assert not make_frame(50, 1).equals(make_frame(50, 2))
    assert evaluation.__doc__


def test_scores_that_break_the_contract_are_refused() -> None:
    good = Score("fidelity/marginals", 0.5, (0.4, 0.6), 0.5, words="It is so (or not).", title="It (share)")
    check_score(good, "fidelity/marginals", Marginals())
    for change in (
        {"title": ""},
        {"title": "The same among others"},
        {"words": "no sentence"},
        {"interval": (0.6, 0.7)},
        {"baseline": None},
        {"asked": False},
    ):
        with pytest.raises(AssertionError):
            check_score(replace(good, **change), "fidelity/marginals", Marginals())
    check_secrecy(good)
    for change in ({"words": "It is secret-1."}, {"detail": pl.DataFrame({"level": ["up to secret-1"]})}):
        with pytest.raises(AssertionError, match="sensitive"):
            check_secrecy(replace(good, **change))


def test_columns_that_are_named_sensitive_show_no_level() -> None:
    case = make_case()
    assert case.table["c"].sensitive and not case.table["b"].sensitive
    labels = profile(case).filter(pl.col("column") == "c")["label"].to_list()
    assert not {"red", "green", "blue"} & set(labels)


def test_what_nobody_asked_for_is_told_from_what_could_not_be_made() -> None:
    case = make_case(300)
    bare = replace(
        case,
        targets=(),
        groups=(),
        quasi_identifiers=(),
        queries={},
        task=None,
        maker=None,
        likelihood=None,
        review=None,
    )
    asked = {
        name: METRICS.load(name)().score(bare)[0].asked for name in METRICS.names() if "detection" not in name
    }
    unasked = {name for name, was in asked.items() if not was}
    assert unasked == {
        "fairness/groups", "fairness/likeness", "fairness/prediction", "fairness/privacy", "fidelity/plausibility",
        "fidelity/review", "privacy/k-map", "privacy/likelihood", "privacy/shadow", "utility/coefficients",
        "utility/importance", "utility/queries", "utility/task", "utility/transfer",
    }  # fmt: skip
    broken = replace(case, train=case.train.head(0))
    assert all(METRICS.load(name)().score(broken)[0].asked for name in sorted(unasked))
