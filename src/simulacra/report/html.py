"""The report as one HTML file that works offline: no address is loaded, data are inert text."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import jinja2
import vl_convert
from markupsafe import Markup

from simulacra.metric import Score
from simulacra.report import (
    _densities,
    _exhibits,
    _maps,
    _matrices,
    _pictures,
    _tables,
    answers,
    charts,
    glossary,
    words,
)
from simulacra.report.document import Report

_TEMPLATES = Path(__file__).parent / "templates"
_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


@dataclass(frozen=True, slots=True)
class Section:
    """One family of scores on the page."""

    name: str
    title: str
    question: str
    tally: str
    scores: tuple[Score, ...]
    computed: bool
    tables: dict[str, _tables.Grid]
    forests: dict[str, _pictures.Forest]
    curves: dict[str, _pictures.Curve]
    cards: dict[str, list[_pictures.Card]]
    overview: list[tuple[str, _pictures.Forest]]


def render(report: Report, *, private: bool = False) -> str:
    """Write a report as a page.

    Parameters
    ----------
    report : Report
        Any report, also one in which nothing was computed.
    private : bool
        Add the section for the owner of the data: evidence with real values or rows.

    Returns
    -------
    str
        HTML that needs nothing beside itself. Its content security policy allows the two scripts within it,
        by their hashes, and no connection at all: text from the data can neither run nor be sent anywhere.

    Notes
    -----
    **Cost**: about 1 MB for the chart library, and 1 to 2 KB per column.

    **Privacy**: holds aggregates only, unless `private` is set.

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.evaluation import Evaluation
    >>> page = render(Report("Adult", Evaluation((), pl.DataFrame(), {}, {}, ())))
    >>> "<title>Adult</title>" in page, "No formal privacy guarantee." in page
    (True, True)
    """
    drawn = charts_of(report)
    return write_page(
        report, "report.html.j2", drawn, private=private,
        maps=_maps.maps(report), panels=panels_of(report, drawn), sections=sections_of(report),
    )  # fmt: skip


def write_page(report: Report, template: str, drawn: dict[str, Any], *, private: bool, **parts: Any) -> str:
    """Set a template with the style, the scripts and the policy that lets nothing else run.

    Parameters
    ----------
    report : Report
        What the page is about.
    template : str
        Its file.
    drawn : dict
        Chart specifications; see `charts_of`.
    private : bool
        Whether the owner's part is in.
    **parts
        What the template shows besides: ``maps``, ``panels``, ``sections``.
    """
    script = (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    library = _library() if drawn else ""
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in (library, script) if text)
    page = (
        environment()
        .get_template(template)
        .render(
            **{**_facts(report), **parts},
            policy=f"{policy}; script-src {hashes}",
            style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
            script=Markup(script),
            library=Markup(library),
            charts=Markup(_embedded(drawn)),
            drawn=drawn,
            tiles=_tables.tiles(report),
            shape=_tables.shape(report),
            unfilled=_tables.missing(report),
            exhibits=_exhibits.shown(report.exhibits),
            violations=_tables.violations(report),
            provenance=_tables.provenance(report),
            seconds=report.evaluation.seconds,
            terms=_terms(report),
            owner=[(s, _tables.grid(s.private)) for s in report if s.private is not None] if private else [],
            private=private,
        )
    )
    return page.lstrip()


def fragment(report: Report) -> str:
    """Write the questions and the figures for a notebook, without charts or scripts.

    Parameters
    ----------
    report : Report
        Any report.

    Returns
    -------
    str
        An HTML fragment.
    """
    return environment().get_template("fragment.html.j2").render(**_facts(report))


def _facts(report: Report) -> dict[str, Any]:
    formal, line = words.guarantee(report.provenance)
    return {
        "report": report,
        "answers": answers.answers(report),
        "missing": [score for score in report if not words.is_computed(score)],
        "notes": list(dict.fromkeys((*report.evaluation.notes, *report.notes))),
        "formal": formal,
        "guarantee": line,
        "guarantee_why": words.NO_GUARANTEE_WHY,
        "has_ceiling": any(score.baseline is not None for score in report),
        **_policy(report),
    }


def _policy(report: Report) -> dict[str, Any]:
    found = report.policy
    if found is None:
        return {"policy_said": "", "policy_rows": None, "policy_name": ""}
    rows = [row for row in found.get("requirements") or [] if isinstance(row, dict)]
    name = found.get("file") or "a policy given in the call"
    return {"policy_said": words.policy(name, rows), "policy_rows": rows, "policy_name": found.get("file")}


def _terms(report: Report) -> list[tuple[str, str]]:
    said = " ".join(f"{words.title(s)} {s.words} {words.explain(s.name)}" for s in report)
    return glossary.used(f"{said} 95 % interval, real data get") if len(report) else []


def anchor(score: Score) -> str:
    """Return the id of a score's block: unlike for unlike names, whatever characters are in them."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "/-_.") else f"~{ord(c):x}" for c in score.name)
    return f"score-{plain}"


