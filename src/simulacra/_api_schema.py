"""Schemas as users give them, and what `infer` makes of one that is known in part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from simulacra.schema.files import read_schema
from simulacra.schema.types import Schema, Table


def contract(schema: Schema | str | Path | None) -> Schema | None:
    """Read the schema if it is given by the file that it is in."""
    return read_schema(Path(schema)) if isinstance(schema, (str, Path)) else schema


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
