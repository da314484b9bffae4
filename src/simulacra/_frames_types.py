"""Polars types as text and back, and casts that widen rather than fail."""

from __future__ import annotations

import json
import re

import polars as pl

NESTED = (pl.List, pl.Array, pl.Struct, pl.Object, pl.Binary)

_NUMBERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
_OTHERS = (pl.Float32, pl.Float64, pl.String, pl.Boolean, pl.Date, pl.Time, pl.Null, pl.Categorical)
_PLAIN: dict[str, pl.DataType] = {str(dtype): dtype() for dtype in (*_NUMBERS, *_OTHERS)}


def type_text(dtype: pl.DataType) -> str:
    """Write a Polars type as text that `parse_type` reads."""
    if isinstance(dtype, pl.Datetime):
        return f"Datetime[{dtype.time_unit}{f', {dtype.time_zone}' if dtype.time_zone else ''}]"
    if isinstance(dtype, pl.Duration):
        return f"Duration[{dtype.time_unit}]"
    if isinstance(dtype, pl.Decimal):
        return f"Decimal[{dtype.precision}, {dtype.scale}]"
    if isinstance(dtype, pl.Enum):
        return f"Enum{json.dumps(dtype.categories.to_list(), ensure_ascii=False)}"
    if isinstance(dtype, pl.Categorical):
        return "Categorical"
    return str(dtype)


def parse_type(text: str) -> pl.DataType | None:
    """Read a type that `type_text` wrote; None for one that has no plain values (lists, structs)."""
    if text in _PLAIN:
        return _PLAIN[text]
    if found := re.fullmatch(r"Datetime\[(\w+)(?:, (.+))?\]", text):
        return pl.Datetime(found[1], found[2])  # type: ignore[arg-type]
    if found := re.fullmatch(r"Duration\[(\w+)\]", text):
        return pl.Duration(found[1])  # type: ignore[arg-type]
    if found := re.fullmatch(r"Decimal\[(\w+), (\d+)\]", text):
        return pl.Decimal(None if found[1] == "None" else int(found[1]), int(found[2]))
    if text.startswith("Enum["):
        return pl.Enum(json.loads(text[4:]))
    named = getattr(pl, text, None)
    if isinstance(named, type) and issubclass(named, pl.DataType) and not issubclass(named, NESTED):
        return named()
    return None


def fit_to(values: pl.Series, dtype: pl.DataType | None) -> pl.Series:
    """Cast values to a type, or leave them wider where the type can not hold them."""
    if dtype is None or values.dtype == dtype:
        return values
    if isinstance(values.dtype, pl.String) and isinstance(dtype, pl.Boolean):
        return _as_boolean(values)
    if values.dtype.is_float() and dtype.is_integer() and not _whole(values):
        return values
    if values.dtype.is_temporal() and not dtype.is_temporal():
        return values
    if isinstance(values.dtype, pl.Datetime) and isinstance(dtype, pl.Datetime):
        values = _in_zone(values, dtype.time_zone)
    try:
        out = values.cast(dtype)
    except pl.exceptions.PolarsError:
        return values.cast(pl.Categorical) if isinstance(dtype, pl.Enum) else values
    if (
        values.dtype.is_float()
        and out.dtype.is_float()
        and bool((out.is_infinite() != values.is_infinite()).any())
    ):
        return values
    return out


def as_json_text(values: pl.Series) -> pl.Series:
    """Write nested values as JSON text, binary ones as hexadecimal text, and objects as Python shows them."""
    if isinstance(values.dtype, pl.Binary):
        return values.bin.encode("hex")
    if isinstance(values.dtype, pl.Object):
        texts = [None if value is None else str(value) for value in values.to_list()]
    else:
        texts = [
            None if v is None else json.dumps(v, default=str, ensure_ascii=False) for v in values.to_list()
        ]
    return pl.Series(values.name, texts, dtype=pl.String)


def _as_boolean(values: pl.Series) -> pl.Series:
    try:
        return values.str.to_lowercase().replace_strict(
            ["false", "true"], [False, True], return_dtype=pl.Boolean
        )
    except pl.exceptions.PolarsError:
        return values


def _whole(values: pl.Series) -> bool:
    kept = values.drop_nulls()
    return bool((kept.is_finite() & (kept == kept.round(0))).all())


def _in_zone(values: pl.Series, zone: str | None) -> pl.Series:
    """Move to another zone; naive times are taken to be in it already, and lose it the same way."""
    old = values.dtype.time_zone  # type: ignore[attr-defined]
    if zone is None or old is None:
        return values.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return values.dt.convert_time_zone(zone)
