"""Repairs: what changes a drawn row as little as it takes to keep a constraint, offenders only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.guarantees._languages import Language
from simulacra.schema.breaches import find_broken, formula_of, listed_rows
from simulacra.schema.constraints import (
    Combination,
    Constraint,
    Determines,
    Equality,
    Implies,
    OneHot,
    Pattern,
)
from simulacra.schema.predicates import Predicate
from simulacra.schema.types import Column, Table

MOST_TRIED = 24
"""Sets of columns tried for a donor that agrees in them."""


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
class LookUp(Repair):
    """What a column determines, where groups are listed: their values. Other groups are settled among the rows."""

    constraint: Determines

    @property
    def reads(self) -> tuple[str, ...]:
        """What determines."""
        return self.constraint.by

    @property
    def writes(self) -> tuple[str, ...]:
        """What is determined."""
        return self.constraint.columns

    def apply(self, frame: pl.DataFrame, rng: np.random.Generator) -> tuple[pl.DataFrame, int]:
        """Look the groups up, and count the rows that had other values."""
        by, columns = list(self.reads), list(self.writes)
        listed = listed_rows(self.constraint.groups or (), frame.select(by + columns))
        told = listed.rename({name: f"\x00{name}" for name in columns}).with_columns(
            pl.lit(True).alias("\x00")
        )
        met = frame.select(by + columns).join(told, on=by, how="left", maintain_order="left")
        differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"\x00{name}")) for name in columns)
        broken = met.select(differs & pl.col("\x00").fill_null(False)).to_series()
        if not broken.any():
            return frame, 0
        new = [_where(broken, met[f"\x00{name}"], frame[name]) for name in columns]
        return frame.with_columns(new), int(broken.sum())

    def mend(self, frame: pl.DataFrame, broken: pl.Series, rng: np.random.Generator) -> list[pl.Series]:
        """Look the groups of all rows up; who broke it does not matter."""
        return [self.apply(frame, rng)[0][name] for name in self.writes]


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
    """A combination: its columns are taken from a row that keeps it and agrees in as many of them as can be."""

    constraint: Combination

    @property
    def reads(self) -> tuple[str, ...]:
        """Nothing else."""
        return ()

    @property
    def writes(self) -> tuple[str, ...]:
        """The columns."""
        return self.constraint.columns

    def mend(self, frame: pl.DataFrame, broken: pl.Series, rng: np.random.Generator) -> list[pl.Series]:
        """Draw a donor among the rows of the frame, so that combinations are as common as the model draws them."""
        names = self.constraint.columns
        rows, left = frame.select(names), broken
        donors = rows.filter(~broken)
        point: Array = rng.random(len(rows))
        for agreed in _nearest_first(names):
            taken, met = _find_donors(rows.filter(left), donors, agreed, point[left.to_numpy()])
            places = left.arg_true().filter(met)
            rows = rows.with_columns(_scatter(rows[name], places, taken[name]) for name in names)
            left = left.clone().scatter(places, False) if len(places) else left
            if not left.any():
                break
        return rows.get_columns()


def _nearest_first(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Give the columns in which offender and donor may agree: all but one, then fewer, the first ones first."""
    tried = 0
    for size in range(len(names) - 1, 0, -1):
        for agreed in combinations(names, size):
            yield agreed
            tried += 1
            if tried == MOST_TRIED:
                return


def _find_donors(
    asked: pl.DataFrame, donors: pl.DataFrame, agreed: Sequence[str], point: Array
) -> tuple[pl.DataFrame, pl.Series]:
    """Draw a donor for each row from those that agree with it; mark the rows that have one."""
    names = list(agreed)
    ordered = donors.sort(names, maintain_order=True)
    groups = ordered.group_by(names, maintain_order=True).agg(pl.len().alias("\x00rows"))
    groups = groups.with_columns((pl.col("\x00rows").cum_sum() - pl.col("\x00rows")).alias("\x00start"))
    met = asked.select(names).join(groups, on=names, how="left", nulls_equal=True, maintain_order="left")
    found = met["\x00rows"].is_not_null()
    start, count = met["\x00start"].fill_null(0).to_numpy(), met["\x00rows"].fill_null(1).to_numpy()
    place = pl.Series((start + np.floor(point * count)).astype(np.uint32)).filter(found)
    return ordered[place], found


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
