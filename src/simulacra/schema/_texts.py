"""The guess for a column of text: parsed if that loses nothing."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import polars as pl

from simulacra.schema._columns import Guess, Values, as_identifier, infer_moments, infer_typed, infer_words
from simulacra.schema._dates import Moment, read_moments
from simulacra.schema._facts import MAX_DECIMALS
from simulacra.schema._names import says_phone
from simulacra.schema._parsing import (
    find_style,
    find_truth_words,
    is_missing,
    plain_numbers,
    read_durations,
    read_numbers,
)
from simulacra.schema.identifiers import says_postcode
from simulacra.schema.punctuation import AFTER, BEFORE, style_named
from simulacra.schema.types import FIXED, Column

_SAMPLE = 256
_NUMBERLIKE = rf"^[+-]?({BEFORE})?[+-]?[\d.,'’\s]+({AFTER})?$"


def nested_text(series: pl.Series) -> pl.Series:
    """Write lists, structs and bytes as text: JSON, and base64 for bytes."""

    def write(value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if isinstance(value, pl.Series):
            value = value.to_list()
        return (
            json.dumps(value, ensure_ascii=False, default=str)
            if isinstance(value, (list, dict))
            else str(value)
        )

    return pl.Series(series.name, [write(value) for value in series], dtype=pl.String)


def infer_text(values: Values, *, typed: bool, coded: bool, declared: bool = False) -> Guess:
    """Guess a column of text.

    Parameters
    ----------
    values : Values
        Texts.
    typed : bool
        Whether the file format had types, so that numbers could have been stored as numbers.
    coded : bool
        Whether the values were stored as a categorical type: such are never parsed.
    declared : bool
        Whether a database says that they are text: then they are no numbers.
    """
    if coded:
        return infer_words(values, remark="stored as a category")
    gone = is_missing(values.distinct)
    real = values.without(gone)
    if len(real.distinct):
        texts = real.distinct.str.strip_chars()
        why = _keeps_digits(real, texts, declared)
        number = None if why else _as_number(real, texts, typed)
        found = _as_truth(real, texts) or number or _as_moment(real, texts)
        if found:
            return found
        if why:
            return as_identifier(values) or infer_words(values, remark=why)
    return as_identifier(values) or infer_words(values, remark=_count_mixed(real))


def _keeps_digits(values: Values, texts: pl.Series, declared: bool) -> str:
    """Say why numbers are to stay the texts that they are; nothing where they may be read as numbers."""
    if says_postcode(values.name) and texts.str.contains(r"^\d{3,10}$").all():
        return "the name says that they are postcodes"
    if declared and not plain_numbers(texts).null_count():
        return "numbers in a column that is declared as text"
    return ""


def _as_truth(real: Values, texts: pl.Series) -> Guess | None:
    if len(texts) > 2:
        return None
    pair = find_truth_words(set(texts.to_list()))
    if pair is None:
        return None
    words = f"{pair[0]}|{pair[1]}"
    column = Column(real.name, "boolean", nullable=real.missing > 0, format=words)
    return column, real.explain(f"true or false, written as {pair[1]} and {pair[0]}")


def _as_number(real: Values, texts: pl.Series, typed: bool) -> Guess | None:
    few = texts.head(_SAMPLE)  # all must be numbers, so a few that are not settle it
    if plain_numbers(few).null_count() and not few.str.contains(_NUMBERLIKE).all():
        return None
    plain = plain_numbers(texts)
    style = None
    if plain.null_count():
        style = find_style(texts)
        if style is None:
            return None
        plain = plain_numbers(texts, style)
    if plain.str.contains(r"^[+-]?0\d|^\+\d{7}").any():
        return None  # 01234 is a code and +4930123456 a telephone number: a number would lose their marks
    numbers = read_numbers(plain)
    if numbers.null_count() or (numbers.dtype.is_float() and plain.str.contains(r"^[+-]?\d{16,}$").any()):
        return None  # whole numbers that 64 bits can not hold exactly
    remark = f"written like {style}" if style else ""
    column, reason = infer_typed(real.parsed(numbers), coded=typed and style is None, remark=remark)
    if column.kind != "number" or column.format is not None:
        return column, reason
    places = _fixed_places(plain)
    if places:
        # 12.0 is a whole number in fixed places: what is drawn stays whole, what is written keeps its places
        finest = 0 if column.integer else column.decimals or 0
        step = column.step or (10.0**-finest if finest < places else None)
        column = replace(column, decimals=places, integer=False, step=step)
    signs = style_named(style)
    unit = (signs.before or signs.after).strip() if signs else ""
    return replace(column, format=style or (FIXED if places else None), unit=unit or None), reason


def _fixed_places(texts: pl.Series) -> int:
    """Count the decimals of numbers that are all written with as many, as prices are; 0 when they are not."""
    places = texts.str.extract(r"\.(\d+)$").str.len_chars().unique()
    return int(places[0]) if len(places) == 1 and places[0] and places[0] <= MAX_DECIMALS else 0


def _as_moment(real: Values, texts: pl.Series) -> Guess | None:
    kinds: tuple[Moment, ...] = ("date", "datetime", "time")
    for kind in kinds:
        reading = read_moments(texts, kind)
        if reading:
            return infer_moments(real.parsed(reading.values), format=reading.format, remark=reading.remark)
    if len(texts) >= 20 and texts.str.contains(r"^([01]\d|2[0-3])[0-5]\d$").all():
        times = texts.str.to_time("%H%M", strict=False)
        if not times.null_count():
            return infer_moments(
                real.parsed(times), format="%H%M", remark="written as HHMM with leading zeros"
            )
    if not texts.str.contains(r"\d").all():
        return None
    durations = read_durations(texts)
    return None if durations.null_count() else infer_moments(real.parsed(durations))


def _count_mixed(real: Values) -> str:
    """Say how many rows read as numbers where the others do not."""
    if says_phone(real.words) or not len(real.distinct):
        return ""
    numeric = plain_numbers(real.distinct).is_not_null()
    rows = int(real.counts.filter(numeric).sum())
    if rows == real.total and real.distinct.str.contains(r"^0\d").any():
        return "written with leading zeros, so they are codes"
    return (
        f"mixed: {rows:,} of {real.total:,} rows read as numbers" if 2 * rows >= real.total and rows else ""
    )
