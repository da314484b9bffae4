"""The page, the terminal table and the charts: inert, offline, complete, small, aggregates only."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import altair as alt
import polars as pl
import pytest
from made_reports import HOSTILE, report_of
from rich.console import Console

from simulacra.errors import DataError, UnknownName
from simulacra.evaluation import Evaluation
from simulacra.metric import Score
from simulacra.report import _matrices, answers, charts, html, terminal, words
from simulacra.report.document import Report


class Page(HTMLParser):
    """Collects the elements, the scripts and the visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.words = ""
        self._inside: str = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            attrs, before = self.scripts[-1]
            self.scripts[-1] = (attrs, before + data)
        elif self._inside != "style":
            self.words += data


@pytest.fixture
def page(report: Report) -> Page:
    return Page(html.render(report))


def test_the_first_screen_answers_the_questions(page: Page) -> None:
    for said in (
        "Is it like the real data?", "Is it useful for your task?", "What did attacks find?", "0.034",
        "0.030 to 0.038", "real data get", "No formal privacy guarantee.", "A leak was found.",
    ):  # fmt: skip
        assert said in page.words
    assert "Is it fair to groups?" not in page.words
    assert "anonym" not in page.words.lower()


def test_a_verdict_is_a_word_and_a_sign_not_a_colour_alone(page: Page) -> None:
    badges = [attrs for tag, attrs in page.tags if tag == "span" and "badge" in (attrs.get("class") or "")]
    assert len(badges) >= 8
    for verdict in ("pass", "look", "fail"):
        assert f"{words.SIGNS[verdict]}{verdict}" in page.words


def test_nothing_is_loaded_from_outside(report: Report) -> None:
    text = html.render(report, private=True)
    page = Page(text)
    for tag, attrs in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "img", "base"}
        assert "src" not in attrs
        href = attrs.get("href")
        assert (
            href is None or href.startswith("#") or (tag == "a" and href.startswith("https://arxiv.org/abs/"))
        )
    # Names of XML dialects are no addresses, and the library may name its error page: never a server of code.
    assert not re.search(r"https?://[^\"'\s]*(cdn|jsdelivr|unpkg|googleapis|editor|\.js\b)", text)
    assert "@import" not in text and "url(" not in text.split("</style>")[0]


