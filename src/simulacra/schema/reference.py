"""References between tables: which columns name a row of which other table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from simulacra.errors import SchemaError

Role = Literal["reference", "entity", "child", "link", "event"]
ROLES: tuple[str, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: columns whose values name one row of a table, which may be the same table.

    Parameters
    ----------
    columns : tuple of str
        Columns that refer, in the table that has the reference.
    table : str
        The table referred to.
    to : tuple of str
        Its columns, one for each of `columns`; its key when empty.
    name : str or None
        The role that the other row plays, where several references lead to one table: ``"billing"``, ``"manager"``.

    Notes
    -----
    A row in which one of `columns` is missing refers to nothing. A row that names a row that is not there is an
    orphan: a property of the data, which is reported and kept, not an error.

    Examples
    --------
    >>> str(Reference(("origin", "time_hour"), "weather", ("origin", "time_hour")))
    'origin, time_hour -> weather(origin, time_hour)'
    """

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...] = ()
    name: str | None = None

    def __post_init__(self) -> None:
        for field in ("columns", "to"):
            value = getattr(self, field)
            object.__setattr__(self, field, (value,) if isinstance(value, str) else tuple(value))
        if not self.columns:
            raise SchemaError(
                f"a reference to table {self.table!r} names no column. Name the columns that refer."
            )
        if len(set(self.columns)) != len(self.columns):
            raise SchemaError(f"a reference to table {self.table!r} names a column twice. Name each once.")
        if self.to and len(self.to) != len(self.columns):
            raise SchemaError(
                f"a reference to table {self.table!r} has {len(self.columns)} columns, and leads to {len(self.to)}. "
                "Give one for each."
            )

    def __str__(self) -> str:
        role = f" as {self.name}" if self.name else ""
        return f"{', '.join(self.columns)} -> {self.table}({', '.join(self.to)}){role}"
