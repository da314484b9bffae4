"""The attack by shadow models: it finds a maker that repeats its rows, and accuses none that does not look at them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra._api_comparison import CallableMaker, ModelMaker
from simulacra.errors import DataError
from simulacra.metric import Comparison
from simulacra.metrics._attack import gather
from simulacra.metrics.privacy.shadow import TARGETS, Shadow, _Plan
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Table

TABLE = Table("people", (Column("x", "number"), Column("y", "number"), Column("c", "category")))


def people(rows: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {"x": rng.normal(size=rows), "y": rng.normal(size=rows), "c": rng.choice(["a", "b", "c"], rows)}
    )


@dataclass(frozen=True)
class Repeating:
    """Repeats a share of the rows it is given; the others are made without a look at them."""

    share: float

    def seconds(self, rows: int) -> float:
        return 2.34

    def make(self, frame: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        copied = int(rows * self.share)
        kept = frame[rng.choice(frame.height, copied, replace=False)]
        return pl.concat([kept, people(rows - copied, seed)])


CASE = Comparison(
    TABLE,
    people(400, 1),
    people(400, 2),
    people(200, 3),
    streams=Streams(4),
    maker=Repeating(1.0),
    shadows=24,
)


def test_a_maker_that_repeats_its_rows_is_found() -> None:
    ranked, caught = Shadow().score(CASE)
    # rows are nearly all repeated, so a target is there if it was in
    assert ranked.value > 0.95
    assert ranked.interval[0] > 0.9
    assert ranked.verdict == caught.verdict == "fail"
    assert ranked.detail.select("shadow_models", "rows", "targets").row(0) == (24, 290, TARGETS)
    first = ranked.private.row(0, named=True)
    assert CASE.train["x"][first["train_row"] - 1] == first["train: x"]


def test_a_maker_that_does_not_look_is_not_accused() -> None:
    held = 0
    for seed in range(12):
        case = replace(CASE, maker=Repeating(0.0), streams=Streams(seed), shadows=12)
        ranked, caught = Shadow().score(case)
        assert ranked.verdict == caught.verdict == "pass"
        held += ranked.interval[0] <= 0.5 <= ranked.interval[1]
    # 11.4 of 12 are expected; 8 or fewer have a chance of 0.2 %
    assert held >= 9


def test_every_target_is_in_half_of_the_models_that_teach_and_of_those_that_test() -> None:
    trial = gather(CASE)
    assert not isinstance(trial, str)
    plan = _Plan.draw(CASE, trial)
    assert plan.included.shape == (24, TARGETS)
    assert plan.learning == 12
    assert (plan.included[:12].sum(axis=0) == 6).all()
    assert (plan.included[12:].sum(axis=0) == 6).all()
    # targets are in by the toss of a coin only: the pool does not hold them
    assert plan.pool.join(plan.frame, on=["x", "y", "c"], how="inner").is_empty()


def test_the_cost_is_told_before_it_is_spent() -> None:
    (score,) = Shadow().score(replace(CASE, shadows=0))
    assert score.verdict == "not computed"
    assert "it was not asked for; it would fit 32 models to 300 rows each, about 2 s each" in score.words
    assert "--shadows" in score.words
    (score,) = Shadow().score(replace(CASE, shadows=2))
    assert "2 shadow models are too few" in score.words
    (score,) = Shadow().score(replace(CASE, maker=None))
    assert "--model" in score.words
    assert "maker=" in score.words


def test_a_model_tells_its_time_by_a_small_fit_and_makes_rows_anew() -> None:
    model = sim.fit(people(400, 1), seed=1)
    maker = ModelMaker(model)
    few, many = maker.seconds(400), maker.seconds(400_000)
    assert 0 < few < many
    assert maker.make(people(300, 2), 50, 3).shape == (50, 3)


def test_a_function_that_fails_is_named_and_its_time_unknown() -> None:
    def broken(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
        raise KeyError("secret")

    maker = CallableMaker(broken, TABLE)
    assert math.isnan(maker.seconds(10))
    with pytest.raises(DataError, match=r"maker=\.\.\. failed with KeyError on 400 real rows") as caught:
        maker.make(CASE.train, 10, 1)
    assert "secret" not in str(caught.value)
    (score,) = Shadow().score(replace(CASE, maker=maker))
    assert score.verdict == "not computed"
    assert (
        "how long each takes is not known" in Shadow().score(replace(CASE, maker=maker, shadows=0))[0].words
    )
