"""Partial rows completed: what is missing is drawn given all that is known, row by row.

Every row has particles of its own. A cell that is known sets its axis and weighs the row's particles by its chance; a
cell that is not is drawn, or, where it has few states, listed with their chances, so that nothing is left to luck. Rows
whose particles turn out to be worth little are done again with more of them. One particle of each row is picked.

Source: Doucet and Johansen 2009, "A tutorial on particle filtering and smoothing", sections 3 and 4; Fearnhead and
Clifford 2003, "On-line inference for hidden Markov models via particle filters", section 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from simulacra.completion._conditioning import Conditioner
from simulacra.completion._contradictions import find_contradictions
from simulacra.completion._gaps import all_but_missing, keep_known, number_keys, put_rows, say_rows
from simulacra.completion._known import Known
from simulacra.completion._solving import widened
from simulacra.domain import Array, Support
from simulacra.errors import ImpossibleCondition, RareCondition
from simulacra.generator import Progress, Reorderable, Sequential, silent
from simulacra.guarantees.constraints import OVER_ROWS, Guarantees
from simulacra.guarantees.tallies import Tally
from simulacra.randomness import Streams
from simulacra.sampling.decoding import Decoder
from simulacra.sampling.supports import Plan, Wish, make_plan
from simulacra.schema._kinds import said
from simulacra.schema._literals import quoted
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table

PARTICLES = 32
CHUNK = 8_192
"""Rows that are completed at a time."""
_MORE = (1, 4, 16)
"""Times the particles of rows that were worth too little with fewer."""
_ENOUGH = 4
"""A row is done again if its particles are worth fewer draws."""
_TURNS = 8
"""Times that a row is drawn anew because it broke a constraint."""


@dataclass
class Account:
    """What there is to tell of completed rows.

    Parameters
    ----------
    strange : Counter
        By column: known cells whose value the model can not draw.
    broken : Counter
        By constraint or exact relation: rows that break it.
    loose : int
        Rows in which a relation could not be held.
    again : int
        Rows that were done again with more particles.
    """

    strange: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    loose: int = 0
    again: int = 0


@dataclass(frozen=True)
class Completer:
    """Completes partial rows by a fitted model.

    Parameters
    ----------
    model : Sequential
        The fitted model.
    decoder : Decoder
        Its axes and relations.
    table : Table
        The columns and constraints.
    where : Predicate or None
        What completed rows must satisfy.
    keep : collection of str
        Columns in which null is a value, and stays.
    particles : int
        Per row, at first.

    Examples
    --------
    >>> import simulacra as sim
    >>> frame = pl.DataFrame({"a": ["x", "y"] * 200, "b": ["u", "v"] * 200})
    >>> model = sim.fit(frame, seed=0)
    >>> decoder = Decoder(model.encodings, model.domain, model.relations)
    >>> completer = Completer(model.generator, decoder, model.table)
    >>> completer.complete(pl.DataFrame({"b": ["v", "u"]}), Streams(1), Account())["a"].to_list()
    ['y', 'x']
    """

    model: Sequential
    decoder: Decoder
    table: Table
    where: Predicate | None = None
    keep: Collection[str] = ()
    particles: int = PARTICLES

    def complete(
        self, frame: pl.DataFrame, streams: Streams, account: Account, progress: Progress = silent
    ) -> pl.DataFrame:
        """Complete rows: all columns of the table, in the order of the rows.

        Parameters
        ----------
        frame : DataFrame
            Canonical values of some of the columns; nulls are filled.
        streams : Streams
            Where randomness comes from.
        account : Account
            Gets what there is to tell.
        progress : callable
            Told the share done.

        Raises
        ------
        ImpossibleCondition
            The known cells of a row do not satisfy `where`.
        RareCondition
            No completion of a row was found that does.

        Notes
        -----
        **Cost**: linear in rows; each cell behind a row's first gap costs some 30 of a free draw.
        """
        out = self._complete(frame, streams, account, progress)
        for turn in range(_TURNS):
            again = self._offenders(out, frame)
            if not len(again):
                break
            fresh = self._complete(frame[again], streams.at("among", turn), Account(), silent)
            out = put_rows(out, again, fresh)
        out = number_keys(out, frame, self.guarantees)
        for rule in self.table.constraints:
            account.broken[said(rule)] += int(find_broken(rule, out, self.table).sum())
        told = [frozenset(columns_of(rule, self.table)) for rule in self.table.constraints]
        for relation, rows in find_contradictions(frame, self.decoder, told):
            account.broken[str(relation)] += rows
        return out

    @cached_property
    def guarantees(self) -> Guarantees:
        """How the table's constraints are kept."""
        return Guarantees.of(self.table, self.decoder.encodings)

    def _complete(
        self, frame: pl.DataFrame, streams: Streams, account: Account, progress: Progress
    ) -> pl.DataFrame:
        pieces = []
        for start in range(0, max(len(frame), 1), CHUNK):
            part = frame.slice(start, CHUNK)
            known = Known.read(part, self.table, self.decoder.encodings, self.keep)
            pieces.append(
                _Chunk(self, self.guarantees, known, start, account).complete(streams.at("rows", start))
            )
            progress(min(start + CHUNK, len(frame)) / max(len(frame), 1), "completing rows")
        return pl.concat(pieces)

    def _offenders(self, out: pl.DataFrame, given: pl.DataFrame) -> Array:
        """Return the rows that break a rule among rows with a cell that was drawn."""
        wrong = np.zeros(len(out), bool)
        for rule in self.table.constraints:
            if isinstance(rule, OVER_ROWS):
                drawn = np.zeros(len(out), bool)
                for name in columns_of(rule, self.table):
                    open_ = name not in self.keep and self.table[name].kind != "key"
                    if open_:
                        drawn |= given[name].is_null().to_numpy() if name in given.columns else True
                wrong |= drawn & find_broken(rule, out, self.table).to_numpy()
        return np.flatnonzero(wrong)

    def filled(self) -> dict[int, Support]:
        """Return, by axis, all but "no value", for the columns whose gaps are filled."""
        found: dict[int, Support] = {}
        for column in self.table.columns:
            if column.name not in self.keep:
                found |= all_but_missing(self.decoder.encodings[column.name], self.decoder)
        return found


