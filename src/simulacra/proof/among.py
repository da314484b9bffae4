"""Constraints among rows, and those over several tables: groups of rows one after the other, each held whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import polars as pl

from simulacra.memory import size_text
from simulacra.proof.canonical import Places, Tally, canonical_pieces
from simulacra.proof.codes import Coding
from simulacra.proof.lines import Line
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.constraints import Constraint, Determines, Monotone, Running
from simulacra.schema.crossing import reads_others
from simulacra.schema.types import Schema, Table
from simulacra.tablefiles import TableFiles

_ROW, _PART = "\x00row", "\x00part"
_MOST_PARTS = 256
_SORTING = 5
"""How many times the size of its columns a constraint among rows needs."""


@dataclass(frozen=True)
class Desk:
    """What the work has to hand: where the rows are, and what may be used.

    Parameters
    ----------
    files : dict
        Each table's files.
    schema : Schema
        The rules.
    memory : int
        Bytes that may be used.
    scratch : Path
        A folder for what does not fit.
    step : callable
        Told what is being done.
    """

    files: Mapping[str, TableFiles]
    schema: Schema
    memory: int
    scratch: Path
    step: Callable[[str], None]


def list_among(table: Table) -> list[Constraint]:
    """List the constraints that compare rows, apart from those that say that rows differ.

    Examples
    --------
    >>> from simulacra.schema.constraints import Unique
    >>> from simulacra.schema.types import Column
    >>> columns = (Column("a", "category"), Column("b", "category"))
    >>> [str(rule) for rule in list_among(Table("t", columns, constraints=(Unique("a"), Determines("a", "b"))))]
    ['"a" determines "b"']
    """
    among = (Determines, Monotone, Running)
    return [rule for rule in table.constraints if isinstance(rule, among) or reads_others(rule, table)]


def prove_among(rule: Constraint, table: Table, rows: int, places: Places, desk: Desk) -> Line:
    """Hold all rows of a table against a constraint among them.

    Parameters
    ----------
    rule : Constraint
        One of `list_among`.
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
    Rows are brought together by the columns that group them, through files where they do not fit, and each group is
    judged by `find_broken`. What `Determines` says is first looked for among the different combinations alone.

    **Cost**: linear in rows, with a sort in each group.
    """
    desk.step(f"{table.name}: {rule}")
    if reads_others(rule, table):
        return _prove_crossing(rule, table, rows, places, desk)
    columns = columns_of(rule, table)
    tally, how = Tally(), "every row"
    groups = rule.by if isinstance(rule, (Determines, Monotone, Running)) else ()
    if isinstance(rule, Determines):
        found = _uneven_groups(rule, table, desk)
        if found is not None:
            how = "all combinations, and the rows of those groups that differ"
            if not len(found):
                return Line(table.name, columns, "among rows", str(rule), rows, 0, (), "all combinations")
            _judge(rule, table, [_gather(table, columns, desk, found)], tally)
            return _line(rule, table, columns, rows, tally, places, how)
    needed = _SORTING * 8 * (len(columns) + 1) * rows
    if needed <= desk.memory:
        _judge(rule, table, [_gather(table, columns, desk)], tally)
    elif groups:
        how = "every row, grouped through files"
        _judge(rule, table, _through_files(table, columns, groups, needed, desk), tally)
    else:
        why = f"its {rows:,} rows must be seen together, which needs about {size_text(needed)} of memory"
        return Line(table.name, columns, "among rows", str(rule), rows, None, (), why)
    return _line(rule, table, columns, rows, tally, places, how)


def _line(
    rule: Constraint,
    table: Table,
    columns: tuple[str, ...],
    rows: int,
    tally: Tally,
    places: Places,
    how: str,
) -> Line:
    first = places.find(sorted(tally.first)[:5])
    return Line(table.name, columns, "among rows", str(rule), rows, tally.count, first, how)


def _judge(rule: Constraint, table: Table, frames: Iterable[pl.DataFrame], tally: Tally) -> None:
    for frame in frames:
        broken = frame[_ROW].filter(find_broken(rule, frame.drop(_ROW), table))
        tally.count += len(broken)
        tally.first = sorted([*tally.first, *broken.head(5).to_list()])[:5]


def _gather(
    table: Table, columns: Sequence[str], desk: Desk, groups: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Read some columns of all rows, or of those in some groups, each with its number."""
    found: list[pl.DataFrame] = []
    for frame, piece in canonical_pieces(desk.files[table.name], table, columns):
        numbers = np.arange(piece.start, piece.start + frame.height)
        frame = frame.with_columns(pl.Series(_ROW, numbers))
        if groups is not None:
            frame = frame.join(groups, on=groups.columns, how="semi", maintain_order="left")
        if frame.height or not found:
            found.append(frame)
    return pl.concat(found)


