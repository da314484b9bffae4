"""A table as a database declares it, or is to declare it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulacra.databases.sqltypes import COUNTED, SqlType
from simulacra.schema.types import Reference


@dataclass(frozen=True, slots=True)
class Field:
    """A column as the database declares it, or is to declare it.

    Parameters
    ----------
    name : str
        Its name.
    text, type : str, SqlType
        Its type in the system's words, and as it is understood.
    nullable : bool
        Whether a value may be missing.
    default : str or None
        What the database puts in by itself: as conditions are written here where it was read, in the system's words
        where it is to be written.
    counted : bool
        Whether the database counts it: identity, serial, AUTO_INCREMENT.

    Examples
    --------
    >>> Field("id", "integer", SqlType("integer"), counted=True).told
    'integer GENERATED AS IDENTITY'
    """

    name: str
    text: str
    type: SqlType
    nullable: bool = True
    default: str | None = None
    counted: bool = False

    @property
    def told(self) -> str:
        """The type in the system's words to be remembered, with a word on who counts it."""
        return self.text + COUNTED if self.counted else self.text

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
