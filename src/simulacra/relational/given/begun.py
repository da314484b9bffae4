"""What is known of histories that have begun, and how well whole histories fit to it.

Source: the k-th of n even moments has a beta distribution (David and Nagaraja 2003, "Order Statistics", section 2.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.special import betaln

from simulacra.domain import Array
from simulacra.relational.given.given import Given, Known
from simulacra.relational.histories.clocks import Clock
from simulacra.relational.histories.histories import Histories
from simulacra.relational.naming import counted, first_of, span_of
from simulacra.relational.plan import Link
from simulacra.relational.unit import Unit

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer

_BINS = 25


@dataclass(frozen=True)
class Begun:
    """What is known of the histories of entities in one table.

    Parameters
    ----------
    link : Link
        The reference that the entities draw these rows by.
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
    """

    link: Link
    counts: Array
    moments: Array
    first: Array
    span: Array
    since: float
    clock: Clock | None
    least: float
    end: float

    @property
    def timed(self) -> bool:
        """Whether rows have a time."""
        return self.clock is not None

    def weigh(self, frame: pl.DataFrame, who: Array) -> Array:
        """Return how well whole histories fit to what has begun, as logarithms of weights."""
        k = self.counts[who]
        rows = frame[counted(self.link)].fill_null(0).to_numpy().astype(np.int64)
        worth = np.where(rows >= k, 0.0, -np.inf)
        if not self.timed or first_of(self.link) not in frame.columns:
            return worth
        span = frame[span_of(self.link)].cast(pl.Float64).fill_null(0).to_numpy()
        done = np.nan_to_num(self.span[who])
        left = rows - k
        on = (left > 0) & (k > 0)
        worth[on & (span < done + self.least * left)] = -np.inf
        # where the last known row lies in the whole
        moments = self.moments[who]
        inner = on & (moments > 1) & np.isfinite(worth)
        x = np.clip(done[inner] / np.maximum(span[inner], 1e-9), 1e-9, 1 - 1e-9)
        a, b = moments[inner] - 1.0, left[inner] * 1.0
        worth[inner] += (a - 1) * np.log(x) + (b - 1) * np.log1p(-x) - betaln(a, b)
        worth[inner] -= np.log(np.maximum(span[inner], 0.5))
        ended = (left == 0) & (moments > 1)
        worth[ended] += self._weigh_end(span[ended], who[ended])
        # where all rows have one time, what counts is how often that is so
        single = (moments == 1) & (k > 1)
        worth[single & (left > 0)] += (k[single & (left > 0)] - 1) * np.log(self._ties)
        worth[single & (left == 0) & (span > 0)] = -np.inf
        return worth + self._weigh_silence(frame, rows, k, span, done, who)

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
        self, frame: pl.DataFrame, rows: Array, k: Array, span: Array, done: Array, who: Array
    ) -> Array:
        """Return the weight of nothing having happened since the last known row."""
        silent = np.zeros(len(rows))
        if not np.isfinite(self.since):
            return silent
        left = rows - k
        on = (left > 0) & (k > 0)
        quiet = self.since - (np.nan_to_num(self.first[who]) + done)
        first = read_whole(frame, self)[1]
        silent[(k == 0) & (rows > 0) & (first <= self.since)] = -np.inf
        share = np.clip(quiet / np.maximum(span - done, 1e-9), 0, None)
        with np.errstate(divide="ignore"):
            silent[on] = np.where(
                share[on] < 1, (left[on] - 1) * np.log1p(-np.minimum(share[on], 1 - 1e-12)), -np.inf
            )
        return silent


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
            if below is None and not (timed and np.isfinite(since)):
                continue
            first = span = np.full(number, np.nan)
            counts = moments = np.zeros(number, np.int64)
            if below is not None:
                counts = below.counts(number)
                if timed:
                    first, span = below.ends(number)
                    moments = below.moments(number)
            found.append(
                Begun(
                    link,
                    counts,
                    moments,
                    first,
                    span,
                    since,
                    histories.clock,
                    histories.least,
                    histories.last,
                )
            )
    return found


def set_whole(frame: pl.DataFrame, one: Begun, rows: Array, first: Array, span: Array) -> pl.DataFrame:
    """Set how many rows each entity has, when its history starts, and how long it is."""
    columns = [pl.Series(counted(one.link), rows.astype(np.int64))]
    if one.clock is not None and first_of(one.link) in frame.columns:
        columns.append(one.clock.places(np.where(rows > 0, first, np.nan)).alias(first_of(one.link)))
        whole = pl.Series(span_of(one.link), np.where(rows > 1, span, np.nan), nan_to_null=True)
        columns.append(whole.cast(pl.Int64))
    return frame.with_columns(columns)


def read_whole(frame: pl.DataFrame, one: Begun) -> tuple[Array, Array, Array]:
    """Return what `set_whole` sets."""
    rows = frame[counted(one.link)].fill_null(0).to_numpy().astype(np.int64)
    if one.clock is None or first_of(one.link) not in frame.columns:
        return rows, np.zeros(len(rows)), np.zeros(len(rows))
    first = one.clock.positions(frame[first_of(one.link)].alias(one.clock.column.name))
    return rows, first, frame[span_of(one.link)].cast(pl.Float64).fill_null(0).to_numpy().copy()
