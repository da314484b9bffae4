"""The row of a sibling table that stands beside a row: of the same time, or at the same place in the history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial

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
        return self._lay(at, held, there)

    def stand(self, entity: Array, row: Array, same: Array) -> Block:
        """Return what stands beside rows that are known to belong to a row here.

        Parameters
        ----------
        entity, row : array of int
            Whose row it is, and the row here.
        same : array of int
            How many rows before it belong to the same one.
        """
        return self._lay(row, self.counts[entity] > 0, np.minimum(same, 2).astype(np.uint8))

    def _lay(self, at: Array, held: Array, there: Array) -> Block:
        there[~held] = 0
        columns: list[Array] = []
        safe = np.where(held, at, 0)
        for axis, values in zip(self.block.domain.axes, self.block.columns, strict=True):
            if not len(values):
                columns.append(np.full(len(at), np.nan if axis.size is None else axis.size))
            elif axis.size is None:
                columns.append(np.where(held, values[safe], np.nan))
            else:
                columns.append(np.where(held, values[safe], axis.size).astype(code_dtype(axis.size + 1)))
        columns.append(there)
        return Block(Domain(self.axes), tuple(columns), rows=len(at))

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

    def beyond(self, entity: Array, row: Array, same: Array, left: Array) -> Block:
        """Tell what comes after a row here.

        Parameters
        ----------
        entity, row : array of int
            Whose history it is, and the row here that its last row belongs to.
        same : array of int
            How many rows before that one belong to the same row.
        left : array of int
            How many rows are still to come.

        Returns
        -------
        Block
            How many rows belong to this one already, how long it is to the next one, how many there are, and how many
            more rows are to come than there are.
        """
        assert self.times is not None
        rest = np.maximum(self.begins[entity] + self.counts[entity] - 1 - row, 0).astype(float)
        places = np.minimum(np.stack([row, row + 1]), max(len(self.times) - 1, 0))
        now, following = self.times[places] if len(self.times) else places.astype(float)
        told = partial(Axis, lattice=True, holders=self.holders)
        axes = (
            Axis("~same", "~same", size=8, ordered=True, holders=self.holders),
            told("~wait", "~wait", missing=True), told("~rest", "~rest"), told("~over", "~over"),
        )  # fmt: skip
        wait = np.where(rest > 0, following - now, np.nan)
        columns = (np.minimum(same, 7).astype(np.uint8), wait, rest, left - rest)
        return Block(Domain(axes), columns, rows=len(entity))

    def row_at(self, entity: Array, now: Array, *, last: bool = False) -> Array:
        """Return the row that is nearest to a time: of several of that time the first one, or the last."""
        begin, end = self.begins[entity], self.begins[entity] + self.counts[entity]
        if self.times is None or not len(self.times):
            return begin
        low, _ = self._span(entity, now)
        most = len(self.times) - 1
        after, before = np.clip(low, 0, most), np.clip(low - 1, 0, most)
        ahead = np.where(low < end, np.abs(self.times[after] - now), np.inf)
        behind = np.where(low > begin, np.abs(now - self.times[before]), np.inf)
        found = np.clip(np.where(ahead <= behind, after, before), begin, np.maximum(end - 1, begin))
        first, stop = self._span(entity, self.times[np.minimum(found, most)])
        chosen = np.where(last, stop - 1, first)
        return np.where(self.counts[entity] > 0, chosen, np.minimum(begin, most))

    def _span(self, entity: Array, now: Array) -> tuple[Array, Array]:
        """Return the rows of an entity that are of this time."""
        known, base = self._known, entity * (len(self._known) + 1)
        low = np.searchsorted(self._keys, base + np.searchsorted(known, now, "left"), "left")
        high = np.searchsorted(self._keys, base + np.searchsorted(known, now, "right"), "left")
        return low, high
