"""In what order and by what ways the rows and references of several tables are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import polars as pl

from simulacra.schema.reference import Reference
from simulacra.schema.types import Schema, Table

Way = Literal["driving", "joined", "coded", "matched", "value"]
WAYS: tuple[str, ...] = get_args(Way)

MANY = 60
"""Rows of a parent, on average, from which it no longer draws them one after the other unless the schema says so."""
FEW = 1_000
"""Rows of a parent up to which each of them can be a level of its children's model."""
HOLDERS = 20
"""Children, on average, from which each row of a small parent is such a level."""

SHORT = 50
"""Rows of a parent below which it may be a list of kinds, some of which nothing refers to."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What data say of a reference.

    Parameters
    ----------
    rows, parents : int
        Rows of the two tables.
    nulls, orphans : int
        Rows that refer to nothing, and to a row that is not there.
    single : bool
        Whether every parent has exactly one row.
    used : int
        Parents that have rows.
    """

    rows: int
    parents: int
    nulls: int
    orphans: int
    single: bool
    used: int

    @property
    def mean(self) -> float:
        """Rows per parent on average."""
        return (self.rows - self.nulls - self.orphans) / max(self.parents, 1)

    @property
    def mean_used(self) -> float:
        """Rows per parent that has any."""
        return (self.rows - self.nulls - self.orphans) / max(self.used, 1)

    @property
    def total(self) -> bool:
        """Whether every row refers to a row that is there."""
        return not self.nulls and not self.orphans


@dataclass(frozen=True, slots=True)
class Link:
    """A reference, and the way in which it is made.

    Parameters
    ----------
    table : str
        The table that refers.
    reference : Reference
        Its reference.
    way : str
        ``driving``: the parent draws these rows, one after the other. ``joined``: the parent's row is drawn together
        with the only row that refers to it. ``coded``: each row of the parent is a level. ``matched``: a parent of the
        kind that the row asks for, chosen after drawing. ``value``: the columns are ordinary values.
    """

    table: str
    reference: Reference
    way: Way

    @property
    def name(self) -> str:
        """A name that no other link of the schema has."""
        return f"{self.table}.{'+'.join(self.reference.columns)}>{self.reference.table}"

    def dump(self) -> dict[str, Any]:
        """Return the link as JSON."""
        r = self.reference
        return {"table": self.table, "columns": list(r.columns), "parent": r.table, "to": list(r.to), "name": r.name,
                "way": self.way}  # fmt: skip

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Link:
        """Make the link from what `dump` gave."""
        reference = Reference(tuple(state["columns"]), state["parent"], tuple(state["to"]), state["name"])
        return cls(state["table"], reference, state["way"])


@dataclass(frozen=True, slots=True)
class Plan:
    """How a database is made.

    Parameters
    ----------
    kept : tuple of str
        Tables that are given out as they are.
    units : tuple of str
        Tables whose rows are drawn, every one after the one that drives it.
    links : tuple of Link
        All references of tables that are not kept.
    """

    kept: tuple[str, ...]
    units: tuple[str, ...]
    links: tuple[Link, ...]

    def of(self, table: str, *ways: str) -> tuple[Link, ...]:
        """Return the links of a table that are made in one of these ways."""
        return tuple(link for link in self.links if link.table == table and link.way in ways)

    def to(self, table: str, *ways: str) -> tuple[Link, ...]:
        """Return the links that lead to a table, made in one of these ways."""
        return tuple(link for link in self.links if link.reference.table == table and link.way in ways)

    def driving(self, table: str) -> Link | None:
        """Return the link to the parent that draws a table's rows, if there is one."""
        return next(iter(self.of(table, "driving")), None)

    def members(self, unit: str) -> tuple[str, ...]:
        """Return the tables whose rows are drawn together with those of a unit, itself first."""
        return (unit, *(link.reference.table for link in self.of(unit, "joined")))

    def home(self, table: str) -> str:
        """Return the unit that a table's rows are drawn with."""
        joined = self.to(table, "joined")
        return joined[0].table if joined else table


