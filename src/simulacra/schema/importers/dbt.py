"""Properties of a dbt project (``schema.yml``): models, seeds, snapshots and sources with their tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from simulacra.schema.constraints import Check
from simulacra.schema.importers._keywords import (
    Facts,
    in_full,
    is_secret,
    mappings,
    names,
    set_levels,
    set_limits,
)
from simulacra.schema.importers._types import set_type_named
from simulacra.schema.importers.assembly import assemble
from simulacra.schema.importers.drafts import ColumnDraft, Draft, LinkDraft, TableDraft
from simulacra.schema.types import Schema

_LISTS = ("models", "seeds", "snapshots", "sources")
_TARGET = re.compile(r"""(?:ref|source)\s*\(\s*(?:['"][^'"]*['"]\s*,\s*)?['"]([^'"]+)['"]""")
_QUIET = {"not_null", "unique", "recency", "freshness", "dbt_utils.recency", "dbt_utils.at_least_one"}


def is_dbt(content: Any) -> bool:
    """Tell whether parsed YAML is a properties file of dbt.

    Examples
    --------
    >>> is_dbt({"version": 2, "models": [{"name": "orders"}]}), is_dbt({"version": 1, "tables": {}})
    (True, False)
    """
    if not isinstance(content, Mapping) or "tables" in content:
        return False
    return any(isinstance(content.get(word), list) for word in _LISTS)


def read_dbt(content: Facts, seen: Schema | None = None) -> Schema:
    """Read a properties file of dbt as a schema.

    Parameters
    ----------
    content : mapping
        The parsed YAML.
    seen : Schema or None
        What data show; see `simulacra.schema.importers.assembly.assemble`. Columns that the file does not describe are
        taken from them.

    Returns
    -------
    Schema
        One table per model, seed, snapshot and table of a source. Tests and constraints become what they say: keys,
        references, levels, bounds, checks; a column that is tested to be ``unique`` and ``not_null`` is the key.

    Raises
    ------
    SchemaError
        No table is described.

    Notes
    -----
    A test under a ``where`` or with a severity of ``warn`` does not hold for every row, and is left out with a note, as
    are tests that have no counterpart. Templates other than ``ref`` and ``source`` are not evaluated.

    **Source**: dbt documentation, "Model properties", "Data tests" and "Constraints".

    Examples
    --------
    >>> columns = [{"name": "id", "data_type": "int", "data_tests": ["unique", "not_null"]}]
    >>> read_dbt({"models": [{"name": "orders", "columns": columns}]}).table("orders").key
    ('id',)
    """
    draft = Draft("the dbt file")
    for word in _LISTS:
        for facts in mappings(content.get(word)):
            if word == "sources":
                for table in mappings(facts.get("tables")):
                    _add_table(draft, table, str(table.get("identifier") or table.get("name")))
            else:
                config = facts.get("config")
                alias = facts.get("alias") or (config.get("alias") if isinstance(config, Mapping) else None)
                _add_table(draft, facts, str(alias or facts.get("name")))
    if seen is None:
        bare = [table.name for table in draft.tables if not table.columns]
        if bare:
            draft.notes.append(
                f"the dbt file describes no column of {', '.join(map(repr, bare[:8]))}: left out."
            )
        draft.tables = [table for table in draft.tables if table.columns]
    return assemble(draft, seen)


def _add_table(draft: Draft, facts: Facts, name: str) -> None:
    known = draft.table(name)
    if known is not None and known.columns:
        # a model is often declared as the source of others, with less to say
        draft.notes.append(f"table {name!r} is described twice; the first description is used.")
        return
    table = known or TableDraft(name, partial=True, other=str(facts.get("name")))
    tested: dict[str, set[str]] = {}
    for described in mappings(facts.get("columns")):
        column = ColumnDraft(str(described.get("name")))
        table.columns.append(column)
        kind = described.get("data_type")
        told = set_type_named(column, kind) if isinstance(kind, str) else None
        if told:
            draft.notes.append(f"table {name!r}, column {column.name!r}: {told}.")
        meta = described.get("meta")
        marks = meta if isinstance(meta, Mapping) else {}
        column.sensitive = any(
            bool(marks.get(word)) for word in ("pii", "contains_pii", "sensitive")
        ) or is_secret(marks.get("classification"))
        tested[column.name] = {
            _add_test(draft, table, column, *test) for test in _tests(draft, described, table, column.name)
        }
        for constraint in mappings(described.get("constraints")):
            _add_constraint(table, constraint, (column.name,))
    for test in _tests(draft, facts, table, None):
        _add_test(draft, table, None, *test)
    for constraint in mappings(facts.get("constraints")):
        _add_constraint(table, constraint, names(constraint.get("columns")))
    if not table.key:
        table.key = next(((name,) for name, words in tested.items() if {"unique", "not_null"} <= words), ())
    if known is None:
        draft.tables.append(table)


def _tests(draft: Draft, facts: Facts, table: TableDraft, column: str | None) -> Iterator[tuple[str, Facts]]:
    """Give the tests that hold for every row: name and arguments."""
    for word in ("data_tests", "tests"):
        listed = facts.get(word)
        for test in listed if isinstance(listed, list) else ():
            if isinstance(test, str):
                yield test, {}
            if not isinstance(test, Mapping):
                continue
            given = {k: v for k, v in test.items() if k not in {"name", "config", "description"}}
            kind = str(given.pop("test_name", None) or next(iter(given), ""))
            inner = given.get(kind, given)
            arguments = dict(inner) if isinstance(inner, Mapping) else {}
            more = arguments.pop("arguments", None)
            arguments |= dict(more) if isinstance(more, Mapping) else {}
            config = {**_mapping(test.get("config")), **_mapping(arguments.get("config")), **arguments}
            if config.get("where") or str(config.get("severity", "")).lower() == "warn":
                place = f"table {table.name!r}" + (f", column {column!r}" if column else "")
                draft.notes.append(f"{place}: the test {kind!r} is left out: it does not hold for every row.")
                continue
            yield kind, arguments


def _mapping(value: Any) -> Facts:
    return value if isinstance(value, Mapping) else {}


def _add_test(draft: Draft, table: TableDraft, column: ColumnDraft | None, kind: str, given: Facts) -> str:
    """Put a test into its table; return the test's name without its package."""
    word = kind.rpartition(".")[2]
    own = (column.name,) if column is not None else names(given.get("column_name"))
    about = column if column is not None else table.column(own[0]) if own else None
    if word == "unique" and own:
        table.unique.append(own)
    elif word == "not_null" and about is not None:
        about.nullable = False
    elif word in {"accepted_values", "expect_column_values_to_be_in_set"} and about is not None:
        values = given.get("values", given.get("value_set"))
        if about.kind == "number" or given.get("quote") is False or given.get("quote_values") is False:
            about.kind = about.kind or "number"
        set_levels(about, values if about.kind == "number" else _words(values))
    elif word == "relationships" and own:
        found = _TARGET.search(str(given.get("to")))
        to = found[1] if found else str(given.get("to"))
        table.links.append(LinkDraft(own, to, names(given.get("field"))))
    elif word in {"unique_combination_of_columns", "expect_compound_columns_to_be_unique"}:
        table.unique.append(names(given.get("combination_of_columns") or given.get("column_list")))
    elif word in {"accepted_range", "expect_column_values_to_be_between"} and about is not None:
        strict = given.get("inclusive") is False or given.get("strictly") is True
        low, high = ("exclusiveMinimum", "exclusiveMaximum") if strict else ("minimum", "maximum")
        set_limits(about, {low: given.get("min_value"), high: given.get("max_value")})
    elif word == "expect_column_values_to_match_regex" and about is not None:
        about.pattern = in_full(given.get("regex"))
    elif word == "expression_is_true" and isinstance(given.get("expression"), str):
        # beside a column the expression is what follows its name
        sql = f"{about.name if about is not None else ''} {given['expression']}".strip()
        table.add_rule(f"the test {kind!r} ({sql})", lambda: Check(sql))
    elif kind not in _QUIET:
        place = f"table {table.name!r}" + (f", column {own[0]!r}" if own else "")
        draft.notes.append(f"{place}: the test {kind!r} is left out: it has no counterpart here.")
    return word


def _words(values: Any) -> Any:
    return [str(v) if not isinstance(v, bool) else v for v in values] if isinstance(values, list) else values


def _add_constraint(table: TableDraft, facts: Facts, columns: tuple[str, ...]) -> None:
    """Put a constraint, of a model or of one column, into its table."""
    kind = str(facts.get("type"))
    if kind == "not_null":
        for name in columns:
            column = table.column(name)
            if column is not None:
                column.nullable = False
    elif kind == "primary_key" and columns:
        table.key = columns
    elif kind == "unique" and columns:
        table.unique.append(columns)
    elif kind == "check" and isinstance(facts.get("expression"), str):
        sql = str(facts["expression"])
        table.add_rule(f"the check {sql!r}", lambda: Check(sql))
    elif kind == "foreign_key" and columns:
        written = str(facts.get("to") or facts.get("expression") or "")
        found = _TARGET.search(written)
        plain = re.match(r"\s*(?:references\s+)?([\w.\"]+)\s*(?:\(([^)]*)\))?", written, re.IGNORECASE)
        to = names(facts.get("to_columns"))
        if found:
            table.links.append(LinkDraft(columns, found[1], to))
        elif plain:
            listed = tuple(part.strip().strip('"') for part in (plain[2] or "").split(",") if part.strip())
            table.links.append(LinkDraft(columns, plain[1].rpartition(".")[2].strip('"'), to or listed))
