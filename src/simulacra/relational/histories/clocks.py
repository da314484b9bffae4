"""The column by which the rows of an entity follow each other, as positions and as gaps between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array, Axis, Block, Domain
from simulacra.relations.parts import Part, wall_clock
from simulacra.schema._fields import dump_column, load_column
from simulacra.schema.types import Column, Table

GAP = "#gap"
"""Name of the column that holds the steps since the row before."""
LEAST_STEPS = 50
"""Steps within entities from which an order can be told from the rows as they lie."""
NEVER_FALLS, RISES = 0.995, 0.3
_DAY = 86_400_000_000


@dataclass(frozen=True)
class Clock:
    """An order as a position on an even scale.

    Parameters
    ----------
    column : Column
        The column of the order.
    unit : float
        What one position is worth: microseconds for instants, 1 for days, and the step of a number.
    parts : tuple of Part
        Other columns that are read from the order: its month, its hour on some zone's clocks.
    followers : tuple of Column
        Other dates or instants, which are learnt as the time that lies between: shipped two days after it was ordered.
    chains : mapping
        Followers that the next row tells: see `simulacra.relational.histories.chains.find_chains`.

    Examples
    --------
    >>> from datetime import date
    >>> days = pl.Series("d", [date(2020, 1, 1), date(2020, 1, 4)])
    >>> clock = Clock.of(days, Column("d", "date"))
    >>> clock.positions(days).tolist()
    [18262.0, 18265.0]
    >>> clock.values(np.array([18263.0])).to_list()
    [datetime.date(2020, 1, 2)]
    """

    column: Column
    unit: float = 1.0
    parts: tuple[Part, ...] = ()
    followers: tuple[Column, ...] = ()
    chains: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, values: pl.Series, column: Column) -> Clock:
        """Find the unit of an order from its values."""
        if column.kind in {"datetime", "time", "duration"}:
            whole = values.drop_nulls().to_physical().cast(pl.Int64).to_numpy()
            step = int(np.gcd.reduce(np.abs(whole))) if len(whole) else 1
            if column.kind == "time":
                return cls(column, float(max(step, 1)))
            for unit in (_DAY, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1):
                if step % unit == 0:
                    return cls(column, float(unit))
        if column.kind == "number" and not column.integer:
            return cls(column, 10.0 ** -(column.decimals if column.decimals is not None else 6))
        return cls(column)

    @property
    def gap(self) -> Column:
        """The column of the gaps."""
        return Column(GAP, "number", integer=True)

    @property
    def place(self) -> Column:
        """A column that can hold any of the positions: the order's own, or whole numbers for levels."""
        return Column(GAP, "number", integer=True) if self.column.kind == "category" else self.column

    def places(self, positions: Array) -> pl.Series:
        """Return values of `place` from positions."""
        values = self.values(positions)
        return values.cast(pl.Int64) if self.column.kind == "category" else values

    def positions(self, values: pl.Series) -> Array:
        """Return positions; NaN for missing."""
        if self.column.kind in {"date", "datetime", "time", "duration"}:
            numbers = values.to_physical().cast(pl.Float64).to_numpy()
        else:
            numbers = values.cast(pl.Float64).to_numpy()  # levels that are whole numbers too
        return np.asarray(np.rint(numbers / self.unit), float)

    def values(self, positions: Array) -> pl.Series:
        """Return values of the column from positions."""
        kind, name = self.column.kind, self.column.name
        held = ~np.isnan(positions)
        numbers = np.where(held, positions, 0) * self.unit
        mask = pl.Series(held)
        if kind in {"date", "datetime", "time", "duration"}:
            types: dict[str, Any] = {
                "date": pl.Date, "datetime": pl.Datetime("us", self.column.timezone), "time": pl.Time,
                "duration": pl.Duration("us"),
            }  # fmt: skip
            whole = pl.Series(name, np.rint(numbers).astype(np.int64))
            series = whole.cast(pl.Int32).cast(pl.Date) if kind == "date" else whole.cast(types[kind])
        elif self.column.integer or kind == "category":
            series = pl.Series(name, np.rint(numbers).astype(np.int64))
            series = series if self.column.integer and kind != "category" else series.cast(pl.String)
        else:
            series = pl.Series(name, np.round(numbers, self.column.decimals or 6))
        return pl.select(pl.when(mask).then(series).otherwise(None)).to_series().alias(name)

    def columns(self, positions: Array) -> list[pl.Series]:
        """Return values of the column, and of all that are read from it."""
        values = self.values(positions)
        return [values, *(part.compute(values) for part in self.parts)]

    def distances(self, frame: pl.DataFrame, column: Column) -> tuple[Column, pl.Series]:
        """Return how far another date or instant lies from the order, as the column that is learnt of it."""
        scale = _DAY if self.column.kind == "date" else 1
        apart = (in_micros(frame[column.name]) - in_micros(frame[self.column.name])) // scale
        told = Column(column.name, "number", nullable=column.nullable or apart.null_count() > 0, integer=True)
        return told, apart.alias(column.name)

    def follow(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Turn distances back into dates and instants, once the order is known."""
        scale = _DAY if self.column.kind == "date" else 1
        made = []
        for column in self.followers:
            micros = frame[column.name] * scale + in_micros(frame[self.column.name])
            if column.kind == "date":
                days = _reflect(micros // _DAY, declared_ends(column))
                made.append(days.cast(pl.Int32).cast(pl.Date).alias(column.name))
            else:
                micros = _reflect(micros, declared_ends(column))
                made.append(micros.cast(pl.Datetime("us", column.timezone)).alias(column.name))
        return frame.with_columns(made)

    def without(self, names: Collection[str]) -> Clock:
        """Leave followers out that something else gives."""
        return replace(self, followers=tuple(c for c in self.followers if c.name not in names))

    def keep_inside(self, first: Array, span: Array, shortest: Array) -> tuple[Array, Array]:
        """Put where histories start, and how long they are, inside declared bounds of the order.

        Parameters
        ----------
        first, span : array
            Positions at which histories start, and how far their last rows are from there.
        shortest : array
            How short each can be at the least.
        """
        ends = declared_ends(self.column)
        if ends is None:
            return first, span
        low, high = np.ceil(round(ends[0] / self.unit, 6)), np.floor(round(ends[1] / self.unit, 6))
        latest = np.maximum(high - np.minimum(shortest, span), low)
        first = np.where(first < low, 2 * low - first, np.where(first > latest, 2 * latest - first, first))
        first = np.clip(first, low, latest)
        return first, np.maximum(np.minimum(span, high - first), 0)

    @property
    def zone(self) -> str:
        """Whose clocks most of the parts are read from."""
        zones = [part.zone for part in self.parts]
        return max(zones, key=zones.count, default="")

    def look(self, positions: Array, holders: int) -> Block:
        """Return what a model may see of positions: the day, and the time of day where there is one."""
        kind = self.column.kind
        scale = partial(Axis, part="value", lattice=True, missing=True, holders=holders)
        if kind == "date":
            return Block(Domain((scale("#day", "#day", calendar=True),)), (positions,))
        if kind == "datetime":
            micros = self._shown(positions * self.unit)
            day = np.floor(micros / _DAY)
            axes, columns = [scale("#day", "#day", calendar=True)], [day]
            if self.unit < _DAY:
                axes.append(scale("#clock", "#clock"))
                columns.append(np.floor((micros - day * _DAY) / 60_000_000))
            return Block(Domain(tuple(axes)), tuple(columns))
        return Block(Domain((scale("#at", "#at"),)), (positions,))

    def _shown(self, micros: Array) -> Array:
        """Return what clocks of the zone show."""
        if not self.zone:
            return micros
        held = ~np.isnan(micros)
        utc = pl.Series(np.where(held, micros, 0).astype(np.int64)).cast(pl.Datetime("us"))
        shown = wall_clock(utc, self.zone).cast(pl.Int64).cast(pl.Float64).to_numpy()
        return np.where(held, shown, np.nan)

    def days(self, positions: Array) -> Array:
        """Return the day, since 1970, of positions of dates or instants."""
        return positions if self.column.kind == "date" else np.floor(positions * self.unit / _DAY)

    def dump(self) -> dict[str, Any]:
        """Return what is not the column as JSON."""
        return {
            "column": self.column.name, "unit": self.unit,
            "parts": [part.dump() for part in self.parts],
            "followers": [_dump_follower(c) for c in self.followers],
            **({"chains": dict(self.chains)} if self.chains else {}),
        }  # fmt: skip

    @classmethod
    def restore(cls, state: Mapping[str, Any], column: Column) -> Clock:
        """Make the clock from what `dump` gave."""
        parts = tuple(Part.restore(part) for part in state.get("parts", ()))
        followers = tuple(
            load_column(c["name"], {fact: c[fact] for fact in c if fact != "name"}, f"column {c['name']!r}")
            for c in state.get("followers", ())
        )
        return cls(column, float(state["unit"]), parts, followers, dict(state.get("chains", {})))


def _dump_follower(column: Column) -> dict[str, Any]:
    """Return what is needed of a follower; bounds only where they were declared, and so tell of no row."""
    told = {"name": column.name, "kind": column.kind, "timezone": column.timezone}
    if not column.declared or column.bounds is None:
        return told
    return {**told, "bounds": dump_column(column)["bounds"], "declared": True}


def declared_ends(column: Column) -> tuple[float, float] | None:
    """Return the bounds that are declared of a column, as whole microseconds, days or numbers; None without.

    Examples
    --------
    >>> from datetime import date
    >>> declared_ends(Column("d", "date", bounds=(date(1970, 1, 2), date(1970, 1, 9)), declared=True))
    (1.0, 8.0)
    """
    if column.bounds is None or not column.declared:
        return None
    ends = pl.Series(list(column.bounds))
    if column.kind == "datetime":
        ends = ends.cast(pl.Datetime("us", column.timezone))
    elif column.kind == "duration":
        ends = ends.cast(pl.Duration("us"))
    low, high = ends.to_physical().cast(pl.Float64).to_list()
    return low, high


def _reflect(values: pl.Series, ends: tuple[float, float] | None) -> pl.Series:
    """Put whole numbers beyond an end as far inside of it."""
    if ends is None:
        return values
    low, high = int(ends[0]), int(ends[1])
    value = pl.col("value")
    inside = pl.when(value < low).then(2 * low - value).when(value > high).then(2 * high - value)
    return values.rename("value").to_frame().select(inside.otherwise(value).clip(low, high)).to_series()


def in_micros(values: pl.Series) -> pl.Series:
    """Return microseconds since 1970 of dates or instants."""
    return values.cast(pl.Int64) * _DAY if values.dtype == pl.Date else values.cast(pl.Int64)


def find_order(frame: pl.DataFrame, table: Table, taken: Collection[str], entity: Array) -> str | None:
    """Find a column by which the rows of every entity already follow each other as they lie.

    Parameters
    ----------
    frame : DataFrame
        Rows.
    table : Table
        Their columns.
    taken : collection of str
        Columns that are keys or references.
    entity : array of int
        Whose row each is.

    Returns
    -------
    str or None
        A date, an instant or a whole number that (almost) never falls from one row of an entity to its next, and often
        rises.
    """
    order = np.argsort(entity, kind="stable")
    within = np.diff(entity[order]) == 0
    if within.sum() < LEAST_STEPS:
        return None
    best: tuple[bool, float, str] | None = None
    for column in table.columns:
        whole = column.kind == "number" and column.integer
        if column.name in taken or not (whole or column.kind in {"date", "datetime", "category"}):
            continue
        values = frame[column.name]
        if values.null_count() or (column.kind == "category" and not _is_whole(values)):
            continue
        numbers = values.to_physical() if column.kind in {"date", "datetime"} else values
        steps = np.diff(numbers.cast(pl.Float64).to_numpy()[order])[within]
        rising = float((steps > 0).mean())
        if (steps >= 0).mean() >= NEVER_FALLS and rising >= RISES:
            rank = (column.kind in {"date", "datetime"}, rising, column.name)
            best = rank if best is None or rank[:2] > best[:2] else best
    return best[2] if best is not None else None


def find_date(frame: pl.DataFrame, table: Table, taken: Collection[str]) -> str | None:
    """Find the date or instant of a row: the only one, or the one that is never after the others.

    Rows are learnt in its order then, and its first one with the parent's own columns: a loan after its account.
    """
    dated = [
        column.name
        for column in table.columns
        if column.kind in {"date", "datetime"}
        and column.name not in taken
        and not frame[column.name].null_count()
    ]
    for name in dated:
        others = [
            pl.col(other).cast(pl.Datetime("us")) >= pl.col(name).cast(pl.Datetime("us"))
            for other in (column.name for column in table.columns if column.kind in {"date", "datetime"})
            if other not in {name, *taken}
        ]
        if not others or bool(
            frame.select(pl.all_horizontal(others).fill_null(True).mean()).item() >= NEVER_FALLS
        ):
            return name
    return None


def _is_whole(values: pl.Series) -> bool:
    """Tell whether levels are whole numbers, each in one spelling."""
    levels = values.unique()
    numbers = levels.cast(pl.Int64, strict=False)
    return numbers.null_count() == 0 and bool((numbers.cast(pl.String) == levels).all())
