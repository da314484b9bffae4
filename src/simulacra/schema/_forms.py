"""What the syntax of a condition tells: where its truth can change, and how it falls into parts."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from sqlglot import exp

from simulacra.schema._refusals import flatten

_PLAIN = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Is,
    exp.Null, exp.Neg, exp.Literal, exp.Boolean, exp.Column, exp.Identifier, exp.Tuple,
    exp.Cast, exp.DataType, exp.DataTypeParam,
)  # fmt: skip
"""What a condition consists of that only holds columns against constants."""
_BY_ORDER = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.Add, exp.Sub, exp.Mul,
    exp.Neg, exp.Literal, exp.Column, exp.Identifier, exp.Null, exp.Is,
)  # fmt: skip
"""What a condition consists of whose truth changes with the order of sums."""
_BY_HOURS = frozenset(
    (
        "hour",
        "day",
        "dow",
        "isodow",
        "dayofweek",
        "doy",
        "dayofyear",
        "week",
        "month",
        "quarter",
        "year",
        "isoyear",
    )
)


def compares_constants(condition: exp.Expression) -> bool:
    """Tell whether it only holds bare columns against constants."""
    return all(isinstance(node, _PLAIN) for node in condition.walk())


def compares_sums(condition: exp.Expression) -> bool:
    """Tell whether it only holds sums, differences and multiples of columns against each other, by order."""
    return all(isinstance(node, _BY_ORDER) for node in condition.walk())


def goes_by_hours(condition: exp.Expression) -> bool:
    """Tell whether, apart from constants, it looks at nothing finer than hours."""
    for node in condition.walk():
        if isinstance(node, exp.Extract):
            if str(node.this).lower() not in _BY_HOURS:
                return False
        elif not isinstance(node, (*_PLAIN, exp.Var, exp.Year, exp.Month, exp.Day)):
            return False
    return True


def list_clock_times(condition: exp.Expression) -> list[int]:
    """List the times of day, in microseconds, of the instants that it names."""
    found = []
    for node in condition.find_all(exp.Literal):
        try:
            moment = datetime.fromisoformat(str(node.this))
        except ValueError:
            continue
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        found.append((moment - midnight) // timedelta(microseconds=1))
    return found


def list_literals(condition: exp.Expression) -> list[Any]:
    """List the constants that it names: numbers of either sign, and dates."""
    found: list[Any] = []
    for node in condition.find_all(exp.Literal):
        try:
            number = float(node.this)
            found += [number, -number] if not node.is_string and math.isfinite(number) else []
        except ValueError:
            try:
                found.append(date.fromisoformat(str(node.this)[:10]))
            except ValueError:
                continue
    return found


def compares_null(condition: exp.Expression) -> bool:
    """Tell whether it is a comparison with NULL."""
    tests = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
    return isinstance(condition, tests) and any(
        isinstance(side.unnest(), exp.Null) for side in (condition.this, condition.expression)
    )


def is_null_test(condition: exp.Expression) -> bool:
    """Tell whether it is `column IS NULL`."""
    return (
        isinstance(condition, exp.Is)
        and not condition.args.get("negate")
        and isinstance(condition.this.unnest(), exp.Column)
        and isinstance(condition.expression, exp.Null)
    )


def split_or(condition: exp.Expression, write: Callable[[exp.Expression], str]) -> list[list[str]]:
    """Split an OR into parts that rule each other out, each a list of terms; an empty list where it is none."""
    if not isinstance(condition, exp.Or):
        return []
    alike: dict[str, list[str]] = {}
    for part in flatten(condition):
        # what is about one column only stays one part
        text, names = write(part.unnest()), {column.name for column in part.find_all(exp.Column)}
        alike.setdefault(names.pop() if len(names) == 1 else f"({text})", []).append(text)
    parts = [own[0] if len(own) == 1 else " OR ".join(f"({text})" for text in own) for own in alike.values()]
    return [
        [f"(NOT COALESCE(({earlier}), FALSE))" for earlier in parts[:place]] + [f"({part})"]
        for place, part in enumerate(parts)
    ]
