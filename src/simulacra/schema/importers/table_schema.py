"""Frictionless Table Schema and data packages (``datapackage.json``), read as schemas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from simulacra.schema._parsing import MISSING
from simulacra.schema.importers._keywords import (
    Facts,
    bare,
    mappings,
    names,
    set_format,
    set_levels,
    set_limits,
)
from simulacra.schema.importers.assembly import assemble
from simulacra.schema.importers.drafts import ColumnDraft, Draft, LinkDraft, Said, TableDraft
from simulacra.schema.types import Schema

_KINDS: dict[str, Said] = {
    "string": "string", "number": "number", "integer": "number", "boolean": "boolean", "date": "date", "time": "time",
    "datetime": "datetime", "duration": "duration", "year": "number", "yearmonth": "string", "any": None,
}  # fmt: skip
_STYLES = {
    (",", "."): "1.234,5",
    (".", ","): "1,234.5",
    (",", " "): "1 234,5",
    (".", " "): "1 234.5",
    (".", "'"): "1'234.5",
}


def is_table_schema(content: Any) -> bool:
    """Tell whether parsed JSON is a Table Schema, a resource with one, or a data package.

    Examples
    --------
    >>> is_table_schema({"fields": [{"name": "age", "type": "integer"}]}), is_table_schema({"resources": []})
    (True, True)
    """
    if not isinstance(content, Mapping):
        return False
    if isinstance(content.get("resources"), list):
        return True
    inner = content.get("schema")
    fields = content.get("fields", inner.get("fields") if isinstance(inner, Mapping) else None)
    return bool(mappings(fields)) and all("name" in field for field in mappings(fields))


def read_table_schema(content: Facts, seen: Schema | None = None) -> Schema:
    """Read a Table Schema or a data package as a schema.

    Parameters
    ----------
    content : mapping
        The parsed JSON (or YAML).
    seen : Schema or None
        What data show; see `simulacra.schema.importers.assembly.assemble`.

    Returns
    -------
    Schema
        One table per resource, under its name (or that of its file, if the data have that).

    Raises
    ------
    SchemaError
        No resource has a schema.

    Notes
    -----
    Files that a package names are not opened.

    **Source**: Frictionless Standards, "Table Schema" and "Data Package", versions 1 and 2.

    Examples
    --------
    >>> fields = [{"name": "stars", "type": "integer", "constraints": {"minimum": 1, "maximum": 5, "required": True}}]
    >>> read_table_schema({"fields": fields}).table()["stars"].bounds
    (1, 5)
    """
    draft = Draft("the table schema")
    if isinstance(content.get("resources"), list):
        draft.source = "the data package"
        for number, resource in enumerate(mappings(content["resources"]), 1):
            _add_resource(resource, str(resource.get("name") or f"resource {number}"), draft)
    elif isinstance(content.get("schema"), Mapping):
        _add_resource(content, str(content.get("name") or "table"), draft)
    else:
        draft.tables.append(_draft_table(content, str(content.get("name") or "table"), draft))
    return assemble(draft, seen)


def _add_resource(resource: Facts, name: str, draft: Draft) -> None:
    schema = resource.get("schema")
    if not isinstance(schema, Mapping):
        why = "its schema stands in another file" if isinstance(schema, str) else "it has no schema"
        draft.notes.append(f"resource {name!r} is left out: {why}.")
        return
    table = _draft_table(schema, name, draft)
    paths = names(resource.get("path"))
    if len(paths) == 1:
        table.other = PurePosixPath(paths[0]).name.partition(".")[0]
    draft.tables.append(table)


def _draft_table(schema: Facts, name: str, draft: Draft) -> TableDraft:
    table = TableDraft(name)
    for field in mappings(schema.get("fields")):
        table.columns.append(_draft_column(field, table, draft))
    table.key = names(schema.get("primaryKey"))
    unique = schema.get("uniqueKeys")
    table.unique += [names(one) for one in unique] if isinstance(unique, list) else []
    links = schema.get("foreignKeys")
    for link in mappings([links] if isinstance(links, Mapping) else links):
        reference = link.get("reference")
        if isinstance(reference, Mapping):
            # no resource means the table itself
            other = str(reference.get("resource") or name)
            table.links.append(LinkDraft(names(link.get("fields")), other, names(reference.get("fields"))))
    own = [mark for mark in names(schema.get("missingValues")) if mark not in MISSING]
    if own:
        draft.notes.append(
            f"table {name!r}: {', '.join(map(repr, own[:5]))} for a missing value is left out: such texts are values "
            "here. Replace them in the data."
        )
    return table


def _draft_column(field: Facts, table: TableDraft, draft: Draft) -> ColumnDraft:
    column = ColumnDraft(str(field.get("name")))
    place = f"table {table.name!r}, column {column.name!r}"
    word = str(field.get("type", "string"))
    if word in _KINDS:
        column.kind = _KINDS[word]
    else:
        column.kind = "text"
        draft.notes.append(f"{place}: values of type {word!r} are kept as text.")
    if word in {"integer", "year"}:
        column.integer = True
    elif word == "yearmonth":
        column.pattern = r"\d{4}-\d{2}"
    _set_written(column, field)
    rules = field.get("constraints")
    rules = rules if isinstance(rules, Mapping) else {}
    column.nullable = not rules.get("required", False)
    if rules.get("unique") and not rules.get("primaryKey"):
        table.unique.append((column.name,))
    set_limits(column, rules)
    column.pattern = bare(rules.get("pattern")) or column.pattern
    set_levels(column, rules.get("enum"))
    categories = field.get("categories")
    if isinstance(categories, list):
        set_levels(column, [c.get("value") if isinstance(c, Mapping) else c for c in categories])
    if "jsonSchema" in rules:
        draft.notes.append(f"{place}: the constraint 'jsonSchema' is left out.")
    return column


def _set_written(column: ColumnDraft, field: Facts) -> None:
    """Read how values are written."""
    format = field.get("format")
    if column.kind == "string" and isinstance(format, str):
        set_format(column, format)
    elif column.kind in {"date", "datetime", "time"} and isinstance(format, str) and "%" in format:
        column.format = format
    elif column.kind == "number":
        point, group = (str(field.get(word) or "") for word in ("decimalChar", "groupChar"))
        style = _STYLES.get((point or ".", group)) if group else "1234,5" if point == "," else None
        column.format = style
    elif column.kind == "boolean":
        yes, no = names(field.get("trueValues")), names(field.get("falseValues"))
        if yes and no and "|" not in yes[0] + no[0]:
            column.format = f"{no[0]}|{yes[0]}"
