"""The benchmarks: a run end to end with a made-up peer, and what happens to peers that fail."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).parents[1]
COPYING = """
import json, shutil, sys
shutil.copy(sys.argv[1], sys.argv[2])
print("some chatter")
print(json.dumps({"steps": {"fit": 0.5}, "version": "copying 1.0"}))
"""


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


def part(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.{name}")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A folder with 200 training rows and as many of a holdout."""
    rng = np.random.default_rng(1)
    for name in ("train", "holdout"):
        x = rng.normal(size=200)
        frame = pl.DataFrame({"x": x.round(4), "y": (x + rng.normal(size=200)).round(4), "c": x > 0})
        frame.with_columns(pl.col("c").replace_strict({True: "yes", False: "no"})).write_csv(
            tmp_path / f"{name}.csv"
        )
    return tmp_path


def quality(table: Path, script: str, *more: str) -> tuple[list[dict], str]:
    """Run the quality benchmark with one peer; return the records and the page."""
    (table / "peer.py").write_text(script, encoding="utf-8")
    results = table / "out" / "results.json"
    results.parent.mkdir(exist_ok=True)
    given = [
        "--train",
        f"{table}/train.csv",
        "--holdout",
        f"{table}/holdout.csv",
        "--target",
        "c",
        "--name",
        "tiny",
    ]
    given += ["--script", f"peer={table}/peer.py", "--results", str(results), *more]
    part("quality").main(given)
    return json.loads(results.read_text(encoding="utf-8")), results.with_suffix(".md").read_text(
        encoding="utf-8"
    )


def test_a_peer_that_copies_is_run_measured_and_written_down(table: Path) -> None:
    plot = table / "plot.svg"
    records, page = quality(table, COPYING, "--plot", str(plot), "--keep", str(table / "kept"))
    assert [(r["model"], r["seed"], r["problem"]) for r in records] == [("peer", 1, None)]
    assert records[0]["scores"]["privacy/copies"]["value"] == 1.0
    assert records[0]["scores"]["privacy/distances"]["value"] == 1.0
    assert records[0]["version"] == "copying 1.0"
    assert records[0]["cpu"] > 0
    assert records[0]["peak"] > 1
    assert (table / "kept" / "peer-1.csv").read_bytes() == (table / "train.csv").read_bytes()
    assert "## tiny: 200 rows x 3 columns" in page
    row = next(line for line in page.splitlines() if line.startswith("| peer |"))
    assert "1.000 ± 0.000" in row
    assert str(table) not in page
    assert "<svg" in plot.read_text(encoding="utf-8")


def test_results_are_added_and_the_same_run_is_replaced(table: Path) -> None:
    quality(table, COPYING)
    broken = "raise SystemExit('no memory for this')"
    records, page = quality(table, broken, "--seeds", "1", "2")
    assert [r["seed"] for r in records] == [1, 2]
    assert all("no memory for this" in r["problem"] for r in records)
    assert "no result: exit code 1: no memory for this" in page


def test_a_peer_that_takes_too_long_is_ended_with_its_children(table: Path) -> None:
    child = "import time; time.sleep(3); open({!r}, 'w')"
    mark = table / "still-alive"
    script = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child.format(str(mark))!r}])"
    records, page = quality(table, script, "--limit", "1")
    assert "stopped after the limit of 1 s" in records[0]["problem"]
    assert records[0]["wall"] < 3
    assert not mark.exists()
    assert "no result: stopped" in page


def test_a_peer_that_can_not_be_installed_is_a_row_that_says_so(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environments = part("_environments")
    finished = part("_process").Finished(
        code=1,
        cpu=0.1,
        wall=0.1,
        peak=1.0,
        output="",
        errors="ERROR: no such package at file:///a/b",
        late=False,
    )
    monkeypatch.setattr(environments, "run", lambda *_: finished)
    monkeypatch.setattr(environments.venv, "create", lambda *_, **__: None)
    results = table / "results.json"
    given = ["--train", f"{table}/train.csv", "--holdout", f"{table}/holdout.csv", "--name", "tiny"]
    given += ["--models", "sdv-ctgan", "--results", str(results), "--envs", str(table / "envs")]
    part("quality").main(given)
    page = results.with_suffix(".md").read_text(encoding="utf-8")
    assert "no result: 'torch==2.13.0' can not be installed" in page
    assert "file:" not in page


def test_wrong_names_are_refused_with_those_that_exist() -> None:
    with pytest.raises(SystemExit, match=r"no model or peer named 'tree'; there are: .*trees.*sdv-ctgan"):
        part("quality").chosen(["tree"], [])
    with pytest.raises(SystemExit, match="must be NAME=FILE"):
        part("quality").chosen(None, ["mine"])
    assert "sdv-tvae" in part("quality").chosen(["all"], [])


def test_a_process_is_accounted_for_by_itself() -> None:
    run = part("_process").run
    big = run([sys.executable, "-c", "x = bytearray(300_000_000); print('done')"])
    small = run([sys.executable, "-c", "print('done')"])
    assert big.output == small.output == "done\n"
    assert big.peak > 300
    # the account of a later process does not hold the earlier one's memory
    assert small.peak < 150


def test_margins_hold_the_holdout_s_chances_and_the_spread_over_seeds() -> None:
    def runs(*values: float) -> list[dict]:
        return [{"scores": {"m": {"value": v, "interval": [v - 0.1, v + 0.1]}}} for v in values]

    spread = part("_page").spread
    assert spread(runs(0.5), "m") == pytest.approx((0.5, 0.1))
    # equal figures over seeds do not mean that there is no doubt
    assert spread(runs(0.5, 0.5, 0.5), "m") == pytest.approx((0.5, 0.1))
    # Student's t with 2 degrees of freedom: 4.303 x 0.2 / sqrt(3)
    assert spread(runs(0.3, 0.5, 0.7), "m") == pytest.approx((0.5, 0.4968), abs=1e-3)
    assert spread(runs(0.5), "other") is None


def test_speed_is_measured_on_made_data_of_any_shape(tmp_path: Path) -> None:
    speed = part("speed")
    speed.make(tmp_path / "a.parquet", 120, 9)
    frame = pl.read_parquet(tmp_path / "a.parquet")
    assert frame.shape == (120, 9)
    assert frame.equals(speed.make_chunk(120, 9))
    assert frame["c007"].null_count() > 0
    assert len(set(frame.dtypes)) >= 5
    results = tmp_path / "results.json"
    speed.main(["--rows", "120", "--columns", "9", "--models", "independent", "--results", str(results)])
    (record,) = json.loads(results.read_text(encoding="utf-8"))
    assert record["problem"] is None
    assert min(record[name] for name in ("fit_cpu", "fit_peak", "frame_rate", "file_rate", "model_mb")) > 0
    assert "| independent | 120 | 9 |" in results.with_suffix(".md").read_text(encoding="utf-8")
