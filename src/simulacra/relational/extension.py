"""Tables as their models see them: no keys and references, and what links them to others in columns of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.randomness import Streams
from simulacra.relational.anchors import Anchor, Ends, find_anchors, place_anchor
from simulacra.relational.histories.chains import find_chains, forget
from simulacra.relational.histories.clocks import Clock, find_date, find_order
from simulacra.relational.naming import (
    asked,
    counted,
    first_of,
    level_of,
    member_column,
    offered,
    span_of,
    wanted,
)
from simulacra.relational.plan import Link, Plan, locate
from simulacra.relational.references.composite import serial_key, structural_key
from simulacra.relational.references.groups import Grouping, group_parents
from simulacra.relational.references.levels import find_levels, write_levels
from simulacra.relational.references.profiles import find_profile
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.relational.spots import Spots
from simulacra.relations import find_parts
from simulacra.schema.breaches import columns_of
from simulacra.schema.constraints import Constraint
from simulacra.schema.crossing import set_apart
from simulacra.schema.types import Column, Schema, Table


@dataclass
class Extended:
    """One unit on its way to its models.

    Parameters
    ----------
    table : Table
        The columns that are modelled, constraints that they alone can keep, and no key.
    frame : DataFrame
        Their values; rows of one entity stand behind each other, in their order.
    rows : array of int
        Position of each row in the data.
    entity : array of int or None
        Position of the row of the parent that each row belongs to, ascending; from `parents` on rows whose parent is
        not there. None where no parent drives.
    parents : int
        Rows of the parent.
    nulls, orphans : int
        Entities that are not there: of rows that refer to nothing, one each; then of orphans.
    clock : Clock or None
        How rows follow each other in time.
    now : array or None
        Positions of the rows on the clock.
    anchors : (Anchor or None, Anchor or None)
        What the start and the end of each history are told by.
    """

    table: Table
    frame: pl.DataFrame
    rows: Array
    entity: Array | None = None
    parents: int = 0
    nulls: int = 0
    orphans: int = 0
    clock: Clock | None = None
    now: Array | None = None
    anchors: tuple[Anchor | None, Anchor | None] = (None, None)

    @property
    def counts(self) -> Array:
        """Rows of each entity."""
        assert self.entity is not None
        return np.bincount(self.entity, minlength=self.parents + self.nulls + self.orphans)

    @property
    def begins(self) -> Array:
        """Where the rows of each entity start."""
        return np.cumsum(self.counts) - self.counts

    def ends(self) -> tuple[Array, Array]:
        """Return where each entity's history starts, and how long it is: NaN without rows, and with one row."""
        assert self.now is not None
        counts, begins = self.counts, self.begins
        first = np.full(len(counts), np.nan)
        span = np.full(len(counts), np.nan)
        first[counts > 0] = self.now[begins[counts > 0]]
        many = counts > 1
        span[many] = self.now[begins[many] + counts[many] - 1] - first[many]
        return first, span


def find_clock(
    table: Table, link: Link, frame: pl.DataFrame, entity: Array, valued: Collection[str] = ()
) -> Clock | None:
    """Return how the rows of a table follow each other: as the schema or its key says, as they lie, or by date.

    Columns of references may be the order too if they are `valued`, drawn as what they are.
    """
    name = table.order
    taken = {column for reference in table.references for column in reference.columns}
    taken -= set(valued) - set(link.reference.columns)
    if name is None and set(link.reference.columns) < set(table.key):
        rest = [column for column in table.key if column not in link.reference.columns]
        if len(rest) == 1 and rest[0] not in taken:
            column = table[rest[0]]
            name = column.name if column.kind in {"date", "datetime"} or column.integer else None
    if name is None:
        name = find_order(frame, table, {*taken, *(table.key if len(table.key) == 1 else ())}, entity)
    if name is None:
        name = find_date(frame, table, taken)
    if name is None:
        return None
    # what references and keys hold is filled in by them
    filled = {*taken, *table.key} - {name}
    own = Table(table.name, tuple(column for column in table.columns if column.name not in filled))
    parts = find_parts(frame, own, name)
    read = {name, *(part.column for part in parts)}
    followers = tuple(c for c in own.columns if c.kind in {"date", "datetime"} and c.name not in read)
    timed = table[name].kind in {"date", "datetime"}
    return replace(Clock.of(frame[name], table[name]), parts=parts, followers=followers if timed else ())


