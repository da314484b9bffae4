"""What is asked of rows of histories while they are drawn: tests of single rows, and counts that they are led to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array, Block
from simulacra.relational.asking.weights import Outlook
from simulacra.relational.histories.choosing import Step
from simulacra.relational.histories.histories import Histories
from simulacra.relational.histories.wanted import Judge
from simulacra.relational.naming import member_column
from simulacra.relational.rules.bounds import Bound
from simulacra.relational.unit import Unit
from simulacra.sampling.decoding import UNMADE, Decoder
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.constraints import Check, Combination, Constraint, Equality, Implies, OneHot, Pattern
from simulacra.schema.crossing import set_apart
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Table

WIDEST = 32
"""Rows that are drawn at most to choose one of them."""


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
    def timed(self) -> frozenset[str]:
        """Columns that the clock tells: they are what they are when a row is drawn."""
        clock = self.histories.clock
        return (
            frozenset()
            if clock is None
            else frozenset({clock.column.name, *(part.column for part in clock.parts)})
        )

    @property
    def names(self) -> frozenset[str]:
        """Columns that are known while rows are drawn."""
        own = self.histories.rows.table.columns
        clock = self.histories.clock
        known = {column.name for column in own if column.kind not in UNMADE}
        # dates that follow the order are distances until rows are finished
        late = {follower.name for follower in clock.followers} if clock is not None else set()
        return frozenset((known - late) | self.timed)

    def read(self, names: Sequence[str], block: Block, now: Array | None) -> pl.DataFrame:
        """Return some columns of some rows."""
        own, clock = self.histories.rows, self.histories.clock
        times = clock.columns(now) if clock is not None and now is not None else []
        timed = [values for values in times if values.name in names]
        drawn = [name for name in names if name not in {values.name for values in timed}]
        frame = self._decoder().columns(
            drawn, dict(zip(own.domain.names, block.columns, strict=True)), len(block)
        )
        return pl.DataFrame([*frame.get_columns(), *timed])  # a frame of no columns has no rows either

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
    timed : bool
        Whether the clock alone tells, so that drawing the row anew is no use.
    """

    table: Table
    columns: tuple[tuple[str, str], ...]
    wanted: Predicate | None = None
    rule: Constraint | None = None
    timed: bool = False

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
    timed = {drawn for _, drawn in columns} <= view.timed
    if isinstance(asked, Predicate):
        return RowTest(table, columns, wanted=asked, timed=timed)
    return RowTest(table, columns, rule=asked, timed=timed)


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
