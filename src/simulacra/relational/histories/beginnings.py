"""Rows with which histories begin, put in the place of drawn ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array, Block
from simulacra.randomness import Streams
from simulacra.relational.histories.choosing import Again

TRIES = 16
"""Draws among which the one is taken that is most like a known row, where not all of the row is known."""


@dataclass(frozen=True)
class Beginnings:
    """Rows with which histories begin.

    Parameters
    ----------
    counts : array of int, shape (entities,)
        How many of them each has.
    block : Block
        The rows, those of an entity behind each other.
    known : tuple of bool
        By axis: whether its values are known; others are drawn.
    now : array or None
        Positions on the clock.
    since : float
        Until when nothing else happened.
    """

    counts: Array
    block: Block
    known: tuple[bool, ...]
    now: Array | None
    since: float = -np.inf


class Begun:
    """The beginnings of histories on their way, entities in the order in which they advance.

    Parameters
    ----------
    given : Beginnings
        The rows.
    order : array of int
        The entity in each place.
    """

    def __init__(self, given: Beginnings, order: Array) -> None:
        self.given, self.since = given, given.since
        self.counts = given.counts[order]
        self.begins = (np.cumsum(given.counts) - given.counts)[order]
        self.scales = [_scale(column) for column in given.block.columns]

    def _known(self, active: int, step: int) -> tuple[Array, Array]:
        """Return the places whose row at a step is known, and where it stands."""
        places = np.flatnonzero(self.counts[:active] > step)
        return places, self.begins[places] + step

    def put_times(self, now: Array, active: int, step: int) -> None:
        """Put known times in the place of others."""
        if self.given.now is not None:
            places, rows = self._known(active, step)
            now[places] = self.given.now[rows]

    def put_gaps(self, gap: Array, now: Array, step: int) -> Array:
        """Return gaps that lead to known times."""
        if self.given.now is None:
            return gap
        places, rows = self._known(len(gap), step)
        gap[places] = self.given.now[rows] - now[places]
        return gap

    def too_soon(self, gap: Array, now: Array, step: int) -> Array:
        """Return the places whose first new row would be when nothing happened."""
        return np.flatnonzero((self.counts[: len(gap)] == step) & (now + gap <= self.since) & (step > 0))

    def put_rows(self, row: Block, step: int, again: Again, rng: Streams) -> Block:
        """Return rows of which the known ones are as they are known."""
        places, rows = self._known(len(row), step)
        if not len(places):
            return row
        drawn = row.take(places)
        if not all(self.given.known):
            drawn = self._nearest(drawn, places, rows, again, rng)
        columns = [column.copy() for column in row.columns]
        for place, known in enumerate(self.given.known):
            columns[place][places] = self.given.block.columns[place][rows] if known else drawn.columns[place]
        return Block(row.domain, tuple(columns), rows=len(row))

    def _nearest(self, drawn: Block, places: Array, rows: Array, again: Again, rng: Streams) -> Block:
        """Return, of several draws, the row that is most like the known part of it."""
        best, far = [column.copy() for column in drawn.columns], self._distance(drawn, rows)
        for attempt in range(TRIES):
            other = again(places, rng.at("known", attempt))
            apart = self._distance(other, rows)
            nearer = apart < far
            far[nearer] = apart[nearer]
            for column, values in zip(best, other.columns, strict=True):
                column[nearer] = values[nearer]
        return Block(drawn.domain, tuple(best), rows=len(drawn))

    def _distance(self, drawn: Block, rows: Array) -> Array:
        total = np.zeros(len(rows))
        for place, known in enumerate(self.given.known):
            if not known:
                continue
            one, two = drawn.columns[place], self.given.block.columns[place][rows]
            if drawn.domain.axes[place].size is None:
                both = np.isnan(one) & np.isnan(two)
                total += np.where(
                    both, 0, np.nan_to_num(np.abs(one - two) / self.scales[place], nan=1.0).clip(0, 1)
                )
            else:
                total += one != two
        return total


def _scale(column: Array) -> float:
    """Return how far apart two values must be to be as different as two levels."""
    if column.dtype.kind != "f" or not np.isfinite(column).any():
        return 1.0
    return float(np.nanstd(column)) or 1.0
