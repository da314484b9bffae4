"""Conditions that people can read, and the rows that fulfil them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metrics._case import LEVEL_KINDS, as_levels
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

FEWEST = 10
"""No bound and no level comes from fewer real rows than this."""
MOST_LEVELS = 12
MOST_SPIKES = 5
MOST_COMPARED = 12
QUANTILES = (0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Condition:
    """A condition on a row: its text, and which rows fulfil it."""

    text: str
    holds: Array


def list_conditions(
    frame: pl.DataFrame, fake: Array, looked: Array, columns: Sequence[Column]
) -> list[Condition]:
    """List simple conditions on each of some columns, and on the order of two of them.

    Parameters
    ----------
    frame : DataFrame
        Synthetic and real rows together.
    fake : array of bool
        Which are synthetic.
    looked : array of bool
        The rows that may say where bounds lie.
    columns : sequence of Column
        Those that may be spoken of.
    """
    found: list[Condition] = []
    numbers: list[tuple[Column, Array]] = []
    for column in columns:
        values = frame[column.name]
        missing = values.is_null().to_numpy()
        if missing.any():
            found.append(Condition(f"{column.name} is missing", missing))
        if column.kind in LEVEL_KINDS:
            found += _levels(as_levels(values), fake & looked, ~fake & looked, column.name)
        elif column.kind in {"text", "key"}:
            lengths = values.cast(pl.String).str.len_chars().cast(pl.Float64).to_numpy()
            length = Column(f"length of {column.name}", "number", integer=True)
            found += _bounds(lengths, fake & looked, ~fake & looked, length)
        else:
            held = as_numbers(values)
            numbers.append((column, held))
            found += _bounds(held, fake & looked, ~fake & looked, column)
            if column.kind in {"date", "datetime"} and values.dtype != pl.Null:
                days = values.dt.weekday().fill_null(0).to_numpy()
                found += [
                    Condition(f"{column.name} is a {day}", days == at) for at, day in enumerate(DAYS, 1)
                ]
    return found + list(_orders(numbers, fake & looked, ~fake & looked))


def _levels(values: pl.Series, fake: Array, real: Array, name: str) -> list[Condition]:
    """Give the levels whose shares differ most, and the commonest."""
    sides = pl.DataFrame({"level": values, "fake": fake, "real": real})
    counts = sides.drop_nulls("level").group_by("level").agg(pl.col("fake", "real").sum())
    known = counts.filter((pl.col("fake") > 0) | (pl.col("real") >= FEWEST))
    told = known.with_columns(
        gap=(pl.col("fake") / max(1, int(fake.sum())) - pl.col("real") / max(1, int(real.sum()))).abs(),
        rows=pl.col("fake") + pl.col("real"),
    )
    chosen = [
        *told.sort(["gap", "level"], descending=[True, False])["level"].head(MOST_LEVELS // 2),
        *told.sort(["rows", "level"], descending=[True, False])["level"].head(MOST_LEVELS),
    ]
    return [
        Condition(f"{name} is {level!r}", (values == level).fill_null(False).to_numpy())
        for level in list(dict.fromkeys(chosen))[:MOST_LEVELS]
    ]


def _bounds(values: Array, fake: Array, real: Array, column: Column) -> list[Condition]:
    """Give bounds at quantiles of either side, and single values that many rows share."""
    sides = [values[side & ~np.isnan(values)] for side in (fake, real)]
    edges: list[float] = []
    for side, least in zip(sides, (1, FEWEST), strict=True):
        # of real values none is told beyond which fewer rows lie
        edges += [
            float(np.quantile(side, q, method="inverted_cdf"))
            for q in QUANTILES
            if min(q, 1 - q) * len(side) >= least
        ]
    say, step = _writer(column), _rounding(np.concatenate(sides), column)
    found = []
    for edge in sorted({step(edge) for edge in edges}):
        below = values <= edge
        if column.kind == "number":
            found.append(Condition(f"{column.name} <= {say(edge)}", below))
            found.append(Condition(f"{column.name} > {say(edge)}", values > edge))
        else:
            found.append(Condition(f"{column.name} up to {say(edge)}", below))
            found.append(Condition(f"{column.name} after {say(edge)}", values > edge))
    for spike in _spikes(*sides):
        found.append(Condition(f"{column.name} is {say(spike)}", values == spike))
    return found


def _spikes(fake: Array, real: Array) -> list[float]:
    """Return the values that most more rows of one side share."""
    if not len(fake) or not len(real):
        return []
    values, place = np.unique(np.concatenate([fake, real]), return_inverse=True)
    ours = np.bincount(place[: len(fake)], minlength=len(values))
    theirs = np.bincount(place[len(fake) :], minlength=len(values))
    gap = np.abs(ours / len(fake) - theirs / len(real))
    gap[(ours < FEWEST) & (theirs < FEWEST)] = 0.0
    order = np.argsort(-gap, kind="stable")[:MOST_SPIKES]
    return [float(values[at]) for at in order if gap[at] > 0]


def _orders(numbers: list[tuple[Column, Array]], fake: Array, real: Array) -> Iterator[Condition]:
    """Give which of two columns is the larger, where real rows nearly always agree on it."""
    for (one, left), (other, right) in combinations(numbers[:MOST_COMPARED], 2):
        if one.kind != other.kind:
            continue
        for text, holds in (("<", left < right), (">", left > right)):
            rare = [float(holds[side].mean()) if side.any() else 0.5 for side in (fake, real)]
            if rare[1] < 0.02 and abs(rare[0] - rare[1]) > 0.002:
                yield Condition(f"{one.name} {text} {other.name}", holds)


def _rounding(values: Array, column: Column) -> Callable[[float], float]:
    """Return the function that rounds a bound to what is readable."""
    if column.kind != "number":
        unit = 1.0 if column.kind == "date" else 60.0 if len(values) and np.ptp(values) > 3_600 else 1.0
        return lambda value: float(np.round(value / unit) * unit)
    if column.integer:
        return lambda value: float(np.floor(value))
    spread = float(np.subtract(*np.quantile(values, (0.95, 0.05)))) if len(values) else 0.0
    digits = 2 - int(np.floor(np.log10(spread))) if spread > 0 and np.isfinite(spread) else 6
    return lambda value: float(np.round(value, min(digits, 15)))


def _writer(column: Column) -> Callable[[float], str]:
    """Return the function that writes a value for people."""
    if column.kind == "date":
        return lambda days: str(date(1970, 1, 1) + timedelta(days=days))
    if column.kind == "datetime":
        zone = UTC if column.timezone is None else ZoneInfo(column.timezone)
        start = datetime(1970, 1, 1, tzinfo=UTC)
        return lambda seconds: f"{(start + timedelta(seconds=seconds)).astimezone(zone):%Y-%m-%d %H:%M}"
    if column.kind == "time":
        return lambda seconds: f"{int(seconds // 3600):02d}:{int(seconds // 60 % 60):02d}"
    if column.kind == "duration":
        return lambda seconds: str(timedelta(seconds=seconds))
    return lambda value: f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.6g}"
