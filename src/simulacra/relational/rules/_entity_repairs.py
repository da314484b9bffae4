"""One constraint across tables or over entities: which rows break it, and values that mend them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl
from sqlglot import exp

from simulacra.schema._refusals import resolve_name
from simulacra.schema._running import run_up
from simulacra.schema.breaches import differs, find_broken, misses_sum
from simulacra.schema.constraints import Check, Constraint, Equality, Implies, Monotone, Running
from simulacra.schema.crossing import Crossing, Expression, read_formula
from simulacra.schema.predicates import write_sql
from simulacra.schema.routes import Rows
from simulacra.schema.types import Column, Schema, Table

_TURNED = {exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Held:
    """A constraint that is held against several tables.

    Parameters
    ----------
    constraint : Constraint
        As it was given.
    table : str
        Its table.
    schema : Schema
        All tables.
    column : str or None
        The column that a repair changes; None if there is no repair.
    formulas : tuple of Expression
        What it computes: the value of an equality, the limit of a comparison, the addend and opening of a running sum.
    conditions : tuple of Crossing
        What it tests.
    sign : str
        How the column compares with a limit.
    """

    constraint: Constraint
    table: str
    schema: Schema
    column: str | None = None
    formulas: tuple[Expression, ...] = ()
    conditions: tuple[Crossing, ...] = ()
    sign: str = ""

    @property
    def gives(self) -> bool:
        """Whether it says what the column is."""
        return self.sign == "=" or isinstance(self.constraint, Running)

    @property
    def keys(self) -> bool:
        """Whether it gives a column of a reference."""
        return any(self.column in reference.columns for reference in self.subject.references)

    @property
    def verb(self) -> str:
        """What a repair does to the column's values."""
        return (
            "computed"
            if self.gives
            else "put in order"
            if isinstance(self.constraint, Monotone)
            else "reflected"
        )

    @property
    def reads(self) -> frozenset[tuple[str, str]]:
        """The columns that it reads, with their tables; the one that it gives is not among them."""
        found = {name for formula in self.formulas for name in formula.reads}
        found |= {name for condition in self.conditions for name in condition.expression.reads}
        if isinstance(self.constraint, (Monotone, Running)):
            order = self.constraint.order
            found |= {
                (self.table, name)
                for name in (*self.constraint.by, *((order,) if isinstance(order, str) else order))
            }
        return frozenset(found - {(self.table, self.column)})

    @property
    def tables(self) -> frozenset[str]:
        """All tables that it reads."""
        expressions = (*self.formulas, *(condition.expression for condition in self.conditions))
        return frozenset({self.table, *(table for one in expressions for table in one.tables)})

    @property
    def subject(self) -> Table:
        """The table."""
        return self.schema.table(self.table)

    def broken(self, rows: Rows) -> pl.Series:
        """Mark the rows that break it; null where it says nothing."""
        frame, constraint = rows.frames[self.table], self.constraint
        if isinstance(constraint, Monotone):
            return find_broken(constraint, frame, self.subject)
        if isinstance(constraint, Implies):
            when, then = (condition.evaluate(rows) for condition in self.conditions)
            return when.fill_null(False) & ~then
        if isinstance(constraint, Running):
            return misses_sum(
                constraint, frame, self.subject, *(formula.evaluate(rows) for formula in self.formulas)
            )
        if self.sign == "=" and self.column is not None:
            like = constraint if isinstance(constraint, Equality) else Equality(self.column, "0")
            return differs(frame[self.column], self.formulas[0].evaluate(rows), like, self.subject)
        return ~self.conditions[0].evaluate(rows)


def hold(
    constraint: Constraint, table: str, schema: Schema, *, spared: Collection[str] | None = None
) -> Held:
    """Compile a constraint against all tables.

    Parameters
    ----------
    constraint : Constraint
        A rule over several tables, over entities, or within rows.
    table : str
        Its table.
    schema : Schema
        All tables.
    spared : collection of str or None
        For a comparison within rows: columns that something else changes, and that a repair had better not.
    """
    match constraint:
        case Equality():
            formula = read_formula(constraint.sql, table, schema)
            return Held(constraint, table, schema, constraint.column, (formula,), sign="=")
        case Running():
            formulas = [read_formula(constraint.of, table, schema)]
            if constraint.opening is not None:
                formulas.append(read_formula(constraint.opening, table, schema))
            return Held(constraint, table, schema, constraint.column, tuple(formulas))
        case Monotone():
            return Held(constraint, table, schema, constraint.column)
        case Implies():
            both = tuple(Crossing.parse(sql, table, schema) for sql in (constraint.when, constraint.then))
            return Held(constraint, table, schema, conditions=both)
        case Check():
            condition = Crossing.parse(constraint.sql, table, schema)
            return _compared(constraint, condition, spared) or Held(
                constraint, table, schema, conditions=(condition,)
            )
    raise TypeError(f"{constraint!r} holds within rows of one table")


def _compared(check: Check, condition: Crossing, spared: Collection[str] | None) -> Held | None:
    """Read a check as a column of its own that is compared with what others give."""
    written, plain = condition.expression.written.unnest(), condition.expression.plain.unnest()
    sign = "=" if isinstance(plain, exp.EQ) else _TURNED.get(type(plain), "")
    if not sign:
        return None
    others = {part.name for part in condition.expression.lookups}
    others |= {part.name for part in condition.expression.aggregates}
    sides = [
        (plain.this, written.expression, sign),
        (plain.expression, written.this, _MIRROR.get(sign, sign)),
    ]
    if spared is not None:
        sides.sort(key=lambda side: side[0].unnest().name in spared)
    for side, other, way in sides:
        own = side.unnest()
        if not isinstance(own, exp.Column) or own.name in others:
            continue
        column = resolve_name(own.name, condition.table)
        formula = read_formula(write_sql(other), condition.table.name, condition.schema)
        if (formula.crosses or (spared is not None and formula.columns)) and column not in formula.columns:
            return Held(check, condition.table.name, condition.schema, column, (formula,), (condition,), way)
    return None


