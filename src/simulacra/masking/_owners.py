"""Whose row it is: every row followed to the person that it tells of, so that all rows of a person move alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.lineage import MISSING, ORPHAN, find_entities, is_personal, list_personal
from simulacra.masking.secret import Secret
from simulacra.schema.types import Reference, Schema, Table

Pointers = Mapping[tuple[str, int], Array]
Frames = Mapping[str, pl.DataFrame]

_LOOKUP = 1_000
_FEW = 20
"""A table of names for other rows has at most so many rows, and rows that refer to it are so many times more."""
_OTHERS = 2
"""Different names, for each row referred to, above which they are names of others."""


@dataclass(frozen=True)
class Ways:
    """By which references rows belong to whom.

    Parameters
    ----------
    ways : dict
        For each table that belongs to another, the places of references to try in turn: the next one where a row has
        nothing in the one before.
    roots : dict
        For each table, the table of those whose rows these are.
    """

    ways: Mapping[str, tuple[int, ...]]
    roots: Mapping[str, str]

    def say(self, tables: Collection[str]) -> str:
        """Tell which rows of some tables move with whom."""
        held: dict[str, list[str]] = {}
        for table, root in self.roots.items():
            if table not in tables:
                continue
            held.setdefault(root, [])
            if table != root:
                held[root].append(table)
        told = [
            f"row of {root!r}"
            + (f" with all that belongs to it in {', '.join(map(repr, below))}" if below else "")
            for root, below in held.items()
        ]
        return "dates move by one number of days for each " + "; each ".join(told) + "."


def find_ways(schema: Schema, frames: Frames) -> Ways:
    """Choose the references by which rows belong to a person, or, where nobody is told of, to a row of another table.

    Parameters
    ----------
    schema : Schema
        Tables with references.
    frames : mapping
        Their rows.

    Returns
    -------
    Ways
        One way at most to each table.

    Notes
    -----
    A way to a person goes before any other; then the one that the key of a table holds, the one that fewest rows lack,
    the one that most tables descend from. Tables of the role "reference" and small tables of names own nothing, and who
    is a person belongs to nobody else.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> people = Table("people", (Column("id", "key"), Column("name", "text", identifying="person.name")), ("id",))
    >>> pets = Table("pets", (Column("owner", "key"),), references=(Reference(("owner",), "people"),), role="child")
    >>> find_ways(Schema((people, pets)), {"people": pl.DataFrame(), "pets": pl.DataFrame()}).roots
    {'people': 'people', 'pets': 'people'}
    """
    persons = {table.name for table in schema.tables if is_personal(table)}
    lookups = find_lookups(schema, frames)
    below = {name: _count_below(schema, name) for name in schema.names}
    reaching = _reaching(schema, persons)
    ways: dict[str, tuple[int, ...]] = {}
    for table in sorted(schema.tables, key=lambda table: below[table.name]):
        ranked = sorted(
            (
                (r.table in reaching, *_claim(table, r, frames), below[r.table], len(frames[r.table]), -at)
                for at, r in enumerate(table.references)
                if _may_own(schema, table, r, frames, persons, reaching, lookups, below)
                and table.name not in _above(schema, ways, r.table)
            ),
            reverse=True,
        )
        if ranked:
            ways[table.name] = tuple(-found[-1] for found in ranked)
    roots = {name: _root(schema, ways, name) for name in schema.names}
    for name, places in ways.items():
        references = schema.table(name).references
        # who fills in for a missing parent must be of the same people
        ways[name] = tuple(at for at in places if roots[references[at].table] == roots[name])
    return Ways(ways, {name: roots[name] for name in schema.names if schema.table(name).role != "reference"})


def find_lookups(schema: Schema, frames: Frames) -> set[str]:
    """List small tables of names for the values of others: no person, no date, no number, and referred to often.

    Examples
    --------
    >>> find_lookups(Schema(()), {})
    set()
    """
    found = set()
    for table in schema.tables:
        rows = len(frames[table.name])
        users = [t for t in schema.tables if any(r.table == table.name for r in t.references) and t != table]
        plain = all(
            column.identifying is None
            and (column.kind in {"category", "boolean", "key"} or column.name in table.key)
            for column in table.columns
        )
        many = [t for t in users if len(frames[t.name]) >= _FEW * rows]
        # a log's own entities may be as plain: but then nothing belongs to its rows, and they are nobody
        above = [t for t in many if is_personal(t) or _count_below(schema, t.name)]
        if plain and not table.references and rows <= _LOOKUP and above:
            found.add(table.name)
    return found


def number_owners(
    schema: Schema, frames: Frames, pointers: Pointers, ways: Ways, secret: Secret
) -> dict[str, Array]:
    """Give every row the code of its owner: a keyed hash of the owner's key, the same in every part of the data.

    Parameters
    ----------
    schema : Schema
        Tables with references.
    frames : mapping
        Their rows.
    pointers : mapping
        What `simulacra.lineage.resolve` gives.
    ways : Ways
        What `find_ways` gives.
    secret : Secret
        The key.

    Returns
    -------
    dict
        For each table an array of uint64.
    """
    codes: dict[str, Array] = {}

    def find(name: str) -> Array:
        if name in codes:
            return codes[name]
        table, frame = schema.table(name), frames[name]
        if name not in ways.ways:
            out = _own_codes(table, frame, list(table.key), secret, name)
            codes[name] = out if is_personal(table) else out[_tops(table, frame, pointers)]
            return codes[name]
        out = np.zeros(len(frame), dtype=np.uint64)
        open_ = np.ones(len(frame), dtype=bool)
        for at in ways.ways[name]:
            reference, rows = table.references[at], pointers[name, at]
            parents = find(reference.table)
            held = open_ & (rows >= 0)
            out[held] = parents[rows[held]]
            # rows of one absent parent stay together, and move as its own row would
            astray = np.flatnonzero(open_ & (rows == ORPHAN))
            out[astray] = _own_codes(table, frame[astray], list(reference.columns), secret, reference.table)
            open_ &= rows == MISSING
        alone = np.flatnonzero(open_)
        out[alone] = _own_codes(table, frame[alone], list(table.key), secret, name)
        codes[name] = out
        return out

    for name in schema.names:
        find(name)
    return codes


def _may_own(
    schema: Schema,
    table: Table,
    reference: Reference,
    frames: Frames,
    persons: set[str],
    reaching: set[str],
    lookups: set[str],
    below: Mapping[str, int],
) -> bool:
    parent = schema.table(reference.table)
    if parent.name == table.name or "reference" in (table.role, parent.role) or parent.name in lookups:
        return False
    if table.role == "entity" and parent.role != "entity":
        # roles were given, and this table's rows are entities by themselves
        return False
    if table.name not in persons:
        return True
    return parent.name in reaching and not (below[table.name] and _tells_of_others(table, reference, frames))


def _tells_of_others(table: Table, reference: Reference, frames: Frames) -> bool:
    """Tell whether the people of a table are others than those it refers to, as patients are others than doctors."""
    frame = frames[table.name]
    parents = max(frame.select(reference.columns).drop_nulls().n_unique(), 1)
    return any(
        frame.select(*reference.columns, column).drop_nulls().n_unique() > _OTHERS * parents
        for column in list_personal(table)
        if column not in reference.columns
    )


def _reaching(schema: Schema, persons: set[str]) -> set[str]:
    """List the tables of persons and those from which references lead to one."""
    found = set(persons)
    while True:
        more = {
            table.name
            for table in schema.tables
            if table.role != "reference" and any(r.table in found for r in table.references)
        } - found
        if not more:
            return found
        found |= more


def _claim(table: Table, reference: Reference, frames: Frames) -> tuple[bool, float]:
    """Tell how much a reference says whose row it is: whether the key holds it, and how seldom it is missing."""
    frame = frames[table.name]
    missing = 0.0
    if len(frame):
        missing = frame.select(pl.any_horizontal(pl.col(reference.columns).is_null()).mean()).item()
    return set(reference.columns) < set(table.key), -round(missing, 1)


def _count_below(schema: Schema, name: str) -> int:
    """Count the tables that refer to one, or to one of these."""
    found: set[str] = set()
    pending = [name]
    while pending:
        parent = pending.pop()
        more = [
            t.name
            for t in schema.tables
            if t.name not in found and any(r.table == parent for r in t.references)
        ]
        found.update(more)
        pending += more
    return len(found - {name})


def _above(schema: Schema, ways: Mapping[str, tuple[int, ...]], name: str) -> set[str]:
    """List a table and all that its rows may belong to so far, by any way."""
    found, pending = {name}, [name]
    while pending:
        at = pending.pop()
        near = {schema.table(at).references[place].table for place in ways.get(at, ())} - found
        found |= near
        pending += near
    return found


def _root(schema: Schema, ways: Mapping[str, tuple[int, ...]], name: str) -> str:
    while name in ways:
        name = schema.table(name).references[ways[name][0]].table
    return name


def _tops(table: Table, frame: pl.DataFrame, pointers: Pointers) -> Array:
    """Follow references of a table to itself to their end, where its rows are nobody but hang together."""
    own = [at for at, reference in enumerate(table.references) if reference.table == table.name]
    alone = replace(table, references=tuple(table.references[at] for at in own), constraints=())
    theirs = {(table.name, place): pointers[table.name, at] for place, at in enumerate(own)}
    return find_entities(Schema((alone,)), {table.name: frame}, theirs, {}).labels[table.name]


def _own_codes(table: Table, frame: pl.DataFrame, columns: list[str], secret: Secret, name: str) -> Array:
    """Hash what names each row, or its number in a table without a key."""
    if not columns:
        texts = [str(row) for row in range(len(frame))]
    else:
        parts = [pl.col(column).cast(pl.String).fill_null("\0") for column in columns]
        texts = frame.select(pl.concat_str(parts, separator="\x1f")).to_series().to_list()
    return secret.hash_texts(texts, "entity", name)[:, 0].copy()
