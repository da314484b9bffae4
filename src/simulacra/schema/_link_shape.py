"""What links say of the tables: which column is the key, what the rows are, and in what order they follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from simulacra.schema._link_names import words_of
from simulacra.schema._link_tuples import find_keys
from simulacra.schema._link_values import may_link
from simulacra.schema.integrity import ReferenceFacts
from simulacra.schema.reference import Role
from simulacra.schema.types import Column, Schema, Table

_SHARED_BY = 20
_MANY_PARENTS = 1_000
_ENOUGH_ENTITIES = 10
_FEW_ENTITIES = 300
_LONG = 200
_LONGEST = 2_000
_LATER = {
    "birth",
    "born",
    "dob",
    "birthday",
    "expiry",
    "expire",
    "expiration",
    "due",
    "until",
    "end",
    "modified",
    "updated",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows of a table are, and why."""

    role: Role
    why: str
    order: str | None = None
    order_why: str = ""


def settle_keys(frames: Mapping[str, pl.DataFrame], schema: Schema) -> tuple[Schema, dict[str, str]]:
    """Give tables without a key the one that others refer to, or their references with one more column.

    Returns
    -------
    schema : Schema
        With more keys.
    reasons : dict of str
        One sentence for each table whose key is new.
    """
    reasons: dict[str, str] = {}
    for table in schema.tables:
        if table.key:
            continue
        led: dict[tuple[str, ...], list[str]] = {}
        for other in schema.tables:
            for reference in other.references:
                if reference.table == table.name:
                    led.setdefault(reference.to, []).append(other.name)
        if led:
            key = max(led, key=lambda to: len(led[to]))
            reasons[table.name] = (
                f"rows of {', '.join(dict.fromkeys(led[key]))} are linked by it, and it differs in every row"
            )
        else:
            key = _own_key(frames[table.name], table)
            if key:
                reasons[table.name] = (
                    "its columns together differ in every row, which chance would not make so"
                )
        schema = schema.with_key(*key, table=table.name)
    return schema, reasons


def _own_key(frame: pl.DataFrame, table: Table) -> tuple[str, ...]:
    """Return two columns, one of which refers, that identify a row; () where there are none."""
    referring = {name for reference in table.references for name in reference.columns}
    parts = [
        column.name
        for column in table.columns
        if column.name in referring
        or (may_link(column) and column.kind in {"number", "category", "date", "datetime"})
    ]
    parts = [name for name in parts if name in frame.columns and not frame[name].null_count()]
    found = [
        pair
        for name in parts
        if name in referring
        for other in parts
        if other != name
        for pair in find_keys(frame, sorted((name, other), key=table.names.index))
    ]
    return max(dict.fromkeys(found), key=lambda pair: sum(name in referring for name in pair), default=())


def settle_kinds(schema: Schema) -> Schema:
    """Give the columns that refer the kind of those that they lead to, so that both sides have values of one type."""
    for table in schema.tables:
        for reference in table.references:
            target = schema.table(reference.table)
            for name in reference.to if len(reference.to) == 1 else ():
                if target[name].kind in {"number", "text"}:
                    schema = _as_key(schema, target.name, name)
    for _ in schema.tables:
        old = schema
        single = {(t.name, r.columns[0]) for t in schema.tables for r in t.references if len(r.columns) == 1}
        for table in schema.tables:
            for reference in sorted(table.references, key=lambda r: len(r.columns)):
                for name, to in zip(reference.columns, reference.to, strict=True):
                    here, there = (table.name, name), (reference.table, to)
                    if len(reference.columns) > 1 and here in single:
                        here, there = there, here
                    schema = _as_other(schema, here, there)
        if schema == old:
            return schema
    return schema


def _as_key(schema: Schema, table: str, name: str) -> Schema:
    column = schema.table(table)[name]
    facts: dict[str, object] = {"kind": "key", "integer": column.kind == "number"}
    return schema.with_column(name, table=table, **facts, **_identity(column))


def _identity(column: Column) -> dict[str, object]:
    """Return what makes the fakes of an identifying column the same wherever it is referred to."""
    return {"identifying": column.identifying, "locale": column.locale}


def _as_other(schema: Schema, here: tuple[str, str], there: tuple[str, str]) -> Schema:
    column, model = schema.table(here[0])[here[1]], schema.table(there[0])[there[1]]
    changes: dict[str, object] = {"kind": model.kind, "integer": model.integer, **_identity(model)}
    if all(getattr(column, name) == value for name, value in changes.items()):
        return schema
    return schema.with_column(here[1], table=here[0], **changes)


