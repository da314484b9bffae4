"""A diagram that is laid out, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from simulacra.schema._diagram_layout import AISLE, HEAD, ROW, WIDTH, Box, Layout
from simulacra.schema.integrity import ReferenceFacts
from simulacra.schema.reference import Reference
from simulacra.schema.types import Schema

_STYLE = """
.schema-diagram { --paper: #ffffff; --ink: #1f2933; --faint: #66727f; --rule: #b8c1cb; --head: #eef1f4;
  --wrong: #b45309; font: 12px ui-sans-serif, system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { .schema-diagram { --paper: #16191d; --ink: #e4e8ec; --faint: #9aa5b1;
  --rule: #4a545f; --head: #23282e; --wrong: #f0a04b; } }
.schema-diagram .box { fill: var(--paper); stroke: var(--rule); }
.schema-diagram .head { fill: var(--head); }
.schema-diagram text { fill: var(--ink); }
.schema-diagram .name { font-weight: 600; font-size: 13px; }
.schema-diagram .faint { fill: var(--faint); font-size: 11px; }
.schema-diagram .key { font-weight: 600; }
.schema-diagram .line { fill: none; stroke: var(--faint); stroke-width: 1.3; }
.schema-diagram .line.orphans { stroke: var(--wrong); stroke-dasharray: 5 3; }
.schema-diagram .end { fill: var(--faint); }
.schema-diagram .count { fill: var(--faint); font-size: 10px; paint-order: stroke; stroke: var(--paper);
  stroke-width: 3px; }
.schema-diagram text.orphans { fill: var(--wrong); }
"""
_LONGEST = 24


def draw_boxes(
    schema: Schema, layout: Layout, counts: Mapping[str, int], integrity: Sequence[ReferenceFacts]
) -> str:
    """Write boxes and lines at their places."""
    facts = {(f.table, f.reference): f for f in integrity}
    lines, labels = [], []
    for table in schema.tables:
        for number, reference in enumerate(table.references):
            fact = facts.get((table.name, reference))
            line, label = _draw_line(layout, table.name, number, reference, fact)
            lines.append(line)
            labels.append(label)
    orphans = {(f.table, f.reference.columns[-1]): f.orphan_share for f in integrity if f.orphans}
    boxes = [_draw_box(box, counts.get(name), orphans) for name, box in layout.boxes.items()]
    width, height = round(layout.width), round(layout.height)
    title = f"{len(schema.tables)} tables and {len(lines)} references"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="schema-diagram" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{title}">'
        f"<title>{title}</title><style>{_STYLE}</style>" + "".join(lines + boxes + labels) + "</svg>"
    )


def _draw_box(box: Box, rows: int | None, orphans: Mapping[tuple[str, str], float]) -> str:
    x, y = box.x, box.y
    table, brow = box.table, HEAD - 9
    told = table.role if rows is None else f"{rows:,} row{'s' if rows != 1 else ''} · {table.role}"
    parts = [
        f"<g><title>{escape(table.name)}</title>",
        f'<rect class="box" x="{x:.0f}" y="{y:.0f}" width="{WIDTH}" height="{box.height:.0f}" rx="5"/>',
        f'<path class="head" d="M{x + 1:.0f} {y + HEAD - 4:.0f}v-{brow}q0-4 4-4h{WIDTH - 10}q4 0 4 4v{brow}z"/>',
        _text(x + 10, y + 17, table.name, "name"),
        _text(x + 10, y + 31, told, "faint"),
    ]
    referring = {name for reference in table.references for name in reference.columns}
    for place, name in enumerate(box.rows):
        height = y + HEAD + ROW * place + 13
        marks = [word for word, holds in (
            ("key", name in table.key), ("refers", name in referring), ("order", name == table.order),
        ) if holds]  # fmt: skip
        parts.append(_text(x + 10, height, name, "key" if name in table.key else ""))
        share = orphans.get((table.name, name))
        if share is not None:
            marks[-1] = f"{max(share, 0.001):.1%} orphans"
        style = "faint" if share is None else "faint orphans"
        parts.append(_text(x + WIDTH - 10, height, ", ".join(marks), style, "end"))
    if box.more:
        word = "column" if box.more == 1 else "columns"
        more = f"{box.more:,} {'more ' if box.rows else ''}{word}"
        parts.append(_text(x + 10, y + HEAD + ROW * len(box.rows) + 13, more, "faint"))
    return "".join(parts) + "</g>"


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    shown = text if len(text) <= _LONGEST + 6 else text[: _LONGEST + 5] + "…"
    end = ' text-anchor="end"' if anchor == "end" else ""
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{kind}{end}>{escape(shown)}</text>'


def _draw_line(
    layout: Layout, table: str, number: int, reference: Reference, fact: ReferenceFacts | None
) -> tuple[str, str]:
    """Draw one reference, and what is written at its end."""
    child, parent = layout.boxes[table], layout.boxes[reference.table]
    start, end = child.port(reference.columns[-1]), parent.port(reference.to[-1])
    if child.layer > parent.layer:
        points = [(child.x, start)]
        for lane in reversed(layout.lanes[table, number]):
            points += [(lane.x + WIDTH, lane.y), (lane.x, lane.y)]
        points.append((parent.x + WIDTH, end))
        path = f"M{points[0][0]:.0f} {points[0][1]:.0f}" + "".join(_curve(a, b) for a, b in pairwise(points))
        mark, anchor = (child.x - 6, start - 4), "end"
    else:
        # a row of the same table, or of one that stands further right because of a cycle
        out = AISLE * 0.42
        path = (
            f"M{child.x + WIDTH:.0f} {start:.0f}C{child.x + WIDTH + out:.0f} {start:.0f} "
            f"{parent.x + WIDTH + out:.0f} {end:.0f} {parent.x + WIDTH:.0f} {end:.0f}"
        )
        mark, anchor = (child.x + WIDTH + 6, start + 12), "start"
    orphans = " orphans" if fact is not None and fact.orphans else ""
    told = escape(str(fact or reference))
    line = (
        f'<g><title>{escape(table)}.{told}</title><path class="line{orphans}" d="{path}"/>'
        f'<circle class="end" cx="{parent.x + WIDTH:.0f}" cy="{end:.0f}" r="3"/></g>'
    )
    if fact is None:
        return line, ""
    text = f"{_short(fact.fewest)}..{_short(fact.most)}" if fact.fewest != fact.most else _short(fact.most)
    end_mark = ' text-anchor="end"' if anchor == "end" else ""
    return line, (f'<text class="count" x="{mark[0]:.0f}" y="{mark[1]:.0f}"{end_mark}>{text}</text>')


def _short(count: int) -> str:
    return (
        f"{count:,}"
        if count < 10_000
        else f"{count / 1e3:,.0f}k"
        if count < 10**7
        else f"{count / 1e6:,.0f}M"
    )


def _curve(a: tuple[float, float], b: tuple[float, float]) -> str:
    middle = (a[0] + b[0]) / 2
    return f"C{middle:.0f} {a[1]:.0f} {middle:.0f} {b[1]:.0f} {b[0]:.0f} {b[1]:.0f}"
