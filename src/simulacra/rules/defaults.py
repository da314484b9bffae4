"""Rules for columns that have none: what a schema says of a column is enough to make some values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from simulacra.errors import SchemaError
from simulacra.rules.reading import INPUTS
from simulacra.rules.uniqueness import can_differ, find_length
from simulacra.rules.vocabularies import PLAIN, canonical_name, goes_by, guess_field
from simulacra.rules.words import read_rule

_CODE, _WORDY, _MANY = 8, 40, 10**6
"""Characters of a code; of texts that hold no sentence, fewer; values with which a column can be unique, at least."""
_PERIOD = ["2020-01-01", "2024-12-31"]
_NAMES = {"name": "person.name", "first": "person.first", "last": "person.last"}
_TOWN = {"city": "address.city"}
_GOES_BY: dict[str, dict[str, str]] = {
    "email": _NAMES, "username": _NAMES, "company.email": {"company": "company"},
    "card": {"provider": "card.provider"},
    # a town is drawn first, and says where it is
    "address.state": _TOWN, "address.state_code": _TOWN,
    "address.postcode": {**_TOWN, "state_code": "address.state_code"},
}  # fmt: skip
"""By which other fields of the row a field goes, and as which input."""
_PLACES = {"locale", "country"}
_SEXED = {"person.name", "person.first", "person.prefix"}
_SEXES = ("sex", "gender")


def default_rule(
    name: str,
    facts: Mapping[str, Any],
    link: Mapping[str, Any] | None,
    table: Mapping[str, Any],
    place: str,
    structure: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Choose a rule for a column of which only the facts are known.

    Parameters
    ----------
    name : str
        The column.
    facts : mapping
        Its fields in the schema.
    link : mapping or None
        The reference that it belongs to.
    table : mapping
        The fields of its table, and its name.
    place : str
        Where it stands, for messages.
    structure : mapping or None
        What keeps columns of the table different; see `simulacra.rules.uniqueness.choose_structure`.

    Returns
    -------
    dict
        A rule as it stands in a schema.

    Raises
    ------
    SchemaError
        Not even its kind is known.

    Examples
    --------
    >>> default_rule("age", {"kind": "number", "integer": True, "bounds": [0, 99]}, None, {}, "here")
    {'int': [0, 99]}
    """
    if facts.get("kind") is None:
        raise SchemaError(
            f"{place}: nothing says how it is made. Write a field such as person.name, or a rule."
        )
    missing = {"missing": 0.1} if facts.get("nullable") else {}
    chosen = dict((structure or {}).get(name, {}))
    driven = any("children" in what for what in (structure or {}).values())
    if link is not None:
        columns = link.get("columns")
        if isinstance(columns, str) or len(columns or ()) == 1:
            to = link.get("to") or ()
            to = (to,) if isinstance(to, str) else tuple(to)
            target = f"{link['table']}.{to[0]}" if to else str(link["table"])
            if "children" in chosen:
                return {"reference": {"to": target, **_role(link), **chosen}}
            if (
                not driven
                and table.get("role") in {"child", "event", "link"}
                and not facts.get("nullable")
                and _is_first(name, table)
            ):
                return {"reference": {"to": target, "children": {"poisson": 3}}}
            return {"reference": {"to": target, **_role(link), **chosen}, **missing}
        raise SchemaError(
            f"{place}: a reference of several columns has no rule by itself. Give the first of them a reference, and "
            "the others a formula such as TABLE.COLUMN."
        )
    if "position" in chosen:
        return {"position": None}
    told = {**facts, "unique": bool(chosen.get("unique")), "length": find_length(name, table)}
    return {**_plain_rule(name, told, str(table.get("name", ""))), **missing}


def _plain_rule(name: str, facts: Mapping[str, Any], table: str) -> dict[str, Any]:
    """Choose a rule for a column that refers to nothing; one with enough values where they are to differ."""
    kind, bounds = facts.get("kind"), facts.get("bounds")
    unique = {"unique": True} if facts["unique"] else {}
    if facts.get("identifying"):
        locale = {"locale": facts["locale"]} if facts.get("locale") else {}
        return {"field": facts["identifying"], **locale, **unique}
    if facts.get("pattern"):
        return {"pattern": facts["pattern"], **unique}
    if kind == "key":
        form = f"{name[:1].upper()}{{:08}}"
        return {"sequence": {"start": 1} if facts.get("integer") else {"form": form}}
    if kind == "number" and unique:
        if bounds and facts.get("integer"):
            return {"int": [int(bounds[0]), int(bounds[1])], **unique}
        return {"sequence": {"start": int(bounds[0]) if bounds else 1}, **unique}
    if kind == "text" or (kind == "category" and unique and not facts.get("levels")):
        return {**_text(guess_field(name, table), facts), **unique}
    return _by_kind(str(kind), facts, bounds, name, table)


