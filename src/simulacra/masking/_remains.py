"""What a masking leaves: how far the other columns still tell rows apart, and a contract that knows no old value."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import polars as pl

from simulacra.databases.sqltypes import SqlType
from simulacra.dataset import Dataset
from simulacra.frames import Layout
from simulacra.schema.types import Schema, Table

_LENGTH = re.compile(r"(?:n?var|bp|n)?char\w*(?: varying)?\((\d+)\)", re.IGNORECASE)
_CLOSED = ("bytes", "bit", "array", "other")
_VOCABULARY = ("Enum[", "Categorical", "category:", "dictionary", "{")


@dataclass(frozen=True, slots=True)
class Remains:
    """How far the columns of a table that stay tell its rows apart.

    Parameters
    ----------
    table : str
        The table.
    columns : tuple of str
        What stays: neither replaced, nor a key or a reference; of dates that moved, the year and the time of day.
    rows, alone : int
        Rows, and how many of them are the only ones with their values in these columns.
    """

    table: str
    columns: tuple[str, ...]
    rows: int
    alone: int


def find_remains(
    schema: Schema,
    frames: Mapping[str, pl.DataFrame],
    replaced: Collection[tuple[str, str]],
    years: Collection[tuple[str, str]] = (),
    times: Collection[tuple[str, str]] = (),
) -> tuple[Remains, ...]:
    """Count the rows that what stays would single out: columns as they were, years and times of day of moved dates."""
    found = []
    for table in schema.tables:
        tied = {name for reference in table.references for name in reference.columns} | set(table.key)
        stay = tuple(
            c.name
            for c in table.columns
            if (table.name, c.name) not in replaced and c.name not in tied and c.kind != "key"
        )
        # who knows a birth date knows the year, which a move of days seldom changes
        year = [name for name in table.names if (table.name, name) in years]
        time = [name for name in table.names if (table.name, name) in times]
        told = (*stay, *(f"{name} (year)" for name in year), *(f"{name} (time of day)" for name in time))
        frame = frames[table.name]
        if table.role != "reference":
            left = frame.select(
                *stay,
                *(pl.col(name).dt.year() for name in year),
                *(pl.col(name).dt.time().alias(f"{name}\0time") for name in time),
            )
            alone = int(left.is_unique().sum()) if told and len(frame) else 0
            found.append(Remains(table.name, told, len(frame), alone))
    return tuple(found)


def find_widths(data: Dataset) -> dict[tuple[str, str], int]:
    """Read how many characters the columns of a database may have, where it says."""
    found = {}
    for name, layout in data.layouts.items():
        for column, native in {**layout.types, **layout.sql}.items():
            if length := _LENGTH.fullmatch(native):
                found[name, column] = int(length[1])
    return found


def find_closed(data: Dataset) -> dict[tuple[str, str], str]:
    """List columns of a database whose texts stand for something else, such as bytes, and what their types are."""
    return {
        (name, column): native
        for name, layout in data.layouts.items()
        for column, native in layout.sql.items()
        if SqlType.parse(native).family in _CLOSED
    }


def clean(
    data: Dataset, frames: Mapping[str, pl.DataFrame], replaced: Collection[tuple[str, str]]
) -> tuple[Schema, dict[str, Layout]]:
    """Take the old values out of the contract: levels, bounds, patterns, reasons, vocabularies of types."""
    tables, reasons, layouts = [], {}, {}
    for table in data.schema.tables:
        gone = [name for name in table.names if (table.name, name) in replaced]
        tables.append(_renew(table, frames[table.name], gone))
        told = data.schema.reasons.get(table.name, {})
        reasons[table.name] = {n: "replaced by a masking" if n in gone else why for n, why in told.items()}
        layout = data.layouts[table.name]
        types = {
            n: "String"
            if n in gone and native.startswith(_VOCABULARY) and layout.kind == "polars"
            else native
            for n, native in layout.types.items()
        }
        # an enum lists its values: a type for what is there now is chosen anew
        sql = {n: t for n, t in layout.sql.items() if n not in gone or SqlType.parse(t).family != "enum"}
        layouts[table.name] = replace(layout, types=types, sql=sql)
    return Schema(tuple(tables), reasons, data.schema.notes), layouts


def _renew(table: Table, frame: pl.DataFrame, gone: list[str]) -> Table:
    """Read levels and bounds anew; a pattern of old values says nothing of new ones."""
    columns = []
    for column in table.columns:
        if column.name in gone:
            values = frame[column.name]
            nullable = column.nullable or values.null_count() > 0
            levels, bounds = column.levels, column.bounds
            if levels is not None:
                levels = tuple(values.drop_nulls().unique().sort().to_list())
            if bounds is not None and not (column.declared and column.kind in {"date", "datetime"}):
                ends = (values.min(), values.max())
                bounds = None if ends[0] is None else ends
            column = replace(column, levels=levels, bounds=bounds, pattern=None, nullable=nullable)
        columns.append(column)
    return replace(table, columns=tuple(columns))
