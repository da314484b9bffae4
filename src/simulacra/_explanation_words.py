"""Conditions on one column in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from simulacra.formatting import format_series
from simulacra.schema.types import Column

_NAMED = 4
_EXAMPLES = 3
_DAY = 86_400_000_000
_CLOCK = (3_600_000_000_000, 60_000_000_000)
_SPANS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000)


def said(values: pl.Series, column: Column) -> list[str]:
    """Write values of a column as people read them: as its format says, long numbers to four digits.

    Examples
    --------
    >>> said(pl.Series([0.123456, 1500.0]), Column("a", "number"))
    ['0.1235', '1500']
    """
    if values.dtype.is_float() and (column.decimals is None or not column.format):
        return [_short(value) for value in values.to_list()]
    return [str(text) for text in format_series(values, column).to_list()]


def between(column: Column, low: float, high: float) -> tuple[str, str]:
    """Say which side of a gap between two positions a value is on, by the roundest value that parts them.

    Parameters
    ----------
    column : Column
        An ordered column.
    low, high : float
        The last position below the gap and the first above it: physical values of the column's canonical type.

    Returns
    -------
    tuple of str
        The condition that `low` fulfils, and the one that `high` does.

    Examples
    --------
    >>> between(Column("age", "number", integer=True), 27, 28)
    ('age <= 27', 'age > 27')
    >>> between(Column("bought", "date"), 9_180, 9_195)
    ('bought before 1995-03-01', 'bought from 1995-03-01 on')
    """
    name = column.name
    if column.kind in ("date", "datetime", "time", "duration"):
        edge = {"date": _date, "datetime": _instant, "time": _clock, "duration": _span}[column.kind](
            low, high
        )
        edge += " UTC" if column.timezone else ""
        if column.kind == "duration":
            return f"{name} below {edge}", f"{name} from {edge} on"
        return f"{name} before {edge}", f"{name} from {edge} on"
    edge = said(pl.Series([int(low)]), column)[0] if column.format == "HHMM" else _number(low, high, column)
    return f"{name} <= {edge}", f"{name} > {edge}"


def list_levels(name: str, levels: Sequence[str | None], others: Sequence[str | None]) -> str:
    """Say that a column has one of some levels, or none of the others where those are fewer.

    Examples
    --------
    >>> list_levels("kind", ["Husband", "Wife"], ["Child", None])
    'kind is Husband or Wife'
    >>> list_levels("kind", list("abcde"), ["x", None])
    'kind is neither x nor missing'
    """
    if len(levels) <= _NAMED:
        return f"{name} is {_joined(levels, 'or')}"
    if len(others) == 1:
        return f"{name} is not {_joined(others, 'or')}"
    if len(others) <= _NAMED:
        return f"{name} is neither {_joined(others, 'nor')}"
    shown = ", ".join(_level(level) for level in levels[:_EXAMPLES])
    return f"{name} is one of {len(levels):,} levels such as {shown}"


def _joined(levels: Sequence[str | None], word: str) -> str:
    names = [_level(level) for level in levels]
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _level(level: str | None) -> str:
    return "missing" if level is None else level if level.strip() else f"'{level}'"


def _number(low: float, high: float, column: Column) -> str:
    if low <= 0 < high:
        return "0"
    top = math.floor(math.log10(max(abs(low), abs(high))))
    for power in range(top, -1 if column.integer else top - 16, -1):
        edge = _rounded(low, power)
        if low <= edge < high:
            return f"{edge:.{-power}f}" if power < 0 else str(int(edge))
    return str(int(low)) if column.integer else repr(low)


def _rounded(value: float, power: int) -> float:
    """Round up to a whole number of powers of ten."""
    return math.ceil(value / 10**power) * 10**power if power >= 0 else round(
        math.ceil(round(value * 10**-power, 6)) / 10**-power, -power
    )  # fmt: skip


def _short(value: float) -> str:
    if abs(value) >= 10_000 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.4g}"


def _date(low: float, high: float) -> str:
    """Return the roundest of the days after `low` up to `high`: a new year, a new month, or the last."""
    first, last = (datetime(1970, 1, 1) + timedelta(days=day) for day in (int(low) + 1, int(high)))
    for start in (datetime(last.year, 1, 1), datetime(last.year, last.month, 1)):
        if first <= start:
            return f"{start:%Y-%m-%d}"
    return f"{last:%Y-%m-%d}"


def _instant(low: float, high: float) -> str:
    before, after = int(low) // _DAY, int(high) // _DAY
    if before < after:
        return _date(before, after)
    return f"{datetime.fromtimestamp(int(high) / 1e6, UTC):%Y-%m-%d %H:%M:%S}"


def _clock(low: float, high: float) -> str:
    ticks = next((int(high) // unit * unit for unit in _CLOCK if int(high) // unit * unit > low), int(high))
    text = pl.Series([ticks]).cast(pl.Time).dt.strftime("%H:%M:%S").item()
    return str(text).removesuffix(":00")


def _span(low: float, high: float) -> str:
    ticks = next((int(high) // unit * unit for unit in _SPANS if int(high) // unit * unit > low), int(high))
    return str(timedelta(microseconds=ticks))
