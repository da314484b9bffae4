"""Codes in memory, in files and as flags: the same repeats, whatever fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from simulacra.proof import codes as _codes
from simulacra.proof.codes import Coding
from simulacra.proof.keys import Known, collect_key
from simulacra.proof.spill import Spill
from simulacra.schema.types import Column, Table
from simulacra.tablefiles import find_tables


@pytest.mark.parametrize("memory", [10_000_000, 100_000])
@pytest.mark.parametrize("rows", [50_000, None])
def test_codes_that_repeat_are_counted(tmp_path: Path, memory: int, rows: int | None) -> None:
    rng = np.random.Generator(np.random.Philox(key=1))
    codes = rng.integers(-(2**62), 2**62, 50_000)
    codes[40_000:40_500] = codes[:500]
    spill = Spill(rows, memory, tmp_path)
    for piece in np.array_split(codes, 13):
        spill.add(piece)
    assert spill.count_repeated() == 500
    assert spill.suspects is not None
    assert set(spill.suspects.tolist()) == set(codes[:500].tolist())


def table_of(values: pl.Series, folder: Path) -> tuple[Table, dict]:  # type: ignore[type-arg]
    size = -(-len(values) // 3)
    for number in range(3):
        part = values.slice(number * size, size)
        pl.DataFrame({"a": part}).write_parquet(folder / f"part-{number}.parquet", row_group_size=1000)
    whole = values.dtype.is_integer()
    table = Table(folder.name, (Column("a", "key", integer=True) if whole else Column("a", "key"),))
    return table, find_tables(folder)


@pytest.mark.parametrize("memory", [50_000_000, 60_000])
@pytest.mark.parametrize("kind", ["dense", "sparse", "text"])
def test_repeats_are_named(tmp_path: Path, memory: int, kind: str) -> None:
    rng = np.random.Generator(np.random.Philox(key=2))
    numbers = rng.permutation(20_000)
    numbers[15_000] = numbers[3]
    numbers[19_000] = numbers[4]
    values = pl.Series(numbers * (1 if kind == "dense" else 10**12))
    if kind == "text":
        values = "k" + values.cast(pl.String)
    data, scratch = tmp_path / "data", tmp_path / "scratch"
    data.mkdir()
    scratch.mkdir()
    table, files = table_of(values, data)
    found = collect_key(
        files["data"], table, Coding.of(table, ("a",)), lookup=False, memory=memory, scratch=scratch,
        step=lambda what: None,
    )  # fmt: skip
    assert (found.rows, found.nulls, found.repeated) == (20_000, 0, 2)
    assert [(place.file, place.row) for place in found.first] == [
        ("part-2.parquet", 15_000 - 13_334 + 1),
        ("part-2.parquet", 19_000 - 13_334 + 1),
    ]


def test_equal_hashes_of_different_values_are_no_repeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def collide(self: Coding, frame: pl.DataFrame) -> tuple[np.ndarray, None]:  # type: ignore[type-arg]
        return np.asarray(frame["a"].str.len_bytes().to_numpy(), dtype=np.int64), None

    monkeypatch.setattr(_codes.Coding, "rows", collide)
    data = tmp_path / "data"
    data.mkdir()
    table, files = table_of(pl.Series([f"k{number}" for number in range(2_000)] + ["k7"]), data)
    found = collect_key(
        files["data"], table, Coding.of(table, ("a",)), lookup=False, memory=10**8, scratch=tmp_path,
        step=lambda what: None,
    )  # fmt: skip
    assert found.repeated == 1
    assert found.first[0].row == 2_001 - 2 * 667
    assert "compared where their 64-bit hashes repeat" in found.how


def test_flags_know_nothing_beyond_their_range() -> None:
    known = Known(flags=np.ones(3, dtype=bool), low=-1)
    asked = np.array([-2, -1, 1, 2, np.iinfo(np.int64).min, np.iinfo(np.int64).max])
    assert known.contains(asked).tolist() == [False, True, True, False, False, False]
    assert not Known(sorted=np.empty(0, dtype=np.int64)).contains(asked).any()
