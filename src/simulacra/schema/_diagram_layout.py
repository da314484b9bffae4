"""Where the boxes of a diagram stand: in layers from left to right, with room for the lines that pass between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from simulacra.schema.types import Schema, Table

WIDTH, ROW, HEAD, GAP, LANE, AISLE, MARGIN = 214, 18, 42, 26, 12, 92, 14
_SWEEPS = 8
_MAX_ROWS = 8


@dataclass(slots=True)
class Box:
    """A table in its place."""

    table: Table
    rows: tuple[str, ...]
    """The columns that are named: those of the key and those that refer."""
    more: int
    """How many others there are."""
    layer: int
    x: float = 0.0
    y: float = 0.0

    @property
    def height(self) -> float:
        """Height with its rows."""
        return HEAD + ROW * (len(self.rows) + bool(self.more)) + 6

    def port(self, column: str) -> float:
        """Return the height at which a line meets a column."""
        place = self.rows.index(column) if column in self.rows else -1
        return self.y + HEAD + ROW * place + ROW / 2 if place >= 0 else self.y + HEAD / 2


@dataclass(slots=True)
class Lane:
    """A place where a line passes through a layer."""

    layer: int
    y: float = 0.0
    x: float = 0.0
    height: float = LANE


@dataclass(slots=True)
class Layout:
    """Boxes by the name of their table, the lanes of every long line, and the size of it all."""

    boxes: dict[str, Box]
    lanes: dict[tuple[str, int], list[Lane]] = field(default_factory=dict)
    """By table and number of the reference, from the parent's side to the child's."""
    width: float = 0.0
    height: float = 0.0


Item = Box | Lane


def lay_out(schema: Schema) -> Layout:
    """Place the tables of a schema."""
    linked = {t.name for t in schema.tables if t.references} | {
        r.table for t in schema.tables for r in t.references
    }
    layers = _find_layers(schema)
    boxes = {table.name: _box(table, schema, layers[table.name]) for table in schema.tables}
    layout = Layout(boxes)
    columns: dict[int, list[Item]] = {}
    for name, box in boxes.items():
        if name in linked:
            columns.setdefault(box.layer, []).append(box)
    neighbours: dict[int, list[Item]] = {}
    for table in schema.tables:
        for number, reference in enumerate(table.references):
            ends = boxes[reference.table], boxes[table.name]
            lanes = [Lane(layer) for layer in range(ends[0].layer + 1, ends[1].layer)]
            layout.lanes[table.name, number] = lanes
            for lane in lanes:
                columns.setdefault(lane.layer, []).append(lane)
            chain: list[Item] = [ends[0], *lanes, ends[1]]
            for left, right in pairwise(chain):
                if left is not right:
                    neighbours.setdefault(id(left), []).append(right)
                    neighbours.setdefault(id(right), []).append(left)
    _settle(columns, neighbours)
    _measure(layout, columns)
    _place_alone(layout, [box for name, box in boxes.items() if name not in linked])
    return layout


def _box(table: Table, schema: Schema, layer: int) -> Box:
    led = {
        name
        for other in schema.tables
        for reference in other.references
        if reference.table == table.name
        for name in reference.to
    }
    own = {name for reference in table.references for name in reference.columns}
    rows = [
        name for name in table.names if name in table.key or name in own or name in led or name == table.order
    ]
    shown = tuple(rows if len(rows) <= _MAX_ROWS + 1 else rows[:_MAX_ROWS])
    return Box(table, shown, len(table.columns) - len(shown), layer)


def _find_layers(schema: Schema) -> dict[str, int]:
    """Give each table a layer right of all that it refers to; a reference that would close a cycle does not count."""
    layers: dict[str, int] = {}
    walked: set[str] = set()
    for root in schema.tables:
        # a stack of its own: a chain of tables may be longer than Python recurses
        stack = [(root.name, iter([r.table for r in root.references]))]
        open_now = {root.name}
        if root.name in walked:
            continue
        layers[root.name] = 0
        while stack:
            name, parents = stack[-1]
            parent = next((p for p in parents if p not in open_now), None)
            if parent is None:
                stack.pop()
                open_now.discard(name)
                walked.add(name)
                if stack:
                    above = stack[-1][0]
                    layers[above] = max(layers[above], layers[name] + 1)
            elif parent in walked:
                layers[name] = max(layers[name], layers[parent] + 1)
            else:
                layers[parent] = 0
                open_now.add(parent)
                stack.append((parent, iter([r.table for r in schema.table(parent).references])))
    return layers


def _settle(columns: dict[int, list[Item]], neighbours: dict[int, list[Item]]) -> None:
    """Order each layer by the mean place of what its items are linked to, to and fro, and then set their heights."""
    for number in columns:
        _stack(columns[number], 0.0)
    for sweep in range(_SWEEPS):
        for number in sorted(columns, reverse=bool(sweep % 2)):
            items = columns[number]
            aims = {id(item): _aim(item, neighbours) for item in items}
            items.sort(key=lambda item: aims[id(item)])
            middle = sum(aims.values()) / len(items)
            height = sum(item.height + GAP for item in items) - GAP
            _stack(items, middle - height / 2)
            for item in items:
                item.y = max(item.y, aims[id(item)] - item.height / 2)
            _part(items)
    top = min(item.y for items in columns.values() for item in items) if columns else 0.0
    for items in columns.values():
        for item in items:
            item.y += MARGIN - top


def _aim(item: Item, neighbours: dict[int, list[Item]]) -> float:
    linked = neighbours.get(id(item), [])
    if not linked:
        return item.y + item.height / 2
    return sum(other.y + other.height / 2 for other in linked) / len(linked)


def _stack(items: list[Item], top: float) -> None:
    for item in items:
        item.y = top
        top += item.height + GAP


def _part(items: list[Item]) -> None:
    """Push items down until none overlaps the one above."""
    floor = None
    for item in items:
        if floor is not None and item.y < floor:
            item.y = floor
        floor = item.y + item.height + (GAP if isinstance(item, Box) else LANE)


def _measure(layout: Layout, columns: dict[int, list[Item]]) -> None:
    for number, items in columns.items():
        for item in items:
            item.x = MARGIN + number * (WIDTH + AISLE)
            layout.width = max(layout.width, item.x + WIDTH + MARGIN)
            layout.height = max(layout.height, item.y + item.height + MARGIN)


def _place_alone(layout: Layout, boxes: list[Box]) -> None:
    """Put tables that nothing leads to or from in rows at the foot."""
    if not boxes:
        return
    across = max(1, int((max(layout.width, 3 * (WIDTH + GAP)) - MARGIN) // (WIDTH + GAP)))
    top = layout.height + (GAP if layout.height else MARGIN)
    for start in range(0, len(boxes), across):
        row = boxes[start : start + across]
        for place, box in enumerate(row):
            box.x, box.y = MARGIN + place * (WIDTH + GAP), top
            layout.width = max(layout.width, box.x + WIDTH + MARGIN)
        top += max(box.height for box in row) + GAP
    layout.height = top - GAP + MARGIN
