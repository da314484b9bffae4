"""Kernel density: bandwidths that smooth out what says nothing, margins kept, rows stored, nearness told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.domain import Axis, Block, Domain
from simulacra.errors import OptionError, SimulacraError
from simulacra.models.table.kde import Kde
from simulacra.randomness import Streams

SIGMAS = 5.0
"""A false alarm in 6e-7 of comparisons."""


def curved(rows: int, seed: int = 1) -> Block:
    """A number, its square with noise, a level that depends on it, and two axes of pure noise."""
    rng = Streams(seed).stream("curved")
    x = rng.normal(size=rows)
    y = x**2 + 0.1 * rng.normal(size=rows)
    side = (rng.random(rows) < np.where(x > 0, 0.95, 0.05)).astype(np.uint8)
    noise, coin = rng.exponential(size=rows), rng.integers(4, size=rows).astype(np.uint8)
    axes = (
        Axis("x", "x", holders=10),
        Axis("y", "y", holders=10),
        Axis("side", "side", size=2),
        Axis("noise", "noise", holders=10),
        Axis("coin", "coin", size=4),
    )
    return Block(Domain(axes), (x, y, side, noise, coin))


@pytest.fixture(scope="module")
def model() -> Kde:
    return Kde().fit(curved(4_000), rng=Streams(1))


def test_what_says_nothing_is_smoothed_out(model: Kde) -> None:
    chance, width = model.kernels_.chance, model.kernels_.width
    assert width[0] < 0.3 and width[1] < 0.3 and width[3] > 0.6
    assert chance[2] < 0.2 and chance[4] > 0.6


def test_curves_and_rules_are_kept(model: Kde) -> None:
    fake = model.sample(4_000, rng=Streams(2))
    x, y, side = fake.columns[:3]
    assert np.corrcoef(x**2, y)[0, 1] > 0.85
    assert ((x > 0) == (side == 1)).mean() > 0.85


def test_margins_stay_as_they_are_however_wide_the_kernel() -> None:
    block = curved(4_000)
    for factor in (0.3, 5.0):
        fake = Kde(bandwidth=factor).fit(block, rng=Streams(1)).sample(4_000, rng=Streams(2))
        for real, made in zip(block.columns, fake.columns):
            for cut in np.quantile(real, [0.1, 0.5, 0.9]):
                p = (real <= cut).mean()
                limit = SIGMAS * np.sqrt(2 * max(p * (1 - p), 1e-3) / 4_000)
                assert abs((made <= cut).mean() - p) <= limit
        assert (fake.columns[3] >= 0).all()
        assert abs(fake.columns[0].std() - block.columns[0].std()) < SIGMAS * np.sqrt(1 / 4_000)


def test_spikes_stay_sharp_and_gaps_come_back() -> None:
    rng = Streams(3).stream("spikes")
    rows = 4_000
    gain = np.round(np.exp(rng.normal(6, 1, rows)))
    gain[rng.random(rows) < 0.7] = 0.0
    gain[rng.random(rows) < 0.1] = np.nan
    block = Block(Domain((Axis("gain", "gain", lattice=True, missing=True, holders=10),)), (gain,))
    fake = Kde().fit(block, rng=Streams(1)).sample(rows, rng=Streams(2)).columns[0]
    for share in (np.isnan, lambda v: v == 0.0, lambda v: (v > 0) & (v < 20)):
        p = share(gain).mean()
        assert abs(share(fake).mean() - p) <= SIGMAS * np.sqrt(2 * max(p * (1 - p), 1e-3) / rows)
    assert np.nanmax(fake) <= np.nanmax(gain) and np.nanmin(fake) >= 0


def test_a_narrow_kernel_copies_and_says_so() -> None:
    block = curved(1_000)
    narrow, wide = (Kde(bandwidth=factor).fit(block, rng=Streams(1)) for factor in (0.01, 1.0))
    told = [model.exhibits()[1] for model in (narrow, wide)]
    shares = [one.detail["share"][1] for one in told]
    assert shares[0] > 0.8 and shares[1] < 0.05
    assert "near copies: do not pass them on" in told[0].text
    assert "near copies: do not" not in told[1].text
    fake = narrow.sample(500, rng=Streams(2))
    near = np.abs(np.sort(block.columns[0])[None] - fake.columns[0][:, None]).min(1)
    assert np.median(near) < 0.01


def test_bandwidths_are_shown_by_column(model: Kde) -> None:
    table = model.exhibits()[0].detail
    assert table["column"].to_list() == ["x", "y", "side", "noise", "coin"]
    assert table["level drawn anew"].is_null().to_list() == [True, True, False, True, False]
    assert table["bandwidth of numbers"].is_null().to_list() == [False, False, True, False, True]


def test_more_rows_need_less_smoothing() -> None:
    widths = [Kde().fit(curved(rows), rng=Streams(1)).kernels_.width[0] for rows in (300, 20_000)]
    assert widths[1] < widths[0]


def test_a_context_picks_the_rows() -> None:
    block = curved(6_000)
    context = Block(Domain((block.domain.axes[0],)), (block.columns[0],))
    own = Block(Domain(block.domain.axes[1:]), block.columns[1:])
    model = Kde().fit(own, context=context, rng=Streams(1))
    asked = Block(context.domain, (np.repeat([0.0, 1.5], 700),))
    fake = model.sample(1_400, context=asked, rng=Streams(2))
    assert np.median(fake.columns[0][:700]) < 0.4 and 1.5 < np.median(fake.columns[0][700:]) < 3.0
    with pytest.raises(OptionError, match="fitted with a context of 1 axes"):
        model.sample(3, rng=Streams(1))


def test_rows_are_stored_only_where_that_is_allowed(tmp_path: Path) -> None:
    block = curved(300)
    frame = pl.DataFrame({"x": block.columns[0], "side": np.array(["l", "r"])[block.columns[2]]})
    model = sim.fit(frame, "kde", seed=1)
    fake = model.sample(50, where="side = 'r' and x > 0", seed=2).polars()
    assert len(fake) == 50 and (fake["x"] > 0).all()
    with pytest.raises(SimulacraError):
        model.save(tmp_path / "kept.sim")


@pytest.mark.parametrize("options", [{"bandwidth": 0}, {"bandwidth": "wide"}, {"max_codes": 1}])
def test_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(OptionError, match="model 'kde'"):
        Kde(**options)
