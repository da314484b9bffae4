"""Rows in parts: rates, memory, bytes, and what a billion rows would take.

python dev.py bench scale                                    10,000,000 payments, 4,000,000 people
python dev.py bench scale --rows 100000000 --memory 1GB      as many of both
python dev.py bench scale --model adult.sim                  rows of that fitted model too
python dev.py bench scale --engines threads processes dask   each of them

Every run is a process of its own (`simulacra sample RULES -o FOLDER/`), and its start is in the figures. CPU seconds
are of all its threads and processes, as the operating system accounts them; *peak* is that of its largest process.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks._process import run
from benchmarks.quality import machine, say

PAGE = Path(__file__).with_name("scale.md")
BILLION = 1_000_000_000
CORES = (2, 16, 64)
SEED = 1

PAYMENTS = """
version: 1
tables:
  payments:
    columns:
      id: sequence
      account: {uniform: [1, 1000000], integer: true}
      at: {uniform: [2024-01-01T00:00:00, 2024-12-31T23:59:59]}
      amount: {lognormal: [25, 1.0], decimals: 2}
      currency: {choice: {EUR: 0.6, USD: 0.3, GBP: 0.08, CHF: 0.02}}
      status: {choice: {ok: 0.96, failed: 0.03, pending: 0.01}}
"""
PEOPLE = """
version: 1
tables:
  people:
    columns:
      id: sequence
      name: person.name
      email: email
      born: {uniform: [1940-01-01, 2006-12-31]}
      city: address.city
      income: {lognormal: [40000, 0.5], decimals: 2}
"""


@dataclass(frozen=True)
class Measured:
    """One run.

    Parameters
    ----------
    what, engine : str
        What was drawn, and by which engine.
    rows : int
        How many.
    cpu, wall : float
        Seconds.
    peak : float
        MB of the largest process.
    size : int
        Bytes of the files.
    digest : str
        Of the values.
    checked : float
        CPU seconds of `simulacra verify --deep`.
    """

    what: str
    engine: str
    rows: int
    cpu: float
    wall: float
    peak: float
    size: int
    digest: str
    checked: float


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="dev.py bench scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--rows", type=int, help="of every table")
    made.add_argument("--engines", nargs="+", default=["threads"])
    made.add_argument("--model", type=Path, help="a fitted model of one table")
    made.add_argument("--memory", help="what all workers may use together")
    made.add_argument("--format", default="parquet")
    made.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page."""
    options = parser().parse_args(arguments)
    found: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        tasks = [
            (make(place, "payments", PAYMENTS), options.rows or 10_000_000),
            (make(place, "people", PEOPLE), options.rows or 4_000_000),
        ]
        if options.model:
            tasks.append((options.model, options.rows or 4_000_000))
        for source, rows in tasks:
            for engine in options.engines:
                found.append(measure(source, rows, engine, options, place / "out"))
    for what in {one.what for one in found}:
        digests = {one.digest for one in found if one.what == what}
        if len(digests) != 1:
            raise SystemExit(f"{what}: the engines gave different rows ({', '.join(sorted(digests))}).")
    options.page.write_text(write(found, options.format), encoding="utf-8")


def make(folder: Path, name: str, text: str) -> Path:
    """Write a file of rules."""
    path = folder / f"{name}.yaml"
    path.write_text(text.lstrip(), encoding="utf-8")
    return path


def measure(source: Path, rows: int, engine: str, options: argparse.Namespace, out: Path) -> Measured:
    """Draw into a folder, verify it, and remove it."""
    say(f"{source.stem}: {rows:,} rows, {engine}")
    call = [sys.executable, "-m", "simulacra", "sample", str(source), "-n", str(rows), "--seed", str(SEED)]
    call += ["-o", f"{out}/", "--engine", engine, "--format", options.format, "--quiet"]
    done = run([*call, "--memory", options.memory] if options.memory else call)
    if done.problem is not None:
        raise SystemExit(f"{source.stem}, {engine}: {done.problem}")
    check = run([sys.executable, "-m", "simulacra", "verify", str(out), "--deep", "--json"])
    if check.problem is not None:
        raise SystemExit(f"{source.stem}, {engine}: {check.problem}")
    facts = json.loads(check.output)
    for path in sorted(out.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    out.rmdir()
    measured = Measured(
        source.stem, engine, sum(facts["rows"].values()), done.cpu, done.wall, done.peak, facts["bytes"],
        facts["digest"], check.cpu,
    )  # fmt: skip
    say(f"    {measured.rows / measured.cpu:,.0f} rows/CPU-s, {measured.peak:,.0f} MB")
    return measured


def write(found: Sequence[Measured], form: str) -> str:
    """Write the page: what was measured, and what a billion rows would take."""
    lines = [
        "# Rows in parts",
        "",
        f"`python dev.py bench scale`, as {form}, on {machine()}.",
        "",
        "| rows | engine | number | rows/CPU-s | rows/s | peak | bytes a row | verified, rows/CPU-s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        lines.append(
            f"| {one.what} | {one.engine} | {one.rows:,} | {one.rows / one.cpu:,.0f} | {one.rows / one.wall:,.0f} | "
            f"{one.peak:,.0f} MB | {one.size / one.rows:.1f} | {one.rows / one.checked:,.0f} |"
        )
    lines += [
        "",
        "## A billion rows",
        "",
        "Projected from these figures: CPU seconds and bytes grow with rows, and parts do not wait for each other.",
        "Disks and networks that take less than the rate in the last column make it longer.",
        "",
        f"| rows | GB | {' | '.join(f'minutes on {cores} cores' for cores in CORES)} | MB/s on {CORES[-1]} cores |",
        f"|---|---|{'---|' * len(CORES)}---|",
    ]
    for one in found:
        size, cpu = one.size / one.rows * BILLION, one.cpu / one.rows * BILLION
        minutes = " | ".join(f"{cpu / cores / 60:.1f}" for cores in CORES)
        rate = size / (cpu / CORES[-1]) / 1e6
        lines.append(f"| {one.what}, {one.engine} | {size / 1e9:.1f} | {minutes} | {rate:,.0f} |")
    return "\n".join(lines) + "\n"
