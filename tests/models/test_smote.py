"""Interpolation: between whom, of which level, how often; neighbours against all pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.domain import Array, Axis, Block, Domain
from simulacra.errors import OptionError
from simulacra.models.table._neighbours import Space, find_neighbours
from simulacra.models.table.smote import Smote
from simulacra.randomness import Streams

SIGMAS = 5.0
"""A false alarm in 6e-7 of comparisons."""


def draw(block: Block, n: int = 5000, **options: Any) -> tuple[Array, ...]:
    return Smote(**options).fit(block, rng=Streams(1)).sample(n, rng=Streams(2)).columns


def mixed(rows: int, numbers: int, categories: int) -> Block:
    rng = Streams(1).stream("rows")
    hidden = rng.normal(size=rows)
    columns: list[Array] = [hidden + rng.normal(size=rows) for _ in range(numbers)]
    for place in range(categories):
        cuts = np.floor(hidden * (place + 1) + rng.normal(size=rows))
        columns.append(np.clip(cuts + 4, 0, 7).astype(np.uint8))
    axes = [Axis(f"n{i}", f"n{i}") for i in range(numbers)]
    axes += [Axis(f"c{i}", f"c{i}", size=8) for i in range(categories)]
    return Block(Domain(tuple(axes)), tuple(columns))


def all_distances(block: Block) -> Array:
    """Squared distances of all pairs: numbers in standard deviations, a difference of levels counts as one."""
    total = np.zeros((len(block), len(block)))
    for axis, values in zip(block.domain.axes, block.columns):
        off = values[:, None].astype(float) - values.astype(float)
        total += (off != 0) if axis.size is not None else (off / values.std()) ** 2
    np.fill_diagonal(total, np.inf)
    return total


@pytest.mark.parametrize(
    ("numbers", "categories", "exact"), [(4, 0, True), (2, 1, True), (6, 5, False), (0, 6, False)]
)
def test_neighbours_are_the_nearest_rows(numbers: int, categories: int, exact: bool) -> None:
    block, rows = mixed(800, numbers, categories), np.arange(800)
    space = Space.fit(block, Streams(1).stream("space"))
    assert space.exact == exact
    found = find_neighbours(space, block, rows, rows, 5, Streams(1).stream("near"))
    truth = all_distances(block)
    assert found.shape == (800, 5) and (found != rows[:, None]).all()
    assert all(len(set(row)) == 5 for row in found.tolist())
    far, near = np.sqrt(truth[rows[:, None], found]), np.sqrt(np.sort(truth, axis=1)[:, :5])
    # beyond ten dimensions the search is approximate: a little farther on average
    assert far.mean() <= near.mean() * (1 + 1e-3 if exact else 1.1) + 1e-3


def test_rows_lie_between_two_of_their_level() -> None:
    rng = Streams(2).stream("rows")
    level = rng.choice(2, 400, p=[0.8, 0.2]).astype(np.uint8)
    x = rng.normal(10.0 * level)
    block = Block(Domain((Axis("level", "level", size=2), Axis("x", "x"), Axis("y", "y"))), (level, x, 3 * x))
    fake = draw(block, target="level")
    assert np.allclose(fake[2], 3 * fake[1])
    for one in (0, 1):
        own, real = fake[1][fake[0] == one], x[level == one]
        assert real.min() <= own.min() and own.max() <= real.max()
        assert (~np.isin(own, real)).mean() > 0.99
    share = (level == 1).mean()
    assert abs((fake[0] == 1).mean() - share) < SIGMAS * np.sqrt(share * (1 - share) / 5000)


def test_balance_draws_all_levels_equally_often() -> None:
    rng = Streams(3).stream("rows")
    level = rng.choice(3, 600, p=[0.9, 0.08, 0.02]).astype(np.uint8)
    block = Block(Domain((Axis("level", "level", size=3), Axis("x", "x"))), (level, rng.normal(level)))
    share = np.bincount(draw(block, 6000, target="level", balance=True)[0]) / 6000
    assert (np.abs(share - 1 / 3) < SIGMAS * np.sqrt(2 / 9 / 6000)).all()


def test_adasyn_looks_where_levels_meet() -> None:
    rng = Streams(4).stream("rows")
    x = np.sort(rng.uniform(-1, 1, size=1000))
    level = (rng.random(1000) < 1 / (1 + np.exp(-20 * x))).astype(np.uint8)
    block = Block(Domain((Axis("level", "level", size=2), Axis("x", "x"))), (level, x))
    plain, hard = (draw(block, target="level", kind=kind) for kind in ("smote", "adasyn"))
    assert np.abs(hard[1]).mean() < 0.4 * np.abs(plain[1]).mean()
    # levels come as often as before
    assert abs((hard[0] == 1).mean() - (level == 1).mean()) < SIGMAS * np.sqrt(0.25 / 5000)


def test_categories_come_from_a_parent_or_by_vote() -> None:
    rng = Streams(5).stream("rows")
    kind = (rng.random(2000) < 0.1).astype(np.uint8)
    block = Block(Domain((Axis("kind", "kind", size=2), Axis("x", "x"))), (kind, rng.normal(size=2000)))
    assert abs(draw(block)[0].mean() - kind.mean()) < 0.04
    apart = Block(Domain((Axis("x", "x"), Axis("kind", "kind", size=3))), (
        np.repeat([0.0, 100.0], 6), np.array([0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2], np.uint8)))  # fmt: skip
    voted = draw(apart, vote="majority")
    assert (voted[1][voted[0] < 1] == 0).all() and (voted[1][voted[0] > 99] == 2).all()


def test_spikes_gaps_lattices_and_clocks_stay() -> None:
    rng = Streams(6).stream("rows")
    zeros = np.where(rng.random(1500) < 0.5, 0.0, 100 + rng.exponential(30.0, size=1500))
    gaps = np.where(rng.random(1500) < 0.3, np.nan, np.floor(rng.normal(50, 20, size=1500)))
    clock = np.mod(np.floor(rng.normal(0, 60, size=1500)), 1440)
    axes = (
        Axis("zeros", "zeros"), Axis("gaps", "gaps", missing=True, lattice=True),
        Axis("clock", "clock", lattice=True, period=1440),
    )  # fmt: skip
    fake = draw(Block(Domain(axes), (zeros, gaps, clock)))
    assert ((fake[0] == 0) | (fake[0] >= 100)).all()
    assert abs((fake[0] == 0).mean() - (zeros == 0).mean()) < 0.06
    assert abs(np.isnan(fake[1]).mean() - np.isnan(gaps).mean()) < 0.06
    assert ((fake[1] == np.rint(fake[1])) | np.isnan(fake[1])).all()
    # nobody is between midnight's two sides the long way round
    assert ((fake[2] < 300) | (fake[2] > 1140)).all() and (fake[2] == np.rint(fake[2])).all()


def test_a_level_of_one_row_gives_that_row() -> None:
    level = np.array([0] * 30 + [1], np.uint8)
    block = Block(Domain((Axis("level", "level", size=2), Axis("x", "x"))), (level, np.arange(31.0)))
    fake = draw(block, target="level", balance=True)
    assert set(fake[1][fake[0] == 1]) == {30.0}


def test_equal_rows_by_the_thousand_are_no_trouble() -> None:
    block = Block(
        Domain((Axis("a", "a", size=2), Axis("x", "x"))),
        ((np.arange(40_000) % 2).astype(np.uint8), np.zeros(40_000)),
    )
    fake = draw(block)
    assert set(fake[1]) == {0.0} and abs(fake[0].mean() - 0.5) < SIGMAS * np.sqrt(0.25 / 5000)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"neighbours": 0}, "neighbours is a whole number"), ({"kind": "smot"}, "kind of 'smote'"),
     ({"vote": "all"}, "vote of 'smote'"), ({"balance": True}, "balance needs the levels of a column"),
     ({"kind": "adasyn"}, "kind 'adasyn' needs the levels of a column")],
)  # fmt: skip
def test_wrong_settings_are_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        Smote(**options)


def test_a_table_is_fitted_by_its_target() -> None:
    rng = Streams(7).stream("rows")
    fraud = rng.random(1000) < 0.05
    frame = pl.DataFrame(
        {"fraud": fraud, "amount": rng.normal(50 + 100 * fraud).round(2), "day": rng.integers(7, size=1000)}
    )
    model = sim.fit(frame, "smote", target="fraud", balance=True, seed=1)
    fake = model.sample(1000, seed=2).frame
    share = fake["fraud"].cast(pl.Float64).mean()
    assert isinstance(share, float) and abs(share - 0.5) < SIGMAS * np.sqrt(0.25 / 1000)
    assert fake.filter(pl.col("fraud"))["amount"].min() > 100  # type: ignore[operator]
    with pytest.raises(OptionError, match="target 'amount' is no column of categories"):
        sim.fit(frame, "smote", target="amount", seed=1)
