"""What a term over several columns leaves of the last axis that it needs, given the codes of those drawn before it.

A gate judges a row when its last axis is drawn, and most rows may fail there. Where the codes of all axes of a term are
few enough together, every combination is tried beforehand, so that the last axis of each row is drawn among the codes
that can keep the term. A code that is a bin is tried at its corners and inside, and counts by the share that keeps it.

Source: Doucet and Johansen 2009, "A tutorial on particle filtering and smoothing", section 4.1 (proposals that look
at what is observed next).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array
from simulacra.generator import Sequential, Tabled
from simulacra.sampling.decoding import Decoder
from simulacra.sampling.supports import Plan, Wish

_MOST = 3_000_000
"""Combinations of codes, times points in them, that are tried at most for a term."""
_INSIDE = 6
"""Points inside a bin, beside its two ends."""
_CORNERS = 3
"""Axes with bins of which all corners are tried."""
_DOUBT = 0.05
"""What a combination of bins counts of which no point keeps the term, though another may."""
_OPEN = 0.01
"""The share of the largest weight that every possible code has: later axes may not be as their margins are."""
_TINY = 1e-30
_FAINT = 0.002
"""The same for a term that is only a comparison of sums: where no corner keeps it, hardly anything does."""


@dataclass(frozen=True)
class Foresight:
    """What each code of an axis counts, by the codes of axes drawn before.

    Parameters
    ----------
    before : tuple of int
        The axes before.
    sizes : tuple of int
        How many codes each of them has.
    weights : array, shape (combinations, cells)
        From 0, where no value keeps the term, to 1.
    """

    before: tuple[int, ...]
    sizes: tuple[int, ...]
    weights: Array

    @property
    def left(self) -> float:
        """How much of the axis is left, about."""
        most = self.weights.max(axis=1, keepdims=True)
        return float((self.weights / np.maximum(most, _TINY)).mean())

    def lines(self, codes: Sequence[Array], rows: int) -> tuple[Array, Array]:
        """Return the weights that some rows need, and which line of them each row needs."""
        key = np.zeros(rows, np.int64)
        for own, size in zip(codes, self.sizes, strict=True):
            key = key * size + own
        keys, line = np.unique(key, return_inverse=True)
        return self.weights[keys].astype(np.float64), line


def foresee(
    plan: Plan, model: Sequential, decoder: Decoder, margins: Mapping[int, Array]
) -> dict[int, Foresight]:
    """Try the terms of gates on all combinations of codes, where these are few enough.

    Parameters
    ----------
    plan : Plan
        Its gates.
    model : Sequential
        Without the ability `Tabled` nothing is foreseen.
    decoder : Decoder
        Turns codes into columns.
    margins : mapping of int to array
        By axis: how likely its codes are, about. What an axis leaves to later ones is weighed by them.

    Returns
    -------
    dict of int to Foresight
        By axis. Of several terms about one axis, the one that leaves least of it counts.
    """
    found: dict[int, Foresight] = {}
    if not isinstance(model, Tabled):
        return found
    for gate in plan.gates.values():
        for wish in gate.wishes:
            for axis, own in _foresee(wish, model, model, decoder, margins).items():
                if axis not in found or own.left < found[axis].left:
                    found[axis] = own
    return found


def _foresee(
    wish: Wish, model: Sequential, tabled: Tabled, decoder: Decoder, margins: Mapping[int, Array]
) -> dict[int, Foresight]:
    needed = set(decoder.axes_of(wish.term.columns))
    axes = tuple(axis for axis in model.order if axis in needed)
    weights = _try(wish, axes, model, tabled, decoder)
    found: dict[int, Foresight] = {}
    if weights is None:
        return found
    for place in range(len(axes) - 1, 0, -1):
        if len(np.unique(weights)) > 1:
            before = axes[:place]
            lines = weights.reshape(-1, weights.shape[-1])
            least = _OPEN * lines.max(axis=1, keepdims=True)
            found[axes[place]] = Foresight(
                before, weights.shape[:-1], np.where(lines > 0, np.maximum(lines, least), 0)
            )
        weights = weights @ margins[axes[place]].astype(np.float32)
    return found


def _try(
    wish: Wish, axes: tuple[int, ...], model: Sequential, tabled: Tabled, decoder: Decoder
) -> Array | None:
    """Return the share of each combination of codes that keeps a term, one dimension per axis."""
    sizes = tuple(model.cells(axis) for axis in axes)
    if np.prod(sizes, dtype=np.float64) > _MOST:
        return None
    tables = [tabled.table(axis) for axis in axes]
    patterns = _patterns(len(axes), [place for place, (_, exact) in enumerate(tables) if not exact.all()])
    if np.prod(sizes, dtype=np.float64) * len(patterns) > _MOST:
        return None
    codes = [grid.ravel() for grid in np.indices(sizes)]
    names = [decoder.domain.axes[axis].name for axis in axes]
    share = np.zeros(len(codes[0]))
    for pattern in patterns:
        arrays = {
            name: points[code, min(point, points.shape[1] - 1)]
            for name, (points, _), code, point in zip(names, tables, codes, pattern, strict=True)
        }
        frame = decoder.columns(list(wish.term.columns), arrays, len(share))
        share += wish.term.evaluate(frame).fill_null(wish.unknown).to_numpy()
    share /= len(patterns)
    sure = np.logical_and.reduce([exact[code] for (_, exact), code in zip(tables, codes, strict=True)])
    plain = wish.term.compares_sums() and not any(
        decoder.domain.axes[axis].name in decoder.rebuilt for axis in axes
    )
    least = _FAINT if plain else _DOUBT
    return np.where(sure, share, np.maximum(share, least)).astype(np.float32).reshape(sizes)


def _patterns(axes: int, wide: Sequence[int]) -> list[list[int]]:
    """List which point of each axis is tried together with which of the others: corners first, then inside."""
    if not wide:
        return [[0] * axes]
    corners = wide[:_CORNERS]
    found = []
    for number in range(2 ** len(corners)):
        pattern = [number % 2] * axes
        for bit, place in enumerate(corners):
            pattern[place] = number >> bit & 1
        found.append(pattern)
    inside = [[2 + (turn + 2 * place * turn) % _INSIDE for place in range(axes)] for turn in range(_INSIDE)]
    return found + inside
