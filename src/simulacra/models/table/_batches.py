"""Rows of a table parted, shuffled and cut into batches for networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from simulacra.domain import Array
from simulacra.randomness import Streams

_RESIDENT = 4 << 30
"""Bytes of rows up to which they are put on the device whole."""


def hold_out(
    rows: int, rng: Streams, *, share: float = 0.1, owners: Array | None = None
) -> tuple[Array, Array]:
    """Part rows into those to learn from and those to hold out: whole owners where rows have owners.

    Where there are fewer than 20 rows (or owners), all rows are in both parts.
    """
    who = np.arange(rows) if owners is None else np.unique(owners, return_inverse=True)[1]
    total = int(who.max(initial=-1)) + 1
    if total < 20:
        return np.arange(rows), np.arange(rows)
    out = np.zeros(total, bool)
    out[rng.stream("held-out").permutation(total)[: max(int(total * share), 1)]] = True
    return np.flatnonzero(~out[who]), np.flatnonzero(out[who])


@dataclass(frozen=True)
class Rows:
    """Rows in shuffled batches: which rows come when depends on the number of the batch alone."""

    arrays: tuple[Tensor, ...]
    weights: Array | None
    batch: int
    device: torch.device

    @classmethod
    def of(cls, rows: Sequence[Array], weights: Array | None, batch: int, device: torch.device) -> Self:
        """Put rows on a device, if they are not too many."""
        arrays = tuple(torch.from_numpy(np.ascontiguousarray(values)) for values in rows)
        if sum(values.nbytes for values in arrays) <= _RESIDENT:
            arrays = tuple(values.to(device) for values in arrays)
        return cls(arrays, weights, min(batch, len(arrays[0])), device)

    @property
    def per_epoch(self) -> int:
        """Batches of an epoch."""
        return len(self.arrays[0]) // self.batch

    def shuffled(self, epoch: int, rng: Streams) -> Tensor:
        """Return the order of an epoch; with weights, a row comes once for every mean weight that it has."""
        stream, n = rng.stream("epoch", epoch), len(self.arrays[0])
        order = stream.permutation(n)
        if self.weights is not None:
            ends = np.cumsum(self.weights[order])
            marks = (np.arange(n) + stream.random()) / n * ends[-1]
            order = order[np.minimum(np.searchsorted(ends, marks, side="right"), n - 1)]
            order = order[stream.permutation(n)]
        return torch.from_numpy(order).to(self.arrays[0].device)

    def take(self, order: Tensor, place: int) -> tuple[Tensor, ...]:
        """Return one batch of an order."""
        index = order[place * self.batch : (place + 1) * self.batch]
        return tuple(values[index].to(self.device, non_blocking=True) for values in self.arrays)
