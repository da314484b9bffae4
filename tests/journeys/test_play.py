"""Scenarios and edge cases through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

import simulacra as sim
from simulacra.cli import run

SCENARIOS = """\
scenarios:
  - name: big
    rows: 50
    where: a > 5
  - name: more
    rows: 60
    shift: {a: a + 1}
    output: shifted.parquet
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    frame = pl.DataFrame({"a": [n % 10 for n in range(400)], "b": ["x", "y"] * 200})
    sim.fit(frame, "independent", seed=1).save("m.sim")
    Path("s.yaml").write_text(SCENARIOS)
    sim.infer(frame).with_column("a", bounds=(0, 9), declared=True)
    return tmp_path


def test_a_folder_of_files_and_a_page(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["play", "m.sim", "s.yaml", "-o", "out", "--report", "s.html", "--seed", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(one["file"]).name for one in told["scenarios"]] == ["big.csv", "shifted.parquet"]
    assert pl.read_csv("out/big.csv")["a"].min() > 5 and len(pl.read_parquet("out/shifted.parquet")) == 60
    assert "<html" in Path("s.html").read_text()
    before = Path("out/big.csv").read_bytes()
    assert run(["play", "m.sim", "s.yaml", "-o", "again", "--seed", "1", "--only", "big", "-q"]) == 0
    assert Path("again/big.csv").read_bytes() == before and [p.name for p in Path("again").iterdir()] == [
        "big.csv"
    ]


def test_nothing_is_written_when_something_is_wrong(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("s.yaml").write_text(SCENARIOS.replace("a + 1", "c + 1"))
    assert run(["play", "m.sim", "s.yaml", "-o", "out"]) == 2
    assert "scenario 'more', field 'shift'" in capsys.readouterr().err and not Path("out").exists()
    assert run(["play", "m.sim"]) == 2
    assert run(["play", "m.sim", "s.yaml", "-o", "out", "--format", "csw"]) == 2
    assert run(["play", "m.sim", "s.yaml", "-o", "s.yaml"]) == 2
    assert not Path("out").exists()


def test_the_template_is_printed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["play", "--example"]) == 0
    assert capsys.readouterr().out.startswith("# Scenarios")


def test_edge_cases_of_a_schema_and_of_a_model(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["edges", "m.sim", "-o", "e.csv", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = pl.read_csv("e.csv", infer_schema=False)
    assert told["rows"] == len(rows) == told["valid"] + told["invalid"]
    assert rows.filter(pl.col("_case") == "not a number")["a"].to_list() == ["NaN"]
    assert run(["sample", "m.sim", "-n", "20", "--seed", "1", "-o", "rows.csv", "-q"]) == 0
    assert run(["edges", "m.sim", "--into", "rows.csv", "-o", "all.parquet", "-q"]) == 0
    whole = pl.read_parquet("all.parquet")
    assert whole["a"].dtype == pl.Int64 and whole["_case"].head(20).is_null().all()
    capsys.readouterr()
    assert run(["edges", "m.sim", "-q"]) == 0
    assert capsys.readouterr().out.startswith("a,b,_case,_column,_breaks,_valid\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("play s.yaml m.sim -o out", "'m.sim' is a model, and the model comes first"),
        ("play m.sim s.yaml -o out --format pdf", "no format named 'pdf' can be written; there are arrow, "),
        ("play m.sim s.yaml -o out --format ods", "no format named 'ods' can be written"),
        ("edges s.schema.yaml", "there is no file 's.schema.yaml'"),
        ("edges rows.csv", "simulacra inspect rows.csv -o rows.schema.yaml"),
        ("edges rows.parquet", "there is no file 'rows.parquet'"),
        ("edges m.sim --into rows.csv", "'rows.csv' holds no rows of 'table': it lacks 'a', 'b'"),
        ("edges m.sim -o e.ods", "'.ods' is a format that is only read"),
        ("edges m.sim -o e", "'e': its name has no suffix"),
    ],
)
def test_a_slip_is_told_with_its_remedy(
    place: Path, capsys: pytest.CaptureFixture[str], words: str, told: str
) -> None:
    Path("rows.csv").write_text("x,y\n1,2\n3,4\n")
    assert run(words.split()) == 2
    error = capsys.readouterr().err
    assert told in error and "take them out of the schema" not in error
    assert not Path("out").exists()


def test_one_scenario_is_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["play", "m.sim", "s.yaml", "-o", "out", "--only", "big"]) == 0
    assert "drew 1 scenario in" in capsys.readouterr().err
