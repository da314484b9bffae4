"""The draft of a contract as a schema: names matched, keys and references settled, constraints checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from simulacra.errors import PredicateError, SchemaError, UnknownName
from simulacra.schema._kinds import fit_constraint
from simulacra.schema.breaches import columns_of
from simulacra.schema.constraints import Constraint, Unique
from simulacra.schema.importers._filling import fill_column
from simulacra.schema.importers.drafts import (
    ColumnDraft,
    Draft,
    LinkDraft,
    Said,
    TableDraft,
    find_named,
)
from simulacra.schema.types import Column, Reference, Schema, Table

MAX_COLUMNS = 10_000
"""Columns of all tables together; a contract of more is refused."""


def assemble(draft: Draft, seen: Schema | None = None) -> Schema:
    """Make a schema of a draft.

    Parameters
    ----------
    draft : Draft
        What the contract says. Its tables and columns are renamed to those of the data where only the case differs.
    seen : Schema or None
        What the data show: bounds, levels and formats that the contract does not say, and tables that there are no
        rows of, which are left out. None: the contract alone.

    Returns
    -------
    Schema
        What could not be carried stands in its notes.

    Raises
    ------
    SchemaError
        There is no table, too much of it, or the data have a table that the contract lacks.

    Notes
    -----
    **Cost**: linear in columns.

    Examples
    --------
    >>> draft = Draft("the text", [TableDraft("t", [ColumnDraft("a", "number", limits=[(">=", 0), ("<=", 9)])])])
    >>> assemble(draft).table()["a"].bounds
    (0, 9)
    """
    if not draft.tables:
        raise SchemaError(f"{draft.source} describes no table that can be read. {_told(draft.notes)}")
    count = sum(len(table.columns) for table in draft.tables)
    if count > MAX_COLUMNS:
        raise SchemaError(f"{draft.source} has {count:,} columns; at most {MAX_COLUMNS:,} are read.")
    _drop_repeated(draft)
    if seen is not None:
        _match_tables(draft, seen)
    _settle_links(draft)
    _share_types(draft)
    names = _key_columns(draft, seen)
    tables = tuple(
        _assemble_table(table, _table_of(seen, table.name), names, draft.notes) for table in draft.tables
    )
    untyped = [f"{t.name}.{c.name}" for t, c in draft.columns() if c.kind is None and seen is None]
    if untyped:
        some = ", ".join(untyped[:5]) + (f" and {len(untyped) - 5} more" if untyped[5:] else "")
        draft.notes.append(f"{draft.source} does not say the type of {some}: taken for text.")
    reasons = {} if seen is None else {t.name: seen.reasons.get(t.name, {}) for t in tables}
    return Schema(tables, reasons, tuple(dict.fromkeys(draft.notes)))


def _told(notes: list[str]) -> str:
    return f"What was found: {' '.join(notes[:3])}" if notes else "Is this the right file?"


def _table_of(seen: Schema | None, name: str) -> Table | None:
    return next((table for table in seen.tables if table.name == name), None) if seen is not None else None


def _drop_repeated(draft: Draft) -> None:
    """Keep the first of two tables, or columns, of one name."""
    known: dict[str, TableDraft] = {}
    for table in draft.tables:
        if table.name in known:
            draft.notes.append(f"table {table.name!r} is described twice; the first description is used.")
            continue
        known[table.name] = table
        names: dict[str, ColumnDraft] = {}
        for column in table.columns:
            if column.name in names:
                draft.notes.append(
                    f"table {table.name!r}: column {column.name!r} is described twice; the first is used."
                )
            names.setdefault(column.name, column)
        table.columns = list(names.values())
        for pair in [*table.unique, table.key]:
            for name in pair:
                if table.column(name) is None:
                    draft.notes.append(
                        f"table {table.name!r}: a key names {name!r}, which is not one of its columns; it is left out."
                    )
        table.key = _spelt(table, table.key)
        table.unique = [names_ for pair in table.unique if (names_ := _spelt(table, pair))]
    draft.tables = list(known.values())


def _spelt(table: TableDraft, names: tuple[str, ...]) -> tuple[str, ...]:
    """Spell columns as their table does; nothing where one of them is not there."""
    found = [column.name for name in names if (column := table.column(name)) is not None]
    return tuple(dict.fromkeys(found)) if len(found) == len(names) else ()


def _match_tables(draft: Draft, seen: Schema) -> None:
    """Find the description of each table of the data, and take over the data's spelling."""
    kept: list[TableDraft] = []
    for table in seen.tables:
        found = (
            find_named(draft.tables, table.name)
            or _by_last_part(draft.tables, table.name)
            or next((one for one in draft.tables if one.other == table.name), None)
        )
        if found is None and len(seen.tables) == len(draft.tables) == 1:
            found = draft.tables[0]
        if found is None:
            names = ", ".join(repr(t.name) for t in draft.tables[:12])
            raise SchemaError(
                f"{draft.source} has no table {table.name!r}, which the data have: {names}. "
                "Name the file or the frame like the table."
            )
        _rename(draft, found, table)
        kept.append(found)
    absent = [table.name for table in draft.tables if not any(table is other for other in kept)]
    if absent:
        draft.notes.append(
            f"{draft.source} describes {', '.join(map(repr, absent[:8]))}{' and more' if absent[8:] else ''}, "
            "of which there are no data: left out."
        )
    draft.tables = kept


