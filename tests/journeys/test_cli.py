"""The command line as a newcomer types it, good calls and bad ones."""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import polars as pl
import pytest

from simulacra.cli import run
from simulacra.cli._demo import find_data

FLIGHTS = find_data("flights")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with real flights, split in a training file and a test file."""
    path = tmp_path_factory.mktemp("work")
    with zipfile.ZipFile(FLIGHTS) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".csv") and not n.startswith("__"))
        frame = pl.read_csv(packed.read(name), infer_schema=False).gather_every(60)
    frame[::2].write_csv(path / "train.csv")
    frame[1::2].write_csv(path / "test.csv")
    old = Path.cwd()
    os.chdir(path)
    yield path
    os.chdir(old)


@pytest.fixture(scope="module")
def model(folder):
    assert run(["fit", "train.csv", "-o", "m.sim", "--seed", "1", "-q"]) == 0
    return folder / "m.sim"


def test_the_whole_street(folder, model, capsys):
    assert run(["inspect", "train.csv", "-o", "s.yaml"]) == 0
    assert "sched_dep_time" in capsys.readouterr().out
    assert (
        run(["fit", "train.csv", "--schema", "s.yaml", "-m", "independent", "--seed", "1", "-o", "i.sim"])
        == 0
    )
    assert run(["sample", "m.sim", "-n", "2000", "--seed", "1", "-o", "fake.csv"]) == 0
    fake, real = pl.read_csv("fake.csv"), pl.read_csv("train.csv", null_values=["NA"])
    assert fake.columns == real.columns and len(fake) == 2000
    assert (
        fake["dep_time"].drop_nulls().is_between(1, 2400).all()
        and (fake["dep_time"].drop_nulls() % 100 < 60).all()
    )
    capsys.readouterr()
    call = [
        "evaluate",
        "train.csv",
        "fake.csv",
        "--holdout",
        "test.csv",
        "--target",
        "arr_delay",
        "--model",
        "m.sim",
    ]
    assert run([*call, "-o", "report.html", "-o", "report.json", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    names = {score["name"] for score in printed["scores"]}
    assert {
        "fidelity/marginals",
        "fidelity/pairs",
        "fidelity/detection",
        "utility/transfer",
        "privacy/copies",
    } <= names
    assert all({"value", "interval", "baseline", "verdict"} <= set(score) for score in printed["scores"])
    assert "<html" in Path("report.html").read_text()
    assert run(["report", "report.json", "-o", "again.html"]) == 0 and Path("again.html").exists()


def test_fail_if_decides_the_exit_code(folder, model, capsys):
    run(["sample", "m.sim", "-n", "1500", "--seed", "1", "-o", "f.csv", "-q"])
    call = ["evaluate", "train.csv", "f.csv", "--holdout", "test.csv", "--metric", "fidelity/marginals", "-q"]
    assert run([*call, "--fail-if", "fidelity/marginals > 0.9"]) == 0
    assert run([*call, "--fail-if", "fidelity/marginals > 0.000001"]) == 1
    assert "fidelity/marginals is" in capsys.readouterr().err
    assert run([*call, "--fail-if", "privacy/copies > 0.01"]) == 2
    assert run([*call, "--fail-if", "nonsense"]) == 2


def test_where_and_stdout(model, capsys):
    assert (
        run(["sample", "m.sim", "-n", "50", "--seed", "1", "--where", "origin = 'JFK' and distance > 500"])
        == 0
    )
    out = capsys.readouterr()
    rows = pl.read_csv(out.out.encode())
    assert len(rows) == 50 and set(rows["origin"]) == {"JFK"} and rows["distance"].min() > 500
    assert "has a probability of about" in out.err


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet", "arrow", "jsonl", "xlsx"])
def test_the_same_seed_writes_the_same_bytes_in_every_format(model, folder, ending):
    for name in ("a", "b"):
        assert run(["sample", "m.sim", "-n", "300", "--seed", "7", "-o", f"{name}.{ending}", "-q"]) == 0
    assert (folder / f"a.{ending}").read_bytes() == (folder / f"b.{ending}").read_bytes()


def bad_files(folder: Path) -> None:
    (folder / "empty.csv").write_bytes(b"")
    (folder / "header.csv").write_text("a,b\n")
    (folder / "ragged.csv").write_text("a,b\n1,2\n3,4,5\n6\n")
    (folder / "binary.csv").write_bytes(bytes(range(256)) * 20)
    (folder / "wrong.yaml").write_text(
        "version: 1\ntables:\n  t:\n    columns:\n      nowhere: {kind: number}\n"
    )
    (folder / "odd.yaml").write_text("just: [a, text")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (["fit", "trian.csv", "-o", "x.sim"], "train.csv"),
        (["fit", "empty.csv", "-o", "x.sim"], "empty"),
        (["fit", "header.csv", "-o", "x.sim"], "no rows"),
        (["fit", "ragged.csv", "-o", "x.sim"], "line 3"),
        (["fit", "binary.csv", "-o", "x.sim"], "binary"),
        (["fit", "train.csv", "-o", "nowhere/x.sim"], "nowhere"),
        (["fit", "train.csv", "-o", "x.sim", "-m", "tree"], "did you mean 'trees'"),
        (["fit", "train.csv", "-o", "x.sim", "--schema", "wrong.yaml"], "nowhere"),
        (["fit", "train.csv", "-o", "x.sim", "--schema", "odd.yaml"], "odd.yaml"),
        (["fit", "train.csv", "-o", "x.sim", "--schema", "absent.yaml"], "absent.yaml"),
        (["fit", "train.csv", "-o", "x.sim", "--set", "leafs=3"], "did you mean 'min_leaf'"),
        (["fit", "train.csv"], "--output"),
        (["sample", "m.sim", "-n", "5", "--where", "orign = 'JFK'"], "did you mean 'origin'"),
        (["sample", "m.sim", "-n", "5", "--where", "origin ="], "where"),
        (["sample", "m.sim", "-n", "5", "--where", "month > 12"], "no row can match"),
        (["sample", "m.sim", "-n", "5", "-o", "x.doc"], ".csv"),
        (["sample", "m.sim", "-n", "-5"], "-5"),
        (["sample", "train.csv", "-n", "5"], "not a simulacra model"),
        (["evaluate", "train.csv", "test.csv", "--target", "arr_delya"], "did you mean 'arr_delay'"),
        (["evaluate", "train.csv", "test.csv", "--metric", "fidelity/pair"], "did you mean"),
        (["report", "train.csv"], "train.csv"),
        (["smaple", "m.sim"], "did you mean 'sample'"),
        (["inspect", "."], "."),
    ],
)
def test_bad_calls_get_one_clear_sentence_and_leave_nothing(folder, model, capsys, call, words):
    bad_files(folder)
    before = {p.name for p in folder.iterdir()}
    code = run(call)
    err = capsys.readouterr().err
    if call != ["inspect", "."]:
        assert code == 2, err
        assert words in err and "Traceback" not in err
        assert len(err.strip().splitlines()) <= 5
    assert {p.name for p in folder.iterdir()} == before


def test_a_full_disk_leaves_what_was_there(folder, model, capsys, monkeypatch):
    target = folder / "kept.csv"
    target.write_text("as it was")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_csv", full)
    before = {p.name for p in folder.iterdir()}
    assert run(["sample", "m.sim", "-n", "10", "--seed", "1", "-o", "kept.csv", "-q"]) == 2
    assert "no space left" in capsys.readouterr().err
    assert target.read_text() == "as it was" and {p.name for p in folder.iterdir()} == before


@pytest.mark.parametrize(
    "command", [[], ["fit"], ["sample"], ["evaluate"], ["inspect"], ["demo"], ["report"]]
)
def test_help_is_helpful(command, capsys):
    assert run([*command, "--help"]) == 0
    out = capsys.readouterr().out
    assert "Usage: simulacra" in out and len(out) > 200


def test_models_and_metrics_are_listed_with_summaries(capsys):
    assert run(["models", "--json"]) == 0
    models = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert models["trees"]["default"] and len(models["copula"]["summary"]) > 20
    assert run(["metrics"]) == 0
    assert "privacy/copies" in capsys.readouterr().out


def test_split_keeps_rows_away(folder):
    assert run(["split", "train.csv", "--train", "a.csv", "--holdout", "b.csv", "--seed", "1"]) == 0
    whole, one, two = (pl.read_csv(f, infer_schema=False) for f in ("train.csv", "a.csv", "b.csv"))
    assert len(one) + len(two) == len(whole) and len(two) == round(0.2 * len(whole))


@pytest.mark.parametrize(
    "call",
    [
        ["fit", "own.csv", "-o", "own.csv"],
        ["inspect", "own.csv", "-o", "own.csv"],
        ["fit", "own.csv", "-o", "x.txt"],
        ["split", "own.csv", "--train", "own.csv", "--holdout", "b.csv"],
        ["evaluate", "own.csv", "own.csv", "-o", "own.csv"],
        ["evaluate", "own.csv", "own.csv", "-o", "nowhere/r.html"],
        ["sample", "m.sim", "-n", "5", "-o", "m.sim"],
        ["sample", "m.sim", "-n", "5", "-o", "nowhere/x.csv"],
        ["sample", "m.sim", "-n", "5", "--where", ""],
        ["sample", "m.sim", "-n", "10000000000000", "-o", "x.csv"],
        ["fit", "own.csv"],
        ["fit", "own.csv", "-o", "x.sim", "--max-memory", "1MB"],
        ["fit", "own.csv", "-o", "x.sim", "--max-memory", "plenty"],
    ],
)
def test_inputs_are_never_overwritten_and_targets_are_checked_first(folder, model, capsys, call):
    (folder / "own.csv").write_bytes((folder / "train.csv").read_bytes())
    before = (folder / "own.csv").read_bytes(), (folder / "m.sim").read_bytes()
    assert run(call) == 2
    assert "error:" in capsys.readouterr().err
    assert before == ((folder / "own.csv").read_bytes(), (folder / "m.sim").read_bytes())


def test_a_reader_that_stops_early_is_no_failure(model, folder):
    program = f"{sys.executable} -m simulacra sample m.sim -n 20000 --seed 1 -q"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{program} | head -2"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.startswith("year,") and not done.stderr


def test_a_stopped_command_leaves_nothing_half_written(model, folder):
    before = set(folder.iterdir())
    command = [
        sys.executable,
        "-m",
        "simulacra",
        "sample",
        "m.sim",
        "-n",
        "3000000",
        "--seed",
        "1",
        "-o",
        "long.csv",
    ]
    running = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while set(folder.iterdir()) == before and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert set(folder.iterdir()) > before, "nothing was being written when the command was to be stopped"
    running.terminate()
    _, said = running.communicate(timeout=60)
    assert running.returncode == 143 and "stopped" in said and "Traceback" not in said
    assert set(folder.iterdir()) == before


def test_it_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "simulacra", "--version"], capture_output=True, text=True, check=True
    )
    assert "0.1.0" in done.stdout
