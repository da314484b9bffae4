"""Fields by the names that people give to columns; their lists are loaded when they are needed."""

from __future__ import annotations

from importlib import import_module

from simulacra.errors import SimulacraError

_THINGS = (
    ("product", "item", "article", "good", "sku"),
    ("compan", "firm", "vendor", "supplier", "shop", "store", "brand"),
)
PLAIN = "text.sentence"
"""What a text holds of which nothing is known."""


def canonical_name(field: str) -> str:
    """Return the public name of a field that people call otherwise; what is no field stays as it is.

    Examples
    --------
    >>> canonical_name("zip"), canonical_name("nothing")
    ('address.postcode', 'nothing')
    """
    try:
        name: str = import_module("simulacra.fields.finding").find_field(field).name
    except SimulacraError:
        return field
    return name


def guess_field(column: str, table: str) -> str:
    """Guess what a text column holds by its name and that of its table; sentences where nothing is known.

    Examples
    --------
    >>> guess_field("first_name", "staff"), guess_field("name", "products"), guess_field("remark", "orders")
    ('person.first', 'product', 'text.sentence')
    """
    if column.lower() == "name":
        for field, words in zip(("product", "company"), _THINGS):
            if any(word in table.lower() for word in words):
                return field
    found = canonical_name(column)
    return found if "." in found or found != column or _is_field(found) else PLAIN


def _is_field(name: str) -> bool:
    known: list[str] = [field.name for field in import_module("simulacra.fields.finding").list_fields()]
    return name in known


def goes_by(field: str, option: str) -> bool:
    """Tell whether a field takes an option such as a locale; what is no field takes none.

    Examples
    --------
    >>> goes_by("name", "locale"), goes_by("uuid", "locale")
    (True, False)
    """
    try:
        found: bool = option in import_module("simulacra.fields.finding").find_field(field).inputs
    except SimulacraError:
        return False
    return found
