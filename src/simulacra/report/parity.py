"""Definitions of fairness side by side: what each does to the rows, to the other definitions, and to a classifier."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulacra.errors import OptionError, unknown
from simulacra.metrics._parity import Figure
from simulacra.report import words
from simulacra.storage import atomic_path

VERSION = 1
SUFFIXES = ("html", "json", "csv")
FIGURES = {
    "parity_gap": ("parity gap", "lower", "labels", "largest rate of a group minus the smallest"),
    "impact_ratio": ("impact ratio", "higher", "labels", "smallest rate of a group divided by the largest"),
    "conditional_gap": ("conditional gap", "lower", "labels", "parity gap among rows alike in what explains it"),
    "decision_gap": ("parity gap", "lower", "decisions", "of those whom the classifier chooses"),
    "odds_gap": ("odds gap", "lower", "decisions", "largest gap of true or false positive rates"),
    "predictive_gap": ("predictive gap", "lower", "decisions", "gap in how many of those chosen deserve it"),
    "accuracy": ("accuracy", "higher", "use", "share of right decisions about unseen real rows"),
    "auc": ("AUC", "higher", "use", "how well the chances order unseen real rows"),
    "moved": ("margins moved", "lower", "use", "mean distance of the columns from the real ones, 0 to 1"),
}  # fmt: skip
"""What is measured: head, the better side, what it is about, and in words."""
HEADS = {
    "labels": "In the rows",
    "decisions": "In a classifier's decisions",
    "use": "What it costs",
}
_FRAME = {
    "candidate": pl.String, "figure": pl.String, "group": pl.String, "value": pl.Float64, "low": pl.Float64,
    "high": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupRate:
    """How often a group has the positive level."""

    name: str
    rows: int
    share: float
    rate: Figure


@dataclass(frozen=True, eq=False)
class Treatment:
    """Rows under one definition, or rows that nothing was done to.

    Parameters
    ----------
    name : str
        ``"real"``, ``"as learnt"`` or a definition.
    words : str
        What holds of the rows.
    groups : tuple of GroupRate
        The groups that may be shown.
    figures : mapping
        The figures of `FIGURES`; None where one can not be computed.
    notes : tuple of str
        What drawing said.
    error : str
        Why there are no such rows.
    """

    name: str
    words: str = ""
    groups: tuple[GroupRate, ...] = ()
    figures: Mapping[str, Figure | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, eq=False)
class ParityReport:
    """Definitions of fairness side by side; what `compare_fairness` returns.

    Parameters
    ----------
    title : str
        What is compared.
    target, positive : str
        The outcome, and the level whose rate counts.
    group, given : tuple of str
        The columns of the groups, and those that explain a difference.
    treatments : tuple of Treatment
        Real rows, rows as learnt, then the definitions.
    provenance : mapping
        Rows, seed, model.

    Examples
    --------
    >>> report = ParityReport("t", "paid", "yes", ("sex",), (), (Treatment("real"),), {})
    >>> report.names
    ('real',)
    """

    title: str
    target: str
    positive: str
    group: tuple[str, ...]
    given: tuple[str, ...]
    treatments: tuple[Treatment, ...]
    provenance: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The treatments' names."""
        return tuple(one.name for one in self.treatments)

    def __getitem__(self, name: str) -> Treatment:
        for one in self.treatments:
            if one.name == name:
                return one
        raise unknown("treatment", name, self.names)

    def __iter__(self) -> Iterator[Treatment]:
        return iter(self.treatments)

    def __len__(self) -> int:
        return len(self.treatments)

    def frame(self) -> pl.DataFrame:
        """Return all figures as a frame: a row per treatment and figure, and per group for its rate."""
        rows: list[dict[str, Any]] = []
        for one in self:
            for name, figure in one.figures.items():
                rows.append(_row(one.name, name, None, figure))
            rows += [_row(one.name, "rate", group.name, group.rate) for group in one.groups]
        return pl.DataFrame(rows, schema=_FRAME)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "version": VERSION, "title": self.title, "target": self.target, "positive": self.positive,
            "group": list(self.group), "given": list(self.given),
            "treatments": [_listed(one) for one in self], "provenance": dict(self.provenance),
        }  # fmt: skip

    def save(self, path: str | Path) -> Path:
        """Write the report to a file that ends in ``.html``, ``.json`` or ``.csv``, all or nothing.

        Raises
        ------
        OptionError
            The name has another ending.
        FileError
            The file can not be written.
        """
        path = Path(path)
        suffix = path.suffix.lower().removeprefix(".")
        if suffix not in SUFFIXES:
            shown = words.listed([f".{form}" for form in SUFFIXES])
            raise OptionError(f"a comparison is saved as {shown}, not as '{path.name}'. Change the ending.")
        if suffix == "html":
            text: str = importlib.import_module("simulacra.report.parity_page").render(self)
        elif suffix == "json":
            text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        else:
            text = self.frame().write_csv()
        with atomic_path(path) as part:
            Path(part).write_text(text, encoding="utf-8", newline="")
        return path

    def _repr_html_(self) -> str:
        text: str = importlib.import_module("simulacra.report.parity_page").fragment(self)
        return text

    def __str__(self) -> str:
        out = io.StringIO()
        console = Console(file=out, width=120, force_terminal=False, color_system=None, legacy_windows=False)
        print_parity(self, console)
        return out.getvalue().rstrip("\n")

    def __repr__(self) -> str:
        return f"ParityReport({', '.join(self.names)})"


