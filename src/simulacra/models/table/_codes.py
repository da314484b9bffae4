"""Rows on their way in models whose axes are views: codes drawn axis by axis, values settled when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from simulacra.domain import Array, Block, Domain, Support
from simulacra.models.table._views import View
from simulacra.randomness import Streams

UNSEEN = 1e-12
"""The probability that is told of a value that can not be drawn."""


@dataclass
class Draft:
    """Rows of which some axes are drawn.

    Parameters
    ----------
    rows : int
        How many.
    codes : dict
        Codes of the axes drawn so far, by position.
    supports : dict
        For axes drawn within limits: the limits.
    known : dict
        For axes of which values are known, set or read: the values, and in which rows.
    """

    rows: int
    codes: dict[int, Array] = field(default_factory=dict)
    supports: dict[int, Support] = field(default_factory=dict)
    known: dict[int, tuple[Array, Array]] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.rows

    def take(self, index: Array) -> Self:
        """Return some of the rows; one may be taken several times."""
        return replace(
            self,
            rows=len(np.arange(self.rows)[index]),
            codes={axis: codes[index] for axis, codes in self.codes.items()},
            supports=dict(self.supports),
            known={axis: (values[index], held[index]) for axis, (values, held) in self.known.items()},
        )

    def set_known(self, axis: int, values: Array, held: Array | None) -> Array:
        """Remember known values of an axis; return in which rows they are known."""
        rows = np.ones(self.rows, bool) if held is None else held
        self.known[axis] = (values, rows)
        return rows

    def read(self, axis: int, view: View, rng: Streams) -> Array:
        """Settle the values of an axis, and return them; see `Sequential.read`."""
        known = self.known.get(axis)
        if known is not None and known[1].all():
            return known[0]
        stream, codes, support = (
            rng.stream("value", view.axis.name),
            self.codes[axis],
            self.supports.get(axis),
        )
        values = view.decode(codes, stream) if support is None else view.decode_within(codes, support, stream)
        if known is not None:
            values = np.where(known[1], known[0], values).astype(values.dtype)
        self.set_known(axis, values, None)
        return values

    def finish(self, domain: Domain, views: Sequence[View], rng: Streams) -> Block:
        """Return the rows, once every axis is drawn."""
        columns = tuple(self.read(axis, view, rng) for axis, view in enumerate(views))
        return Block(domain, columns, rows=self.rows)


def draw_codes(weights: Array, uniform: Array) -> Array:
    """Draw one code for every row, in proportion to weights.

    Parameters
    ----------
    weights : array, shape (codes,)
        Weights of 0 or more, the same for all rows. Where all are 0, any code is drawn.
    uniform : array, shape (rows,)
        Random numbers in [0, 1).

    Returns
    -------
    array, shape (rows,)
        Codes; none of weight 0 where another can be drawn.

    Examples
    --------
    >>> draw_codes(np.array([1.0, 0.0, 3.0]), np.array([0.1, 0.3, 0.9])).tolist()
    [0, 2, 2]
    """
    total = np.cumsum(weights)
    # a product that rounds up to the whole total must not lead beyond the last code that has weight
    last = len(weights) - 1 - np.argmax(weights[::-1] > 0)
    return np.asarray(np.minimum(np.searchsorted(total, uniform * total[-1], side="right"), last))


def log_of(mass: Array) -> Array:
    """Return logs, minus infinity for 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(mass))
