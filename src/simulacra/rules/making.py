"""Makes any unit of any table alone: its columns in order, with what they read of rows that they refer to."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import OptionError, SchemaError, UnknownName
from simulacra.field import Drawn
from simulacra.generator import silent
from simulacra.randomness import Streams
from simulacra.rule import Counted, Histories, Parted, Rows
from simulacra.rules.book import Book, TableRules
from simulacra.rules.extents import Extent, cut_rows, cut_runs
from simulacra.rules.finishing import finish_column, withhold
from simulacra.rules.keeping import find_broken_rows
from simulacra.rules.kinds.aggregate import Aggregate
from simulacra.rules.kinds.reference import ReferenceRule
from simulacra.rules.machines import tables_of
from simulacra.rules.moments import to_micros
from simulacra.rules.reading import evaluate
from simulacra.rules.walking import walk
from simulacra.sampling.requests import Filling, Request
from simulacra.synthesizer import Synthesizer

MOST_HELD = 5_000_000
"""Rows of a table, at most, that others may look into by picking."""
_KEPT = 12
_TRIES = 60

Unit = dict[str, pl.Series]


@dataclass
class Maker:
    """Makes units of rows: pure functions of the rules, the numbers of rows and the seed.

    Parameters
    ----------
    book : Book
        The rules.
    rows : mapping
        How many rows the tables have that are nobody's children.
    seed : int
        The seed.
    models : mapping
        Fitted models of tables of which some columns are learnt.
    extents : dict
        How the tables are cut, as far as that is known.
    """

    book: Book
    rows: Mapping[str, int]
    seed: int
    models: Mapping[str, Synthesizer] = field(default_factory=dict)
    extents: dict[str, Extent] = field(default_factory=dict, repr=False)
    _kept: OrderedDict[tuple[object, ...], Unit] = field(default_factory=OrderedDict, repr=False)
    _held: dict[tuple[str, str], pl.Series] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def streams(self) -> Streams:
        """Where all randomness comes from."""
        return Streams(self.seed).at("rules")

    def extent(self, table: str) -> Extent:
        """Tell how a table is cut into units."""
        with self._lock:
            if table not in self.extents:
                self.extents[table] = self._measure(table)
            return self.extents[table]

    def _measure(self, table: str) -> Extent:
        rules = self.book.tables[table]
        if rules.driver is None:
            return cut_rows(self.rows[table])
        parents = self.extent(rules.reference(rules.driver).table)
        starts, owners, runs = [0], [], []
        for unit in range(parents.units):
            counts = self._counts(rules, unit)
            ends = np.concatenate([[0], np.cumsum(counts)])
            borders = cut_runs(counts)
            for run in range(len(borders) - 1):
                starts.append(starts[-1] + int(ends[borders[run + 1]] - ends[borders[run]]))
                owners.append(unit)
                runs.append(run)
        return Extent(np.array(starts), np.array(owners, dtype=np.int64), np.array(runs, dtype=np.int64))

    def _counts(self, rules: TableRules, parent_unit: int) -> npt.NDArray[np.int64]:
        """Draw how many children each parent of a unit has."""
        assert rules.driver is not None
        rule = rules.reference(rules.driver)
        if rule.machines:
            return np.asarray(self._walk(rules, parent_unit)["counts"].to_numpy())
        children = rule.children
        assert children is not None
        size = self.extent(rule.table).size(parent_unit)
        values = {}
        if children.formulas:
            parents = self.unit(rule.table, parent_unit, rule.wanted)
            above = self.book.tables[rule.table]
            rows = Rows(above.table, 0, size, size, self.streams, self.streams, dict(parents))
            values = {sql: to_micros(evaluate(sql, rows)) for sql in children.formulas}
        own = self.streams.stream(rules.own.name, rules.driver, "children", parent_unit)
        drawn = np.nan_to_num(children.draw(size, own, values))
        return np.maximum(np.rint(drawn), 0).astype(np.int64)

    def _walk(self, rules: TableRules, parent_unit: int) -> Unit:
        """Send the parents of a unit through their states; kept for who asks again soon."""
        assert rules.driver is not None
        rule = rules.reference(rules.driver)
        key = ("walks", rules.own.name, parent_unit)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        above = self.book.tables[rule.table].own
        parents = self.unit(rule.table, parent_unit, rule.wanted)
        own = self.streams.at(rules.own.name, rules.driver, "states", parent_unit)
        size = self.extent(rule.table).size(parent_unit)
        found = walk(rule.machines, tables_of(rule.machines, above), parents, size, own)
        made = {**found.columns, "counts": pl.Series(found.counts)}
        self._keep(key, made)
        return made

    def _keep(self, key: tuple[object, ...], made: Unit) -> None:
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    def unit(self, table: str, unit: int, columns: tuple[str, ...] | None = None) -> Unit:
        """Make some columns of a unit (all when None), kept for who asks again soon."""
        rules = self.book.tables[table]
        names = rules.closure(columns)
        key = (table, unit, names)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._make(rules, unit, names)
        if columns is not None:
            self._keep(key, made)
        return made

    def _make(self, rules: TableRules, unit: int, names: tuple[str, ...]) -> Unit:
        made = self._attempt(rules, unit, names, 0)
        if not rules.checked.constraints:
            return made
        for again in range(1, _TRIES):
            broken = find_broken_rows(made, rules.checked)
            if not len(broken):
                return made
            new = self._attempt(rules, unit, names, again)
            where = pl.Series(np.isin(np.arange(self.extent(rules.own.name).size(unit)), broken))
            made = {
                name: column if rules.unique(name) else new[name].zip_with(where, column)
                for name, column in made.items()
            }
        raise SchemaError(
            f"table {rules.own.name!r}: the rules break its constraints in {len(broken):,} of "
            f"{self.extent(rules.own.name).size(unit):,} rows again and again. Change the rules so that most keep them."
        )

    def _attempt(self, rules: TableRules, unit: int, names: tuple[str, ...], again: int) -> Unit:
        """Make columns of a unit; every further attempt has streams of its own, but the same parents."""
        extent, name = self.extent(rules.own.name), rules.own.name
        histories, parents = self._parents(rules, unit, names)
        links: dict[str, npt.NDArray[np.int64]] = {}
        learnt = cache(partial(self._learnt, name, unit, again)) if name in self.models else None
        parts: dict[str, Drawn] = {}
        values: Unit = {}
        for column in names:
            base = self.streams.at(name, column)
            own = base.at("block", unit) if not again else base.at("block", unit, "again", again)
            rows = Rows(rules.table, int(extent.starts[unit]), extent.size(unit), extent.rows, own, base, values,
                        histories, learnt)  # fmt: skip
            rule = rules.rules[column]
            if isinstance(rule, ReferenceRule) and column != rules.driver:
                links[column] = self._pick(rules, rule, rows)
            for alias, refers, theirs in rules.foreign[column]:
                if alias not in values:
                    values[alias] = self._far(rules, refers, theirs, links, parents, histories)
            if isinstance(rule, Aggregate):
                values[f"{rule.child}<"] = self._aggregate(rule, name, unit)
            with _told_where(name, column):
                if rules.unique(column) and not isinstance(rule, ReferenceRule):
                    drawn = self._number(rules, column, rows)
                elif isinstance(rule, Parted):
                    whole = rule.draw_parts(rows, parts)
                    drawn, parts[column] = whole.values, whole
                else:
                    drawn = rule.draw(rows)
                finished = finish_column(drawn, rules.own[column])
                lacking = withhold(finished, rules.own[column], rows)
            if lacking is not finished or finished is not drawn:
                parts.pop(column, None)
            values[column] = lacking
            values.pop(f"{rule.child}<", None) if isinstance(rule, Aggregate) else None
        return {column: values[column] for column in names}

    def _learnt(self, table: str, unit: int, again: int) -> pl.DataFrame:
        """Draw a unit of a fitted model."""
        total = self.extent(table).rows
        streams = self.streams.at(table, "learnt", again) if again else self.streams.at(table, "learnt")
        asked = Filling(Request(total), self.models[table]._drawer, streams, silent, [])
        if not asked.divisible:
            raise OptionError(
                f"table {table!r}: the model keeps constraints over several rows, so its blocks can not be drawn "
                "apart. Fit it without them, and say them by rules."
            )
        return asked.block(unit)

    def _parents(self, rules: TableRules, unit: int, names: tuple[str, ...]) -> tuple[Histories | None, Unit]:
        """Give whose each row is, and the columns of their parents that are read."""
        if rules.driver is None:
            return None, {}
        extent = self.extent(rules.own.name)
        assert extent.parents is not None and extent.runs is not None
        above, run = int(extent.parents[unit]), int(extent.runs[unit])
        counts = self._counts(rules, above)
        borders = cut_runs(counts)
        first, last = int(borders[run]), int(borders[run + 1])
        own = counts[first:last]
        wanted = {
            theirs
            for column in names
            for _, refers, theirs in rules.foreign[column]
            if refers == rules.driver
        }
        parents = {}
        if wanted:
            table = rules.reference(rules.driver).table
            parents = {
                n: c.slice(first, last - first)
                for n, c in self.unit(table, above, tuple(sorted(wanted))).items()
            }
        entries: Unit = {}
        if rules.reference(rules.driver).machines:
            skip, size = int(counts[:first].sum()), int(own.sum())
            entries = {n: c.slice(skip, size) for n, c in self._walk(rules, above).items() if n != "counts"}
        return Histories(np.repeat(np.arange(last - first), own), own, entries), parents

    def _far(
        self, rules: TableRules, refers: str, theirs: str, links: Mapping[str, npt.NDArray[np.int64]], parents: Unit,
        histories: Histories | None,
    ) -> pl.Series:  # fmt: skip
        """Give a column of the rows that are referred to, one for each row here."""
        if refers == rules.driver:
            assert histories is not None
            return parents[theirs].gather(histories.owners)
        return self._look(rules.reference(refers).table, theirs, links[refers])

    def _pick(self, rules: TableRules, rule: ReferenceRule, rows: Rows) -> npt.NDArray[np.int64]:
        own = rule.table == rules.own.name
        size = 0 if own else self.extent(rule.table).rows
        look = {} if own else {name: self._whole(rule.table, name) for name in rule.wanted}
        return rule.choose(rows, size, look, own=own)

    def _look(self, table: str, column: str, places: npt.NDArray[np.int64]) -> pl.Series:
        """Look up a column of another table in the rows of some numbers; -1 is no row."""
        rules = self.book.tables[table]
        if rules.numbered(column):
            rule = rules.rules[column]
            assert isinstance(rule, Counted)
            found = rule.number(
                np.maximum(places, 0), self.extent(table).rows, self.streams.at(table, column)
            )
            found = finish_column(found, rules.own[column])
        else:
            found = self._whole(table, column).gather(np.maximum(places, 0))
        return found.set(pl.Series(places < 0), None) if (places < 0).any() else found

    def _whole(self, table: str, column: str) -> pl.Series:
        """Give a whole column of a table that is not too large, and keep it."""
        extent = self.extent(table)
        if extent.rows > MOST_HELD:
            raise OptionError(
                f"{column!r} of table {table!r} is looked up in {extent.rows:,} rows, and at most {MOST_HELD:,} can be "
                "held. Make its rows children, give it fewer rows, or read its key only."
            )
        with self._lock:
            if (table, column) not in self._held:
                pieces = [self.unit(table, unit, (column,))[column] for unit in range(extent.units)]
                self._held[table, column] = pl.concat(pieces) if pieces else pl.Series(column, [])
            return self._held[table, column]

    def _number(self, rules: TableRules, column: str, rows: Rows) -> pl.Series:
        """Give every row a value that no other row has."""
        rule, place = rules.rules[column], f"table {rules.own.name!r}, column {column!r}"
        room = rule.room() if isinstance(rule, Counted) else 0
        if not room:
            raise SchemaError(
                f"{place}: values of this rule can not be told to differ. Use sequence, shuffle, int, a pattern or a "
                "field with many values, or leave unique out."
            )
        if room < rows.total:
            raise OptionError(
                f"{place}: {rows.total:,} rows are to differ, and the rule has {room:,} values. Ask for fewer, or "
                "leave unique out."
            )
        assert isinstance(rule, Counted)
        if isinstance(rule, Parted) and rule.needs():
            return rule.number_given(rows.numbers, rows)
        return rule.number(rows.numbers, rows.total, rows.fixed)

    def _aggregate(self, rule: Aggregate, table: str, unit: int) -> pl.Series:
        """Add up the children of a unit's rows."""
        child, extent = self.book.tables[rule.child], self.extent(rule.child)
        figures = []
        # the children of a parent stand in one unit, so each unit is done with at once
        for below in extent.below(unit):
            histories, _ = self._parents(child, below, ())
            assert histories is not None
            columns = self.unit(rule.child, below, rule.child_needs)
            rows = Rows(
                child.table, 0, extent.size(below), extent.rows, self.streams, self.streams, dict(columns)
            )
            owners = pl.Series(histories.owners)
            figures.append(rule.compute(owners, evaluate(rule.sql, rows), len(histories.counts)))
        return pl.concat(figures)


@contextmanager
def _told_where(table: str, column: str) -> Iterator[None]:
    """Put the table and the column in front of what a rule or a field has to say."""
    try:
        yield
    except (OptionError, UnknownName, SchemaError) as error:
        told = str(error)
        if told.startswith("table "):
            raise
        told = f"table {table!r}{', ' if told.startswith('column ') else f', column {column!r}: '}{told}"
        raise type(error)(told) from error
