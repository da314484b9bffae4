"""Fit and sample growing tables of made data, each step in a process of its own.

    python dev.py bench speed                                       10,000 to 1,000,000 rows x 15 columns
    python dev.py bench speed --rows 10000000 --columns 15          10,000,000 rows, from Parquet
    python dev.py bench speed --rows 20000 --columns 500            a wide table

Time and memory are those of the whole process (`simulacra fit`, `simulacra sample`), as the operating system
accounts them; only the rate of sampling to a frame leaves the start of the process out.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from benchmarks._process import run
from benchmarks._records import RESULTS, Record, add
from benchmarks.quality import command_line, finish, machine, say
from simulacra.randomness import Streams

CHUNK = 500_000
MOST_SAMPLED = 1_000_000
SEED = 1
DEFAULT_LIMIT = 3600.0

FRAME = """
import json, sys, time
import simulacra as sim
model = sim.load(sys.argv[1])
model.sample(1_000, seed=1)
start = time.perf_counter()
rows = model.sample(int(sys.argv[2]), seed=2).polars().height
print(json.dumps(rows / (time.perf_counter() - start)))
"""


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    made = argparse.ArgumentParser(
        prog="dev.py bench speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--rows", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    made.add_argument("--columns", nargs="+", type=int, default=[15])
    made.add_argument("--models", nargs="+", default=["trees"])
    made.add_argument("--limit", type=float, default=DEFAULT_LIMIT, help="seconds of wall time per process")
    made.add_argument("--results", type=Path, default=RESULTS, help="the JSON file that figures are added to")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure every size, add to the results, and write the page."""
    options = parser().parse_args(arguments)
    command = command_line("speed", sys.argv[2:] if arguments is None else arguments)
    records: list[Record] = []
    with tempfile.TemporaryDirectory() as folder:
        for columns in options.columns:
            for rows in options.rows:
                data = Path(folder) / f"{rows}x{columns}.parquet"
                make(data, rows, columns)
                for model in options.models:
                    say(f"{model}: {rows:,} rows x {columns} columns")
                    record = measure(data, Path(folder), model, rows, columns, options.limit)
                    record |= {"command": command, "machine": machine()}
                    records = add(options.results, [record])
                    say(
                        "    "
                        + (record["problem"] or f"fit {record['fit_cpu']} CPU-s, {record['fit_peak']} MB")
                    )
                data.unlink()
    finish(options.results, records, None)


def make(path: Path, rows: int, columns: int) -> None:
    """Write a table of mixed columns that depend on each other, a chunk at a time."""
    writer = None
    for number, start in enumerate(range(0, rows, CHUNK)):
        table = make_chunk(min(CHUNK, rows - start), columns, number).to_arrow()
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def make_chunk(rows: int, columns: int, number: int = 0) -> pl.DataFrame:
    """Make rows: two hidden factors, and columns of eight kinds in turn that each lean on one of them."""
    streams = Streams(SEED).at("speed", number)
    factors = streams.stream("factors").normal(size=(2, rows))
    data = {}
    for j in range(columns):
        rng = streams.stream("column", j)
        x = 0.7 * factors[j % 2] + 0.7 * rng.normal(size=rows)
        data[f"c{j:03d}"] = _column(j % 8, x, rng)
    return pl.DataFrame(data)


def _column(kind: int, x: np.ndarray, rng: np.random.Generator) -> pl.Series:
    if kind == 0:
        return pl.Series(np.round(x, 3))
    if kind == 1:
        return pl.Series(np.floor(40 + 12 * x).astype(np.int64))
    if kind == 2:
        return pl.Series("kind " + pl.Series(np.digitize(x, [-1, 0, 0.5, 1.5])).cast(pl.String))
    if kind == 3:
        # two thirds zeros and a long tail, as amounts have
        return pl.Series(np.where(x > 0.4, np.round(np.exp(3 + x), 2), 0.0))
    if kind == 4:
        return pl.Series(x > 0.8)
    if kind == 5:
        days = np.floor(18_000 + 400 * x).astype(np.int32)
        return pl.Series(days).cast(pl.Date)
    if kind == 6:
        # a vocabulary of some hundreds of words with a long tail
        word = np.minimum(799, np.floor(np.exp(np.abs(x) + rng.exponential(1.3, len(x))) * 3)).astype(
            np.int64
        )
        return pl.Series("word " + pl.Series(word).cast(pl.String))
    values = pl.Series(np.round(100 + 15 * x, 1))
    return values.set(pl.Series(rng.random(len(x)) < 0.1), None)


def measure(data: Path, folder: Path, model: str, rows: int, columns: int, limit: float) -> Record:
    """Fit, sample to a frame and sample to a file."""
    record: Record = {
        "kind": "speed", "table": f"{columns:05d} columns x {rows:09d} rows", "model": model, "seed": SEED,
        "rows": rows, "columns": columns, "problem": None,
    }  # fmt: skip
    fitted, out = folder / "model.sim", folder / "out.parquet"
    program = [sys.executable, "-m", "simulacra"]
    done = run([*program, "fit", str(data), "-o", str(fitted), "-m", model, "--seed", str(SEED), "-q"], limit)
    record |= {
        "fit_cpu": round(done.cpu, 2),
        "fit_wall": round(done.wall, 2),
        "fit_peak": round(done.peak, 1),
    }
    if done.problem is not None:
        return record | {"problem": f"fit: {done.problem}"}
    record["model_mb"] = round(fitted.stat().st_size / 1e6, 2)
    wanted = min(rows, MOST_SAMPLED)
    done = run([sys.executable, "-c", FRAME, str(fitted), str(wanted)], limit)
    if done.problem is not None:
        return record | {"problem": f"sample to a frame: {done.problem}"}
    record["frame_rate"] = round(float(json.loads(done.output)))
    done = run([*program, "sample", str(fitted), "-n", str(rows), "-o", str(out), "--seed", "2", "-q"], limit)
    if done.problem is not None:
        return record | {"problem": f"sample to a file: {done.problem}"}
    out.unlink()
    return record | {"file_rate": round(rows / done.wall), "file_peak": round(done.peak, 1)}


if __name__ == "__main__":
    main()
