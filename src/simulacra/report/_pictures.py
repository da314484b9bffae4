"""Pictures of details that need no script: figures with intervals on lines, curves, and rules as cards."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from simulacra.metric import Score
from simulacra.report import words
from simulacra.report._tables import grid_cell, head, round_ends, worst_first

MOST_LINES = 25
MOST_LABELS = 3
UNLIKE = 30.0
"""Lines whose spans differ by more than this get a scale of their own each."""
REAL = ("real", "train", "baseline", "holdout", "control", "expected")
DIFFERENCES = {"excess", "advantage", "gap", "difference"}
FIGURES = ("synthetic", "value", "figure", "rate", "share", "excess", "advantage", "auc", "gap", "distance")


@dataclass(frozen=True, slots=True)
class Mark:
    """One figure on a line, at a place from 0 to 100."""

    role: str
    value: float
    low: float
    high: float
    said: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a picture: what it is about, and its figures."""

    label: str
    marks: tuple[Mark, ...]
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Forest:
    """Figures with their intervals, one line each, on one scale or each on its own."""

    lines: tuple[Line, ...]
    start: str
    end: str
    zero: float | None
    own_scales: bool
    total: int
    real: str = "real"
    synthetic: str = "synthetic"

    @property
    def has_real(self) -> bool:
        """Whether any line has a figure of real rows."""
        return any(mark.role == "real" for line in self.lines for mark in line.marks)


_Raw = dict[str, tuple[float, float, float]]


def forest(score: Score) -> Forest | None:
    """Draw the detail of a score as lines, where it has figures with intervals, or real beside synthetic figures."""
    frame = score.detail
    if frame is None or len(frame) < 2 or {"column_b", "rule"} & set(frame.columns):
        return None
    numeric = [name for name in frame.columns if frame[name].dtype.is_numeric() and frame[name].count()]
    labels = [
        name for name in frame.columns if frame[name].dtype == pl.String and frame[name].n_unique() > 1
    ][:MOST_LABELS]
    fake = _figure(frame, numeric)
    # an excess is held against 0, not against the figures that it is the difference of
    real = None if fake in DIFFERENCES else next((name for name in REAL if name in numeric), None)
    if not labels or fake is None or (real is None and _ends(fake, numeric) is None):
        return None
    drawn: dict[str, str] = {"synthetic": fake, **({} if real is None else {"real": real})}
    raw = [
        (" · ".join(str(row[name]) for name in labels if row[name]), _raw(row, drawn, numeric))
        for row in worst_first(frame).head(MOST_LINES).iter_rows(named=True)
    ]
    return _scaled([(label, marks, "") for label, marks in raw if marks], len(frame), drawn)


def _figure(frame: pl.DataFrame, numeric: Sequence[str]) -> str | None:
    """Find the column that holds the figure: one with its own interval, else the one between the ends."""
    known = [name for name in (*FIGURES, *numeric) if name in numeric and name not in REAL]
    for name in known:
        if {f"{name}_low", f"{name}_high"} <= set(numeric):
            return name
    if {"low", "high"} <= set(numeric):
        for name in (*(one for one in known if one in DIFFERENCES), *known):
            between = pl.col(name).is_between("low", "high")
            if (
                name not in {"low", "high"}
                and not frame[name].dtype.is_integer()
                and frame.select(between.all()).item()
            ):
                return name
    return "synthetic" if "synthetic" in numeric else None


def _ends(name: str, numeric: Sequence[str]) -> tuple[str, str] | None:
    """Find the columns that hold the interval of another."""
    own = (f"{name}_low", f"{name}_high")
    if set(own) <= set(numeric):
        return own
    return ("low", "high") if name not in REAL and {"low", "high"} <= set(numeric) else None


def _raw(row: Mapping[str, Any], drawn: Mapping[str, str], numeric: Sequence[str]) -> _Raw:
    made: _Raw = {}
    for role, name in drawn.items():
        value = row[name]
        if value is None or not math.isfinite(value):
            continue
        between = _ends(name, numeric)
        low, high = (value, value) if between is None else (row[end] for end in between)
        known = [end if end is not None and math.isfinite(end) else value for end in (low, high)]
        made[role] = (float(value), float(min(known[0], value)), float(max(known[1], value)))
    return made


def overview(scores: Sequence[Score]) -> list[tuple[str, Forest]]:
    """Draw the scores of one family that share a scale together: AUCs, and shares."""
    groups: dict[str, list[tuple[str, _Raw, str]]] = {}
    for score in scores:
        if not words.is_computed(score) or score.baseline is None or not math.isfinite(score.value):
            continue
        low, high = score.interval if score.interval is not None else (score.value, score.value)
        if not all(math.isfinite(figure) and -1 <= figure <= 1 for figure in (low, high, score.baseline)):
            continue
        kind = "AUC: .5 is guessing" if "AUC" in words.title(score) else "shares and rates"
        marks = {
            "synthetic": (score.value, low, high), "real": (score.baseline, score.baseline, score.baseline)
        }  # fmt: skip
        groups.setdefault(kind, []).append((words.title(score), marks, score.verdict))
    found = []
    for kind, lines in sorted(groups.items()):
        made = _scaled(lines, len(lines), {"real": "real data get"}) if len(lines) > 1 else None
        if made is not None:
            found.append((kind, made))
    return found


