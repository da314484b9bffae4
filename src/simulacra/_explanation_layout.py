"""Explanations laid out for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from simulacra._explanation_branches import Branch

if TYPE_CHECKING:
    from simulacra.explanation import Account, Explanation

_BAR = 30
_GLUE = "\u00a0"
"""A space at which no line is broken."""


def lay_out(explanation: Explanation) -> RenderableType:
    """Lay out a table of all columns, or one column with its bars and its rules."""
    notes = [Text(f"note: {note}", style="dim") for note in explanation.notes]
    if explanation.rules is None and not notes:
        return _table(explanation)
    (account,) = explanation.columns
    parts: list[RenderableType] = [Text(account.column, style="bold"), *_facts(account)]
    if account.influences:
        parts += [Text(), Text("What it is drawn by:"), _bars(account)]
    if explanation.rules is not None:
        parts += [Text(), Text("Its rules in short:"), _tree(explanation.rules)]
        if not explanation.rules.branches:
            parts.append(Text("No column drawn before it splits its values clearly.", style="dim"))
    return Group(*parts, *([Text(), *notes] if notes else []))


def _table(explanation: Explanation) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=False, pad_edge=False)
    for heading in ("column", "explained", "by", "how it is drawn"):
        table.add_column(heading, justify="right" if heading == "explained" else "left", overflow="fold")
    for place, account in enumerate(explanation.columns, 1):
        name = f"{place}. {account.column}" if explanation.ordered else account.column
        by = ", ".join(f"{other.column} {_percent(other.share)}" for other in account.influences)
        drawn = "\n".join([account.drawn, *(f"rebuilt: {rule}" for rule in account.relations)])
        explained = "" if not account.explained else _percent(account.explained)
        table.add_row(*(Text(cell) for cell in (name, explained, by, drawn)))
    return table


def _facts(account: Account) -> list[Text]:
    lines = [Text(f"drawn: {account.drawn}")]
    if account.explained:
        lines.append(Text(f"explained by other columns: {_percent(account.explained)} of its spread"))
    return lines + [Text(f"rebuilt: {rule}") for rule in account.relations]


def _bars(account: Account) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    longest = max(other.share for other in account.influences)
    for other in account.influences:
        bar = "━" * max(round(_BAR * other.share / longest), 1)
        table.add_row(Text("  " + other.column), Text(bar, style="cyan"), Text(_percent(other.share)))
    return table


def _tree(branch: Branch) -> Tree:
    tree = Tree(_label(branch), guide_style="dim")
    stack = [(tree, branch)]
    while stack:
        node, here = stack.pop()
        stack += [(node.add(_label(below)), below) for below in here.branches]
    return tree


def _label(branch: Branch) -> Text:
    text = Text(branch.condition, style="bold" if branch.branches else "")
    text.append(f"  ({_percent(branch.share)} of rows)  " if branch.share < 1 else "  ", style="dim")
    parts = [f"{level} {_percent(share)}" for level, share in branch.levels]
    if branch.middle is not None:
        parts.append(
            f"median {branch.middle}"
            + f" (80 %: {branch.low} to {branch.high})" * (branch.low != branch.high)
        )
    if branch.missing:
        parts.append(f"missing {_percent(branch.missing)}")
    return text.append(", ".join(parts), style="not bold")


def _percent(share: float) -> str:
    figure = (
        "under 0.1" if 0 < share < 0.001 else f"{100 * share:.0f}" if share >= 0.1 else f"{100 * share:.1f}"
    )
    return f"{figure}{_GLUE}%"
