"""Whole histories drawn to see how long those that go on are silent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simulacra.randomness import Streams
from simulacra.relational.asking.trees import tree_of
from simulacra.relational.drawing import Rows, draw_unit
from simulacra.relational.given.given import Given
from simulacra.relational.given.silences import Silence
from simulacra.relational.histories.histories import Histories

if TYPE_CHECKING:
    from simulacra.relational.database import DatabaseSynthesizer

_ENTITIES = 1_500


def add_silences(model: DatabaseSynthesizer, given: Given, streams: Streams) -> Given:
    """Let a start know how long histories are silent that go on, where something is known of silence.

    Parameters
    ----------
    model : DatabaseSynthesizer
        The model.
    given : Given
        The start.
    streams : Streams
        Where randomness comes from.
    """
    if given.after is None:
        return given
    found: dict[str, Silence] = {}
    for root in given.roots(model):
        rows: dict[str, Rows] = {}
        for name in tree_of(model.plan, root):
            unit = model.units[name]
            rows[name] = draw_unit(model, unit, rows, _ENTITIES, 0.0, streams, _quiet)
            link = model.plan.driving(name)
            timed = isinstance(unit.model, Histories) and unit.model.clock is not None
            if link is None or not timed or model.plan.home(link.reference.table) != root:
                continue
            assert isinstance(unit.model, Histories)
            now, entity = rows[name].now, rows[name].entity
            if now is not None and entity is not None:
                found[name] = Silence.of(np.asarray(entity), now, unit.model.last)
    return replace(given, silences=found)


def _quiet(share: float, doing: str) -> None:
    """Tell nobody."""
