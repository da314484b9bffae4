"""Counts of all rows and fair samples, however the rows are cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from simulacra.metric import Comparison
from simulacra.profile import profile
from simulacra.randomness import Streams
from simulacra.schema.types import Column, Table
from simulacra.survey.cells import as_cells, choose_bins, profile_surveys
from simulacra.survey.guessing import guess_table, widen
from simulacra.survey.reservoir import Reservoir, rank_rows
from simulacra.survey.rows import FrameRows
from simulacra.survey.survey import Ask, CodeList, survey
from simulacra.tablefiles import find_tables

TABLE = Table(
    "people",
    (
        Column("age", "number", integer=True, nullable=True),
        Column("pay", "number", decimals=2),
        Column("state", "category"),
        Column("member", "boolean"),
        Column("born", "date"),
        Column("note", "text"),
    ),
)


def people(rows: int, key: int) -> pl.DataFrame:
    rng = np.random.Generator(np.random.Philox(key=key))
    age = rng.integers(17, 90, rows)
    return pl.DataFrame(
        {
            "age": pl.Series([None if number % 11 == 0 else int(number) for number in age], dtype=pl.Int64),
            "pay": np.round(rng.lognormal(7, 1, rows), 2),
            "state": rng.choice(["OH", "NY", "CA", "WY"], rows, p=[0.5, 0.3, 0.199, 0.001]),
            "member": rng.random(rows) < 0.3,
            "born": pl.Series(rng.integers(0, 9_000, rows)).cast(pl.Int32).cast(pl.Date),
            "note": ["n" * int(size) for size in rng.integers(1, 30, rows)],
        }
    )


def parted(frame: pl.DataFrame, folder: Path, sizes: list[int]) -> Path:
    folder.mkdir()
    start = 0
    for number, size in enumerate(sizes):
        frame[start : start + size].write_parquet(folder / f"part-{number:05d}.parquet")
        start += size
    assert start == len(frame)
    return folder


def test_the_sample_does_not_depend_on_how_rows_are_cut() -> None:
    frame = people(20_000, 1)
    samples = []
    for size in (1, 999, 65_536):
        # the number of rows is known to one of them only
        reservoir = Reservoir(500, Streams(3), 20_000 if size == 999 else None)
        for start in range(0, len(frame), max(size, 100)):
            reservoir.take(frame[start : start + max(size, 100)], start)
        samples.append(reservoir.finish())
    assert samples[0].equals(samples[1])
    assert samples[0].equals(samples[2])
    assert len(samples[0]) == 500


def test_every_row_is_as_likely_as_every_other() -> None:
    hits = np.zeros(1_000)
    for seed in range(400):
        reservoir = Reservoir(100, Streams(seed), 1_000)
        reservoir.take(pl.DataFrame({"row": range(1_000)}), 0)
        hits[reservoir.finish()["row"].to_numpy()] += 1
    # 40 hits expected, standard deviation 6; 1,000 rows: beyond 5 of these one time in 1,700
    assert hits.min() > 10
    assert hits.max() < 70
    # neighbours are drawn independently: 1,000 x 400 pairs with chance .01 each way
    assert abs(np.corrcoef(hits[:-1], hits[1:])[0, 1]) < 5 / np.sqrt(999)


def test_ranks_never_repeat() -> None:
    assert len(np.unique(rank_rows(5, 10**12, 100_000))) == 100_000


@pytest.mark.parametrize("sizes", [[5_000], [1, 1_999, 0, 3_000]])
def test_counts_are_those_of_the_whole(tmp_path: Path, sizes: list[int]) -> None:
    frame = people(5_000, 2)
    frame = pl.concat([frame[:4_990], frame[:10]])
    files = find_tables(parted(frame, tmp_path / "people", sizes))["people"]
    codes = CodeList()
    found = survey(files, TABLE, Streams(1), Ask(100, repeats=True, codes=codes))
    assert (found.rows, len(found.sample), found.whole) == (5_000, 100, False)
    assert found.missing == {name: frame[name].null_count() for name in frame.columns}
    counts = frame["state"].value_counts().sort("count", descending=True)
    assert found.levels["state"].table.rows() == counts.rows()
    assert found.ends["pay"] == (frame["pay"].min(), frame["pay"].max())
    assert found.ends["note"] == (1, 29)
    assert found.repeated == 10
    asked = survey(FrameRows("t", frame[:7]), TABLE, Streams(1), Ask(9, among=codes.known()))
    assert asked.known == 7
    assert (
        survey(FrameRows("t", people(50, 9)), TABLE, Streams(1), Ask(9, among=CodeList([]).known())).known
        == 0
    )


def test_pictures_of_all_rows_are_those_of_frames_in_memory() -> None:
    frames = [people(rows, key) for rows, key in ((3_000, 3), (4_000, 4), (500, 5))]
    sources = [FrameRows("people", frame) for frame in frames]
    first = survey(sources[0], TABLE, Streams(1), Ask(10_000))
    bins = choose_bins(first)
    sides = [survey(source, TABLE, Streams(1), Ask(10, as_cells(bins))) for source in sources]
    sides[0].sample = first.sample
    wanted = profile(Comparison(TABLE, *frames))
    assert profile_surveys(TABLE, bins, sides).equals(wanted)


def test_a_guessed_schema_holds_what_all_rows_show() -> None:
    rows = 40_000
    frame = pl.DataFrame({"a": np.arange(rows, dtype=np.float64), "b": ["x", "y"] * (rows // 2)})
    odd = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 31_111).then(0.5).otherwise("a").alias("a"),
        pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("z")).otherwise("b").alias("b"),
    )
    source = FrameRows("t", odd)
    table = guess_table(source, 100, Streams(1), typed=True)
    assert table["a"].integer
    table, again = widen(table, survey(source, table, Streams(1), Ask(100)))
    assert again == ["a"]
    assert not table["a"].integer
    assert table["b"].levels == ("x", "y", "z")
