"""The forms of a report: JSON under its published schema, Markdown, CSV; the terminal with many scores."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import polars as pl
import pytest
from made_reports import HOSTILE, report_of, rich_report

from simulacra.cli import run
from simulacra.metric import Score
from simulacra.report import answers, glossary, markdown, terminal
from simulacra.report.document import Report
from simulacra.report.policy import hold, read_policy
from simulacra.report.table import render

VALIDATOR = jsonschema.Draft202012Validator(Report.schema())


def test_the_schema_is_one_itself_and_is_published() -> None:
    jsonschema.Draft202012Validator.check_schema(Report.schema())
    published = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == Report.schema()


def test_every_made_report_keeps_to_the_schema(blank: Report) -> None:
    judged = hold(rich_report(), read_policy({"require": ["privacy/copies <= 0.01"]}))
    for made in (blank, report_of(["a", "b"]), rich_report(), judged, report_of([HOSTILE])):
        for private in (False, True):
            VALIDATOR.validate(json.loads(json.dumps(made.to_dict(private=private))))


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"scores": [{"name": "a/b"}]}, {"extra": 1}, {"notes": [1]}, {"title": None}]
)
def test_the_schema_refuses_what_is_no_report(change: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid({**report_of(["a"]).to_dict(), **change})


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == Report.schema()
    assert run(["report"]) == 2


def test_markdown_holds_answers_scores_notes_and_provenance() -> None:
    text = markdown.render(rich_report())
    for said in ("| What did attacks find? | ✕ fail | A leak was found.", "0.030 to 0.038", "- capped", "## Provenance",
                 "Copy to share", "not computed, because no quasi-identifier is named."):  # fmt: skip
        assert said in text
    assert "918,273,645" not in text and "918,273,645" in markdown.render(rich_report(), private=True)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) > 20


def test_markdown_takes_hostile_text_as_text() -> None:
    made = report_of(["a|b", "`c`"])
    text = markdown.render(Report(HOSTILE, made.evaluation, {HOSTILE: "[x](y)"}, ("line\nbreak | bar",)))
    assert "<script" not in text.replace("\\<", "") and "\\[x\\](y)" in text
    assert "- line break \\| bar" in text


def test_csv_has_a_row_per_score_and_no_formulas() -> None:
    made = rich_report()
    odd = Score("a/b", 1.5, verdict="pass", words="=cmd()|x", title="-1+1")
    made = replace(made, evaluation=replace(made.evaluation, scores=(*made.scores, odd)))
    found = pl.read_csv(io.StringIO(render(made)))
    assert found["name"].to_list() == [score.name for score in made]
    assert found.row(4)[2:6] == (0.034, 0.030, 0.038, 0.0)
    assert found.row(-1, named=True)["words"] == "'=cmd()|x" and found.row(-1, named=True)["title"] == "'-1+1"
    assert found.filter(name="privacy/k-map")["value"].to_list() == [None]


def many_scores() -> Report:
    made = report_of(["a", "b"])
    scores = [
        Score(f"privacy/attack-{i}", 0.1, (0.0, 0.2), 0.1, verdict)
        for i, verdict in enumerate(["pass"] * 20 + ["look", "fail", "pass"])
    ]
    scores.append(Score("privacy/late", float("nan"), verdict="not computed", words="no holdout."))
    return replace(made, evaluation=replace(made.evaluation, scores=tuple(scores)))


def test_the_terminal_stays_short_and_hides_no_finding() -> None:
    said = terminal.text(many_scores())
    assert "Attack 20 " in said and "Attack 21 " in said and "privacy/late: not computed" in said
    assert "Attack 7 " not in said and "and 18 more without a finding" in said
    assert "21 of 23 tests passed, 1 not computed." in said
    long = terminal.text(many_scores(), verbose=True)
    assert all(f"Attack {i} " in long for i in range(23)) and "without a finding" not in long


def test_an_answer_counts_its_tests_and_names_what_to_look_at() -> None:
    answer = next(one for one in answers.answers(many_scores()) if one.family == "privacy")
    assert answer.verdict == "fail" and answer.tally == "21 of 23 tests passed, 1 not computed."
    assert [score.name for score in answer.notable] == ["privacy/attack-21", "privacy/attack-20"]


def test_the_glossary_explains_what_is_said_and_no_more() -> None:
    terms = dict(glossary.used("An AUC of .6; 0.3 nats; TPR of members"))
    assert set(terms) == {"AUC", "nat", "TPR at 1 % FPR", "member"}
    assert glossary.used("nothing of the kind") == []
