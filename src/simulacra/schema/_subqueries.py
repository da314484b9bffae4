"""From SQL over several tables to expressions: subqueries and columns of rows above become columns of a wider row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlglot import exp

from simulacra.errors import PredicateError, SchemaError, unknown
from simulacra.schema._compiler import Compiler
from simulacra.schema._expressions import Aggregate, Expression, Lookup
from simulacra.schema._literals import shorten
from simulacra.schema._refusals import flatten, resolve_name
from simulacra.schema._values import boolean
from simulacra.schema.predicates import write_sql
from simulacra.schema.reference import Reference
from simulacra.schema.routes import Route, find_role, find_route, role_of
from simulacra.schema.types import Column, Schema, Table

_FUNCTIONS: dict[type, str] = {
    exp.Count: "count",
    exp.Sum: "sum",
    exp.Avg: "avg",
    exp.Min: "min",
    exp.Max: "max",
}
_ADDED = ("number", "duration")
_ORDERED = ("number", "text", "date", "datetime", "time", "duration")
_PLAIN = "a subquery is one aggregate over a table that refers to this one, with WHERE and nothing else"


@dataclass(frozen=True)
class Scope:
    """What names mean at one place: the row at hand, and the rows outside a subquery that they may lead to."""

    schema: Schema
    table: Table
    own: str
    outer: Mapping[str, Route] = field(default_factory=dict)

    def is_own(self, qualifier: str) -> bool:
        """Tell whether a qualifier means the row at hand."""
        return qualifier.casefold() == self.own.casefold()

    def route(self, qualifier: str) -> Route:
        """Find the way from the row at hand to the row that a qualifier means."""
        known = self.outer.get(qualifier.casefold())
        if known is not None:
            return known
        for reference in self.table.references:
            if qualifier.casefold() in {name.casefold() for name in role_of(reference)}:
                return Route((self.table.name, reference.table), (reference,))
        try:
            if qualifier.casefold() in {name.casefold() for name in self.schema.names}:
                return find_route(self.schema, self.table.name, _table_named(qualifier, self.schema))
            return find_role(self.schema, self.table.name, qualifier)
        except SchemaError as error:
            raise PredicateError(f"{qualifier!r}: {error}") from None


def read_expression(sql: str, node: exp.Expression, scope: Scope, *, condition: bool) -> Expression:
    """Compile a parsed text; a condition is TRUE, FALSE or UNKNOWN, and anything else gives a value."""
    rewriter = _Rewriter(scope)
    plain = node.transform(rewriter.rewrite)
    wide = replace(scope.table, columns=(*scope.table.columns, *rewriter.columns.values()), constraints=())
    compiler = Compiler(wide)
    value = compiler.compile(plain)
    value = boolean(value) if condition else value
    own = tuple(name for name in scope.table.names if name in compiler.columns)
    return Expression(
        sql, scope.table.name, own, value.kind,
        tuple(part for part in rewriter.parts.values() if isinstance(part, Lookup)),
        tuple(part for part in rewriter.parts.values() if isinstance(part, Aggregate)),
        value.integer, value.zone, value.expr, node, plain, wide,
    )  # fmt: skip


class _Rewriter:
    """Puts a column in the place of whatever belongs to other tables, and notes what it stands for."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.columns: dict[str, Column] = {}
        self.parts: dict[str, Lookup | Aggregate] = {}

    def rewrite(self, node: exp.Expression) -> exp.Expression:
        """Return what stands in the place of a node; the node itself if that belongs to the row at hand."""
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Exists):
            count = self._subquery(node.this.unnest(), exp.Count(this=exp.Star()))
            return exp.GTE(this=count, expression=exp.Literal.number(1))
        if isinstance(node, exp.Subquery):
            return self._subquery(node.unnest(), None)
        if isinstance(node, (exp.All, exp.Any)) or (isinstance(node, exp.In) and node.args.get("query")):
            raise PredicateError(
                f"{_shown(node)!r} compares with many rows. Write EXISTS (select 1 from ... where ...), or "
                "an aggregate."
            )
        if isinstance(node, (exp.AggFunc, exp.Window, exp.Filter)):
            raise PredicateError(
                f"{_shown(node)!r} does not say whose rows it is over. Write a subquery: "
                "(select count(*) from orders) >= 2."
            )
        return node

    def _column(self, node: exp.Expression) -> exp.Expression:
        qualifier = node.args.get("table")
        if qualifier is None:
            return node
        name, spelled = node.name, bool(node.this.args.get("quoted"))
        if self.scope.is_own(qualifier.name):
            return exp.column(exp.to_identifier(name, quoted=spelled))
        whole = f"{qualifier.name}.{name}"
        if whole in self.scope.table.names:
            raise PredicateError(
                f'{whole!r} is a column of table {self.scope.table.name!r}: write "{whole}".'
            )
        route = self.scope.route(qualifier.name)
        above = self.scope.schema.table(route.end)
        column = above[resolve_name(name, above, quoted=spelled)]
        label = self._label(f"{qualifier.name}.{column.name}")
        self.columns[label] = replace(column, name=label, nullable=True)
        self.parts[label] = Lookup(label, route, column.name)
        return _named(label)

    def _subquery(self, query: exp.Expression, wanted: exp.Expression | None) -> exp.Expression:
        """Read a query over a child; `wanted` is the aggregate in place of what it selects."""
        try:
            _require_plain(query)
            select = _selected(query) if wanted is None else wanted
            source = _read_source(query, self.scope)
            return select.transform(lambda node: self._aggregate(node, source, query))
        except PredicateError as error:
            raise PredicateError(f"{_shown(query)!r}: {error}") from error.__cause__

    def _aggregate(self, node: exp.Expression, source: _Source, query: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column):
            raise PredicateError(
                f"{_shown(node)!r} stands beside an aggregate. Put it into one, or outside the subquery."
            )
        if not isinstance(node, exp.AggFunc):
            return node
        function, distinct, inner = _read_function(node)
        value = (
            None if inner is None else read_expression(write_sql(inner), inner, source.scope, condition=False)
        )
        column = _figure(function, value)
        where = source.where
        label = self._label(f"(SELECT {write_sql(node)} {source.written})")
        self.columns[label] = replace(column, name=label)
        self.parts[label] = Aggregate(label, function, source.route, value, where, distinct)
        return _named(label)

    def _label(self, label: str) -> str:
        # the same words mean the same thing in one scope; only a true column could be called so too
        while label in self.scope.table.names:
            label += "'"
        return label