def extend(
    plan: Plan, schema: Schema, frames: Mapping[str, pl.DataFrame], streams: Streams
) -> dict[str, Extended]:
    """Turn tables into what their models learn.

    Parameters
    ----------
    plan : Plan
        The ways of all references.
    schema : Schema
        The tables.
    frames : mapping of str to DataFrame
        Canonical values.
    streams : Streams
        For the kinds of parents.

    Returns
    -------
    dict
        By unit, in the plan's order.

    Notes
    -----
    **Cost**: a join and a sort for each reference.
    """
    done: dict[str, Extended] = {}
    spots = Spots(plan, frames)
    for unit in plan.units:
        done[unit] = _arrange(unit, plan, schema, frames, spots)
        spots.rows[unit] = done[unit].rows
    # what a rule gives in all rows is computed when all is drawn; what has gaps of its own is learnt, though
    given = EntityRules.of(schema).find_complete(frames)
    for unit in plan.units:
        clock = done[unit].clock
        if clock is not None:
            clock = clock.without({name for table, name in given if table == unit})
            entity = done[unit].entity
            assert entity is not None
            done[unit].clock = replace(
                clock, chains=find_chains(clock, frames[unit][done[unit].rows], entity)
            )
    for unit in plan.units:
        _fill(unit, plan, schema, frames, done, spots, given)
    for unit in plan.units:
        for member in plan.members(unit):
            for link in plan.of(member, "matched"):
                _group(link, plan, done, spots, streams)
    return done


def _arrange(
    unit: str, plan: Plan, schema: Schema, frames: Mapping[str, pl.DataFrame], spots: Spots
) -> Extended:
    """Find the entity of every row, and the order of the rows."""
    table, frame, link = schema.table(unit), frames[unit], plan.driving(unit)
    empty = Table(unit, ())
    if link is None:
        return Extended(empty, pl.DataFrame(), np.arange(len(frame)))
    number = len(frames[link.reference.table])
    at = locate(frame, frames[link.reference.table], link.reference).fill_null(-2).to_numpy()
    entity = spots.moved(at, link.reference.table).copy()
    nulls, lost = at == -2, at == -1
    entity[nulls] = number + np.arange(int(nulls.sum()))
    named = frame.select(pl.struct(link.reference.columns).rank("dense")).to_series().to_numpy()
    distinct, which = np.unique(named[lost], return_inverse=True)
    entity[lost] = number + int(nulls.sum()) + which
    valued = {name for other in plan.of(unit, "value") for name in other.reference.columns}
    clock = find_clock(table, link, frame, entity, valued)
    now = clock.positions(frame[clock.column.name]) if clock is not None else np.zeros(len(frame))
    rows = np.lexsort((np.arange(len(frame)), now, entity))
    return Extended(
        empty, pl.DataFrame(), rows, entity[rows], number, int(nulls.sum()), len(distinct), clock,
        now[rows] if clock is not None else None,
    )  # fmt: skip


def _fill(
    unit: str,
    plan: Plan,
    schema: Schema,
    frames: Mapping[str, pl.DataFrame],
    done: dict[str, Extended],
    spots: Spots,
    given: Collection[tuple[str, str]],
) -> None:
    """Put the columns together that a unit's model learns."""
    made = done[unit]
    columns: list[Column] = []
    values: list[pl.Series] = []
    told: dict[str, tuple[Clock, Ends]] = {}
    for member in plan.members(unit):
        rows = spots.row_of(member)
        for column, series in _own_columns(
            member, plan, schema, frames, made.clock if member == unit else None, given
        ):
            name = member_column(unit, member, column.name)
            series = series.gather(rows).alias(name)
            if member == unit and made.clock is not None and column.name in made.clock.chains:
                assert made.entity is not None
                column, series = replace(column, nullable=True), forget(series, made.entity)
            columns.append(replace(column, name=name))
            values.append(series)
        for link in plan.of(member, "coded"):
            column, series = _code(link, spots)
            columns.append(column)
            values.append(series)
        for link in plan.to(member, "driving"):
            child = done[link.table]
            counts = child.counts[: child.parents]
            columns.append(Column(counted(link), "number", integer=True))
            values.append(pl.Series(counted(link), counts.astype(np.int64)))
            if child.clock is not None and child.now is not None:
                for column, series in _tell_ends(child, child.clock, link, pl.DataFrame(values), told):
                    columns.append(column)
                    values.append(series)
            if member == unit:
                _follow_ends(made, link, columns, values)
    if not columns:  # a table of keys alone: its rows are all alike
        columns.append(Column("#alike", "category"))
        values.append(pl.Series("#alike", ["row"] * len(made.rows), dtype=pl.String))
    rules = _readable(schema.table(unit), {c.name for c in columns}) if made.entity is None else ()
    made.table = Table(unit, tuple(columns), constraints=rules)
    made.frame = pl.DataFrame(values) if values else pl.DataFrame()


def _tell_ends(
    child: Extended, clock: Clock, link: Link, frame: pl.DataFrame, told: dict[str, tuple[Clock, Ends]]
) -> list[tuple[Column, pl.Series]]:
    """Return the columns that say when each history starts and ends."""
    first, span = (end[: child.parents] for end in child.ends())
    ends = Ends(first, first + np.nan_to_num(span), child.counts[: child.parents])
    child.anchors = start, stop = find_anchors(ends, clock, frame, told)
    distance = first if start is None else first - place_anchor(start, told, ends)
    if stop is not None:
        lone = np.isnan(span) if stop.what != "itself" else np.isnan(first)
        span = np.where(lone, np.nan, ends.last - place_anchor(stop, told, ends))
    told[link.name] = (clock, ends)
    whole = Column(span_of(link), "number", integer=True, nullable=True)
    if start is None:
        begin = (
            replace(clock.place, name=first_of(link), nullable=True),
            clock.places(first).alias(first_of(link)),
        )
    else:
        begin = (replace(whole, name=first_of(link)), _whole(first_of(link), distance))
    return [begin, (whole, _whole(span_of(link), span))]


