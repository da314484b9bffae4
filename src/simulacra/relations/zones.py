"""Instants that a model sees as clocks in their zone show them: an opening hour is the same in summer and winter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.relations._measures import Measure
from simulacra.relations.calendar import Calendar, given_out, read_instants
from simulacra.relations.parts import DAY, from_wall_clock, is_by_day, wall_clock
from simulacra.relations.relation import Relation, Remains

COMES_BACK = 0.99
"""Share of rows that must be the same instant again; clocks that are put back show an hour twice."""


@dataclass(frozen=True, eq=False)
class Zone(Relation):
    """An instant in one zone that is drawn on the clocks of another.

    In the hour in which clocks are put back, a time of day is taken for the earlier of its two instants; in the hour
    that clocks leave out, for the one as long after it.

    Parameters
    ----------
    target : str
        The day of the instant.
    measure : Measure
        How instants are read from their axes; once settled, within their ends.
    zone : str
        Whose clocks.
    """

    kind: ClassVar[str] = "zone"
    measure: Measure
    zone: str

    @property
    def targets(self) -> tuple[str, ...]:
        """Day and clock."""
        return self.measure.axes

    @property
    def sources(self) -> tuple[str, ...]:
        """Nothing but themselves."""
        return ()

    def take_out(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return day and time of day in the zone."""
        positions = replace(self.measure, ends=None).read(arrays)
        return self._written(wall_clock(read_instants(positions, self.measure.steps), self.zone))

    def put_back(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return day and clock as the column has them."""
        shown = replace(self.measure, ends=None).read(arrays)
        utc = from_wall_clock(read_instants(shown, self.measure.steps), self.zone)
        return self.measure.write(self.measure.read(self._written(utc)))

    def settle(self, remains: Remains) -> Self:
        """Write the ranges of day and clock: those of the instants that are given out."""
        ready = (
            self if self.measure.ends is not None else replace(self, measure=given_out(self.measure, remains))
        )
        steps = self.measure.steps
        low, high = (np.floor(end / steps) for end in ready.measure.ends or (0.0, 0.0))
        day, clock = self.targets
        remains.limits.update({day: (float(low), float(high)), clock: (0.0, steps - 1.0)})
        return ready

    def _written(self, instants: pl.Series) -> dict[str, Array]:
        ticks = instants.cast(pl.Int64).cast(pl.Float64).to_numpy()
        return replace(self.measure, ends=None).write(np.floor(ticks / (DAY // self.measure.steps)))

    def dump(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return {**super().dump(), "measure": self.measure.dump()}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the relation from what `dump` gave."""
        return super().restore({**state, "measure": Measure.restore(state["measure"])})

    def __str__(self) -> str:
        return f"'{self.measure.column}' goes by the clocks of {self.zone}"


def find_zones(calendars: Sequence[Calendar], arrays: Mapping[str, Array]) -> list[Zone]:
    """Choose the zone of each instant: the one in which most of its parts are read, where that is another.

    Parameters
    ----------
    calendars : sequence of Calendar
        The parts.
    arrays : mapping of str to array
        All rows, which must come back from the other clocks.

    Returns
    -------
    list of Zone
        One for each instant whose parts are read elsewhere than in its own zone, and whose axes can say so.
    """
    votes: dict[str, dict[str, tuple[int, int]]] = {}
    measures = {own.measure.column: own.measure for own in calendars if own.measure.steps}
    for own in calendars:
        if own.measure.steps:
            zones = votes.setdefault(own.measure.column, {})
            clocks, parts = zones.get(own.part.zone, (0, 0))
            zones[own.part.zone] = (clocks + (not is_by_day(own.part.name)), parts + 1)
    chosen = {column: max(zones, key=lambda zone: zones[zone]) for column, zones in votes.items()}
    found = [Zone(measures[c].axes[0], measures[c], zone) for c, zone in chosen.items() if zone]
    return [own for own in found if _comes_back(own, arrays)]


def _comes_back(zone: Zone, arrays: Mapping[str, Array]) -> bool:
    """Tell whether the steps of an instant can say what other clocks show; an hour each year may be lost."""
    values = replace(zone.measure, ends=None).read(arrays)
    again = replace(zone.measure, ends=None).read(zone.put_back(zone.take_out(arrays)))
    return bool((np.isnan(values) | (again == values)).mean() >= COMES_BACK)
