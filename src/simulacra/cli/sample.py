"""Draw rows from a model file."""

from __future__ import annotations

import sys
import time

import click

from simulacra.api import load
from simulacra.cli._console import print_json, progress, say, tell
from simulacra.errors import OptionError
from simulacra.filing import source_for
from simulacra.storage import require_writable


@click.command()
@click.argument("model", type=click.Path())
@click.option("-n", "--rows", type=click.IntRange(min=0), required=True, help="How many rows.")
@click.option("-o", "--output", type=click.Path(), help="The file to write; CSV on stdout when left out.")
@click.option("--seed", type=int, help="The same seed gives the same bytes.")
@click.option("--where", help="A SQL predicate that every row satisfies.")
@click.option(
    "--balance",
    multiple=True,
    metavar="COLUMN:LEVEL=SHARE",
    help="Share of a level, e.g. fraud:yes=0.5; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON about the draw; needs -o.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    model: str,
    rows: int,
    output: str | None,
    seed: int | None,
    where: str | None,
    balance: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Draw rows from MODEL, a file that fit wrote.

    \b
      simulacra sample adult.sim -n 500 --seed 1 -o fake.parquet
      simulacra sample adult.sim -n 500 --where "sex = 'Female' and age between 20 and 30" -o fake.csv
    """
    if as_json and output is None:
        raise OptionError("--json prints about the draw, so the rows need a file. Name it with -o.")
    if output is not None:
        require_writable(output, inputs=[model])
        source_for(output)
    start = time.perf_counter()
    fitted = load(model)
    with progress("drawing", quiet=quiet) as report:
        drawn = fitted.write(
            output or sys.stdout, rows, seed=seed, where=where, balance=_shares(balance), progress=report
        )
    took = round(time.perf_counter() - start, 2)
    if as_json:
        facts = {"rows": drawn.rows, "file": output, "sha256": drawn.digest, "seconds": took}
        print_json({**facts, "notes": list(drawn.notes)})
    elif not quiet:
        tell(drawn.notes)
        say(f"drew {drawn.rows:,} rows in {took:.1f} s" + (f"; wrote {output}" if output else ""))


def _shares(texts: tuple[str, ...]) -> dict[str, dict[str, float]] | None:
    shares: dict[str, dict[str, float]] = {}
    for text in texts:
        left, equals, share = text.rpartition("=")
        column, colon, level = left.partition(":")
        try:
            value = float(share)
        except ValueError:
            value = -1.0
        if not (equals and colon) or value < 0:
            raise OptionError(f"--balance takes COLUMN:LEVEL=SHARE such as fraud:yes=0.5, not {text!r}.")
        shares.setdefault(column, {})[level] = value
    return shares or None
