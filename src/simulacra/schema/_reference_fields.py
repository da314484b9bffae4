"""References as plain values, as they stand in a schema file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulacra.errors import SchemaError, unknown
from simulacra.schema._fields import describe
from simulacra.schema.reference import Reference

_REFERENCE = ("columns", "table", "to", "name")


def dump_reference(reference: Reference) -> dict[str, Any]:
    """Turn a reference into plain values.

    Examples
    --------
    >>> dump_reference(Reference(("boss",), "people", ("id",)))
    {'columns': ['boss'], 'table': 'people', 'to': ['id']}
    """
    facts: dict[str, Any] = {
        "columns": list(reference.columns),
        "table": reference.table,
        "to": list(reference.to),
    }
    return facts if reference.name is None else {**facts, "name": reference.name}


def load_reference(facts: Any, place: str) -> Reference:
    """Make a reference of plain values; an error names the place."""
    if not isinstance(facts, Mapping):
        raise SchemaError(f"{place}: expected 'columns' and 'table', not {describe(facts)}.")
    for field in facts:
        if field not in _REFERENCE:
            raise SchemaError(f"{place}: {unknown('field of a reference', str(field), _REFERENCE)}")
    table, name = facts.get("table"), facts.get("name")
    if not isinstance(table, str):
        raise SchemaError(f"{place}, field 'table': expected the name of a table, not {describe(table)}.")
    if name is not None and not isinstance(name, str):
        raise SchemaError(f"{place}, field 'name': expected a text, not {describe(name)}.")
    sides = []
    for field in ("columns", "to"):
        value = facts.get(field)
        sides.append((value,) if isinstance(value, str) else text_list(value, f"{place}, field {field!r}"))
    return Reference(sides[0], table, sides[1], name)


def text_list(value: Any, place: str) -> tuple[str, ...]:
    """Read a list of texts, or nothing; an error names the place."""
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise SchemaError(f"{place}: expected a list of texts, not {describe(value)}.")
    return tuple(value)


def reference_schema() -> dict[str, Any]:
    """Return the JSON Schema of a reference."""
    texts = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    fields = {
        "columns": texts,
        "table": {"type": "string"},
        "to": {**texts, "description": "Columns of that table; its key when left out."},
        "name": {"type": ["string", "null"], "description": "The role that the other row plays."},
    }
    return {
        "type": "object",
        "properties": fields,
        "required": ["columns", "table"],
        "additionalProperties": False,
    }
