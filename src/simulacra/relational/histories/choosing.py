"""What a choice among rows of histories is given: one row of each entity, and a way to draw others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulacra.domain import Array, Block
from simulacra.randomness import Streams

Again = Callable[[Array, Streams], Block]
"""Draws rows anew for some of the entities that stand at one step; the same one may be named several times."""


@dataclass(frozen=True)
class Step:
    """The next row of each of some entities.

    Parameters
    ----------
    entities : array of int
        Whose rows they are.
    left : array of int
        Rows that each has left after this one.
    now : array or None
        The times of the rows.
    again : callable
        Draws them anew.
    rng : Streams
        Where randomness comes from.
    """

    entities: Array
    left: Array
    now: Array | None
    again: Again
    rng: Streams


Choose = Callable[[Block, Step], Block]
"""Gets one row of each entity, and returns the rows that are taken."""
