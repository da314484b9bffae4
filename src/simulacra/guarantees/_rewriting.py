"""Conditions on columns that are computed, said of what they are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl
from sqlglot import exp

from simulacra.encoding import Encoding
from simulacra.errors import PredicateError
from simulacra.schema._refusals import resolve_name
from simulacra.schema.breaches import listed_rows
from simulacra.schema.constraints import Determines
from simulacra.schema.predicates import Predicate, parse_sql
from simulacra.schema.types import Table

MOST_GROUPS = 2_000
"""Groups beyond which a condition is left to be tried on drawn rows."""


def rewrite(condition: Predicate, formulas: Mapping[str, str], table: Table) -> Predicate | None:
    """Put the expressions of computed columns in their place.

    Parameters
    ----------
    condition : Predicate
        A condition on drawn rows as they are given out.
    formulas : mapping
        The SQL of each computed column.
    table : Table
        Their schema.

    Returns
    -------
    Predicate or None
        A condition on rows as they are drawn. None if it can not be said of them.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", tuple(Column(name, "number") for name in ("total", "price", "amount")))
    >>> print(rewrite(Predicate.parse("Total > 5", table), {"total": "price * amount"}, table))
    (price * amount) > 5
    """
    if not any(name in formulas for name in condition.columns):
        return condition

    def put(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Column):
            return node
        name = resolve_name(node.name, table, quoted=node.this.args.get("quoted", False))
        if name not in formulas:
            return node
        formula = exp.Paren(this=parse_sql(formulas[name], table))
        if not table[name].nullable:
            return formula
        # a missing value of the column stays missing
        own = exp.to_identifier(name, quoted=True)
        gap = exp.Is(this=exp.Column(this=own), expression=exp.Null())
        return exp.Paren(this=exp.Case(ifs=[exp.If(this=exp.Not(this=gap), true=formula)]))

    try:
        sql = parse_sql(condition.sql, table).copy().transform(put).sql(dialect="postgres", comments=False)
        return Predicate.parse(sql, table)
    except PredicateError:
        return None


def ask_groups(
    condition: Predicate, rules: Iterable[Determines], encodings: Mapping[str, Encoding], table: Table
) -> Predicate:
    """Say a condition on determined columns of the one column that determines them, if all its groups are listed.

    Parameters
    ----------
    condition : Predicate
        A condition on drawn rows as they are given out.
    rules : iterable of Determines
        Those whose groups are looked up.
    encodings : mapping
        Tell the values that can be drawn.
    table : Table
        Their schema.

    Returns
    -------
    Predicate
        The same condition where it can not be said so.
    """
    for rule in rules:
        if len(rule.by) > 1 or not condition.columns or not set(condition.columns) <= set(rule.columns):
            continue
        names = (*rule.by, *rule.columns)
        values = [encodings[name].candidates() if name in encodings else None for name in names]
        if rule.groups is None or len(rule.groups) > MOST_GROUPS or any(v is None for v in values):
            continue
        like = pl.DataFrame([v.head(0).alias(n) for n, v in zip(names, values, strict=True) if v is not None])
        listed = listed_rows(rule.groups, like)
        by = listed[rule.by[0]]
        drawn = values[0]
        if drawn is None or not drawn.is_in(by.implode()).fill_null(False).all():
            continue
        fitting = by.filter(condition.evaluate(listed).fill_null(False))
        if len(fitting):
            return Predicate.parse({rule.by[0]: fitting.to_list()}, table)
    return condition
