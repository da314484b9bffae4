"""What a model shows of itself, set for the page: curves, a graph, or a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from simulacra.exhibit import Exhibit
from simulacra.report import _tables, words

MOST_CURVES = 6
MOST_POINTS = 300
MOST_ARROWS = 60
_WIDE, _HIGH = 132, 22
"""Size of the box of a name."""
_ACROSS, _DOWN = 172, 40
"""From one box to the next."""
_RADIUS, _MARGIN = 170, 150
_STEPS, _GOLDEN = 6, 0.618
_LETTERS = 19
"""Letters of a name that a box holds."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Figures over steps, with places from 0 to 100."""

    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    lines: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One name of a graph, at its place."""

    name: str
    x: float
    y: float
    anchor: str = "middle"

    @property
    def short(self) -> str:
        """The name as far as its box holds it."""
        return self.name if len(self.name) <= _LETTERS else f"{self.name[: _LETTERS - 1]}…"


@dataclass(frozen=True, slots=True)
class Arrow:
    """One line of a graph: its path, its width, and what it says."""

    path: str
    width: float
    role: str
    said: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Names joined by arrows, or by lines where they have no direction."""

    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    width: float
    height: float
    directed: bool
    left_out: int


@dataclass(frozen=True, slots=True)
class Shown:
    """An exhibit on the page."""

    name: str
    text: str
    table: _tables.Grid
    curves: Curves | None
    graph: Graph | None


def shown(exhibits: Sequence[Exhibit]) -> list[Shown]:
    """Set what a model shows of itself."""
    return [
        Shown(e.name, e.text, _tables.grid(e.detail), curves(e.detail), graph(e.detail)) for e in exhibits
    ]


