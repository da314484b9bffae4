"""A variational autoencoder: rows are squeezed into a few random numbers, and rows are made from such numbers anew.

An encoder turns every row into a cloud of numbers, and a decoder turns numbers into the chances of some dozens of
groups for each column: levels, exact values, or neighbouring bins. Both learn together to tell rows well by clouds
that lie where a mixture of bell curves, learnt as well, draws numbers. Learning stops when rows that were held out
get no likelier. In the end the chances are corrected so that each column by itself is as in the data.

It learns smooth relations of all columns at once, and makes rows that resemble many training rows. It can not learn
relations finer than a group (numbers within one are drawn as the data hold them, whatever the rest of the row), rules
that hold exactly, or what a rare level of a very large vocabulary goes with: beyond the commonest levels all share
one group. Cost: linear in rows up to a number of steps, and in columns. Some 25 seconds of one core for 10,000 rows
of 18 columns; a GPU is used where there is one.

Source: Kingma and Welling 2014, "Auto-encoding variational Bayes"; Xu, Skoularidou, Cuesta-Infante and Veeramachaneni
2019, "Modeling tabular data using conditional GAN", section 4.5 (TVAE; here numbers are groups as well, in place of
modes); Dilokthanakul et al. 2016, "Deep unsupervised clustering with Gaussian mixture variational autoencoders" (a
prior that is a mixture); groups told as categories after van den Oord, Kalchbrenner and Kavukcuoglu 2016, "Pixel
recurrent neural networks", section 3.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simulacra.domain import Array, Block
from simulacra.errors import OptionError
from simulacra.generator import Progress, silent
from simulacra.models.table._batches import hold_out
from simulacra.models.table._curves import History
from simulacra.models.table._decoders import Decoder, Hidden, Lines, draw_rows, settle
from simulacra.models.table._neural import Player, Recipe
from simulacra.models.table._tabular import Groups, Pace, Tabular, check_sizes
from simulacra.models.table._tensors import choose_device, dump_network, restore_network, seeded
from simulacra.randomness import Streams

_LEAST_CHECK, _PATIENCE = 25, 4
"""Steps between two looks at held-out rows at least, and looks without a better one that are waited for."""
_RATE = 5e-3
_SETTLED = 8_192
"""Rows by which each column is put right in the end."""
_NARROW = -1.0
"""Log of how wide clouds are at first: narrow ones, so that the decoder learns to heed them."""


@dataclass(kw_only=True)
class Vae(Tabular):
    """Variational autoencoder of mixed columns, with a learnt prior.

    Parameters
    ----------
    latent : int
        Random numbers that a row is made of.
    hidden : int
        Units of a hidden layer of encoder and decoder. More learn finer relations and cost in proportion.
    layers : int
        Hidden layers of each.
    components : int
        Bell curves of the mixture from which the numbers are drawn.
    max_groups : int
        Groups of a column at most: how finely relations are told.
    beta : float
        What a bit of the cloud costs, beside a bit of the row; 1 is the evidence lower bound. Below, rows are told
        more sharply, and drawn rows resemble them less; above, clouds say less of single rows.
    epochs : int
        Times that rows are seen at most; learning mostly stops before.
    device : str
        ``auto`` takes a GPU where there is one; ``cpu``; ``cuda``. Rows are always drawn on the CPU.
    checkpoint : str or None
        A file from which a fit that was cut short goes on.

    Notes
    -----
    **Cost.** A step costs rows of the batch times hidden units times the groups of all columns.

    **Randomness.** The same data and seed give the same model on one kind of machine, with any number of cores.
    Another kind of processor, or a GPU, rounds differently.

    **Privacy.** The state holds weights, and counts of values that enough rows hold. Learning stops before single
    rows are learnt by heart; there is no formal guarantee.

    **Source.** Kingma and Welling 2014; Xu et al. 2019, section 4.5; Dilokthanakul et al. 2016.

    Examples
    --------
    >>> from simulacra.domain import Axis, Domain
    >>> a = np.arange(2000, dtype=np.uint8) % 4
    >>> block = Block(Domain((Axis("a", "a", size=4), Axis("b", "b", size=2))), (a, a // 2))
    >>> fake = Vae(epochs=30).fit(block, rng=Streams(1)).sample(200, rng=Streams(2))
    >>> bool((fake.columns[0] // 2 == fake.columns[1]).mean() > 0.8)
    True
    """

    latent: int = 16
    hidden: int = 256
    layers: int = 1
    components: int = 64
    max_groups: int = 64
    beta: float = 0.5
    epochs: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes("vae", self, latent=1, hidden=1, layers=1, components=1, max_groups=2, epochs=1)
        if not 0 < self.beta < math.inf:
            raise OptionError(f"model 'vae': beta is a number above 0, not {self.beta!r}.")

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        groups = self._learn_groups(block, context, room=self.max_groups)
        with seeded(rng):
            network = self._make()
        if len(block.domain):
            self._learn(network, groups, block, rng, progress)
        else:
            self.history_ = History()
        self._network = network.cpu().eval()
        chance = None if block.weights is None else block.weights / block.weights.sum()
        some = groups[rng.stream("settled").choice(len(groups), _SETTLED, p=chance)]
        settle(network.decoder, self._numbers(_SETTLED, rng.at("settled")), some[:, : self._inputs])
        progress(1.0, "network trained")
        return self

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        given = self._given(n, context)
        if not len(self.domain_):
            return Block(self.domain_, (), rows=n)
        return self._values(draw_rows(self._network.decoder, self._numbers(n, rng), given, rng), rng)

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        return {
            **self._dump_groups(),
            "weights": dump_network(self._network),
            "history": self.history_.dump(),
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self._restore_groups(state)
        self.history_ = History.restore(state["history"])
        with seeded(Streams(0)):
            self._network = self._make()
        restore_network(self._network, state["weights"])
        return self

    def work(self, rows: int, axes: int) -> float:
        """Return how much work fitting is; see `Generator.work`."""
        pace = Pace.of(rows, self.epochs)
        return float(pace.steps * pace.batch * axes + 10 * rows * axes)

    def room(self, rows: int, axes: int) -> float:
        """Return the bytes that fitting needs beside the block itself; see `Generator.room`."""
        lines = axes * self.max_groups
        return 16.0 * rows * axes + 60.0 * lines * self.hidden + 12.0 * (_SETTLED + rows / 10) * lines

    def _make(self) -> Autoencoder:
        return Autoencoder(self.groups_, self._inputs, self.latent, self.hidden, self.layers, self.components)

    def _numbers(self, n: int, rng: Streams) -> Array:
        """Draw what makes rows differ, shape (rows, latent)."""
        prior = self._network.prior
        chance = np.cumsum(torch.softmax(prior.chance.detach().double(), 0).numpy())
        which = np.searchsorted(chance, rng.stream("component").random(n))
        which = np.minimum(which, len(chance) - 1)
        noise = rng.stream("number").standard_normal((n, self.latent), np.float32)
        middle, spread = prior.middle.detach().numpy(), np.exp(prior.spread.detach().numpy())
        return np.asarray(middle[which] + spread[which] * noise, np.float32)

    def _learn(
        self, network: Autoencoder, groups: Array, block: Block, rng: Streams, progress: Progress
    ) -> None:
        """Train the network by the evidence lower bound."""
        device = choose_device(self.device)
        learn, held = hold_out(len(block), rng, owners=block.owners)
        unseen = torch.from_numpy(groups[held]).long().to(device)
        fixed = rng.stream("held noise").standard_normal((len(held), self.latent), np.float32)
        noise = torch.from_numpy(fixed).to(device)
        mass = torch.ones(len(held)) if block.weights is None else torch.from_numpy(block.weights[held])
        mass = (mass / mass.sum()).float().to(device)

        def loss(rows: tuple[Tensor, ...], source: torch.Generator) -> Tensor:
            drawn = torch.randn(len(rows[0]), self.latent, generator=source, device=device)
            return network.losses(rows[0].long(), drawn, self.beta).mean()

        def judge() -> float:
            parts = zip(unseen.split(_SETTLED), noise.split(_SETTLED), mass.split(_SETTLED))
            return float(
                sum((network.losses(rows, own, self.beta) * share).sum() for rows, own, share in parts)
            )

        pace = Pace.of(len(learn), self.epochs)
        recipe = Recipe(
            batch=pace.batch, steps=pace.steps, check=max(2 * pace.per_epoch, _LEAST_CHECK),
            rate=_RATE, patience=_PATIENCE, ema=0.995, clip=5.0,
        )  # fmt: skip
        self._train(
            network, [Player(parameters=list(network.parameters()), loss=loss)], [groups[learn]], recipe,
            rng=rng, judge=judge, weights=None if block.weights is None else block.weights[learn],
            progress=progress,
        )  # fmt: skip


class Prior(nn.Module):
    """A mixture of bell curves, each with a middle and a width along every number."""

    def __init__(self, components: int, latent: int) -> None:
        super().__init__()
        self.chance = nn.Parameter(torch.zeros(components))
        self.middle = nn.Parameter(0.5 * torch.randn(components, latent))
        self.spread = nn.Parameter(torch.zeros(components, latent))

    def forward(self, numbers: Tensor) -> Tensor:
        """Return the log of the density of numbers, without the constant; shape (rows,)."""
        # float32 throughout: squares of sums cancel
        with torch.autocast(numbers.device.type, enabled=False):
            numbers, sharp = numbers.float(), torch.exp(-2 * self.spread)
            squares = (
                numbers.square() @ sharp.T
                - 2 * numbers @ (self.middle * sharp).T
                + (self.middle.square() * sharp).sum(1)
            )
            parts = torch.log_softmax(self.chance, 0) - 0.5 * squares - self.spread.sum(1)
            return torch.logsumexp(parts, 1)


class Autoencoder(nn.Module):
    """Encoder, prior and decoder."""

    def __init__(
        self, columns: list[Groups], inputs: int, latent: int, hidden: int, layers: int, components: int
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.enter = Lines(columns, hidden, 0.5)
        self.hidden = Hidden(hidden, layers)
        self.leave = nn.Linear(hidden, 2 * latent)
        with torch.no_grad():
            self.leave.bias[latent:] += _NARROW
        self.prior = Prior(components, latent)
        self.decoder = Decoder(columns, inputs, latent, hidden, layers)

    def losses(self, groups: Tensor, noise: Tensor, beta: float) -> Tensor:
        """Return what each row costs: telling it by its cloud, and beta times what the cloud says; shape (rows,)."""
        units = self.hidden(self.enter.add(groups))
        mean, spread = self.leave(F.layer_norm(units, units.shape[1:])).float().chunk(2, 1)
        spread = spread.clamp(-7, 3)
        numbers = mean + torch.exp(spread) * noise
        logits = self.decoder(numbers, groups[:, : self.inputs])
        told = (-0.5 * noise.square() - spread).sum(1) - self.prior(numbers)
        return self.decoder.losses(logits, groups[:, self.inputs :]) + beta * told
