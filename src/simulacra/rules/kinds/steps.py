"""Values that go on from row to row of a parent: dates after each other, balances, a random walk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.errors import SchemaError, unknown
from simulacra.rule import Rows, Rule
from simulacra.rules.moments import KINDS, PRECISIONS, from_micros, read_moment, to_micros
from simulacra.rules.reading import as_mapping, evaluate, kind_of, names_in, require_word
from simulacra.rules.words import read_rule
from simulacra.schema.types import Table

_OPTIONS = ("from", "by", "keep", "precision")


@dataclass(frozen=True)
class Steps(Rule):
    """The first row of each parent has ``from`` plus a step, each later one the value before plus a step.

    ``by`` is a rule of its own: a number, a duration (``{exponential: P3D}``), or a formula. ``keep`` below 1 draws
    values back to ``from``: x = from + keep x (value before - from) + step, a series that wanders and returns.

    Examples
    --------
    >>> rule = Steps.read({"steps": {"from": "customers.joined", "by": {"exponential": "P30D"}}}, "here")
    >>> rule.needs()
    ('customers.joined',)
    """

    word: ClassVar[str] = "steps"
    example: ClassVar[str] = "{steps: {from: customers.joined, by: {exponential: P30D}}}"
    start: str | float
    moment: str | None
    by: Rule
    keep: float
    precision: str
    place: str

    @classmethod
    def read(cls, content: Mapping[str, Any], place: str) -> Steps:
        """Read ``{steps: {from:, by:, keep:, precision:}}``."""
        given = as_mapping(require_word(content, "steps", (), place), "steps", _OPTIONS, place, cls.example)
        if "by" not in given:
            raise SchemaError(f"{place}: steps need 'by', as in {cls.example}.")
        start, moment = given.get("from", 0), None
        found = read_moment(start)
        if found is not None:
            moment, start = found
        elif isinstance(start, str):
            names_in(start, place)
        elif isinstance(start, bool) or not isinstance(start, (int, float)):
            raise SchemaError(f"{place}: 'from' of steps is a number, a moment or a formula, not {start!r}.")
        keep = given.get("keep", 1)
        if isinstance(keep, bool) or not isinstance(keep, (int, float)) or not 0 <= keep <= 1:
            raise SchemaError(f"{place}: 'keep' of steps is a share from 0 to 1, not {keep!r}.")
        precision = given.get("precision", "second")
        if precision not in PRECISIONS:
            raise SchemaError(f"{place}: {unknown('precision', str(precision), list(PRECISIONS))}")
        return cls(start, moment, read_rule(given["by"], f"{place}, by"), float(keep), precision, place)

    def needs(self) -> tuple[str, ...]:
        """The columns that from and by name."""
        own = names_in(self.start, self.place) if isinstance(self.start, str) else ()
        return tuple(dict.fromkeys((*own, *self.by.needs())))

    def _kind(self, table: Table) -> str:
        if self.moment is not None:
            return self.moment
        kind = kind_of(self.start, table, self.place) if isinstance(self.start, str) else "number"
        step = str(self.by.facts(table)["kind"])
        return step if kind == "number" and step in KINDS else kind

    def facts(self, table: Table) -> dict[str, Any]:
        """The kind that it starts with."""
        kind, step = self._kind(table), self.by.facts(table)
        if kind in {"date", "datetime"} and step["kind"] != "duration":
            raise SchemaError(f"{self.place}: a {kind} goes on by durations, such as {{exponential: P30D}}.")
        facts: dict[str, Any] = {"kind": kind}
        if kind == "number":
            first = self.start
            names = names_in(first, self.place) if isinstance(first, str) else ()
            whole = isinstance(first, int) or (len(names) == 1 and table[names[0]].integer)
            facts["integer"] = whole and self.keep == 1 and bool(step.get("integer", False))
        if any(table[name].nullable for name in self.needs() if name in table.names):
            facts["nullable"] = True
        return facts

    def draw(self, rows: Rows) -> pl.Series:
        """Add the steps up within each parent's rows."""
        if rows.histories is None:
            raise SchemaError(
                f"{self.place}: steps go on within the rows of a parent, and this table has none. Use timetable or "
                "sequence, or give the table a reference with children."
            )
        first = (
            to_micros(evaluate(self.start, rows))
            if isinstance(self.start, str)
            else np.full(rows.count, float(self.start))
        )
        steps = to_micros(self.by.draw(rows.picked(np.arange(rows.count), "by")))
        histories = rows.histories
        if self.keep == 1:
            summed = np.cumsum(np.nan_to_num(steps))
            before = np.concatenate([[0.0], summed])[histories.starts]
            out = first + summed - np.repeat(before, histories.counts)
        else:
            out = np.empty(rows.count)
            for place in range(int(histories.counts.max(initial=0))):
                at = histories.starts[histories.counts > place] + place
                out[at] = steps[at] + (self.keep * out[at - 1] if place else 0)
            out += first
        kind = self._kind(rows.table)
        if kind in KINDS:
            return from_micros(out, kind, self.precision)
        values = pl.Series(out).fill_nan(None)
        return values.round(0).cast(pl.Int64) if self.facts(rows.table).get("integer") else values