def _text(field: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    length = facts["length"]
    if facts["unique"]:
        # a code has room where words have not
        short = length is not None and length < _WORDY
        roomy = not short and can_differ(rule := read_rule({"field": field}, "")) and rule.room() >= _MANY  # type: ignore[attr-defined]
        size = min(length or _CODE, _CODE)
        return {"field": field} if roomy else {"pattern": f"[A-Z0-9]{{{size}}}"}
    if field == PLAIN and length is not None and length < _WORDY:
        return {"pattern": f"[A-Z0-9]{{1,{min(length, _CODE)}}}"}
    return {"field": field}


def _by_kind(kind: str, facts: Mapping[str, Any], bounds: Any, name: str, table: str) -> dict[str, Any]:
    if kind == "boolean":
        return {"choice": [True, False]}
    if kind == "category":
        return {"choice": list(facts.get("levels") or ("a", "b", "c"))}
    if kind == "number":
        whole = facts.get("integer", False)
        low, high = bounds or (0, 1000)
        return {"int": [int(low), int(high)]} if whole else {"uniform": [low, high]}
    if kind in {"date", "datetime"}:
        return {
            "uniform": list(bounds or _PERIOD)
            if kind == "date"
            else list(bounds or [f"{day}T00:00:00" for day in _PERIOD])
        }
    if kind == "time":
        return {"uniform": list(bounds or ["00:00:00", "23:59:59"])}
    if kind == "duration":
        return {"uniform": list(bounds or ["PT0S", "P1D"])}
    return {"field": guess_field(name, table)}


def connect(recipes: dict[str, Any], different: Collection[str] = ()) -> None:
    """Let fields go by others in the same row where that is left open: e-mails by names, postcodes by towns.

    A rule that names any input beside country, locale and domain (or ``null``) is left as it is.
    Changes `recipes` in place.

    Parameters
    ----------
    recipes : dict
        The rules of a table.
    different : collection of str
        Columns that differ in every row, beside those whose rule says so.

    Examples
    --------
    >>> recipes = {"name": {"field": "person.name"}, "mail": {"field": "email"}}
    >>> connect(recipes)
    >>> recipes["mail"]
    {'field': 'email', 'name': 'name'}
    """
    named = {
        name: recipe for name, recipe in recipes.items() if isinstance(recipe, Mapping) and "field" in recipe
    }
    if not named:
        return
    fields = {name: canonical_name(str(recipe["field"])) for name, recipe in named.items()}
    first_of = {field: name for name, field in reversed(fields.items())}
    sex = next((name for name in recipes if name.lower() in _SEXES), None)
    for name, recipe in named.items():
        if set(recipe) & (set(INPUTS) - _PLACES - {"domain"}):
            continue
        found = {
            option: first_of[field]
            for option, field in _GOES_BY.get(fields[name], {}).items()
            if field in first_of
        }
        if "name" in found:
            # a whole name says more than its parts
            found = {"name": found["name"]}
        elif {"first", "last"} & set(found) and not {"first", "last"} <= set(found):
            found = {}
        if fields[name] in _SEXED and sex is not None and sex != name:
            found["sex"] = sex
        if found and (recipe.get("unique") or name in different):
            # values that are numbered see the names as plain texts, which do not tell where they are from
            found |= _place_of(named[next(iter(found.values()))], fields[name], recipe)
        if found:
            recipes[name] = {**recipe, **found}


def _place_of(named: Mapping[str, Any], field: str, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Where names are from, for what is written of them, unless its rule says a place itself."""
    if set(recipe) & _PLACES:
        return {}
    return {option: named[option] for option in sorted(_PLACES & set(named)) if goes_by(field, option)}


def _is_first(name: str, table: Mapping[str, Any]) -> bool:
    links = list(table.get("references") or ())
    return bool(links) and name in (links[0].get("columns") or ())


def _role(link: Mapping[str, Any]) -> dict[str, str]:
    return {"as": str(link["name"])} if link.get("name") else {}
