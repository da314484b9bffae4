"""Columns that differ in every row: what a schema asks for, and what rules see to by themselves."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from simulacra.rule import Counted, Rule
from simulacra.rules.kinds.position import Position
from simulacra.rules.kinds.reference import ReferenceRule

_LENGTH = re.compile(r'length\("?([^")]+)"?\)\s*<=\s*(\d+)', re.IGNORECASE)


def list_uniques(facts: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """List the sets of columns that differ together in every row: the key, and those that constraints name.

    Examples
    --------
    >>> list_uniques({"key": ["id"], "constraints": [{"unique": "email"}, "a > 3"]})
    (('id',), ('email',))
    """
    found = [_names(facts.get("key"))]
    for constraint in facts.get("constraints") or ():
        if isinstance(constraint, Mapping) and "unique" in constraint:
            found.append(_names(constraint["unique"]))
    return tuple(dict.fromkeys(columns for columns in found if columns))


def find_length(column: str, facts: Mapping[str, Any]) -> int | None:
    """Find how many characters a text may have at most, where a constraint says so.

    Examples
    --------
    >>> find_length("code", {"constraints": ['length("code") <= 8']})
    8
    """
    for constraint in facts.get("constraints") or ():
        found = _LENGTH.fullmatch(constraint.strip()) if isinstance(constraint, str) else None
        if found is not None and found[1].lower() == column.lower():
            return int(found[2])
    return None


def can_differ(rule: Rule) -> bool:
    """Tell whether the values of a rule can be numbered, so that no two rows share one.

    Examples
    --------
    >>> from simulacra.rules.words import read_rule
    >>> can_differ(read_rule({"int": [1, 9]}, "here")), can_differ(read_rule({"normal": [0, 1]}, "here"))
    (True, False)
    """
    return isinstance(rule, Counted) and not isinstance(rule, ReferenceRule) and bool(rule.room())


def is_implied(
    columns: Iterable[str], rules: Mapping[str, Rule], alone: Collection[str], *, redrawn: bool
) -> bool:
    """Tell whether rules see to it by themselves that some columns together differ in every row.

    Parameters
    ----------
    columns : iterable of str
        The columns.
    rules : mapping
        The rules of the table.
    alone : collection of str
        The columns that differ in every row by themselves.
    redrawn : bool
        Whether single rows are drawn again where they break other constraints.

    Examples
    --------
    >>> is_implied(("id", "day"), {}, {"id"}, redrawn=False)
    True
    """
    found = set(columns)
    if found & set(alone):
        return True
    links = [rule for name in found if isinstance(rule := rules.get(name), ReferenceRule)]
    if not any(link.drives for link in links):
        return False
    return (
        any(link.drives and _at_most_one(link) for link in links)
        or any(isinstance(rules.get(name), Position) for name in found)
        or (any(link.distinct for link in links) and not redrawn)
    )


def choose_structure(facts: Mapping[str, Any], free: Collection[str]) -> dict[str, dict[str, Any]]:
    """Choose what sees to it that columns differ together: children with positions, or pairs that do not repeat.

    Parameters
    ----------
    facts : mapping
        The table: its key, references, constraints, and its columns with what is known of them.
    free : collection of str
        The columns that have no rule.

    Returns
    -------
    dict
        For some columns ``{"children": ...}``, ``{"distinct": True}``, ``{"position": None}`` or ``{"unique": True}``.

    Examples
    --------
    >>> links = [{"columns": ["user"], "table": "users"}]
    >>> choose_structure({"references": links, "constraints": [{"unique": "user"}], "columns": {"user": {}}}, ["user"])
    {'user': {'children': 1}}
    """
    links = [_names(link.get("columns")) for link in facts.get("references") or ()]
    single = {columns[0] for columns in links if len(columns) == 1}
    columns = facts.get("columns") or {}
    chosen: dict[str, dict[str, Any]] = {}
    driver: str | None = None
    for wanted in sorted(list_uniques(facts), key=len):
        told = [name for name in wanted if name in free]
        others = [name for name in told if name not in single]
        own = [name for name in told if name in single and not columns.get(name, {}).get("nullable")]
        if set(wanted) & {name for name, what in chosen.items() if what.get("unique")}:
            continue
        if len(wanted) == 1:
            if others:
                chosen[wanted[0]] = {"unique": True}
            elif own and driver is None:
                driver = own[0]
                chosen[driver] = {"children": 1}
            continue
        counts = [name for name in others if columns.get(name, {}).get("integer")]
        known = next((name for name in wanted if name == driver), None)
        if ((own and driver is None) or known) and len(wanted) == 2 and counts:
            driver = driver or own[0]
            chosen.setdefault(driver, {"children": {"poisson": 3}})
            chosen[counts[0]] = {"position": None}
        elif ((own and driver is None) or known) and len(wanted) == 2 and len(set(told) & single) == 2:
            driver = driver or own[0]
            chosen.setdefault(driver, {"children": {"poisson": 3}})
            chosen[next(name for name in wanted if name != driver)] = {"distinct": True}
        elif others:
            best = next((n for n in others if columns.get(n, {}).get("kind") in {"text", "key"}), others[0])
            chosen[best] = {"unique": True}
    return chosen


def _at_most_one(link: ReferenceRule) -> bool:
    given = dict(getattr(link.children, "given", ()))
    family = getattr(link.children, "family", None)
    most = given.get("value", given.get("high")) if family and family.word in {"const", "int"} else None
    return (isinstance(most, (int, float)) and most <= 1) or getattr(link.children, "high", 2) <= 1


def _names(given: Any) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(map(str, given or ()))
