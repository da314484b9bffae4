"""Typed SQL values over Polars: what two sides of a comparison become, and how they compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from simulacra.errors import PredicateError
from simulacra.schema._literals import (
    parse_boolean,
    parse_date,
    parse_datetime,
    parse_number,
    parse_time,
    shorten,
)
from simulacra.schema.types import Column

DTYPES: dict[str, Any] = {
    "number": pl.Float64, "text": pl.String, "boolean": pl.Boolean, "date": pl.Date,
    "datetime": pl.Datetime("us"), "time": pl.Time, "duration": pl.Duration("us"), "null": pl.Null,
}  # fmt: skip
_NAMES = {
    "number": "a number", "text": "text", "boolean": "a condition", "date": "a date",
    "datetime": "a date and time", "time": "a time of day", "duration": "a duration",
    "interval": "an interval", "null": "NULL",
}  # fmt: skip
_TESTS = {
    "=": pl.Expr.eq, "<>": pl.Expr.ne, "<": pl.Expr.lt, "<=": pl.Expr.le, ">": pl.Expr.gt, ">=": pl.Expr.ge,
    "is distinct from": pl.Expr.ne_missing, "is not distinct from": pl.Expr.eq_missing,
}  # fmt: skip
_ORDERINGS = {"<", "<=", ">", ">="}


@dataclass(frozen=True, slots=True)
class Value:
    """A compiled expression, with what is known of its type."""

    kind: str
    expr: pl.Expr
    integer: bool = False
    zone: str | None = None
    column: Column | None = None
    literal: Any = None
    constant: bool = False
    written: str = ""

    def __str__(self) -> str:
        if self.column is not None:
            kind = "a category" if self.column.kind == "category" else _NAMES[self.kind]
            return f"{self.column.name!r} ({kind})"
        if self.constant and self.kind != "null":
            return f"{shorten(self.written, 40)!r} ({_NAMES[self.kind]})"
        return _NAMES[self.kind]


def constant(kind: str, value: Any, written: str) -> Value:
    """Make the value of a constant."""
    integer = kind == "number" and isinstance(value, int)
    zone = None
    if kind == "datetime" and value.tzinfo is not None:
        zone = "UTC"
        expr = pl.lit(
            value.astimezone(UTC).replace(tzinfo=None), dtype=pl.Datetime("us")
        ).dt.replace_time_zone("UTC")
    elif kind == "interval":
        expr = pl.lit(None)
    else:
        expr = pl.lit(value, dtype=pl.Int64 if integer else DTYPES[kind])
    return Value(kind, expr, integer, zone, literal=value, constant=True, written=written)


def read_constant(text: Value, kind: str, column: Column | None = None) -> Value:
    """Read a text constant as another kind, in the way the column it meets is written."""
    pattern = column.format if column is not None else None
    written = text.literal
    if kind == "number":
        return constant("number", parse_number(written), written)
    if kind == "boolean":
        return constant("boolean", parse_boolean(written, pattern), written)
    if kind == "date":
        value = parse_date(written, pattern)
        return constant("datetime" if isinstance(value, datetime) else "date", value, written)
    if kind == "datetime":
        return constant("datetime", parse_datetime(written, pattern), written)
    if kind == "time":
        return constant("time", parse_time(written, pattern), written)
    raise PredicateError(f"the text {shorten(written, 40)!r} can not be read as {_NAMES[kind]}.")


def unify(left: Value, right: Value, doing: str = "compared with") -> tuple[Value, Value]:
    """Bring two values to one type, without changing what either means."""
    if left.kind == right.kind and left.zone == right.zone and left.kind != "interval":
        return left, right
    moved = _convert(left, right)
    if moved is not None:
        return unify(moved, right, doing)
    moved = _convert(right, left)
    if moved is not None:
        return unify(left, moved, doing)
    raise PredicateError(f"{left} can not be {doing} {right}. {_advice(left, right)}")


def compare(test: str, left: Value, right: Value) -> Value:
    """Compare two values; a text that meets a number is read as one."""
    left, right = _number_from_text(test, left, right), _number_from_text(test, right, left)
    left, right = unify(left, right)
    if left.kind == "null":
        answer = {"is distinct from": False, "is not distinct from": True}.get(test)
        return Value("boolean", pl.lit(answer, dtype=pl.Boolean))
    if left.kind == "boolean" and test in _ORDERINGS:
        raise PredicateError(f"'{test}' has no meaning between conditions. Use '=' or '<>'.")
    return Value("boolean", _TESTS[test](left.expr, right.expr))


def contained(value: Value, options: list[Value]) -> Value:
    """Test whether a value is one of some others; a NULL among them makes FALSE unknown, as SQL's IN does."""
    present = [option for option in options if option.kind != "null"]
    unsure = len(present) < len(options)
    if not present or value.kind == "null":
        return Value("boolean", pl.lit(None, dtype=pl.Boolean))
    first = _number_from_text("=", value, present[0])
    pairs = [unify(first, _number_from_text("=", option, first)) for option in present]
    if all(a is first and b.constant and b.zone is None for a, b in pairs):
        dtype = DTYPES[first.kind]
        expr = first.expr
        if first.kind == "number" and first.integer and all(b.integer for _, b in pairs):
            dtype = pl.Int64
        elif first.kind == "number":
            expr = expr.cast(pl.Float64)
        wanted = pl.Series([b.literal for _, b in pairs], dtype=dtype, strict=False)
        result = expr.is_in(wanted.implode())
    else:
        result = pl.any_horizontal([compare("=", value, option).expr for option in present])
    if unsure:
        result = pl.when(result).then(True).otherwise(None)
    return Value("boolean", result)


