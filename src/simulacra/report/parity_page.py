"""Definitions of fairness side by side as one HTML file without scripts: cost against gap, rates, all figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from simulacra.metrics._parity import Figure
from simulacra.report.html import environment
from simulacra.report.parity import FIGURES, ParityReport, Treatment, percent, plain_notes, said

_STYLE = Path(__file__).parent / "templates" / "report.css"
WIDTH, HEIGHT, LEFT, TOP = 440, 280, 62, 14
"""The plane of the picture in its own units, and its margins."""
NAME_GAP = 19
TOUCH = 5.0
"""Dots of the picture nearer than this, in its units, lie on each other."""
NEAR = 2.0
"""Dots nearer than this, of 100, lie on each other."""
TICKS = 5
MOST_COLOURS = 7
BARS = ("parity_gap", "conditional_gap", "decision_gap", "odds_gap", "predictive_gap", "moved")
ARROWS = {"lower": "↓", "higher": "↑"}
"""Which side is the better one."""
HEADS = {
    "labels": "In the rows themselves",
    "decisions": "In a classifier’s decisions about unseen real people",
    "use": "What it costs",
}
CAUTIONS = {
    "independence": "Wrong where the groups really differ in what the target measures: it then says that they do not.",
    "conditional-independence": "Wrong where the explaining columns are themselves the result of unequal treatment.",
    "base-rates": "Wrong where the stated rate is not one that anybody could justify for each group.",
    "group-shares": "Wrong as an answer to unequal rates: it changes who is there and not how they are treated.",
    "no-direct-path": "Wrong where other columns stand in for the group: the difference then comes back through them.",
    "relabel": "Wrong where labels are facts and not decisions: it makes up outcomes that nobody had.",
}
"""When a definition is the wrong one."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A treatment in the picture: its place, its intervals, and where its name is written."""

    name: str
    role: str
    x: float
    y: float
    across: tuple[float, float]
    up: tuple[float, float]
    label: float
    told: str
    radius: float


