"""Tell how a model draws its columns, and by what rules."""

from __future__ import annotations

import click

from simulacra.cli._console import OUT, print_json
from simulacra.cli._models import load_table
from simulacra.explanation import explain


@click.command()
@click.argument("model", type=click.Path())
@click.option("--column", metavar="NAME", help="Explain one column, with its rules.")
@click.option(
    "--top", type=click.IntRange(min=1), default=5, show_default=True, help="Influences told of a column."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(model: str, column: str | None, top: int, as_json: bool) -> None:
    """Tell how MODEL, a file that fit wrote, draws its columns.

    \b
      simulacra explain adult.sim
      simulacra explain adult.sim --column income
    """
    told = explain(load_table(model), column, top=top)
    if as_json:
        print_json(told.dump())
    else:
        OUT.print(told)
