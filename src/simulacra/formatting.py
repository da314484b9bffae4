"""Values as text: how canonical values stand in a file without types."""

from __future__ import annotations

import polars as pl

from simulacra.schema.punctuation import style_named
from simulacra.schema.types import FIXED, Column, Table

_TEMPORAL = {"date", "datetime", "time"}
_ISO = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%dT%H:%M:%S", "time": "%H:%M:%S"}


def format_frame(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Turn all columns of canonical values into text, each as its column's format says.

    Parameters
    ----------
    frame : DataFrame
        Canonical values.
    table : Table
        Their schema; columns that it does not name are written in their natural form.

    Returns
    -------
    DataFrame
        Text columns of the same names; missing values stay missing.

    Examples
    --------
    >>> paid, price = Column("paid", "boolean", format="no|yes"), Column("price", "number", decimals=2, format="fixed")
    >>> table = Table("t", (paid, price))
    >>> format_frame(pl.DataFrame({"paid": [True, None], "price": [1.5, 20.0]}), table).rows()
    [('yes', '1.50'), (None, '20.00')]
    """
    known = set(table.names)
    return frame.select(
        format_series(s, table[s.name]) if s.name in known else natural_text(s) for s in frame.get_columns()
    )


def format_series(values: pl.Series, column: Column) -> pl.Series:
    """Turn the canonical values of one column into text as its format says.

    Parameters
    ----------
    values : Series
        Canonical values.
    column : Column
        What the schema says of them: `format` and `decimals` are used.

    Returns
    -------
    Series
        Text of the same name.

    Notes
    -----
    **Cost**: linear in rows and vectorised, except for numbers with fixed decimals above 10**15.

    Examples
    --------
    >>> from datetime import date
    >>> format_series(pl.Series("d", [date(2024, 2, 1)]), Column("d", "date", format="%d.%m.%Y")).to_list()
    ['01.02.2024']
    """
    if values.dtype == pl.Boolean and column.format and "|" in column.format:
        no, _, yes = column.format.partition("|")
        return values.replace_strict([False, True], [no, yes], return_dtype=pl.String)
    if values.dtype.is_temporal() and column.format and column.kind in _TEMPORAL:
        return values.dt.strftime(column.format)
    if values.dtype.is_numeric() and column.kind == "number":
        return _number_text(values, column)
    return natural_text(values)


def natural_text(values: pl.Series) -> pl.Series:
    """Turn values into text in their natural form: ISO dates, shortest numbers, ``true`` and ``false``.

    Parameters
    ----------
    values : Series
        Values of any plain type.

    Returns
    -------
    Series
        Text of the same name.

    Examples
    --------
    >>> from datetime import datetime
    >>> natural_text(pl.Series([datetime(2024, 2, 1, 13, 5)])).to_list()
    ['2024-02-01T13:05:00']
    """
    dtype = values.dtype
    if dtype == pl.Date:
        return values.dt.strftime(_ISO["date"])
    if dtype == pl.Time:
        return values.dt.strftime(_ISO["time"] + _fraction(values))
    if isinstance(dtype, pl.Datetime):
        zone = "%:z" if dtype.time_zone else ""
        return values.dt.strftime(_ISO["datetime"] + _fraction(values) + zone)
    if isinstance(dtype, pl.Duration):
        return values.dt.to_string("iso")
    if dtype.is_float():
        return values.fill_nan(None).cast(pl.String)
    return values.cast(pl.String)


def _fraction(values: pl.Series) -> str:
    """Write fractions of a second for the whole column if one value has any."""
    parts = values.dt.nanosecond()
    return "%.6f" if (parts != 0).any() else ""


def _number_text(values: pl.Series, column: Column) -> pl.Series:
    """Write numbers as the file did: fixed places, thousands grouped, a decimal comma, or shortest."""
    style = style_named(column.format)
    fixed = values.dtype.is_float() and column.decimals is not None and (style or column.format == FIXED)
    texts = _fixed(values, column.decimals or 0) if fixed else natural_text(values)
    if style is None:
        return texts
    parts = texts.str.split_exact(".", 1)
    whole, fraction = parts.struct.field("field_0"), parts.struct.field("field_1")
    if style.group:
        # Rust's regular expressions do not look ahead, so groups of three are cut from the reversed digits
        mark = style.group[0]
        turned = whole.str.reverse().str.replace_all(r"(\d{3})", "${1}" + mark).str.reverse()
        whole = turned.str.replace(rf"^([+-]?)[{mark}]", "${1}")
    joined = pl.select(pl.when(fraction.is_null()).then(whole).otherwise(whole + style.point + fraction))
    signed = joined.to_series().str.replace(
        r"^([+-]?)(.*)$", "${1}" + style.before.replace("$", "$$") + "${2}"
    )
    return (signed + style.after).alias(values.name)


def _fixed(values: pl.Series, decimals: int) -> pl.Series:
    values = values.fill_nan(None)
    largest = values.abs().max()
    # Decimal text is exact and vectorised; beyond its digits (or for infinities) Python formats each value.
    if decimals <= 18 and (largest is None or float(largest) < 1e15):  # type: ignore[arg-type]
        return values.round(decimals).cast(pl.Decimal(38, decimals)).cast(pl.String)
    texts = [None if value is None else f"{value:.{decimals}f}" for value in values.to_list()]
    return pl.Series(values.name, texts, dtype=pl.String)
