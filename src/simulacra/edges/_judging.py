"""Which rules of a contract each edge case breaks: judged by validation, beside the rows that keep it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.formatting import format_series
from simulacra.guarantees.constraints import OVER_ROWS
from simulacra.schema._convert import READERS
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.conformance import canonical_type
from simulacra.schema.constraints import Constraint
from simulacra.schema.types import Table
from simulacra.schema.validation import rules_of_column

_UNIQUE = "different in every row"
USUAL = 32
"""Typical values beside which texts are read."""
MOST_BESIDE = 2_000
"""Given rows beside which rules among rows are tried."""


@dataclass(frozen=True)
class Judge:
    """Finds the rules that rows break.

    Parameters
    ----------
    table : Table
        The contract.
    alone : tuple of Constraint
        Rules among rows that list their groups, so that each row can be judged by itself.
    """

    table: Table
    alone: tuple[Constraint, ...] = ()

    def is_over_rows(self, rule: Constraint) -> bool:
        """Tell whether a rule holds among rows, so that no row can be judged by itself."""
        return isinstance(rule, OVER_ROWS) and rule not in self.alone

    def any_broken(self, frame: pl.DataFrame) -> Array:
        """Mark the rows that break a rule on one row."""
        return self.count(frame) > 0

    def count(self, frame: pl.DataFrame) -> Array:
        """Count the rules on one row that each row breaks."""
        counts = np.zeros(len(frame), dtype=np.int64)
        for _, broken in self._alone(frame):
            counts += broken.fill_null(False).to_numpy()
        return counts

    @property
    def columns_among(self) -> frozenset[str]:
        """The columns of rules that hold among rows."""
        rules = [rule for rule in self.table.constraints if self.is_over_rows(rule)]
        keys = [column.name for column in self.table.columns if column.kind == "key"]
        return frozenset((*keys, *self.table.key)).union(*(columns_of(rule, self.table) for rule in rules))

    def rules(
        self,
        frame: pl.DataFrame,
        late: Array,
        unread: Sequence[str | None],
        given: pl.DataFrame | None,
    ) -> list[list[str]]:
        """Tell for every row the rules that it breaks, beside the others that break none.

        Parameters
        ----------
        frame : DataFrame
            The rows.
        late : bool array
            The rows that are about columns of rules among rows: they are held against the others, one by one.
        unread : sequence of str or None
            For each row, the rule that it breaks by holding what can not be read.
        given : DataFrame or None
            Rows that stand in front.
        """
        found: list[list[str]] = [[] if bad is None else [bad] for bad in unread]
        for words, broken in self._alone(frame):
            for place in broken.fill_null(False).arg_true().to_list():
                # what can not be read is no missing value
                column, _, rule = words.partition(": ")
                bad = unread[place]
                if not (bad and rule == "has a value" and bad.startswith(f"{column}: ")):
                    found[place].append(words)
        if not any(True for _ in self._among(frame.head(1))):
            return found
        beside = frame.head(0) if given is None else given.select(frame.columns).head(MOST_BESIDE)
        whole = np.array([not rules for rules in found])
        first = pl.concat([beside, frame.filter(pl.Series(whole & ~late))])
        # typical rows go together as they were drawn; where they do not, each is tried by itself
        together = not self._broken_among(first)
        beside = first if together else beside
        for place in np.argsort(late, kind="stable").tolist():
            if together and not late[place]:
                continue
            row = pl.concat([beside, frame[place : place + 1]])
            more = self._broken_among(row)
            if not more and not found[place]:
                beside = row
            found[place] += more
        return found

    def _alone(self, frame: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
        for column in self.table.columns:
            for words, broken, _ in rules_of_column(frame[column.name], column, self.table):
                if words != _UNIQUE:
                    yield f"{column.name}: {words}", broken
        for rule in self.table.constraints:
            if not self.is_over_rows(rule):
                yield str(rule), find_broken(rule, frame, self.table)

    def _among(self, frame: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
        keys: set[tuple[str, ...]] = {(column.name,) for column in self.table.columns if column.kind == "key"}
        if self.table.key:
            keys.add(self.table.key)
        for names in sorted(keys):
            part = frame.select(names)
            held = ~part.select(pl.any_horizontal(pl.all().is_null())).to_series()
            yield f"{', '.join(names)}: {_UNIQUE}", part.is_duplicated() & held
        for rule in self.table.constraints:
            if self.is_over_rows(rule):
                yield str(rule), find_broken(rule, frame, self.table)

    def _broken_among(self, frame: pl.DataFrame) -> list[str]:
        return [words for words, broken in self._among(frame) if broken.any()]


@dataclass
class Reader:
    """Reads texts as they would be read from a file of typical rows and of those read before.

    Parameters
    ----------
    pool : DataFrame
        Typical rows.
    table : Table
        The contract.
    """

    pool: pl.DataFrame
    table: Table

    def __post_init__(self) -> None:
        self._known: dict[str, tuple[pl.Series, pl.Series]] = {}

    def read(self, texts: Mapping[str, str | None]) -> tuple[dict[str, pl.Series], str | None]:
        """Return one canonical value for each column (missing if unreadable), and the rule that a text breaks."""
        values, unread = {}, None
        for name, text in texts.items():
            column = self.table[name]
            beside, before = self._beside(name)
            whole = pl.concat([beside, pl.Series(name, [text], dtype=pl.String)])
            read = READERS[column.kind](whole, column)
            found = read.values.cast(canonical_type(column)).alias(name)
            bad = read.bad.fill_null(False)
            # how a column is written is told from all its texts, so that one can make others unreadable
            if bad.any() or not found[:-1].equals(before, null_equal=True):
                unread = f"{name}: can be read as a {'whole number' if column.integer else column.kind}"
                found = pl.Series(name, [None], dtype=found.dtype)
            elif not any(
                broken.fill_null(False)[0] for _, broken, _ in rules_of_column(found[-1:], column, self.table)
            ):
                self._known[name] = (whole, found)
            values[name] = found[-1:]
        return values, unread

    def _beside(self, name: str) -> tuple[pl.Series, pl.Series]:
        if name not in self._known:
            usual = self.pool[name].unique(maintain_order=True).head(USUAL)
            self._known[name] = (format_series(usual, self.table[name]).cast(pl.String).alias(name), usual)
        return self._known[name]
