"""From what people write to a complete schema: short forms written out, kinds and references read off the rules."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from simulacra.errors import SchemaError, unknown
from simulacra.rule import Rule
from simulacra.rules.defaults import connect, default_rule
from simulacra.rules.finishing import all_needs
from simulacra.rules.following import tell_role
from simulacra.rules.kinds.aggregate import Aggregate
from simulacra.rules.kinds.distribution import DistributionRule
from simulacra.rules.kinds.field import FieldRule
from simulacra.rules.kinds.reference import ReferenceRule
from simulacra.rules.reach import Reach, read_by_others, resolve
from simulacra.rules.reading import INPUTS
from simulacra.rules.uniqueness import can_differ, choose_structure, list_uniques
from simulacra.rules.words import list_words, read_rule
from simulacra.schema._fields import FIELDS, describe, dump_column, load_column
from simulacra.schema.files import load_schema
from simulacra.schema.types import KINDS, Column, Schema, Table

_NEAR = 0.8
"""How alike a word must be to one that is expected to be taken for it."""
_NEVER_MISSING = (
    "sequence",
    "shuffle",
    "position",
    "choice",
    "distribution",
    "field",
    "pattern",
    "text",
    "reference",
)
"""Rules that give a value in every row where what they read is there; a formula may divide by 0."""
_BARE = ("sequence", "shuffle", "position")


def expand_schema(content: Mapping[str, Any], *, complete: bool = True) -> Schema:
    """Make a schema of which every column has a rule.

    Parameters
    ----------
    content : mapping
        A schema as plain values: in full, or in the short forms of rules. ``columns`` alone is one table.
    complete : bool
        Whether columns that have no rule get one by what is known of them.

    Returns
    -------
    Schema
        With a rule, a kind and all facts for every column, and references where rules refer.

    Raises
    ------
    SchemaError
        Something can not be understood, is missing, or goes in a circle; with the table and the column.

    Examples
    --------
    >>> schema = expand_schema({"columns": {"id": "sequence", "income": {"lognormal": [40000, 0.5], "decimals": 2}}})
    >>> [(column.name, column.kind) for column in schema.table().columns]
    [('id', 'key'), ('income', 'number')]
    """
    if not isinstance(content, Mapping):
        raise SchemaError(f"expected tables with their columns, not {describe(content)}.")
    if "tables" not in content:
        _refuse_misspelt(content)
        content = {"tables": {"table": content if "columns" in content else {"columns": content}}}
    tables = content["tables"]
    if not isinstance(tables, Mapping) or not tables:
        raise SchemaError(f"field 'tables': expected names with their columns, not {describe(tables)}.")
    drafts = {str(name): _Draft(str(name), facts) for name, facts in tables.items()}
    for draft in drafts.values():
        draft.refer(drafts, complete)
    _infer(drafts)
    plain = {
        "version": content.get("version", 1),
        "tables": {name: draft.plain() for name, draft in drafts.items()},
    }
    rest = {name: value for name, value in content.items() if name not in plain}
    return load_schema({**plain, **rest})


def _refuse_misspelt(content: Mapping[str, Any]) -> None:
    """Refuse ``tabels`` and ``colums``, which would be taken for columns of these names."""
    for name, value in content.items():
        if not isinstance(value, Mapping) or set(map(str, value)) & {*list_words(), *FIELDS, "rule"}:
            continue
        near = difflib.get_close_matches(str(name).lower(), ["tables", "columns"], n=1, cutoff=_NEAR)
        if near and near[0] not in content:
            raise SchemaError(f"top level: {unknown('field', str(name), near)}")


class _Draft:
    """One table on its way to a schema."""

    def __init__(self, name: str, facts: Any) -> None:
        if not isinstance(facts, Mapping) or not isinstance(facts.get("columns"), Mapping):
            if isinstance(facts, Mapping):
                for field in facts:
                    if difflib.get_close_matches(str(field).lower(), ["columns"], cutoff=_NEAR):
                        raise SchemaError(f"table {name!r}: {unknown('field', str(field), ('columns',))}")
            raise SchemaError(f"table {name!r}: expected 'columns', not {describe(facts)}.")
        if not facts["columns"]:
            raise SchemaError(f"table {name!r}: it has no columns. Name one with a field or a rule.")
        self.name = name
        self.rest = {field: value for field, value in facts.items() if field != "columns"}
        self.facts: dict[str, dict[str, Any]] = {}
        self.recipes: dict[str, Any] = {}
        for column, entry in facts["columns"].items():
            column = str(column)
            self.facts[column], self.recipes[column] = _split(entry, self.place(column))
        self.rules: dict[str, Rule] = {}
        self.columns: dict[str, Column] = {}
        self.reach = Reach(name, {})

    def place(self, column: str) -> str:
        return f"table {self.name!r}, column {column!r}"

    def refer(self, drafts: Mapping[str, _Draft], complete: bool) -> None:
        """Read the rules, give those that are left out, and see which other tables are in reach."""
        structure = choose_structure(
            {**self.rest, "columns": self.facts},
            [name for name, told in self.recipes.items() if told is None],
        )
        linked = {column: link for link in self.rest.get("references") or () for column in _columns(link)}
        for column, recipe in self.recipes.items():
            if recipe is None and complete:
                facts, told = self.facts[column], {**self.rest, "name": self.name}
                self.recipes[column] = default_rule(
                    column, facts, linked.get(column), told, self.place(column), structure
                )
        connect(self.recipes, {names[0] for names in list_uniques(self.rest) if len(names) == 1})
        for column, recipe in self.recipes.items():
            if recipe is not None:
                self.rules[column] = read_rule(recipe, self.place(column))
        self._differ()
        if "key" not in self.rest:
            first = next(iter(self.recipes), None)
            if (
                first is not None
                and isinstance(self.recipes[first], Mapping)
                and set(self.recipes[first]) & {"sequence", "shuffle"}
            ):
                self.rest["key"] = [first]
        links = list(self.rest.get("references") or ())
        known = {(_columns(link), str(link.get("table"))) for link in links}
        targets = {}
        for column, rule in self.rules.items():
            if not isinstance(rule, ReferenceRule):
                continue
            if rule.table not in drafts:
                raise SchemaError(
                    f"{self.place(column)}: there is no table {rule.table!r} to refer to. Tables: {', '.join(drafts)}."
                )
            other = drafts[rule.table]
            to = rule.to or other.only_key(self.place(column))
            if to not in other.recipes:
                raise SchemaError(f"{self.place(column)}: table {rule.table!r} has no column {to!r}.")
            self.rules[column] = read_rule(_with_target(self.recipes[column], rule, to), self.place(column))
            self.recipes[column] = _with_target(self.recipes[column], rule, to)
            if rule.name in targets:
                raise SchemaError(
                    f"{self.place(column)}: two references go by the name {rule.name!r}. Name them apart with as:."
                )
            targets[rule.name] = rule.table
            if ((column,), rule.table) not in known and not any(column in columns for columns, _ in known):
                link = {"columns": [column], "table": rule.table, "to": [to]}
                links.append(link if rule.name == rule.table else {**link, "name": rule.name})
        if links:
            self.rest["references"] = links
        if self.driver is not None:
            tell_role(self.rest, self.rules, self.recipes)
        self.reach = Reach(self.name, targets)

    def _differ(self) -> None:
        """Let rules keep constraints of one column that differs, and constraints say which rules differ."""
        told = list_uniques({"constraints": self.rest.get("constraints")})
        for names in told:
            column = names[0]
            if len(names) == 1 and column in self.rules and can_differ(self.rules[column]):
                self.recipes[column] = {**self.recipes[column], "unique": True}
        key = self.rest.get("key")
        key = (key,) if isinstance(key, str) else tuple(key or ())
        more = [
            {"unique": [column]}
            for column, recipe in self.recipes.items()
            if recipe is not None and recipe.get("unique") and (column,) not in (*told, key)
        ]
        if more:
            self.rest["constraints"] = [*(self.rest.get("constraints") or ()), *more]

    @property
    def driver(self) -> str | None:
        """The column that says whose children the rows are."""
        return next((n for n, r in self.rules.items() if isinstance(r, ReferenceRule) and r.drives), None)

    def only_key(self, place: str) -> str:
        """Return the column of the key, which is not made of several."""
        key = self.rest.get("key")
        key = [key] if isinstance(key, str) else list(key or ())
        if not key:
            first = next(iter(self.recipes))
            if (
                set(self.recipes[first] or ()) & {"sequence", "shuffle"}
                if isinstance(self.recipes[first], Mapping)
                else False
            ):
                return first
        if len(key) != 1:
            raise SchemaError(
                f"{place}: table {self.name!r} has no key of one column. Name the column: {self.name}.COLUMN."
            )
        return str(key[0])

    def plain(self) -> dict[str, Any]:
        """Return the table as plain values."""
        columns = {name: dump_column(self.columns[name]) for name in self.recipes}
        return {**self.rest, "columns": columns}


def _infer(drafts: Mapping[str, _Draft]) -> None:
    """Find what every column is, those first that others read."""
    graph: dict[tuple[str, str], set[tuple[str, str]]] = {}
    known = {name: list(draft.recipes) for name, draft in drafts.items()}
    for draft in drafts.values():
        graph |= {(draft.name, column): set() for column in draft.recipes}
        for column, rule in draft.rules.items():
            graph[draft.name, column] = set(_sources(draft, column, rule, known))
            graph[draft.name, column] |= set(read_by_others(rule, known, draft.place(column)))
            if isinstance(rule, (Aggregate, ReferenceRule)):
                # which rows the other table has is told by who drives it
                other = rule.child if isinstance(rule, Aggregate) else rule.table
                if other != draft.name and drafts[other].driver is not None:
                    graph[draft.name, column].add((other, str(drafts[other].driver)))
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(".".join(node) for node in error.args[1])
        raise SchemaError(
            f"these columns are made from each other: {circle}. Make one of them by another rule."
        ) from None
    for table, column in order:
        draft = drafts[table]
        made = draft.rules.get(column)
        # an aggregate is about the rows of the children
        seen = list((drafts[made.child] if isinstance(made, Aggregate) else draft).columns.values())
        for name in draft.rules[column].needs() if column in draft.rules else ():
            other, theirs = resolve(name, draft.reach, {n: list(d.recipes) for n, d in drafts.items()}, "")
            if (
                "." in name
                and other in drafts
                and theirs in drafts[other].columns
                and name not in {c.name for c in seen}
            ):
                seen.append(_renamed(drafts[other].columns[theirs], name))
        own = Table(table, tuple(seen))
        draft.columns[column] = _column(column, draft, own)


def _sources(
    draft: _Draft, column: str, rule: Rule, known: Mapping[str, list[str]]
) -> Iterator[tuple[str, str]]:
    """Find the tables and columns that a rule names."""
    place = draft.place(column)
    for name in all_needs(rule, draft.recipes[column], place):
        try:
            yield resolve(name, draft.reach, known, place)
        except SchemaError as error:
            if isinstance(rule, FieldRule):
                raise rule.explain(name, error, place) from None
            if not isinstance(rule, DistributionRule):
                raise
            raise SchemaError(
                f"{error} A distribution takes numbers, dates, or formulas of columns, as in {{int: [18, 99]}}."
            ) from None


def _column(name: str, draft: _Draft, seen: Table) -> Column:
    place, given, recipe = draft.place(name), draft.facts[name], draft.recipes[name]
    if recipe is None:
        return load_column(name, given, place)
    facts = draft.rules[name].facts(seen)
    if "kind" not in given and {"decimals", "step", "integer"} & set(given) and facts["kind"] == "category":
        given = {"kind": "number", **given}  # 0.00 is a code, unless digits are told
    if "kind" in given and given["kind"] != facts["kind"]:
        keep = ("nullable", "integer") if given["kind"] in {"number", "key"} else ("nullable",)
        facts = {fact: facts[fact] for fact in keep if fact in facts}
    if recipe.get("missing"):
        facts["nullable"] = True
    if "identifying" in facts and "kind" in given and given["kind"] not in {"text", "key"}:
        del facts["identifying"]
    if "decimals" in given:
        facts.pop("integer", None)
    if "levels" in facts and "levels" not in given:
        facts["levels"] = list(facts["levels"])
    if not (facts | given).get("nullable") and _is_always_there(draft.rules[name], seen):
        facts["required"] = True
    return load_column(name, {**facts, **given, "rule": recipe}, place)


def _is_always_there(rule: Rule, seen: Table) -> bool:
    """Tell whether a rule whose column is not nullable never lacks a value, whatever it reads."""
    if rule.word not in _NEVER_MISSING:
        return False
    needs = {name.lower() for name in rule.needs()}
    return needs <= {column.name.lower() for column in seen.columns if column.required}


def _renamed(column: Column, name: str) -> Column:
    facts = dump_column(column)
    facts.pop("rule", None)
    return load_column(name, facts, "")


def _split(entry: Any, place: str) -> tuple[dict[str, Any], Any]:
    """Part what stands behind a column's name into facts of the column and its rule."""
    if isinstance(entry, str) and entry in KINDS:
        return {"kind": entry}, None
    if isinstance(entry, str):
        return {}, {entry: None} if entry in _BARE else {"field": entry}
    if entry is None:
        raise SchemaError(
            f"{place}: nothing says how it is made. Write a field such as person.name, or a rule."
        )
    if isinstance(entry, (int, float)):
        return {}, {"const": entry}
    if not isinstance(entry, Mapping):
        raise SchemaError(f"{place}: expected a rule such as {{uniform: [0, 1]}}, not {describe(entry)}.")
    if "rule" in entry:
        rule = entry["rule"]
        rule = (
            {"field": rule}
            if isinstance(rule, str) and rule not in _BARE
            else {rule: None}
            if isinstance(rule, str)
            else rule
        )
        return {name: value for name, value in entry.items() if name != "rule"}, rule
    words = set(list_words())
    spoken = [name for name in entry if name in words and not (name == "pattern" and "kind" in entry)]
    if not spoken and not ("kind" in entry and all(name in FIELDS for name in entry)):
        spoken = [name for name in entry if name not in FIELDS]
    if not spoken:
        return dict(entry), None
    facts: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    for name, value in entry.items():
        to_rule = name in spoken or name not in FIELDS or (name in INPUTS and "field" in entry)
        (recipe if to_rule else facts)[name] = value
    return facts, recipe


