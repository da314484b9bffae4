"""Ways between tables along which rules are looked for, with how SQL calls them, and how much speaks for a rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import PredicateError, SchemaError
from simulacra.mining._look import Found as Inside
from simulacra.mining._look import Look, quote
from simulacra.randomness import Streams
from simulacra.relational.plan import Plan
from simulacra.relational.rules._entity_repairs import Held, hold
from simulacra.schema._subqueries import Scope
from simulacra.schema.column import Column
from simulacra.schema.constraints import Constraint
from simulacra.schema.routes import Frames, Route, Rows, find_route, role_of
from simulacra.schema.types import Schema

FAR = 3
"""References at most between two tables of one rule."""
GLANCE = 2_000
"""Rows that candidates are tried on before all rows are."""
FEWEST = 30
"""Rows that must speak for a rule, and rows in which chance must be expected to break it."""
EVIDENCE = 20.0
"""The log of how unlikely a rule must be by chance: one in 500 million."""
MOST = 60
"""Columns at most of one table that are held against others."""


@dataclass(frozen=True, slots=True)
class Way:
    """A route up, and what SQL calls it on either side.

    Parameters
    ----------
    route : Route
        From the rows below up.
    above : str
        What a row below calls the row above: ``customers.name``.
    below : str or None
        What a row above calls the rows below, after FROM; None where it can not name them.
    """

    route: Route
    above: str
    below: str | None

    def lookup(self, column: str) -> str:
        """Write a column of the row above."""
        return f"{self.above}.{quote(column)}"


@dataclass(frozen=True)
class Found:
    """A rule, and what speaks for it.

    Parameters
    ----------
    table : str
        Its table.
    constraint : Constraint
        The rule.
    column : str
        The column that it gives or limits.
    reads : frozenset
        The columns that it reads, with their tables.
    support, rows : int
        Rows in which both sides are there, and all rows.
    exceptions : int
        Rows that break it: none, but for days in order.
    """

    table: str
    constraint: Constraint
    column: str
    reads: frozenset[tuple[str, str]]
    support: int
    rows: int
    exceptions: int = 0


@dataclass
class Search:
    """Tables under search for rules over several of them.

    Parameters
    ----------
    schema : Schema
        The tables, with the rules that are known already.
    frames : mapping
        Canonical values.
    plan : Plan
        How references are made: tables that are not drawn keep their values.
    given, moved : dict
        The columns that rules give, and those that rules may change, with what these read.
    found : list of Found
        The rules so far.
    looks, equalities, orders : dict
        By table, what is known of its rows one by one.
    """

    schema: Schema
    frames: Frames
    plan: Plan
    given: dict[tuple[str, str], frozenset[tuple[str, str]]] = field(default_factory=dict)
    moved: dict[tuple[str, str], frozenset[tuple[str, str]]] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    looks: dict[str, Look] = field(default_factory=dict)
    equalities: dict[str, list[Inside]] = field(default_factory=dict)
    orders: dict[str, list[tuple[Inside, tuple[str, ...]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = Rows(self.frames)
        self._ways: dict[str, list[Way]] = {}
        self._glances: dict[str, Array] = {}

    def columns(self, table: str) -> list[Column]:
        """List the columns of a table that can be told by others: no keys and references, which are counted anew."""
        own = self.schema.table(table)
        taken = {name for reference in own.references for name in reference.columns}
        taken |= {*own.key, *((own.weight,) if own.weight is not None else ())}
        return [column for column in own.columns if column.name not in taken][:MOST]

    def ways(self, table: str) -> list[Way]:
        """List the ways up from a table, the shortest first, that SQL can name."""
        if table not in self._ways:
            self._ways[table] = [
                way for route in _routes(self.schema, table, self.plan) if (way := _name(self.schema, route))
            ]
        return self._ways[table]

    def glance(self, table: str) -> Array:
        """Choose some rows of a table, the same ones for the same table."""
        if table not in self._glances:
            order = Streams(0).at(table, "mining").stream("glance").permutation(len(self.frames[table]))
            self._glances[table] = np.sort(order[:GLANCE])
        return self._glances[table]

    def may_give(self, table: str, column: str, reads: frozenset[tuple[str, str]]) -> bool:
        """Tell whether a rule may give a column: none does yet, and what it reads does not rest on the column."""
        return (table, column) not in self.given and self.may_move(table, column, reads)

    def may_move(self, table: str, column: str, reads: frozenset[tuple[str, str]]) -> bool:
        """Tell whether a rule may change a column: what it reads does not rest on it."""
        seen, left = set[tuple[str, str]](), list(reads)
        while left:
            name = left.pop()
            if name not in seen:
                seen.add(name)
                left += [*self.given.get(name, ()), *self.moved.get(name, ())]
        return (table, column) not in seen

    def compile(self, table: str, constraint: Constraint) -> Held | None:
        """Compile a candidate; None where the language does not allow it."""
        try:
            return hold(constraint, table, self.schema)
        except (PredicateError, SchemaError):
            return None

    def add(self, found: Found, *, gives: bool) -> None:
        """Keep a rule."""
        self.found.append(found)
        self.schema = self.schema.with_constraint(found.constraint, table=found.table)
        self.know((found.table, found.column), found.reads, gives=gives)

    def know(self, name: tuple[str, str], reads: frozenset[tuple[str, str]], *, gives: bool) -> None:
        """Note that a rule gives or limits a column."""
        if gives:
            self.given[name] = reads
        else:
            self.moved[name] = self.moved.get(name, frozenset()) | (reads - {name})


def _routes(schema: Schema, start: str, plan: Plan) -> Iterator[Route]:
    # a reference whose columns mean something by themselves, a day or an hour, gives nothing that they do not
    values = {(link.table, link.reference) for link in plan.links if link.way == "value"}
    values = {(table, reference) for table, reference in values if reference.table not in plan.kept}
    reached = [Route((start,), ())]
    for _ in range(FAR):
        reached = [
            route.joined(Route((route.end, reference.table), (reference,)))
            for route in reached
            for reference in schema.table(route.end).references
            if reference.table not in route.tables and (route.end, reference) not in values
        ]
        yield from reached


def _name(schema: Schema, route: Route) -> Way | None:
    """Find what SQL calls a way; None where no name means this one alone."""
    scope = Scope(schema, schema.table(route.start), route.start)
    roles = [name for reference in route.references for name in role_of(reference)]
    above = next((name for name in (route.end, *roles) if _leads(scope, name, route)), None)
    if above is None:
        return None
    below = next((role for role in (None, *roles) if _is_route(schema, role, route)), "")
    named = None if below == "" else quote(route.start) + ("" if below is None else f".{quote(below)}")
    return Way(route, quote(above), named)


def _leads(scope: Scope, name: str, route: Route) -> bool:
    try:
        return not scope.is_own(name) and scope.route(name) == route
    except (PredicateError, SchemaError):
        return False


def _is_route(schema: Schema, role: str | None, route: Route) -> bool:
    try:
        return find_route(schema, route.start, route.end, role) == route
    except SchemaError:
        return False


def weigh(values: pl.Series) -> float:
    """Return the log of how unlikely it is that as many values are met by chance, each by its share.

    Examples
    --------
    >>> round(weigh(pl.Series(["a", "b"] * 8)), 1), weigh(pl.Series(["a"] * 99))
    (11.1, 0.0)
    """
    known = values.drop_nulls()
    if not len(known):
        return 0.0
    counts = known.value_counts(sort=False)["count"].to_numpy().astype(np.float64)
    return float(-(counts * np.log(counts / len(known))).sum()) + 0.0


def lopsided(left: pl.Series, right: pl.Series) -> int:
    """Count the rows in which only one of two is missing."""
    return int((left.is_null() != right.is_null()).sum())
