"""Times of day that would find a row in another log: they move too, alike for all rows of an owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.masking._orders import DAY, clock
from simulacra.masking._owners import Frames, Pointers
from simulacra.masking._siphash import siphash
from simulacra.masking.secret import Secret
from simulacra.schema.types import Schema

Place = tuple[str, str]
Limits = tuple[Array, Array]
"""The least and the most that each owner may be turned by, in microseconds."""

HALF = DAY // 2
_MINUTE = 60_000_000
_UNITS = (1_000_000, 1_000, 1)
_OFF, _APART = 0.1, 0.1
"""Shares of values off the minute, and of different values, from which instants are exact enough to be looked up."""
_LEAST = 10
"""Rows that an order is believed from: fewer may stand so by chance."""


@dataclass(frozen=True, eq=False)
class Inner:
    """How far rows may be turned so that they keep an order with a date of the same owner, which does not turn."""

    table: str
    rows: Array
    low: Array
    high: Array


def find_fine(frames: Frames, columns: list[Place]) -> dict[Place, int]:
    """List columns of instants that are finer than a minute and seldom shared, with the unit that they are written in.

    Examples
    --------
    >>> from datetime import datetime
    >>> frame = pl.DataFrame({"at": [datetime(2024, 1, 1, 9, 3, second) for second in (1, 7, 9)]})
    >>> find_fine({"t": frame}, [("t", "at")])
    {('t', 'at'): 1000000}
    """
    found = {}
    for table, column in columns:
        values = frames[table][column]
        known = (
            clock(values).drop_nulls()
            if isinstance(values.dtype, pl.Datetime)
            else pl.Series([], dtype=pl.Int64)
        )
        if (
            len(known)
            and (known % _MINUTE != 0).sum() >= _OFF * len(known)
            and known.n_unique() >= _APART * len(known)
        ):
            found[table, column] = next(unit for unit in _UNITS if (known % unit == 0).all())
    return found


def find_times(frames: Frames, columns: list[Place]) -> list[Place]:
    """List columns of instants whose times of day differ.

    Examples
    --------
    >>> find_times({"t": pl.DataFrame({"at": [1, 2]}).cast(pl.Date)}, [("t", "at")])
    []
    """
    return [
        (table, column)
        for table, column in columns
        if isinstance(frames[table][column].dtype, pl.Datetime)
        and (clock(frames[table][column]).drop_nulls() % DAY).n_unique() > 1
    ]


def say_times(fine: Mapping[Place, int], times: list[Place]) -> Iterator[str]:
    """Tell which times of day move, and which stay."""
    if fine:
        yield (
            f"times of day move too, by up to 12 hours, alike for all rows of an owner: {_name(list(fine))}. "
            "The gaps between the events of an owner stay exact, and may be found in another log."
        )
    if kept := [place for place in times if place not in fine]:
        yield f"times of day stay, and only days move: {_name(kept)}."


def find_inner(
    schema: Schema,
    frames: Frames,
    pointers: Pointers,
    owners: Mapping[str, Array],
    dates: Mapping[str, list[str]],
    fine: Mapping[Place, int],
) -> Iterator[Inner]:
    """List the orders between instants that turn and dates of the same owner that do not.

    Parameters
    ----------
    schema : Schema
        Tables with references.
    frames : mapping
        Their rows.
    pointers : mapping
        What `simulacra.lineage.resolve` gives.
    owners : mapping
        For each table the code of each row's owner.
    dates : mapping
        For each table the columns that move.
    fine : mapping
        What `find_fine` gives.

    Yields
    ------
    Inner
        One for each pair of columns in one row, or in a row and the one that it refers to.
    """
    for table in schema.tables:
        name = table.name
        everyone = np.arange(len(frames[name]))
        links = [(name, everyone)]
        for at, reference in enumerate(table.references):
            up = pointers[name, at]
            rows = np.flatnonzero(up >= 0)
            rows = rows[owners[name][rows] == owners[reference.table][up[rows]]]
            links.append((reference.table, np.where(np.isin(everyone, rows), up, -1)))
        for other, to in links:
            for own in dates.get(name, []):
                for theirs in dates.get(other, []):
                    if ((name, own) in fine) != ((other, theirs) in fine):
                        yield from _pair(name, (name, own), (other, theirs), to, frames, fine)


def _pair(
    name: str, one: Place, two: Place, to: Array, frames: Frames, fine: Mapping[Place, int]
) -> Iterator[Inner]:
    rows = np.flatnonzero(to >= 0)
    left, right = clock(frames[name][one[1]]).gather(rows), clock(frames[two[0]][two[1]]).gather(to[rows])
    turning, still = (left, right) if one in fine else (right, left)
    gap = turning - still
    rows, apart = rows[gap.is_not_null().to_numpy()], gap.drop_nulls().to_numpy()
    if len(rows) < _LEAST:
        return
    low, high = np.full(len(rows), -DAY, dtype=np.int64), np.full(len(rows), DAY, dtype=np.int64)
    if apart.min() >= 0:
        low = -apart
    if apart.max() <= 0:
        high = -apart
    elif apart.max() < DAY and (still.drop_nulls() % DAY == 0).all():
        # never after the day itself
        high = DAY - 1 - apart
    yield Inner(name, rows, low, high)


def draw_turns(codes: Array, limits: Limits, unit: int, secret: Secret) -> Array:
    """Draw how far each owner is turned, in microseconds; 0 must lie within the limits.

    Examples
    --------
    >>> ends = np.array([-5, -HALF]), np.array([0, HALF - 1])
    >>> made = draw_turns(np.arange(2, dtype=np.uint64), ends, 1, Secret.make(b"0123456789abcdef"))
    >>> bool(-5 <= made[0] <= 0), bool(abs(made[1]) <= HALF)
    (True, True)
    """
    # what is cut to a unit must not fall below the least
    low = -((-limits[0]) // unit) * unit
    width = (limits[1] - low + 1).astype(np.uint64)
    return low + (siphash(codes, secret.derive("times")) % width).astype(np.int64)


def _name(places: list[Place]) -> str:
    return ", ".join(f"{table}.{column}" for table, column in places)
