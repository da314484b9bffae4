"""The JSON Schema of a schema file, for editors and other programs."""

from __future__ import annotations

from typing import Any

from simulacra.schema._fields import FIELDS
from simulacra.schema._reference_fields import reference_schema
from simulacra.schema._rulebook import constraint_schema
from simulacra.schema.reference import ROLES

VERSION = 1
"""The version of the format that is written, and the newest that is read."""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a schema file, for editors and other programs.

    Returns
    -------
    dict
        A JSON Schema.

    Examples
    --------
    >>> json_schema()["required"]
    ['version', 'tables']
    """
    column = {
        "oneOf": [
            {"enum": FIELDS["kind"]["enum"]},
            {"type": "object", "properties": FIELDS, "required": ["kind"], "additionalProperties": False},
        ]
    }
    texts = {"type": "array", "items": {"type": "string"}}
    table = {
        "type": "object",
        "properties": {
            "key": {**texts, "description": "Columns that together identify a row."},
            "weight": {
                "type": ["string", "null"],
                "description": "A number that says how many of the population a row stands for.",
            },
            "order": {
                "type": ["string", "null"],
                "description": "A number or time by which the rows of one entity follow each other.",
            },
            "rows": {
                "type": ["integer", "null"],
                "minimum": 0,
                "description": "How many rows are made by rules, where nothing else says so.",
            },
            "role": {
                "enum": list(ROLES),
                "description": "What the rows are: reference tables are kept as they are.",
            },
            "references": {
                "type": "array",
                "items": reference_schema(),
                "description": "Foreign keys: which columns name rows of which tables.",
            },
            "columns": {"type": "object", "additionalProperties": column},
            "constraints": {
                "type": "array",
                "items": constraint_schema(),
                "description": "What holds in every row, or among the rows.",
            },
        },
        "required": ["columns"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "simulacra schema",
        "type": "object",
        "properties": {
            "version": {"const": VERSION},
            "tables": {"type": "object", "additionalProperties": table},
        },
        "required": ["version", "tables"],
        "additionalProperties": False,
    }
