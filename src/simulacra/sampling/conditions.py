"""Conditions that no row of a model can satisfy, told before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping

from simulacra.encoding import Encoding
from simulacra.errors import ImpossibleCondition
from simulacra.schema.predicates import Predicate


def quoted(sql: str) -> str:
    """Put a condition in the quotes that it does not use itself.

    Examples
    --------
    >>> print(quoted("age > 3"), quoted('"hours-per-week" > 3'))
    "age > 3" `"hours-per-week" > 3`
    """
    return f"`{sql}`" if '"' in sql else f'"{sql}"'


def require_possible(condition: Predicate, encodings: Mapping[str, Encoding]) -> None:
    """Find a term on one column that no value of that column satisfies.

    Raises
    ------
    ImpossibleCondition
        There is one; the message says what the column can be.
    """
    for term in condition.terms():
        if len(term.columns) != 1:
            continue
        name = term.columns[0]
        values = encodings[name].candidates(term.literals())
        if values is None or term.evaluate(values.alias(name).to_frame()).any():
            continue
        if term.is_swapped():
            raise ImpossibleCondition(
                f"where {quoted(condition.sql)}: the limits of {quoted(term.sql)} are swapped, so no row can match "
                "it. Write the lower one first."
            )
        raise ImpossibleCondition(
            f"where {quoted(condition.sql)}: {_range(name, encodings)} in this model, so no row can match "
            f"{quoted(term.sql)}. Loosen it."
        )


def _range(name: str, encodings: Mapping[str, Encoding]) -> str:
    column = encodings[name].column
    if column.bounds is not None and not column.sensitive:
        return f"{name!r} is always between {column.bounds[0]} and {column.bounds[1]}"
    if column.levels is not None and not column.sensitive:
        shown = ", ".join(repr(level) for level in column.levels[:8]) + (
            ", ..." if len(column.levels) > 8 else ""
        )
        return f"{name!r} is one of {shown or 'no level at all'}"
    return f"{name!r} never takes such a value"