def repair_values(rule: Held, rows: Rows, broken: pl.Series) -> pl.Series | None:
    """Return the column with other values in the rows that break a rule; None where it does not say which."""
    assert rule.column is not None
    frame, column = rows.frames[rule.table], rule.subject[rule.column]
    values = frame[rule.column]
    if isinstance(rule.constraint, Monotone):
        return _sorted_in_groups(rule.constraint, frame, broken)
    if isinstance(rule.constraint, Running):
        should, _ = run_up(rule.constraint, frame, *(formula.evaluate(rows) for formula in rule.formulas))
        return values.zip_with(~broken, _as_column(should, column, values.dtype))
    limits = rule.formulas[0].evaluate(rows)
    if rule.sign == "=":
        return values.zip_with(~broken, _as_column(limits, column, values.dtype))
    return _reflected(values, limits, broken, column, rule.sign)


def _as_column(values: pl.Series, column: Column, dtype: pl.DataType) -> pl.Series:
    """Bring computed values to the form that the column has."""
    if column.kind == "number" and values.dtype.is_float():
        if column.integer:
            values = values.round(0, mode="half_away_from_zero")
        elif column.decimals is not None:
            values = values.round(column.decimals, mode="half_away_from_zero")
    return values.cast(dtype)


def _reflected(
    values: pl.Series, limits: pl.Series, broken: pl.Series, column: Column, sign: str
) -> pl.Series | None:
    """Put values as far on the right side of their limits as they are on the wrong one, within the column's bounds."""
    if column.kind not in {"number", "date", "datetime", "duration"}:
        return None
    upward = sign.startswith(">")
    if values.dtype != limits.dtype:
        if {column.kind, *_kind_of(limits)} == {"date", "datetime"}:
            limits = _as_days(limits, values.dtype, upward)
        elif not (values.dtype.is_numeric() and limits.dtype.is_numeric()):
            return None
        else:
            limits = limits.cast(pl.Float64)
    frame = pl.DataFrame({"value": values, "limit": limits, "broken": broken}).with_columns(
        away=(pl.col("limit") - pl.col("value")).abs()
    )
    step, limit = _least_step(column) if sign in {"<", ">"} else None, pl.col("limit")
    if sign in {"<", ">"}:
        if step is None:
            return None
        limit = limit + step if upward else limit - step
    away = pl.col("away")
    new = limit + away if upward else limit - away
    if column.bounds is not None:
        edge = pl.lit(column.bounds[1 if upward else 0])
        outside = new > edge if upward else new < edge
        new = pl.when(outside).then(limit).otherwise(new)
    if column.kind == "number" and column.integer:
        new = (new.ceil() if upward else new.floor()).cast(pl.Int64) if limits.dtype.is_float() else new
    elif column.kind == "number" and column.decimals is not None:
        scale = 10.0**column.decimals
        # a value on the lattice must not be moved to its next point by the last bit of a double
        scaled = (new * scale).round(6)
        new = (scaled.ceil() if upward else scaled.floor()) / scale
    mended = frame.select(
        pl.when("broken").then(new.cast(values.dtype)).otherwise("value").alias(column.name)
    )
    return mended.to_series()


def _kind_of(values: pl.Series) -> tuple[str, ...]:
    return (
        ("date",)
        if values.dtype == pl.Date
        else ("datetime",)
        if isinstance(values.dtype, pl.Datetime)
        else ()
    )


def _as_days(limits: pl.Series, dtype: pl.DataType, upward: bool) -> pl.Series:
    """Turn moments into the first day that is not before them, or the last not after; days into their first moment."""
    if dtype != pl.Date:
        zone = dtype.time_zone if isinstance(dtype, pl.Datetime) else None
        return limits.cast(pl.Datetime("us")).dt.replace_time_zone(zone)
    moments = limits.dt.replace_time_zone(None)
    return (moments + timedelta(days=1, microseconds=-1)).cast(pl.Date) if upward else moments.cast(pl.Date)


def _least_step(column: Column) -> Any:
    """Return the smallest difference between two values of a column; None for reals, which have none."""
    if column.kind == "date":
        return timedelta(days=1)
    if column.kind in {"datetime", "duration"}:
        return timedelta(microseconds=1)
    if column.integer:
        return 1
    return None if column.decimals is None else 10.0**-column.decimals


def _sorted_in_groups(constraint: Monotone, frame: pl.DataFrame, broken: pl.Series) -> pl.Series:
    """Sort the values of the groups in which one breaks the rule."""
    by, column = list(constraint.by), constraint.column
    rows = frame.select(*by, constraint.order, column, _row=pl.int_range(pl.len()), _broken=broken)
    rows = rows.with_columns(pl.col("_broken").any().over(by)).filter(
        pl.col("_broken") & pl.all_horizontal(pl.col([column, constraint.order]).is_not_null())
    )
    places = rows.sort([*by, constraint.order, "_row"])
    values = rows.sort(
        [*by, column], descending=[False] * len(by) + [constraint.falling], maintain_order=True
    )
    return frame[column].scatter(places["_row"], values[column])