@functools.cache
def environment() -> jinja2.Environment:
    """Return the templates of pages, with the helpers that all of them use."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["words"] = words
    made.globals["strip"] = _tables.strip
    made.globals["questions"] = answers.QUESTIONS
    made.globals["anchor"] = anchor
    return made


@functools.cache
def _library() -> str:
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    text: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)
    # The editor's address is the only one that the library could open, and its menu is switched off.
    return text.replace("https://vega.github.io/editor/", "about:blank")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(value: Any) -> str:
    """Write JSON for a script element, where no character of the data can end the element."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def charts_of(report: Report) -> dict[str, Any]:
    """Collect the chart specifications: two for all columns, and one for each other chart."""
    drawn: dict[str, Any] = {}
    cells = charts.cells(report)
    if cells:
        named = alt.NamedData("cells")
        drawn["numbers"] = _spec(charts.numbers_panel(named, legend=False))
        drawn["bars"] = _spec(charts.bars_panel(named, 1, legend=False))
        drawn["columns"] = [
            {
                "kind": "numbers" if charts.is_numeric(rows) else "bars",
                "cells": [
                    [r["cell"], r["label"], r["edge"], r["real"], r["synthetic"], r["holdout"]] for r in rows
                ],
            }
            for rows in cells.values()
        ]
    if "fidelity/pairs" in report and _has_pairs(report["fidelity/pairs"]):
        rows, order = _matrices.rows(report)
        drawn["pairs"] = [_spec(chart) for chart in _matrices.panels(alt.NamedData("pairs"), rows, order)]
        drawn["pair_rows"] = rows
        drawn["pair_columns"] = len(order)
        drawn["pair_columns_known"] = _matrices.count_columns(report)
    if "fidelity/detection" in report and charts.detection_measure(report["fidelity/detection"]) is not None:
        drawn["detection"] = _spec(charts.detection_panel(report))
    if _densities.has_bins(report):
        drawn["plausibility"] = _spec(_densities.panel(report))
    return drawn


def _has_pairs(score: Score) -> bool:
    return score.detail is not None and not score.detail.is_empty()


def _spec(chart: Any) -> dict[str, Any]:
    made: dict[str, Any] = chart.to_dict()
    # The schema's address is there for editors; the mode is given to the embedder instead.
    made.pop("$schema", None)
    made.pop("config", None)
    made["autosize"] = {"type": "fit-x", "contains": "padding"}
    return made


def panels_of(report: Report, drawn: dict[str, Any]) -> list[dict[str, Any]]:
    """Describe the small charts of columns: the caption of each, in the order of the table."""
    if "columns" not in drawn:
        return []
    facts = _tables.by_column(report)
    kinds = dict(report.evaluation.profiles.select("column", "kind").iter_rows())
    panels = []
    for index, name in enumerate(charts.cells(report)):
        about = facts.get(name, {})
        panels.append({
            "index": index,
            "name": name,
            "kind": kinds[name],
            "distance": about.get("distance"),
            "baseline": about.get("baseline"),
        })  # fmt: skip
    return panels


def sections_of(report: Report) -> list[Section]:
    """Set the families of scores, those that have any."""
    return [_section(answer) for answer in answers.answers(report) if answer.scores]


def _section(answer: answers.Answer) -> Section:
    detailed = [s for s in answer.scores if s.detail is not None and not s.detail.is_empty()]
    forests = {s.name: made for s in detailed if (made := _pictures.forest(s)) is not None}
    return Section(
        answer.family,
        answers.SECTIONS.get(answer.family, answer.family.capitalize()),
        answer.question,
        answer.tally,
        answer.scores,
        any(words.is_computed(score) for score in answer.scores),
        {s.name: _tables.detail(s) for s in detailed},
        forests,
        {s.name: drawn for s in detailed if (drawn := _pictures.curve(s)) is not None},
        {s.name: _pictures.cards(s) for s in detailed if _pictures.cards(s)},
        _pictures.overview(answer.scores) if answer.family == "privacy" else [],
    )