def _scaled(lines: Sequence[tuple[str, _Raw, str]], total: int, drawn: Mapping[str, str]) -> Forest | None:
    if len(lines) < 2:
        return None
    spans = [_span(marks) for _, marks, _ in lines]
    widths = sorted(high - low for low, high in spans if high > low)
    sizes = sorted(max(abs(low), abs(high)) for low, high in spans)
    middle = sizes[len(sizes) // 2]
    own = bool(widths) and (sizes[-1] > UNLIKE * max(middle, 1e-12) or widths[-1] > UNLIKE**2 * widths[0])
    bottom, top = round_ends(min(low for low, _ in spans), max(high for _, high in spans))
    made = []
    for (label, marks, verdict), (low, high) in zip(lines, spans, strict=True):
        edge = 0.08 * (high - low) or 0.5
        scale = (low - edge, high + edge) if own else (bottom, top)
        made.append(Line(label, tuple(_mark(role, marks[role], scale) for role in marks), verdict))
    zero = None if own or not bottom < 0 < top else _place(0.0, (bottom, top))
    real = drawn.get("real", "real")
    said = {"baseline": "real data get", "holdout": "unseen real rows", "control": "unseen real rows"}
    fake = drawn.get("synthetic", "synthetic")
    name = "synthetic" if fake in FIGURES else fake.replace("_", " ")
    return Forest(
        tuple(made), f"{bottom:g}", f"{top:g}", zero, own, total, said.get(real, real.replace("_", " ")), name
    )


def _span(marks: _Raw) -> tuple[float, float]:
    return min(low for _, low, _ in marks.values()), max(high for _, _, high in marks.values())


def _mark(role: str, figures: tuple[float, float, float], scale: tuple[float, float]) -> Mark:
    value, low, high = figures
    said = words.figure(value) + ("" if low == high else f" ({words.figure(low)} to {words.figure(high)})")
    return Mark(role, _place(value, scale), _place(low, scale), _place(high, scale), said)


def _place(value: float, scale: tuple[float, float]) -> float:
    return round(100 * (value - scale[0]) / (scale[1] - scale[0]), 2)


@dataclass(frozen=True, slots=True)
class Card:
    """One rule in words, with its figures."""

    rule: str
    facts: tuple[tuple[str, str], ...]


def cards(score: Score) -> list[Card]:
    """Set rules that tell synthetic rows from real ones as cards."""
    frame = score.detail
    if frame is None or "rule" not in frame.columns:
        return []
    found = []
    for row in frame.head(MOST_LINES).iter_rows(named=True):
        facts = {name: value for name, value in row.items() if name != "rule" and value is not None}
        said = tuple((head(name), grid_cell(name, value)) for name, value in facts.items())
        found.append(Card(str(row["rule"]), said))
    return found


@dataclass(frozen=True, slots=True)
class Curve:
    """Real and synthetic figures over a scale, with places from 0 to 100."""

    name: str
    said: str
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    roles: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]


def curve(score: Score) -> Curve | None:
    """Draw a detail whose first column is a rising number, with a real and a synthetic figure for each."""
    frame = score.detail
    if frame is None or len(frame) < 3 or not {"real", "synthetic"} <= set(frame.columns):
        return None
    name = frame.columns[0]
    if (
        not all(frame[column].dtype.is_numeric() for column in (name, "real", "synthetic"))
        or name in REAL + FIGURES
    ):
        return None
    frame = frame.select(name, "real", "synthetic").drop_nulls().drop_nans()
    scale = frame[name].to_list()
    if len(scale) < 3 or sorted(set(scale)) != scale:
        return None
    bottom, top = round_ends(*_extent(frame))
    wide = (float(scale[0]), float(scale[-1]))
    points = {
        role: tuple(
            (_place(x, wide), _place(y, (bottom, top))) for x, y in frame.select(name, role).iter_rows()
        )
        for role in ("real", "synthetic")
    }
    across = tuple((_place(x, wide), f"{x:g}") for x in (wide[0], (wide[0] + wide[1]) / 2, wide[1]))
    up = tuple((_place(y, (bottom, top)), f"{y:g}") for y in (bottom, (bottom + top) / 2, top))
    shown = name.replace("_", " ")
    return Curve(
        shown, f"Figures of real and of synthetic rows over {shown}", across, up, tuple(points.items())
    )


def _extent(frame: pl.DataFrame) -> tuple[float, float]:
    values = [float(value) for role in ("real", "synthetic") for value in frame[role]]
    return min(values), max(values)
