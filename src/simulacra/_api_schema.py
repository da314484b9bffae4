"""Schemas as users give them, and what `infer` makes of one that is known in part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from simulacra.dataset import Dataset, dataset
from simulacra.errors import SchemaError
from simulacra.rules.expansion import expand_schema, is_short
from simulacra.schema._link_shape import apply_shape, judge_shape
from simulacra.schema._linking import relate_tables
from simulacra.schema._yaml import load_yaml
from simulacra.schema.conformance import conform
from simulacra.schema.files import load_schema, read_text
from simulacra.schema.importers.recognition import find_reader, open_contract
from simulacra.schema.inference import infer_table
from simulacra.schema.integrity import check_references
from simulacra.schema.types import Schema, Table

Contract = Schema | Mapping[str, Any] | str | Path
"""A schema, the plain values of one, a contract of another format, or the file that either is in."""


def contract(
    schema: Contract | None, data: Any, *, tables: Sequence[str] | None = None, rows: int | None = None
) -> Schema | None:
    """Read the schema if it is given as plain values or by the file that it is in.

    Contracts of others say less than ours: what they leave open is inferred from the data, if there are any, and of a
    database from the tables and as many rows as are asked for.
    """
    if schema is None or isinstance(schema, Schema):
        return schema
    if isinstance(schema, Mapping):
        opened = find_reader(schema) or _short(schema) or load_schema(schema)
    else:
        opened = _short_file(schema) or open_contract(schema)
    if isinstance(opened, Schema):
        return opened
    if data is None:
        return opened(None)
    given = dataset(data, tables=tables, rows=rows)
    return _with_shapes(_with_words(opened(given.schema), given), given)


def _short(content: Any) -> Schema | None:
    """Read rules in short forms; columns that have none stay without one, to be learnt."""
    return expand_schema(content, complete=False) if is_short(content) else None


def _short_file(path: str | Path) -> Schema | None:
    """Read a file of rules in short forms; None where it is another kind of file, or none."""
    source = Path(path)
    if source.suffix.lower() not in {".yaml", ".yml", ".json"} or not source.is_file():
        return None
    try:
        content = load_yaml(read_text(source))
        return None if find_reader(content) else _short(content)
    except SchemaError as error:
        raise SchemaError(f"{str(source)!r}: {error}") from error


def _with_shapes(read: Schema, given: Dataset) -> Schema:
    """Judge of several tables what each is, by the references of the contract, or by what the data speak for."""
    if len(read.tables) == 1:
        return read
    frames = {
        t.name: conform(given.frames[t.name], t, extra="drop", unreadable="null")[0] for t in read.tables
    }
    if not any(table.references for table in read.tables):
        found = relate_tables(frames, read)
        count = sum(len(table.references) for table in found.tables)
        told = f"the contract names no references; the data speak for {count}."
        return replace(found, notes=(*found.notes, told)) if count else found
    facts = check_references(frames, read)
    tables = (
        table
        if table.role != "entity" or table.order is not None
        else apply_shape(table, judge_shape(frames[table.name], table, facts))
        for table in read.tables
    )
    return replace(read, tables=tuple(tables))


def _with_words(read: Schema, given: Dataset) -> Schema:
    """Look again at columns that look like numbers, and that a contract calls text: codes, keys or free text."""
    for table in read.tables:
        for column in table.columns:
            seen = given.schema.table(table.name)
            known = next((other for other in seen.columns if other.name == column.name), None)
            if known is None or column.kind != "text" or not known.integer:
                continue
            words = given.frames[table.name][column.name].cast(pl.String)
            again = infer_table([words], table.name)[0].columns[0]
            if again.kind == "category":
                changes = {"kind": "category", "levels": again.levels}
                table = table.with_column(column.name, **changes, sensitive=column.sensitive)
        read = read.with_table(table)
    return read


def refresh(known: Table, seen: Table) -> Table:
    """Take bounds, levels and the like from the values at hand, and kinds and formats as they were read from text."""
    columns = []
    for old in known.columns:
        new = seen[old.name]
        fresh = new.kind == old.kind and not old.declared
        marks = (
            replace(new, format=old.format, identifying=old.identifying, pattern=old.pattern)
            if fresh
            else old
        )
        columns.append(marks)
    return replace(known, columns=tuple(columns))
