"""What the names of columns and tables say about which refers to which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from simulacra.schema._names import says_key, says_measure, split_name

_KEY_WORDS = {
    "id", "key", "uuid", "guid", "identifier", "index", "idx", "code", "no", "nr", "num", "number", "pk", "fk", "sk",
    "ref",
}  # fmt: skip
_PLAIN = _KEY_WORDS | {"name", "value", "title", "label", "description", "type", "date", "row"}
_TABLE_MARKS = {"tbl", "table", "dim", "fact", "stg", "raw", "src", "tmp", "data"}
_ABOVE = {
    "parent", "manager", "boss", "supervisor", "superior", "mentor", "chief", "predecessor", "successor", "previous",
    "ancestor", "reports", "report", "referrer", "sponsor", "father", "mother", "sire", "dam", "spouse", "replaces",
    "replace", "duplicate", "original", "root",
}  # fmt: skip
_PEOPLE = {
    "user", "customer", "client", "person", "people", "employee", "member", "staff", "buyer", "seller", "owner",
    "author", "creator", "editor", "manager", "contact", "patient", "student", "teacher", "agent", "rep", "salesperson",
    "assignee", "reviewer", "sender", "recipient", "borrower", "holder", "passenger", "driver", "doctor", "actor",
    "player", "instructor",
}  # fmt: skip
_DATE_PARTS = {
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "hour",
    "minute",
    "date",
    "time",
    "weekday",
    "timestamp",
}
_PLACES = {
    "line",
    "seq",
    "sequence",
    "position",
    "pos",
    "item",
    "version",
    "step",
    "rank",
    "round",
    "part",
    "lap",
    "stint",
}

SAME, NAMED, ROLE, CLOSE, ABOVE, SHORT, LAST, PEOPLE, KEY, NONE = (
    1.0,
    1.0,
    0.95,
    0.9,
    0.8,
    0.7,
    0.6,
    0.5,
    0.3,
    0.0,
)


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How far a column's name says that it refers to a table."""

    score: float
    why: str = ""
    role: str | None = None


@lru_cache(maxsize=20_000)
def words_of(name: str) -> tuple[str, ...]:
    """Split a name into words, in one form for singular and plural.

    Examples
    --------
    >>> words_of("ProductCategories"), words_of("product_category")
    (('product', 'category'), ('product', 'category'))
    """
    return tuple(_singular(word) for word in split_name(name))


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ie"):
        return word[:-2] + "y"
    if len(word) > 4 and word.endswith(("xe", "she", "che", "sse")):
        return word[:-1]
    return word


def stem(words: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out the words that every key may have.

    Examples
    --------
    >>> stem(("bill", "customer", "id"))
    ('bill', 'customer')
    """
    return tuple(word for word in words if word not in _KEY_WORDS)


def table_words(name: str) -> tuple[str, ...]:
    """Split the name of a table, without marks such as ``dim_``."""
    words = words_of(name.rpartition(".")[2])
    return tuple(word for word in words if word not in _TABLE_MARKS) or words


def is_date_part(name: str) -> bool:
    """Tell whether a name is that of a part of a date."""
    return bool(words_of(name)) and words_of(name)[-1] in _DATE_PARTS


def is_place(name: str) -> bool:
    """Tell whether a name is that of a place in a sequence, such as the line of an order."""
    words = words_of(name)
    return bool(_PLACES & set(words)) or (bool(words) and words[-1] in {"no", "nr", "num", "number"})


def is_plain(name: str) -> bool:
    """Tell whether a name says nothing about what it belongs to: ``id``, ``code``, ``name``."""
    return all(word in _PLAIN for word in words_of(name))


def is_measure(name: str) -> bool:
    """Tell whether a name is that of a quantity or a part of a date, and not of a key."""
    words = words_of(name)
    return says_measure(words) and not says_key(words, strict=True)


def belongs(column: str, table: str) -> bool:
    """Tell whether a column is named as the key of its own table.

    Examples
    --------
    >>> belongs("customer_id", "Customers"), belongs("id", "Customers"), belongs("region_id", "Customers")
    (True, True, False)
    """
    own = _unglued(column, table_words(table))
    return not own or own == table_words(table) or own == table_words(table)[-1:]


def compare_names(column: str, table: str, other: str, key: str) -> NameMatch:
    """Judge whether a column of a table is named after another table or its key.

    Parameters
    ----------
    column, table : str
        The column that may refer, and its table.
    other, key : str
        The table that it may refer to, and the column there.

    Examples
    --------
    >>> compare_names("bill_customer_id", "orders", "customers", "id").role
    'bill'
    >>> compare_names("quantity", "orders", "customers", "id").score
    0.0
    """
    target, own = table_words(other), _unglued(column, table_words(other))
    key_stem = tuple(word for word in _unglued(key, target) if word not in _PLAIN)
    plain = is_plain(column)
    if column.casefold() == key.casefold() and not plain and not is_measure(column):
        return NameMatch(SAME, "the names are the same")
    if own and own == target:
        return NameMatch(NAMED, "it is named after the table")
    if is_measure(column):
        return NameMatch(NONE)
    if own and own == key_stem:
        return NameMatch(CLOSE, "the names are nearly the same")
    for tail in (target, key_stem):
        if tail and len(own) > len(tail) and own[-len(tail) :] == tail:
            role = "_".join(own[: -len(tail)])
            return NameMatch(ROLE, f"it is named after the table, in the role {role!r}", role)
    if table == other and _ABOVE & set(words_of(column)):
        return NameMatch(ABOVE, "its name is that of a row above", "_".join(own) or None)
    return _compare_loosely(column, own, target, key_stem, plain)


def _compare_loosely(
    column: str, own: tuple[str, ...], target: tuple[str, ...], key_stem: tuple[str, ...], plain: bool
) -> NameMatch:
    keyed = says_key(words_of(column), strict=True)
    if own and target and own[: len(target)] == target:
        return NameMatch(SHORT, "its name begins with that of the table", "_".join(own[len(target) :]))
    if own and _abbreviates(own[-1], (*target, "".join(target), *key_stem)):
        return NameMatch(SHORT, "its name is short for that of the table", "_".join(own[:-1]) or None)
    if own and target and own[-1] == target[-1]:
        return NameMatch(LAST, "its name ends as that of the table does")
    if plain and not own and key_stem == ():
        return NameMatch(LAST if keyed else NONE, "both are plain keys" if keyed else "")
    if own and own[-1] in _PEOPLE and target[-1:] and target[-1] in _PEOPLE:
        return NameMatch(PEOPLE, "both names are those of people", "_".join(own))
    return NameMatch(KEY, "its name is that of a key") if keyed else NameMatch(NONE)


def _unglued(name: str, target: tuple[str, ...]) -> tuple[str, ...]:
    """Return the telling words of a name, also of one written in one piece, such as ``customerid``."""
    words = words_of(name)
    found: list[str] = []
    for word in words:
        cut = re.sub(r"(id|key|no|nr|code|num)$", "", word)
        found.append(cut if cut != word and cut in (*target, "".join(target)) else word)
    told = stem(tuple(found))
    return target if told == ("".join(target),) else told


def _abbreviates(short: str, names: tuple[str, ...]) -> bool:
    """Tell whether a word of three letters and more is short for one of the names: ``dept``, ``cust``."""
    if len(short) < 3:
        return False
    for name in names:
        if len(name) < len(short) + 2 or name[0] != short[0]:
            continue
        letters = iter(name)
        if name.startswith(short) or (len(short) >= 4 and all(letter in letters for letter in short)):
            return True
    return False
