"""Schema files: schema.yaml written for people and read with care, and the JSON Schema of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulacra.errors import SchemaError, unknown
from simulacra.schema._fields import describe, dump_column, load_column
from simulacra.schema._json_schema import VERSION as VERSION
from simulacra.schema._json_schema import json_schema as json_schema
from simulacra.schema._reference_fields import dump_reference, load_reference, text_list
from simulacra.schema._rulebook import dump_constraint, load_constraint
from simulacra.schema._yaml import MAX_BYTES, load_yaml, write_comment, write_fields, write_flow, write_scalar
from simulacra.schema.reference import ROLES
from simulacra.schema.types import Schema, Table
from simulacra.storage import atomic_path, open_error

_TOP = ("version", "tables")
_TABLE = ("role", "rows", "key", "order", "weight", "references", "columns", "constraints")


def dump_schema(schema: Schema) -> dict[str, Any]:
    """Turn a schema into plain values, as they stand in a schema file (and in JSON).

    Parameters
    ----------
    schema : Schema
        Any schema.

    Returns
    -------
    dict
        Dicts, lists, text, numbers and truth values only; what has its default is left out.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> schema = Schema((Table("t", (Column("age", "number", integer=True, bounds=(17, 90)),)),))
    >>> dump_schema(schema)["tables"]["t"]["columns"]
    {'age': {'kind': 'number', 'integer': True, 'bounds': [17, 90]}}
    """
    tables: dict[str, Any] = {}
    for table in schema.tables:
        facts: dict[str, Any] = {}
        if table.role != "entity":
            facts["role"] = table.role
        if table.rows is not None:
            facts["rows"] = table.rows
        if table.key:
            facts["key"] = list(table.key)
        if table.order is not None:
            facts["order"] = table.order
        if table.weight is not None:
            facts["weight"] = table.weight
        if table.references:
            facts["references"] = [dump_reference(reference) for reference in table.references]
        facts["columns"] = {column.name: dump_column(column) for column in table.columns}
        if table.constraints:
            facts["constraints"] = [dump_constraint(constraint) for constraint in table.constraints]
        tables[table.name] = facts
    return {"version": VERSION, "tables": tables}


def load_schema(content: Mapping[str, Any]) -> Schema:
    """Make a schema of plain values.

    Parameters
    ----------
    content : mapping
        What `dump_schema` gave, or what a person wrote.

    Returns
    -------
    Schema
        Without reasons.

    Raises
    ------
    SchemaError
        A field is unknown, missing or of the wrong type, or the file is of a newer version; with the place.

    Examples
    --------
    >>> load_schema({"version": 1, "tables": {"t": {"columns": {"age": {"kind": "number"}}}}}).names
    ('t',)
    """
    if not isinstance(content, Mapping) or "tables" not in content:
        raise SchemaError(
            "this is not a schema: it has no 'tables'. See simulacra inspect, which writes one."
        )
    _check_version(content.get("version"))
    for field in content:
        if field not in _TOP:
            raise SchemaError(f"top level: {unknown('field', str(field), _TOP)}")
    tables = content["tables"]
    if not isinstance(tables, Mapping):
        raise SchemaError(f"field 'tables': expected names with their columns, not {describe(tables)}.")
    return Schema(tuple(_load_table(str(name), facts) for name, facts in tables.items()))


def _check_version(version: Any) -> None:
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise SchemaError(
            f"field 'version': expected {VERSION}, not {describe(version)}. Write 'version: {VERSION}'."
        )
    if version > VERSION:
        raise SchemaError(
            f"field 'version': this schema is of version {version}, and this simulacra reads up "
            f"to {VERSION}. Install a newer simulacra."
        )


def _load_table(name: str, facts: Any) -> Table:
    place = f"table {name!r}"
    if not isinstance(facts, Mapping):
        raise SchemaError(f"{place}: expected 'columns', not {describe(facts)}.")
    for field in facts:
        if field not in _TABLE:
            raise SchemaError(f"{place}: {unknown('field of a table', str(field), _TABLE)}")
    columns = facts.get("columns")
    if not isinstance(columns, Mapping):
        raise SchemaError(
            f"{place}, field 'columns': expected names with their fields, not {describe(columns)}."
        )
    loaded = tuple(load_column(str(n), f, f"{place}, column {str(n)!r}") for n, f in columns.items())
    key = text_list(facts.get("key"), f"{place}, field 'key'")
    rules = facts.get("constraints") or []
    if not isinstance(rules, (list, tuple)):
        raise SchemaError(f"{place}, field 'constraints': expected a list, not {describe(rules)}.")
    known = {column.name: column for column in loaded}
    constraints = tuple(
        load_constraint(rule, known, f"{place}, constraint {number}") for number, rule in enumerate(rules, 1)
    )
    for field in ("weight", "order", "role"):
        value = facts.get(field)
        if value is not None and not isinstance(value, str):
            what = "one of " + ", ".join(ROLES) if field == "role" else "the name of a column"
            raise SchemaError(f"{place}, field {field!r}: expected {what}, not {describe(value)}.")
    rows = facts.get("rows")
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 0):
        raise SchemaError(f"{place}, field 'rows': expected a whole number from 0, not {describe(rows)}.")
    links = facts.get("references") or []
    if not isinstance(links, (list, tuple)):
        raise SchemaError(f"{place}, field 'references': expected a list, not {describe(links)}.")
    references = tuple(
        load_reference(link, f"{place}, reference {number}") for number, link in enumerate(links, 1)
    )
    return Table(
        name, loaded, key, constraints, facts.get("weight"), references, facts.get("role") or "entity",
        facts.get("order"), rows,
    )  # fmt: skip


def format_schema(schema: Schema) -> str:
    """Write a schema as YAML text, each guess with its reason as a comment.

    Parameters
    ----------
    schema : Schema
        Any schema.

    Returns
    -------
    str
        What `write_schema` puts into the file.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> print(format_schema(Schema((Table("t", (Column("no", "boolean"),)),), {"t": {"no": "yes or no"}})))
    version: 1
    tables:
      t:
        columns:
          # why: yes or no
          "no": {kind: boolean}
    <BLANKLINE>
    """
    content = dump_schema(schema)
    lines = [f"version: {VERSION}", "tables:" + ("" if content["tables"] else " {}")]
    for name, facts in content["tables"].items():
        reasons = schema.reasons.get(name, {})
        lines += _entry(2, name, "")
        for field in ("role", "rows", "key", "order", "weight"):
            if field in facts or field == "role":  # an entity is not written, and still has a reason
                lines += _why(reasons.get(f"({field})"), 4)
            if field in facts:
                value = facts[field]
                written = write_scalar(value) if isinstance(value, str) else write_flow(value, 4)
                lines.append(f"    {field}: {written}")
        if "references" in facts:
            lines.append("    references:")
            for reference, link in zip(schema.table(name).references, facts["references"], strict=True):
                lines += [*_why(reasons.get(str(reference)), 6), f"      - {write_flow(link, 8)}"]
        lines.append("    columns:" + ("" if facts["columns"] else " {}"))
        for column, fields in facts["columns"].items():
            lines += _why(reasons.get(column), 6)
            lines += _entry(6, column, write_fields(fields, 6))
        if "constraints" in facts:
            lines.append("    constraints:")
            for rule in facts["constraints"]:
                lines += _item(6, rule)
    return "\n".join(lines) + "\n"


def _why(reason: str | None, indent: int) -> list[str]:
    return [write_comment(f"why: {reason}", indent)] if reason else []


def _item(indent: int, rule: str | dict[str, Any]) -> list[str]:
    """Write one constraint: SQL as it is, the fields of another kind below each other."""
    margin = " " * indent
    if isinstance(rule, str):
        return [f"{margin}- {write_scalar(rule)}"]
    return [
        f"{margin}{'  ' if place else '- '}{write_scalar(word)}: {write_flow(value, indent + 2)}"
        for place, (word, value) in enumerate(rule.items())
    ]


def _entry(indent: int, name: str, value: str) -> list[str]:
    margin, key = " " * indent, write_scalar(name)
    # YAML reads a key of more than 1,024 characters only where a question mark announces it
    return [f"{margin}{key}:{value}"] if len(key) < 500 else [f"{margin}? {key}", f"{margin}:{value}"]


def parse_schema(text: str) -> Schema:
    """Read a schema from YAML (or JSON) text.

    Raises
    ------
    SchemaError
        The text is not YAML, or not a schema; with the line, or the table, column and field.

    Examples
    --------
    >>> parse_schema("version: 1\\ntables: {t: {columns: {age: {kind: number}}}}").table().names
    ('age',)
    """
    return load_schema(load_yaml(text))


def write_schema(schema: Schema, path: str | os.PathLike[str]) -> None:
    """Write a schema file.

    Parameters
    ----------
    schema : Schema
        Any schema.
    path : path
        Where to; replaced whole if it exists.

    Raises
    ------
    FileError
        The file can not be written.

    Notes
    -----
    **Privacy**: levels, bounds and reasons that were read from the data stand in the file; see `infer_table`.

    Examples
    --------
    >>> import tempfile
    >>> from simulacra.schema.types import Column
    >>> schema = Schema((Table("t", (Column("age", "number", bounds=(0, 120)),)),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_schema(schema, f"{folder}/schema.yaml")
    ...     read_schema(f"{folder}/schema.yaml") == schema
    True
    """
    with atomic_path(Path(path)) as beside:
        beside.write_text(format_schema(schema), encoding="utf-8", newline="\n")


def read_schema(path: str | os.PathLike[str]) -> Schema:
    """Read a schema file.

    Parameters
    ----------
    path : path
        A file that `write_schema` or a person wrote: YAML, or JSON.

    Returns
    -------
    Schema
        Without reasons: they are comments in the file.

    Raises
    ------
    FileError
        The file can not be opened.
    SchemaError
        It is not a schema; the message says where.

    Examples
    --------
    >>> read_schema("nowhere.yaml")
    Traceback (most recent call last):
        ...
    simulacra.errors.FileError: there is no file 'nowhere.yaml'. Check the name and the folder.
    """
    source = Path(path)
    text = read_text(source)
    try:
        return parse_schema(text)
    except SchemaError as error:
        raise SchemaError(f"{str(source)!r}: {error}") from error


def read_text(path: str | os.PathLike[str]) -> str:
    """Read the text of a schema file.

    Raises
    ------
    FileError
        The file can not be opened.
    SchemaError
        It is too large for a schema, or no text.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "schema.yaml"
    ...     _ = path.write_text("version: 1")
    ...     read_text(path)
    'version: 1'
    """
    source = Path(path)
    try:
        if source.stat().st_size > MAX_BYTES:
            raise SchemaError(
                f"{str(source)!r} is larger than {MAX_BYTES // 2**20} MB, so it is hardly a schema."
            )
        return source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise open_error(source, error) from error
    except UnicodeDecodeError as error:
        raise SchemaError(f"{str(source)!r} is not UTF-8 text, so it is not a schema.") from error
