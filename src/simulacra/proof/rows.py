"""Rules over single rows: every piece of a table held against them once, on its way through memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from simulacra.errors import DataError
from simulacra.proof.canonical import Places, Tally, read_column
from simulacra.proof.lines import Line
from simulacra.proof.references import Lookup
from simulacra.schema._rules import column_rules, weight_rules
from simulacra.schema.breaches import columns_of, find_broken
from simulacra.schema.conformance import empty_frame
from simulacra.schema.constraints import Check, Combination, Constraint, Equality, Implies, OneHot, Pattern
from simulacra.schema.crossing import reads_others
from simulacra.schema.types import Column, Table
from simulacra.tablefiles import Piece

_SINGLE = (Check, Implies, Equality, OneHot, Pattern, Combination)
_READABLE = {
    "number": "a number", "category": "a category", "boolean": "true or false", "date": "a date",
    "datetime": "a date and time", "time": "a time of day", "duration": "a duration", "text": "a text", "key": "a key",
}  # fmt: skip
_SOME_WEIGHT = "some row has a weight above 0"


@dataclass
class _Tallied:
    columns: tuple[str, ...]
    kind: str
    rule: str
    tally: Tally = field(default_factory=Tally)


class RowRules:
    """The rules of a table that each row keeps or breaks by itself, and the references of its rows.

    Parameters
    ----------
    table : Table
        The schema.
    lookups : sequence of Lookup
        Its references, with what is known of the rows referred to.

    Examples
    --------
    >>> from simulacra.tablefiles import Part
    >>> from pathlib import Path
    >>> table = Table("t", (Column("age", "number", bounds=(0, 120)),))
    >>> rules = RowRules(table, ())
    >>> rules.take(Piece(pl.DataFrame({"age": [30.0, 150.0, None]}), Part(Path("a"), "a"), 0, 0))
    >>> [(line.rule, line.violations, line.first[0].row) for line in rules.lines() if line.violations]
    [('has a value', 1, 3), ('between 0 and 120', 1, 2)]
    """

    def __init__(self, table: Table, lookups: Sequence[Lookup]) -> None:
        self.table = table
        self.rows = 0
        self.places = Places()
        self.lookups = lookups
        self._constraints = [
            (rule, columns_of(rule, table)) for rule in table.constraints if is_single(rule, table)
        ]
        self._found: dict[tuple[str, str, str], _Tallied] = {}
        self._weighs = False
        self._unknown: set[str] = set()
        # a table without rows has the same lines
        nothing = empty_frame(table)
        self._judge(nothing, nothing.select(pl.all().is_null()), 0)

    def take(self, piece: Piece) -> None:
        """Hold the rows of a piece against all rules.

        Raises
        ------
        DataError
            The file lacks a column.
        """
        lacking = [name for name in self.table.names if name not in piece.frame.columns]
        if lacking:
            raise DataError(
                f"{piece.part.name!r} lacks the column {lacking[0]!r} of table {self.table.name!r}. Write the file "
                "anew, or take the column out of the schema."
            )
        self._unknown.update(name for name in piece.frame.columns if name not in self.table.names)
        columns: list[pl.Series] = []
        unread: list[pl.Series] = []
        for column in self.table.columns:
            found = read_column(piece.frame[column.name], column)
            columns.append(found.values)
            unread.append(found.bad.alias(column.name))
        self.judge(pl.DataFrame(columns), pl.DataFrame(unread), piece)

    def judge(self, frame: pl.DataFrame, unread: pl.DataFrame, piece: Piece) -> None:
        """Hold canonical values against all rules; `unread` marks those that could not be read."""
        self.places.enter(piece)
        self._judge(frame, unread, piece.start)
        self.rows += frame.height

    def lines(self) -> Iterator[Line]:
        """Give a line for each rule."""
        for found in self._found.values():
            if found.rule == _SOME_WEIGHT and self._weighs:
                found.tally = Tally()
            first = self.places.find(found.tally.first)
            yield Line(
                self.table.name, found.columns, found.kind, found.rule, self.rows, found.tally.count, first,
                "every row",
            )  # fmt: skip

    @property
    def notes(self) -> list[str]:
        """What was not looked at."""
        if not self._unknown:
            return []
        shown = ", ".join(map(repr, sorted(self._unknown)[:5])) + (", ..." if len(self._unknown) > 5 else "")
        return [f"table {self.table.name!r}: not in the schema, so not looked at: {shown}."]

    def _judge(self, frame: pl.DataFrame, unread: pl.DataFrame, start: int) -> None:
        table = self.table
        for column in table.columns:
            values, bad = frame[column.name], unread[column.name]
            self._add((column.name,), "readable", _words(column), bad, start)
            for rule, broken, _ in column_rules(values, column, distinct=False):
                # what can not be read has no value either, and is told once
                marks = broken & ~bad if rule == "has a value" else broken
                self._add(
                    (column.name,), "not null" if rule == "has a value" else "value", rule, marks, start
                )
            if column.name == table.weight:
                self._weigh(values, column, start)
        for constraint, columns in self._constraints:
            self._add(columns, "check", str(constraint), find_broken(constraint, frame, table), start)
        for lookup in self.lookups:
            lookup.take(frame, start)

    def _weigh(self, values: pl.Series, column: Column, start: int) -> None:
        for rule, broken, _ in weight_rules(values, column):
            self._add((column.name,), "value", rule, broken, start)
        self._weighs = self._weighs or bool((values > 0).any())

    def _add(self, columns: tuple[str, ...], kind: str, rule: str, broken: pl.Series, start: int) -> None:
        key = (",".join(columns), kind, rule)
        if key not in self._found:
            self._found[key] = _Tallied(columns, kind, rule)
        self._found[key].tally.add(broken, start)


def is_single(constraint: Constraint, table: Table) -> bool:
    """Tell whether a row keeps or breaks a constraint by itself.

    Examples
    --------
    >>> table = Table("t", (Column("a", "number"),))
    >>> is_single(Check("a > 1"), table), is_single(Check("a > others.b"), table)
    (True, False)
    """
    return isinstance(constraint, _SINGLE) and not reads_others(constraint, table)


def _words(column: Column) -> str:
    what = "a whole number" if column.integer else _READABLE[column.kind]
    return f"can be read as {what}"
