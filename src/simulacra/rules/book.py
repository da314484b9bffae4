"""The rules of all tables, read and put in order: which column is made first, and whose children rows are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from typing import Any

from simulacra.errors import SchemaError, SimulacraError
from simulacra.rule import Counted, Rule
from simulacra.rules.finishing import all_needs
from simulacra.rules.kinds.aggregate import Aggregate
from simulacra.rules.kinds.reference import ReferenceRule
from simulacra.rules.machines import tables_of
from simulacra.rules.reach import Reach, resolve
from simulacra.rules.uniqueness import is_implied
from simulacra.rules.words import read_rule
from simulacra.schema.breaches import columns_of
from simulacra.schema.constraints import (
    Check,
    Combination,
    Constraint,
    Equality,
    Implies,
    OneHot,
    Pattern,
    Unique,
)
from simulacra.schema.types import Column, Schema, Table

_OF_ONE_ROW = (Check, Implies, Equality, Combination, OneHot, Pattern)


@dataclass(frozen=True)
class TableRules:
    """The rules of one table.

    Parameters
    ----------
    table : Table
        Its columns, and those of other tables that are in reach, under names such as ``customers.country``.
    own : Table
        Its columns alone.
    rules : mapping
        A rule for every column of its own.
    order : tuple of str
        The columns, those first that others need.
    needs : mapping
        For each column, what it reads of its own table.
    foreign : mapping
        For each column, what it reads of others: the name in the rule, the column that refers, the other's column.
    driver : str or None
        The column that says whose children the rows are.
    """

    table: Table
    own: Table
    rules: Mapping[str, Rule]
    order: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]]
    foreign: Mapping[str, tuple[tuple[str, str, str], ...]]
    driver: str | None

    def reference(self, column: str) -> ReferenceRule:
        """Return the rule of a column that refers."""
        rule = self.rules[column]
        assert isinstance(rule, ReferenceRule), column
        return rule

    def closure(self, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
        """List, in order, what must be made to know some columns: also what the constraints read."""
        if wanted is None:
            return self.order
        found = set(wanted) | set(self.judged)
        waiting = list(found)
        while waiting:
            column = waiting.pop()
            more = {*self.needs[column], *(refers for _, refers, _ in self.foreign[column])} - found
            found |= more
            waiting += more
        return tuple(name for name in self.order if name in found)

    @cached_property
    def checked(self) -> Table:
        """The table with what is checked row by row; that rows differ is seen to by the rules."""
        return replace(
            self.own, constraints=tuple(c for c in self.own.constraints if isinstance(c, _OF_ONE_ROW))
        )

    @cached_property
    def judged(self) -> tuple[str, ...]:
        """The columns that constraints of a row read."""
        return tuple(
            dict.fromkeys(name for rule in self.checked.constraints for name in columns_of(rule, self.own))
        )

    def unique(self, column: str) -> bool:
        """Tell whether the values of a column are to differ in all rows."""
        recipe = self.own[column].rule or {}
        return self.own.key == (column,) or bool(recipe.get("unique", False))

    def numbered(self, column: str) -> bool:
        """Tell whether a column's values are told by the number of the row alone."""
        rule = self.rules[column]
        return (
            self.unique(column)
            and isinstance(rule, Counted)
            and not rule.needs()
            and not self.own[column].nullable
        )


@dataclass(frozen=True)
class Book:
    """The rules of a schema.

    Parameters
    ----------
    schema : Schema
        A rule stands in every column.
    tables : mapping
        The rules of each table; parents stand before their children.
    """

    schema: Schema
    tables: Mapping[str, TableRules]

    @classmethod
    def of(cls, schema: Schema) -> Book:
        """Read the rules of a schema.

        Raises
        ------
        SchemaError
            A rule can not be understood, or columns or tables are made from each other.
        """
        columns = {table.name: table.names for table in schema.tables}
        read = {table.name: _read_table(table, schema, columns) for table in schema.tables}
        parents = {name: {t.reference(t.driver).table} if t.driver else set() for name, t in read.items()}
        for name, table in read.items():
            if name in parents[name]:
                raise SchemaError(
                    f"table {name!r} can not be its own parent. Leave 'children' out: rows then pick a row before."
                )
            if table.driver is not None:
                driver = table.reference(table.driver)
                tables_of(driver.machines, schema.table(driver.table))
            for column, rule in table.rules.items():
                if isinstance(rule, Aggregate):
                    _require_child(rule, table, column, read)
        try:
            order = list(TopologicalSorter(parents).static_order())
        except CycleError as error:
            circle = " -> ".join(error.args[1])
            raise SchemaError(
                f"these tables are each other's children: {circle}. Let one of them pick instead."
            ) from None
        return cls(schema, {name: read[name] for name in order})

    @property
    def versions(self) -> dict[str, str]:
        """The versions of what the values depend on, beside the package's own."""
        named = any(_names_field(column.rule) for table in self.schema.tables for column in table.columns)
        return {"fields": import_module("simulacra.fields.finding").tell_version()} if named else {}