def test_the_policy_allows_the_own_scripts_only(page: Page) -> None:
    policy = next(
        attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None and "default-src 'none'" in policy and "unsafe-eval" not in policy
    run = [text for attrs, text in page.scripts if attrs.get("type") != "application/json"]
    assert len(run) == 2
    for text in run:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_hostile_names_and_values_are_inert() -> None:
    names = [HOSTILE, 'a"><svg onload=alert(2)>', "<!--<script>", "{{ 7*7 }}", "\u2028\ud7ff & <b>"]
    made = report_of(names)
    hostile = Report(HOSTILE, made.evaluation, {HOSTILE: {HOSTILE: HOSTILE}}, (HOSTILE,))
    text = html.render(hostile, private=True)
    plain = Page(text)
    tags = {tag for tag, _ in plain.tags}
    assert "img" not in tags
    assert not any(name.startswith("on") for _, attrs in plain.tags for name in attrs)
    assert HOSTILE in plain.words and "{{ 7*7 }}" in plain.words
    assert len(plain.scripts) == 3
    data = next(script for attrs, script in plain.scripts if attrs.get("type") == "application/json")
    assert not set("<>&") & set(data)
    assert {row["y"] for row in json.loads(data)["pair_rows"]} <= set(names)
    fragment = Page(html.fragment(hostile))
    assert not {tag for tag, _ in fragment.tags} & {"img", "script", "svg"}
    assert HOSTILE in str(hostile) and HOSTILE in fragment.words


def test_nothing_computed_and_no_columns_still_make_a_page(blank: Report) -> None:
    page = Page(html.render(blank, private=True))
    assert "Not computed, because no target was given." in page.words
    assert "No figure was computed." in page.words
    assert "Nothing is known of where these rows came from." in page.words
    assert not any("data-chart" in attrs for _, attrs in page.tags)
    assert "there is no holdout" in str(blank) and "there is no holdout" in html.fragment(blank)
    for draw in (charts.columns, charts.scores, charts.detection):
        with pytest.raises(DataError):
            draw(blank)
    with pytest.raises(UnknownName):
        charts.pairs(blank)


def test_two_hundred_columns_stay_usable() -> None:
    wide = report_of([f"column {i}" for i in range(200)])
    text = html.render(wide)
    page = Page(text)
    assert len(text.encode()) < 2_500_000
    assert sum(attrs.get("data-chart") == "column" for _, attrs in page.tags) == 200
    assert any(attrs.get("id") == "find" for _, attrs in page.tags)
    assert "IntersectionObserver" in page.scripts[-1][1]
    assert len({row["x"] for row in _values(charts.pairs(wide).to_dict())}) < 30
    assert "40 of 2,000 rows" in page.words


def test_charts_embed_aggregates_only(report: Report) -> None:
    known = set(
        report.evaluation.profiles["real"].map_elements(lambda v: float(f"{v:.4g}"), pl.Float64).to_list()
    )
    for row in _values(charts.columns(report).to_dict()):
        assert set(row) == {"cell", "label", "edge", "numeric", "real", "synthetic", "holdout"}
        assert row["real"] in known
    assert len(_values(charts.columns(report, ["size"]).to_dict())) == 8
    assert all(
        set(row) == {"x", "y", "real", "synthetic", "difference"}
        for row in _values(charts.pairs(report).to_dict())
    )
    assert [row["column"] for row in _values(charts.detection(report).to_dict())] == [
        "weight",
        "shape",
        "size",
        "colour",
    ]
    assert {row["name"] for row in _values(charts.scores(report).to_dict())} == {
        score.name for score in report
    }
    with pytest.raises(UnknownName, match="'size'"):
        charts.columns(report, ["sizes"])


def _values(spec: dict[str, object]) -> list[dict[str, object]]:
    datasets = spec.get("datasets", {})
    assert isinstance(datasets, dict)
    rows = [row for part in datasets.values() for row in part]

    def walk(node: object) -> None:
        if isinstance(node, dict):
            data = node.get("data")
            if isinstance(data, dict) and "values" in data:
                rows.extend(data["values"])
            for item in node.values():
                walk(item)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    walk({key: value for key, value in spec.items() if key != "datasets"})
    return rows


def test_the_owners_section_is_split_off(report: Report) -> None:
    owned = Page(html.render(report, private=True))
    assert any(tag == "section" and attrs.get("id") == "owner" for tag, attrs in owned.tags)
    assert "Do not share this page." in owned.words
    assert not any(attrs.get("id") == "owner" for _, attrs in Page(html.render(report)).tags)


def test_a_metric_nobody_foresaw_gets_its_question_section_and_title(report: Report) -> None:
    extra = Score(
        "oddness/strange-thing", 12.5, None, None, "fail", "Odd.", detail=pl.DataFrame({"where": ["here"]})
    )
    made = Report("t", report.evaluation.__class__((extra,), pl.DataFrame(), {}, {}, ()), {})
    page = Page(html.render(made))
    for said in ("What of oddness?", "Strange thing", "12.5", "here"):
        assert said in page.words
    assert "12.5" in str(made)


def test_the_worst_verdict_of_a_family_decides() -> None:
    scores = [
        Score("privacy/copies", 0.0, (0.0, 0.0), 0.0, "pass"),
        Score("privacy/membership", 0.9, (0.8, 1.0), 0.5, "fail"),
        Score("privacy/linkage", float("nan"), verdict="not computed"),
    ]
    answer = next(a for a in answers.answers(scores) if a.family == "privacy")
    assert answer.verdict == "fail" and answer.score is scores[1]
    assert "leak" in answer.text
    calm = next(a for a in answers.answers([scores[0], scores[2]]) if a.family == "privacy")
    assert (
        calm.verdict == "pass"
        and calm.text == "No leak found by these attacks. Not every test could be made."
    )


def test_tests_that_nobody_asked_for_make_no_answer_worse() -> None:
    passed = Score("utility/queries", 0.0, (0.0, 0.0), 0.0, "pass")
    unasked = Score("utility/task", float("nan"), verdict="not computed", asked=False)

    def answer(*scores: Score) -> answers.Answer:
        return next(a for a in answers.answers(scores) if a.family == "utility")

    assert (
        answer(passed, unasked).text == "Yes. It serves nearly as well as real data. 1 more can be asked for."
    )
    assert answer(passed, unasked).tally == "1 of 1 test passed, 1 more can be asked for."
    assert answer(passed, replace(unasked, asked=True)).text.endswith("Not every test could be made.")
    assert answer(unasked).text == "Not asked for." and answer(unasked).verdict == "not computed"
    evaluation = Evaluation((passed, unasked), pl.DataFrame(), {}, {})
    told = Report("asked", evaluation, {}, ()).to_dict()
    assert [score.get("asked", True) for score in told["scores"]] == [True, False]
    assert [score.asked for score in Report.from_dict(told).scores] == [True, False]


def test_a_formal_guarantee_is_said_instead(report: Report) -> None:
    made = Report("t", report.evaluation, {"privacy": {"formal": {"epsilon": 1.0, "delta": 1e-6}}})
    text = Page(html.render(made)).words
    assert "Formal privacy guarantee: epsilon 1.0, delta 1e-06." in text
    assert "No formal privacy guarantee" not in text and "No formal" not in str(made)


def test_the_terminal_table_holds_what_the_page_holds(report: Report) -> None:
    plain = str(report)
    assert plain.isascii()
    for said in (
        "Is it like the real data?",
        "0.034",
        "0.030 to 0.038",
        "FAIL".lower(),
        "No formal privacy guarantee.",
    ):
        assert said in plain
    out = io.StringIO()
    terminal.print_report(report, Console(file=out, force_terminal=True, width=120))
    assert "\x1b[" in out.getvalue() and words.SIGNS["fail"] in out.getvalue()
    piped = io.StringIO()
    terminal.print_report(report, Console(file=piped, width=120))
    assert piped.getvalue().isascii() and "\x1b[" not in piped.getvalue()


def test_broken_rules_of_the_schema_are_told_in_the_terminal(report: Report) -> None:
    broken = [f"table 't', column 'c{i}': 3 of 90 rows break" for i in range(7)]
    summary = {**report.evaluation.summary, "violations": broken}
    said = terminal.text(replace(report, evaluation=replace(report.evaluation, summary=summary)))
    assert "synthetic rows break the schema: table 't', column 'c0': 3 of 90 rows break" in said
    assert "break 2 more rules" in said and "'c6'" not in said
    assert "break the schema" not in terminal.text(report)


def test_the_difference_of_pairs_has_a_scale(report: Report) -> None:
    rows, order = _matrices.rows(report)
    difference = _matrices.panels(alt.Data(values=rows), rows, order)[2].to_dict()
    assert difference["encoding"]["opacity"]["legend"]["tickCount"] >= 3


def test_the_notebook_fragment_has_no_scripts(report: Report) -> None:
    fragment = report._repr_html_()
    assert "<script" not in fragment and "0.030 to 0.038" in fragment and len(fragment) < 20_000
