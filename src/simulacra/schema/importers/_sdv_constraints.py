"""The constraints of SDV metadata, as those of a schema; what has no counterpart is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simulacra.errors import PredicateError, SchemaError
from simulacra.schema._kinds import fit_constraint
from simulacra.schema.breaches import columns_of
from simulacra.schema.constraints import Check, Combination, Constraint, OneHot, Unique
from simulacra.schema.types import Table

Facts = Mapping[str, Any]


def read_constraints(found: Any, table: Table) -> tuple[tuple[Constraint, ...], tuple[str, ...]]:
    """Translate a list of constraints.

    Parameters
    ----------
    found : list of mappings
        As in the metadata: the class under ``constraint_class`` (older: ``constraint_name``), its parameters under
        ``constraint_parameters`` (older: beside the class).
    table : Table
        The table that they are of.

    Returns
    -------
    constraints : tuple of Constraint
        What could be translated.
    notes : tuple of str
        What was left out, and why.
    """
    made: list[Constraint] = []
    notes: list[str] = []
    for number, facts in enumerate(found if isinstance(found, list) else [], 1):
        if not isinstance(facts, Mapping):
            raise SchemaError(
                f"metadata, table {table.name!r}: constraint {number} is no mapping. Correct it."
            )
        kind = str(facts.get("constraint_class") or facts.get("constraint_name") or "")
        given = facts.get("constraint_parameters")
        translate = _KINDS.get(kind)
        try:
            if translate is None:
                raise SchemaError("it has no counterpart here.")
            for constraint in translate(given if isinstance(given, Mapping) else facts):
                fitted = fit_constraint(constraint, {column.name: column for column in table.columns})
                columns_of(fitted, table)
                made.append(fitted)
        except KeyError as error:
            notes.append(_left_out(kind, number, f"it has no {error.args[0]!r}."))
        except (SchemaError, PredicateError) as error:
            notes.append(_left_out(kind, number, str(error)))
    return tuple(dict.fromkeys(made)), tuple(notes)


def _left_out(kind: str, number: int, why: str) -> str:
    return f"metadata, constraint {number} ({kind or 'no class'}) is left out: {why}"


def _inequality(facts: Facts) -> Iterator[Constraint]:
    test = "<" if facts.get("strict_boundaries", False) else "<="
    yield Check(f"{_name(facts['low_column_name'])} {test} {_name(facts['high_column_name'])}")


def _range(facts: Facts) -> Iterator[Constraint]:
    test = "<" if facts.get("strict_boundaries", True) else "<="
    low, middle, high = (_name(facts[f"{end}_column_name"]) for end in ("low", "middle", "high"))
    yield Check(f"{low} {test} {middle}")
    yield Check(f"{middle} {test} {high}")


def _scalar_inequality(facts: Facts) -> Iterator[Constraint]:
    if facts["relation"] not in {"<", "<=", ">", ">="}:
        raise SchemaError(f"{facts['relation']!r} is no relation.")
    yield Check(f"{_name(facts['column_name'])} {facts['relation']} {_constant(facts['value'])}")


def _scalar_range(facts: Facts) -> Iterator[Constraint]:
    test = "" if facts.get("strict_boundaries", True) else "="
    name = _name(facts["column_name"])
    yield Check(
        f"{name} >{test} {_constant(facts['low_value'])} and {name} <{test} {_constant(facts['high_value'])}"
    )


def _signed(test: str) -> Callable[[Facts], Iterator[Constraint]]:
    def translate(facts: Facts) -> Iterator[Constraint]:
        yield Check(
            f"{_name(facts['column_name'])} {test}{'' if facts.get('strict_boundaries', False) else '='} 0"
        )

    return translate


def _increments(facts: Facts) -> Iterator[Constraint]:
    yield Check(f"{_name(facts['column_name'])} % {_constant(facts['increment_value'])} = 0")


def _columns(kind: Callable[[tuple[str, ...]], Constraint]) -> Callable[[Facts], Iterator[Constraint]]:
    def translate(facts: Facts) -> Iterator[Constraint]:
        names = facts["column_names"]
        yield kind((names,) if isinstance(names, str) else tuple(names))

    return translate


def _name(name: Any) -> str:
    return '"' + str(name).replace('"', '""') + '"'


def _constant(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


_KINDS: dict[str, Callable[[Facts], Iterator[Constraint]]] = {
    "Inequality": _inequality,
    "Range": _range,
    "ScalarInequality": _scalar_inequality,
    "ScalarRange": _scalar_range,
    "Positive": _signed(">"),
    "Negative": _signed("<"),
    "FixedIncrements": _increments,
    "FixedCombinations": _columns(Combination),
    "OneHotEncoding": _columns(OneHot),
    "Unique": _columns(Unique),
}
