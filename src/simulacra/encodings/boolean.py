"""Booleans: false, true and missing as codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import polars as pl

from simulacra.domain import Array
from simulacra.encodings._codes import Codes
from simulacra.schema.types import Column


@dataclass(frozen=True)
class Boolean(Codes):
    """False and true as codes 0 and 1.

    Examples
    --------
    >>> encoding = Boolean.fit(pl.Series("a", [True, False]), Column("a", "boolean"))
    >>> encoding.encode(pl.Series("a", [True, True]))[0].tolist()
    [1, 1]
    """

    @classmethod
    def fit(cls, values: pl.Series, column: Column, *, holders: int = 1, owners: Array | None = None) -> Self:
        """Take both values, whether or not both occur."""
        return cls(column, ("false", "true"), column.nullable or values.null_count() > 0, holders)

    def _texts(self, values: pl.Series) -> pl.Series:
        return values.cast(pl.String)

    def _values(self, texts: pl.Series) -> pl.Series:
        return (texts == "true").alias(self.column.name)