def curves(frame: pl.DataFrame) -> Curves | None:
    """Draw a frame of ``step``, ``curve`` and ``value``; None where it has other columns or fewer than two steps.

    Examples
    --------
    >>> made = curves(pl.DataFrame({"step": [0, 10], "curve": ["loss"] * 2, "value": [3.0, 1.0]}))
    >>> made.lines
    (('loss', ((0.0, 95.45), (100.0, 4.55))),)
    """
    if not {"step", "curve", "value"} <= set(frame.columns):
        return None
    known = frame.select("step", "curve", "value").drop_nulls()
    known = known.filter(pl.col("value").cast(pl.Float64).is_finite())
    if known["step"].n_unique() < 2:
        return None
    wide = (float(known["step"].min()), float(known["step"].max()))  # type: ignore[arg-type]
    ends = (float(known["value"].min()), float(known["value"].max()))  # type: ignore[arg-type]
    # no round ends and no zero: what counts in a training curve is its bend
    edge = 0.05 * (ends[1] - ends[0]) or 1.0
    low, high = ends[0] - edge, ends[1] + edge
    lines = []
    for (name,), part in known.group_by("curve", maintain_order=True):
        rows = part.sort("step")
        rows = rows.gather_every(max(-(-len(rows) // MOST_POINTS), 1))
        points = zip(_places(rows["step"], *wide), _places(rows["value"], low, high))
        lines.append((str(name), tuple(points)))
    across = tuple((100 * share, f"{wide[0] + share * (wide[1] - wide[0]):g}") for share in (0, 0.5, 1))
    up = tuple((100 * share, f"{low + share * (high - low):.3g}") for share in (0, 0.5, 1))
    return Curves(across, up, tuple(lines[:MOST_CURVES]))


def _places(values: pl.Series, low: float, high: float) -> list[float]:
    return [round(100 * (float(value) - low) / (high - low), 2) for value in values]


def graph(frame: pl.DataFrame) -> Graph | None:
    """Draw a frame of ``source``, ``target`` and ``strength``; None where it has other columns or no row.

    Examples
    --------
    >>> made = graph(pl.DataFrame({"source": ["a", "a"], "target": ["b", "c"], "strength": [0.5, 0.1]}))
    >>> [(node.name, node.x < 100) for node in made.nodes]
    [('a', True), ('b', False), ('c', False)]
    """
    if not {"source", "target", "strength"} <= set(frame.columns) or frame.is_empty():
        return None
    directed = "directed" not in frame.columns or bool(frame["directed"].all())
    strongest = frame.sort(pl.col("strength").abs(), descending=True, nulls_last=True, maintain_order=True)
    rows = strongest.head(MOST_ARROWS).select("source", "target", "strength").rows()
    pairs = [(str(source), str(target)) for source, target, _ in rows]
    nodes = _in_layers(pairs) if directed else _in_circle(pairs)
    places = {node.name: node for node in nodes}
    most = max((abs(strength or 0) for *_, strength in rows), default=0) or 1
    arrows = tuple(
        Arrow(
            (_bow if directed else _chord)(places[source], places[target]),
            round(0.8 + 4.2 * abs(strength or 0) / most, 2),
            "synthetic" if (strength or 0) < 0 else "real",
            f"{source} {'→' if directed else '–'} {target}: {words.figure(strength)}",
        )
        for (source, target), (*_, strength) in zip(pairs, rows)
    )
    if directed:
        width = max(node.x for node in nodes) + _WIDE / 2 + 10
        height = max(node.y for node in nodes) + _HIGH / 2 + 10
    else:
        width = height = 2 * (_RADIUS + _MARGIN)
        height -= 1.4 * _MARGIN
    return Graph(nodes, arrows, width, height, directed, len(frame) - len(rows))


def _in_layers(pairs: Sequence[tuple[str, str]]) -> tuple[Node, ...]:
    """Put every name to the right of all that point to it, near the height of these."""
    depth = _depths(pairs)
    layers: dict[int, list[str]] = {}
    for name, own in depth.items():
        layers.setdefault(own, []).append(name)
    # in a long chain names stand at unlike heights, so that lines which pass a layer do not hide behind its names
    height = max(*map(len, layers.values()), min(len(layers), _STEPS)) * _DOWN
    y: dict[str, float] = {}
    made = []
    for own, names in sorted(layers.items()):
        step = height / len(names)
        before = {name: [y[a] for a, b in pairs if b == name and a in y] for name in names}
        ranked = sorted(names, key=lambda name: sum(before[name]) / max(len(before[name]), 1))
        for place, name in enumerate(ranked):
            shift = ((own * _GOLDEN) % 1 - 0.5) * max(step - _DOWN, 0) if own else 0.0
            y[name] = round(step * (place + 0.5) + shift + 4, 1)
            made.append(Node(name, 10 + _WIDE / 2 + own * _ACROSS, y[name]))
    return tuple(made)


def _depths(pairs: Sequence[tuple[str, str]]) -> Mapping[str, int]:
    """Return the length of the longest way to each name; ways round a circle are cut short."""
    depth = dict.fromkeys((name for pair in pairs for name in pair), 0)
    for _ in range(len(depth)):
        moved = False
        for source, target in pairs:
            if depth[target] < depth[source] + 1 <= len(depth):
                depth[target] = depth[source] + 1
                moved = True
        if not moved:
            break
    return depth


def _in_circle(pairs: Sequence[tuple[str, str]]) -> tuple[Node, ...]:
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    made = []
    for place, name in enumerate(names):
        angle = 2 * math.pi * place / len(names) - math.pi / 2
        side = math.cos(angle)
        x = _RADIUS + _MARGIN + _RADIUS * side
        y = _RADIUS + 0.3 * _MARGIN + _RADIUS * math.sin(angle)
        made.append(
            Node(
                name,
                round(x, 1),
                round(y, 1),
                "middle" if abs(side) < 0.2 else "start" if side > 0 else "end",
            )
        )
    return tuple(made)


def _bow(source: Node, target: Node) -> str:
    start, end = source.x + _WIDE / 2, target.x - _WIDE / 2 - 4
    middle = (start + end) / 2
    lead = f"M{start:.1f} {source.y:.1f} C{middle:.1f} {source.y:.1f}"
    return f"{lead} {middle:.1f} {target.y:.1f} {end:.1f} {target.y:.1f}"


def _chord(source: Node, target: Node) -> str:
    """Join two names by a line that bends towards the middle of the circle."""
    x = 0.55 * (_RADIUS + _MARGIN) + 0.45 * (source.x + target.x) / 2
    y = 0.55 * (_RADIUS + 0.3 * _MARGIN) + 0.45 * (source.y + target.y) / 2
    return f"M{source.x:.1f} {source.y:.1f} Q{x:.1f} {y:.1f} {target.x:.1f} {target.y:.1f}"
