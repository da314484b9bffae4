"""Rows of a parent that follow each other in time, as their rules have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulacra.rule import Rule
from simulacra.rules.kinds.entry import Entry
from simulacra.rules.kinds.timetable import Timetable


def tell_role(facts: dict[str, Any], rules: Mapping[str, Rule], recipes: Mapping[str, Any]) -> None:
    """Say what the rows of a parent are, unless it is said: events where they follow each other, else children.

    Changes `facts`, the fields of the table, in place.

    Examples
    --------
    >>> facts: dict = {}
    >>> tell_role(facts, {"began": Entry.read({"entry": "at"}, "")}, {})
    >>> facts
    {'role': 'event', 'order': 'began'}
    """
    order = find_order(rules, recipes)
    if facts.setdefault("role", "child" if order is None else "event") == "event" and order is not None:
        facts.setdefault("order", order)


def find_order(rules: Mapping[str, Rule], recipes: Mapping[str, Any]) -> str | None:
    """Find the column by which rows that belong to a parent follow each other.

    Parameters
    ----------
    rules : mapping of str to Rule
        By column.
    recipes : mapping
        The same as written, with what may be missing.

    Returns
    -------
    str or None
        When a state was entered, or moments of a timetable that rise; None where nothing says that rows follow.

    Examples
    --------
    >>> find_order({"state": Entry.read({"entry": "state"}, ""), "began": Entry.read({"entry": "at"}, "")}, {})
    'began'
    """
    for column, rule in rules.items():
        told = isinstance(rule, Entry) and rule.fact == "at"
        rising = isinstance(rule, Timetable) and rule.rising
        if (told or rising) and not (recipes.get(column) or {}).get("missing"):
            return column
    return None
