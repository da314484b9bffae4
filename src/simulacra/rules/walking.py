"""Walks through state machines: all parents of a unit together, step by step."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from simulacra.errors import SchemaError
from simulacra.randomness import Streams
from simulacra.rule import Rows
from simulacra.rules.machines import Machine, Moves, Weights
from simulacra.rules.moments import from_micros, to_micros
from simulacra.schema.formulas import Formula
from simulacra.schema.types import Table

MOST_IDLE = 1_000
"""Steps in a row in which nobody's time passes, at most: such a machine would never end."""
_YEAR = 365.25 * 86_400 * 1e6

Reals = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Walks:
    """What parents went through.

    Parameters
    ----------
    counts : array of int64, shape (parents,)
        How many entries of each parent become rows.
    columns : mapping
        Of these entries, those of one parent after the other and in the order of time: ``state``, ``at`` (when it was
        entered), ``until`` (when it was left; missing if it was not), ``before`` (the state before) and ``number`` (how
        many times it has been entered).
    """

    counts: Places
    columns: Mapping[str, pl.Series]


def walk(
    machines: tuple[Machine, ...], tables: tuple[Table, ...], parents: Mapping[str, pl.Series], count: int,
    streams: Streams,
) -> Walks:  # fmt: skip
    """Send parents through machines.

    Parameters
    ----------
    machines : tuple of Machine
        Each parent goes through all of them, side by side; later ones can read when states of earlier ones were first
        entered.
    tables : tuple of Table
        What `simulacra.rules.machines.tables_of` gives for them.
    parents : mapping
        The parents' columns.
    count : int
        How many parents there are.
    streams : Streams
        Of these parents alone.

    Notes
    -----
    Times to competing moves are exponential with the rates of the moment; rates that are formulas are computed anew
    every year, or as often as ``every`` says, which is exact for rates that change at such steps only.

    **Cost**: linear in entries; a step of all parents takes one evaluation of each formula.

    **Source**: the direct method for competing risks (Gillespie 1976), with piecewise constant rates.
    """
    known = dict(parents)
    pieces: list[pl.DataFrame] = []
    for number, (machine, table) in enumerate(zip(machines, tables)):
        entries = _Walk(machine, table, known, count, streams.at("machine", number)).run()
        for state in machine.moves:
            first = np.full(count, np.nan)
            mine = entries.filter(pl.col("state") == state).unique("owner", keep="first", maintain_order=True)
            first[mine["owner"].to_numpy()] = mine["at"].to_numpy()
            known[state] = from_micros(first, "datetime", "microsecond")
        pieces.append(entries.filter(pl.col("state").is_in(machine.rows)))
    whole = pl.concat(pieces).sort("owner", "at", maintain_order=True)
    whole = whole.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("owner", "state").alias("number")
    )
    levels = pl.Enum([state for machine in machines for state in machine.moves])
    columns = {
        "state": whole["state"].cast(levels),
        "at": from_micros(whole["at"].to_numpy(), "datetime"),
        "until": from_micros(whole["until"].to_numpy(), "datetime"),
        "before": whole["before"].cast(levels),
        "number": whole["number"],
    }
    return Walks(np.bincount(whole["owner"].to_numpy(), minlength=count).astype(np.int64), columns)


