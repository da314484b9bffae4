"""Histories on their way: all entities advance together, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from simulacra.domain import Array, Block, Domain, code_dtype
from simulacra.randomness import Streams
from simulacra.relational.histories.alongside import Alongside
from simulacra.relational.histories.baselines import find_public
from simulacra.relational.histories.beginnings import Begun
from simulacra.relational.histories.choosing import Step
from simulacra.relational.histories.past import Past, active_at
from simulacra.relational.histories.stepping import Stepper
from simulacra.relational.histories.surroundings import tell_ahead, tell_gap, tell_next, tell_place
from simulacra.relational.histories.wanted import TRIES, Drawn, Wanted

if TYPE_CHECKING:
    from simulacra.relational.histories.histories import Histories


class Run:
    """Histories on their way; entities with more rows stand first."""

    def __init__(self, model: Histories, wanted: Wanted, rng: Streams) -> None:
        self.model, self.rng, self.judge, self.beside = model, rng, wanted.judge, wanted.beside
        self.choose = wanted.choose
        self.order = np.argsort(-wanted.counts, kind="stable")
        self.counts = wanted.counts[self.order]
        static = wanted.static.take(self.order)
        self.owner = self.order if wanted.owner is None else wanted.owner[self.order]
        self.again = np.zeros(len(self.counts), np.int64)
        self.now = self.goal = None
        if wanted.ends is not None:
            self.now = wanted.ends[0][self.order].copy()
            self.goal = self.now + np.nan_to_num(wanted.ends[1][self.order])
            last = np.inf if wanted.beyond else model.last
            self.goal = np.maximum(
                np.minimum(self.goal, last), self.now + model.least * np.maximum(self.counts - 1, 0)
            )
        self.along: Alongside | None = None
        if model.within and self.beside is not None and self.now is not None and self.goal is not None:
            self.along = Alongside(self.beside, self.owner, self.now, self.goal)
            self.now = self.along.times(self.along.row, self.now)
            self.goal = np.maximum(self.along.times(self.along.goal, self.goal), self.now)
            self.target = self.along.row
        self.begun = Begun(wanted.begun, self.order) if wanted.begun is not None else None
        self.who = find_public(static) if model.baseline.standings else None
        self.past = Past(model.baseline.tell(model.rows.domain), len(self.counts))
        self.rows = Stepper(model.rows.generator, static)
        self.gaps: Past | None = None
        if model.timing is not None:
            self.gaps = Past(model.timing.domain, len(self.counts))
            self.timing = Stepper(model.timing.generator, static)
        self.pieces: list[Block] = []
        self.times: list[Array] = []
        self.places: list[Array] = []

    def advance(self, step: int) -> None:
        """Draw the next row of all entities that have one."""
        active = active_at(self.counts, step)
        gap = np.full(active, np.nan)
        if self.now is not None and step:
            gap = self._pass_time(step, active)
        elif self.now is not None and self.begun is not None:
            self.begun.put_times(self.now, active, step)
        if self.along is not None:
            self._look_ahead(step, active)
        row = self._draw_row(step, active, gap)
        who = None if self.who is None else self.who[:active]
        self.past.add(self.model.baseline.take_out(row, self.model.days(self.now, active), who))
        self.pieces.append(row)
        if self.now is not None:
            self.times.append(self.now[:active].copy())
        if self.along is not None:
            self.places.append(np.where(self.along.held, self.along.row, -1)[:active])

    def finish(self) -> Drawn:
        """Return all rows, entity by entity."""
        if not self.pieces:
            return Drawn(_no_rows(self.model.rows.domain), np.zeros(0, np.int64), None, None)
        entity = np.concatenate([self.order[: len(piece)] for piece in self.pieces])
        sort = np.argsort(entity, kind="stable")
        columns = zip(*(piece.columns for piece in self.pieces), strict=True)
        block = Block(
            self.model.rows.domain, tuple(np.concatenate(parts)[sort] for parts in columns), rows=len(sort)
        )
        now = np.concatenate(self.times)[sort] if self.times else None
        places = np.concatenate(self.places)[sort] if self.places else None
        return Drawn(block, entity[sort], now, places)

    def _pass_time(self, step: int, active: int) -> Array:
        """Move on to the time of the next row, and return how long that is."""
        assert self.now is not None and self.goal is not None
        if self.along is not None:
            gap = self.along.times(self.target[:active], self.now) - self.now[:active]
        else:
            gap = self.goal[:active] - self.now[:active]  # the last row stands where the history ends
            later = active_at(self.counts, step + 1)
            if later and self.gaps is not None:
                gap[:later] = self._draw_gap(step, later, gap[:later])
        if self.begun is not None:  # the last row of a history may be known too
            gap = self.begun.put_gaps(gap, self.now[:active], step)
        if self.along is not None:
            self._follow(gap)
            self.along.move(self.target[:active])
        self.now[:active] += gap
        self.again[:active] = np.where(gap == 0, self.again[:active] + 1, 0)
        return gap

    def _look_ahead(self, step: int, active: int) -> None:
        """Draw the sibling's rows that the next rows belong to, before the present ones are drawn."""
        assert self.along is not None and self.goal is not None and self.now is not None
        self.target = self.along.goal[:active].copy()
        later = active_at(self.counts, step + 2)
        if later and self.gaps is not None:
            self._draw_gap(step + 1, later, (self.goal - self.now)[:later])

    def _draw_gap(self, step: int, rows: int, ahead: Array) -> Array:
        """Draw the gap before a row that is not the last of its history."""
        model, now = self.model, self.now
        assert (
            self.gaps is not None and model.timing is not None and model.clock is not None and now is not None
        )
        left = self.counts[:rows] - step
        parts = [
            tell_place(step, self.counts[:rows], model.holders), model.clock.look(now[:rows], model.holders),
            tell_ahead(ahead, left, model.holders), self.gaps.look(rows), self.past.look(rows),
        ]  # fmt: skip
        if self.along is not None:
            parts += [self.along.beyond(rows, left), self.along.look(rows)]
        elif self.beside is not None and model.together:
            parts.append(self.beside.ahead(self.owner[:rows], now[:rows], self.again[:rows]))
        room = np.maximum(ahead - model.least * (left - 1), model.least)
        # gaps are whole positions, so that what is drawn is their value
        gap = self._long(self.timing.draw(rows, parts, self.rng.at("gap", step)), np.arange(rows))
        # one that leads beyond the end is cut: drawing it anew would make all but the last too short
        gap = np.clip(gap, model.least, room)
        if self.begun is not None:
            gap = self.begun.put_gaps(self._wait(gap, room, step), now[:rows], step)
        told = gap
        if self.along is not None:
            self._follow(gap)
            told = (self.target[:rows] - self.along.row[:rows]).astype(float)
        self.gaps.add(Block(self.gaps.domain, (told,)))
        return gap

    def _follow(self, gap: Array) -> None:
        """Let histories that go along others arrive where the gaps lead, if these have become others."""
        assert self.along is not None and self.now is not None
        now, owner = self.now[: len(gap)], self.along.owner[: len(gap)]
        moved = self.along.times(self.target[: len(gap)], now + gap) != now + gap
        if moved.any():
            rows = self.along.beside.row_at(owner[moved], (now + gap)[moved])
            self.target[: len(gap)][moved] = np.maximum(rows, self.along.row[: len(gap)][moved])

    def _long(self, told: Block, places: Array) -> Array:
        """Return how long the drawn gaps of some histories are."""
        gap = np.nan_to_num(told.columns[0])
        if self.along is None or self.now is None:
            return gap
        self.target[places] = self.along.reach(gap, places)
        now = self.now[places]
        return self.along.times(self.target, self.now)[places] - now if len(places) else now

    def _wait(self, gap: Array, room: Array, step: int) -> Array:
        """Draw gaps anew that end while it is known that nothing happened."""
        assert self.begun is not None and self.now is not None and self.model.timing is not None
        short = self.begun.too_soon(gap, self.now[: len(gap)], step)
        for attempt in range(TRIES):
            if not len(short):
                return gap
            rng = self.rng.at("gap", step, attempt)
            drawn = self._long(self.timing.again(short, rng), short)
            gap[short] = np.clip(drawn, self.model.least, room[short])
            short = short[np.isin(short, self.begun.too_soon(gap, self.now[: len(gap)], step))]
        quiet = self.begun.since + 1 - self.now[short]
        gap[short] = np.clip(quiet, self.model.least, np.maximum(room[short], self.model.least))
        return gap

    def _draw_row(self, step: int, active: int, gap: Array) -> Block:
        model, now = self.model, self.now
        parts = [tell_place(step, self.counts[:active], model.holders), self.past.look(active)]
        if now is not None and model.clock is not None:
            parts += [
                model.clock.look(now[:active], model.holders),
                tell_gap(gap, self.again[:active], model.holders),
            ]
        near: dict[str, Array] = {}
        if self.beside is not None:
            time = now[:active] if now is not None and model.together else None
            if self.along is not None:
                found = self.along.look(active)
                steps = self.target[:active] - self.along.row[:active]
                parts.append(tell_next(steps, self.counts[:active] > step + 1))
            else:
                found = self.beside.rows(
                    self.owner[:active], np.full(active, step), time, self.again[:active]
                )
            parts.append(found)
            near = dict(zip(found.domain.names, found.columns, strict=True))
        rng, last = self.rng.at("row", step), self.past.last(active)
        who = None if self.who is None else self.who[:active]
        row = self._read(self.rows.draw(active, parts, rng), last, near, rng, now, who)
        again = partial(self._anew, last, near)
        if self.judge is not None:
            row = self._mend(row, last, near, rng)
        if self.begun is not None:
            row = self.begun.put_rows(row, step, again, rng)
        if self.choose is not None:
            time = None if now is None else now[:active].copy()
            row = self.choose(
                row, Step(self.order[:active], self.counts[:active] - step - 1, time, again, rng.at("chosen"))
            )
        return row

    def _mend(self, row: Block, last: Sequence[Array], near: Mapping[str, Array], rng: Streams) -> Block:
        """Draw rows anew that are not fine."""
        assert self.judge is not None
        now = None if self.now is None else self.now[: len(row)]
        bad = np.flatnonzero(~self.judge(row, self.order[: len(row)], now))
        columns = [column.copy() for column in row.columns]
        for attempt in range(TRIES):
            if not len(bad):
                break
            own = rng.at("again", attempt)
            drawn = self._anew(last, near, bad, own)
            for column, values in zip(columns, drawn.columns, strict=True):
                column[bad] = values
            bad = bad[~self.judge(drawn, self.order[bad], None if now is None else now[bad])]
        return Block(row.domain, tuple(columns), rows=len(row))

    def _anew(self, last: Sequence[Array], near: Mapping[str, Array], rows: Array, rng: Streams) -> Block:
        """Draw the present row of some entities anew."""
        return self._read(
            self.rows.again(rows, rng),
            [values[rows] for values in last],
            {name: values[rows] for name, values in near.items()},
            rng,
            None if self.now is None else self.now[rows],
            None if self.who is None else self.who[rows],
        )

    def _read(
        self,
        told: Block,
        last: Sequence[Array],
        beside: Mapping[str, Array],
        rng: Streams,
        now: Array | None,
        who: Array | None,
    ) -> Block:
        """Turn what the model drew into rows."""
        spare = rng.stream("spare")
        columns = tuple(
            relative.read(values, before, beside, spare)
            for relative, values, before in zip(self.model.relatives, told.columns, last, strict=True)
        )
        block = Block(self.model.rows.domain, columns, rows=len(told))
        return self.model.baseline.put_back(block, self.model.days(now, len(told)), who)


def _no_rows(domain: Domain) -> Block:
    columns = tuple(
        np.empty(0, float if axis.size is None else code_dtype(axis.size)) for axis in domain.axes
    )
    return Block(domain, columns, rows=0)
