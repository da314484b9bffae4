"""Search for rows that copy a training row: exactly, or with numbers that differ by a hair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from simulacra.domain import Array
from simulacra.metrics._case import NUMERIC_KINDS, as_levels
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

NEARNESS = 0.005
"""A number is near another if they differ by at most this share of the training column's range."""
MIDDLE = (0.05, 0.95)
"""Quantiles between which a column's values lie but for its tails."""
APART = 4.0
"""Between two groups in the tree, in units of the distance allowed within one."""


@dataclass(frozen=True)
class Matches:
    """For each row of a frame, the position of a training row that it copies, or -1.

    Parameters
    ----------
    exact, near, close : array
        Equal; every number within a share of its range; within a share of the range of the middle 90 %. An exact
        copy is a near and a close one too.
    """

    exact: Array
    near: Array
    close: Array


@dataclass(frozen=True)
class Copied:
    """What was found among some frames, and how often each training row occurs among the training rows."""

    frames: tuple[Matches, ...]
    times: Array

    def twins(self) -> tuple[int, int]:
        """Count groups of equal training rows, as if each were one row, and as many trials as that stands for.

        A training row equals another by the same chance as an unseen row equals a training row, but rows that
        equal each other do so together: they count as groups, and the other rows as so many fewer.
        """
        groups = self.times[self.times > 1]
        rows = len(self.times)
        if not len(groups):
            return 0, rows // 2
        # each row carries the size of its group, so this mean is the one by which a count of rows overstates itself
        size = float(groups.mean())
        return round(len(groups) / size), int(rows / size)


def find_copies(train: pl.DataFrame, frames: Sequence[pl.DataFrame], columns: Sequence[Column]) -> Copied:
    """Look for each row of each frame among the training rows, which must be there.

    Notes
    -----
    **Cost** rows x log(rows): two search trees over the numbers, inside groups of equal categories.
    """
    numeric = [c for c in columns if c.kind in NUMERIC_KINDS]
    parts = [train, *frames]
    points, reaches, frozen = _points(parts, numeric)
    groups = _number([_levels(parts, c) for c in columns if c not in numeric] + frozen)
    firsts = _number([pl.Series(groups), *(pl.Series(one) for one in points)])
    cuts = np.cumsum([frame.height for frame in parts])
    rows = int(cuts[0])
    first_row = np.full(int(firsts.max()) + 1, -1, dtype=np.int64)
    first_row[firsts[:rows][::-1]] = np.arange(rows)[::-1]
    exact = first_row[firsts]
    known = np.zeros(int(groups.max()) + 1, dtype=bool)
    known[groups[:rows]] = True
    wanted = np.flatnonzero((exact < 0) & known[groups])
    # repeated rows would make leaves that a search must scan whole, so each stands in the tree once
    unique = first_row[np.unique(firsts[:rows])]
    near, close = exact.copy(), exact.copy()
    near[wanted] = _nearest(points, groups, unique, wanted, [full for full, _ in reaches])
    wanted = wanted[near[wanted] >= 0]
    if any(middle < full for full, middle in reaches):
        close[wanted] = _nearest(points, groups, unique, wanted, [middle for _, middle in reaches])
    else:
        close = near
    times = np.bincount(firsts[:rows])[firsts[:rows]]
    return Copied(
        tuple(Matches(exact[a:b], near[a:b], close[a:b]) for a, b in pairwise(cuts.tolist())), times
    )


def _nearest(points: list[Array], groups: Array, unique: Array, wanted: Array, reaches: list[float]) -> Array:
    """Return for each row wanted a training row of its group within reach in every number, or -1."""
    if not len(wanted) or not points:
        return np.full(len(wanted), -1)
    # only training rows of groups that are asked for can be found
    unique = unique[np.isin(groups[unique], groups[wanted])]

    def place(rows: Array) -> Array:
        scaled = [one[rows] / reach for one, reach in zip(points, reaches, strict=True)]
        return np.column_stack([groups[rows] * APART, *scaled])

    tree = cKDTree(place(unique), balanced_tree=False)
    _, index = tree.query(
        place(wanted), p=np.inf, distance_upper_bound=np.nextafter(1.0 + 1e-9, 2.0), workers=-1
    )
    return np.append(unique, -1)[index]


def _points(
    parts: Sequence[pl.DataFrame], numeric: Sequence[Column]
) -> tuple[list[Array], list[tuple[float, float]], list[pl.Series]]:
    """Return numbers with their two reaches, and what must be equal: missing or not, constants."""
    points, reaches, frozen = [], [], []
    rows = parts[0].height
    for column in numeric:
        pooled = np.concatenate([as_numbers(frame[column.name]) for frame in parts])
        missing = np.isnan(pooled)
        known = pooled[:rows][~missing[:rows]]
        frozen.append(pl.Series(missing))
        length = float(known.max() - known.min()) if len(known) else 0.0
        if length > 0:
            points.append(np.where(missing, 0.0, pooled - known.min()))
            reaches.append((NEARNESS * length, NEARNESS * min(length, _middle(known))))
        else:
            frozen.append(pl.Series(np.where(missing, 0.0, pooled)))
    return points, reaches, frozen


def _middle(known: Array) -> float:
    """Return the range of the middle 90 % of the values, without the commonest value where that is all of it."""
    low, high = np.quantile(known, MIDDLE)
    if high > low:
        return float(high - low)
    low, high = np.quantile(known[known != low], MIDDLE)
    return float(high - low) or float(known.max() - known.min())


def _levels(parts: Sequence[pl.DataFrame], column: Column) -> pl.Series:
    return pl.concat([as_levels(frame[column.name]) for frame in parts])


def _number(series: Sequence[pl.Series]) -> Array:
    """Number the distinct combinations of values; a missing value is a value."""
    frame = pl.DataFrame([one.alias(f"s{i}") for i, one in enumerate(series)])
    numbered = frame.unique(maintain_order=True).with_row_index("number")
    joined = frame.join(numbered, on=frame.columns, how="left", nulls_equal=True, maintain_order="left")
    return joined["number"].cast(pl.Int64).to_numpy()
