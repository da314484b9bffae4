"""pandas frames to Polars columns and back, without pyarrow for ordinary types."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from simulacra._frames_types import fit_to

# The class of every value of an object column, and the Polars type that holds it. bool before int: it is one.
_OBJECTS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool, np.bool_),
    "int": (int, np.integer),
    "float": (float, int, np.floating, np.integer),
    "decimal": (Decimal,),
    "datetime": (dt.datetime,),
    "date": (dt.date,),
    "time": (dt.time,),
    "timedelta": (dt.timedelta,),
}


def read(frame: pd.DataFrame) -> tuple[list[Any], list[pl.Series], list[str]]:
    """Return labels, Polars columns and the names of the native types."""
    labels = [" ".join(map(str, c)).strip() if isinstance(c, tuple) else c for c in frame.columns]
    columns, types = [], []
    for position in range(frame.shape[1]):
        values, text = _read_column(frame.iloc[:, position])
        columns.append(values)
        types.append(text)
    return labels, columns, types


def write(frame: pl.DataFrame, types: dict[str, str]) -> pd.DataFrame:
    """Make a pandas frame whose columns have the native types, where they can hold the values."""
    columns = {s.name: _write_column(s, types.get(s.name)) for s in frame.get_columns()}
    return pd.DataFrame(columns, index=pd.RangeIndex(frame.height))


def _read_column(values: pd.Series) -> tuple[pl.Series, str]:
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _read_category(values)
    if isinstance(dtype, pd.DatetimeTZDtype):
        naive = pl.Series(_polars_unit(values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()))
        utc = naive.dt.replace_time_zone("UTC")
        try:
            return utc.dt.convert_time_zone(str(dtype.tz)), str(dtype)
        except pl.exceptions.PolarsError:  # a fixed offset has no IANA name
            return utc, str(dtype)
    if isinstance(dtype, pd.StringDtype):
        text = "str" if str(dtype) == "str" else f"string[{dtype.storage}]"
        return _from_list(values, pl.String()), text
    if isinstance(dtype, pd.ArrowDtype):
        return pl.Series(values.array.__arrow_array__()), f"arrow:{dtype.pyarrow_dtype}"
    if isinstance(dtype, pd.SparseDtype):
        return _read_column(pd.Series(np.asarray(values)))
    if isinstance(dtype, np.dtype) and dtype.kind in "iufbmM":
        array = values.to_numpy()
        if dtype.kind in "mM":
            array = _polars_unit(array)
        elif array.dtype == np.float16:
            array = array.astype(np.float32)
        elif array.dtype == np.longdouble:
            array = array.astype(np.float64)
        return pl.Series(np.ascontiguousarray(array), nan_to_null=True), str(dtype)
    if pd.api.types.is_numeric_dtype(dtype):
        return _read_nullable(values), str(dtype)
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _read_object(values)
    return pl.Series(
        [None if m else str(v) for v, m in zip(values, values.isna())], dtype=pl.String
    ), "object:mixed"


def _read_nullable(values: pd.Series) -> pl.Series:
    array = values.array.to_numpy(dtype=values.dtype.numpy_dtype, na_value=0)  # type: ignore[union-attr]
    numbers = pl.Series("x", array)
    missing = pl.Series("m", values.isna().to_numpy())
    if numbers.dtype.is_float():
        numbers = numbers.fill_nan(None)
    return pl.select(pl.when(~missing).then(numbers)).to_series()


def _read_category(values: pd.Series) -> tuple[pl.Series, str]:
    dtype: Any = values.dtype
    levels, _ = _read_column(pd.Series(dtype.categories))
    codes = pl.Series(values.cat.codes.to_numpy().astype(np.int64)).replace(-1, None)
    about: dict[str, Any] = {"values": str(dtype.categories.dtype), "ordered": bool(dtype.ordered)}
    texts = levels.cast(pl.String)
    if levels.dtype == pl.Boolean:
        texts = texts.str.to_titlecase()
    if dtype.ordered:
        about["order"] = texts.to_list()
    return texts.gather(codes).cast(pl.Categorical), f"category:{json.dumps(about, ensure_ascii=False)}"


def _read_object(values: pd.Series) -> tuple[pl.Series, str]:
    missing = values.isna().to_numpy()
    items = [None if m else v for v, m in zip(values, missing)]
    classes = {type(v) for v in items if v is not None}
    for name, accepted in _OBJECTS.items():
        if classes and all(_is_a(c, accepted) for c in classes):
            try:
                return _plain_list(items, name), f"object:{name}"
            except (OverflowError, TypeError, ValueError, pl.exceptions.PolarsError):
                break  # whole numbers beyond 64 bits, mixed zones: text holds them
    texts = pl.Series([None if v is None else str(v) for v in items], dtype=pl.String)
    return texts, "object:str" if not classes else "object:mixed"


def _is_a(cls: type, accepted: tuple[type, ...]) -> bool:
    if cls is bool or cls is np.bool_:
        return bool in accepted
    if issubclass(cls, dt.datetime):
        return dt.datetime in accepted
    return issubclass(cls, accepted)


def _plain_list(items: list[Any], name: str) -> pl.Series:
    if name in {"int", "bool", "float"}:
        convert = {"int": int, "bool": bool, "float": float}[name]
        dtype = {"int": pl.Int64(), "bool": pl.Boolean(), "float": pl.Float64()}[name]
        return pl.Series([None if v is None else convert(v) for v in items], dtype=dtype)
    return pl.Series(items, strict=True) if name != "str" else pl.Series(items, dtype=pl.String)


def _from_list(values: pd.Series, dtype: pl.DataType) -> pl.Series:
    missing = values.isna().to_numpy()
    return pl.Series([None if m else v for v, m in zip(values.to_numpy(dtype=object), missing)], dtype=dtype)


def _polars_unit(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Polars knows ms, us and ns only."""
    letter = array.dtype.kind
    unit = np.datetime_data(array.dtype)[0]
    return array if unit in {"ms", "us", "ns"} else array.astype(f"{letter}8[us]")


