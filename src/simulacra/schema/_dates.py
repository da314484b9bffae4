"""Text to dates, datetimes and times of day, with the pattern that writes them back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import polars as pl

Moment = Literal["date", "datetime", "time"]

DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y",
    "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%B-%Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y",
    "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%b-%y",
)  # fmt: skip
TIMES = ("%H:%M:%S", "%H:%M", "%H:%M:%S%.f", "%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p")
_DATE_SHAPE = (
    r"^(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}|[A-Za-z]{3,9} \d{1,2},? \d{4})"
)
_SAMPLE = 256
_TIME_SHAPE = r"^\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?( ?[AaPp][Mm])?$"
_PARTS = (
    r"^(?P<date>.*?\d)(?P<gap>[T ])(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?[AaPp][Mm])?)"
    r"(?P<zone>Z| UTC|[+-]\d{2}:?\d{2})?$"
)
_SWAPPED = {"%d/%m/%Y": "%m/%d/%Y", "%d-%m-%Y": "%m-%d-%Y", "%d/%m/%y": "%m/%d/%y"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a column of text holds when it is read as moments.

    `format` is None where several patterns occur; `remark` is what a person should know.
    """

    values: pl.Series
    format: str | None
    remark: str = ""


def parse(text: pl.Series, kind: Moment, format: str) -> pl.Series:
    """Read by one pattern; null where it does not fit. A zone in the text gives a datetime in UTC."""
    if kind == "time":
        return text.str.to_time(format, strict=False)
    if kind == "date":
        values = text.str.to_date(format, strict=False)
    else:
        values = text.str.to_datetime(format, strict=False, time_unit="us")
        if format.endswith(("Z", " UTC")) and not format.endswith("%Z"):
            values = values.dt.replace_time_zone("UTC")
    # chrono takes '13' for the year 13 where the pattern asks for four digits
    odd = (values.dt.year() < 1000) | (values.dt.year() > 9999)
    return values.set(odd.fill_null(False), None)


def read_moments(text: pl.Series, kind: Moment) -> Reading | None:
    """Read text of unknown pattern, all of it or nothing.

    Parameters
    ----------
    text : Series
        Trimmed texts without nulls, best each once.
    kind : str
        ``"date"``, ``"datetime"`` or ``"time"``.

    Returns
    -------
    Reading or None
        None if some text is no such moment, or if patterns are mixed and contradict each other.
    """
    if not len(text):
        return None
    formats = _candidates(text, kind)
    tried = [(format, parse(text, kind, format)) for format in formats]
    whole = [(format, values) for format, values in tried if not values.null_count()]
    if whole:
        return _choose(text, whole)
    return _mix(text, tried)


def _candidates(text: pl.Series, kind: Moment) -> list[str]:
    if kind == "time":
        if not text.str.contains(_TIME_SHAPE).all():
            return []
        return [format for format in TIMES if _fits_some(text, "time", format)]
    shape = f"{_DATE_SHAPE}$" if kind == "date" else _DATE_SHAPE
    # all must fit, so a few that do not settle it
    if not text.head(_SAMPLE).str.contains(shape).all() or not text.str.contains(shape).all():
        return []
    if kind == "date":
        return _date_formats(text)
    parts = text.str.extract_groups(_PARTS).struct.unnest()
    if parts["time"].null_count():
        return []
    days, clocks = parts["date"].unique(), parts["time"].unique()
    zones = {_zone_pattern(zone) for zone in parts["zone"].unique().to_list()}
    if "" in zones and len(zones) > 1:
        return []  # a clock with and one without a zone can not be compared
    date_formats = _date_formats(days)
    time_formats = [format for format in TIMES if _fits_some(clocks, "time", format)]
    gaps = sorted(parts["gap"].unique().to_list(), reverse=True)
    return ["".join(piece) for piece in product(date_formats, gaps, time_formats, sorted(zones))]


def _date_formats(text: pl.Series) -> list[str]:
    marks = {mark for mark in "-/., " if text.str.contains(mark, literal=True).any()}
    likely = [format for format in DATES if {mark for mark in "-/., " if mark in format} <= marks]
    return [format for format in likely if _fits_some(text, "date", format)]


def _zone_pattern(zone: str | None) -> str:
    if zone is None:
        return ""
    if zone in {"Z", " UTC"}:
        return zone
    return "%:z" if ":" in zone else "%z"


def _fits_some(text: pl.Series, kind: Moment, format: str) -> bool:
    return parse(text, kind, format).null_count() < len(text)


def _choose(text: pl.Series, whole: Sequence[tuple[str, pl.Series]]) -> Reading:
    """Take the pattern that writes the same text again; say so where day and month could be swapped."""
    by_format = dict(whole)
    remark = ""
    for format in by_format:
        day_first = next((d for d in _SWAPPED if format.startswith(d)), None)
        if day_first is None:
            continue
        month_first = _SWAPPED[day_first] + format[len(day_first) :]
        if month_first in by_format and not by_format[month_first].equals(by_format[format]):
            remark = "day and month could be swapped; set the format to be sure"
            # dates that all fall on one day of the month are far more common than dates all in one month
            if by_format[format].dt.day().n_unique() == 1:
                whole = [(f, v) for f, v in whole if f != month_first]
    for format, values in whole:
        for variant in _variants(format):
            if (values.dt.strftime(variant) == text).all():
                return Reading(values, variant, remark)
    format, values = whole[0]
    spelling = "spelling varies, and one spelling is written"
    return Reading(values, format, f"{remark}; {spelling}" if remark else spelling)


def _variants(format: str) -> Iterable[str]:
    day = format.replace("%d", "%-d").replace("%m", "%-m")
    hour = format.replace("%H", "%-H").replace("%I", "%-I")
    both = day.replace("%H", "%-H").replace("%I", "%-I")
    seen = dict.fromkeys((format, day, hour, both))
    for variant in seen:
        if "%.f" in variant:
            yield from (variant.replace("%.f", f"%.{digits}f") for digits in (3, 6))
        yield variant
        if "%p" in variant:
            yield variant.replace("%p", "%P")


def _mix(text: pl.Series, tried: Sequence[tuple[str, pl.Series]]) -> Reading | None:
    result: pl.Series | None = None
    used = 0
    for _, values in sorted(tried, key=lambda pair: pair[1].null_count()):
        if result is None:
            result, used = values, 1
            continue
        if (values != result).any():
            return None  # one text, two readings
        filled = result.fill_null(values)
        used += filled.null_count() < result.null_count()
        result = filled
    if result is None or result.null_count():
        return None
    return Reading(result, None, f"{used} spellings, written back as ISO 8601")
