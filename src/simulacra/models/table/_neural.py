"""The training loop that all networks share: batches, early stopping, averaged weights, checkpoints, seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from simulacra.domain import Array
from simulacra.errors import OptionError
from simulacra.exhibit import Exhibit
from simulacra.generator import Generator, Progress, silent
from simulacra.models.table._batches import Rows
from simulacra.models.table._checkpoints import Keeper, fingerprint
from simulacra.models.table._curves import HELD_OUT, History, sparkline
from simulacra.models.table._tensors import DEVICES, choose_device, mixed, noise, pinned
from simulacra.randomness import Streams

Loss = Callable[[tuple[Tensor, ...], torch.Generator], Tensor]
"""Given a batch of rows and the randomness of this step, the loss to make small."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How long and how fast a network learns.

    Parameters
    ----------
    batch : int
        Rows of a step.
    steps : int
        Steps at most.
    rate : float
        Highest learning rate, reached after `warmup` steps; from there it falls along a cosine.
    end : float
        Share of the rate that is left at the last step; 1 keeps it.
    warmup : int
        Steps in which the rate rises.
    shrink : float
        Weight decay (AdamW).
    clip : float or None
        Longest gradient; longer ones are shortened.
    ema : float
        Share of the averaged weights that stays in every step; 0 averages nothing.
    check : int
        Steps from one look at the held-out rows (and checkpoint) to the next.
    patience : int
        Looks without a better one after which learning ends; 0 goes on to the last step.
    gain : float
        A look is better only if it wins this share of what was won since before the first step: what is won after
        that is bought by learning single rows by heart.
    """

    batch: int = 512
    steps: int = 5_000
    rate: float = 2e-3
    end: float = 0.05
    warmup: int = 100
    shrink: float = 0.0
    clip: float | None = 1.0
    ema: float = 0.99
    check: int = 100
    patience: int = 8
    gain: float = 0.0

    def share(self, step: int) -> float:
        """Return the share of the highest rate at a step."""
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        done = (step - self.warmup) / max(self.steps - self.warmup, 1)
        return self.end + (1 - self.end) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


@dataclass(frozen=True, kw_only=True)
class Player:
    """Some parameters, and what they are to make small; most networks have one player, adversaries are two.

    Parameters
    ----------
    parameters : list of Parameter
        What this player changes.
    loss : callable
        Its loss.
    name : str
        The name of its curve in the history.
    times : int
        Updates in every step, each with a batch of its own.
    rate : float
        Factor of the recipe's learning rate.
    betas : tuple of float
        How long Adam remembers gradients and their squares.
    shown : bool
        Whether progress tells its curve, beside that of the rows held out.
    """

    parameters: Sequence[nn.Parameter]
    loss: Loss
    name: str = "training"
    times: int = 1
    rate: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    shown: bool = False


@dataclass(kw_only=True)
class Network(Generator):
    """Base of models that are networks.

    A subclass calls `_train` once in `fit`, and puts ``history_`` into its state by ``self.history_.dump()``.

    Parameters
    ----------
    device : str
        ``auto`` takes a GPU where there is one; ``cpu``; ``cuda``.
    checkpoint : str or None
        A file that keeps everything while the network learns: a fit that was cut short goes on from it, and ends as
        if it had not been. Delete it when the fit is done.
    """

    device: str = "auto"
    checkpoint: str | None = None

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise OptionError(f"device is 'auto', 'cpu' or 'cuda', not {self.device!r}.")

    def options(self) -> dict[str, Any]:
        """Return the hyperparameters; where it was computed and what was kept of it make no other model."""
        return {
            name: value for name, value in super().options().items() if name not in {"device", "checkpoint"}
        }

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Show the curves of learning; see `Exhibiting`."""
        if not self.history_.step:
            return ()
        return (Exhibit("Training", self.history_.words(), self.history_.frame()),)

    def _train(
        self,
        network: nn.Module,
        players: Sequence[Player],
        rows: Sequence[Array],
        recipe: Recipe,
        *,
        rng: Streams,
        judge: Callable[[], float] | None = None,
        weights: Array | None = None,
        progress: Progress = silent,
    ) -> None:
        """Train on the device that was asked for, and keep the history; see `train`."""
        self.history_: History = train(
            network, players, rows, recipe, rng=rng, judge=judge, weights=weights,
            device=choose_device(self.device), checkpoint=self.checkpoint, progress=progress,
        )  # fmt: skip


