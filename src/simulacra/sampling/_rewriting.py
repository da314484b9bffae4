"""Conditions on columns that are computed, said of what they are computed from."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from simulacra.errors import PredicateError
from simulacra.schema._refusals import resolve_name
from simulacra.schema.predicates import Predicate, parse_sql
from simulacra.schema.types import Table


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
