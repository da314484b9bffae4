"""Learning several tables: structure first, then each table given the rows that its own belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from simulacra.dataset import Dataset
from simulacra.domain import Array, Block
from simulacra.errors import DataError, unknown
from simulacra.fitting import fit_table
from simulacra.generator import Progress, part, silent
from simulacra.intake import Intake
from simulacra.privacy.protection import HOLDERS
from simulacra.provenance import describe_fit, fingerprint
from simulacra.randomness import Streams
from simulacra.relational.counting import count_absent, find_patterns, find_serials
from simulacra.relational.database import DatabaseSynthesizer
from simulacra.relational.drawing import summarise_rows
from simulacra.relational.extension import Extended, extend
from simulacra.relational.histories.alongside import find_rows
from simulacra.relational.histories.beside import Beside
from simulacra.relational.histories.chains import say_chains
from simulacra.relational.histories.entities import describe_entities, describe_kept
from simulacra.relational.histories.learning import Sibling, fit_histories
from simulacra.relational.holding import Holding, require_owners, tell_lists
from simulacra.relational.mining.mining import with_rules
from simulacra.relational.naming import member_column, say_note
from simulacra.relational.numbering import Maker
from simulacra.relational.plan import Plan, make_plan
from simulacra.relational.pooling import pool_rare
from simulacra.relational.released import level_groups, release
from simulacra.relational.rules.violations import rows_as_given
from simulacra.relational.unit import Unit
from simulacra.schema.column import Column
from simulacra.schema.types import Schema, Table
from simulacra.synthesizer import Synthesizer

DEFAULT = "trees"


def fit_database(
    data: Dataset,
    *,
    model: str | Mapping[str, str] = DEFAULT,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    holders: int = HOLDERS,
    progress: Progress = silent,
    log: tuple[str, ...] | None = None,
    rules: bool = True,
) -> DatabaseSynthesizer:
    """Fit a model to several tables.

    Parameters
    ----------
    data : Dataset
        The tables, under a schema with keys, references and roles.
    model : str or mapping
        A registered model, or one for each table by name.
    options : mapping or None
        Its hyperparameters.
    seed : int
        Fitting again with the same seed, data and versions gives the same model.
    holders : int
        k of the protection; 1 switches it off.
    progress : callable
        Told the share done.
    log : tuple of str or None
        The columns of the table that `split_log` parted.
    rules : bool
        False looks for no rules over several tables; those of the schema are kept all the same.

    Returns
    -------
    DatabaseSynthesizer
        The fitted model.

    Raises
    ------
    DataError
        A table that is no reference table has too few rows to learn from.

    Notes
    -----
    **Cost**: that of fitting each table, with the columns of its parents, of finished siblings and of earlier rows as
    context.

    **Privacy**: reference tables are given out as they are; everything else is protected as in a single table, where a
    row that another one draws counts for the row that stands first on that way: k different customers hold what may be
    drawn of their orders' lines. How many rows are below each row of a reference table is rounded.
    """
    plan = make_plan(data.schema, data.frames)
    data = with_rules(data, plan) if rules else data
    schema = data.schema
    _require_rows(plan, schema, data, holders, log)
    fitting = _Fitting(data, plan, _choose(model, plan), options or {}, seed, holders)
    fitting.extended = extend(plan, schema, data.frames, Streams(seed).at("database"))
    require_owners(plan, fitting.extended, holders)
    for place, unit in enumerate(plan.units):
        with rows_as_given(schema, data.frames):
            fitting.fit(unit, part(progress, place / len(plan.units), (place + 1) / len(plan.units)))
    facts = {
        "sha256": fingerprint(data.frames[plan.units[0]]) if plan.units else "",
        "rows": sum(map(len, data.frames.values())),
        "columns": sum(frame.width for frame in data.frames.values()),
    }
    names = ", ".join(sorted(set(fitting.models.values()))) or DEFAULT
    own = [unit.synthesizer for unit in fitting.units.values()]
    provenance = describe_fit(
        facts, model=names, options=dict(options or {}), seed=seed, holders=holders,
        stores_rows=any(one is not None and one.generator.stores_rows for one in own),
    )  # fmt: skip
    counted, facts_of = fitting.holding.say(holders)
    provenance["privacy"] |= facts_of
    kept = {name: data.frames[name] for name in plan.kept}
    notes = [
        *data.notes,
        *(f"table {name!r} is a reference table: its rows are given out as they are." for name in kept),
        *counted,
        *tell_lists(plan, data.frames, holders),
    ]
    return DatabaseSynthesizer(
        fitting.released(), plan, fitting.units, kept, _make_keys(fitting), count_absent(plan, data),
        find_patterns(plan, data), find_serials(plan, data, fitting.extended),
        data.layouts, log, tuple(dict.fromkeys([*notes, *fitting.notes])), provenance,
    )  # fmt: skip


def _choose(model: str | Mapping[str, str], plan: Plan) -> dict[str, str]:
    if isinstance(model, str):
        return dict.fromkeys(plan.units, model)
    members = {member: unit for unit in plan.units for member in plan.members(unit)}
    for name in model:
        if name not in members:
            raise unknown("table to fit a model to", name, list(members))
    return dict.fromkeys(plan.units, DEFAULT) | {members[name]: chosen for name, chosen in model.items()}


def _require_rows(
    plan: Plan, schema: Schema, data: Dataset, holders: int, log: tuple[str, ...] | None
) -> None:
    small = [name for name in plan.units if 0 < len(data.frames[name]) < holders]
    if small:
        said = ", ".join(f"{name!r} ({len(data.frames[name])})" for name in small)
        entity = schema.tables[0].key[0] if log is not None else ""
        if small == [schema.tables[0].name] and entity:
            raise DataError(
                f"too few entities to learn from, less than the {holders} that must share a value: {entity!r} has "
                f"{len(data.frames[small[0]])}. If they are public, such as stations or shares, say so: "
                f"reference=[{entity!r}] (--reference {entity}); else switch protection off: protect=False "
                "(--no-protect)."
            )
        raise DataError(
            f"too few rows to learn from, less than the {holders} that must share a value: table {said}. If their "
            f"rows are public, make them reference tables: schema.with_role({small[0]!r}, 'reference') "
            f"(--reference {small[0]}); else leave them out, or switch protection off: protect=False (--no-protect)."
        )


@dataclass
class _Fitting:
    """What is learnt so far."""

    data: Dataset
    plan: Plan
    models: dict[str, str]
    options: Mapping[str, Any]
    seed: int
    holders: int
    extended: dict[str, Extended] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    blocks: dict[str, Block] = field(default_factory=dict)
    above: dict[str, Block] = field(default_factory=dict)
    summaries: dict[str, dict[str, Block]] = field(default_factory=dict)
    learnt: dict[str, Block] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.holding = Holding(self.plan)

    def fit(self, unit: str, progress: Progress) -> None:
        """Fit the model of one unit."""
        made = self.extended[unit]
        owners = self.holding.add(unit, made)
        made, pooled, notes = pool_rare(unit, made, self.plan, self.data.frames, owners, self.holders)
        self.extended[unit] = made
        self.notes += notes
        if not len(made.rows):
            self.units[unit] = Unit(unit, 0, None, 0, np.zeros(0, np.int64))
            return
        if made.entity is None:
            own = fit_table(
                Intake.of(Dataset(Schema((made.table,)), {unit: made.frame}, {unit: self.data.layouts[unit]})),
                model=self.models[unit], options=self.options, seed=self.seed, holders=self.holders, progress=progress,
                learn=lambda block, encodings: (self._keep(unit, block), None),
            )  # fmt: skip
            self.units[unit] = Unit(unit, len(made.rows), own, 0, np.zeros(0, np.int64))
        else:
            own = self._fit_driven(unit, made, owners, progress)
        self.units[unit] = replace(self.units[unit], pooled=pooled)
        self.notes += [f"table {unit!r}: {said}" for said in say_chains(made.clock)]
        # what a unit adds to its table has names that nobody else knows
        told = [said for note in own.notes if (said := say_note(note, self.plan.links)) is not None]
        self.notes += [note if note.startswith("table ") else f"table {unit!r}: {note}" for note in told]

    def _keep(self, unit: str, block: Block) -> Block:
        """Keep what protection left of rows for those that stand on them."""
        if any(self.plan.to(member, "driving") for member in self.plan.members(unit)):
            self.blocks[unit] = block
        return block

    def _fit_driven(self, unit: str, made: Extended, owners: Array | None, progress: Progress) -> Synthesizer:
        link = self.plan.driving(unit)
        assert link is not None and made.entity is not None
        parent, counts = link.reference.table, made.counts
        lost = level_groups(counts[made.parents + made.nulls :], self.holders)
        kept_counts = kept_ends = None
        if parent in self.plan.kept:
            held = made.entity < made.parents
            owner, sibling = np.arange(made.parents), None
            static = describe_kept(np.arange(made.parents), made.parents, self.holders)
            if not held.all():
                made = _without(made, ~held)
            rng = Streams(self.seed).at("database", unit).stream("rounding")
            kept_counts, kept_ends = release(made, self.holders, rng)
            if self.holders > 1:
                self.notes.append(
                    f"table {unit!r}: {parent!r} is public and these rows are not, so how many each of its rows has is "
                    f"rounded at random to a multiple of {self.holders}, and when they begin and end is estimated."
                )
        else:
            home = self.plan.home(parent)
            rng = Streams(self.seed).at("database", unit).stream("stand-ins")
            stand = rng.integers(max(made.parents, 1), size=made.nulls + made.orphans)
            there = np.concatenate([np.zeros(made.parents), np.ones(made.nulls), np.full(made.orphans, 2)])
            static = describe_entities(
                self.blocks[home],
                self.above.get(home),
                self.summaries.setdefault(home, {}),
                home,
                stand,
                there,
            )
            owner, sibling = np.concatenate([np.arange(made.parents), stand]), self._sibling(unit, made)
        histories, block = fit_histories(
            made, static, owner, sibling, model=self.models[unit], options=self.options, seed=self.seed,
            holders=self.holders, owners=owners, progress=progress,
        )  # fmt: skip
        self.units[unit] = Unit(unit, len(made.rows), histories, made.nulls, lost, kept_counts, kept_ends)
        assert made.entity is not None
        self.learnt[unit] = self._keep(unit, block)
        self.above[unit] = static.take(made.entity)
        if parent not in self.plan.kept:
            self.summaries[self.plan.home(parent)][unit] = summarise_rows(block, made.entity, made.parents)
        return histories.rows

    def _sibling(self, unit: str, made: Extended) -> Sibling | None:
        """Choose the finished table of the same parents that says most of these rows."""
        link = self.plan.driving(unit)
        assert link is not None
        best: tuple[int, str] | None = None
        for other, done in self.extended.items():
            driver = self.plan.driving(other)
            if other not in self.learnt or driver is None or driver.reference.table != link.reference.table:
                continue
            alike = len(
                {(c.name, c.kind) for c in made.table.columns}
                & {(c.name, c.kind) for c in done.table.columns}
            )
            alike += 2 * _together(made, done)
            if alike and (best is None or alike > best[0]):
                best = (alike, other)
        if best is None:
            return None
        other = best[1]
        done = self.extended[other]
        assert done.entity is not None
        held = done.entity < done.parents
        counts = done.counts[: done.parents]
        together = _together(made, done)
        times = done.now[held] if together and done.now is not None else None
        beside = Beside(
            self.learnt[other].take(held), np.cumsum(counts) - counts, counts, times, self.holders
        )
        own = self.units[other].synthesizer
        assert own is not None
        return Sibling(
            other, beside, own.encodings, together, self._rows_beside(unit, other) if together else None
        )

    def _rows_beside(self, unit: str, other: str) -> Array | None:
        """Find the row of a sibling that each row of a unit belongs to, if they do."""
        tables = []
        for name in (unit, other):
            made, link = self.extended[name], self.plan.driving(name)
            assert made.entity is not None and link is not None
            held = made.entity < made.parents if name == other else np.ones(len(made.rows), bool)
            frame = self.data.frames[name].drop(link.reference.columns)[made.rows[held]]
            own = tuple(c for c in self.data.schema.table(name).columns if c.name in frame.columns)
            ends = [pl.Series("#entity", made.entity[held]), pl.Series("#time", made.now)]
            tables.append((frame.with_columns(ends[0], ends[1].filter(pl.Series(held))), own))
        return find_rows(tables[0][0], tables[1][0], tables[0][1], tables[1][1])

    def released(self) -> Schema:
        """Return the schema without what protection withheld."""
        tables = []
        for table in self.data.schema.tables:
            if table.name in self.plan.kept:
                tables.append(table)
                continue
            unit = self.plan.home(table.name)
            own = self.units[unit].synthesizer
            tables.append(
                replace(table, columns=tuple(_release(column, unit, table, own) for column in table.columns))
            )
        return Schema(tuple(tables))


def _together(one: Extended, two: Extended) -> bool:
    """Tell whether two tables go by one clock."""
    return (
        one.clock is not None
        and two.clock is not None
        and one.clock.column.kind == two.clock.column.kind
        and one.clock.unit == two.clock.unit
    )


def _without(made: Extended, gone: Array) -> Extended:
    """Leave rows out whose parent is not there."""
    assert made.entity is not None
    held = ~gone
    return replace(
        made, frame=made.frame.filter(pl.Series(held)), rows=made.rows[held], entity=made.entity[held], nulls=0,
        orphans=0, now=made.now[held] if made.now is not None else None,
    )  # fmt: skip


def _release(column: Column, unit: str, table: Table, own: Synthesizer | None) -> Column:
    name = member_column(unit, table.name, column.name)
    known = own.table.names if own is not None else ()
    if own is not None and name in known and own.table[name].kind == column.kind:
        return replace(own.table[name], name=column.name)
    return replace(column, bounds=None, levels=None) if not column.declared else column


def _make_keys(fitting: _Fitting) -> dict[str, dict[str, Maker]]:
    """Learn the shapes of all keys, and of all columns that references lead to."""
    schema, frames = fitting.data.schema, fitting.data.frames
    needed: dict[str, set[str]] = {table.name: set(table.key) for table in schema.tables}
    for table in schema.tables:
        for reference in table.references:
            needed[reference.table] |= set(reference.to)
    owners = {name: fitting.holding.of_rows(name, fitting.extended) for name in schema.names}
    return {
        table.name: {
            column.name: Maker.of(
                frames[table.name][column.name], column, fitting.holders, owners[table.name]
            )
            for column in table.columns
            if column.name in needed[table.name] and column.kind in {"key", "number", "category", "text"}
        }
        for table in schema.tables
    }
