"""Rows of a root together with all that belong to them: taken, put together, and made anew where values must differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.randomness import Streams
from simulacra.relational.drawing import Rows
from simulacra.relational.histories.entities import put_together
from simulacra.relational.plan import Plan, locate
from simulacra.relational.unit import Unit
from simulacra.sampling.decoding import UNMADE
from simulacra.schema.conformance import canonical_type

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


def above(plan: Plan, unit: str) -> str | None:
    """Return the unit that draws the rows of another; None for a root, or if its parent is kept as it is."""
    link = plan.driving(unit)
    if link is None or link.reference.table in plan.kept:
        return None
    return plan.home(link.reference.table)


def tree_of(plan: Plan, root: str) -> tuple[str, ...]:
    """Return a root and all units that it draws, in the plan's order."""
    found = [root]
    for unit in plan.units:
        if unit not in found and above(plan, unit) in found:
            found.append(unit)
    return tuple(found)


def root_of(plan: Plan, table: str) -> str | None:
    """Return the root that a table's rows belong to in the end; None where that is a table kept as it is."""
    unit = plan.home(table)
    while (parent := above(plan, unit)) is not None:
        unit = parent
    link = plan.driving(unit)
    return unit if link is None and unit in plan.units else None


def empty_rows(unit: Unit, driven: bool) -> Rows:
    """Return no rows of a unit."""
    columns = unit.synthesizer.table.columns if unit.synthesizer is not None else ()
    frame = pl.DataFrame(schema={column.name: canonical_type(column) for column in columns})
    return Rows(frame, entity=np.zeros(0, np.int64) if driven else None)


def owners(plan: Plan, tree: Sequence[str], rows: Mapping[str, Rows]) -> dict[str, Array]:
    """Return by unit, for each of its rows, the row of the root that it belongs to."""
    found: dict[str, Array] = {}
    for unit in tree:
        if unit not in rows:
            continue
        home, entity = above(plan, unit), rows[unit].entity
        if home is None or entity is None:
            found[unit] = np.arange(len(rows[unit]))
        else:
            found[unit] = found[home][entity]
    return found


def take_tree(plan: Plan, tree: Sequence[str], rows: Mapping[str, Rows], kept: Array) -> dict[str, Rows]:
    """Take some rows of a root, and all that belong to them.

    Parameters
    ----------
    plan : Plan
        The plan.
    tree : sequence of str
        The root and its units, in order.
    rows : mapping of str to Rows
        By unit; those that are not drawn yet are left out. Every row belongs to one that is there.
    kept : array of int
        Rows of the root, ascending.
    """
    places: dict[str, Array] = {}
    taken: dict[str, Rows] = {}
    for unit in tree:
        if unit not in rows:
            continue
        own, home = rows[unit], above(plan, unit)
        if home is None or own.entity is None:
            held, entity, parents = kept, None, 0
        else:
            moved = places[home][own.entity]
            held = np.flatnonzero(moved >= 0)
            entity, parents = moved[held], len(taken[home])
        places[unit] = np.full(len(own), -1, np.int64)
        places[unit][held] = np.arange(len(held))
        taken[unit] = _take(own, held, entity, parents)
    return taken


def _take(own: Rows, held: Array, entity: Array | None, parents: int) -> Rows:
    return Rows(
        own.frame[held] if own.frame.width else own.frame,
        own.block.take(held) if own.block is not None else None,
        own.above.take(held) if own.above is not None else None,
        entity,
        parents,
        0,
        own.now[held] if own.now is not None else None,
        {name: block.take(held) for name, block in own.summaries.items()},
        {name: found[held] for name, found in own.fixed.items()},
    )


def join_trees(plan: Plan, tree: Sequence[str], pieces: Sequence[Mapping[str, Rows]]) -> dict[str, Rows]:
    """Put rows that were drawn one after the other behind each other."""
    joined: dict[str, Rows] = {}
    for unit in tree:
        parts = [piece[unit] for piece in pieces if unit in piece]
        if not parts:
            continue
        home, first = above(plan, unit), parts[0]
        entity = None
        if home is not None and first.entity is not None:
            begins = np.cumsum([0] + [len(piece[home]) for piece in pieces])
            entity = np.concatenate(
                [
                    part.entity + begin
                    for part, begin in zip(parts, begins, strict=False)
                    if part.entity is not None
                ]
            )
        blocks = [part.block for part in parts if part.block is not None]
        known = [part.above for part in parts if part.above is not None]
        times = [part.now for part in parts if part.now is not None]
        joined[unit] = Rows(
            pl.concat([part.frame for part in parts]),
            put_together(blocks) if len(blocks) == len(parts) else None,
            put_together(known) if len(known) == len(parts) else None,
            entity,
            len(joined[home]) if home is not None else 0,
            0,
            np.concatenate(times) if len(times) == len(parts) else None,
            {name: put_together([part.summaries[name] for part in parts]) for name in first.summaries},
            {name: np.concatenate([part.fixed[name] for part in parts]) for name in first.fixed},
        )
    return joined


def remake(unit: Unit, rows: Rows, read: frozenset[str], streams: Streams) -> None:
    """Make texts and codes anew that rows of several draws may share, but for columns that a condition reads."""
    own = unit.synthesizer
    if own is None or not len(rows.frame):
        return
    for column in own.table.columns:
        if column.kind in UNMADE and column.name not in read:
            encoding = own.encodings[column.name]
            arrays = encoding.encode(rows.frame[column.name])
            made = encoding.decode(arrays, rng=streams.stream("decode", column.name), start=0)
            rows.frame = rows.frame.with_columns(made.alias(column.name))


def prune(
    model: DatabaseSynthesizer, frames: Mapping[str, pl.DataFrame], asked: Sequence[str]
) -> dict[str, pl.DataFrame]:
    """Leave out of other trees the rows that nothing refers to, with all that belongs to them.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    frames : mapping of str to DataFrame
        All tables.
    asked : sequence of str
        Roots whose rows all stay.
    """
    plan, schema = model.plan, model.schema
    roots = {table.name: root_of(plan, table.name) for table in schema.tables if table.name not in plan.kept}
    loose = {name for name, root in roots.items() if root is not None and root not in asked}
    held = {name: np.full(len(frame), name not in loose) for name, frame in frames.items()}
    steps = [
        (link.table, link.reference.table, locate(frames[link.table], frames[link.reference.table], link.reference)
         .fill_null(-1).to_numpy(), link.way)
        for link in plan.links
    ]  # fmt: skip
    changed = True
    while changed:
        before = sum(int(mask.sum()) for mask in held.values())
        for child, parent, at, way in steps:
            if parent in loose:
                up = at[held[child] & (at >= 0)]
                held[parent][up] = True
            if child in loose and parent in roots and way == "driving":
                held[child] |= (at >= 0) & held[parent][np.maximum(at, 0)] if len(held[parent]) else False
        changed = sum(int(mask.sum()) for mask in held.values()) != before
    return {name: frame.filter(pl.Series(held[name])) for name, frame in frames.items()}


def find_reads(tables: Mapping[str, frozenset[str]], members: Sequence[str]) -> frozenset[str]:
    """Return the names, in a unit, of the columns that conditions read of its tables."""
    return frozenset(
        name if place == 0 else f"{member}#{name}"
        for place, member in enumerate(members)
        for name in tables.get(member, frozenset())
    )
