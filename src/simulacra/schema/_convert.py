"""One reader per kind of column: any type in, canonical values out, and which values could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.schema._dates import Moment, parse, read_moments
from simulacra.schema._parsing import (
    MISSING,
    find_style,
    is_missing,
    plain_numbers,
    read_durations,
    read_numbers,
    read_truth,
)
from simulacra.schema._texts import nested_text
from simulacra.schema.punctuation import style_named
from simulacra.schema.types import Column


@dataclass(frozen=True, slots=True)
class Converted:
    """Canonical values, a mask of the values that could not be read, and notes."""

    values: pl.Series
    bad: pl.Series
    notes: tuple[str, ...] = ()


def _judge(source: pl.Series, values: pl.Series, notes: tuple[str, ...] = ()) -> Converted:
    """Mark as unreadable what had a value before and has none now."""
    return Converted(values, (source.is_not_null() & values.is_null()).fill_null(False), notes)


def _plain(series: pl.Series) -> pl.Series:
    """Bring rare types to common ones: categories and nested values to text, NaN to null."""
    dtype = series.dtype
    if dtype in (pl.Categorical, pl.Enum):
        return series.cast(pl.String)
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return nested_text(series)
    if dtype == pl.Null:
        return series.cast(pl.String)
    return series.fill_nan(None) if dtype.is_float() else series


def _by_value(text: pl.Series, read: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Apply a reader of texts once per different value."""
    distinct = text.unique()
    if 2 * len(distinct) > len(text):
        return read(text)
    table = pl.DataFrame({"from": distinct, "to": read(distinct)})
    found = pl.DataFrame({"from": text}).join(
        table, on="from", how="left", nulls_equal=True, maintain_order="left"
    )
    return found["to"]


def _without_missing(text: pl.Series) -> pl.Series:
    return text.set(is_missing(text), None)


def _read_number(series: pl.Series, column: Column) -> Converted:
    source = _plain(series)
    if source.dtype == pl.Boolean:
        source = source.cast(pl.Int64)
    notes: tuple[str, ...] = ()
    if source.dtype == pl.String:
        source = _without_missing(source)
        plain, notes = _plain_text(source, column)
        values = read_numbers(plain)
    elif source.dtype.is_numeric():
        values = source
    else:
        values = pl.Series(source.name, [None] * len(source), dtype=pl.Float64)
    return _judge(source, _fit_number(values, column), notes)


def _plain_text(text: pl.Series, column: Column) -> tuple[pl.Series, tuple[str, ...]]:
    """Rewrite numbers plainly in the column's own style, or in another if that reads more of them."""
    own = column.format if style_named(column.format) else None
    best = _by_value(text, lambda some: plain_numbers(some, own))
    lost = best.null_count() - text.null_count()
    if not lost:
        return best, ()
    rest = text.drop_nulls().str.strip_chars().unique()
    chosen = None if own else find_style(rest)
    if chosen == own:
        return best, ()
    other = _by_value(text, lambda some: plain_numbers(some, chosen))
    if other.null_count() - text.null_count() >= lost:
        return best, ()
    return other, (f"read as numbers written like {chosen or '1234.5'}",)


def _fit_number(values: pl.Series, column: Column) -> pl.Series:
    if values.dtype == pl.Float32:
        values = values.cast(pl.String).cast(pl.Float64, strict=False)  # 0.1 in 32 bits is meant as 0.1
    if not column.integer:
        values = values.cast(pl.Float64, strict=False)
        return values.set((~values.is_finite()).fill_null(False), None)
    if values.dtype.is_integer():
        return values.cast(pl.Int64, strict=False)
    values = values.cast(pl.Float64, strict=False)
    whole = (values == values.round()) & (values.abs() < 2.0**63)
    return values.set((~whole).fill_null(False), None).cast(pl.Int64, strict=False)


def _read_boolean(series: pl.Series, column: Column) -> Converted:
    source = _plain(series)
    if source.dtype == pl.Boolean:
        return _judge(source, source)
    if source.dtype == pl.String:
        words = set((column.format or "").split("|"))
        gone = is_missing(source) & ~source.is_in(list(words)).fill_null(False)
        source = source.set(gone, None)
        return _judge(source, _by_value(source, lambda some: read_truth(some, column.format)))
    if source.dtype.is_numeric():
        values = source.cast(pl.Float64).replace_strict(
            {0.0: False, 1.0: True}, default=None, return_dtype=pl.Boolean
        )
        return _judge(source, values)
    return _judge(source, pl.Series(source.name, [None] * len(source), dtype=pl.Boolean))


