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

_AT_ONCE = 16_384
"""Rows whose weights are laid out at a time."""
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
    filled : dict
        For axes of the context that were filled in anew: the values.
    """

    z: Array
    supports: dict[int, Support] = field(default_factory=dict)
    given: dict[int, tuple[Array, Array]] = field(default_factory=dict)
    filled: dict[int, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.z)

    def take(self, index: Array) -> Self:
        """Return some of the rows; one may be taken several times."""
        given = {axis: (values[index], held[index]) for axis, (values, held) in self.given.items()}
        return replace(self, z=self.z[index], supports=dict(self.supports), given=given)


@dataclass(frozen=True)
class _Coder:
    """A table of digits and derived features, by pieces of the line: histories fill axes step by step, in few rows.

    Parameters
    ----------
    places : list of int
        Where they stand in a row.
    starts : array or None
        Where each piece but the first starts; None for codes.
    table : array of uint8, shape (pieces + 1, places)
        Of each piece, or code; the last line is that of NaN.
    """

    places: list[int]
    starts: Array | None
    table: Array

    @classmethod
    def of(cls, layout: Layout, axis: int) -> Self | None:
        """Make the table of an axis; None where values must be looked at one by one."""
        digits, places = layout.digits[axis], layout.places(axis)
        view, features = digits.view, layout.features(axis)
        if view.axis.size is not None:
            codes, starts = np.arange(view.size), None
        else:
            pieces = view.pieces()
            if pieces is None:
                return None
            starts = pieces[1]
            codes = np.append(pieces[0], view.encode(np.array([np.nan])))
        rows = np.zeros((len(codes), layout.width), np.uint8)
        parts = digits.split(codes)
        for place, part in zip(places, parts):
            rows[:, place] = part
        if features:
            for place, part in zip(features, digits.derive(digits.join(list(parts)))):
                rows[:, place] = part
        all_places = [*places, *features]
        return cls(all_places, starts, np.ascontiguousarray(rows[:, all_places]))

    def write(self, z: Array, values: Array) -> None:
        """Write the digits of values into rows."""
        if self.starts is None:
            at = values
        else:
            at = np.searchsorted(self.starts, values, side="right")
            at[np.isnan(values)] = len(self.table) - 1
        z[:, self.places] = self.table[at]


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
    _coders: dict[int, _Coder | None] = field(default_factory=dict, repr=False, compare=False)

    def fill(self, z: Array, axis: int, values: Array) -> None:
        """Write known values of an axis into the rows."""
        if axis not in self._coders:
            self._coders[axis] = _Coder.of(self.layout, axis)
        coder = self._coders[axis]
        if coder is not None:
            coder.write(z, values)
            return
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
        for index, place in enumerate(places):
            uniform = rng.stream("draw", place).random((2, len(z)))
            node = digits.number([z[:, p] for p in places[:index]]) if index else np.zeros(len(z), np.int64)
            if index:
                # this digit tells the mass exactly, so the estimate is taken back
                before = shares[index - 1]
                taken = before[node] if support.lines is None else before[support.lines, node]
                mass /= np.maximum(taken, _UNSEEN)
            starts = digits.starts[index - 1] if index else np.array([0, shares[index].shape[-1]])
            mass *= self._draw_digit(z, place, _Limits(shares[index], starts, node, support.lines), uniform)
        self.derive(z, axis)
        return mass

    def _draw_digit(self, z: Array, place: int, limits: _Limits, uniform: Array) -> Array:
        """Draw one digit within limits; return how likely an allowed one was."""
        forest = self.forests.get(place)
        out = np.zeros(len(z), np.uint8)
        if limits.one:
            weights = limits.weights(np.zeros(1, np.int64))[0]
            mass = (
                np.full(len(z), weights[0])
                if forest is None
                else forest.draw_within(z, weights, uniform, out)
            )
        else:
            mass = np.empty(len(z))
            for start in range(0, len(z), _AT_ONCE):
                own = slice(start, start + _AT_ONCE)
                keys, line = limits.lines(own)
                weights = limits.weights(keys)
                mass[own] = (
                    weights[line, 0]
                    if forest is None
                    else forest.draw_each(z[own], line, weights, uniform[:, own], out[own])
                )
        z[:, place] = out
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


@dataclass(frozen=True)
class _Limits:
    """What the codes of one digit count, by the row's coarser digits and by its own line of weights.

    Parameters
    ----------
    shares : array, shape (numbers,) or (lines, numbers)
        What each number of `Digits.number` counts, down to this digit.
    starts : array
        Where the numbers of each coarser group start, and the end.
    node : array, shape (rows,)
        The row's coarser group.
    line : array or None
        The row's line of `shares`.
    """

    shares: Array
    starts: Array
    node: Array
    line: Array | None

    @property
    def one(self) -> bool:
        """Whether all rows share their weights."""
        return self.line is None and len(self.starts) == 2

    def lines(self, rows: slice) -> tuple[Array, Array]:
        """Return the different weights that some rows need, as keys, and which of them each row needs."""
        key = self.node[rows]
        if self.line is not None:
            key = self.line[rows] * (len(self.starts) - 1) + key
        keys, line = np.unique(key, return_inverse=True)
        return keys, line

    def weights(self, keys: Array) -> Array:
        """Return the weights of keys, shape (keys, 256)."""
        line, node = np.divmod(keys, len(self.starts) - 1)
        # a code that no row has here means the last one that some row has, as when digits are joined
        at = np.minimum(self.starts[node][:, None] + np.arange(CODES), self.starts[node + 1][:, None] - 1)
        return self.shares[at] if self.line is None else self.shares[line[:, None], at]
