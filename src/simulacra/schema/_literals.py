"""Constants as people write them in SQL: numbers, dates, times, intervals and patterns."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from simulacra.errors import PredicateError

_MICROSECONDS = {
    "microsecond": 1, "millisecond": 1_000, "second": 10**6, "minute": 60 * 10**6, "hour": 3600 * 10**6,
}  # fmt: skip
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_UNITS = {**_MICROSECONDS, **_DAYS, **_MONTHS}
_SHORT = {
    "sec": "second",
    "min": "minute",
    "hr": "hour",
    "h": "hour",
    "d": "day",
    "mon": "month",
    "y": "year",
}
_LIMIT_DAYS = 3_660_000  # about 10,000 years: what can be added to a date without leaving the calendar


@dataclass(frozen=True, slots=True)
class Interval:
    """A span of time in the parts that a calendar keeps apart."""

    months: int = 0
    days: int = 0
    microseconds: int = 0

    def negated(self) -> Interval:
        """Return the interval that goes the other way."""
        return Interval(-self.months, -self.days, -self.microseconds)

    def exact(self) -> timedelta:
        """Return the interval as a length of time; months have none."""
        if self.months:
            raise PredicateError("a month or a year has no fixed length here. Count in days.")
        return timedelta(days=self.days, microseconds=self.microseconds)


def parse_number(text: str) -> int | float:
    """Read a number; whole numbers that fit 64 bits stay whole."""
    if re.fullmatch(r"[+-]?\d{1,30}", text.strip()):
        whole = int(text)
        if -(2**63) <= whole < 2**63:
            return whole
    try:
        value = float(text)
    except ValueError:
        clock = re.fullmatch(r"\s*(\d{1,2}):(\d{2})(:\d{2})?\s*", text)
        hint = (
            f" Where a number stands for a time of day as hours and minutes, write {int(clock[1] + clock[2])}."
            if clock
            else ""
        )
        raise PredicateError(f"{shorten(text)!r} is not a number.{hint}") from None
    if not math.isfinite(value):
        raise PredicateError(f"{shorten(text)!r} is too large a number.")
    return value


def parse_date(text: str, pattern: str | None) -> date | datetime:
    """Read a date; one that comes with a time of day stays a datetime."""
    value = parse_datetime(text, pattern, "date")
    return value.date() if value.tzinfo is None and value.time() == time() else value


def parse_datetime(text: str, pattern: str | None, kind: str = "date and time") -> datetime:
    """Read a date with or without a time, in ISO form or in the form that the column is written in."""
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    if pattern:
        try:
            return datetime.strptime(text.strip(), pattern)
        except ValueError:
            pass
    raise PredicateError(
        f"{shorten(text)!r} is not a {kind}. Write it as '2013-02-01' or '2013-02-01 13:05'."
    )


def parse_time(text: str, pattern: str | None) -> time:
    """Read a time of day."""
    try:
        return time.fromisoformat(text.strip())
    except ValueError:
        pass
    if pattern:
        try:
            return datetime.strptime(text.strip(), pattern).time()
        except ValueError:
            pass
    raise PredicateError(f"{shorten(text)!r} is not a time. Write it as '13:05' or '13:05:30'.")


def parse_boolean(text: str, words: str | None) -> bool:
    """Read true or false, or the column's own words for them (``"no|yes"``: false first)."""
    no, _, yes = (words or "").partition("|")
    known = {"false": False, "true": True}
    if yes:
        known |= {no.strip().lower(): False, yes.strip().lower(): True}
    word = text.strip().lower()
    if word not in known:
        raise PredicateError(
            f"{shorten(text)!r} is neither true nor false; write one of {', '.join(map(repr, known))}."
        )
    return known[word]


def parse_interval(text: str, unit: str | None) -> Interval:
    """Read ``'3'`` with a unit, ``'1 year 2 days'`` or ``'1 day 02:30:00'``."""
    bad = PredicateError(f"{shorten(text)!r} is not an interval. Write one as INTERVAL '3 days'.")
    words = text.split()
    if unit is not None:
        words = [*words, unit] if len(words) == 1 else words
    total = {"months": 0.0, "days": 0.0, "microseconds": 0.0}
    position = 0
    while position < len(words):
        word = words[position]
        clock = re.fullmatch(r"([+-]?)(\d{1,9}):(\d{1,2})(?::(\d{1,2}(?:\.\d{1,6})?))?", word)
        if clock:
            sign = -1 if clock[1] else 1
            total["microseconds"] += sign * (
                int(clock[2]) * 3600e6 + int(clock[3]) * 60e6 + float(clock[4] or 0) * 1e6
            )
            position += 1
            continue
        if position + 1 >= len(words) or not re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,6})?", word):
            raise bad
        name = words[position + 1].lower().rstrip("s")
        name = _SHORT.get(name, name)
        if name not in _UNITS:
            raise bad
        part = "months" if name in _MONTHS else "days" if name in _DAYS else "microseconds"
        total[part] += float(word) * _UNITS[name]
        position += 2
    if not words:
        raise bad
    if total["months"] % 1 or total["days"] % 1:
        raise PredicateError(f"the interval {shorten(text)!r} is not a whole number of days or months.")
    days = abs(total["months"]) * 31 + abs(total["days"]) + abs(total["microseconds"]) / 86_400e6
    if days > _LIMIT_DAYS:
        raise PredicateError(f"the interval {shorten(text)!r} is longer than 10,000 years.")
    return Interval(int(total["months"]), int(total["days"]), round(total["microseconds"]))


def like_regex(pattern: str, escape: str | None, *, fold: bool) -> str:
    """Turn a LIKE pattern into an anchored regular expression."""
    out, position = [], 0
    while position < len(pattern):
        letter = pattern[position]
        if letter == escape:
            position += 1
            if position == len(pattern):
                raise PredicateError(
                    f"the pattern {shorten(pattern)!r} ends with its escape character. Double it."
                )
            out.append(_literal(pattern[position]))
        else:
            out.append({"%": ".*", "_": "."}.get(letter) or _literal(letter))
        position += 1
    return f"(?{'i' if fold else ''}s)\\A{''.join(out)}\\z"


def shorten(text: str, limit: int = 80) -> str:
    """Cut a long text for a message."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def quoted(sql: str) -> str:
    """Put a condition in the quotes that it does not use itself.

    Examples
    --------
    >>> print(quoted("age > 3"), quoted('"hours-per-week" > 3'))
    "age > 3" `"hours-per-week" > 3`
    """
    return f"`{sql}`" if '"' in sql else f'"{sql}"'


def _literal(letter: str) -> str:
    return "\\" + letter if letter in "\\.+*?()|[]{}^$#&-~" else letter
