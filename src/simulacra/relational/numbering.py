"""Keys and references of finished rows: keys are counted, references are looked up, orphans lead nowhere on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.encodings.key import Key
from simulacra.randomness import Streams
from simulacra.schema.types import Column


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
        run = self.key.decode(
            (np.empty(max(most - low, 0)),), rng=Streams(0).stream("no randomness"), start=low
        )
        place = pl.Series(np.where(numbers >= 0, numbers - low, 0))
        made = (
            run.gather(place)
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
