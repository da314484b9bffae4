"""Round bins of numbers and times, made for pictures: none holds few real rows, and no edge shows an extreme."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.schema.types import Column

FEWEST = 10
"""No cell shows fewer real rows than this (none at all is allowed)."""
MOST_BINS = 30

_CLOCK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
_DAY_STEPS = (1, 2, 7, 14, 28, 56, 91, 182, 364)


def as_numbers(values: pl.Series) -> Array:
    """Return the values of a numeric or temporal column as float64.

    Parameters
    ----------
    values : Series
        Canonical values: numbers, booleans, dates, datetimes, times or durations.

    Returns
    -------
    array
        Shape (rows,): numbers as they are, dates in days since 1970, everything else temporal in seconds. NaN
        where the value is missing or not finite.

    Examples
    --------
    >>> as_numbers(pl.Series([1, None])).tolist()
    [1.0, nan]
    """
    if values.dtype == pl.Date:
        numbers = values.cast(pl.Int32).cast(pl.Float64).to_numpy()
    elif isinstance(values.dtype, (pl.Datetime, pl.Duration)):
        per_second = {"ms": 1e3, "us": 1e6, "ns": 1e9}[values.dtype.time_unit or "us"]
        numbers = values.cast(pl.Int64).cast(pl.Float64).to_numpy() / per_second
    elif values.dtype == pl.Time:
        numbers = values.cast(pl.Int64).cast(pl.Float64).to_numpy() / 1e9
    else:
        numbers = values.cast(pl.Float64).to_numpy()
    return np.where(np.isfinite(numbers), numbers, np.nan)


def sort_numbers(values: Array, edges: Array) -> Array:
    """Give each number its cell: the bins between edges, then outside of all, then missing.

    Examples
    --------
    >>> sort_numbers(np.array([0.0, 5.0, 10.0, np.nan]), np.array([0.0, 5.0, 10.0])).tolist()
    [0, 1, 2, 3]
    """
    inner = max(0, len(edges) - 1)
    codes = np.searchsorted(edges, values, side="right") - 1 if inner else np.full(len(values), -1)
    codes[(codes < 0) | (codes >= inner)] = inner
    codes[np.isnan(values)] = inner + 1
    return codes


def round_edges(known: Array, column: Column) -> Array:
    """Choose round bin edges over the bulk of the values, tails in one bin each, none with 1 to 9 rows.

    Examples
    --------
    >>> round_edges(np.arange(100.0), Column("a", "number", integer=True)).tolist()[:2]
    [-5.0, 10.0]
    """
    low, high = np.quantile(known, [0.005, 0.995], method="inverted_cdf")
    lowest = known.min()
    edges = propose_edges((low, high), (lowest, known.max()), int((known == lowest).sum()), column)
    return edges[join_bins(np.histogram(known, edges)[0])]


def propose_edges(
    bulk: tuple[float, float], ends: tuple[float, float], at_lowest: int, column: Column
) -> Array:
    """Choose round edges over the bulk of the values and beyond their ends, before small bins are joined.

    Parameters
    ----------
    bulk : (float, float)
        Between these is almost everything.
    ends : (float, float)
        The smallest and the largest value.
    at_lowest : int
        How many rows hold the smallest.
    column : Column
        What the schema says of it.

    Examples
    --------
    >>> propose_edges((0.0, 26.0), (0.0, 26.0), 20, Column("a", "number", integer=True))[[0, 1, -1]].tolist()
    [0.0, 1.0, 27.0]
    """
    (low, high), (lowest, highest) = bulk, ends
    step = _round_step(float(high - low) / (MOST_BINS - 4), column)
    edges = step * np.arange(np.floor(low / step), np.floor(high / step) + 2)
    if lowest < edges[0]:
        edges = np.insert(edges, 0, _beyond(edges[0], lowest, step))
    elif lowest == edges[0] and at_lowest < FEWEST:
        edges[0] -= step
    if highest >= edges[-1]:
        edges = np.append(edges, _beyond(edges[-1], highest, step))
    return edges


def join_bins(counts: Array) -> Array:
    """Return which edges stay when bins with 1 to 9 rows are joined to their neighbours.

    Examples
    --------
    >>> join_bins(np.array([12, 3, 8, 0, 20, 2])).tolist()
    [0, 1, 3, 4, 6]
    """
    kept, held = [0], 0
    for place, count in enumerate(counts, start=1):
        held += int(count)
        if held == 0 or held >= FEWEST:
            kept.append(place)
            held = 0
    if held:
        while len(kept) > 1 and counts[kept[-1] :].sum() < FEWEST:
            kept.pop()
        kept.append(len(counts))
    return np.array(kept)


def _beyond(edge: float, extreme: float, step: float) -> float:
    """Return a coarse value past an extreme, so that the edge does not show the extreme itself."""
    span = abs(extreme - edge)
    unit = max(step, 10.0 ** np.floor(np.log10(span)) if span > 0 else step)
    unit = step * np.ceil(unit / step)
    return float(edge + np.sign(extreme - edge or 1.0) * unit * (np.floor(span / unit) + 1))


def _round_step(width: float, column: Column) -> float:
    """Return the smallest round step that is at least this wide."""
    if column.kind in {"date", "datetime", "time", "duration"}:
        day = 1 if column.kind == "date" else 86_400
        clock = () if column.kind == "date" else _CLOCK_STEPS
        for step in (*clock, *(day * days for days in _DAY_STEPS)):
            if step >= width:
                return float(step)
        return float(364 * day * np.ceil(width / (364 * day)))
    if width <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(width))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if factor * power >= width * (1 - 1e-9))
    return max(1.0, float(np.ceil(step))) if column.integer else float(step)


def range_label(low: float, high: float, column: Column, say: Callable[[float], str]) -> str:
    """Say which values a bin holds.

    Examples
    --------
    >>> column = Column("a", "number", integer=True)
    >>> range_label(0.0, 10.0, column, edge_writer(column))
    '0 to 9'
    """
    last = high - 1 if column.integer or column.kind == "date" else high
    return say(low) if last == low else f"{say(low)} to {say(last)}"


def edge_writer(column: Column) -> Callable[[float], str]:
    """Return the function that writes an edge of this kind of column for people.

    Examples
    --------
    >>> edge_writer(Column("day", "date"))(365.0)
    '1971-01-01'
    """
    if column.kind == "date":
        return lambda days: str(date(1970, 1, 1) + timedelta(days=days))
    if column.kind == "datetime":
        zone = UTC if column.timezone is None else ZoneInfo(column.timezone)
        start = datetime(1970, 1, 1, tzinfo=UTC)

        def instant(seconds: float) -> str:
            moment = (start + timedelta(seconds=seconds)).astimezone(zone)
            return f"{moment:%Y-%m-%d %H:%M}".removesuffix(" 00:00")

        return instant
    if column.kind == "time":
        return lambda seconds: f"{int(seconds // 3600):02d}:{int(seconds // 60 % 60):02d}"
    if column.kind == "duration":
        return lambda seconds: str(timedelta(seconds=seconds))
    return lambda value: f"{value:,.0f}" if abs(value) >= 1e4 and value == round(value) else f"{value:.6g}"
