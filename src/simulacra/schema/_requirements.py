"""What the fields of a constraint must be, and how its words are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simulacra.errors import SchemaError

Names = Iterable[str] | str
"""Names of columns; one alone may stand by itself."""


def quote(name: str) -> str:
    """Put the name of a column in double quotes."""
    return f'"{name}"'


def quote_all(names: Iterable[str]) -> str:
    """List names of columns, each in double quotes."""
    return ", ".join(map(quote, names))


def require_sql(sql: Any, what: str) -> None:
    """Refuse what is no SQL text."""
    if not isinstance(sql, str):
        raise SchemaError(f'{what} is SQL text such as "age >= 18", not {sql!r}.')


def require_name(name: Any, what: str) -> None:
    """Refuse what is no name of a column."""
    if not isinstance(name, str):
        raise SchemaError(f"{what}: expected the name of a column, not {name!r}.")


def require_names(names: Names, what: str, fewest: int = 1) -> tuple[str, ...]:
    """Return names of columns as a tuple, each once."""
    if not isinstance(names, Iterable):
        raise SchemaError(f"{what}: expected names of columns, not {names!r}.")
    given = (names,) if isinstance(names, str) else tuple(names)
    for name in given:
        require_name(name, what)
    twice = [name for place, name in enumerate(given) if name in given[:place]]
    if twice:
        raise SchemaError(f"{what}: column {twice[0]!r} is named twice. Name it once.")
    if len(given) < fewest:
        raise SchemaError(f"{what}: expected {fewest} or more columns, not {len(given)}. Name them.")
    return given


def names_in(sql: str) -> tuple[str, ...]:
    """List the columns that SQL text names, as they are written."""
    from simulacra.schema import formulas  # the parser is heavy, and constraints are imported first

    return formulas.names_in(sql)


def require_regex(regex: Any, where: str) -> None:
    """Refuse a regular expression that can not be checked."""
    from simulacra.schema import _patterns  # what checks it is heavy, and constraints are imported first

    _patterns.require_regex(regex, where)
