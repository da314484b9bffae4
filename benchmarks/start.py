"""Time the start of the program, and measure the size of an installation.

python dev.py bench start               import and help page
python dev.py bench start --install     also the size of a core install (some minutes)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

from benchmarks._process import ROOT, run
from benchmarks._records import RESULTS, Record, add
from benchmarks.quality import command_line, finish, machine

REPEATS = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, add to the results, and write the page."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench start", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--install", action="store_true", help="measure the size of a core install")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="the JSON file that figures are added to"
    )
    options = parser.parse_args(arguments)
    command = command_line("start", sys.argv[2:] if arguments is None else arguments)
    calls = {
        "`import simulacra`": [sys.executable, "-c", "import simulacra"],
        "`simulacra --help`": [sys.executable, "-m", "simulacra", "--help"],
    }
    figures = {name: f"{best(call):.3f} s" for name, call in calls.items()}
    if options.install:
        figures["core install"] = f"{install_size() / 1e6:.0f} MB on disk"
    common = {"kind": "start", "table": "", "seed": 0, "command": command, "machine": machine()}
    records: list[Record] = [{**common, "model": name, "figure": figure} for name, figure in figures.items()]
    finish(options.results, add(options.results, records), None)


def best(call: list[str]) -> float:
    """Time a call, best of five, as a whole process."""
    times = []
    for _ in range(REPEATS):
        done = run(call)
        if done.problem is not None:
            raise SystemExit(f"{' '.join(call[-2:])!r} failed ({done.problem}).")
        times.append(done.wall)
    return min(times)


def install_size() -> int:
    """Install the core in an empty environment and add up its files."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        before = size_of(Path(folder))
        done = run([str(Path(folder) / "bin" / "python"), "-m", "pip", "install", "-q", str(ROOT)])
        if done.problem is not None:
            raise SystemExit(f"the core can not be installed ({done.problem}).")
        return size_of(Path(folder)) - before


def size_of(folder: Path) -> int:
    """Add up the sizes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    main()
