"""SQL's scalar operators and functions over typed values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from typing import Any

import polars as pl

from simulacra.errors import PredicateError, unknown
from simulacra.schema._literals import Interval
from simulacra.schema._values import DTYPES, Value, boolean, compare, constant, read_constant, unify

_DATE_FIELDS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "year": lambda e: e.dt.year(),
    "quarter": lambda e: e.dt.quarter(),
    "month": lambda e: e.dt.month(),
    "week": lambda e: e.dt.week(),
    "day": lambda e: e.dt.day(),
    "dow": lambda e: e.dt.weekday() % 7,
    "isodow": lambda e: e.dt.weekday(),
    "doy": lambda e: e.dt.ordinal_day(),
}
_TIME_FIELDS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "hour": lambda e: e.dt.hour(),
    "minute": lambda e: e.dt.minute(),
    "second": lambda e: e.dt.second(fractional=True),
}
_FIELDS = {
    "date": _DATE_FIELDS,
    "time": _TIME_FIELDS,
    "datetime": {**_DATE_FIELDS, **_TIME_FIELDS, "epoch": lambda e: e.dt.epoch("us") / 1_000_000},
    "duration": {"epoch": lambda e: e.dt.total_microseconds() / 1_000_000},
}
_TYPES = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "BIGINT", "MEDIUMINT"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "number"),
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR", "NVARCHAR", "NCHAR"), "text"),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMPNTZ", "TIMESTAMPTZ", "DATETIME"), "datetime"),
    "BOOLEAN": "boolean", "DATE": "date", "TIME": "time",
}  # fmt: skip


_LARGEST = 2.0**63
"""Whole numbers lie below this."""


def arithmetic(sign: str, left: Value, right: Value) -> Value:
    """Compute ``left sign right``; dates take intervals, and a division by zero is NULL."""
    if "null" in (left.kind, right.kind):
        return Value("null", pl.lit(None))
    if sign in "+-" and {"date", "datetime", "time", "duration", "interval"} & {left.kind, right.kind}:
        return _calendar(sign, left, right)
    if sign in "*/" and {"duration", "interval"} & {left.kind, right.kind}:
        return _stretched(sign, left, right)
    left, right = unify(left, right, "combined with")
    if left.kind != "number":
        raise PredicateError(f"'{sign}' needs numbers, not {left}.{_join_hint(sign, left)}")
    a, b = left.expr, right.expr
    whole = left.integer and right.integer
    if sign in "+-":
        return Value("number", a + b if sign == "+" else a - b, whole)
    if sign == "%":
        # the sign of the result is that of the left side, as in SQL; Polars takes the right side's
        rest = (a.abs() % pl.when(b != 0).then(b.abs())) * pl.when(a < 0).then(-1).otherwise(1)
        return Value("number", rest, whole)
    x, y = a.cast(pl.Float64), b.cast(pl.Float64)
    if sign == "*" and whole:
        # a product that 64 bits do not hold is no value, not a wrong one
        fits = (x * y).abs() < _LARGEST
        return Value("number", pl.when(fits).then(a.cast(pl.Int64) * b.cast(pl.Int64)), whole)
    return Value("number", x * y if sign == "*" else x / pl.when(y != 0).then(y))


def negate(value: Value) -> Value:
    """Change the sign."""
    if value.constant and value.kind == "number":
        return constant("number", -value.literal, f"-{value.written}")
    if value.kind == "interval":
        return constant("interval", value.literal.negated(), f"-{value.written}")
    if value.kind == "null":
        return value
    if value.kind not in {"number", "duration"}:
        raise PredicateError(f"'-' needs a number, not {value}.")
    return Value(value.kind, -value.expr, value.integer)


def extract(field: str, value: Value) -> Value:
    """Take one field of a date, a time or a duration."""
    if value.kind == "text" and value.constant:
        value = read_constant(value, "datetime")
    known = _FIELDS.get(value.kind)
    if known is None:
        raise PredicateError(f"EXTRACT needs a date or a time, not {value}.")
    name = field.lower()
    if name not in known:
        raise PredicateError(f"EXTRACT from {value}: {unknown('field', name, known)}")
    exact = name in {"second", "epoch"}
    return Value("number", known[name](value.expr).cast(pl.Float64 if exact else pl.Int64), not exact)


def cast(type_name: str, value: Value) -> Value:
    """Convert a value; what can not be converted is NULL."""
    wanted = _TYPES.get(type_name)
    if wanted is None:
        raise PredicateError(
            f"no type named {type_name!r} here. Use INT, DOUBLE, TEXT, BOOLEAN, DATE, TIMESTAMP or TIME."
        )
    kind = "number" if wanted == "integer" else wanted
    if value.kind == "null":
        return Value(kind, pl.lit(None, dtype=DTYPES[kind]))
    if value.kind == "text" and value.constant and kind != "text":
        value = read_constant(value, kind)
        if kind == "date" and value.kind == "datetime":
            return constant("date", value.literal.date(), value.written)
    if value.kind == kind and wanted != "integer":
        return replace(value, column=None)
    convert = _CASTS.get((value.kind, wanted))
    if convert is None:
        raise PredicateError(f"{value} can not be cast to {type_name}.")
    return Value(kind, convert(value.expr), wanted == "integer")


def concatenate(values: Sequence[Value]) -> Value:
    """Join texts; NULL if one is missing."""
    parts = [value if value.kind in {"text", "null"} else cast("TEXT", value) for value in values]
    return Value("text", reduce(lambda a, b: a + b, [part.expr.cast(pl.String) for part in parts]))


def choose(branches: Sequence[tuple[Value, Value]], default: Value) -> Value:
    """Return the result of the first condition that holds: CASE."""
    results = same_kind([result for _, result in branches] + [default])
    expr = results[-1].expr
    for (condition, _), result in zip(reversed(branches), reversed(results[:-1]), strict=True):
        expr = pl.when(boolean(condition).expr).then(result.expr).otherwise(expr)
    return Value(results[0].kind, expr, all(r.integer for r in results), results[0].zone)


def coalesce(values: Sequence[Value]) -> Value:
    """Return the first value that is not missing."""
    values = same_kind(values)
    return Value(
        values[0].kind, pl.coalesce([v.expr for v in values]), all(v.integer for v in values), values[0].zone
    )


def null_if(value: Value, other: Value) -> Value:
    """Return NULL where two values are equal, else the first."""
    same = compare("=", value, other).expr
    return Value(value.kind, pl.when(same).then(None).otherwise(value.expr), value.integer, value.zone)


def same_kind(values: Sequence[Value]) -> list[Value]:
    """Bring values to one type."""
    pivot = values[0]
    for value in values[1:]:
        pivot = unify(pivot, value, "mixed with")[0]
    return [unify(value, pivot, "mixed with")[0] for value in values]


def as_number(name: str, value: Value) -> Value:
    """Require a number as the argument of a function."""
    if value.kind == "text" and value.constant:
        value = read_constant(value, "number")
    if value.kind not in {"number", "null"}:
        raise PredicateError(f"{name} needs a number, not {value}.")
    return value if value.kind == "number" else Value("number", pl.lit(None, dtype=pl.Float64))


def as_text(name: str, value: Value) -> Value:
    """Require text as the argument of a function."""
    if value.kind not in {"text", "null"}:
        raise PredicateError(f"{name} needs text, not {value}. Write CAST(... AS TEXT) around it.")
    return value if value.kind == "text" else Value("text", pl.lit(None, dtype=pl.String))


def matches(value: Value, pattern: str) -> Value:
    """Search a text for a regular expression."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        reason = str(error).strip().splitlines()[-1].removeprefix("error: ")
        raise PredicateError(f"{pattern[:80]!r} is not a regular expression: {reason}.") from None
    return Value("boolean", as_text("a pattern", value).expr.str.contains(pattern))


