"""Histories that are to be drawn, and drawn ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulacra.domain import Array, Block
from simulacra.relational.histories.beginnings import Beginnings
from simulacra.relational.histories.beside import Beside
from simulacra.relational.histories.choosing import Choose

Judge = Callable[[Block, Array, Array | None], Array]
"""Tells which of some rows are fine; gets the rows, the entities they belong to, and their times."""

TRIES = 30
"""Times that a row is drawn anew if it is not fine; what still is not stays, and is counted on the finished tables."""


@dataclass(frozen=True)
class Drawn:
    """Finished histories.

    Parameters
    ----------
    block : Block
        Rows as the model draws them, those of an entity behind each other.
    entity : array of int
        The entity of each row.
    now : array or None
        Positions on the clock.
    beside : array or None
        The row of the sibling that each row belongs to, -1 for none, where they go along its rows.
    """

    block: Block
    entity: Array
    now: Array | None
    beside: Array | None


@dataclass(frozen=True)
class Wanted:
    """The histories that are to be drawn.

    Parameters
    ----------
    counts : array of int, shape (entities,)
        How many rows each has.
    static : Block
        What is known of each entity.
    ends : (array, array) or None
        Where the history of each starts on the clock, and how long it is.
    beside : Beside or None
        The sibling's rows.
    owner : array of int or None
        Whose of them each entity sees; its own when None.
    judge : callable or None
        Rows that it does not find fine are drawn anew.
    choose : callable or None
        Gets each row before it is taken, and may take another one.
    begun : Beginnings or None
        Rows that are there already.
    beyond : bool
        Whether histories may go on where the clock ends.
    """

    counts: Array
    static: Block
    ends: tuple[Array, Array] | None = None
    beside: Beside | None = None
    owner: Array | None = None
    judge: Judge | None = None
    choose: Choose | None = None
    begun: Beginnings | None = None
    beyond: bool = False
