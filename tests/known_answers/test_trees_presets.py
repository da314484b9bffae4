"""What the privacy presets of `trees` promise: how closely rows are followed, and what windows may not touch."""

from __future__ import annotations

import zipfile
from functools import cache

import numpy as np
import polars as pl
import pytest

from simulacra.cli._demo import find_data
from simulacra.domain import Axis, Block, Domain
from simulacra.models.table.trees import PRESETS, Trees
from simulacra.randomness import Streams

SIGMAS = 4.5
each_preset = pytest.mark.parametrize("privacy", PRESETS)


def real(axis: str) -> Axis:
    return Axis(axis, axis, ordered=True, lattice=True, missing=True, holders=10)


@cache
def flights() -> tuple[Block, Block]:
    """Real flights: 5,000 to learn from, 5,000 that are not seen."""
    with zipfile.ZipFile(find_data("flights")) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".csv") and not n.startswith("__"))
        frame = pl.read_csv(packed.read(name), null_values=["NA"], infer_schema_length=None).gather_every(33)
    axes, columns = [], []
    for number in ("dep_delay", "arr_delay", "air_time", "distance", "hour", "day"):
        axes.append(real(number))
        columns.append(frame[number].cast(pl.Float64).fill_null(float("nan")).to_numpy())
    for word in ("carrier", "origin"):
        codes = frame[word].rank("dense").to_numpy().astype(np.uint8) - 1
        axes.append(Axis(word, word, size=int(codes.max()) + 1))
        columns.append(codes.astype(np.uint8))
    block = Block(Domain(tuple(axes)), tuple(columns))
    order = np.random.default_rng(0).permutation(len(block))
    return block.take(order[:5_000]), block.take(order[5_000:10_000])


def test_a_stricter_preset_knows_its_training_rows_less() -> None:
    train, unseen = flights()
    gaps, errors = {}, {}
    for privacy in PRESETS:
        model = Trees(privacy=privacy).fit(train, rng=Streams(1))
        seen, new = (model.log_density(rows).sum(1) for rows in (train, unseen))
        gaps[privacy] = seen.mean() - new.mean()
        errors[privacy] = seen.std() / np.sqrt(len(train))
    # the rows are the same for all presets, so their sampling error cancels; what is left is far below a tenth
    assert gaps["strict"] + 0.1 < gaps["balanced"] and gaps["balanced"] + 0.1 < gaps["fidelity"], gaps
    assert gaps["fidelity"] > SIGMAS * errors["fidelity"]


@each_preset
def test_spikes_keep_their_share_in_every_group(privacy: str) -> None:
    rng = np.random.default_rng(2)
    n = 12_000
    group = rng.integers(0, 3, n)
    amount = np.rint(np.exp(rng.normal(6 + group / 4, 0.5, n)))
    zero = rng.random(n) < 0.1 + 0.2 * group
    round_ = ~zero & (rng.random(n) < 0.15)
    amount = np.where(zero, 0.0, np.where(round_, 500.0, amount))
    block = Block(
        Domain(
            (Axis("group", "group", size=3), Axis("amount", "amount", ordered=True, lattice=True, holders=10))
        ),
        (group.astype(np.uint8), amount),
    )
    fake = Trees(privacy=privacy).fit(block, rng=Streams(3)).sample(n, rng=Streams(4))
    for value in (0.0, 500.0):
        for k in range(3):
            own, made = (b.columns[1][b.columns[0] == k] == value for b in (block, fake))
            p = own.mean()
            error = SIGMAS * np.sqrt(p * (1 - p) * (1 / len(own) + 1 / len(made)))
            # a draw that backs off to all groups takes a few hundredths of the difference between groups along
            pooled = abs((block.columns[1] == value).mean() - p)
            assert abs(made.mean() - p) < error + 0.05 * pooled, (privacy, value, k)


@each_preset
def test_nothing_is_invented_between_values_that_are_exact(privacy: str) -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(0, 40, 4_000) * 5.0
    y = np.rint((x + rng.integers(0, 10, 4_000) * 5.0) / 25) * 25
    axes = tuple(Axis(name, name, ordered=True, lattice=True, holders=10) for name in "xy")
    fake = (
        Trees(privacy=privacy).fit(Block(Domain(axes), (x, y)), rng=Streams(5)).sample(20_000, rng=Streams(6))
    )
    for real_, made in zip((x, y), fake.columns):
        assert np.isin(made, real_).all()


@each_preset
def test_missing_values_keep_their_share_beside_windows(privacy: str) -> None:
    rng = np.random.default_rng(6)
    n = 6_000
    gap = rng.random(n) < 0.3
    low = rng.normal(10, 1, n)
    x = np.where(gap, np.nan, low)
    block = Block(Domain((Axis("x", "x", ordered=True, missing=True, holders=10),)), (x,))
    (fake,) = Trees(privacy=privacy).fit(block, rng=Streams(7)).sample(n, rng=Streams(8)).columns
    error = SIGMAS * np.sqrt(0.3 * 0.7 * 2 / n)
    assert abs(np.isnan(fake).mean() - gap.mean()) < error


@each_preset
def test_a_rule_between_columns_survives_windows(privacy: str) -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=8_000)
    side = (x > 0.3).astype(np.uint8)
    block = Block(Domain((Axis("side", "side", size=2), Axis("x", "x", ordered=True, holders=10))), (side, x))
    fake = Trees(privacy=privacy).fit(block, rng=Streams(9)).sample(8_000, rng=Streams(10))
    broken = (fake.columns[1] > 0.3) != (fake.columns[0] == 1)
    # only the one bin of some 30 rows that the border cuts, and a window around it, may be on the wrong side
    assert broken.mean() < 0.01
