"""Values of a column moved a little: spikes and gaps stay, lattices and ends are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, Axis

_LARGE = 0.1
"""Share of the rows that makes a value a spike."""
_SMALL = 0.01
_TOWERS = 4.0
"""And so does this many times the share of the values around it, from a hundredth of the rows."""
_NEIGHBOURS = 3
_NORMAL = 1.349
"""Interquartile range of a standard normal."""


@dataclass(frozen=True)
class Spread:
    """How far the values of a real axis lie apart, and which stand alone.

    Parameters
    ----------
    axis : Axis
        The axis.
    scale : float
        Interquartile range of the values that are no spikes, over that of a standard normal; their standard deviation
        where that is 0.
    low, high : float
        The ends of the values.
    spikes : array
        Values that many rows hold and none beside them: they are never moved.
    """

    axis: Axis
    scale: float
    low: float
    high: float
    spikes: Array

    @classmethod
    def fit(cls, axis: Axis, values: Array, weights: Array) -> Self:
        """Look at the values of an axis, NaN for those that are missing."""
        held = np.flatnonzero(~np.isnan(values) & (weights > 0))
        if not len(held):
            return cls(axis, 0.0, 0.0, 0.0, np.empty(0))
        distinct, place = np.unique(values[held], return_inverse=True)
        share = np.bincount(place, weights[held]) / weights[held].sum()
        spike = _find_spikes(share)
        plain, mass = distinct[~spike], share[~spike]
        scale = 0.0
        if len(plain) > 1:
            middle = np.cumsum(mass) - mass / 2
            low, high = np.interp(np.array([0.25, 0.75]) * mass.sum(), middle, plain)
            mean = np.average(plain, weights=mass)
            scale = (high - low) / _NORMAL or float(np.sqrt(np.average((plain - mean) ** 2, weights=mass)))
        return cls(axis, float(scale), float(distinct[0]), float(distinct[-1]), distinct[spike])

    def stays(self, values: Array) -> Array:
        """Tell which values are spikes or missing."""
        return np.isnan(values) | np.isin(values, self.spikes)

    def move(self, values: Array, by: Array, rng: np.random.Generator) -> Array:
        """Move values that are no spikes by so much; what goes beyond an end is turned back.

        On a lattice a value goes to one of its two neighbours, the nearer the likelier, so that small moves count.
        """
        moved = values + by
        if self.axis.period is not None:
            moved = np.mod(moved, self.axis.period)
        moved = np.where(moved < self.low, 2 * self.low - moved, moved)
        moved = np.where(moved > self.high, 2 * self.high - moved, moved)
        moved = self.settle(moved, rng)
        return np.where(self.stays(values), values, moved)

    def settle(self, values: Array, rng: np.random.Generator) -> Array:
        """Put values on the lattice and between the ends."""
        if self.axis.lattice:
            values = np.floor(values + rng.random(len(values)))
        return np.clip(values, self.low, self.high)

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON and arrays."""
        ends = {"scale": self.scale, "low": self.low, "high": self.high}
        return {"axis": self.axis.dump(), **ends, "spikes": self.spikes}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the spread from what `dump` gave."""
        scale, low, high = (float(state[name]) for name in ("scale", "low", "high"))
        return cls(Axis.restore(state["axis"]), scale, low, high, np.asarray(state["spikes"], np.float64))


def _find_spikes(share: Array) -> Array:
    """Mark the values that stand far above those beside them."""
    ones = np.ones(2 * _NEIGHBOURS + 1)
    near = np.convolve(np.pad(share, _NEIGHBOURS), ones, "valid") - share
    seen = np.convolve(np.pad(np.ones(len(share)), _NEIGHBOURS), ones, "valid") - 1
    tower = (share > _SMALL) & (share * np.maximum(seen, 1) > _TOWERS * near)
    return np.asarray((share > _LARGE) | tower)
