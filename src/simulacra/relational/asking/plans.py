"""How a request is met: what of its conditions is asked of roots, of rows as they are drawn, and of whole entities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulacra.errors import PredicateError
from simulacra.relational.asking.conditions import Condition, Conditions
from simulacra.relational.asking.limits import count_text, require_drawable
from simulacra.relational.asking.rows import Led, RowTest, View, lead_to, make_test, rule_tests
from simulacra.relational.asking.trees import root_of, tree_of
from simulacra.relational.histories.histories import Histories
from simulacra.relational.naming import counted
from simulacra.relational.plan import Link
from simulacra.relational.rules.bounds import Bound
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.schema.crossing import Expression
from simulacra.schema.predicates import Predicate
from simulacra.schema.routes import Route

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


@dataclass(frozen=True)
class Request:
    """What is asked of the rows of one root and of all that belongs to them.

    Parameters
    ----------
    root : str
        The root.
    tree : tuple of str
        It and the units that it draws, in order.
    conditions : Conditions
        Of their tables.
    where : str or None
        What the root's own model is asked for.
    bounds : tuple of Bound
        Those of them that speak of numbers of rows below.
    judged : bool
        Whether anything is left that rows of the root alone do not tell.
    early : tuple of str
        The units that must be drawn to know whether a row of the root does.
    outward : tuple of Link
        References to other trees that conditions look along.
    tests : dict of str to tuple of RowTest
        By unit, what its rows must pass when they are drawn.
    led : dict of str to tuple of Led
        By unit, what its histories are led to.
    reads : dict of str to frozenset of str
        By table, the columns that conditions read.
    """

    root: str
    tree: tuple[str, ...]
    conditions: Conditions
    where: str | None
    bounds: tuple[Bound, ...]
    judged: bool
    early: tuple[str, ...]
    outward: tuple[Link, ...] = ()
    tests: dict[str, tuple[RowTest, ...]] = field(default_factory=dict)
    led: dict[str, tuple[Led, ...]] = field(default_factory=dict)
    reads: dict[str, frozenset[str]] = field(default_factory=dict)


def plan_requests(model: DatabaseSynthesizer, conditions: Conditions) -> tuple[Request, ...]:
    """Part conditions by the roots that their tables belong to.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    conditions : Conditions
        What is asked.

    Returns
    -------
    tuple of Request
        In the plan's order.

    Raises
    ------
    PredicateError
        A condition is on a table that is not drawn, on a key, or looks at rows that are not known when it must be told.
    """
    plan, by_root = model.plan, dict[str, dict[str, Condition]]()
    for name in conditions:
        if name in plan.kept:
            raise PredicateError(
                f"where: {name!r} is a reference table, whose rows are given out as they are. Ask for rows of another."
            )
        root = root_of(plan, name)
        if root is None:
            raise PredicateError(
                f"where: the rows of {name!r} belong to those of a reference table, all of which are given out. "
                "Filter the finished table."
            )
        _require_no_keys(model, conditions[name])
        require_drawable(model, conditions[name], root)
        by_root.setdefault(root, {})[name] = conditions[name]
    ready = [unit for unit in plan.units if plan.driving(unit) is None and unit not in by_root]
    found = []
    for root in plan.units:
        if root in by_root:
            found.append(_plan_one(model, root, Conditions(by_root[root]), ready))
            ready.append(root)
    return tuple(found)


def _plan_one(model: DatabaseSynthesizer, root: str, conditions: Conditions, ready: Sequence[str]) -> Request:
    plan, tree = model.plan, tree_of(model.plan, root)
    own = conditions.get(root)
    outward = _outward(model, conditions, root, ready)
    where, counts, whole = _ask_root(model, root, own)
    tests: dict[str, tuple[RowTest, ...]] = {}
    led: dict[str, tuple[Led, ...]] = {}
    for unit in tree[1:]:
        histories = model.units[unit].model
        if not isinstance(histories, Histories):
            continue
        members = [model.schema.table(name) for name in plan.members(unit)]
        view = View(histories)
        asked = [_row_tests(model, view, unit, conditions.get(table.name)) for table in members]
        tests[unit] = (*rule_tests(model.units[unit], members), *(test for more in asked for test in more))
        link = plan.driving(unit)
        if own is not None and link is not None and link.reference.table == root:
            longest = _longest(model, root, link)
            leads = [lead_to(bound, view, unit, model.schema.table(unit), longest)
                     for bound in own.bounds if _is_direct(bound.route, link)]  # fmt: skip
            led[unit] = tuple(lead for lead in leads if lead is not None)
    judged = not whole or set(conditions) != {root}
    read = {plan.home(name) for name in conditions.reads if name not in plan.kept}
    if any(table.constraints for table in model.schema.tables):
        # what is computed after drawing stands on rows of other tables
        asked_for = {
            name for condition in conditions.tables.values() for name in condition.whole.expression.reads
        }
        read |= {
            plan.home(name)
            for name in EntityRules.of(model.schema).find_sources(asked_for)
            if name not in plan.kept
        }
    last = max((place for place, unit in enumerate(tree) if unit in read), default=0)
    columns: dict[str, set[str]] = {}
    for condition in conditions.tables.values():
        for name, column in condition.whole.expression.reads:
            columns.setdefault(name, set()).add(column)
    return Request(
        root, tree, conditions, where, counts, judged, tree[: last + 1] if judged else tree[:1], outward, tests, led,
        {name: frozenset(own) for name, own in columns.items()},
    )  # fmt: skip


def _ask_root(
    model: DatabaseSynthesizer, root: str, own: Condition | None
) -> tuple[str | None, tuple[Bound, ...], bool]:
    """Write what the root's own model can be asked for; tell which bounds are in it, and whether it is all."""
    synthesizer = model.units[root].synthesizer
    if own is None or synthesizer is None:
        return None, (), own is None
    computed = EntityRules.of(model.schema).computed
    parts, bounds, whole = [], [], True
    names = {name for name in synthesizer.table.names if (root, name) not in computed}
    for term in own.row.terms() if own.row is not None else ():
        if set(term.columns) <= names:
            parts.append(f"({term})")
        else:
            whole = False
    for bound in own.bounds:
        text = count_text(model.plan, root, bound)
        if text:
            parts.append(text)
            bounds.append(bound)
    # a bound that counts all rows is the whole of its term only if the term compares a count with a constant
    plain = all(_is_count(term.expression) for term in own.rest)
    exact = plain and all(bound.where is None and len(bound.route.references) == 1 for bound in bounds)
    whole = whole and exact and len(bounds) == len(own.bounds) and (not own.rest or bool(bounds))
    return " AND ".join(parts) or None, tuple(bounds), whole and not own.rest


