"""The training loop of networks: seeds, threads, early stopping, weights, adversaries, checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from simulacra.domain import Array
from simulacra.errors import ModelFileError, OptionError
from simulacra.models.table._batches import Rows, hold_out
from simulacra.models.table._curves import History, sparkline
from simulacra.models.table._neural import Player, Recipe, train
from simulacra.models.table._tensors import (
    choose_device,
    drop,
    dump_network,
    noise,
    pinned,
    restore_network,
    seeded,
)
from simulacra.randomness import Streams

CPU = torch.device("cpu")
QUICK = Recipe(batch=32, steps=60, check=10, patience=0)


class CutShort(Exception):
    pass


def line(rows: int = 400) -> tuple[Array, Array]:
    x = np.random.default_rng(1).normal(size=(rows, 2)).astype(np.float32)
    return x, (x @ np.array([2.0, -1.0], np.float32))


def fitted(
    recipe: Recipe = QUICK, *, seed: int = 1, dropout: float = 0.1, stop: float = 2.0, **options: Any
) -> tuple[nn.Linear, History]:
    """Learn y = 2 a - b; the loop is broken off at a share of the work."""
    rng = Streams(seed)
    x, y = line()
    with seeded(rng):
        network = nn.Linear(2, 1)
        # first in the list of parameters, and never asked
        idle = nn.Parameter(torch.ones(3))

    def loss(rows: tuple[torch.Tensor, ...], source: torch.Generator) -> torch.Tensor:
        return ((network(drop(rows[0], dropout, source))[:, 0] - rows[1]) ** 2).mean()

    def judge() -> float:
        return float(((network(torch.from_numpy(x))[:, 0] - torch.from_numpy(y)) ** 2).mean())

    def progress(share: float, step: str) -> None:
        if share >= stop:
            raise CutShort(step)

    player = Player(parameters=[idle, *network.parameters()], loss=loss)
    history = train(network, [player], [x, y], recipe, rng=rng, judge=judge, progress=progress, **options)
    return network, history


def bytes_of(network: nn.Module) -> bytes:
    return b"".join(value.tobytes() for value in dump_network(network).values())


def test_a_network_learns_what_rows_say() -> None:
    network, history = fitted(Recipe(batch=32, steps=400, rate=0.05, check=50, ema=0.9), dropout=0.0)
    assert np.allclose(network.weight.detach().numpy(), [[2.0, -1.0]], atol=0.05)
    assert min(history.of("held-out")) < 0.01
    assert set(history.curve) == {"training", "held-out"}


def test_bytes_depend_on_the_seed_and_not_on_threads() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = bytes_of(fitted()[0])
        torch.set_num_threads(2)
        two = bytes_of(fitted()[0])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert one == two
    assert one != bytes_of(fitted(seed=2)[0])


def test_the_global_state_of_torch_is_left_alone() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    fitted()
    assert torch.equal(torch.rand(3), wanted)


def test_pins_of_several_threads_are_put_back_once() -> None:
    before = torch.get_num_threads()
    with pinned():
        with pinned():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_a_fit_cut_short_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    whole, curves = fitted()
    with pytest.raises(CutShort):
        fitted(stop=0.5, checkpoint=str(path))
    rest, after = fitted(checkpoint=str(path))
    assert bytes_of(rest) == bytes_of(whole)
    assert after == curves
    # what is finished is not learnt again
    with pytest.raises(CutShort):
        fitted(stop=0.0, checkpoint=str(tmp_path / "other.npz"))
    assert bytes_of(fitted(stop=0.0, checkpoint=str(path))[0]) == bytes_of(whole)
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_a_checkpoint_of_another_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    fitted(checkpoint=str(path))
    with pytest.raises(OptionError, match="of another fit"):
        fitted(seed=2, checkpoint=str(path))
    with pytest.raises(OptionError, match="of another fit"):
        fitted(Recipe(batch=16, steps=60, check=10), checkpoint=str(path))
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelFileError, match="no checkpoint"):
        fitted(checkpoint=str(path))


def test_learning_stops_when_held_out_rows_do_not_get_likelier() -> None:
    values = iter([3.0, 2.0, 1.0, 1.5, 1.5, 0.5])
    kept: list[bytes] = []
    network = nn.Linear(2, 1)

    def judge() -> float:
        kept.append(bytes_of(network))
        return next(values)

    def loss(rows: tuple[torch.Tensor, ...], source: torch.Generator) -> torch.Tensor:
        return (network(rows[0]) ** 2).mean()

    recipe = Recipe(batch=32, steps=600, check=10, patience=2)
    player = Player(parameters=list(network.parameters()), loss=loss)
    history = train(network, [player], [line()[0]], recipe, rng=Streams(1), judge=judge)
    assert history.of("held-out") == [3.0, 2.0, 1.0, 1.5, 1.5]
    assert history.step[-1] == 50
    assert bytes_of(network) == kept[2], "the weights of the best look are kept"


def test_adversaries_change_their_own_parameters_only() -> None:
    both = nn.ModuleDict({"a": nn.Linear(2, 1), "b": nn.Linear(2, 1)})
    start = {name: value.copy() for name, value in dump_network(both).items()}
    batches: list[float] = []

    def one(rows: tuple[torch.Tensor, ...], source: torch.Generator) -> torch.Tensor:
        batches.append(float(rows[0].sum()))
        return ((both["a"](rows[0]) - both["b"](rows[0])) ** 2).mean()

    player = Player(parameters=list(both["a"].parameters()), loss=one, name="critic", times=3)
    history = train(both, [player], [line()[0]], Recipe(batch=50, steps=4, check=2), rng=Streams(1))
    found = dump_network(both)
    assert np.array_equal(found["b.weight"], start["b.weight"])
    assert not np.array_equal(found["a.weight"], start["a.weight"])
    assert len(batches) == len(set(batches)) == 12, "every update has a batch of its own"
    assert history.curve == ["critic", "critic"]


def test_rows_come_in_proportion_to_their_weights() -> None:
    weights = np.array([0.0, 1.0, 2.0, 1.0])
    rows = Rows.of([np.arange(4)], weights, 4, CPU)
    drawn = np.concatenate([rows.shuffled(epoch, Streams(1)).numpy() for epoch in range(50)])
    assert np.bincount(drawn, minlength=4).tolist() == [0, 50, 100, 50]
    plain = Rows.of([np.arange(4)], None, 3, CPU)
    assert sorted(plain.shuffled(0, Streams(1)).tolist()) == [0, 1, 2, 3]
    assert plain.per_epoch == 1


def test_whole_owners_are_held_out() -> None:
    owners = np.repeat(np.arange(40), 5)
    learn, held = hold_out(200, Streams(1), owners=owners)
    assert len(held) == 20 and len(learn) == 180
    assert not set(owners[learn]) & set(owners[held])
    few = hold_out(10, Streams(1))
    assert few[0].tolist() == few[1].tolist() == list(range(10))


def test_dropout_keeps_the_mean() -> None:
    ones = torch.ones(100_000)
    left = drop(ones, 0.25, noise(Streams(1), device=CPU))
    # standard error of the mean: sqrt(.25 / .75 / 100,000) = .0018
    assert abs(float(left.mean()) - 1) < 0.01
    assert drop(ones, 0.0, noise(Streams(1), device=CPU)) is ones


def test_weights_go_through_arrays() -> None:
    network, _ = fitted()
    other = nn.Linear(2, 1)
    restore_network(other, dump_network(network))
    assert bytes_of(other) == bytes_of(network)
    assert {value.dtype for value in dump_network(network).values()} == {np.dtype("float32")}


def test_devices() -> None:
    assert choose_device("cpu").type == "cpu"
    if torch.cuda.is_available():
        assert choose_device("auto").type == "cuda"
    else:
        assert choose_device("auto").type == "cpu"
        with pytest.raises(OptionError, match="no GPU"):
            choose_device("cuda")


def test_curves_are_drawn_in_one_line() -> None:
    assert sparkline([]) == ""
    assert sparkline([1.0, float("nan")]) == "▁"
    assert len(sparkline([float(v) for v in range(100)], width=10)) == 10


def test_histories_go_through_arrays() -> None:
    history = fitted()[1]
    assert History.restore(history.dump()) == history
    assert history.frame().columns == ["step", "curve", "value"]
    assert "held out" in history.words()
