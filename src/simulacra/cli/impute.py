"""Fill the gaps of a table."""

from __future__ import annotations

import time

import click

from simulacra._api_imputation import impute
from simulacra.cli._console import print_json, progress, require_files, say, split_names, tell
from simulacra.filing import source_for
from simulacra.imputation import numbered
from simulacra.storage import require_writable


@click.command()
@click.argument("data")
@click.option("-m", "--model", help="A model file (.sim), or a model to fit on DATA: trees when left out.")
@click.option("-o", "--output", required=True, type=click.Path(), help="The file to write.")
@click.option("--columns", help="Fill these columns only, joined by commas.")
@click.option(
    "--keep-missing", help="Columns, joined by commas, in which a missing value is a value and stays."
)
@click.option("--where", help="A SQL predicate that the completed rows satisfy.")
@click.option(
    "--times",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many completed files to write: out.1.csv, out.2.csv, ...",
)
@click.option(
    "--mark", is_flag=True, help="Add a column 'imputed' that lists the columns filled in each row."
)
@click.option("--schema", type=click.Path(), help="A schema file; guessed from DATA when left out.")
@click.option("--seed", type=int, help="The same seed gives the same bytes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON about what was filled.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    data: str,
    model: str | None,
    output: str,
    columns: str | None,
    keep_missing: str | None,
    where: str | None,
    times: int,
    mark: bool,
    schema: str | None,
    seed: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Fill the gaps of DATA: each is drawn given all that is known of its row.

    What is known stays as it is. Columns that the model has and DATA lacks are added.

    \b
      simulacra impute survey.csv -o whole.csv --seed 1
      simulacra impute survey.csv -m survey.sim -o whole.csv --times 5 --columns income,age
    """
    require_files(data, schema)
    paths = numbered(output, times)
    for path in paths:
        require_writable(str(path), inputs=[data, *([model] if model and model.endswith(".sim") else [])])
        source_for(str(path))
    start = time.perf_counter()
    with progress("imputing", quiet=quiet) as report:
        done = impute(
            data, model, columns=split_names(columns), keep_missing=split_names(keep_missing) or (), where=where,
            times=times, mark="imputed" if mark else None, schema=schema, seed=seed, progress=report,
        )  # fmt: skip
    done.write(output)
    if as_json:
        print_json({**done.to_dict(), "files": [str(path) for path in paths]})
    elif not quiet:
        tell(done.notes)
        for name, count in done.filled.items():
            if count:
                say(f"  {name}: {count:,} {'cell' if count == 1 else 'cells'} filled")
        took = time.perf_counter() - start
        say(f"completed {len(done.dataset):,} rows in {took:.1f} s; wrote {', '.join(map(str, paths))}")
