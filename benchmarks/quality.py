"""Fit our models and the peers on one table, and measure what they make with the same metrics.

    python dev.py bench quality --train a.csv --holdout b.csv --target y --name adult
    python dev.py bench quality ... --models trees sdv-ctgan --seeds 1 2 3 --limit 1800
    python dev.py bench quality ... --script mine=my_generator.py       called as: my_generator.py TRAIN OUT SEED NAME

Every fit is a process of its own, peers in a virtual environment of their own. Results are added to
benchmarks/results.json (one record per table, model and seed), and results.md and the plot are written anew.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import simulacra as sim
from benchmarks import _page, _plot
from benchmarks._environments import OWN, PEERS, Peer, Unavailable, default_folder, python_of
from benchmarks._process import run
from benchmarks._records import RESULTS, Record, add, shown_path
from simulacra.registry import MODELS

PLOT = Path(__file__).resolve().parent.parent / "docs" / "images" / "quality.svg"
DEFAULT_LIMIT = 1800.0


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="dev.py bench quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--train", required=True, help="the rows that models learn from")
    made.add_argument("--holdout", required=True, help="real rows that no model sees")
    made.add_argument("--target", help="the column to predict in TSTR")
    made.add_argument(
        "--name", help="what to call the table; the name of the training file's folder if left out"
    )
    made.add_argument(
        "--models",
        nargs="+",
        help=f"ours ({', '.join(_own())}; the default) or peers ({', '.join(PEERS)}), or: all",
    )
    made.add_argument("--script", action="append", default=[], metavar="NAME=FILE", help="another generator")
    made.add_argument("--seeds", nargs="+", type=int, default=[1])
    made.add_argument("--limit", type=float, default=DEFAULT_LIMIT, help="seconds of wall time per fit")
    made.add_argument("--envs", type=Path, default=default_folder(), help="where peers are installed")
    made.add_argument("--keep", type=Path, help="a folder to keep the synthetic tables in")
    made.add_argument("--results", type=Path, default=RESULTS, help="the JSON file that figures are added to")
    made.add_argument(
        "--plot", type=Path, help="the plot to write; docs/images/quality.svg for the usual results"
    )
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, add to the results, and write the page and the plot."""
    options = parser().parse_args(arguments)
    command = command_line("quality", sys.argv[2:] if arguments is None else arguments)
    peers = chosen(options.models, options.script)
    name = options.name or Path(options.train).resolve().parent.name
    with tempfile.TemporaryDirectory() as folder:
        place = options.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        train = plain_csv(options.train, place / "train.csv")
        records: list[Record] = []
        for model, peer in peers.items():
            for seed in options.seeds:
                say(f"{name}: {model}, seed {seed}")
                record = measure(options, train, place, model, peer, seed)
                record |= {"kind": "quality", "table": name, "command": command, "machine": machine()}
                # written at once: a run of hours that is broken off keeps what it has
                records = add(options.results, [record])
                say(f"    {record['problem'] or headline(record)}")
    finish(options.results, records, options.plot)


def chosen(models: Sequence[str] | None, scripts: Sequence[str]) -> dict[str, Peer]:
    """Look up what to run, by name."""
    names = [*_own(), *PEERS] if models == ["all"] else list(models or ([] if scripts else _own()))
    wrong = [name for name in names if name not in PEERS and name not in _own()]
    if wrong:
        raise SystemExit(f"no model or peer named {wrong[0]!r}; there are: {', '.join([*_own(), *PEERS])}.")
    peers = {name: PEERS.get(name, OWN) for name in names}
    for text in scripts:
        name, given, path = text.partition("=")
        if not given or not Path(path).is_file():
            raise SystemExit(f"--script {text!r} must be NAME=FILE with a script that is there.")
        peers[name] = Peer(Path(path).resolve())
    return peers


def measure(
    options: argparse.Namespace, train: Path, place: Path, model: str, peer: Peer, seed: int
) -> Record:
    """Fit and sample in a process of its own, and evaluate what it wrote."""
    data = sim.read(train)
    record: Record = {
        "model": model, "seed": seed, "rows": len(data), "columns": data.polars().width,
        "scores": {}, "steps": {}, "version": None, "problem": None,
    }  # fmt: skip
    out = (place / f"{model}-{seed}.csv").resolve()
    try:
        python = python_of(peer, options.envs)
    except Unavailable as error:
        return record | {"problem": str(error)}
    done = run([python, str(peer.runner), str(train), str(out), str(seed), model], options.limit)
    record |= {"cpu": round(done.cpu, 2), "wall": round(done.wall, 2), "peak": round(done.peak, 1)}
    if done.problem is not None or not out.exists():
        return record | {"problem": done.problem or "it wrote no table"}
    record |= told(done.output)
    # one seed for the model, another for the tests: no two components share one
    report = sim.evaluate(data, out, holdout=options.holdout, target=options.target, seed=1_000 + seed)
    record["scores"] = {
        score.name: {"value": score.value, "interval": score.interval, "baseline": score.baseline}
        for score in report
        if not math.isnan(score.value)
    }
    return record


def told(output: str) -> dict[str, Any]:
    """Read the last line of a runner's output: steps and version; nothing where it told nothing."""
    lines = output.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return {key: found[key] for key in ("steps", "version") if isinstance(found, dict) and key in found}


def plain_csv(path: str, target: Path) -> Path:
    """Write the training rows as plain CSV, which every peer can read."""
    if Path(path).suffix == ".csv":
        return Path(path).resolve()
    sim.read(path).write(target)
    return target.resolve()


def finish(results: Path, records: list[Record], plot: Path | None) -> None:
    """Write the page beside the results, and the plot where one is wanted."""
    print(_page.write(records, results.with_suffix(".md")))
    plot = plot or (PLOT if results == RESULTS else None)
    if plot is not None:
        _plot.write(records, plot)


def headline(record: Record) -> str:
    """Say how a run went in a few words, while the others run."""
    names = ("fidelity/detection", "privacy/distances", "privacy/membership")
    found = [f"{n} {record['scores'][n]['value']:.3f}" for n in names if n in record["scores"]]
    return ", ".join([*found, f"{record['cpu']:.0f} CPU-s"])


def command_line(name: str, arguments: Sequence[str]) -> str:
    """Repeat the command that was given, with short paths."""
    shown = []
    for text in arguments:
        option, given, path = text.rpartition("=")
        shown.append(f"{option}{given}{shown_path(path)}" if "/" in path else text)
    return " ".join(["python dev.py bench", name, *shown])


def machine() -> str:
    """Describe the machine in a few words."""
    return f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, {os.cpu_count()} cores"


def say(text: str) -> None:
    """Tell how far it is; standard output is for the page."""
    print(text, file=sys.stderr, flush=True)


def _own() -> list[str]:
    return MODELS.names()


if __name__ == "__main__":
    main()
