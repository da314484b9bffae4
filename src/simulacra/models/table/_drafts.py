"""Rows on their way: drawn digit by digit, freely, within limits, or set to what is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from simulacra.domain import Array, Block, Domain, Support
from simulacra.models.table._forest import Forest
from simulacra.models.table._growth import Layout
from simulacra.models.table._kernels import CODES
from simulacra.randomness import Streams

_UNSEEN = 1e-12
"""The probability that is told of a code that can not be drawn."""


@dataclass
class Draft:
    """Rows of which some axes are drawn.

    Parameters
    ----------
    z : array of uint8, shape (rows, layout.width)
        Digits and derived features.
    supports : dict
        For axes drawn within limits: the limits.
    given : dict
        For axes that were set: the values, and in which rows.
    """

    z: Array
    supports: dict[int, Support] = field(default_factory=dict)
    given: dict[int, tuple[Array, Array]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.z)

    def take(self, index: Array) -> Self:
        """Return some of the rows; one may be taken several times."""
        given = {axis: (values[index], held[index]) for axis, (values, held) in self.given.items()}
        return replace(self, z=self.z[index], supports=dict(self.supports), given=given)


@dataclass(frozen=True)
class Drawer:
    """Draws axes from their forests.

    Parameters
    ----------
    layout : Layout
        Where everything stands.
    forests : mapping of int to Forest
        By target; a digit that never varies has none.
    """

    layout: Layout
    forests: Mapping[int, Forest]

    def fill(self, z: Array, axis: int, values: Array) -> None:
        """Write known values of an axis into the rows."""
        digits = self.layout.digits[axis]
        for place, part in zip(self.layout.places(axis), digits.split(digits.view.encode(values))):
            z[:, place] = part
        self.derive(z, axis)

    def derive(self, z: Array, axis: int) -> None:
        """Fill in what follows from the digits of an axis."""
        features = self.layout.features(axis)
        if features:
            for place, part in zip(features, self.layout.digits[axis].derive(self.codes(z, axis))):
                z[:, place] = part

    def codes(self, z: Array, axis: int) -> Array:
        """Return an axis' codes."""
        return self.layout.digits[axis].join([z[:, place] for place in self.layout.places(axis)])

    def draw(self, z: Array, axis: int, rng: Streams) -> None:
        """Draw an axis freely."""
        out = np.empty(len(z), np.uint8)
        for place in self.layout.places(axis):
            if place in self.forests:
                self.forests[place].draw(z, rng.stream("draw", place).random((2, len(z))), out)
                z[:, place] = out
        self.derive(z, axis)

    def draw_within(self, z: Array, axis: int, support: Support, rng: Streams) -> Array:
        """Draw an axis among allowed values; return how likely an allowed one was, shape (rows,).

        A coarse digit is drawn with each group counted by the share of its codes that are allowed; what that
        misjudges, the mass of the finer digits puts right.
        """
        digits = self.layout.digits[axis]
        share = digits.view.share(support)[digits.members]
        mass = np.ones(len(z))
        places = self.layout.places(axis)
        for index, place in enumerate(places):
            uniform = rng.stream("draw", place).random((2, len(z)))
            for rows, members in self._alike(z, axis, index):
                weights = _average(share[members], digits.address[index][members])
                if place in self.forests:
                    out = np.empty(len(rows), np.uint8)
                    drawn = self.forests[place].draw_within(z[rows], weights, uniform[:, rows], out)
                    z[rows, place] = out
                else:
                    code = int(digits.address[index][members][0]) if len(members) else 0
                    z[rows, place] = code
                    drawn = np.full(len(rows), weights[code])
                mass[rows] *= drawn
                if index + 1 < len(places):
                    # the next digit tells the mass exactly, so the estimate is taken back
                    mass[rows] /= np.maximum(weights[z[rows, place]], _UNSEEN)
        self.derive(z, axis)
        return mass

    def weigh(self, z: Array, axis: int) -> Array:
        """Return how likely the digits of an axis are, given all before them, shape (rows,)."""
        mass = np.ones(len(z))
        for place in self.layout.places(axis):
            if place in self.forests:
                own = self.forests[place].weigh(z)
                if self.layout.digits[axis].blank and place > self.layout.places(axis)[0]:
                    own[z[:, self.layout.places(axis)[0]] == 0] = 1.0
                mass *= own
        return mass

    def log_density(self, z: Array, axis: int) -> Array:
        """Return the log-probability of an axis' values, given all before them, by their share of the bin."""
        volume = self.layout.digits[axis].view.volume()
        mass = self.weigh(z, axis) / volume[self.codes(z, axis)]
        return np.asarray(np.log(np.maximum(mass, _UNSEEN)))

    def finish(self, draft: Draft, domain: Domain, inputs: int, rng: Streams) -> Block:
        """Turn digits into values; those that were set come back as they were."""
        columns = []
        for axis, spec in enumerate(domain.axes, inputs):
            view = self.layout.digits[axis].view
            stream = rng.stream("value", spec.name)
            support = draft.supports.get(axis)
            codes = self.codes(draft.z, axis)
            values = (
                view.decode(codes, stream) if support is None else view.decode_within(codes, support, stream)
            )
            if axis in draft.given:
                known, held = draft.given[axis]
                values = np.where(held, known, values).astype(values.dtype)
            columns.append(values)
        return Block(domain, tuple(columns), rows=len(draft))

    def _alike(self, z: Array, axis: int, index: int) -> list[tuple[Array, Array]]:
        """Group rows by the coarser digits of an axis: the rows, and the members that they can still become."""
        digits, places = self.layout.digits[axis], self.layout.places(axis)
        every = np.arange(len(digits.members))
        if not index:
            return [(np.arange(len(z)), every)]
        rows = np.zeros(len(z), np.int64)
        members = np.zeros(len(every), np.int64)
        for digit in range(index):
            rows = rows * CODES + z[:, places[digit]]
            members = members * CODES + digits.address[digit]
        order, kin = np.argsort(rows, kind="stable"), np.argsort(members, kind="stable")
        keys, starts = np.unique(rows[order], return_index=True)
        first, last = (np.searchsorted(members[kin], keys, side=side) for side in ("left", "right"))
        return [(group, kin[a:b]) for group, a, b in zip(np.split(order, starts[1:]), first, last)]


def _average(share: Array, codes: Array) -> Array:
    """Return the mean share of the members of each code."""
    counts = np.bincount(codes, minlength=CODES)
    return np.asarray(np.bincount(codes, share, minlength=CODES) / np.maximum(counts, 1))
