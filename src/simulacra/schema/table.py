"""One table of a data contract: its columns, its key, where it refers to, and what holds in its rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import Any

from simulacra.errors import SchemaError, unknown
from simulacra.schema._kinds import fit_constraint
from simulacra.schema.column import Column
from simulacra.schema.constraints import Constraint
from simulacra.schema.reference import ROLES, Reference, Role


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
    references : tuple of Reference
        Foreign keys: which columns name rows of which tables.
    role : str
        ``reference`` (public knowledge such as districts or airports: kept as it is), ``entity``, ``child`` (rows
        that belong to a row of another table), ``link`` (pairs of rows of other tables) or ``event`` (what happens
        to an entity, in order).
    order : str or None
        A number, date or datetime by which the rows of one entity follow each other.
    rows : int or None
        How many rows are made of it by rules, where nothing else says so.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    weight: str | None = None
    references: tuple[Reference, ...] = ()
    role: Role = "entity"
    order: str | None = None
    rows: int | None = None

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
        self._check_links(seen)
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

    def _check_links(self, names: set[str]) -> None:
        """Check role, order and the own side of the references."""
        if self.role not in ROLES:
            raise SchemaError(f"table {self.name!r}: {unknown('role', str(self.role), ROLES)}")
        if self.order is not None:
            if self.order not in names:
                raise SchemaError(f"table {self.name!r}: order {self.order!r} is not one of its columns.")
            if self[self.order].kind not in {"number", "date", "datetime", "time", "duration", "key"}:
                raise SchemaError(
                    f"table {self.name!r}: order {self.order!r} is a {self[self.order].kind}, which has no order. "
                    "Name a number or a time."
                )
        for reference in self.references:
            for name in reference.columns:
                if name not in names:
                    raise SchemaError(
                        f"table {self.name!r}, reference to {reference.table!r}: {name!r} is not one of its columns."
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

    def renamed(self, name: str) -> Table:
        """Return the table under another name; references to itself follow.

        Examples
        --------
        >>> ids = (Column("id", "key", integer=True), Column("boss", "key", integer=True))
        >>> staff = Table("staff", ids, ("id",), references=(Reference("boss", "staff", "id"),))
        >>> staff.renamed("people").references[0].table
        'people'
        """
        own = tuple(
            replace(reference, table=name) if reference.table == self.name else reference
            for reference in self.references
        )
        return replace(self, name=name, references=own)

    def leading_to(self, tables: Collection[str]) -> Table:
        """Return the table with its references to some tables only.

        A column that referred to another one names no key any more, so it is a plain number, category or text.

        Examples
        --------
        >>> customer = Column("customer", "key", integer=True)
        >>> order = Table("orders", (customer,), references=(Reference("customer", "c"),))
        >>> order.leading_to([])["customer"].kind
        'number'
        """
        kept = tuple(reference for reference in self.references if reference.table in tables)
        lost = {name for reference in self.references for name in reference.columns}
        lost -= {name for reference in kept for name in reference.columns}
        new = replace(self, references=kept)
        for name in lost:
            column = self[name]
            if column.kind != "key" or self.key == (name,):
                continue
            # kinds whose canonical values are those of the key
            kind = "number" if column.integer else "text" if column.identifying else "category"
            facts = {"integer": column.integer, "identifying": column.identifying, "locale": column.locale}
            new = new.with_column(name, kind=kind, **{fact: value for fact, value in facts.items() if value})
        return new

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
                protect=old.protect, required=old.required, default=old.default,
            )  # fmt: skip
        new = replace(old, **changes)
        return replace(self, columns=tuple(new if c.name == name else c for c in self.columns))
