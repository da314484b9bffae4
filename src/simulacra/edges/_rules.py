"""Edge cases of constraints: rows that break one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice, product
from typing import Any

import polars as pl

from simulacra.edges._cases import Case
from simulacra.errors import PredicateError
from simulacra.schema.breaches import columns_of, formula_of, tolerance
from simulacra.schema.constraints import (
    Check,
    Combination,
    Constraint,
    Determines,
    Equality,
    Implies,
    Monotone,
    OneHot,
    Pattern,
    Unique,
)
from simulacra.schema.types import Column, Table
from simulacra.synthesizer import Synthesizer

Ask = Callable[[str, Constraint], pl.DataFrame | None]
"""Draws rows that satisfy a predicate and all constraints but one; None where there are none."""
MOST_TRIED = 5_000


def cases_of_rule(rule: Constraint, table: Table, pool: pl.DataFrame, ask: Ask) -> Iterator[Case]:
    """Give rows that should break a constraint.

    Parameters
    ----------
    rule : Constraint
        The constraint.
    table : Table
        The contract.
    pool : DataFrame
        Typical rows; the first is among the rows given out, so that it can be repeated or contradicted.
    ask : callable
        Draws rows under a condition.
    """
    words = str(rule)
    makers: dict[type, Callable[..., Iterator[tuple[str, dict[str, Any]]]]] = {
        Check: _check, Implies: _implies, Equality: _equality, Unique: _unique, Determines: _determines,
        Combination: _combination, OneHot: _one_hot, Monotone: _monotone, Pattern: _pattern,
    }  # fmt: skip
    own = columns_of(rule, table)
    for name, values in makers[type(rule)](rule, table, pool, ask):
        values = {key: value for key, value in values.items() if key in own or table[key].kind != "key"}
        typed = {key: pl.Series(key, [value], dtype=pool.schema[key]) for key, value in values.items()}
        yield Case(name, ", ".join(own), typed, rule=words)


def asker(models: list[Synthesizer], seed: int) -> Ask:
    """Draw rows that break a constraint from the first model that has any.

    Parameters
    ----------
    models : list of Synthesizer
        The user's own, and that of the contract.
    seed : int
        Of the draws.
    """

    def ask(where: str, rule: Constraint) -> pl.DataFrame | None:
        for model in models:
            others = tuple(other for other in model.table.constraints if str(other) != str(rule))
            free = replace(model, table=replace(model.table, constraints=others))
            try:
                return free.sample(1, seed=seed, where=where).polars()
            except PredicateError:
                continue
        return None

    return ask


Found = Iterator[tuple[str, dict[str, Any]]]


def _check(rule: Check, table: Table, pool: pl.DataFrame, ask: Ask) -> Found:
    yield from _part_and_whole("check broken", ask(f"not ({rule.sql})", rule), columns_of(rule, table))


def _implies(rule: Implies, table: Table, pool: pl.DataFrame, ask: Ask) -> Found:
    found = ask(f"({rule.when}) and not ({rule.then})", rule)
    yield from _part_and_whole("'then' false where 'if' is true", found, columns_of(rule, table))


def _part_and_whole(name: str, found: pl.DataFrame | None, columns: tuple[str, ...]) -> Found:
    """Give the columns of a rule alone, and the whole row, whose other rules were kept when it was drawn."""
    if found is not None:
        row = found.row(0, named=True)
        yield name, {key: row[key] for key in columns}
        yield name, row


def _equality(rule: Equality, table: Table, pool: pl.DataFrame, ask: Ask) -> Found:
    column = table[rule.column]
    row = pool.row(0, named=True)
    right = formula_of(rule, table).evaluate(pool.head(1)).to_list()[0]
    if right is None or row[column.name] is None:
        rows = pool.filter(
            pool[column.name].is_not_null() & formula_of(rule, table).evaluate(pool).is_not_null()
        )
        if not len(rows):
            return
        row = rows.row(0, named=True)
    for step in _steps(column, 2 * (tolerance(rule, column) or 0.0)):
        for value in _beside(row[column.name], step):
            yield "off by one step", {**row, column.name: value}


def _steps(column: Column, least: float) -> list[Any]:
    """List by how much a value may be moved, the smallest first."""
    if column.kind in {"datetime", "time", "duration"}:
        return [timedelta(seconds=max(least, 1.0))]
    if column.kind == "date":
        return [timedelta(days=1)]
    if column.integer:
        return [max(int(column.step or 1), int(least) + 1 if least else 1)]
    unit = column.step or (10.0**-column.decimals if column.decimals is not None else 1.0)
    return [max(unit, round(least / unit + 1) * unit if least else unit)]


def _beside(value: Any, step: Any) -> list[Any]:
    if isinstance(value, str):
        return [f"{value}x"]
    if isinstance(value, bool):
        return [not value]
    try:
        return [value + step, value - step]
    except TypeError:  # a time of day can not be added to
        return []


def _unique(rule: Unique, table: Table, pool: pl.DataFrame, ask: Ask) -> Found:
    yield "values repeated", pool.select(rule.columns).row(0, named=True)


def _determines(rule: Determines, table: Table, pool: pl.DataFrame, ask: Ask) -> Found:
    first = pool.select(*rule.by, *rule.columns).row(0, named=True)
    for other in pool.select(rule.columns).iter_rows(named=True):
        if any(other[name] != first[name] for name in rule.columns):
            yield "another value for the same group", {**first, **other}
            return


def _combination(rule: Combination, table: Table, pool: pl.DataFrame, ask: Ask) -> Found:
    if rule.allowed is None:
        return
    known = set(rule.allowed)
    parts = [
        dict.fromkeys(row[place] for row in rule.allowed if row[place] is not None)
        for place in range(len(rule.columns))
    ]
    for row in islice(product(*parts), MOST_TRIED):
        if row not in known:
            yield "combination that is not listed", dict(zip(rule.columns, row, strict=True))
            return


def _one_hot(rule: OneHot, table: Table, pool: pl.DataFrame, ask: Ask) -> Found:
    yield "none of the flags set", dict.fromkeys(rule.columns, False)
    two = {name: place < 2 for place, name in enumerate(rule.columns)}
    yield "two of the flags set", two


def _monotone(rule: Monotone, table: Table, pool: pl.DataFrame, ask: Ask) -> Found:
    row = pool.select(rule.columns).row(0, named=True)
    if row[rule.order] is None or row[rule.column] is None:
        return
    up, down = (1, -1) if not rule.falling else (1, 1)
    for sign in (1, -1):  # a later row that is too low, or an earlier one that is too high
        for order in _moved(row[rule.order], table[rule.order], sign * up):
            for value in _moved(row[rule.column], table[rule.column], sign * down):
                yield "against the order", {**row, rule.order: order, rule.column: value}


def _moved(value: Any, column: Column, sign: int) -> list[Any]:
    if isinstance(value, str):
        return [f"{value}~"] if sign > 0 else [""]
    return [
        _beside(value, step)[0 if sign > 0 else 1] for step in _steps(column, 0.0) if _beside(value, step)
    ]


def _pattern(rule: Pattern, table: Table, pool: pl.DataFrame, ask: Ask) -> Found:
    held = pool[rule.column].drop_nulls()
    text = str(held[0]) if len(held) else "x"
    for name, broken in (
        ("sign behind a pattern", f"{text}~"), ("sign before a pattern", f"~{text}"),
        ("pattern cut short", text[:-1]), ("other case of a pattern", text.swapcase()),
    ):  # fmt: skip
        yield name, {rule.column: broken}
