"""Real rows that have what is asked for: one group of one column, rare ones asked for more often than they occur."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from simulacra.domain import Array
from simulacra.models.table._tabular import Groups
from simulacra.randomness import Streams

_FREE = 0.5
"""Share of the rows for which nothing is asked."""


@dataclass(frozen=True)
class Asking:
    """Training by sampling (Xu et al. 2019, section 4.3).

    A column is chosen evenly, one of its groups in proportion to the log of how many rows have it, and one of these
    rows.

    Parameters
    ----------
    rows : tensor, shape (rows, columns)
        Groups of real rows, those of the context first.
    order : tensor of int32, shape (columns, rows)
        For each column that is made: the rows, group by group.
    first, count : tensor, shape (groups,)
        Where the rows of each group begin in the order, and how many they are.
    ends : tensor, shape (columns, most groups)
        Chances of the groups of each column, summed up.
    starts : tensor, shape (columns,)
        Groups before each column.
    asked : tensor of int64
        Columns that are asked for.
    """

    rows: Tensor
    order: Tensor
    first: Tensor
    count: Tensor
    ends: Tensor
    starts: Tensor
    asked: Tensor

    @classmethod
    def of(
        cls,
        groups: Array,
        inputs: int,
        columns: Sequence[Groups],
        weights: Array | None,
        rng: Streams,
        device: torch.device,
    ) -> Self:
        """Sort the rows by the groups of each column; with weights, rows come as often as they weigh."""
        if weights is not None:
            marks = (np.arange(len(groups)) + rng.stream("asked rows").random()) / len(groups)
            ends = np.cumsum(weights)
            groups = groups[
                np.minimum(np.searchsorted(ends, marks * ends[-1], side="right"), len(groups) - 1)
            ]
        sizes = [len(own) for own in columns]
        order = np.empty((len(columns), len(groups)), np.int32)
        chances = np.full((len(columns), max(sizes)), 2.0, np.float32)
        first, count = [], []
        for place, size in enumerate(sizes):
            own = groups[:, inputs + place]
            order[place] = np.argsort(own, kind="stable")
            found = np.bincount(own, minlength=size)
            often = np.log1p(found)
            chances[place, :size] = np.cumsum(often / often.sum())
            # rounding may leave the last one below 1, and groups without rows must not be asked for
            chances[place, int(np.flatnonzero(found)[-1]) :] = 2.0
            first.append(np.cumsum(found) - found)
            count.append(found)
        named = [place for place, own in enumerate(columns) if own.view.axis.size is not None]
        arrays = (
            groups, order, np.concatenate(first), np.concatenate(count), chances,
            np.cumsum([0, *sizes[:-1]]), np.array(named or range(len(columns))),
        )  # fmt: skip
        return cls(*(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays))

    def draw(self, n: int, source: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw n rows; return their groups, shape (n, columns), and what was asked of each, -1 for nothing."""
        device = self.rows.device
        asked = self.asked[torch.randint(len(self.asked), (n,), generator=source, device=device)]
        uniform = torch.rand(n, 3, generator=source, device=device)
        told = self.starts[asked] + (self.ends[asked] < uniform[:, :1]).sum(1)
        at = self.first[told] + (uniform[:, 1] * self.count[told]).long().clamp(max=self.count[told] - 1)
        row = self.order[asked, at].long()
        free = uniform[:, 2] < _FREE
        row = torch.where(free, (uniform[:, 1] * len(self.rows)).long().clamp(max=len(self.rows) - 1), row)
        return self.rows[row].long(), torch.where(free, -1, told)
