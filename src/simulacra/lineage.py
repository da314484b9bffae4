"""Which row belongs to which: references as row numbers, and the entity that every row descends from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.schema.reference import Reference
from simulacra.schema.types import Schema, Table

MISSING = -1
ORPHAN = -2
"""What stands in the place of a row number where a row refers to nothing, or to a row that is not there."""

Frames = Mapping[str, pl.DataFrame]


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
    close.

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
        ]
        if candidates:
            drivers[table.name] = -max(candidates)[-1]
    return drivers


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
