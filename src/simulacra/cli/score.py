"""Tell how plausible a model finds each row of a table: outliers first, and what makes them so."""

from __future__ import annotations

import sys

import click
import polars.selectors as cs

from simulacra.api import write
from simulacra.cli._console import print_json, progress, say
from simulacra.cli._models import load_table
from simulacra.filing import source_for
from simulacra.plausibility import DRAWS, judge_rows
from simulacra.storage import require_writable


@click.command()
@click.argument("model", type=click.Path())
@click.argument("data")
@click.option("-o", "--output", type=click.Path(), help="The file to write; CSV on stdout when left out.")
@click.option(
    "--top", type=click.IntRange(min=1), metavar="N", help="Only the N least plausible rows, worst first."
)
@click.option(
    "--draws", type=click.IntRange(min=100), default=DRAWS, show_default=True,
    help="Rows of the model's own to rank among.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Of the rows that the model draws.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def command(
    model: str,
    data: str,
    output: str | None,
    top: int | None,
    draws: int,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Tell how plausible MODEL, a file that fit wrote, finds each row of DATA.

    For every row: its log-probability in nats, the per cent of the model's own draws that are less likely (near 0 for
    an outlier), and the column that lies farthest below what is usual for it.

    \b
      simulacra score adult.sim new.csv -o scores.csv
      simulacra score adult.sim new.csv --top 20
    """
    if output is not None:
        require_writable(output, inputs=[model, data])
        source_for(output)
    fitted = load_table(model)
    with progress("scoring", quiet=quiet):
        found = judge_rows(fitted, data, seed=seed, draws=draws)
    rows = len(found)
    odd = int((found["percentile"] < 1).sum())
    if top is not None:
        found = found.sort("log_density", maintain_order=True).head(top)
    found = found.with_columns(cs.float().round(4))
    if output is not None:
        write(found, output)
    if as_json:
        print_json({"rows": rows, "outliers": odd, "file": output, "scores": found.to_dicts()})
        return
    if output is None:
        sys.stdout.write(found.write_csv())
    if not quiet:
        share = f"{100 * odd / max(rows, 1):.1f} %"
        say(
            f"scored {rows:,} rows: {odd:,} ({share}) are less plausible than all but 1 % of the model's own draws"
            + (f"; wrote {output}" if output else "")
        )
