"""The conditional GAN: what is asked for is met, rare levels are asked for more often, and relations are learnt."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch

import simulacra as sim
from simulacra.domain import Axis, Block, Domain
from simulacra.errors import OptionError
from simulacra.models.table._asking import Asking
from simulacra.models.table._tabular import Groups
from simulacra.models.table._views import View
from simulacra.models.table.gan import Gan
from simulacra.randomness import Streams


def rare(n: int = 2_500) -> Block:
    """A level that 1 in 50 rows has, with a number of its own."""
    rng = Streams(1).stream("rare")
    kind = rng.choice(3, n, p=[0.6, 0.38, 0.02])
    twin = np.where(kind == 2, 1, rng.integers(2, size=n) * 2)
    number = rng.normal(10.0 * kind, 1.0)
    axes = (
        Axis("kind", "kind", size=3),
        Axis("twin", "twin", size=3),
        Axis("number", "number", holders=10),
    )
    return Block(Domain(axes), (kind.astype(np.uint8), twin.astype(np.uint8), number))


def asking_of(block: Block, weights: np.ndarray | None = None) -> tuple[Asking, list[Groups]]:
    columns, groups = [], []
    for axis, values in zip(block.domain.axes, block.columns):
        view = View.fit(axis, values, max_codes=100)
        columns.append(Groups.fit(view, view.encode(values), None, 20))
        groups.append(columns[-1].encode(view.encode(values)))
    rng = Streams(1)
    return Asking.of(np.stack(groups, 1), 0, columns, weights, rng, torch.device("cpu")), columns


def test_rows_have_what_was_asked_and_half_of_them_are_free() -> None:
    asking, columns = asking_of(rare())
    source = torch.Generator().manual_seed(1)
    groups, told = asking.draw(20_000, source)
    free = told < 0
    assert abs(float(free.float().mean()) - 0.5) < 5 * np.sqrt(0.25 / 20_000)
    starts = np.cumsum([0, *(len(own) for own in columns)])
    # levels are asked for, numbers are not
    assert int(told.max()) < starts[2]
    column = np.searchsorted(starts, told[~free].numpy(), side="right") - 1
    met = groups[~free].numpy()[np.arange(len(column)), column] == told[~free].numpy() - starts[column]
    assert met.all()


def test_levels_are_asked_for_by_the_log_of_how_common_they_are() -> None:
    block = rare()
    asking, _ = asking_of(block)
    groups, told = asking.draw(40_000, torch.Generator().manual_seed(2))
    counts = np.bincount(block.columns[0])
    wanted = np.log1p(counts) / np.log1p(counts).sum()
    asked = told[(told >= 0) & (told < 3)].numpy()
    found = np.bincount(asked, minlength=3) / len(asked)
    assert np.abs(found - wanted).max() < 5 * np.sqrt(0.25 / len(asked))
    # free rows are as the data
    share = float((groups[told < 0][:, 0] == 2).float().mean())
    assert abs(share - counts[2] / len(block)) < 5 * np.sqrt(0.02 / 20_000)


def test_weights_count_in_what_comes_freely() -> None:
    block = rare()
    weights = np.where(block.columns[0] == 2, 20.0, 1.0)
    asking, _ = asking_of(block, weights)
    groups, told = asking.draw(20_000, torch.Generator().manual_seed(3))
    wanted = np.average(block.columns[0] == 2, weights=weights)
    share = float((groups[told < 0][:, 0] == 2).float().mean())
    assert abs(share - wanted) < 5 * np.sqrt(wanted / 10_000) + 0.001


def test_a_rare_level_has_what_belongs_to_it() -> None:
    block = rare()
    model = Gan().fit(block, rng=Streams(2))
    kind, twin, number = model.sample(8_000, rng=Streams(3)).columns
    assert abs((kind == 2).mean() - (block.columns[0] == 2).mean()) < 5 * np.sqrt(0.02 / 8_000) + 0.005
    assert (twin[kind == 2] == 1).mean() > 0.3 and (twin[kind != 2] == 1).mean() < 0.02
    assert (np.abs(number[kind == 0]) < 5).mean() > 0.8
    assert (np.abs(number[kind == 1] - 10) < 5).mean() > 0.8
    assert {shown.name for shown in model.exhibits()} >= {"Training"}


def test_conditions_are_met() -> None:
    block = rare(600)
    frame = pl.DataFrame(
        {"kind": np.array(["a", "b", "c"])[block.columns[0]], "number": block.columns[2].round(2)}
    )
    model = sim.fit(frame, model="gan", seed=1, epochs=4)
    fake = model.sample(40, where="kind = 'b' and number > 5", seed=2).polars()
    assert len(fake) == 40 and (fake["kind"] == "b").all() and (fake["number"] > 5).all()


def test_odd_options_are_refused() -> None:
    with pytest.raises(OptionError, match="model 'gan': layers"):
        Gan(layers=0)