def _as_text(series: pl.Series) -> pl.Series:
    """Write any values as text; a column of whole floats is written without the point (pandas makes such)."""
    source = _plain(series)
    if source.dtype.is_float() or source.dtype.is_decimal():
        floats = source.cast(pl.Float64)
        if (floats == floats.round()).all() and (floats.abs() < 2.0**53).all():
            return floats.cast(pl.Int64).cast(pl.String)
        return source.cast(pl.String)
    if source.dtype == pl.Boolean:
        return source.replace_strict({False: "false", True: "true"}, default=None, return_dtype=pl.String)
    if isinstance(source.dtype, pl.Datetime):
        return source.dt.to_string("iso")
    if isinstance(source.dtype, pl.Duration):
        return source.dt.to_string("iso")
    return source.cast(pl.String)


def _read_category(series: pl.Series, column: Column) -> Converted:
    text = _as_text(series)
    if column.levels is None:
        return _judge(text, text)
    known = set(column.levels)
    strange = [value for value in text.unique().drop_nulls().to_list() if value not in known]
    if not strange:
        return _judge(text, text)
    meaning = _match_levels(strange, column.levels)
    if not meaning:
        return _judge(text, text)
    values = text.replace(list(meaning), list(meaning.values()))
    gone = [value for value, level in meaning.items() if level is None]
    count = int(text.is_in(gone).sum()) if gone else 0
    notes = (
        (f"{count:,} {'rows' if count != 1 else 'row'} with a mark for 'no value' count as missing",)
        if count
        else ()
    )
    return Converted(values, pl.Series([False]).new_from_index(0, len(text)), notes)


def _match_levels(strange: list[str], levels: tuple[str, ...]) -> dict[str, str | None]:
    """Find the level that an unlisted spelling means: 1.0 for 1, true for yes, ? for none."""
    plain = pl.Series(list(levels), dtype=pl.String)
    numbers = _numeric_levels(plain)
    truth = dict(zip(read_truth(plain).to_list(), levels)) if len(levels) <= 2 else {}
    spelt = pl.Series(strange, dtype=pl.String)
    as_number = plain_numbers(spelt).cast(pl.Float64, strict=False).to_list()
    zeros = spelt.str.contains(r"^\s*[+-]?0\d").to_list()
    as_truth = read_truth(spelt).to_list()
    meaning: dict[str, str | None] = {}
    for value, number, code, yes in zip(strange, as_number, zeros, as_truth):
        if number is not None and not code and number in numbers:
            meaning[value] = numbers[number]
        elif yes is not None and None not in truth and yes in truth:
            meaning[value] = truth[yes]
        elif value.strip() in MISSING:
            meaning[value] = None
    return meaning


def _numeric_levels(levels: pl.Series) -> dict[float, str]:
    numbers = plain_numbers(levels).cast(pl.Float64, strict=False).to_list()
    found: dict[float, str] = {}
    for level, number in zip(levels.to_list(), numbers):
        if number is None or number in found or not np.isfinite(number):
            return {}  # '1' and '1.0' are two levels here, so spelling matters
        found[number] = level
    return found


def _read_text(series: pl.Series, column: Column) -> Converted:
    if column.kind == "key" and column.integer:
        source = _plain(series)
        if source.dtype == pl.String:
            source = _without_missing(source)
            values = read_numbers(plain_numbers(source))
        else:
            values = source if source.dtype.is_numeric() else source.cast(pl.Int64, strict=False)
        return _judge(source, _fit_number(values, column))
    text = _as_text(series)
    return _judge(text, text)


def _read_moment(series: pl.Series, column: Column) -> Converted:
    source = _plain(series)
    kind: Moment = column.kind  # type: ignore[assignment]
    if source.dtype.is_integer() and column.format == "%Y%m%d":
        source = source.cast(pl.String)
    notes: tuple[str, ...] = ()
    if source.dtype == pl.String:
        source = _without_missing(source)
        values, notes = _parse_text(source, kind, column)
    else:
        values = source
    return _judge(source, *_fit_moment(values, column, notes))


