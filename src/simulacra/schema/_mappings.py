"""Conditions that are written as columns with the values wanted, as SQL."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from simulacra.errors import PredicateError
from simulacra.schema._refusals import resolve_name
from simulacra.schema.types import Table


def write_mapping(condition: Mapping[str, Any], table: Table) -> str:
    """Write a mapping of columns as SQL: all of them must fit."""
    terms = []
    for name, wanted in condition.items():
        if not isinstance(name, str):
            raise PredicateError(f"where: the columns of a mapping are named by text, not by {name!r}.")
        try:
            column = '"' + resolve_name(name, table, quoted=False).replace('"', '""') + '"'
            terms.append(_write_term(column, wanted))
        except PredicateError as error:
            raise PredicateError(f"where {name!r}: {error}") from None
    return " AND ".join(terms) or "TRUE"


def _write_term(column: str, wanted: Any) -> str:
    if wanted is None:
        return f"{column} IS NULL"
    if isinstance(wanted, tuple):
        if len(wanted) != 2:
            raise PredicateError(
                f"a tuple is (low, high), not {len(wanted)} values. Use a list for 'one of these'."
            )
        return f"{column} BETWEEN {_write_constant(wanted[0])} AND {_write_constant(wanted[1])}"
    if isinstance(wanted, Iterable) and not isinstance(wanted, (str, bytes, Mapping)):
        values = list(wanted)
        if isinstance(wanted, (set, frozenset)):
            values.sort(key=repr)
        present = [_write_constant(value) for value in values if value is not None]
        options = [f"{column} IN ({', '.join(present)})"] if present else []
        if len(present) < len(values):
            options.append(f"{column} IS NULL")
        if not options:
            raise PredicateError("the list is empty, so no row could fit. Give at least one value.")
        return options[0] if len(options) == 1 else f"({' OR '.join(options)})"
    return f"{column} = {_write_constant(wanted)}"


def _write_constant(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float, Decimal)) and math.isfinite(value):
        return str(value)
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.isoformat(' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, time):
        return f"TIME '{value.isoformat()}'"
    if isinstance(value, timedelta):
        return f"INTERVAL '{value.days} days {value.seconds} seconds {value.microseconds} microseconds'"
    raise PredicateError(
        f"a value of type {type(value).__name__!r} can not be compared with. Use a text, number or date."
    )