def _write_column(values: pl.Series, native: str | None) -> Any:
    if native is None:
        return _natural(values)
    if native.startswith("category:"):
        return _write_category(values, json.loads(native.partition(":")[2]))
    if native.startswith("object:"):
        return pd.Series(_objects(values, native.partition(":")[2]), dtype=object)
    if native.startswith("arrow:"):
        return _write_arrow(values, native.partition(":")[2])
    dtype = pd.api.types.pandas_dtype(native)
    if values.dtype == pl.String and getattr(dtype, "kind", "O") in "iufb":
        values = fit_to(values, _polars_type(dtype))
    plain = _natural(values)
    if isinstance(dtype, pd.StringDtype):
        return (
            _text(values, dtype)
            if values.dtype.base_type() in {pl.String, pl.Categorical, pl.Enum}
            else plain
        )
    if isinstance(dtype, pd.DatetimeTZDtype) and isinstance(values.dtype, pl.Datetime):
        if plain.dt.tz is None:
            plain = plain.dt.tz_localize(dtype.tz, ambiguous="NaT", nonexistent="NaT")
        return plain.dt.tz_convert(dtype.tz).astype(dtype)
    return _cast(values, plain, dtype)


def _cast(values: pl.Series, plain: pd.Series, dtype: Any) -> pd.Series:
    """Cast within numbers and within times only; keep the plain column where the type can not hold it."""
    kind = getattr(dtype, "kind", "O")
    numeric = values.dtype.is_numeric() or values.dtype == pl.Boolean
    if kind in "mM" and plain.dtype.kind == kind and getattr(plain.dt, "tz", None) is None:
        return plain.astype(dtype)
    if kind == "M" and values.dtype == pl.Date:
        return pd.Series(values.cast(pl.Datetime("us")).to_numpy()).astype(dtype)
    if kind not in "iufb" or not numeric:
        return plain
    nullable = not isinstance(dtype, np.dtype)
    if values.null_count() and not nullable and kind != "f":
        return plain
    held = fit_to(values, _polars_type(dtype))
    if (kind == "b" and values.dtype != pl.Boolean) or (kind in "iu" and held.dtype.is_float()):
        return plain
    if (
        held.dtype == values.dtype
        and kind in "iu"
        and held.dtype.is_integer()
        and not _fits(held, _numpy_type(dtype))
    ):
        return plain
    if not nullable:
        return pd.Series(held.to_numpy().astype(dtype))
    filled = held.fill_null(False if held.dtype == pl.Boolean else 0).to_numpy().astype(_numpy_type(dtype))
    return pd.Series(filled, dtype=dtype).mask(held.is_null().to_numpy())