def _calendar(sign: str, left: Value, right: Value) -> Value:
    if sign == "+" and left.kind in {"interval", "number"} and right.kind in {"date", "datetime"}:
        left, right = right, left
    if left.kind in {"date", "datetime"}:
        if right.kind == "interval":
            return _shift(left, right.literal if sign == "+" else right.literal.negated())
        if right.kind == "number" and left.kind == "date":
            span = pl.duration(days=right.expr.cast(pl.Int64))
            return Value("date", left.expr + span if sign == "+" else left.expr - span)
        if right.kind == "duration":
            expr = left.expr.cast(pl.Datetime("us")) if left.kind == "date" else left.expr
            return Value("datetime", expr + right.expr if sign == "+" else expr - right.expr, zone=left.zone)
    if (sign == "-" and right.kind in {"date", "datetime", "time"}) or {left.kind, right.kind} <= {
        "duration",
        "interval",
    }:
        left, right = unify(left, right, "combined with")
        if sign == "-" and left.kind == "date":
            return Value("number", (left.expr - right.expr).dt.total_days(), integer=True)
        expr = left.expr + right.expr if sign == "+" else left.expr - right.expr
        return Value("duration", expr.cast(pl.Duration("us")))
    raise PredicateError(
        f"'{sign}' can not combine {left} and {right}. Add an INTERVAL to a date, or subtract two dates."
    )


