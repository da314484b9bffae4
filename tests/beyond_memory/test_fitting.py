"""Fits to rows in parts: all of them are counted, and a sample of them is learnt from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import simulacra as sim
from simulacra.cli import group
from simulacra.errors import OptionError, SchemaViolation
from simulacra.schema.files import write_schema
from simulacra.schema.types import Check, Column, Schema, Table

from .test_survey import parted, people

ROWS = 30_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return parted(people(ROWS, 1), tmp_path_factory.mktemp("fit") / "people", [10_000, 5, 19_995])


def test_parts_of_one_table_are_learnt_as_one(folder: Path) -> None:
    model = sim.fit(folder, "independent", seed=1)
    assert model.table.name == "people"
    assert model.provenance["data"]["rows"] == ROWS
    assert "sampled of" not in model.provenance["data"]
    assert model.notes[0] == "all 30,000 rows of 3 files are learnt from."
    drawn = model.sample(20_000, seed=2).polars()
    real = people(ROWS, 1)
    for level in ("OH", "NY"):
        shares = [(frame["state"] == level).mean() for frame in (drawn, real)]
        # standard deviation of the difference: .0045
        assert abs(shares[0] - shares[1]) < 0.02


def test_the_frame_comes_back_in_the_types_of_the_files(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": pl.Series([1, 2, 3, 4] * 500, dtype=pl.Int16), "b": ["x", "y"] * 1_000})
    model = sim.fit(parted(frame, tmp_path / "t", [1_000, 1_000]), "independent", seed=1)
    assert model.sample(5, seed=1).frame.schema == frame.schema


def test_the_sample_is_named_and_repeats(folder: Path, tmp_path: Path) -> None:
    model = sim.fit(folder, "independent", seed=1, rows=5_000)
    assert model.provenance["data"]["rows"] == 5_000
    assert model.provenance["data"]["sampled of"] == ROWS
    assert "5,000 of 30,000 rows in 3 files" in model.notes[0]
    other = parted(people(ROWS, 1), tmp_path / "people", [29_000, 1_000])
    again = sim.fit(other, "independent", seed=1, rows=5_000)
    assert again.provenance["data"]["sha256"] == model.provenance["data"]["sha256"]
    assert again.sample(100, seed=3).digest == model.sample(100, seed=3).digest
    assert sim.fit(folder, "independent", seed=2, rows=5_000).provenance != model.provenance


def test_holders_are_counted_over_all_rows(tmp_path: Path) -> None:
    # 60 of 60,000 rows hold "rare", so about 6 of a sample of 6,000 do; 5 rows hold "single"
    state = np.array(["common"] * 59_935 + ["rare"] * 60 + ["single"] * 5)
    rng = np.random.Generator(np.random.Philox(key=4))
    frame = pl.DataFrame({"state": rng.permutation(state), "n": rng.integers(0, 50, 60_000)})
    data = parted(frame, tmp_path / "t", [30_000, 30_000])
    model = sim.fit(data, "independent", seed=3, rows=6_000)
    assert model.table["state"].levels == ("common", "rare")
    # the same rows alone, of which nobody knows that there are more, give the level up
    alone = sim.fit(frame.sample(6_000, seed=1), "independent", seed=3)
    assert alone.table["state"].levels == ("common",)


def test_ends_are_coded_by_all_rows(tmp_path: Path) -> None:
    rng = np.random.Generator(np.random.Philox(key=6))
    pay = np.sort(rng.normal(0, 1, 50_000)).round(4)
    frame = pl.DataFrame({"pay": rng.permutation(pay)})
    data = parted(frame, tmp_path / "t", [25_000, 25_000])
    low, high = sim.fit(data, "independent", seed=5, rows=2_000, holders=20).table["pay"].bounds
    assert pay[19] <= low <= pay[400]
    assert pay[-400] <= high <= pay[-20]
    # a sample alone gives up 20 of its own values at each end, of which all rows have 500
    alone = sim.fit(frame.sample(2_000, seed=2), "independent", seed=5, holders=20).table["pay"].bounds
    assert low < alone[0] and alone[1] < high


def test_a_schema_beside_the_parts_is_followed(folder: Path, tmp_path: Path) -> None:
    data = parted(people(ROWS, 1), tmp_path / "x", [ROWS])
    columns = [Column("age", "number", integer=True, nullable=True, bounds=(17, 89), declared=True)]
    columns += [column for column in sim.infer(people(100, 2)).table().columns if column.name != "age"]
    loose = tuple(
        column if column.declared or column.kind == "text" else Column(column.name, column.kind)
        for column in columns
    )
    write_schema(Schema((Table("people", loose, constraints=(Check("age < 80"),)),)), data / "schema.yaml")
    model = sim.fit(data, "independent", seed=1, rows=4_000)
    assert model.table.name == "people"
    old = int((people(ROWS, 1)["age"] >= 80).sum())
    assert any(f"{old:,} of 30,000 rows break 'age < 80'" in note for note in model.notes)
    narrow = tuple(
        Column("age", "number", integer=True, nullable=True, bounds=(18, 89), declared=True)
        if column.name == "age" else column for column in loose
    )  # fmt: skip
    with pytest.raises(SchemaViolation, match="between 18 and 89"):
        sim.fit(data, "independent", schema=Schema((Table("people", narrow),)), seed=1, rows=100)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_parts_of_text(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "people"
    folder.mkdir()
    for number, part in enumerate(people(6_000, 1).iter_slices(2_000)):
        path = folder / f"part-{number}.{suffix}"
        part.write_csv(path) if suffix == "csv" else part.write_ndjson(path)
    model = sim.fit(folder, "independent", seed=1, rows=3_000)
    assert {column.name: column.kind for column in model.table.columns} == {
        "age": "number", "pay": "number", "state": "category", "member": "boolean", "born": "date", "note": "category",
    }  # fmt: skip
    assert model.table["age"].nullable


def test_one_file_of_more_rows_than_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    frame = pl.concat([people(ROWS, key) for key in range(5)])
    frame.with_columns(
        filler=pl.Series(np.random.Generator(np.random.Philox(key=1)).random(len(frame)))
    ).write_parquet(path)
    model = sim.fit(path, "independent", seed=1, rows=1_000)
    assert model.provenance["data"]["sampled of"] == 5 * ROWS
    assert sim.fit(path, "independent", seed=1).provenance["data"]["rows"] == 5 * ROWS


def test_rows_are_for_files(folder: Path) -> None:
    with pytest.raises(OptionError, match="rows of files"):
        sim.fit(people(100, 1), "independent", rows=10)
    with pytest.raises(OptionError, match="rows to learn from"):
        sim.fit(folder, "independent", rows=0)


def test_the_command_takes_a_folder_of_parts(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.sim"
    given = ["fit", str(folder), "-m", "independent", "--seed", "1", "--rows", "5000", "-o", str(out)]
    done = CliRunner().invoke(group, given)
    assert done.exit_code == 0, done.output
    assert sim.load(out).provenance["data"]["sampled of"] == ROWS


def test_the_cost_of_a_fit_to_parts_is_that_of_its_sample(folder: Path) -> None:
    cost = sim.estimate(folder, "independent", rows=5_000)
    assert (cost.rows, cost.columns) == (5_000, 6)
