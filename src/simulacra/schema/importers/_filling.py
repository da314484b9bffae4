"""One column of a contract as a column of a schema: what is said wins, and data fill in the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from simulacra.errors import SchemaError, SimulacraError
from simulacra.schema._fields import dump_bound, load_bound
from simulacra.schema._patterns import require_regex
from simulacra.schema.column import IDENTIFYING
from simulacra.schema.constraints import Check, Constraint, Pattern
from simulacra.schema.importers.drafts import ColumnDraft, constant, quote
from simulacra.schema.types import Column

_MOMENTS = {"date", "datetime", "time", "duration"}
_ORDERED = {"number", *_MOMENTS}
_AS_STRING = {"text", "category", "key", "boolean", *_MOMENTS}
_FLIPPED = {">": ">=", "<": "<="}


@dataclass(frozen=True, slots=True)
class Filled:
    """A column, the rules that it asks for, and what could not be carried."""

    column: Column
    rules: tuple[Constraint, ...] = ()
    notes: tuple[str, ...] = ()


def fill_column(draft: ColumnDraft, seen: Column | None, *, key: bool, table: str) -> Filled:
    """Make the column.

    Parameters
    ----------
    draft : ColumnDraft
        What the contract says.
    seen : Column or None
        What the data show; None without data.
    key : bool
        Whether the column alone is the key, or names rows of another table.
    table : str
        Its table, for notes.
    """
    where = f"table {table!r}, column {draft.name!r}"
    notes: list[str] = []
    column = _with_kind(draft, seen, key)
    column = _with_marks(draft, column)
    if seen is not None and seen.kind == column.kind and seen.integer == column.integer:
        column = _with_seen(column, seen)
    column, rules = _with_limits(draft, column, where, notes)
    if draft.pattern is not None:
        column, more = _with_pattern(draft.pattern, column, where, notes)
        rules += more
    if column.kind == "text":
        rules += _length_rules(draft)
    column = replace(column, required=not draft.nullable, default=draft.default)
    return Filled(column, tuple(rules), tuple(notes))


def _with_kind(draft: ColumnDraft, seen: Column | None, key: bool) -> Column:
    """Settle the kind, and whether numbers are whole."""
    plain = Column(draft.name, "text", nullable=draft.nullable)
    if key and draft.kind not in {*_MOMENTS, "boolean"} and draft.levels is None:
        whole = draft.integer if draft.integer is not None else _is_whole(draft, seen)
        return replace(plain, kind="key", integer=whole)
    if draft.levels is not None:
        return replace(plain, kind="category", levels=draft.levels, declared=True)
    if draft.kind in {"number", "string"} and seen is not None and seen.identifying is not None:
        # telephone numbers stay what they are, though the contract calls them whole numbers
        return replace(seen, name=draft.name, nullable=draft.nullable)
    if draft.kind is None:
        return plain if seen is None else replace(seen, name=draft.name, nullable=draft.nullable)
    if draft.kind == "string":
        if seen is None:
            return plain
        if seen.kind in _AS_STRING and not seen.integer:
            return replace(seen, name=draft.name, nullable=draft.nullable)
        return plain
    if draft.kind in {"number", "key"} and draft.integer and seen is not None and seen.kind == "key":
        return replace(plain, kind="key", integer=True)
    if draft.kind == "datetime" and seen is not None and seen.kind == "date" and draft.timezone is None:
        return replace(plain, kind="date")
    if draft.kind == "number":
        whole = draft.integer if draft.integer is not None else _is_whole(draft, seen)
        return replace(plain, kind="number", integer=whole)
    if draft.kind == "key":
        whole = draft.integer if draft.integer is not None else _is_whole(draft, seen)
        return replace(plain, kind="key", integer=whole)
    return replace(plain, kind=draft.kind)


def _is_whole(draft: ColumnDraft, seen: Column | None) -> bool:
    # a pattern or a word says text, whatever the digits look like
    return seen is not None and seen.integer and draft.kind in {None, "number", "key"} and not draft.pattern


def _with_marks(draft: ColumnDraft, column: Column) -> Column:
    """Put in what is said and can stand with the column's kind."""
    if column.kind == "number" and not column.integer and draft.decimals is not None:
        column = replace(column, decimals=draft.decimals)
    if column.kind == "number" and column.integer and draft.step not in {None, 0, 1}:
        column = replace(column, step=draft.step)
    if column.kind == "datetime" and draft.timezone is not None:
        column = replace(column, timezone=draft.timezone)
    if column.kind in {*_MOMENTS, "boolean", "number"} and draft.format is not None:
        column = replace(column, format=draft.format)
    if draft.identifying in IDENTIFYING and column.kind in {"text", "category"}:
        column = replace(
            column, kind="text", levels=None, declared=False, pattern=None, identifying=draft.identifying
        )
    elif draft.identifying in IDENTIFYING and column.kind == "key" and not column.integer:
        column = replace(column, identifying=draft.identifying)
    if draft.unit is not None:
        column = replace(column, unit=draft.unit)
    return replace(column, sensitive=draft.sensitive or column.sensitive)


