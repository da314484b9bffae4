"""Tell what rows would have been, had some of their columns been set."""

from __future__ import annotations

import time

import click

from simulacra.cli._conditions import joined
from simulacra.cli._console import print_json, progress, require_files, say, tell
from simulacra.cli._models import load_table
from simulacra.filing import source_for
from simulacra.storage import require_writable


@click.command()
@click.argument("model", type=click.Path())
@click.argument("rows")
@click.option(
    "--do", multiple=True, required=True, metavar="CONDITION",
    help="What columns are set to, e.g. \"smoking = 'no'\"; repeatable.",
)  # fmt: skip
@click.option("-o", "--output", required=True, type=click.Path(), help="The file to write.")
@click.option("--seed", type=int, help="The same seed gives the same bytes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON about what was done.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    model: str,
    rows: str,
    do: tuple[str, ...],
    output: str,
    seed: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Tell what ROWS would have been in MODEL, a file that fit wrote, had columns been set.

    The model needs a graph (-m bayes-net), best with your own edges. What nothing reaches that was set stays.

    \b
      simulacra counterfactual study.sim patients.csv --do "smoking = 'no'" -o imagined.csv --seed 1
    """
    require_files(rows)
    require_writable(output, inputs=[rows, model])
    source_for(output)
    start = time.perf_counter()
    fitted = load_table(model)
    with progress("imagining", quiet=quiet) as report:
        done = fitted.counterfactual(rows, joined(do), seed=seed, progress=report)
    done.write(output)
    took = round(time.perf_counter() - start, 2)
    if as_json:
        print_json({"rows": len(done), "file": output, "seconds": took, "notes": list(done.notes)})
    elif not quiet:
        tell(done.notes)
        say(f"imagined {len(done):,} rows in {took:.1f} s; wrote {output}")
