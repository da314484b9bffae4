"""Values on their way out of a database and into one: texts of a driver to typed columns, and back."""

from __future__ import annotations

import json

import polars as pl

from simulacra.databases.sqltypes import INTEGERS, SqlType
from simulacra.formatting import format_series, natural_text
from simulacra.schema.types import Column

_TRUE, _FALSE = ("t", "true", "1", "\x01"), ("f", "false", "0", "\x00")
_DATE, _TIME, _MOMENT = "%Y-%m-%d", "%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"


def read_values(values: pl.Series, type: SqlType) -> tuple[pl.Series, int]:
    """Turn what a driver gave into values of the type that the database declares.

    Parameters
    ----------
    values : Series
        Text, or typed values already, which are left as they are.
    type : SqlType
        The declared type.

    Returns
    -------
    values : Series
        Numbers, truth values, dates and times; text for all else.
    lost : int
        How many values have no counterpart and are missing now: ``infinity`` as a date, the year 0.

    Examples
    --------
    >>> read_values(pl.Series(["1.50", None]), SqlType("numeric", 10, 2))[0].to_list()
    [1.5, None]
    """
    if type.family == "interval" and values.dtype.is_integer():
        return values.cast(pl.Duration("us")), 0
    if values.dtype != pl.String:
        return values, 0
    out = _read(values, type)
    return out, out.null_count() - values.null_count()


def _read(values: pl.Series, type: SqlType) -> pl.Series:
    family = type.family
    if family in INTEGERS or (family == "numeric" and type.scale == 0):
        whole = values.cast(pl.Int64, strict=False)
        return whole if whole.null_count() == values.null_count() else values.cast(pl.Float64, strict=False)
    if family == "real":
        single = values.cast(pl.Float64, strict=False).cast(pl.Float32)
        return single.cast(pl.String).cast(pl.Float64).fill_nan(None)  # 0.1 in 32 bits is meant as 0.1
    if family in {"numeric", "double"}:
        return values.cast(pl.Float64, strict=False).fill_nan(None)
    if family == "boolean":
        return values.str.to_lowercase().replace_strict(
            [*_TRUE, *_FALSE], [True] * 4 + [False] * 4, default=None, return_dtype=pl.Boolean
        )
    if family == "date":
        return values.str.head(10).str.to_date(_DATE, strict=False)
    if family == "time":
        return values.str.to_time(_TIME, strict=False)
    if family == "timestamp":
        return (
            values.str.replace("T", " ", literal=True)
            .str.to_datetime(_MOMENT, strict=False, time_unit="us")
            .cast(pl.Datetime("us"))
        )
    if family == "timestamptz":
        return _read_zoned(values)
    if family == "interval":
        return values.cast(pl.Int64, strict=False).cast(pl.Duration("us"))
    return values


def _read_zoned(values: pl.Series) -> pl.Series:
    plain = values.str.replace("T", " ", literal=True).str.replace(r"(Z|\+00(:?00)?)$", "")
    if plain.str.contains(r":\d\d(\.\d+)?[+-]\d").any():
        whole = values.str.replace("T", " ", literal=True).str.replace(r"Z$", "+00:00")
        whole = whole.str.replace(r"([+-]\d\d)$", "${1}:00")
        return whole.str.to_datetime(_MOMENT + "%:z", strict=False, time_unit="us", time_zone="UTC")
    naive = plain.str.to_datetime(_MOMENT, strict=False, time_unit="us", exact=True)
    return naive.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def write_values(values: pl.Series, column: Column, type: SqlType, dialect: str) -> pl.Series:
    """Turn canonical values into text, numbers or truth values that a system takes for the type.

    Parameters
    ----------
    values : Series
        Canonical values.
    column : Column
        Their schema.
    type : SqlType
        The type of the column that they go to.
    dialect : str
        The system.

    Returns
    -------
    Series
        Int64, Float64, Boolean, or String: dates and times in ISO form, datetimes with a zone in UTC, durations as
        microseconds where there is a type for them and else as ISO 8601, JSON and arrays as JSON, bytes in
        hexadecimal digits.

    Examples
    --------
    >>> write_values(pl.Series(["0", "1"]), Column("paid", "category"), SqlType("integer"), "sqlite").to_list()
    [0, 1]
    """
    family, dtype = type.family, values.dtype
    if family in INTEGERS or (family == "numeric" and type.scale == 0):
        return _whole(values, column)
    if family in {"numeric", "real", "double"}:
        return _numbers(values, column, type)
    if family == "boolean":
        return _truth(values, column)
    if isinstance(dtype, pl.Datetime):
        return _moments(values, column, type, dialect)
    if isinstance(dtype, pl.Duration):
        if family == "interval" and dialect in {"postgresql", "duckdb"}:
            return values.dt.total_microseconds().cast(pl.String) + " microseconds"
        return natural_text(values)
    if family == "json":
        return _each(values.cast(pl.String), _as_json)
    if family == "array":
        return _each(values.cast(pl.String), _as_list)
    if family == "bytes":
        return _each(natural_text(values), _as_hex)
    if type.textual:
        return format_series(values, column)
    return natural_text(values)


