"""Where in the units the rows of tables stand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.relational.plan import Link, Plan, locate


def _inverse(rows: Array) -> Array:
    out = np.empty(len(rows), np.int64)
    out[rows] = np.arange(len(rows))
    return out


class Spots:
    """Where in the units the rows of tables stand.

    Parameters
    ----------
    plan : Plan
        The ways of all references.
    frames : mapping of str to DataFrame
        The data.

    Attributes
    ----------
    rows : dict
        For each unit that is arranged: the position in the data of each of its rows.
    """

    def __init__(self, plan: Plan, frames: Mapping[str, pl.DataFrame]) -> None:
        self.plan, self.frames = plan, frames
        self.rows: dict[str, Array] = {}

    def parents(self, link: Link) -> Array:
        """Return, for each row of the unit, the position of the parent in its unit; -1 orphan, -2 null."""
        found = locate(self.frames[link.table], self.frames[link.reference.table], link.reference)
        at = found.fill_null(-2).to_numpy()[self.row_of(link.table)]
        return self.moved(at, link.reference.table)

    def moved(self, at: Array, table: str) -> Array:
        """Turn positions in the data into positions in the unit; what is below 0 stays."""
        places = self.place(table)
        return np.where(at >= 0, places[np.maximum(at, 0)], at) if len(places) else at

    def row_of(self, table: str) -> Array:
        """Return, for each row of a table's unit, the position of the table's own row in the data."""
        if table in self.rows:
            return self.rows[table]
        link = self.plan.to(table, "joined")[0]
        at = locate(self.frames[link.table], self.frames[table], link.reference).to_numpy()
        return np.asarray(at[self.rows[link.table]])

    def place(self, table: str) -> Array:
        """Return, for each row of a table in the data, its position in its unit."""
        if table in self.plan.kept:
            return np.arange(len(self.frames[table]))
        return _inverse(self.row_of(table))
