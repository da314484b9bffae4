"""The report on a database as one HTML file: links between tables, then every table, folded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from simulacra.report import _maps, answers, words
from simulacra.report.database import DatabaseReport
from simulacra.report.document import Report
from simulacra.report.html import Section, charts_of, panels_of, sections_of, write_page
from simulacra.schema.diagram import draw_diagram

RELATIONAL = "relational"


@dataclass(frozen=True, slots=True)
class TablePart:
    """One table on the page.

    Parameters
    ----------
    name, role : str
        The table.
    rows : list of (str, str)
        Numbers of rows with what they count.
    verdict : str
        The worst verdict of its scores.
    tally : str
        How many of its tests passed.
    sections : list of Section
        Its scores by family.
    panels : list of dict
        The small charts of its columns.
    maps : list
        The pairs of columns farthest from real data.
    """

    name: str
    role: str
    rows: list[tuple[str, str]]
    verdict: str
    tally: str
    sections: list[Section]
    panels: list[dict[str, Any]]
    maps: list[Any]


def render(report: DatabaseReport, *, private: bool = False) -> str:
    """Write a report on a database as a page.

    Parameters
    ----------
    report : DatabaseReport
        Any one.
    private : bool
        Add the section for the owner of the data.

    Returns
    -------
    str
        HTML that needs nothing beside itself; see `simulacra.report.html.render`.

    Notes
    -----
    **Cost**: about 1 MB for the chart library, and 1 to 2 KB per column. **Privacy**: as in `simulacra.report.html`.

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.evaluation import Evaluation
    >>> "<title>Bank</title>" in render(DatabaseReport("Bank", Evaluation((), pl.DataFrame(), {}, {})))
    True
    """
    drawn: dict[str, Any] = {}
    parts = [_part(report, name, drawn) for name in _names(report)]
    own = replace(report.evaluation, scores=tuple(s for s in report.scores if words.family(s) == RELATIONAL))
    linking = Report(report.title, own)
    return write_page(
        report, "database.html.j2", drawn, private=private, maps=[], panels=[],
        sections=[section for section in sections_of(linking) if section.name == RELATIONAL],
        # a task is asked of one table, so a database has no answer to that question
        answers=[reply for reply in answers.answers(report) if reply.scores or reply.family != "utility"],
        parts=parts, diagram=_diagram(report), links=_links(report),
    )  # fmt: skip


def _names(report: DatabaseReport) -> list[str]:
    """List the tables in the order of the schema."""
    counted = report.evaluation.summary.get("tables") or {}
    return list(counted) or list(report.tables)


def _part(report: DatabaseReport, name: str, drawn: dict[str, Any]) -> TablePart:
    """Set one table, and put its charts among those of the page."""
    known = report.structure is not None and name in report.structure.names
    role = report.structure.table(name).role if known and report.structure is not None else ""
    rows = (report.evaluation.summary.get("tables") or {}).get(name, {})
    said = [(words.count(n), side) for side, n in rows.items()]
    if name not in report.tables:
        return TablePart(name, role, said, "not computed", "", [], [], [])
    alone = report.table(name)
    charts = charts_of(alone)
    panels = panels_of(alone, charts)
    listed = drawn.setdefault("columns", [])
    if panels:
        for panel in panels:
            panel["index"] += len(listed)
        listed.extend(charts["columns"])
        drawn.update(numbers=charts["numbers"], bars=charts["bars"])
    mine = replace(
        alone.evaluation, scores=tuple(s for s in report.scores if s.name.rpartition("@")[2] == name)
    )
    sections = sections_of(Report(name, mine))
    replies = [reply for reply in answers.answers(mine.scores) if reply.scores]
    worst = min((reply.verdict for reply in replies), key=lambda v: words.RANK[v], default="not computed")
    judged = sum(reply.count("pass", "look", "fail") for reply in replies)
    tally = f"{sum(reply.count('pass') for reply in replies)} of {judged} tests passed" if judged else ""
    return TablePart(name, role, said, worst, tally, sections, panels, list(_maps.maps(alone)))


def _links(report: DatabaseReport) -> list[dict[str, Any]]:
    """Return a row for each reference: children per parent, orphans and empty references, side by side."""
    rows: dict[str, dict[str, Any]] = {}
    for name, kept in (
        ("relational/cardinality", ("real", "synthetic", "none_real", "none_synthetic", "distance", "baseline")),
        ("relational/orphans", ("orphans_real", "orphans_synthetic", "missing_real", "missing_synthetic")),
    ):  # fmt: skip
        detail = report[name].detail if name in report else None
        for row in [] if detail is None else detail.iter_rows(named=True):
            label = str(row.get("reference", "")).partition(" (children drawn")[0]
            rows.setdefault(label, {"reference": label}).update({key: row.get(key) for key in kept})
    return list(rows.values())


def _diagram(report: DatabaseReport) -> Markup | None:
    """Draw the tables and their references."""
    if report.structure is None:
        return None
    listed = report.evaluation.summary.get("tables") or {}
    return Markup(
        draw_diagram(report.structure, {name: rows.get("train", 0) for name, rows in listed.items()})
    )
