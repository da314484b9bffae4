"""Durations: ticks of their common unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.encodings._real import Real, common_unit
from simulacra.schema.types import Column


@dataclass(frozen=True)
class Duration(Real):
    """A duration as a count of its common unit.

    Examples
    --------
    >>> from datetime import timedelta
    >>> values = pl.Series("t", [timedelta(hours=2), timedelta(hours=3)])
    >>> Duration.fit(values, Column("t", "duration")).encode(values)[0].tolist()
    [2.0, 3.0]
    """

    @classmethod
    def fit(cls, values: pl.Series, column: Column, *, holders: int = 1, owners: Array | None = None) -> Self:
        """Find the common unit and the range."""
        unit = common_unit(values.drop_nulls().cast(pl.Int64).to_numpy())
        if column.declared and column.bounds is not None:
            ends = pl.Series(list(column.bounds)).cast(pl.Duration("us")).cast(pl.Int64).to_numpy()
            unit = int(np.gcd(unit, common_unit(ends)))
        return cls._spanning(values, column, unit=float(unit), lattice=True, holders=holders)

    @property
    def _worth(self) -> float:
        return self.unit * 1e-6

    def _positions(self, values: pl.Series) -> Array:
        return values.cast(pl.Duration("us")).cast(pl.Int64).to_numpy() / self.unit

    def _values(self, positions: Array) -> pl.Series:
        ticks = np.rint(positions * self.unit).astype(np.int64)
        return pl.Series(self.column.name, ticks).cast(pl.Duration("us"))

    def _literal_positions(self, literals: Sequence[Any]) -> Array:
        return np.array(
            [x / timedelta(microseconds=1) / self.unit for x in literals if isinstance(x, timedelta)]
        )
