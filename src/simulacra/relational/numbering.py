"""Keys of finished rows are counted: each row of each shard has a number of its own, and so have orphans' parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.encodings.key import Key
from simulacra.schema.types import Column

SPARSE = 4
"""Times as many numbers as rows, from which only those keys are made that are needed."""


@dataclass(frozen=True)
class Lane:
    """Numbers that the rows of one draw have: one after the other, or every so many runs a run of them.

    Parameters
    ----------
    start : int
        The first.
    run : int
        Numbers that follow each other.
    place, lanes : int
        Which of how many runs, in turn, are of this lane.

    Examples
    --------
    >>> Lane(run=2, place=1, lanes=3).number(np.arange(5)).tolist()
    [2, 3, 8, 9, 14]
    """

    start: int = 0
    run: int = 1
    place: int = 0
    lanes: int = 1

    def number(self, rows: Array) -> Array:
        """Return the numbers of rows, which count from 0 in this draw."""
        turn, at = np.divmod(rows, self.run)
        numbers: Array = self.start + (turn * self.lanes + self.place) * self.run + at
        return numbers


@dataclass(frozen=True)
class Numbers:
    """Which numbers the rows of one shard have among those of all; all of them, if there is one shard.

    Parameters
    ----------
    shard, shards : int
        Which of how many.
    own : mapping of str to Lane
        By unit: those of its rows.
    beyond : mapping of str to Lane
        By unit: those that no row of any shard has, for what orphans refer to.
    """

    shard: int = 0
    shards: int = 1
    own: Mapping[str, Lane] = field(default_factory=dict)
    beyond: Mapping[str, Lane] = field(default_factory=dict)

    def rows(self, unit: str, number: int) -> Array:
        """Return the numbers of a unit's rows."""
        return self.own.get(unit, Lane()).number(np.arange(number))

    def absent(self, unit: str, number: int, rows: Array) -> Array:
        """Return numbers that no row of a unit has; `number` rows are there in this draw."""
        return self.beyond.get(unit, Lane(number)).number(rows)

    def apart(self, rows: Array) -> Array:
        """Number what each shard has of its own."""
        return rows * self.shards + self.shard


@dataclass(frozen=True)
class Maker:
    """Makes the keys of one column, anew, by counting.

    Parameters
    ----------
    key : Key
        The shape of the keys.
    """

    key: Key

    @classmethod
    def of(cls, values: pl.Series, column: Column, holders: int, owners: Array | None = None) -> Maker:
        """Learn the shape of a column's keys; `owners` tells whose row each is, None that each is its own."""
        whole = values.dtype.is_integer() or (column.kind == "number" and column.integer)
        as_key = Column(column.name, "key", nullable=column.nullable, integer=whole)
        texts = values if whole else values.cast(pl.String)
        return cls(Key.fit(texts, as_key, holders=holders, owners=owners))

    def make(self, numbers: Array) -> pl.Series:
        """Return the keys of these numbers, which count from 0; missing where a number is below 0."""
        most = int(numbers.max(initial=-1)) + 1
        low = int(numbers[numbers >= 0].min(initial=most))
        if most - low <= SPARSE * len(numbers):
            run, place = self.key.number(np.arange(low, most)), np.where(numbers >= 0, numbers - low, 0)
        else:
            some = np.unique(numbers[numbers >= 0])
            run, place = self.key.number(some), np.searchsorted(some, np.maximum(numbers, low))
        made = (
            run.gather(pl.Series(place))
            if len(run)
            else pl.Series(self.key.column.name, [None] * len(numbers), dtype=run.dtype)
        )
        held = pl.Series(numbers >= 0)
        return pl.select(pl.when(held).then(made).otherwise(None)).to_series().alias(self.key.column.name)

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON."""
        return {
            "key": self.key.dump(),
            "integer": self.key.column.integer,
            "name": self.key.column.name,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Maker:
        """Make it from what `dump` gave."""
        column = Column(str(state["name"]), "key", integer=bool(state["integer"]))
        return cls(Key.restore(state["key"], column))
