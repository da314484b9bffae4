"""A table as a database declares it, or is to declare it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulacra.databases.sqltypes import SqlType
from simulacra.schema.types import Reference


@dataclass(frozen=True, slots=True)
class Field:
    """A column as the database declares it: its name, its type in the system's words and as it is understood."""

    name: str
    text: str
    type: SqlType
    nullable: bool = True

    def renamed(self, text: str) -> Field:
        """Return it with its type in other words."""
        return replace(self, text=text)


@dataclass(frozen=True, slots=True)
class Described:
    """A table as the database declares it."""

    name: str
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    uniques: tuple[tuple[str, ...], ...] = ()
    checks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(field.name for field in self.fields)

    def select(self, names: Sequence[str]) -> Described:
        """Return the table with some of its columns."""
        return replace(self, fields=tuple(field for field in self.fields if field.name in names))

    def with_fields(self, fields: tuple[Field, ...]) -> Described:
        """Return the table with other columns."""
        return replace(self, fields=fields)
