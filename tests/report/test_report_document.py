"""A report as data: look-up, JSON and back, files, and requirements."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from simulacra.errors import CheckFailed, DataError, FileError, OptionError, UnknownName
from simulacra.evaluation import Evaluation
from simulacra.report.document import Report


def test_scores_are_found_by_name(report: Report) -> None:
    assert report["fidelity/pairs"].value == 0.1
    assert [score.name for score in report][:2] == ["fidelity/marginals", "fidelity/pairs"]
    assert len(report) == 5
    with pytest.raises(UnknownName, match="did you mean 'fidelity/pairs'"):
        report["fidelity/pair"]


def test_json_round_trip_loses_nothing(report: Report, blank: Report) -> None:
    for made in (report, blank):
        document = made.to_dict(private=True)
        text = json.dumps(document, allow_nan=False)
        assert Report.from_dict(json.loads(text)).to_dict(private=True) == document
    again = Report.from_dict(report.to_dict())
    assert again.evaluation.profiles.equals(report.evaluation.profiles)
    assert again["privacy/copies"].interval == (0.030, 0.038)


def test_not_computed_is_null(blank: Report) -> None:
    assert [score["value"] for score in blank.to_dict()["scores"]] == [None, None, None]


def test_private_evidence_is_left_out_unless_asked_for(report: Report, tmp_path: Path) -> None:
    for suffix in ("json", "html"):
        shared, owned = tmp_path / f"shared.{suffix}", tmp_path / f"owned.{suffix}"
        report.save(shared)
        report.save(owned, private=True)
        for spelling in ("918273645", "918,273,645", "synthetic_row", "synthetic row<"):
            assert spelling not in shared.read_text(encoding="utf-8")
        assert "918273645" in owned.read_text(encoding="utf-8").replace(",", "")


def test_save_and_read(report: Report, tmp_path: Path) -> None:
    path = report.save(tmp_path / "report.json")
    assert Report.read(path).to_dict() == report.to_dict()
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]
    with pytest.raises(OptionError, match=r"'report\.pdf'"):
        report.save(tmp_path / "report.pdf")
    with pytest.raises(FileError):
        report.save(tmp_path / "no" / "report.json")
    with pytest.raises(FileError):
        Report.read(tmp_path / "absent.json")


@pytest.mark.parametrize(
    "text", ["", "[1", "{}", "[]", '{"version": 1}', '{"version": "1", "scores": []}', "[" * 9999]
)
def test_what_is_no_report_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError):
        Report.read(path)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": 2}, "Update simulacra"),
        ({"title": 5}, "title"),
        ({"scores": {}}, "scores"),
        ({"scores": [{"name": "a/b", "verdict": "perfect"}]}, "verdict"),
        ({"scores": [{"name": "a/b", "interval": [1]}]}, "interval"),
        ({"scores": [{"name": "a/b", "value": "1"}]}, "value"),
        ({"scores": [{"name": "a/b", "value": 10**400}]}, "too large"),
        ({"scores": [{"name": "a/b", "detail": [1]}]}, "detail"),
        ({"scores": [{"name": "a/b", "detail": [{"x": 1}, {"x": "y"}]}]}, "mixes types"),
        ({"scores": [{"name": "a/b"}] * 10_001}, "10,001"),
        ({"notes": [1]}, "notes"),
    ],
)
def test_a_damaged_report_is_refused_with_the_place(
    report: Report, change: dict[str, object], word: str
) -> None:
    with pytest.raises(DataError, match=word):
        Report.from_dict({**report.to_dict(), **change})


def test_deep_nesting_is_refused(report: Report) -> None:
    deep: dict[str, object] = {}
    for _ in range(50):
        deep = {"a": deep}
    with pytest.raises(DataError, match="nested"):
        Report.from_dict({**report.to_dict(), "provenance": deep})


def test_require_passes_and_fails(report: Report) -> None:
    report.require("privacy/copies <= 0.034")
    report.require("privacy/copies > 0.03 AND utility/transfer >= .9 and fidelity/pairs != 1e-3")
    with pytest.raises(CheckFailed) as caught:
        report.require("privacy/copies <= 0.01")
    assert str(caught.value) == (
        'privacy/copies is 0.034 (95 % 0.030 to 0.038), which breaks "privacy/copies <= 0.01".'
    )
    with pytest.raises(CheckFailed, match=r"copies is .*transfer is "):
        report.require("privacy/copies == 0 and utility/transfer < 0.5 and fidelity/pairs < 1")


def test_forbid_is_require_turned_round(report: Report, blank: Report) -> None:
    report.forbid("privacy/copies > 0.05")
    report.forbid("privacy/copies > 0.01 and utility/transfer < 0.5")
    with pytest.raises(CheckFailed, match="must not be"):
        report.forbid("privacy/copies > 0.01")
    with pytest.raises(CheckFailed, match="was not computed"):
        blank.forbid("privacy/copies > 0.01")


def test_a_score_that_was_not_computed_fails_with_its_reason(blank: Report) -> None:
    for sign in ("<=", "!=", ">"):
        with pytest.raises(CheckFailed, match=r"was not computed \(no target was given\)"):
            blank.require(f"utility/transfer {sign} 0.01")


@pytest.mark.parametrize(
    "expression",
    ["", "privacy/copies", "privacy/copies <= ", "privacy/copies =< 1", "privacy/copies <= x", "and",
     "a/b < 1 and", "privacy/copies < nan", "privacy/copies < 1e999", "__import__('os') < 1"],
)  # fmt: skip
def test_bad_requirements_are_refused(report: Report, expression: str) -> None:
    with pytest.raises(OptionError, match="requirement"):
        report.require(expression)


def test_unknown_names_in_requirements(report: Report) -> None:
    with pytest.raises(UnknownName, match="did you mean 'privacy/copies'"):
        report.require("privacy/copie <= 0.01")


def test_provenance_that_json_can_not_hold_is_refused() -> None:
    odd = Report("t", Evaluation((), pl.DataFrame(), {}, {}, ()), {"model": object()})
    with pytest.raises(OptionError, match=r"provenance\.model"):
        odd.to_dict()
