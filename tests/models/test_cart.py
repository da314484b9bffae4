"""Classic trees: best cuts against all cuts, shares of leaves against counts, visits, gaps, large vocabularies."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.domain import Array, Axis, Block, Domain
from simulacra.errors import OptionError
from simulacra.models.table._classic import Sizes, Tree, cut_codes
from simulacra.models.table.cart import Cart
from simulacra.randomness import Streams

SIGMAS = 5.0
"""A false alarm in 6e-7 of comparisons."""
STUMP = Sizes(min_leaf=1, max_depth=1, complexity=0.0)


def codes_block(**columns: tuple[Array, int]) -> Block:
    axes = tuple(Axis(name, name, size=size) for name, (_, size) in columns.items())
    return Block(Domain(axes), tuple(values.astype(np.uint8) for values, _ in columns.values()))


def gini(y: Array) -> float:
    return float((np.bincount(y) ** 2).sum() / len(y)) if len(y) else 0.0


def explained(y: Array, left: Array, *, number: bool) -> float:
    """What a cut leaves explained: of ranks, or of classes."""
    total = 0.0
    share = np.bincount(y) / len(y)
    rank = (np.cumsum(share) - share / 2)[y]
    for side in (left, ~left):
        total += (rank[side].sum() ** 2 / side.sum()) if number else gini(y[side])
    return total


def every_cut(x: Array, *, nominal: bool) -> list[Array]:
    levels = np.unique(x).tolist()
    if not nominal:
        return [x <= level for level in levels[:-1]]
    subsets: list[Sequence[int]] = [
        some for size in range(1, len(levels)) for some in itertools.combinations(levels, size)
    ]
    return [np.isin(x, list(some)) for some in subsets]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("nominal", "classes", "number"),
    [(False, 4, False), (True, 2, False), (False, 30, True), (True, 30, True)],
)
def test_a_cut_is_the_best_of_all_cuts(seed: int, nominal: bool, classes: int, number: bool) -> None:
    rng = Streams(seed).stream("rows")
    x = rng.integers(7, size=300)
    y = (x * rng.integers(1, 5) % 7 + rng.integers(classes, size=300)) % classes
    tree = Tree.grow(
        x[None].astype(np.uint8), np.array([nominal]), y, np.ones(300), np.arange(300), STUMP, number=number
    )
    assert tree.leaves == 2
    # donors of the first leaf: the rows that the tree sends to it
    held = np.zeros((7, y.max() + 1))
    tree.fill(np.arange(7, dtype=np.uint8)[:, None], held)
    left = np.array([np.array_equal(row, held[x[0]]) for row in held])[x]
    best = max(explained(y, cut, number=number) for cut in every_cut(x, nominal=nominal))
    assert explained(y, left, number=number) == pytest.approx(best, rel=1e-9)


def test_levels_that_go_with_the_same_of_many_classes_stay_together() -> None:
    rng = Streams(1).stream("rows")
    x = rng.integers(12, size=4000)
    group = np.array([0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0])[x]
    y = np.where(
        group,
        rng.choice(5, 4000, p=[0.5, 0.2, 0.1, 0.1, 0.1]),
        rng.choice(5, 4000, p=[0.1, 0.1, 0.1, 0.2, 0.5]),
    )
    tree = Tree.grow(
        x[None].astype(np.uint8), np.array([True]), y, np.ones(4000), np.arange(4000), STUMP, number=False
    )
    held = np.zeros((12, 5))
    tree.fill(np.arange(12, dtype=np.uint8)[:, None], held)
    sides = {
        (int(g), tuple(row)) for g, row in zip([0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0], held.round(9).tolist())
    }
    assert len(sides) == 2


def test_leaves_keep_their_least_size_and_no_small_node_is_cut() -> None:
    rng = Streams(2).stream("rows")
    x = rng.integers(256, size=(3, 2000)).astype(np.uint8)
    y = rng.integers(50, size=2000)
    for least in (1, 7, 40):
        sizes = Sizes(least, 30, 0.0)
        tree = Tree.grow(x, np.zeros(3, bool), y, np.ones(2000), np.arange(2000), sizes, number=True)
        held = np.add.reduceat(tree.counts, tree.first[:-1])
        assert held.min() >= least and held.sum() == 2000
        assert tree.leaves > 2000 / (least * 6)


def test_depth_and_complexity_prune() -> None:
    rng = Streams(3).stream("rows")
    x = rng.integers(256, size=(3, 2000)).astype(np.uint8)
    y = (x[0] // 64 + rng.integers(3, size=2000)).astype(np.int64)

    def leaves(depth: int, complexity: float) -> int:
        sizes = Sizes(5, depth, complexity)
        return Tree.grow(x, np.zeros(3, bool), y, np.ones(2000), np.arange(2000), sizes, number=True).leaves

    assert leaves(0, 0.0) == 1 and leaves(1, 0.0) == 2 and leaves(3, 0.0) <= 8
    assert leaves(30, 0.05) < leaves(30, 0.001) < leaves(30, 0.0)


def test_chances_are_the_shares_of_rows() -> None:
    rng = Streams(4).stream("rows")
    a = rng.choice(3, 2000, p=[0.5, 0.3, 0.2])
    b = (a + rng.choice(4, 2000, p=[0.4, 0.3, 0.2, 0.1])) % 4
    block = codes_block(a=(a, 3), b=(b, 4))
    found = np.exp(Cart().fit(block, rng=Streams(1)).log_density(block))
    joint = np.zeros((3, 4))
    np.add.at(joint, (a, b), 1)
    assert np.allclose(found[:, 0], joint.sum(1)[a] / 2000)
    assert np.allclose(found[:, 1], (joint / joint.sum(1, keepdims=True))[a, b])


def test_weights_count_as_so_many_rows() -> None:
    rng = Streams(5).stream("rows")
    a, b = rng.integers(2, size=1000), rng.integers(3, size=1000)
    weights = rng.integers(0, 4, size=1000).astype(float)
    weighted = codes_block(a=(a, 2), b=(b, 3))
    weighted = Block(weighted.domain, weighted.columns, weights)
    again = np.repeat(np.arange(1000), weights.astype(int))
    repeated = codes_block(a=(a[again], 2), b=(b[again], 3))
    one, two = (Cart().fit(block, rng=Streams(1)).log_density(weighted) for block in (weighted, repeated))
    assert np.allclose(one, two)


def test_missing_values_follow_other_columns() -> None:
    rng = Streams(6).stream("rows")
    side = rng.integers(2, size=4000)
    x = np.where(rng.random(4000) < np.where(side, 0.7, 0.1), np.nan, rng.normal(10.0 * side))
    axes = (Axis("side", "side", size=2), Axis("x", "x", missing=True, holders=10))
    model = Cart().fit(Block(Domain(axes), (side.astype(np.uint8), x)), rng=Streams(1))
    fake = model.sample(4000, rng=Streams(2))
    for level, share in ((0, 0.1), (1, 0.7)):
        own = fake.columns[1][fake.columns[0] == level]
        limit = SIGMAS * np.sqrt(share * (1 - share) * 2 / len(own))
        assert abs(np.isnan(own).mean() - share) <= limit
        assert abs(np.nanmean(own) - 10 * level) < 1


def test_columns_are_visited_as_asked() -> None:
    rng = Streams(7).stream("rows")
    lonely = rng.integers(3, size=500)
    b = rng.integers(3, size=500)
    block = codes_block(lonely=(lonely, 3), b=(b, 3), c=((b + (rng.random(500) < 0.1)) % 3, 3))
    orders = {
        visit if isinstance(visit, str) else tuple(visit): Cart(visit=visit).fit(block, rng=Streams(1)).order
        for visit in ("given", "linked", "c, lonely", ["b"])
    }
    assert orders["given"] == (0, 1, 2) and orders["c, lonely"] == (2, 0, 1) and orders["b",] == (1, 0, 2)
    assert orders["linked"][2] == 0
    with pytest.raises(OptionError, match="visit names 'd', which is no column that the model draws"):
        Cart(visit="b,d").fit(block, rng=Streams(1))


@pytest.mark.parametrize(
    ("options", "said"),
    [({"min_leaf": 0}, "min_leaf"), ({"max_depth": -1}, "max_depth"), ({"complexity": 1.0}, "complexity"),
     ({"max_codes": 1}, "max_codes")],
)  # fmt: skip
def test_wrong_settings_are_told(options: dict[str, float], said: str) -> None:
    with pytest.raises(OptionError, match=f"model 'cart': {said}"):
        Cart(**options)  # type: ignore[arg-type]


def test_a_vocabulary_of_thousands_keeps_what_goes_with_it() -> None:
    rng = Streams(8).stream("rows")
    town = rng.integers(3000, size=30_000)
    region = np.sort(rng.integers(8, size=3000))[rng.permutation(3000)]
    axes = (Axis("town", "town", size=3000), Axis("region", "region", size=8))
    block = Block(Domain(axes), (town.astype(np.uint16), region[town].astype(np.uint8)))
    fake = Cart().fit(block, rng=Streams(1)).sample(5000, rng=Streams(2))
    right = (region[fake.columns[0]] == fake.columns[1]).mean()
    # 3,000 towns in 256 bins, put in order by their region: seven bins hold towns of two
    assert right > 0.95
    assert len(np.unique(fake.columns[0])) > 2000


def test_codes_share_bins_of_about_equal_size() -> None:
    counts = np.ones(5000)
    counts[[0, 700, 4999]] = 1000
    bins = cut_codes(counts, np.arange(5000), True)
    assert bins[0] != bins[1] and bins[699] != bins[700] != bins[701] and bins[4998] != bins[4999]
    assert (np.diff(bins.astype(int)) >= 0).all() and np.bincount(bins, counts)[1:-1].max() <= 1000
    assert len(np.unique(bins)) > 200


def test_relations_of_the_table_are_kept_and_no_rare_value_comes_out() -> None:
    rng = Streams(9).stream("rows")
    net = rng.integers(100, 10_000, size=2000)
    tax = rng.integers(1, 500, size=2000)
    frame = pl.DataFrame({"net": net, "tax": tax, "gross": net + tax, "exact": rng.normal(size=2000)})
    model = sim.fit(frame, "cart", seed=1)
    fake = model.sample(2000, seed=2).frame
    assert (fake["net"] + fake["tax"] == fake["gross"]).all()
    # the two ends, to which protection codes the extremes, are held by ten rows each
    assert set(fake["exact"]) & set(frame["exact"]) <= set(frame["exact"].sort().gather([9, -10]))
    known = model.sample(50, where="tax > 400 and net < 1000", seed=3).frame
    assert (known["tax"] > 400).all() and (known["net"] < 1000).all()


def test_what_explains_a_column_is_told_and_noise_is_not() -> None:
    rng = Streams(10).stream("rows")
    a, noise = rng.integers(6, size=3000), rng.integers(6, size=3000)
    block = codes_block(
        a=(a, 6), noise=(noise, 6), b=(a // 2, 3), rough=((a + rng.integers(3, size=3000)) % 6, 6)
    )
    number = Axis("x", "x", holders=10)
    block = Block(Domain((*block.domain.axes, number)), (*block.columns, rng.normal(a, 0.1)))
    model = Cart().fit(block, rng=Streams(1))
    found = model.importances()
    assert found[2, 0] > 0.99 and abs(found[3, 0] - 0.2) < 0.02 and found[4, [0, 2, 3]].sum() > 0.95
    assert found[:, 1].max() < 0.02 and found[1].sum() < 0.02 and not found[0].any()
    assert model.describe(0) == "from its own distribution"
    assert model.describe(2) == "from a tree of 3 leaves by 1 earlier column"