def is_short(content: Any) -> bool:
    """Tell whether a schema is written in the short forms of rules, where kinds are left out.

    Examples
    --------
    >>> is_short({"columns": {"mail": "email"}}), is_short({"columns": {"a": "number"}})
    (True, False)
    """
    if not isinstance(content, Mapping):
        return False
    tables = content.get("tables") or {"table": content}
    entries = [
        entry
        for facts in (tables.values() if isinstance(tables, Mapping) else ())
        if isinstance(facts, Mapping) and isinstance(facts.get("columns"), Mapping)
        for entry in facts["columns"].values()
    ]
    return any(
        (isinstance(entry, str) and entry not in KINDS)
        or isinstance(entry, (int, float))
        or (isinstance(entry, Mapping) and "kind" not in entry)
        for entry in entries
    )


def _columns(link: Any) -> tuple[str, ...]:
    columns = link.get("columns") if isinstance(link, Mapping) else None
    return (columns,) if isinstance(columns, str) else tuple(columns or ())


def _with_target(recipe: Any, rule: ReferenceRule, to: str) -> dict[str, Any]:
    given = recipe["reference"]
    given = {"to": given} if isinstance(given, str) else dict(given)
    return {**recipe, "reference": {**given, "to": f"{rule.table}.{to}"}}
