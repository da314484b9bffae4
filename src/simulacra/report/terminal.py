"""The report as a table for the terminal."""

from __future__ import annotations

import io

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from simulacra.metric import Score
from simulacra.report import words
from simulacra.report.document import Report

_STYLES = {"pass": "green", "look": "yellow", "fail": "bold red", "info": "cyan", "not computed": "dim"}
_ASCII_SIGNS = {"pass": "ok", "look": "!", "fail": "x", "info": "i", "not computed": "-"}
_SHOWN_RULES = 5
_ASCII = str.maketrans({
    "–": "-", "—": "-", "−": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "×": "x",
    "≤": "<=", "≥": ">=", "→": "->", "·": ".", "∞": "inf", "\u00a0": " ", "\u202f": " ", "é": "e",
})  # fmt: skip


def summary(report: Report, *, ascii_only: bool = False) -> RenderableType:
    """Lay the report out as a compact table.

    Parameters
    ----------
    report : Report
        Any report.
    ascii_only : bool
        Use ASCII characters only, for logs and pipes.

    Returns
    -------
    rich renderable
        The title, a row per score under its question, what was not computed, rules of the schema that
        synthetic rows break, and the notes.

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.evaluation import Evaluation
    >>> type(summary(Report("t", Evaluation((), pl.DataFrame(), {}, {}, ())))).__name__
    'Group'
    """
    table = Table(box=box.ASCII if ascii_only else box.SIMPLE_HEAD, expand=False, pad_edge=False)
    table.add_column("question")
    table.add_column("verdict", no_wrap=True)
    table.add_column("figure", justify="right", no_wrap=True)
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("real data get", justify="right", no_wrap=True)

    def said(text: str, style: str = "") -> Text:
        return Text(_plain(text) if ascii_only else text, style=style)

    missing: list[Score] = []
    for answer in words.answers(report):
        asked = said(answer.question, "bold") + said(f" {answer.text}", "")
        table.add_row(asked, _verdict(answer.verdict, ascii_only))
        for score in (answer.score, *answer.others):
            if score is None:
                continue
            if not words.is_computed(score):
                missing.append(score)
                continue
            table.add_row(
                said(f"  {words.title(score)}"),
                _verdict(score.verdict, ascii_only),
                said(words.figure(score.value)),
                said(words.interval(score)),
                said(words.figure(score.baseline)),
            )
    formal, line = words.guarantee(report.provenance)
    parts: list[RenderableType] = [said(report.title, "bold"), table, said(line, "" if formal else "bold")]
    for score in missing:
        parts.append(said(f"{score.name}: not computed, because {words.reason(score)}", "dim"))
    broken = report.evaluation.summary.get("violations") or []
    for line in broken[:_SHOWN_RULES]:
        parts.append(said(f"synthetic rows break the schema: {line}", "yellow"))
    if len(broken) > _SHOWN_RULES:
        parts.append(
            said(f"synthetic rows break {len(broken) - _SHOWN_RULES:,} more rules of the schema.", "yellow")
        )
    for note in (*report.evaluation.notes, *report.notes):
        parts.append(said(f"note: {note}"))
    return Group(*parts)


def print_report(report: Report, console: Console | None = None) -> None:
    """Print the report to a console, in colour on a terminal and in ASCII elsewhere.

    Parameters
    ----------
    report : Report
        Any report.
    console : rich Console or None
        Where to; None for standard output.
    """
    console = console or Console()
    console.print(summary(report, ascii_only=not console.is_terminal), highlight=False, soft_wrap=False)


def text(report: Report, width: int = 110) -> str:
    """Return the report as plain ASCII text.

    Parameters
    ----------
    report : Report
        Any report.
    width : int
        Characters in a line.

    Returns
    -------
    str
        The table, without colours.
    """
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=False, color_system=None, legacy_windows=False)
    console.print(summary(report, ascii_only=True), highlight=False)
    return out.getvalue().rstrip("\n")


def _verdict(verdict: str, ascii_only: bool) -> Text:
    sign = (_ASCII_SIGNS if ascii_only else words.SIGNS)[verdict]
    word = words.VERDICTS[verdict]
    return Text(f"{sign:<2} {word}" if ascii_only else f"{sign} {word}", style=_STYLES[verdict])


def _plain(value: str) -> str:
    return value.translate(_ASCII).encode("ascii", "replace").decode()
