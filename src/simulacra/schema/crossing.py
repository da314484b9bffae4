"""SQL conditions and formulas that read other tables: columns of rows above, aggregates of rows below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import polars as pl
from sqlglot import exp

from simulacra.errors import PredicateError, SchemaError
from simulacra.schema._expressions import Aggregate as Aggregate
from simulacra.schema._expressions import Expression as Expression
from simulacra.schema._expressions import Lookup as Lookup
from simulacra.schema._kinds import said
from simulacra.schema._literals import quoted, shorten
from simulacra.schema._mappings import write_mapping
from simulacra.schema._refusals import flatten
from simulacra.schema._requirements import quote
from simulacra.schema._subqueries import Scope, read_expression
from simulacra.schema.constraints import Check, Constraint, Equality, Implies, Running
from simulacra.schema.predicates import Predicate, parse_sql, write_sql
from simulacra.schema.routes import Frames, Rows
from simulacra.schema.types import Schema, Table

Made = TypeVar("Made")


@dataclass(frozen=True)
class Crossing:
    """A SQL condition over a row, the rows that it belongs to and the rows that belong to it.

    Make one with `Crossing.parse`.

    Parameters
    ----------
    sql : str
        The condition.
    table : Table
        The table of the row.
    schema : Schema
        All tables.
    expression : Expression
        What it compiles to.

    Notes
    -----
    The language is that of `Predicate`, with two things more.

    - ``customers.created``: a column of the row that this one refers to, at once or over tables between. Where several
      references lead to that table, the reference is named: ``billing.created``, by its name or its only column.
    - ``(select count(*) from orders where product = 'X')``: one aggregate (count, sum, avg, min or max) over the rows
      of a table that refers to this one, at once or over tables between. The reference implies the join; of several,
      one is named, ``from orders.billing``, or its join is written out, ``where orders.billing_id = customers.id``.
      EXISTS stands for a count of at least 1. Names inside are the child's; those of rows outside are qualified.

    Without rows a count is 0 and anything else is NULL. A row that refers to nothing belongs to no row, and the columns
    of a row that is not there are NULL.

    **Cost**: linear in the rows of the tables that it reads.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Reference
    >>> people = Table("people", (Column("id", "key", integer=True), Column("state", "category")), ("id",))
    >>> pets = Table("pets", (Column("owner", "key", integer=True), Column("age", "number")), references=(
    ...     Reference(("owner",), "people"),))
    >>> old = Crossing.parse("state = 'OH' and (select max(age) from pets) > 9", "people", Schema((people, pets)))
    >>> frames = {"people": pl.DataFrame({"id": [1, 2, 3], "state": ["OH", "OH", "NY"]}),
    ...     "pets": pl.DataFrame({"owner": [1, 1, None], "age": [3.0, 12.0, 7.0]})}
    >>> old.evaluate(frames).to_list()
    [True, None, False]
    """

    sql: str
    table: Table
    schema: Schema
    expression: Expression

    @classmethod
    def parse(cls, condition: str | Mapping[str, Any], table: str, schema: Schema) -> Crossing:
        """Read a condition and check it against the tables.

        Raises
        ------
        PredicateError
            The text is not SQL, names something unknown, or holds a query that is no aggregate over a child.
        """
        subject = schema.table(table)
        if isinstance(condition, Mapping):
            text = write_mapping(condition, subject)
        elif isinstance(condition, str):
            text = condition.strip()
        else:
            raise PredicateError(
                f"a condition is SQL text or a mapping of columns, not {type(condition).__name__!r}."
            )
        return _told(
            f"table {table!r}, where", text, lambda: cls._of(text, parse_sql(text, subject), subject, schema)
        )

    @classmethod
    def _of(cls, sql: str, node: exp.Expression, table: Table, schema: Schema) -> Crossing:
        scope = Scope(schema, table, table.name)
        return cls(sql, table, schema, read_expression(sql, node, scope, condition=True))

    def __str__(self) -> str:
        return self.sql

    @property
    def crosses(self) -> bool:
        """Whether it reads other tables at all."""
        return self.expression.crosses

    @property
    def tables(self) -> tuple[str, ...]:
        """All tables that it reads, its own first."""
        return self.expression.tables

    def terms(self) -> tuple[Crossing, ...]:
        """Split the condition at its ANDs: a row fits if and only if it fits every term."""
        node = self.expression.written.unnest()
        parts = [part.unnest() for part in flatten(node)] if isinstance(node, exp.And) else [node]
        return tuple(self._of(write_sql(part), part.copy(), self.table, self.schema) for part in parts)

    def predicate(self) -> Predicate | None:
        """Return the condition over one row that this is; None where it reads other tables."""
        text = plain_text(self.expression)
        return None if text is None else Predicate.parse(text, self.table)

    def evaluate(self, frames: Frames | Rows) -> pl.Series:
        """Evaluate the condition for every row of its table.

        Parameters
        ----------
        frames : mapping or Rows
            Canonical values of the tables that it reads; `Rows` keeps what several conditions share.

        Returns
        -------
        Series
            Boolean; null where the condition is UNKNOWN.

        Raises
        ------
        DataError
            A table or column is missing.
        """
        return self.expression.evaluate(frames if isinstance(frames, Rows) else Rows(frames)).rename("where")


def read_formula(sql: str, table: str, schema: Schema) -> Expression:
    """Read a SQL expression that gives a value, and may read other tables.

    Raises
    ------
    PredicateError
        It can not be understood.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Reference
    >>> orders = Table("orders", (Column("id", "key", integer=True),), ("id",))
    >>> lines = Table("lines", (Column("order", "key", integer=True), Column("price", "number")), references=(
    ...     Reference(("order",), "orders"),))
    >>> total = read_formula("(select sum(price) from lines)", "orders", Schema((orders, lines)))
    >>> total.kind, total.tables
    ('number', ('orders', 'lines'))
    """
    subject = schema.table(table)
    scope = Scope(schema, subject, subject.name)
    return _told(
        f"table {table!r}, expression", sql,
        lambda: read_expression(sql, parse_sql(sql.strip(), subject), scope, condition=False),
    )  # fmt: skip


def plain_text(expression: Expression) -> str | None:
    """Write an expression as SQL over one row; None where it reads other tables.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("a", "number"),))
    >>> plain_text(read_formula("t.a + 1", "t", Schema((table,))))
    'a + 1'
    """
    # what was rewritten has no names that are qualified by an alias
    return None if expression.crosses else write_sql(expression.plain)


def _told(place: str, text: str, read: Callable[[], Made]) -> Made:
    try:
        return read()
    except PredicateError as error:
        raise PredicateError(f"{place} {quoted(shorten(text))}: {error}") from error.__cause__
    except RecursionError:
        raise PredicateError(
            f"{place} {quoted(shorten(text))}: nested too deeply. Take parentheses away."
        ) from None


def crosses(constraint: Constraint, table: Table) -> bool:
    """Tell whether a constraint needs more than the rows of its table one by one: other tables, or whole entities.

    Parameters
    ----------
    constraint : Constraint
        Any kind.
    table : Table
        Its table.

    Examples
    --------
    >>> table = Table("orders", ())
    >>> texts = ("a <= orders.b", "a <= customers.b", "a = (select count(*) from lines)")
    >>> [crosses(Check(sql), table) for sql in texts]
    [False, True, True]
    """
    return isinstance(constraint, Running) or reads_others(constraint, table)


def reads_others(constraint: Constraint, table: Table) -> bool:
    """Tell whether a constraint reads other tables.

    Examples
    --------
    >>> table = Table("moves", ())
    >>> rules = [Running("balance", "amount", "account", "day", start) for start in ("0", "accounts.opening")]
    >>> [reads_others(rule, table) for rule in rules]
    [False, True]
    """
    texts: tuple[str | None, ...] = ()
    match constraint:
        case Check() | Equality():
            texts = (constraint.sql,)
        case Implies():
            texts = (constraint.when, constraint.then)
        case Running():
            texts = (constraint.of, constraint.opening)
    return any(text is not None and _reads_others(text, table) for text in texts)


def _reads_others(sql: str, table: Table) -> bool:
    # most constraints show at a glance that they do not
    if "select" not in sql.lower() and "." not in sql:
        return False
    try:
        node = parse_sql(sql.strip(), table)
    except PredicateError:
        return False  # whoever parses it says what is wrong with it
    own = table.name.casefold()
    return node.find(exp.Query) is not None or any(
        column.table and column.table.casefold() != own for column in node.find_all(exp.Column)
    )


def require_crossing(constraint: Constraint, table: Table, schema: Schema) -> None:
    """Check a constraint that crosses tables against a schema.

    Raises
    ------
    PredicateError
        SQL in it can not be understood, or names what does not exist.
    SchemaError
        It gives values of another kind than its column has.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> table = Table("t", (Column("a", "number"), Column("b", "number"), Column("day", "date")))
    >>> require_crossing(Running("a", "2 * b", order="day"), table, Schema((table,)))
    """
    match constraint:
        case Check():
            Crossing.parse(constraint.sql, table.name, schema)
        case Implies():
            Crossing.parse(constraint.when, table.name, schema)
            Crossing.parse(constraint.then, table.name, schema)
        case Equality():
            formula = read_formula(constraint.sql, table.name, schema)
            if constraint.column in formula.columns:
                raise SchemaError(
                    f"table {table.name!r}, constraint {said(constraint)}: {constraint.column!r} stands on both sides. "
                    "Write it on the left only."
                )
            # comparing them tells whether their kinds agree
            Crossing.parse(f"{quote(constraint.column)} = ({constraint.sql})", table.name, schema)
        case Running():
            for sql in (constraint.of, *([] if constraint.opening is None else [constraint.opening])):
                kind, wanted = read_formula(sql, table.name, schema).kind, table[constraint.column].kind
                if kind != wanted and not (sql == "0" or kind == "null"):
                    raise SchemaError(
                        f"table {table.name!r}, constraint {said(constraint)}: {constraint.column!r} is a {wanted}, "
                        f"and {sql!r} gives a {kind}. Add up what is of one kind."
                    )


def say_apart(constraint: Constraint, table: str) -> str:
    """Say that one table does not keep a constraint.

    Examples
    --------
    >>> print(say_apart(Check("a < u.b"), "t"))
    table 't', constraint "a < u.b": it is over several tables or whole entities, which one table alone does not keep.
    """
    return (
        f"table {table!r}, constraint {said(constraint)}: it is over several tables or whole entities, which one table "
        "alone does not keep."
    )


def leave_out(schema: Schema) -> Schema:
    """Return a schema without the constraints that read tables which are not there, with a note for each.

    Examples
    --------
    >>> leave_out(Schema((Table("t", (), constraints=(Check("a < u.b"),)),))).table().constraints
    ()
    """
    tables, notes = [], []
    for table in schema.tables:
        kept = []
        for rule in table.constraints:
            try:
                if reads_others(rule, table):
                    require_crossing(rule, table, schema)
                kept.append(rule)
            except (PredicateError, SchemaError):
                notes.append(
                    f"table {table.name!r}, constraint {said(rule)}: left out, since it reads other tables."
                )
        tables.append(
            table if len(kept) == len(table.constraints) else replace(table, constraints=tuple(kept))
        )
    return replace(schema, tables=tuple(tables), notes=(*schema.notes, *notes)) if notes else schema


def set_apart(table: Table) -> tuple[Table, tuple[Constraint, ...]]:
    """Part a table from the constraints that cross tables, which it can not keep alone.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> rules = (Check("a > 0"), Check("a < other.b"))
    >>> table, apart = set_apart(Table("t", (Column("a", "number"),), constraints=rules))
    >>> [str(rule) for rule in table.constraints], [str(rule) for rule in apart]
    (['a > 0'], ['a < other.b'])
    """
    apart = tuple(rule for rule in table.constraints if crosses(rule, table))
    if not apart:
        return table, ()
    return replace(table, constraints=tuple(rule for rule in table.constraints if rule not in apart)), apart
