"""Each row of histories under conditions: drawn anew where it does not fit, chosen of several where it matters."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from simulacra.domain import Array, Block
from simulacra.randomness import Streams
from simulacra.relational.asking.rows import Led, RowTest, View
from simulacra.relational.histories.choosing import Step

ROUNDS = 9
"""Rounds of drawing a row anew: 1, 2, 4, ... draws, 511 in all."""
CHUNK = 200_000
"""Rows drawn at once, at most."""


@dataclass
class Chooser:
    """Chooses each row of the histories of one unit.

    Parameters
    ----------
    view : View
        Reads rows.
    tests : tuple of RowTest
        What a row must pass: it is drawn anew up to 511 times.
    entities : int
        How many there are.
    led : tuple of Led
        What histories are led to.
    leading : bool
        Whether they are led, or only watched.

    Attributes
    ----------
    weights : array, shape (entities,)
        What makes up for the leading: 0 for histories that can not do any more.
    failed : array of bool, shape (entities,)
        Entities with a row that passes after no number of draws.
    drawn : int
        Rows that were drawn.

    Notes
    -----
    Of several rows one is chosen in proportion to the outlook of its history, and the history's weight is multiplied by
    the mean outlook of these rows over that of the chosen one. So weighted histories are those of the model, whatever
    the outlook says, as long as it is 0 only where the request can not be met.

    **Source**: importance resampling within a step, as in nested sequential Monte Carlo (Naesseth et al. 2015), with a
    lookahead function (Lin et al. 2013).
    """

    view: View
    tests: tuple[RowTest, ...]
    entities: int
    led: tuple[Led, ...] = ()
    leading: bool = False
    drawn: int = 0
    weights: Array = field(init=False)
    failed: Array = field(init=False)

    def __post_init__(self) -> None:
        self.weights = np.ones(self.entities)
        self.failed = np.zeros(self.entities, bool)
        self.seen = [np.zeros(self.entities, np.int64) for _ in self.led]

    def choose(self, row: Block, step: Step) -> Block:
        """Return the rows that are taken.

        Parameters
        ----------
        row : Block
            One row of each entity.
        step : Step
            Whose they are, and how to draw others.
        """
        self.drawn += len(row)
        rows = np.arange(len(row))
        row, failed = self._pass(row, rows, step, step.rng.at("pass"))
        self.failed[step.entities[failed]] = True
        if not self.led:
            return row
        hits = [led.test.fits(self.view, row, step.now) for led in self.led]
        may = [led.may(self.view, step) for led in self.led]
        if self.leading:
            row, hits = self._lead(row, hits, may, step)
        for led, seen, hit, open_ in zip(self.led, self.seen, hits, may, strict=True):
            seen[step.entities] += hit
            if not self.leading:
                led.rows, led.open, led.hits = (
                    led.rows + len(row),
                    led.open + int(open_.sum()),
                    led.hits + int(hit.sum()),
                )
        return row

    def close(self) -> None:
        """Give histories that do not keep a bound the weight 0."""
        for led, seen in zip(self.led, self.seen, strict=True):
            most = np.inf if led.bound.most is None else led.bound.most
            self.weights[(seen < led.bound.least) | (seen > most)] = 0

    def _pass(self, row: Block, rows: Array, step: Step, rng: Streams) -> tuple[Block, Array]:
        """Draw rows anew until all pass; return those that do not, too."""
        late = ~self._passes(row, rows, step, timed=True)
        bad = np.flatnonzero(~self._passes(row, rows, step) & ~late)
        for attempt in range(ROUNDS):
            if not len(bad):
                break
            number = 2**attempt
            for begin in range(0, len(bad), max(CHUNK // number, 1)):
                part = bad[begin : begin + max(CHUNK // number, 1)]
                more = step.again(np.repeat(rows[part], number), rng.at(attempt, begin))
                self.drawn += len(more)
                fits = self._passes(more, np.repeat(rows[part], number), step).reshape(len(part), number)
                good = fits.any(axis=1)
                taken = np.flatnonzero(good) * number + fits[good].argmax(axis=1)
                row = _put(row, part[good], more.take(taken))
                bad[begin : begin + len(part)][good] = -1
            bad = bad[bad >= 0]
        return row, np.union1d(bad, np.flatnonzero(late))

    def _passes(self, row: Block, rows: Array, step: Step, *, timed: bool = False) -> Array:
        """Tell which rows pass all tests, or all that the clock alone tells."""
        found = np.ones(len(row), bool)
        now = None if step.now is None else step.now[rows]
        for test in self.tests:
            if test.timed or not timed:
                found &= test.fits(self.view, row, now)
        return found

    def _lead(self, row: Block, hits: list[Array], may: list[Array], step: Step) -> tuple[Block, list[Array]]:
        """Draw more rows where it matters which one comes, and choose one of them for each entity."""
        width = max(led.width for led in self.led)
        matters = np.zeros(len(row), bool)
        for led, seen, open_ in zip(self.led, self.seen, may, strict=True):
            before = seen[step.entities]
            matters |= open_ & (led.outlook.of(step.left, before) != led.outlook.of(step.left, before + 1))
        matters &= (self._outlook(step, slice(None), None) > 0) & ~self.failed[step.entities]
        for begin in range(0, int(matters.sum()), max(CHUNK // width, 1)):
            some = np.flatnonzero(matters)[begin : begin + max(CHUNK // width, 1)]
            rng = step.rng.at("lead", begin)
            rows = np.repeat(some, width - 1)
            self.drawn += len(rows)
            more, _ = self._pass(step.again(rows, rng), rows, step, rng.at("pass"))
            now = None if step.now is None else step.now[rows]
            found = [
                np.column_stack(
                    [hit[some], led.test.fits(self.view, more, now).reshape(len(some), width - 1)]
                )
                for led, hit in zip(self.led, hits, strict=True)
            ]
            values = self._outlook(step, some, found)
            total = values.sum(axis=1)
            point = rng.stream("choice").random(len(some)) * total
            chosen = np.minimum((np.cumsum(values, axis=1) <= point[:, None]).sum(axis=1), width - 1)
            chosen = np.where(total > 0, chosen, 0)
            of = np.arange(len(some))
            with np.errstate(divide="ignore", invalid="ignore"):
                self.weights[step.entities[some]] *= np.where(
                    total > 0, total / width / values[of, chosen], 0
                )
            other = np.flatnonzero(chosen > 0)
            row = _put(row, some[other], more.take(other * (width - 1) + chosen[other] - 1))
            for hit, one in zip(hits, found, strict=True):
                hit[some] = one[of, chosen]
        return row, hits

    def _outlook(self, step: Step, some: Array | slice, hits: list[Array] | None) -> Array:
        """Return how likely the histories do, with the rows at hand, or with the better of a hit and none."""
        value: Array = np.ones(1)
        left = step.left[some]
        for place, led in enumerate(self.led):
            before = self.seen[place][step.entities[some]]
            if hits is None:
                value = value * np.maximum(led.outlook.of(left, before), led.outlook.of(left, before + 1))
            else:
                value = value * led.outlook.of(left[:, None], before[:, None] + hits[place])
        return value


def _put(row: Block, places: Array, others: Block) -> Block:
    """Put other rows in the place of some."""
    if not len(places):
        return row
    columns = [column.copy() for column in row.columns]
    for column, values in zip(columns, others.columns, strict=True):
        column[places] = values
    return Block(row.domain, tuple(columns), rows=len(row))
