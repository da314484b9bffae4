"""What is known of histories that have begun, and how well whole histories fit to it.

Source: the k-th of n even moments has a beta distribution (David and Nagaraja 2003, "Order Statistics", section 2.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import betaln

from simulacra.domain import Array
from simulacra.relational.ends import read_ends
from simulacra.relational.given.given import Given, Known
from simulacra.relational.given.silences import Silence
from simulacra.relational.histories.clocks import Clock
from simulacra.relational.histories.histories import Histories
from simulacra.relational.plan import Link
from simulacra.relational.unit import Unit

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer

_BINS = 25
_WHOLE = ("?rows ", "?first ", "?span ")
"""Beginnings of the names of columns that tell whole histories while they are chosen."""


@dataclass(frozen=True)
class Begun:
    """What is known of the histories of entities in one table.

    Parameters
    ----------
    link : Link
        The reference that the entities draw these rows by.
    read : callable
        Reads from drawn entities how many rows each has, when its history starts, and how long it is.
    told : bool
        Whether the first time is a column of the entity as it is.
    counts : array of int
        Rows that each has.
    moments : array of int
        Different times among them.
    first, span : array
        When the first one was, and how far the last lies from it.
    since : float
        Until when nothing else happened.
    clock : Clock or None
        What the rows follow each other by.
    least : float
        The smallest gap between rows.
    end : float
        Where the clock ends.
    evenness : float
        How even gaps are within entities.
    silence : Silence or None
        How long histories are silent that go on.
    """

    link: Link
    read: Callable[[pl.DataFrame], tuple[Array, tuple[Array, Array] | None]]
    told: bool
    counts: Array
    moments: Array
    first: Array
    span: Array
    since: float
    clock: Clock | None
    least: float
    end: float
    evenness: float = 1.0
    silence: Silence | None = None

    @property
    def timed(self) -> bool:
        """Whether rows have a time."""
        return self.clock is not None

    def weigh(self, frame: pl.DataFrame, who: Array, times: int) -> tuple[Array, Array]:
        """Return how well whole histories fit to what has begun, as log weights: without the silence, and with.

        `frame` has so many for each entity, behind each other.
        """
        k = self.counts[who]
        rows, first, span = read_whole(frame, self)
        worth = np.where(rows >= k, 0.0, -np.inf)
        if not self.timed:
            return worth, worth
        done = np.nan_to_num(self.span[who])
        left = rows - k
        on = (left > 0) & (k > 0)
        worth[on & (span < done + self.least * left)] = -np.inf
        # where the last known row lies in the whole: gaps of a gamma distribution make this a beta distribution
        moments = self.moments[who]
        inner = on & (moments > 1) & np.isfinite(worth)
        x = np.clip(done[inner] / np.maximum(span[inner], 1e-9), 1e-9, 1 - 1e-9)
        a, b = self.evenness * (moments[inner] - 1.0), self.evenness * left[inner]
        worth[inner] += (a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - betaln(a, b)
        worth[inner] -= np.log(np.maximum(span[inner], 0.5))
        ended = (left == 0) & (moments > 1)
        worth[ended] += self._weigh_end(span[ended], who[ended])
        # where all rows have one time, what counts is how often that is so
        single = (moments == 1) & (k > 1)
        worth[single & (left > 0)] += (k[single & (left > 0)] - 1) * np.log(self._ties)
        worth[single & (left == 0) & (span > 0)] = -np.inf
        if np.isfinite(self.since):
            worth[(k == 0) & (rows > 0) & (first <= self.since)] = -np.inf
            return worth, self._weigh_silence(worth, on, left, span - done, who, times)
        return worth, worth

    def _weigh_end(self, span: Array, who: Array) -> Array:
        """Return how likely whole histories end with the last known row, looking at all that are as long in rows.

        Whole histories of one entity seldom end on the very day; those of all entities tell how far, of the time that
        was left, the last row lies.
        """
        room = np.maximum(self.end - self.first[who], 1.0)
        room = np.where(np.isfinite(room), room, np.quantile(span, 0.99) if len(span) else 1.0) + 1.0
        counted, edges = np.histogram(np.clip(span / room, 0, 1), _BINS, (0, 1))
        share = (counted + 0.5) / (counted.sum() + 0.5 * _BINS) * _BINS
        place = np.searchsorted(edges, np.clip(np.nan_to_num(self.span[who]) / room, 0, 1), side="right") - 1
        return np.asarray(np.log(share[np.minimum(place, _BINS - 1)] / room))

    @cached_property
    def _ties(self) -> float:
        """Return how often a row has the time of the one before."""
        steps = np.maximum(self.counts - 1, 0).sum()
        return float(np.clip((self.counts - self.moments).sum() / max(steps, 1), 0.01, 0.99))

    def _weigh_silence(
        self, worth: Array, on: Array, left: Array, ahead: Array, who: Array, times: int
    ) -> Array:
        """Weigh going on by how seldom who goes on has been silent for so long.

        That share is of whole histories; which of an entity's own whole histories it is follows from the rows and the
        time that each has left.
        """
        last = self.first[who] + np.nan_to_num(self.span[who])
        quiet = np.maximum(self.since - last, 0.0)
        share = np.clip(quiet / np.maximum(ahead, 1e-9), 0, None)
        with np.errstate(divide="ignore", invalid="ignore"):
            kept = np.where(share < 1, (left - 1) * np.log1p(-np.minimum(share, 1 - 1e-12)), -np.inf)
            before = _total(np.where(on, worth, -np.inf), times)
            after = _total(np.where(on, worth + kept, -np.inf), times)
            pace = np.nan_to_num(self.span) / np.where(self.moments > 1, self.moments - 1, np.nan)
            lasting = np.ones(len(who))
            if self.silence is not None:
                lasting = self.silence.lasting(self.end - last, pace[who], quiet)
            moved = worth + kept + np.log(lasting) + np.where(np.isfinite(after), before - after, -np.inf)
        return np.where(on & (quiet > 0), np.nan_to_num(moved, nan=-np.inf), worth)


def find_begun(model: DatabaseSynthesizer, unit: Unit, given: Given) -> list[Begun]:
    """Return what is known of the histories of a unit's given rows, by table."""
    number = len(given.units[unit.name])
    found = []
    for member in model.plan.members(unit.name):
        for link in model.plan.to(member, "driving"):
            below: Known | None = given.units.get(link.table)
            histories = model.units[link.table].model
            if not isinstance(histories, Histories):
                continue
            timed = histories.clock is not None
            since = given.since(histories.clock)
            if below is None and given.steps is None and not (timed and np.isfinite(since)):
                continue
            first = span = np.full(number, np.nan)
            even = 1.0
            counts = moments = np.zeros(number, np.int64)
            if below is not None:
                counts = below.counts(number)
                if timed:
                    first, span = below.ends(number)
                    moments = below.moments(number)
                    even = below.evenness(number)
            found.append(
                Begun(
                    link=link, read=partial(read_ends, model, link=link),
                    told=timed and histories.anchors[0] is None, counts=counts, moments=moments, first=first,
                    span=span, since=since, clock=histories.clock, least=histories.least, end=histories.last,
                    evenness=even, silence=given.silences.get(link.table),
                )
            )  # fmt: skip
    return found


