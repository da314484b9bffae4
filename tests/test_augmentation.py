"""Augmentation of rare levels: what comes back, how its size is chosen, and what it is held against."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

import simulacra as sim
from simulacra import _api_augmentation
from simulacra.generator import silent
from simulacra.randomness import Streams
from simulacra.rare import _words
from simulacra.rare._learners import Lesson
from simulacra.rare._question import pose
from simulacra.rare._scores import (
    AUC,
    BALANCED,
    CHOSEN,
    PRECISION,
    SCORES,
    Measured,
    balanced,
    choose_threshold,
    rank_scores,
    resample,
)
from simulacra.rare._trials import Setting, deal_folds, ladder
from simulacra.rare._words import say_gains
from simulacra.rare.augmentation import Effort, augment_table, choose
from simulacra.report.augmented import Augmented
from simulacra.report.augmented_page import render

ROWS = 900


def made(rows: int = ROWS, *, signal: float = 1.5, seed: int = 0) -> pl.DataFrame:
    """Rows of which one in twenty is rare, and shifted by so many standard deviations."""
    rng = Streams(seed).stream("rows")
    rare = np.arange(rows) % 20 == 0
    return pl.DataFrame({
        "amount": np.round(rng.normal(size=rows) + signal * rare, 2),
        "hour": rng.integers(0, 24, rows),
        "shop": np.where(rng.random(rows) < 0.3 + 0.1 * signal * rare, "web", "desk"),
        "fraud": np.where(rare, "yes", "no"),
    })  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Augmented:
    return sim.augment(
        made(), "fraud", holdout=made(seed=1), quick=True, learner="linear", mark="synthetic", seed=3
    )


# --- what comes back


def test_real_rows_come_first_and_synthetic_ones_are_all_of_the_rare_level(found: Augmented) -> None:
    assert found.real.equals(made())
    assert found.frame.drop("synthetic").head(ROWS).equals(made())
    assert found.helps
    assert set(found.synthetic["fraud"]) == {"yes"}
    assert found.chosen == {"yes": len(found.synthetic)}
    assert found.frame["synthetic"].to_list() == [False] * ROWS + [True] * len(found.synthetic)
    assert found.synthetic.schema == made().schema


def test_the_largest_amount_makes_the_levels_equally_common(found: Augmented) -> None:
    counts = made()["fraud"].value_counts().sort("count")["count"].to_list()
    assert found.amounts["rows"].to_list()[0] == 0
    assert found.amounts["rows"].max() == counts[1] - counts[0]


def test_the_same_seed_gives_the_same_rows_and_scores() -> None:
    one, two = (
        sim.augment(made(300), "fraud", rows=20, quick=True, learner="linear", seed=5) for _ in range(2)
    )
    assert one.frame.equals(two.frame)
    assert one.scores.equals(two.scores)
    other = sim.augment(made(300), "fraud", rows=20, quick=True, learner="linear", seed=6)
    assert not other.synthetic.equals(one.synthetic)


def test_pandas_in_is_pandas_out_with_its_types() -> None:
    frame = made(300).to_pandas().astype({"shop": "category", "hour": "int32"})
    found = sim.augment(frame, "fraud", rows=25, quick=True, learner="linear", seed=1)
    assert isinstance(found.frame, pd.DataFrame)
    assert len(found.frame) == 325
    assert found.frame["hour"].dtype == "int32"
    assert str(found.frame["shop"].dtype) == "category"


def test_several_levels_of_several_classes_get_their_rows() -> None:
    frame = (
        made(800)
        .with_columns(
            kind=pl.when(pl.int_range(pl.len()) % 20 == 0)
            .then(pl.lit("a"))
            .when(pl.int_range(pl.len()) % 20 < 3)
            .then(pl.lit("b"))
            .otherwise(pl.lit("c"))
        )
        .drop("fraud")
    )
    found = sim.augment(frame, "kind", levels=["a", "b"], rows=100, quick=True, learner="linear", seed=1)
    assert sum(found.chosen.values()) == 100
    # 40 of a and 80 of b: with 100 more they are equally common
    assert found.frame["kind"].value_counts().sort("kind")["count"].to_list() == [110, 110, 680]
    assert found.scores["value"].is_between(0, 1).sum() >= 16


def test_rows_without_a_target_stay_and_change_no_class() -> None:
    frame = made(400).with_columns(
        fraud=pl.when(pl.int_range(pl.len()) % 50 == 7).then(None).otherwise(pl.col("fraud"))
    )
    found = sim.augment(frame, "fraud", rows=10, quick=True, learner="linear", seed=1)
    assert found.real["fraud"].null_count() == 8
    assert any(note.startswith("8 of 400 rows have no 'fraud'") for note in found.notes)
    assert set(found.synthetic["fraud"]) == {"yes"}


def test_a_target_of_zeros_and_ones_is_a_target() -> None:
    frame = made(400).with_columns(fraud=(pl.col("fraud") == "yes").cast(pl.Int64))
    found = sim.augment(frame, "fraud", rows=10, quick=True, learner="linear", seed=1)
    assert found.synthetic["fraud"].to_list() == [1] * 10


def test_keys_of_synthetic_rows_are_new() -> None:
    frame = made(400).with_columns(id=pl.int_range(1, 401), code=pl.format("C{}", pl.int_range(1001, 1401)))
    schema = sim.infer(frame).with_column("id", kind="key").with_column("code", kind="key")
    found = sim.augment(frame, "fraud", rows=30, quick=True, learner="linear", schema=schema, seed=1)
    assert found.frame["id"].n_unique() == found.frame["code"].n_unique() == 430


# --- how the amount is chosen


def test_no_generator_sees_the_rows_that_it_is_judged_by() -> None:
    frame = made(200).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    table = sim.infer(frame).table()
    question = pose(frame, table, "fraud", None)
    seen: list[set[int]] = []

    def make(part: pl.DataFrame, amount: dict[int, int], streams: Streams) -> pl.DataFrame:
        seen.append(set(part["row"]))
        return part.filter(pl.col("fraud") == "yes").sample(amount[1], with_replacement=True, seed=1)

    setting = Setting(question, "linear", (), make)
    augment_table(
        frame, setting, holdout=None, rows=None, goal=BALANCED, effort=Effort(4, 2, 1), streams=Streams(1),
        progress=silent,
    )  # fmt: skip
    folds, whole = seen[:-1], seen[-1]
    assert len(folds) == 8
    assert whole == set(range(200))
    for repeat in (folds[:4], folds[4:]):
        unseen = [whole - rows for rows in repeat]
        assert sorted(row for rows in unseen for row in rows) == list(range(200))
        rare = [sum(row % 20 == 0 for row in rows) for rows in unseen]
        assert max(rare) - min(rare) <= 1


def test_where_synthetic_rows_tell_nothing_the_real_rows_come_back_unchanged() -> None:
    frame = made(600, signal=0.0)
    found = sim.augment(frame, "fraud", quick=True, learner="linear", seed=1)
    assert not found.helps
    assert found.frame.equals(frame)
    assert "none of the amounts" in found.notes[0]
    assert "real rows unchanged" in found.notes[0]
    ours = found.scores.filter(method="synthetic rows")
    assert ours["rows"].to_list() == [0] * 4
    assert ours["gain"].to_list() == [0.0] * 4


def test_a_gain_that_a_threshold_gives_as_well_is_called_by_its_name(found: Augmented) -> None:
    rows = {(row["method"], row["score"]): row for row in found.scores.iter_rows(named=True)}
    ours = {score: rows["synthetic rows", score] for score in SCORES}
    assert ours[BALANCED]["gain_low"] > 0
    only_threshold = all(ours[score]["gain_low"] <= 0 for score in (AUC, PRECISION, CHOSEN))
    assert any("what is gained here is the threshold" in note for note in found.notes) == only_threshold
    assert any("a threshold of" in note for note in found.notes)


def scored(**gains: tuple[float, float]) -> pl.DataFrame:
    """Scores of a holdout, `gains` being the intervals of synthetic rows; class weights and SMOTE gain on AUC."""
    ours = dict(zip(("auc", "precision", "balanced", "chosen"), SCORES, strict=True))
    named = {ours[name]: ends for name, ends in gains.items()}
    rows = []
    for method in ("doing nothing", "class weights", "random oversampling", "SMOTE", "synthetic rows"):
        for score in SCORES:
            low, high = named.get(score, (-0.01, 0.02)) if method == "synthetic rows" else (0.0, 0.0)
            if method in ("class weights", "SMOTE") and score == AUC:
                low, high = 0.05, 0.09
            rows.append({
                "method": method, "rows": 150 if method == "synthetic rows" else None, "score": score,
                "value": 0.7 + (low + high) / 2, "low": 0.6, "high": 0.8, "gain": (low + high) / 2, "gain_low": low,
                "gain_high": high, "threshold": None, "note": "",
            })  # fmt: skip
    return pl.DataFrame(rows)


@pytest.mark.parametrize(
    ("gains", "heading", "said", "unsaid"),
    [
        ({"balanced": (-0.015, 0.045)}, "No gain beyond chance", "no score gains or loses", "is the threshold"),
        ({"balanced": (0.1, 0.2)}, "It moves the threshold, no more", "is the threshold", "no score"),
        ({"auc": (0.01, 0.02)}, "It helps", "better beyond chance: ROC AUC.", "is the threshold"),
        ({"auc": (-0.04, -0.01), "balanced": (-0.015, 0.045)}, "It does harm", "worse beyond chance: ROC AUC.",
         "is the threshold"),
        ({"auc": (-0.04, -0.01), "chosen": (0.01, 0.02)}, "It helps some scores and harms others",
         "worse beyond chance: ROC AUC.", "no score"),
    ],
)  # fmt: skip
def test_words_and_heading_say_no_more_than_the_intervals(
    found: Augmented, gains: dict[str, tuple[float, float]], heading: str, said: str, unsaid: str
) -> None:
    scores = scored(**gains)
    notes = say_gains(scores, 0.05)
    assert any(said in note for note in notes) and not any(unsaid in note for note in notes)
    shown = replace(found, scores=scores, notes=tuple(notes))
    assert shown.verdict == heading and f"<h2>{heading}</h2>" in render(shown)


def test_other_methods_that_do_better_are_one_note() -> None:
    notes = [note for note in say_gains(scored(), 0.05) if "other methods" in note]
    assert len(notes) == 1 and "class weights by ROC AUC; SMOTE by ROC AUC" in notes[0]


def test_the_share_of_rare_rows_stands_beside_average_precision(found: Augmented) -> None:
    # one row in twenty of both data sets
    assert found.shares == pytest.approx((0.05, 0.05))
    assert any("5 % of the rows scored are rare" in note for note in found.notes)
    half = sim.augment(
        made(300), "fraud", rows=10, holdout=made(400).filter(pl.int_range(400) % 20 < 2), quick=True,
        learner="linear", seed=1,
    )  # fmt: skip
    assert half.shares == pytest.approx((0.5, 0.05))
    page = render(half)
    assert "50 % of these rows; guessing would have 0.500" in page and "5 % of them are rare" in page


def measured(**means: float) -> Measured:
    """Scores whose repetitions share their noise but for a hundredth."""
    noise = Streams(1).stream("shared").normal(0, 0.02, 500)
    values = {AUC: means["auc"], PRECISION: means["precision"], BALANCED: means["balanced"], CHOSEN: 0.5}
    draws = {
        score: value + noise + Streams(1).stream(score, str(value)).normal(0, 0.01, 500)
        for score, value in values.items()
    }
    return Measured(values, draws)


def test_the_choice_is_the_best_that_costs_nothing_else() -> None:
    nothing = measured(auc=0.8, precision=0.2, balanced=0.55)
    costly = measured(auc=0.7, precision=0.2, balanced=0.9)
    good = measured(auc=0.8, precision=0.21, balanced=0.7)
    best = measured(auc=0.81, precision=0.2, balanced=0.8)
    same = measured(auc=0.81, precision=0.2, balanced=0.801)
    assert choose([nothing, good, best, costly], BALANCED) == 2
    # the smaller of two that chance can not tell apart
    assert choose([nothing, good, best, same], BALANCED) == 2
    assert choose([nothing, costly], BALANCED) == 0
    assert choose([nothing, measured(auc=0.8, precision=0.2, balanced=0.555)], BALANCED) == 0


def test_amounts_grow_in_equal_ratios_for_every_level() -> None:
    codes = np.repeat([0, 1, 2], [810, 90, 10])
    amounts = ladder(codes, [1, 2], 2)
    assert amounts == [{1: 0, 2: 0}, {1: 180, 2: 80}, {1: 720, 2: 800}]


def test_folds_hold_their_share_of_every_class() -> None:
    codes = np.repeat([0, 1, -1], [90, 11, 4])
    fold = deal_folds(codes, 5, Streams(1).stream("f"))
    assert np.bincount(fold[:90]).tolist() == [18] * 5
    assert sorted(np.bincount(fold[90:101]).tolist()) == [2, 2, 2, 2, 3]
    assert fold[101:].tolist() == [-1] * 4


# --- scores


def test_scores_are_those_of_the_textbook_with_weights_and_ties() -> None:
    rng = Streams(4).stream("scores")
    truth = (rng.random(400) < 0.1).astype(np.int64)
    chances = np.round(rng.random(400) * 0.6 + 0.3 * truth, 2)
    weights = resample(truth, rng)[:6]
    areas, precisions = rank_scores(chances, truth == 1, weights)
    shares = balanced((chances > 0.5).astype(int), truth, weights)
    for row, own in enumerate(weights):
        assert areas[row] == pytest.approx(roc_auc_score(truth, chances, sample_weight=own))
        assert precisions[row] == pytest.approx(average_precision_score(truth, chances, sample_weight=own))
        assert shares[row] == pytest.approx(balanced_accuracy_score(truth, chances > 0.5, sample_weight=own))
    # every class keeps its number of rows in each draw
    assert (weights[:, truth == 1].sum(axis=1) == truth.sum()).all()


def test_the_threshold_is_the_best_there_is() -> None:
    rng = Streams(5).stream("scores")
    positive = rng.random(300) < 0.2
    chances = rng.random(300) * 0.7 + 0.3 * positive
    best = balanced_accuracy_score(positive, chances >= choose_threshold(chances, positive))
    assert best == max(balanced_accuracy_score(positive, chances >= cut) for cut in np.unique(chances))
    assert choose_threshold(np.full(10, 0.3), positive[:10]) == 0.5


def test_figures_on_a_holdout_are_those_of_the_rows_returned(found: Augmented) -> None:
    by_hand = found.scores.filter(method="doing nothing", score=AUC)
    assert by_hand["low"][0] < by_hand["value"][0] < by_hand["high"][0]
    assert found.measured == "holdout"
    assert not any("out-of-fold predictions, and" in note for note in found.notes)
    # rows shifted by 1.5 standard deviations: an ideal AUC of 0.86, and 45 rare test rows give an error of about 0.03
    ours = found.scores.filter(method="synthetic rows", score=AUC)["value"][0]
    assert 0.76 < ours < 0.96


@pytest.mark.parametrize("categorical", [[False, False], [False, True], [True, True]])
def test_smote_stays_between_the_rare_rows(categorical: list[bool]) -> None:
    pytest.importorskip("imblearn")
    leaf = importlib.import_module("simulacra.rare._smote")
    rng = Streams(2).stream("rows")
    codes = np.repeat([0, 1], [200, 12])
    matrix = np.column_stack([rng.integers(0, 4, 212), rng.integers(0, 3, 212)]).astype(float)
    matrix[codes == 1, 0] += 10
    matrix[::7, 1] = np.nan
    made, told = leaf.interpolate(Lesson(matrix, codes), np.array(categorical), {1: 50}, rng)
    rare = matrix[codes == 1]
    assert told.tolist() == [1] * 50
    assert rare[:, 0].min() <= made[:, 0].min() <= made[:, 0].max() <= rare[:, 0].max()
    for feature in np.flatnonzero(categorical):
        known = made[~np.isnan(made[:, feature]), feature]
        assert set(known) <= set(matrix[:, feature])


def test_smote_is_measured_where_its_library_is_there() -> None:
    pytest.importorskip("imblearn")
    gaps = made(400).with_columns(
        amount=pl.when(pl.int_range(pl.len()) % 9 == 0).then(None).otherwise(pl.col("amount")),
        shop=pl.when(pl.int_range(pl.len()) % 11 == 0).then(None).otherwise(pl.col("shop")),
    )
    found = sim.augment(gaps, "fraud", rows=10, quick=True, seed=1)
    assert found.scores.filter(method="SMOTE")["value"].null_count() == 0


def test_without_its_library_the_row_of_smote_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (_api_augmentation, _words):
        monkeypatch.setattr(module, "missing_smote", lambda: "not computed: it needs 'imblearn'.")
    found = sim.augment(made(300), "fraud", rows=10, quick=True, learner="linear", seed=1)
    rows = found.scores.filter(method="SMOTE")
    assert rows["value"].null_count() == 4
    assert set(rows["note"]) == {"not computed: it needs 'imblearn'."}


# --- files


def test_the_page_shows_every_method_and_holds_no_script(found: Augmented, tmp_path: Path) -> None:
    page = found.save(tmp_path / "a.html").read_text(encoding="utf-8")
    for method in ("doing nothing", "class weights", "random oversampling", "SMOTE", "synthetic rows"):
        assert method in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    told = json.loads(found.save(tmp_path / "a.json").read_text(encoding="utf-8"))
    assert told["rows"] == {"real": ROWS, "synthetic": len(found.synthetic)}
    assert len(pl.read_csv(found.save(tmp_path / "a.csv"))) == 20
    with pytest.raises(sim.errors.OptionError, match=r"\.html"):
        found.save(tmp_path / "a.txt")


def test_all_rows_are_written_with_the_mark(found: Augmented, tmp_path: Path) -> None:
    found.write(tmp_path / "rows.parquet")
    assert pl.read_parquet(tmp_path / "rows.parquet").equals(found.frame)


# --- what can not be done


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"target": "froud"}, sim.errors.UnknownName, "did you mean 'fraud'"),
        ({"levels": "maybe"}, sim.errors.UnknownName, "no level of 'fraud' named 'maybe'; there is"),
        (
            {"levels": "maybe", "data": made(300).with_columns(fraud=pl.col("fraud") == "yes")},
            sim.errors.UnknownName,
            "no level of 'fraud' named 'maybe'; there is 'false', 'true'",
        ),
        ({"target": "shop", "levels": "wep"}, sim.errors.UnknownName, "did you mean 'web'"),
        ({"levels": "no"}, sim.errors.OptionError, "commonest"),
        ({"target": "amount"}, sim.errors.DataError, "different values"),
        ({"rows": 0}, sim.errors.OptionError, "whole number from 1"),
        ({"goal": "accuracy"}, sim.errors.UnknownName, "balanced accuracy"),
        ({"learner": "forest"}, sim.errors.UnknownName, "boosting"),
        ({"mark": "shop"}, sim.errors.OptionError, "already"),
        ({"depth": 3}, sim.errors.OptionError, "option of model"),
        ({"data": made(100)}, sim.errors.DataError, "5 rows"),
        ({"data": made(100).select("fraud")}, sim.errors.DataError, "no column beside"),
        (
            {"data": made(100).with_columns(fraud=pl.lit("no"))},
            sim.errors.DataError,
            "same value in every row",
        ),
        ({"holdout": made(100).filter(pl.col("fraud") == "no")}, sim.errors.DataError, "holdout has 0 rows"),
    ],
)
def test_what_can_not_be_done_is_said_before_any_work(
    options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        sim.augment(options.pop("data", made(300)), options.pop("target", "fraud"), quick=True, **options)


def test_levels_of_a_sensitive_target_are_not_told() -> None:
    schema = sim.infer(made(100)).with_column("fraud", sensitive=True)
    with pytest.raises(sim.errors.DataError, match="'level 2' has 5 rows") as told:
        sim.augment(made(100), "fraud", schema=schema)
    assert "yes" not in str(told.value)