def _is_count(expression: Expression) -> bool:
    return all(figure.function == "count" and figure.where is None for figure in expression.aggregates)


def _row_tests(
    model: DatabaseSynthesizer, view: View, unit: str, condition: Condition | None
) -> Iterator[RowTest]:
    """Make tests of the terms that single rows of a driven unit tell."""
    if condition is None:
        return
    table = model.schema.table(condition.table)
    for term in condition.row.terms() if condition.row is not None else ():
        test = make_test(view, unit, table, term)
        if test is not None:
            yield test
    for bound in condition.bounds if condition.table == unit else ():
        text = count_text(model.plan, unit, bound)
        drawn = view.histories.rows.table
        test = make_test(view, drawn.name, drawn, Predicate.parse(text, drawn)) if text else None
        if test is not None:
            yield test


def _longest(model: DatabaseSynthesizer, root: str, link: Link) -> int:
    synthesizer = model.units[root].synthesizer
    bounds = synthesizer.table[counted(link)].bounds if synthesizer is not None else None
    return int(np.ceil(float(bounds[1]))) if bounds is not None else 1_000


def _is_direct(route: Route, link: Link) -> bool:
    return route.start == link.table and route.references == (link.reference,)


def _require_no_keys(model: DatabaseSynthesizer, condition: Condition) -> None:
    """Refuse a condition on a key: keys of drawn rows are counted when all is drawn."""
    table = model.schema.table(condition.table)
    taken = {
        name
        for link in model.plan.of(table.name, "driving", "joined", "coded", "matched")
        for name in link.reference.columns
        if link.reference.table not in model.plan.kept
    }
    taken |= {name for name in table.key if len(table.key) == 1 or table[name].kind == "key"}
    for term in condition.row.terms() if condition.row is not None else ():
        for name in term.columns:
            if name in taken:
                raise PredicateError(
                    f'table {table.name!r}, where "{term}": {name!r} is a key, and keys are counted anew in drawn '
                    "rows. Ask for values of other columns, or of the row that it refers to."
                )


def _outward(
    model: DatabaseSynthesizer, conditions: Conditions, root: str, ready: Sequence[str]
) -> tuple[Link, ...]:
    """Return the references to other trees that conditions look along; refuse what can not be known in time."""
    plan = model.plan
    links = {(link.table, link.reference): link for link in plan.links}
    found: dict[str, Link] = {}
    for condition in conditions.tables.values():
        for route, upward in _routes(condition.whole.expression):
            for table, reference in zip(route.tables, route.references, strict=False):
                link = links.get((table, reference))
                if link is None or link.way in {"driving", "joined"} or reference.table in plan.kept:
                    continue
                home = root_of(plan, reference.table)
                if not upward or home == root or (home is not None and home not in ready):
                    raise PredicateError(
                        f'table {condition.table!r}, where "{condition}": which row of {reference.table!r} a row of '
                        f"{table!r} refers to is chosen when all rows are drawn, so it can not be asked for. Draw "
                        "more rows, and filter them."
                    )
                if link.way != "value":
                    found[link.name] = link
    return tuple(found.values())


def _routes(expression: Expression) -> Iterator[tuple[Route, bool]]:
    """Go through all ways that an expression looks along, and whether they lead to one row above."""
    for lookup in expression.lookups:
        yield lookup.route, True
    for figure in expression.aggregates:
        yield figure.route, False
        for part in (figure.value, figure.where):
            if part is not None:
                yield from _routes(part)
