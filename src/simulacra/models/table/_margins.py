"""How far rows that a network makes are from real ones, two columns at a time: cheap enough to look often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import Tensor

from simulacra.domain import Array
from simulacra.exhibit import Exhibit
from simulacra.models.table._tabular import Groups

_PARTS = 12
"""Parts of a column that are told apart."""
_COLUMNS = 64
"""Columns that are looked at; of more, an even choice."""
_ROWS = 8_192
"""Rows that are counted at a time."""
_COMMON, _FEWEST = 0.005, 20
"""Share of the rows, and number of them, from which a cell of two columns ought to be made."""
_LACKING = 0.1
"""Share of what it ought to be below which a cell counts as never made."""


class Margins:
    """Shares of the cells of every two columns, and how far two such tables are apart.

    Parameters
    ----------
    columns : sequence of Groups
        The columns that are made.
    device : device
        Where to compute.
    """

    def __init__(self, columns: Sequence[Groups], device: torch.device) -> None:
        self.names = [own.view.axis.name for own in columns]
        self.kept = list(range(0, len(columns), max(-(-len(columns) // _COLUMNS), 1)))
        self.parts = [torch.from_numpy(_parts(columns[i])).to(device) for i in self.kept]
        self.widths = [part.shape[1] for part in self.parts]

    def of(self, chances: Sequence[Tensor]) -> Tensor:
        """Return the shares of all cells, given the chances of the groups in rows; shape (parts, parts)."""
        made = torch.cat([chances[i] @ part for i, part in zip(self.kept, self.parts)], 1).float()
        return made.T @ made / len(made)

    def real(self, groups: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return the shares of all cells in real rows, shape (rows, columns)."""
        mass = groups.new_ones(len(groups), dtype=torch.float32) if weights is None else weights
        found = torch.zeros(sum(self.widths), sum(self.widths), device=groups.device)
        for own, share in zip(groups.split(_ROWS), (mass / mass.sum()).split(_ROWS)):
            rows = torch.cat([part[own[:, i]] for i, part in zip(self.kept, self.parts)], 1)
            found += (rows * share[:, None]).T @ rows
        return found

    def distance(self, one: Tensor, other: Tensor) -> float:
        """Return the total variation distance of two tables, on average over pairs of columns.

        A single column is a pair with itself.
        """
        each = torch.stack([part.sum(0) for part in (one - other).abs().split(self.widths, 0)])
        pairs = torch.stack([part.sum(1) for part in each.split(self.widths, 1)], 1) / 2
        if len(pairs) > 1:
            pairs.fill_diagonal_(0)
            return float(pairs.sum() / (len(pairs) * (len(pairs) - 1)))
        return float(pairs.sum())

    def lacking(self, real: Tensor, made: Tensor, rows: int) -> dict[str, Any]:
        """List pairs of columns with common cells that are hardly made: names, how many cells, and their share."""
        common = real >= max(_COMMON, _FEWEST / max(rows, 1))
        lost = common & (made < _LACKING * real)
        starts = np.append(0, np.cumsum(self.widths))
        found: dict[str, Any] = {"first": [], "second": [], "cells": [], "share": [], "looked": 0}
        for a, b in zip(*np.triu_indices(len(self.widths), 1)):
            block = slice(starts[a], starts[a + 1]), slice(starts[b], starts[b + 1])
            found["looked"] += int(common[block].sum())
            cells = int(lost[block].sum())
            if cells:
                found["first"].append(self.names[self.kept[a]])
                found["second"].append(self.names[self.kept[b]])
                found["cells"].append(cells)
                found["share"].append(float(real[block][lost[block]].sum()))
        return found


def show_lacking(found: dict[str, Any]) -> Exhibit:
    """Show what `Margins.lacking` found as an alarm, or say that nothing was found."""
    cells = sum(found["cells"])
    text = f"Of {found['looked']:,} common combinations of two columns' values, "
    if cells:
        text += (
            f"{cells:,} are made less than a tenth as often as the data have them: the network has given some "
            "kinds of rows up (mode collapse). Fit again with another seed, more epochs or more hidden units."
        )
    else:
        text += "none is made less than a tenth as often as the data have them: no mode collapse was found."
    detail = pl.DataFrame(
        {
            "first column": pl.Series(found["first"], dtype=pl.String),
            "second column": pl.Series(found["second"], dtype=pl.String),
            "combinations hardly made": pl.Series(found["cells"], dtype=pl.Int64),
            "share of rows": pl.Series(found["share"], dtype=pl.Float64),
        }
    ).sort("share of rows", descending=True, maintain_order=True)
    return Exhibit("Mode collapse" if cells else "Modes", text, detail)


def _parts(own: Groups) -> Array:
    """Return which part each group belongs to, as a matrix of 0 and 1."""
    share = own.shares
    if len(own) <= _PARTS:
        label = np.arange(len(own))
    elif own.ordered:
        label = np.minimum((np.cumsum(share) - share / 2) * _PARTS, _PARTS - 1).astype(np.int64)
    else:
        label = np.minimum(np.argsort(np.argsort(-share, kind="stable"), kind="stable"), _PARTS - 1)
    return np.eye(_PARTS, dtype=np.float32)[np.unique(label, return_inverse=True)[1]][
        :, : len(set(label.tolist()))
    ]
