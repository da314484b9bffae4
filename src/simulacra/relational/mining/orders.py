"""Days and moments that never lie before, or after, those of a row above; and what else a row must keep then."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.mining._look import quote
from simulacra.randomness import Streams
from simulacra.relational.mining.followers import inner_orders
from simulacra.relational.mining.ways import EVIDENCE, FEWEST, Found, Search, Way
from simulacra.schema.column import Column
from simulacra.schema.constraints import Check, Monotone

CHANCE = 0.02
"""Share of randomly paired rows that must break an order, else it says nothing."""
DIRTY = 0.001
"""Share of rows that may break an order."""
TIMED = ("date", "datetime")


def find_days(search: Search, table: str) -> None:
    """Find the days of a table that never lie before, or after, a day of a row that it refers to.

    An order counts if hardly a row breaks it, rows paired by chance would, and the two lie in the same range. What
    follows from an order with a nearer row, or a nearer day of the same row, is left out.
    """
    for column in search.columns(table):
        if column.kind not in TIMED or (table, column.name) in search.given:
            continue
        before = len(search.found)
        for sign in (">=", "<="):
            nearer: list[pl.Series] = []
            inside = _inner(search, table, column, sign)
            for way in search.ways(table):
                for other in _nearest(search, table, column, way, sign):
                    values = search.frames[way.route.end][other.name].gather(search.rows.up(way.route))
                    if not any(_follows(values, known, sign) for known in (*nearer, *inside)):
                        nearer.append(values)
                        _keep(search, table, column, way, other, sign)
        if len(search.found) > before:
            _find_rise(search, table, column)


def _find_rise(search: Search, table: str, column: Column) -> None:
    """Keep days that rise with the numbers of the rows of one parent rising, where a repair would mix them up."""
    own, link = search.schema.table(table), search.plan.driving(table)
    if link is None or len(own.key) != 1 or not own[own.key[0]].integer:
        return
    rule = Monotone(column.name, own.key[0], by=link.reference.columns)
    frame = search.frames[table]
    rows = frame.select(*rule.by, *own.key, column.name).drop_nulls().sort(*rule.by, *own.key)
    again = rows.select(pl.struct(rule.by) == pl.struct(rule.by).shift()).to_series().fill_null(False)
    rises = rows.select(pl.col(column.name).diff() > timedelta(0)).to_series() & again
    held = search.compile(table, rule)
    if int(rises.sum()) < FEWEST or held is None or held.broken(search.rows).fill_null(False).any():
        return
    search.add(Found(table, rule, column.name, held.reads, int(again.sum()), len(frame)), gives=False)


def _inner(search: Search, table: str, column: Column, sign: str) -> list[pl.Series]:
    """Return the days of the row itself that a day never crosses."""
    place = 0 if sign == ">=" else 1
    found = []
    for _, names in inner_orders(search, table):
        low, high = (search.frames[table][name] for name in names)
        if (low > high).any():
            low, high, names = high, low, names[::-1]
        if names[1 - place] == column.name:
            found.append((low, high)[place])
    return found


def _nearest(search: Search, table: str, column: Column, way: Way, sign: str) -> list[Column]:
    """Return the days of a row above that a day never crosses, without those that others of that row imply."""
    end = way.route.end
    held = [
        other
        for other in search.columns(end)
        if other.kind in TIMED
        and (other.timezone is None) == (column.timezone is None)
        and search.may_move(table, column.name, frozenset({(end, other.name)}))
        and _holds(search, table, column, way, other, sign)
    ]
    frame = search.frames[end]
    return [
        one
        for place, one in enumerate(held)
        if not any(
            _follows(frame[one.name], frame[two.name], sign)
            and not (spot > place and _follows(frame[two.name], frame[one.name], sign))
            for spot, two in enumerate(held)
            if two is not one
        )
    ]


def _follows(far: pl.Series, near: pl.Series, sign: str) -> bool:
    """Tell whether keeping to one day is keeping to another: it is there where that is, and never on its near side."""
    if (near.is_null() & far.is_not_null()).any():
        return False
    crossed = (far > near) if sign == ">=" else (far < near)
    return not crossed.fill_null(False).any()


def _holds(search: Search, table: str, column: Column, way: Way, other: Column, sign: str) -> bool:
    """Tell whether an order holds, and would not by chance."""
    glance = search.glance(table)
    at = search.rows.up(way.route)
    mine, theirs = search.frames[table][column.name], search.frames[way.route.end][other.name]
    own, above = _moments(mine.gather(glance)), _moments(theirs.gather(at.gather(glance)))
    both = ~np.isnan(own) & ~np.isnan(above)
    low, high = (above[both], own[both]) if sign == ">=" else (own[both], above[both])
    if len(low) < FEWEST or (low > high).sum() > 1 + 4 * DIRTY * len(low) or not (low < high).any():
        return False
    order = Streams(0).at(table, "mining", column.name).stream("pairs").permutation(len(low))
    chance = float((low[order] > high).mean())
    if chance < CHANCE or not _overlap(low, high):
        return False
    known = theirs.gather(at)
    there = mine.is_not_null() & known.is_not_null()
    # rows of one parent stand or fall together
    parents = at.filter(there).n_unique()
    return -parents * np.log1p(-min(chance, 0.99)) >= EVIDENCE and (
        int(_crossed(mine, known, sign).sum()) <= DIRTY * int(there.sum())
    )


def _crossed(own: pl.Series, limits: pl.Series, sign: str) -> pl.Series:
    """Mark the rows on the wrong side."""
    return ((own < limits) if sign == ">=" else (own > limits)).fill_null(False)


def _overlap(own: Array, above: Array) -> bool:
    ends = [np.quantile(values, (0.005, 0.995)) for values in (own, above)]
    return bool(ends[0][0] <= ends[1][1] and ends[1][0] <= ends[0][1])


def _moments(values: pl.Series) -> Array:
    moments: Array = (
        values.dt.replace_time_zone(None) if isinstance(values.dtype, pl.Datetime) else values
    ).cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64).fill_null(np.nan).to_numpy()  # fmt: skip
    return moments


def _keep(search: Search, table: str, column: Column, way: Way, other: Column, sign: str) -> None:
    rule = Check(f"{quote(column.name)} {sign} {way.lookup(other.name)}")
    known = {str(own) for own in search.schema.table(table).constraints}
    held = search.compile(table, rule)
    if str(rule) in known or held is None:
        return
    own = search.frames[table][column.name]
    limits = search.frames[way.route.end][other.name].gather(search.rows.up(way.route))
    crossed = int(_crossed(own, limits, sign).sum())
    support = int((own.is_not_null() & limits.is_not_null()).sum()) - crossed
    search.add(Found(table, rule, column.name, held.reads, support, len(own), crossed), gives=False)
