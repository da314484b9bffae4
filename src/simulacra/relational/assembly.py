"""Finished tables from drawn rows: keys are made, references filled in, columns put in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.randomness import Streams
from simulacra.relational.drawing import Rows
from simulacra.relational.given.given import Given
from simulacra.relational.histories.histories import Histories
from simulacra.relational.naming import asked, level_of, member_column, offered, wanted
from simulacra.relational.numbering import Numbers
from simulacra.relational.plan import Link, locate
from simulacra.relational.pooling import deal_pooled
from simulacra.relational.references.levels import match_levels, part_selves
from simulacra.relational.references.matching import match_parents, part_pairs
from simulacra.relational.references.nesting import is_nested, settle_nested
from simulacra.relational.references.profiles import find_suits
from simulacra.schema.conformance import canonical_type

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer


def assemble(
    model: DatabaseSynthesizer,
    rows: Mapping[str, Rows],
    streams: Streams,
    given: Given | None = None,
    *,
    numbers: Numbers | None = None,
    made: Mapping[str, pl.DataFrame] | None = None,
) -> dict[str, pl.DataFrame]:
    """Make the tables of a database from the rows of its units.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    rows : mapping of str to Rows
        By unit.
    streams : Streams
        For the choice of parents.
    given : Given or None
        Rows that are there already, and stay as they are.
    numbers : Numbers or None
        Which numbers the rows have among those of all shards.
    made : mapping of str to DataFrame or None
        Tables that are finished.

    Returns
    -------
    dict
        Canonical values by table, in the order of the schema; of those tables alone whose rows there are.
    """
    work = _Assembly(model, rows, streams, given or Given(), numbers or Numbers(), made or {})
    for unit in model.plan.units:
        for member in model.plan.members(unit) if unit in rows else ():
            work.lay_out(unit, member)
    links = [link for link in model.plan.links if link.table in work.tables and link.table not in work.made]
    found = {link.name: work.find(link) for link in links if link.way != "value"}
    found |= {link.name: at for link in links if (at := work.find_beside(link)) is not None}
    # a reference may lead to columns that are themselves part of a reference
    for _ in range(1 + len(model.plan.units)):
        changed = [work.fill(link, found[link.name]) for link in links if link.name in found]
        if not any(changed):
            break
    work.restore()
    frames = {name: pl.DataFrame(list(columns.values())) for name, columns in work.tables.items()}
    for link in links:
        driver = model.plan.driving(link.table)
        if driver is not None and is_nested(model.plan, link):
            rate = model.absent.get(link.name, 0) / max(model.units[link.table].rows, 1)
            rng = streams.at(link.name).stream("nested")
            frames[link.table] = settle_nested(
                frames[link.table], frames[link.reference.table], link, driver.reference.columns, rate, rng
            )
    frames |= dict(model.kept)
    return {
        table.name: frames[table.name].select(
            pl.col(column.name).cast(canonical_type(column)) for column in table.columns
        )
        for table in model.schema.tables
        if table.name in frames
    }


def fix_parents(
    model: DatabaseSynthesizer, rows: Mapping[str, Rows], links: Sequence[Link], streams: Streams
) -> None:
    """Choose the parents of some links for good."""
    work = _Assembly(model, rows, streams, Given(), Numbers(), {})
    for link in links:
        rows[model.plan.home(link.table)].fixed[link.name] = work.find(link)


class _Assembly:
    def __init__(
        self,
        model: DatabaseSynthesizer,
        rows: Mapping[str, Rows],
        streams: Streams,
        given: Given,
        numbers: Numbers,
        made: Mapping[str, pl.DataFrame],
    ) -> None:
        self.model, self.streams, self.given = model, streams, given
        self.rows = {
            name: replace(own, frame=deal_pooled(own.frame, pooled, streams.at(name).stream("pooled")))
            if (pooled := model.units[name].pooled)
            else own
            for name, own in rows.items()
        }
        self.numbers, self.made = numbers, made
        self.tables: dict[str, dict[str, pl.Series]] = {}

    def lay_out(self, unit: str, member: str) -> None:
        """Put the drawn columns of a table in their places, and count its keys."""
        if member in self.made:
            self.tables[member] = {series.name: series for series in self.made[member]}
            return
        drawn, number = self.rows[unit].frame, len(self.rows[unit])
        table, places = self.model.schema.table(member), self.numbers.rows(unit, number)
        columns: dict[str, pl.Series] = {}
        for column in table.columns:
            name = member_column(unit, member, column.name)
            if name in drawn.columns:
                columns[column.name] = drawn[name].alias(column.name)
            elif column.name in self.model.serials.get(member, {}):
                others = [member_column(unit, member, key) for key in table.key if key != column.name]
                counted = self._count(self.rows[unit], others) + self.model.serials[member][column.name]
                columns[column.name] = pl.Series(column.name, counted).cast(canonical_type(column))
            elif column.name in self.model.patterns.get(member, {}):
                codes = self._repeat(self.model.patterns[member], column.name, places)
                columns[column.name] = self._make(unit, member, column.name, codes)
            elif column.name in self.model.makers.get(member, {}) and column.name in table.key:
                columns[column.name] = self._make(unit, member, column.name, places)
            else:
                columns[column.name] = pl.Series(column.name, [None] * number, dtype=canonical_type(column))
        self.tables[member] = columns
        self._put_given(unit, member)

    def _make(self, unit: str, member: str, name: str, codes: Array) -> pl.Series:
        """Make keys of codes that count from 0, none of them like a given one."""
        maker, there = self.model.makers[member][name], self._known(unit, member)
        if there is None or name not in there.columns:
            return maker.make(codes)
        run = maker.make(np.arange(int(codes.max(initial=-1)) + 1 + len(there)))
        free = run.filter(~run.is_in(there[name].cast(run.dtype).implode()))
        return free.gather(codes).alias(name)

    def _known(self, unit: str, member: str) -> pl.DataFrame | None:
        """Return the given rows of a table."""
        return self.given.units[unit].tables.get(member) if unit in self.given.units else None

    def _put_given(self, unit: str, member: str) -> None:
        """Put given values in their places."""
        there, drawn = self._known(unit, member), self.tables[member]
        if there is None:
            return
        index = np.arange(len(self.rows[unit]))
        index[self.rows[unit].known] = len(index) + np.arange(len(there))
        filled = self.rows[unit].entity is None
        for name in there.columns:
            # gaps of a given entity were filled, unless no value is a value
            own = there[name].cast(drawn[name].dtype)
            if filled:
                own = pl.select(pl.coalesce(own, drawn[name][self.rows[unit].known])).to_series()
            drawn[name] = pl.concat([drawn[name].alias(name), own.alias(name)]).gather(index)

    def restore(self) -> None:
        """Put given values back that finding parents has changed, but for references to rows that are drawn anew."""
        for unit, known in self.given.units.items():
            for member in known.tables:
                anew = {
                    name: self.tables[member][name]
                    for link in self.model.plan.of(member, "coded", "matched")
                    if not self._is_there(link.reference.table)
                    for name in link.reference.columns
                }
                self._put_given(unit, member)
                self.tables[member].update(anew)

    def _is_there(self, table: str) -> bool:
        """Tell whether a table's rows are given, or kept as they are."""
        return table in self.model.kept or self._known(self.model.plan.home(table), table) is not None

    def _find_given(self, link: Link, found: Array) -> Array:
        """Let given rows refer to the rows that they name."""
        unit = self.model.plan.home(link.table)
        there, parent = self._known(unit, link.table), link.reference.table
        if (
            there is None
            or not self._is_there(parent)
            or not set(link.reference.columns) <= set(there.columns)
        ):
            return found
        others = self.model.kept.get(parent)
        home = self.model.plan.home(parent)
        if others is None:
            others = self._known(home, parent)
        assert others is not None
        at = locate(there, others, link.reference).fill_null(-1).to_numpy()
        if parent not in self.model.kept:
            at = np.where(at >= 0, self.rows[home].known[np.maximum(at, 0)], -1)
        found[self.rows[unit].known] = at
        return found

    def _count(self, rows: Rows, others: Sequence[str]) -> Array:
        """Number the rows of each entity that share what else of the key is drawn, from 0."""
        assert rows.entity is not None
        entity = pl.Series("#entity", rows.entity)
        shared = [rows.frame[name] for name in others if name in rows.frame.columns]
        alike = pl.DataFrame([entity, *shared])
        return alike.select(pl.int_range(pl.len()).over(alike.columns)).to_series().to_numpy()

    def _repeat(self, pattern: Mapping[str, Array], name: str, places: Array) -> Array:
        """Lay the pattern of a composite key out over rows; each time around, its first column counts on."""
        codes = pattern[name]
        around, at = np.divmod(places, max(len(codes), 1))
        return codes[at] + (around * (int(codes.max(initial=-1)) + 1) if name == next(iter(pattern)) else 0)

    def size(self, table: str) -> int:
        """Return the number of rows of a table."""
        if table in self.model.kept:
            return len(self.model.kept[table])
        return len(self.rows[self.model.plan.home(table)])

    def find(self, link: Link) -> Array:
        """Return the position of each row's parent: -1 for missing, and from the parent's size on for orphans."""
        rows = self.rows[self.model.plan.home(link.table)]
        if link.name in rows.fixed:
            return rows.fixed[link.name]
        parents = self.size(link.reference.table)
        rng = self.streams.at(link.name).stream("parents")
        if link.way == "joined":
            return np.arange(len(rows))
        if link.way == "driving":
            assert rows.entity is not None
            entity = rows.entity
            missing = (entity >= rows.parents) & (entity < rows.parents + rows.nulls)
            lost = self.numbers.apart(entity - rows.parents - rows.nulls) + parents
            return np.where(missing, -1, np.where(entity >= rows.parents, lost, entity))
        if asked(link) not in rows.frame.columns:
            return np.full(len(rows), -1)
        codes = _codes(rows.frame, asked(link))
        orphans = codes == -1
        if link.way == "coded":
            found = _spread(codes, parents, self.model, link, rng)
        else:
            found = self._match(link, codes, rng)
        found = self._find_given(link, found)
        found = self._part(link, found, rng)
        extra = self.model.absent.get(link.name, 0)
        if orphans.any():
            found[orphans] = parents + rng.integers(max(extra, 1), size=int(orphans.sum()))
        return found

    def find_beside(self, link: Link) -> Array | None:
        """Return the sibling's row that each row belongs to, if a nested reference leads there and always did."""
        rows = self.rows[self.model.plan.home(link.table)]
        histories = self.model.units[self.model.plan.home(link.table)].model
        own = (
            is_nested(self.model.plan, link)
            and isinstance(histories, Histories)
            and histories.sibling == link.reference.table
            and not self.model.absent.get(link.name, 0)
            and rows.entity is not None
            and not (rows.entity >= rows.parents).any()
        )
        if not own or rows.beside is None or (rows.beside < 0).any():
            return None
        return rows.beside

    def _match(self, link: Link, codes: Array, rng: np.random.Generator) -> Array:
        home = self.rows[self.model.plan.home(link.reference.table)].frame
        if offered(link) not in home.columns:
            return np.full(len(codes), -1)
        kinds, degrees = _codes(home, offered(link)), home[wanted(link)].fill_null(0).to_numpy()
        if level_of(link) in home.columns:
            places, columns = (
                home[level_of(link)].fill_null(0).to_numpy(),
                self.model.schema.table(link.table),
            )
            free = any(columns[name].nullable for name in link.reference.columns)
            return match_levels(codes, kinds, np.maximum(degrees, 0), places, rng, nullable=free)
        suits = find_suits(link, self.rows[self.model.plan.home(link.table)].frame, home, rng)
        found = match_parents(codes, kinds, np.maximum(degrees, 0), rng, suits)
        return part_selves(found, rng) if link.table == link.reference.table else found

    def _part(self, link: Link, found: Array, rng: np.random.Generator) -> Array:
        """Let no pair of two references occur twice where they are the key."""
        rows = self.rows[self.model.plan.home(link.table)]
        driver = self.model.plan.driving(link.table)
        key = set(self.model.schema.table(link.table).key)
        if driver is None or rows.entity is None or not key:
            return found
        both = set(driver.reference.columns) | set(link.reference.columns)
        if not key <= both:
            return found
        home = self.rows[self.model.plan.home(link.reference.table)].frame
        number = int(found.max(initial=-1)) + 1
        same = _codes(home, offered(link)) if offered(link) in home.columns else np.zeros(number, np.int64)
        return part_pairs(rows.entity, found, same, rng)

    def fill(self, link: Link, found: Array) -> bool:
        """Look the columns of a reference up in the parent; return whether anything changed."""
        child, changed = self.tables[link.table], False
        reference = link.reference
        parents = self.size(reference.table)
        for own, other in zip(reference.columns, reference.to, strict=True):
            source = self._column(reference.table, other)
            held = (found >= 0) & (found < parents)
            values = source.gather(np.where(held, found, 0)) if parents else child[own].clear(len(found))
            values = pl.select(pl.when(pl.Series(held)).then(values).otherwise(None)).to_series()
            lost = found >= parents
            if lost.any():
                maker = self.model.makers.get(reference.table, {}).get(other)
                home = self.model.plan.home(reference.table)
                absent = np.where(lost, self.numbers.absent(home, parents, found - parents), -1)
                made = maker.make(absent).cast(values.dtype) if maker is not None else values
                values = pl.select(pl.when(pl.Series(lost)).then(made).otherwise(values)).to_series()
            values = values.cast(child[own].dtype).alias(own)
            if not values.equals(child[own], null_equal=True):
                child[own] = values
                changed = True
        return changed

    def _column(self, table: str, name: str) -> pl.Series:
        return self.model.kept[table][name] if table in self.model.kept else self.tables[table][name]


def _codes(frame: pl.DataFrame, name: str) -> Array:
    """Read codes that were drawn as levels: -1 orphan, -2 missing."""
    return frame[name].cast(pl.Int64).fill_null(-2).to_numpy().copy()


def _spread(
    codes: Array, parents: int, model: DatabaseSynthesizer, link: Link, rng: np.random.Generator
) -> Array:
    """Turn levels into rows of a parent: with more rows than levels, each level is several rows."""
    held = codes >= 0
    if link.reference.table in model.kept:
        return np.where(held, codes, -1)
    if not parents:
        return np.full(len(codes), -1)
    levels = max(model.units[model.plan.home(link.reference.table)].rows, 1)
    first = codes % min(levels, parents)
    copies = (parents - 1 - first) // levels + 1
    return np.where(held, first + (rng.random(len(codes)) * copies).astype(np.int64) * levels, -1)
