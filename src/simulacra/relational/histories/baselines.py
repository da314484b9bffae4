"""What is taken out of the numbers of histories before they are learnt: the level of an entity, and of a day.

The level of an entity is taken out where entities are public and each is learnt as itself (stations, shares): a station
on a mountain is always colder, and a model that draws row after row would drift to where the others are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from simulacra.domain import Array, Block, Domain
from simulacra.relational.histories.clocks import Clock
from simulacra.relational.histories.entities import ROW
from simulacra.relational.histories.seasons import EXPLAINS, Season, find_seasons, put_level, take_level

OFTEN = 0.3
"""Share of the rows that hold one value from which nothing is taken out."""
ALIKE = 2.0
"""How many times as far as another an entity may step, to be taken for alike."""
LEAST = 30
"""Rows of a public entity, on average, from which its level is taken out."""


@dataclass(frozen=True)
class Standing:
    """The level of one axis, entity by entity.

    Parameters
    ----------
    levels : array, shape (entities,)
        The mean of each entity that has enough rows, else that of all; whole numbers on a lattice.
    scales : array, shape (entities,)
        How far its values step; 1 where all step alike.
    low, high : array, shape (entities,)
        The k-th smallest and largest value of each.
    lattice : bool
        Whether values are whole numbers.
    """

    levels: Array
    scales: Array
    low: Array
    high: Array
    lattice: bool

    @property
    def scaled(self) -> bool:
        """Whether entities differ in how far they step."""
        return bool((self.scales != 1).any())

    def take_out(self, values: Array, who: Array) -> Array:
        """Return values without level and scale."""
        return np.asarray((values - self.levels[who]) / self.scales[who])

    def put_back(self, values: Array, who: Array) -> Array:
        """Return values with level and scale, within the limits of each entity."""
        whole = self.levels[who] + self.scales[who] * values
        whole = np.rint(whole) if self.lattice else whole
        return np.clip(whole, self.low[who], self.high[who])

    def dump(self) -> dict[str, Any]:
        """Return the fields."""
        return {"levels": self.levels, "scales": self.scales, "low": self.low, "high": self.high,
                "lattice": self.lattice}  # fmt: skip

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Standing:
        """Make it from what `dump` gave."""
        levels, scales, low, high = (
            np.asarray(state[name], float) for name in ("levels", "scales", "low", "high")
        )
        return cls(levels, scales, low, high, bool(state["lattice"]))


@dataclass(frozen=True)
class Baseline:
    """All levels that are taken out.

    Parameters
    ----------
    standings : mapping of str to Standing
        By axis.
    seasons : mapping of str to Season
        By axis, of what is left when the former are taken out.
    """

    standings: Mapping[str, Standing] = field(default_factory=dict)
    seasons: Mapping[str, Season] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """The axes that have a level of their own."""
        return {*self.standings, *self.seasons}

    def take_out(self, block: Block, days: Array | None, who: Array | None) -> Block:
        """Return rows without levels; `who` are the entities they belong to."""
        if self.standings and who is not None:
            block = replace(
                block, domain=self.tell(block.domain),
                columns=self._each(block, lambda own, values: own.take_out(values, who)),
            )  # fmt: skip
        return take_level(block, self.seasons, days) if self.seasons and days is not None else block

    def put_back(self, block: Block, days: Array | None, who: Array | None) -> Block:
        """Return rows with their levels, within the limits of each axis."""
        if self.seasons and days is not None:
            block = put_level(block, self.seasons, days)
        if not self.standings or who is None:
            return block
        return replace(block, columns=self._each(block, lambda own, values: own.put_back(values, who)))

    def tell(self, domain: Domain) -> Domain:
        """Return axes as the model of rows without levels sees them: what is scaled lies on no lattice."""
        scaled = {name for name, own in self.standings.items() if own.scaled}
        return Domain(
            tuple(replace(axis, lattice=False) if axis.name in scaled else axis for axis in domain.axes)
        )

    def _each(self, block: Block, change: Callable[[Standing, Array], Array]) -> tuple[Array, ...]:
        return tuple(
            change(self.standings[axis.name], values) if axis.name in self.standings else values
            for axis, values in zip(block.domain.axes, block.columns, strict=True)
        )

    def dump(self) -> dict[str, Any]:
        """Return the state."""
        return {
            "standings": {name: own.dump() for name, own in self.standings.items()},
            "seasons": {name: season.dump() for name, season in self.seasons.items()},
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Baseline:
        """Make it from what `dump` gave."""
        standings = {name: Standing.restore(own) for name, own in state["standings"].items()}
        return cls(standings, {name: Season.restore(own) for name, own in state["seasons"].items()})


def find_baseline(
    block: Block,
    static: Block,
    entity: Array,
    clock: Clock | None,
    now: Array | None,
    holders: int,
    owners: Array | None = None,
) -> Baseline:
    """Find the levels that explain a part of the numbers of histories.

    Parameters
    ----------
    block : Block
        Rows.
    static : Block
        What is known of each entity.
    entity : array of int
        The entity of each row.
    clock, now : Clock or None, array or None
        What the rows follow each other by, and their positions on it.
    holders : int
        Rows that a level must be the mean of.
    owners : array of int or None
        Whose each row is.
    """
    who = find_public(static)
    standings = _find_standings(block, who[entity], holders) if who is not None else {}
    left = Baseline(standings).take_out(block, None, None if who is None else who[entity])
    mean = len(entity) / max(len(np.unique(entity)), 1)
    return Baseline(standings, find_seasons(left, clock, now, mean, holders, owners))


def find_public(static: Block) -> Array | None:
    """Return which row of a public table each entity is, if that is what is known of them."""
    names = static.domain.names
    return static.columns[names.index(ROW)].astype(np.int64) if ROW in names else None


def _find_standings(block: Block, who: Array, holders: int) -> dict[str, Standing]:
    rows = np.bincount(who)
    found: dict[str, Standing] = {}
    if rows[rows > 0].mean() < LEAST:
        return found
    for axis, values in zip(block.domain.axes, block.columns, strict=True):
        if axis.size is None and axis.period is None:
            standing = _find_standing(values, who, len(rows), holders, axis.lattice)
            if standing is not None:
                found[axis.name] = standing
    return found


def _find_standing(values: Array, who: Array, size: int, holders: int, lattice: bool) -> Standing | None:
    """Find the level of each entity; None where levels explain little, or most rows hold one value, as of rain."""
    held = np.flatnonzero(~np.isnan(values))
    if not len(held):
        return None
    seen, entity = values[held], who[held]
    counts = np.bincount(entity, minlength=size)
    mean, spread = float(seen.mean()), float(seen.var())
    most = np.unique(seen, return_counts=True)[1].max() / len(seen)
    levels = np.where(
        counts >= max(holders, 1), np.bincount(entity, seen, minlength=size) / np.maximum(counts, 1), mean
    )
    levels = np.rint(levels) if lattice else levels
    if spread <= 0 or most > OFTEN or float(levels[entity].var()) < EXPLAINS * spread:
        return None
    order = np.lexsort((seen, entity))
    begins = np.cumsum(counts) - counts
    place = np.minimum(max(holders, 1) - 1, np.maximum(counts - 1, 0) // 2)
    low = seen[order][np.minimum(begins + place, len(seen) - 1)]
    high = seen[order][np.clip(begins + counts - 1 - place, 0, len(seen) - 1)]
    none = counts == 0
    low, high = np.where(none, seen.min(), low), np.where(none, seen.max(), high)
    return Standing(levels, _find_scales(seen, entity, counts, holders), low, high, lattice)


def _find_scales(values: Array, entity: Array, counts: Array, holders: int) -> Array:
    """Return how far the values of each entity step on average; 1 for all where they step about alike."""
    within = np.diff(entity) == 0
    steps = np.abs(np.diff(values))[within]
    mean = np.bincount(entity[1:][within], steps, minlength=len(counts)) / np.maximum(counts - 1, 1)
    known = (counts > max(holders, 1)) & (mean > 0)
    if not known.any() or mean[known].max() < ALIKE * mean[known].min():
        return np.ones(len(counts))
    return np.where(known, mean, float(np.median(mean[known])))
