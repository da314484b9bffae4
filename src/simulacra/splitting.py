"""Databases and logs in two parts: entities with all that belongs to them, and no reference torn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import DataError, unknown
from simulacra.lineage import (
    Frames,
    Linked,
    find_drivers,
    find_entities,
    is_personal,
    link_undeclared,
    name_links,
    resolve,
)
from simulacra.randomness import Streams
from simulacra.schema.types import Schema

_LIST = 1_000
"""Rows that a small list has at most."""

Parts = tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame]]


def split_database(schema: Schema, frames: Frames, holdout: float, streams: Streams) -> Parts:
    """Part the entities of a database at random into a training part and a holdout.

    Parameters
    ----------
    schema : Schema
        Tables with references.
    frames : mapping
        Their rows, canonical values.
    holdout : float
        Share of entities in the second part, above 0 and below 1.
    streams : Streams
        Where randomness comes from.

    Returns
    -------
    (dict, dict)
        The frames of the training part and of the holdout, rows in their old order.

    Notes
    -----
    Rows of every table go with the entity they belong to, by the reference that `find_drivers` chooses. Tables
    whose role is ``reference`` are whole in both parts. A table that belongs to nobody but is referred to by tables
    that belong to others (clients, where the accounts are the entities) follows them. Whatever a row refers to is
    in its part too: a parent that rows of both parts refer to stands in both, so that no part has an orphan that
    the database has not. References that nobody declared are followed too where names and values leave no doubt.
    Orphans that name the same absent row stay together.

    **Cost** linear in rows.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Reference, Table
    >>> people = Table("people", (Column("id", "key", integer=True),), ("id",))
    >>> pets = Table("pets", (Column("owner", "key", integer=True),), references=(Reference(("owner",), "people"),))
    >>> frames = {"people": pl.DataFrame({"id": range(10)}), "pets": pl.DataFrame({"owner": [0, 0, 1, 1, 2, 2]})}
    >>> train, held = split_database(Schema((people, pets)), frames, 0.2, Streams(0))
    >>> len(train["people"]), len(held["people"]), set(held["pets"]["owner"]) <= set(held["people"]["id"])
    (8, 2, True)
    """
    return split_with_notes(schema, frames, holdout, streams)[0]


def split_with_notes(
    schema: Schema, frames: Frames, holdout: float, streams: Streams
) -> tuple[Parts, tuple[str, ...]]:
    """Part a database as `split_database` does, and say which references were followed that nobody declared.

    Parameters
    ----------
    schema, frames, holdout, streams
        As of `split_database`.

    Returns
    -------
    ((dict, dict), tuple of str)
        The parts, and notes.

    Examples
    --------
    >>> split_with_notes(Schema(()), {}, 0.2, Streams(0))
    (({}, {}), ())
    """
    linked = link_undeclared(schema, frames)
    schema = linked.schema
    lists = _doubtful_lists(linked, frames)
    for name in lists:
        schema = schema.with_table(replace(schema.table(name), role="reference"))
    return _part(schema, frames, holdout, streams), tuple(_notes(linked, lists))


def _doubtful_lists(linked: Linked, frames: Frames) -> list[str]:
    """List small tables that others may refer to, and that may be whole in both parts, for they tell of nobody."""
    declared = {r.table for table in linked.schema.tables for r in table.references}
    found = {
        link.reference.table
        for link in linked.doubtful
        if link.table != link.reference.table and link.reference.table not in declared
    }
    tables = [linked.schema.table(name) for name in sorted(found)]
    return [
        table.name
        for table in tables
        if not (is_personal(table) or table.references) and len(frames[table.name]) <= _LIST
    ]


def _notes(linked: Linked, lists: list[str]) -> Iterator[str]:
    if linked.used:
        yield (
            f"no reference is declared for {name_links(linked.used)}, but names and values agree: what these name is "
            "in the same part. Declare them in the schema."
        )
    if linked.doubtful:
        yield (
            f"{name_links(linked.doubtful)} may refer to the rows in brackets, and no reference is declared: they were "
            "parted without regard to it. If they do, declare it in the schema."
        )
    if lists:
        yield f"small lists that others may refer to are whole in both parts: {', '.join(lists)}."


def _part(schema: Schema, frames: Frames, holdout: float, streams: Streams) -> Parts:
    pointers = resolve(schema, frames)
    drivers = find_drivers(schema, frames)
    entities = find_entities(schema, frames, pointers, drivers)
    followers = _followers(schema, drivers)
    away = _draw_away(schema, entities.labels, entities.count, drivers, followers, holdout, streams)
    sides = []
    for part in (False, True):
        chosen = {}
        for table in schema.tables:
            rows = len(frames[table.name])
            if table.role == "reference":
                chosen[table.name] = np.ones(rows, dtype=np.bool_)
            elif table.name in followers:
                chosen[table.name] = np.zeros(rows, dtype=np.bool_)
            else:
                chosen[table.name] = away[entities.labels[table.name]] == part
        sides.append(_close(schema, chosen, pointers))
    for name in followers:
        # whom nobody refers to goes by a draw of its own
        left = ~(sides[0][name] | sides[1][name])
        drawn = away[entities.labels[name]]
        sides[0][name] |= left & ~drawn
        sides[1][name] |= left & drawn
    train, held = (_close(schema, side, pointers) for side in sides)
    return (
        {name: frames[name].filter(pl.Series(train[name])) for name in schema.names},
        {name: frames[name].filter(pl.Series(held[name])) for name in schema.names},
    )


def split_entities(
    frame: pl.DataFrame, entity: str, holdout: float, streams: Streams
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the entities of a log at random, each with all its rows.

    Parameters
    ----------
    frame : DataFrame
        Rows, each of which names its entity.
    entity : str
        The column that does.
    holdout : float
        Share of entities in the second part, above 0 and below 1.
    streams : Streams
        Where randomness comes from.

    Returns
    -------
    (DataFrame, DataFrame)
        The training part and the holdout, rows in their old order. A row that names nobody is an entity by itself.

    Raises
    ------
    UnknownName
        There is no such column.
    DataError
        All rows are of one entity.

    Notes
    -----
    **Cost** linear in rows, but for sorting the names of entities.

    Examples
    --------
    >>> log = pl.DataFrame({"who": ["a", "a", "b", "b", "b", "c", "d"]})
    >>> train, held = split_entities(log, "who", 0.25, Streams(0))
    >>> train["who"].n_unique(), held["who"].n_unique(), set(train["who"]) & set(held["who"])
    (3, 1, set())
    """
    if entity not in frame.columns:
        raise unknown("column", entity, frame.columns)
    named = frame[entity].rank("dense").cast(pl.Int64).fill_null(0).to_numpy()
    nobody = named == 0
    labels = np.where(nobody, named.max(initial=0) + np.cumsum(nobody), named)
    whose = np.unique(labels)
    if len(whose) < 2:
        raise DataError(
            f"all rows have one {entity!r}, and whole entities are parted. Name another column with entity= "
            "(--entity), or part the rows one by one without it."
        )
    order = streams.stream("split").permutation(whose)
    away = np.isin(labels, order[round(len(whose) * (1 - holdout)) :])
    return frame.filter(pl.Series(~away)), frame.filter(pl.Series(away))


