"""Constraints in a schema file: SQL text for a check, a mapping that starts with the kind's word for the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from simulacra.errors import SchemaError, unknown
from simulacra.schema._fields import describe, dump_bound, load_bound
from simulacra.schema.column import Column
from simulacra.schema.constraints import (
    Check,
    Combination,
    Constraint,
    Determines,
    Equality,
    Implies,
    Monotone,
    OneHot,
    Pattern,
    Running,
    Unique,
)

_TEXT: dict[str, Any] = {"type": "string"}
_OPENING: dict[str, Any] = {"type": ["string", "null"], "default": "0"}
_NAMES: dict[str, Any] = {
    "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}
_FLAG: dict[str, Any] = {"type": "boolean", "default": False}
_TOLERANCE: dict[str, Any] = {"type": ["number", "null"], "minimum": 0}
_ROWS: dict[str, Any] = {
    "type": ["array", "null"],
    "items": {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}},
    "minItems": 1,
}


@dataclass(frozen=True, slots=True)
class _Form:
    """How one kind is written: the words of its fields, the first of which names the kind."""

    made: type
    words: Mapping[str, str]
    types: Mapping[str, dict[str, Any]]
    needed: tuple[str, ...]
    said: str

    @property
    def head(self) -> str:
        return next(iter(self.words))


FORMS = {
    form.head: form
    for form in (
        _Form(Check, {"check": "sql"}, {"check": _TEXT}, ("check",), "A predicate that every row keeps."),
        _Form(
            Implies, {"if": "when", "then": "then"}, {"if": _TEXT, "then": _TEXT}, ("if", "then"),
            "A predicate that rows keep where another one holds.",
        ),
        _Form(
            Equality, {"equality": "column", "sql": "sql", "tolerance": "tolerance"},
            {"equality": _TEXT, "sql": _TEXT, "tolerance": _TOLERANCE}, ("equality", "sql"),
            "A column that an expression over others gives.",
        ),
        _Form(
            Unique, {"unique": "columns"}, {"unique": _NAMES}, ("unique",),
            "Columns that together differ in every row.",
        ),
        _Form(
            Determines, {"determines": "by", "columns": "columns", "groups": "groups"},
            {"determines": _NAMES, "columns": _NAMES, "groups": _ROWS},
            ("determines", "columns"), "Columns that give others.",
        ),
        _Form(
            Combination, {"combination": "columns", "allowed": "allowed"},
            {"combination": _NAMES, "allowed": _ROWS}, ("combination",),
            "Columns whose values occur in certain combinations only; those of the data when none are listed.",
        ),
        _Form(
            OneHot, {"one_hot": "columns"}, {"one_hot": _NAMES}, ("one_hot",),
            "Columns of which exactly one is true.",
        ),
        _Form(
            Monotone,
            {"monotone": "column", "order": "order", "by": "by", "strict": "strict", "falling": "falling"},
            {"monotone": _TEXT, "order": _TEXT, "by": _NAMES, "strict": _FLAG, "falling": _FLAG},
            ("monotone", "order"), "A column that rises (or falls) as another one rises.",
        ),
        _Form(
            Running, {"running": "column", "of": "of", "by": "by", "order": "order", "opening": "opening"},
            {"running": _TEXT, "of": _TEXT, "by": _NAMES, "order": _NAMES, "opening": _OPENING},
            ("running", "of", "order"), "A column that adds up an expression along an order.",
        ),
        _Form(
            Pattern, {"pattern": "column", "regex": "regex"}, {"pattern": _TEXT, "regex": _TEXT},
            ("pattern", "regex"), "A text that matches a regular expression in full.",
        ),
    )
}  # fmt: skip


def dump_constraint(constraint: Constraint) -> str | dict[str, Any]:
    """Turn a constraint into plain values; what has its default is left out.

    Examples
    --------
    >>> dump_constraint(Check("a < b")), dump_constraint(Unique("a"))
    ('a < b', {'unique': ['a']})
    """
    if isinstance(constraint, Check):
        return constraint.sql
    form = next(form for form in FORMS.values() if form.made is type(constraint))
    defaults = {field.name: field.default for field in fields(form.made)}
    result: dict[str, Any] = {}
    for word, field in form.words.items():
        value = getattr(constraint, field)
        if value != defaults[field]:
            result[word] = _plain(value)
    return result


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else dump_bound(value)


def load_constraint(given: Any, columns: Mapping[str, Column], place: str) -> Constraint:
    """Make a constraint of plain values.

    Raises
    ------
    SchemaError
        It is neither SQL text nor one of the mappings; with the place.
    """
    if isinstance(given, str):
        return Check(given)
    if not isinstance(given, Mapping):
        raise SchemaError(
            f"{place}: expected SQL text or a mapping such as {{unique: [a, b]}}, not {describe(given)}."
        )
    form = next((FORMS[word] for word in given if word in FORMS), None)
    if form is None:
        word = str(next(iter(given), ""))
        raise SchemaError(f"{place}: {unknown('kind of constraint', word, FORMS)}")
    where = f"{place}, {form.head!r}"
    for word in given:
        if word not in form.words:
            raise SchemaError(f"{where}: {unknown('field', str(word), form.words)}")
    for word in form.needed:
        if given.get(word) is None:
            raise SchemaError(f"{where}: {word!r} is missing. Add it.")
    values = {
        form.words[word]: _load(value, form.types[word], f"{where}, field {word!r}")
        for word, value in given.items()
        # a missing opening says something of its own
        if value is not None or form.types[word] is _OPENING
    }
    for field, named in (("allowed", ("columns",)), ("groups", ("by", "columns"))):
        if values.get(field) is not None:
            names = tuple(name for part in named for name in values[part])
            values[field] = _load_rows(values[field], names, columns, f"{where}, {field!r}")
    try:
        made: Constraint = form.made(**values)
    except SchemaError as error:
        raise SchemaError(f"{place}: {error}") from error
    return made


_READERS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "text": (lambda value: isinstance(value, str), "text"),
    "flag": (lambda value: isinstance(value, bool), "true or false"),
    "number": (lambda value: isinstance(value, (int, float)) and not isinstance(value, bool), "a number"),
}


def _load(value: Any, rule: Mapping[str, Any], place: str) -> Any:
    if rule is _NAMES:
        given = [value] if isinstance(value, str) else value
        if not isinstance(given, (list, tuple)) or not all(isinstance(item, str) for item in given):
            raise SchemaError(f"{place}: expected a column or a list of columns, not {describe(value)}.")
        return tuple(given)
    if rule is _ROWS:
        if not isinstance(value, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in value):
            raise SchemaError(f"{place}: expected a list of lists of values, not {describe(value)}.")
        return tuple(tuple(row) for row in value)
    if rule is _OPENING and value is None:
        return None
    fits, words = _READERS["text" if rule in (_TEXT, _OPENING) else "flag" if rule is _FLAG else "number"]
    if not fits(value):
        raise SchemaError(f"{place}: expected {words}, not {describe(value)}.")
    return value


def _load_rows(
    rows: tuple[tuple[Any, ...], ...], names: tuple[str, ...], columns: Mapping[str, Column], place: str
) -> tuple[tuple[Any, ...], ...]:
    """Read dates, times and durations, which stand as text; the constraint tells a row of the wrong length."""
    read = {"date", "datetime", "time", "duration"}
    dated = {
        at: {"kind": columns[name].kind, "timezone": columns[name].timezone}
        for at, name in enumerate(names)
        if name in columns and columns[name].kind in read
    }
    if not dated:
        return rows
    return tuple(
        tuple(
            load_bound(value, dated[at], place) if at in dated and value is not None else value
            for at, value in enumerate(row)
        )
        for row in rows
    )


def constraint_schema() -> dict[str, Any]:
    """Return the JSON Schema of one constraint in a schema file."""
    options: list[dict[str, Any]] = [
        {"type": "string", "description": "SQL: a predicate that every row keeps."}
    ]
    for form in FORMS.values():
        options.append(
            {
                "type": "object",
                "description": form.said,
                "properties": dict(form.types),
                "required": list(form.needed),
                "additionalProperties": False,
            }
        )
    return {"oneOf": options}
