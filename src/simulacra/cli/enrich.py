"""Add columns that a second table, of other rows, has."""

from __future__ import annotations

import time

import click

from simulacra._api_imputation import enrich
from simulacra.cli._console import print_json, progress, require_files, say, split_names, tell
from simulacra.filing import source_for
from simulacra.imputation import numbered
from simulacra.storage import require_writable


@click.command()
@click.argument("data")
@click.argument("other")
@click.option("-o", "--output", required=True, type=click.Path(), help="The file to write.")
@click.option("--on", help="The shared columns, joined by commas; all of both names when left out.")
@click.option(
    "--columns", help="The columns to add, joined by commas; all that only OTHER has when left out."
)
@click.option("-m", "--model", default="trees", show_default=True, help="The model that learns OTHER.")
@click.option(
    "--times",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many files to write: out.1.csv, out.2.csv, ...",
)
@click.option("--seed", type=int, help="The same seed gives the same bytes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON about what was added.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    data: str,
    other: str,
    output: str,
    on: str | None,
    columns: str | None,
    model: str,
    times: int,
    seed: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Add columns of OTHER to the rows of DATA, drawn given the columns that both have.

    No row needs to be in both. Given the shared columns, the added ones have nothing to do with the rest of DATA.

    \b
      simulacra enrich customers.csv survey.csv -o enriched.csv --seed 1
      simulacra enrich customers.csv survey.csv --on age,sex,region --columns income -o enriched.csv
    """
    require_files(data, other)
    paths = numbered(output, times)
    for path in paths:
        require_writable(str(path), inputs=[data, other])
        source_for(str(path))
    start = time.perf_counter()
    with progress("enriching", quiet=quiet) as report:
        done = enrich(
            data, other, on=split_names(on), columns=split_names(columns),
            model=model, times=times, seed=seed, progress=report,
        )  # fmt: skip
    done.write(output)
    if as_json:
        print_json({**done.to_dict(), "files": [str(path) for path in paths]})
    elif not quiet:
        tell(done.notes)
        took = time.perf_counter() - start
        files = ", ".join(map(str, paths))
        say(f"added {', '.join(done.filled)} to {len(done.dataset):,} rows in {took:.1f} s; wrote {files}")
