"""Shared cells: one set of bins, made from real values, into which every frame is sorted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metrics._case import LEVEL_KINDS, as_levels
from simulacra.profile import as_numbers
from simulacra.schema.types import Column


@dataclass(frozen=True)
class Cells:
    """Cells of one column.

    Parameters
    ----------
    edges : array or None
        For numbers: upper ends of the bins, ascending, inclusive.
    lowest : float
        For numbers: the smallest value that is not outside.
    levels : DataFrame or None
        For levels: every known ``level`` and its ``code``.
    inner : int
        Number of ordinary cells. After them come one cell for values outside what was seen and one for
        missing.
    """

    edges: Array | None
    lowest: float
    levels: pl.DataFrame | None
    inner: int

    @property
    def size(self) -> int:
        """Number of cells in all."""
        return self.inner + 2

    @classmethod
    def fit(cls, values: pl.Series, column: Column, most: int) -> Cells:
        """Make at most this many ordinary cells (two more for levels: "other")."""
        if column.kind in LEVEL_KINDS:
            return cls._fit_levels(values, most)
        numbers = as_numbers(values)
        numbers = numbers[~np.isnan(numbers)]
        if len(numbers) == 0:
            return cls(np.empty(0), np.inf, None, 0)
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, most + 1), method="inverted_cdf"))
        lowest = float(edges[0])
        # a spike at the lower end (zeros) keeps a cell of its own; an ordinary minimum joins the first bin
        if len(edges) > 1 and (numbers == lowest).mean() < 0.5 / most:
            edges = edges[1:]
        return cls(edges, lowest, None, len(edges))

    @classmethod
    def _fit_levels(cls, values: pl.Series, most: int) -> Cells:
        counts = (
            pl.DataFrame({"level": as_levels(values).drop_nulls()})
            .group_by("level")
            .len()
            .sort(["len", "level"], descending=[True, False])
        )
        code = pl.int_range(pl.len(), dtype=pl.Int64).clip(upper_bound=most).alias("code")
        return cls(None, np.nan, counts.select("level", code), min(counts.height, most + 1))

    def codes(self, values: pl.Series) -> Array:
        """Return the cell of each value."""
        if self.levels is not None:
            frame = pl.DataFrame({"level": as_levels(values)})
            found = frame.join(self.levels, on="level", how="left", maintain_order="left")
            outside = pl.when(pl.col("level").is_null()).then(self.inner + 1).otherwise(self.inner)
            return found.select(pl.coalesce("code", outside).cast(pl.Int64)).to_series().to_numpy()
        assert self.edges is not None
        numbers = as_numbers(values)
        codes = np.searchsorted(self.edges, numbers, side="left")
        codes[numbers < self.lowest] = self.inner
        codes[np.isnan(numbers)] = self.inner + 1
        return codes


def total_variation(left: Array, right: Array) -> Array:
    """Return half the absolute difference of two rows of shares, summed over the last axis."""
    return 0.5 * np.abs(left - right).sum(axis=-1)
