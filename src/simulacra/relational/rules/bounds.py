"""How many rows below a row a condition needs at least, and how many it leaves room for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl
from sqlglot import exp

from simulacra.errors import ImpossibleCondition, PredicateError
from simulacra.schema.crossing import Aggregate, Crossing, plain_text
from simulacra.schema.formulas import Formula
from simulacra.schema.predicates import Predicate, write_sql
from simulacra.schema.routes import Route
from simulacra.schema.types import Schema, Table

_SIGNS: dict[type, str] = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_TURNED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_INVERSE = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_STRICT = (
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Mod,
    exp.Neg,
    exp.Paren,
    exp.Abs,
    exp.Round,
    exp.Floor,
    exp.Ceil,
)
"""What is NULL where one of its parts is."""


@dataclass(frozen=True)
class Bound:
    """How many of the rows below a row may be of a certain kind. Every row that satisfies the condition keeps it.

    Parameters
    ----------
    route : Route
        From the rows below up to the row.
    where : Predicate or None
        Which of them are counted; all when None.
    least : int
        So many at least.
    most : int or None
        So many at most; any number when None.
    """

    route: Route
    where: Predicate | None = None
    least: int = 0
    most: int | None = None

    @property
    def child(self) -> str:
        """The table of the rows that are counted."""
        return self.route.start

    def __str__(self) -> str:
        kind = f" of {self.child}" + ("" if self.where is None else f" with {self.where}")
        if self.most == 0:
            return f"no row{kind}"
        least = [f"at least {self.least:,}"] if self.least else []
        most = [] if self.most is None else [f"at most {self.most:,}"]
        return ", ".join(least + most) + (" row" if (self.most or self.least) == 1 else " rows") + kind


def find_bounds(condition: Crossing) -> tuple[Bound, ...]:
    """Find what the AND-terms of a condition ask of the number of rows below.

    Parameters
    ----------
    condition : Crossing
        A condition over rows of one table.

    Returns
    -------
    tuple of Bound
        Necessary, and sufficient only where counts alone are compared with constants. An OR asks nothing.

    Raises
    ------
    ImpossibleCondition
        No number of rows could do.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Reference
    >>> people = Table("people", (Column("id", "key", integer=True),), ("id",))
    >>> pets = Table("pets", (Column("owner", "key", integer=True), Column("age", "number")), references=(
    ...     Reference(("owner",), "people"),))
    >>> sql = "(select count(*) from pets where age > 9) >= 2 and (select max(age) from pets) < 20"
    >>> for bound in find_bounds(Crossing.parse(sql, "people", Schema((people, pets)))):
    ...     print(bound)
    at least 2 rows of pets with age > 9
    at least 1 row of pets with age < 20
    no row of pets with age >= 20
    """
    merged: dict[tuple[object, str], Bound] = {}
    for term in condition.terms():
        for bound in _bounds_of(term):
            key = (bound.route, str(bound.where))
            old = merged.get(key, bound)
            most = (
                bound.most
                if old.most is None
                else old.most
                if bound.most is None
                else min(old.most, bound.most)
            )
            merged[key] = new = replace(bound, least=max(old.least, bound.least), most=most)
            if new.most is not None and new.most < new.least:
                raise ImpossibleCondition(
                    f'where "{term}": no number of rows of {bound.child!r} can satisfy it. Loosen it.'
                )
    return tuple(merged.values())


def _bounds_of(term: Crossing) -> Iterator[Bound]:
    figures = {figure.name: figure for figure in term.expression.aggregates}
    for left, sign, right in _tests(term.expression.plain):
        for side, other, way in ((left, right, sign), (right, left, _TURNED.get(sign, ""))):
            bare = side.unnest() if side is not None else None
            figure = figures.get(bare.name) if isinstance(bare, exp.Column) else None
            if figure is None or other is None or other.find(exp.Column) is not None:
                for needed in () if side is None else _needed(side, figures):
                    yield from _counted(needed, term.schema, least=1)
                continue
            yield from (
                _count_bounds(figure, way, other, term.schema)
                if figure.function == "count"
                else _value_bounds(figure, way, write_sql(other), term.schema)
            )


def _tests(node: exp.Expression) -> Iterator[tuple[exp.Expression, str, exp.Expression | None]]:
    """Go through the comparisons that a term consists of; none where it is more than that."""
    node, denied = node.unnest(), False
    while isinstance(node, exp.Not):
        node, denied = node.this.unnest(), not denied
    sign = _SIGNS.get(type(node))
    if sign is not None:
        yield node.this, _INVERSE[sign] if denied else sign, node.expression
    elif isinstance(node, exp.Between) and denied:
        yield node.this, "", None
    elif isinstance(node, exp.Between):
        yield node.this, ">=", node.args["low"]
        yield node.this, "<=", node.args["high"]
    elif isinstance(node, exp.In) and not denied and node.expressions:
        values = [_number(option) for option in node.expressions]
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            yield node.this, ">=", exp.Literal.number(min(known))
            yield node.this, "<=", exp.Literal.number(max(known))
    elif isinstance(node, exp.Is) and denied and isinstance(node.expression, exp.Null):
        yield node.this, "", None


def _needed(node: exp.Expression, figures: dict[str, Aggregate]) -> Iterator[Aggregate]:
    """Go through the figures that must not be NULL for a comparison with this to be TRUE."""
    node = node.unnest()
    if isinstance(node, exp.Column) and node.name in figures:
        if figures[node.name].function != "count":
            yield figures[node.name]
    elif isinstance(node, _STRICT):
        for part in node.iter_expressions():
            yield from _needed(part, figures)


def _count_bounds(figure: Aggregate, sign: str, other: exp.Expression, schema: Schema) -> Iterator[Bound]:
    limit = _number(other)
    if limit is None:
        return
    least = {">=": math.ceil(limit), ">": math.floor(limit) + 1, "=": math.ceil(limit)}.get(sign, 0)
    most = {"<=": math.floor(limit), "<": math.ceil(limit) - 1, "=": math.floor(limit)}.get(sign)
    if figure.distinct and most is not None and most > 0:
        most = None  # more rows may have fewer values
    yield from _counted(figure, schema, least=max(least, 0), most=most)


def _value_bounds(figure: Aggregate, sign: str, limit: str, schema: Schema) -> Iterator[Bound]:
    """Say what a limit of a minimum, maximum or mean asks of single rows."""
    if sign not in {"<", "<=", ">", ">=", "="} or figure.function == "sum":
        if figure.function == "sum" or sign == "<>":
            yield from _counted(figure, schema, least=1)
        return
    upward = figure.function == "max"
    if figure.function == "avg":
        # not all of them can lie on the other side of their mean
        yield from _counted(figure, schema, f"{sign} {limit}" if sign != "=" else "", least=1)
        return
    yield from _counted(figure, schema, f"{sign} {limit}", least=1)
    if sign == "=":
        yield from _counted(figure, schema, f"{'>' if upward else '<'} {limit}", most=0)
    elif sign.startswith("<") == upward:
        yield from _counted(figure, schema, f"{_INVERSE[sign]} {limit}", most=0)


def _counted(
    figure: Aggregate, schema: Schema, test: str = "", *, least: int = 0, most: int | None = None
) -> Iterator[Bound]:
    """Make the bound of a figure's rows, of those whose value passes a test, or has a value."""
    texts = [None if part is None else plain_text(part) for part in (figure.where, figure.value)]
    hidden = [
        part is not None and text is None
        for part, text in zip((figure.where, figure.value), texts, strict=True)
    ]
    if any(hidden):
        # rows of a kind that other tables decide can not be counted here: at least so many of any kind, though
        most = None
    if not least and most is None:
        return
    parts = [] if texts[0] is None else [texts[0]]
    if texts[1] is not None:
        value = texts[1] if texts[1].isidentifier() else f"({texts[1]})"
        parts.append(f"{value} {test or 'IS NOT NULL'}")
    child = schema.table(figure.route.start)
    if len(parts) == 2:
        parts = [f"({part})" for part in parts]
    yield Bound(figure.route, Predicate.parse(" AND ".join(parts), child) if parts else None, least, most)


def _number(node: exp.Expression) -> float | None:
    """Return the number that a constant expression gives; None if it gives none."""
    if node.find(exp.Column) is not None:
        return None
    try:
        found = Formula.parse(write_sql(node), Table("", ())).evaluate(pl.DataFrame({"row": [0]}))[0]
    except PredicateError:
        return None
    return found if isinstance(found, (int, float)) and math.isfinite(found) else None
