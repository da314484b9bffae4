"""Dates moved by a number of days, and a time, that are the same for all rows of an entity: order and gaps stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.lineage import resolve
from simulacra.masking._clocks import HALF, Inner, Place, draw_turns, find_fine, find_inner
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


@dataclass
class _Moves:
    """How far the rows of each table move: days, and microseconds in columns of exact instants."""

    fine: Mapping[Place, int]
    days: dict[str, Array] = field(default_factory=dict)
    turns: dict[str, Array] = field(default_factory=dict)

    def of(self, place: Place) -> Array:
        """Return how far the values of a column move, in microseconds."""
        out = self.days[place[0]] * DAY
        if unit := self.fine.get(place):
            out = out + self.turns[place[0]] // unit * unit
        return out


def shift_dates(
    schema: Schema, frames: Frames, columns: list[tuple[str, str]], days: int, secret: Secret
) -> Moved:
    """Move dates by up to so many days either way, within the bounds of each column and in the order of all.

    Instants that are exact and seldom shared move by up to 12 hours besides.

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
    moves = _Moves(find_fine(frames, columns))
    inner = list(find_inner(schema, frames, pointers, owners, dates, moves.fine)) if moves.fine else []
    entities = still = 0
    for root in _in_turn(orders, ways):
        tables = [name for name in dates if ways.roots[name] == root]
        drawn = _move_together(schema, frames, tables, owners, dates, orders, inner, moves, days, secret)
        entities, still = entities + len(drawn), still + int((drawn == 0).sum())
    out = dict(frames)
    for table, column in columns:
        out[table] = out[table].with_columns(
            _move(frames[table][column], pl.Series(moves.of((table, column))))
        )
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
    inner: list[Inner],
    moves: _Moves,
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
        if order.child[0] in rows and order.parent[0] in moves.days:
            narrow(order, moves.of(order.parent), rows[order.child[0]], low, high)
    first, last = low.copy(), high.copy()
    for name in tables:
        for column in dates[name]:
            _leave_room(frames[name][column], schema.table(name)[column], rows[name], first, last)
    # where both can not be kept, an order counts more than a bound
    drawn = _draw(codes, first.clip(max=high), last.clip(min=low), secret)
    # an order on tables that wait for these is not settled yet: it is narrowed when their turn comes
    settled = [order for order in orders if order.parent[0] in moves.days]
    for name in tables:
        moves.days[name] = drawn[rows[name]]
    if units := [unit for (name, _), unit in moves.fine.items() if name in rows]:
        # no further in all than dates move, so that rows of others that stand in an order can follow
        low = ((-days - drawn) * DAY).clip(min=-HALF, max=0)
        high = ((days - drawn) * DAY).clip(min=0, max=HALF - 1)
        _hold_orders(settled, inner, moves, rows, low, high)
        for place in moves.fine:
            if place[0] in rows:
                values, held = frames[place[0]][place[1]], schema.table(place[0])[place[1]]
                _leave_time(values, held, rows[place[0]], drawn, low, high)
        turned = draw_turns(codes, (low.clip(max=0), high.clip(min=0)), max(units), secret)
        for name in tables:
            moves.turns[name] = turned[rows[name]]
    return drawn


def _hold_orders(
    orders: list[Order], inner: list[Inner], moves: _Moves, rows: Mapping[str, Array], low: Array, high: Array
) -> None:
    """Narrow how far owners are turned to what keeps the order of their own dates, and with those of others."""
    for one in inner:
        if one.table in rows:
            at = rows[one.table][one.rows]
            np.maximum.at(low, at, one.low)
            np.minimum.at(high, at, one.high)
    for order in orders:
        if order.child in moves.fine and order.child[0] in rows:
            theirs = moves.of(order.parent)[order.others]
            room = theirs - order.gap - moves.days[order.child[0]][order.rows] * DAY
            if order.later:
                np.maximum.at(low, rows[order.child[0]][order.rows], room)
            else:
                np.minimum.at(high, rows[order.child[0]][order.rows], room)


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
    moves: _Moves,
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
        if broken := order.breaks(moves.of(order.child), moves.of(order.parent)):
            word = "before" if order.later else "after"
            yield (
                f"{broken:,} of {len(order.rows):,} rows of {order.child[0]!r} now have {order.child[1]!r} {word} "
                f"{order.parent[1]!r} of the row of {order.parent[0]!r} that they refer to, which is of another owner."
            )


def _leave_room(values: pl.Series, column: Column, rows: Array, low: Array, high: Array) -> None:
    """Narrow what each entity may move by to what keeps all its values within the bounds."""
    at, before, after = _room(values, column, rows)
    # a value that lies outside already may not move further away, and need not come back
    low[at] = np.maximum(low[at], -(before // DAY).clip(min=0))
    high[at] = np.minimum(high[at], (after // DAY).clip(min=0))


def _leave_time(
    values: pl.Series, column: Column, rows: Array, drawn: Array, low: Array, high: Array
) -> None:
    """Narrow how far each entity is turned to what keeps its values within the bounds after it moved by days."""
    at, before, after = _room(values, column, rows)
    low[at] = np.maximum(low[at], -(before + drawn[at] * DAY).clip(min=0))
    high[at] = np.minimum(high[at], (after - drawn[at] * DAY).clip(min=0))


def _room(values: pl.Series, column: Column, rows: Array) -> tuple[Array, Array, Array]:
    """Return entities, and the microseconds from the bounds of a column to the first and the last value of each."""
    frame = pl.DataFrame({"row": rows, "clock": clock(values)}).drop_nulls()
    if not len(frame) or column.bounds is None:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    ends = frame.group_by("row").agg(first=pl.col("clock").min(), last=pl.col("clock").max())
    first, last = (clock(pl.Series([bound], dtype=values.dtype))[0] for bound in column.bounds)
    return ends["row"].to_numpy(), ends["first"].to_numpy() - first, last - ends["last"].to_numpy()


def _move(values: pl.Series, far: pl.Series) -> pl.Series:
    moved = (clock(values) + far).cast(pl.Datetime("us"))
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
