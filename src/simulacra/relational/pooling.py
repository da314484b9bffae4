"""References to public rows that too few refer to: they are learnt as one, and dealt evenly.

Which depot a shipper goes to is withheld where fewer than k shippers go to it. The depots themselves are public, so a
reference need not be left empty, nor be moved to a depot that many go to: the rows that few refer to are one level of
the model, and what is drawn of it is any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.privacy.holders import count_holders, count_owners
from simulacra.relational.naming import member_column
from simulacra.relational.plan import Link, Plan

if TYPE_CHECKING:
    # what draws has no need of what fits
    from simulacra.relational.extension import Extended


def pool_rare(
    unit: str,
    made: Extended,
    plan: Plan,
    frames: Mapping[str, pl.DataFrame],
    owners: Array | None,
    holders: int,
) -> tuple[Extended, dict[str, tuple[str, ...]], list[str]]:
    """Make one level of the public rows that fewer than k holders refer to.

    Parameters
    ----------
    unit : str
        The unit.
    made : Extended
        What its model is to learn.
    plan : Plan
        The ways of all references.
    frames : mapping of str to DataFrame
        All tables.
    owners : array of int or None
        Whose row each is.
    holders : int
        k; with 1 nothing is done.

    Returns
    -------
    (Extended, dict, list of str)
        The unit with fewer levels; by column, the public values that are one, the first of which stands for all; notes.

    Notes
    -----
    **Privacy**: the values are those of a public table, and what stays is that together k or more hold them. Where no
    value has k holders, all are one, and nothing is told.
    """
    pooled: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    for member in plan.members(unit) if holders > 1 else ():
        for link in plan.of(member, "value"):
            name = member_column(unit, member, link.reference.columns[0])
            if not _is_plain(link, plan, made, name):
                continue
            public = frames[link.reference.table][link.reference.to[0]].cast(pl.String).drop_nulls()
            series, rare, few = _find_rare(made.frame[name], public, owners, holders)
            if not few:
                continue
            others = public.unique(maintain_order=True)
            pooled[name] = tuple(others.filter(~others.is_in(_distinct(series.filter(~rare)).implode())))
            first = pl.lit(pooled[name][0])
            column = pl.select(pl.when(pl.lit(rare)).then(first).otherwise(pl.lit(series))).to_series()
            made = replace(made, frame=made.frame.with_columns(column.alias(name)))
            plural = "1 row" if few == 1 else f"{few:,} rows"
            notes.append(
                f"table {member!r}: column {link.reference.columns[0]!r}: {plural} of {link.reference.table!r} have "
                f"fewer than {holders} holders; which of them is meant is drawn evenly ({int(rare.sum()):,} of "
                f"{len(series):,} rows)."
            )
    return made, pooled, notes


def deal_pooled(
    frame: pl.DataFrame, pooled: Mapping[str, tuple[str, ...]], rng: np.random.Generator
) -> pl.DataFrame:
    """Put one of the values in the place of the first, which stands for all.

    Examples
    --------
    >>> frame = pl.DataFrame({"depot": ["7", "2", None]})
    >>> deal_pooled(frame, {"depot": ("2", "9")}, np.random.default_rng(2))["depot"].to_list()
    ['7', '9', None]
    """
    for name, values in pooled.items():
        if name not in frame.columns:
            continue
        at = (frame[name].cast(pl.String) == values[0]).fill_null(False).arg_true()
        dealt = pl.Series(values, dtype=pl.String).gather(rng.integers(len(values), size=len(at)))
        frame = frame.with_columns(frame[name].cast(pl.String).scatter(at, dealt).alias(name))
    return frame


def _is_plain(link: Link, plan: Plan, made: Extended, name: str) -> bool:
    """Tell whether a reference is one column of a key of public rows, whose levels are protected."""
    if (
        link.reference.table not in plan.kept
        or len(link.reference.columns) > 1
        or name not in made.table.names
    ):
        return False
    column = made.table[name]
    return column.kind == "category" and column.levels is None and column.protect and not column.declared


def _find_rare(
    series: pl.Series, public: pl.Series, owners: Array | None, holders: int
) -> tuple[pl.Series, pl.Series, int]:
    """Mark the rows whose public value has too few holders; say how many such values there are."""
    levels = _distinct(series)
    held = series.is_not_null().to_numpy()
    codes = series.filter(pl.Series(held)).replace_strict(
        levels, np.arange(len(levels)), return_dtype=pl.Int64
    )
    counts = count_holders(codes.to_numpy(), len(levels), None if owners is None else owners[held])
    few = levels.filter(pl.Series(counts < holders)) if len(levels) else levels
    few = few.filter(few.is_in(public.implode()))
    rare = series.is_in(few.implode()).fill_null(False)
    together = int(rare.sum()) if owners is None else count_owners(owners[rare.to_numpy()])
    # a few rows of few holders are the business of the protection, unless nothing else would be left
    if together < holders and len(few) < len(levels):
        return series, rare, 0
    return series, rare, len(few)


def _distinct(series: pl.Series) -> pl.Series:
    return series.drop_nulls().unique().sort()