def find_facts(table: str, reference: Reference, frames: Mapping[str, pl.DataFrame]) -> Facts:
    """Count what data say of a reference.

    Notes
    -----
    **Cost**: one join on the reference's columns.
    """
    child, parent = frames[table], frames[reference.table]
    keys = parent_keys(parent, reference)
    rows = child_keys(child, reference).drop_nulls()
    counted = rows.group_by(pl.all()).len(name="rows")
    found = counted.join(keys, on=keys.columns, how="semi")
    held = int(found["rows"].sum())
    single = len(found) == len(parent) and len(parent) > 0 and found["rows"].max() == 1
    return Facts(len(child), len(parent), len(child) - len(rows), len(rows) - held, single, len(found))


def child_keys(frame: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    """Return the values of the columns that refer, as text where types may differ, under neutral names."""
    return frame.select(
        pl.col(name).cast(pl.String).alias(f"k{place}") for place, name in enumerate(reference.columns)
    )


def parent_keys(frame: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    """Return the values that are referred to, once each, under the same names."""
    return (
        frame.select(
            pl.col(name).cast(pl.String).alias(f"k{place}") for place, name in enumerate(reference.to)
        )
        .drop_nulls()
        .unique(maintain_order=True)
    )


def locate(child: pl.DataFrame, parent: pl.DataFrame, reference: Reference) -> pl.Series:
    """Return the position of each row's parent: null where it refers to nothing, -1 for an orphan."""
    keys = parent.select(
        pl.col(name).cast(pl.String).alias(f"k{place}") for place, name in enumerate(reference.to)
    ).with_row_index("row")
    keys = keys.drop_nulls().unique(keys.columns[1:], keep="first", maintain_order=True)
    rows = child_keys(child, reference)
    found = rows.join(keys, on=rows.columns, how="left", maintain_order="left")["row"].cast(pl.Int64)
    missing = rows.select(pl.any_horizontal(pl.all().is_null())).to_series()
    return pl.select(pl.when(missing).then(None).otherwise(found.fill_null(-1))).to_series().alias("row")


def make_plan(schema: Schema, frames: Mapping[str, pl.DataFrame]) -> Plan:
    """Decide how each table and each reference is made.

    Parameters
    ----------
    schema : Schema
        Tables with keys, references and roles.
    frames : mapping of str to DataFrame
        The data.

    Returns
    -------
    Plan
        Without cycles: a reference that would close one is matched after drawing.

    Examples
    --------
    >>> from simulacra.schema.types import Column
    >>> ids = Column("id", "key", integer=True)
    >>> schema = Schema((
    ...     Table("shops", (ids,), ("id",)),
    ...     Table("sales", (ids, Column("shop", "key", integer=True)), ("id",)),
    ... )).with_reference("sales", "shop", "shops")
    >>> frames = {"shops": pl.DataFrame({"id": [1, 2]}), "sales": pl.DataFrame({"id": [1, 2, 3], "shop": [1, 1, 2]})}
    >>> plan = make_plan(schema, frames)
    >>> plan.units, plan.driving("sales").reference.table
    (('shops', 'sales'), 'shops')
    """
    kept = tuple(table.name for table in schema.tables if table.role == "reference")
    tables = [table for table in schema.tables if table.name not in kept]
    facts = {
        (table.name, reference): find_facts(table.name, reference, frames)
        for table in tables
        for reference in table.references
    }
    drivers: dict[str, Reference] = {}
    for table in sorted(tables, key=lambda table: -len(frames[table.name])):
        for reference in _candidates(table, kept, facts):
            if not _leads_to(reference.table, table.name, drivers):
                drivers[table.name] = reference
                break
    joined = _find_joined(tables, kept, drivers, facts)
    links = []
    for table in tables:
        for reference in table.references:
            way: Way
            if drivers.get(table.name) == reference:
                way = "driving"
            elif joined.get(reference.table) == (table.name, reference):
                way = "joined"
            else:
                way = _secondary(table, reference, schema, kept, facts[table.name, reference])
            links.append(Link(table.name, reference, way))
    return Plan(kept, _sort([t.name for t in tables if t.name not in joined], links), tuple(links))


def _candidates(
    table: Table, kept: Sequence[str], facts: Mapping[tuple[str, Reference], Facts]
) -> list[Reference]:
    """Return the references whose parents may draw this table's rows, the best one first."""
    ranked = []
    for reference in table.references:
        own = facts[table.name, reference]
        inherits = set(reference.columns) < set(table.key)
        if reference.table == table.name or not own.parents or (_is_value(table, reference) and not inherits):
            continue
        # who exists without a parent is chosen one afterwards, unless the schema says that it belongs to it
        if own.nulls + own.orphans > (0 if table.role == "entity" else own.rows / 2):
            continue
        histories = inherits and _follows(table, reference)
        told = table.order is not None and table.role == "event"
        if reference.table in kept:
            if histories or (told and not _others(table, kept)):
                ranked.append((2, 0.0, 0, reference))
        elif inherits or told or (own.mean <= MANY and not _is_lookup(own)):
            # a parent with exactly one row is better drawn together with it, if another parent draws that row
            rank = 3 if own.single and own.total else 0 if histories else 1
            missing = round((own.nulls + own.orphans) / max(own.rows, 1), 1)
            ranked.append((rank, missing, -own.parents, reference))
    return [reference for *_, reference in sorted(ranked, key=lambda item: item[:3])]


def _others(table: Table, kept: Sequence[str]) -> list[Reference]:
    return [r for r in table.references if r.table not in kept and r.table != table.name]


def _follows(table: Table, reference: Reference) -> bool:
    """Tell whether the rest of the key is one column that can be an order."""
    rest = [name for name in table.key if name not in reference.columns]
    taken = {name for other in table.references for name in other.columns if other != reference}
    return len(rest) == 1 and (
        table[rest[0]].kind in {"date", "datetime"}
        or (table[rest[0]].kind in {"number", "key"} and table[rest[0]].integer and rest[0] not in taken)
    )


def _leads_to(start: str, goal: str, drivers: Mapping[str, Reference]) -> bool:
    seen = {start}
    while start != goal:
        if start not in drivers:
            return False
        start = drivers[start].table
        if start in seen:
            return start == goal
        seen.add(start)
    return True


def _find_joined(
    tables: Sequence[Table],
    kept: Sequence[str],
    drivers: Mapping[str, Reference],
    facts: Mapping[tuple[str, Reference], Facts],
) -> dict[str, tuple[str, Reference]]:
    """Find parents without a driver that have exactly one row each in a table that another parent drives."""
    joined: dict[str, tuple[str, Reference]] = {}
    for table in tables:
        for reference in table.references:
            free = (
                reference.table not in kept
                and reference.table not in drivers
                and reference.table not in joined
            )
            own = facts[table.name, reference]
            if (
                free
                and table.name in drivers
                and drivers[table.name].table != reference.table
                and own.single
                and own.total
            ):
                joined[reference.table] = (table.name, reference)
    # the table that a parent is joined to must not itself be drawn, far up, by that parent's children
    return {
        parent: (table, reference)
        for parent, (table, reference) in joined.items()
        if not _leads_to(table, parent, drivers)
    }


def _is_lookup(facts: Facts) -> bool:
    """Tell whether a parent is so small, and has so many rows each, that its rows are levels.

    Of a list as short as one of categories, those that nothing refers to do not make it less of one.
    """
    if facts.parents < SHORT:
        return facts.mean_used >= HOLDERS
    return facts.parents <= FEW and facts.mean >= HOLDERS


def _is_value(table: Table, reference: Reference) -> bool:
    """Tell whether the columns of a reference mean something by themselves: a day, or a part of another reference."""
    shared = {name for other in table.references if other != reference for name in other.columns}
    plain = any(table[name].kind not in {"key", "category", "text", "number"} for name in reference.columns)
    return plain or (len(reference.columns) > 1 and bool(shared & set(reference.columns)))


def _secondary(table: Table, reference: Reference, schema: Schema, kept: Sequence[str], facts: Facts) -> Way:
    """Choose the way of a reference that does not draw rows."""
    if _is_value(table, reference):
        return "value"
    if reference.table in kept:
        return "value" if len(reference.columns) == 1 else "coded"
    if reference.table != table.name and _is_lookup(facts):
        return "coded"
    return "matched"


def _sort(names: Sequence[str], links: Sequence[Link]) -> tuple[str, ...]:
    """Order units so that each stands behind the one that drives it."""
    homes = {link.reference.table: link.table for link in links if link.way == "joined"}
    above = {
        link.table: homes.get(link.reference.table, link.reference.table)
        for link in links
        if link.way == "driving"
    }
    done: list[str] = []
    while len(done) < len(names):
        for name in names:
            if name not in done and (name not in above or above[name] in done or above[name] not in names):
                done.append(name)
    return tuple(done)
