"""The variational autoencoder, and the groups of codes that networks of several columns stand on."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from simulacra.domain import Axis, Block, Domain
from simulacra.errors import OptionError
from simulacra.models.table._decoders import balance, draw_groups
from simulacra.models.table._tabular import Groups
from simulacra.models.table._views import View
from simulacra.models.table.vae import Prior, Vae
from simulacra.randomness import Streams

SIGMAS = 5.0
"""A false alarm in 6e-7 of comparisons."""
ROWS = 3_000


def rows(n: int = ROWS, seed: int = 1) -> Block:
    """Three kinds of rows: zeros, whole numbers about 40, and numbers that are missing."""
    rng = Streams(seed).stream("rows")
    kind = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    amount = np.where(kind == 0, 0.0, np.where(kind == 1, rng.normal(40, 3, n), np.nan))
    count = np.rint(rng.normal(10 + 20 * kind, 2.0))
    axes = (
        Axis("kind", "kind", size=4),
        Axis("amount", "amount", missing=True, holders=10),
        Axis("count", "count", lattice=True, holders=10),
    )
    return Block(Domain(axes), (kind.astype(np.uint8), amount, count))


def groups_of(axis: Axis, values: np.ndarray, room: int, weights: np.ndarray | None = None) -> Groups:
    view = View.fit(axis, values, max_codes=1_000)
    return Groups.fit(view, view.encode(values), weights, room)


@pytest.fixture(scope="module")
def fitted() -> Vae:
    return Vae(epochs=20).fit(rows(), rng=Streams(2))


def test_rows_of_a_kind_have_what_belongs_to_it(fitted: Vae) -> None:
    kind, amount, count = fitted.sample(4_000, rng=Streams(3)).columns
    assert set(kind.tolist()) == {0, 1, 2}
    for own, wanted in ((0, amount == 0), (1, np.abs(amount - 40) < 15), (2, np.isnan(amount))):
        assert wanted[kind == own].mean() > 0.75
        assert (np.abs(count[kind == own] - 10 - 20 * own) < 10).mean() > 0.75


def test_zeros_and_gaps_come_back_in_their_shares(fitted: Vae) -> None:
    real, fake = rows().columns[1], fitted.sample(4_000, rng=Streams(3)).columns[1]
    for one, two in ((real == 0, fake == 0), (np.isnan(real), np.isnan(fake))):
        share = one.mean()
        assert abs(two.mean() - share) < SIGMAS * math.sqrt(share * (1 - share) / len(two)) + 0.005


def test_the_curve_of_rows_held_out_is_shown(fitted: Vae) -> None:
    (training,) = fitted.exhibits()
    assert set(training.detail["curve"]) == {"training", "held-out"}
    held = fitted.history_.of("held-out")
    assert min(held) < held[0]


def test_a_context_is_heeded() -> None:
    side = (np.arange(2_000) % 2).astype(np.uint8)
    number = Streams(1).stream("number").normal(6.0 * side)
    context = Block(Domain((Axis("side", "side", size=2),)), (side,))
    model = Vae(epochs=15).fit(
        Block(Domain((Axis("number", "number", holders=10),)), (number,)), context=context, rng=Streams(1)
    )
    fake = model.sample(2_000, context=context, rng=Streams(2)).columns[0]
    assert abs(fake[side == 0].mean()) < 0.6 and abs(fake[side == 1].mean() - 6) < 0.6


def test_a_column_of_5000_levels_needs_no_room_for_each() -> None:
    rng = Streams(1).stream("levels")
    level = np.minimum(rng.zipf(1.2, 4_000), 5_000) - 1
    twin = (level == 0).astype(np.uint8)
    domain = Domain((Axis("level", "level", size=5_000), Axis("twin", "twin", size=2)))
    model = Vae(epochs=5).fit(Block(domain, (level.astype(np.uint16), twin)), rng=Streams(1))
    assert max(array.size for array in model.dump()["weights"].values()) < 300_000
    fake = model.sample(1_000, rng=Streams(2)).columns
    assert np.isin(fake[0], level).all()


@pytest.mark.parametrize(
    "option", [{"latent": 0}, {"beta": 0.0}, {"beta": math.nan}, {"epochs": 1.5}, {"max_groups": 1}]
)
def test_odd_options_are_refused(option: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=next(iter(option))):
        Vae(**option)  # type: ignore[arg-type]


def test_common_values_have_groups_of_their_own_and_neighbours_share_one() -> None:
    rng = Streams(1).stream("values")
    values = np.where(rng.random(5_000) < 0.4, 0.0, rng.normal(size=5_000))
    own = groups_of(Axis("x", "x", holders=10), values, 16)
    assert len(own) <= 17
    at = own.encode(own.view.encode(values))
    zero = at[values == 0]
    assert (zero == zero[0]).all() and (at == zero[0]).sum() == (values == 0).sum()
    # apart from the spike, groups follow the order of values
    means = [values[at == group].mean() for group in range(len(own)) if group != zero[0]]
    assert means == sorted(means)
    assert own.shares.max() == pytest.approx((values == 0).mean())
    assert np.delete(own.shares, zero[0]).max() < 2 / 16


def test_values_of_a_group_come_back_in_their_proportions() -> None:
    values = np.repeat(np.arange(30, dtype=np.float64), 10 + np.arange(30))
    weights = np.where(values % 2 == 0, 3.0, 1.0)
    own = groups_of(Axis("x", "x", lattice=True, holders=10), values, 5, weights)
    assert len(own) < 30
    at = own.encode(own.view.encode(values))
    uniform = (np.arange(100_000) + 0.5) / 100_000
    for group in range(len(own)):
        inside = at == group
        wanted = np.bincount(values[inside].astype(int), weights[inside], minlength=30)
        codes = own.decode(np.full(len(uniform), group), uniform)
        found = np.bincount(own.view.decode(codes, Streams(1).stream("v")).astype(int), minlength=30)
        assert np.allclose(found / found.sum(), wanted / wanted.sum(), atol=1e-4)


def test_rare_levels_share_the_last_group_and_unseen_codes_find_one() -> None:
    codes = np.repeat(np.arange(50, dtype=np.uint8), np.arange(50, 0, -1))
    own = groups_of(Axis("c", "c", size=60), codes, 10)
    assert len(own) == 10
    assert own.encode(np.arange(9, dtype=np.uint8)).tolist() == list(range(9))
    assert (own.encode(np.arange(9, 60, dtype=np.uint8)) == 9).all()
    state = Groups.restore(own.dump())
    assert np.array_equal(state.members, own.members) and np.array_equal(state.ends, own.ends)


def test_the_prior_is_the_density_of_a_mixture() -> None:
    torch.manual_seed(1)
    prior, points = Prior(3, 2), torch.randn(5, 2)
    with torch.no_grad():
        prior.spread.normal_(0, 0.3)
        prior.chance.copy_(torch.tensor([0.1, 0.5, -0.2]))
        shares = torch.softmax(prior.chance, 0)
        each = torch.distributions.Normal(prior.middle, prior.spread.exp()).log_prob(points[:, None]).sum(2)
        wanted = torch.logsumexp(each + shares.log(), 1) + math.log(2 * math.pi)
        assert torch.allclose(prior(points), wanted, atol=1e-4)


def test_balance_gives_groups_the_shares_that_are_asked() -> None:
    logits = torch.from_numpy(Streams(1).stream("logits").normal(size=(500, 4), scale=3.0))
    shares = torch.tensor([0.05, 0.15, 0.3, 0.5], dtype=torch.float64)

    def chances(given: torch.Tensor) -> list[torch.Tensor]:
        return [torch.softmax(given, 1)]

    added = balance(chances, logits, shares, 60)
    assert torch.allclose(chances(logits + added)[0].mean(0), shares, atol=1e-3)


def test_groups_are_drawn_by_their_chances() -> None:
    chance = torch.tensor([[0.2, 0.0, 0.8]], dtype=torch.float64).repeat(3, 1)
    drawn = draw_groups([chance], torch.tensor([[0.1], [0.3], [0.999]], dtype=torch.float64))
    assert drawn[:, 0].tolist() == [0, 2, 2]
