"""Metadata in the JSON format of SDV and SDMetrics, laid over what the data themselves show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulacra.errors import SchemaError
from simulacra.schema.importers._sdv_constraints import read_constraints
from simulacra.schema.types import Column, Schema, Table

IDENTIFIERS = {
    "email": "email", "phone_number": "phone", "ssn": "ssn", "name": "person.name", "first_name": "person.name",
    "last_name": "person.name", "ipv4_address": "ip", "ipv6_address": "ip", "url": "url", "iban": "iban",
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


def lay_over(content: Mapping[str, Any], seen: Schema) -> Schema:
    """Take the kinds of columns and the keys from metadata, and everything else from the data.

    Parameters
    ----------
    content : mapping
        The parsed JSON: of one table (``columns``) or of several (``tables``).
    seen : Schema
        What was inferred from the data: whether numbers are whole, formats, bounds, levels. The metadata do not say.

    Returns
    -------
    Schema
        The tables of `seen`. A column of ``sdtype`` ``id`` is a key; personal data (``pii``) is text that is made anew
        or left out, and sensitive; ``unknown`` keeps what the data show. Constraints are translated, and
        `Schema.notes` tells which could not be.

    Raises
    ------
    SchemaError
        The metadata lack a table or a column of the data, or are no such metadata; with the place.

    Notes
    -----
    **Source**: the format's public description, "Metadata JSON" (METADATA_SPEC_VERSION V1, SINGLE_TABLE_V1 and
    MULTI_TABLE_V1). Relations between tables are not read.

    Examples
    --------
    >>> seen = Schema((Table("t", (Column("zip", "number", integer=True),)),))
    >>> lay_over({"columns": {"zip": {"sdtype": "categorical"}}}, seen).table()["zip"].kind
    'category'
    """
    tables = content.get("tables", {"": content})
    if not isinstance(tables, Mapping) or not tables:
        raise SchemaError("metadata, field 'tables': expected names with their columns.")
    laid, notes = [], list(seen.notes)
    for table in seen.tables:
        facts = tables.get(table.name)
        if facts is None and len(tables) == len(seen.tables) == 1:
            facts = next(iter(tables.values()))
        if not isinstance(facts, Mapping):
            raise SchemaError(
                f"the metadata have no table {table.name!r}, which the data have: {', '.join(map(repr, tables))}. "
                "Name the file or the frame like the table."
            )
        columns = _lay_table(facts, table)
        constraints, told = read_constraints([*_rules(facts), *_rules(content, table.name)], columns)
        laid.append(replace(columns, constraints=constraints))
        notes += told
    return replace(seen, tables=tuple(laid), notes=tuple(notes))


def _rules(facts: Mapping[str, Any], table: str | None = None) -> list[Any]:
    """List the constraints of one table, which stand with it, or with its name beside all tables."""
    rules = facts.get("constraints")
    if not isinstance(rules, list) or (table is not None and "tables" not in facts):
        return []
    return [
        rule
        for rule in rules
        if table is None or (isinstance(rule, Mapping) and rule.get("table_name") == table)
    ]


def _lay_table(facts: Mapping[str, Any], table: Table) -> Table:
    columns = facts.get("columns")
    if not isinstance(columns, Mapping):
        raise SchemaError(f"metadata, table {table.name!r}: expected 'columns'.")
    lacking = [name for name in table.names if name not in columns]
    if lacking:
        raise SchemaError(
            f"metadata, table {table.name!r}: the column {lacking[0]!r} of the data is not there. "
            "Describe it, or leave it out of the data."
        )
    absent = [name for name in columns if name not in table.names]
    if absent:
        raise SchemaError(
            f"metadata, table {table.name!r}: the data have no column {absent[0]!r}. Take it out of the metadata."
        )
    key = facts.get("primary_key")
    keys = (key,) if isinstance(key, str) else tuple(key or ())
    laid = tuple(_lay_column(columns[column.name], column, table.name) for column in table.columns)
    return replace(table, columns=laid, key=tuple(name for name in keys if name in table.names))


def _lay_column(facts: Any, seen: Column, table: str) -> Column:
    kind = facts.get("sdtype") if isinstance(facts, Mapping) else None
    if not isinstance(kind, str):
        raise SchemaError(f"metadata, table {table!r}, column {seen.name!r}: it has no 'sdtype'.")
    plain = Column(seen.name, "text", nullable=seen.nullable)
    if kind == "unknown":
        return seen
    if kind == "numerical":
        whole = "int" in str(facts.get("computer_representation", "")).lower()
        return seen if seen.kind == "number" else replace(plain, kind="number", integer=whole or seen.integer)
    if kind == "categorical":
        return seen if seen.kind == "category" else replace(plain, kind="category")
    if kind == "boolean":
        return seen if seen.kind == "boolean" else replace(plain, kind="boolean")
    if kind == "datetime":
        dated = seen.kind in {"date", "datetime", "time"}
        return seen if dated else replace(plain, kind="datetime", format=facts.get("datetime_format"))
    if kind == "id":
        whole = seen.integer and facts.get("regex_format") is None
        return replace(plain, kind="key", integer=whole, pattern=facts.get("regex_format"))
    private = bool(facts.get("pii", kind not in _COMMON))
    if kind in IDENTIFIERS and private:
        return replace(plain, identifying=IDENTIFIERS[kind], sensitive=True)
    return replace(plain, sensitive=True) if private else seen
