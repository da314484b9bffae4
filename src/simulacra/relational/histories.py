"""Rows that belong to rows of a parent, drawn step by step: all entities advance together.

A row is drawn given its entity (the parent's columns, its own parents' in turn, how many rows it has, what its finished
rows in sibling tables are like), its place in the history, the time since the row before, and what the earlier rows
were like. Where the rows have an order in time, the gap is drawn first and the other columns after it, so that they
know the day. The cost is steps x columns, and not entities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from simulacra.dataset import dataset
from simulacra.domain import Array, Axis, Block, Domain
from simulacra.fitting import fit_table
from simulacra.generator import Progress, silent
from simulacra.intake import Intake
from simulacra.randomness import Streams
from simulacra.relational.clocks import GAP, Clock
from simulacra.relational.extension import Extended
from simulacra.relational.past import Past, active_at, glue, replay
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
    """

    rows: Synthesizer
    timing: Synthesizer | None
    clock: Clock | None
    holders: int

    def draw(
        self, counts: Array, static: Block, first: Array | None, rng: Streams, progress: Progress = silent
    ) -> Drawn:
        """Draw the rows of entities.

        Parameters
        ----------
        counts : array of int, shape (entities,)
            How many rows each has.
        static : Block
            What is known of each entity.
        first : array or None
            Where the first row of each stands on the clock.
        rng : Streams
            Where randomness comes from.
        progress : callable
            Told the share done.

        Returns
        -------
        Drawn
            The rows, entity by entity.
        """
        order = np.argsort(-counts, kind="stable")
        counts, static = counts[order], static.take(order)
        now = first[order].copy() if first is not None else None
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
            if now is not None and step:
                assert self.timing is not None and gaps is not None and self.clock is not None
                before = Block(Domain(gaps.axes), tuple(gaps.features(active)), rows=active)
                known = glue([own, _place(step, counts[:active], self.holders),
                              self.clock.look(now[:active], self.holders), before, seen])  # fmt: skip
                drawn = self.timing.generator.sample(active, context=known, rng=rng.at("gap", step))
                gaps.add(drawn)
                gap = self._gap_values(drawn)
                now[:active] += gap
            parts = [own, _place(step, counts[:active], self.holders), seen]
            if now is not None and self.clock is not None:
                parts += [self.clock.look(now[:active], self.holders), _gap_block(gap, self.holders)]
                times.append(now[:active].copy())
            row = self.rows.generator.sample(active, context=glue(parts), rng=rng.at("row", step))
            past.add(row)
            pieces.append(row)
            progress((step + 1) / steps, f"drawing {self.rows.table.name}")
        entity = (
            np.concatenate([order[: len(piece)] for piece in pieces]) if pieces else np.zeros(0, np.int64)
        )
        sort = np.argsort(entity, kind="stable")
        block = _stack(pieces, self.rows.domain).take(sort)
        return Drawn(block, entity[sort], np.concatenate(times)[sort] if times else None)

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


def fit_histories(
    made: Extended,
    static: Block,
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
    model, options, seed, holders, progress
        As for `fit_table`.

    Returns
    -------
    Histories
        The model.
    Block
        The rows as it learnt them, for siblings to know.
    """
    entity, counts, begins = made.entity, made.counts, made.begins
    assert entity is not None
    step = np.arange(len(entity)) - begins[entity]
    left = counts[entity]
    learnt: list[Block] = []
    features: list[Block] = []
    gap = np.full(len(entity), np.nan)
    if made.now is not None:
        later = step > 0
        gap[later] = np.diff(made.now, prepend=0)[later]

    def know(block: Block) -> Block:
        seen = replay(block, begins, counts)
        learnt.append(block)
        features.append(seen)
        parts = [static.take(entity), _place(step, left, holders), seen]
        if made.clock is not None and made.now is not None:
            parts += [made.clock.look(made.now, holders), _gap_block(gap, holders)]
        return glue(parts)

    rows = fit_table(
        _intake(made.frame, made.table), model=model, options=options, seed=seed, holders=holders,
        progress=progress, context=know,
    )  # fmt: skip
    timing = None
    if made.clock is not None and made.now is not None and bool((step > 0).any()):
        timing = _fit_timing(made, static, features[0], gap, step, model, options, seed, holders)
    return Histories(rows, timing, made.clock, holders), learnt[0]


def _fit_timing(
    made: Extended,
    static: Block,
    seen: Block,
    gap: Array,
    step: Array,
    model: str,
    options: Mapping[str, Any],
    seed: int,
    holders: int,
) -> Synthesizer:
    """Learn the gap before each row but the first of an entity."""
    assert made.entity is not None and made.clock is not None and made.now is not None
    later = np.flatnonzero(step > 0)
    counts = np.maximum(made.counts - 1, 0)
    clock, before, entity = made.clock, made.now[later - 1], made.entity[later]

    def know(block: Block) -> Block:
        gaps = replay(block, np.cumsum(counts) - counts, counts)
        place = _place(step[later], made.counts[entity], holders)
        return glue([static.take(entity), place, clock.look(before, holders), gaps, seen.take(later)])

    name = f"{made.table.name} in time"
    frame = pl.DataFrame({GAP: gap[later].astype(np.int64)})
    return fit_table(
        _intake(frame, Table(name, (clock.gap,))), model=model, options=options, seed=seed, holders=holders,
        context=know,
    )  # fmt: skip


def _intake(frame: pl.DataFrame, table: Table) -> Intake:
    return Intake.of(dataset({table.name: frame}, schema=Schema((table,))))
