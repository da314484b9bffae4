"""A bounded sample of a database that stays whole: entities with all that belongs to them, and what they refer to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from simulacra.databases.connection import Connection
from simulacra.databases.described import Described
from simulacra.domain import Array
from simulacra.lineage import point
from simulacra.randomness import Streams
from simulacra.schema.types import Reference

_SMALLER = 0.8


def choose_rows(database: Connection, found: list[Described], rows: int) -> dict[str, Array | None]:
    """Choose which rows of each table to read.

    Parameters
    ----------
    database : Connection
        In its transaction, so that what is read later is what is read now.
    found : list of Described
        The tables.
    rows : int
        How many rows of each table to read at most, more or less: rows that others refer to are always read.

    Returns
    -------
    dict
        For each table one truth value per row, in the order that it is read; None for all rows.

    Notes
    -----
    Each table belongs to the largest of those that it refers to, as orders belong to customers. Tables that belong to
    none are sampled, so thinly that no table that belongs to them is too large; rows that belong to a sampled row are
    all read, and so is every row that a sampled one refers to.

    **Cost**: keys and references of all rows are read, and held.
    """
    counts = {table.name: database.count(table.name) for table in found}
    if all(count <= rows for count in counts.values()):
        return dict.fromkeys(counts)
    asked = {
        table.name: {
            name for other in found for r in other.references if r.table == table.name for name in r.to
        }
        for table in found
    }
    narrow = {t.name: _pull_links(database, t, asked[t.name], counts[t.name]) for t in found}
    links = [
        (table.name, reference, point(narrow[table.name], narrow[reference.table], reference))
        for table in found
        for reference in table.references
        if reference.table in narrow
    ]
    owner = _find_owners(links, counts)
    ranks = {
        name: Streams(0).at(name).stream("database sample").permutation(count)
        for name, count in counts.items()
    }
    roots = [name for name in counts if name not in owner]
    share = dict.fromkeys(roots, 1.0)
    for root in roots:
        share[root] = min(
            1.0, *(rows / counts[t] for t in counts if counts[t] and _root(t, owner) == root), 1.0
        )
    for _ in range(40):
        kept = _descend(ranks, counts, owner, share)
        large = {_root(name, owner) for name in counts if kept[name].sum() > rows}
        if not large:
            break
        for root in large:
            share[root] *= _SMALLER
    for name in counts:
        if kept[name].sum() > rows:  # one entity alone may have more than that
            kept[name] &= np.cumsum(kept[name]) <= rows
    _ascend(kept, links)
    return {name: None if mask.all() else mask for name, mask in kept.items()}


Owner = Mapping[str, tuple[str, Array]]


def _pull_links(database: Connection, table: Described, asked: set[str], rows: int) -> pl.DataFrame:
    """Read the columns that refer or are referred to."""
    names = asked | {name for reference in table.references for name in reference.columns}
    pieces: list[pl.DataFrame] = []
    if not names:
        return pl.DataFrame({"row": pl.int_range(rows, eager=True)})
    database.pull(table.select(list(names)), pieces.append)
    return pl.concat(pieces) if pieces else pl.DataFrame(schema=dict.fromkeys(names, pl.String))


def _find_owners(
    links: list[tuple[str, Reference, Array]], counts: Mapping[str, int]
) -> dict[str, tuple[str, Array]]:
    """Let every table belong to the largest that it refers to, without going round in circles."""
    owner: dict[str, tuple[str, Array]] = {}
    for child, reference, rows in sorted(links, key=lambda link: -counts[link[1].table]):
        parent = reference.table
        if child not in owner and _root(parent, owner) != child and parent != child:
            owner[child] = (parent, rows)
    return owner


def _root(name: str, owner: Owner) -> str:
    while name in owner:
        name = owner[name][0]
    return name


def _descend(
    ranks: Mapping[str, Array], counts: Mapping[str, int], owner: Owner, share: Mapping[str, float]
) -> dict[str, Array]:
    """Sample the roots, and keep what belongs to rows that are kept."""
    kept: dict[str, Array] = {}

    def settle(name: str) -> Array:
        if name not in kept:
            part = ranks[name] < np.ceil(share[_root(name, owner)] * counts[name])
            if name in owner:
                parent, rows = owner[name]
                # a row that belongs to none is a root of its own
                kept[name] = np.where(
                    rows >= 0, settle(parent)[np.maximum(rows, 0)] if counts[parent] else False, part
                )
            else:
                kept[name] = part
        return kept[name]

    for name in counts:
        settle(name)
    return kept


def _ascend(kept: dict[str, Array], links: list[tuple[str, Reference, Array]]) -> None:
    """Keep every row that a kept one refers to."""
    changed = True
    while changed:
        changed = False
        for child, reference, rows in links:
            wanted = rows[kept[child] & (rows >= 0)]
            if len(wanted) and not kept[reference.table][wanted].all():
                kept[reference.table][wanted] = True
                changed = True
