"""From a file with gaps to a whole one, and from two files to one, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from simulacra.cli import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("impute")
    whole = pl.DataFrame({
        "code": ["007", "012", "100", "007"] * 100,
        "net": [5, 9, 12, 30] * 100, "tax": [1, 2, 3, 4] * 100,
        "day": ["2024-01-03", "2024-02-29", "2024-05-01", "2024-07-09"] * 100,
    }).with_columns(total=pl.col("net") + pl.col("tax"))  # fmt: skip
    whole.write_csv(made / "whole.csv")
    gappy = whole.with_columns(
        pl.when(pl.int_range(400) % 7 > 0).then(pl.col("tax")).alias("tax"),
        pl.when(pl.int_range(400) % 5 > 0).then(pl.col("day")).alias("day"),
    )
    gappy.write_csv(made / "gappy.csv")
    assert run(["fit", str(made / "whole.csv"), "-o", str(made / "m.sim"), "--seed", "1", "-q"]) == 0
    return made


def test_gaps_are_filled_and_all_else_is_byte_for_byte_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "out.csv"
    assert run(["impute", str(folder / "gappy.csv"), "-o", str(out), "--seed", "1"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "" and "tax: 58 cells filled" in shown.err
    before = (folder / "gappy.csv").read_text().splitlines()
    after = out.read_text().splitlines()
    assert len(before) == len(after) and before[0] == after[0]
    for one, two in zip(before, after, strict=True):
        assert all(a in ("", b) for a, b in zip(one.split(","), two.split(","), strict=True))
    done = pl.read_csv(out)
    assert (done["net"] + done["tax"] == done["total"]).all() and done["day"].null_count() == 0


def test_a_model_several_files_and_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["impute", str(folder / "gappy.csv"), "-m", str(folder / "m.sim"), "-o", str(folder / "many.csv"),
            "--seed", "1", "--times", "2", "--columns", "day", "--mark", "--json", "-q"]  # fmt: skip
    assert run(call) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["times"] == 2 and told["filled"] == {"day": 80} and told["seed"] == 1
    assert [Path(name).name for name in told["files"]] == ["many.1.csv", "many.2.csv"]
    done = pl.read_csv(folder / "many.1.csv")
    assert done["tax"].null_count() == 58 and (done["imputed"] == "day").sum() == 80
    first = (folder / "many.1.csv").read_bytes()
    assert run(call) == 0
    assert (folder / "many.1.csv").read_bytes() == first


def test_enriching(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = folder / "data.csv", folder / "rich.csv"
    pl.DataFrame({"code": ["012", "100"] * 20, "own": range(40)}).write_csv(data)
    call = ["enrich", str(data), str(folder / "whole.csv"), "--on", "code", "--columns", "net", "-o", str(out),
            "--seed", "1", "--json", "-q"]  # fmt: skip
    assert run(call) == 0
    told = json.loads(capsys.readouterr().out)
    # code 007 has the smallest and the largest net, so of the ranks .1 of the spread lies between codes; 80 rows judge
    assert told["on"] == ["code"] and abs(told["explained"]["net"] - 0.1) < 0.2
    assert any("have nothing to do with the other columns" in note for note in told["notes"])
    text = out.read_text().splitlines()
    assert text[0] == "code,own,net" and text[1].startswith("012,0,9")


def test_what_can_not_be_done_is_refused_before_anything_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gappy, out = str(folder / "gappy.csv"), folder / "none.csv"
    assert run(["impute", gappy, "-o", gappy]) == 2
    assert run(["impute", gappy, "-m", str(folder / "m.sim"), "-o", str(out), "--columns", "tox"]) == 2
    assert "did you mean 'tax'" in capsys.readouterr().err
    assert run(["enrich", gappy, str(folder / "m.sim"), "-o", str(out)]) == 2
    assert not out.exists()


def test_a_second_file_that_is_not_there_is_told_before_the_first_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # not a table: reading it would be another error
    (folder / "torn.parquet").write_bytes(b"nothing")
    torn, none, out = str(folder / "torn.parquet"), str(folder / "nope.csv"), str(folder / "never.csv")
    for call in (["enrich", torn, none, "-o", out],
                 ["augment", torn, "--target", "x", "--holdout", none, "-o", out],
                 ["impute", torn, "--schema", none, "-o", out]):  # fmt: skip
        assert run(call) == 2
        assert f"there is no file {none!r}" in capsys.readouterr().err
    assert not Path(out).exists()
