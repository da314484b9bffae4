"""A ranking as one HTML file without scripts: places, likeness against privacy, and all scores side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from simulacra.metric import Score
from simulacra.report import words
from simulacra.report.html import environment
from simulacra.report.ranking import HEADLINE, HEADS, Candidate, Ranking, facts, nearest

LEFT_FROM = 70
"""Points from this place on have their names to the left."""
_STYLE = Path(__file__).parent / "templates" / "report.css"


@dataclass(frozen=True, slots=True)
class Row:
    """One score of all candidates: a cell for each, and what real data get."""

    name: str
    title: str
    better: str
    family: str
    cells: tuple[tuple[Score | None, bool], ...]
    real: str


@dataclass(frozen=True, slots=True)
class Point:
    """A candidate between likeness and privacy, at places from 0 to 100; its name may stand a little off its height."""

    name: str
    x: float
    y: float
    role: str
    label: float


@dataclass(frozen=True, slots=True)
class Plane:
    """Candidates by how well they are told from real rows, and by what the strongest attack found."""

    points: tuple[Point, ...]
    across: tuple[str, str]
    up: tuple[str, str]
    attack: str


def render(ranking: Ranking) -> str:
    """Write a ranking as a page; it holds aggregates only and no script.

    Parameters
    ----------
    ranking : Ranking
        Any ranking.

    Returns
    -------
    str
        HTML that needs nothing beside itself.

    Examples
    --------
    >>> "<title>t</title>" in render(Ranking("t", ()))
    True
    """
    template = environment().get_template("ranking.html.j2")
    return template.render(**_content(ranking), style=Markup(_STYLE.read_text(encoding="utf-8"))).lstrip()


def fragment(ranking: Ranking) -> str:
    """Write the places for a notebook.

    Parameters
    ----------
    ranking : Ranking
        Any ranking.
    """
    return environment().get_template("places.html.j2").render(**_content(ranking), style="")


def _content(ranking: Ranking) -> dict[str, Any]:
    known = [one for one in ranking if one.report is not None]
    return {
        "ranking": ranking,
        "known": known,
        "left_out": [one for one in ranking if one.error],
        "heads": HEADS,
        "facts": facts,
        "rows": _rows(ranking),
        "plane": _plane(known),
    }


def _rows(ranking: Ranking) -> list[Row]:
    found = []
    for name, scores in ranking.rows():
        held = [score for one, score in zip(ranking, scores, strict=True) if one.report is not None]
        first = next(score for score in held if score is not None)
        real = next((s.baseline for s in held if s is not None and s.baseline is not None), None)
        judged = [score if score is not None and score.verdict != "info" else None for score in held]
        cells = tuple(zip(held, nearest(judged), strict=True))
        family = words.family(first)
        found.append(Row(name, words.title(first), first.better, family, cells, words.figure(real)))
    return found


def _plane(known: list[Candidate]) -> Plane | None:
    """Place candidates by likeness and by one attack; real data have a place too."""
    attack = _attack(known)
    if attack is None:
        return None
    measured = [(one.name, one.score(HEADLINE), one.score(attack)) for one in known]
    pairs = [(name, told, found) for name, told, found in measured if told is not None and found is not None]
    if len(pairs) < 2:
        return None
    dots = [(name, told.value, found.value, "synthetic") for name, told, found in pairs]
    _, told, found = pairs[0]
    if told.baseline is not None and found.baseline is not None:
        dots.append(("unseen real rows", told.baseline, found.baseline, "real"))
    dots = [dot for dot in dots if math.isfinite(dot[1]) and math.isfinite(dot[2])]
    sides = [_side([dot[1] for dot in dots]), _side([dot[2] for dot in dots])]
    placed = [(name, _place(x, sides[0]), _place(y, sides[1]), role) for name, x, y, role in dots]
    labels = _apart([(x > LEFT_FROM, y) for _, x, y, _ in placed])
    points = [Point(*dot, label) for dot, label in zip(placed, labels, strict=True)]
    ends = [(f"{low:g}", f"{high:g}") for low, high in sides]
    return Plane(tuple(points), ends[0], ends[1], words.title(found))


def _side(figures: list[float]) -> tuple[float, float]:
    """Return round ends with room around the figures."""
    low, high = min(figures), max(figures)
    room = max(0.05, 0.15 * (high - low))
    top = math.ceil(20 * (high + room)) / 20
    return math.floor(20 * (low - room)) / 20, min(top, 1.0) if high < 1 else top


def _apart(places: list[tuple[bool, float]], least: float = 5.5) -> list[float]:
    """Move labels up where they would be written over others on the same side."""
    moved = [height for _, height in places]
    last = {False: -math.inf, True: -math.inf}
    for i in sorted(range(len(places)), key=lambda i: places[i][1]):
        side, height = places[i]
        moved[i] = last[side] = max(height, last[side] + least)
    return moved


def _attack(known: list[Candidate]) -> str | None:
    """Choose the attack on which the candidates differ most, among those that name members."""
    names = {score.name for one in known for score in one.report or () if words.family(score) == "privacy"}
    spans = {}
    for name in sorted(names):
        found = [
            score for one in known if (score := one.score(name)) is not None and score.baseline is not None
        ]
        if len(found) > 1 and name.endswith("/auc"):
            spans[name] = max(score.value for score in found)
    if spans:
        return max(spans, key=lambda name: spans[name])
    return "privacy/copies" if "privacy/copies" in names else None


def _place(value: float, ends: tuple[float, float]) -> float:
    return round(100 * (value - ends[0]) / (ends[1] - ends[0]), 2)
