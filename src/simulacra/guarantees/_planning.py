"""Which repair keeps which constraint, and in what order repairs come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulacra.encoding import Encoding
from simulacra.guarantees._languages import Language
from simulacra.guarantees._repairs import Assign, Borrow, KeepOne, LookUp, Recompute, Repair, Respell
from simulacra.schema.constraints import (
    Combination,
    Constraint,
    Determines,
    Equality,
    Implies,
    OneHot,
    Pattern,
)
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table

FEW = 32
"""A combination of at most so many rows is a condition on draws; of a longer list, offenders borrow."""


def plan_repairs(
    constraints: Sequence[Constraint], table: Table, encodings: Mapping[str, Encoding]
) -> tuple[Repair, ...]:
    """Choose the repairs: no column is written twice, and none is read before it is written.

    A constraint whose repair would break this has none: rows that break it are drawn anew.
    """
    chosen: list[Repair] = []
    for constraint in constraints:
        repair = _make(constraint, table, encodings)
        if repair is None or {name for other in chosen for name in other.writes} & set(repair.writes):
            continue
        ordered = _ordered([*chosen, repair])
        if ordered is not None:
            chosen = ordered
    return tuple(chosen)


def _make(constraint: Constraint, table: Table, encodings: Mapping[str, Encoding]) -> Repair | None:
    match constraint:
        case Equality():
            return Recompute(constraint, table)
        case Determines() if constraint.groups is not None:
            return LookUp(constraint, table)
        case OneHot():
            return KeepOne(constraint, table)
        case Pattern() if table[constraint.column].kind == "text":
            return Respell(constraint, table, Language.parse(constraint.regex))
        case Combination() if constraint.allowed is not None and len(constraint.allowed) > FEW:
            return Borrow(constraint, table)
        case Implies():
            return _assignment(constraint, table, encodings)
    return None


def _assignment(constraint: Implies, table: Table, encodings: Mapping[str, Encoding]) -> Repair | None:
    """Find the one value that `then` allows, among those that the model can draw."""
    then = Predicate.parse(constraint.then, table)
    if len(then.columns) != 1:
        return None
    name = then.columns[0]
    when = Predicate.parse(constraint.when, table)
    if name in when.columns:
        return None
    values = encodings[name].candidates(then.literals())
    if values is None:
        return None
    fitting = values.filter(then.evaluate(values.alias(name).to_frame()).fill_null(False)).unique()
    return Assign(constraint, table, name, fitting[0]) if len(fitting) == 1 else None


def _ordered(repairs: list[Repair]) -> list[Repair] | None:
    """Put those first that others read from; None if they go round in a circle."""
    left, done = list(repairs), []
    while left:
        for repair in left:
            waits = {name for other in left if other is not repair for name in other.writes}
            if not waits & set(repair.reads):
                done.append(repair)
                left.remove(repair)
                break
        else:
            return None
    return done