def _stretched(sign: str, left: Value, right: Value) -> Value:
    """Multiply a span of time by a number, or divide it."""
    span, number = (left, right) if left.kind in {"duration", "interval"} else (right, left)
    if number.kind != "number" or (sign == "/" and span is right):
        raise PredicateError(
            f"'{sign}' can not combine {left} and {right}. Multiply a span of time by a number."
        )
    if span.kind == "interval":
        length = pl.lit(span.literal.exact() // timedelta(microseconds=1), dtype=pl.Float64)
    else:
        length = span.expr.dt.total_microseconds().cast(pl.Float64)
    by = number.expr.cast(pl.Float64)
    made = length * by if sign == "*" else length / pl.when(by != 0).then(by)
    return Value("duration", pl.duration(microseconds=made.round(0).cast(pl.Int64)))


def _shift(value: Value, by: Interval) -> Value:
    expr, kind = value.expr, value.kind
    if by.months:
        expr = expr.dt.offset_by(f"{by.months}mo")
    if by.days:
        expr = expr.dt.offset_by(f"{by.days}d")
    if by.microseconds:
        expr = (expr.cast(pl.Datetime("us")) if kind == "date" else expr) + pl.duration(
            microseconds=by.microseconds
        )
        kind = "datetime"
    return Value(kind, expr, zone=value.zone)


def _join_hint(sign: str, value: Value) -> str:
    return (
        " Join texts with ||."
        if sign == "+" and value.kind == "text"
        else " Write CAST(... AS DOUBLE) around it."
    )


def _parse(dtype: Any, *patterns: str) -> Callable[[pl.Expr], pl.Expr]:
    return lambda e: pl.coalesce([e.str.strptime(dtype, pattern, strict=False) for pattern in patterns])


def _whole(expr: pl.Expr) -> pl.Expr:
    return expr.round(0, mode="half_away_from_zero").cast(pl.Int64, strict=False)


def _float(expr: pl.Expr) -> pl.Expr:
    return expr.str.strip_chars().cast(pl.Float64, strict=False).fill_nan(None)


_CASTS: dict[tuple[str, str], Callable[[pl.Expr], pl.Expr]] = {
    ("number", "integer"): _whole,
    ("text", "number"): _float,
    ("text", "integer"): lambda e: _whole(_float(e)),
    ("boolean", "integer"): lambda e: e.cast(pl.Int64),
    ("number", "boolean"): lambda e: e != 0,
    ("text", "boolean"): lambda e: e.str.to_lowercase().replace_strict(
        {"true": True, "false": False}, default=None
    ),
    ("text", "date"): _parse(pl.Date, "%Y-%m-%d"),
    ("text", "time"): _parse(pl.Time, "%H:%M:%S%.f", "%H:%M"),
    ("text", "datetime"): _parse(
        pl.Datetime("us"), "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d"
    ),
    ("date", "datetime"): lambda e: e.cast(pl.Datetime("us")),
    ("datetime", "date"): lambda e: e.dt.date(),
    ("datetime", "time"): lambda e: e.dt.time(),
    ("number", "text"): lambda e: e.cast(pl.String),
    ("boolean", "text"): lambda e: pl.when(e).then(pl.lit("true")).when(~e).then(pl.lit("false")),
    ("date", "text"): lambda e: e.dt.strftime("%Y-%m-%d"),
    ("datetime", "text"): lambda e: e.dt.strftime("%Y-%m-%d %H:%M:%S"),
    ("time", "text"): lambda e: e.dt.strftime("%H:%M:%S"),
}
