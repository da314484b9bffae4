"""The data contract: tables and schemas, of columns and constraints, all frozen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from simulacra.errors import SchemaError, unknown
from simulacra.schema.column import FIXED as FIXED
from simulacra.schema.column import IDENTIFYING as IDENTIFYING
from simulacra.schema.column import KINDS as KINDS
from simulacra.schema.column import Bound as Bound
from simulacra.schema.column import Column as Column
from simulacra.schema.column import Kind as Kind
from simulacra.schema.constraints import Check as Check
from simulacra.schema.constraints import Constraint as Constraint
from simulacra.schema.reference import ROLES as ROLES
from simulacra.schema.reference import Reference as Reference
from simulacra.schema.reference import Role as Role
from simulacra.schema.table import Table as Table


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
        object.__setattr__(self, "tables", tuple(self._resolve(table) for table in self.tables))

    def _resolve(self, table: Table) -> Table:
        """Check where the references of a table lead, and name the columns of those that lead to a key."""
        known = {other.name: other for other in self.tables}
        resolved = []
        for reference in table.references:
            where = f"table {table.name!r}, reference from {', '.join(reference.columns)}"
            other = known.get(reference.table)
            if other is None:
                raise SchemaError(f"{where}: {unknown('table', reference.table, list(known))}")
            to = reference.to or other.key
            if len(to) != len(reference.columns):
                raise SchemaError(
                    f"{where}: table {other.name!r} has a key of {len(to)} columns, and {len(reference.columns)} refer "
                    "to it. Name the columns that it leads to."
                )
            for name in to:
                if name not in other.names:
                    raise SchemaError(f"{where}: {name!r} is not a column of table {other.name!r}.")
            resolved.append(replace(reference, to=to))
        return replace(table, references=tuple(resolved)) if resolved else table

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

    def with_key(self, *columns: str, table: str | None = None) -> Schema:
        """Return the schema with other columns that together identify a row of a table; none takes the key away."""
        return self.with_table(replace(self.table(table), key=columns))

    def with_role(self, table: str, role: Role) -> Schema:
        """Return the schema with another role of a table; see `Table`.

        Examples
        --------
        >>> Schema((Table("airports", (Column("faa", "key"),)),)).with_role("airports", "reference").table().role
        'reference'
        """
        return self.with_table(replace(self.table(table), role=role))

    def with_order(self, column: str | None, *, table: str | None = None) -> Schema:
        """Return the schema with the column by which the rows of an entity follow each other; None takes it away."""
        return self.with_table(replace(self.table(table), order=column))

    def with_reference(
        self,
        table: str,
        columns: str | Iterable[str],
        other: str,
        to: str | Iterable[str] = (),
        *,
        name: str | None = None,
    ) -> Schema:
        """Return the schema with one more reference, in the place of an older one from the same columns to `other`.

        Parameters
        ----------
        table : str
            The table that refers.
        columns : str or iterable of str
            Its columns.
        other : str
            The table referred to.
        to : str or iterable of str
            Its columns; its key when left out.
        name : str or None
            The role that the other row plays.

        Examples
        --------
        >>> people = Table("people", (Column("id", "key", integer=True), Column("boss", "key", integer=True)), ("id",))
        >>> print(Schema((people,)).with_reference("people", "boss", "people").table().references[0])
        boss -> people(id)
        """
        new = Reference(
            (columns,) if isinstance(columns, str) else tuple(columns), other,
            (to,) if isinstance(to, str) else tuple(to), name,
        )  # fmt: skip
        old = self.table(table)
        kept = tuple(r for r in old.references if (r.columns, r.table) != (new.columns, other))
        return self.with_table(replace(old, references=(*kept, new)))

    def without_reference(self, table: str, *columns: str) -> Schema:
        """Return the schema without the references of a table from these columns, or without all of them."""
        old = self.table(table)
        kept = tuple(r for r in old.references if columns and r.columns != columns)
        return self.with_table(replace(old, references=kept))

    def with_constraint(self, *constraints: str | Constraint, table: str | None = None) -> Schema:
        """Return the schema with more that must hold.

        Parameters
        ----------
        *constraints : str or Constraint
            SQL predicates that every row keeps, and `Unique`, `Determines` and the other classes. SQL may read rows of
            other tables, see `Crossing`.
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
        from simulacra.schema.crossing import crosses, require_crossing

        old = self.table(table)
        more = [Check(given) if isinstance(given, str) else given for given in constraints]
        kept = dict.fromkeys((*old.constraints, *more))
        new = replace(old, constraints=tuple(kept))
        for constraint in new.constraints[len(old.constraints) :]:
            if crosses(constraint, new):
                require_crossing(constraint, new, self)
            else:
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
        """Return the schema of some of the tables; references to others are left out, and what reads them."""
        from simulacra.schema.crossing import leave_out  # the parser is heavy, and types are imported first

        wanted = tuple(names)
        chosen = tuple(self.table(name).leading_to(wanted) for name in wanted)
        reasons = {t.name: self.reasons[t.name] for t in chosen if t.name in self.reasons}
        new = Schema(chosen, reasons, self.notes)
        return leave_out(new) if any(table.constraints for table in chosen) else new
