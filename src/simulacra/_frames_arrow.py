"""PyArrow tables to Polars columns and back."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pyarrow as pa


def read(frame: pa.Table | pa.RecordBatch) -> tuple[list[Any], list[pl.Series], list[str]]:
    """Return labels, Polars columns and the names of the native types."""
    table = pa.Table.from_batches([frame]) if isinstance(frame, pa.RecordBatch) else frame
    columns = [pl.Series(_readable(column)) for column in table.columns]
    return list(table.column_names), columns, [_type_text(t) for t in table.schema.types]


def write(frame: pl.DataFrame, types: dict[str, str]) -> pa.Table:
    """Make a PyArrow table whose columns have the native types, where they can hold the values."""
    return pa.table({s.name: array_of(s, types.get(s.name)) for s in frame.get_columns()})


def array_of(values: pl.Series, native: str | None) -> Any:
    """Make one array of a native type; a type that can not hold the values gives way to a wider one."""
    array = values.to_arrow()
    wanted = _parse(native) if native else None
    if (
        wanted is None
        or array.type == wanted
        or pa.types.is_binary(wanted)
        or pa.types.is_large_binary(wanted)
    ):
        return array
    try:
        return array.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return array


def _type_text(dtype: Any) -> str:
    if pa.types.is_dictionary(dtype):
        return f"dictionary[{dtype.value_type}, {dtype.index_type}, {int(dtype.ordered)}]"
    return str(dtype)


def _parse(text: str) -> Any:
    """Read a type as PyArrow prints it; None for nested ones."""
    if found := re.fullmatch(r"dictionary\[(.+), (\w+), ([01])\]", text):
        return pa.dictionary(_parse(found[2]), _parse(found[1]), found[3] == "1")
    if found := re.fullmatch(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>", text):
        return pa.dictionary(_parse(found[2]), _parse(found[1]), found[3] == "1")
    if found := re.fullmatch(r"timestamp\[(\w+)(?:, tz=(.+))?\]", text):
        return pa.timestamp(found[1], found[2])
    if found := re.fullmatch(r"decimal(32|64|128|256)\((\d+), (-?\d+)\)", text):
        return getattr(pa, f"decimal{found[1]}")(int(found[2]), int(found[3]))
    special = {"double": pa.float64(), "float": pa.float32(), "halffloat": pa.float16()}
    if text in special:
        return special[text]
    try:
        return pa.type_for_alias(text)
    except ValueError:
        return None


def _readable(column: Any) -> Any:
    """Widen what Polars does not know."""
    if pa.types.is_float16(column.type):
        return column.cast(pa.float32())
    if pa.types.is_timestamp(column.type) and column.type.unit == "s":
        return column.cast(pa.timestamp("ms", column.type.tz))
    if pa.types.is_duration(column.type) and column.type.unit == "s":
        return column.cast(pa.duration("ms"))
    return column
