"""Where a history starts and ends, told by what it mostly equals: a date of the parent, a sibling table's first row.

A career starts in the year of a player's debut, in one table as in the other. Drawn as numbers of their own, such
years would mostly miss each other by one. So the start is learnt as its distance from what it mostly equals, and so
is the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.relational.histories.clocks import Clock

What = Literal["value", "year", "first", "last", "steps"]
MOSTLY = 0.3
"""Share of the histories that must start, or end, at what they are told by."""


@dataclass(frozen=True)
class Anchor:
    """What the start or the end of a history is told by.

    Parameters
    ----------
    what : str
        ``value`` or ``year``: of a column of the parent. ``first`` or ``last``: of the histories of a sibling table.
        ``steps``: the time at which the history would end if each row came one step after the one before.
    of : str
        The column, or the name of the sibling's link; empty for steps.
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
    >>> from simulacra.schema.types import Column
    >>> ends = Ends(np.array([1990.0, 1994.0]), np.array([1991.0, 1999.0]), np.array([2, 4]))
    >>> clock = Clock(Column("year", "number", integer=True))
    >>> [anchor.what for anchor in find_anchors(ends, clock, pl.DataFrame({"debut": [1990, 1994]}), {}) if anchor]
    ['value', 'steps']
    """
    found: list[Anchor | None] = []
    for told in (ends.first, ends.last):
        held = ~np.isnan(told)
        best: tuple[float, Anchor] | None = None
        for what, of in _candidates(clock, frame, siblings, steps=told is ends.last):
            other = _positions(what, of, clock, frame, siblings, ends)
            share = float((told == other)[held].mean()) if held.any() else 0.0
            if share >= MOSTLY and (best is None or share > best[0]):
                spare = float(np.median(told[held]))
                best = (share, Anchor(what, of, spare))
        found.append(best[1] if best is not None else None)
    return found[0], found[1]


def place_anchor(
    anchor: Anchor, clock: Clock, frame: pl.DataFrame, siblings: Mapping[str, tuple[Clock, Ends]], ends: Ends
) -> Array:
    """Return the position of an anchor for each row of the parent."""
    at = _positions(anchor.what, anchor.of, clock, frame, siblings, ends)
    return np.where(np.isnan(at), anchor.spare, at)


def restore_anchors(state: list[list[Any] | None]) -> tuple[Anchor | None, Anchor | None]:
    """Make the anchors of a start and of an end from what `Anchor.dump` gave."""
    first, last = (None if item is None else Anchor(item[0], str(item[1]), float(item[2])) for item in state)
    return first, last


def _candidates(
    clock: Clock, frame: pl.DataFrame, siblings: Mapping[str, tuple[Clock, Ends]], *, steps: bool
) -> Iterator[tuple[What, str]]:
    for name in frame.columns:
        if name.startswith("#"):
            continue
        kind = frame[name].dtype
        if clock.column.kind in {"number", "category"}:
            if kind.is_integer():
                yield "value", name
            elif kind == pl.Date or isinstance(kind, pl.Datetime):
                yield "year", name
        elif kind == pl.Date if clock.column.kind == "date" else isinstance(kind, pl.Datetime):
            yield "value", name
    for name, (other, _) in siblings.items():
        if other.column.kind == clock.column.kind and other.unit == clock.unit:
            yield ("last" if steps else "first"), name
    if steps and clock.column.kind in {"number", "category"}:
        yield "steps", ""


def _positions(
    what: What,
    of: str,
    clock: Clock,
    frame: pl.DataFrame,
    siblings: Mapping[str, tuple[Clock, Ends]],
    ends: Ends,
) -> Array:
    if what == "steps":
        return ends.first + np.maximum(ends.counts - 1, 0)
    if what in {"first", "last"}:
        own = siblings[of][1]
        return own.first if what == "first" else own.last
    if what == "year":
        return frame[of].dt.year().cast(pl.Float64).to_numpy()
    return clock.positions(frame[of])
