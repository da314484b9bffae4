"""The autoregressive network: conditionals in any order, known values, densities, large vocabularies, devices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

import simulacra as sim
from simulacra.domain import Axis, Block, Domain, Support
from simulacra.errors import DataError, OptionError
from simulacra.generator import Dense, Exhibiting, Reorderable, Sequential, Tabled
from simulacra.models.table._anyorder import AnyOrder, Codes, Shape
from simulacra.models.table._tensors import seeded
from simulacra.models.table.autoregressive import Autoregressive
from simulacra.randomness import Streams

ROWS = 3_000
TABLE = np.array([[0.30, 0.05, 0.05], [0.02, 0.28, 0.10], [0.04, 0.01, 0.15]])
"""Chances of two columns of three levels."""


def pairs(rows: int = ROWS) -> Block:
    """Two columns of `TABLE`, and a number that their sum shifts."""
    rng = np.random.default_rng(5)
    a, b = np.divmod(rng.choice(9, rows, p=TABLE.ravel()), 3)
    x = rng.normal(4.0 * (a + b), 1.0)
    axes = (Axis("a", "a", size=3), Axis("b", "b", size=3), Axis("x", "x", holders=10))
    return Block(Domain(axes), (a.astype(np.uint8), b.astype(np.uint8), x))


@pytest.fixture(scope="module")
def model() -> Autoregressive:
    return Autoregressive(hidden=32, epochs=15, gain=0.0).fit(pairs(), rng=Streams(1))


def test_it_has_the_abilities_that_conditions_stand_on(model: Autoregressive) -> None:
    for ability in (Sequential, Tabled, Dense, Reorderable, Exhibiting):
        assert isinstance(model, ability)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_any_order_draws_the_same_joint(model: Autoregressive, order: tuple[int, ...]) -> None:
    fake = model.ordered(order).sample(20_000, rng=Streams(2))
    found = np.bincount(fake.columns[0] * 3 + fake.columns[1], minlength=9) / 20_000
    # standard error of a share of 3,000 training rows: below .0085; the network adds its own
    assert np.abs(found - TABLE.ravel()).max() < 0.035
    means = [fake.columns[2][fake.columns[0] + fake.columns[1] == total].mean() for total in (0, 2, 4)]
    assert np.allclose(means, [0.0, 8.0, 16.0], atol=0.6)


def test_known_values_come_first_and_lose_nothing(model: Autoregressive) -> None:
    other, rng = model.ordered([2]), Streams(3)
    draft = other.start(2_000)
    other.step(draft, 2, given=np.full(2_000, 8.0), rng=rng)
    for axis in other.order[1:]:
        assert np.array_equal(other.step(draft, axis, rng=rng), np.zeros(2_000))
    fake = other.finish(draft, rng)
    total = fake.columns[0] + fake.columns[1]
    # by Bayes: N(8; 4 t, 1) leaves a sum of 2 nearly alone, and its pairs in the proportions of the table
    assert (total == 2).mean() > 0.9
    share = np.bincount(fake.columns[0][total == 2], minlength=3) / (total == 2).sum()
    wanted = np.array([TABLE[0, 2], TABLE[1, 1], TABLE[2, 0]]) / (TABLE[0, 2] + TABLE[1, 1] + TABLE[2, 0])
    assert np.abs(share - wanted).max() < 0.12


def test_densities_are_those_of_the_table(model: Autoregressive) -> None:
    a, b = (part.ravel().astype(np.uint8) for part in np.indices((3, 3)))
    told = model.log_density(Block(pairs().domain, (a, b, np.zeros(9))))
    found = np.exp(told[:, 0] + told[:, 1])
    assert found.sum() == pytest.approx(1.0, abs=1e-6)
    assert np.abs(found - TABLE.ravel()).max() < 0.03


def test_limits_are_kept_and_weighed(model: Autoregressive) -> None:
    draft, rng = model.start(4_000), Streams(4)
    log = model.step(draft, 0, support=Support(levels=np.array([0.0, 1.0, 1.0])), rng=rng)
    assert np.exp(log).mean() == pytest.approx(TABLE[1:].sum(), abs=0.03)
    assert set(np.unique(model.codes(draft, 0))) == {1, 2}


def test_the_state_gives_the_same_bytes(model: Autoregressive) -> None:
    other = Autoregressive(**model.options()).restore(model.dump())
    one, two = (own.sample(300, rng=Streams(5)) for own in (model, other))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one.columns, two.columns))
    assert other.history_ == model.history_


def test_threads_do_not_change_bytes(model: Autoregressive) -> None:
    before = torch.get_num_threads()
    made = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            made.append(model.sample(5_000, rng=Streams(6)).columns[2].tobytes())
    finally:
        torch.set_num_threads(before)
    assert made[0] == made[1]


def test_a_large_vocabulary_is_told_by_groups() -> None:
    shape = Shape((3, 700), 0, 4, 8, 1)
    with seeded(Streams(1)):
        network = AnyOrder(shape)
    codes = torch.stack([torch.arange(700) % 3, torch.arange(700)], 1)
    chances = network.chances(codes[:, :1], [0], 1)
    assert chances.shape == (700, 700)
    assert torch.allclose(chances.sum(1), torch.ones(700, dtype=torch.float64))
    losses = network.losses(codes, torch.tensor([[[0.0, 0.0], [1.0, 0.0]]]))
    told = chances[torch.arange(700), codes[:, 1]].log()
    assert torch.allclose(losses[1].double(), -told, atol=1e-4), "what is learnt is what is drawn"
    settled = network.settle().chances(codes[:, :1], [0], 1)
    assert torch.allclose(chances, settled)


def test_levels_of_a_large_vocabulary_come_out() -> None:
    rng = np.random.default_rng(1)
    city = rng.integers(0, 2_000, 4_000).astype(np.uint16)
    axes = (Axis("city", "city", size=2_000), Axis("even", "even", size=2))
    model = Autoregressive(hidden=32, epochs=4)
    model.fit(Block(Domain(axes), (city, (city % 2).astype(np.uint8))), rng=Streams(1))
    fake = model.sample(4_000, rng=Streams(2)).columns[0]
    assert set(fake) <= set(city), "a level that no row had is never drawn"
    # about 1,730 different ones are expected of 4,000 even draws
    assert len(set(fake)) > 1_400


def test_too_many_levels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulacra.models.table.autoregressive._LEVELS", 10)
    block = Block(Domain((Axis("id", "id", size=20),)), (np.arange(20, dtype=np.uint8),))
    with pytest.raises(DataError, match="'id': 20 levels occur, and this model takes at most 10"):
        Autoregressive().fit(block, rng=Streams(1))


def test_a_level_never_seen_counts_as_unknown() -> None:
    codes = Codes.of(np.array([1, 3]), 5)
    assert codes.place.tolist() == [2, 0, 2, 1, 2]
    shape = Shape((2, 2), 0, 4, 8, 1)
    with seeded(Streams(1)):
        network = AnyOrder(shape)
    unseen = network.chances(torch.tensor([[2]]), [0], 1)
    unknown = network.chances(torch.zeros(1, 0, dtype=torch.int64), [], 1)
    assert torch.allclose(unseen, unknown)


def test_a_fit_cut_short_goes_on(tmp_path: Path, model: Autoregressive) -> None:
    path = tmp_path / "run.npz"

    def stop(share: float, step: str) -> None:
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Autoregressive(hidden=32, epochs=15, gain=0.0, checkpoint=str(path)).fit(
            pairs(), rng=Streams(1), progress=stop
        )
    assert path.exists()
    other = Autoregressive(hidden=32, epochs=15, gain=0.0, checkpoint=str(path)).fit(pairs(), rng=Streams(1))
    one, two = (own.sample(300, rng=Streams(5)) for own in (model, other))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one.columns, two.columns))
    assert "checkpoint" not in other.options()


def test_a_larger_gain_stops_sooner(model: Autoregressive) -> None:
    sooner = Autoregressive(hidden=32, epochs=15, gain=0.3).fit(pairs(), rng=Streams(1))
    assert sooner.history_.step[-1] < model.history_.step[-1]


def test_curves_are_shown(model: Autoregressive) -> None:
    (exhibit,) = model.exhibits()
    assert set(exhibit.detail["curve"]) == {"training", "held-out"}
    steps: list[str] = []
    Autoregressive(epochs=2, hidden=8).fit(
        pairs(200), rng=Streams(1), progress=lambda _, word: steps.append(word)
    )
    assert any(word.startswith("epoch") and "held-out" in word for word in steps)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden": 0}, "hidden is a whole number from 1"),
        ({"any_order": 1.5}, "any_order is from 0 to 1"),
        ({"gain": -0.1}, "gain is from 0 to below 1"),
        ({"dropout": 1.0}, "dropout is from 0 to below 1"),
        ({"device": "tpu"}, "device is 'auto', 'cpu' or 'cuda'"),
    ],
)
def test_options_are_checked(options: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Autoregressive(**options)  # type: ignore[arg-type]


def test_conditions_and_gaps_put_what_is_known_first(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    a = rng.integers(0, 4, 2_000)
    frame = pl.DataFrame({"x": rng.normal(5.0 * a, 1.0).round(2), "a": [f"l{i}" for i in a]})
    model = sim.fit(frame, "autoregressive", seed=1, hidden=32, gain=0.0)
    asked: list[tuple[int, ...]] = []
    old = Autoregressive.ordered

    def spy(self: Autoregressive, first: tuple[int, ...]) -> Autoregressive:
        asked.append(tuple(first))
        return old(self, first)

    monkeypatch.setattr(Autoregressive, "ordered", spy)
    fake = model.sample(400, where="a = 'l3'", seed=2).frame
    assert set(fake["a"]) == {"l3"} and abs(fake["x"].mean() - 15.0) < 0.6
    assert asked == [(1,)]
    filled = sim.impute(pl.DataFrame({"a": ["l0"] * 50}), model, seed=3).frame
    assert set(asked) == {(1,)}
    # standard error of a mean of 50: .14
    assert abs(filled["x"].mean()) < 0.9
