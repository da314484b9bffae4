"""Noise: how much, of what shape, what stays; post randomisation and swaps against closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.domain import Array, Axis, Block, Domain
from simulacra.errors import OptionError
from simulacra.generator import Exhibiting
from simulacra.models.table.noise import Noise
from simulacra.randomness import Streams

SIGMAS = 5.0
"""A false alarm in 6e-7 of comparisons."""
ROWS = 20_000


@pytest.fixture(scope="module")
def block() -> Block:
    rng = Streams(1).stream("rows")
    kind = rng.choice(5, 3000, p=[0.5, 0.2, 0.15, 0.1, 0.05]).astype(np.uint8)
    axes = (Axis("kind", "kind", size=5), Axis("twin", "twin", size=5), Axis("x", "x"))
    return Block(Domain(axes), (kind, kind, rng.normal(20.0, 4.0, size=3000)))


def draw(block: Block, **options: Any) -> tuple[Array, ...]:
    """Rows with noise; without options that change them, the same rows as they were."""
    settings = {"scale": 0.0, "pram": 0.0, "swap": 0.0} | options
    return Noise(**settings).fit(block, rng=Streams(1)).sample(ROWS, rng=Streams(2)).columns


@pytest.mark.parametrize(("kind", "tails"), [("gaussian", 3.0), ("laplace", 6.0)])
def test_numbers_get_the_noise_that_is_asked_for(block: Block, kind: str, tails: float) -> None:
    moved = draw(block, kind=kind, scale=0.2)[2] - draw(block)[2]
    x = block.columns[2]
    sd = 0.2 * (np.quantile(x, 0.75) - np.quantile(x, 0.25)) / 1.349
    # noise that leads beyond an end is turned back: of a few rows
    assert abs(moved.mean()) < SIGMAS * sd / np.sqrt(ROWS) and abs(moved.std() / sd - 1) < 0.05
    kurtosis = (moved**4).mean() / (moved**2).mean() ** 2
    # the standard error of the kurtosis of n draws is 0.035 (normal) and 0.25 (Laplace: moments up to the eighth)
    assert abs(kurtosis - tails) < (0.3 if kind == "gaussian" else 1.2)


def test_the_transition_matrix_leaves_the_shares_as_they_are(block: Block) -> None:
    model = Noise(pram=0.3).fit(block, rng=Streams(1))
    matrix = model.transition("kind")
    share = np.bincount(block.columns[0], minlength=5) / 3000
    assert np.allclose(matrix.sum(1), 1) and np.allclose(share @ matrix, share)
    before, after = draw(block)[0], draw(block, pram=0.3)[0]
    for one in range(5):
        own = after[before == one]
        limit = SIGMAS * np.sqrt(np.maximum(matrix[one] * (1 - matrix[one]), 1e-3) / len(own))
        assert (np.abs(np.bincount(own, minlength=5) / len(own) - matrix[one]) <= limit).all()


def test_swaps_keep_what_is_drawn_and_part_columns(block: Block) -> None:
    plain, swapped = draw(block), draw(block, swap=1.0)
    for place in (0, 1):
        assert (np.bincount(plain[place]) == np.bincount(swapped[place])).all()
    share = np.bincount(plain[0]) / ROWS
    alike = float((share**2).sum())
    found = (swapped[0] == swapped[1]).mean()
    assert (plain[0] == plain[1]).all() and abs(found - alike) < SIGMAS * np.sqrt(alike * (1 - alike) / ROWS)


def test_spikes_gaps_and_lattices_stay() -> None:
    rng = Streams(3).stream("rows")
    zeros = np.where(rng.random(4000) < 0.5, 0.0, np.floor(rng.exponential(300.0, size=4000)))
    zeros[rng.random(4000) < 0.2] = np.nan
    block = Block(Domain((Axis("z", "z", missing=True, lattice=True),)), (zeros,))
    plain, noisy = draw(block)[0], draw(block, scale=0.5)[0]
    assert ((plain == 0) <= (noisy == 0)).all() and (np.isnan(plain) == np.isnan(noisy)).all()
    known = noisy[~np.isnan(noisy)]
    assert (known == np.rint(known)).all() and known.min() >= 0 and known.max() <= np.nanmax(zeros)
    assert (noisy[plain > 0] != plain[plain > 0]).mean() > 0.9


def test_clock_times_go_round() -> None:
    clock = np.concatenate([np.arange(0.0, 30.0), np.arange(1410.0, 1440.0)])
    block = Block(Domain((Axis("t", "t", lattice=True, period=1440),)), (clock,))
    fake = draw(block, scale=0.02)[0]
    assert fake.min() >= 0 and fake.max() < 1440 and (fake == np.rint(fake)).all()


def test_what_was_done_to_each_column_is_shown(block: Block) -> None:
    model = Noise(pram=0.2, swap=0.5).fit(block, rng=Streams(1))
    assert isinstance(model, Exhibiting)
    (exhibit,) = model.exhibits()
    share = np.bincount(block.columns[0]) / 3000
    assert exhibit.detail["what"].to_list() == ["PRAM and swaps", "PRAM and swaps", "gaussian noise"]
    assert exhibit.detail["how much"][0] == pytest.approx(0.6 * (1 - (share**2).sum()), abs=1e-4)
    changed = (draw(block, pram=0.2, swap=0.5)[0] != draw(block)[0]).mean()
    assert abs(changed - exhibit.detail["how much"][0]) < SIGMAS * np.sqrt(0.25 / ROWS)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"kind": "gauss"}, "no kind of noise named 'gauss'"), ({"scale": -1}, "scale is a number from 0"),
     ({"pram": 1.5}, "pram is a number from 0 to 1"), ({"swap": "all"}, "swap is a number from 0 to 1")],
)  # fmt: skip
def test_wrong_settings_are_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Noise(**options)


def test_a_table_keeps_its_sums_and_its_conditions() -> None:
    rng = Streams(5).stream("rows")
    a, b = rng.integers(0, 500, size=600), rng.integers(0, 500, size=600)
    frame = pl.DataFrame({"a": a, "b": b, "sum": a + b, "c": rng.choice(["x", "y", "z"], 600)})
    model = sim.fit(frame, "noise", scale=0.3, seed=1)
    fake = model.sample(600, seed=2).frame
    assert (fake["a"] + fake["b"] == fake["sum"]).all()
    assert fake.join(frame, on=frame.columns, how="semi").height < 60
    assert set(model.sample(30, where="c = 'x' and a > 250", seed=3).frame["c"]) == {"x"}
