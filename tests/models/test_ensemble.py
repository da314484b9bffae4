"""A mixture of models: shares that unseen rows like best, or its best member alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.domain import Axis, Block, Domain
from simulacra.errors import OptionError
from simulacra.models.table._contest import Judge, area
from simulacra.models.table.ensemble import Ensemble
from simulacra.randomness import Streams


def curved(n: int, seed: int) -> Block:
    rng = Streams(seed).stream("curved")
    x = rng.normal(size=n)
    return Block(Domain((Axis("x", "x"), Axis("y", "y"))), (x, x**2 + rng.normal(0, 0.1, n)))


def test_a_useless_member_gets_no_share_and_it_is_said() -> None:
    model = Ensemble(members="independent,trees").fit(curved(1_500, 1), rng=Streams(1))
    shown = {line["drawn from"]: line for line in model.exhibits()[0].detail.to_dicts()}
    assert model.shares().get("trees", 0) > 0.6
    assert shown["independent"]["C2ST AUC"] > shown["trees"]["C2ST AUC"] + 0.1
    mixed = shown["the mixture"]
    better = mixed["C2ST AUC"] < shown["trees"]["C2ST AUC"] and len(model.shares()) > 1
    assert mixed["said"].startswith("better" if better else "no better")


def test_two_halves_of_the_truth_are_mixed() -> None:
    # one member makes only the left half, the other only the right half: the best mixture has equal shares
    rng = Streams(3)
    domain = Domain((Axis("x", "x"),))
    drawn = {
        name: Block(domain, (rng.stream(name).random(600) + start,))
        for name, start in (("low", 0.0), ("high", 1.0))
    }
    unseen = Block(domain, (rng.stream("unseen").random(600) * 2,))
    counts = Ensemble()._grow(drawn, Judge(unseen, unseen, None, rng), rng)
    assert counts["low"] == counts["high"] > 0


def test_rows_come_from_members_in_their_shares() -> None:
    frame = pl.DataFrame({"a": np.arange(2_000) % 7, "b": np.arange(2_000) % 3})
    model = sim.fit(frame, "ensemble", members="independent,copula", seed=1)
    one, two = (model.sample(500, seed=4).digest for _ in range(2))
    assert one == two and sum(model.generator.shares().values()) == pytest.approx(1)  # type: ignore[attr-defined]
    assert len(model.sample(50, seed=1, where="a = 3")) == 50


def test_members_are_checked() -> None:
    with pytest.raises(OptionError, match="2 models or more"):
        Ensemble(members="trees")
    with pytest.raises(OptionError, match="holds models itself"):
        Ensemble(members="trees,auto")
    with pytest.raises(OptionError, match="keeps training rows"):
        Ensemble(members="trees,smote")


def test_the_area_under_a_curve_counts_ties_by_half() -> None:
    assert area(np.array([0.5, 0.5, 0.5, 0.5]), np.array([0, 1, 0, 1])) == 0.5
    assert area(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 1])) == 1.0