def _names_field(recipe: Any, inside: bool = False) -> bool:
    """Tell whether a field may stand anywhere in a rule: in the rules within cases and steps, a text is one."""
    if isinstance(recipe, Mapping):
        return "field" in recipe or any(
            _names_field(value, inside or word in {"cases", "steps"})
            for word, value in recipe.items()
            if word not in {"if", "on", "from", "precision"}
        )
    if isinstance(recipe, tuple):
        return any(_names_field(value, inside) for value in recipe)
    return inside and isinstance(recipe, str)


def _read_table(table: Table, schema: Schema, columns: Mapping[str, tuple[str, ...]]) -> TableRules:
    rules: dict[str, Rule] = {}
    for made in table.columns:
        if made.rule is None:
            raise SchemaError(
                f"table {table.name!r}, column {made.name!r} has no rule. Add one, or fit the table to data."
            )
        rules[made.name] = read_rule(made.rule, f"table {table.name!r}, column {made.name!r}")
    references = {rule.name: column for column, rule in rules.items() if isinstance(rule, ReferenceRule)}
    driving = [column for column, rule in rules.items() if isinstance(rule, ReferenceRule) and rule.drives]
    if len(driving) > 1:
        raise SchemaError(
            f"table {table.name!r}: {' and '.join(map(repr, driving))} both say how many children there are. Let one "
            "of them pick."
        )
    reach = Reach(table.name, {name: rules[column].table for name, column in references.items()})  # type: ignore[attr-defined]
    needs: dict[str, tuple[str, ...]] = {}
    foreign: dict[str, tuple[tuple[str, str, str], ...]] = {}
    far: dict[str, Column] = {}
    for column, rule in rules.items():
        near, others = [], []
        for name in all_needs(rule, table[column].rule, f"table {table.name!r}, column {column!r}"):
            other, found = resolve(name, reach, columns, f"table {table.name!r}, column {column!r}")
            if (
                name.partition(".")[0].lower() in map(str.lower, reach.targets)
                and "." in name
                and name not in table.names
            ):
                alias = next(n for n in reach.targets if n.lower() == name.partition(".")[0].lower())
                others.append((name, references[alias], found))
                far[name] = replace(schema.table(other)[found], name=name, rule=None)
            else:
                near.append(found)
        needs[column], foreign[column] = tuple(near), tuple(others)
    for constraint in table.constraints:
        _require_row_local(constraint, table, rules)
        try:
            columns_of(constraint, table)
        except SimulacraError as error:
            raise SchemaError(f"table {table.name!r}, constraint {str(constraint)!r}: {error}") from error
    graph = {
        column: {*needs[column], *(refers for _, refers, _ in foreign[column] if refers != column)}
        for column in rules
    }
    try:
        order = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise SchemaError(
            f"table {table.name!r}: these columns are made from each other: {circle}."
        ) from None
    wide = Table(table.name, (*table.columns, *far.values()))
    return TableRules(wide, table, rules, order, needs, foreign, driving[0] if driving else None)


def _require_row_local(constraint: Constraint, table: Table, rules: Mapping[str, Rule]) -> None:
    if isinstance(constraint, _OF_ONE_ROW):
        return
    if isinstance(constraint, Unique):
        if len(constraint.columns) == 1 and table[constraint.columns[0]].kind == "boolean":
            raise SchemaError(
                f"table {table.name!r}, column {constraint.columns[0]!r}: a boolean has two values, so that more rows "
                "can not all differ in it. Leave unique out."
            )
        redrawn = any(isinstance(other, _OF_ONE_ROW) for other in table.constraints)
        alone = {column.name for column in table.columns if (column.rule or {}).get("unique")}
        whole = len(table.key) > 0 and set(table.key) <= set(constraint.columns)
        if whole or is_implied(constraint.columns, rules, alone, redrawn=redrawn):
            return
    raise SchemaError(
        f"table {table.name!r}: the constraint {str(constraint)!r} is about several rows, which are made apart "
        "from each other. Say it by the rules: unique: true, sequence, steps or aggregate."
    )


def _require_child(rule: Aggregate, table: TableRules, column: str, read: Mapping[str, TableRules]) -> None:
    child = read.get(rule.child)
    place = f"table {table.own.name!r}, column {column!r}"
    if child is None or child.driver is None or child.reference(child.driver).table != table.own.name:
        raise SchemaError(
            f"{place}: the rows of {rule.child!r} are no children of this table, so they can not be added up. Give "
            f"{rule.child!r} a reference to {table.own.name!r} with children."
        )
