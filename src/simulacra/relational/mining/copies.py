"""Columns that repeat one of a row above, and columns that one of a row above and one of the row itself give."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.mining._look import quote
from simulacra.relational.mining.ways import EVIDENCE, FEWEST, Found, Search, Way, weigh
from simulacra.schema.breaches import tolerance
from simulacra.schema.column import Column
from simulacra.schema.constraints import Equality

PARENTS = 8
"""Rows above at the least that must show a rule."""
FIRST = 50
"""Rows that all products of two columns are tried on."""
KINDS = ("number", "category", "boolean", "date", "datetime", "time", "duration", "text")


def find_copies(search: Search, table: str) -> None:
    """Find the columns of a table that repeat one of a row that it refers to, at once or over tables between.

    A column counts if the two agree wherever both are there, and if the values of the rows above differ enough that
    rows paired by chance would not agree.
    """
    for column in search.columns(table):
        for way, other in _alike(search, table, column):
            if (table, column.name) in search.given:
                break
            _try(search, table, column, Equality(column.name, way.lookup(other.name)), way, other)


def _alike(search: Search, table: str, column: Column) -> Iterator[tuple[Way, Column]]:
    """Go through the columns above that agree with a column in the rows that are tried first."""
    if column.kind not in KINDS:
        return
    frame, glance = search.frames[table], search.glance(table)
    own = frame[column.name].gather(glance)
    for way in search.ways(table):
        at = search.rows.up(way.route).gather(glance)
        for other in search.columns(way.route.end):
            values = search.frames[way.route.end][other.name]
            if (other.kind, values.dtype) != (column.kind, own.dtype):
                continue
            there = values.gather(at)
            both = (own.is_not_null() & there.is_not_null()).sum()
            if both < FEWEST or 2 * both < len(own) - own.null_count():
                continue
            if not (_apart(own, there, column) & own.is_not_null() & there.is_not_null()).any():
                yield way, other


def _apart(one: pl.Series, two: pl.Series, column: Column) -> pl.Series:
    if column.kind != "number" or column.integer:
        return one != two
    allowed = tolerance(Equality(column.name, "0"), column)
    return (one - two).abs() > (one.abs() * 1e-9 if allowed is None else allowed * 1.001)


def _try(search: Search, table: str, column: Column, rule: Equality, way: Way, other: Column) -> bool:
    """Hold a candidate against all rows, and keep it if none breaks it and chance would not do."""
    held = search.compile(table, rule)
    if held is None or not search.may_give(table, column.name, held.reads):
        return False
    own = search.frames[table][column.name]
    right = held.formulas[0].evaluate(search.rows)
    if held.broken(search.rows).fill_null(False).any():
        return False
    spoken = own.is_not_null() & right.is_not_null()
    at = search.rows.up(way.route).filter(spoken).unique()
    values = search.frames[way.route.end][other.name].gather(at)
    if len(at) < PARENTS or weigh(values) < EVIDENCE:
        return False
    search.add(Found(table, rule, column.name, held.reads, int(spoken.sum()), len(own)), gives=True)
    return True


def find_products(search: Search, table: str) -> None:
    """Find the columns of a table that a product, sum or difference of its own and one above gives.

    ``amount = quantity * products.price``, rounded as the column is. A column counts if no row breaks it, and if rows
    above paired by chance would.
    """
    numbers = [
        column for column in search.columns(table) if column.kind == "number" and column.format != "HHMM"
    ]
    if len(numbers) < 2:
        return
    glance = search.glance(table)
    own = np.array([_numbers(search.frames[table][column.name].gather(glance)) for column in numbers])
    allowed = np.array([slack(column, values) for column, values in zip(numbers, own, strict=True)])
    # a difference says no more than the sum, so it comes last
    for sign in ("*", "+", "-"):
        for way, other in _factors(search, table):
            at = search.rows.up(way.route).gather(glance)
            there = _numbers(search.frames[way.route.end][other.name].gather(at))
            results = own * there if sign == "*" else own + there if sign == "+" else own - there
            for factor, target in _matching(own, allowed, results):
                column = numbers[target]
                sql = f"{quote(numbers[factor].name)} {sign} {way.lookup(other.name)}"
                if column.integer and not (numbers[factor].integer and other.integer):
                    sql = f"round({sql})"
                _try(search, table, column, Equality(column.name, sql), way, other)


def _factors(search: Search, table: str) -> Iterator[tuple[Way, Column]]:
    for way in search.ways(table):
        for other in search.columns(way.route.end):
            if other.kind == "number" and other.format != "HHMM":
                yield way, other


def _matching(own: Array, allowed: Array, results: Array) -> Iterator[tuple[int, int]]:
    """Go through the pairs of a column and another one that a result with the first equals, in rows that are tried."""
    # few rows tell nearly all pairs apart
    with np.errstate(invalid="ignore"):
        off = np.abs(own[None, :, :FIRST] - results[:, None, :FIRST]) > allowed[None, :, :FIRST]
    for factor, target in np.argwhere(~off.any(axis=2)):
        values, result = own[target], results[factor]
        known = ~np.isnan(values) & ~np.isnan(result)
        # a product with 0, and a sum with it, prove nothing
        moved = known & (result != 0) & (values != own[factor])
        if factor == target or moved.sum() < FEWEST or 2 * known.sum() < (~np.isnan(values)).sum():
            continue
        if (np.abs(values - result)[known] <= allowed[target][known]).all() and len(
            np.unique(values[moved])
        ) > 2:
            yield int(factor), int(target)


def slack(column: Column, values: Array) -> Array:
    """Return how far computed numbers may be from those of a column."""
    within = 0.5 if column.integer else tolerance(Equality(column.name, "0"), column)
    return np.abs(values) * 1e-9 + (1e-12 if within is None else within * 1.001)


def _numbers(values: pl.Series) -> Array:
    numbers: Array = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return numbers
