"""Fitted models in parts: the rows of `sample`, whatever is asked of them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import simulacra as sim
from simulacra.errors import ImpossibleCondition, OptionError
from simulacra.randomness import Streams
from simulacra.scale.models import make_job
from simulacra.scale.plan import HELD, measure_units
from simulacra.scale.verification import verify
from simulacra.scale.writing import write_parts
from simulacra.schema.constraints import Unique
from simulacra.synthesizer import Synthesizer

ROWS = 140_000


@pytest.fixture(scope="module")
def model() -> Synthesizer:
    rng = Streams(1).stream("people")
    n = 2_000
    age = rng.integers(18, 90, n)
    frame = pl.DataFrame(
        {
            "id": np.arange(n),
            "age": age,
            "income": np.round(rng.lognormal(7, 0.5, n) + 20 * age, 2),
            "job": np.array(["cook", "clerk", "nurse"])[np.minimum(rng.integers(0, 4, n), 2)],
        }
    )
    return sim.fit(frame, schema=sim.infer(frame).with_key("id"), seed=1)


@pytest.mark.parametrize(
    ("asked", "ruled"),
    [
        ({}, None),
        ({"where": "age < 40 and job = 'cook'"}, None),
        ({"balance": {"job": {"nurse": 0.5}}}, None),
        ({}, "income > 20 * age"),
        ({}, Unique(("income",))),
    ],
    ids=["plain", "where", "balance", "check", "unique"],
)
def test_parts_are_the_rows_of_sample(
    model: Synthesizer, asked: dict[str, Any], ruled: Any, tmp_path: Path
) -> None:
    model = model if ruled is None else model.with_constraint(ruled)
    done = write_parts(make_job(model, ROWS, seed=7, **asked), tmp_path / "rows", workers=2)
    assert_frame_equal(sim.read(tmp_path / "rows").polars(), model.sample(ROWS, seed=7, **asked).polars())
    assert verify(tmp_path / "rows", deep=True).whole
    in_order = "balance" in asked or isinstance(ruled, Unique)
    assert len(done.files) == (1 if in_order else 2)
    assert any("in their order" in note for note in done.notes) == in_order


def test_a_request_in_order_goes_on_too(model: Synthesizer, tmp_path: Path) -> None:
    def job() -> Any:
        return make_job(model, ROWS, seed=7, balance={"job": {"nurse": 0.5}})

    folder = tmp_path / "rows"
    one = HELD * max(measure_units(job()).values())
    first = write_parts(job(), folder, memory=one, engine="processes")
    assert [file.rows for file in first.files] == [65_536, 65_536, 8_928]
    (folder / first.files[1].name).unlink()
    assert write_parts(job(), folder).made == 65_536
    assert verify(folder, deep=True).manifest.digest == first.digest


def test_what_decides_the_rows_decides_the_identity(model: Synthesizer, tmp_path: Path) -> None:
    job = make_job(model, 10, seed=1)
    saved = sim.load(model.save(tmp_path / "m.sim"))
    assert isinstance(saved, Synthesizer)
    assert job.identity == make_job(saved, 10, seed=1).identity
    others = [
        make_job(model, 11, seed=1),
        make_job(model, 10, seed=2),
        make_job(model, 10, seed=1, where="age < 40"),
        make_job(model.with_constraint("age < 80"), 10, seed=1),
    ]
    assert len({job.identity, *(other.identity for other in others)}) == 5


def test_a_job_goes_to_other_processes(model: Synthesizer) -> None:
    job = make_job(model, 70_000, seed=1, where="age < 40")
    here = job.draw("table", 1)["table"]
    sent = pickle.dumps(job)
    assert len(sent) < 5_000_000
    there = pickle.loads(sent)
    assert there.identity == job.identity
    assert_frame_equal(there.draw("table", 1)["table"], here)


def test_a_seed_that_was_drawn_is_told(model: Synthesizer, tmp_path: Path) -> None:
    done = write_parts(make_job(model, 10), tmp_path / "rows")
    seed = done.origin["seed"]
    assert f"seed {seed}" in done.notes
    assert_frame_equal(sim.read(tmp_path / "rows").polars(), model.sample(10, seed=seed).polars())


def test_what_can_not_be_is_refused_before_anything_is_written(model: Synthesizer, tmp_path: Path) -> None:
    with pytest.raises(ImpossibleCondition):
        write_parts(make_job(model, 70_000, seed=1, where="age > 200"), tmp_path / "rows")
    with pytest.raises(OptionError, match="must be a whole number"):
        make_job(model, -1, seed=1)
    with pytest.raises(OptionError, match="did you mean 'where'"):
        make_job(model, 10, seed=1, wher="age < 40")
    with pytest.raises(OptionError, match="completed in memory"):
        make_job(model, 10, seed=1, given={"age": [20]})
    assert not (tmp_path / "rows").exists()


def test_a_database_is_one_part(tmp_path: Path) -> None:
    shops = pl.DataFrame({"id": range(60), "size": [1, 2, 3] * 20})
    sales = pl.DataFrame({"id": range(240), "shop": [i % 60 for i in range(240)], "kind": ["a", "b"] * 120})
    schema = (
        sim.infer({"shops": shops, "sales": sales})
        .with_key("id", table="shops")
        .with_key("id", table="sales")
        .with_reference("sales", "shop", "shops", "id")
    )
    model = sim.fit({"shops": shops, "sales": sales}, schema=schema, seed=1)
    done = write_parts(make_job(model, 30, seed=2), tmp_path / "shop")
    drawn = model.sample(30, seed=2)
    assert {file.name for file in done.files} == {"shops/part-00000.parquet", "sales/part-00000.parquet"}
    for name in ("shops", "sales"):
        assert_frame_equal(sim.read(tmp_path / "shop").polars(name), drawn.polars(name))
