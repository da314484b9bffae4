"""Some complete rows of the whole-numbered axes, on which sums and products are looked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array, Axis, Block
from simulacra.randomness import Streams
from simulacra.relations.relation import FEWEST

LOOK = 4_000
"""Rows on which candidates are verified."""
MOST_AXES = 1_000


@dataclass(frozen=True)
class Look:
    """Some complete rows of the lattice axes: `rows` has one line per axis."""

    axes: tuple[Axis, ...]
    rows: Array
    distinct: dict[str, int]
    place: dict[str, int]

    @classmethod
    def at(cls, block: Block, rng: Streams) -> Look | None:
        """Choose rows; None where there is too little to look at."""
        chosen = rng.stream("rows").permutation(len(block))[: 4 * LOOK]
        pairs = [
            (axis, column[chosen])
            for axis, column in zip(block.domain.axes, block.columns, strict=True)
            if axis.size is None and axis.lattice
        ][:MOST_AXES]
        pairs = [(axis, values) for axis, values in pairs if np.isnan(values).mean() < 0.5]
        if len(pairs) < 2:
            return None
        rows = np.array([values for _, values in pairs])
        rows = rows[:, ~np.isnan(rows).any(axis=0)][:, :LOOK]
        if rows.shape[1] < FEWEST:
            return None
        axes = tuple(axis for axis, _ in pairs)
        distinct = {axis.name: len(np.unique(values)) for axis, values in zip(axes, rows, strict=True)}
        return cls(axes, rows, distinct, {axis.name: i for i, axis in enumerate(axes)})
