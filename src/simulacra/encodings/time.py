"""Times of day: ticks since midnight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.encodings._real import Real, common_unit
from simulacra.schema.types import Column


@dataclass(frozen=True)
class Time(Real):
    """A time of day as a count of its common unit (full minutes stay full minutes).

    Examples
    --------
    >>> from datetime import time
    >>> values = pl.Series("t", [time(0, 5), time(1, 0)])
    >>> Time.fit(values, Column("t", "time")).encode(values)[0].tolist()
    [1.0, 12.0]
    """

    @classmethod
    def fit(cls, values: pl.Series, column: Column, *, holders: int = 1, owners: Array | None = None) -> Self:
        """Find the common unit and the range."""
        unit = common_unit(values.drop_nulls().cast(pl.Int64).to_numpy())
        if column.declared and column.bounds is not None:
            unit = int(np.gcd(unit, common_unit(pl.Series(list(column.bounds)).cast(pl.Int64).to_numpy())))
        return cls._spanning(values, column, unit=float(unit), lattice=True, holders=holders)

    @property
    def _worth(self) -> float:
        return self.unit * 1e-9

    @property
    def _period(self) -> int | None:
        return int(86_400e9 // self.unit) if 86_400e9 % self.unit == 0 else None

    def _positions(self, values: pl.Series) -> Array:
        return values.cast(pl.Time).cast(pl.Int64).to_numpy() / self.unit

    def _values(self, positions: Array) -> pl.Series:
        ticks = np.rint(positions * self.unit).astype(np.int64)
        return pl.Series(self.column.name, ticks).cast(pl.Time)

    def _literal_positions(self, literals: Sequence[Any]) -> Array:
        return np.empty(0)