def _parse_text(text: pl.Series, kind: Moment, column: Column) -> tuple[pl.Series, tuple[str, ...]]:
    """Read by the column's own pattern; the rest by whatever pattern fits all of it."""
    trimmed = text.str.strip_chars()
    if column.format:
        values = parse(trimmed, kind, column.format)
        if not (values.is_null() & trimmed.is_not_null()).any():
            return values, ()
        rest = trimmed.set(values.is_not_null().fill_null(False), None)
    else:
        values, rest = pl.Series(text.name, [None] * len(text), dtype=pl.Null), trimmed
    distinct = rest.drop_nulls().unique()
    reading = read_moments(distinct, kind)
    if reading is None and kind == "datetime":
        reading = read_moments(distinct, "date")
    if reading is None:
        if values.dtype == pl.Null:
            values = _largest_part(trimmed, kind, distinct)
        return values, ()
    table = pl.DataFrame({"from": distinct, "to": reading.values})
    found = pl.DataFrame({"from": rest}).join(table, on="from", how="left", maintain_order="left")["to"]
    found = _fit_moment(found, column, ())[0]
    filled = found if values.dtype == pl.Null else _fit_moment(values, column, ())[0].fill_null(found)
    count = int(rest.is_not_null().sum())
    spelt = "row is" if count == 1 else "rows are"
    found_format = reading.format or "several patterns"
    note = f"{count:,} {spelt} not written as {column.format}; read as {found_format}"
    return filled, ((note,) if column.format else ())


def _largest_part(text: pl.Series, kind: Moment, distinct: pl.Series) -> pl.Series:
    """Where no pattern reads everything, read what reads as ISO 8601 and leave the rest unread."""
    formats = {
        "date": ("%Y-%m-%d",),
        "datetime": ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"),
        "time": ("%H:%M:%S%.f",),
    }[kind]
    tried = [parse(text, kind, format) for format in formats]
    return min(tried, key=lambda values: values.null_count())


def _fit_moment(
    values: pl.Series, column: Column, notes: tuple[str, ...]
) -> tuple[pl.Series, tuple[str, ...]]:
    """Bring a temporal series to the type of its column."""
    dtype = values.dtype
    empty = pl.Series(values.name, [None] * len(values), dtype=pl.Int64)
    if column.kind == "time":
        if isinstance(dtype, pl.Duration):
            inside = (values >= pl.Series([0]).cast(pl.Duration("us"))[0]) & (values.dt.total_days() == 0)
            nanos = values.dt.total_nanoseconds()
            return nanos.set((~inside).fill_null(False), None).cast(pl.Time), notes
        return (values if dtype == pl.Time else empty.cast(pl.Time)), notes
    if column.kind == "date":
        if isinstance(dtype, pl.Datetime):
            midnight = values.dt.time() == pl.Series([0]).cast(pl.Time)[0]
            return values.set((~midnight).fill_null(False), None).dt.date(), notes
        return (values if dtype == pl.Date else empty.cast(pl.Date)), notes
    if dtype == pl.Date:
        values = values.cast(pl.Datetime("us"))
    elif not isinstance(dtype, pl.Datetime):
        return empty.cast(pl.Datetime("us", column.timezone)), notes
    values = values.dt.cast_time_unit("us")
    zone = values.dtype.time_zone  # type: ignore[attr-defined]
    if zone == column.timezone:
        return values, notes
    if column.timezone is None:
        note = f"the zone {zone} was left out, as the schema has local times"
        return values.dt.replace_time_zone(None), (*notes, note)
    if zone is None:
        values = values.dt.replace_time_zone(column.timezone, ambiguous="earliest", non_existent="null")
        return values, notes
    return values.dt.convert_time_zone(column.timezone), notes


def _read_duration(series: pl.Series, column: Column) -> Converted:
    source = _plain(series)
    if source.dtype == pl.String:
        source = _without_missing(source)
        return _judge(source, _by_value(source, read_durations))
    if isinstance(source.dtype, pl.Duration):
        return _judge(source, source.dt.cast_time_unit("us"))
    if source.dtype == pl.Time:
        return _judge(source, source.cast(pl.Duration("us")))
    return _judge(source, pl.Series(source.name, [None] * len(source), dtype=pl.Duration("us")))


READERS: dict[str, Callable[[pl.Series, Column], Converted]] = {
    "number": _read_number,
    "category": _read_category,
    "boolean": _read_boolean,
    "date": _read_moment,
    "datetime": _read_moment,
    "time": _read_moment,
    "duration": _read_duration,
    "text": _read_text,
    "key": _read_text,
}
