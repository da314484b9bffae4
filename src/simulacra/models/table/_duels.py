"""The base of adversarial models: what they share beside how the two networks are trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from simulacra.domain import Array, Block
from simulacra.errors import OptionError
from simulacra.exhibit import Exhibit
from simulacra.generator import Progress, silent
from simulacra.models.table._adversaries import Rivals, slope, soften, spell
from simulacra.models.table._asking import Asking
from simulacra.models.table._batches import hold_out
from simulacra.models.table._curves import HELD_OUT, History
from simulacra.models.table._decoders import balance, draw_rows, settle
from simulacra.models.table._margins import Margins, show_lacking
from simulacra.models.table._neural import Player, Recipe
from simulacra.models.table._tabular import Tabular, check_sizes
from simulacra.models.table._tensors import choose_device, dump_network, restore_network, seeded
from simulacra.randomness import Streams

DISTANCE = "Wasserstein distance"
"""The critic's curve."""
_LEAST_BATCH, _MOST_BATCH, _BATCHES = 64, 256, 32
_LEAST_STEPS, _MOST_STEPS, _EACH = 50, 1_200, 10
"""Steps, and rows for each of them: few rows teach an adversary little, however often it sees them."""
_RATE, _TURNS = 3e-3, 2
"""Learning rate, and updates of the critic for one of the maker."""
_CHECK, _PATIENCE = 50, 6
"""Steps between two looks at held-out rows, and looks without a better one that are waited for."""
_LOOKED, _ROUNDS = 2_048, 3
"""Rows that are made for a look, and rounds in which their columns are put right for it."""
_SETTLED = 8_192
"""Rows by which each column is put right in the end."""
_NOTHING: dict[str, Any] = {"first": [], "second": [], "cells": [], "share": [], "looked": 0}


@dataclass(frozen=True)
class Turn:
    """What a player sees of a batch: real rows, made rows, the context of both, and what was asked of both.

    Parameters
    ----------
    groups : tensor of int64, shape (rows, columns)
        Groups of the real rows.
    real : tensor, shape (rows, groups)
        The same as zeros and ones.
    logits : tensor, shape (rows, groups)
        Of the made rows.
    fake : tensor, shape (rows, groups)
        The made rows as zeros and ones.
    given : tensor of int64, shape (rows, inputs)
        Groups of the context.
    told : tensor of int64 or None, shape (rows,)
        The group that was asked for, counted over all columns; -1 where none was.
    source : Generator
        Randomness of this step.
    """

    groups: Tensor
    real: Tensor
    logits: Tensor
    fake: Tensor
    given: Tensor
    told: Tensor | None
    source: torch.Generator


