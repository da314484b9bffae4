"""Rows of which each ends when the next one begins: the next row tells the end, drawn for the last one only."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.relational.histories.clocks import LEAST_STEPS, RISES, Clock, in_micros


def find_chains(clock: Clock, frame: pl.DataFrame, entity: Array) -> dict[str, int]:
    """Find the dates and instants of a row that lie exactly one distance before the next row of its entity.

    Parameters
    ----------
    clock : Clock
        The order of the rows.
    frame : DataFrame
        Rows, those of an entity behind each other and in order.
    entity : array of int
        Whose row each is.

    Returns
    -------
    dict
        Such columns, with the distance in microseconds: 0 where a state ends when the next one begins, a day where
        what is valid until the 30th is followed on the 31st. No row breaks it.

    Notes
    -----
    **Cost**: linear in rows.

    Examples
    --------
    >>> from datetime import date, timedelta
    >>> from simulacra.schema.types import Column
    >>> days = [date(2020, 1, 1) + timedelta(n * n) for n in range(60)]
    >>> frame = pl.DataFrame({"began": days, "ended": [*days[1:], None]})
    >>> clock = Clock(Column("began", "date"), followers=(Column("ended", "date", nullable=True),))
    >>> find_chains(clock, frame, np.zeros(60, int))
    {'ended': 0}
    """
    if not clock.followers or len(frame) < 2:
        return {}
    within = pl.Series(np.diff(entity) == 0)
    begins = in_micros(frame[clock.column.name])
    if within.sum() < LEAST_STEPS or (begins.diff()[1:].filter(within) > 0).mean() < RISES:  # type: ignore[operator]
        return {}
    found = {}
    for column in clock.followers:
        ends = in_micros(frame[column.name])
        apart = (begins[1:] - ends[:-1]).filter(within)
        if (
            not apart.null_count()
            and apart.n_unique() == 1
            and (ends - begins)[:-1].filter(within).n_unique() > 1
        ):
            found[column.name] = int(apart[0])
    return found


def forget(values: pl.Series, entity: Array) -> pl.Series:
    """Leave values out that the next row of the same entity tells.

    Examples
    --------
    >>> forget(pl.Series([5, 6, 7]), np.array([0, 0, 1])).to_list()
    [None, 6, 7]
    """
    last = np.append(np.diff(entity) != 0, True)[: len(values)]
    return pl.select(pl.when(pl.lit(pl.Series(last))).then(pl.lit(values))).to_series().alias(values.name)


def chain(frame: pl.DataFrame, clock: Clock, entity: pl.Series, chains: Mapping[str, int]) -> pl.DataFrame:
    """Let each row end where the next one of its entity begins.

    Parameters
    ----------
    frame : DataFrame
        Rows in any order, with the column of the order.
    clock : Clock
        The order.
    entity : Series
        Whose row each is; the rows of null are alone.
    chains : mapping
        As `find_chains` gives them.

    Examples
    --------
    >>> from datetime import date
    >>> from simulacra.schema.types import Column
    >>> frame = pl.DataFrame({"began": [date(2020, 1, 1), date(2020, 1, 9)], "ended": [None, None]})
    >>> frame = frame.cast({"ended": pl.Date})
    >>> chain(frame, Clock(Column("began", "date")), pl.Series([1, 1]), {"ended": 0})["ended"].to_list()
    [datetime.date(2020, 1, 9), None]
    """
    if not chains or not len(frame):
        return frame
    name = clock.column.name
    rows = frame.select(begin=name, entity=entity, row=pl.int_range(pl.len())).sort("entity", "begin", "row")
    same = rows["entity"] == rows["entity"].shift(-1)
    places = rows["row"].filter(same.fill_null(False))
    following = in_micros(rows["begin"].shift(-1).filter(same.fill_null(False)))
    made = []
    for column, apart in chains.items():
        values = (following - apart).cast(pl.Datetime("us"))
        own = frame[column].dtype
        if isinstance(own, pl.Datetime):
            values = values.cast(pl.Int64).cast(own)
        made.append(frame[column].scatter(places, values.cast(own)).alias(column))
    return frame.with_columns(made)


def say_chains(clock: Clock | None) -> list[str]:
    """Say for notes what the next row tells."""
    if clock is None:
        return []
    return [
        f"{name!r} of each row is told by {clock.column.name!r} of the next one, as in all rows: kept as a rule."
        for name in clock.chains
    ]
