"""Rows drawn from a model given what is known of each, by particles of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from simulacra.completion._crowds import Crowd
from simulacra.completion._known import NO_CHANCE, Known
from simulacra.completion._solving import closure
from simulacra.completion._ties import Ties, follow, holds, mend_order
from simulacra.domain import Array, Support
from simulacra.generator import Sequential
from simulacra.randomness import Streams
from simulacra.relations.relation import Prediction
from simulacra.sampling.decoding import Decoder
from simulacra.sampling.supports import Gate, Plan, intersect

_FLOOR = float(np.log(1e-9))
"""A known value counts as this likely at least: a row of the world may be one that the model never draws."""
_LISTED = 2
"""Times the particles of a row that its states may be listed, and kept, instead of drawn."""


@dataclass(frozen=True)
class Drawn:
    """Completed rows.

    Parameters
    ----------
    rows : array of int
        Which of the rows found a completion, ascending.
    arrays : dict of str to array
        By axis: whole values of those rows.
    derived : dict of str to array of bool
        By axis: whether its value follows from known cells.
    worth : array
        By row: effective draws behind it.
    loose : array of bool
        By row: whether relations were let go.
    """

    rows: Array
    arrays: dict[str, Array]
    derived: dict[str, Array]
    worth: Array
    loose: Array


@dataclass
class Conditioner:
    """Draws completions of some rows.

    Parameters
    ----------
    model : Sequential
        The fitted model.
    decoder : Decoder
        Its axes and relations.
    known : Known
        The rows.
    plan : Plan
        Limits and gates, for the cells that are not known.
    filled : dict of int to Support
        By axis: all but "no value", for cells that must be filled.
    waived : list of array
        By wish of the plan's gates (by ``id``): rows whose known cells alone decide it.
    strict : int
        2: relations must give known targets back; 1: sums and products must; 0: none need.
    """

    model: Sequential
    decoder: Decoder
    known: Known
    plan: Plan
    filled: Mapping[int, Support]
    waived: Mapping[int, Array]
    strict: int = 2
    _marked: set[str] = field(default_factory=set)
    _read_later: set[str] = field(default_factory=set)

    def draw(self, particles: int, rng: Streams) -> Drawn:
        """Draw one completion for each row."""
        order, names = self.model.order, self.decoder.domain.names
        self.ties = Ties.of(self.known, self.decoder, order, strict=self.strict)
        self.stage = {names[axis]: place for place, axis in enumerate(order)}
        self.place = -1
        self.draft: Any = self.model.start(len(self.known))
        self.crowd = Crowd.start(len(self.known))
        self._marked = set()
        self._read_later = self._judged_axes()
        worth = np.full(len(self.known), np.inf)
        for place, axis in enumerate(order):
            own = rng.at("stage", place)
            if self._advance(place, axis, particles, own):
                worth = np.minimum(worth, self.crowd.worth())
        worth = np.minimum(worth, self.crowd.worth())
        rows, picked = self.crowd.pick(rng.stream("pick"))
        self._take(picked)
        block = self.model.finish(self.draft, rng.at("finish"))
        arrays = self._rebuild(dict(zip(names, block.columns, strict=True)), rows)
        derived = {name: (told & ~self.known.told[name])[rows] for name, told in self.ties.whole.items()}
        for relation in self.decoder.relations:
            mend_order(
                relation, arrays, derived, {name: told[rows] for name, told in self.ties.whole.items()}
            )
            if isinstance(relation, Prediction) and relation.exact:
                derived[relation.target][:] = True
        return Drawn(rows, arrays, derived, worth, self.ties.loose)

    def _advance(self, place: int, axis: int, particles: int, rng: Streams) -> bool:
        """Draw or set an axis; tell whether anything was left to chance or judged."""
        spec = self.decoder.domain.axes[axis]
        name = spec.name
        owner = self.crowd.owner
        values, held = self.ties.given[name][owner], self.ties.told[name][owner]
        told, dead = held.copy(), np.zeros(len(owner), bool)
        for tie in self.ties.ties.get(place, ()):
            follows = tie.rows[owner]
            if follows.any():
                others = [part for part in (*tie.relation.sources, *tie.relation.targets) if part != name]
                arrays = self._whole(others, rng) | {name: values}
                left = self._read(tie.relation.targets[0], rng) if tie.drawn else None
                # a target is told whole, though the model sees what is left of it
                arrays |= {part: self.ties.values[part][self.crowd.owner] for part in tie.relation.targets}
                found, right = follow(tie, name, arrays, left, self.decoder)
                values = np.where(follows, np.where(right, found, 0.0), values)
                dead |= follows & ~right
                held = held | follows
        size = spec.size or 0
        share = None
        copies = np.ones(len(owner), np.int64)
        free = ~held
        listed = np.zeros(len(owner), bool)
        support = self._support(axis)
        if free.any():
            states = np.bincount(owner[free], minlength=self.crowd.rows)[owner] * size
            listed = free & (states > 0) & (states <= _LISTED * particles)
            copies = self.crowd.copies(free & ~listed, particles)
            copies[listed] = size
        drawn = free & ~listed
        if (copies != 1).any():
            index = np.repeat(np.arange(len(owner)), copies)
            first = np.cumsum(copies) - copies
            codes = np.arange(len(index)) - first[index]
            self._take(index)
            values, held, told, dead, listed, drawn = (
                part[index] for part in (values, held, told, dead, listed, drawn)
            )
            share = np.log(copies[index])
            values = np.where(listed, codes, values).astype(values.dtype)
        # a cell that keeps a value unknown to the model is not limited, so then limits are judged after drawing
        aside = self.known.held[spec.column][self.crowd.owner] & ~held
        limits = support if drawn.any() and not aside.any() else None
        step = self.model.step(
            self.draft, axis, support=limits, given=values, held=held | listed,
            rng=rng,
        )  # fmt: skip
        step = np.where(told, np.maximum(step, _FLOOR), step)
        if support is not None and support.levels is not None and listed.any():
            with np.errstate(divide="ignore"):
                allowed = np.log(support.levels[np.where(listed, values, 0).astype(np.int64)])
            step = np.where(listed & ~aside, step + allowed, step)
        if support is not None and limits is None and drawn.any():
            barred = ~support.holds(self._read(name, rng))
            step = np.where(drawn & ~aside & barred, -np.inf, step)
        if share is not None:
            step = np.where(drawn, step - share, step)
        log = np.where(dead, -np.inf, self.crowd.log + step)
        doubt = np.where(drawn, 1.0, self.crowd.doubt)
        self.crowd = Crowd(self.crowd.rows, self.crowd.owner, log, doubt, self.crowd.mark)
        self.place = place
        fresh = drawn | listed
        if fresh.any():
            self.crowd = self.crowd.marked(self.model.codes(self.draft, axis), fresh)
            if name in self._read_later:
                # what is judged by its value may not fall together with others of its bin
                self._read(name, rng)
        self._judge(place, rng)
        worth = self.crowd.worth() if fresh.any() or dead.any() else None
        if drawn.any():
            self.crowd, index = self.crowd.merged(drawn)
            self._keep(index)
        if fresh.any() or (self.crowd.log == -np.inf).any():
            self.crowd, index = self.crowd.thinned(_LISTED * particles, particles, rng.stream("thin"))
            self._keep(index)
        return worth is not None

    def _judged_axes(self) -> set[str]:
        """Return the axes whose values are looked at before rows are finished."""
        names = self.decoder.domain.names
        axes = {names[axis] for gate in self.plan.gates.values() for axis in gate.axes}
        tied = [tie.relation for ties in self.ties.ties.values() for tie in ties]
        for relation in [
            *tied,
            *(relation for checks in self.ties.checks.values() for relation, _ in checks),
        ]:
            axes |= {*relation.sources, *relation.targets}
        return closure(sorted(axes), self.decoder.rebuilt)

    def _support(self, axis: int) -> Support | None:
        limits, filled = self.plan.support(axis), self.filled.get(axis)
        if limits is None or filled is None:
            return limits or filled
        return intersect(limits, filled)

    def _take(self, index: Array) -> None:
        self.crowd = self.crowd.take(index)
        self.draft = self.draft.take(index)

    def _keep(self, index: Array) -> None:
        """Keep the drafts of particles of a crowd that has shrunk already."""
        if len(index) < len(self.draft):
            self.draft = self.draft.take(index)

    def _judge(self, place: int, rng: Streams) -> None:
        kept = np.ones(len(self.crowd), bool)
        for relation, rows in self.ties.checks.get(place, ()):
            judged = rows[self.crowd.owner]
            if judged.any():
                arrays = self._whole([*relation.sources, *relation.targets], rng)
                left = {name: self._read(name, rng) for name in relation.targets}
                kept &= ~judged | holds(relation, arrays, left)
        gate = self.plan.gates.get(place + 1)
        if gate is not None:
            kept &= self._judge_gate(gate, rng)
        if not kept.all():
            crowd = self.crowd
            log = np.where(kept, crowd.log, -np.inf)
            self.crowd = Crowd(crowd.rows, crowd.owner, log, crowd.doubt, crowd.mark)

    def _judge_gate(self, gate: Gate, rng: Streams) -> Array:
        columns = sorted({name for wish in gate.wishes for name in wish.term.columns})
        axes = [axis.name for name in columns for axis in self.decoder.encodings[name].axes]
        arrays = self._whole(axes, rng)
        frame = self._decode(columns, arrays)
        kept = np.ones(len(self.crowd), bool)
        for wish in gate.wishes:
            fits = wish.term.evaluate(frame).fill_null(wish.unknown).to_numpy()
            kept &= fits | self.waived[id(wish)][self.crowd.owner]
        return kept

    def _decode(self, columns: Sequence[str], arrays: Mapping[str, Array]) -> pl.DataFrame:
        made = []
        for name in columns:
            encoding = self.decoder.encodings[name]
            values = encoding.decode(tuple(arrays[axis.name] for axis in encoding.axes), rng=NO_CHANCE)
            held = pl.Series(self.known.held[name][self.crowd.owner])
            own = self.known.frame[name].gather(self.crowd.owner)
            made.append(pl.select(pl.when(held).then(own).otherwise(values).alias(name)).to_series())
        return pl.DataFrame(made)

    def _read(self, name: str, rng: Streams) -> Array:
        values = self.model.read(self.draft, self.decoder.places[name], rng)
        if name not in self._marked:
            self._marked.add(name)
            self.crowd = self.crowd.marked(values, ~self.ties.told[name][self.crowd.owner])
        return values

    def _whole(self, names: Sequence[str], rng: Streams) -> dict[str, Array]:
        """Return whole values of axes for every particle; they mean nothing where something is not drawn yet."""
        owner = self.crowd.owner
        needed = closure(names, self.decoder.rebuilt)
        arrays = {
            name: self._read(name, rng) if self.stage[name] <= self.place else self.ties.values[name][owner]
            for name in sorted(needed)
        }
        return self._rebuild(arrays, owner)

    def _rebuild(self, arrays: dict[str, Array], owner: Array) -> dict[str, Array]:
        """Put relations back; what is known stays."""
        whole, known = self.ties.whole, self.ties.values
        for name in arrays:
            if name not in self.decoder.rebuilt:
                arrays[name] = np.where(whole[name][owner], known[name][owner], arrays[name])
        for relation in self.decoder.relations:
            if all(name in arrays for name in (*relation.targets, *relation.sources)):
                for name, values in relation.put_back(arrays).items():
                    arrays[name] = np.where(whole[name][owner], known[name][owner], values)
        return arrays
