"""More rows than memory: every rule proved over every row, an evaluation and a fit, with time and memory.

python dev.py bench proof                                        10,000,000 payments, and a shop
python dev.py bench proof --rows 100000000                       as many payments
python dev.py bench proof --model adult.sim --real adult.parquet an evaluation against those rows, and a fit, too

Every step is a process of its own, and its start is in the figures. CPU seconds are of all its threads and processes,
as the operating system accounts them; *peak* is that of its largest process.
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
from benchmarks.scale import PAYMENTS, make

PAGE = Path(__file__).with_name("proof.md")
SEED = 1
SHOP_SHARE = 1_000
"""Payments for each customer of the shop."""


@dataclass(frozen=True)
class Step:
    """One step: what was done with how many rows, in CPU and wall seconds, and MB at most."""

    what: str
    rows: int
    cpu: float
    wall: float
    peak: float
    told: str


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="dev.py bench proof", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--rows", type=int, default=10_000_000)
    made.add_argument("--model", type=Path, help="a fitted model of one table")
    made.add_argument("--real", help="rows that it learnt from, or rows like these")
    made.add_argument("--holdout", help="other such rows")
    made.add_argument("--memory", default="2.5GB", help="what a proof may use for keys")
    made.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page."""
    options = parser().parse_args(arguments)
    found: list[Step] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for source, rows in (
            (make(place, "payments", PAYMENTS), options.rows),
            ("shop", options.rows // SHOP_SHARE),
        ):
            out = draw(str(source), rows, place / "rows")
            found.append(prove(Path(str(source)).stem, out, options.memory))
            remove(out)
        if options.model:
            out = draw(str(options.model), options.rows, place / "rows")
            found.append(prove(options.model.stem, out, options.memory))
            if options.real:
                found.append(evaluate(options, out))
            found.append(fit(out, place / "fitted.sim", options.rows))
    options.page.write_text(write(found), encoding="utf-8")


def draw(source: str, rows: int, out: Path) -> Path:
    """Draw rows into a folder."""
    say(f"drawing {rows:,} rows of {source}")
    simulacra("sample", source, "-n", str(rows), "--seed", str(SEED), "-o", f"{out}/", "--quiet")
    return out


def simulacra(*call: str) -> tuple[float, float, float, str]:
    """Run a command; CPU and wall seconds, MB, and what it wrote."""
    done = run([sys.executable, "-m", "simulacra", *call])
    if done.problem is not None:
        raise SystemExit(f"{' '.join(call)}: {done.problem}")
    return done.cpu, done.wall, done.peak, done.output


def prove(what: str, out: Path, memory: str) -> Step:
    """Hold all rows against all rules."""
    cpu, wall, peak, said = simulacra("verify", str(out), "--rules", "--memory", memory, "--json", "-q")
    facts = json.loads(said)
    proof = facts["proof"]
    rows = sum(proof["rows"].values())
    lines = proof["lines"]
    return told(Step(f"proof, {what}", rows, cpu, wall, peak, f"{len(lines)} rules"))


def evaluate(options: argparse.Namespace, out: Path) -> Step:
    """Compare the rows with real ones."""
    more = ["--holdout", options.holdout] if options.holdout else []
    cpu, wall, peak, said = simulacra("evaluate", options.real, str(out), *more, "--json", "-q")
    report = json.loads(said)
    real = report["summary"]["rows"]["train"]
    return told(Step("evaluation", options.rows, cpu, wall, peak, f"against {real:,} real rows"))


def fit(out: Path, model: Path, rows: int) -> Step:
    """Learn from the rows."""
    cpu, wall, peak, said = simulacra("fit", str(out), "--seed", str(SEED), "--json", "-q", "-o", str(model))
    data = json.loads(said)["provenance"]["data"]
    return told(Step("fit", rows, cpu, wall, peak, f"learnt from {data['rows']:,} of them"))


def told(step: Step) -> Step:
    """Say what a step took."""
    say(
        f"    {step.what}: {step.rows:,} rows, {step.cpu:,.1f} CPU-s, {step.wall:,.1f} s, {step.peak:,.0f} MB"
    )
    return step


def remove(out: Path) -> None:
    """Remove a folder of files."""
    for path in sorted(out.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    out.rmdir()


def write(found: Sequence[Step]) -> str:
    """Write the page."""
    lines = [
        "# More rows than memory",
        "",
        f"`python dev.py bench proof`, on {machine()}.",
        "",
        "| step | rows | CPU-s | s | rows/CPU-s | peak | |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.what} | {one.rows:,} | {one.cpu:,.1f} | {one.wall:,.1f} | {one.rows / one.cpu:,.0f} | "
        f"{one.peak:,.0f} MB | {one.told} |"
        for one in found
    ]
    return "\n".join(lines) + "\n"
