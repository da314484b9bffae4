"""Draw rows from a model file."""

from __future__ import annotations

import sys
import time

import click

from simulacra.api import load
from simulacra.cli._console import print_json, progress, say, tell
from simulacra.cli._parity import parse_fair
from simulacra.cli._shares import read_shares
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
    help="Share of a level, e.g. fraud:yes=0.5, or of rows, e.g. 'age > 60=0.2'; repeatable.",
)
@click.option(
    "--bigger",
    multiple=True,
    metavar="COLUMN:LEVEL=FACTOR",
    help="Make a share so many times as large; repeatable.",
)
@click.option(
    "--smaller",
    multiple=True,
    metavar="COLUMN:LEVEL=FACTOR",
    help="Make a share so many times as small; repeatable.",
)
@click.option(
    "--fair",
    multiple=True,
    metavar="KEY=VALUE",
    help="A definition of parity: target=income, group=sex, definition=independence; repeatable.",
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
    bigger: tuple[str, ...],
    smaller: tuple[str, ...],
    fair: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Draw rows from MODEL, a file that fit wrote.

    \b
      simulacra sample adult.sim -n 500 --seed 1 -o fake.parquet
      simulacra sample adult.sim -n 500 --where "sex = 'Female' and age between 20 and 30" -o fake.csv
      simulacra sample adult.sim -n 500 --balance "income:>50K=0.5" -o fake.csv
    """
    if as_json and output is None:
        raise OptionError("--json prints about the draw, so the rows need a file. Name it with -o.")
    if output is not None:
        require_writable(output, inputs=[model])
        source_for(output)
    start = time.perf_counter()
    fitted = load(model)
    names = fitted.table.names
    shares = {
        option: read_shares(texts, f"--{option}", names)
        for option, texts in (("balance", balance), ("bigger", bigger), ("smaller", smaller))
    }
    with progress("drawing", quiet=quiet) as report:
        drawn = fitted.write(
            output or sys.stdout,
            rows,
            seed=seed,
            where=where,
            fair=parse_fair(fair),
            progress=report,
            **shares,
        )
    took = round(time.perf_counter() - start, 2)
    if as_json:
        facts = {"rows": drawn.rows, "file": output, "sha256": drawn.digest, "seconds": took}
        print_json({**facts, "notes": list(drawn.notes)})
    elif not quiet:
        tell(drawn.notes)
        say(f"drew {drawn.rows:,} rows in {took:.1f} s" + (f"; wrote {output}" if output else ""))
