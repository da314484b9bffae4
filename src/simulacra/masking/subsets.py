"""A part of a database in which every reference leads to a row, if it did before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from simulacra.dataset import Dataset
from simulacra.domain import Array
from simulacra.errors import DataError, OptionError, SchemaError
from simulacra.lineage import link_undeclared, name_links
from simulacra.masking._links import find_links
from simulacra.randomness import Streams
from simulacra.schema.crossing import Crossing
from simulacra.schema.types import Schema


def take_subset(
    data: Dataset,
    *,
    n: int | None = None,
    share: float | None = None,
    table: str | None = None,
    where: str | Mapping[str, Any] | None = None,
    seed: int = 0,
    told: bool = True,
) -> Dataset:
    """Choose rows of one table, with all rows that belong to them and all rows that they refer to.

    Parameters
    ----------
    data : Dataset
        One or more tables.
    n : int or None
        How many rows of `table` to choose, at random; all that there are where there are fewer.
    share : float or None
        Which share of its rows to choose, above 0 and up to 1.
    table : str or None
        The table to choose from; may be left out where one table is of the role "entity" and refers to no other.
    where : str, mapping or None
        Choose among the rows for which this SQL predicate is true; it may read the rows that they refer to, and one
        aggregate of the rows that refer to them. ``{"customers": "state = 'OH'"}`` and ``"customers: state = 'OH'"``
        name the table too.
    seed : int
        The same seed chooses the same rows.
    told : bool
        Whether the user gave the seed; else it stands in the notes.

    Returns
    -------
    Dataset
        The rows kept of each table, in their order; the notes count them.

    Raises
    ------
    OptionError
        Nothing says which rows, or a number is out of its range.
    UnknownName, SchemaError
        There is no such table, or none is named and several could be meant.
    PredicateError
        The predicate can not be understood.
    DataError
        No row satisfies it, or the two sides of a reference are of different types.

    Notes
    -----
    A row belongs to another if it refers to it, directly or through others. Rows of the chosen table itself are
    only added where a row that is kept refers to them: of a table of people with their managers, the chosen people
    come with the managers above them and not with everybody below. Tables of the role "reference" are kept whole.

    **Cost**: linear in rows, and a sort for each reference, however deep rows refer to each other.

    Examples
    --------
    >>> from simulacra.dataset import dataset
    >>> data = dataset({
    ...     "people": pl.DataFrame({"id": [1, 2, 3]}),
    ...     "orders": pl.DataFrame({"id": [7, 8, 9], "person": [3, 1, 3]}),
    ... })
    >>> data = data.with_schema(data.schema.with_key("id", table="people").with_reference("orders", "person", "people"))
    >>> take_subset(data, table="people", where="id = 3").polars("orders")["id"].to_list()
    [7, 9]
    """
    table, where = _split_where(data.schema, table, where)
    linked = link_undeclared(data.schema, data.frames)
    start = _start(linked.schema, table)
    chosen = _choose(data, start, n, share, where, Streams(seed).stream("subset", start))
    links = find_links(linked.schema, data.frames)
    kept = {name: np.zeros(len(frame), dtype=bool) for name, frame in data.frames.items()}
    whole = {t.name for t in data.schema.tables if t.role == "reference" and t.name != start}
    apart = set(kept) - _connected(start, linked.schema) - whole
    for name in whole | apart:
        kept[name][:] = True
    kept[start][chosen] = True
    down = [
        link for link in links if link.child not in {start, link.parent} | whole and link.parent not in whole
    ]
    _walk({start: chosen}, [(link.parent, link.child, link.down) for link in down], kept)
    theirs = {name: int(mask.sum()) for name, mask in kept.items()}
    everything = {name: np.flatnonzero(mask) for name, mask in kept.items()}
    _walk(everything, [(link.child, link.parent, link.up) for link in links], kept)
    rows = {name: len(frame) for name, frame in data.frames.items()}
    frames = {name: frame.filter(pl.Series(kept[name])) for name, frame in data.frames.items()}
    notes = _notes(data, frames, start, len(chosen), theirs, whole, apart)
    if linked.used:
        notes.append(
            f"no reference is declared for {name_links(linked.used)}, but names and values agree: they were followed."
        )
    if open_ := [
        link for link in linked.doubtful if len(frames[link.reference.table]) < rows[link.reference.table]
    ]:
        notes.append(
            f"{name_links(open_)} may refer to the rows in brackets, of which some are left out, and no reference is "
            "declared. If they do, declare it in the schema."
        )
    if not told and (n is not None or share is not None):
        notes.append(f"seed {seed} was drawn; give it to choose the same rows again.")
    return replace(data, frames=frames, notes=(*data.notes, *notes))


def _split_where(schema: Schema, table: str | None, where: Any) -> tuple[str | None, Any]:
    """Take the table out of a condition that names it."""
    named = None
    if (
        isinstance(where, Mapping)
        and where
        and set(where) <= set(schema.names)
        and set(where) - _columns(schema, table)
    ):
        if len(where) > 1:
            raise OptionError(
                f"where names {len(where)} tables ({', '.join(where)}), and rows are chosen of one. Name one; its "
                "condition may read the others, as in (select count(*) from orders) > 1."
            )
        ((named, where),) = where.items()
    elif isinstance(where, str):
        found = re.match(rf"\s*({'|'.join(map(re.escape, schema.names))})\s*:(?!:)", where)
        if found:
            named, where = found[1], where[found.end() :].strip()
    if named is not None and table not in (None, named):
        raise OptionError(
            f"where is about table {named!r}, and rows are to be chosen of {table!r}. Name one table."
        )
    return named or table, where


def _columns(schema: Schema, table: str | None) -> set[str]:
    """List what a mapping could mean as columns."""
    known = table if table is not None else schema.names[0] if len(schema.tables) == 1 else None
    return set() if known is None else set(schema.table(known).names)


def _start(schema: Schema, table: str | None) -> str:
    if table is not None or len(schema.tables) == 1:
        return schema.table(table).name
    roots = [t.name for t in schema.tables if t.role == "entity" and not _others(schema, t.name)]
    referred = [name for name in roots if any(name in _others(schema, t) for t in schema.names)]
    if len(referred) == 1:
        return referred[0]
    raise SchemaError(
        f"this schema has {len(schema.tables)} tables: {', '.join(schema.names)}. Name the one to choose rows of "
        "with table (--table)."
    )


def _others(schema: Schema, name: str) -> set[str]:
    """List the other tables that a table refers to, those of public knowledge left out."""
    led = {reference.table for reference in schema.table(name).references} - {name}
    return {other for other in led if schema.table(other).role != "reference"}


def _connected(start: str, schema: Schema) -> set[str]:
    """List the tables that references connect with one, whichever way they lead."""
    found, pending = {start}, [start]
    pairs = [(t.name, r.table) for t in schema.tables for r in t.references]
    while pending:
        name = pending.pop()
        near = {b for a, b in pairs if a == name} | {a for a, b in pairs if b == name}
        pending += near - found
        found |= near
    return found


def _choose(
    data: Dataset, start: str, n: int | None, share: float | None, where: Any, rng: np.random.Generator
) -> Array:
    """Pick rows of the first table."""
    if n is None and share is None and where is None:
        raise OptionError(
            "a subset needs to know which rows to choose. Give n (--rows), share (--share) or where (--where)."
        )
    if n is not None and share is not None:
        raise OptionError("n and share both say how many rows to choose. Give one of them.")
    if n is not None and n < 1:
        raise OptionError(f"n must be 1 or more, not {n!r}.")
    if share is not None and not 0 < share <= 1:
        raise OptionError(f"a share is above 0 and up to 1, not {share!r}.")
    frame = data.frames[start]
    fitting = np.arange(len(frame))
    if where is not None:
        predicate = Crossing.parse(where, start, data.schema)
        fitting = predicate.evaluate(data.frames).fill_null(False).arg_true().to_numpy().astype(np.int64)
        if not len(fitting):
            raise DataError(f"no row of table {start!r} satisfies where {predicate.sql!r}. Loosen it.")
    if share is not None:
        n = max(round(share * len(fitting)), 1)
    if n is None or n >= len(fitting):
        return fitting
    return np.sort(rng.permutation(fitting)[:n])


def _walk(first: Mapping[str, Array], ways: list[Any], kept: dict[str, Array]) -> None:
    """Follow ways from table to table until no new row is found; only new rows are looked at again."""
    pending = [(name, rows) for name, rows in first.items()]
    while pending:
        name, rows = pending.pop()
        for source, target, step in ways:
            if source != name:
                continue
            reached = step(rows)
            new = reached[~kept[target][reached]]
            if len(new):
                kept[target][new] = True
                pending.append((target, new))


def _notes(
    data: Dataset,
    frames: Mapping[str, pl.DataFrame],
    start: str,
    chosen: int,
    theirs: Mapping[str, int],
    whole: set[str],
    apart: set[str],
) -> list[str]:
    """Say what was chosen, and what came with it for which reason."""
    notes = [f"a subset by table {start!r}: " + ", ".join(
        f"{len(frames[name]):,} of {len(frame):,} rows of {name!r}" for name, frame in data.frames.items()
    ) + "."]  # fmt: skip
    own = [f"{n:,} of {name!r}" for name, n in theirs.items() if name not in {start} | whole | apart and n]
    above = {name: len(frames[name]) - (chosen if name == start else theirs[name]) for name in frames}
    led = [f"{n:,} of {name!r}" for name, n in above.items() if name not in whole | apart and n]
    told = [f"{chosen:,} rows of {start!r} were chosen" if chosen != 1 else f"1 row of {start!r} was chosen"]
    told += [f"what belongs to them came along ({', '.join(own)})"] * bool(own)
    told += [f"and rows that these refer to were taken in addition ({', '.join(led)})"] * bool(led)
    told += [f"public tables are whole ({', '.join(map(repr, sorted(whole)))})"] * bool(whole)
    notes.append("; ".join(told) + ".")
    if apart and len(data.frames) > 1:
        names = ", ".join(repr(name) for name in sorted(apart))
        notes.append(f"no reference connects {names} with {start!r}: kept whole.")
    empty = [name for name, frame in frames.items() if not len(frame) and len(data.frames[name])]
    if empty:
        names = ", ".join(repr(name) for name in empty)
        notes.append(f"no row of {names} belongs to a chosen row or is referred to by one.")
    return notes
