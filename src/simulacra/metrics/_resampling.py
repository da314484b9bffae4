"""Bootstrap of counts: rows fall into random groups, and whole groups are drawn again.

A group is a sum of independent rows, so drawing groups gives the spread that drawing rows would give (a
bootstrap of "bags"), at the cost of one pass over the rows. All columns share the groups, so what depends on
several columns at once keeps its spread too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array
from simulacra.randomness import Streams

GROUPS = 100
DRAWS = 200


@dataclass(frozen=True)
class Resample:
    """The groups of one frame's rows, and how often each was drawn in each repetition."""

    groups: Array
    weights: Array

    @classmethod
    def plan(cls, rows: int, rng: np.random.Generator) -> Resample:
        """Deal rows into groups and draw the groups with replacement, `DRAWS` times."""
        count = min(GROUPS, rows)
        groups = rng.permutation(rows) % count
        return cls(groups, rng.multinomial(count, np.full(count, 1 / count), size=DRAWS).astype(np.float64))

    def shares(self, codes: Array, size: int) -> Array:
        """Return the share of each code in each repetition, shape (DRAWS, size)."""
        count = self.weights.shape[1]
        table = np.bincount(self.groups * size + codes, minlength=count * size).reshape(count, size)
        drawn = self.weights @ table
        return drawn / drawn.sum(axis=1, keepdims=True)


def plan_both(streams: Streams, synthetic: int, reference: int) -> tuple[Resample, Resample]:
    """Plan the repetitions of the two sides of a comparison."""
    return (
        Resample.plan(synthetic, streams.stream("resample", "synthetic")),
        Resample.plan(reference, streams.stream("resample", "reference")),
    )


def recentred_interval(value: float, repeated: Array, highest: float = 1.0) -> tuple[float, float]:
    """Return a 95 % interval from repeated distances, moved back onto the value.

    A distance between resampled tables is biased upwards by the resampling itself; only its spread is used.
    """
    low, high = np.quantile(repeated - repeated.mean(), [0.025, 0.975])
    return max(0.0, value + min(0.0, float(low))), min(max(highest, value), value + max(0.0, float(high)))