def _followers(schema: Schema, drivers: dict[str, int]) -> set[str]:
    """List the tables that go where the rows that refer to them go: they own nothing and belong to nobody."""
    owners = {schema.table(name).references[at].table for name, at in drivers.items()}
    return {
        table.name
        for table in schema.tables
        if table.role != "reference"
        and table.name not in drivers
        and table.name not in owners
        and any(r.table == table.name for other in schema.tables if other is not table for r in other.references)
    }  # fmt: skip


def _draw_away(
    schema: Schema, labels: dict[str, Array], count: int, drivers: dict[str, int], followers: set[str],
    holdout: float, streams: Streams,
) -> Array:  # fmt: skip
    """Draw the entities of the holdout: of each table's own, an exact share."""
    away = np.zeros(count, dtype=np.bool_)
    drawn = np.zeros(count, dtype=np.bool_)
    for name in sorted(schema.names, key=lambda name: (name in drivers, name in followers)):
        mine = np.unique(labels[name])
        mine = mine[~drawn[mine]]
        order = streams.at("split").stream(name).permutation(mine)
        away[order[round(len(mine) * (1 - holdout)) :]] = True
        drawn[mine] = True
    return away


def _close(
    schema: Schema, chosen: dict[str, Array], pointers: dict[tuple[str, int], Array]
) -> dict[str, Array]:
    """Add what the chosen rows refer to, and what that refers to."""
    chosen = {name: rows.copy() for name, rows in chosen.items()}
    pending = True
    while pending:
        pending = False
        for table in schema.tables:
            for at, reference in enumerate(table.references):
                rows = pointers[table.name, at][chosen[table.name]]
                rows = rows[rows >= 0]
                if not chosen[reference.table][rows].all():
                    chosen[reference.table][rows] = True
                    pending = True
    return chosen
