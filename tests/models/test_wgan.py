"""The Wasserstein GAN: its distance is told, lost kinds of rows are found, and relations are learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from simulacra.domain import Axis, Block, Domain
from simulacra.errors import OptionError
from simulacra.models.table._adversaries import slope, soften, spell
from simulacra.models.table._margins import Margins, show_lacking
from simulacra.models.table._tabular import Groups
from simulacra.models.table._views import View
from simulacra.models.table.wgan import Wgan
from simulacra.randomness import Streams


def twins(n: int = 2_500) -> Block:
    """A level that tells another one, whether a number is zero, and where a whole number lies."""
    rng = Streams(1).stream("twins")
    a = rng.integers(4, size=n)
    x = np.where(a == 3, 0.0, rng.normal(5.0 * a, 1.0))
    count = rng.poisson(3 + 10 * (a % 2)).astype(np.float64)
    axes = (
        Axis("a", "a", size=4),
        Axis("b", "b", size=2),
        Axis("x", "x", holders=10),
        Axis("count", "count", lattice=True, holders=10),
    )
    return Block(Domain(axes), (a.astype(np.uint8), (a // 2).astype(np.uint8), x, count))


def columns_of(block: Block) -> list[Groups]:
    found = []
    for axis, values in zip(block.domain.axes, block.columns):
        view = View.fit(axis, values, max_codes=100)
        found.append(Groups.fit(view, view.encode(values), None, 20))
    return found


def groups_of(block: Block, columns: list[Groups]) -> torch.Tensor:
    coded = [own.encode(own.view.encode(values)) for own, values in zip(columns, block.columns)]
    return torch.from_numpy(np.stack(coded, 1)).long()


@pytest.fixture(scope="module")
def fitted() -> tuple[Wgan, list[str]]:
    told: list[str] = []
    return Wgan().fit(twins(), rng=Streams(2), progress=lambda share, step: told.append(step)), told


def test_relations_are_learnt(fitted: tuple[Wgan, list[str]]) -> None:
    a, b, x, count = fitted[0].sample(4_000, rng=Streams(3)).columns
    assert (a // 2 == b).mean() > 0.85
    assert (x[a == 3] == 0).mean() > 0.85 and (x[a != 3] == 0).mean() < 0.1
    assert x[a == 2].mean() - x[a == 0].mean() > 7
    assert count[a % 2 == 1].mean() - count[a % 2 == 0].mean() > 7


def test_each_column_by_itself_is_as_in_the_data(fitted: tuple[Wgan, list[str]]) -> None:
    real, fake = twins(), fitted[0].sample(4_000, rng=Streams(3))
    for own, made in zip(real.columns, fake.columns):
        for cut in np.quantile(own, [0.1, 0.5, 0.9]):
            share = (own <= cut).mean()
            limit = 5 * math.sqrt(max(share * (1 - share), 1 / 4_000) * (1 / 4_000 + 1 / 8_192))
            assert abs((made <= cut).mean() - share) < limit + 0.01


def test_the_distance_is_told_and_shown(fitted: tuple[Wgan, list[str]]) -> None:
    model, told = fitted
    assert any("Wasserstein distance 0." in step and "held-out" in step for step in told)
    training, modes = model.exhibits()
    assert set(training.detail["curve"]) == {"Wasserstein distance", "maker", "held-out"}
    assert "estimate of the Wasserstein distance" in training.text
    assert modes.name == "Modes" and "no mode collapse" in modes.text


def test_a_kind_of_rows_that_is_never_made_raises_an_alarm() -> None:
    block = twins()
    columns = columns_of(block)
    margins = Margins(columns, torch.device("cpu"))
    real = groups_of(block, columns)
    kept = real[(real[:, 0] != 1) | (real[:, 1] != 0)]
    found = margins.lacking(margins.real(real), margins.real(kept), len(real))
    assert "a" in found["first"] and sum(found["cells"]) > 0
    alarm = show_lacking(found)
    assert alarm.name == "Mode collapse" and "given" in alarm.text
    assert alarm.detail.columns == [
        "first column",
        "second column",
        "combinations hardly made",
        "share of rows",
    ]
    first = alarm.detail.filter(
        (alarm.detail["first column"] == "a") & (alarm.detail["second column"] == "b")
    )
    assert first["share of rows"].item() == pytest.approx(float((block.columns[0] == 1).mean()), abs=1e-6)
    assert not margins.lacking(margins.real(real), margins.real(real), len(real))["first"]


def test_margins_tell_dependent_from_independent_columns() -> None:
    a = np.array([0, 0, 1, 1] * 50, np.uint8)
    b = np.array([0, 1, 0, 1] * 50, np.uint8)
    domain = Domain((Axis("a", "a", size=2), Axis("b", "b", size=2)))
    columns = columns_of(Block(domain, (a, b)))
    margins = Margins(columns, torch.device("cpu"))
    free = margins.real(groups_of(Block(domain, (a, b)), columns))
    bound = margins.real(groups_of(Block(domain, (a, a)), columns))
    assert margins.distance(free, free) == 0
    # two of four cells of a quarter each are empty
    assert margins.distance(free, bound) == pytest.approx(0.5)
    even = [torch.full((10, 2), 0.5)] * 2
    assert margins.distance(free, margins.of(even)) == pytest.approx(0.0, abs=1e-6)


def test_drawn_groups_pass_the_gradient_of_their_chances() -> None:
    logits = torch.zeros(2_000, 3, requires_grad=True)
    parts = [torch.softmax(logits, 1)]
    source = torch.Generator().manual_seed(1)
    drawn = soften(parts, source)
    assert set(drawn.detach().unique().tolist()) == {0.0, 1.0} and (drawn.sum(1) == 1).all()
    drawn[:, 2].sum().backward()
    assert logits.grad is not None
    assert torch.allclose(logits.grad[0], torch.tensor([-1.0, -1.0, 2.0]) / 9)
    assert spell(torch.tensor([[1, 0]]), [2, 3]).tolist() == [[0, 1, 1, 0, 0]]


def test_the_slope_of_a_plane_is_its_own() -> None:
    rows = torch.randn(5, 3, requires_grad=True)
    assert torch.allclose(slope(rows @ torch.tensor([1.0, 2.0, 2.0]), rows), torch.full((5,), 9.0))


@pytest.mark.parametrize("option", [{"penalty": 0.0}, {"penalty": math.inf}, {"hidden": 0}, {"epochs": True}])
def test_odd_options_are_refused(option: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=next(iter(option))):
        Wgan(**option)  # type: ignore[arg-type]
