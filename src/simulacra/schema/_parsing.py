"""Text to numbers, truth values and durations, and what stands for a missing value."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from simulacra.schema.punctuation import AFTER, BEFORE, PLAIN, STYLES, NumberStyle, style_named

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "NAN", "-", "?")
"""Texts that stand for a missing value where the other values are numbers, dates, times or truth values."""

TRUTH_WORDS = (
    ("FALSE", "TRUE"),
    ("False", "True"),
    ("false", "true"),
    ("no", "yes"),
    ("No", "Yes"),
    ("NO", "YES"),
    ("N", "Y"),
    ("n", "y"),
    ("F", "T"),
    ("f", "t"),
)
"""The pairs of words (false, true) that make a boolean."""

_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_MIN_DISTINCT_COMMA = 20
_MICROSECONDS = {"W": 604_800e6, "D": 86_400e6, "H": 3_600e6, "M": 60e6, "S": 1e6}
_ISO_DURATION = (
    r"^(?P<sign>-)?P(?:(?P<W>\d+)W)?(?:(?P<D>\d+)D)?"
    r"(?:T(?:(?P<H>\d+)H)?(?:(?P<M>\d+)M)?(?:(?P<S>\d+(?:\.\d+)?)S)?)?$"
)
_CLOCK_DURATION = (
    r"^(?P<sign>-)?(?:(?P<D>\d+) ?(?:days?|d),? ?)?\+?"
    r"(?:(?P<H>\d+):(?P<M>\d{2})(?::(?P<S>\d{2}(?:\.\d+)?))?)?$"
)
_UNIT_DURATION = (
    r"^(?P<sign>-)?(?:(?P<D>\d+) ?d ?)?(?:(?P<H>\d+) ?h ?)?"
    r"(?:(?P<M>\d+) ?m(?:in)? ?)?(?:(?P<S>\d+(?:\.\d+)?) ?s)?$"
)


def is_missing(text: pl.Series) -> pl.Series:
    """Mark the texts that stand for a missing value (and the nulls)."""
    return text.str.strip_chars().is_in(list(MISSING)).fill_null(True)


def plain_numbers(text: pl.Series, style: str | None = None) -> pl.Series:
    """Rewrite numbers with a point and without groups or signs; null where a text is no number in that style."""
    text = text.str.strip_chars()
    found = style_named(style)
    if found is None:
        return text.set(~text.str.contains(_PLAIN).fill_null(False), None)
    text = _without_signs(text, found)
    # numbers without marks between groups are read too, so that a file may leave them out
    loose = rf"{found.pattern}|^[+-]?\d+({re.escape(found.point)}\d+)?$"
    text = text.set(~text.str.contains(loose).fill_null(False), None)
    for mark in found.group:
        text = text.str.replace_all(mark, "", literal=True)
    return text.str.replace_all(found.point, ".", literal=True)


def find_style(texts: pl.Series) -> str | None:
    """Find the punctuation that all numbers of a column keep; None if there is none to be sure of."""
    before = _common(texts.str.extract(rf"^[+-]?({BEFORE})"))
    after = _common(texts.str.extract(rf"({AFTER})$"))
    bare = _without_signs(texts, replace(PLAIN, before=before, after=after))
    for style in STYLES:
        if not bare.str.contains(style.pattern).all():
            continue
        grouped = bool(style.group) and bare.str.contains(f"[{style.group}]").any()
        # '1,2' may be a list of answers: a comma alone needs many values to be taken for a decimal one
        if grouped or (
            not style.group and len(bare) >= _MIN_DISTINCT_COMMA and not bare.str.contains(r"^\d+$").all()
        ):
            return replace(style, before=before, after=after).name
    if (before or after) and bare.str.contains(PLAIN.pattern).all():
        return replace(PLAIN, before=before, after=after).name
    return None


def _common(signs: pl.Series) -> str:
    """Return the sign that all texts have, or nothing."""
    kinds = signs.unique()
    return str(kinds[0]) if len(kinds) == 1 and kinds[0] is not None else ""


def _without_signs(texts: pl.Series, style: NumberStyle) -> pl.Series:
    """Take currency and percent signs off; minus may stand on either side of the first."""
    if style.before:
        texts = texts.str.replace(rf"^([+-]?){re.escape(style.before)}", "${1}")
    return texts.str.strip_suffix(style.after) if style.after else texts


def read_numbers(plain: pl.Series) -> pl.Series:
    """Turn plain numbers into Int64 if all are whole and fit, else Float64 (infinite ones become null)."""
    whole = plain.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)
    if whole.null_count() == plain.null_count():
        return whole
    values = plain.cast(pl.Float64, strict=False)
    return values.set(values.is_infinite().fill_null(False), None)


def find_truth_words(words: set[str]) -> tuple[str, str] | None:
    """Find the pair (false, true) that these texts are written with."""
    for pair in TRUTH_WORDS:
        alone = len(words) == 1 and pair[0].lower() == "false"
        if words == set(pair) or (alone and words < set(pair)):
            return pair
    return None


def read_truth(text: pl.Series, format: str | None = None) -> pl.Series:
    """Turn words into truth values: those of the format first, then every usual one; null where unknown."""
    meaning: dict[str, bool] = {"0": False, "1": True, "0.0": False, "1.0": True}
    for no, yes in TRUTH_WORDS:
        meaning |= {no: False, yes: True}
    if format and "|" in format:
        no, _, yes = format.partition("|")
        meaning |= {no: False, yes: True}
    exact = text.replace_strict(meaning, default=None, return_dtype=pl.Boolean)
    if exact.null_count() == text.null_count():
        return exact
    trimmed = text.str.strip_chars().replace_strict(meaning, default=None, return_dtype=pl.Boolean)
    return exact.fill_null(trimmed)


def read_durations(text: pl.Series) -> pl.Series:
    """Read durations as ISO 8601, ``3 days 02:03:04``, ``26:30:00`` or ``1d 2h 3m``; null elsewhere."""
    text = text.str.strip_chars()
    result = pl.Series(text.name, [None] * len(text), dtype=pl.Duration("us"))
    for pattern in (_ISO_DURATION, _CLOCK_DURATION, _UNIT_DURATION):
        parts = text.str.extract_groups(pattern).struct.unnest()
        total = (
            pl.Series([0.0]).new_from_index(0, len(text)) if len(text) else pl.Series([], dtype=pl.Float64)
        )
        known = (
            pl.Series([False]).new_from_index(0, len(text)) if len(text) else pl.Series([], dtype=pl.Boolean)
        )
        for unit in set(parts.columns) & set(_MICROSECONDS):
            known = known | parts[unit].is_not_null()
            total = total + parts[unit].cast(pl.Float64, strict=False).fill_null(0.0) * _MICROSECONDS[unit]
        sign = parts["sign"].is_not_null().cast(pl.Float64) * -2.0 + 1.0
        fits = known & (total < 9e18)
        micro = (total * sign).set(~fits, None).round().cast(pl.Int64, strict=False)
        result = result.fill_null(micro.cast(pl.Duration("us")))
    return result


def duration_text(values: pl.Series) -> pl.Series:
    """Write durations in ISO 8601."""
    return values.cast(pl.Duration("us")).dt.to_string("iso")