def _whole(values: pl.Series, column: Column) -> pl.Series:
    dtype = values.dtype
    if dtype.is_integer():
        return values.cast(pl.Int64)
    if dtype.is_float():
        return values.fill_nan(None).round().cast(pl.Int64, strict=False)
    if dtype == pl.Boolean:
        return values.cast(pl.Int64)
    texts = format_series(values, column)
    plain = texts.cast(pl.Int64, strict=False)
    if plain.null_count() > texts.null_count():  # a fake telephone number has signs between its digits
        plain = plain.fill_null(texts.str.replace_all(r"\D", "").str.head(18).cast(pl.Int64, strict=False))
    return plain


def _numbers(values: pl.Series, column: Column, type: SqlType) -> pl.Series:
    numeric = values if values.dtype.is_numeric() else format_series(values, column)
    numbers = numeric.cast(pl.Float64, strict=False).fill_nan(None)
    return numbers.round(type.scale) if type.family == "numeric" and type.scale is not None else numbers


def _truth(values: pl.Series, column: Column) -> pl.Series:
    if values.dtype == pl.Boolean:
        return values
    if values.dtype.is_numeric():
        return values != 0
    return _read(format_series(values, column), SqlType("boolean"))


def _moments(values: pl.Series, column: Column, type: SqlType, dialect: str) -> pl.Series:
    if type.textual and column.format:
        return format_series(values, column)
    zone = values.dtype.time_zone  # type: ignore[attr-defined]
    if type.family == "date":
        return values.dt.strftime(_DATE)
    if zone:
        values = values.dt.convert_time_zone("UTC")
    fraction = "%.6f" if (values.dt.microsecond() != 0).any() else ""
    zoned = (type.family == "timestamptz" and dialect != "mysql") or (type.textual and zone)
    end = "+00:00" if zoned else ""
    return values.dt.strftime("%Y-%m-%d %H:%M:%S" + fraction + end)


def _each(values: pl.Series, change: object) -> pl.Series:
    """Change every different text once."""
    distinct = values.drop_nulls().unique()
    changed = pl.Series([change(text) for text in distinct.to_list()], dtype=pl.String)  # type: ignore[operator]
    return values.replace_strict(distinct, changed, default=None, return_dtype=pl.String)


def _as_json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text, ensure_ascii=False)
    return text


def _as_list(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    return text if isinstance(found, list) else json.dumps([found], ensure_ascii=False)


def _as_hex(text: str) -> str:
    try:
        bytes.fromhex(text)
    except ValueError:
        return text.encode().hex()
    return text


def array_literals(values: pl.Series) -> pl.Series:
    """Write lists in JSON as PostgreSQL writes arrays.

    Examples
    --------
    >>> array_literals(pl.Series(['[1, null, "a b"]'])).to_list()
    ['{1,NULL,"a b"}']
    """
    return _each(values, lambda text: _braces(json.loads(text)))


def _braces(found: object) -> str:
    if isinstance(found, list):
        return "{" + ",".join(_braces(item) for item in found) + "}"
    if found is None:
        return "NULL"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, (int, float)):
        return repr(found)
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
