"""Which row belongs to which: references as row numbers, and the entity that every row descends from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.schema.links import Link, find_links
from simulacra.schema.reference import Reference
from simulacra.schema.types import Schema, Table

MISSING = -1
ORPHAN = -2
"""What stands in the place of a row number where a row refers to nothing, or to a row that is not there."""

Frames = Mapping[str, pl.DataFrame]

_PERSONAL = ("person", "email", "phone", "national_id", "ssn", "username")
_LIST = 1_000
_FEW = 20
"""A small list has at most so many rows, and rows that refer to it are so many times more."""
_TOLD = 6
"""Links that a note names before it counts the rest."""


@dataclass(frozen=True)
class Linked:
    """A schema with the references that nobody declared, but that names and values agree on.

    Parameters
    ----------
    schema : Schema
        What was declared, and what was found beyond doubt.
    used : tuple of Link
        What was found beyond doubt.
    doubtful : tuple of Link
        What may be a reference, or not: a person must decide.
    """

    schema: Schema
    used: tuple[Link, ...] = ()
    doubtful: tuple[Link, ...] = ()


def link_undeclared(schema: Schema, frames: Frames) -> Linked:
    """Add the references that a database has without a foreign key.

    Parameters
    ----------
    schema : Schema
        The tables with what is declared.
    frames : mapping
        Their rows, canonical values.

    Returns
    -------
    Linked
        `simulacra.schema.links.find_links` says what is certain; a link between values of different types is doubtful.

    Notes
    -----
    **Cost** that of `find_links`.

    Examples
    --------
    >>> link_undeclared(Schema(()), {}).used
    ()
    """
    used: list[Link] = []
    doubtful: list[Link] = []
    for link in find_links(frames, schema):
        own, other = schema.table(link.table), schema.table(link.reference.table)
        alike = all(
            frames[own.name][a].dtype == frames[other.name][b].dtype and own[a].integer == other[b].integer
            for a, b in zip(link.reference.columns, link.reference.to, strict=True)
        )
        (used if alike and link.strength == "certain" else doubtful).append(link)
    for link in used:
        r = link.reference
        schema = schema.with_reference(link.table, r.columns, r.table, r.to, name=r.name)
    return Linked(schema, tuple(used), tuple(doubtful))


def name_links(links: Sequence[Link]) -> str:
    """Name the first of some links, and count the rest.

    Examples
    --------
    >>> name_links([Link("orders", Reference(("coupon",), "coupons", ("id",)), "certain", "...", 1, 0, 0, 1.0)])
    'orders.coupon (coupons.id)'
    """
    told = [
        f"{link.table}.{'+'.join(link.reference.columns)} "
        f"({link.reference.table}.{'+'.join(link.reference.to)})"
        for link in links
    ]
    more = [f"{len(told) - _TOLD:,} more"] if len(told) > _TOLD else []
    return ", ".join((*told[:_TOLD], *more))


def point(child: pl.DataFrame, parent: pl.DataFrame, reference: Reference) -> Array:
    """Return the row of the parent that each row of the child refers to.

    Parameters
    ----------
    child, parent : DataFrame
        Canonical values.
    reference : Reference
        Which columns refer to which.

    Returns
    -------
    array
        Shape (rows of the child,): row numbers, `MISSING` or `ORPHAN`. Of parents with one key the first counts.

    Notes
    -----
    **Cost** linear in rows (a hash join).

    Examples
    --------
    >>> child, parent = pl.DataFrame({"a": [2, 9, None]}), pl.DataFrame({"id": [1, 2]})
    >>> point(child, parent, Reference(("a",), "t", ("id",))).tolist()
    [1, -2, -1]
    """
    names = [f"k{at}" for at in range(len(reference.columns))]
    theirs = parent.select(
        pl.col(to).alias(name) for to, name in zip(reference.to, names, strict=True)
    ).with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("row"))
    theirs = theirs.unique(names, keep="first", maintain_order=True)
    ours = child.select(
        _alike(child[own], theirs[name]).alias(name)
        for own, name in zip(reference.columns, names, strict=True)
    )
    absent = ours.select(pl.any_horizontal(pl.col(names).is_null())).to_series()
    found = ours.join(theirs, on=names, how="left", maintain_order="left")["row"]
    rows = found.fill_null(ORPHAN).to_numpy().copy()
    rows[absent.to_numpy()] = MISSING
    return rows


def _alike(values: pl.Series, others: pl.Series) -> pl.Series:
    return values if values.dtype == others.dtype else values.cast(others.dtype, strict=False)


def find_drivers(schema: Schema, frames: Frames) -> dict[str, int]:
    """Choose for each table the reference by which its rows belong to an entity.

    Parameters
    ----------
    schema : Schema
        Tables with references.
    frames : mapping
        Their rows.

    Returns
    -------
    dict
        For each table that belongs to another one, the place of the reference among `Table.references`.

    Notes
    -----
    Of several parents the one counts whose key the rows' own key holds, then the one that fewest rows lack, then the
    one that most tables descend from, then the one with most rows. Tables whose role is ``reference`` own nothing, and
    a table that refers to itself is followed apart (see `find_entities`). A ring of tables is opened where it would
    close. Small lists without dates, such as countries, own no people, nor rows that belong to others.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> people = Table("people", (Column("id", "key"),), ("id",))
    >>> pets = Table("pets", (Column("owner", "key"),), references=(Reference(("owner",), "people"),), role="child")
    >>> find_drivers(Schema((people, pets)), {"people": pl.DataFrame(), "pets": pl.DataFrame()})
    {'pets': 0}
    """
    below = {name: len(_descendants(schema, name)) for name in schema.names}
    drivers: dict[str, int] = {}
    for table in schema.tables:
        if table.role == "reference":
            continue
        candidates = [
            (*_claim(table, r, frames), below[r.table], len(frames[r.table]), -at)
            for at, r in enumerate(table.references)
            if schema.table(r.table).role != "reference"
            and table.name not in _above(r.table, drivers, schema)
            and not _is_list(schema, table, r, frames)
        ]
        if candidates:
            drivers[table.name] = -max(candidates)[-1]
    return drivers


def is_personal(table: Table) -> bool:
    """Tell whether rows of a table name people.

    Examples
    --------
    >>> is_personal(Table("t", ()))
    False
    """
    return table.role != "reference" and bool(list_personal(table))


def list_personal(table: Table) -> list[str]:
    """List the columns by which rows of a table name people.

    Examples
    --------
    >>> list_personal(Table("t", ()))
    []
    """
    return [c.name for c in table.columns if (c.identifying or "").split(".")[0] in _PERSONAL]


def _is_list(schema: Schema, table: Table, reference: Reference, frames: Frames) -> bool:
    """Tell whether a table refers to a small list, such as countries or coupons, whose rows own nobody."""
    parent = schema.table(reference.table)
    rows = len(frames[parent.name])
    dated = any(column.kind in {"date", "datetime"} for column in parent.columns)
    leads = any(r.table != parent.name for r in parent.references)
    if is_personal(parent) or dated or leads or parent.name == table.name:
        return False
    if rows > _LIST or len(frames[table.name]) < _FEW * max(rows, 1):
        return False
    # machines and their readings look alike: only who is somebody, or belongs to somebody else, is none of theirs
    others = {r.table for r in table.references} - {parent.name, table.name}
    owned = any(
        is_personal(schema.table(other)) or len(frames[other]) > max(_LIST, rows)
        for other in others
        if schema.table(other).role != "reference"
    )
    return is_personal(table) or owned


def _claim(table: Table, reference: Reference, frames: Frames) -> tuple[bool, float]:
    """Tell how much a reference says whose row it is: whether the key holds it, and how seldom it is missing."""
    frame = frames[table.name]
    missing = 0.0
    if len(frame) and set(reference.columns) <= set(frame.columns):
        missing = frame.select(pl.any_horizontal(pl.col(reference.columns).is_null()).mean()).item()
    return set(reference.columns) < set(table.key), -round(missing, 1)


def _descendants(schema: Schema, name: str) -> set[str]:
    """List the tables that refer to one, or to one of these."""
    found: set[str] = set()
    pending = [name]
    while pending:
        parent = pending.pop()
        for table in schema.tables:
            if table.name not in found and any(r.table == parent for r in table.references):
                found.add(table.name)
                pending.append(table.name)
    return found


def _above(name: str, drivers: dict[str, int], schema: Schema) -> set[str]:
    """List a table and the tables that it belongs to so far."""
    found = {name}
    while name in drivers:
        name = schema.table(name).references[drivers[name]].table
        found.add(name)
    return found


@dataclass(frozen=True)
class Entities:
    """The entity that each row of each table belongs to.

    Parameters
    ----------
    labels : dict
        For each table an array: rows with one number belong to one entity. Rows that belong to nobody have a number
        of their own; those that name the same absent parent share one.
    count : int
        Numbers lie below it.
    """

    labels: dict[str, Array]
    count: int


def find_entities(
    schema: Schema, frames: Frames, pointers: Mapping[tuple[str, int], Array], drivers: Mapping[str, int]
) -> Entities:
    """Number the entities of a database, and say to which each row belongs.

    Parameters
    ----------
    schema : Schema
        Tables with references.
    frames : mapping
        Their rows.
    pointers : mapping
        What `point` gives for each reference, by table and place.
    drivers : mapping
        What `find_drivers` gives.

    Returns
    -------
    Entities
        Numbers of entities, unlike between tables that have no entity in common.

    Notes
    -----
    **Cost** linear in rows, times the logarithm of the depth of a table that refers to itself.
    """
    labels: dict[str, Array] = {}
    count = 0
    for name in _from_roots(schema, drivers):
        table = schema.table(name)
        own, fresh = _tops(table, len(frames[name]), pointers)
        own = own + count
        count += fresh
        if name in drivers:
            reference = table.references[drivers[name]]
            rows = pointers[name, drivers[name]]
            held = rows >= 0
            own = np.where(held, labels[reference.table][np.maximum(rows, 0)], own)
            astray = rows == ORPHAN
            if astray.any():
                named = frames[name].filter(pl.Series(astray)).select(reference.columns)
                shared = named.select(pl.struct(pl.all()).rank("dense")).to_series().cast(pl.Int64)
                own[astray] = count + shared.to_numpy() - 1
                count += int(shared.max())  # type: ignore[arg-type]
        labels[name] = own
    return Entities(labels, count)


def _from_roots(schema: Schema, drivers: Mapping[str, int]) -> list[str]:
    """List the tables so that each comes after the one it belongs to."""
    depth: dict[str, int] = {}
    for name in schema.names:
        steps, at = 0, name
        while at in drivers:
            at = schema.table(at).references[drivers[at]].table
            steps += 1
        depth[name] = steps
    return sorted(schema.names, key=lambda name: depth[name])


def _tops(table: Table, rows: int, pointers: Mapping[tuple[str, int], Array]) -> tuple[Array, int]:
    """Follow references of a table to itself to their end; rows of a ring end at some row of it."""
    top = np.arange(rows)
    for at, reference in enumerate(table.references):
        if reference.table != table.name:
            continue
        up = pointers[table.name, at]
        up = np.where(up >= 0, up, np.arange(rows))
        # twice as far with every step
        for _ in range(max(1, rows).bit_length()):
            higher = up[up]
            if np.array_equal(higher, up):
                break
            up = higher
        top = up[top]
    return top, rows


def resolve(schema: Schema, frames: Frames) -> dict[tuple[str, int], Array]:
    """Return what `point` gives for every reference of a database, by table and place.

    Examples
    --------
    >>> resolve(Schema(()), {})
    {}
    """
    return {
        (table.name, at): point(frames[table.name], frames[reference.table], reference)
        for table in schema.tables
        for at, reference in enumerate(table.references)
    }
