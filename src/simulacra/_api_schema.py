"""Schemas as users give them, and what `infer` makes of one that is known in part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulacra.dataset import dataset
from simulacra.schema.files import load_schema, read_schema
from simulacra.schema.importers import sdv
from simulacra.schema.types import Schema, Table
from simulacra.storage import open_error

Contract = Schema | Mapping[str, Any] | str | Path
"""A schema, the plain values of one, SDV metadata, or the file that either is in."""


def contract(schema: Contract | None, data: Any) -> Schema | None:
    """Read the schema if it is given as plain values or by the file that it is in.

    Metadata of SDV say only the kinds of columns, so that the rest is inferred from the data.
    """
    content: Any = schema
    if isinstance(schema, (str, Path)):
        if Path(schema).suffix.lower() != ".json":
            return read_schema(Path(schema))
        try:
            content = json.loads(Path(schema).read_text(encoding="utf-8"))
        except OSError as error:
            raise open_error(Path(schema), error) from error
        except ValueError:
            content = None
        if not sdv.is_metadata(content):
            return read_schema(Path(schema))
    if sdv.is_metadata(content):
        return sdv.lay_over(content, dataset(data).schema)
    return load_schema(content) if isinstance(content, Mapping) else content


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
