"""Rows gathered for one tree, and which of very many predictors are worth to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from simulacra.domain import Array
from simulacra.models.table import _kernels as kernels
from simulacra.randomness import Streams

PILOT_ROWS = 8_000
"""Rows of a tree that is grown only to see which predictors explain anything."""
PILOT_LOOK, PILOT_KEEN, PILOT_LEAF = 400, 12, 40
_RARE = 0.002
_FREQUENT = 0.03
_WAVES = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of one target and its predictors.

    Parameters
    ----------
    x : array of uint8, shape (predictors, rows)
        Codes, nominal ones in the order of `maps`.
    y : array of uint8, shape (rows,)
        The target's codes.
    mass : array of float32, shape (rows,)
        Row weights.
    table : array of float32, shape (codes, DIM)
        The target's embedding.
    maps : dict
        By digit: how the codes of a nominal predictor are ordered.
    """

    x: Array
    y: Array
    mass: Array
    table: Array
    maps: dict[int, Array]

    @classmethod
    def of(
        cls,
        digits: Array,
        mass: Array,
        target: int,
        chosen: Sequence[int],
        nominal: Sequence[bool],
        rows: Array,
        rng: np.random.Generator,
    ) -> Self:
        """Gather rows: scattered over all rows they would not stay in the cache."""
        own = digits[target][rows]
        held = mass[rows] if len(mass) > 1 else np.ones(len(rows), np.uint32)
        counts = np.bincount(own, held) if held.any() else np.bincount(own)
        table = embed(counts / counts.sum(), nominal[target], rng)
        way = table @ rng.standard_normal(kernels.DIM).astype(np.float32)
        x = np.empty((len(chosen), len(rows)), np.uint8)
        maps: dict[int, Array] = {}
        for place, digit in enumerate(chosen):
            np.take(digits[digit], rows, out=x[place])
            if nominal[digit]:
                maps[digit] = _order_levels(x[place], way[own])
                x[place] = maps[digit][x[place]]
        return cls(x, own, held.astype(np.float32), table, maps)


def scout(
    digits: Array,
    mass: Array,
    target: int,
    known: Sequence[int],
    nominal: Sequence[bool],
    evidence: float,
    rng: Streams,
) -> Array:
    """Tell what each of very many predictors explains in a small tree that may use them all.

    Parameters
    ----------
    digits, mass, target, nominal, evidence
        As for `grow_tree`.
    known : sequence of int
        The predictors.
    rng : Streams
        Where randomness comes from.

    Returns
    -------
    array, shape (predictors,)
        What splits by each explain; 0 for most.

    Notes
    -----
    Predictors that say the same share a place here, where each alone would rank high by what it says: with hundreds of
    them, one that says something of its own would not be looked at otherwise.
    """
    generator = rng.stream("scouted")
    many = digits.shape[1]
    rows = (
        np.sort(generator.choice(many, PILOT_ROWS, replace=False)) if many > PILOT_ROWS else np.arange(many)
    )
    sample = Sample.of(digits, mass, target, known, nominal, rows, generator)
    feature, _, _, worth = kernels.grow(
        sample.x, sample.y, sample.mass, sample.table, len(known), PILOT_LEAF, evidence, np.zeros(0, np.int64), 0,
        PILOT_KEEN, PILOT_LOOK, rng.key("scouts") & (2**63 - 1),
    )  # fmt: skip
    found = np.zeros(len(known))
    np.add.at(found, feature[feature >= 0], worth[feature >= 0])
    return found


def embed(share: Array, nominal: bool, rng: np.random.Generator) -> Array:
    """Place the codes of a target in a few dimensions, so that near codes mean near values.

    Parameters
    ----------
    share : array, shape (codes,)
        The share of rows that hold each code.
    nominal : bool
        Whether the codes are unordered.
    rng : Generator
        For the projection.

    Returns
    -------
    array of float32, shape (codes, DIM)
        Column 0 is 1; the others have mean 0.
    """
    width = kernels.DIM - 1
    hot = np.eye(len(share)) / np.sqrt(np.maximum(share, _RARE))[:, None]
    if nominal:
        parts = (
            hot if len(share) <= width else hot @ rng.standard_normal((len(share), width)) / np.sqrt(width)
        )
    else:
        middle = np.cumsum(share) - share / 2
        waves = np.cos(
            np.pi * np.outer(middle, rng.uniform(1, 6, _WAVES)) + rng.uniform(0, 2 * np.pi, _WAVES)
        )
        frequent = hot[:, share > _FREQUENT]
        room = width - 1 - _WAVES
        if frequent.shape[1] > room:
            frequent = frequent @ rng.standard_normal((frequent.shape[1], room)) / np.sqrt(room)
        parts = np.concatenate([np.sqrt(12) * middle[:, None], waves, frequent], axis=1)
    parts = parts - share @ parts
    table = np.zeros((len(share), kernels.DIM), np.float32)
    table[:, 0] = 1
    table[:, 1 : parts.shape[1] + 1] = parts
    return table


def _order_levels(codes: Array, ways: Array) -> Array:
    counts = np.bincount(codes, minlength=kernels.CODES)
    sums = np.bincount(codes, ways, minlength=kernels.CODES)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), ways.mean())
    ranks = np.empty(kernels.CODES, np.uint8)
    ranks[np.argsort(means, kind="stable")] = np.arange(kernels.CODES)
    return ranks
