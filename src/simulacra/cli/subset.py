"""Take a part of a database in which every reference still leads to a row."""

from __future__ import annotations

import time
from typing import Any

import click

from simulacra._api_masking import subset
from simulacra.cli._console import print_json, progress, say, tell
from simulacra.cli._places import if_exists_option, require_places
from simulacra.databases.urls import conceal_url


@click.command()
@click.argument("source")
@click.option(
    "-o", "--output", required=True, type=click.Path(), help="The file, folder or database to write."
)
@click.option("--table", help="The table to choose rows of.")
@click.option("-n", "--rows", type=int, help="How many of its rows to choose.")
@click.option("--share", type=float, help="Which share of its rows to choose, above 0 and up to 1.")
@click.option("--where", help='A SQL predicate on its rows; "TABLE: PREDICATE" names the table too.')
@if_exists_option
@click.option("--schema", type=click.Path(), help="A schema file; guessed from SOURCE when left out.")
@click.option("--seed", type=int, help="The same seed chooses the same rows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON about what was kept.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    source: str,
    output: str,
    table: str | None,
    rows: int | None,
    share: float | None,
    where: str | None,
    if_exists: Any,
    schema: str | None,
    seed: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Choose rows of one table of SOURCE, with all that belongs to them and all that they refer to.

    Values stay as they are: see 'simulacra mask' to replace what identifies people.

    \b
      simulacra subset shop/ -o small/ --table customers --share 0.1 --seed 1
      simulacra subset shop/ -o ohio/ --where "customers: state = 'OH'"
    """
    require_places(source, output, schema)
    start = time.perf_counter()
    with progress("choosing rows", quiet=quiet):
        part = subset(source, n=rows, share=share, table=table, where=where, seed=seed, schema=schema)
    part.write(output, if_exists=if_exists)
    if as_json:
        kept = {name: len(frame) for name, frame in part.frames.items()}
        print_json({"tables": kept, "output": conceal_url(output), "notes": list(part.notes)})
    elif not quiet:
        tell(part.notes)
        say(f"kept {len(part):,} rows in {time.perf_counter() - start:.1f} s; wrote {conceal_url(output)}")
