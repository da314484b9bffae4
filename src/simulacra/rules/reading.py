"""What rules have in common when they are read: SQL in them, their options, columns of their table and of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
from sqlglot import exp

from simulacra.errors import PredicateError, SchemaError, unknown
from simulacra.rule import Rows
from simulacra.schema.formulas import Formula
from simulacra.schema.predicates import Predicate, parse_sql
from simulacra.schema.types import Table

OPTIONS = ("missing", "unique", "hidden")
"""What may stand beside the word of any rule."""
INPUTS = (
    "locale", "country", "sex", "name", "first", "last", "street", "city", "state", "state_code", "postcode", "company",
    "provider", "domain",
)  # fmt: skip
"""What a field may be given: a constant, or the column that has it."""


def names_in(sql: str, place: str) -> tuple[str, ...]:
    """List the columns that a SQL expression names, those of other tables as ``table.column``.

    Raises
    ------
    SchemaError
        It can not be parsed.

    Examples
    --------
    >>> names_in("price * customers.discount", "rule")
    ('price', 'customers.discount')
    """
    try:
        found = parse_sql(sql.strip(), Table("", ())).find_all(exp.Column, bfs=False)
    except PredicateError as error:
        raise SchemaError(f"{place}: {sql!r}: {error}") from error
    return tuple(dict.fromkeys(f"{one.table}.{one.name}" if one.table else one.name for one in found))


def require_word(content: Mapping[str, Any], word: str, allowed: Iterable[str], place: str) -> Any:
    """Return what stands behind a rule's word, once nothing unknown stands beside it."""
    known = (word, *OPTIONS, *allowed)
    for name in content:
        if name not in known:
            raise SchemaError(f"{place}: {unknown(f'option of {word}', str(name), known)}")
    return content[word]


def as_mapping(
    given: Any, word: str, allowed: tuple[str, ...], place: str, example: str
) -> Mapping[str, Any]:
    """Check that something is a mapping of some names only."""
    if not isinstance(given, Mapping):
        raise SchemaError(f"{place}: {word} is written like {example}, not {given!r}.")
    for name in given:
        if name not in allowed:
            raise SchemaError(f"{place}: {unknown(f'option of {word}', str(name), allowed)}")
    return given


def evaluate(sql: str, rows: Rows) -> pl.Series:
    """Compute a SQL expression for every row."""
    formula = Formula.parse(sql, rows.table)
    return formula.evaluate(_plain(rows, formula.columns))


def holds(sql: str, rows: Rows) -> pl.Series:
    """Tell for every row whether a predicate is true; unknown is no."""
    predicate = Predicate.parse(sql, rows.table)
    return predicate.evaluate(_plain(rows, predicate.columns)).fill_null(False)


def _plain(rows: Rows, names: Iterable[str]) -> pl.DataFrame:
    """Give columns their canonical types: a level that is not in an enumeration may be compared with one."""
    columns = {name: rows.values[name] for name in names} or {"": pl.repeat(None, rows.count, eager=True)}
    return pl.DataFrame(
        {n: c.cast(pl.String) if c.dtype in (pl.Enum, pl.Categorical) else c for n, c in columns.items()}
    )


def kind_of(sql: str, table: Table, place: str) -> str:
    """Tell which kind of column an expression makes."""
    try:
        return Formula.parse(sql, table).kind
    except PredicateError as error:
        raise SchemaError(f"{place}: {error}") from error


def share_of(given: Any, place: str) -> float:
    """Read a share from 0 to 1."""
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 <= given <= 1:
        raise SchemaError(f"{place}: expected a share from 0 to 1, not {given!r}.")
    return float(given)
