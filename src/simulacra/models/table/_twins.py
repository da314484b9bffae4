"""Rows and what they would have been: abduction, action, prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simulacra.domain import Array, Block, Domain, Support, code_dtype
from simulacra.models.table._codes import Draft
from simulacra.models.table._nodes import MARKS, Node
from simulacra.models.table._noise import follow_levels, follow_order
from simulacra.models.table._views import View
from simulacra.randomness import Streams

_CELLS = 2_000_000
"""Chances held at once."""


class Net(Protocol):
    """What twins need of a fitted network."""

    domain_: Domain

    @property
    def order(self) -> tuple[int, ...]: ...
    def start(self, n: int, *, context: Block | None = None) -> Draft: ...
    def intervene(self, supports: Mapping[int, Support]) -> Net: ...
    def _view(self, axis: int) -> View: ...
    def _node(self, axis: int) -> Node: ...
    def _groups(self, draft: Draft, axis: int) -> list[Array]: ...


@dataclass(frozen=True)
class Twin:
    """Rows as they are, and as they would have been had some axes been set.

    Parameters
    ----------
    net : Net
        The fitted network.
    block : Block
        The rows.
    supports : mapping of int to Support
        By axis: what it is set to.
    context : Block or None
        What is known of the rows beforehand; it stays.
    """

    net: Net
    block: Block
    supports: Mapping[int, Support]
    context: Block | None = None

    def rows(self, rng: Streams) -> Block:
        """Draw the rows that would have been.

        An axis whose parents stay, as far as it sees them, stays itself; so does a set axis that is within limits.
        """
        net, block = self.net, self.block
        acted = net.intervene(self.supports)
        real, twin = (net.start(len(block), context=self.context) for _ in range(2))
        for axis, values in enumerate(block.columns):
            real.codes[axis] = net._view(axis).encode(values)
            twin.codes[axis] = real.codes[axis].copy()
        columns = list(block.columns)
        for axis in net.order:
            view = net._view(axis)
            if axis in self.supports:
                at = np.flatnonzero(~self.supports[axis].holds(columns[axis]))
                uniform = rng.stream("draw", view.axis.name).random((MARKS, len(block)))[:, at]
                fresh = acted._node(axis).draw([], uniform)
            else:
                before, after = net._groups(real, axis), net._groups(twin, axis)
                moved = np.zeros(len(block), bool)
                for one, other in zip(before, after):
                    moved |= one != other
                at = np.flatnonzero(moved)
                fresh, place = self._follow(axis, at, before, after, real.codes[axis], rng)
                changed = fresh != real.codes[axis][at]
                at, fresh, place = at[changed], fresh[changed], place[changed]
            codes = fresh.astype(code_dtype(max(view.size, 1)))
            stream = rng.stream("value", view.axis.name)
            if axis in self.supports:
                drawn = view.decode_within(codes, self.supports[axis], stream)
            else:
                drawn = view.decode(codes, stream)
                if view.axis.size is None and not view.axis.lattice and len(view.low):
                    # a draw from the bin, at the row's own rank
                    inside = fresh - view.missing
                    low, high = view.low[inside], view.high[inside]
                    drawn = np.where(inside < 0, drawn, low + place * (high - low))
            columns[axis] = columns[axis].copy()
            columns[axis][at] = drawn
            twin.codes[axis][at] = codes
        return Block(block.domain, tuple(columns), rows=len(block))

    def _follow(
        self, axis: int, at: Array, before: list[Array], after: list[Array], codes: Array, rng: Streams
    ) -> tuple[Array, Array]:
        """Return the codes of some rows under the noise that they tell of, and where in their intervals they lie."""
        view, node = self.net._view(axis), self.net._node(axis)
        ordered = view.axis.size is None or view.axis.ordered
        found, place = np.empty(len(at), np.int64), np.zeros(len(at))
        inside = self._inside(axis, rng)[at]
        size = max(_CELLS // max(view.size, 1), 1)
        for start in range(0, len(at), size):
            rows = at[start : start + size]
            old, new = (node.chances([own[rows] for own in groups], len(rows)) for groups in (before, after))
            stream = rng.stream("noise", view.axis.name, start)
            own, part = codes[rows].astype(np.int64), slice(start, start + size)
            if ordered:
                found[part], place[part] = follow_order(old, new, own, inside[part])
            else:
                found[part] = follow_levels(old, new, own, stream.random(old.shape))
        return found, place

    def _inside(self, axis: int, rng: Streams) -> Array:
        """Return where in its code's interval each row lies: by its value in a bin, and else anywhere."""
        view, values = self.net._view(axis), self.block.columns[axis]
        place = rng.stream("inside", view.axis.name).random(len(values))
        if view.axis.size is not None or view.axis.lattice or not len(view.low):
            return place
        code = view.encode(values).astype(np.int64) - view.missing
        low, high = view.low[code], view.high[code]
        wide = (code >= 0) & (high > low)
        return np.where(wide, np.clip((values - low) / np.where(wide, high - low, 1.0), 0.0, 1.0), place)
