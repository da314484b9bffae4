"""Where histories stand beside those of a sibling table whose rows all of theirs belong to.

A fielding row belongs to a batting row: of the same player, year, stint and team. Such histories go along the sibling's
rows: what is drawn is how many of them the next row goes on, and the time is that of the row it arrives at.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from simulacra.domain import Array, Block
from simulacra.relational.histories.beside import Beside
from simulacra.schema.types import Column

WITHIN = 0.99
"""Share of rows that must have a row to belong to, and of steps that must not go back."""
_KINDS = {"key", "category", "boolean", "date", "datetime"}


class Alongside:
    """The rows of a sibling that many histories stand at, all at the same step.

    Parameters
    ----------
    beside : Beside
        The sibling's rows.
    owner : array of int
        Whose of them each history goes along.
    now, goal : array
        When each history starts and ends.
    """

    def __init__(self, beside: Beside, owner: Array, now: Array, goal: Array) -> None:
        self.beside, self.owner = beside, owner
        self.row = beside.row_at(owner, now)
        self.goal = np.maximum(beside.row_at(owner, goal, last=True), self.row)
        self.same = np.zeros(len(owner), np.int64)
        self.held = beside.counts[owner] > 0

    def times(self, rows: Array, now: Array) -> Array:
        """Return the times of rows of the first histories; what is given for those without any."""
        assert self.beside.times is not None
        own = self.held[: len(rows)]
        return (
            np.where(own, self.beside.times[np.where(own, rows, 0)], now[: len(rows)])
            if own.any()
            else now[: len(rows)]
        )

    def look(self, active: int) -> Block:
        """Return what stands beside the rows of the first histories."""
        return self.beside.stand(self.owner[:active], self.row[:active], self.same[:active])

    def beyond(self, rows: int, left: Array) -> Block:
        """Tell what comes after the rows that the first histories stand at."""
        return self.beside.beyond(self.owner[:rows], self.row[:rows], self.same[:rows], left)

    def reach(self, steps: Array, places: Array) -> Array:
        """Return the rows that some histories arrive at after so many steps; no further than their ends."""
        on = self.row[places] + np.maximum(np.rint(np.nan_to_num(steps)), 0).astype(np.int64)
        return np.minimum(on, self.goal[places])

    def move(self, target: Array) -> None:
        """Go on to rows."""
        active = len(target)
        self.same[:active] = np.where(target == self.row[:active], self.same[:active] + 1, 0)
        self.row[:active] = target


def find_rows(
    own: pl.DataFrame, other: pl.DataFrame, columns: tuple[Column, ...], others: tuple[Column, ...]
) -> Array | None:
    """Find the row of a sibling that each row belongs to.

    Parameters
    ----------
    own, other : DataFrame
        Both tables in the order of their histories, with entity and time as ``#entity`` and ``#time``.
    columns, others : tuple of Column
        Columns that are no keys of parents; those of the same name and kind may say which row it is.

    Returns
    -------
    array of int or None
        -1 for few rows without one; None where rows do not belong to others, or do not follow them in their order.

    Notes
    -----
    **Cost**: a join for each column of the same name.
    """
    keys = ["#entity", "#time"]
    kinds = {column.name: column.kind for column in others}
    if not len(own) or _share(own, other, keys) < WITHIN:
        return None
    for column in columns:
        counts = column.kind == "number" and column.integer
        alike = kinds.get(column.name) == column.kind and (column.kind in _KINDS or counts)
        if alike and _share(own, other, [*keys, column.name]) >= WITHIN:
            keys.append(column.name)
    first = other.with_row_index("#row").unique(keys, keep="first", maintain_order=True)
    found = own.join(first.select(*keys, "#row"), on=keys, how="left", maintain_order="left")
    rows = found["#row"].cast(pl.Int64).fill_null(-1).to_numpy()
    within = np.diff(own["#entity"].to_numpy()) == 0
    falls = (np.diff(rows) < 0) & (rows[1:] >= 0) & within
    return None if within.any() and falls[within].mean() > 1 - WITHIN else rows


def _share(own: pl.DataFrame, other: pl.DataFrame, keys: list[str]) -> float:
    return len(own.join(other.select(keys).unique(), on=keys, how="semi")) / len(own)
