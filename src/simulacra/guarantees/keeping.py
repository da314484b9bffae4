"""Draws that keep the constraints on single rows: led by the model, mended, checked, and drawn again."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import polars as pl

from simulacra.blocks import Draw
from simulacra.errors import ImpossibleCondition, RareCondition
from simulacra.guarantees.constraints import Guarantees
from simulacra.guarantees.tallies import ONCE_MENDED, Hope, Tally
from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.schema._kinds import said
from simulacra.schema.breaches import find_broken
from simulacra.schema.constraints import Check
from simulacra.schema.predicates import Predicate

PILOT_ROWS = 1_024
OFTEN = 0.6
"""Rules that this share of rows keeps anyway are not worth leading the model: offenders are drawn anew."""


def keep_draws(draw: Draw, guarantees: Guarantees, tally: Tally, led: Draw | None = None) -> Draw:
    """Make draws keep the constraints on single rows.

    Parameters
    ----------
    draw : callable
        Draws rows that satisfy a predicate; constraints need not hold.
    guarantees : Guarantees
        What is to be kept.
    tally : Tally
        Gets the counts.
    led : callable or None
        Draws rows for which `guarantees.predicates` are not FALSE besides. None: `draw` is asked for them.

    Returns
    -------
    callable
        Draws exactly n rows that keep the constraints and satisfy a predicate.

    Raises
    ------
    RareCondition
        By the callable: too few rows keep everything.

    Notes
    -----
    **Cost**: a look at every row for each constraint; rows that can not be mended are drawn again.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> table = Table("t", (Column("a", "number", integer=True),), constraints=(Check("a < 8"),))
    >>> def draw(n, where, streams):
    ...     return pl.DataFrame({"a": streams.stream("a").integers(10, size=n)})
    >>> small = keep_draws(draw, Guarantees.of(table, {}), Tally())(1_000, None, Streams(1))
    >>> len(small), small["a"].max()
    (1000, 7)
    """
    return _Keeper(draw, led or _join(draw, guarantees), guarantees, tally)


@dataclass
class _Keeper:
    draw: Draw
    led: Draw
    guarantees: Guarantees
    tally: Tally
    _held: frozenset[str] | None = None
    _ways: dict[str, Draw] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        """Draw n rows that keep everything."""
        draw, asked = self._way(where)
        words = f"where {said(Check(where.sql))}" if where is not None else self._table
        hope = Hope(words, self.tally)
        pieces: list[pl.DataFrame] = []
        lacking, rows, turn = n, n, 0
        while True:
            own = streams.at("turn", turn) if turn else streams
            frame = self.guarantees.repair(draw(rows, asked, own), own, self.tally)
            fits = self._fits(frame, where)
            whole = frame if fits.all() else frame.filter(pl.Series(fits))
            pieces.append(whole.head(lacking))
            self.tally.draw(rows)
            lacking -= len(pieces[-1])
            hope.add(rows, int(fits.sum()), lacking)
            if not lacking:
                return pl.concat(pieces)
            turn += 1
            rows = int(min(max(lacking * hope.factor(), 64), BLOCK_ROWS))

    @property
    def _table(self) -> str:
        return f"table {self.guarantees.table.name!r}"

    def _fits(self, frame: pl.DataFrame, where: Predicate | None) -> np.ndarray:
        fits = self.guarantees.fits(frame, self.tally)
        if where is None:
            return fits
        holds = where.evaluate(frame).fill_null(False).to_numpy()
        self.tally.lose(ONCE_MENDED, int((~holds).sum()))
        return fits & holds

    def _way(self, where: Predicate | None) -> tuple[Draw, Predicate | None]:
        """Choose how to draw, by a few rows that depend on model and condition alone."""
        guarantees = self.guarantees
        for name in where.columns if where is not None else ():
            if where is not None and name in guarantees.serials:
                raise ImpossibleCondition(
                    f"where {said(Check(where.sql))}: the key {name!r} is spelt by its pattern when all else is known, "
                    "so rows can not be chosen by it. Take it out of the condition."
                )
        with self._lock:
            if self._held is None:
                self._held = self._find_held()
            asked = guarantees.before(where, self._held)
            if not guarantees.predicates:
                return self.draw, asked
            key = asked.sql if asked is not None else ""
            if key not in self._ways:
                pilot = self.draw(PILOT_ROWS, asked, Streams(0).at("constraints", "pilot"))
                kept = np.ones(len(pilot), dtype=bool)
                lost: dict[str, int] = {}
                for constraint, rule in guarantees.leading:
                    held = rule.evaluate(pilot).fill_null(True).to_numpy()
                    lost[said(constraint)] = int((~held).sum())
                    kept &= held
                leads = kept.mean() < OFTEN
                self._ways[key] = self._named(self.led, lost) if leads else self.draw
                for words, count in lost.items() if leads else ():
                    self.tally.lead(words, count / PILOT_ROWS)
            return self._ways[key], asked

    def _named(self, draw: Draw, lost: dict[str, int]) -> Draw:
        """Name the constraint that leaves no room, where draws within constraints fail."""
        worst = max(lost, key=lost.__getitem__)
        share = f"{lost[worst]:,} of {PILOT_ROWS:,} rows drawn without it"

        def named(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
            try:
                return draw(n, where, streams)
            except (ImpossibleCondition, RareCondition) as error:
                raise type(error)(f"constraint {worst} is broken by {share}; {error}") from error

        return named

    def _find_held(self) -> frozenset[str]:
        """Find the computed columns that the model draws right by itself, as relations do."""
        equalities = self.guarantees.equalities
        if not equalities:
            return frozenset()
        pilot = self.draw(PILOT_ROWS, None, Streams(0).at("constraints", "held"))
        return frozenset(
            rule.column for rule in equalities if not find_broken(rule, pilot, self.guarantees.table).any()
        )


def _join(draw: Draw, guarantees: Guarantees) -> Draw:
    """Ask for rows that satisfy a condition and break no rule by one predicate."""

    def led(n: int, where: Predicate | None, streams: Streams) -> pl.DataFrame:
        parts = [f"({where.sql})"] if where is not None else []
        for rule in guarantees.predicates:
            gaps = any(guarantees.table[name].nullable for name in rule.columns)
            parts.append(f"coalesce({rule.sql}, true)" if gaps else f"({rule.sql})")
        return draw(n, Predicate.parse(" and ".join(parts), guarantees.table), streams)

    return led