@dataclass
class _Chunk:
    """Rows that are completed together."""

    completer: Completer
    guarantees: Guarantees
    known: Known
    start: int
    account: Account

    def complete(self, streams: Streams) -> pl.DataFrame:
        for name, count in self.known.strange.items():
            self.account.strange[name] += count
        where = self.completer.where
        wishes = Wish.split([where]) if where is not None else []
        self._require_known(wishes)
        rules = Wish.split(self.guarantees.predicates, unknown=True)
        lacking = np.flatnonzero(self.known.lacking())
        self.out = self.known.frame
        self.loose = np.zeros(len(self.known), bool)
        left, turn = lacking, 0
        while len(left) and turn < _TURNS:
            own = streams.at("turn", turn)
            done = self._drawn(left, wishes, rules, own)
            self.out = put_rows(self.out, left, done)
            left = left[~self._fits(self.out[left])]
            turn += 1
        if where is not None and len(left):
            wrong = left[~where.evaluate(self.out[left]).fill_null(False).to_numpy()]
            self._require_found(wrong)
        self.account.loose += int(self.loose.sum())
        return self.out

    def _drawn(self, rows: Array, wishes: list[Wish], rules: list[Wish], streams: Streams) -> pl.DataFrame:
        """Draw completions of some rows, with more particles or fewer rules where it takes that."""
        completer, known = self.completer, self.known.take(rows)
        model = _known_first(completer.model, known, completer.decoder)
        filled = completer.filled()
        # by turns: times the particles, which relations and rules are held, whether gaps must be filled
        levels = [(more, 2, True) for more in _MORE] + [(4, 1, True), (1, 0, True), (1, 0, False)]
        arrays: dict[str, Array] = {}
        derived: dict[str, Array] = {}
        left = np.arange(len(rows))
        for level, (more, strict, full) in enumerate(levels):
            own = known.take(left)
            asked = [*wishes, *rules] if strict == 2 else wishes
            plan = make_plan(asked, completer.decoder, model.order)
            conditioner = Conditioner(
                model, completer.decoder, own, plan, filled if full else {}, self._waived(plan, own),
                strict,
            )  # fmt: skip
            particles = completer.particles * more
            drawn = conditioner.draw(particles, streams.at("level", level))
            for part, own_part in ((arrays, drawn.arrays), (derived, drawn.derived)):
                for name, values in own_part.items():
                    part.setdefault(name, np.zeros(len(rows), values.dtype))[left[drawn.rows]] = values
            found = np.zeros(len(left), bool)
            found[drawn.rows] = True
            self.loose[rows[left[drawn.rows]]] = drawn.loose[drawn.rows]
            weak = found & (drawn.worth < _ENOUGH) & (level + 1 < len(_MORE))
            left = left[~found | weak]
            self.account.again += len(left) if level < len(_MORE) else 0
            if not len(left):
                break
        self._require_found(rows[left])
        return self._finished(known, arrays, derived, streams)

    def _finished(
        self, known: Known, arrays: dict[str, Array], derived: dict[str, Array], streams: Streams
    ) -> pl.DataFrame:
        """Decode, put known cells back, and mend what breaks a rule where that touches no known cell."""
        made = []
        for name, encoding in self.completer.decoder.encodings.items():
            own = tuple(arrays[axis.name] for axis in encoding.axes) or (np.empty(len(known)),)
            # keys are counted when all rows are there
            stream = streams.stream("decode", name)
            values = encoding.decode(own, rng=stream, start=self.start)
            follows = [derived[axis.name] for axis in encoding.axes]
            if len(follows) == 1 and follows[0].any():
                values = keep_known(widened(encoding).decode(own, rng=stream), values, follows[0])
            made.append(keep_known(known.frame[name], values, known.held[name]))
        frame = pl.DataFrame(made)
        if not self.guarantees.repairs:
            return frame
        mended = self.guarantees.repair(frame, streams.at("repair"), Tally())
        touched = np.zeros(len(frame), bool)
        for name, held in known.held.items():
            touched |= held & mended[name].ne_missing(frame[name]).to_numpy()
        return pl.DataFrame([keep_known(frame[name], mended[name], touched) for name in frame.columns])

    def _fits(self, frame: pl.DataFrame) -> Array:
        fits = self.guarantees.fits(frame, Tally())
        where = self.completer.where
        return fits if where is None else fits & where.evaluate(frame).fill_null(False).to_numpy()

    def _waived(self, plan: Plan, known: Known) -> dict[int, Array]:
        """Mark, for each gated wish, the rows in which it is not for the unknown cells to keep it."""
        wishes = [wish for gate in plan.gates.values() for wish in gate.wishes]
        return {
            id(wish): np.logical_and.reduce([known.held[name] for name in wish.term.columns])
            for wish in wishes
        }

    def _require_known(self, wishes: list[Wish]) -> None:
        """Refuse rows whose known cells alone do not satisfy the condition."""
        for wish in wishes:
            held = np.logical_and.reduce([self.known.held[name] for name in wish.term.columns])
            wrong = held & ~wish.term.evaluate(self.known.frame).fill_null(False).to_numpy()
            if wrong.any():
                rows = say_rows(np.flatnonzero(wrong), self.start)
                raise ImpossibleCondition(
                    f"where {quoted(wish.term.sql)}: the known cells of {rows} do not satisfy it, and they are not "
                    "changed. Leave such rows out, or loosen it."
                )

    def _require_found(self, rows: Array) -> None:
        if len(rows):
            words = quoted(self.completer.where.sql) if self.completer.where is not None else "given"
            raise RareCondition(
                f"where {words}: no completion was found for {say_rows(rows, self.start)} among "
                f"{self.completer.particles * _MORE[-1]:,} draws each. Leave such rows out, or loosen it."
            )


def _known_first(model: Sequential, known: Known, decoder: Decoder) -> Sequential:
    """Let a model draw first what is known of most rows, if it can."""
    if not isinstance(model, Reorderable):
        return model
    share = {axis: known.told[decoder.domain.names[axis]].mean() for axis in model.order}
    first = sorted((axis for axis in model.order if share[axis] > 0), key=lambda axis: -share[axis])
    return model.ordered(first)
