"""Learning histories: rows given what came before them, and the gaps between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from simulacra.dataset import dataset
from simulacra.domain import Array, Block
from simulacra.encoding import Encoding
from simulacra.encodings._codes import Codes
from simulacra.fitting import fit_table
from simulacra.generator import Progress, part, silent
from simulacra.intake import Intake
from simulacra.privacy.holders import count_owners, find_ends
from simulacra.relational.extension import Extended
from simulacra.relational.histories.baselines import Baseline, find_baseline, find_public
from simulacra.relational.histories.beside import Beside
from simulacra.relational.histories.clocks import GAP
from simulacra.relational.histories.histories import Histories
from simulacra.relational.histories.past import glue, replay
from simulacra.relational.histories.relative import Relative, choose_relatives, told_domain
from simulacra.relational.histories.surroundings import tell_ahead, tell_gap, tell_next, tell_place
from simulacra.schema.types import Schema, Table

SETTINGS: dict[str, dict[str, Any]] = {
    "trees": {"trees": 3, "grow_rows": 80_000, "max_predictors": 40, "keen": 8}
}
"""Settings of models for histories, where the user gives none: a context has many axes, most of which say the same, so
that a scouting tree had better choose; and what must agree (a sibling's row, the rows before) needs many rows to learn
from rather than many trees."""
FEW_COLUMNS = 4
NARROW: dict[str, dict[str, Any]] = {"trees": {"trees": 6, "grow_rows": 45_000, "max_predictors": 60}}
"""The same for rows of few columns, which can afford more."""
IN_TIME: dict[str, dict[str, Any]] = {"trees": {"trees": 6, "max_predictors": 60}}
"""The same for gaps, which are one column only."""


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
    rows : array of int or None
        The row of it that each row belongs to, -1 for none; None where they do not.
    """

    name: str
    beside: Beside
    encodings: Mapping[str, Encoding]
    together: bool
    rows: Array | None


@dataclass
class _Learning:
    """Histories on their way to the models of rows and gaps."""

    made: Extended
    static: Block
    owner: Array
    sibling: Sibling | None
    holders: int
    holding: Array | None = None
    relatives: tuple[Relative, ...] = ()
    block: Block | None = None
    seen: Block | None = None
    baseline: Baseline = field(default_factory=Baseline)
    along: Array = field(default_factory=partial(np.zeros, 0, np.int64))
    same: Array = field(default_factory=partial(np.zeros, 0, np.int64))

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
        self.baseline = find_baseline(
            block, self.static, self.entity, made.clock, made.now, self.holders, self.holding
        )
        who = find_public(self.static)
        days = made.clock.days(made.now) if made.clock is not None and made.now is not None else None
        block = self.baseline.take_out(block, days, None if who is None else who[self.entity])
        self.seen = replay(block, made.begins, made.counts)
        parts = [self.static.take(self.entity), tell_place(self.step, self.left, self.holders), self.seen]
        if made.clock is not None and made.now is not None:
            parts += [made.clock.look(made.now, self.holders), tell_gap(self.gap, self.again, self.holders)]
        near: dict[str, Array] = {}
        names: dict[str, tuple[str, Array | None]] = {}
        if self.sibling is not None:
            time, whom = made.now if self.sibling.together else None, self.owner[self.entity]
            if self.sibling.rows is None:
                found = self.sibling.beside.rows(whom, self.step, time, self.again)
            else:
                self._go_along(self.sibling, whom)
                found = self.sibling.beside.stand(whom, self.along, self.same)
                steps = np.append(np.diff(self.along), 0)
                parts.append(tell_next(steps, self.step < self.left - 1))
            parts.append(found)
            near = dict(zip(found.domain.names, found.columns, strict=True))
            names = _same_meaning(block, encodings, self.sibling)
        past = dict(zip(self.seen.domain.names, self.seen.columns, strict=True))
        last = [past[f"{axis.name} last"] for axis in block.domain.axes]
        # what has a level of its own repeats nothing
        names = {name: other for name, other in names.items() if name not in self.baseline.names}
        self.relatives = choose_relatives(block, last, near, names)
        told = tuple(
            relative.tell(values, before, near)
            for relative, values, before in zip(self.relatives, block.columns, last, strict=True)
        )
        return Block(told_domain(self.relatives), told, rows=len(block)), glue(parts)

    def _go_along(self, sibling: Sibling, whom: Array) -> None:
        """Find the sibling's row that each row belongs to, and how many before it belong to the same."""
        assert sibling.rows is not None and self.made.now is not None
        nearest = sibling.beside.row_at(whom, self.made.now)
        self.along = np.where(sibling.rows >= 0, sibling.rows, nearest)
        new = (self.step == 0) | (np.diff(self.along, prepend=-1) != 0)
        self.same = np.arange(len(new)) - np.flatnonzero(new)[np.cumsum(new) - 1]

    def gaps(self, between: Array) -> Callable[[Block, Mapping[str, Encoding]], tuple[Block, Block]]:
        """Return what makes gaps into what the model of gaps learns."""
        made = self.made
        assert made.now is not None and made.clock is not None
        clock, before, entity = made.clock, made.now[between - 1], self.entity[between]
        counts = np.maximum(made.counts - 2, 0)
        first, span = made.ends()

        def know(block: Block, encodings: Mapping[str, Encoding]) -> tuple[Block, Block]:
            assert self.seen is not None
            left = (self.left - self.step)[between]
            parts = [
                self.static.take(entity), tell_place(self.step[between], made.counts[entity], self.holders),
                clock.look(before, self.holders),
                tell_ahead((first + span)[entity] - before, left, self.holders),
                replay(block, np.cumsum(counts) - counts, counts),
            ]  # fmt: skip
            if self.sibling is not None and self.sibling.rows is not None:
                # how far the next row goes on is drawn before this one, which so knows whether it is the only one
                last, whom, beside = between - 1, self.owner[entity], self.sibling.beside
                along, same = self.along[last], self.same[last]
                parts += [
                    self.seen.take(last),
                    beside.beyond(whom, along, same, left),
                    beside.stand(whom, along, same),
                ]
                return block, glue(parts)
            parts.append(self.seen.take(between))
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
    owners: Array | None = None,
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
    model, options, seed, holders, owners, progress
        As for `fit_table`.

    Returns
    -------
    Histories
        The model.
    Block
        The rows as it learnt them, for siblings to know.
    """
    learning = _Learning(made, static, owner, sibling, holders, owners)
    fit = partial(fit_table, model=model, seed=seed, holders=holders)
    wide = len(made.table.columns) > FEW_COLUMNS
    settings, in_time = (
        {**defaults.get(model, {}), **options} for defaults in (SETTINGS if wide else NARROW, IN_TIME)
    )
    timing, least = None, 0.0
    rows = fit(
        _intake(made.frame, made.table),
        options=settings,
        progress=part(progress, 0, 0.8),
        learn=learning.rows,
        owners=owners,
    )
    if made.clock is not None and made.now is not None and bool((learning.step > 0).any()):
        least = _shortest(learning, owners)
        between = np.flatnonzero((learning.step > 0) & (learning.step < learning.left - 1))
        whose = None if owners is None else owners[between]
        if (len(between) if whose is None else count_owners(whose)) >= holders:
            gaps = made.now[between] - made.now[between - 1]
            if sibling is not None and sibling.rows is not None:
                gaps = np.maximum(learning.along[between] - learning.along[between - 1], 0)
            table = Table(f"{made.table.name} in time", (made.clock.gap,))
            timing = fit(
                _intake(pl.DataFrame({GAP: gaps.astype(np.int64)}), table),
                options=in_time,
                progress=part(progress, 0.8, 1),
                learn=learning.gaps(between),
                owners=whose,
            )
    assert learning.block is not None
    together = sibling is not None and sibling.together
    return (
        Histories(
            rows, timing, made.clock, holders, least, learning.relatives,
            sibling.name if sibling is not None else None, together, learning.baseline, _last(made, holders, owners),
            sibling is not None and sibling.rows is not None, made.anchors,
        ),
        learning.block,
    )  # fmt: skip


def _last(made: Extended, holders: int, owners: Array | None) -> float:
    """Return the end of the clock: the k-th largest time."""
    if made.now is None or not len(made.now):
        return float("inf")
    ends = find_ends(made.now, min(holders, len(made.now)), owners)
    return float("inf") if ends is None else ends[1]


def _shortest(learning: _Learning, owners: Array | None) -> float:
    """Return the smallest gap between rows that enough holders have, or 0."""
    later = learning.step > 0
    gaps = learning.gap[later]
    if owners is None:
        return float(gaps.min())
    ends = find_ends(gaps, learning.holders, owners[later])
    return 0.0 if ends is None else ends[0]


def _intake(frame: pl.DataFrame, table: Table) -> Intake:
    return Intake.of(dataset({table.name: frame}, schema=Schema((table,))))