def _total(worth: Array, times: int) -> Array:
    """Return the logarithm of the sum of weights of each entity, for each of its so many whole histories."""
    return np.repeat(np.logaddexp.reduce(worth.reshape(-1, times), axis=1), times)


def set_whole(frame: pl.DataFrame, one: Begun, rows: Array, first: Array, span: Array) -> pl.DataFrame:
    """Write beside entities how many rows each has, when its history starts, and how long it is."""
    parts = (rows.astype(np.float64), np.where(rows > 0, first, np.nan), np.where(rows > 1, span, 0.0))
    return frame.with_columns(
        pl.Series(f"{what}{one.link.name}", values) for what, values in zip(_WHOLE, parts, strict=True)
    )


def read_whole(frame: pl.DataFrame, one: Begun) -> tuple[Array, Array, Array]:
    """Return what `set_whole` wrote."""
    rows, first, span = (frame[f"{what}{one.link.name}"].to_numpy().copy() for what in _WHOLE)
    return rows.astype(np.int64), first, span


def draw_whole(frame: pl.DataFrame, one: Begun) -> pl.DataFrame:
    """Write beside drawn entities what was drawn of their histories."""
    rows, ends = one.read(frame)
    nothing = np.zeros(len(rows))
    return set_whole(frame, one, rows, *(ends if ends is not None else (nothing, nothing)))
