"""Where a history starts and ends, told by what it mostly equals: the same of a sibling table, a number of steps.

A career starts in one table when it does in the other. Drawn as numbers of their own, such years would mostly miss each
other by one. So a start is learnt as its distance from what it mostly equals, and so is an end. Where a date of the
parent tells an end (the day of a player's last game), the end is learnt as it is, and the date by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.relational.histories.clocks import Clock

What = Literal["first", "last", "steps", "itself"]
COUNTED = ("number", "category")
"""Kinds of clocks that count whole numbers, as years."""
DATED = 0.9
"""Share of the histories that end in the year of a date from which the date is told by the end."""
MOSTLY = 0.3
"""Share of the histories that must start, or end, at what they are told by."""


@dataclass(frozen=True)
class Anchor:
    """What the start or the end of a history is told by.

    Parameters
    ----------
    what : str
        ``first`` or ``last``: of the histories of a sibling table. ``steps``: the time at which the history would end
        if each row came one step after the one before. ``itself``: it is told as it is.
    of : str
        The name of the sibling's link, else empty.
    spare : float
        The position where there is none.
    """

    what: What
    of: str
    spare: float

    def dump(self) -> list[Any]:
        """Return the fields as JSON."""
        return [self.what, self.of, self.spare]


@dataclass(frozen=True)
class Ends:
    """Where histories start and end, by entity; NaN where there is none.

    Parameters
    ----------
    first, last : array
        Positions on the clock.
    counts : array
        Rows of each.
    """

    first: Array
    last: Array
    counts: Array


def find_anchors(
    ends: Ends, clock: Clock, frame: pl.DataFrame, siblings: Mapping[str, tuple[Clock, Ends]]
) -> tuple[Anchor | None, Anchor | None]:
    """Find what histories mostly start and end at.

    Parameters
    ----------
    ends : Ends
        Of the histories.
    clock : Clock
        Their clock.
    frame : DataFrame
        The parent's own columns.
    siblings : mapping
        By the name of their links: clocks and ends of sibling tables that are told already.

    Returns
    -------
    tuple
        For the start, and for the end; None where they equal nothing often enough.

    Notes
    -----
    **Cost**: linear in parents, for each column.

    Examples
    --------
    >>> from datetime import date
    >>> from simulacra.schema.types import Column
    >>> ends = Ends(np.array([1990.0, 1994.0]), np.array([1991.0, 1999.0]), np.array([2, 4]))
    >>> clock = Clock(Column("year", "number", integer=True))
    >>> find_anchors(ends, clock, pl.DataFrame(), {})[1].what
    'steps'
    >>> find_anchors(ends, clock, pl.DataFrame({"final": [date(1991, 5, 1), date(1999, 3, 3)]}), {})[1].what
    'itself'
    """
    alike = [
        name
        for name, (other, _) in siblings.items()
        if other.column.kind == clock.column.kind and other.unit == clock.unit
    ]
    found: list[Anchor | None] = []
    for told, what in ((ends.first, "first"), (ends.last, "last")):
        held = ~np.isnan(told)
        kinds: list[tuple[What, str]] = [("first" if what == "first" else "last", name) for name in alike]
        if what == "last" and clock.column.kind in COUNTED:
            kinds += [("itself", "")] if _is_dated(told, frame) and not alike else [("steps", "")]
        best: tuple[float, Anchor] | None = None
        for kind, of in kinds:
            other = _positions(kind, of, siblings, ends)
            share = 1.0 if kind == "itself" else float((told == other)[held].mean()) if held.any() else 0.0
            if share >= MOSTLY and (best is None or share > best[0]):
                best = (share, Anchor(kind, of, float(np.median(told[held])) if held.any() else 0.0))
        found.append(best[1] if best is not None else None)
    return found[0], found[1]


def place_anchor(anchor: Anchor, siblings: Mapping[str, tuple[Clock, Ends]], ends: Ends) -> Array:
    """Return the position of an anchor for each row of the parent."""
    at = _positions(anchor.what, anchor.of, siblings, ends)
    return np.where(np.isnan(at), anchor.spare, at)


def restore_anchors(state: list[list[Any] | None]) -> tuple[Anchor | None, Anchor | None]:
    """Make the anchors of a start and of an end from what `Anchor.dump` gave."""
    first, last = (None if item is None else Anchor(item[0], str(item[1]), float(item[2])) for item in state)
    return first, last


def _is_dated(years: Array, frame: pl.DataFrame) -> bool:
    """Tell whether ends are mostly years of a date."""
    for series in frame:
        if isinstance(series.dtype, (pl.Date, pl.Datetime)):
            own = series.dt.year().cast(pl.Float64).to_numpy()
            both = ~(np.isnan(own) | np.isnan(years))
            if both.any() and (own == years)[both].mean() >= DATED:
                return True
    return False


def _positions(what: What, of: str, siblings: Mapping[str, tuple[Clock, Ends]], ends: Ends) -> Array:
    if what == "steps":
        return ends.first + np.maximum(ends.counts - 1, 0)
    if what == "itself":
        return np.zeros(len(ends.counts))
    return siblings[of][1].first if what == "first" else siblings[of][1].last
