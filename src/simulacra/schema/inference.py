"""Guess a schema from data, with a reason for every guess."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import polars as pl

from simulacra.fakes.vocabulary import FALLBACK
from simulacra.schema._columns import Values, infer_typed
from simulacra.schema._linking import relate_tables
from simulacra.schema._names import says_key, split_name
from simulacra.schema._texts import infer_text, nested_text
from simulacra.schema.identifiers import find_hint
from simulacra.schema.locales import share_locale
from simulacra.schema.types import Column, Schema, Table

_LOCAL = {
    "address",
    "address.city",
    "email",
    "person.first",
    "person.last",
    "person.name",
    "phone",
    "username",
}
"""Identifying kinds whose fakes differ from one language or country to the next."""


def infer_table(
    frame: pl.DataFrame | Iterable[pl.Series], name: str, *, typed: bool = True, texts: Collection[str] = ()
) -> tuple[Table, dict[str, str]]:
    """Guess the table that a frame holds.

    Parameters
    ----------
    frame : DataFrame, or iterable of Series
        Typed columns, or text as a CSV file gives it; text is parsed. Each column is looked at once, and none is held.
    name : str
        Name of the table.
    typed : bool
        True if the file format has types. Text in such a format that reads as whole numbers and repeats is
        then taken for codes: whoever wrote it could have stored numbers.
    texts : collection of str
        Columns that are declared as text: digits in them stay digits, and are no numbers.

    Returns
    -------
    table : Table
        Kinds, bounds, levels and keys; all of them undeclared, because they were read from the data.
    reasons : dict of str
        One sentence per column: why it is what it is.

    Notes
    -----
    **Cost**: linear in rows (one count of the different values per column); text is parsed once per different
    value. 336,776 rows of 19 text columns take about a second.

    **Privacy**: bounds and levels are values of the data. Replace them by public ones and set
    ``declared=True`` where that matters.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": ["17", "90", "?"], "paid": ["yes", "no", "yes"]})
    >>> table, reasons = infer_table(frame, "people", typed=False)
    >>> table["age"].bounds, table["age"].nullable, table["paid"].kind
    ((17, 90), True, 'boolean')
    >>> reasons["age"]
    'whole numbers, 2 different, 17 to 90; 1 row has no value'
    """
    columns, reasons = [], {}
    for position, series in enumerate(frame):
        column, reason = _infer_column(
            series, typed=typed, first=position == 0, declared=series.name in texts
        )
        columns.append(column)
        reasons[column.name] = reason
    columns = _share_locale(columns)
    for column in columns:
        if column.identifying in _LOCAL and column.locale is None:
            reasons[column.name] += f"; fakes are made as for {FALLBACK}, for no language shows"
    return Table(name, tuple(columns), key=_find_key(columns, name)), reasons


def infer_schema(frames: Mapping[str, pl.DataFrame], typed: Mapping[str, bool] | None = None) -> Schema:
    """Guess the schema of several tables.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        The tables by name.
    typed : mapping of str to bool or None
        Whether each table came from a format with types; True where it does not say.

    Returns
    -------
    Schema
        With `reasons` filled in. Two tables and more get the keys, references, roles and orders that their values and
        names speak for; the reason for a reference stands at its text, those for the rest at ``"(key)"``, ``"(role)"``
        and ``"(order)"``.

    Notes
    -----
    **Cost**: see `infer_table` and `simulacra.schema.links.find_links`.

    Examples
    --------
    >>> schema = infer_schema({"t": pl.DataFrame({"x": [1.5, 2.25]})})
    >>> schema.table("t")["x"].decimals
    2
    """
    tables, reasons = [], {}
    for name, frame in frames.items():
        table, reasons[name] = infer_table(frame, name, typed=(typed or {}).get(name, True))
        tables.append(table)
    schema = Schema(tuple(tables), reasons)
    return relate_tables(frames, schema) if len(tables) > 1 else schema


def _infer_column(series: pl.Series, *, typed: bool, first: bool, declared: bool) -> tuple[Column, str]:
    dtype = series.dtype
    remark = ""
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        series, remark = nested_text(series), f"stored as {dtype.base_type()}, kept as text"
    elif dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    values = Values.count(series, first=first)
    if not len(values.distinct):
        column, reason = _infer_empty(series, len(series))
    elif remark:
        column, reason = Column(series.name, "text", nullable=values.missing > 0), values.explain(remark)
    elif series.dtype == pl.String:
        column, reason = infer_text(values, typed=typed, coded=dtype != pl.String, declared=declared)
    else:
        column, reason = infer_typed(values)
    hint = find_hint(column.name, column.kind)
    return column, f"{reason}; {hint}" if hint else reason


def _share_locale(columns: list[Column]) -> list[Column]:
    """Give identifying columns that show no language the one that the others of their table show."""
    shown = {column.identifying: column.locale for column in columns if column.identifying is not None}
    common = share_locale(shown)
    if common is None:
        return columns
    return [
        replace(column, locale=common) if column.identifying and column.locale is None else column
        for column in columns
    ]


def _infer_empty(series: pl.Series, rows: int) -> tuple[Column, str]:
    reason = "no value at all" if rows else "no rows"
    if series.dtype in (pl.String, pl.Null):
        column = Column(series.name, "category", levels=())
    else:
        column, _ = infer_typed(Values.count(series, first=False))
    return replace(column, nullable=rows > 0), reason


def _find_key(columns: list[Column], table: str) -> tuple[str, ...]:
    keys = [column.name for column in columns if column.kind == "key"]
    if len(keys) <= 1:
        return tuple(keys)
    own = set(split_name(table))
    plain = [name for name in keys if says_key(split_name(name), strict=True)]
    named = [name for name in plain if set(split_name(name)) <= own | {"id", "key", "uuid", "guid"}]
    for group in (named, plain):
        if len(group) == 1:
            return (group[0],)
    first = columns[0].name
    return (first,) if first in plain else ()
