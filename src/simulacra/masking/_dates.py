"""Dates moved by a number of days that is the same for all rows of an entity: order and gaps stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.lineage import resolve
from simulacra.masking._orders import DAY, Order, clock, find_orders, narrow
from simulacra.masking._owners import Frames, Ways, find_ways, number_owners
from simulacra.masking._siphash import siphash
from simulacra.masking.secret import Secret
from simulacra.schema.types import Column, Schema


@dataclass(frozen=True, eq=False)
class Moved:
    """Tables with their dates moved.

    Parameters
    ----------
    frames : dict
        The tables.
    columns : tuple of (str, str)
        Table and column of what was moved.
    notes : tuple of str
        Whose rows move together, who could not be moved, and what is out of order.
    """

    frames: Mapping[str, pl.DataFrame]
    columns: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def shift_dates(
    schema: Schema, frames: Frames, columns: list[tuple[str, str]], days: int, secret: Secret
) -> Moved:
    """Move dates by up to so many days either way, within the bounds of each column and in the order of all.

    Parameters
    ----------
    schema : Schema
        What the columns are.
    frames : mapping
        Canonical values, keys as they are in the original.
    columns : list of (str, str)
        Table and column of what to move.
    days : int
        The most days.
    secret : Secret
        The key.

    Returns
    -------
    Moved
        The same rows in the same order.
    """
    dates: dict[str, list[str]] = {}
    for table, column in columns:
        dates.setdefault(table, []).append(column)
    pointers, ways = resolve(schema, frames), find_ways(schema, frames)
    owners = number_owners(schema, frames, pointers, ways, secret)
    orders = list(find_orders(schema, frames, pointers, owners, dates))
    moves: dict[str, Array] = {}
    entities = still = 0
    for root in _in_turn(orders, ways):
        tables = [name for name in dates if ways.roots[name] == root]
        drawn = _move_together(schema, frames, tables, owners, dates, orders, moves, days, secret)
        entities, still = entities + len(drawn), still + int((drawn == 0).sum())
    out = dict(frames)
    for table, column in columns:
        out[table] = out[table].with_columns(_move(frames[table][column], pl.Series(moves[table])))
    return Moved(out, tuple(columns), tuple(_notes(ways, dates, orders, moves, entities, still)))


def _in_turn(orders: list[Order], ways: Ways) -> list[str]:
    """List the tables of owners so that each comes after those that its rows' order hangs on, as far as can be."""
    waits: dict[str, set[str]] = {root: set() for root in ways.roots.values()}
    for order in orders:
        one, other = ways.roots[order.child[0]], ways.roots[order.parent[0]]
        waits[one] |= {other} - {one}
    turn: list[str] = []
    while waits:
        first = min(waits, key=lambda root: len(waits[root] - set(turn)))
        turn.append(first)
        del waits[first]
    return turn


def _move_together(
    schema: Schema,
    frames: Frames,
    tables: list[str],
    owners: Mapping[str, Array],
    dates: Mapping[str, list[str]],
    orders: list[Order],
    moves: dict[str, Array],
    days: int,
    secret: Secret,
) -> Array:
    """Draw how far the owners of some tables move, and note it for each row."""
    if not tables:
        return np.zeros(0, dtype=np.int64)
    codes, index = np.unique(np.concatenate([owners[name] for name in tables]), return_inverse=True)
    low, high = np.full(len(codes), -days, dtype=np.int64), np.full(len(codes), days, dtype=np.int64)
    rows = dict(
        zip(tables, np.split(index, np.cumsum([len(frames[name]) for name in tables])[:-1]), strict=True)
    )
    for order in orders:
        if order.child[0] in rows and order.parent[0] in moves:
            narrow(order, moves[order.parent[0]], rows[order.child[0]], low, high)
    first, last = low.copy(), high.copy()
    for name in tables:
        for column in dates[name]:
            _leave_room(frames[name][column], schema.table(name)[column], rows[name], first, last)
    # where both can not be kept, an order counts more than a bound
    drawn = _draw(codes, first.clip(max=high), last.clip(min=low), secret)
    for name in tables:
        moves[name] = drawn[rows[name]]
    return drawn


def _draw(codes: Array, low: Array, high: Array, secret: Secret) -> Array:
    """Draw a whole number of days from low to high for each entity, and not 0 where there is another."""
    width = (high - low).clip(min=0)
    drawn = siphash(codes, secret.derive("days")) % width.clip(min=1).astype(np.uint64)
    move = low + drawn.astype(np.int64)
    # 0 is left out: what lies at or above it counts one further
    move = np.where((move >= 0) & (low <= 0), move + 1, move)
    # without a choice the order decides
    out: Array = np.where(width > 0, move, np.where(low > 0, low, np.minimum(high, 0)))
    return out


def _notes(
    ways: Ways,
    dates: Mapping[str, list[str]],
    orders: list[Order],
    moves: Mapping[str, Array],
    entities: int,
    still: int,
) -> Iterator[str]:
    yield ways.say(dates)
    if still:
        yield (
            f"{still:,} of {entities:,} owners of rows were not moved in time: their dates reach from one bound of a "
            "column to the other, or they have none."
        )
    for order in orders:
        if broken := order.breaks(moves):
            word = "before" if order.later else "after"
            yield (
                f"{broken:,} of {len(order.rows):,} rows of {order.child[0]!r} now have {order.child[1]!r} {word} "
                f"{order.parent[1]!r} of the row of {order.parent[0]!r} that they refer to, which is of another owner."
            )


def _leave_room(values: pl.Series, column: Column, rows: Array, low: Array, high: Array) -> None:
    """Narrow what each entity may move by to what keeps all its values within the bounds."""
    frame = pl.DataFrame({"row": rows, "clock": clock(values)}).drop_nulls()
    if not len(frame) or column.bounds is None:
        return
    ends = frame.group_by("row").agg(first=pl.col("clock").min(), last=pl.col("clock").max())
    first, last = (clock(pl.Series([bound], dtype=values.dtype))[0] for bound in column.bounds)
    at = ends["row"].to_numpy()
    # a value that lies outside already may not move further away, and need not come back
    before, after = (ends["first"].to_numpy() - first) // DAY, (last - ends["last"].to_numpy()) // DAY
    low[at] = np.maximum(low[at], -before.clip(min=0))
    high[at] = np.minimum(high[at], after.clip(min=0))


def _move(values: pl.Series, days: pl.Series) -> pl.Series:
    moved = (clock(values) + days * DAY).cast(pl.Datetime("us"))
    if not isinstance(values.dtype, pl.Datetime):
        return moved.cast(pl.Date).alias(values.name)
    if zone := values.dtype.time_zone:
        # a time that clocks skip on its new day is an hour later, as clocks are
        exact, later = (
            time.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
            for time in (moved, moved.dt.offset_by("1h"))
        )
        moved = pl.select(pl.coalesce(exact, later)).to_series()
    return moved.alias(values.name)
