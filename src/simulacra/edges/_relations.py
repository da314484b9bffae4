"""Relations that a model keeps in every row: as constraints, and mended in rows that a case was put into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.guarantees._repairs import LookUp, Recompute
from simulacra.mining.mining import mine_table
from simulacra.relations import Lookup, Order, Relation
from simulacra.relations.relation import Prediction
from simulacra.schema.breaches import columns_of, find_broken, formula_of
from simulacra.schema.conformance import canonical_type
from simulacra.schema.constraints import Check, Constraint, Determines, Equality
from simulacra.schema.types import Table
from simulacra.synthesizer import Synthesizer

LOOKED_AT = 4_000
"""Drawn rows in which relations are written as constraints, and must all hold."""
PASSES = 3
"""Times that relations are gone through: one may stand on what another one gives."""


def relations_as_constraints(model: Synthesizer, seed: int) -> tuple[Constraint, ...]:
    """Write the relations that a model keeps in every row as constraints; what the contract says is left out.

    Parameters
    ----------
    model : Synthesizer
        A fitted model.
    seed : int
        Of the rows drawn to find how each relation reads in values.
    """
    exact = [r for r in model.relations if not isinstance(r, Prediction) or r.exact]
    if not exact:
        return ()
    rows, table = model.sample(LOOKED_AT, seed=seed).polars(), model.table
    known = {frozenset(columns_of(rule, table)) for rule in table.constraints}
    found: dict[str, Constraint] = {}
    for relation in exact:
        for rule in _written(relation, model, rows):
            if frozenset(columns_of(rule, table)) not in known and not find_broken(rule, rows, table).any():
                found.setdefault(str(rule), rule)
    return tuple(found.values())


def _written(relation: Relation, model: Synthesizer, rows: pl.DataFrame) -> Iterator[Constraint]:
    home = {axis.name: axis.column for axis in model.domain.axes}
    if isinstance(relation, Order):
        target = _quote(relation.target)
        yield from (Check(f"{_quote(other.column)} <= {target}") for other in relation.lower)
        yield from (Check(f"{target} <= {_quote(other.column)}") for other in relation.upper)
        return
    columns = tuple(dict.fromkeys(home[name] for name in (*relation.targets, *relation.sources)))
    if isinstance(relation, Lookup):
        by = tuple(dict.fromkeys(home[name] for name in relation.sources))
        given = tuple(name for name in columns if name not in by)
        groups = rows.select(*by, *given).drop_nulls(by).unique(maintain_order=True)
        if given and not groups.select(by).is_duplicated().any():
            yield Determines(by, given, tuple(groups.rows()))
        return
    part = replace(
        model.table, columns=tuple(model.table[name] for name in columns), constraints=(), key=(), weight=None
    )
    for proposal in mine_table(rows.select(columns), part, exceptions=0.0):
        rule = proposal.constraint
        if isinstance(rule, Equality) and set(columns_of(rule, part)) == set(columns):
            yield rule


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def mend_related(
    frame: pl.DataFrame,
    rules: Sequence[Constraint],
    table: Table,
    touched: Mapping[str, Array],
    count: Callable[[pl.DataFrame], Array],
    rng: np.random.Generator,
) -> pl.DataFrame:
    """Change what no case is about, so that relations hold again; a row that can not be mended keeps its breach.

    Parameters
    ----------
    frame : DataFrame
        Rows with a case each.
    rules : sequence of Constraint
        As `relations_as_constraints` gives them.
    table : Table
        The contract.
    touched : mapping of str to bool array
        For each column, the rows whose case is about it.
    count : callable
        Counts the rules of the contract that each row breaks: a change may not break another one.
    rng : Generator
        Repairs ask for one; none of these draws.
    """
    for _ in range(PASSES):
        before = frame
        for rule in rules:
            for made in _ways(frame, rule, table, rng):
                frame = _accepted(frame, made, rule, table, touched, count)
        if frame.equals(before):
            break
    return frame


def _accepted(
    frame: pl.DataFrame,
    made: pl.DataFrame,
    rule: Constraint,
    table: Table,
    touched: Mapping[str, Array],
    count: Callable[[pl.DataFrame], Array],
) -> pl.DataFrame:
    """Take new values in rows that break a rule, keep it then, and whose case is about none of the columns."""
    better = find_broken(rule, frame, table).to_numpy() & ~find_broken(rule, made, table).to_numpy()
    for name in made.columns:
        better &= ~touched[name] | made[name].eq_missing(frame[name]).to_numpy()
    if better.any():
        better &= count(made) <= count(frame)
    if not better.any():
        return frame
    take = pl.Series(better)
    return frame.with_columns(made[name].zip_with(take, frame[name]) for name in made.columns)


def _ways(
    frame: pl.DataFrame, rule: Constraint, table: Table, rng: np.random.Generator
) -> Iterator[pl.DataFrame]:
    """Give frames in which a rule may hold in more rows, the most natural change first."""
    match rule:
        case Equality():
            yield Recompute(rule, table).apply(frame, rng)[0]
            yield from _solved(frame, rule, table)
        case Determines():
            yield LookUp(rule, table).apply(frame, rng)[0]
            yield _other_group(frame, rule)
        case Check():
            low, high = columns_of(rule, table)
            if frame.schema[low] == frame.schema[high]:
                yield frame.with_columns(frame[high].alias(low))
                yield frame.with_columns(frame[low].alias(high))


def _solved(frame: pl.DataFrame, rule: Equality, table: Table) -> Iterator[pl.DataFrame]:
    """Move one source by what is missing, or in proportion."""
    formula = formula_of(rule, table)
    wanted, given = frame[rule.column], formula.evaluate(frame)
    for name in formula.columns:
        column = table[name]
        if wanted.dtype == frame.schema[name] and len(formula.columns) == 1:
            yield frame.with_columns(wanted.alias(name))
        if column.kind != "number" or table[rule.column].kind != "number":
            continue
        own, goal, now = (part.cast(pl.Float64) for part in (frame[name], wanted, given))
        for moved in (own + (goal - now), own - (goal - now), own * goal / now):
            fine = (moved.is_finite() & (moved.abs() < 2.0**53)).fill_null(False)
            digits = 0 if column.integer else column.decimals
            typed = (moved if digits is None else moved.round(digits)).zip_with(fine, moved.clear(len(moved)))
            yield frame.with_columns(
                typed.cast(canonical_type(column)).zip_with(fine, frame[name]).alias(name)
            )


def _other_group(frame: pl.DataFrame, rule: Determines) -> pl.DataFrame:
    """Put a row into a group that has the values which are determined."""
    by, given = list(rule.by), list(rule.columns)
    groups = pl.DataFrame(rule.groups or [], schema=frame.select(*by, *given).schema, orient="row")
    first = groups.unique(given, keep="first", maintain_order=True)
    renamed = first.rename({name: f"\x00{name}" for name in by}).with_columns(pl.lit(True).alias("\x00"))
    met = frame.select(given).join(renamed, on=given, how="left", nulls_equal=True, maintain_order="left")
    known = met["\x00"].fill_null(False)
    return frame.with_columns(met[f"\x00{name}"].zip_with(known, frame[name]).alias(name) for name in by)
