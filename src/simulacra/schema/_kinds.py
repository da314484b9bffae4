"""Which columns a constraint can speak of: they exist, and are of a kind that its words have a meaning for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from simulacra.errors import SchemaError, unknown
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

if TYPE_CHECKING:
    from simulacra.schema.types import Column

_ORDERED = ("number", "date", "datetime", "time", "duration")
_TEXTS = ("text", "key", "category")
_TYPES: dict[str, tuple[type, ...]] = {
    "number": (int, float), "boolean": (bool,), "date": (date,), "datetime": (datetime,), "time": (time,),
    "duration": (timedelta,),
}  # fmt: skip


def fit_constraint(constraint: Constraint, columns: Mapping[str, Column]) -> Constraint:
    """Check a constraint against the columns of its table, and bring its values to their types.

    What stands in SQL is checked where it is parsed.

    Raises
    ------
    SchemaError
        A column does not exist, or is of a kind that the constraint has no meaning for.
    """
    match constraint:
        case Check() | Implies():
            return constraint
        case Equality():
            _require(constraint, (constraint.column,), columns)
        case Determines():
            _require(constraint, constraint.by + constraint.columns, columns)
            return _with_typed_groups(constraint, columns)
        case Unique():
            _require(constraint, constraint.columns, columns)
        case Combination():
            _require(constraint, constraint.columns, columns)
            return _with_types(constraint, columns)
        case OneHot():
            _require(constraint, constraint.columns, columns)
            for name in constraint.columns:
                column = columns[name]
                if column.kind != "boolean" and not (column.kind == "number" and column.integer):
                    raise _unfit(constraint, column, "a boolean, or a whole number that is 0 or 1")
        case Monotone():
            _require(constraint, constraint.columns, columns)
            _require_kind(constraint, columns[constraint.column], _ORDERED)
            order = columns[constraint.order]
            if not (order.kind == "key" and order.integer):
                _require_kind(constraint, order, _ORDERED)
        case Running():
            _require(constraint, (constraint.column, *constraint.by, *constraint.order), columns)
            _require_kind(constraint, columns[constraint.column], ("number", "duration"))
            for name in constraint.order:
                _require_kind(constraint, columns[name], (*_ORDERED, "key"))
        case Pattern():
            _require(constraint, constraint.columns, columns)
            _require_kind(constraint, columns[constraint.column], _TEXTS)
        case _:
            raise SchemaError(
                f"{constraint!r} is no constraint. Give SQL text, or one of the classes such as Unique."
            )
    return constraint


def _require(constraint: Constraint, names: tuple[str, ...], columns: Mapping[str, Column]) -> None:
    for name in names:
        if name not in columns:
            raise SchemaError(f"constraint {said(constraint)}: {unknown('column', name, columns)}")


def _require_kind(constraint: Constraint, column: Column, kinds: tuple[str, ...]) -> None:
    if column.kind not in kinds:
        raise _unfit(constraint, column, "one of " + ", ".join(kinds))


def _unfit(constraint: Constraint, column: Column, wanted: str) -> SchemaError:
    return SchemaError(
        f"constraint {said(constraint)}: {column.name!r} is a {column.kind}, and must be {wanted}. "
        "Name another column, or correct its kind in the schema."
    )


def _with_types(constraint: Combination, columns: Mapping[str, Column]) -> Combination:
    if constraint.allowed is None:
        for name in constraint.columns:
            if columns[name].kind in {"text", "key"}:
                raise _unfit(
                    constraint, columns[name], "a column whose values are given out, or list those allowed"
                )
        return constraint
    fitted = [columns[name] for name in constraint.columns]
    allowed = tuple(
        tuple(_typed(value, column, constraint) for value, column in zip(row, fitted, strict=True))
        for row in constraint.allowed
    )
    return constraint if allowed == constraint.allowed else replace(constraint, allowed=allowed)


def _with_typed_groups(constraint: Determines, columns: Mapping[str, Column]) -> Determines:
    if constraint.groups is None:
        return constraint
    fitted = [columns[name] for name in (*constraint.by, *constraint.columns)]
    groups = tuple(
        tuple(_typed(value, column, constraint) for value, column in zip(row, fitted, strict=True))
        for row in constraint.groups
    )
    return constraint if groups == constraint.groups else replace(constraint, groups=groups)


def _typed(value: Any, column: Column, constraint: Combination | Determines) -> Any:
    if value is None:
        return None
    value = value.item() if hasattr(value, "item") else value
    if column.kind in _TEXTS and not column.integer:
        return str(value).lower() if isinstance(value, bool) else str(value)
    types = (int,) if column.integer else _TYPES.get(column.kind, (int,))
    whole = column.integer and isinstance(value, float) and value.is_integer()
    if not whole and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
        # the value itself may be sensitive, so only its type is told
        raise SchemaError(
            f"constraint {said(constraint)}: {column.name!r} is a {column.kind}, and one of the combinations has "
            f"{type(value).__name__} for it. Write values of the column's kind."
        )
    return int(value) if column.integer else float(value) if column.kind == "number" else value


def said(constraint: Constraint) -> str:
    """Put a constraint in the quotes that it does not use itself.

    Examples
    --------
    >>> print(said(Check("a < b")), said(Unique("a")))
    "a < b" `"a" differs in every row`
    """
    text = str(constraint)
    return f"`{text}`" if '"' in text else f'"{text}"'
