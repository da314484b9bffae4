"""From tables that were guessed one by one to a schema of tables that refer to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from simulacra.schema._link_shape import apply_shape, judge_shape, settle_keys, settle_kinds
from simulacra.schema._link_values import may_link
from simulacra.schema.conformance import conform_column
from simulacra.schema.integrity import check_references
from simulacra.schema.links import find_links, sure
from simulacra.schema.types import Schema, Table

KEY, ROLE, ORDER = "(key)", "(role)", "(order)"
"""Where `Schema.reasons` has the reason for a table's key, role and order; that of a reference stands at its text."""


def relate_tables(raw: Mapping[str, pl.DataFrame], schema: Schema) -> Schema:
    """Return the schema with keys, references, roles and orders that the tables speak for.

    Parameters
    ----------
    raw : mapping of str to DataFrame
        The tables as they were read.
    schema : Schema
        What was guessed of each.

    Returns
    -------
    Schema
        Columns that refer have the kind of those that they lead to. `reasons` has the evidence.
    """
    frames = {table.name: _read(raw[table.name], table) for table in schema.tables}
    reasons = {name: dict(told) for name, told in schema.reasons.items()}
    for link in sure(find_links(frames, schema)):
        reference = link.reference
        schema = schema.with_reference(
            link.table, reference.columns, reference.table, reference.to, name=reference.name
        )
        told = reasons[link.table]
        told[str(reference)] = link.evidence
        for name in reference.columns:
            target = f"refers to {reference.table}"
            told[name] = f"{told[name]}; {target}" if target not in told[name] else told[name]
    schema, found = settle_keys(frames, schema)
    for name, reason in found.items():
        reasons[name][KEY] = reason
    schema = settle_kinds(schema)
    facts = check_references(frames, schema)
    if facts:
        for table in schema.tables:
            shape = judge_shape(frames[table.name], table, facts)
            schema = schema.with_table(apply_shape(table, shape))
            reasons[table.name][ROLE] = f"{shape.role}: {shape.why}"
            if shape.order:
                reasons[table.name][ORDER] = f"{shape.order}: {shape.order_why}"
    return replace(schema, reasons=reasons)


def _read(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Bring the columns that may refer or order rows to their canonical values, and no others."""
    columns = [
        conform_column(frame[column.name], column, table.name)[0]
        for column in table.columns
        if may_link(column)
    ]
    return pl.DataFrame(columns) if columns else frame.select([])
