"""What no rows below a row can be in a model of several tables, told before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from simulacra.errors import ImpossibleCondition
from simulacra.relational.asking.conditions import Condition
from simulacra.relational.histories.clocks import Clock
from simulacra.relational.histories.histories import Histories
from simulacra.relational.naming import counted, first_of, member_column, span_of
from simulacra.relational.plan import Plan
from simulacra.relational.rules.bounds import Bound
from simulacra.relational.rules.entity_rules import EntityRules
from simulacra.sampling.conditions import Listed, find_obstacle
from simulacra.sampling.decoding import UNMADE
from simulacra.schema._literals import quoted
from simulacra.schema.column import Column
from simulacra.schema.predicates import Predicate

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer

GRID = 100_001
"""Times that stand for all between the first and the last, where these are more."""


def require_drawable(model: DatabaseSynthesizer, condition: Condition, root: str) -> None:
    """Refuse a condition on rows that the model can not draw, or on more of them than it draws.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    condition : Condition
        What is asked of the rows of one table.
    root : str
        The root that these rows belong to; what is asked of its own columns is left to its model.

    Raises
    ------
    ImpossibleCondition
        Single columns tell that no row can do. Ranges and levels are named as the model has released them.
    """
    where = f"table {condition.table!r}, where {quoted(str(condition))}"
    if condition.table != root and condition.row is not None:
        why = _find_obstacle(model, condition.table, condition.row)
        if why is None and _find_obstacle(model, condition.table, condition.row, first=True) is not None:
            # of an entity whose first row does not fit, some row does not
            why = f"all rows of {condition.table!r} are to fit, and no history of this model starts then. Loosen it."
        if why is not None:
            raise ImpossibleCondition(f"{where}: {why}")
    for bound in condition.bounds:
        if not bound.least:
            continue
        most = (
            _most_below(model, bound) if bound.route.end != root or len(bound.route.references) > 1 else None
        )
        if most is not None and bound.least > most:
            raise ImpossibleCondition(
                f"{where}: no row of {condition.table!r} has {bound} in this model. Loosen it."
            )
        why = None if bound.where is None else _find_obstacle(model, bound.child, bound.where)
        if why is not None:
            raise ImpossibleCondition(f"{where}: that takes {bound}, and {why}")


def _find_obstacle(
    model: DatabaseSynthesizer, name: str, asked: Predicate, *, first: bool = False
) -> str | None:
    """Say why no row of a table satisfies something, or no row that is the first of a history, by single columns."""
    known: dict[str, Listed] = {}
    for column in asked.columns:
        found = _list_column(model, name, column, first)
        if found is not None:
            known[column] = found
    # a part that reads what is not known here may be TRUE
    parts = [term for term in asked.terms() if set(term.columns) <= set(known)]
    for part in parts:
        why = find_obstacle(part, known)
        if why is not None:
            return why
    return None


def _list_column(model: DatabaseSynthesizer, name: str, column: str, first: bool) -> Listed | None:
    """Return what can be drawn of a column; None where it is made, computed or mended after drawing."""
    table = model.schema.table(name)
    mended = {(rule.table, rule.column) for rule in EntityRules.of(model.schema).held}
    if name in model.plan.kept or (name, column) in mended or table[column].kind in UNMADE:
        return None
    unit = model.units[model.plan.home(name)]
    if unit.synthesizer is None:
        return None
    drawn = member_column(unit.name, name, column)
    clock = unit.model.clock if isinstance(unit.model, Histories) else None
    if clock is not None and drawn == clock.column.name:
        return _list_times(model, unit.name, clock, table[column], first)
    if clock is not None and drawn in {follower.name for follower in clock.followers}:
        return None  # what is drawn is a distance
    encoding = unit.synthesizer.encodings.get(drawn)
    return None if encoding is None else _Named(replace(encoding.column, name=column), encoding)


@dataclass(frozen=True)
class _Named:
    """A column of tables drawn together, under its own name."""

    column: Column
    drawn: Listed

    def candidates(self, literals: Sequence[Any] = ()) -> pl.Series | None:
        """List values that can be drawn."""
        return self.drawn.candidates(literals)


@dataclass(frozen=True)
class _Times:
    """When the rows of histories can be.

    Parameters
    ----------
    column : Column
        The column as released.
    clock : Clock
        What positions mean.
    low, high : float
        The first and the last position.
    """

    column: Column
    clock: Clock
    low: float
    high: float

    def candidates(self, literals: Sequence[Any] = ()) -> pl.Series | None:
        """List all positions where these are few, else a grid and what lies about the literals."""
        if self.high - self.low < GRID:
            return self.clock.values(np.arange(self.low, self.high + 1))
        named = self._places(literals)
        about = np.concatenate([named - 1, named, named + 1])
        grid = np.rint(np.linspace(self.low, self.high, GRID))
        return self.clock.values(np.concatenate([grid, about[(about >= self.low) & (about <= self.high)]]))

    def _places(self, literals: Sequence[Any]) -> np.ndarray[Any, Any]:
        kind = self.column.kind
        wanted: dict[str, tuple[type, ...]] = {
            "date": (date,), "datetime": (date, datetime), "time": (time,), "duration": (timedelta,),
        }  # fmt: skip
        types = wanted.get(kind, (int, float))
        named = [x for x in literals if isinstance(x, types) and not isinstance(x, bool)]
        if not named:
            return np.zeros(0)
        series = pl.Series(named, strict=False)
        if kind == "datetime":
            series = pl.Series([_instant(x) for x in named], dtype=pl.Datetime("us"))
        return self.clock.positions(series)


def _instant(value: Any) -> datetime:
    return (
        value.replace(tzinfo=None)
        if isinstance(value, datetime)
        else datetime(value.year, value.month, value.day)
    )


def _list_times(
    model: DatabaseSynthesizer, unit: str, clock: Clock, column: Column, starts: bool
) -> Listed | None:
    """Tell from the first and the last rows that a parent draws when its histories can be."""
    link, own = model.plan.driving(unit), model.units[unit].model
    if link is None or link.reference.table in model.plan.kept or not isinstance(own, Histories):
        return None
    parent = model.units[model.plan.home(link.reference.table)].synthesizer
    if parent is None or first_of(link) not in parent.encodings:
        return None
    first = _positions(clock, parent.encodings[first_of(link)].candidates(), column)
    if starts and len(first):
        return _Times(column, clock, first.min(), first.max())
    span = _numbers(parent.encodings[span_of(link)].candidates())
    rows = _numbers(parent.encodings[counted(link)].candidates())
    if not len(first) or not len(span) or not len(rows):
        return None
    # rows keep a least distance even where their history ends
    last = min(first.max() + max(span.max(), 0.0), own.last)
    return _Times(column, clock, first.min(), max(last, first.max()) + own.least * rows.max())


def _positions(clock: Clock, values: pl.Series | None, column: Column) -> np.ndarray[Any, Any]:
    if values is None:
        return np.zeros(0)
    found = clock.positions(values.alias(column.name))
    return found[~np.isnan(found)]


def _numbers(values: pl.Series | None) -> np.ndarray[Any, Any]:
    return np.zeros(0) if values is None else values.drop_nulls().cast(pl.Float64).to_numpy()


def _most_below(model: DatabaseSynthesizer, bound: Bound) -> float | None:
    """Return how many rows below a row there can be at most; None where that is not drawn with the rows."""
    most = 1.0
    below = bound.route.tables
    for child, reference in zip(below, bound.route.references, strict=False):
        link = next(
            (
                x
                for x in model.plan.to(reference.table, "driving")
                if (x.table, x.reference) == (child, reference)
            ),
            None,
        )
        synthesizer = None if link is None else model.units[model.plan.home(reference.table)].synthesizer
        if link is None or synthesizer is None or counted(link) not in synthesizer.encodings:
            return None
        numbers = _numbers(synthesizer.encodings[counted(link)].candidates())
        if not len(numbers):
            return None
        most *= float(numbers.max())
    return most


def count_text(plan: Plan, table: str, bound: Bound) -> str | None:
    """Write what a bound asks of the number of rows that a row of a table draws."""
    last = bound.route.references[-1]
    child = bound.route.tables[-2]
    link = next((x for x in plan.to(table, "driving") if (x.table, x.reference) == (child, last)), None)
    if link is None:
        return None
    name = f'"{counted(link)}"'
    least = bound.least if len(bound.route.references) == 1 else min(bound.least, 1)
    parts = [f"{name} >= {least}"] if least else []
    if bound.most is not None and bound.where is None and len(bound.route.references) == 1:
        parts.append(f"{name} <= {bound.most}")
    return " AND ".join(parts) or None
