"""Rows on their way: drawn digit by digit, freely, within limits, or set to what is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
        digits, places = self.layout.digits[axis], self.layout.places(axis)
        share = digits.view.share(support) if support.limited else np.ones(digits.view.size)
        shares = digits.shares(share if support.bias is None else share * support.bias)
        mass = np.ones(len(z))
        node = np.zeros(len(z), np.int64)
        for index, place in enumerate(places):
            uniform = rng.stream("draw", place).random((2, len(z)))
            for rows, start, stop in _alike(node, digits.starts[index - 1] if index else None, shares[index]):
                # a code that no row has here means the last one that some row has, as when digits are joined
                weights = shares[index][np.minimum(start + np.arange(CODES), stop - 1)]
                if place in self.forests:
                    out = np.empty(len(rows), np.uint8)
                    mass[rows] *= self.forests[place].draw_within(z[rows], weights, uniform[:, rows], out)
                    z[rows, place] = out
                else:
                    z[rows, place] = 0
                    mass[rows] *= weights[0]
                node[rows] = np.minimum(start + z[rows, place].astype(np.int64), stop - 1)
            if index + 1 < len(places):
                # the next digit tells the mass exactly, so the estimate is taken back
                mass /= np.maximum(shares[index][node], _UNSEEN)
        self.derive(z, axis)
        return mass

    def weigh(self, z: Array, axis: int) -> Array:
        """Return how likely the digits of an axis are, given all before them, shape (rows,)."""
        digits, places = self.layout.digits[axis], self.layout.places(axis)
        mass = np.ones(len(z))
        lent = np.zeros(len(z))
        for index, place in enumerate(places):
            if place not in self.forests:
                continue
            own = self.forests[place].weigh(z)
            if index == 1 and digits.view.calendar is not None:
                lent = mass * self._lent(z, axis)
            if digits.blank and index:
                own[z[:, places[0]] == 0] = 1.0
            mass *= own
        return mass + lent

    def _lent(self, z: Array, axis: int) -> Array:
        """Return how likely a slot of the calendar is drawn that no row has, and that means the row's own."""
        digits, places = self.layout.digits[axis], self.layout.places(axis)
        members = digits.slots[digits.number([z[:, place] for place in places])]
        found = np.zeros(len(z))
        for member, slots in digits.lent().items():
            rows = np.flatnonzero(members == member)
            if len(rows):
                weights = np.isin(np.arange(CODES), slots).astype(np.float64)
                drawn = np.empty(len(rows), np.uint8)
                found[rows] = self.forests[places[1]].draw_within(
                    z[rows], weights, np.zeros((2, len(rows))), drawn
                )
        return found

    def log_density(self, z: Array, axis: int) -> Array:
        """Return the log-probability of an axis' values, given all before them, by their share of the bin."""
        volume = self.layout.digits[axis].view.volume()
        mass = self.weigh(z, axis) / volume[self.codes(z, axis)]
        return np.asarray(np.log(np.maximum(mass, _UNSEEN)))

    def read(self, draft: Draft, axis: int, name: str, rng: Streams) -> Array:
        """Turn the digits of an axis into values that stay; those that were set come back as they were."""
        values = self._values(draft, axis, name, rng)
        draft.given[axis] = (values, np.ones(len(draft), bool))
        return values

    def _values(self, draft: Draft, axis: int, name: str, rng: Streams) -> Array:
        known, held = draft.given.get(axis, (np.empty(0), np.zeros(1, bool)))
        if held.all():
            return known
        view = self.layout.digits[axis].view
        stream = rng.stream("value", name)
        support = draft.supports.get(axis)
        codes = self.codes(draft.z, axis)
        if support is None or not support.limited:
            values = view.decode(codes, stream)
        else:
            values = view.decode_within(codes, support, stream)
        if axis in draft.given:
            values = np.where(held, known, values).astype(values.dtype)
        return values

    def finish(self, draft: Draft, domain: Domain, inputs: int, rng: Streams) -> Block:
        """Turn digits into values; those that were set or read come back as they were."""
        columns = [self._values(draft, axis, spec.name, rng) for axis, spec in enumerate(domain.axes, inputs)]
        return Block(domain, tuple(columns), rows=len(draft))


def _alike(node: Array, starts: Array | None, shares: Array) -> Iterator[tuple[Array, int, int]]:
    """Group rows by their coarser digits: the rows, and where the shares of their next digit start and stop."""
    if starts is None:
        yield np.arange(len(node)), 0, len(shares)
        return
    order = np.argsort(node, kind="stable")
    keys, first = np.unique(node[order], return_index=True)
    for key, rows in zip(keys.tolist(), np.split(order, first[1:])):
        yield rows, int(starts[key]), int(starts[key + 1])
