"""What a database puts into a column by itself, as SQL that every system's own way of saying it is read to."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_MOST = 1_000


def plain_default(node: exp.Expression) -> str | None:
    """Write a default as conditions are written here; None for NULL, and for a counter of the database.

    Parameters
    ----------
    node : Expression
        What stands behind DEFAULT.

    Examples
    --------
    >>> plain_default(sqlglot.parse_one("('new'::varchar)", dialect="postgres"))
    "'new'"
    """
    inner = _bare(node)
    if isinstance(inner, exp.Null) or any(
        call.name.lower() == "nextval" for call in inner.find_all(exp.Anonymous)
    ):
        return None
    if isinstance(inner, exp.Column) and not inner.table:
        inner = exp.Literal.string(inner.name)  # SQLite takes a name that is none for a text
    if isinstance(inner, exp.Array) and not inner.expressions:
        inner = exp.Literal.string("{}")
    text = inner.sql(dialect="postgres", comments=False)
    return text if len(text) <= _MOST else None


def parse_default(text: str, dialect: str) -> str | None:
    """Read a default as a database tells it; None where there is none, or it can not be read.

    Examples
    --------
    >>> parse_default("current_timestamp()", "mysql"), parse_default("(-1)", "duckdb"), parse_default("NULL", "mysql")
    ('CURRENT_TIMESTAMP', '-1', None)
    """
    try:
        return plain_default(sqlglot.parse_one(text, dialect=dialect))
    except (SqlglotError, RecursionError):
        return None


def _bare(node: exp.Expression) -> exp.Expression:
    """Take away parentheses, and casts of constants to the type of the column."""
    while isinstance(node, (exp.Paren, exp.Cast)):
        inner = node.this.unnest()
        while isinstance(inner, exp.Cast):
            inner = inner.this.unnest()
        constant = isinstance(inner, (exp.Literal, exp.Neg, exp.Null, exp.Boolean, exp.Array))
        if isinstance(node, exp.Cast) and not constant:
            return node
        node = inner
    return node
