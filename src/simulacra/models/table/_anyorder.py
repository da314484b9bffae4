"""A network that tells the chances of the codes of every column, given those of any other columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simulacra.domain import Array
from simulacra.models.table._calendar import RULES, months, phases
from simulacra.models.table._tensors import drop, seeded
from simulacra.models.table._views import View
from simulacra.randomness import Streams

_WAVES = 8
"""Cosines of the rank by which neighbouring codes know of each other."""
_GROUPED = 512
"""Codes of a column from which a group is told first, and then the code within it."""
_NARROW = 32
"""What the codes of such a column see of the hidden units."""


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of one column that a network knows.

    Parameters
    ----------
    members : array
        Codes of the view that occur, ascending.
    place : array of int64
        By code of the view: its place among the members; their number for a code that does not occur.
    """

    members: Array
    place: Array

    @classmethod
    def of(cls, members: Array, size: int) -> Self:
        """Number the codes that occur."""
        place = np.full(max(size, 1), len(members), np.int64)
        place[members] = np.arange(len(members))
        return cls(members, place)

    def __len__(self) -> int:
        return len(self.members)


def describe_codes(view: View, codes: Codes, counts: Array) -> Array:
    """Return features of codes that are alike for codes that lie close, shape (codes, features).

    Ordered codes have cosines of their rank, days their weekday and month.
    """
    if view.axis.size is not None and not view.axis.ordered:
        return np.zeros((len(codes), 0), np.float32)
    rank = (np.cumsum(counts) - counts / 2) / counts.sum()
    parts = [np.cos(np.pi * wave * rank)[:, None] for wave in range(1, _WAVES + 1)]
    if view.axis.calendar and len(view.low):
        days = np.rint(np.append(0.0, view.middles()) if view.missing else view.middles()).astype(np.int64)
        days = days[codes.members]
        gaps = (codes.members == 0) & view.missing
        for kinds, size in ((phases("weekday", days), RULES["weekday"]), (months(days), 12)):
            parts.append(np.eye(size)[kinds] * ~gaps[:, None])
    return np.concatenate(parts, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a network is.

    Parameters
    ----------
    sizes : tuple of int
        Codes of each column: first those that are always known, then those to tell.
    inputs : int
        How many are always known.
    width, hidden, layers : int
        Numbers that stand for a code, hidden units of each column to tell, and layers of them.
    """

    sizes: tuple[int, ...]
    inputs: int
    width: int
    hidden: int
    layers: int

    @property
    def targets(self) -> int:
        """How many columns are told."""
        return len(self.sizes) - self.inputs

    def groups(self, target: int) -> int:
        """Return into how many groups the codes of a column to tell are cut; 0 where they are not."""
        size = self.sizes[self.inputs + target]
        return math.isqrt(size - 1) + 1 if size > _GROUPED else 0

    def dump(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return {name: getattr(self, name) for name in ("inputs", "width", "hidden", "layers")} | {
            "sizes": list(self.sizes)
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the shape from what `dump` gave."""
        return cls(**{**state, "sizes": tuple(state["sizes"])})


class AnyOrder(nn.Module):
    """Embeddings of codes, and for every column hidden layers that see those of the columns that are known.

    Parameters
    ----------
    shape : Shape
        How large it is.
    features : sequence of array
        `describe_codes` of every column; their weights are shared by all codes, so that close codes start out close.
        None for a network that is only asked: its features are part of its weights.
    shares : sequence of array
        How common each code is: what is told before anything was learnt.
    """

    def __init__(
        self,
        shape: Shape,
        features: Sequence[Array] | None = None,
        shares: Sequence[Array] | None = None,
        *,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.shape, self.dropout = shape, dropout
        width, hidden, all_ = shape.width, shape.hidden, len(shape.sizes)
        found = features or [np.zeros((size, 0), np.float32) for size in shape.sizes]
        parts = [torch.from_numpy(part) for part in found]
        self.features = _Constants([part for part in parts if part.shape[1]])
        self.described = [column for column, part in enumerate(parts) if part.shape[1]]
        ends = np.cumsum([0, *shape.sizes])
        self.places = _Constants([torch.from_numpy(ends[:-1]), torch.tensor(shape.sizes, dtype=torch.int64)])
        self.embedding = nn.Parameter(torch.randn(sum(shape.sizes), width) * 0.3)
        self.smooth = _matrices([(part.shape[1], width) for part in self.features.all()], 0.5)
        self.inward = nn.Parameter(torch.randn(all_, width, hidden) / math.sqrt(all_ * width / 2))
        self.inward_bias = nn.Parameter(torch.zeros(shape.targets, 1, hidden))
        self.deep = nn.Parameter(torch.randn(shape.layers, shape.targets, hidden, hidden) / math.sqrt(hidden))
        self.deep_bias = nn.Parameter(torch.zeros(shape.layers, shape.targets, 1, hidden))
        self.heads = [Head(shape, t, parts[shape.inputs + t]) for t in range(shape.targets)]
        self.listed = nn.ModuleList(self.heads)
        for head, share in zip(self.heads, shares[shape.inputs :] if shares is not None else []):
            head.expect(share)

    @classmethod
    def blank(cls, shape: Shape) -> Self:
        """Make a network whose weights are still to be filled in."""
        with seeded(Streams(0)):
            return cls(shape)

    def table(self) -> Tensor:
        """Return the numbers that stand for each code of each column."""
        tables = list(self.embedding.split(list(self.shape.sizes)))
        for column, part, weight in zip(self.described, self.features.all(), self.smooth):
            tables[column] = tables[column] + part @ weight
        return torch.cat(tables) if tables else self.embedding

    def embed(self, codes: Tensor, columns: Sequence[int] | slice = slice(None)) -> Tensor:
        """Look codes up, shape (rows, columns): numbers of shape (rows, columns, width)."""
        starts, sizes = (part[columns] for part in self.places.all())
        # a code that never occurred is like one that is not known
        table = F.pad(self.table(), (0, 0, 0, 1))
        return F.embedding(torch.where(codes < sizes, codes + starts, len(table) - 1), table)

    def losses(self, codes: Tensor, known: Tensor, source: torch.Generator | None = None) -> Tensor:
        """Return minus the log of the chance of every code to tell, shape (targets, rows).

        Parameters
        ----------
        codes : tensor of int64, shape (rows, columns)
            Places of codes.
        known : tensor of 0 and 1, shape (groups, targets, columns)
            Which columns each one sees, in each of as many groups of rows that lie together.
        source : Generator or None
            Randomness of the dropout; nothing is dropped without.
        """
        shape, groups = self.shape, len(known)
        # what all columns say of themselves is worked out once, and each one to tell sums up what it sees
        said = torch.bmm(self.embed(codes).transpose(0, 1), self.inward)
        parts = said.view(len(shape.sizes), groups, -1).transpose(0, 1)
        sums = torch.bmm(known, parts).transpose(0, 1)
        units = sums.reshape(shape.targets, len(codes), shape.hidden) + self.inward_bias
        for layer, (weight, bias) in enumerate(zip(self.deep, self.deep_bias)):
            more = F.relu(torch.baddbmm(bias, units, weight))
            units = units + more if layer else more
            units = self._dropped(units, source)
        told = codes[:, shape.inputs :]
        return torch.stack([head.losses(units[t], told[:, t]) for t, head in enumerate(self.heads)])

    def chances(self, codes: Tensor, known: Sequence[int], target: int) -> Tensor:
        """Return the chance of each code of a column, shape (rows, codes), in float64.

        Parameters
        ----------
        codes : tensor of int64, shape (rows, known)
            Places of the known codes.
        known : sequence of int
            Which columns they are of.
        target : int
            The column to tell.
        """
        units = self.inward_bias[target].expand(len(codes), -1)
        if known:
            seen = self.embed(codes, list(known)).flatten(1)
            units = units + seen @ self.inward[list(known)].flatten(0, 1)
        for layer, (weight, bias) in enumerate(zip(self.deep[:, target], self.deep_bias[:, target])):
            more = F.relu(units @ weight + bias)
            units = units + more if layer else more
        return self.heads[target].chances(units)

    def settle(self) -> AnyOrder:
        """Make the network that is only asked: features are worked into the weights."""
        done = AnyOrder.blank(self.shape)
        with torch.no_grad():
            done.embedding.copy_(self.table())
            for name in ("inward", "inward_bias", "deep", "deep_bias"):
                getattr(done, name).copy_(getattr(self, name))
            for into, head in zip(done.heads, self.heads):
                into.settle(head)
        return done.eval()

    def _dropped(self, units: Tensor, source: torch.Generator | None) -> Tensor:
        return units if source is None else drop(units, self.dropout, source)


class Head(nn.Module):
    """The last layer of one column: chances of its codes, or of groups of them and of the codes within.

    Parameters
    ----------
    shape : Shape
        How large the network is.
    target : int
        The column.
    features : tensor, shape (codes, features)
        Of its codes.
    """

    def __init__(self, shape: Shape, target: int, features: Tensor) -> None:
        super().__init__()
        size = shape.sizes[shape.inputs + target]
        self.size, self.groups = size, shape.groups(target)
        self.features = _Constants([features])
        self.each = -(-size // self.groups) if self.groups else size
        narrow = _NARROW if self.groups else shape.hidden
        self.weight, self.bias = (
            nn.Parameter(torch.randn(size, narrow) * 0.02),
            nn.Parameter(torch.zeros(size)),
        )
        self.smooth = nn.Parameter(torch.randn(features.shape[1], narrow) * 0.02)
        if self.groups:
            self.coarse = nn.Linear(shape.hidden, self.groups)
            self.narrow = nn.Linear(shape.hidden, narrow)

    def expect(self, share: Array) -> None:
        """Start with these shares of the codes."""
        with torch.no_grad():
            self.bias.copy_(torch.from_numpy(np.log(share)))
            if self.groups:
                total = np.add.reduceat(share, np.arange(0, self.size, self.each))
                self.coarse.bias.copy_(torch.from_numpy(np.log(total)))
                self.coarse.weight.mul_(0.1)

    def full(self) -> Tensor:
        """Return the weights of all codes."""
        (features,) = self.features.all()
        return self.weight + features @ self.smooth if features.shape[1] else self.weight

    def losses(self, units: Tensor, codes: Tensor) -> Tensor:
        """Return minus the log of the chance of codes, shape (rows,)."""
        # a code that never occurred costs what the first one does; only held-out rows can have one
        codes = torch.where(codes < self.size, codes, 0)
        if not self.groups:
            return F.cross_entropy(F.linear(units, self.full(), self.bias), codes, reduction="none")
        group, within = codes // self.each, codes % self.each
        weight, bias = self._by_group()
        fine = torch.einsum("bn,bmn->bm", self.narrow(units), weight[group]) + bias[group]
        return F.cross_entropy(self.coarse(units), group, reduction="none") + F.cross_entropy(
            fine, within, reduction="none"
        )

    def chances(self, units: Tensor) -> Tensor:
        """Return the chances of all codes, shape (rows, codes), in float64."""
        if not self.groups:
            return torch.softmax(F.linear(units, self.full(), self.bias).double(), 1)
        weight, bias = self._by_group()
        logits = self.narrow(units) @ weight.reshape(-1, weight.shape[2]).T + bias.reshape(-1)
        fine = torch.softmax(logits.view(len(units), self.groups, self.each).double(), 2)
        coarse = torch.softmax(self.coarse(units).double(), 1)
        return (coarse[:, :, None] * fine).reshape(len(units), -1)[:, : self.size]

    def settle(self, learnt: Head) -> None:
        """Take over the weights of a head that has learnt, its features among them."""
        self.weight.copy_(learnt.full())
        self.bias.copy_(learnt.bias)
        if self.groups:
            for own, other in ((self.coarse, learnt.coarse), (self.narrow, learnt.narrow)):
                own.load_state_dict(other.state_dict())

    def _by_group(self) -> tuple[Tensor, Tensor]:
        """Return weights and biases with one line for each group; places without a code are never told."""
        spare = self.groups * self.each - self.size
        weight = F.pad(self.full(), (0, 0, 0, spare)).view(self.groups, self.each, -1)
        return weight, F.pad(self.bias, (0, spare), value=-1e9).view(self.groups, self.each)


def _matrices(shapes: Sequence[tuple[int, int]], spread: float) -> nn.ParameterList:
    return nn.ParameterList([nn.Parameter(torch.randn(*shape) * spread) for shape in shapes])


class _Constants(nn.Module):
    """Tensors that go where the network goes, and are no part of its state."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        super().__init__()
        for at, tensor in enumerate(tensors):
            self.register_buffer(str(at), tensor, persistent=False)

    def all(self) -> list[Tensor]:
        return list(self.buffers())