def _by_last_part(tables: list[TableDraft], name: str) -> TableDraft | None:
    """Find ``sales.orders`` for orders, where there is one such table."""
    wanted = name.casefold().rpartition(".")[2]
    found = [table for table in tables if table.name.casefold().rpartition(".")[2] == wanted]
    return found[0] if len(found) == 1 else None


def _rename(draft: Draft, table: TableDraft, seen: Table) -> None:
    """Take over the names that the data have, everywhere that they are referred to."""
    old = table.name
    renamed: dict[str, str] = {}
    for column in table.columns:
        same = find_named(seen.columns, column.name)
        if same is not None and table.column(same.name) is column:
            renamed[column.name] = same.name
            column.name = same.name

    def spell(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(renamed.get(name, name) for name in names)

    table.key, table.unique = spell(table.key), [spell(names) for names in table.unique]
    table.order = renamed.get(table.order, table.order) if table.order else None
    for other in draft.tables:
        for link in other.links:
            if other is table:
                link.columns = tuple(renamed.get(name, name) for name in link.columns)
            if draft.table(link.table) is table:
                link.to = spell(link.to)
    if old != seen.name:
        for other in draft.tables:
            for link in other.links:
                if link.table == old:
                    link.table = seen.name
        table.name = seen.name
    if table.partial:
        known = {column.name for column in table.columns}
        more = [ColumnDraft(c.name, nullable=c.nullable) for c in seen.columns if c.name not in known]
        if more and table.columns:
            names = ", ".join(repr(column.name) for column in more[:8])
            draft.notes.append(
                f"table {table.name!r}: {draft.source} does not describe {names}"
                f"{' and more' if more[8:] else ''}: taken as the data show."
            )
        table.columns += more


def _settle_links(draft: Draft) -> None:
    """Spell both ends of each reference; tell of those that lead nowhere."""
    for table in draft.tables:
        kept: list[LinkDraft] = []
        for link in table.links:
            said = f"table {table.name!r}: the reference from {', '.join(link.columns)} to {link.table!r}"
            other = draft.table(link.table) or _by_last_part(draft.tables, link.table)
            if other is None:
                draft.notes.append(f"{said} is left out: there is no such table.")
                continue
            columns = _spelt(table, link.columns)
            to = _spelt(other, link.to or other.key)
            if len(columns) != len(link.columns) or len(to) != len(columns) or not columns:
                why = (
                    f"{other.name!r} has no key of as many columns"
                    if columns
                    else "it names a column twice, or none"
                )
                draft.notes.append(f"{said} is left out: {why}.")
                continue
            kept.append(LinkDraft(columns, other.name, to, link.name))
        unique = {(link.columns, link.table, link.to): link for link in reversed(kept)}
        table.links = list(reversed(unique.values()))


def _ends(draft: Draft) -> Iterator[tuple[ColumnDraft, ColumnDraft]]:
    for table in draft.tables:
        for link in table.links:
            other = draft.table(link.table)
            for name, to in zip(link.columns, link.to):
                one, two = table.column(name), other.column(to) if other else None
                if one is not None and two is not None and one is not two:
                    yield one, two


def _share_types(draft: Draft) -> None:
    """Give a column that refers the type of the column that it leads to, along chains; and back where that has none."""
    ends = list(_ends(draft))
    # each pass carries a type one step further; a chain is at most as long as there are references
    for _ in range(min(len(ends), 50)):
        changed = False
        for one, two in ends:
            for source, target in ((two, one), (one, two)):
                if target.kind is None and source.kind is not None:
                    _copy_type(source, target)
                    changed = True
        if not changed:
            break
    for one, two in ends:
        if _is_text(one.kind) != _is_text(two.kind) and two.kind is not None:
            draft.notes.append(
                f"column {one.name!r} has another type than {two.name!r}, which it refers to; the latter is used."
            )
            _copy_type(two, one)
        elif two.levels is not None:
            _copy_type(two, one)


def _key_columns(draft: Draft, seen: Schema | None) -> set[tuple[str, str]]:
    """List the columns whose values are names of rows, and nothing else: (table, column)."""
    found = {(t.name, t.key[0]) for t in draft.tables if len(t.key) == 1}
    found |= {(t.name, link.columns[0]) for t in draft.tables for link in t.links if len(link.columns) == 1}
    if seen is None:
        # without data nothing says that a text in a key is anything else
        found |= {(t.name, c.name) for t, c in draft.columns() if c.name in t.key and c.kind == "string"}
    ends = [
        ((t.name, name), (link.table, to))
        for t in draft.tables
        for link in t.links
        for name, to in zip(link.columns, link.to)
    ]
    for _ in ends:
        more = {one for one, two in ends if two in found} - found
        if not more:
            break
        found |= more
    return found


def _is_text(kind: Said) -> bool:
    return kind in {"string", "text", "category", "key"}


def _copy_type(source: ColumnDraft, target: ColumnDraft) -> None:
    target.kind, target.integer, target.decimals = source.kind, source.integer, source.decimals
    target.timezone, target.format, target.levels = source.timezone, source.format, source.levels
    target.pattern = source.pattern


def _assemble_table(
    draft: TableDraft, seen: Table | None, names: set[tuple[str, str]], notes: list[str]
) -> Table:
    """Make one table; what contradicts itself is told and left out."""
    columns: list[Column] = []
    asked: list[Constraint] = []
    for column in draft.columns:
        if column.name in draft.key:
            column.nullable = False
        known = find_named(seen.columns, column.name) if seen is not None else None
        filled = fill_column(
            column,
            known,
            key=(draft.name, column.name) in names,
            table=draft.name,
        )
        columns.append(filled.column)
        asked += filled.rules
        notes += filled.notes
    table = Table(draft.name, tuple(columns), role=draft.role)
    kinds = {column.name: column.kind for column in columns}
    key = draft.key
    if not key and seen is not None and all(kinds.get(name) == "key" for name in seen.key):
        key = seen.key
    references = tuple(Reference(link.columns, link.table, link.to, link.name) for link in draft.links)
    table = replace(table, key=key, references=references)
    if draft.order is not None:
        try:
            table = replace(table, order=draft.order)
        except SchemaError as error:
            notes.append(f"the order is left out: {error}")
    constraints = [
        *(Unique(names) for names in draft.unique if set(names) != set(key)),
        *asked,
        *_made(draft, notes),
    ]
    by_name = {column.name: column for column in columns}
    fitted: list[Constraint] = []
    for constraint in dict.fromkeys(constraints):
        try:
            one = fit_constraint(constraint, by_name)
            columns_of(one, table)
            fitted.append(one)
        except (SchemaError, PredicateError, UnknownName) as error:
            notes.append(f"table {draft.name!r}: the constraint {constraint} is left out: {error}")
    return replace(table, constraints=tuple(fitted))


def _made(draft: TableDraft, notes: list[str]) -> Iterator[Constraint]:
    for called, make in draft.rules:
        try:
            yield make()
        except (SchemaError, PredicateError) as error:
            notes.append(f"table {draft.name!r}: {called} is left out: {error}")
