"""Hold our distances of columns and pairs against those of SDMetrics, in an environment of its own.

python dev.py bench agreement --real train.csv --synthetic fake.csv
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

import simulacra as sim
from benchmarks._environments import PEERS_FOLDER, Peer, default_folder, python_of

SDMETRICS = Peer(PEERS_FOLDER / "sdmetrics_peer.py", (("sdmetrics>=0.20",),), "sdmetrics")
KINDS = {"number", "category"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the same rows with both, and print how far they are apart."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench agreement",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--real", required=True)
    parser.add_argument("--synthetic", required=True)
    options = parser.parse_args(arguments)
    real = sim.read(options.real)
    table = real.schema.table()
    # what both treat alike: no dates, and no missing values, which SDMetrics drops and we count
    names = [c.name for c in table.columns if c.kind in KINDS and real.polars()[c.name].null_count() == 0]
    frames = [
        real.polars().select(names),
        sim.read(options.synthetic, schema=real.schema, extra="drop").polars().select(names),
    ]
    levels = [name for name in names if table[name].kind == "category"]
    theirs = ask(frames, levels)
    report = sim.evaluate(*frames, metrics=["fidelity/marginals", "fidelity/pairs"])
    columns, pairs = report["fidelity/marginals"].detail, report["fidelity/pairs"].detail
    assert columns is not None and pairs is not None
    shapes = {row["column"]: 1 - row["distance"] for row in columns.iter_rows(named=True)}
    trends = {
        f"{a}|{b}": trend
        for a, b, trend in pairs.select("column_a", "column_b", "trend").drop_nulls().iter_rows()
    }
    tell("column shapes", shapes, theirs["shapes"])
    turned = {
        name if name in theirs["trends"] else "|".join(reversed(name.split("|"))): v
        for name, v in trends.items()
    }
    tell("pair trends", turned, theirs["trends"])


def ask(frames: list[pl.DataFrame], levels: list[str]) -> dict[str, dict[str, float]]:
    """Run SDMetrics on two frames."""
    python = python_of(SDMETRICS, default_folder())
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{i}.csv") for i in range(2)]
        for frame, path in zip(frames, paths, strict=True):
            frame.write_csv(path)
        call = [python, str(SDMETRICS.runner), *paths, json.dumps(levels)]
        done = subprocess.run(call, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def tell(what: str, ours: dict[str, float], theirs: dict[str, float]) -> None:
    """Print the means of both, and the largest difference."""
    both = [name for name in theirs if name in ours and np.isfinite(theirs[name])]
    left, right = np.array([ours[n] for n in both]), np.array([theirs[n] for n in both])
    worst = both[int(np.abs(left - right).argmax())]
    print(
        f"{what}: {len(both)} compared, mean {left.mean():.5f} here and {right.mean():.5f} there; "
        f"largest difference {np.abs(left - right).max():.5f} ({worst})"
    )


if __name__ == "__main__":
    main()
