"""Constraints over several tables, held row by row: rows come with those that they belong to, and those below them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import polars as pl

from simulacra.memory import size_text
from simulacra.proof.canonical import FIRST, Places, Tally
from simulacra.proof.codes import Coding
from simulacra.proof.desk import ROW, Desk
from simulacra.proof.lines import Line
from simulacra.proof.references import needs_text
from simulacra.relational.rules._entity_repairs import Held
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.schema.constraints import Constraint, Running
from simulacra.schema.reference import Reference
from simulacra.schema.routes import Rows
from simulacra.schema.types import Table


@dataclass
class _Plan:
    """How rows come together: tables held whole, and columns by which others are brought together."""

    whole: set[str] = field(default_factory=set)
    scattered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    text: bool = False


def prove_crossing(rule: Constraint, table: Table, rows: int, places: Places, desk: Desk) -> Line:
    """Hold a table against a constraint that reads others.

    Parameters
    ----------
    rule : Constraint
        It reads other tables.
    table : Table
        Its table.
    rows : int
        How many rows there are.
    places : Places
        Where they are.
    desk : Desk
        What there is to work with.

    Returns
    -------
    Line
        What was found; unproved where the rows that must be seen together do not fit into memory.

    Notes
    -----
    Where all columns that it reads fit into memory, they are read. Else rows come with the rows that they belong to,
    which are held whole or brought together with them in files, and with those below them, which are brought together.

    **Cost**: linear in rows.
    """
    held = _hold(rule, table, desk)
    reads = _columns_read(held, table, desk)
    others = ", ".join(name for name in reads if name != table.name)
    own = tuple(reads[table.name])
    needed = {name: desk.needs(name, len(names) + 1) for name, names in reads.items()}
    plan = _Plan(whole=set(reads) - {table.name})
    if sum(needed.values()) > desk.memory:
        found = _plan(held, rule, table, needed, desk)
        if found is None:
            why = (
                f"rows of {len(reads)} tables must be seen together, which needs about "
                f"{size_text(sum(needed.values()))} of memory"
            )
            return Line(table.name, own, "among rows", str(rule), rows, None, (), why)
        plan = found
    tally = Tally()
    for frames in _frames(plan, table, reads, needed, desk):
        numbers = frames[table.name][ROW]
        broken = numbers.filter(held.broken(Rows(frames)).fill_null(False))
        tally.count += len(broken)
        tally.first = sorted([*tally.first, *broken.head(FIRST).to_list()])[:FIRST]
    how = f"every row, with {others}"
    return Line(table.name, own, "among rows", str(rule), rows, tally.count, places.find(tally.first), how)


def _hold(rule: Constraint, table: Table, desk: Desk) -> Held:
    """Compile the constraint against all tables, without the others of the schema."""
    tables = tuple(
        replace(one, constraints=(rule,) if one.name == table.name else ()) for one in desk.schema.tables
    )
    return next(
        held for held in EntityRules.of(replace(desk.schema, tables=tables)).held if held.constraint == rule
    )


def _columns_read(held: Held, table: Table, desk: Desk) -> dict[str, list[str]]:
    """List the columns that are read of each table, with those that lead from one to another."""
    reads: dict[str, set[str]] = {name: set() for name in (table.name, *sorted(held.tables))}
    own = {(table.name, held.column)} if held.column is not None else set()
    for name, column in held.reads | own:
        reads.setdefault(name, set()).add(column)
    for other in desk.schema.tables:
        for reference in other.references:
            if other.name in reads and reference.table in reads:
                reads[other.name] |= set(reference.columns)
                reads[reference.table] |= set(reference.to)
    return {name: [c for c in desk.schema.table(name).names if c in names] for name, names in reads.items()}


def _plan(held: Held, rule: Constraint, table: Table, needed: dict[str, int], desk: Desk) -> _Plan | None:
    """Find a way to bring rows together that does not need all of them at once; None if there is none."""
    expressions = [*held.formulas, *(condition.expression for condition in held.conditions)]
    lookups = [one for expression in expressions for one in expression.lookups]
    aggregates = [one for expression in expressions for one in expression.aggregates]
    inner = [part for one in aggregates for part in (one.value, one.where) if part is not None]
    if any(part.lookups or part.aggregates for part in inner):
        return None
    plan, key = _Plan(), tuple(rule.by) if isinstance(rule, Running) else ()
    for one in aggregates:
        (*more, reference) = one.route.references
        below = one.route.start
        known = plan.scattered.get(below, reference.columns)
        if more or known != reference.columns or (key and key != reference.to) or below == table.name:
            return None
        key = reference.to
        plan.scattered[below] = reference.columns
        plan.text |= _text(desk, below, reference)
    above = {name for one in lookups for name in one.route.tables[1:]}
    if table.name in above or above & set(plan.scattered):
        return None
    if sum(needed[name] for name in above) <= desk.memory // 2:
        plan.whole = above
        if key:
            plan.scattered[table.name] = key
        return plan if key or not isinstance(rule, Running) else None
    steps = {one.route.references for one in lookups}
    if len(steps) != 1 or len(next(iter(steps))) != 1:
        return None
    (reference,) = next(iter(steps))
    if key and key != reference.columns:
        return None
    plan.scattered |= {table.name: reference.columns, reference.table: reference.to}
    plan.text |= _text(desk, table.name, reference)
    return plan


def _text(desk: Desk, name: str, reference: Reference) -> bool:
    return needs_text(desk.schema, desk.schema.table(name), reference)


def _frames(
    plan: _Plan, table: Table, reads: dict[str, list[str]], needed: dict[str, int], desk: Desk
) -> Iterator[dict[str, pl.DataFrame]]:
    """Give rows of the table with what they are judged by."""
    schema = desk.schema
    whole = {name: desk.gather(schema.table(name), reads[name]).drop(ROW) for name in sorted(plan.whole)}
    if not plan.scattered:
        whole_fits = sum(needed.values()) <= desk.memory
        rows = desk.few_rows(len(reads[table.name]) + 1)
        for piece in desk.pieces(table, reads[table.name], 1 << 62 if whole_fits else rows):
            yield {**whole, table.name: piece}
        return
    parts = desk.parts(sum(needed[name] for name in plan.scattered))
    bundles = {
        name: desk.scatter(schema.table(name), reads[name], Coding(key, False, plan.text), parts)
        for name, key in plan.scattered.items()
    }
    for part in range(parts):
        frames = {name: bundle.take(part) for name, bundle in bundles.items()}
        if frames[table.name].height:
            yield {**whole, **frames}
