"""The words that formats written as JSON or YAML share: minimum, maxLength, pattern, enum, format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from simulacra.schema._patterns import UUID
from simulacra.schema.importers.drafts import ColumnDraft

Facts = Mapping[str, Any]
_IDENTIFYING = {
    "email": "email", "idn-email": "email", "ipv4": "ip", "ipv6": "ip", "ip": "ip", "uri": "url", "url": "url",
    "iban": "iban", "phone": "phone", "telephone": "phone", "ssn": "ssn",
}  # fmt: skip
_MOMENTS = {
    "date": "date",
    "date-time": "datetime",
    "datetime": "datetime",
    "time": "time",
    "duration": "duration",
}
_SECRET = {"confidential", "restricted", "pii", "sensitive", "secret", "personal", "highly confidential"}


def set_format(column: ColumnDraft, format: Any) -> bool:
    """Say what the format of a text means; tell whether it is one that has a meaning here.

    Examples
    --------
    >>> column = ColumnDraft("day", "string")
    >>> set_format(column, "date"), column.kind
    (True, 'date')
    """
    word = str(format).casefold()
    if word in _MOMENTS:
        column.kind = _MOMENTS[word]  # type: ignore[assignment]
    elif word == "uuid":
        column.pattern = UUID
    elif word in _IDENTIFYING:
        column.kind, column.identifying = "text", _IDENTIFYING[word]
    else:
        return False
    return True


def set_limits(column: ColumnDraft, facts: Facts) -> None:
    """Take the limits of values and lengths."""
    for word, test in (
        ("minimum", ">="),
        ("maximum", "<="),
        ("exclusiveMinimum", ">"),
        ("exclusiveMaximum", "<"),
    ):
        value = facts.get(word)
        if isinstance(value, bool):
            # an older draft says by true that the limit beside it is exclusive
            turned = {"exclusiveMinimum": (">=", ">"), "exclusiveMaximum": ("<=", "<")}.get(word)
            if value and turned:
                column.limits = [(turned[1] if t == turned[0] else t, v) for t, v in column.limits]
        elif value is not None and not isinstance(value, (list, Mapping)):
            column.limits.append((test, _number(value) if column.kind in {"number", None} else value))
    fewest, most = (_count(facts.get(word)) for word in ("minLength", "maxLength"))
    column.lengths = (
        fewest if fewest is not None else column.lengths[0],
        most if most is not None else column.lengths[1],
    )
    multiple = facts.get("multipleOf")
    if isinstance(multiple, (int, float)) and not isinstance(multiple, bool) and multiple > 0:
        if column.integer:
            column.step = float(multiple)
        elif found := re.fullmatch(r"0\.(0*1)", f"{multiple:.12f}".rstrip("0")):
            column.decimals = len(found[1])
        elif multiple == 1:
            column.integer = True


def _number(value: Any) -> Any:
    """Read a number that stands there as text."""
    if not isinstance(value, str):
        return value
    try:
        return float(value) if re.search(r"[.eE]", value) else int(value)
    except ValueError:
        return value


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def set_levels(column: ColumnDraft, values: Any) -> None:
    """Take the list of the values allowed; null among them allows a missing one."""
    if not isinstance(values, (list, tuple)):
        return
    if None in values:
        column.nullable = True
    listed = [value for value in values if value is not None and not isinstance(value, (list, Mapping))]
    if not listed or column.kind == "boolean":
        return
    numbers = [_number(value) for value in listed] if column.kind == "number" else listed
    if column.kind in {"number", None} and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in numbers
    ):
        column.kind, column.allowed = "number", list(dict.fromkeys(numbers))
        column.integer = column.integer or all(isinstance(value, int) for value in numbers)
        return
    words = [str(value).lower() if isinstance(value, bool) else str(value) for value in listed]
    column.kind, column.levels = "category", tuple(dict.fromkeys(words))


def in_full(pattern: Any) -> str | None:
    """Turn a pattern that is searched for into one that is matched in full.

    Examples
    --------
    >>> in_full("^[a-z]+$"), in_full("[0-9]"), in_full("^a|b$")
    ('[a-z]+', '.*[0-9].*', '.*(?:^a|b$).*')
    """
    if not isinstance(pattern, str) or not pattern:
        return None
    if "|" in pattern and not re.fullmatch(r"\^\((?:[^()\\]|\\.)*\)\$", pattern):
        return f".*(?:{pattern}).*"
    head = pattern[1:] if pattern.startswith("^") else f".*{pattern}"
    if head.endswith("$") and not head.endswith("\\$"):
        return head[:-1]
    return f"{head}.*"


def bare(pattern: Any) -> str | None:
    """Take the anchors from a pattern that is matched in full anyway."""
    if not isinstance(pattern, str) or not pattern:
        return None
    if "|" in pattern:
        return pattern
    pattern = pattern.removeprefix("^")
    return pattern[:-1] if pattern.endswith("$") and not pattern.endswith("\\$") else pattern


def is_secret(word: Any) -> bool:
    """Tell whether a classification says that values are not to be shown.

    Examples
    --------
    >>> is_secret("Restricted"), is_secret("public"), is_secret(None)
    (True, False, False)
    """
    return isinstance(word, str) and word.casefold() in _SECRET


def names(value: Any) -> tuple[str, ...]:
    """Read one name or a list of names."""
    if isinstance(value, str):
        return (value,)
    listed: Iterable[Any] = value if isinstance(value, (list, tuple)) else ()
    return tuple(str(name) for name in listed)


def mappings(value: Any) -> list[Facts]:
    """Read a list of mappings; anything else in it is passed over."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, (list, tuple)) else []
