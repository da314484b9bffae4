"""Dates of which another column holds the year: they are drawn as the day within it.

Only columns that tables get for the histories of their rows count as years here (their names start with a mark): what
such a column says is the frame of all else, so the date is told by it, and not the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from simulacra.domain import Array, Block
from simulacra.relations.relation import FEWEST, MARK, Prediction, Range
from simulacra.schema.types import Table

MOSTLY = 0.9
"""Share of the rows that have both in which the date is of that year."""
DAYS = {"date": "value", "datetime": "day"}
"""By kind of column: the part whose axis counts days."""


@dataclass(frozen=True, eq=False)
class Year(Prediction):
    """The days of a date, measured from the start of a year, or from an earlier date of the same year.

    Parameters
    ----------
    target : str
        The axis that counts days.
    year : str
        The axis that holds the year.
    after : tuple of str
        Axes of dates that it is never before.
    spare : float
        The year that is taken where there is none.
    """

    kind: ClassVar[str] = "year"
    year: str
    after: tuple[str, ...] = ()
    spare: float = 1970.0

    @property
    def sources(self) -> tuple[str, ...]:
        """The year, and the dates before."""
        return (self.year, *self.after)

    def predict(self, arrays: Mapping[str, Array]) -> Array:
        """Return the first day of each row's year, or the last of the dates before if that is later."""
        held = arrays[self.year]
        first = first_days(np.where(np.isnan(held), self.spare, held))
        for name in self.after:
            first = np.fmax(first, arrays[name])
        return first

    def reach(self, limits: Mapping[str, Range]) -> Range:
        """Return the first days of the first and of the last year."""
        low, high = first_days(np.nan_to_num(np.array(limits[self.year]), nan=self.spare))
        return float(low), float(max([high, *(limits[name][1] for name in self.after)]))

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the relation from what `dump` gave."""
        return super().restore({**state, "after": tuple(state["after"])})

    def __str__(self) -> str:
        return f"'{self.target}' is mostly in the year '{self.year}'"


def first_days(years: Array) -> Array:
    """Return the first day of years, in days since 1970.

    Examples
    --------
    >>> first_days(np.array([1970.0, 1971.0, 2000.0])).tolist()
    [0.0, 365.0, 10957.0]
    """
    whole = np.clip(np.rint(years), 1, 9999).astype(np.int64)
    return (whole - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.float64)


def find_years(block: Block, table: Table | None) -> list[Year]:
    """Find dates that are mostly of the year that a column for histories holds.

    Parameters
    ----------
    block : Block
        Encoded rows.
    table : Table or None
        The columns' kinds; nothing is found without it.

    Notes
    -----
    **Cost**: linear in rows, for each pair of a date and such a column.
    """
    if table is None:
        return []
    arrays = dict(zip(block.domain.names, block.columns, strict=True))
    years = [
        axis.name
        for axis in block.domain.axes
        if axis.column.startswith(MARK) and table[axis.column].kind == "number" and axis.lattice
    ]
    found: list[Year] = []
    for axis in block.domain.axes:
        if not years or axis.part != DAYS.get(table[axis.column].kind) or axis.column.startswith(MARK):
            continue
        own = arrays[axis.name]
        shares = [_share(own, arrays[name]) for name in years]
        best = int(np.argmax(shares))
        if shares[best] < MOSTLY:
            continue
        held = arrays[years[best]][~np.isnan(arrays[years[best]])]
        after = [
            other.target
            for other in found
            if other.year != years[best] and _follows(own, arrays[other.target])
        ]
        found.append(Year(axis.name, years[best], tuple(after), float(np.median(held)), share=shares[best]))
    return found


def _share(days: Array, years: Array) -> float:
    both = ~(np.isnan(days) | np.isnan(years))
    if both.sum() < FEWEST or not (np.abs(years[both]) < 10_000).all():
        return 0.0
    own = (
        np.rint(days[both]).astype(np.int64).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
    )
    return float((own + 1970 == years[both]).mean())


def _follows(days: Array, others: Array) -> bool:
    both = ~(np.isnan(days) | np.isnan(others))
    return bool(both.any() and (days[both] >= others[both]).all())
