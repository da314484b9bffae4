"""Checks and defaults of a schema in the words of a database system, as far as it has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from simulacra.databases.rendering import quote_name
from simulacra.databases.sqltypes import SqlType
from simulacra.errors import SimulacraError
from simulacra.schema.constraints import Check, Implies
from simulacra.schema.crossing import crosses
from simulacra.schema.importers.drafts import constant, quote
from simulacra.schema.predicates import parse_sql
from simulacra.schema.types import Column, Table

SYSTEMS = {"sqlite": "SQLite", "duckdb": "DuckDB", "postgresql": "PostgreSQL", "mysql": "MySQL or MariaDB"}
"""What the systems are called in sentences."""

_DIALECTS = {"postgresql": "postgres"}
_EVERYWHERE = (
    exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.And, exp.Or, exp.Not, exp.EQ,
    exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In, exp.Between, exp.Is, exp.Like, exp.Escape, exp.Neg, exp.Length,
    exp.Lower, exp.Upper, exp.Coalesce, exp.Nullif, exp.Case, exp.If, exp.Abs, exp.NullSafeEQ, exp.NullSafeNEQ,
)  # fmt: skip
_SUMS = (exp.Add, exp.Sub, exp.Mul, exp.Mod)
_MORE: dict[str, tuple[type, ...]] = {
    "sqlite": (exp.Substring,),
    "mysql": (exp.Substring, exp.Round, exp.Extract, exp.Var),
    "duckdb": (exp.Substring, exp.Round, exp.Extract, exp.Var, exp.RegexpLike, exp.ILike),
}
_PARTS = {"year", "month", "day", "hour"}
_FIXED = (exp.Literal, exp.Neg, exp.Boolean)
_MOMENTS = {"date", "time", "timestamp", "timestamptz"}


def list_checks(
    table: Table, types: Mapping[str, SqlType], dialect: str, *, own: bool = False
) -> tuple[tuple[str, ...], list[str]]:
    """Write what the rows of a table keep as checks of a system.

    Parameters
    ----------
    table : Table
        Its checks, and the declared bounds and levels of its columns. Rules that no database has a word for, and those
        that read other tables, are passed over.
    types : mapping of str to SqlType
        The types that its columns get.
    dialect : str
        The system.
    own : bool
        Whether the checks are from a database of the same system, which knows all that stands in them.

    Returns
    -------
    checks : tuple of str
        Conditions that are FALSE for no row that keeps to the schema.
    notes : list of str
        What the system can not say, one sentence each.

    Examples
    --------
    >>> table = Table("t", (Column("Net", "number"), Column("gross", "number")), constraints=(Check("net <= gross"),))
    >>> list_checks(table, {}, "mysql")
    (('`Net` <= `gross`',), [])
    """
    checks, notes = [], []
    for said in dict.fromkeys(_sayings(table, types, dialect)):
        try:
            checks.append(_translate(said, table, dialect, own=own))
        except (SimulacraError, SqlglotError, RecursionError, _Unsayable):
            notes.append(tell_unsaid(table.name, said, f"{SYSTEMS[dialect]} has no words for it"))
    return tuple(dict.fromkeys(checks)), notes


def tell_unsaid(table: str, check: str, why: str) -> str:
    """Say that a check is not declared.

    Examples
    --------
    >>> tell_unsaid("t", "a > 1", "some rows break it")
    "table 't': the check a > 1 is not declared: some rows break it."
    """
    return f"table {table!r}: the check {check} is not declared: {why}."


def write_default(column: Column, type: SqlType, text: str, dialect: str, *, own: bool = False) -> str | None:
    """Write the default of a column as a system says it.

    Parameters
    ----------
    column : Column
        It has one.
    type : SqlType
        The type that it gets.
    text : str
        The type in the system's words.
    dialect : str
        The system.
    own : bool
        Whether the default is from a database of the same system.

    Returns
    -------
    str or None
        None where the system can not say it.

    Examples
    --------
    >>> moment = Column("at", "datetime", default="CURRENT_TIMESTAMP")
    >>> write_default(moment, SqlType("timestamp"), "datetime(6)", "mysql")
    'CURRENT_TIMESTAMP(6)'
    """
    try:
        node = parse_one(column.default or "", dialect="postgres")
    except (SqlglotError, RecursionError):
        return None
    family = type.family
    if isinstance(node, exp.CurrentTimestamp) and family in _MOMENTS:
        return _now(family, text, dialect)
    if isinstance(node, exp.CurrentDate) and family in _MOMENTS:
        return "(CURRENT_DATE)" if dialect == "mysql" else "CURRENT_DATE"
    if isinstance(node, exp.Uuid):
        return {"postgresql": "gen_random_uuid()", "mysql": "(uuid())", "duckdb": "uuid()"}.get(dialect)
    if isinstance(node, _FIXED):
        if not own and family in {"array", "bytes", "bit", "interval", "other"}:
            return None  # systems write such values in ways of their own
        return _fixed(node, family, dialect)
    if not own and dialect != "postgresql":
        return None
    written = node.sql(dialect=_DIALECTS.get(dialect, dialect), comments=False)
    return written if dialect == "postgresql" else f"({written})"


def _now(family: str, text: str, dialect: str) -> str:
    if dialect != "mysql":
        plain = dialect == "duckdb" and family != "timestamptz"
        return f"CAST(CURRENT_TIMESTAMP AS {text})" if plain else "CURRENT_TIMESTAMP"
    if family in {"date", "time"}:
        return f"(CURRENT_{family.upper()})"
    digits = re.search(r"\(\d\)", text)
    return f"CURRENT_TIMESTAMP{digits[0] if digits else ''}"


def _fixed(node: exp.Expression, family: str, dialect: str) -> str:
    if family == "boolean" and dialect in {"sqlite", "mysql"}:
        return "1" if node.name.lower() in {"true", "t", "1", "yes", "on"} else "0"
    written = node.sql(dialect=_DIALECTS.get(dialect, dialect))
    # MySQL takes constants for long texts as expressions only
    return f"({written})" if dialect == "mysql" and family in {"text", "json", "other"} else written


def _sayings(table: Table, types: Mapping[str, SqlType], dialect: str) -> Iterator[str]:
    """Go through all checks in the SQL of schemas."""
    listed = []
    for rule in table.constraints:
        if crosses(rule, table):
            continue
        if isinstance(rule, Check) and not _is_length(rule, table, types):
            listed.append(rule.sql)
        elif isinstance(rule, Implies):
            listed.append(f"NOT ({rule.when}) OR ({rule.then})")
    for column in table.columns:
        name, type = quote(column.name), types.get(column.name)
        if not column.declared or (type is not None and type.family == "enum" and dialect != "sqlite"):
            continue
        if column.levels:
            yield f"{name} IN ({', '.join(map(constant, column.levels))})"
        elif column.bounds is not None and column.kind in {"number", "date", "datetime", "time"}:
            if any(text.startswith(f"{name} in (") for text in listed):
                continue
            low, high = (constant(_shown(bound, dialect)) for bound in column.bounds)
            yield f"{name} BETWEEN {low} AND {high}"
    yield from listed


def _shown(bound: object, dialect: str) -> object:
    """Write an instant as its column holds it."""
    if not isinstance(bound, datetime):
        return bound
    zone = "+00:00" if bound.tzinfo and dialect != "mysql" else ""
    return bound.replace(tzinfo=None).isoformat(" ") + zone


def _is_length(rule: Check, table: Table, types: Mapping[str, SqlType]) -> bool:
    """Tell whether the type of a column says what a check says."""
    found = re.fullmatch(r'length\("(.+)"\) <= (\d+)', rule.sql)
    type = types.get(found[1].replace('""', '"')) if found else None
    return bool(found and type is not None and type.length is not None and type.length <= int(found[2]))


class _Unsayable(Exception):
    """A system has no words for a part of a condition, or other ones."""


def _translate(said: str, table: Table, dialect: str, *, own: bool) -> str:
    node = parse_sql(said, table).transform(_simple, table)
    more = _MORE.get(dialect, ())
    for part in node.walk():
        if own or isinstance(part, (*_EVERYWHERE, *more)):
            known = (
                not isinstance(part, exp.Extract)
                or dialect == "postgresql"
                or part.this.name.lower() in _PARTS
            )
        elif isinstance(part, _SUMS):
            known = all(table[column.name].kind == "number" for column in part.find_all(exp.Column))
        else:
            known = dialect == "postgresql" and not isinstance(part, exp.Div)
        if not known:
            raise _Unsayable
    return node.sql(dialect=_DIALECTS.get(dialect, dialect), comments=False)


def _simple(node: exp.Expression, table: Table) -> exp.Expression:
    """Spell columns as their table does, and leave it to the column what type a constant has."""
    if isinstance(node, exp.Column):
        same = [name for name in table.names if name == node.name] or [
            name for name in table.names if name.casefold() == node.name.casefold()
        ]
        return exp.column(exp.to_identifier(same[0], quoted=True)) if same else node
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal) and node.this.is_string:
        return node if node.to.is_type("interval") else node.this
    return node


def write_checks(checks: tuple[str, ...]) -> list[str]:
    """Write checks as parts of a statement.

    Examples
    --------
    >>> write_checks(("a > 1",))
    ['CHECK (a > 1)']
    """
    return [f"CHECK ({check})" for check in checks]


def find_breach(table: str, check: str, dialect: str) -> str:
    """Write the query for a row that breaks a check.

    Examples
    --------
    >>> find_breach("t", '"a" > 1', "sqlite")
    'SELECT 1 FROM "t" WHERE NOT ("a" > 1) LIMIT 1'
    """
    return f"SELECT 1 FROM {quote_name(table, dialect)} WHERE NOT ({check}) LIMIT 1"
