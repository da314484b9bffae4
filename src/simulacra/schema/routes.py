"""Ways between tables: from a table up to another one that it refers to, at once or over tables between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from simulacra.errors import SchemaError, unknown
from simulacra.schema.reference import Reference
from simulacra.schema.types import Schema

Frames = Mapping[str, pl.DataFrame]
"""Canonical values of each table, by name."""


@dataclass(frozen=True, slots=True)
class Route:
    """A chain of references, from a table up to one that it belongs to.

    Parameters
    ----------
    tables : tuple of str
        The tables on the way, the referring one first.
    references : tuple of Reference
        What leads from each of them to the next: one fewer.

    Examples
    --------
    >>> str(Route(("lines", "orders"), (Reference(("order",), "orders", ("id",)),)))
    'lines: order -> orders(id)'
    """

    tables: tuple[str, ...]
    references: tuple[Reference, ...]

    @property
    def start(self) -> str:
        """The table that refers."""
        return self.tables[0]

    @property
    def end(self) -> str:
        """The table that is referred to."""
        return self.tables[-1]

    def joined(self, other: Route) -> Route:
        """Return this way, and then another one from where it ends."""
        return Route((*self.tables, *other.tables[1:]), (*self.references, *other.references))

    def __str__(self) -> str:
        return f"{self.start}: " + ", then ".join(map(str, self.references))


def role_of(reference: Reference) -> tuple[str, ...]:
    """List the names that one reference may be called by: its own, and its column where that is a single one.

    Examples
    --------
    >>> role_of(Reference(("billing_id",), "customers", name="billing"))
    ('billing', 'billing_id')
    """
    column = reference.columns if len(reference.columns) == 1 else ()
    return tuple(dict.fromkeys((*((reference.name,) if reference.name else ()), *column)))


def find_route(schema: Schema, start: str, end: str, role: str | None = None) -> Route:
    """Find the way from a table up to another one.

    Parameters
    ----------
    schema : Schema
        Tables with references.
    start, end : str
        The table that refers, and the one referred to; they may be the same one.
    role : str or None
        A reference that the way takes, by its name or its only column; needed where there are several ways.

    Returns
    -------
    Route
        The shortest one.

    Raises
    ------
    SchemaError
        There is none, or there are several of the same length.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> people = Table("people", (Column("id", "key"),), ("id",))
    >>> pets = Table("pets", (Column("owner", "key"),), references=(Reference(("owner",), "people"),))
    >>> print(find_route(Schema((people, pets)), "pets", "people"))
    pets: owner -> people(id)
    """
    reached = [Route((start,), ())]
    for _ in schema.tables:
        reached = [longer for route in reached for longer in _steps(schema, route, end)]
        found = [route for route in reached if route.end == end and _takes(route, role)]
        if len(found) > 1:
            raise SchemaError(_say_several(found, start, end))
        if found:
            return found[0]
        reached = [route for route in reached if route.end != end]
    called = f" called {role!r}" if role is not None else ""
    raise SchemaError(
        f"no reference{called} leads from table {start!r} to {end!r}. Name another table, or add the reference with "
        "schema.with_reference(...)."
    )


def find_role(schema: Schema, start: str, role: str) -> Route:
    """Find the way from a table up to the row that plays a role, over references of that name or column.

    Raises
    ------
    SchemaError
        There is none, or there are several.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> people = Table("people", (Column("id", "key"),), ("id",))
    >>> pets = Table("pets", (Column("owner", "key"),), references=(Reference(("owner",), "people"),))
    >>> find_role(Schema((people, pets)), "pets", "owner").end
    'people'
    """
    ends = {
        reference.table
        for table in schema.tables
        for reference in table.references
        if role.casefold() in {name.casefold() for name in role_of(reference)}
    }
    if len(ends) != 1:
        known = [*schema.names, *(r.name for table in schema.tables for r in table.references if r.name)]
        raise SchemaError(
            str(unknown("table or reference", role, known))
            if not ends
            else (f"references to {' and '.join(map(repr, sorted(ends)))} are called so. Name the table.")
        )
    return find_route(schema, start, ends.pop(), role)


def _steps(schema: Schema, route: Route, end: str) -> Iterator[Route]:
    for reference in schema.table(route.end).references:
        if reference.table not in route.tables or reference.table == end:
            yield route.joined(Route((route.end, reference.table), (reference,)))


def _takes(route: Route, role: str | None) -> bool:
    if role is None:
        return True
    names = {name.casefold() for reference in route.references for name in role_of(reference)}
    return role.casefold() in names


def _say_several(found: list[Route], start: str, end: str) -> str:
    told = "; ".join(str(route) for route in found[:3])
    said = f"there are several ways from table {start!r} to {end!r} ({told})."
    roles = [[name for reference in route.references for name in role_of(reference)] for route in found]
    others = {name for names in roles[1:] for name in names}
    name = next((name for name in roles[0] if name not in others), None)
    if name is None:
        return f"{said} Give the references names in the schema."
    return f"{said} Name the reference: from {start}.{name} in a subquery, {name}.column for a column of {end!r}."


class Rows:
    """Frames of several tables, with the row that each row belongs to by a route, found once and kept.

    Parameters
    ----------
    frames : mapping
        Canonical values by table.
    """

    def __init__(self, frames: Frames) -> None:
        self.frames = frames
        self._up: dict[tuple[tuple[str, ...], tuple[Reference, ...]], pl.Series] = {}

    def up(self, route: Route) -> pl.Series:
        """Return the row of the last table that each row of the first belongs to; null where there is none.

        Of several rows with one key the first counts. **Cost**: linear in rows.
        """
        known = self._up.get((route.tables, route.references))
        if known is not None:
            return known
        if len(route.references) > 1:
            first = self.up(Route(route.tables[:-1], route.references[:-1]))
            last = self.up(Route(route.tables[-2:], route.references[-1:]))
            found = last.gather(first)
        else:
            found = _point(self.frames[route.start], self.frames[route.end], route.references[0])
        self._up[route.tables, route.references] = found
        return found


def _point(child: pl.DataFrame, parent: pl.DataFrame, reference: Reference) -> pl.Series:
    names = [f"k{place}" for place in range(len(reference.columns))]
    known = parent.select(pl.col(to).alias(name) for to, name in zip(reference.to, names, strict=True))
    known = known.with_row_index("row").unique(names, keep="first", maintain_order=True)
    ours = child.select(
        child[column].cast(known[name].dtype, strict=False).alias(name)
        for column, name in zip(reference.columns, names, strict=True)
    )
    return ours.join(known, on=names, how="left", maintain_order="left")["row"]
