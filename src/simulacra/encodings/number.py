"""Numbers: a position on their lattice (whole numbers, cents, multiples, clock times), or a real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.encodings._real import Real
from simulacra.errors import DataError
from simulacra.schema.types import Column

EXACT = 2**53
"""Whole numbers up to here are exact in a float64."""


@dataclass(frozen=True)
class Number(Real):
    """A number as its position: ``3.14`` with two decimals is 314, and ``1305`` as HHMM is minute 785.

    Since a model draws whole positions, nothing it makes can leave the lattice.

    Examples
    --------
    >>> encoding = Number.fit(pl.Series("p", [1.25, 3.5]), Column("p", "number", decimals=2))
    >>> encoding.encode(pl.Series("p", [1.25]))[0].tolist()
    [125.0]
    >>> encoding = Number.fit(pl.Series("t", [905, 1305]), Column("t", "number", integer=True, format="HHMM"))
    >>> encoding.encode(pl.Series("t", [1305]))[0].tolist()
    [785.0]
    """

    @classmethod
    def fit(cls, values: pl.Series, column: Column, *, holders: int = 1, owners: Array | None = None) -> Self:
        """Find the lattice: steps of the schema, whole numbers, or fixed decimals."""
        largest = values.cast(pl.Float64).abs().max()
        top = float(largest) if isinstance(largest, (int, float)) else 0.0
        if column.integer and top >= EXACT:
            raise DataError(
                f"column {column.name!r} holds whole numbers above 2**53, which are not exact as numbers. "
                "Make its kind 'category', 'key' or 'text' in the schema."
            )
        if column.format == "HHMM":
            unit, lattice = 1.0, True
        elif column.step is not None and column.step > 0:
            unit, lattice = float(column.step), top / column.step < EXACT
        elif column.integer:
            unit, lattice = 1.0, True
        elif column.decimals is not None:
            unit, lattice = 10.0**-column.decimals, top * 10.0**column.decimals < EXACT
        else:
            unit, lattice = 1.0, False
        return cls._spanning(values, column, unit=unit if lattice else 1.0, lattice=lattice, holders=holders)

    @property
    def _per_unit(self) -> float:
        """Positions per 1.0, exact where the unit is a power of ten."""
        return float(10 ** (self.column.decimals or 0)) if self._by_decimals else 1.0 / self.unit

    @property
    def _by_decimals(self) -> bool:
        return self.lattice and self.column.step is None and bool(self.column.decimals)

    @property
    def _period(self) -> int | None:
        return 1_440 if self.column.format == "HHMM" else None

    def _positions(self, values: pl.Series) -> Array:
        numbers = values.cast(pl.Float64).to_numpy()
        if self.column.format == "HHMM":
            return np.floor(numbers / 100) * 60 + np.mod(numbers, 100)
        if not self.lattice:
            return numbers
        return np.rint(numbers * self._per_unit if self._by_decimals else numbers / self.unit)

    def _values(self, positions: Array) -> pl.Series:
        if self.column.format == "HHMM":
            numbers = np.floor(positions / 60) * 100 + np.mod(positions, 60)
        elif not self.lattice:
            numbers = positions
        else:
            numbers = positions / self._per_unit if self._by_decimals else positions * self.unit
        if self.column.integer:
            return pl.Series(self.column.name, np.rint(numbers).astype(np.int64))
        if self.column.decimals is not None:
            numbers = np.round(numbers, self.column.decimals)
        return pl.Series(self.column.name, numbers)
