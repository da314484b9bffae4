"""What the rows that refer to one parent have in common: levels that most of them share, and when they begin and end.

A plane flies for one carrier, mostly from one airport, from its first day to its last one. A parent that does not draw
its rows learns such things as columns of its own, and rows are dealt to the parents that they suit.
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
MOST_COLUMNS = 2
PURE, MORE = 0.55, 0.1
"""Share of a parent's rows that must have its commonest level, and how much more that must be than by chance."""
WHOLLY = 0.97
"""Share of its rows, on average, from which all rows of a parent get the level that they share."""
WHOLE = 100
"""Steps in which the share is learnt."""
_DAY = 86_400_000_000
_SHARED, _SHARE, _SINCE, _FOR = "#shared", "#share", "#since", "#for"


@dataclass(frozen=True)
class Suits:
    """What rows and parents are held against each other by, each side in arrays of its own.

    Parameters
    ----------
    levels, shared : list of array of int
        By column: the level of each row, and the one that a parent's rows share; -1 for none.
    shares : list of array
        The share of each parent's rows that have it.
    times : array
        The time of each row.
    since, until : array
        When the rows of each parent begin and end.
    """

    levels: list[Array]
    shared: list[Array]
    shares: list[Array]
    times: Array
    since: Array
    until: Array

    @property
    def first_is_whole(self) -> bool:
        """Whether (almost) all rows of a parent have the level of the first column."""
        return float(np.mean(self.shares[0])) >= WHOLLY


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
    held = pl.Series(at >= 0)
    place = pl.Series("#at", at[at >= 0])
    own, every = rows.filter(held), pl.DataFrame({"#at": np.arange(parents)})
    found: list[pl.Series] = []
    for name in _find_shared(own, place):
        best = _count(own[name], place).group_by("#at", maintain_order=True).agg(
            pl.col(name).first().alias(f"{_SHARED} {link.name} {name}"),
            (pl.col("rows").first() / pl.col("rows").sum() * WHOLE).floor().cast(pl.Int64)
            .alias(f"{_SHARE} {link.name} {name}"),
        )  # fmt: skip
        found += every.join(best, on="#at", how="left", maintain_order="left").get_columns()[1:]
    time = _find_time(own)
    if time is not None:
        day = pl.col("day").floor().cast(pl.Int64)
        ends = pl.DataFrame([place, _days(own[time]).alias("day")]).group_by("#at").agg(
            day.min().alias(f"{_SINCE} {link.name} {time}"), (day.max() - day.min()).alias(f"{_FOR} {link.name} {time}")
        )  # fmt: skip
        found += every.join(ends, on="#at", how="left", maintain_order="left").get_columns()[1:]
    return [
        (Column(s.name, "category" if s.dtype == pl.String else "number", nullable=s.null_count() > 0,
                integer=s.dtype != pl.String), s)
        for s in found
    ]  # fmt: skip


def find_suits(
    link: Link, rows: pl.DataFrame, parents: pl.DataFrame, rng: np.random.Generator
) -> Suits | None:
    """Read what drawn rows and drawn parents are held against each other by; None where there is nothing."""
    told = {what: _told(parents, f"{what} {link.name} ") for what in (_SHARED, _SHARE, _SINCE, _FOR)}
    if not len(rows) or not len(parents) or not (told[_SHARED] or told[_SINCE]):
        return None
    levels, shared, shares = [], [], []
    for (name, column), (share, _) in zip(told[_SHARED], told[_SHARE], strict=True):
        seen = parents[name].drop_nulls().unique().sort().to_list()
        known = {level: code for code, level in enumerate(seen)}
        own, other = (
            side.replace_strict(known, default=-1, return_dtype=pl.Int64).to_numpy()
            for side in (rows[column], parents[name])
        )
        levels.append(own)
        shared.append(other)
        shares.append(_filled(parents[share]) / WHOLE)
    times, since, until = rng.random(len(rows)), np.zeros(len(parents)), np.ones(len(parents))
    if told[_SINCE]:
        name, column = told[_SINCE][0]
        times, since = _filled(_days(rows[column])), _filled(parents[name])
        until = since + 1 + np.maximum(_filled(parents[told[_FOR][0][0]]), 0)
    return Suits(levels, shared, shares, times, since, until)


def _told(frame: pl.DataFrame, start: str) -> list[tuple[str, str]]:
    return [(name, name[len(start) :]) for name in frame.columns if name.startswith(start)]


def _filled(values: pl.Series) -> Array:
    """Return numbers, the middle one where there is none."""
    numbers = values.cast(pl.Float64).to_numpy()
    held = numbers[~np.isnan(numbers)]
    return np.where(np.isnan(numbers), np.median(held) if len(held) else 0.0, numbers)


def _find_shared(rows: pl.DataFrame, place: pl.Series) -> list[str]:
    """Return the columns of which the rows of a parent mostly share a level, more often than by chance."""
    found: list[str] = []
    open_ = [
        name
        for name in rows.columns
        if rows[name].dtype == pl.String and not name.startswith("#") and not rows[name].null_count()
        and 1 < rows[name].n_unique() <= MOST_LEVELS
    ]  # fmt: skip
    while open_ and len(found) < MOST_COLUMNS:
        gains = {name: _gain(rows, place, name, found) for name in open_}
        best = max(open_, key=lambda name: gains[name])
        if gains[best] < MORE:
            break
        found.append(best)
        open_.remove(best)
    return found


def _gain(rows: pl.DataFrame, place: pl.Series, name: str, known: list[str]) -> float:
    """Return how much more often the rows of a parent have its commonest level than rows that are alike in `known`."""
    tops = _count(rows[name], place).group_by("#at").agg(
        pl.col("rows").max().alias("top"), pl.col("rows").sum().alias("all")
    ).filter(pl.col("all") > 1)  # fmt: skip
    pure = float(tops["top"].sum()) / max(float(tops["all"].sum()), 1.0)
    by = rows.group_by(*known, name).len(name="rows")
    alike = by.group_by(known).agg(pl.col("rows").max()) if known else by.select(pl.col("rows").max())
    return pure - float(alike["rows"].sum()) / max(len(rows), 1) if pure >= PURE else 0.0


def _count(values: pl.Series, place: pl.Series) -> pl.DataFrame:
    """Count levels by parent, the commonest of each first."""
    counted = pl.DataFrame([place, values]).group_by("#at", values.name).len(name="rows")
    return counted.sort("#at", "rows", values.name, descending=[False, True, False])


def _find_time(rows: pl.DataFrame) -> str | None:
    """Return the date or instant of which there are most."""
    timed = [
        name
        for name in rows.columns
        if isinstance(rows[name].dtype, (pl.Date, pl.Datetime)) and not rows[name].null_count()
    ]
    return max(timed, key=lambda name: rows[name].n_unique(), default=None)


def _days(values: pl.Series) -> pl.Series:
    if values.dtype == pl.Date:
        return values.cast(pl.Int32).cast(pl.Float64)
    return values.dt.timestamp("us") / _DAY
