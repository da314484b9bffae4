"""Edge cases of single columns: at, beside and beyond the limits of each kind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from simulacra.edges._cases import Case, one, spelt
from simulacra.schema.conformance import canonical_type
from simulacra.schema.types import Column

LONG = 10_000
"""Signs of a very long text."""
LIMITS = (
    ("largest 32-bit number", 2**31 - 1), ("beyond 32 bits", 2**31), ("smallest 32-bit number", -(2**31)),
    ("below 32 bits", -(2**31) - 1), ("largest exact double", 2**53), ("beyond exact doubles", 2**53 + 1),
)  # fmt: skip
HOUR = timedelta(hours=1)
MOST_YEARS = 10
"""Years, the last ones of a column, in which changes of clocks are looked for."""
SIGNS = (
    ("empty text", ""),
    ("one blank", " "),
    ("4-byte Unicode", "\U0001f600\U00020bb7"),
    ("combining signs", "e\u0301a\u0308n\u0303"),
    ("right-to-left signs", "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"),
    ("mark of direction", "a\u202eb"),
    ("sign of no width", "a\u200bb"),
    ("double quotes", 'say "yes"'),
    ("single quotes", "O'Brien'); --"),
    ("commas and semicolons", "a,b;c"),
    ("tab", "a\tb"),
    ("new line", "first\nsecond"),
    ("carriage return", "first\r\nsecond"),
    ("backslash", "C:\\temp\\new"),
    ("formula of a spreadsheet", "=1+1"),
    ("mark of markup", "<b>&amp;</b>"),
    ("word for no value", "NULL"),
)
"""Texts that trip software."""


def cases_of(column: Column) -> Iterator[Case]:
    """Give the edge cases of a column, each value once."""
    makers = {
        "number": _numbers, "category": _levels, "boolean": _booleans, "date": _dates, "datetime": _datetimes,
        "time": _times, "duration": _durations, "text": _texts, "key": _keys,
    }  # fmt: skip
    seen: set[tuple[bool, object]] = set()
    for case in (*makers[column.kind](column), one("missing", column, None)):
        value = case.text if case.text is not None else case.values[column.name].to_list()[0]
        key = (case.text is not None, repr(value))
        if key not in seen:
            seen.add(key)
            yield case


def _numbers(column: Column) -> Iterator[Case]:
    step = _step(column)
    if column.bounds is not None:
        low, high = column.bounds
        yield one("minimum", column, _number(column, low))
        yield one("maximum", column, _number(column, high))
        below = low - step if step else math.nextafter(float(low), -math.inf)
        above = high + step if step else math.nextafter(float(high), math.inf)
        yield one("just below the minimum", column, _number(column, below))
        yield one("just above the maximum", column, _number(column, above))
    yield one("zero", column, _number(column, 0))
    yield one("negative", column, _number(column, -(step or 1)))
    if column.format == "HHMM":
        yield from (one(name, column, _number(column, value)) for name, value in _CLOCK)
    yield from (one(name, column, _number(column, value)) for name, value in LIMITS)
    if column.integer:
        yield one("largest 64-bit number", column, 2**63 - 1)
        if column.step and column.step > 1:
            yield one("between two steps", column, int(_within(column) + 1))
        yield spelt("fraction of a whole number", column, "1.5")
        yield spelt("beyond 64 bits", column, str(2**63))
    else:
        if step:
            yield one("between two steps", column, float(_within(column)) + step / 2)
        yield one("negative zero", column, -0.0)
        yield one("largest double", column, 1.7976931348623157e308)
        yield one("smallest double", column, 5e-324)
    yield from (spelt(name, column, text) for name, text in _NO_NUMBERS)


_CLOCK = (
    ("last minute of the day", 2359),
    ("midnight as 2400", 2400),
    ("minute 60", 1260),
    ("hour 25", 2500),
)
_NO_NUMBERS = (
    ("not a number", "NaN"), ("infinite", "inf"), ("negative infinite", "-Infinity"), ("empty text", ""),
    ("a word", "abc"), ("a number and a word", "12 apples"), ("hexadecimal", "0x1F"), ("blanks around", " 7 "),
    ("plus sign", "+7"), ("exponent", "7e0"), ("decimal comma", "7,5"), ("two points", "1.2.3"),
    ("digits of another script", "\u0667"),
)  # fmt: skip


def _number(column: Column, value: float) -> int | float:
    if column.integer:
        return int(value)
    return float(value) if column.decimals is None else round(float(value), column.decimals)


def _step(column: Column) -> float | None:
    """Return how far two values of a number are apart at least."""
    if column.step:
        return column.step if not float(column.step).is_integer() else int(column.step)
    if column.integer:
        return 1
    return None if column.decimals is None else 10.0**-column.decimals


def _within(column: Column) -> float:
    return float(column.bounds[0]) if column.bounds is not None else 0.0


def _levels(column: Column) -> Iterator[Case]:
    levels = column.levels or ()
    if levels:
        yield one("first level", column, levels[0])
        yield one("last level", column, levels[-1])
        unknown = "no such level"
        while unknown in levels:
            unknown += "!"
        yield one("unknown level", column, unknown)
        level = next((text for text in levels if text.swapcase() != text), levels[0])
        yield one("other case of a level", column, level.swapcase())
        yield one("level after a blank", column, f" {level}")
        yield one("level before a blank", column, f"{level} ")
    yield from _texts(column)


def _texts(column: Column) -> Iterator[Case]:
    yield from (one(name, column, text) for name, text in SIGNS)
    yield one(f"{LONG:,} signs", column, "x" * LONG)


def _booleans(column: Column) -> Iterator[Case]:
    yield one("true", column, True)
    yield one("false", column, False)
    words = (("empty text", ""), ("a word", "maybe"), ("a number", "2"), ("blanks around", " true "))
    yield from (spelt(name, column, text) for name, text in words)


def _dates(column: Column) -> Iterator[Case]:
    yield from _ends(column, timedelta(days=1), date.min, date.max)
    low, high = column.bounds or (date(2023, 1, 1), date(2025, 12, 31))
    leap = _leap(low.year, high.year)
    yield one("leap day", column, date(leap, 2, 29))
    yield one("last day of a year", column, date(low.year, 12, 31))
    yield one("first day of a year", column, date(high.year, 1, 1))
    yield one("before the epoch", column, date(1969, 12, 31))
    yield one("far past", column, date(1, 1, 1))
    yield one("far future", column, date(9999, 12, 31))
    yield from (spelt(name, column, text) for name, text in _NO_DATES)


_NO_DATES = (
    ("no leap year", "2023-02-29"), ("century without a leap day", "1900-02-29"), ("month 13", "2024-13-01"),
    ("day 31 of a short month", "2024-04-31"), ("all zeros", "0000-00-00"), ("year of five digits", "10000-01-01"),
    ("empty text", ""), ("a word", "tomorrow"), ("a number", "45000"),
)  # fmt: skip


def _leap(first: int, last: int) -> int:
    """Return a leap year between two years, or the one after the first."""
    years = [
        year
        for year in range(first, min(last, first + 8) + 9)
        if year % 4 == 0 and (year % 100 or year % 400 == 0)
    ]
    return min(years[0], 9996) if years else 2024


def _ends(column: Column, step: timedelta, least: date, most: date) -> Iterator[Case]:
    """Give the limits of a date or datetime, and what is a step outside."""
    if column.bounds is None:
        return
    low, high = column.bounds
    yield one("minimum", column, _moment(column, low))
    yield one("maximum", column, _moment(column, high))
    if _bare(low) > least:
        yield one("just below the minimum", column, _moment(column, low - step))
    if _bare(high) < most:
        yield one("just above the maximum", column, _moment(column, high + step))


def _bare(moment: date) -> date:
    return moment.replace(tzinfo=None) if isinstance(moment, datetime) else moment


def _moment(column: Column, value: date) -> pl.Series:
    """Make a canonical date or instant; a moment without a zone is one of the column's own."""
    if column.kind == "date":
        return pl.Series(column.name, [value], dtype=pl.Date)
    assert isinstance(value, datetime)
    if column.timezone is None or value.tzinfo is None:
        bare = pl.Series(column.name, [value.replace(tzinfo=None)], dtype=pl.Datetime("us"))
        if column.timezone is None:
            return bare
        return bare.dt.replace_time_zone(column.timezone, ambiguous="earliest", non_existent="null")
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return (
        pl.Series(column.name, [utc], dtype=pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone(column.timezone)
    )


def _datetimes(column: Column) -> Iterator[Case]:
    yield from _ends(column, timedelta(seconds=1), datetime.min, datetime.max)
    low, high = column.bounds or (datetime(2023, 1, 1), datetime(2025, 12, 31))
    leap = _leap(low.year, high.year)
    named = [
        ("leap day", datetime(leap, 2, 29, 12)),
        ("last moment of a year", datetime(low.year, 12, 31, 23, 59, 59, 999_999)),
        ("first moment of a year", datetime(high.year, 1, 1)),
        ("before the epoch", datetime(1969, 12, 31, 23, 59, 59)),
        ("end of 32-bit time", datetime(2038, 1, 19, 3, 14, 8)),
    ]
    if column.timezone is None:
        named += [("far past", datetime(1, 1, 1)), ("far future", datetime(9999, 12, 31, 23, 59, 59))]
    yield from (one(name, column, _moment(column, moment)) for name, moment in named)
    if column.timezone is not None:
        yield from _changes(column, leap)
    for name, text in (
        *_NO_DATES,
        ("hour 24", "2024-01-01T24:30:00"),
        ("leap second", "2016-12-31T23:59:60"),
    ):
        yield spelt(name, column, f"{text}T12:00:00" if text.count("-") == 2 and "T" not in text else text)


def _changes(column: Column, year: int) -> Iterator[Case]:
    """Give the moments around a change of clocks forward and one back, within the bounds where there is one."""
    low, high = (None, None) if column.bounds is None else (_instant(column, end) for end in column.bounds)
    last = year if high is None else high.year
    first = year if low is None else max(low.year, last - MOST_YEARS)
    found = [
        change for some in dict.fromkeys((*range(first, last + 1), year)) for change in _turns(column, some)
    ]
    for forward in (True, False):
        turns = [turn for turn in found if (turn[1] > timedelta()) == forward]
        inside = [
            turn
            for turn in turns
            if low is not None and high is not None and low <= turn[0] - HOUR and turn[0] + HOUR <= high
        ]
        for change, gap, local in (inside or turns)[:1]:
            yield from (_forward if forward else _back)(column, change, gap, local)


Turn = tuple[datetime, timedelta, datetime]
"""An instant at which clocks change, by how much, and what they showed until then."""


def _turns(column: Column, year: int) -> Iterator[Turn]:
    zone = ZoneInfo(column.timezone or "UTC")
    start = datetime(year, 1, 1, tzinfo=UTC)
    offsets = [
        (start + timedelta(hours=hour)).astimezone(zone).utcoffset() or timedelta()
        for hour in range(366 * 24)
    ]
    for hour in range(1, len(offsets)):
        if gap := offsets[hour] - offsets[hour - 1]:
            change = start + timedelta(hours=hour)
            yield change, gap, (change + offsets[hour - 1]).replace(tzinfo=None)


def _instant(column: Column, moment: date) -> datetime | None:
    """Return a moment in UTC; None for one that clocks skip."""
    whole: datetime | None = _moment(column, moment).dt.convert_time_zone("UTC").to_list()[0]
    return whole


def _forward(column: Column, change: datetime, gap: timedelta, local: datetime) -> Iterator[Case]:
    before = _moment(column, change - timedelta(seconds=1))
    yield one("last moment before clocks go forward", column, before)
    yield one("first moment after clocks went forward", column, _moment(column, change))
    yield spelt("hour that clocks skip", column, f"{local + gap / 2:%Y-%m-%dT%H:%M:%S}")


def _back(column: Column, change: datetime, gap: timedelta, local: datetime) -> Iterator[Case]:
    yield one("hour that comes twice, first", column, _moment(column, change + gap / 2))
    yield one("hour that comes twice, second", column, _moment(column, change - gap / 2))
    yield spelt("hour that comes twice, without offset", column, f"{local + gap / 2:%Y-%m-%dT%H:%M:%S}")


def _times(column: Column) -> Iterator[Case]:
    if column.bounds is not None:
        low, high = column.bounds
        yield one("minimum", column, low)
        yield one("maximum", column, high)
        day = datetime(2000, 1, 1)
        below, above = (
            datetime.combine(day, end) + timedelta(seconds=step) for end, step in ((low, -1), (high, 1))
        )
        yield from [one("just below the minimum", column, below.time())] * (below.day == day.day)
        yield from [one("just above the maximum", column, above.time())] * (above.day == day.day)
    yield one("midnight", column, time(0, 0))
    yield one("noon", column, time(12, 0))
    yield one("last moment of the day", column, time(23, 59, 59, 999_999))
    words = (
        ("hour 24", "24:00:00"), ("minute 60", "12:60:00"), ("second 60", "23:59:60"), ("empty text", ""),
        ("a word", "noon"), ("negative", "-01:00:00"),
    )  # fmt: skip
    yield from (spelt(name, column, text) for name, text in words)


def _durations(column: Column) -> Iterator[Case]:
    if column.bounds is not None:
        low, high = column.bounds
        yield one("minimum", column, low)
        yield one("maximum", column, high)
        yield one("just below the minimum", column, low - timedelta(seconds=1))
        yield one("just above the maximum", column, high + timedelta(seconds=1))
    yield one("zero", column, timedelta())
    yield one("negative", column, timedelta(seconds=-1))
    yield one("one microsecond", column, timedelta(microseconds=1))
    yield one("just over a day", column, timedelta(days=1, seconds=1))
    yield one("a century", column, timedelta(days=36_525))
    words = (("empty text", ""), ("a word", "long"), ("months", "P1M"), ("minute 60", "01:60:00"))
    yield from (spelt(name, column, text) for name, text in words)


def _keys(column: Column) -> Iterator[Case]:
    if column.integer:
        yield one("zero", column, 0)
        yield one("negative", column, -1)
        yield from (one(name, column, value) for name, value in LIMITS)
        yield one("largest 64-bit number", column, 2**63 - 1)
        words = (
            ("beyond 64 bits", str(2**63)),
            ("a word", "abc"),
            ("fraction of a whole number", "1.5"),
            ("empty text", ""),
        )
        yield from (spelt(name, column, text) for name, text in words)
        return
    yield from _texts(column)
    assert canonical_type(column) == pl.String
