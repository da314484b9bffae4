"""What is taken out of the numbers of histories before they are learnt: the level of an entity, and of a day.

The level of an entity is taken out where entities are public and each is learnt as itself (stations, shares): a station
on a mountain is always colder, and a model that draws row after row would drift to where the others are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulacra.domain import Array, Block
from simulacra.relational.histories.clocks import Clock
from simulacra.relational.histories.entities import ROW
from simulacra.relational.histories.seasons import EXPLAINS, Season, find_seasons, put_level, take_level

LEAST = 30
"""Rows of a public entity, on average, from which its level is taken out."""


@dataclass(frozen=True)
class Standing:
    """The level of one axis, entity by entity.

    Parameters
    ----------
    levels : array, shape (entities,)
        The mean of each entity that has enough rows, else that of all; whole numbers on a lattice.
    limits : (float, float)
        Smallest and largest value of the axis.
    """

    levels: Array
    limits: tuple[float, float]


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
            block = _shift(block, {name: -own.levels[who] for name, own in self.standings.items()})
        return take_level(block, self.seasons, days) if self.seasons and days is not None else block

    def put_back(self, block: Block, days: Array | None, who: Array | None) -> Block:
        """Return rows with their levels, within the limits of each axis."""
        if self.seasons and days is not None:
            block = put_level(block, self.seasons, days)
        if not self.standings or who is None:
            return block
        block = _shift(block, {name: own.levels[who] for name, own in self.standings.items()})
        columns = tuple(
            np.clip(values, *self.standings[axis.name].limits) if axis.name in self.standings else values
            for axis, values in zip(block.domain.axes, block.columns, strict=True)
        )
        return Block(block.domain, columns, rows=len(block))

    def dump(self) -> dict[str, Any]:
        """Return the state."""
        return {
            "standings": {
                name: {"levels": own.levels, "limits": list(own.limits)}
                for name, own in self.standings.items()
            },
            "seasons": {name: season.dump() for name, season in self.seasons.items()},
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Baseline:
        """Make it from what `dump` gave."""
        standings = {
            name: Standing(
                np.asarray(own["levels"], float), (float(own["limits"][0]), float(own["limits"][1]))
            )
            for name, own in state["standings"].items()
        }
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
        held = ~np.isnan(values) if axis.size is None else np.zeros(0, bool)
        if axis.size is not None or axis.period is not None or not held.any():
            continue
        counts = np.bincount(who[held], minlength=len(rows))
        sums = np.bincount(who[held], values[held], minlength=len(rows))
        mean, spread = float(values[held].mean()), float(values[held].var())
        levels = np.where(counts >= max(holders, 1), sums / np.maximum(counts, 1), mean)
        levels = np.rint(levels) if axis.lattice else levels
        if spread > 0 and float(levels[who[held]].var()) >= EXPLAINS * spread:
            found[axis.name] = Standing(levels, (float(values[held].min()), float(values[held].max())))
    return found


def _shift(block: Block, levels: Mapping[str, Array]) -> Block:
    columns = tuple(
        values + levels[axis.name] if axis.name in levels else values
        for axis, values in zip(block.domain.axes, block.columns, strict=True)
    )
    return Block(block.domain, columns, rows=len(block))
