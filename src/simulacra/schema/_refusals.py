"""The shape of a condition: chains, names and what has no place in one."""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres

from simulacra.errors import PredicateError, unknown
from simulacra.schema._literals import shorten
from simulacra.schema.types import Table

FUNCTIONS = (
    "abs", "ceil", "coalesce", "date_part", "extract", "floor", "left", "length", "lower", "mod", "nullif",
    "regexp_like", "right", "round", "substring", "trim", "upper", "year", "month", "day", "quarter", "week",
    "hour", "minute", "second",
)  # fmt: skip
_CLOCKS = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentDatetime, exp.Rand)


def flatten(node: exp.Expression) -> list[exp.Expression]:
    """List the operands of a chain of one operator, in the order written."""
    kind, found, pending = type(node), [], [node]
    while pending:
        part = pending.pop()
        inner = part
        while isinstance(inner, exp.Paren):
            inner = inner.this
        if type(inner) is kind:
            pending += [inner.expression, inner.this]
        else:
            found.append(part)
    return found


def resolve_name(name: str, table: Table, *, quoted: bool = False) -> str:
    """Find the column that a name means: the exact one, or the only one that differs in case alone.

    Raises
    ------
    PredicateError
        There is none, or there are several.
    """
    if name in table.names:
        return name
    alike = [other for other in table.names if other.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise PredicateError(
            f"{name!r} could be {' or '.join(map(repr, alike))}. Write it exactly, in double quotes."
        )
    odd = [
        other
        for other in table.names
        if other.casefold().startswith(name.casefold()) and not other.isidentifier()
    ]
    if odd and not quoted:
        raise PredicateError(
            f'no column named {name!r}; did you mean {odd[0]!r}? Write it in double quotes: "{odd[0]}".'
        )
    error = str(unknown("column", shorten(name), table.names))
    meant = quoted or "did you mean" not in error or _is_level(name, table)
    raise PredicateError(
        f"{error} A text stands in single quotes: '{shorten(name, 40)}'." if meant else error
    )


def _is_level(name: str, table: Table) -> bool:
    return any(
        name.casefold() == level.casefold() for column in table.columns for level in column.levels or ()
    )


def reserved(text: str, table: Table) -> str:
    """Say how to write the columns in a text that can not be read whose names are words of SQL.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("end", "number"), Column("age", "number")))
    >>> print(reserved("end > 3", table))
    'end' is a word of SQL: as a column it stands in double quotes, "end".
    >>> reserved("age >", table)
    ''
    """
    names = {name.casefold(): name for name in table.names if name.upper() in Postgres.Tokenizer.KEYWORDS}
    bare = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", " ", text)
    for word in re.findall(r"\w+", bare):
        if word.casefold() in names:
            name = names[word.casefold()]
            return f'{name!r} is a word of SQL: as a column it stands in double quotes, "{name}".'
    return ""


def refuse(node: exp.Expression) -> PredicateError:
    """Make the error for a construct that has no place in a condition over one row."""
    written = shorten(node.sql(dialect="postgres"), 60)
    if isinstance(node, exp.Anonymous):
        return PredicateError(str(unknown("function", str(node.this).lower(), FUNCTIONS)))
    if isinstance(node, (exp.Window, exp.AggFunc, exp.Filter)):
        return PredicateError(
            f"{written!r} looks at many rows; a condition sees one row. Compare columns of that row."
        )
    if isinstance(node, (exp.Subquery, exp.Query, exp.Exists)):
        return PredicateError(
            f"{written!r} is a query; a condition sees one row. List the values: x IN ('a', 'b')."
        )
    if isinstance(node, _CLOCKS):
        return PredicateError(f"{written!r} changes from run to run. Write a constant: DATE '2024-01-31'.")
    if isinstance(node, (exp.Placeholder, exp.Parameter)):
        return PredicateError(f"{written!r} is a placeholder. Write the value itself.")
    if isinstance(node, exp.Func):
        return PredicateError(f"{written!r}: {unknown('function', node.sql_name().lower(), FUNCTIONS)}")
    return PredicateError(
        f"{written!r} is not understood in a condition. Use comparisons, BETWEEN, IN, LIKE, IS NULL, AND, "
        "OR, NOT, arithmetic, CASE and functions of one row."
    )
