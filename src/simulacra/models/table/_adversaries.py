"""Two networks against each other: a maker of rows, and a critic that tells made rows from real ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simulacra.models.table._decoders import Decoder, Lines, draw_groups
from simulacra.models.table._tabular import Groups

_LAYERS = 2


class Critic(nn.Module):
    """Gives every row a number: higher ones to rows that look real.

    Parameters
    ----------
    columns : sequence of Groups
        Those of the context first.
    inputs : int
        Columns of the context.
    hidden : int
        Hidden units of a layer.
    asked : bool
        Whether it is told the group that was asked of each row.
    """

    def __init__(self, columns: Sequence[Groups], inputs: int, hidden: int, *, asked: bool) -> None:
        super().__init__()
        self.given = Lines(columns[:inputs], hidden, 0.3)
        self.enter = Lines(columns[inputs:], hidden, 0.3)
        self.asked = Lines(columns[inputs:] if asked else [], hidden, 0.3)
        self.hidden = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(_LAYERS))
        self.leave = nn.Linear(hidden, 1)

    def forward(
        self, rows: Tensor, given: Tensor, told: Tensor | None, table: Tensor | None = None
    ) -> Tensor:
        """Judge rows of zeros and ones, shape (rows, groups); `table` is `enter.full()` if that is known."""
        units = rows @ (self.enter.full() if table is None else table) + self.given.add(given)
        if told is not None:
            units = units + self.asked.pick(told)
        units = F.silu(units)
        for place, layer in enumerate(self.hidden):
            more = F.silu(layer(units))
            units = units + more if place else more
        return self.leave(units)[:, 0]


class Rivals(nn.Module):
    """A maker and its critic."""

    def __init__(
        self, columns: Sequence[Groups], inputs: int, latent: int, hidden: int, layers: int, *, asked: bool
    ) -> None:
        super().__init__()
        self.maker = Decoder(columns, inputs, latent, hidden, layers, asked=asked)
        self.critic = Critic(columns, inputs, hidden, asked=asked)


def soften(parts: Sequence[Tensor], source: torch.Generator) -> Tensor:
    """Draw a group of every column as zeros and ones, shape (rows, groups).

    Gradients flow as if the chances themselves had been returned (straight-through; Bengio, Leonard and Courville
    2013, "Estimating or propagating gradients through stochastic neurons").
    """
    sizes = [part.shape[1] for part in parts]
    chances = torch.cat(list(parts), 1)
    with torch.no_grad():
        uniform = torch.rand(len(chances), len(sizes), generator=source, device=chances.device)
        drawn = spell(draw_groups(parts, uniform), sizes)
        beyond = drawn - chances
    return chances + beyond


def spell(groups: Tensor, sizes: Sequence[int]) -> Tensor:
    """Write groups, shape (rows, columns), as zeros and ones, shape (rows, groups)."""
    found = torch.zeros(len(groups), sum(sizes), device=groups.device)
    return found.scatter_(1, groups + starts_of(sizes, groups.device), 1.0)


def starts_of(sizes: Sequence[int], device: torch.device) -> Tensor:
    """Return the number of groups before each column."""
    return torch.tensor([0, *sizes[:-1]], device=device).cumsum(0)


def slope(judged: Tensor, rows: Tensor) -> Tensor:
    """Return the squared length of the critic's slope at each row, through which gradients flow."""
    (found,) = torch.autograd.grad(judged.sum(), rows, create_graph=True)
    return found.float().square().sum(1)
