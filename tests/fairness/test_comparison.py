"""Definitions of fairness side by side: the figures have their closed forms, the report its forms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_people import draw

import simulacra as sim
from simulacra.errors import OptionError, UnknownName
from simulacra.metrics._parity import (
    Figure,
    describe_decisions,
    describe_labels,
    find_conditional_gap,
    find_gap,
)
from simulacra.randomness import Streams
from simulacra.report.parity import GroupRate, ParityReport, Treatment
from simulacra.report.parity_page import _lines, _plane

# --- figures


def test_gaps_of_labels_have_their_closed_forms() -> None:
    members = np.repeat([0, 1], 100)
    hits = np.concatenate([np.arange(100) < 20, np.arange(100) < 50])
    gap = find_gap(hits, members, 2)
    # Newcombe's method 10 for 50/100 and 20/100
    assert gap.value == pytest.approx(0.3) and (gap.low, gap.high) == pytest.approx((0.169, 0.415), abs=2e-3)
    found = describe_labels(hits, members, 2, None)
    assert found["impact_ratio"].value == pytest.approx(20.5 / 50.5) and found["conditional_gap"] is None


def test_a_difference_that_strata_explain_is_no_conditional_gap() -> None:
    # as in Berkeley's admissions: the same rate in each department, and groups that apply to different ones
    strata = np.repeat([0, 1, 0, 1], [800, 200, 200, 800])
    members = np.repeat([0, 1], 1_000)
    hits = np.concatenate(
        [np.arange(size) < size * rate for size, rate in ((800, 0.6), (200, 0.1), (200, 0.6), (800, 0.1))]
    )
    assert find_gap(hits, members, 2).value == pytest.approx(0.3)
    assert find_conditional_gap(hits, members, 2, strata).value == pytest.approx(0, abs=1e-12)


def test_decisions_that_are_right_have_no_odds_gap() -> None:
    truth, members = np.arange(400) % 4 == 0, np.arange(400) // 200
    found = describe_decisions(np.where(truth, 0.9, 0.1), truth, members, 2)
    assert found["accuracy"].value == 1 and found["auc"].value == 1
    assert found["odds_gap"].value == 0 and found["predictive_gap"].value == 0
    assert describe_decisions(np.where(truth, 0.9, 0.1), truth, members * 0, 2)["odds_gap"] is None


# --- the comparison


@pytest.fixture(scope="module")
def report() -> object:
    two = [draw(rows, None, Streams(seed)).drop("secret") for rows, seed in ((3_000, 11), (1_500, 12))]
    return sim.compare_fairness(
        two[0], "independent", holdout=two[1], target="paid", group="group", given="field", positive="yes",
        definitions=["independence", "group-shares"], seed=1,
    )  # fmt: skip


def test_real_rows_and_definitions_stand_side_by_side(report: object) -> None:
    assert report.names == ("real", "as learnt", "independence", "group-shares")
    # columns drawn by themselves: the model has no gap to begin with, and real rows have
    assert (
        report["real"].figures["parity_gap"].value
        > 0.15
        > 0.05
        > report["as learnt"].figures["parity_gap"].value
    )
    assert report["independence"].figures["parity_gap"].value < 0.005
    assert report["real"].figures["conditional_gap"].value < report["real"].figures["parity_gap"].value
    assert [group.name for group in report["group-shares"].groups] == ["a", "b", "c"]
    assert report["real"].figures["moved"].value == 0 and "real" in str(report)


def test_a_comparison_is_saved_in_every_form(report: object, tmp_path: Path) -> None:
    for suffix in ("html", "json", "csv"):
        assert report.save(tmp_path / f"fair.{suffix}").exists()
    assert json.loads((tmp_path / "fair.json").read_text())["treatments"][2]["name"] == "independence"
    page = (tmp_path / "fair.html").read_text()
    assert "<script" not in page and page.count("<svg") == 1 + 4
    assert "parity gap\u00a0↓" in page and "fair:" not in page
    assert page.count("(target and group are independent)") == 0 and "Counted over" in page
    assert pl.read_csv(tmp_path / "fair.csv").filter(pl.col("figure") == "rate").height == 4 * 3
    with pytest.raises(OptionError, match=r"not as 'fair\.xlsx'"):
        report.save(tmp_path / "fair.xlsx")


def test_a_comparison_refuses_what_it_can_not_ask() -> None:
    frame = draw(200, None, Streams(1))
    for change, words in (
        ({"target": "payed"}, "did you mean"),
        ({"definitions": ["parity"]}, "definition"),
        ({"positive": "yep"}, "level of 'paid'"),
        ({"given": "fields"}, "did you mean 'field'"),
    ):
        with pytest.raises(UnknownName, match=words):
            sim.compare_fairness(
                frame, "independent", **{"holdout": frame, "target": "paid", "group": "group", **change}
            )


def test_a_boolean_target_is_compared() -> None:
    frame = draw(3_000, None, Streams(3))
    report = sim.compare_fairness(
        frame, "independent", holdout=frame, target="bonus", group="group", definitions=["base-rates"], seed=1
    )
    assert report.positive == "true" and report["base-rates"].error == ""


def test_sets_of_rows_at_one_place_are_rings_about_each_other() -> None:
    def one(name: str, gap: float) -> Treatment:
        rate = GroupRate("a", 100, 0.5, Figure(0.3, 0.2, 0.35))
        figures = {"decision_gap": Figure(gap, gap - 0.01, gap + 0.01), "auc": Figure(0.9, 0.88, 0.92)}
        return Treatment(name, groups=(rate,), figures=figures)

    treatments = (one("real", 0.2), one("independence", 0.1), one("base-rates", 0.1))
    report = ParityReport("t", "paid", "yes", ("sex",), (), treatments, {})
    plane, lines = _plane(report), _lines(report)
    assert plane is not None
    real, under, over = plane.dots
    assert (under.x, under.y) == (over.x, over.y) and under.label != over.label
    assert under.radius > over.radius == real.radius
    # ends whose half is a round number too
    assert (lines["half"], lines["top"]) == ("20 %", "40 %")
