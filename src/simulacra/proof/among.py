"""Constraints among rows, and those over several tables: groups of rows one after the other, each held whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from simulacra.memory import size_text
from simulacra.proof.canonical import FIRST, Places, Tally, canonical_pieces
from simulacra.proof.codes import Coding
from simulacra.proof.crossing import prove_crossing
from simulacra.proof.desk import ROW, Desk
from simulacra.proof.lines import Line
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.constraints import Constraint, Determines, Monotone, Running
from simulacra.schema.crossing import reads_others
from simulacra.schema.types import Table


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
        return prove_crossing(rule, table, rows, places, desk)
    columns = columns_of(rule, table)
    tally, how = Tally(), "every row"
    groups = rule.by if isinstance(rule, (Determines, Monotone, Running)) else ()
    if isinstance(rule, Determines):
        found = _uneven_groups(rule, table, desk)
        if found is not None:
            how = "all combinations, and the rows of those groups that differ"
            if not len(found):
                return Line(table.name, columns, "among rows", str(rule), rows, 0, (), "all combinations")
            _judge(rule, table, [desk.gather(table, columns, found)], tally)
            return _line(rule, table, columns, rows, tally, places, how)
    needed = desk.needs(table.name, len(columns) + 1)
    if needed <= desk.memory:
        _judge(rule, table, [desk.gather(table, columns)], tally)
    elif groups:
        how = "every row, grouped through files"
        _judge(rule, table, _grouped(table, columns, groups, desk), tally)
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
    first = places.find(tally.first)
    return Line(table.name, columns, "among rows", str(rule), rows, tally.count, first, how)


def _judge(rule: Constraint, table: Table, frames: Iterable[pl.DataFrame], tally: Tally) -> None:
    for frame in frames:
        broken = frame[ROW].filter(find_broken(rule, frame.drop(ROW), table))
        tally.count += len(broken)
        tally.first = sorted([*tally.first, *broken.head(FIRST).to_list()])[:FIRST]


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


def _grouped(
    table: Table, columns: Sequence[str], groups: tuple[str, ...], desk: Desk
) -> Iterator[pl.DataFrame]:
    """Give frames of whole groups, brought together in files by what groups them."""
    parts = desk.parts(desk.needs(table.name, len(columns) + 1))
    bundle = desk.scatter(table, columns, Coding(groups, False), parts)
    for part in range(parts):
        frame = bundle.take(part)
        if frame.height:
            yield frame
