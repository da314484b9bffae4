"""Dates: the day's number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.encodings._real import Real
from simulacra.schema.types import Column


@dataclass(frozen=True)
class Date(Real):
    """A date as days since 1970-01-01.

    Examples
    --------
    >>> from datetime import date
    >>> values = pl.Series("d", [date(1970, 1, 3)])
    >>> Date.fit(values, Column("d", "date")).encode(values)[0].tolist()
    [2.0]
    """

    @classmethod
    def fit(cls, values: pl.Series, column: Column, *, holders: int = 1, owners: Array | None = None) -> Self:
        """Take the range of days."""
        return cls._spanning(values, column, unit=1.0, lattice=True, holders=holders)

    @property
    def _calendar(self) -> bool:
        return True

    def _positions(self, values: pl.Series) -> Array:
        return values.cast(pl.Int32).cast(pl.Float64).to_numpy()

    def _values(self, positions: Array) -> pl.Series:
        return pl.Series(self.column.name, positions.astype(np.int32)).cast(pl.Date)

    def _literal_positions(self, literals: Sequence[Any]) -> Array:
        return np.array([float((x - date(1970, 1, 1)).days) for x in literals if type(x) is date])