def _row(candidate: str, name: str, group: str | None, figure: Figure | None) -> dict[str, Any]:
    ends: dict[str, float | None] = {"value": None, "low": None, "high": None}
    if figure is not None:
        ends = {"value": figure.value, "low": figure.low, "high": figure.high}
    return {"candidate": candidate, "figure": name, "group": group, **ends}


def _listed(one: Treatment) -> dict[str, Any]:
    def ends(figure: Figure | None) -> dict[str, float] | None:
        return None if figure is None else {"value": figure.value, "low": figure.low, "high": figure.high}

    groups = [
        {"name": group.name, "rows": group.rows, "share": group.share, "rate": ends(group.rate)}
        for group in one.groups
    ]
    figures = {name: ends(figure) for name, figure in one.figures.items()}
    return {
        "name": one.name, "words": one.words, "groups": groups, "figures": figures, "notes": list(one.notes),
        "error": one.error or None,
    }  # fmt: skip


def print_parity(report: ParityReport, console: Console) -> None:
    """Print the figures side by side, then the rates of the groups and the notes."""
    console.print(report.title, style="bold", highlight=False, markup=False)
    for about, head in HEADS.items():
        shown = [
            name
            for name, (_, _, own, _) in FIGURES.items()
            if own == about and any(one.figures.get(name) for one in report)
        ]
        if shown:
            console.print()
            console.print(_table(report, head, shown), highlight=False)
    if any(one.groups for one in report):
        console.print()
        heading = f"How often {report.target} is {report.positive}"
        console.print(heading, style="bold", highlight=False, markup=False)
    for one in report:
        if one.groups:
            rates = ", ".join(f"{group.name} {percent(group.rate.value)}" for group in one.groups)
            console.print(f"{one.name}: {rates}", highlight=False, markup=False, soft_wrap=True)
    console.print()
    for one in report:
        if one.error:
            said_so = f"{one.name} was left out: {one.error}"
            console.print(said_so, highlight=False, markup=False, soft_wrap=True)
        for note in plain_notes(one):
            told = f"{one.name}: {note}"
            console.print(told, style="dim", highlight=False, markup=False, soft_wrap=True)


def _table(report: ParityReport, head: str, shown: list[str]) -> Table:
    """Lay out figures of one concern: three columns beside the names fit a terminal of 80."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(Text(head), no_wrap=True, min_width=max(map(len, [head, *report.names])))
    for name in shown:
        table.add_column(FIGURES[name][0], justify="right", no_wrap=True)
    for one in report:
        if not one.error:
            table.add_row(Text(one.name), *(said(one.figures.get(name)) for name in shown))
    return table


def plain_notes(one: Treatment) -> list[str]:
    """Return the notes of a treatment without what stands beside them: its name and its words."""
    known = f"{one.name} ({one.words.partition(' (stated')[0]})"
    notes = [note.removeprefix("fair: ").removeprefix(known).lstrip("., ") for note in one.notes]
    return [note[:1].upper() + note[1:] for note in notes if note]


def said(figure: Figure | None) -> str:
    """Write a figure with three decimals."""
    return "-" if figure is None else f"{figure.value:.3f}"


def percent(share: float) -> str:
    """Write a share as per cent."""
    return f"{100 * share:.1f} %"
