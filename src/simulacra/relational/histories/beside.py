"""The row of a sibling table that stands beside a row: of the same time, or at the same place in the history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from simulacra.domain import Array, Axis, Block, Domain, code_dtype


@dataclass(frozen=True)
class Beside:
    """Finished histories of a sibling table, to be looked up by entity and time.

    Parameters
    ----------
    block : Block
        Their rows, those of an entity behind each other, in order.
    begins, counts : array of int, shape (entities,)
        Where the rows of each entity start, and how many there are.
    times : array or None
        Positions on a clock that both tables share.
    holders : int
        k of the protection.
    """

    block: Block
    begins: Array
    counts: Array
    times: Array | None
    holders: int

    @cached_property
    def _known(self) -> Array:
        """All times that occur."""
        return np.unique(self.times) if self.times is not None else np.zeros(0)

    @cached_property
    def _keys(self) -> Array:
        """Entity and time of each row as one number that rises."""
        assert self.times is not None
        owner = np.repeat(np.arange(len(self.counts)), self.counts)
        return owner * (len(self._known) + 1) + np.searchsorted(self._known, self.times)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of what `rows` gives."""
        own = []
        for axis in self.block.domain.axes:
            name, column = f"~{axis.name}", f"~{axis.column}"
            if axis.size is None:
                own.append(replace(axis, name=name, column=column, missing=True, period=None, calendar=False))
            else:
                own.append(replace(axis, name=name, column=column, size=axis.size + 1))
        return (*own, Axis("~there", "~there", size=3))

    def rows(self, entity: Array, place: Array, now: Array | None, again: Array) -> Block:
        """Return what stands beside rows.

        Parameters
        ----------
        entity, place : array of int
            Whose row it is, and how many came before it.
        now : array or None
            Its time.
        again : array of int
            How many rows of this entity before it have the same time.
        """
        there = np.zeros(len(entity), np.uint8)
        if self.times is not None and now is not None:
            low, high = self._span(entity, now)
            same = high > low
            at = np.where(same, low + np.minimum(again, np.maximum(high - low - 1, 0)), high - 1)
            there = np.where(same, np.where(again < high - low, 2, 1), 0).astype(np.uint8)
        else:
            at = self.begins[entity] + np.minimum(place, self.counts[entity] - 1)
            there = np.where(place < self.counts[entity], 2, 1).astype(np.uint8)
        held = (at >= self.begins[entity]) & (self.counts[entity] > 0)
        there[~held] = 0
        columns: list[Array] = []
        safe = np.where(held, at, 0)
        for axis, values in zip(self.block.domain.axes, self.block.columns, strict=True):
            if not len(values):
                columns.append(np.full(len(entity), np.nan if axis.size is None else axis.size))
            elif axis.size is None:
                columns.append(np.where(held, values[safe], np.nan))
            else:
                columns.append(np.where(held, values[safe], axis.size).astype(code_dtype(axis.size + 1)))
        columns.append(there)
        return Block(Domain(self.axes), tuple(columns), rows=len(entity))

    def ahead(self, entity: Array, now: Array, again: Array) -> Block:
        """Tell how long it is to the sibling's next row, and how many of its rows are of this time and beyond ours."""
        low, high = self._span(entity, now)
        last = self.begins[entity] + self.counts[entity]
        assert self.times is not None
        following = np.append(self.times, 0.0)[np.minimum(high, len(self.times))] - now
        wait = np.where(high < last, following, np.nan)
        more = np.clip(high - low - again - 1, -1, 6) + 1
        axes = (
            Axis("~wait", "~wait", lattice=True, missing=True, holders=self.holders),
            Axis("~more", "~more", size=8, ordered=True, holders=self.holders),
        )
        return Block(Domain(axes), (wait, more.astype(np.uint8)), rows=len(entity))

    def _span(self, entity: Array, now: Array) -> tuple[Array, Array]:
        """Return the rows of an entity that are of this time."""
        known, base = self._known, entity * (len(self._known) + 1)
        low = np.searchsorted(self._keys, base + np.searchsorted(known, now, "left"), "left")
        high = np.searchsorted(self._keys, base + np.searchsorted(known, now, "right"), "left")
        return low, high
