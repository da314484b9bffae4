"""Shares of each column's values in shared cells, made for pictures: aggregates of at least 10 real rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison
from simulacra.schema.types import Column

FEWEST = 10
"""No cell shows fewer real rows than this (none at all is allowed)."""
MOST_BINS = 30
MOST_LEVELS = 15

_SCHEMA = {
    "column": pl.String,
    "kind": pl.String,
    "cell": pl.Int64,
    "label": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "real": pl.Float64,
    "synthetic": pl.Float64,
    "holdout": pl.Float64,
    "real_count": pl.Int64,
}
_CLOCK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200)
_DAY_STEPS = (1, 2, 7, 14, 28, 56, 91, 182, 364)


def profile(case: Comparison) -> pl.DataFrame:
    """Sort every column's values into cells made from the training rows, and count.

    Numbers and times get at most 30 bins with round edges, categories their 15 commonest levels and "other";
    text is shown by its length. Keys and identifiers are left out. Values outside what the training rows
    hold get the cell "outside", missing ones the cell "missing".

    Parameters
    ----------
    case : Comparison
        Real and synthetic rows.

    Returns
    -------
    DataFrame
        One row per cell: ``column``, ``kind``, ``cell`` (their order), ``label``, ``low`` and ``high`` (bins
        are ``low <= value < high``, dates in days since 1970, times in seconds; null for levels), the shares
        ``real`` (training rows), ``synthetic`` and ``holdout`` (null without one), and ``real_count``.

    Notes
    -----
    **Privacy** A cell with fewer than 10 training rows is joined to its neighbour or to "other"; the
    outermost edges are rounded away from the extreme values. Levels and edges of sensitive columns are not
    shown.

    **Cost** rows x columns.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> frame = pl.DataFrame({"x": ["a"] * 30 + ["b"] * 10})
    >>> profile(Comparison(Table("t", (Column("x", "category"),)), frame, frame))["real"].to_list()
    [0.75, 0.25]
    """
    pieces = [
        _profile_column(case, column)
        for column in case.table.columns
        if column.kind != "key" and column.identifying is None
    ]
    if not pieces or case.train.height < FEWEST:
        return pl.DataFrame(schema=_SCHEMA)
    return pl.concat(pieces)


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


@dataclass(frozen=True)
class _Cells:
    """Cells of one column in order, and each frame's row counts in them (training rows first)."""

    labels: list[str]
    edges: list[tuple[float | None, float | None]]
    counts: Array

    def without_small(self, missing: int, outside: int) -> _Cells:
        """Join missing values to "outside" if too few real rows miss one; drop cells that nobody is in."""
        cells = self
        if 0 < cells.counts[0, missing] < FEWEST:
            counts = cells.counts.copy()
            counts[:, outside] += counts[:, missing]
            counts[:, missing] = 0
            labels = list(cells.labels)
            labels[outside] = f"{labels[outside]} or missing"
            cells = replace(cells, labels=labels, counts=counts)
        inner = np.arange(cells.counts.shape[1]) < min(missing, outside)
        kept = np.flatnonzero(inner | (cells.counts.sum(axis=0) > 0))
        return _Cells([cells.labels[i] for i in kept], [cells.edges[i] for i in kept], cells.counts[:, kept])


def _profile_column(case: Comparison, column: Column) -> pl.DataFrame:
    frames = [case.train, case.synthetic] + ([] if case.holdout is None else [case.holdout])
    parts = [frame[column.name] for frame in frames]
    if column.kind in {"category", "boolean"}:
        cells = _count_levels([part.cast(pl.String) for part in parts])
    elif column.kind == "text":
        lengths = [part.cast(pl.String).str.len_chars().cast(pl.Float64).to_numpy() for part in parts]
        cells = _count_numbers(lengths, Column(column.name, "number", integer=True))
    else:
        cells = _count_numbers([as_numbers(part) for part in parts], column)
    totals = np.maximum(1, [frame.height for frame in frames])[:, None]
    shares = cells.counts / totals
    size = len(cells.labels)
    labels, edges = cells.labels, cells.edges
    if column.sensitive:
        labels, edges = [f"cell {i + 1}" for i in range(size)], [(None, None)] * size
    data = {
        "column": [column.name] * size,
        "kind": [column.kind] * size,
        "cell": list(range(size)),
        "label": labels,
        "low": [low for low, _ in edges],
        "high": [high for _, high in edges],
        "real": shares[0],
        "synthetic": shares[1],
        "holdout": [None] * size if case.holdout is None else shares[2],
        "real_count": cells.counts[0],
    }
    return pl.DataFrame(data, schema=_SCHEMA)