@dataclass
class _Walk:
    """One machine, and how far the parents are in it."""

    machine: Machine
    table: Table
    parents: Mapping[str, pl.Series]
    count: int
    streams: Streams
    entries: list[tuple[Places, Places, Reals, Places]] = field(default_factory=list)

    def run(self) -> pl.DataFrame:
        """Walk until all have come to their end; give the entries in the order of owners and time."""
        names = list(self.machine.moves)
        self._formulas = {sql: Formula.parse(sql, self.table) for sql in self.machine.formulas}
        self._read = set(self.machine.names()) & set(self.parents)
        none = np.full(self.count, np.nan)
        self._at, self._began, self._entered = none, none, none
        start, self._end = self._moment(self.machine.start), self._moment(self.machine.end)
        on = np.flatnonzero(start < self._end)
        self._began, self._entered, self._at = start, start.copy(), start.copy()
        self._state = np.full(self.count, -1)
        first = self._choose(self.machine.first, on, self.streams.at("start"))
        self._enter(on, np.array([names.index(state) for state, _ in self.machine.first])[first])
        idle = 0
        for step in itertools.count():
            left, state, before = [], self._state[on], self._at[on]
            for code, name in enumerate(names):
                members = on[state == code]
                moves = self.machine.moves[name]
                if len(members) and moves.targets:
                    left.append(self._step(moves, members, self.streams.at("step", step, code)))
            idle = 0 if (self._at[on] > before).any() else idle + 1
            if idle > MOST_IDLE:
                raise SchemaError(
                    f"{self.machine.place}: no time passes between {MOST_IDLE:,} moves in a row. Let stays last longer."
                )
            on = np.sort(np.concatenate(left)) if left else on[:0]
            if not len(on):
                break
        return self._finish(names)

    def _moment(self, given: str | int) -> Reals:
        if not isinstance(given, str):
            return np.full(self.count, float(given))
        return to_micros(self._formulas[given].evaluate(self._frame(np.arange(self.count))))

    def _step(self, moves: Moves, members: Places, streams: Streams) -> Places:
        """Move those who are in one state; give those who are still on their way."""
        if moves.stay is not None:
            rows = Rows(
                self.table, 0, len(members), len(members), streams.at("stay"), streams, self._values(members)
            )
            lasted = np.nan_to_num(np.maximum(to_micros(moves.stay.draw(rows)), 0))
            next_ = self._choose(moves.then, members, streams.at("then"))
            moved = np.ones(len(members), dtype=bool)
        else:
            rates = self._weigh(moves.rates, members)
            total = rates.sum(axis=0)
            wait = streams.stream("wait").standard_exponential(len(members))
            lasted = np.divide(wait, total, out=np.full(len(members), np.inf), where=total > 0) * _YEAR
            moved = lasted < self.machine.every if moves.varies else np.isfinite(lasted)
            lasted = np.where(moved, lasted, self.machine.every if moves.varies else np.inf)
            next_ = _pick(rates, streams.stream("next").random(len(members)))
        self._at[members] += lasted
        on = self._at[members] < self._end[members]
        codes = np.array([list(self.machine.moves).index(state) for state in moves.targets])
        self._enter(members[on & moved], codes[next_[on & moved]])
        return members[on]

    def _enter(self, members: Places, codes: Places) -> None:
        self.entries.append((members, codes, self._at[members], self._state[members]))
        self._state[members] = codes
        self._entered[members] = self._at[members]

    def _choose(self, weights: Weights, members: Places, streams: Streams) -> Places:
        if len(weights) == 1:
            return np.zeros(len(members), dtype=np.int64)
        return _pick(self._weigh(weights, members), streams.stream("values").random(len(members)))

    def _weigh(self, weights: Weights, members: Places) -> Reals:
        """Give each weight for each member; what is missing or below 0 is 0."""
        frame = self._frame(members) if any(isinstance(weight, str) for _, weight in weights) else None
        out = np.empty((len(weights), len(members)))
        for row, (_, weight) in enumerate(weights):
            if isinstance(weight, str):
                assert frame is not None
                out[row] = self._formulas[weight].evaluate(frame).cast(pl.Float64).fill_null(0).to_numpy()
            else:
                out[row] = weight
        np.maximum(out, 0, out=out)
        return out

    def _values(self, members: Places) -> dict[str, pl.Series]:
        """What rules and formulas can read of some parents at their present moment."""
        at, began, entered = self._at[members], self._began[members], self._entered[members]
        own = {name: self.parents[name].gather(members) for name in self._read}
        plain = {n: c.cast(pl.String) if c.dtype == pl.Enum else c for n, c in own.items()}
        return {
            **plain,
            "at": from_micros(at, "datetime", "microsecond"),
            "years": pl.Series((at - began) / _YEAR),
            "since": pl.Series((at - entered) / _YEAR),
        }

    def _frame(self, members: Places) -> pl.DataFrame:
        return pl.DataFrame(self._values(members))

    def _finish(self, names: list[str]) -> pl.DataFrame:
        owner, code, at, before = (np.concatenate(parts) for parts in zip(*self.entries))
        # one step makes at most one entry of each owner, so the order of steps is that of time
        whole = pl.DataFrame({"owner": owner, "code": code, "at": at, "was": before}).sort(
            "owner", maintain_order=True
        )
        levels = pl.Series(names)
        last = pl.col("owner") != pl.col("owner").shift(-1)
        return whole.select(
            "owner",
            levels.gather(whole["code"]).alias("state"),
            "at",
            pl.when(~last).then(pl.col("at").shift(-1)).otherwise(float("nan")).alias("until"),
            levels.gather(whole["was"].replace(-1, None)).alias("before"),
        )


def _pick(weights: Reals, u: Reals) -> Places:
    """Pick a line of each column by its weights."""
    bounds = np.cumsum(weights, axis=0)
    return np.minimum((u * bounds[-1] >= bounds).sum(axis=0), len(weights) - 1).astype(np.int64)
