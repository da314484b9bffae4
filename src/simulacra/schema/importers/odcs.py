"""Data contracts: the Open Data Contract Standard (version 3) and the Data Contract Specification before it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from simulacra.schema.constraints import Check
from simulacra.schema.importers._keywords import (
    Facts,
    bare,
    in_full,
    is_secret,
    mappings,
    names,
    set_format,
    set_levels,
    set_limits,
)
from simulacra.schema.importers._types import set_type_named
from simulacra.schema.importers.assembly import assemble
from simulacra.schema.importers.drafts import ColumnDraft, Draft, LinkDraft, Said, TableDraft
from simulacra.schema.types import Schema

_KINDS: dict[str, Said] = {
    "string": "string", "date": "date", "timestamp": "datetime", "time": "time", "number": "number",
    "integer": "number", "boolean": "boolean", "object": "text", "array": "text",
}  # fmt: skip
_DATE_PARTS = (
    ("yyyy", "%Y"), ("uuuu", "%Y"), ("yy", "%y"), ("MMMM", "%B"), ("MMM", "%b"), ("MM", "%m"), ("dd", "%d"),
    ("HH", "%H"), ("hh", "%I"), ("mm", "%M"), ("ss", "%S"), ("a", "%p"),
)  # fmt: skip
_PART = re.compile("|".join(part for part, _ in _DATE_PARTS) + r"|'([^']*)'|[A-Za-z]+")


def is_data_contract(content: Any) -> bool:
    """Tell whether parsed YAML is a data contract.

    Examples
    --------
    >>> is_data_contract({"apiVersion": "v3.0.2", "kind": "DataContract", "schema": []}), is_data_contract({})
    (True, False)
    """
    if not isinstance(content, Mapping):
        return False
    if "dataContractSpecification" in content:
        return True
    return content.get("kind") == "DataContract" or (
        "apiVersion" in content and isinstance(content.get("schema"), list)
    )


def read_data_contract(content: Facts, seen: Schema | None = None) -> Schema:
    """Read a data contract as a schema.

    Parameters
    ----------
    content : mapping
        The parsed YAML: an Open Data Contract (``schema`` lists objects with ``properties``), or a Data Contract
        Specification (``models`` have ``fields``).
    seen : Schema or None
        What data show; see `simulacra.schema.importers.assembly.assemble`.

    Returns
    -------
    Schema
        One table per object, under its physical name. Rules on quality that every row keeps become constraints; others
        stand in `Schema.notes`.

    Raises
    ------
    SchemaError
        No table is described.

    Notes
    -----
    A ``classification`` of confidential, restricted, sensitive or PII makes a column sensitive.

    **Source**: Bitol, "Open Data Contract Standard", version 3; "Data Contract Specification", version 1.

    Examples
    --------
    >>> day = {"name": "day", "logicalType": "date", "required": True, "primaryKey": True}
    >>> contract = {"kind": "DataContract", "schema": [{"name": "visits", "properties": [day]}]}
    >>> read_data_contract(contract).table("visits").key
    ('day',)
    """
    draft = Draft("the data contract")
    if "dataContractSpecification" in content:
        definitions = content.get("definitions")
        models = content.get("models")
        for name, facts in models.items() if isinstance(models, Mapping) else ():
            if isinstance(facts, Mapping):
                _add_model(draft, str(name), facts, definitions if isinstance(definitions, Mapping) else {})
    else:
        objects = mappings(content.get("schema"))
        for facts in objects:
            _add_object(draft, facts)
        _lead_links(draft, objects)
    return assemble(draft, seen)


def _add_object(draft: Draft, facts: Facts) -> None:
    """Make a table of an object of an Open Data Contract."""
    logical = str(facts.get("name"))
    physical = str(facts.get("physicalName") or logical).rpartition(".")[2]
    table = TableDraft(physical, other=logical)
    placed: list[tuple[float, str]] = []
    for number, described in enumerate(mappings(facts.get("properties"))):
        column = _draft_property(draft, table, described)
        table.columns.append(column)
        if described.get("primaryKey"):
            position = described.get("primaryKeyPosition")
            placed.append((position if isinstance(position, int) and position > 0 else number, column.name))
        if described.get("unique"):
            table.unique.append((column.name,))
        for link in mappings(described.get("relationships")):
            _add_relationship(table, (column.name,), link)
    table.key = tuple(name for _, name in sorted(placed, key=lambda one: one[0]))
    known = {
        str(p.get("name")): str(p.get("physicalName") or p.get("name"))
        for p in mappings(facts.get("properties"))
    }
    for link in mappings(facts.get("relationships")):
        own = tuple(
            known.get(name.rpartition(".")[2], name.rpartition(".")[2]) for name in names(link.get("from"))
        )
        _add_relationship(table, own, link)
    for rule in mappings(facts.get("quality")):
        _add_quality(draft, table, None, rule)
    draft.tables.append(table)


def _draft_property(draft: Draft, table: TableDraft, facts: Facts) -> ColumnDraft:
    column = ColumnDraft(str(facts.get("physicalName") or facts.get("name")))
    place = f"table {table.name!r}, column {column.name!r}"
    physical, logical = facts.get("physicalType"), str(facts.get("logicalType") or "")
    # the physical type says more: decimals, lengths, zones
    told = set_type_named(column, physical) if isinstance(physical, str) else None
    if column.kind is None or (column.kind == "text" and logical not in {"", "object", "array"}):
        told = None if logical in _KINDS else told
        column.kind = _KINDS.get(logical)
        column.integer = True if logical == "integer" else None
        told = f"values of type {logical!r} are kept as text" if column.kind == "text" else told
    elif logical in {"date", "timestamp", "time"} and column.kind == "string":
        column.kind = _KINDS[logical]
    if told:
        draft.notes.append(f"{place}: {told}.")
    column.nullable = not facts.get("required", False)
    options = facts.get("logicalTypeOptions")
    if isinstance(options, Mapping):
        format = options.get("format")
        if column.kind == "string" and format is not None:
            set_format(column, format)
        elif column.kind in {"date", "datetime", "time"}:
            column.format = _read_date_format(format)
            if options.get("timezone") and isinstance(options.get("defaultTimezone"), str):
                column.timezone = options["defaultTimezone"] if column.kind == "datetime" else None
        set_limits(column, options)
        column.pattern = bare(options.get("pattern")) or column.pattern
        set_levels(column, options.get("enum"))
    column.sensitive = is_secret(facts.get("classification"))
    for rule in mappings(facts.get("quality")):
        _add_quality(draft, table, column, rule)
    return column


def _read_date_format(format: Any) -> str | None:
    """Turn a pattern such as yyyy-MM-dd into one of strptime; None where it says more than that can."""
    if not isinstance(format, str) or not format or "%" in format:
        return format if isinstance(format, str) and "%" in format else None
    known = dict(_DATE_PARTS)
    found = list(_PART.finditer(format))
    if any(match[0] not in known and match[1] is None for match in found):
        return None
    return _PART.sub(lambda match: known.get(match[0], match[1] or ""), format)


def _add_relationship(table: TableDraft, own: tuple[str, ...], facts: Facts) -> None:
    """Add a reference whose target is still written as in the contract: object.property."""
    targets = [target.split("/")[-1] if "/" in target else target for target in names(facts.get("to"))]
    others = {target.rpartition(".")[0].rpartition(".")[2] for target in targets}
    if own and len(others) == 1:
        to = tuple(target.rpartition(".")[2] for target in targets)
        table.links.append(LinkDraft(own, others.pop(), to))


def _lead_links(draft: Draft, objects: list[Facts]) -> None:
    """Lead references from logical names to physical ones."""
    for table in draft.tables:
        for link in table.links:
            for other, facts in zip(draft.tables, objects, strict=True):
                if link.table in {other.name, other.other}:
                    known = {
                        str(p.get("name")): str(p.get("physicalName") or p.get("name"))
                        for p in mappings(facts.get("properties"))
                    }
                    link.table = other.name
                    link.to = tuple(known.get(name, name) for name in link.to)
                    break


def _add_quality(draft: Draft, table: TableDraft, column: ColumnDraft | None, facts: Facts) -> None:
    """Put a rule on quality into its table if every row must keep it; tell of others."""
    word = str(facts.get("metric") or facts.get("rule") or "").casefold()
    given = facts.get("arguments")
    arguments = given if isinstance(given, Mapping) else facts
    none_allowed = facts.get("mustBe") in (0, "0") or facts.get("mustBeLessThan") == 1
    values = arguments.get("validValues", facts.get("validValues"))
    about = names(arguments.get("properties")) or ((column.name,) if column is not None else ())
    if values is not None and column is not None and (none_allowed or word == "validvalues"):
        set_levels(column, values)
    elif word in {"invalidvalues"} and column is not None and none_allowed and arguments.get("pattern"):
        column.pattern = in_full(arguments["pattern"])
    elif word in {"duplicatevalues", "duplicatecount"} and about and none_allowed:
        table.unique.append(about)
    elif word in {"nullvalues", "nullcheck", "missingvalues"} and column is not None and none_allowed:
        column.nullable = False
    elif facts.get("type") == "sql" and isinstance(facts.get("expression"), str):
        sql = str(facts["expression"])
        table.add_rule(f"the rule {sql!r}", lambda: Check(sql))
    elif facts.get("type") != "text":
        place = f"table {table.name!r}" + (f", column {column.name!r}" if column is not None else "")
        named = str(facts.get("name") or facts.get("metric") or facts.get("rule") or facts.get("type") or "?")
        draft.notes.append(
            f"{place}: the rule {named[:60]!r} on quality is left out: it is not one of single rows."
        )


def _add_model(draft: Draft, name: str, facts: Facts, definitions: Facts) -> None:
    """Make a table of a model of a Data Contract Specification."""
    table = TableDraft(name)
    fields = facts.get("fields")
    for key, described in fields.items() if isinstance(fields, Mapping) else ():
        if not isinstance(described, Mapping):
            continue
        merged = {**_definition(described, definitions), **described}
        column = ColumnDraft(str(key), nullable=not merged.get("required", False))
        table.columns.append(column)
        _describe_field(draft, table, column, merged)
        if merged.get("primaryKey") or merged.get("primary"):
            table.key = (*table.key, column.name)
        if merged.get("unique"):
            table.unique.append((column.name,))
        target = merged.get("references")
        if isinstance(target, str) and "." in target:
            other, _, to = target.rpartition(".")
            table.links.append(LinkDraft((column.name,), other, (to,)))
    table.key = names(facts.get("primaryKey")) or table.key
    for rule in mappings(facts.get("quality")):
        _add_quality(draft, table, None, rule)
    draft.tables.append(table)


def _definition(facts: Facts, definitions: Facts) -> Facts:
    target = facts.get("$ref")
    found: Any = definitions
    for part in target.removeprefix("#/definitions/").split("/") if isinstance(target, str) else ():
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(target, str) and isinstance(found, Mapping) else {}


def _describe_field(draft: Draft, table: TableDraft, column: ColumnDraft, facts: Facts) -> None:
    kind = facts.get("type")
    if isinstance(kind, str):
        precision, scale = facts.get("precision"), facts.get("scale")
        sized = kind in {"decimal", "numeric", "number"} and isinstance(scale, int)
        told = set_type_named(column, f"decimal({precision or 38},{scale})" if sized else kind)
        if told:
            draft.notes.append(f"table {table.name!r}, column {column.name!r}: {told}.")
    if column.kind == "string" and facts.get("format") is not None:
        set_format(column, facts["format"])
    set_limits(column, facts)
    column.pattern = in_full(facts.get("pattern")) or column.pattern
    set_levels(column, facts.get("enum"))
    column.sensitive = bool(facts.get("pii")) or is_secret(facts.get("classification"))
    for rule in mappings(facts.get("quality")):
        _add_quality(draft, table, column, rule)
