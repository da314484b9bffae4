"""One item of CREATE TABLE, a column or a constraint, put into the draft of its table."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from simulacra.schema.constraints import Equality
from simulacra.schema.importers._ddl_checks import plain_sql
from simulacra.schema.importers._ddl_statements import QUALIFIED, split_name
from simulacra.schema.importers._defaults import plain_default
from simulacra.schema.importers._types import set_type, set_type_named
from simulacra.schema.importers.drafts import ColumnDraft, Draft, LinkDraft, TableDraft

_OTHER_TRIES = ("postgres", "mysql", "tsql", "sqlite")
_MAX_ITEM = 100_000
_OF_ORACLE = re.compile(
    r"\bUSING\s+INDEX\b.*|\b(?:ENABLE|DISABLE|NOVALIDATE|VALIDATE)\b|\bNOT\s+DEFERRABLE\b",
    re.IGNORECASE | re.DOTALL,
)
_NO_COLUMN = re.compile(
    r"(?:CONSTRAINT|PRIMARY\s+KEY|UNIQUE|FOREIGN\s+KEY|CHECK|EXCLUDE|INDEX|KEY|FULLTEXT|SPATIAL|LIKE|PERIOD|PARTITION)\b",
    re.IGNORECASE,
)
_TYPE_ENDS = re.compile(
    r"\b(?:NOT|NULL|DEFAULT|PRIMARY|UNIQUE|REFERENCES|CHECK|CONSTRAINT|COLLATE|GENERATED|AS|AUTO_?INCREMENT|IDENTITY|ON"
    r"|COMMENT|CHARACTER\s+SET|ENCODE|OPTIONS|VIRTUAL|STORED|INVISIBLE|DISTKEY|SORTKEY)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Script:
    """What is known of a script so far.

    Parameters
    ----------
    dialect : str
        Whose SQL it is.
    draft : Draft
        Gathers tables and notes.
    tables : dict
        Tables by the parts of their names in lower case.
    levels : dict
        Enumerations by name.
    domains : dict
        Other named types: a column that has what the type says, and its checks.
    checks : list of (TableDraft, expression, ColumnDraft or None)
        Checks, which are read when all columns are known; with the column that VALUE stands for.
    """

    dialect: str
    draft: Draft
    tables: dict[tuple[str, ...], TableDraft] = field(default_factory=dict)
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    domains: dict[str, tuple[ColumnDraft, list[Any]]] = field(default_factory=dict)
    checks: list[tuple[TableDraft, Any, ColumnDraft | None]] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep a sentence on what was left out."""
        self.draft.notes.append(text)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the parser from telling the console what it falls back to: we read its answer."""
    logger, mute = logging.getLogger("sqlglot"), lambda record: False
    logger.addFilter(mute)
    try:
        yield
    finally:
        logger.removeFilter(mute)


def parse_item(item: str, dialect: str) -> exp.Expression | None:
    """Parse a column or a constraint; None where no dialect can."""
    if len(item) > _MAX_ITEM:
        return None
    tries = [item, _OF_ORACLE.sub(" ", item)]
    for one in (dialect, *(other for other in _OTHER_TRIES if other != dialect)):
        for text in dict.fromkeys(tries):
            with suppress(SqlglotError, RecursionError, ValueError), _quiet():
                found = sqlglot.parse_one(f"CREATE TABLE t ({text})", dialect=one)
                if isinstance(found, exp.Create) and isinstance(found.this, exp.Schema):
                    return _only(found.this.expressions)
    return None


def _only(found: list[Any]) -> exp.Expression | None:
    return found[0] if len(found) == 1 else None


def add_item(script: Script, table: TableDraft, item: str) -> None:
    """Put a column or a constraint into the draft of its table.

    Parameters
    ----------
    script : Script
        Knows types and gathers checks.
    table : TableDraft
        Changed in place.
    item : str
        What stands between two commas.
    """
    node = parse_item(item, script.dialect)
    if isinstance(node, exp.Identifier):
        node = exp.ColumnDef(this=node)
    if isinstance(node, exp.ColumnDef):
        _add_column(script, table, node)
    elif node is not None:
        parts = node.expressions if isinstance(node, exp.Constraint) else [node]
        _add_constraint(script, table, parts, item)
    elif _NO_COLUMN.match(item):
        script.note(f"table {table.name!r}: {_short(item)} is left out: it can not be understood.")
    else:
        _add_plain(script, table, item)


def _short(item: str) -> str:
    text = " ".join(item.split())
    return f"'{text[:60]}...'" if len(text) > 60 else f"'{text}'"


def _add_column(script: Script, table: TableDraft, node: exp.ColumnDef) -> None:
    column = ColumnDraft(node.this.name)
    if isinstance(node.args.get("kind"), exp.DataType):
        _type_column(script, table, column, node.args["kind"])
    table.columns = [other for other in table.columns if other.name != column.name] + [column]
    for constraint in node.args.get("constraints") or ():
        _mark_column(script, table, column, constraint.args.get("kind"))


def _type_column(script: Script, table: TableDraft, column: ColumnDraft, kind: exp.DataType) -> None:
    """Say what a type means; one that the script makes stands for its levels or for another type."""
    if kind.this == exp.DataType.Type.USERDEFINED:
        name = str(kind.args.get("kind") or "")
        if not _use_named(script, table, column, name):
            told = set_type_named(column, name.rpartition(".")[2], script.dialect)
            if told:
                script.note(f"table {table.name!r}, column {column.name!r}: {told}.")
        return
    told = set_type(column, kind, script.dialect)
    if told:
        script.note(f"table {table.name!r}, column {column.name!r}: {told}.")


def _use_named(script: Script, table: TableDraft, column: ColumnDraft, name: str) -> bool:
    word = split_name(name)[-1].casefold() if split_name(name) else ""
    if word in script.levels:
        column.kind, column.levels = "category", script.levels[word]
        return True
    if word not in script.domains:
        return False
    known, checks = script.domains[word]
    column.kind, column.integer, column.decimals = known.kind, known.integer, known.decimals
    column.timezone, column.lengths, column.levels = known.timezone, known.lengths, known.levels
    column.limits, column.pattern = list(known.limits), known.pattern
    column.nullable = column.nullable and known.nullable
    script.checks += [(table, check.copy(), column) for check in checks]
    return True


def _mark_column(script: Script, table: TableDraft, column: ColumnDraft, mark: Any) -> None:
    match mark:
        case exp.NotNullColumnConstraint():
            column.nullable = bool(mark.args.get("allow_null"))
        case exp.PrimaryKeyColumnConstraint():
            table.key = (column.name,)
        case exp.UniqueColumnConstraint():
            table.unique.append((column.name,))
        case exp.CheckColumnConstraint():
            script.checks.append((table, mark.this, None))
        case exp.DefaultColumnConstraint() if isinstance(mark.this, exp.Expression):
            column.default = plain_default(mark.this)
        case exp.Reference():
            _add_link(table, (column.name,), mark)
        case exp.ComputedColumnConstraint() if mark.this is not None:
            node = mark.this
            if column.kind is None and isinstance(node.unnest(), (exp.Add, exp.Sub, exp.Mul, exp.Div)):
                column.kind, column.integer = "number", False
            table.add_rule(
                f"what computes {column.name!r}", lambda: Equality(column.name, plain_sql(node, table))
            )


def _add_constraint(script: Script, table: TableDraft, parts: list[Any], item: str) -> None:
    clustered = next(
        (p.this for p in parts if isinstance(p, (exp.ClusteredColumnConstraint, exp.NonClusteredColumnConstraint))),
        None,
    )  # fmt: skip
    for part in parts:
        match part:
            case exp.PrimaryKey():
                table.key = _columns(script, table, part.expressions, item) or table.key
            case exp.PrimaryKeyColumnConstraint():
                table.key = _columns(script, table, clustered or [], item) or table.key
            case exp.UniqueColumnConstraint():
                inner = part.this
                plain = isinstance(inner, exp.Schema)
                # SQL Server says in between how the rows are stored
                listed = inner.expressions if plain else inner.this if inner is not None else clustered or []
                names = _columns(script, table, listed, item)
                table.unique += [names] if names else []
            case exp.ForeignKey():
                names = _columns(script, table, part.expressions, item)
                if names and isinstance(part.args.get("reference"), exp.Reference):
                    _add_link(table, names, part.args["reference"])
            case exp.CheckColumnConstraint():
                script.checks.append((table, part.this, None))
            case exp.ExcludeColumnConstraint() | exp.LikeProperty():
                script.note(f"table {table.name!r}: {_short(item)} is left out: it has no counterpart here.")


def _columns(script: Script, table: TableDraft, nodes: Iterable[Any], item: str) -> tuple[str, ...]:
    """Name the columns of a key; nothing where it is of expressions or of the beginnings of texts."""
    names = []
    for node in nodes:
        plain = node.this if isinstance(node, exp.Ordered) else node
        if not isinstance(plain, (exp.Identifier, exp.Column)):
            script.note(f"table {table.name!r}: {_short(item)} is left out: it is not of whole columns.")
            return ()
        names.append(plain.name)
    return tuple(names)


def _add_link(table: TableDraft, columns: tuple[str, ...], node: exp.Reference) -> None:
    target = node.this
    to = tuple(part.name for part in target.expressions) if isinstance(target, exp.Schema) else ()
    named = target.this if isinstance(target, exp.Schema) else target
    if isinstance(named, exp.Table):
        parts = [part.name for part in named.parts]
        table.links.append(LinkDraft(columns, ".".join(parts), to))


def _add_plain(script: Script, table: TableDraft, item: str) -> None:
    """Read name, type and plain marks of a column whose definition no dialect can parse whole."""
    match = re.match(rf"\s*({QUALIFIED})\s*(.*)", item, re.DOTALL)
    if match is None:
        script.note(f"table {table.name!r}: {_short(item)} is left out: it can not be understood.")
        return
    rest = match[2]
    end = _TYPE_ENDS.search(rest)
    written, marks = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    column = ColumnDraft(split_name(match[1])[-1])
    if written.strip() and not _use_named(script, table, column, written.strip()):
        told = set_type_named(column, written, script.dialect)
        if told:
            script.note(f"table {table.name!r}, column {column.name!r}: {told}.")
    column.nullable = re.search(r"\bNOT\s+NULL\b", marks, re.IGNORECASE) is None
    if re.search(r"\bPRIMARY\s+KEY\b", marks, re.IGNORECASE):
        table.key = (column.name,)
    if re.search(r"\bUNIQUE\b", marks, re.IGNORECASE):
        table.unique.append((column.name,))
    refers = re.search(rf"\bREFERENCES\s+({QUALIFIED})\s*(?:\(\s*({QUALIFIED})\s*\))?", marks, re.IGNORECASE)
    if refers:
        to = (split_name(refers[2])[-1],) if refers[2] else ()
        table.links.append(LinkDraft((column.name,), ".".join(split_name(refers[1])), to))
    if re.search(r"\b(?:CHECK|GENERATED|AS)\b", marks, re.IGNORECASE):
        script.note(
            f"table {table.name!r}, column {column.name!r}: {_short(marks)} is not understood, and left out."
        )
    table.columns.append(column)