@dataclass(frozen=True)
class _Source:
    """The rows that a subquery is over."""

    scope: Scope
    route: Route
    where: Expression | None
    written: str


def _require_plain(query: exp.Expression) -> None:
    if not isinstance(query, exp.Select):
        raise PredicateError(f"this is no query over one table: {_PLAIN}.")
    for part, given in query.args.items():
        if part not in {"kind", "expressions", "from_", "where"} and given not in (None, False, [], ""):
            raise PredicateError(f"{_PLAIN}: take {part.strip('_').upper()} out.")
    if query.args.get("from_") is None:
        raise PredicateError(f"there is no FROM: {_PLAIN}.")
    origin = query.args["from_"].this
    plain = isinstance(origin, exp.Table) and isinstance(origin.this, exp.Identifier)
    if not plain or any(
        given not in (None, False, []) and part not in {"this", "db", "alias"}
        for part, given in origin.args.items()
    ):
        raise PredicateError(
            f"{_shown(origin)!r} is not a table alone: {_PLAIN}; references imply the joins."
        )


def _read_source(query: exp.Expression, scope: Scope) -> _Source:
    origin = query.args["from_"].this
    child, role = _child_of(origin, scope.schema)
    own = origin.alias or child.name
    condition = query.args["where"].this if query.args.get("where") is not None else None
    terms = (
        []
        if condition is None
        else flatten(condition)
        if isinstance(condition.unnest(), exp.And)
        else [condition]
    )
    joined = _explicit(terms, scope, child, own)
    if joined is not None:
        reference, terms = joined
        route = Route((child.name, scope.table.name), (reference,))
    else:
        try:
            route = find_route(scope.schema, child.name, scope.table.name, role)
        except SchemaError as error:
            raise PredicateError(str(error)) from None
    inner = Scope(scope.schema, child, own, _outer(scope, route))
    where = None
    if terms:
        node = terms[0].unnest().copy() if len(terms) == 1 else exp.and_(*terms, copy=True)
        where = read_expression(write_sql(node), node, inner, condition=True)
    given = [query.args[part] for part in ("from_", "where") if query.args.get(part)]
    return _Source(inner, route, where, " ".join(write_sql(part).strip() for part in given))


def _child_of(origin: exp.Expression, schema: Schema) -> tuple[Table, str | None]:
    """Return the table that is named, and the reference that is named after it, as in ``orders.billing``."""
    name, before = origin.name, origin.args.get("db")
    if before is None:
        return schema.table(_table_named(name, schema)), None
    whole = f"{before.name}.{name}"
    if whole in schema.names:
        return schema.table(whole), None
    return schema.table(_table_named(before.name, schema)), name