def train(
    network: nn.Module,
    players: Sequence[Player],
    rows: Sequence[Array],
    recipe: Recipe,
    *,
    rng: Streams,
    judge: Callable[[], float] | None = None,
    weights: Array | None = None,
    device: torch.device | None = None,
    checkpoint: str | None = None,
    progress: Progress = silent,
) -> History:
    """Train a network; in the end it holds its best averaged weights, on the device.

    Parameters
    ----------
    network : Module
        All that learns; made within `seeded`.
    players : sequence of Player
        Whose turn it is, in order, in every step.
    rows : sequence of array
        Arrays with one entry per row; a batch is a tuple of tensors of them.
    recipe : Recipe
        How long and how fast.
    rng : Streams
        Where randomness comes from.
    judge : callable or None
        What is looked at every `recipe.check` steps with averaged weights and no gradients: the smaller the better.
        The weights of the best look are kept; without a judge, the last ones.
    weights : array or None
        Row weights: rows come into batches in proportion to them.
    device : device or None
        Where to compute; the CPU when None.
    checkpoint : str or None
        A file in which everything is kept from look to look. If it is there, learning goes on from it.
    progress : callable
        Told the share done, and words of the curve.

    Returns
    -------
    History
        The curves: that of each player, and ``held-out`` where there is a judge.

    Notes ----- On the CPU the same rows, recipe and seed give the same bytes on the same kind of machine and version
    of torch, with any number of cores: one thread computes. Other processors and GPUs round differently.
    """
    device = device or torch.device("cpu")
    with pinned():
        run = _Run(
            network.to(device), players, Rows.of(rows, weights, recipe.batch, device), recipe, rng, device
        )
        keeper = None
        if checkpoint is not None:
            keeper = Keeper(Path(checkpoint), fingerprint(rows, weights, repr(recipe), str(rng)))
            run.resume(keeper)
        run.go(judge, keeper, progress)
    return run.history


