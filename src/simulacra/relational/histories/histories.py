"""Rows that belong to rows of a parent, drawn step by step: all entities advance together.

A row is drawn given its entity (the parent's columns, its own parents' in turn, how many rows it has, what its finished
rows in sibling tables are like), its place in the history, the time since the row before, and what the earlier rows
were like. Where the rows have an order in time, the gap is drawn first and the other columns after it, so that they
know the day. The cost is steps x columns, and not entities.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulacra.domain import Array
from simulacra.generator import Progress, silent
from simulacra.randomness import Streams
from simulacra.relational.anchors import Anchor
from simulacra.relational.histories.baselines import Baseline
from simulacra.relational.histories.clocks import Clock
from simulacra.relational.histories.relative import Relative
from simulacra.relational.histories.running import Run
from simulacra.relational.histories.wanted import Drawn, Wanted
from simulacra.synthesizer import Synthesizer


@dataclass(frozen=True)
class Histories:
    """The fitted model of the rows of one table that a parent draws.

    Parameters
    ----------
    rows : Synthesizer
        The model of a row, given its context.
    timing : Synthesizer or None
        The model of the gap before a row, where rows have an order in time and some entity has three.
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
    baseline : Baseline
        The levels that are taken out of numbers.
    last : float
        Where the clock ends: histories do not go beyond.
    within : bool
        Whether each row belongs to a row of the sibling.
    anchors : (Anchor or None, Anchor or None)
        What the parent tells the start and the end of each history by.
    """

    rows: Synthesizer
    timing: Synthesizer | None
    clock: Clock | None
    holders: int
    least: float = 0.0
    relatives: tuple[Relative, ...] = ()
    sibling: str | None = None
    together: bool = False
    baseline: Baseline = field(default_factory=Baseline)
    last: float = float("inf")
    within: bool = False
    anchors: tuple[Anchor | None, Anchor | None] = (None, None)

    def days(self, now: Array | None, rows: int) -> Array | None:
        """Return the days of the first of some positions, where levels go by days."""
        return (
            self.clock.days(now[:rows])
            if self.baseline.seasons and self.clock is not None and now is not None
            else None
        )

    def draw(self, wanted: Wanted, rng: Streams, progress: Progress = silent) -> Drawn:
        """Draw the rows of entities.

        Parameters
        ----------
        wanted : Wanted
            How many rows of whom.
        rng : Streams
            Where randomness comes from.
        progress : callable
            Told the share done.

        Returns
        -------
        Drawn
            The rows, entity by entity.
        """
        run = Run(self, wanted, rng)
        steps = int(wanted.counts.max(initial=0))
        for step in range(steps):
            run.advance(step)
            progress((step + 1) / steps, f"drawing {self.rows.table.name}")
        return run.finish()
