"""What fewer than k rows share does not reach the model, its file, or its rows."""

import numpy as np
import polars as pl
import pytest

import simulacra as sim
from simulacra.domain import Axis, Block, Domain
from simulacra.privacy.protection import protect
from simulacra.randomness import Streams


def people(n: int = 2_000) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    town = np.where(np.arange(n) < 4, "Hiddenham", np.array(["Aby", "Bex", "Cov"])[rng.integers(0, 3, n)])
    income = rng.normal(50_000, 9_000, n).round(2)
    income[0] = 9_876_543.21
    return pl.DataFrame({"town": town, "income": income, "age": rng.integers(18, 80, n)})


def test_rare_levels_are_replaced_and_the_rest_is_untouched():
    axis = Axis("a", "a", size=4, holders=3)
    codes = np.array([0] * 5 + [1] * 2 + [2] * 3, dtype=np.uint8)
    done = protect(Block(Domain((axis,)), (codes,)), Streams(0))
    assert done.kept["a", "value"].tolist() == [0, 2]
    assert done.block.domain.axes[0].size == 2
    assert done.block.columns[0][:5].tolist() == [0] * 5 and done.block.columns[0][7:].tolist() == [1] * 3
    assert "1 level with fewer than 3 holders" in done.notes[0]


def test_extremes_are_coded_to_the_kth_value():
    axis = Axis("a", "a", ordered=True, holders=10)
    values = np.arange(100, dtype=float)
    done = protect(Block(Domain((axis,)), (values,)), Streams(0))
    assert done.block.columns[0].min() == 9 and done.block.columns[0].max() == 90
    assert done.limits["a", "value"] == (9, 90)
    assert np.count_nonzero(done.block.columns[0] == 9) == 10


def test_exempt_axes_pass_unchanged():
    axes = (Axis("a", "a", size=3), Axis("b", "b", ordered=True))
    block = Block(Domain(axes), (np.array([0, 1, 2], dtype=np.uint8), np.array([1.0, 2.0, 9.0])))
    done = protect(block, Streams(0))
    assert done.block.domain == block.domain and not done.kept and not done.limits and not done.notes
    assert all((a == b).all() for a, b in zip(done.block.columns, block.columns, strict=True))


@pytest.mark.parametrize("model", ["independent", "copula", "trees"])
def test_neither_file_nor_rows_hold_what_few_share(model, tmp_path):
    fitted = sim.fit(people(), model, seed=1)
    path = fitted.save(tmp_path / "m.sim")
    import zipfile

    with zipfile.ZipFile(path) as archive:
        text = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".json")).decode()
    assert "Hiddenham" not in text and "9876543.21" not in text
    rows = fitted.sample(3_000, seed=2).polars()
    assert set(rows["town"]) <= {"Aby", "Bex", "Cov"}
    assert rows["income"].max() < 200_000
    assert any("town" in note for note in fitted.notes) and any("income" in note for note in fitted.notes)


def test_declared_levels_and_bounds_are_exempt():
    frame = people()
    levels = ("Aby", "Bex", "Cov", "Hiddenham")
    schema = sim.infer(frame).with_column("town", levels=levels, declared=True)
    rows = sim.fit(frame, "independent", schema=schema, seed=1).sample(20_000, seed=2).polars()
    # 4 of 2,000 rows: 40 expected in 20,000; none at all would be a chance of e**-40
    assert (rows["town"] == "Hiddenham").any()


def test_it_can_be_switched_off_for_a_column_and_for_all():
    frame = people()
    schema = sim.infer(frame).with_column("town", protect=False)
    one = sim.fit(frame, "independent", schema=schema, seed=1)
    assert "Hiddenham" in set(one.sample(20_000, seed=2).polars()["town"])
    assert one.schema.table()["income"].bounds[1] < 200_000
    every = sim.fit(frame, "independent", protect=False, seed=1)
    assert every.schema.table()["income"].bounds[1] > 9_000_000 and not every.notes


def test_a_column_that_nobody_shares_is_withheld_and_said_so():
    frame = pl.DataFrame({"who": [f"person {i}" for i in range(200)], "x": [1, 2] * 100})
    schema = sim.infer(frame).with_column("who", kind="category")
    fitted = sim.fit(frame, "independent", schema=schema, seed=1)
    assert fitted.sample(50, seed=1).polars()["who"].null_count() == 50
    assert any("withheld" in note for note in fitted.notes)


def test_too_few_rows_for_protection_is_one_clear_error():
    with pytest.raises(sim.errors.DataError, match="3 rows; protection needs at least 10"):
        sim.fit(pl.DataFrame({"a": [1, 2, 3]}), "independent", seed=1)
    assert (
        len(sim.fit(pl.DataFrame({"a": [1, 2, 3]}), "independent", seed=1, protect=False).sample(5, seed=1))
        == 5
    )