def _uneven_groups(rule: Determines, table: Table, desk: Desk) -> pl.DataFrame | None:
    """Return the groups whose rows do not all agree with each other and with what is listed; None: too many."""
    names = [*rule.by, *rule.columns]
    held: pl.DataFrame | None = None
    for frame, _ in canonical_pieces(desk.files[table.name], table, names):
        some = frame.unique().drop_nulls(list(rule.by))
        held = some if held is None else pl.concat([held, some]).unique()
        if held.estimated_size() * 3 > desk.memory:
            return None
    if held is None:
        return None
    differ = held.group_by(list(rule.by)).len().filter(pl.col("len") > 1).select(rule.by)
    if rule.groups is None:
        return differ
    # of a group that is listed even a single combination may be another one
    broken = held.filter(find_broken(rule, held, table)).select(rule.by)
    return pl.concat([differ, broken]).unique()


def _through_files(
    table: Table, columns: Sequence[str], groups: Sequence[str], needed: int, desk: Desk
) -> Iterator[pl.DataFrame]:
    """Give frames of whole groups, brought together in files by a hash of what groups them."""
    parts = min(_MOST_PARTS, -(-2 * needed // desk.memory))
    folder = desk.scratch / uuid4().hex
    folder.mkdir()
    coding = Coding(tuple(groups), False)
    for number, (frame, piece) in enumerate(canonical_pieces(desk.files[table.name], table, columns)):
        rows = np.arange(piece.start, piece.start + frame.height)
        codes = coding.rows(frame)[0].view(np.uint64) % np.uint64(parts)
        frame = frame.with_columns(pl.Series(_ROW, rows), pl.Series(_PART, codes.astype(np.int32)))
        for (part,), some in frame.partition_by(_PART, include_key=False, as_dict=True).items():
            some.write_ipc(folder / f"{part:03d}-{number:07d}.arrow", compression="lz4")
    for part in range(parts):
        files = sorted(folder.glob(f"{part:03d}-*.arrow"))
        if files:
            # read whole, since the files go
            yield pl.concat([pl.read_ipc(file.read_bytes()) for file in files])
            for file in files:
                file.unlink()


def _prove_crossing(rule: Constraint, table: Table, rows: int, places: Places, desk: Desk) -> Line:
    """Hold a table against a constraint that reads others, with the columns that it reads in memory."""
    alone = replace(
        desk.schema,
        tables=tuple(
            replace(one, constraints=(rule,) if one.name == table.name else ()) for one in desk.schema.tables
        ),
    )
    rules = EntityRules.of(alone)
    held = next(held for held in rules.held if held.constraint == rule)
    reads: dict[str, set[str]] = {name: set() for name in held.tables}
    for name, column in held.reads | ({(table.name, held.column)} if held.column is not None else set()):
        reads.setdefault(name, set()).add(column)
    for other in desk.schema.tables:
        for reference in other.references:
            if other.name in reads and reference.table in reads:
                reads[other.name] |= set(reference.columns)
                reads[reference.table] |= set(reference.to)
    counts = {name: desk.files[name].rows or 0 for name in reads}
    needed = sum(_SORTING * 8 * len(names) * counts[name] for name, names in reads.items())
    own = tuple(name for name in table.names if name in reads[table.name])
    if needed > desk.memory:
        why = f"the rows of {len(reads)} tables must be seen together, which needs about {size_text(needed)} of memory"
        return Line(table.name, own, "among rows", str(rule), rows, None, (), why)
    frames = {
        name: _gather(
            desk.schema.table(name), [c for c in desk.schema.table(name).names if c in names], desk
        ).drop(_ROW)
        for name, names in reads.items()
    }
    tally = Tally()
    marks = dict(zip(rules.rules, rules.broken(frames), strict=True))
    tally.add(marks[table.name, rule], 0)
    return Line(
        table.name, own, "among rows", str(rule), rows, tally.count, places.find(tally.first),
        f"every row, with {', '.join(name for name in reads if name != table.name)}",
    )  # fmt: skip
