"""Columns in order: ``start <= end``, ``low <= open <= high``, as numbers, dates or instants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from simulacra.domain import Array
from simulacra.privacy.holders import find_ends
from simulacra.relations._measures import Measure
from simulacra.relations.relation import Range, Relation, Remains, span

SLACK = 1e-6
"""Share of a position by which rounding may err when units differ."""


@dataclass(frozen=True, eq=False)
class Order(Relation):
    """One quantity that is never below some others, and never above some.

    Parameters
    ----------
    target : str
        The column that is kept in its place.
    measure : Measure
        How it is read from its axes.
    lower : tuple of Measure
        What it is never below.
    upper : tuple of Measure
        What it is never above.
    gap : bool
        True: a model sees its distance from the nearest of `lower` (of `upper`, where there is no lower one), which
        is never negative. False: a model sees it as it is, and what is drawn outside is mirrored at the end.
    bounds : (low, high) or None
        What is drawn stays within; None before protection is known.
    clipped : bool
        What is drawn outside is put to the end and not mirrored there: many rows stand at it anyway.
    firm : bool
        The bounds are declared, and the target may be missing: it is where they leave no room.
    """

    kind: ClassVar[str] = "order"
    measure: Measure
    lower: tuple[Measure, ...] = ()
    upper: tuple[Measure, ...] = ()
    gap: bool = field(default=True, kw_only=True)
    bounds: Range | None = None
    clipped: bool = field(default=False, kw_only=True)
    firm: bool = field(default=False, kw_only=True)

    @property
    def targets(self) -> tuple[str, ...]:
        """The axes of the target: two for an instant."""
        return self.measure.axes

    @property
    def sources(self) -> tuple[str, ...]:
        """The axes of all that the target is held against."""
        return tuple(name for measure in (*self.lower, *self.upper) for name in measure.axes)

    def take_out(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return the gap; where nothing is there to measure from, the target itself."""
        if not self.gap:
            return {name: arrays[name] for name in self.targets}
        values = self.measure.read(arrays)
        low, high = self.ends(arrays)
        left = values - low if self.lower else high - values
        return self.measure.write(np.where(np.isnan(left), values, left))

    def put_back(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return the target, mirrored at its ends where it would lie outside."""
        left = self.measure.read(arrays)
        low, high = self.ends(arrays)
        values = left
        if self.gap:
            total = low + left if self.lower else high - left
            values = np.where(np.isnan(low if self.lower else high), left, total)
        # mirrored at the end, so that no spike stands there; NaN on either side: no end, or no value
        if not self.clipped:
            values = np.where(values < low, 2 * low - values, values)
            values = np.where(values > high, 2 * high - values, values)
        values = values if self.bounds is None else np.clip(values, *self.bounds)
        values = np.where(values < low, low, values)
        values = np.where(values > high, high, values)
        if self.firm and self.bounds is not None:
            values = np.where((low > self.bounds[1]) | (high < self.bounds[0]), np.nan, values)
        return self.measure.write(values)

    def ends(self, arrays: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return the largest of the lower ones and the smallest of the upper ones, NaN where all are missing."""
        nothing = np.full(len(arrays[self.targets[0]]), np.nan)
        low, high = nothing, nothing
        for other in self.lower:
            ends = other.read(arrays) * (other.unit / self.measure.unit)
            low = np.fmax(low, np.ceil(ends - SLACK) if self.measure.lattice else ends)
        for other in self.upper:
            ends = other.read(arrays) * (other.unit / self.measure.unit)
            high = np.fmin(high, np.floor(ends + SLACK) if self.measure.lattice else ends)
        return low, high

    def settle(self, remains: Remains) -> Self:
        """Take the k-th smallest and largest value as the ends, as protection does on every axis.

        If ``a <= b`` in every row, the k-th of `a` is not above the k-th of `b`, so that cutting both keeps the order.
        An end is moved where the other column reaches further: it is not protected, or has rows that lack the target.
        """
        lower = tuple(_within(measure, remains) for measure in self.lower)
        upper = tuple(_within(measure, remains) for measure in self.upper)
        ready = replace(self, lower=lower, upper=upper)
        held = ends_held(self.measure, remains)
        low, high = (span(ends) for ends in ready.ends(remains.after))
        bounds = (float(np.fmin(held[0], high[0])), float(np.fmax(held[1], low[1])))
        if self.target in remains.declared:
            first, last = span(self.measure.read(remains.before))
            bounds = (max(bounds[0], first), min(bounds[1], last))
            return replace(ready, bounds=bounds, firm=remains.axes[self.targets[0]].missing)
        # the clock may be any: an instant is cut as a whole
        steps = self.measure.steps
        ranges = ((bounds[0] // steps, bounds[1] // steps), (0.0, steps - 1.0)) if steps else (bounds,)
        remains.limits.update(zip(self.targets, ranges, strict=True))
        if steps:
            remains.instants[self.target] = bounds
        return replace(ready, bounds=bounds)

    def dump(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        ends = {name: [m.dump() for m in getattr(self, name)] for name in ("lower", "upper")}
        return {**super().dump(), "measure": self.measure.dump(), **ends}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the relation from what `dump` gave."""
        ends = {name: tuple(Measure.restore(m) for m in state[name]) for name in ("lower", "upper")}
        bounds = None if state["bounds"] is None else tuple(state["bounds"])
        return super().restore(
            {**state, "bounds": bounds, "measure": Measure.restore(state["measure"]), **ends}
        )

    def __str__(self) -> str:
        below = [f"'{other.column}' <= '{self.target}'" for other in self.lower]
        above = [f"'{self.target}' <= '{other.column}'" for other in self.upper]
        return " and ".join(below + above)


def _within(measure: Measure, remains: Remains) -> Measure:
    """Read an instant as it is given out: day and clock are protected apart, and the whole is cut at its ends."""
    if not measure.steps or measure.column in remains.declared:
        return measure
    return replace(measure, ends=remains.instants.get(measure.column) or ends_held(measure, remains))


def ends_held(measure: Measure, remains: Remains) -> Range:
    """Return the k-th smallest and the k-th largest value."""
    values = measure.read(remains.before)
    some = ~np.isnan(values)
    holders = min(remains.axes[measure.axes[0]].holders, int(some.sum()))
    owners = None if remains.owners is None else remains.owners[some]
    # where too few have one, protection has withheld them all
    return find_ends(values[some], holders, owners) or (np.nan, np.nan)
