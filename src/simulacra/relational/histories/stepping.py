"""Rows of many entities drawn step by step from one model, filling in only what changes of their context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulacra.domain import Array, Block
from simulacra.generator import Generator, Resuming
from simulacra.randomness import Streams
from simulacra.relational.histories.past import glue


class Stepper:
    """Draws the next row of the first entities, again and again.

    Parameters
    ----------
    generator : Generator
        The fitted model of a row, given its context.
    static : Block
        What stays the same of the context, one row for each entity.

    Notes
    -----
    **Cost**: linear in rows. A model that is `Resuming` is told the static part once.
    """

    def __init__(self, generator: Generator, static: Block) -> None:
        self.generator, self.static = generator, static
        self._draft: Any = None
        self._known: Block | None = None

    def draw(self, rows: int, changing: Sequence[Block], rng: Streams) -> Block:
        """Draw a row for each of the first entities.

        Parameters
        ----------
        rows : int
            How many entities; never more than the first time.
        changing : sequence of Block
            The rest of the context, in the order in which the model learnt it.
        rng : Streams
            Where randomness comes from.
        """
        rest = glue(changing)
        if not isinstance(self.generator, Resuming):
            self._known = glue([self.static.take(slice(0, rows)), rest])
            return self.generator.sample(rows, context=self._known, rng=rng)
        if self._draft is None:
            first = glue([self.static.take(slice(0, rows)), rest])
            self._draft = self.generator.start(rows, context=first)
        else:
            places = range(len(self.static.domain), len(self.static.domain) + len(rest.domain))
            self.generator.refill(self._draft, rows, places, rest.columns)
        return self.generator.redraw(self._draft, rows, rng)

    def again(self, rows: Array, rng: Streams) -> Block:
        """Draw the present row of some entities anew."""
        if self._known is not None:
            return self.generator.sample(len(rows), context=self._known.take(rows), rng=rng)
        assert isinstance(self.generator, Resuming)
        return self.generator.redraw(self._draft.take(rows), len(rows), rng)