def judge_shape(frame: pl.DataFrame, table: Table, facts: Sequence[ReferenceFacts]) -> Shape:
    """Tell what the rows of a table are by what refers where, and how often.

    Parameters
    ----------
    frame : DataFrame
        Its canonical values.
    table : Table
        With key and references.
    facts : sequence of ReferenceFacts
        Those of all references.
    """
    outward = [f for f in facts if f.table == table.name != f.reference.table]
    inward = [f for f in facts if f.table != table.name == f.reference.table]
    referred = list(dict.fromkeys(f.table for f in inward))
    panel = _find_panel(frame, table, outward) if not referred else None
    if panel is not None:
        return panel
    order, why = _find_order(frame, table, outward)
    log = order is not None and not referred
    close = [
        f
        for f in outward
        if not _is_moment(f, table) and (not _is_shared(f) or (log and _is_logged(f, table)))
    ]
    shared = [f for f in outward if f not in close]
    if not close:
        return Shape("entity", _explain_entity(shared, inward))
    driver = max(close, key=lambda f: f.parents - f.childless)
    if len(outward) > 1 and _is_link(table, outward):
        pair = " with ".join(dict.fromkeys(f.reference.table for f in outward))
        return Shape("link", f"its rows pair those of {pair} and say little else")
    per = driver.mean * driver.parents / max(driver.parents - driver.childless, 1)
    entities = driver.parents - driver.childless
    if log and per >= 1.2 and entities >= _ENOUGH_ENTITIES:
        return Shape(
            "event",
            f"each row of {driver.reference.table} has {per:.1f} rows in the mean, with a time each",
            order,
            why,
        )
    return Shape("child", f"its rows belong to rows of {driver.reference.table}")


def _is_shared(facts: ReferenceFacts) -> bool:
    """Tell whether a few rows are shared by very many, as districts are: such rows own nothing."""
    used = facts.parents - facts.childless
    rows = facts.rows - facts.nulls - facts.orphans
    return used < _MANY_PARENTS and rows > max(used, 1) * min(_SHARED_BY, 0.5 * rows**0.5)


def _is_logged(facts: ReferenceFacts, table: Table) -> bool:
    """Tell whether rows that have a time tell what happened to the few that they share: they have no keys."""
    used = facts.parents - facts.childless
    return used >= _FEW_ENTITIES or (
        len(table.key) != 1 and used >= _ENOUGH_ENTITIES and facts.rows <= _LONG * used
    )


def _is_link(table: Table, outward: list[ReferenceFacts]) -> bool:
    referring = {name for f in outward for name in f.reference.columns}
    if len(outward) > 1 and set(table.key) == referring:
        return True
    own = [name for name in table.names if name not in referring and name not in table.key]
    return len(own) <= 1 and all(len(f.reference.columns) == 1 for f in outward)


def _find_panel(frame: pl.DataFrame, table: Table, outward: list[ReferenceFacts]) -> Shape | None:
    """Return the shape of rows that are one for each entity and time, such as daily prices of shares."""
    order, why = _find_order(frame, table, outward)
    for facts in outward:
        entities = facts.parents - facts.childless
        if (
            not order
            or entities < _ENOUGH_ENTITIES
            or facts.most > _LONGEST
            or len(facts.reference.columns) > 1
        ):
            continue
        if find_keys(frame, [facts.reference.columns[0], order]):
            return Shape(
                "event", f"one row for each row of {facts.reference.table} and each {order}", order, why
            )
    return None


def _find_order(frame: pl.DataFrame, table: Table, outward: list[ReferenceFacts]) -> tuple[str | None, str]:
    """Return the column that says when a row was, where that is clear: the only time, or never after the others."""
    referring = {name for f in outward for name in f.reference.columns}
    times = [c for c in table.columns if _may_order(c, frame) and c.name not in referring]
    if not times:
        return None, ""
    if len(times) == 1:
        return times[0].name, "the only time that every row has"
    stamps = frame.select(pl.col(c.name).cast(pl.Datetime("us", None), strict=False) for c in times)
    for column in times:
        others = [c.name for c in times if c is not column]
        before = stamps.select((pl.col(column.name) <= pl.min_horizontal(others)).mean()).item()
        if before is not None and before >= 0.95:
            return (
                column.name,
                f"never after {' and '.join(others)}" if before == 1 else f"hardly ever after {others[0]}",
            )
    return None, ""


def _may_order(column: Column, frame: pl.DataFrame) -> bool:
    if column.kind not in {"date", "datetime"} or column.name not in frame.columns:
        return False
    return (
        not (_LATER & set(words_of(column.name)))
        and not frame[column.name].null_count()
        and frame[column.name].n_unique() > 1
    )


def _explain_entity(shared: list[ReferenceFacts], inward: list[ReferenceFacts]) -> str:
    if shared:
        owners = " and ".join(dict.fromkeys(f.reference.table for f in shared))
        return f"things of their own, of which many share a row of {owners}"
    if not inward:
        return "nothing leads to or from it"
    told = f"things of their own, referred to by {', '.join(dict.fromkeys(f.table for f in inward))}"
    if not all(_is_shared(f) for f in inward):
        return told
    return (
        f"{told}; if its rows are public knowledge, as districts and airports are, write 'role: reference', and they "
        "are kept as they are"
    )


def _is_moment(facts: ReferenceFacts, table: Table) -> bool:
    """Tell whether a reference leads to a calendar, which owns nothing."""
    return any(table[name].kind in {"date", "datetime"} for name in facts.reference.columns)


def apply_shape(table: Table, shape: Shape) -> Table:
    """Return the table with its role and order.

    Examples
    --------
    >>> apply_shape(Table("t", (Column("a", "date"),)), Shape("event", "", "a")).order
    'a'
    """
    return replace(table, role=shape.role, order=shape.order)
