"""The report as a table for the terminal."""

from __future__ import annotations

import io

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from simulacra.metric import Score
from simulacra.report import answers, requirements, words
from simulacra.report.document import Report

_STYLES = {"pass": "green", "look": "yellow", "fail": "bold red", "info": "cyan", "not computed": "dim"}
_ASCII_SIGNS = {"pass": "ok", "look": "!", "fail": "x", "info": "i", "not computed": "-"}
_SHOWN_RULES = 5
_SHOWN_UNASKED = 2
_SHOWN_CALM = 3
_ASCII = str.maketrans({
    "–": "-", "—": "-", "−": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "×": "x",
    "≤": "<=", "≥": ">=", "→": "->", "·": ".", "∞": "inf", "\u00a0": " ", "\u202f": " ", "é": "e",
})  # fmt: skip


def summary(report: Report, *, ascii_only: bool = False, verbose: bool = False) -> RenderableType:
    """Lay the report out as a compact table.

    Parameters
    ----------
    report : Report
        Any report.
    ascii_only : bool
        Use ASCII characters only, for logs and pipes.
    verbose : bool
        List all scores. Else each question shows its first few passes and counts the others; what failed, calls for
        a look or was not computed is always listed.

    Returns
    -------
    rich renderable
        The title, the scores under their questions, what was not computed, the policy, rules of the schema that
        synthetic rows break, and the notes.

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.evaluation import Evaluation
    >>> type(summary(Report("t", Evaluation((), pl.DataFrame(), {}, {}, ())))).__name__
    'Group'
    """

    def said(text: str, style: str = "") -> Text:
        return Text(_plain(text) if ascii_only else text, style=style)

    missing = [score for score in report if not words.is_computed(score)]
    parts: list[RenderableType] = [said(report.title, "bold")]
    for answer in answers.answers(report):
        head = said(f"{answer.question} ", "bold") + said(f"{answer.text} ") + said(answer.tally, "dim")
        parts += [Text(), _verdict(answer.verdict, ascii_only) + Text("  ") + head]
        shown, hidden = _shown(answer, verbose)
        table = _table(heads=not any(isinstance(part, Table) for part in parts))
        for score in shown:
            table.add_row(
                said(f"  {words.title(score)}"),
                _verdict(score.verdict, ascii_only),
                said(words.figure(score.value)),
                said(words.interval(score)),
                said(words.figure(score.baseline)),
            )
        if hidden:
            table.add_row(said(f"  and {hidden} more without a finding", "dim"))
        if table.row_count:
            parts.append(table)
    formal, line = words.guarantee(report.provenance)
    parts += [Text(), said(line, "" if formal else "bold")]
    open_ones = [score.name for score in missing if not score.asked]
    brief = not verbose and len(open_ones) > _SHOWN_UNASKED
    if brief:
        parts.append(
            said(f"not asked for, and can be: {', '.join(open_ones)} (how: the report, or -v).", "dim")
        )
    for score in missing:
        if brief and not score.asked:
            continue
        parts.append(said(f"{score.name}: not computed, because {words.reason(score)}", "dim"))
    for item in (report.policy or {}).get("requirements") or []:
        if not item["met"]:
            parts.append(said(f"policy broken: {requirements.sentence(item)}", "bold red"))
    if report.policy is not None:
        rows = report.policy.get("requirements") or []
        parts.append(said(words.policy(report.policy.get("file") or "given in the call", rows), "bold"))
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


def _table(heads: bool) -> Table:
    """Make a table whose columns stand below those of the other questions."""
    table = Table(box=None, show_header=heads, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text("  score", style="dim"), width=46)
    for name, width, side in (("verdict", 18, "left"), ("figure", 8, "right"), ("95 % interval", 18, "left")):
        table.add_column(Text(name, style="dim"), width=width, justify=side, no_wrap=True)  # type: ignore[arg-type]
    table.add_column(Text("real data", style="dim"), width=9, justify="right", no_wrap=True)
    return table


def _shown(answer: answers.Answer, verbose: bool) -> tuple[list[Score], int]:
    """Choose the scores of a question to list, and count those left out."""
    known = [score for score in answer.scores if words.is_computed(score)]
    calm = [score for score in known if score not in answer.notable]
    if verbose or len(calm) <= _SHOWN_CALM + 1:
        return known, 0
    kept = [*answer.notable, *calm[:_SHOWN_CALM]]
    return [score for score in known if score in kept], len(calm) - _SHOWN_CALM


def print_report(report: Report, console: Console | None = None, *, verbose: bool = False) -> None:
    """Print the report to a console, in colour on a terminal and in ASCII elsewhere.

    Parameters
    ----------
    report : Report
        Any report.
    console : rich Console or None
        Where to; None for standard output.
    verbose : bool
        List all scores, those that merely passed too.
    """
    console = console or Console()
    console.print(
        summary(report, ascii_only=not console.is_terminal, verbose=verbose), highlight=False, soft_wrap=False
    )


def text(report: Report, width: int = 110, *, verbose: bool = False) -> str:
    """Return the report as plain ASCII text.

    Parameters
    ----------
    report : Report
        Any report.
    width : int
        Characters in a line.
    verbose : bool
        List all scores, those that merely passed too.

    Returns
    -------
    str
        The table, without colours.
    """
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=False, color_system=None, legacy_windows=False)
    console.print(summary(report, ascii_only=True, verbose=verbose), highlight=False)
    return out.getvalue().rstrip("\n")


def _verdict(verdict: str, ascii_only: bool) -> Text:
    sign = (_ASCII_SIGNS if ascii_only else words.SIGNS)[verdict]
    word = words.VERDICTS[verdict]
    return Text(f"{sign:<2} {word}" if ascii_only else f"{sign} {word}", style=_STYLES[verdict])


def _plain(value: str) -> str:
    return value.translate(_ASCII).encode("ascii", "replace").decode()
