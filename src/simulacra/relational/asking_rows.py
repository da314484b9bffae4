"""Rows of histories under conditions: drawn anew where they do not fit, and led to what is asked of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from simulacra.domain import Array, Block
from simulacra.randomness import Streams
from simulacra.relational.asking_weights import Outlook
from simulacra.relational.bounds import Bound
from simulacra.relational.choosing import Step
from simulacra.relational.extension import member_column
from simulacra.relational.histories import Histories, Judge
from simulacra.relational.unit import Unit
from simulacra.sampling.decoding import UNMADE, Decoder
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.constraints import Check, Combination, Constraint, Equality, Implies, OneHot, Pattern
from simulacra.schema.crossing import set_apart
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table

ROUNDS = 9
"""Rounds of drawing a row anew: 1, 2, 4, ... draws, 511 in all."""
WIDEST = 32
"""Rows that are drawn at most to choose one of them."""
CHUNK = 200_000
"""Rows drawn at once, at most."""


@dataclass(frozen=True)
class View:
    """Reads the columns of rows that are being drawn.

    Parameters
    ----------
    histories : Histories
        Their model.
    """

    histories: Histories

    @property
    def names(self) -> frozenset[str]:
        """Columns that are known while rows are drawn."""
        own = self.histories.rows.table.columns
        clock = self.histories.clock
        known = {column.name for column in own if column.kind not in UNMADE}
        timed = {clock.column.name, *(part.column for part in clock.parts)} if clock is not None else set()
        # dates that follow the order are distances until rows are finished
        late = {follower.name for follower in clock.followers} if clock is not None else set()
        return frozenset((known - late) | timed)

    def read(self, names: Sequence[str], block: Block, now: Array | None) -> pl.DataFrame:
        """Return some columns of some rows."""
        own, clock = self.histories.rows, self.histories.clock
        times = clock.columns(now) if clock is not None and now is not None else []
        timed = [values for values in times if values.name in names]
        drawn = [name for name in names if name not in {values.name for values in timed}]
        frame = self._decoder().columns(
            drawn, dict(zip(own.domain.names, block.columns, strict=True)), len(block)
        )
        return frame.with_columns(timed) if timed else frame

    def time(self, now: Array) -> pl.Series:
        """Return times as values."""
        assert self.histories.clock is not None
        return self.histories.clock.values(now)

    def _decoder(self) -> Decoder:
        own = self.histories.rows
        return Decoder(own.encodings, own.domain, own.relations)


@dataclass(frozen=True)
class RowTest:
    """A condition or constraint on the rows of one table, held against rows of its unit.

    Parameters
    ----------
    table : Table
        The table.
    columns : tuple of (str, str)
        What it reads: names in the table, and in the unit.
    wanted : Predicate or None
        A condition that is to be TRUE.
    rule : Constraint or None
        A constraint that is not to be broken.
    """

    table: Table
    columns: tuple[tuple[str, str], ...]
    wanted: Predicate | None = None
    rule: Constraint | None = None

    def fits(self, view: View, block: Block, now: Array | None) -> Array:
        """Tell which rows pass."""
        found = view.read([drawn for _, drawn in self.columns], block, now)
        return self.judge(found.rename({drawn: own for own, drawn in self.columns}))

    def judge(self, frame: pl.DataFrame) -> Array:
        """Tell which rows pass whose columns have the names of the table."""
        if self.wanted is not None:
            passed = self.wanted.evaluate(frame).fill_null(False)
        else:
            assert self.rule is not None
            passed = ~find_broken(self.rule, frame, self.table).fill_null(False)
        return np.array(passed.to_numpy(), bool)


def make_test(view: View, unit: str, table: Table, asked: Predicate | Constraint) -> RowTest | None:
    """Make a test of rows while they are drawn; None if it reads what is not known then."""
    names = asked.columns if isinstance(asked, Predicate) else columns_of(asked, table)
    columns = tuple((name, member_column(unit, table.name, name)) for name in names)
    if not columns or not all(drawn in view.names for _, drawn in columns):
        return None
    if isinstance(asked, Predicate):
        return RowTest(table, columns, wanted=asked)
    return RowTest(table, columns, rule=asked)


def row_rules(table: Table) -> tuple[Constraint, ...]:
    """Return the constraints of a table that each of its rows keeps or breaks by itself."""
    kinds = (Check, Implies, Equality, Combination, OneHot, Pattern)
    return tuple(rule for rule in set_apart(table)[0].constraints if isinstance(rule, kinds))


def rule_tests(unit: Unit, tables: Sequence[Table]) -> tuple[RowTest, ...]:
    """Return the tests of the constraints that rows of a driven unit can be held against while they are drawn."""
    if not isinstance(unit.model, Histories):
        return ()
    view = View(unit.model)
    found = [make_test(view, unit.name, table, rule) for table in tables for rule in row_rules(table)]
    return tuple(test for test in found if test is not None)


def judge_of(unit: Unit, tables: Sequence[Table]) -> Judge | None:
    """Return what tells which rows keep the constraints of their tables; None where there is none to keep."""
    tests = rule_tests(unit, tables)
    if not tests or not isinstance(unit.model, Histories):
        return None
    view = View(unit.model)

    def judge(block: Block, entities: Array, now: Array | None) -> Array:
        return np.logical_and.reduce([test.fits(view, block, now) for test in tests])

    return judge


@dataclass
class Led:
    """A bound that histories are led to.

    Parameters
    ----------
    bound : Bound
        What is asked.
    test : RowTest
        Which rows are counted.
    early : tuple of Predicate
        Its terms that read the clock alone, which is known before the row.
    longest : int
        Rows of the longest history.
    """

    bound: Bound
    test: RowTest
    early: tuple[Predicate, ...]
    longest: int
    rows: int = 0
    open: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        self.settle()

    @property
    def width(self) -> int:
        """Rows to draw for one that is chosen: few if many are of the kind."""
        return int(np.clip(np.ceil((self.open + 1) / (self.hits + 0.5)), 2, WIDEST))

    @property
    def idle(self) -> bool:
        """Whether most rows are of the kind, so that histories need not be led to them."""
        return self.bound.most is None and self.hits > self.rows / 2

    def settle(self) -> None:
        """Make the outlook from what was seen so far."""
        rate = (self.hits + 0.5) / (self.rows + 1)
        self.outlook = Outlook(self.bound.least, self.bound.most, min(rate, 0.95), self.longest)

    def may(self, view: View, step: Step) -> Array:
        """Tell which of the next rows can be of the kind."""
        found = np.ones(len(step.entities), bool)
        if self.early and step.now is not None:
            times = pl.DataFrame([view.time(step.now)])
            for term in self.early:
                found &= np.asarray(term.evaluate(times).fill_null(False).to_numpy(), bool)
        return found


def lead_to(bound: Bound, view: View, unit: str, table: Table, longest: int) -> Led | None:
    """Make a bound into what leads histories; None if it counts by what is not known while rows are drawn."""
    if bound.where is None:
        return None
    test = make_test(view, unit, table, bound.where)
    if test is None:
        return None
    clock = view.histories.clock
    early = tuple(
        term for term in bound.where.terms() if clock is not None and set(term.columns) == {clock.column.name}
    )
    return Led(bound, test, early, longest)


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
        bad = np.flatnonzero(~self._passes(row, rows, step))
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
        return row, bad

    def _passes(self, row: Block, rows: Array, step: Step) -> Array:
        found = np.ones(len(row), bool)
        now = None if step.now is None else step.now[rows]
        for test in self.tests:
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
