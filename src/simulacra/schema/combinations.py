"""What constraints learn from rows: the combinations that enough of them hold, and the values of groups."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from simulacra.errors import DataError
from simulacra.schema._kinds import said
from simulacra.schema.constraints import Combination, Constraint, Determines
from simulacra.schema.types import Table

UNLISTED = ("text", "key")
"""Kinds whose values are made anew and never given out."""


def list_combinations(table: Table, frame: pl.DataFrame, holders: int) -> Table:
    """Return the table with every open `Combination` and `Determines` filled in from rows.

    Parameters
    ----------
    table : Table
        The schema.
    frame : DataFrame
        Canonical values of at least the columns that its combinations name.
    holders : int
        How many rows must hold a combination before it may be given out.

    Raises
    ------
    DataError
        No combination has so many rows.

    Notes
    -----
    **Cost**: linear in rows.

    **Privacy**: a combination that fewer rows hold is not listed, so it is never drawn either. Of a `Determines` those
    groups are listed whose usual values so many rows hold, and none where texts or keys are among its columns. Missing
    counts as a value. Rows are counted, not weights.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("make", "category"), Column("model", "category")))
    >>> table = replace(table, constraints=(Combination(("make", "model")),))
    >>> frame = pl.DataFrame({"make": ["VW", "VW", "Fiat"], "model": ["Golf", "Golf", "Panda"]})
    >>> list_combinations(table, frame, 2).constraints[0].allowed
    (('VW', 'Golf'),)
    """
    filled = tuple(_fill(constraint, table, frame, holders) for constraint in table.constraints)
    return table if filled == table.constraints else replace(table, constraints=filled)


def _fill(constraint: Constraint, table: Table, frame: pl.DataFrame, holders: int) -> Constraint:
    if isinstance(constraint, Determines):
        return _fill_groups(constraint, table, frame, holders)
    if not isinstance(constraint, Combination) or constraint.allowed is not None:
        return constraint
    columns = list(constraint.columns)
    counts = frame.select(columns).group_by(columns).agg(pl.len().alias("\x00rows"))
    kept = counts.filter(pl.col("\x00rows") >= holders).select(columns).sort(columns, nulls_last=True)
    if kept.is_empty():
        raise DataError(
            f"table {table.name!r}, constraint {said(constraint)}: no combination is held by {holders} rows, so none "
            "may be given out. List those allowed in the schema, or name fewer columns."
        )
    return replace(constraint, allowed=tuple(kept.iter_rows()))


def _fill_groups(rule: Determines, table: Table, frame: pl.DataFrame, holders: int) -> Determines:
    """List the groups whose usual values enough rows hold; what is not listed is settled among drawn rows."""
    if rule.groups is not None or any(table[name].kind in UNLISTED for name in (*rule.by, *rule.columns)):
        return rule
    by, columns = list(rule.by), list(rule.columns)
    usual = (
        frame.drop_nulls(by)
        .group_by(by + columns)
        .agg(pl.len().alias("\x00rows"))
        .filter(pl.col("\x00rows") >= holders)
        .sort(["\x00rows", *columns], descending=[True] + [False] * len(columns), nulls_last=True)
        .unique(by, keep="first", maintain_order=True)
        .select(by + columns)
        .sort(by)
    )
    return rule if usual.is_empty() else replace(rule, groups=tuple(usual.iter_rows()))
