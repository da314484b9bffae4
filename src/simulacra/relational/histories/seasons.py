"""The level of a number at each time, taken out of long histories before they are learnt and put back afterwards.

What a next row is like hangs on the row before far more than on the season. So over thousands of steps a model that
draws row after row forgets the season: each step back to it is too small to be seen. Here a number is learnt as its
distance from the level that all entities have around that day, and the level itself is a table.

Source: the classical decomposition into a level and a rest, as in Cleveland et al. 1990, "STL: A seasonal-trend
decomposition procedure based on loess", with a moving mean in place of loess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulacra.domain import Array, Axis, Block
from simulacra.privacy.holders import list_holders
from simulacra.relational.histories.clocks import Clock

LONG = 200
"""Rows of an entity, on average, from which levels are taken out."""
WINDOW = 10
"""Days on either side that a level is the mean of."""
EXPLAINS = 0.1
"""Share of the variance that a level must explain."""


@dataclass(frozen=True)
class Season:
    """The level of one axis, day by day.

    Parameters
    ----------
    start : int
        The first day.
    levels : array, shape (days,)
        The level on each day; whole numbers on a lattice.
    limits : (float, float)
        Smallest and largest value of the axis.
    """

    start: int
    levels: Array
    limits: tuple[float, float]

    @classmethod
    def of(
        cls, axis: Axis, values: Array, days: Array, holders: int, owners: Array | None = None
    ) -> Season | None:
        """Find the level of an axis; None where it explains little.

        A day counts if enough rows lie around it, or rows of so many owners.

        Examples
        --------
        >>> days = np.repeat(np.arange(400), 30)
        >>> values = np.sin(days / 60) * 50 + np.tile(np.arange(30), 400)
        >>> season = Season.of(Axis("t", "t"), values, days, 10)
        >>> bool(season.at(np.array([94])) > season.at(np.array([283])) + 80)
        True
        """
        held = ~np.isnan(values)
        if axis.period is not None or held.sum() < LONG:
            return None
        start = int(days.min())
        at = days.astype(np.int64) - start
        sums = np.bincount(at[held], values[held], minlength=int(at.max()) + 1)
        counts = np.bincount(at[held], minlength=len(sums))
        wide = np.ones(2 * WINDOW + 1)
        near, total = (np.convolve(x, wide, "full")[WINDOW:-WINDOW] for x in (counts, sums))
        mean = float(values[held].mean())
        known = near if owners is None else _count_near(at[held], owners[held], len(sums))
        levels = np.where(known >= max(holders, 1), total / np.maximum(near, 1), mean)
        if axis.lattice:
            levels = np.rint(levels)
        spread = float(values[held].var())
        if spread <= 0 or float(levels[at[held]].var()) < EXPLAINS * spread:
            return None
        return cls(start, levels, (float(values[held].min()), float(values[held].max())))

    def at(self, days: Array) -> Array:
        """Return the level on some days; the nearest one beyond the ends."""
        return self.levels[np.clip(days.astype(np.int64) - self.start, 0, len(self.levels) - 1)]

    def dump(self) -> dict[str, Any]:
        """Return the state."""
        return {"start": self.start, "levels": self.levels, "limits": list(self.limits)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Season:
        """Make it from what `dump` gave."""
        low, high = state["limits"]
        return cls(int(state["start"]), np.asarray(state["levels"], float), (float(low), float(high)))


def _count_near(days: Array, owners: Array, size: int) -> Array:
    """Count for each day the owners of rows in the window around it."""
    owner, day = list_holders(owners, days)
    new = np.append(True, owner[1:] != owner[:-1])
    # an owner's windows overlap: each day is counted once
    start = np.where(new, 0, np.append(0, day[:-1]) + WINDOW + 1)
    start = np.clip(np.maximum(day - WINDOW, start), 0, size)
    stop = np.minimum(day + WINDOW + 1, size)
    steps = np.bincount(start, minlength=size + 1) - np.bincount(stop, minlength=size + 1)
    return np.cumsum(steps)[:size]


def find_seasons(
    block: Block,
    clock: Clock | None,
    now: Array | None,
    mean: float,
    holders: int,
    owners: Array | None = None,
) -> dict[str, Season]:
    """Find the levels of the axes of histories that have `mean` rows each, if these are long and go by days."""
    if clock is None or now is None or clock.column.kind not in {"date", "datetime"} or mean < LONG:
        return {}
    days = clock.days(now)
    found = {
        axis.name: Season.of(axis, values, days, holders, owners)
        for axis, values in zip(block.domain.axes, block.columns, strict=True)
        if axis.size is None
    }
    return {name: season for name, season in found.items() if season is not None}


def take_level(block: Block, seasons: Mapping[str, Season], days: Array) -> Block:
    """Return rows without their levels."""
    columns = tuple(
        values - seasons[axis.name].at(days) if axis.name in seasons else values
        for axis, values in zip(block.domain.axes, block.columns, strict=True)
    )
    return Block(block.domain, columns, rows=len(block))


def put_level(block: Block, seasons: Mapping[str, Season], days: Array) -> Block:
    """Return rows with their levels, within the limits of each axis."""
    columns = []
    for axis, values in zip(block.domain.axes, block.columns, strict=True):
        if axis.name in seasons:
            season = seasons[axis.name]
            values = np.clip(values + season.at(days), *season.limits)
        columns.append(values)
    return Block(block.domain, tuple(columns), rows=len(block))
