"""Rows that belong to rows of a parent, drawn step by step: all entities advance together.

A row is drawn given its entity (the parent's columns, its own parents' in turn, how many rows it has, what its finished
rows in sibling tables are like), its place in the history, the time since the row before, and what the earlier rows
were like. Where the rows have an order in time, the gap is drawn first and the other columns after it, so that they
know the day. The cost is steps x columns, and not entities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from simulacra.dataset import dataset
from simulacra.domain import Array, Axis, Block, Domain
from simulacra.encoding import Encoding
from simulacra.encodings._codes import Codes
from simulacra.fitting import fit_table
from simulacra.generator import Progress, part, silent
from simulacra.intake import Intake
from simulacra.randomness import Streams
from simulacra.relational.beside import Beside
from simulacra.relational.clocks import GAP, Clock
from simulacra.relational.extension import Extended
from simulacra.relational.past import Past, active_at, glue, replay
from simulacra.relational.relative import Relative, choose_relatives, told_domain
from simulacra.schema.types import Schema, Table
from simulacra.synthesizer import Synthesizer


@dataclass(frozen=True)
class Drawn:
    """Finished histories.

    Parameters
    ----------
    block : Block
        Rows as the model draws them, those of an entity behind each other.
    entity : array of int
        The entity of each row.
    now : array or None
        Positions on the clock.
    """

    block: Block
    entity: Array
    now: Array | None


@dataclass(frozen=True)
class Histories:
    """The fitted model of the rows of one table that a parent draws.

    Parameters
    ----------
    rows : Synthesizer
        The model of a row, given its context.
    timing : Synthesizer or None
        The model of the gap before a row, where rows have an order in time and some entity has two.
    clock : Clock or None
        The order.
    holders : int
        k of the protection.
    least : float
        The smallest gap between rows.
    relatives : tuple of Relative
        How each axis of a row is told.
    sibling : str or None
        The unit whose rows stand beside these.
    together : bool
        Whether both go by one clock.
    """

    rows: Synthesizer
    timing: Synthesizer | None
    clock: Clock | None
    holders: int
    least: float = 0.0
    relatives: tuple[Relative, ...] = ()
    sibling: str | None = None
    together: bool = False

    def draw(
        self,
        counts: Array,
        static: Block,
        ends: tuple[Array, Array] | None,
        rng: Streams,
        progress: Progress = silent,
        *,
        beside: Beside | None = None,
        owner: Array | None = None,
    ) -> Drawn:
        """Draw the rows of entities.

        Parameters
        ----------
        counts : array of int, shape (entities,)
            How many rows each has.
        static : Block
            What is known of each entity.
        ends : (array, array) or None
            Where the history of each starts on the clock, and how long it is.
        rng : Streams
            Where randomness comes from.
        progress : callable
            Told the share done.
        beside : Beside or None
            The sibling's rows.
        owner : array of int or None
            Whose of them each entity sees.

        Returns
        -------
        Drawn
            The rows, entity by entity.
        """
        order = np.argsort(-counts, kind="stable")
        counts, static = counts[order], static.take(order)
        owner = owner[order] if owner is not None else order
        again = np.zeros(len(counts), np.int64)
        now = goal = None
        if ends is not None:
            now = ends[0][order].copy()
            goal = now + np.nan_to_num(ends[1][order])
        past = Past(self.rows.domain, len(counts))
        gaps = Past(self.timing.domain, len(counts)) if self.timing is not None else None
        pieces: list[Block] = []
        times: list[Array] = []
        steps = int(counts.max(initial=0))
        for step in range(steps):
            active = active_at(counts, step)
            own = static.take(slice(0, active))
            seen = Block(Domain(past.axes), tuple(past.features(active)), rows=active)
            gap = np.full(active, np.nan)
            if now is not None and goal is not None and step:
                assert self.clock is not None
                ahead = goal[:active] - now[:active]
                gap = ahead.copy()  # the last row stands where the history ends
                later = active_at(counts, step + 1)
                if later and self.timing is not None and gaps is not None:
                    before = Block(Domain(gaps.axes), tuple(gaps.features(later)), rows=later)
                    known = glue([
                        static.take(slice(0, later)), _place(step, counts[:later], self.holders),
                        self.clock.look(now[:later], self.holders),
                        _ahead(ahead[:later], counts[:later] - step, self.holders), before,
                        Block(Domain(past.axes), tuple(past.features(later)), rows=later),
                        *self._waits(beside, owner[:later], now[:later], again[:later]),
                    ])  # fmt: skip
                    drawn = self.timing.generator.sample(later, context=known, rng=rng.at("gap", step))
                    gaps.add(drawn)
                    room = ahead[:later] - self.least * (counts[:later] - step - 1)
                    gap[:later] = np.clip(
                        self._gap_values(drawn), min(self.least, 0), np.maximum(room, self.least)
                    )
                now[:active] += gap
                again[:active] = np.where(gap == 0, again[:active] + 1, 0)
            parts = [own, _place(step, counts[:active], self.holders), seen]
            if now is not None and self.clock is not None:
                parts += [self.clock.look(now[:active], self.holders), _gap_block(gap, self.holders)]
                times.append(now[:active].copy())
            near: dict[str, Array] = {}
            if beside is not None:
                time = now[:active] if now is not None and self.together else None
                found = beside.rows(owner[:active], np.full(active, step), time, again[:active])
                parts.append(found)
                near = dict(zip(found.domain.names, found.columns, strict=True))
            told = self.rows.generator.sample(active, context=glue(parts), rng=rng.at("row", step))
            row = self._read(told, past.last(active), near, rng.at("row", step).stream("spare"))
            past.add(row)
            pieces.append(row)
            progress((step + 1) / steps, f"drawing {self.rows.table.name}")
        entity = (
            np.concatenate([order[: len(piece)] for piece in pieces]) if pieces else np.zeros(0, np.int64)
        )
        sort = np.argsort(entity, kind="stable")
        block = _stack(pieces, self.rows.domain).take(sort)
        return Drawn(block, entity[sort], np.concatenate(times)[sort] if times else None)

    def _waits(self, beside: Beside | None, owner: Array, now: Array, again: Array) -> list[Block]:
        return [beside.ahead(owner, now, again)] if beside is not None and self.together else []

    def _read(
        self, told: Block, last: Sequence[Array], beside: Mapping[str, Array], rng: np.random.Generator
    ) -> Block:
        """Turn what the model drew into rows."""
        columns = tuple(
            relative.read(values, before, beside, rng)
            for relative, values, before in zip(self.relatives, told.columns, last, strict=True)
        )
        return Block(self.rows.domain, columns, rows=len(told))

    def _gap_values(self, drawn: Block) -> Array:
        assert self.timing is not None
        encoding = self.timing.encodings[GAP]
        values = encoding.decode(drawn.columns, rng=Streams(0).stream("no randomness"))
        return values.cast(pl.Float64).fill_null(0).to_numpy()


def _place(step: int | Array, counts: Array, holders: int) -> Block:
    """Tell how many rows have passed, and how many are left."""
    passed = np.broadcast_to(np.asarray(step, float), counts.shape)
    axes = tuple(Axis(name, name, lattice=True, holders=holders) for name in ("#passed", "#left"))
    return Block(Domain(axes), (passed.copy(), counts - passed))


def _ahead(ahead: Array, left: Array, holders: int) -> Block:
    """Tell how far the end of each history is, and how far that is for each row that is left."""
    axes = (
        Axis("#ahead", "#ahead", lattice=True, missing=True, holders=holders),
        Axis("#pace", "#pace", missing=True, holders=holders),
    )
    return Block(Domain(axes), (ahead, ahead / np.maximum(left, 1)))


def _gap_block(gap: Array, holders: int) -> Block:
    return Block(Domain((Axis("#since", "#since", lattice=True, missing=True, holders=holders),)), (gap,))


def _stack(blocks: Sequence[Block], domain: Domain) -> Block:
    if not blocks:
        return Block(
            domain,
            tuple(np.empty(0, np.float64 if a.size is None else np.uint8) for a in domain.axes),
            rows=0,
        )
    columns = tuple(np.concatenate(parts) for parts in zip(*(block.columns for block in blocks), strict=True))
    return Block(domain, columns, rows=sum(map(len, blocks)))


@dataclass(frozen=True)
class Sibling:
    """Finished histories of a sibling that a fit may look beside.

    Parameters
    ----------
    name : str
        Its unit.
    beside : Beside
        Its rows.
    encodings : mapping of str to Encoding
        Of its columns.
    together : bool
        Whether both go by one clock.
    """

    name: str
    beside: Beside
    encodings: Mapping[str, Encoding]
    together: bool


@dataclass
class _Learning:
    """Histories on their way to the models of rows and gaps."""

    made: Extended
    static: Block
    owner: Array
    sibling: Sibling | None
    holders: int
    relatives: tuple[Relative, ...] = ()
    block: Block | None = None
    seen: Block | None = None

    def __post_init__(self) -> None:
        made = self.made
        assert made.entity is not None
        self.entity = made.entity
        self.step = np.arange(len(made.entity)) - made.begins[made.entity]
        self.left = made.counts[made.entity]
        self.gap = np.full(len(made.entity), np.nan)
        self.again = np.zeros(len(made.entity), np.int64)
        if made.now is not None:
            later = self.step > 0
            self.gap[later] = np.diff(made.now, prepend=0)[later]
            new = ~later | (self.gap != 0)
            run = np.cumsum(new) - 1
            self.again = np.arange(len(new)) - np.flatnonzero(new)[run]

    def rows(self, block: Block, encodings: Mapping[str, Encoding]) -> tuple[Block, Block]:
        """Return rows as the model learns them, and what it knows of each."""
        made = self.made
        self.block = block
        self.seen = replay(block, made.begins, made.counts)
        parts = [self.static.take(self.entity), _place(self.step, self.left, self.holders), self.seen]
        if made.clock is not None and made.now is not None:
            parts += [made.clock.look(made.now, self.holders), _gap_block(self.gap, self.holders)]
        near: dict[str, Array] = {}
        names: dict[str, tuple[str, Array | None]] = {}
        if self.sibling is not None:
            time = made.now if self.sibling.together else None
            found = self.sibling.beside.rows(self.owner[self.entity], self.step, time, self.again)
            parts.append(found)
            near = dict(zip(found.domain.names, found.columns, strict=True))
            names = _same_meaning(block, encodings, self.sibling)
        past = dict(zip(self.seen.domain.names, self.seen.columns, strict=True))
        last = [past[f"{axis.name} last"] for axis in block.domain.axes]
        self.relatives = choose_relatives(block, last, near, names)
        told = tuple(
            relative.tell(values, before, near)
            for relative, values, before in zip(self.relatives, block.columns, last, strict=True)
        )
        return Block(told_domain(self.relatives), told, rows=len(block)), glue(parts)

    def gaps(self, between: Array) -> Callable[[Block, Mapping[str, Encoding]], tuple[Block, Block]]:
        """Return what makes gaps into what the model of gaps learns."""
        made = self.made
        assert made.now is not None and made.clock is not None
        clock, before, entity = made.clock, made.now[between - 1], self.entity[between]
        counts = np.maximum(made.counts - 2, 0)
        first, span = made.ends()

        def know(block: Block, encodings: Mapping[str, Encoding]) -> tuple[Block, Block]:
            assert self.seen is not None
            parts = [
                self.static.take(entity), _place(self.step[between], made.counts[entity], self.holders),
                clock.look(before, self.holders),
                _ahead((first + span)[entity] - before, (self.left - self.step)[between], self.holders),
                replay(block, np.cumsum(counts) - counts, counts), self.seen.take(between),
            ]  # fmt: skip
            if self.sibling is not None and self.sibling.together:
                parts.append(self.sibling.beside.ahead(self.owner[entity], before, self.again[between - 1]))
            return block, glue(parts)

        return know


def _same_meaning(
    block: Block, encodings: Mapping[str, Encoding], sibling: Sibling
) -> dict[str, tuple[str, Array | None]]:
    """Find the axes of a sibling that mean the same: of a column of the same name and kind."""
    others = {axis.name: axis for axis in sibling.beside.block.domain.axes}
    found: dict[str, tuple[str, Array | None]] = {}
    for axis in block.domain.axes:
        other = others.get(axis.name)
        one, two = encodings.get(axis.column), sibling.encodings.get(axis.column)
        if other is None or one is None or two is None or one.column.kind != two.column.kind:
            continue
        if axis.size is None and other.size is None and axis.unit == other.unit:
            found[axis.name] = (f"~{axis.name}", None)
        elif isinstance(one, Codes) and isinstance(two, Codes):
            places = {level: place for place, level in enumerate(one.levels)}
            codes = [places.get(level, -1) for level in two.levels]
            codes += [len(one.levels) if one.missing else -1] * (two.size - len(codes))
            found[axis.name] = (f"~{axis.name}", np.array(codes, np.int64))
    return found


def fit_histories(
    made: Extended,
    static: Block,
    owner: Array,
    sibling: Sibling | None,
    *,
    model: str,
    options: Mapping[str, Any],
    seed: int,
    holders: int,
    progress: Progress = silent,
) -> tuple[Histories, Block]:
    """Learn how the rows of entities follow each other.

    Parameters
    ----------
    made : Extended
        The rows, entity by entity.
    static : Block
        What is known of each entity, those that are not there included.
    owner : array of int
        The row of the parent that each entity is, or that stands for it.
    sibling : Sibling or None
        Finished histories of the same parents.
    model, options, seed, holders, progress
        As for `fit_table`.

    Returns
    -------
    Histories
        The model.
    Block
        The rows as it learnt them, for siblings to know.
    """
    learning = _Learning(made, static, owner, sibling, holders)
    fit = partial(fit_table, model=model, options=options, seed=seed, holders=holders)
    timing, least = None, 0.0
    rows = fit(_intake(made.frame, made.table), progress=part(progress, 0, 0.8), learn=learning.rows)
    if made.clock is not None and made.now is not None and bool((learning.step > 0).any()):
        least = float(learning.gap[learning.step > 0].min())
        between = np.flatnonzero((learning.step > 0) & (learning.step < learning.left - 1))
        if len(between) >= holders:
            gaps = (made.now[between] - made.now[between - 1]).astype(np.int64)
            table = Table(f"{made.table.name} in time", (made.clock.gap,))
            timing = fit(
                _intake(pl.DataFrame({GAP: gaps}), table),
                progress=part(progress, 0.8, 1),
                learn=learning.gaps(between),
            )
    assert learning.block is not None
    together = sibling is not None and sibling.together
    return (
        Histories(
            rows, timing, made.clock, holders, least, learning.relatives,
            sibling.name if sibling is not None else None, together,
        ),
        learning.block,
    )  # fmt: skip


def _intake(frame: pl.DataFrame, table: Table) -> Intake:
    return Intake.of(dataset({table.name: frame}, schema=Schema((table,))))
