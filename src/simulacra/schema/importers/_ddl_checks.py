"""CHECK constraints: casts that a dump adds taken away, limits and levels of one column told apart from the rest."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from simulacra.schema.constraints import Check
from simulacra.schema.importers.drafts import ColumnDraft, TableDraft

_TESTS: dict[type, tuple[str, str]] = {
    exp.GT: (">", "<"), exp.GTE: (">=", "<="), exp.LT: ("<", ">"), exp.LTE: ("<=", ">="),
}  # fmt: skip
_PLAIN = re.compile(r"-?\d+(\.\d+)?")
_MOMENTS = {"date", "datetime", "time"}
_TEXTS = {exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR, exp.DataType.Type.CHAR, exp.DataType.Type.BPCHAR}


def plain_sql(node: exp.Expression, table: TableDraft) -> str:
    """Write an expression over the columns of a table as conditions are written here."""
    return str(_plain(node.copy(), table).unnest().sql(dialect="postgres", comments=False))


def add_check(table: TableDraft, node: exp.Expression, value: ColumnDraft | None) -> None:
    """Put a check into its table: limits and levels of one column into the column, everything else as a rule.

    Parameters
    ----------
    table : TableDraft
        Changed in place; its columns are all known.
    node : Expression
        The condition.
    value : ColumnDraft or None
        The column that VALUE stands for, in the check of a domain.
    """
    plain = _plain(node.copy(), table)
    if value is not None:
        for name in [*plain.find_all(exp.Column), *plain.find_all(exp.Var)]:
            if name.name.upper() == "VALUE":
                name.replace(exp.column(exp.to_identifier(value.name, quoted=True)))
    rest = [term for term in _terms(plain) if not _use(table, term)]
    for term in rest:
        sql = term.sql(dialect="postgres", comments=False)
        table.add_rule(f"the check {sql!r}", lambda sql=sql: Check(sql))  # type: ignore[misc]


def _plain(node: exp.Expression, table: TableDraft) -> exp.Expression:
    """Take away casts of columns and of constants to what they are, and write = ANY (ARRAY[...]) as IN."""
    found: exp.Expression = node.transform(_simplify, table)
    # what stands inside is made plain first, so a second pass sees constants where casts were
    return found.transform(_simplify, table)


def _simplify(node: Any, table: TableDraft) -> Any:
    if isinstance(node, exp.Paren) and isinstance(
        node.this, (exp.Column, exp.Literal, exp.Paren, exp.Array, exp.Neg)
    ):
        return node.this
    if isinstance(node, exp.Column) and node.args.get("table") is not None:
        return exp.Column(this=node.this)
    if isinstance(node, exp.Cast):
        inner = node.this.unnest()
        if isinstance(inner, exp.Array) or (isinstance(inner, exp.Column) and _is_idle(node, inner, table)):
            return inner
        if isinstance(inner, (exp.Literal, exp.Neg)) and not node.to.is_type("interval"):
            return _number(inner) if node.to.this in exp.DataType.NUMERIC_TYPES else inner
    if isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
        listed = node.expression.this
        while isinstance(listed, (exp.Paren, exp.Cast)):
            listed = listed.this
        if isinstance(listed, exp.Array):
            return exp.In(this=node.this.copy(), expressions=[part.copy() for part in listed.expressions])
    return node


def _number(constant: Any) -> Any:
    """Write '-100' as the number that a dump casts it to."""
    if isinstance(constant, exp.Literal) and constant.is_string and _PLAIN.fullmatch(constant.name):
        plain = exp.Literal.number(constant.name.lstrip("-"))
        return exp.Neg(this=plain) if constant.name.startswith("-") else plain
    return constant


def _is_idle(cast: exp.Cast, inner: exp.Column, table: TableDraft) -> bool:
    """Tell whether a cast of a column changes nothing: text to text, numbers to numbers of more digits."""
    column = table.column(inner.name)
    if cast.to.this in _TEXTS:
        return column is None or column.kind in {"string", "category", "text", None}
    if cast.to.this in exp.DataType.INTEGER_TYPES:
        return column is not None and bool(column.integer)
    return cast.to.this in exp.DataType.NUMERIC_TYPES and column is not None and column.kind == "number"


def _terms(node: exp.Expression) -> list[exp.Expression]:
    """Split at ANDs, and see through parentheses."""
    found: list[exp.Expression] = []
    stack = [node]
    while stack:
        one = stack.pop()
        while isinstance(one, exp.Paren):
            one = one.this
        if isinstance(one, exp.And):
            stack += [one.expression, one.this]
        else:
            found.append(one)
    return found


def _use(table: TableDraft, term: exp.Expression) -> bool:
    """Put a term about one column into that column, if its kind can carry it."""
    names = {column.name for column in term.find_all(exp.Column)}
    column = table.column(names.pop()) if len(names) == 1 else None
    if column is None:
        return False
    term = _without_missing(term)
    if (
        isinstance(term, exp.Not)
        and isinstance(term.this, exp.Is)
        and isinstance(term.this.expression, exp.Null)
    ):
        if isinstance(term.this.this, exp.Column):
            column.nullable = False
            return True
        return False
    if isinstance(term, exp.Anonymous) and term.name.lower() == "json_valid":
        column.kind, column.lengths = "text", (None, None)
        return True
    listed = _listed(term)
    if listed is not None:
        return _limit_to(column, listed)
    limits = _limits(term)
    if not limits or column.kind not in {"number", *_MOMENTS}:
        return False
    if any(isinstance(value, str) is (column.kind == "number") for _, value in limits):
        return False
    column.limits += limits
    return True


def _without_missing(term: exp.Expression) -> exp.Expression:
    """Take away OR x IS NULL, which a check says anyway."""
    if isinstance(term, exp.Or):
        for side, other in ((term.this, term.expression), (term.expression, term.this)):
            if isinstance(side.unnest(), exp.Is) and isinstance(side.unnest().expression, exp.Null):
                return other.unnest()
    return term


def _listed(term: exp.Expression) -> list[Any] | None:
    """List the constants of x IN (...), or of x = 1 OR x = 2."""
    if isinstance(term, exp.In) and isinstance(term.this, exp.Column):
        values = [_constant(part) for part in term.expressions]
        return None if None in values or not values or term.args.get("query") else values
    parts, found = [term], []
    while parts:
        part = parts.pop().unnest()
        if isinstance(part, exp.Or):
            parts += [part.expression, part.this]
        elif (
            isinstance(part, exp.EQ)
            and isinstance(part.this, exp.Column)
            and _constant(part.expression) is not None
        ):
            found.append(_constant(part.expression))
        else:
            return None
    return found if len(found) > 1 else None


def _limit_to(column: ColumnDraft, values: list[Any]) -> bool:
    if column.levels is not None:
        return False
    if column.kind in {"string", "text", None} and all(isinstance(value, str) for value in values):
        column.kind, column.levels = "category", tuple(dict.fromkeys(values))
        return True
    if column.kind == "boolean" and set(map(str, values)) <= {"0", "1"}:
        return True
    if column.kind == "number" and not any(isinstance(value, str) for value in values):
        column.allowed = values
        return True
    return False


def _limits(term: exp.Expression) -> list[tuple[str, Any]]:
    """Read x >= 1, 1 <= x and x BETWEEN 1 AND 2."""
    if isinstance(term, exp.Between) and isinstance(term.this, exp.Column):
        low, high = _constant(term.args["low"]), _constant(term.args["high"])
        return [] if low is None or high is None else [(">=", low), ("<=", high)]
    if type(term) not in _TESTS:
        return []
    test, turned = _TESTS[type(term)]
    for side, other, sign in ((term.this, term.expression, test), (term.expression, term.this, turned)):
        if isinstance(side, exp.Column) and _constant(other) is not None:
            return [(sign, _constant(other))]
    return []


def _constant(node: Any) -> Any:
    """Return a number or a text; None for anything else."""
    node = node.unnest() if isinstance(node, exp.Expression) else node
    if isinstance(node, exp.Neg):
        inner = _constant(node.this)
        return -inner if isinstance(inner, (int, float)) else None
    if isinstance(node, exp.Cast):
        return _constant(node.this)
    if not isinstance(node, exp.Literal):
        return None
    if node.is_string:
        return str(node.this)
    text = str(node.this)
    return int(text) if text.isdigit() and len(text) < 400 else float(text)
