"""Columns that tell of the rows below: how many there are, what they add up to, the first and the last day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.mining._look import quote
from simulacra.relational.mining.copies import slack
from simulacra.relational.mining.ways import EVIDENCE, FEWEST, Found, Search, Way, lopsided, weigh
from simulacra.schema.column import Column
from simulacra.schema.constraints import Equality

PARENTS = 20
"""Rows with rows below at the least that must show a rule."""
SEVERAL = 5
"""How many of them must have several rows below, which tells a sum from a mean and the like."""
FACTORS = 8
"""Numbers at most of which all products are added up."""
TOTALLED = ("number", "date", "datetime", "duration")


@dataclass(frozen=True)
class _Figure:
    """A figure of rows below: SQL for it, the kind that it has, and its values for some rows above."""

    sql: str
    kind: str
    values: pl.Series


def find_totals(search: Search, way: Way) -> None:
    """Find the columns of the rows at the end of a way that a figure of the rows at its start gives.

    A column counts if no row breaks the rule, with 0 or nothing for rows that have none below, and if chance would not
    give these values.
    """
    above = way.route.end
    targets = [
        column
        for column in search.columns(above)
        if (above, column.name) not in search.given and (column.kind in TOTALLED or column.kind == "boolean")
    ]
    if targets and way.below is not None and above not in search.plan.kept:
        _search(search, way, targets)


def _search(search: Search, way: Way, targets: list[Column]) -> None:
    above = search.frames[way.route.end]
    up = search.rows.up(way.route)
    counts = np.bincount(up.drop_nulls().to_numpy(), minlength=len(above))
    held = np.flatnonzero(counts)
    if len(held) < PARENTS or (counts > 1).sum() < SEVERAL:
        return
    some = _some(search, way, held, counts)
    place = np.full(len(above), -1)
    place[some] = np.arange(len(some))
    at = pl.Series(np.append(place, -1)[up.fill_null(len(above)).cast(pl.Int64).to_numpy()])
    rows = search.frames[way.route.start].filter(at >= 0)
    shown = {column.name: above[column.name].gather(some) for column in targets}
    numbers = [column for column in targets if column.kind == "number"]
    known = np.array([shown[c.name].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in numbers])
    allowed = np.array([slack(column, values) for column, values in zip(numbers, known, strict=True)])
    for figure in _figures(search, way, rows, at.filter(at >= 0), len(some)):
        near = [column for column in targets if column.kind != "number"]
        if figure.kind == "number" and numbers:
            values = figure.values.cast(pl.Float64).fill_null(np.nan).to_numpy()
            with np.errstate(invalid="ignore"):
                off = (np.abs(known - values) > allowed).any(axis=1)
            near = [column for column, far in zip(numbers, off, strict=True) if not far]
        for column in near:
            free = (way.route.end, column.name) not in search.given
            if free and _agree(shown[column.name], figure, column):
                _try(search, way, column, figure.sql, held)


def _some(search: Search, way: Way, held: Array, counts: Array) -> Array:
    """Choose rows to try candidates on: as many with several rows below as there are, then others."""
    glance = search.glance(way.route.end)
    seen = glance[counts[glance] > 0]
    many = seen[counts[seen] > 1]
    # few rows of a large table have any below
    return np.unique(np.concatenate([many[:300], seen[:300], held[:50], np.flatnonzero(counts > 1)[:50]]))


def _figures(search: Search, way: Way, rows: pl.DataFrame, at: pl.Series, number: int) -> Iterator[_Figure]:
    """Go through the figures of rows below, the simplest first."""
    table = way.route.start
    columns = [column for column in search.columns(table) if column.format != "HHMM"]
    numbers = [column for column in columns if column.kind == "number"]
    frame = rows.with_columns(at.alias("#at"))
    yield from _read(frame, [("count(*)", "number", pl.len())], way, number)
    plain: list[tuple[str, str, pl.Expr]] = []
    for function in ("sum", "min", "max", "avg"):
        for column in columns:
            value, own = pl.col(column.name), quote(column.name)
            added = column.kind in {"number", "duration"}
            if function in {"sum", "avg"} and added:
                # a sum of nothing is nothing here, as in SQL
                total = pl.when(value.count() > 0).then(value.sum() if function == "sum" else value.mean())
                plain.append((f"{function}({own})", column.kind, total))
            elif function in {"min", "max"} and column.kind in TOTALLED:
                end = value.min() if function == "min" else value.max()
                plain.append((f"{function}({own})", column.kind, end))
    yield from _read(frame, plain, way, number)
    distinct = [
        (f"count(distinct {quote(name)})", "number", pl.col(name).drop_nulls().n_unique())
        for name in rows.columns
        if search.schema.table(table)[name].kind in {"category", "key"}
    ]
    yield from _read(frame, distinct, way, number)
    yield from _read(frame, [("exists", "boolean", pl.len() > 0)], way, number)
    products = [
        (f"sum({quote(a.name)} * {quote(b.name)})", "number", (pl.col(a.name) * pl.col(b.name)).sum())
        for a, b in combinations(numbers[:FACTORS], 2)
    ]
    yield from _read(frame, products, way, number)
    yield from _read(*_lookups(search, way, rows, frame, numbers), way, number)


def _lookups(
    search: Search, way: Way, rows: pl.DataFrame, frame: pl.DataFrame, numbers: list[Column]
) -> tuple[pl.DataFrame, list[tuple[str, str, pl.Expr]]]:
    """Return products with numbers of other rows that the rows below refer to: ``quantity * products.price``."""
    table, found = way.route.start, list[tuple[str, str, pl.Expr]]()
    below = Search(search.schema, {**search.frames, table: rows}, search.plan)
    for other in below.ways(table):
        if len(other.route.references) > 1 or other.route.end == way.route.end:
            continue
        priced = [c for c in search.columns(other.route.end) if c.kind == "number" and c.format != "HHMM"]
        for column in priced[:FACTORS]:
            name = f"#{other.lookup(column.name)}"
            values = search.frames[other.route.end][column.name].gather(below.rows.up(other.route))
            frame = frame.with_columns(values.alias(name))
            found += [
                (
                    f"sum({quote(a.name)} * {other.lookup(column.name)})",
                    "number",
                    (pl.col(a.name) * pl.col(name)).sum(),
                )
                for a in numbers[:FACTORS]
            ]
    return frame, found


def _read(
    frame: pl.DataFrame, figures: list[tuple[str, str, pl.Expr]], way: Way, number: int
) -> Iterator[_Figure]:
    if not figures:
        return
    made = frame.group_by("#at").agg(expr.alias(f"#{place}") for place, (_, _, expr) in enumerate(figures))
    everyone = pl.DataFrame({"#at": pl.int_range(number, dtype=pl.Int64, eager=True)})
    made = everyone.join(made, on="#at", how="left", maintain_order="left")
    for place, (sql, kind, _) in enumerate(figures):
        query = (
            f"exists (select 1 from {way.below})" if sql == "exists" else f"(select {sql} from {way.below})"
        )
        yield _Figure(query, kind, made[f"#{place}"])


def _agree(values: pl.Series, figure: _Figure, column: Column) -> bool:
    """Tell whether a column is a figure in the rows that are tried first."""
    if column.kind != figure.kind and not (column.kind == "date" and figure.kind == "datetime"):
        return False
    both = values.is_not_null() & figure.values.is_not_null()
    if both.sum() < PARENTS or 2 * both.sum() < len(values) - values.null_count():
        return False
    one, two = values.filter(both), figure.values.filter(both)
    if column.kind != "number":
        return bool((one == two.cast(one.dtype)).all())
    left, right = (series.cast(pl.Float64).to_numpy() for series in (one, two))
    return bool((np.abs(left - right) <= slack(column, left)).all())


def _variants(sql: str, column: Column) -> Iterator[str]:
    """Write what rows without any below have: nothing, or 0."""
    if column.kind == "date":
        yield sql
        yield f"cast({sql} as date)"
    elif "count(" in sql:
        yield sql
        yield f"nullif({sql}, 0)"
    elif column.kind == "number":
        yield sql
        yield f"coalesce({sql}, 0)"
        if column.integer:
            yield f"round({sql})"
            yield f"round(coalesce({sql}, 0))"
    else:
        yield sql


def _try(search: Search, way: Way, column: Column, sql: str, held: Array) -> bool:
    """Hold a candidate against all rows, and keep the form that also tells which values are missing."""
    table = way.route.end
    own = search.frames[table][column.name]
    best: tuple[int, Found] | None = None
    for text in _variants(sql, column):
        rule = Equality(column.name, text)
        compiled = search.compile(table, rule)
        if compiled is None or not search.may_give(table, column.name, compiled.reads):
            continue
        try:
            broken = compiled.broken(search.rows).fill_null(False)
        except pl.exceptions.PolarsError:  # a kind that does not compare
            continue
        if broken.any():
            continue
        right = compiled.formulas[0].evaluate(search.rows)
        spoken = own.is_not_null() & right.is_not_null()
        found = Found(table, rule, column.name, compiled.reads, int(spoken.sum()), len(own))
        if best is None or lopsided(own, right) < best[0]:
            best = lopsided(own, right), found
    # only whether there are any says something of rows without one below
    shown = own if column.kind == "boolean" else own.gather(held)
    if best is None or best[1].support < FEWEST or weigh(shown) < EVIDENCE:
        return False
    search.add(best[1], gives=True)
    return True