@dataclass(frozen=True, slots=True)
class Plane:
    """Treatments by the gap of decisions (across) and by accuracy (up)."""

    dots: tuple[Dot, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    top: int = TOP


@dataclass(frozen=True, slots=True)
class Mark:
    """One group's rate on a line from 0 to 100, and the size of its dot."""

    x: float
    radius: int
    colour: int
    told: str


def render(report: ParityReport) -> str:
    """Write the definitions side by side as a page; it holds aggregates only and no script.

    Parameters
    ----------
    report : ParityReport
        Any report.

    Returns
    -------
    str
        HTML that needs nothing beside itself.

    Examples
    --------
    >>> "<title>t</title>" in render(ParityReport("t", "paid", "yes", ("sex",), (), (), {}))
    True
    """
    template = environment().get_template("parity.html.j2")
    return template.render(
        **_content(report),
        plane=_plane(report),
        lines=_lines(report),
        notes_of=plain_notes,
        cautions=CAUTIONS,
        style=Markup(_STYLE.read_text(encoding="utf-8")),
    ).lstrip()


def fragment(report: ParityReport) -> str:
    """Write the figures for a notebook.

    Parameters
    ----------
    report : ParityReport
        Any report.
    """
    return environment().get_template("parity-figures.html.j2").render(**_content(report), style="")


def _content(report: ParityReport) -> dict[str, Any]:
    shown = [name for name in FIGURES if any(one.figures.get(name) for one in report)]
    heads = [
        (HEADS[about], sum(FIGURES[name][2] == about for name in shown))
        for about in HEADS
        if any(FIGURES[name][2] == about for name in shown)
    ]
    known = [one for one in report if not one.error]
    tops = {
        name: max((f.value for one in known if (f := one.figures.get(name))), default=0) for name in shown
    }
    return {
        "report": report,
        "shown": shown,
        # the arrow stays beside the last word of its head
        "marks": {name: f"{head}\u00a0{ARROWS[side]}" for name, (head, side, _, _) in FIGURES.items()},
        "figures": FIGURES,
        "heads": heads,
        "rows": [(one, [_cell(one, name, tops[name]) for name in shown]) for one in known],
        "left_out": [one for one in report if one.error],
        "percent": percent,
    }


def _cell(one: Treatment, name: str, top: float) -> dict[str, Any]:
    figure = one.figures.get(name)
    if figure is None:
        return {"said": "–", "title": "too few rows to tell", "bar": 0}
    bar = round(100 * figure.value / top) if name in BARS and top > 0 else 0
    ends = f"{figure.low:.3f} to {figure.high:.3f}"
    kind = "the nearest and the farthest column: " if name == "moved" else "95 % interval: "
    return {"said": said(figure), "title": kind + ends, "bar": bar}


def _plane(report: ParityReport) -> Plane | None:
    """Place the treatments whose decisions and AUC are known."""
    known = [
        (one, gap, auc)
        for one in report
        if (gap := one.figures.get("decision_gap")) and (auc := one.figures.get("auc"))
    ]
    if len(known) < 2:
        return None
    across = _scale([gap for _, gap, _ in known], floor=0.0)
    up = _scale([auc for _, _, auc in known])
    placed = []
    for one, gap, auc in known:
        xs = [LEFT + WIDTH * _share(v, across) for v in (gap.value, gap.low, gap.high)]
        ys = [TOP + HEIGHT * (1 - _share(v, up)) for v in (auc.value, auc.low, auc.high)]
        told = f"parity gap {said(gap)}, AUC {said(auc)}"
        placed.append((one, xs, ys, told))
    heights = _apart([ys[0] for _, _, ys, _ in placed])
    dots = [
        Dot(one.name, "real" if one.name == "real" else "plain" if one.name == "as learnt" else "fair",
            round(xs[0], 1), round(ys[0], 1), (round(xs[1], 1), round(xs[2], 1)), (round(ys[1], 1), round(ys[2], 1)),
            label, told, 6.5 + 4 * min(hidden, 3))
        for (one, xs, ys, told), label, hidden in zip(placed, heights, _covered(placed), strict=True)
    ]  # fmt: skip
    return Plane(
        tuple(dots),
        tuple((round(LEFT + WIDTH * _share(v, across), 1), f"{v:.2f}") for v in _ticks(across)),
        tuple((round(TOP + HEIGHT * (1 - _share(v, up)), 1), f"{v:.2f}") for v in _ticks(up)),
    )


def _covered(placed: Sequence[tuple[Treatment, list[float], list[float], str]]) -> list[int]:
    """Count the later dots that lie on each: it is drawn as a ring about them, so that none hides another."""
    places = [(xs[0], ys[0]) for _, xs, ys, _ in placed]
    return [
        sum(math.dist(place, other) < TOUCH for other in places[number + 1 :])
        for number, place in enumerate(places)
    ]


def _scale(figures: Sequence[Figure], floor: float | None = None) -> tuple[float, float]:
    """Return round ends with all intervals between them."""
    low, high = min(f.low for f in figures), max(f.high for f in figures)
    room = max(0.005, 0.05 * (high - low))
    start = floor if floor is not None else math.floor(100 * (low - room)) / 100
    return start, math.ceil(100 * (high + room)) / 100


def _ticks(ends: tuple[float, float]) -> list[float]:
    span = ends[1] - ends[0]
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if span / s <= TICKS + 1)
    first = math.ceil(ends[0] / step - 1e-9)
    return [k * step for k in range(first, math.floor(ends[1] / step + 1e-9) + 1)]


def _share(value: float, ends: tuple[float, float]) -> float:
    return (value - ends[0]) / (ends[1] - ends[0])


def _apart(heights: list[float]) -> list[float]:
    """Move names so that none is written over another, as near to their dots as can be."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    moved, last = list(heights), -math.inf
    for i in order:
        last = moved[i] = max(heights[i], last + NAME_GAP)
    limit = float(TOP + HEIGHT)
    for i in reversed(order):
        moved[i] = min(moved[i], limit)
        limit = moved[i] - NAME_GAP
    return [round(value, 1) for value in moved]


def _lines(report: ParityReport) -> dict[str, Any]:
    """Place the groups' rates of each treatment on one common scale."""
    names = list(dict.fromkeys(group.name for one in report for group in one.groups))
    top = max((group.rate.high for one in report for group in one.groups), default=1.0)
    # ends whose half is round too
    step = 0.1 if top > 0.1 else 0.02
    top = min(1.0, math.ceil(top / step - 1e-9) * step)
    rows = []
    for one in report:
        places = [round(100 * group.rate.value / top, 2) for group in one.groups]
        marks = [
            Mark(
                places[i],
                # dots that lie on each other become rings, so that none hides another
                7 + 3 * min(2, sum(abs(other - places[i]) < NEAR for other in places[i + 1 :])),
                names.index(group.name) % MOST_COLOURS,
                f"{group.name}: {percent(group.rate.value)} of {group.rows:,} rows",
            )
            for i, group in enumerate(one.groups)
        ]
        if marks:
            rows.append((one.name, marks))
    return {
        "names": names,
        "top": f"{100 * top:g} %",
        "half": f"{50 * top:g} %",
        "rows": rows,
        "colours": MOST_COLOURS,
    }
