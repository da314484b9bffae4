"""What a contract of others says, before it is a schema: every fact may be missing, and nothing is checked yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from simulacra.schema.constraints import Constraint
from simulacra.schema.types import Kind, Role

Said = Kind | Literal["string"] | None
"""What a format says of a column: one of our kinds, ``"string"`` (a text, a category or a key, which data tell apart),
or nothing at all."""


@dataclass(slots=True)
class ColumnDraft:
    """A column as a contract describes it.

    Parameters
    ----------
    name : str
        Its name.
    kind : str or None
        See `Said`.
    nullable : bool
        Whether the contract allows a missing value.
    integer : bool or None
        Whether numbers are whole; None where it is not said.
    limits : list of (str, value)
        Comparisons that every value keeps: ``[(">=", 0), ("<", 100)]``.
    allowed : list or None
        The values that numbers are one of; the levels of a category stand in `levels`.
    lengths : (int or None, int or None)
        Fewest and most characters.
    decimals, step, timezone, levels, pattern, format, identifying, sensitive, unit, default
        As in `Column`.
    """

    name: str
    kind: Said = None
    nullable: bool = True
    integer: bool | None = None
    decimals: int | None = None
    step: float | None = None
    timezone: str | None = None
    levels: tuple[str, ...] | None = None
    limits: list[tuple[str, Any]] = field(default_factory=list)
    allowed: list[Any] | None = None
    lengths: tuple[int | None, int | None] = (None, None)
    pattern: str | None = None
    format: str | None = None
    identifying: str | None = None
    sensitive: bool = False
    unit: str | None = None
    default: str | None = None


@dataclass(slots=True)
class LinkDraft:
    """A reference as a contract names it: the other table may be missing, and its columns left to its key."""

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...] = ()
    name: str | None = None


@dataclass(slots=True)
class TableDraft:
    """A table as a contract describes it.

    Parameters
    ----------
    name : str
        Its name.
    columns : list of ColumnDraft
        In order.
    other : str or None
        Another name that data may have it under: that of a file.
    key : tuple of str
        The primary key.
    unique : list of tuples
        Other columns that together differ in every row.
    links : list of LinkDraft
        Foreign keys.
    rules : list of (str, function)
        Constraints and what to call each in a note; a function makes one, and may fail with a `SimulacraError`.
    order : str or None
        The column by which rows of an entity follow each other.
    role : str
        As in `Table`.
    partial : bool
        Whether a contract of this format may leave columns out, so that data may have more.
    """

    name: str
    columns: list[ColumnDraft] = field(default_factory=list)
    key: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = field(default_factory=list)
    links: list[LinkDraft] = field(default_factory=list)
    rules: list[tuple[str, Callable[[], Constraint]]] = field(default_factory=list)
    order: str | None = None
    role: Role = "entity"
    partial: bool = False
    other: str | None = None

    def column(self, name: str) -> ColumnDraft | None:
        """Return a column by its name, whose case counts only where two differ in nothing else."""
        return find_named(self.columns, name)

    def add_rule(self, called: str, make: Callable[[], Constraint]) -> None:
        """Add a constraint that is made, and checked, once all columns are known."""
        self.rules.append((called, make))


@dataclass(slots=True)
class Draft:
    """All tables of a contract, and what of it could not be carried.

    Parameters
    ----------
    source : str
        What to call the contract in messages: ``"the SQL"``.
    tables : list of TableDraft
        In order.
    notes : list of str
        What was left out, one sentence each.
    """

    source: str
    tables: list[TableDraft] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(self, name: str) -> TableDraft | None:
        """Return a table by its name, whose case counts only where two differ in nothing else."""
        return find_named(self.tables, name)

    def columns(self) -> Iterator[tuple[TableDraft, ColumnDraft]]:
        """Go through all columns of all tables."""
        for table in self.tables:
            for column in table.columns:
                yield table, column


def find_named(parts: Iterable[Any], name: str) -> Any:
    """Return the part of a name; where there is none, the only one that differs in case alone.

    Examples
    --------
    >>> find_named([TableDraft("Orders")], "ORDERS").name
    'Orders'
    """
    listed = list(parts)
    for part in listed:
        if part.name == name:
            return part
    near = [part for part in listed if part.name.casefold() == name.casefold()]
    return near[0] if len(near) == 1 else None


def quote(name: str) -> str:
    """Write a name for SQL.

    Examples
    --------
    >>> print(quote('the "old" one'))
    "the ""old"" one"
    """
    return '"' + name.replace('"', '""') + '"'


def constant(value: Any) -> str:
    """Write a constant for SQL; dates and the like as text.

    Examples
    --------
    >>> constant(3), constant("it's"), constant(True)
    ('3', "'it''s'", 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"
