"""Tables in files: which files are whose, and the same rows from every format, piece by piece."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from simulacra.errors import DataError, FileError
from simulacra.filing import read_path
from simulacra.schema.types import Column, Schema, Table
from simulacra.tablefiles import find_tables, is_parted

FRAME = pl.DataFrame({"a": [1, 2, None, 4, 5], "b": ["x", 'say "y"', "two\nlines", None, "ü,z"]})


def rows_of(path: Path, rows: int = 2, **options: object) -> pl.DataFrame:
    (table,) = find_tables(path, **options).values()  # type: ignore[arg-type]
    return pl.concat(piece.frame for piece in table.pieces(rows=rows))


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "csv", "tsv", "jsonl", "csv.gz", "json"])
def test_pieces_are_the_rows_that_reading_whole_gives(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    writers = {
        "parquet": FRAME.write_parquet, "arrow": FRAME.write_ipc, "jsonl": FRAME.write_ndjson, "json": FRAME.write_json,
        "tsv": lambda to: FRAME.write_csv(to, separator="\t"),
        "csv.gz": lambda to: FRAME.write_csv(to, compression="gzip"),
    }  # fmt: skip
    writers.get(suffix, FRAME.write_csv)(path)
    whole = next(iter(read_path(path).values())).frame
    assert rows_of(path).cast(pl.String).equals(whole.cast(pl.String))
    (table,) = find_tables(path).values()
    pieces = list(table.pieces(["b"], rows=2))
    assert [piece.frame.columns for piece in pieces] == [["b"]] * 3
    assert [piece.start for piece in pieces] == [0, 2, 4]


@pytest.mark.parametrize(
    "text",
    [
        "a;b\n1;x\n2;\n", "1,x\n2,y\n", "a, b\n1, x\n2, y\n", "sep=;\na;b\n1;x\n", "a,,b\n1,2,3\n4,5,6\n",
        "\ufeffa,b\n1,x\n", "a,b\n1,'x, y'\n2,'z'\n",
    ],
)  # fmt: skip
def test_odd_texts_are_read_as_they_are_read_whole(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    assert rows_of(path).equals(next(iter(read_path(path).values())).frame)


def test_lines_of_json_with_keys_and_types_that_vary(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n{"b": "x", "a": 2.5}\n\n{"a": 12345678901234567}\n')
    assert rows_of(path).rows() == [("1", None), ("2.5", "x"), ("12345678901234567", None)]


def test_folders_of_parts(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    for name in ("orders/part-00001", "orders/part-00000", "people/part-0", "_old/part-0", ".x/part-0"):
        (shop / name).parent.mkdir(parents=True, exist_ok=True)
        FRAME.write_parquet(shop / f"{name}.parquet")
    (shop / "schema.yaml").touch()
    (shop / "manifest.json").write_text("{}")
    (shop / "orders" / "_SUCCESS").touch()
    tables = find_tables(shop)
    assert {name: [part.name for part in table.parts] for name, table in tables.items()} == {
        "orders": ["orders/part-00000.parquet", "orders/part-00001.parquet"],
        "people": ["people/part-0.parquet"],
    }
    assert tables["orders"].rows == 10
    order = Schema((Table("people", (Column("a", "number"),)), Table("orders", (Column("a", "number"),))))
    assert list(find_tables(shop, order)) == ["people", "orders"]
    assert is_parted(shop)
    assert [piece.start for piece in tables["orders"].pieces()] == [0, 5]


def test_folders_of_whole_tables_are_no_parts(tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "people.parquet")
    FRAME.write_csv(tmp_path / "part-time.csv")
    assert not is_parted(tmp_path)
    assert sorted(find_tables(tmp_path)) == ["part-time", "people"]
    assert not is_parted(tmp_path / "people.parquet")
    assert not is_parted(FRAME)


def test_values_that_stand_in_the_names_of_folders(tmp_path: Path) -> None:
    for value in ("a%20b", "__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / f"k={value}").mkdir()
        FRAME.write_parquet(tmp_path / f"k={value}" / "part-0.parquet")
    (table,) = find_tables(tmp_path).values()
    assert table.name == tmp_path.name
    pieces = list(table.pieces(["k", "a"]))
    assert [piece.frame.row(0) for piece in pieces] == [(None, 1), ("a b", 1)]
    assert [piece.frame.height for piece in table.pieces(["k"])] == [5, 5]


def test_what_can_not_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no file"):
        find_tables(tmp_path / "none")
    with pytest.raises(DataError, match="no data files"):
        find_tables(tmp_path)
    (tmp_path / "part-0.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"part-0\.parquet"):
        rows_of(tmp_path)
    (tmp_path / "part-0.parquet").unlink()
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 100_000 + "1,2,3\n")
    with pytest.raises(DataError, match=r"t\.csv"):
        rows_of(tmp_path / "t.csv", 1_000)
