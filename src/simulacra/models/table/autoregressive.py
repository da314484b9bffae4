"""A network that draws column by column, in any order: learns smooth and jagged relations of all columns.

Every value is a code: a level, an exact number, or a bin. Embeddings of the codes that are known go through hidden
layers of the column to draw, which end in the chances of its codes. Half of the rows train the columns in the order of
the table, the other half in random orders, so that rows can be drawn given any columns: conditions and gaps are then
filled in without particles being lost. Learning stops when rows that were held out get hardly any likelier.

It learns what many rows share, of numbers, categories and missing values alike, and rarely what few rows do. It can not
learn relations between rows, numbers between which no training row lay (it draws within bins), or sums of many columns.
Cost: linear in rows, up to a number of steps, and in columns. Some 15 seconds of one core for 26,000 rows of 15
columns; a GPU is used where there is one.

Source: Uria, Murray and Larochelle 2014, "A deep and tractable density estimator", section 3 (random orders);
Larochelle and Murray 2011, "The neural autoregressive distribution estimator", section 2 (sums that columns share);
Germain, Gregor, Murray and Larochelle 2015, "MADE: Masked autoencoder for distribution estimation"; Tiwald et al. 2025,
"TabularARGN: A flexible and efficient auto-regressive framework for generating high-fidelity synthetic data"; groups of
codes after Goodman 2001, "Classes for fast maximum entropy training".
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from simulacra.domain import Array, Block
from simulacra.errors import DataError, OptionError
from simulacra.generator import Progress, silent
from simulacra.models.table._anyorder import AnyOrder, Codes, Shape, describe_codes
from simulacra.models.table._batches import hold_out
from simulacra.models.table._coded import Coded
from simulacra.models.table._codes import Draft
from simulacra.models.table._curves import History
from simulacra.models.table._neural import Network, Player, Recipe
from simulacra.models.table._tensors import (
    choose_device,
    dump_network,
    noise,
    pinned,
    restore_network,
    seeded,
)
from simulacra.randomness import Streams

_LEAST_BATCH, _MOST_BATCH, _BATCHES = 64, 2048, 32
"""Rows of a batch at least and at most; in between, a table has so many batches."""
_MOST_STEPS = 6_000
_LEAST_CHECK, _PATIENCE = 10, 2
"""Steps between two looks at held-out rows at least, and looks without a better one that are waited for."""
_EXACT = 4_096
"""Codes of a column of which most values repeat."""
_LEVELS = 65_536
_ORDERS = 8
"""Different orders in a batch."""
_RATE = 4e-3
_CODES, _FIXED = 100, 20_000
"""Codes of a column and what a step costs whatever the batch, by which work and memory are told beforehand."""
_ASKED = 4_096
"""Rows whose chances are worked out at a time."""


@dataclass(kw_only=True)
class Autoregressive(Network, Coded):
    """Any-order autoregressive network over codes.

    Parameters
    ----------
    hidden : int
        Hidden units of each column. More learn finer relations and cost in proportion.
    layers : int
        Hidden layers.
    embedding : int
        Numbers that stand for a code.
    any_order : float
        Share of the rows that train random orders of the columns, from 0 to 1; the others train that of the table. More
        make conditions and filled gaps better, and plain rows a little worse.
    epochs : int
        Times that rows are seen at most; learning mostly stops before.
    gain : float
        Learning goes on as long as it wins this share of what was won so far of the likelihood of held-out rows, from 0
        to below 1. Less is more exact, takes longer and comes closer to the training rows.
    dropout : float
        Share of hidden units left out while learning, from 0 to below 1: it learns longer, and more exactly.
    max_codes : int
        Bins of a real axis at most.
    device : str
        ``auto`` takes a GPU where there is one; ``cpu``; ``cuda``. Rows are always drawn on the CPU.
    checkpoint : str or None
        A file from which a fit that was cut short goes on.

    Notes
    -----
    **Cost.** A step costs rows of the batch times columns times hidden units squared, and times the codes of columns.

    **Randomness.** The same data and seed give the same model on one kind of machine, with any number of cores. Another
    kind of processor, or a GPU, rounds differently: then the model differs a little, and a row now and then.

    **Privacy.** The state holds weights, and codes that enough rows hold. Learning stops before single rows are learnt
    by heart (see `gain`); there is no formal guarantee.

    **Source.** Uria, Murray and Larochelle 2014; Larochelle and Murray 2011; Germain et al. 2015; Tiwald et al. 2025.

    Examples
    --------
    >>> from simulacra.domain import Axis, Domain
    >>> a = np.arange(2000, dtype=np.uint8) % 4
    >>> block = Block(Domain((Axis("a", "a", size=4), Axis("b", "b", size=2))), (a, a // 2))
    >>> model = Autoregressive(gain=0.0).fit(block, rng=Streams(1))
    >>> fake = model.ordered([1]).sample(200, rng=Streams(2))
    >>> bool((fake.columns[0] // 2 == fake.columns[1]).mean() > 0.95)
    True
    """

    hidden: int = 128
    layers: int = 2
    embedding: int = 16
    any_order: float = 0.5
    epochs: int = 20
    gain: float = 0.02
    dropout: float = 0.0
    max_codes: int = 255

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("hidden", 1), ("layers", 1), ("embedding", 1), ("epochs", 1), ("max_codes", 2)):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < least:
                raise OptionError(
                    f"model 'autoregressive': {name} is a whole number from {least}, not {getattr(self, name)!r}."
                )
        if not 0 <= self.any_order <= 1:
            raise OptionError(f"model 'autoregressive': any_order is from 0 to 1, not {self.any_order!r}.")
        for name in ("gain", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise OptionError(
                    f"model 'autoregressive': {name} is from 0 to below 1, not {getattr(self, name)!r}."
                )

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        found = self._learn_views(block, context, max_codes=self.max_codes, max_exact=_EXACT)
        rows, weights = len(block), block.weights
        self.codes_ = [_present(view.axis.name, codes, view.size) for view, codes in zip(self.views_, found)]
        self.order_ = _sorted(block)
        places = np.stack(
            [own.place[codes] for own, codes in zip(self.codes_, found)] or [np.zeros(rows, np.int64)], 1
        )
        counts = [np.bincount(places[:, i], weights, len(own)) for i, own in enumerate(self.codes_)]
        shape = Shape(tuple(map(len, self.codes_)), self._inputs, self.embedding, self.hidden, self.layers)
        features = [describe_codes(*parts) for parts in zip(self.views_, self.codes_, counts)]
        shares = [(own + 0.1) / (own + 0.1).sum() for own in counts]
        with seeded(rng):
            network = AnyOrder(shape, features, shares, dropout=self.dropout)
        if shape.targets:
            self._learn(network, places, block, rng, progress)
        else:
            self.history_ = History()
        self._network = network.cpu().settle()
        progress(1.0, "network trained")
        return self

    @property
    def order(self) -> tuple[int, ...]:
        """Positions of the axes in the order in which they are drawn; see `Sequential.order`."""
        self._require_fitted()
        return self.order_

    def ordered(self, first: Sequence[int]) -> Self:
        """Return the same model with some axes drawn first; see `Reorderable`."""
        self._require_fitted()
        other = copy.copy(self)
        other.order_ = (*first, *(axis for axis in self.order_ if axis not in set(first)))
        return other

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        return {
            **self._dump_views(),
            "codes": [own.members for own in self.codes_],
            "order": list(self.order_),
            "shape": self._network.shape.dump(),
            "weights": dump_network(self._network),
            "history": self.history_.dump(),
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self._restore_views(state)
        self.codes_ = [Codes.of(own, view.size) for own, view in zip(state["codes"], self.views_)]
        self.order_ = tuple(state["order"])
        self.history_ = History.restore(state["history"])
        self._network = AnyOrder.blank(Shape.restore(state["shape"]))
        restore_network(self._network, state["weights"])
        return self

    def work(self, rows: int, axes: int) -> float:
        """Return how much work fitting is; see `Generator.work`."""
        batch = _batch(rows)
        steps = min(self.epochs * max(rows // batch, 1), _MOST_STEPS)
        return float(steps * (batch * axes * (self.layers * self.hidden + _CODES) + axes * _FIXED))

    def room(self, rows: int, axes: int) -> float:
        """Return the bytes that fitting needs beside the block itself; see `Generator.room`."""
        weights = axes * self.hidden * (self.layers * self.hidden + _CODES)
        return 8.0 * rows * axes + 24.0 * weights + 24.0 * _batch(rows) * axes * (self.hidden + _CODES)

    def _chances(self, draft: Draft, axis: int, rows: slice) -> Array:
        """Return the chance of each code of an axis; see `Coded`."""
        inputs, order = self._inputs, self.order_
        axes = [*range(-inputs, 0), *order[: order.index(axis)]]
        known = [other + inputs for other in axes]
        own = self.codes_[axis + inputs]
        found = np.zeros((rows.stop - rows.start, self._view(axis).size))
        with pinned(), torch.inference_mode():
            for first in range(rows.start, rows.stop, _ASKED):
                part = slice(first, min(first + _ASKED, rows.stop))
                places = [self.codes_[i].place[draft.codes[other][part]] for i, other in zip(known, axes)]
                codes = torch.from_numpy(np.stack(places, 1)) if places else torch.zeros(part.stop - first, 0)
                told = self._network.chances(codes, known, axis)
                found[first - rows.start : part.stop - rows.start, own.members] = told.numpy()
        return found

    def _learn(
        self, network: AnyOrder, places: Array, block: Block, rng: Streams, progress: Progress
    ) -> None:
        """Train the network on the order of the table and on random ones."""
        device = choose_device(self.device)
        learn, held = hold_out(len(block), rng, owners=block.owners)
        rank = np.full(len(self.views_), -1.0, np.float32)
        rank[self._inputs + np.array(self.order_)] = np.arange(len(self.order_))
        plain = torch.from_numpy(rank).to(device)
        unseen = torch.from_numpy(places[held]).to(device)
        mass = torch.ones(len(held)) if block.weights is None else torch.from_numpy(block.weights[held])
        mass = (mass / mass.sum()).float().to(device)

        def sees(rows: int, share: float, source: torch.Generator) -> Tensor:
            """Give groups of rows orders: that of the table, or a share of them random ones."""
            dice = torch.rand(math.gcd(rows, _ORDERS), len(rank) + 1, generator=source, device=device)
            turned = (dice[:, :1] < share) & (plain >= 0)
            return _sees(torch.where(turned, dice[:, 1:], plain), self._inputs)

        def loss(rows: tuple[Tensor, ...], source: torch.Generator) -> Tensor:
            codes = rows[0].long()
            return network.losses(codes, sees(len(codes), self.any_order, source), source).mean(1).sum()

        def judge() -> float:
            source, total = noise(rng, "judge", device=device), torch.zeros((), device=device)
            for codes, own in zip(unseen.split(_ASKED), mass.split(_ASKED)):
                for turned, share in ((0.0, 1 - self.any_order), (1.0, self.any_order)):
                    if share:
                        lost = network.losses(codes, sees(len(codes), turned, source)).sum(0)
                        total += share * (lost * own).sum()
            return float(total)

        per_epoch = max(len(learn) // _batch(len(block)), 1)
        check = max(per_epoch, _LEAST_CHECK)
        recipe = Recipe(
            batch=_batch(len(block)), steps=min(self.epochs * check, _MOST_STEPS), check=check,
            patience=_PATIENCE,
            gain=self.gain,
            rate=_RATE, clip=5.0,
        )  # fmt: skip
        self._train(
            network, [Player(parameters=list(network.parameters()), loss=loss)], [places[learn].astype(np.int32)],
            recipe, rng=rng, judge=judge, weights=None if block.weights is None else block.weights[learn],
            progress=progress,
        )  # fmt: skip


def _sees(rank: Tensor, inputs: int) -> Tensor:
    """Return which columns each one to tell sees: those of a lower rank; shape (groups, targets, columns)."""
    return (rank[:, None, :] < rank[:, inputs:, None]).float()


def _present(name: str, codes: Array, size: int) -> Codes:
    """List the codes that occur.

    Raises
    ------
    DataError
        They are too many for a network.
    """
    members = np.flatnonzero(np.bincount(codes, minlength=size))
    if len(members) > _LEVELS:
        raise DataError(
            f"axis {name!r}: {len(members):,} levels occur, and this model takes at most {_LEVELS:,}. "
            "Merge levels, or leave the column out."
        )
    return Codes.of(members, size)


def _sorted(block: Block) -> tuple[int, ...]:
    """Return the axes in the order of the table, those that ask for it first."""
    return tuple(sorted(range(len(block.domain)), key=lambda axis: not block.domain.axes[axis].first))


def _batch(rows: int) -> int:
    """Return how many rows a step looks at: a power of 2."""
    return int(np.clip(2 ** max(rows // _BATCHES, 1).bit_length() // 2, _LEAST_BATCH, _MOST_BATCH))