@dataclass(kw_only=True)
class Duel(Tabular):
    """Base of models in which a maker of rows learns from a critic, by the Wasserstein distance.

    A subclass may add to the losses. What is kept are the weights whose rows, made for
    it, were nearest to rows held out, in the shares of all cells of every two columns.
    """

    latent: int = 64
    hidden: int = 192
    layers: int = 1
    max_groups: int = 48
    epochs: int = 20
    penalty: float = 1.0

    asks: ClassVar[bool] = False
    """Whether the networks are also trained on rows with one group of one column that was asked for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        name = type(self).__name__.lower()
        check_sizes(name, self, latent=1, hidden=1, layers=1, max_groups=2, epochs=1)
        if not 0 < self.penalty < math.inf:
            raise OptionError(f"model {name!r}: penalty is a number above 0, not {self.penalty!r}.")

    def _judge(self, rivals: Rivals, turn: Turn) -> Tensor:
        """Return the critic's loss; its value is told as the estimate of the distance, without the penalty."""
        critic, table = rivals.critic, rivals.critic.enter.full()
        rows = torch.cat([turn.real, turn.fake])
        told = None if turn.told is None else turn.told.repeat(2)
        verdicts = critic(rows, turn.given.repeat(2, 1), told, table).float()
        distance = verdicts[: len(turn.real)].mean() - verdicts[len(turn.real) :].mean()
        share = torch.rand(len(turn.real), 1, generator=turn.source, device=turn.real.device)
        between = (turn.real + share * (turn.fake - turn.real)).requires_grad_()
        steep = (slope(critic(between, turn.given, turn.told, table), between) + 1e-12).sqrt()
        loss = self.penalty * (steep - 1).clamp(min=0).square().mean() - distance
        return loss + (distance - loss).detach()

    def _make(self, rivals: Rivals, turn: Turn) -> Tensor:
        """Return the maker's loss."""
        return -rivals.critic(turn.fake, turn.given, turn.told).float().mean()

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        groups = self._learn_groups(block, context, room=self.max_groups)
        with seeded(rng):
            rivals = self._rivals()
        if len(block.domain):
            self._learn(rivals, groups, block, rng, progress)
        else:
            self.history_ = History()
        self._maker = rivals.maker.cpu().eval()
        self._finish(groups, block.weights, rng.at("settled"))
        progress(1.0, "network trained")
        return self

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        given = self._given(n, context)
        if not len(self.domain_):
            return Block(self.domain_, (), rows=n)
        return self._values(draw_rows(self._maker, self._numbers(n, rng), given, rng), rng)

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        return {
            **self._dump_groups(),
            "weights": dump_network(self._maker),
            "history": self.history_.dump(),
            "lacking": self.lacking_,
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self._restore_groups(state)
        self.history_, self.lacking_ = History.restore(state["history"]), state["lacking"]
        with seeded(Streams(0)):
            self._maker = self._rivals().maker
        restore_network(self._maker, state["weights"])
        return self

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Show the curves of learning, and whether kinds of rows are never made; see `Exhibiting`."""
        if not self.history_.step:
            return ()
        held = self.history_.of(HELD_OUT)
        step = [step for step, curve in zip(self.history_.step, self.history_.curve) if curve == HELD_OUT]
        best = int(np.argmin(held))
        words = (
            f"At best, {held[best]:.1%} of the rows fell into other cells of two columns than those of rows "
            f"held out, after {step[best]:,} of {step[-1]:,} steps: the weights of that step were kept."
        )
        words += (
            f" The critic's estimate of the Wasserstein distance was {self.history_.of(DISTANCE)[-1]:.3f} in the "
            "end: it grows while the critic learns and falls while the maker does. One changed column of a row "
            "costs about 1.4."
        )
        return Exhibit("Training", words, self.history_.frame()), show_lacking(self.lacking_)

    def work(self, rows: int, axes: int) -> float:
        """Return how much work fitting is; see `Generator.work`."""
        batch, steps = self._plan(rows)
        return float(20 * steps * batch * axes + 10 * rows * axes)

    def room(self, rows: int, axes: int) -> float:
        """Return the bytes that fitting needs beside the block itself; see `Generator.room`."""
        lines = axes * self.max_groups
        return 24.0 * rows * axes + 100.0 * lines * self.hidden + 12.0 * _SETTLED * lines

    def _rivals(self) -> Rivals:
        return Rivals(self.groups_, self._inputs, self.latent, self.hidden, self.layers, asked=self.asks)

    def _plan(self, rows: int) -> tuple[int, int]:
        """Return rows of a batch, and steps."""
        batch = 2 ** max(rows // _BATCHES, 1).bit_length() // 2
        batch = int(np.clip(batch, _LEAST_BATCH, _MOST_BATCH))
        steps = min(self.epochs * max(rows // batch, 1), rows // _EACH, _MOST_STEPS)
        return batch, max(steps, _LEAST_STEPS)

    def _numbers(self, n: int, rng: Streams) -> Array:
        """Draw what makes rows differ, shape (rows, latent)."""
        return rng.stream("number").standard_normal((n, self.latent), np.float32)

    def _learn(self, rivals: Rivals, groups: Array, block: Block, rng: Streams, progress: Progress) -> None:
        """Let the two networks learn from each other."""
        device, inputs = choose_device(self.device), self._inputs
        learn, held = hold_out(len(block), rng, owners=block.owners)
        weights = None if block.weights is None else block.weights[learn]
        own = self.groups_[inputs:]
        asking = Asking.of(groups[learn], inputs, own, weights, rng, device) if self.asks else None
        maker, sizes = rivals.maker, rivals.maker.sizes

        def turn(rows: tuple[Tensor, ...], source: torch.Generator, *, learns: bool) -> Turn:
            real, told = (rows[0].long(), None) if asking is None else asking.draw(len(rows[0]), source)
            given = real[:, :inputs]
            numbers = torch.randn(len(real), self.latent, generator=source, device=device)
            with torch.set_grad_enabled(learns):
                logits = maker(numbers, given, told).float()
                fake = soften(maker.chances(logits), source)
            return Turn(real, spell(real[:, inputs:], sizes), logits, fake, given, told, source)

        batch, steps = self._plan(len(learn))
        players = [
            Player(
                name=DISTANCE, parameters=list(rivals.critic.parameters()), times=_TURNS,
                betas=(0.5, 0.9), shown=True,
                loss=lambda rows, source: self._judge(rivals, turn(rows, source, learns=False)),
            ),
            Player(
                name="maker", parameters=list(maker.parameters()), betas=(0.5, 0.9),
                loss=lambda rows, source: self._make(rivals, turn(rows, source, learns=True)),
            ),
        ]  # fmt: skip
        self._train(
            rivals, players, [groups[learn]],
            Recipe(
                batch=batch, steps=steps, rate=_RATE, end=0.1, warmup=0, clip=None, check=_CHECK,
                patience=_PATIENCE,
            ),
            rng=rng, judge=self._look(rivals, groups, learn, held, block.weights, rng.at("look"), device),
            weights=weights, progress=progress,
        )  # fmt: skip

    def _look(
        self,
        rivals: Rivals,
        groups: Array,
        learn: Array,
        held: Array,
        weights: Array | None,
        rng: Streams,
        device: torch.device,
    ) -> Callable[[], float]:
        """Return what tells how far made rows are from those held out."""
        inputs, maker = self._inputs, rivals.maker
        margins = Margins(self.groups_[inputs:], device)
        mass = None if weights is None else torch.from_numpy(weights[held]).float().to(device)
        wanted = margins.real(torch.from_numpy(groups[held][:, inputs:]).long().to(device), mass)
        chance = None if weights is None else weights[learn] / weights[learn].sum()
        some = groups[learn[rng.stream("context").choice(len(learn), _LOOKED, p=chance)], :inputs]
        numbers = torch.from_numpy(self._numbers(_LOOKED, rng)).to(device)
        given = torch.from_numpy(some).long().to(device)

        def look() -> float:
            logits = maker(numbers, given).float()
            added = balance(maker.chances, logits, maker.shares, _ROUNDS)
            return margins.distance(wanted, margins.of(maker.chances(logits + added)))

        return look

    def _finish(self, groups: Array, weights: Array | None, rng: Streams) -> None:
        """Put every column right by itself, then look what the maker never makes."""
        self.lacking_ = _NOTHING
        if not len(self.domain_):
            return
        inputs = self._inputs
        chance = None if weights is None else weights / weights.sum()
        some = groups[rng.stream("context").choice(len(groups), _SETTLED, p=chance), :inputs]
        numbers = self._numbers(_SETTLED, rng)
        settle(self._maker, numbers, some)
        margins = Margins(self.groups_[inputs:], torch.device("cpu"))
        real = torch.from_numpy(groups[:, inputs:]).long()
        wanted = margins.real(real, None if weights is None else torch.from_numpy(weights).float())
        drawn = draw_rows(self._maker, numbers, some, rng)
        self.lacking_ = margins.lacking(wanted, margins.real(torch.from_numpy(drawn)), len(groups))
