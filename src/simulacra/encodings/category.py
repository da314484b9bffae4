"""Categories: one code for each level, and one for missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import polars as pl

from simulacra.domain import Array
from simulacra.encodings._codes import Codes
from simulacra.schema.types import Column


@dataclass(frozen=True)
class Category(Codes):
    """Levels as codes.

    Notes
    -----
    **Cost**: a sort of the distinct levels; never one-hot, so a vocabulary of 100,000 is 100,000 short strings.

    Examples
    --------
    >>> encoding = Category.fit(pl.Series("a", ["x", "y", None]), Column("a", "category", nullable=True))
    >>> encoding.encode(pl.Series("a", ["y", None]))[0].tolist()
    [1, 2]
    """

    @classmethod
    def fit(cls, values: pl.Series, column: Column, *, holders: int = 1, owners: Array | None = None) -> Self:
        """List the levels: the declared ones, or those that occur."""
        occurring = values.drop_nulls().unique().sort().to_list()
        levels = column.levels if column.declared and column.levels is not None else tuple(occurring)
        return cls(column, levels, column.nullable or values.null_count() > 0, holders)

    def _released(self, levels: tuple[str, ...], missing: bool) -> Column:
        return replace(
            self.column, levels=levels if self.column.levels is not None else None, nullable=missing
        )
