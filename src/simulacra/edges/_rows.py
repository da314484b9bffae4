"""Typical rows of a contract alone: values within bounds, levels and patterns, under all its constraints."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl

from simulacra.dataset import Dataset
from simulacra.domain import Array
from simulacra.encodings._letters import SOUNDS
from simulacra.fakes.making import make_fakes
from simulacra.fitting import fit_table
from simulacra.frames import to_polars
from simulacra.guarantees._languages import Language
from simulacra.intake import Intake
from simulacra.randomness import Streams
from simulacra.schema.conformance import canonical_type
from simulacra.schema.constraints import Pattern
from simulacra.schema.types import Column, Schema, Table
from simulacra.synthesizer import Synthesizer

INVENTED = 4_000
"""Rows that stand for a contract."""
_MISSING = 0.05
_DEFAULTS: dict[str, tuple[Any, Any]] = {
    "date": (date(2020, 1, 1), date(2024, 12, 31)),
    "datetime": (datetime(2020, 1, 1), datetime(2024, 12, 31, 23, 59)),
    "time": (time(6, 0), time(22, 0)),
    "duration": (timedelta(minutes=1), timedelta(hours=8)),
    "number": (0, 100),
}


def model_contract(table: Table, streams: Streams) -> Synthesizer:
    """Make a model that draws each column of a table evenly within its limits, and keeps all constraints.

    Parameters
    ----------
    table : Table
        The contract.
    streams : Streams
        Where randomness comes from.
    """
    public = replace(
        table,
        columns=tuple(replace(column, declared=True, protect=False) for column in table.columns),
        weight=None,
    )
    frame = pl.DataFrame(
        [_invent(column, table, streams.stream("invent", column.name)) for column in public.columns]
    )
    data = Dataset(Schema((public,)), {table.name: frame}, {table.name: to_polars(frame)[1]})
    learn = int(streams.stream("fit").integers(2**62))
    return fit_table(Intake.open(data, None), model="independent", options={}, seed=learn, holders=1)


def _invent(column: Column, table: Table, rng: np.random.Generator) -> pl.Series:
    dtype = canonical_type(column)
    if column.kind == "number":
        values = _numbers(column, rng)
    elif column.kind == "boolean":
        values = pl.Series(rng.random(INVENTED) < 0.5)
    elif column.kind in {"category", "text", "key"}:
        values = _words(column, table, rng)
    else:
        values = _moments(column, rng)
    values = values.cast(dtype).alias(column.name)
    if column.nullable:
        values = values.set(pl.Series(rng.random(INVENTED) < _MISSING), None)
    return values


def _numbers(column: Column, rng: np.random.Generator) -> pl.Series:
    low, high = column.bounds or _DEFAULTS["number"]
    if column.format == "HHMM":
        first, last = (int(end) // 100 * 60 + int(end) % 100 for end in column.bounds or (0, 2359))
        minutes = rng.integers(first, last + 1, INVENTED)
        return pl.Series(minutes // 60 * 100 + minutes % 60)
    if column.integer or column.step:
        step = column.step or 1
        first, last = int(np.ceil(float(low) / step)), int(np.floor(float(high) / step))
        places = rng.integers(first, max(last, first), INVENTED, endpoint=True)
        return (
            pl.Series(places * step)
            if not column.integer
            else pl.Series(np.rint(places * step).astype(np.int64))
        )
    numbers = rng.uniform(float(low), float(high), INVENTED)
    if column.decimals is not None:
        numbers = np.clip(np.round(numbers, column.decimals), float(low), float(high))
    return pl.Series(numbers)


def _words(column: Column, table: Table, rng: np.random.Generator) -> pl.Series:
    pattern = column.pattern or next(
        (
            rule.regex
            for rule in table.constraints
            if isinstance(rule, Pattern) and rule.column == column.name
        ),
        None,
    )
    if column.levels:
        return pl.Series(
            np.array(column.levels, dtype=object)[rng.integers(len(column.levels), size=INVENTED)].tolist()
        )
    if column.kind == "key" and column.integer:
        return pl.Series(np.arange(1, INVENTED + 1))
    if pattern is not None:
        language = Language.parse(pattern)
        if column.kind == "key" and language.count >= INVENTED:
            return pl.Series(language.spell(np.arange(INVENTED)))
        return pl.Series(language.draw(INVENTED, rng))
    if column.kind == "key":
        return pl.Series([f"{number:08d}" for number in range(1, INVENTED + 1)])
    if column.identifying is not None:
        codes = rng.integers(2**64, size=INVENTED, dtype=np.uint64)
        return make_fakes(column.identifying, codes, locale=column.locale, whole=column.integer)
    words = ("one", "two", "three") if column.kind == "category" else SOUNDS[:25]
    return pl.Series(np.array(words, dtype=object)[rng.integers(len(words), size=INVENTED)].tolist())


def _moments(column: Column, rng: np.random.Generator) -> pl.Series:
    """Draw dates and times evenly: whole days, minutes, or what the bounds need."""
    low, high = column.bounds or _DEFAULTS[column.kind]
    ends = _ticks(column, [low, high])
    unit = 1
    if column.kind != "date":
        minute = 60_000_000_000 if column.kind == "time" else 60_000_000
        unit = (
            minute if not (ends % minute).any() else minute // 60 if not (ends % (minute // 60)).any() else 1
        )
    first, last = int(ends[0]) // unit, int(ends[1]) // unit
    return _from_ticks(column, rng.integers(first, max(last, first), INVENTED, endpoint=True) * unit)


def _ticks(column: Column, ends: list[object]) -> Array:
    if column.kind == "datetime" and column.timezone is not None:
        aware = [end.tzinfo is not None for end in ends if isinstance(end, datetime)]
        series = (
            pl.Series(ends)
            if all(aware)
            else pl.Series(ends, dtype=pl.Datetime("us")).dt.replace_time_zone(
                column.timezone, ambiguous="earliest", non_existent="null"
            )
        )
        series = series.cast(pl.Datetime("us", "UTC")) if all(aware) else series
        return series.cast(pl.Int64).to_numpy()
    return pl.Series(ends, dtype=canonical_type(column)).cast(pl.Int64).to_numpy()


def _from_ticks(column: Column, ticks: Array) -> pl.Series:
    if column.kind == "date":
        return pl.Series(ticks.astype(np.int32)).cast(pl.Date)
    if column.kind == "datetime" and column.timezone is not None:
        return (
            pl.Series(ticks)
            .cast(pl.Datetime("us"))
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone(column.timezone)
        )
    return pl.Series(ticks).cast(canonical_type(column))
