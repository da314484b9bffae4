"""Repairs: what changes a drawn row as little as it takes to keep a constraint, offenders only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.sampling._languages import Language
from simulacra.schema.breaches import find_broken, formula_of
from simulacra.schema.constraints import Combination, Constraint, Equality, Implies, OneHot, Pattern
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table


@dataclass(frozen=True)
class Repair(ABC):
    """How offenders against one constraint are mended; a row that can not be mended is left as it is."""

    constraint: Constraint
    table: Table

    @property
    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """The columns that it looks at and leaves alone."""

    @property
    @abstractmethod
    def writes(self) -> tuple[str, ...]:
        """The columns that it changes."""

    @abstractmethod
    def mend(self, frame: pl.DataFrame, broken: pl.Series, rng: np.random.Generator) -> list[pl.Series]:
        """Return the new columns; `broken` marks the offenders, of which there is one at least."""

    def apply(self, frame: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, int]:
        """Mend the offenders, and count them."""
        broken = find_broken(self.constraint, frame, self.table)
        count = int(broken.sum())
        if not count:
            return frame, 0
        return frame.with_columns(self.mend(frame, broken, rng)), count


@dataclass(frozen=True)
class Recompute(Repair):
    """An equality: the column is computed from its expression."""

    constraint: Equality

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of the expression."""
        return formula_of(self.constraint, self.table).columns

    @property
    def writes(self) -> tuple[str, ...]:
        """The column."""
        return (self.constraint.column,)

    def mend(self, frame: pl.DataFrame, broken: pl.Series, rng: np.random.Generator) -> list[pl.Series]:
        """Compute, and bring to the column's type and decimals."""
        column = self.table[self.constraint.column]
        given = frame[column.name]
        made = _typed(formula_of(self.constraint, self.table).evaluate(frame), column, given.dtype)
        # what has no value of the column's type stays, breaks the constraint, and is drawn anew
        return [_where(broken & made.is_not_null(), made, given)]


@dataclass(frozen=True)
class Assign(Repair):
    """An implication whose `then` only one value of its column keeps: that value."""

    constraint: Implies
    column: str
    value: Any

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of `when`."""
        return Predicate.parse(self.constraint.when, self.table).columns

    @property
    def writes(self) -> tuple[str, ...]:
        """The column of `then`."""
        return (self.column,)

    def mend(self, frame: pl.DataFrame, broken: pl.Series, rng: np.random.Generator) -> list[pl.Series]:
        """Write the value."""
        given = frame[self.column]
        value = pl.Series([self.value], dtype=given.dtype).new_from_index(0, len(given))
        return [_where(broken, value, given)]


@dataclass(frozen=True)
class KeepOne(Repair):
    """One-hot columns: one of those that are true stays; where none is, one is drawn by the columns' shares."""

    constraint: OneHot

    @property
    def reads(self) -> tuple[str, ...]:
        """Nothing else."""
        return ()

    @property
    def writes(self) -> tuple[str, ...]:
        """The columns."""
        return self.constraint.columns

    def mend(self, frame: pl.DataFrame, broken: pl.Series, rng: np.random.Generator) -> list[pl.Series]:
        """Choose one column for every offender."""
        rows = broken.arg_true()
        flags = [frame[name].cast(pl.Int64).fill_null(0).to_numpy() > 0 for name in self.writes]
        shares = np.array([flag.mean() for flag in flags])
        shares = shares if shares.any() else np.ones(len(flags))
        held = np.column_stack([flag[rows.to_numpy()] for flag in flags]).astype(np.float64)
        weights = np.where(held.any(axis=1, keepdims=True), held, shares)
        running = weights.cumsum(axis=1)
        point = rng.random(len(rows)) * running[:, -1]
        chosen = np.minimum((running <= point[:, None]).sum(axis=1), len(flags) - 1)
        return [
            _scatter(frame[name], rows, pl.Series(chosen == place).cast(frame[name].dtype))
            for place, name in enumerate(self.writes)
        ]


@dataclass(frozen=True)
class Respell(Repair):
    """A pattern of a text: texts that do not match are made from the pattern."""

    constraint: Pattern
    language: Language

    @property
    def reads(self) -> tuple[str, ...]:
        """Nothing else."""
        return ()

    @property
    def writes(self) -> tuple[str, ...]:
        """The text."""
        return (self.constraint.column,)

    def mend(self, frame: pl.DataFrame, broken: pl.Series, rng: np.random.Generator) -> list[pl.Series]:
        """Make texts."""
        rows = broken.arg_true()
        made = pl.Series(self.language.draw(len(rows), rng), dtype=pl.String)
        return [_scatter(frame[self.constraint.column], rows, made)]


@dataclass(frozen=True)
class Borrow(Repair):
    """A combination: the other columns are taken from a row that keeps it and has the same first column."""

    constraint: Combination

    @property
    def reads(self) -> tuple[str, ...]:
        """The first column."""
        return self.constraint.columns[:1]

    @property
    def writes(self) -> tuple[str, ...]:
        """The other columns."""
        return self.constraint.columns[1:]

    def mend(self, frame: pl.DataFrame, broken: pl.Series, rng: np.random.Generator) -> list[pl.Series]:
        """Draw a donor among the rows of the frame, so that combinations are as common as the model draws them."""
        first = self.constraint.columns[0]
        donors = frame.select(self.constraint.columns).filter(~broken).sort(first, maintain_order=True)
        groups = donors.group_by(first, maintain_order=True).agg(_rows=pl.len())
        groups = groups.with_columns(_start=pl.col("_rows").cum_sum() - pl.col("_rows"))
        rows = broken.arg_true()
        asked = frame.select(pl.col(first).gather(rows))
        met = asked.join(groups, on=first, how="left", nulls_equal=True, maintain_order="left")
        found = met["_rows"].is_not_null()
        point: Array = rng.random(len(rows))
        place = met["_start"].fill_null(0).to_numpy() + np.floor(point * met["_rows"].fill_null(1).to_numpy())
        taken = pl.Series(place.astype(np.uint32)).filter(found)
        return [_scatter(frame[name], rows.filter(found), donors[name].gather(taken)) for name in self.writes]


def _where(mask: pl.Series, new: pl.Series, old: pl.Series) -> pl.Series:
    return new.zip_with(mask, old).alias(old.name)


def _scatter(values: pl.Series, rows: pl.Series, new: pl.Series) -> pl.Series:
    return values.clone().scatter(rows, new) if len(rows) else values


def _typed(values: pl.Series, column: Column, dtype: pl.DataType) -> pl.Series:
    """Bring computed values to a column's type, its decimals and its zone; null where that can not be."""
    if dtype.is_integer():
        if values.dtype.is_float():
            values = values.round(0)
        return values.cast(dtype, strict=False)
    if dtype.is_float():
        values = values.cast(dtype, strict=False)
        values = values if column.decimals is None else values.round(column.decimals)
        return pl.select(pl.when(values.is_finite()).then(values)).to_series()
    zone = getattr(dtype, "time_zone", None)
    if zone is not None and getattr(values.dtype, "time_zone", None) is None and values.dtype.is_temporal():
        return values.cast(pl.Datetime("us")).dt.replace_time_zone(
            zone, ambiguous="earliest", non_existent="null"
        )
    return values.cast(dtype, strict=False)