def _objects(values: pl.Series, name: str) -> list[Any]:
    if name in {"int", "float", "bool"}:
        wanted = {"int": pl.Int64(), "float": pl.Float64(), "bool": pl.Boolean()}[name]
        values = fit_to(values, wanted)
    items = values.to_list()
    if name == "decimal":
        return [item if item is None else Decimal(str(item)) for item in items]
    return items


def _polars_type(dtype: Any) -> pl.DataType:
    return pl.Series(np.empty(0, _numpy_type(dtype))).dtype


def _numpy_type(dtype: Any) -> np.dtype[Any]:
    found = dtype if isinstance(dtype, np.dtype) else dtype.numpy_dtype
    return np.dtype(np.float32) if found == np.float16 else found


def _fits(values: pl.Series, dtype: np.dtype[Any]) -> bool:
    low, high = values.min(), values.max()
    limits = np.iinfo(dtype)
    return low is None or high is None or (int(low) >= limits.min and int(high) <= limits.max)  # type: ignore[arg-type]


def _natural(values: pl.Series) -> pd.Series:
    """The pandas column that pandas itself would make of such values."""
    dtype = values.dtype
    if isinstance(dtype, pl.Datetime):
        zone = dtype.time_zone
        naive = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else values
        plain = pd.Series(naive.to_numpy())
        return plain.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else plain
    if isinstance(dtype, pl.Duration):
        return pd.Series(values.to_numpy())
    if dtype == pl.Boolean:
        return pd.Series(values.to_list(), dtype=object if values.null_count() else bool)
    if dtype.is_integer():
        return pd.Series(values.cast(pl.Float64).to_numpy() if values.null_count() else values.to_numpy())
    if dtype.is_float():
        return pd.Series(values.to_numpy().copy())
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return pd.Series(pd.Categorical(values.cast(pl.String).to_list()))
    if dtype == pl.String:
        return pd.Series(values.to_list(), dtype=pd.Series(["a"]).dtype)
    return pd.Series(values.to_list(), dtype=object)


def _text(values: pl.Series, dtype: pd.StringDtype) -> pd.Series:
    return pd.Series(values.cast(pl.String).to_list(), dtype=dtype)


def _write_category(values: pl.Series, about: dict[str, Any]) -> pd.Series:
    texts = values.cast(pl.String)
    if values.dtype == pl.Boolean:
        texts = texts.str.to_titlecase()
    present = texts.drop_nulls().unique().sort().to_list()
    order: list[str] = about.get("order") or []
    ordered = about["ordered"] and set(present) <= set(order)
    levels = order if ordered else present
    codes = texts.replace_strict(levels, list(range(len(levels))), default=-1, return_dtype=pl.Int64)
    return pd.Series(
        pd.Categorical.from_codes(
            codes.fill_null(-1).to_numpy(), _levels(levels, about["values"]), ordered=ordered
        )
    )


def _levels(texts: list[str], dtype: str) -> pd.Index:
    """Give levels their own type back; levels that are not of it (a merged rest) leave them all text."""
    if dtype in {"object", "str"} or dtype.startswith("string"):
        return pd.Index(texts, dtype=dtype)
    if dtype == "bool" and set(texts) <= {"True", "False"}:
        return pd.Index([text == "True" for text in texts])
    try:
        return pd.Index(texts).astype(dtype)
    except (TypeError, ValueError):
        return pd.Index(texts)


def _write_arrow(values: pl.Series, native: str) -> pd.Series:
    from simulacra._frames_arrow import array_of  # needs pyarrow, which such a column came with

    array = array_of(values, native)
    return pd.Series(pd.arrays.ArrowExtensionArray(array))
