"""The demo on one table: flights from New York in 2013, with some kept away to measure with."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import polars as pl

from simulacra.api import evaluate, fit, split
from simulacra.cli._console import OUT, say
from simulacra.cli._demo import find_data, list_files, timed
from simulacra.dataset import Dataset, dataset
from simulacra.randomness import Streams
from simulacra.report.terminal import print_report
from simulacra.schema.files import write_schema
from simulacra.storage import atomic_path

ROWS = 100_000


def run_flights(folder: Path, rows: int | None, model: str, seed: int) -> None:
    """Learn from flights, draw as many, and measure them against flights that the model never saw."""
    begun = time.perf_counter()
    real = timed("read and inferred the schema", lambda bar: _flights(rows, folder, seed))
    train, holdout = split(real, seed=seed)
    write_schema(train.schema, folder / "flights.schema.yaml")
    fitted = timed(
        f"fitted {model} to {len(train):,} rows", lambda bar: fit(train, model, seed=seed, progress=bar)
    )
    fitted.save(folder / "flights.sim", allow_rows=True)
    fake = timed(f"drew {len(train):,} rows", lambda bar: fitted.sample(len(train), seed=seed, progress=bar))
    fake.write(folder / "flights.parquet")
    fake.write(folder / "flights.csv")
    report = timed(
        f"evaluated against {len(holdout):,} flights the model never saw",
        lambda bar: evaluate(
            train, fake, holdout=holdout, target="arr_delay", seed=seed, model=fitted,
            title="Synthetic flights from New York, 2013", progress=bar,
        ),
    )  # fmt: skip
    report.save(folder / "report.html")
    report.save(folder / "report.json")
    OUT.print()
    print_report(report, OUT)
    OUT.print()
    list_files(folder, {
        "flights.schema.yaml": "what each column is, to look at and correct",
        "flights.sim": "the fitted model",
        "flights.parquet": "the synthetic rows",
        "flights.csv": "the same rows as text",
        "report.html": "open this one in a browser",
        "report.json": "the same report for programs",
        "flights.real.csv": "the real rows that were chosen",
    })  # fmt: skip
    say(f"all done in {time.perf_counter() - begun:.0f} s")


def _flights(rows: int | None, folder: Path, seed: int) -> Dataset:
    """Read the flights, or take some at random as text, so that the schema is guessed from what the user would have."""
    archive = find_data("flights")
    if rows is None:
        return dataset(str(archive), name="flights")
    with zipfile.ZipFile(archive) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".csv") and not n.startswith("__"))
        frame = pl.read_csv(io.BytesIO(packed.read(name)), infer_schema=False)
    chosen = Streams(seed).stream("demo", "rows").permutation(len(frame))[:rows]
    chosen.sort()
    path = folder / "flights.real.csv"
    with atomic_path(path) as beside:
        frame[chosen].write_csv(beside)
    return dataset(str(path), name="flights")