def _count_levels(parts: list[pl.Series]) -> _Cells:
    counts = (
        pl.DataFrame({"level": parts[0].drop_nulls()})
        .group_by("level")
        .len()
        .sort(["len", "level"], descending=[True, False])
    )
    levels, sizes = counts["level"].to_list(), counts["len"].to_list()
    kept = sum(size >= FEWEST for size in sizes[:MOST_LEVELS])
    # "other" has to hold enough rows itself, so it takes in the rarest of the levels shown until it does
    while 0 < kept < len(levels) and sum(sizes[kept:]) < FEWEST:
        kept -= 1
    other, outside, missing = kept, kept + 1, kept + 2
    code = pl.int_range(pl.len(), dtype=pl.Int64).clip(upper_bound=other)
    known = counts.select("level", code.alias("code"))
    rows = []
    for part in parts:
        joined = pl.DataFrame({"level": part}).join(known, on="level", how="left", maintain_order="left")
        fallback = pl.when(pl.col("level").is_null()).then(missing).otherwise(outside)
        codes = joined.select(pl.coalesce("code", fallback).cast(pl.Int64)).to_series().to_numpy()
        rows.append(np.bincount(codes, minlength=kept + 3))
    table = np.array(rows)
    labels = [*levels[:kept], "other", "outside", "missing"]
    if 0 < table[0, other] < FEWEST:
        table[:, outside] += table[:, other]
        table[:, other] = 0
        labels[outside] = "other"
    cells = _Cells(labels, [(None, None)] * (kept + 3), table)
    return _drop_empty(cells.without_small(missing, outside), "other")


def _drop_empty(cells: _Cells, label: str) -> _Cells:
    kept = [i for i, name in enumerate(cells.labels) if name != label or cells.counts[:, i].any()]
    return _Cells([cells.labels[i] for i in kept], [cells.edges[i] for i in kept], cells.counts[:, kept])


def _count_numbers(parts: list[Array], column: Column) -> _Cells:
    known = parts[0][~np.isnan(parts[0])]
    edges = _round_edges(known, column) if len(known) >= FEWEST else np.empty(0)
    inner = max(0, len(edges) - 1)
    outside, missing = inner, inner + 1
    rows = []
    for part in parts:
        codes = np.searchsorted(edges, part, side="right") - 1 if inner else np.full(len(part), -1)
        codes[(codes < 0) | (codes >= inner)] = outside
        codes[np.isnan(part)] = missing
        rows.append(np.bincount(codes, minlength=inner + 2))
    say = _writer(column)
    pairs = [(float(low), float(high)) for low, high in pairwise(edges)]
    labels = [_range_label(low, high, column, say) for low, high in pairs]
    first = "outside" if inner else "all values"
    cells = _Cells([*labels, first, "missing"], [*pairs, (None, None), (None, None)], np.array(rows))
    return cells.without_small(missing, outside)


def _round_edges(known: Array, column: Column) -> Array:
    """Choose round bin edges over the bulk of the values, tails in one bin each, none with 1 to 9 rows."""
    low, high = np.quantile(known, [0.005, 0.995], method="inverted_cdf")
    step = _round_step(float(high - low) / (MOST_BINS - 4), column)
    edges = step * np.arange(np.floor(low / step), np.floor(high / step) + 2)
    lowest, highest = known.min(), known.max()
    if lowest < edges[0]:
        edges = np.insert(edges, 0, _beyond(edges[0], lowest, step))
    elif lowest == edges[0] and (known == lowest).sum() < FEWEST:
        edges[0] -= step
    if highest >= edges[-1]:
        edges = np.append(edges, _beyond(edges[-1], highest, step))
    counts = np.histogram(known, edges)[0]
    kept, held = [edges[0]], 0
    for count, edge in zip(counts, edges[1:], strict=True):
        held += int(count)
        if held == 0 or held >= FEWEST:
            kept.append(edge)
            held = 0
    if held:
        while len(kept) > 1 and ((known >= kept[-1]) & (known < edges[-1])).sum() < FEWEST:
            kept.pop()
        kept.append(edges[-1])
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


def _range_label(low: float, high: float, column: Column, say: Callable[[float], str]) -> str:
    last = high - 1 if column.integer or column.kind == "date" else high
    return say(low) if last == low else f"{say(low)} to {say(last)}"


def _writer(column: Column) -> Callable[[float], str]:
    """Return the function that writes an edge of this kind of column for people."""
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
