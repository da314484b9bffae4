"""Augmentation through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from simulacra.cli import run
from simulacra.randomness import Streams


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = Streams(1).stream("rows")
    rare = np.arange(400) % 16 == 0
    frame = pl.DataFrame({
        "amount": np.round(rng.normal(size=400) + 2.5 * rare, 1) + 0.0,
        "shop": np.where(rng.random(400) < 0.4, "web", "desk"),
        "fraud": np.where(rare, "yes", "no"),
    })  # fmt: skip
    frame.write_csv(tmp_path / "train.csv")
    frame.sample(fraction=1, seed=1, shuffle=True).write_csv(tmp_path / "test.csv")
    return tmp_path


def test_rows_report_and_json_of_one_call(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = [
        "augment", f"{files}/train.csv", "--target", "fraud", "--level", "yes", "--holdout", f"{files}/test.csv",
        "-n", "40", "--quick", "--mark", "made", "--seed", "1", "-o", f"{files}/all.csv",
        "--report", f"{files}/page.html", "--json",
    ]  # fmt: skip
    assert run(call) == 0
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    rows = pl.read_csv(files / "all.csv")
    assert rows.height == 440
    assert rows.filter(pl.col("made"))["fraud"].to_list() == ["yes"] * 40
    assert told["chosen"] == {"yes": 40}
    assert {row["method"] for row in told["scores"]} >= {"doing nothing", "class weights", "synthetic rows"}
    assert "random oversampling" in shown.err
    table = shown.err[: shown.err.index("note:")].splitlines()
    assert max(map(len, table)) <= 80 and sum("+-" in line for line in table) >= 4
    assert "400 real and 40 synthetic rows" in shown.err
    assert "<svg" in (files / "page.html").read_text(encoding="utf-8")


def test_without_a_file_the_rows_go_to_stdout(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["augment", f"{files}/train.csv", "--target", "fraud", "-n", "5", "--quick", "--learner", "linear"]
    assert run([*call, "--seed", "1", "-q"]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0] == "amount,shop,fraud"
    assert len(lines) == 406
    assert lines[1:401] == (files / "train.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert shown.err == ""


@pytest.mark.parametrize(
    "wrong",
    [
        ["--json"],
        ["--target", "froud"],
        ["--level", "maybe"],
        ["-o", "FOLDER/train.csv"],
        ["-o", "FOLDER/all.csv", "--report", "FOLDER/page.pdf"],
        ["-n", "0"],
        ["--goal", "accuracy"],
    ],
)
def test_what_can_not_be_done_is_two_and_writes_nothing(files: Path, wrong: list[str]) -> None:
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    given = [part.replace("FOLDER", str(files)) for part in wrong]
    assert run(["augment", f"{files}/train.csv", "--target", "fraud", "--quick", *given]) == 2
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before
