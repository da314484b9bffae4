"""Which rows break a constraint, for every kind of constraint, and which columns it reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import polars as pl

from simulacra.errors import SchemaError
from simulacra.schema._kinds import said
from simulacra.schema._running import run_up, strays
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
    Running,
    Unique,
)
from simulacra.schema.formulas import Formula
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table

RELATIVE = 1e-9
"""Share of a real number by which an equality may be off: what arithmetic in doubles can lose."""


def columns_of(constraint: Constraint, table: Table) -> tuple[str, ...]:
    """List all columns that a constraint reads, in the order of the table.

    Parameters
    ----------
    constraint : Constraint
        Any kind.
    table : Table
        Its table.

    Raises
    ------
    PredicateError
        SQL in it can not be understood, or names a column that does not exist.
    SchemaError
        An equality is computed from the column itself, or gives values of another kind.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number"), Column("b", "number")))
    >>> columns_of(Check("B > A"), table), columns_of(Determines("b", "a"), table)
    (('a', 'b'), ('a', 'b'))
    """
    named: set[str]
    match constraint:
        case Check():
            named = set(Predicate.parse(constraint.sql, table).columns)
        case Implies():
            named = {
                name
                for part in (constraint.when, constraint.then)
                for name in Predicate.parse(part, table).columns
            }
        case Equality():
            named = {constraint.column, *formula_of(constraint, table).columns}
        case Running():
            named = {
                constraint.column,
                *constraint.by,
                *constraint.order,
                *Formula.parse(constraint.of, table).columns,
            }
        case Determines():
            named = {*constraint.by, *constraint.columns}
        case _:
            named = set(constraint.columns)
    return tuple(name for name in table.names if name in named)


def formula_of(constraint: Equality, table: Table) -> Formula:
    """Parse the right side of an equality.

    Raises
    ------
    PredicateError
        It can not be understood.
    SchemaError
        It reads the column itself, or gives values of another kind than the column has.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number"), Column("b", "number")))
    >>> formula_of(Equality("a", "2 * b"), table).columns
    ('b',)
    """
    formula = Formula.parse(constraint.sql, table)
    column = table[constraint.column]
    if column.name in formula.columns:
        raise SchemaError(
            f"table {table.name!r}, constraint {said(constraint)}: {column.name!r} stands on both sides. "
            "Write it on the left only, or use a check."
        )
    if formula.kind not in _kinds_of(column):
        raise SchemaError(
            f"table {table.name!r}, constraint {said(constraint)}: {column.name!r} is a {column.kind}, and the "
            f"expression gives a {formula.kind}. Cast it, as in cast(x as date)."
        )
    return formula


def _kinds_of(column: Column) -> tuple[str, ...]:
    if column.kind == "key":
        return ("number", "null") if column.integer else ("text", "null")
    if column.kind == "category":
        return ("text", "null")
    # a day compares with midnight, as in SQL
    return ("date", "datetime", "null") if column.kind in {"date", "datetime"} else (column.kind, "null")


def find_broken(constraint: Constraint, frame: pl.DataFrame, table: Table) -> pl.Series:
    """Find the rows that break a constraint.

    Parameters
    ----------
    constraint : Constraint
        Any kind.
    frame : DataFrame
        Canonical values of at least the columns that it reads.
    table : Table
        The schema.

    Returns
    -------
    Series
        Boolean without nulls, one per row. Of what holds among rows: for `Unique` every row after the first of its
        values; for `Determines` the rows that differ from what is listed of their group, or from its most frequent
        values (the smallest, if several are); for `Monotone` the rows below the highest before them (above the lowest,
        if it falls).

    Raises
    ------
    PredicateError
        SQL in it can not be understood.
    SchemaError
        A regular expression can not be understood.

    Notes
    -----
    Missing values: `Check` and `Implies` fail only on FALSE; an `Equality` passes when either side is missing;
    `Unique` and `Determines` pass over rows that lack a value of their key; a `Combination` with listed values passes
    where one is missing; `OneHot` passes where all are missing; `Monotone` and `Running` pass over rows that lack the
    column or its order; a `Pattern` passes where the text is missing. A `Combination` that no fit has filled in yet is
    kept by every row.

    **Cost**: linear in rows; `Monotone` sorts.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number"), Column("b", "category")))
    >>> frame = pl.DataFrame({"a": [1.0, 1.0, 2.0], "b": ["x", None, "y"]})
    >>> find_broken(Unique("a"), frame, table).to_list()
    [False, True, False]
    """
    return _broken(constraint, frame, table).fill_null(False).rename("broken")


@singledispatch
def _broken(constraint: Any, frame: pl.DataFrame, table: Table) -> pl.Series:
    raise SchemaError(f"{constraint!r} is no constraint.")


@_broken.register
def _(constraint: Check, frame: pl.DataFrame, table: Table) -> pl.Series:
    return ~Predicate.parse(constraint.sql, table).evaluate(frame)


@_broken.register
def _(constraint: Implies, frame: pl.DataFrame, table: Table) -> pl.Series:
    when = Predicate.parse(constraint.when, table).evaluate(frame).fill_null(False)
    return when & ~Predicate.parse(constraint.then, table).evaluate(frame).fill_null(True)


@_broken.register
def _(constraint: Equality, frame: pl.DataFrame, table: Table) -> pl.Series:
    return differs(frame[constraint.column], formula_of(constraint, table).evaluate(frame), constraint, table)


def differs(left: pl.Series, right: pl.Series, constraint: Equality, table: Table) -> pl.Series:
    """Mark where a column is further from what an equality says than is allowed; null where one is missing.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number", decimals=2),))
    >>> differs(pl.Series([1.0, 1.0]), pl.Series([1.004, 1.1]), Equality("a", "b"), table).to_list()
    [False, True]
    """
    column = table[constraint.column]
    gap = _gap(left, right, column)
    if gap is None:
        return left != right.cast(left.dtype, strict=False)
    allowed = tolerance(constraint, column)
    if allowed is None:
        size = pl.select(pl.max_horizontal(left.abs(), right.cast(pl.Float64).abs())).to_series()
        return gap > RELATIVE * size
    # a value on the edge must not fail by the last bit of a double
    edge = allowed * (1 + RELATIVE)
    exact = column.kind != "number" or (left.dtype.is_integer() and right.dtype.is_integer())
    return gap > edge if exact else gap > edge + RELATIVE * left.cast(pl.Float64).abs()


def tolerance(constraint: Equality, column: Column) -> float | None:
    """Return by how much an equality may be off, in units of the column; None: relative to the value.

    Examples
    --------
    >>> tolerance(Equality("a", "b"), Column("a", "number", decimals=2))
    0.005
    """
    if constraint.tolerance is not None:
        return constraint.tolerance
    if column.kind == "number" and not column.integer:
        return None if column.decimals is None else 0.5 * 10.0**-column.decimals
    return 0.0


def _gap(left: pl.Series, right: pl.Series, column: Column) -> pl.Series | None:
    """Return how far two values are apart, in numbers or in seconds; None where only same and different exist."""
    if column.kind == "number" or (column.kind == "key" and column.integer):
        # whole numbers beyond 2**53 differ in doubles where they are the same
        if left.dtype.is_integer() and right.dtype.is_integer():
            return (left - right).abs().cast(pl.Float64)
        return (left.cast(pl.Float64) - right.cast(pl.Float64)).abs()
    if column.kind in {"date", "datetime"}:
        moments = [_moment(values) for values in (left, right)]
        return (moments[0] - moments[1]).abs().cast(pl.Float64) / 1e6
    if column.kind in {"time", "duration"}:
        per_second = 1e9 if column.kind == "time" else 1e6
        return (left.cast(pl.Int64) - right.cast(left.dtype).cast(pl.Int64)).abs() / per_second
    return None


def _moment(values: pl.Series) -> pl.Series:
    zone = getattr(values.dtype, "time_zone", None)
    values = values.dt.replace_time_zone(None) if zone is None and values.dtype == pl.Datetime else values
    return values.cast(pl.Datetime("us", zone)).cast(pl.Int64)


@_broken.register
def _(constraint: Unique, frame: pl.DataFrame, table: Table) -> pl.Series:
    columns = list(constraint.columns)
    first = frame.select(first=pl.struct(columns).is_first_distinct())["first"]
    return ~first & _complete(frame, columns)


def _complete(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    return ~frame.select(any=pl.any_horizontal(pl.col(columns).is_null()))["any"]


@_broken.register
def _(constraint: Determines, frame: pl.DataFrame, table: Table) -> pl.Series:
    by, columns = list(constraint.by), list(constraint.columns)
    rows = frame.select(*by, *columns)
    known = listed_rows(constraint.groups, rows) if constraint.groups is not None else None
    free = rows if known is None else rows.join(known, on=by, how="anti")
    usual = (
        free.group_by(by + columns)
        .agg(_rows=pl.len())
        .sort(["_rows", *columns], descending=[True] + [False] * len(columns), nulls_last=True)
        .group_by(by, maintain_order=True)
        .agg(pl.col(columns).first().name.prefix("_usual_"))
    )
    if known is not None:
        usual = pl.concat([usual, known.rename({name: f"_usual_{name}" for name in columns})])
    met = rows.join(usual, on=by, how="left", nulls_equal=True, maintain_order="left")
    differs = met.select(
        any=pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"_usual_{name}")) for name in columns)
    )["any"]
    return differs & _complete(frame, by)


@_broken.register
def _(constraint: Combination, frame: pl.DataFrame, table: Table) -> pl.Series:
    columns = list(constraint.columns)
    rows = frame.select(columns)
    if constraint.allowed is None:
        return pl.Series([False]).new_from_index(0, frame.height)
    listed = listed_rows(constraint.allowed, rows)
    # what a fit filled in may list missing values: then a row must be listed, whatever it lacks
    lists_gaps = any(value is None for row in constraint.allowed for value in row)
    known = rows.join(
        listed.with_columns(_known=True), on=columns, how="left", nulls_equal=True, maintain_order="left"
    )["_known"].fill_null(False)
    return ~known if lists_gaps else ~known & _complete(frame, columns)


def listed_rows(listed: Sequence[Sequence[Any]], like: pl.DataFrame) -> pl.DataFrame:
    """Return what a constraint lists as a frame with the columns and types of another one.

    Examples
    --------
    >>> listed_rows([("a", 1)], pl.DataFrame({"x": ["b"], "y": [2]})).rows()
    [('a', 1)]
    """
    return pl.DataFrame(
        [
            pl.Series(name, [row[place] for row in listed], dtype=dtype)
            for place, (name, dtype) in enumerate(like.schema.items())
        ]
    )


@_broken.register
def _(constraint: OneHot, frame: pl.DataFrame, table: Table) -> pl.Series:
    columns = list(constraint.columns)
    flags = frame.select(pl.col(columns).cast(pl.Int64))
    told = flags.select(
        broken=(pl.sum_horizontal(pl.col(columns).fill_null(0)) != 1)
        | pl.any_horizontal((pl.col(columns) != 0) & (pl.col(columns) != 1)),
        empty=pl.all_horizontal(pl.col(columns).is_null()),
    )
    return told["broken"].fill_null(False) & ~told["empty"]


@_broken.register
def _(constraint: Monotone, frame: pl.DataFrame, table: Table) -> pl.Series:
    value, groups = constraint.column, list(constraint.by)
    rows = (
        frame.select(
            pl.int_range(pl.len()).alias("_row"), pl.col(constraint.order).alias("_order"),
            pl.col(value).to_physical().alias("_value"), *groups,
        )
        .drop_nulls(["_order", "_value"])
        .sort([*groups, "_order"], maintain_order=True)
    )  # fmt: skip
    up = pl.col("_value").min() if constraint.falling else pl.col("_value").max()
    # rows of one moment do not bind each other: they are held against the moments before
    steps = rows.group_by([*groups, "_order"], maintain_order=True).agg(_end=up)
    running = pl.col("_end").cum_min() if constraint.falling else pl.col("_end").cum_max()
    before = running.shift(1)
    steps = steps.with_columns(_before=before.over(groups) if groups else before)
    met = rows.join(steps, on=[*groups, "_order"], how="left", nulls_equal=True, maintain_order="left")
    limit = pl.col("_before")
    if constraint.falling:
        worse = pl.col("_value") >= limit if constraint.strict else pl.col("_value") > limit
    else:
        worse = pl.col("_value") <= limit if constraint.strict else pl.col("_value") < limit
    broken = met.filter(worse)["_row"]
    marks = pl.Series([False]).new_from_index(0, frame.height)
    return marks.scatter(broken, True) if len(broken) else marks


@_broken.register
def _(constraint: Running, frame: pl.DataFrame, table: Table) -> pl.Series:
    parts = [constraint.of, *([] if constraint.opening is None else [constraint.opening])]
    return misses_sum(constraint, frame, table, *(Formula.parse(sql, table).evaluate(frame) for sql in parts))


def misses_sum(
    constraint: Running,
    frame: pl.DataFrame,
    table: Table,
    addend: pl.Series,
    opening: pl.Series | None = None,
) -> pl.Series:
    """Mark where the column of a running sum differs from it; null where the rule says nothing.

    Examples
    --------
    >>> table = Table("t", (Column("at", "number"), Column("a", "number"), Column("sum", "number", decimals=2)))
    >>> frame = pl.DataFrame({"at": [2, 1], "a": [0.1, 0.2], "sum": [0.4, 0.2]})
    >>> misses_sum(Running("sum", "a", order="at"), frame, table, frame["a"], pl.Series([0, 0])).to_list()
    [True, False]
    """
    column = table[constraint.column]
    allowed = tolerance(Equality(column.name, "0"), column) if column.kind == "number" else 0.0
    return strays(frame[column.name], *run_up(constraint, frame, addend, opening), allowed or 0.0, RELATIVE)


@_broken.register
def _(constraint: Pattern, frame: pl.DataFrame, table: Table) -> pl.Series:
    try:
        return ~frame[constraint.column].cast(pl.String).str.contains(f"^(?:{constraint.regex})$")
    except pl.exceptions.ComputeError as error:
        raise SchemaError(
            f"table {table.name!r}, constraint {said(constraint)}: the regular expression can not be checked "
            "(look-around and back-references can not). Simplify it."
        ) from error
