"""The data contract: tables and schemas, of columns and constraints, all frozen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from simulacra.errors import SchemaError, unknown
from simulacra.schema._kinds import fit_constraint
from simulacra.schema.column import FIXED as FIXED
from simulacra.schema.column import IDENTIFYING as IDENTIFYING
from simulacra.schema.column import KINDS as KINDS
from simulacra.schema.column import Bound as Bound
from simulacra.schema.column import Column as Column
from simulacra.schema.column import Kind as Kind
from simulacra.schema.constraints import Check as Check
from simulacra.schema.constraints import Constraint as Constraint


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of one table and what holds among them.

    Parameters
    ----------
    name : str
        Its name.
    columns : tuple of Column
        In order; names are unique.
    key : tuple of str
        Columns that together identify a row.
    constraints : tuple of Constraint
        What holds in every row, or among the rows: `Check`, `Unique`, `Determines`, ...
    weight : str or None
        A number that says how many of the population a row stands for: models learn the population, not the sample.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    weight: str | None = None

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise SchemaError(f"table {self.name!r}: column {column.name!r} is listed twice. Rename one.")
            seen.add(column.name)
        for name in self.key:
            if name not in seen:
                raise SchemaError(f"table {self.name!r}: key {name!r} is not one of its columns.")
        self._check_weight()
        known = {column.name: column for column in self.columns}
        try:
            fitted = tuple(fit_constraint(constraint, known) for constraint in self.constraints)
        except SchemaError as error:
            raise SchemaError(f"table {self.name!r}, {error}") from error
        object.__setattr__(self, "constraints", fitted)

    def _check_weight(self) -> None:
        if self.weight is None:
            return
        column = next((c for c in self.columns if c.name == self.weight), None)
        if column is None:
            raise SchemaError(
                f"table {self.name!r}: weight {self.weight!r} is not one of its columns. Name one of them."
            )
        if column.kind != "number":
            raise SchemaError(
                f"table {self.name!r}: weight {self.weight!r} is a {column.kind}, not a number. "
                "Name another column, or correct its kind in the schema."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise unknown("column", name, self.names)

    def with_column(self, name: str, **changes: Any) -> Table:
        """Return the table with some facts of one column changed; see `Column` for their names.

        A column that is said to be identifying becomes a text.

        Raises
        ------
        UnknownName
            There is no such column, or no such fact.
        """
        old = self[name]
        known = {f.name for f in fields(Column)} - {"name"}
        for fact in changes:
            if fact not in known:
                raise unknown("property of a column", fact, sorted(known))
        if changes.get("identifying") is not None:
            changes.setdefault("kind", "text")
        if "kind" in changes and changes["kind"] != old.kind:
            old = Column(
                old.name, changes["kind"], nullable=old.nullable, unit=old.unit, sensitive=old.sensitive,
                protect=old.protect,
            )  # fmt: skip
        new = replace(old, **changes)
        return replace(self, columns=tuple(new if c.name == name else c for c in self.columns))


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a data set.

    Parameters
    ----------
    tables : tuple of Table
        Names are unique.
    reasons : dict
        Why each column was guessed as it was: ``{table: {column: sentence}}``. Not part of equality.
    notes : tuple of str
        What was left out when it was read from a format of others. Not part of equality.

    Examples
    --------
    >>> schema = Schema((Table("people", (Column("age", "number", integer=True),)),))
    >>> schema.with_column("age", bounds=(0, 120), declared=True).table()["age"].bounds
    (0, 120)
    """

    tables: tuple[Table, ...]
    reasons: dict[str, dict[str, str]] = field(default_factory=dict, compare=False, repr=False)
    notes: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def __post_init__(self) -> None:
        names = [table.name for table in self.tables]
        for name in names:
            if names.count(name) > 1:
                raise SchemaError(f"table {name!r} is listed twice. Rename one.")

    @property
    def names(self) -> tuple[str, ...]:
        """The tables' names."""
        return tuple(table.name for table in self.tables)

    def table(self, name: str | None = None) -> Table:
        """Return a table by name, or the only one.

        Raises
        ------
        UnknownName
            There is no such table.
        SchemaError
            No name was given and there is not exactly one table.
        """
        if name is None:
            if len(self.tables) != 1:
                raise SchemaError(
                    f"this schema has {len(self.tables)} tables: {', '.join(self.names)}. Name one."
                )
            return self.tables[0]
        for table in self.tables:
            if table.name == name:
                return table
        raise unknown("table", name, self.names)

    def with_table(self, table: Table) -> Schema:
        """Return the schema with one table put in the place of the one of its name."""
        self.table(table.name)
        return replace(self, tables=tuple(table if t.name == table.name else t for t in self.tables))

    def with_column(self, column: str, *, table: str | None = None, **changes: Any) -> Schema:
        """Return the schema with some facts of one column changed.

        Parameters
        ----------
        column : str
            The column's name.
        table : str or None
            Its table; may be left out when there is one table.
        **changes
            Fields of `Column`: ``kind``, ``bounds``, ``levels``, ``declared``, ...

        Examples
        --------
        >>> schema = Schema((Table("t", (Column("a", "number"),)),))
        >>> schema.with_column("a", unit="kg").table()["a"].unit
        'kg'
        """
        return self.with_table(self.table(table).with_column(column, **changes))

    def with_weight(self, column: str | None, *, table: str | None = None) -> Schema:
        """Return the schema with a column that says how many of the population each row stands for.

        Parameters
        ----------
        column : str or None
            A number; None takes the weight away.
        table : str or None
            Its table; may be left out when there is one table.

        Raises
        ------
        UnknownName
            There is no such column.
        SchemaError
            The column is not a number.

        Examples
        --------
        >>> schema = Schema((Table("people", (Column("age", "number"), Column("w", "number"))),))
        >>> schema.with_weight("w").table().weight
        'w'
        """
        old = self.table(table)
        if column is not None:
            old[column]
        return self.with_table(replace(old, weight=column))

    def with_constraint(self, *constraints: str | Constraint, table: str | None = None) -> Schema:
        """Return the schema with more that must hold.

        Parameters
        ----------
        *constraints : str or Constraint
            SQL predicates that every row keeps, and `Unique`, `Determines` and the other classes.
        table : str or None
            Their table; may be left out when there is one table.

        Raises
        ------
        PredicateError
            SQL can not be parsed, or names a column that does not exist.
        SchemaError
            A constraint names a column that does not exist, or that is of a kind that it has no meaning for.

        Examples
        --------
        >>> from simulacra.schema.constraints import Unique
        >>> schema = Schema((Table("t", (Column("a", "number"), Column("b", "number"))),))
        >>> [str(rule) for rule in schema.with_constraint("a <= b", Unique(("a", "b"))).table().constraints]
        ['a <= b', '"a", "b" together differ in every row']
        """
        from simulacra.schema.breaches import columns_of  # the parser is heavy, and types are imported first

        old = self.table(table)
        more = [Check(given) if isinstance(given, str) else given for given in constraints]
        kept = dict.fromkeys((*old.constraints, *more))
        new = replace(old, constraints=tuple(kept))
        for constraint in new.constraints[len(old.constraints) :]:
            columns_of(constraint, new)
        return self.with_table(new)

    def without_constraint(self, *constraints: str | Constraint, table: str | None = None) -> Schema:
        """Return the schema without some constraints, or without any when none is named.

        Parameters
        ----------
        *constraints : str or Constraint
            As they were given, or as ``str(constraint)`` says them.
        table : str or None
            Their table; may be left out when there is one table.

        Raises
        ------
        UnknownName
            There is no such constraint.
        """
        old = self.table(table)
        known = {str(constraint): constraint for constraint in old.constraints}
        for given in constraints:
            if str(given) not in known:
                raise unknown("constraint", str(given), known)
        gone = {str(given) for given in constraints or old.constraints}
        return self.with_table(
            replace(old, constraints=tuple(c for text, c in known.items() if text not in gone))
        )

    def select(self, names: Iterable[str]) -> Schema:
        """Return the schema of some of the tables."""
        chosen = tuple(self.table(name) for name in names)
        reasons = {t.name: self.reasons[t.name] for t in chosen if t.name in self.reasons}
        return Schema(chosen, reasons, self.notes)
