"""What fields there are, for people: name, description, other names, inputs, an example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulacra.errors import OptionError, unknown
from simulacra.field import Field
from simulacra.fields._faker import LOCALES, resolve_faker_locale
from simulacra.fields.finding import ALIASES, list_fields, show_example


def list_locales() -> list[str]:
    """List the locales that fields can be of.

    Examples
    --------
    >>> "ja_JP" in list_locales()
    True
    """
    return list(LOCALES)


def describe_fields(
    words: Sequence[str] = (), *, locale: str = "en_US", faker: bool = False
) -> list[dict[str, Any]]:
    """Describe the fields that a locale has.

    Parameters
    ----------
    words : sequence of str
        Only those whose name, other names or description hold all of these.
    locale : str
        Language and country of the examples.
    faker : bool
        Whether to list the methods of Faker too.

    Returns
    -------
    list of dict
        ``name``, ``summary``, ``kind``, ``inputs``, ``aliases``, ``values`` (how many different ones, null where they
        can not be numbered) and ``example``.

    Raises
    ------
    UnknownName
        There is no such locale, or no field of these words.

    Examples
    --------
    >>> [row["name"] for row in describe_fields(["zip"])]
    ['address.postcode']
    """
    own = resolve_faker_locale(locale)
    rows = []
    for field in list_fields(own if faker else None):
        other = sorted(alias for alias, name in ALIASES.items() if name == field.name)
        told = f"{field.name} {field.summary} {' '.join(other)}".casefold()
        if not all(word.casefold() in told for word in words):
            continue
        row = _describe(field, own, other)
        if row is not None:
            rows.append(row)
    if not rows:
        raise unknown("field", " ".join(words), [field.name for field in list_fields()] + list(ALIASES))
    return rows


def _describe(field: Field, locale: str, other: list[str]) -> dict[str, Any] | None:
    try:
        example = show_example(field, locale)
        values = None if field.name.startswith("faker.") else field.room({"locale": locale})
    except OptionError:
        # a locale may lack a field: Norway has no states in Faker
        return None
    return {
        "name": field.name, "summary": field.summary, "kind": field.kind, "inputs": list(field.inputs),
        "aliases": other, "values": values, "example": example,
    }  # fmt: skip
