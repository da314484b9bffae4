"""Networks that turn random numbers into rows: the chances of the groups of every column, given the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simulacra.domain import Array
from simulacra.models.table._tabular import Groups, feature_rows
from simulacra.models.table._tensors import pinned
from simulacra.randomness import Streams

_ROWS, _CELLS = 8_192, 16_000_000
"""Rows that are drawn at a time, fewer where all their chances were more than so many."""
_ROUNDS = 20
_RAREST = 1e-9
"""Smallest share that is told from none."""


class Lines(nn.Module):
    """A matrix with a line for every group of some columns; lines of groups that lie close start out alike.

    Parameters
    ----------
    columns : sequence of Groups
        The columns.
    width : int
        Numbers of a line.
    scale : float
        How large they are at first.
    """

    starts: Tensor
    features: Tensor

    def __init__(self, columns: Sequence[Groups], width: int, scale: float) -> None:
        super().__init__()
        self.sizes = [len(own) for own in columns]
        starts = torch.tensor([0, *self.sizes[:-1]] if columns else [], dtype=torch.int64)
        self.register_buffer("starts", starts.cumsum(0), persistent=False)
        features = torch.from_numpy(feature_rows(columns))
        self.register_buffer("features", features, persistent=False)
        self.weight = nn.Parameter(torch.randn(sum(self.sizes), width) * scale)
        self.smooth = nn.Parameter(torch.randn(features.shape[1], width) * scale)

    def full(self) -> Tensor:
        """Return the matrix."""
        return torch.addmm(self.weight, self.features, self.smooth)

    def add(self, groups: Tensor) -> Tensor:
        """Return the sum of the lines of each row's groups, shape (rows, width)."""
        if not self.sizes:
            return self.weight.new_zeros(len(groups), self.weight.shape[1])
        return F.embedding_bag(groups + self.starts, self.full(), mode="sum")

    def pick(self, told: Tensor) -> Tensor:
        """Return one line for each row, counted over all columns; zeros where it is -1."""
        return self.full()[told.clamp(min=0)] * (told >= 0)[:, None]


class Hidden(nn.Module):
    """Hidden layers with shortcuts."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))

    def forward(self, units: Tensor) -> Tensor:
        """Return the last layer's units."""
        for layer in self.layers:
            units = units + F.silu(layer(F.layer_norm(units, units.shape[1:])))
        return units


class Decoder(nn.Module):
    """From random numbers (and a context) to the chances of the groups of every column.

    Parameters
    ----------
    columns : sequence of Groups
        Those of the context first.
    inputs : int
        Columns of the context.
    latent, hidden, layers : int
        Random numbers of a row, hidden units, hidden layers.
    asked : bool
        Whether it is told one group of one column that a row shall have.
    """

    shares: Tensor

    def __init__(
        self,
        columns: Sequence[Groups],
        inputs: int,
        latent: int,
        hidden: int,
        layers: int,
        *,
        asked: bool = False,
    ) -> None:
        super().__init__()
        self.asked = Lines(columns[inputs:] if asked else [], hidden, 0.5)
        self.given = Lines(columns[:inputs], hidden, 0.5)
        self.first = nn.Linear(latent, hidden)
        self.hidden = Hidden(hidden, layers)
        self.heads = Lines(columns[inputs:], hidden, 0.3 / math.sqrt(hidden))
        shares = np.concatenate([np.zeros(0), *(own.shares for own in columns[inputs:])])
        self.register_buffer("shares", torch.from_numpy(shares).float(), persistent=False)
        self.bias = nn.Parameter(torch.log(self.shares.clamp(min=_RAREST)))

    @property
    def sizes(self) -> list[int]:
        """Groups of each column that is drawn."""
        return self.heads.sizes

    def forward(self, numbers: Tensor, given: Tensor, told: Tensor | None = None) -> Tensor:
        """Return the logits of the groups of all columns, shape (rows, groups).

        Parameters
        ----------
        numbers : tensor, shape (rows, latent)
            What makes rows differ.
        given : tensor of int64, shape (rows, inputs)
            Groups of the context.
        told : tensor of int64 or None, shape (rows,)
            The group, counted over all columns, that is asked for; -1 where none is.
        """
        units = self.first(numbers) + self.given.add(given)
        if told is not None:
            units = units + self.asked.pick(told)
        units = self.hidden(units)
        units = F.silu(F.layer_norm(units, units.shape[1:]))
        return F.linear(units, self.heads.full(), self.bias)

    def losses(self, logits: Tensor, groups: Tensor) -> Tensor:
        """Return minus the log of the chance of each row, shape (rows,)."""
        parts = logits.split(self.sizes, 1)
        return torch.stack(
            [F.cross_entropy(part, groups[:, i], reduction="none") for i, part in enumerate(parts)]
        ).sum(0)

    def chances(self, logits: Tensor) -> list[Tensor]:
        """Return the chances of each column's groups."""
        return [torch.softmax(part, 1) for part in logits.split(self.sizes, 1)]


def draw_groups(chances: Sequence[Tensor], uniform: Tensor) -> Tensor:
    """Draw a group of every column, by numbers from 0 to 1 of shape (rows, columns)."""
    drawn = [(part.cumsum(1)[:, :-1] < uniform[:, i, None]).sum(1) for i, part in enumerate(chances)]
    return torch.stack(drawn, 1)


def rows_at_once(decoder: Decoder) -> int:
    """Return how many rows are drawn at a time."""
    return min(_ROWS, max(_CELLS // max(sum(decoder.sizes), 1), 64))


def draw_rows(decoder: Decoder, numbers: Array, given: Array, rng: Streams) -> Array:
    """Draw the groups of all columns, shape (rows, columns); see `Decoder.forward`."""
    found = np.empty((len(numbers), len(decoder.sizes)), np.int64)
    uniform = rng.stream("group").random(found.shape)
    with pinned(), torch.no_grad():
        step = rows_at_once(decoder)
        for first in range(0, len(numbers), step):
            part = slice(first, first + step)
            logits = decoder(torch.from_numpy(numbers[part]), torch.from_numpy(given[part]).long())
            found[part] = draw_groups(
                decoder.chances(logits.double()), torch.from_numpy(uniform[part])
            ).numpy()
    return found


def balance(chances: Callable[[Tensor], list[Tensor]], logits: Tensor, shares: Tensor, rounds: int) -> Tensor:
    """Return what to add to logits so that groups have these shares on average; shape (groups,).

    Parameters
    ----------
    chances : callable
        `Decoder.chances`.
    logits : tensor, shape (rows, groups)
        Of drawn rows.
    shares : tensor, shape (groups,)
        The shares wanted.
    rounds : int
        How often the logits are corrected by the log of wanted over found shares.
    """
    added = torch.zeros_like(shares)
    for _ in range(rounds):
        found = torch.cat([part.mean(0) for part in chances(logits + added)])
        added = added + torch.log(shares.clamp(min=_RAREST)) - torch.log(found.clamp(min=_RAREST))
    return added


def settle(decoder: Decoder, numbers: Array, given: Array) -> None:
    """Correct a trained decoder so that every column's groups have the shares that the data have.

    The corrections are learnt on rows drawn for it: `numbers` and `given` are theirs. Of wide tables the first will
    do.
    """
    if not decoder.sizes:
        return
    some = slice(rows_at_once(decoder))
    with pinned(), torch.no_grad():
        logits = decoder(torch.from_numpy(numbers[some]), torch.from_numpy(given[some]).long())
        decoder.bias += balance(decoder.chances, logits, decoder.shares, _ROUNDS)
