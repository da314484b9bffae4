"""Dates moved by a number of days that is the same for all rows of an entity: order and gaps stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.masking._links import Link
from simulacra.masking._siphash import siphash
from simulacra.masking.secret import Secret
from simulacra.schema.types import Column, Schema, Table

_DAY = 86_400_000_000


@dataclass(frozen=True, eq=False)
class Moved:
    """Tables with their dates moved.

    Parameters
    ----------
    frames : dict
        The tables.
    columns : tuple of (str, str)
        Table and column of what was moved.
    entities, still : int
        How many entities there are with dates, and how many of them had no room to move within the bounds.
    """

    frames: Mapping[str, pl.DataFrame]
    columns: tuple[tuple[str, str], ...]
    entities: int
    still: int


def shift_dates(
    schema: Schema,
    frames: Mapping[str, pl.DataFrame],
    links: list[Link],
    columns: list[tuple[str, str]],
    days: int,
    secret: Secret,
) -> Moved:
    """Move dates by up to so many days either way, within the bounds of each column.

    Parameters
    ----------
    schema : Schema
        What the columns are.
    frames : mapping
        Canonical values, keys as they are in the original.
    links : list of Link
        Every reference.
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
    entities = _find_entities(schema, frames, links, secret)
    tables = list(dict.fromkeys(table for table, _ in columns))
    codes, index = np.unique(np.concatenate([entities[name] for name in tables]), return_inverse=True)
    low, high = np.full(len(codes), -days, dtype=np.int64), np.full(len(codes), days, dtype=np.int64)
    starts = np.cumsum([0, *(len(frames[name]) for name in tables)])
    rows = {name: index[starts[i] : starts[i + 1]] for i, name in enumerate(tables)}
    for table, column in columns:
        _leave_room(frames[table][column], schema.table(table)[column], rows[table], low, high)
    moves = _draw(codes, low, high, secret)
    out = dict(frames)
    for table, column in columns:
        step = pl.Series(moves[rows[table]])
        out[table] = out[table].with_columns(_move(frames[table][column], step))
    return Moved(out, tuple(columns), len(codes), int((moves == 0).sum()))


def _draw(codes: Array, low: Array, high: Array, secret: Secret) -> Array:
    """Draw a whole number of days from low to high for each entity, and not 0 where there is another."""
    width = (high - low).clip(min=0)
    drawn = siphash(codes, secret.derive("days")) % width.clip(min=1).astype(np.uint64)
    move = low + drawn.astype(np.int64)
    # 0 is left out: what lies at or above it counts one further
    move = np.where((move >= 0) & (low <= 0), move + 1, move)
    out: Array = np.where(width > 0, move, 0)
    return out


def _leave_room(values: pl.Series, column: Column, rows: Array, low: Array, high: Array) -> None:
    """Narrow what each entity may move by to what keeps all its values within the bounds."""
    frame = pl.DataFrame({"row": rows, "clock": _clock(values)}).drop_nulls()
    if not len(frame) or column.bounds is None:
        return
    ends = frame.group_by("row").agg(first=pl.col("clock").min(), last=pl.col("clock").max())
    first, last = (_clock(pl.Series([bound], dtype=values.dtype))[0] for bound in column.bounds)
    at = ends["row"].to_numpy()
    # a value that lies outside already may not move further away, and need not come back
    before, after = (ends["first"].to_numpy() - first) // _DAY, (last - ends["last"].to_numpy()) // _DAY
    low[at] = np.maximum(low[at], -before.clip(min=0))
    high[at] = np.minimum(high[at], after.clip(min=0))


def _clock(values: pl.Series) -> pl.Series:
    """Count microseconds on the clock of the place, in which a day is a day also where clocks change."""
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.replace_time_zone(None).cast(pl.Int64)
    return values.cast(pl.Int64) * _DAY


def _move(values: pl.Series, days: pl.Series) -> pl.Series:
    moved = (_clock(values) + days * _DAY).cast(pl.Datetime("us"))
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


def _find_entities(
    schema: Schema, frames: Mapping[str, pl.DataFrame], links: list[Link], secret: Secret
) -> dict[str, Array]:
    """Give every row the code of the entity that it belongs to: its own, or that of its parent."""
    found: dict[str, Array] = {}

    def find(name: str, above: frozenset[str]) -> Array:
        if name in found:
            return found[name]
        own = _own_codes(schema.table(name), frames[name], secret)
        link = _driving(schema, name, links, above | {name})
        if link is not None:
            parents = find(link.parent, above | {name})
            first = _first_parent(link)
            own = np.where(first >= 0, parents[first.clip(min=0)] if len(parents) else own, own)
        found[name] = own
        return own

    for name in frames:
        find(name, frozenset())
    return found


def _driving(schema: Schema, name: str, links: list[Link], above: frozenset[str]) -> Link | None:
    """Choose the reference that says whose row it is: to an entity if there is one, never to public knowledge."""
    roles = {table.role for table in schema.tables}
    if schema.table(name).role == "entity" and not roles <= {"entity", "reference"}:
        # roles were given, and this table's rows are entities by themselves
        return None
    usable = [
        link
        for link in links
        if link.child == name and link.parent not in above and schema.table(link.parent).role != "reference"
    ]
    return min(
        usable,
        key=lambda link: (round(float((link.below.codes < 0).mean()), 1) if len(link.below.codes) else 0.0,
                          schema.table(link.parent).role != "entity"),
        default=None,
    )  # fmt: skip


def _first_parent(link: Link) -> Array:
    codes = link.below.codes
    if not len(link.above.order):
        return np.full(len(codes), -1, dtype=np.int64)
    first = link.above.starts[codes.clip(min=0)]
    return np.where(codes >= 0, link.above.order[first.clip(max=len(link.above.order) - 1)], -1)


def _own_codes(table: Table, frame: pl.DataFrame, secret: Secret) -> Array:
    """Hash the key of each row, or its number in a table without a key."""
    if not table.key:
        texts = [str(row) for row in range(len(frame))]
    else:
        parts = [pl.col(name).cast(pl.String).fill_null("\0") for name in table.key]
        texts = frame.select(pl.concat_str(parts, separator="\x1f")).to_series().to_list()
    return secret.hash_texts(texts, "entity", table.name)[:, 0]