def missed_level(value: Value, option: Value) -> tuple[str, str] | None:
    """Return (column, level) if a category is held against a constant that is none of its levels."""
    column = value.column
    if (
        column is None
        or column.levels is None
        or not option.constant
        or option.kind not in {"text", "number"}
    ):
        return None
    if option.kind == "text":
        found = option.literal in column.levels
    else:
        found = any(_numeric(level) == option.literal for level in column.levels)
    return None if found else (column.name, option.written)


def boolean(value: Value) -> Value:
    """Require a condition."""
    if value.kind == "null":
        return Value("boolean", pl.lit(None, dtype=pl.Boolean))
    if value.kind != "boolean":
        raise PredicateError(f"{value} stands where a condition is needed. Compare it with something.")
    return value


def _convert(value: Value, other: Value) -> Value | None:
    kind = other.kind
    if value.kind == "null" and kind != "interval":
        dtype = pl.Int64 if other.integer else DTYPES[kind]
        expr = pl.lit(None, dtype=dtype)
        if other.zone is not None:
            expr = expr.dt.replace_time_zone(other.zone)
        return Value(kind, expr, other.integer, other.zone)
    if value.kind == "datetime" and kind == "datetime" and other.zone is not None:
        if value.zone is not None:
            return replace(
                value, expr=value.expr.dt.convert_time_zone(other.zone), zone=other.zone, constant=False
            )
        if value.constant:
            return constant("datetime", value.literal.replace(tzinfo=ZoneInfo(other.zone)), value.written)
        return None
    if value.kind == "text" and value.constant and kind in {"number", "boolean", "date", "datetime", "time"}:
        return read_constant(value, kind, other.column)
    if value.kind == "date" and kind == "datetime":
        if value.constant:
            return constant("datetime", datetime.combine(value.literal, time()), value.written)
        if other.zone is None:
            return Value("datetime", value.expr.cast(pl.Datetime("us")))
    if value.kind == "number" and kind == "boolean" and value.constant and value.literal in (0, 1):
        return constant("boolean", bool(value.literal), value.written)
    if value.kind == "interval" and kind in {"duration", "interval"}:
        return constant("duration", value.literal.exact(), value.written)
    return None


def _number_from_text(test: str, value: Value, other: Value) -> Value:
    if value.kind != "text" or value.constant or other.kind != "number":
        return value
    levels = value.column.levels if value.column is not None else None
    if test in _ORDERINGS and (not levels or any(_numeric(level) is None for level in levels)):
        raise PredicateError(f"{value} has no order among numbers. Write CAST(... AS DOUBLE) around it.")
    # NaN equals no constant, so a text that is no number is never equal, and only a missing one is unknown
    number = value.expr.cast(pl.Float64, strict=False).fill_null(float("nan"))
    return Value("number", pl.when(value.expr.is_not_null()).then(number))


def _numeric(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _advice(left: Value, right: Value) -> str:
    kinds = {left.kind, right.kind}
    if kinds == {"datetime"}:
        return "Only one of them has a time zone; give both one in the schema, or compare CAST(... AS DATE)."
    if "boolean" in kinds and kinds & {"number", "text", "date", "datetime"}:
        return "Join comparisons with AND or OR; 'a < b < c' is written a < b AND b < c."
    if kinds == {"number", "interval"}:
        span = (left if left.kind == "interval" else right).literal
        days = f": write {span.days} instead" if span.days and not (span.months or span.microseconds) else ""
        return f"One date minus another is a number of days{days}."
    if "interval" in kinds:
        return "An interval is added to a date, or compared with a duration."
    return "Write CAST(... AS type) around one of them."
