"""Rules for columns that have none: what a schema says of a column is enough to make some values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulacra.errors import SchemaError
from simulacra.rules.reading import INPUTS
from simulacra.rules.vocabularies import canonical_name, guess_field

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
_SEXED = {"person.name", "person.first", "person.prefix"}
_SEXES = ("sex", "gender")


def default_rule(
    name: str, facts: Mapping[str, Any], link: Mapping[str, Any] | None, table: Mapping[str, Any], place: str
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
    kind, bounds = facts.get("kind"), facts.get("bounds")
    if kind is None:
        raise SchemaError(
            f"{place}: nothing says how it is made. Write a field such as person.name, or a rule."
        )
    missing = {"missing": 0.1} if facts.get("nullable") else {}
    if link is not None:
        columns = link.get("columns")
        if isinstance(columns, str) or len(columns or ()) == 1:
            to = link.get("to") or ()
            to = (to,) if isinstance(to, str) else tuple(to)
            target = f"{link['table']}.{to[0]}" if to else str(link["table"])
            if (
                table.get("role") in {"child", "event", "link"}
                and not facts.get("nullable")
                and _is_first(name, table)
            ):
                return {"reference": {"to": target, "children": {"poisson": 3}}}
            return {"reference": {"to": target, **_role(link)}, **missing}
        raise SchemaError(
            f"{place}: a reference of several columns has no rule by itself. Give the first of them a reference, and "
            "the others a formula such as TABLE.COLUMN."
        )
    if facts.get("identifying"):
        locale = {"locale": facts["locale"]} if facts.get("locale") else {}
        return {"field": facts["identifying"], **locale, **_unique(name, table), **missing}
    if facts.get("pattern"):
        return {"pattern": facts["pattern"], **_unique(name, table), **missing}
    if kind == "key":
        return {
            "sequence": {"start": 1} if facts.get("integer") else {"form": f"{name[:1].upper()}{{:08}}"},
            **missing,
        }
    return {**_by_kind(kind, facts, bounds, name, str(table.get("name", ""))), **missing}


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


def connect(recipes: dict[str, Any]) -> None:
    """Let fields go by others in the same row where that is left open: e-mails by names, postcodes by towns.

    A rule that names any input beside country and locale (or ``null``) is left as it is. Changes `recipes` in place.

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
        if set(recipe) & (set(INPUTS) - {"locale", "country"}):
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
        if found:
            recipes[name] = {**recipe, **found}


def _is_first(name: str, table: Mapping[str, Any]) -> bool:
    links = list(table.get("references") or ())
    return bool(links) and name in (links[0].get("columns") or ())


def _role(link: Mapping[str, Any]) -> dict[str, str]:
    return {"as": str(link["name"])} if link.get("name") else {}


def _unique(name: str, table: Mapping[str, Any]) -> dict[str, bool]:
    return {"unique": True} if list(table.get("key") or ()) == [name] else {}