def _outer(scope: Scope, route: Route) -> dict[str, Route]:
    """Say what the names outside a subquery mean inside it."""
    outer = {name: route.joined(further) for name, further in scope.outer.items()}
    for place in range(1, len(route.references)):
        outer[route.tables[place].casefold()] = Route(route.tables[: place + 1], route.references[:place])
    outer[scope.own.casefold()] = route
    return outer


def _explicit(
    terms: list[exp.Expression], scope: Scope, child: Table, own: str
) -> tuple[Reference, list[exp.Expression]] | None:
    """Find a join that is written out, ``orders.billing = customers.id``: its reference, and the other terms."""
    pairs: dict[tuple[str, str], exp.Expression] = {}
    for term in terms:
        node = term.unnest()
        sides = [node.this.unnest(), node.expression.unnest()] if isinstance(node, exp.EQ) else []
        if len(sides) != 2 or not all(isinstance(side, exp.Column) for side in sides):
            continue
        for inside, outside in (sides, sides[::-1]):
            above = (
                outside.table and scope.is_own(outside.table) and outside.table.casefold() != own.casefold()
            )
            if above and inside.table.casefold() in {"", own.casefold()}:
                pairs[inside.name.casefold(), outside.name.casefold()] = term
    for reference in child.references:
        links = {
            (mine.casefold(), theirs.casefold())
            for mine, theirs in zip(reference.columns, reference.to, strict=True)
        }
        if reference.table == scope.table.name and links <= set(pairs):
            spent = [pairs[link] for link in links]
            return reference, [term for term in terms if not any(term is used for used in spent)]
    return None


def _selected(query: exp.Expression) -> exp.Expression:
    found = [node.unalias() for node in query.expressions]
    if len(found) != 1 or found[0].find(exp.AggFunc) is None:
        raise PredicateError(f"it could give many values: {_PLAIN}. Use count, sum, avg, min or max.")
    selected: exp.Expression = found[0]
    if selected.find(exp.Window, exp.Filter, exp.Subquery, exp.Exists):
        raise PredicateError(f"{_shown(selected)!r} is not an aggregate alone: {_PLAIN}.")
    return selected


def _read_function(node: exp.Expression) -> tuple[str, bool, exp.Expression | None]:
    """Return the aggregate's name, whether equal values count once, and what it is over."""
    function = _FUNCTIONS.get(type(node))
    if function is None or node.expressions:
        name = str(node.sql_name()).lower() if isinstance(node, exp.Func) else _shown(node)
        raise PredicateError(f"{unknown('aggregate', name, sorted(_FUNCTIONS.values()))}")
    inner = node.this
    if isinstance(inner, exp.Star):
        return function, False, None
    if not isinstance(inner, exp.Distinct):
        return function, False, inner
    if function != "count" or len(inner.expressions) != 1:
        raise PredicateError(f"{_shown(node)!r}: DISTINCT stands in count(distinct x) only, with one value.")
    return function, True, inner.expressions[0]


def _figure(function: str, value: Expression | None) -> Column:
    """Return a column of the kind that an aggregate has."""
    if function == "count":
        return Column("count", "number", integer=True)
    assert value is not None
    if value.kind not in (_ORDERED if function in {"min", "max"} else _ADDED):
        raise PredicateError(f"{function} has no meaning for {value.sql!r}, which is of kind {value.kind}.")
    if value.kind == "number":
        return Column(function, "number", nullable=True, integer=value.integer and function != "avg")
    origin = _bare(value)
    if origin is not None:
        # constants are read in the way that the column is written
        return replace(origin, nullable=True, bounds=None, identifying=None)
    kind: Any = value.kind
    return Column(function, kind, nullable=True, timezone=value.zone)


def _bare(value: Expression) -> Column | None:
    node = value.plain.unnest()
    return value.wide[resolve_name(node.name, value.wide)] if isinstance(node, exp.Column) else None


def _table_named(name: str, schema: Schema) -> str:
    alike = [known for known in schema.names if known.casefold() == name.casefold()]
    if name in schema.names or len(alike) == 1:
        return name if name in schema.names else alike[0]
    raise PredicateError(str(unknown("table", name, schema.names)))


def _named(label: str) -> exp.Expression:
    return exp.column(exp.to_identifier(label, quoted=True))


def _shown(node: exp.Expression) -> str:
    return shorten(write_sql(node), 80)
