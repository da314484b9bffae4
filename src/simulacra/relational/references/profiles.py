"""What the rows that refer to one parent have in common: a level that most of them share, and when they begin and end.

A plane flies for one carrier, from its first day to its last one. A parent that does not draw its rows learns such
things as columns of its own, and rows are dealt to the parents that they suit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.relational.plan import Link
from simulacra.schema.types import Column

MOST_LEVELS = 60
"""Levels of a column up to which one can be what the rows of a parent share."""
PURE, MORE = 0.7, 0.2
"""Share of a parent's rows that must have its commonest level, and how much more that must be than among all rows."""
_DAY = 86_400_000_000
_SHARED, _SINCE, _FOR = "#shared", "#since", "#for"


@dataclass(frozen=True)
class Suits:
    """What rows and parents are held against each other by, each side in arrays of its own.

    Parameters
    ----------
    levels, shared : array of int
        The level of each row, and the one that a parent's rows share; -1 for none. All 0 where nothing is shared.
    times : array
        The time of each row.
    since, until : array
        When the rows of each parent begin and end.
    """

    levels: Array
    shared: Array
    times: Array
    since: Array
    until: Array


def find_profile(link: Link, rows: pl.DataFrame, at: Array, parents: int) -> list[tuple[Column, pl.Series]]:
    """Find what the rows of each parent have in common, as columns of the parent.

    Parameters
    ----------
    link : Link
        The reference.
    rows : DataFrame
        The columns of the rows that refer.
    at : array of int
        Position of each row's parent; below 0 where there is none.
    parents : int
        How many parents there are.

    Returns
    -------
    list
        Columns with their values; none where rows share nothing.

    Notes
    -----
    **Cost**: a count for each category, linear in rows.
    """
    held = at >= 0
    place = pl.Series("#at", at[held])
    found: list[tuple[Column, pl.Series]] = []
    level = _purest(rows.filter(pl.Series(held)), place)
    every = pl.DataFrame({"#at": np.arange(parents)})
    if level is not None:
        name = f"{_SHARED} {link.name} {level}"
        counted = _count(rows[level].filter(pl.Series(held)), place)
        best = counted.group_by("#at", maintain_order=True).first()
        values = every.join(best, on="#at", how="left", maintain_order="left")[level].alias(name)
        found.append((Column(name, "category", nullable=values.null_count() > 0), values))
    time = _clock(rows)
    if time is not None:
        days = _days(rows[time]).filter(pl.Series(held))
        ends = (
            pl.DataFrame([place, days.alias("day")])
            .group_by("#at")
            .agg(pl.col("day").min().alias("since"), (pl.col("day").max() - pl.col("day").min()).alias("for"))
        )
        ends = every.join(ends, on="#at", how="left", maintain_order="left")
        for what, source in ((_SINCE, "since"), (_FOR, "for")):
            name = f"{what} {link.name} {time}"
            values = ends[source].floor().cast(pl.Int64).alias(name)
            found.append((Column(name, "number", nullable=values.null_count() > 0, integer=True), values))
    return found


def find_suits(
    link: Link, rows: pl.DataFrame, parents: pl.DataFrame, rng: np.random.Generator
) -> Suits | None:
    """Read what drawn rows and drawn parents are held against each other by; None where there is nothing."""
    alike, start, span = (_told(parents, f"{what} {link.name} ") for what in (_SHARED, _SINCE, _FOR))
    if not len(rows) or not len(parents) or (alike is None and start is None):
        return None
    levels, shared = np.zeros(len(rows), np.int64), np.zeros(len(parents), np.int64)
    times, since, until = rng.random(len(rows)), np.zeros(len(parents)), np.ones(len(parents))
    if alike is not None:
        name, column = alike
        known = {
            level: code for code, level in enumerate(parents[name].drop_nulls().unique().sort().to_list())
        }
        levels, shared = (
            side.replace_strict(known, default=-1, return_dtype=pl.Int64).to_numpy()
            for side in (rows[column], parents[name])
        )
    if start is not None and span is not None:
        name, column = start
        times, since = _whole(_days(rows[column])), _whole(parents[name])
        until = since + 1 + parents[span[0]].fill_null(0).cast(pl.Float64).to_numpy()
    return Suits(levels, shared, times, since, until)


def _whole(values: pl.Series) -> Array:
    """Return numbers, the middle one where there is none."""
    numbers = values.cast(pl.Float64).to_numpy()
    held = numbers[~np.isnan(numbers)]
    return np.where(np.isnan(numbers), np.median(held) if len(held) else 0.0, numbers)


def _told(frame: pl.DataFrame, start: str) -> tuple[str, str] | None:
    return next(((name, name[len(start) :]) for name in frame.columns if name.startswith(start)), None)


def _purest(rows: pl.DataFrame, place: pl.Series) -> str | None:
    """Return the column of which the rows of a parent most often share a level, more often than by chance."""
    best: tuple[float, str] | None = None
    for column in rows.columns:
        values = rows[column]
        if values.dtype != pl.String or column.startswith("#") or values.null_count() or not len(values):
            continue
        chance = values.value_counts()["count"]
        if not 1 < len(chance) <= MOST_LEVELS:
            continue
        counted = _count(values, place)
        tops = counted.group_by("#at").agg(
            pl.col("rows").max().alias("top"), pl.col("rows").sum().alias("all")
        )
        tops = tops.filter(pl.col("all") > 1)
        pure = float(tops["top"].sum()) / max(float(tops["all"].sum()), 1.0)
        more = pure - float(((chance / len(values)) ** 2).sum()) ** 0.5
        if pure >= PURE and more >= MORE and (best is None or more > best[0]):
            best = (more, column)
    return best[1] if best is not None else None


def _count(values: pl.Series, place: pl.Series) -> pl.DataFrame:
    """Count levels by parent, the commonest of each first."""
    counted = pl.DataFrame([place, values]).group_by("#at", values.name).len(name="rows")
    return counted.sort("#at", "rows", values.name, descending=[False, True, False])


def _clock(rows: pl.DataFrame) -> str | None:
    """Return the date or instant of which there are most."""
    timed = [
        name
        for name in rows.columns
        if rows[name].dtype.is_temporal()
        and rows[name].dtype not in {pl.Time, pl.Duration}
        and not rows[name].null_count()
    ]
    return max(timed, key=lambda name: rows[name].n_unique(), default=None)


def _days(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Date:
        return values.cast(pl.Int32).cast(pl.Float64)
    return values.cast(pl.Datetime("us", getattr(values.dtype, "time_zone", None))).cast(pl.Int64) / _DAY