def _whole(name: str, values: Array) -> pl.Series:
    return pl.Series(name, values, nan_to_null=True).cast(pl.Int64)


def _follow_ends(made: Extended, link: Link, columns: list[Column], values: list[pl.Series]) -> None:
    """Tell when a history starts by how far that is from the row that it belongs to: paid two days after the order."""
    at = next((n for n, column in enumerate(columns) if column.name == first_of(link)), None)
    if made.clock is None or made.now is None or at is None:
        return
    first, own = columns[at], made.clock.column.kind
    # a whole number of days tells no instant
    if own not in {"date", "datetime"} or first.kind not in {"date", own}:
        return
    frame = pl.DataFrame([made.clock.values(made.now), values[at]])
    columns[at], values[at] = made.clock.distances(frame, first)
    made.clock = replace(made.clock, followers=(*made.clock.followers, first))


def _readable(table: Table, names: set[str]) -> tuple[Constraint, ...]:
    """Return the constraints that a model of these columns keeps by itself."""
    own = set_apart(table)[0]
    return tuple(rule for rule in own.constraints if set(columns_of(rule, own)) <= names)


def _own_columns(
    table: str,
    plan: Plan,
    schema: Schema,
    frames: Mapping[str, pl.DataFrame],
    clock: Clock | None,
    given: Collection[tuple[str, str]],
) -> list[tuple[Column, pl.Series]]:
    """Return the columns that hold neither keys nor references, and those of references that are ordinary values."""
    own = schema.table(table)
    frame = frames[table]
    valued = {name for link in plan.of(table, "value") for name in link.reference.columns}
    taken = {
        name
        for link in plan.of(table, "driving", "joined", "coded", "matched")
        for name in link.reference.columns
    }
    if len(own.key) == 1 and own.key[0] not in valued:
        taken.add(own.key[0])
    serial = serial_key(own, plan, clock)
    taken |= {*structural_key(own, plan), *((serial,) if serial is not None else ())}
    if clock is not None:
        taken |= {clock.column.name, *(part.column for part in clock.parts)}
    found = []
    for column in own.columns:
        series = frame[column.name]
        if column.name in taken or (table, column.name) in given:
            continue
        if clock is not None and column.name in {follower.name for follower in clock.followers}:
            column, series = clock.distances(frame, column)
        if column.kind == "key" and column.name in valued:
            column = Column(column.name, "category", nullable=series.null_count() > 0)
            series = series.cast(pl.String)
        found.append((column, series))
    return found


def _code(link: Link, spots: Spots) -> tuple[Column, pl.Series]:
    """Make a category of the row that is referred to."""
    at = spots.parents(link)
    series = pl.Series(asked(link), at).cast(pl.String)
    series = pl.select(pl.when(pl.lit(at) == -2).then(None).otherwise(series)).to_series().alias(asked(link))
    return Column(asked(link), "category", nullable=bool((at == -2).any())), series


def _group(link: Link, plan: Plan, done: dict[str, Extended], spots: Spots, streams: Streams) -> None:
    """Sort the parents of a matched reference into kinds, and tell both sides of them."""
    child, home = done[link.table], done[plan.home(link.reference.table)]
    at = spots.parents(link)
    if link.table != link.reference.table:
        for column, series in find_profile(link, child.frame, at, len(home.frame)):
            home.frame = home.frame.with_columns(series)
            home.table = replace(home.table, columns=(*home.table.columns, column))
    plain = child.frame.select(name for name in child.frame.columns if not name.startswith("#kind"))
    level = find_levels(at) if link.table == link.reference.table else None
    grouping: Grouping = group_parents(home.frame, plain, at, level=level, rng=streams.at(link.name))
    codes = pl.Series(offered(link), grouping.kinds).cast(pl.String)
    home.frame = home.frame.with_columns(
        codes.alias(offered(link)), pl.Series(wanted(link), grouping.degrees.astype(np.int64))
    )
    home.table = replace(
        home.table,
        columns=(
            *home.table.columns,
            Column(offered(link), "category"),
            Column(wanted(link), "number", integer=True),
        ),
    )
    kinds = np.append(grouping.kinds, [-2, -1])[at]
    series = pl.Series(asked(link), kinds).cast(pl.String)
    series = (
        pl.select(pl.when(pl.lit(kinds) == -2).then(None).otherwise(series)).to_series().alias(asked(link))
    )
    if level is not None:
        places = pl.Series(level_of(link), write_levels(level, at))
        child.frame = child.frame.with_columns(places)
        own = (*child.table.columns, Column(level_of(link), "number", integer=True, protect=False))
        child.table = replace(child.table, columns=own)
    child.frame = child.frame.with_columns(series)
    child.table = replace(
        child.table,
        columns=(*child.table.columns, Column(asked(link), "category", nullable=bool((kinds == -2).any()))),
    )
