"""Short lists of kinds that larger tables refer to: no holders, and said before anything is learnt."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.relational import fitting
from simulacra.relational.plan import make_plan
from simulacra.schema.types import Column, Reference, Schema, Table


def make_shop(used: int, each: int) -> tuple[dict[str, pl.DataFrame], Schema]:
    rng = np.random.Generator(np.random.Philox(3))
    kinds = pl.DataFrame({"id": range(1, 13), "name": [f"kind {n}" for n in range(12)]})
    of = 1 + np.arange(used * each) % used
    things = pl.DataFrame(
        {"no": range(len(of)), "kind": of, "price": 10 * of + rng.integers(0, 5, len(of))},
    )
    columns = (
        Column("no", "key", integer=True),
        Column("kind", "key", integer=True),
        Column("price", "number", integer=True),
    )
    schema = Schema((
        Table("kinds", (Column("id", "key", integer=True), Column("name", "category")), ("id",)),
        Table("things", columns, ("no",), references=(Reference(("kind",), "kinds"),)),
    ))  # fmt: skip
    return {"kinds": kinds, "things": things}, schema


def test_a_short_list_owns_nothing() -> None:
    frames, schema = make_shop(used=8, each=25)
    plan = make_plan(schema, frames)
    assert plan.driving("things") is None
    fitted = sim.fit(frames, schema=schema, seed=1)
    assert any("--reference kinds" in note for note in fitted.notes)
    drawn = fitted.sample(seed=2).polars("things")
    # each kind has its own prices, which go with it
    ranges = drawn.group_by("kind").agg((pl.col("price") // 10).mode().first().alias("most"))
    alike = drawn.join(ranges, on="kind").select((pl.col("price") // 10 == pl.col("most")).mean()).item()
    assert drawn["kind"].n_unique() == 8 and alike > 0.8


def test_rows_of_too_few_are_refused_before_anything_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, schema = make_shop(used=8, each=10)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be learnt")

    monkeypatch.setattr(fitting, "fit_table", never)
    with pytest.raises(
        sim.errors.DataError, match=r"8 different entities only.*--reference kinds.*--no-protect"
    ):
        sim.fit(frames, schema=schema, seed=1)