def _with_seen(column: Column, seen: Column) -> Column:
    """Take from the data what the contract does not say."""
    changes: dict[str, Any] = {}
    for fact in ("decimals", "step", "timezone", "format", "pattern"):
        if getattr(column, fact) is None:
            changes[fact] = getattr(seen, fact)
    if column.levels is None:
        changes["levels"] = seen.levels
    if column.bounds is None:
        changes["bounds"] = seen.bounds
    if column.kind in {"text", "key"} and column.identifying in {None, seen.identifying}:
        changes |= {"identifying": seen.identifying, "locale": seen.locale}
    if column.timezone is not None and seen.timezone != column.timezone:
        changes.pop("bounds", None)
    return replace(column, sensitive=column.sensitive or seen.sensitive, **changes)


def _with_limits(
    draft: ColumnDraft, column: Column, where: str, notes: list[str]
) -> tuple[Column, list[Constraint]]:
    """Make bounds of two inclusive limits, and checks of everything else."""
    if column.kind not in _ORDERED:
        return column, []
    limits = []
    for test, raw in draft.limits:
        try:
            value = load_bound(raw, {"kind": column.kind, "timezone": column.timezone}, f"{where}, a limit")
        except SchemaError as error:
            notes.append(f"{error} It is left out.")
            continue
        limits.append(_rounded(test, value) if column.integer else (test, value))
    name = quote(column.name)
    rules: list[Constraint] = []
    if draft.allowed and column.kind == "number":
        rules.append(Check(f"{name} in ({', '.join(map(constant, draft.allowed))})"))
        limits += [(">=", min(draft.allowed)), ("<=", max(draft.allowed))]
    low = [value for test, value in limits if test == ">="]
    high = [value for test, value in limits if test == "<="]
    if low and high:
        if max(low) > min(high):
            notes.append(f"{where}: its lower limit is above its upper one, so both are left out.")
            return column, rules
        column = replace(column, bounds=(max(low), min(high)), declared=True)
        limits = [(test, value) for test, value in limits if test in _FLIPPED]
    return column, [*rules, *(Check(f"{name} {test} {constant(_said(value))}") for test, value in limits)]


def _rounded(test: str, value: float) -> tuple[str, int]:
    """Make an inclusive limit for whole numbers."""
    if test in {">", ">="}:
        return ">=", math.floor(value) + 1 if test == ">" else math.ceil(value)
    return "<=", math.ceil(value) - 1 if test == "<" else math.floor(value)


def _said(value: Any) -> Any:
    return dump_bound(value)


def _with_pattern(
    pattern: str, column: Column, where: str, notes: list[str]
) -> tuple[Column, list[Constraint]]:
    try:
        require_regex(pattern, where)
    except SimulacraError as error:
        notes.append(f"the pattern is left out: {error}")
        return column, []
    if column.kind in {"text", "key"} and not column.integer and column.identifying is None:
        return replace(column, pattern=pattern), []
    if column.kind == "category" and not column.declared:
        return column, [Pattern(column.name, pattern)]
    return column, []


def _length_rules(draft: ColumnDraft) -> list[Constraint]:
    """Keep the lengths of texts that are made anew."""
    fewest, most = draft.lengths
    name = quote(draft.name)
    rules: list[Constraint] = []
    if fewest:
        rules.append(Check(f"length({name}) >= {fewest}"))
    if most is not None:
        rules.append(Check(f"length({name}) <= {most}"))
    return rules
