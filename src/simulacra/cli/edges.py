"""Make rows at and beyond the limits of a schema, for testing software."""

from __future__ import annotations

import sys

import click

from simulacra._api_edges import make_edge_cases
from simulacra.cli._console import print_json, say, tell
from simulacra.errors import OptionError
from simulacra.filing import source_for, write_csv
from simulacra.storage import require_writable


@click.command()
@click.argument("schema", type=click.Path())
@click.option("-o", "--output", type=click.Path(), help="The file to write; CSV on stdout when left out.")
@click.option("--into", type=click.Path(), help="Rows that keep the schema, to stand in front.")
@click.option(
    "--text/--typed",
    "as_text",
    default=None,
    help="All columns as text, with cases that no type can hold; or typed columns without them.  "
    "[default: text, but typed for .parquet and .arrow]",
)
@click.option("--table", metavar="NAME", help="The table, where the schema has several.")
@click.option("--prefix", default="_", show_default=True, help="What the names of the four flags start with.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same rows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON about the rows; needs -o.")
@click.option("-q", "--quiet", is_flag=True, help="No notes.")
def command(
    schema: str,
    output: str | None,
    into: str | None,
    as_text: bool | None,
    table: str | None,
    prefix: str,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make edge cases of SCHEMA, a schema file or a model (.sim): a typical row each, but for what it tests.

    The columns _case, _column, _breaks and _valid say what a row tests and which rules of the schema it breaks.

    \b
      simulacra edges people.schema.yaml -o edges.csv
      simulacra edges adult.sim --into rows.csv -o test.csv
    """
    if as_json and output is None:
        raise OptionError("--json prints about the rows, so they need a file. Name it with -o.")
    if output is not None:
        require_writable(output, inputs=[path for path in (schema, into) if path is not None])
        source_for(output)
    if as_text is None:
        as_text = not (output or "").lower().endswith((".parquet", ".arrow", ".feather"))
    made = make_edge_cases(schema, table=table, seed=seed, as_text=as_text, into=into, prefix=prefix)
    if output is None:
        write_csv(iter([made.frame]), sys.stdout, made.table)
    else:
        made.write(output)
    count = {"rows": len(made), "valid": len(made.valid), "invalid": len(made.invalid)}
    if as_json:
        print_json({**count, "file": output, "notes": list(made.notes)})
    elif not quiet:
        tell(made.notes)
        where = f"; wrote {output}" if output else ""
        say(f"{count['valid']:,} valid and {count['invalid']:,} invalid rows{where}")
