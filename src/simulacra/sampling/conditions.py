"""Conditions that no row of a model can satisfy, told before anything is drawn."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import polars as pl

from simulacra.encoding import Encoding
from simulacra.errors import ImpossibleCondition
from simulacra.schema._literals import quoted
from simulacra.schema.column import Column
from simulacra.schema.predicates import Predicate


class Listed(Protocol):
    """A column of which it can be told what may be drawn; every `Encoding` is one."""

    @property
    def column(self) -> Column:
        """The column as it is released."""
        ...

    def candidates(self, literals: Sequence[Any] = ()) -> pl.Series | None:
        """List values that can be drawn; see `Encoding.candidates`."""
        ...


_SHOWN = 8
"""Levels that a message lists."""


def require_possible(condition: Predicate, encodings: Mapping[str, Encoding]) -> None:
    """Find what no row can satisfy, as far as constants and single columns tell: a term, or all parts of an OR.

    Raises
    ------
    ImpossibleCondition
        There is such a thing, and the message says what the column can be; or the condition is about a key.
    """
    require_no_key(condition, encodings)
    why = find_obstacle(condition, encodings)
    if why is not None:
        raise ImpossibleCondition(f"where {quoted(condition.sql)}: {why}")


def find_obstacle(condition: Predicate, encodings: Mapping[str, Listed]) -> str | None:
    """Say why no row can satisfy a condition, and what to do; None where single columns do not tell."""
    why = _first_obstacle(condition, encodings)
    if why is not None:
        return _mended(why, "Loosen it.")
    parts = condition.branches()
    if len(parts) > 1:
        reasons = [reason for part in parts if (reason := _first_obstacle(part, encodings)) is not None]
        if len(reasons) == len(parts):
            told = "; ".join(
                f"({number}) {reason.removesuffix('.')}" for number, reason in enumerate(reasons, 1)
            )
            return (
                f"none of the {len(parts)} parts of its OR can hold: {_mended(told, 'Loosen one of them.')}"
            )
    return None


def require_no_key(condition: Predicate, encodings: Mapping[str, Encoding]) -> None:
    """Refuse a condition on a key: its values are the places of the rows in what is drawn.

    Raises
    ------
    ImpossibleCondition
        The condition reads a key.
    """
    for name in condition.columns:
        if encodings[name].column.kind == "key":
            raise ImpossibleCondition(
                f"where {quoted(condition.sql)}: the key {name!r} numbers the rows anew in every draw, so rows can not "
                "be chosen by it. Leave it out; for the first n rows, ask for n rows."
            )


def is_possible(condition: Predicate, encodings: Mapping[str, Encoding]) -> bool:
    """Tell whether every term of a condition can be TRUE, as far as constants and single columns tell."""
    return _first_obstacle(condition, encodings) is None


def _first_obstacle(condition: Predicate, encodings: Mapping[str, Listed]) -> str | None:
    reasons = (_obstacle(term, encodings) for term in condition.terms())
    return next((reason for reason in reasons if reason is not None), None)


def _obstacle(term: Predicate, encodings: Mapping[str, Listed]) -> str | None:
    """Say why a term is never TRUE; None where that can not be told."""
    words = quoted(term.sql)
    if not term.columns:
        return None if term.truth() else f"no row can match {words}"
    if len(term.columns) > 1:
        return None
    (name,) = term.columns
    values = encodings[name].candidates(term.literals())
    if values is None or term.evaluate(values.alias(name).to_frame()).any():
        return None
    if term.is_swapped():
        return f"the limits of {words} are swapped, so no row can match it. Write the lower one first."
    if term.compares_null():
        return (
            f"a comparison with NULL is never true, so no row can match {words}. Write IS NULL for missing values, IS "
            "NOT NULL for all others."
        )
    if term.is_null_test():
        return f"{name!r} has no missing values in this model, so no row can match {words}"
    column = encodings[name].column
    return f"{_range(column)}, so no row can match {words}{_meant(term, column)}"


def _mended(why: str, hint: str) -> str:
    return why if why.endswith((".", "?")) else f"{why}. {hint}"


def _range(column: Column) -> str:
    if column.bounds is not None and not column.sensitive:
        return f"{column.name!r} is always between {column.bounds[0]} and {column.bounds[1]} in this model"
    if column.levels is not None and not column.sensitive:
        shown = ", ".join(repr(level) for level in column.levels[:_SHOWN])
        more = ", ..." if len(column.levels) > _SHOWN else ""
        return f"{column.name!r} is one of {shown or 'no level at all'}{more} in this model"
    return f"{column.name!r} never takes such a value in this model"


def _meant(term: Predicate, column: Column) -> str:
    """Name the level that was probably meant, or say that one may be in the data all the same."""
    near = _nearest_level(term, column)
    if near is not None:
        return f"; did you mean {near!r}?"
    if term.unknown_levels() and column.protect and not column.declared:
        return ": there is no such level, or too few rows held it to be released"
    return ""


def _nearest_level(term: Predicate, column: Column) -> str | None:
    """Find the level that was probably meant, where levels may be shown."""
    if column.sensitive or not column.levels:
        return None
    folded = {level.casefold(): level for level in reversed(column.levels)}
    for _, wanted in term.unknown_levels():
        near = difflib.get_close_matches(wanted.strip().casefold(), folded, n=1, cutoff=0.7)
        if near:
            return folded[near[0]]
    return None