class _Run:
    """One run of the loop: what changes from step to step."""

    def __init__(
        self,
        network: nn.Module,
        players: Sequence[Player],
        rows: Rows,
        recipe: Recipe,
        rng: Streams,
        device: torch.device,
    ) -> None:
        self.network, self.players, self.rows = network, players, rows
        self.recipe, self.rng, self.device = recipe, rng, device
        self.optimizers = [
            torch.optim.AdamW(
                player.parameters, recipe.rate, betas=player.betas, weight_decay=recipe.shrink, fused=True
            )
            for player in players
        ]
        self.live = [p for p in network.state_dict().values() if p.is_floating_point()]
        self.average = [p.clone() for p in self.live]
        self.best = [p.clone() for p in self.live]
        self.history = History()
        self.lowest, self.waited, self.step = math.inf, 0, 0
        self.epoch, self.order = -1, torch.empty(0)

    def go(self, judge: Callable[[], float] | None, keeper: Keeper | None, progress: Progress) -> None:
        """Take step after step until the last one, or until no look is better than those before."""
        recipe = self.recipe
        sums: list[Tensor] = []
        if judge is not None and recipe.gain and not self.history.step:
            self._judge(judge)
        while self.step < recipe.steps and not (recipe.patience and self.waited >= recipe.patience):
            sums.append(self._advance())
            if self.step % recipe.check and self.step < recipe.steps:
                continue
            self._look(torch.stack(sums).mean(0), judge)
            sums.clear()
            if keeper is not None:
                keeper.write(self._state(), self.history.dump(), self._numbers())
            progress(self.step / recipe.steps, self._words())
        _copy(self.live, self.best if judge is not None else self.average)
        self.network.eval()

    def resume(self, keeper: Keeper) -> None:
        """Go on from a checkpoint, if there is one."""
        found = keeper.read()
        if found is None:
            return
        state, history, numbers = found
        _copy([*self.live, *self.average, *self.best], [torch.from_numpy(a) for a in state["weights"]])
        for optimizer, values in zip(self.optimizers, state["optimizers"]):
            own = optimizer.state_dict()
            own["state"] = {
                int(at): {key: torch.from_numpy(value) for key, value in kept.items()}
                for at, kept in values.items()
            }
            optimizer.load_state_dict(own)
        self.history = History.restore(history)
        self.lowest, self.waited, self.step = numbers["lowest"], int(numbers["waited"]), int(numbers["step"])

    def _advance(self) -> Tensor:
        """Take one step; return the losses of the players."""
        self.network.train()
        source = noise(self.rng, "noise", self.step, device=self.device)
        rate, losses = self.recipe.rate * self.recipe.share(self.step), []
        batch = self.step * sum(player.times for player in self.players)
        for player, optimizer in zip(self.players, self.optimizers):
            optimizer.param_groups[0]["lr"] = rate * player.rate
            for _ in range(player.times):
                with mixed(self.device):
                    loss = player.loss(self._batch(batch), source)
                batch += 1
                grads = torch.autograd.grad(loss, list(player.parameters), allow_unused=True)
                for parameter, grad in zip(player.parameters, grads):
                    parameter.grad = grad
                if self.recipe.clip is not None:
                    nn.utils.clip_grad_norm_(player.parameters, self.recipe.clip)
                optimizer.step()
            losses.append(loss.detach().float())
        self.step += 1
        with torch.no_grad():
            stays = min(self.recipe.ema, self.step / (self.step + 10)) if self.recipe.ema else 0.0
            torch._foreach_lerp_(self.average, self.live, 1 - stays)
        return torch.stack(losses)

    def _batch(self, number: int) -> tuple[Tensor, ...]:
        epoch, place = divmod(number, self.rows.per_epoch)
        if epoch != self.epoch:
            self.epoch, self.order = epoch, self.rows.shuffled(epoch, self.rng)
        return self.rows.take(self.order, place)

    def _look(self, losses: Tensor, judge: Callable[[], float] | None) -> None:
        for player, loss in zip(self.players, losses.tolist()):
            self.history.add(self.step, player.name, loss)
        if judge is not None:
            self._judge(judge)

    def _judge(self, judge: Callable[[], float]) -> None:
        kept = [p.clone() for p in self.live]
        _copy(self.live, self.average)
        self.network.eval()
        with torch.no_grad(), mixed(self.device):
            value = float(judge())
        _copy(self.live, kept)
        self.history.add(self.step, HELD_OUT, value)
        won = self.history.of(HELD_OUT)[0] - self.lowest if math.isfinite(self.lowest) else 0.0
        if value < self.lowest - self.recipe.gain * won:
            self.lowest, self.waited = value, 0
            _copy(self.best, self.average)
        else:
            self.waited += 1

    def _words(self) -> str:
        epoch = self.step * sum(player.times for player in self.players) // self.rows.per_epoch
        curves = [HELD_OUT if HELD_OUT in self.history.curve else self.players[0].name]
        curves += [player.name for player in self.players if player.shown]
        told = {curve: self.history.of(curve) for curve in curves}
        return f"epoch {epoch}, " + ", ".join(
            f"{curve} {values[-1]:.3f} {sparkline(values)}" for curve, values in told.items()
        )

    def _state(self) -> dict[str, Any]:
        weights = [p.detach().cpu().numpy() for p in (*self.live, *self.average, *self.best)]
        optimizers = [
            # a parameter that no loss looked at has no entry
            {
                str(at): {key: value.detach().cpu().numpy() for key, value in kept.items()}
                for at, kept in optimizer.state_dict()["state"].items()
            }
            for optimizer in self.optimizers
        ]
        return {"weights": weights, "optimizers": optimizers}

    def _numbers(self) -> dict[str, float]:
        return {"lowest": self.lowest, "waited": self.waited, "step": self.step}


def _copy(target: Sequence[Tensor], source: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for into, out in zip(target, source, strict=True):
            into.copy_(out)
