"""How one column's values lie: distances between two samples of it, and how much of its range or levels is there."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metrics._case import LEVEL_KINDS, NUMERIC_KINDS, level_codes
from simulacra.metrics._cells import total_variation
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

GRID = 256
FOLDED_LEVELS = 1_000
ENDS = (0.01, 0.99)
"""The range that coverage speaks of: one row more or less can not move it."""


def measure(values: pl.Series, column: Column) -> Array:
    """Return numbers, dates and times as numbers, texts as their lengths; missing is NaN."""
    if column.kind in NUMERIC_KINDS:
        return as_numbers(values)
    return values.cast(pl.String).str.len_chars().cast(pl.Float64).to_numpy()


def kolmogorov(left: Array, right: Array) -> float:
    """Return the Kolmogorov-Smirnov distance, with missing values as a mass below all others.

    Examples
    --------
    >>> kolmogorov(np.array([1.0, 2.0]), np.array([2.0, np.nan]))
    0.5
    """
    known_left, known_right = (np.sort(side[~np.isnan(side)]) for side in (left, right))
    gap_missing = abs(len(known_left) / len(left) - len(known_right) / len(right))
    places = np.concatenate([known_left, known_right])
    if len(places) == 0:
        return gap_missing
    below_left = np.searchsorted(known_left, places, side="right") + len(left) - len(known_left)
    below_right = np.searchsorted(known_right, places, side="right") + len(right) - len(known_right)
    return max(gap_missing, float(np.abs(below_left / len(left) - below_right / len(right)).max()))


def wasserstein(left: Array, right: Array) -> float | None:
    """Return Wasserstein-1 of the values that are there; those beyond the right side count as one range away.

    Examples
    --------
    >>> wasserstein(np.array([0.0, 1.0]), np.array([0.0, 2.0]))
    0.5
    >>> wasserstein(np.array([0.0, 1e12]), np.array([0.0, 2.0]))
    1.0
    """
    known_left, known_right = (np.sort(side[~np.isnan(side)]) for side in (left, right))
    if len(known_left) == 0 or len(known_right) == 0:
        return None
    low, high = known_right[0], known_right[-1]
    if high > low:
        known_left = np.clip(known_left, low - (high - low), high + (high - low))
    places = np.sort(np.concatenate([known_left, known_right]))
    below_left = np.searchsorted(known_left, places, side="right") / len(known_left)
    below_right = np.searchsorted(known_right, places, side="right") / len(known_right)
    return float((np.abs(below_left - below_right)[:-1] * np.diff(places)).sum())


def range_coverage(values: Array, real: Array) -> float | None:
    """Return how much of the range between the 1st and 99th percentile of real values is within that of others.

    Examples
    --------
    >>> range_coverage(np.arange(51.0), np.arange(101.0))
    0.494897959184
    """
    known, held = (side[~np.isnan(side)] for side in (values, real))
    if len(held) == 0:
        return None
    low, high = np.quantile(held, ENDS)
    if not high > low:
        return None
    if len(known) == 0:
        return 0.0
    start, end = np.quantile(known, ENDS)
    return round(float(max(0.0, min(high, end) - max(low, start)) / (high - low)), 12)


def level_coverage(values: Array, real: Array) -> float | None:
    """Return the share of real levels (codes) that others hold too."""
    held = np.unique(real)
    return float(np.isin(held, values).mean()) if len(held) else None


def grid(parts: list[Array]) -> tuple[list[Array], int]:
    """Sort several samples into shared cells in order, missing first."""
    pooled = np.concatenate(parts)
    known = pooled[~np.isnan(pooled)]
    edges = (
        np.unique(np.quantile(known, np.linspace(0, 1, GRID), method="inverted_cdf")) if len(known) else known
    )
    return [
        np.where(np.isnan(part), 0, np.searchsorted(edges, part, side="left") + 1) for part in parts
    ], len(edges) + 2


def levels(parts: list[pl.Series]) -> tuple[list[Array], list[Array], list[Array], int]:
    """Number levels; return codes, the codes of the commonest only, shares of all, and how many are commonest."""
    codes, size = level_codes(*parts)
    shares = [np.bincount(code, minlength=size) / len(code) for code in codes]
    return codes, [np.minimum(code, FOLDED_LEVELS) for code in codes], shares, min(size, FOLDED_LEVELS + 1)


def supremum(left: Array, right: Array) -> Array:
    """Return the largest gap between cumulated shares, over the last axis."""
    return np.abs(np.cumsum(left - right, axis=-1)).max(axis=-1)


def has_levels(column: Column) -> bool:
    """Tell whether a column is compared by total variation over levels, not by order."""
    return column.kind in LEVEL_KINDS


def distance(column: Column, left: Array, right: Array) -> Array:
    """Return the distance of a column between shares in cells: total variation, or the supremum where in order."""
    return total_variation(left, right) if has_levels(column) else supremum(left, right)
