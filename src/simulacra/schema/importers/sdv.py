"""Metadata in the JSON format of SDV and SDMetrics, of one table or of several, laid over what data show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulacra.errors import SchemaError
from simulacra.schema.importers._keywords import mappings, names
from simulacra.schema.importers._sdv_constraints import read_constraints
from simulacra.schema.importers.assembly import assemble
from simulacra.schema.importers.drafts import ColumnDraft, Draft, LinkDraft, TableDraft
from simulacra.schema.types import Schema

IDENTIFIERS = {
    "email": "email", "phone_number": "phone", "ssn": "ssn", "name": "person.name", "first_name": "person.first",
    "last_name": "person.last", "user_name": "username", "ipv4_address": "ip", "ipv6_address": "ip", "url": "url",
    "mac_address": "mac", "iban": "iban", "swift": "bic", "swift11": "bic", "credit_card_number": "card",
    "license_plate": "plate", "passport_number": "passport", "address": "address", "street_address": "address",
    "city": "address.city", "postcode": "address.postcode", "zipcode": "address.postcode",
}  # fmt: skip
"""Semantic types that name a kind of identifier which simulacra knows by itself."""
_COMMON = {"numerical", "categorical", "boolean", "datetime", "id", "unknown", "text"}


def is_metadata(content: Any) -> bool:
    """Tell whether parsed JSON is such metadata, of one table or of several.

    Examples
    --------
    >>> is_metadata({"columns": {"age": {"sdtype": "numerical"}}}), is_metadata({"tables": {}})
    (True, False)
    """
    if not isinstance(content, Mapping):
        return False
    if "METADATA_SPEC_VERSION" in content:
        return True
    columns = content.get("columns")
    return isinstance(columns, Mapping) and any(
        isinstance(facts, Mapping) and "sdtype" in facts for facts in columns.values()
    )


def read_metadata(content: Mapping[str, Any], seen: Schema | None = None) -> Schema:
    """Read metadata as a schema.

    Parameters
    ----------
    content : mapping
        The parsed JSON: of one table (``columns``) or of several (``tables``).
    seen : Schema or None
        What was inferred from the data: whether numbers are whole, formats, bounds, levels. The metadata do not say.

    Returns
    -------
    Schema
        A column of ``sdtype`` ``id`` is a key; personal data (``pii``) is text that is made anew or left out, and
        sensitive; ``unknown`` keeps what the data show. Relationships are references, alternate keys are unique,
        ``sequence_index`` is the order of an event table. `Schema.notes` tells what could not be translated.

    Raises
    ------
    SchemaError
        The metadata lack a table or a column of the data, or are no such metadata; with the place.

    Notes
    -----
    **Source**: the format's public description, "Metadata JSON" (METADATA_SPEC_VERSION V1, SINGLE_TABLE_V1 and
    MULTI_TABLE_V1).

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> seen = Schema((Table("t", (Column("zip", "number", integer=True),)),))
    >>> read_metadata({"columns": {"zip": {"sdtype": "categorical"}}}, seen).table()["zip"].kind
    'category'
    """
    tables = content.get("tables", {"table": content})
    if not isinstance(tables, Mapping) or not tables:
        raise SchemaError("metadata, field 'tables': expected names with their columns.")
    draft = Draft("the metadata")
    rules: dict[int, list[Any]] = {}
    for name, facts in tables.items():
        drafted = _draft_table(str(name), facts, draft)
        draft.tables.append(drafted)
        rules[id(drafted)] = [*_rules(facts), *_rules(content, str(name))]
    for link in mappings(content.get("relationships")):
        _add_link(link, draft)
    if seen is not None:
        _require_same(draft, seen)
    tables_drafted = list(draft.tables)
    schema = assemble(draft, seen)
    notes = list(schema.notes)
    laid = []
    for table in schema.tables:
        drafted = next(one for one in tables_drafted if one.name == table.name)
        constraints, told = read_constraints(rules[id(drafted)], table)
        kept = dict.fromkeys((*table.constraints, *constraints))
        laid.append(replace(table, constraints=tuple(kept)))
        notes += told
    return replace(schema, tables=tuple(laid), notes=tuple(notes))


def _rules(facts: Any, table: str | None = None) -> list[Any]:
    """List the constraints of one table, which stand with it, or with its name beside all tables."""
    rules = facts.get("constraints")
    if not isinstance(rules, list) or (table is not None and "tables" not in facts):
        return []
    return [
        rule
        for rule in rules
        if table is None or (isinstance(rule, Mapping) and rule.get("table_name") == table)
    ]


def _require_same(draft: Draft, seen: Schema) -> None:
    """Raise an error where the columns of the data are not those of the metadata."""
    for table in seen.tables:
        drafted = draft.table(table.name)
        if drafted is None and len(seen.tables) == len(draft.tables) == 1:
            drafted = draft.tables[0]
        if drafted is None:
            continue
        described = [column.name for column in drafted.columns]
        lacking = [name for name in table.names if drafted.column(name) is None]
        if lacking:
            raise SchemaError(
                f"metadata, table {table.name!r}: the column {lacking[0]!r} of the data is not there. "
                "Describe it, or leave it out of the data."
            )
        known = {name.casefold() for name in table.names}
        absent = [name for name in described if name.casefold() not in known]
        if absent:
            raise SchemaError(
                f"metadata, table {table.name!r}: the data have no column {absent[0]!r}. Take it out of the metadata."
            )


def _draft_table(name: str, facts: Any, draft: Draft) -> TableDraft:
    columns = facts.get("columns") if isinstance(facts, Mapping) else None
    if not isinstance(columns, Mapping):
        raise SchemaError(f"metadata, table {name!r}: expected 'columns'.")
    table = TableDraft(name, [_draft_column(str(n), f, name) for n, f in columns.items()])
    table.key = names(facts.get("primary_key"))
    others = facts.get("alternate_keys")
    table.unique = [names(other) for other in others] if isinstance(others, list) else []
    if facts.get("sequence_index"):
        table.order, table.role = str(facts["sequence_index"]), "event"
    if facts.get("sequence_key") and not table.key:
        key = ", ".join(names(facts["sequence_key"]))
        draft.notes.append(
            f"metadata, table {name!r}: rows of one {key} are a sequence; which table it belongs to is not said."
        )
    if facts.get("column_relationships"):
        draft.notes.append(
            f"metadata, table {name!r}: 'column_relationships' has no counterpart, and is left out."
        )
    return table


def _add_link(facts: Mapping[str, Any], draft: Draft) -> None:
    child, parent = str(facts.get("child_table_name")), str(facts.get("parent_table_name"))
    table = draft.table(child)
    columns = names(facts.get("child_foreign_key"))
    if table is None or not columns:
        draft.notes.append(
            f"metadata: the relationship of {child!r} to {parent!r} is left out: it names no columns."
        )
        return
    table.links.append(LinkDraft(columns, parent, names(facts.get("parent_primary_key"))))


def _draft_column(name: str, facts: Any, table: str) -> ColumnDraft:
    kind = facts.get("sdtype") if isinstance(facts, Mapping) else None
    if not isinstance(kind, str):
        raise SchemaError(f"metadata, table {table!r}, column {name!r}: it has no 'sdtype'.")
    column = ColumnDraft(name)
    if kind == "numerical":
        column.kind = "number"
        column.integer = "int" in str(facts.get("computer_representation", "")).lower() or None
    elif kind == "categorical":
        column.kind = "category"
    elif kind == "boolean":
        column.kind = "boolean"
    elif kind == "datetime":
        format = facts.get("datetime_format")
        column.format = format if isinstance(format, str) else None
        clock = column.format is None or any(mark in column.format for mark in ("%H", "%I", "%X", "%c", "%T"))
        column.kind = "datetime" if clock else "date"
    elif kind == "id":
        column.kind = "key"
        pattern = facts.get("regex_format")
        column.pattern = pattern if isinstance(pattern, str) else None
    elif kind == "text":
        column.kind = "string"
    else:
        _mark_private(column, kind, facts)
    return column


def _mark_private(column: ColumnDraft, kind: str, facts: Mapping[str, Any]) -> None:
    """Personal data are made anew and never shown; other words say nothing that data do not show."""
    if not facts.get("pii", kind not in _COMMON):
        return
    column.kind, column.identifying, column.sensitive = "text", IDENTIFIERS.get(kind), True
