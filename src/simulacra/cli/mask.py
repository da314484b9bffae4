"""Replace what identifies people in a database, the same way in all tables."""

from __future__ import annotations

import time
from typing import Any

import click
from rich.table import Table

from simulacra._api_masking import subset as take
from simulacra._api_schema import contract
from simulacra.cli._console import OUT, print_json, progress, say, split_names, tell
from simulacra.cli._places import if_exists_option, require_places
from simulacra.databases.urls import conceal_url
from simulacra.dataset import dataset
from simulacra.errors import OptionError
from simulacra.masking._planning import Wishes
from simulacra.masking.masking import Masked, mask_tables
from simulacra.masking.secret import ENVIRONMENT, Secret


@click.command()
@click.argument("source")
@click.option("-o", "--output", type=click.Path(), help="The file, folder or database to write.")
@click.option(
    "--columns",
    help="More columns to replace, joined by commas: NAME or TABLE.NAME, =KIND for by what: email, code, blank",
)
@click.option("--keep", help="Columns and tables that stay, joined by commas.")
@click.option("--keys", is_flag=True, help="Replace keys too, and what refers to them.")
@click.option(
    "--texts",
    type=click.Choice(["replace", "blank", "keep"]),
    metavar="replace|blank|keep",
    default="replace",
    show_default=True,
    help="What happens to free texts.",
)
@click.option(
    "--shift-dates", type=int, metavar="DAYS", help="Move dates by up to so many days, an entity's alike."
)
@click.option("--locale", help="Where names and addresses are from, such as de_DE.")
@click.option(
    "--key-env", metavar="NAME", help=f"The environment variable with the key; {ENVIRONMENT} if it is set."
)
@if_exists_option
@click.option("--schema", type=click.Path(), help="A schema file; guessed from SOURCE when left out.")
@click.option(
    "--subset", "share", type=float, metavar="SHARE", help="Take only this share of the rows of --table."
)
@click.option("--table", help="The table that a subset is chosen from.")
@click.option(
    "--where",
    help='A SQL predicate on the rows of --table that a subset is chosen from, or "TABLE: PREDICATE".',
)
@click.option("--seed", type=int, help="The same seed chooses the same subset.")
@click.option("--dry-run", is_flag=True, help="Say what would be replaced, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON about what was done.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    source: str,
    output: str | None,
    columns: str | None,
    keep: str | None,
    keys: bool,
    texts: Any,
    shift_dates: int | None,
    locale: str | None,
    key_env: str | None,
    if_exists: Any,
    schema: str | None,
    share: float | None,
    table: str | None,
    where: str | None,
    seed: int | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Replace what identifies people in SOURCE, the same way in all tables, and keep everything else.

    SOURCE is a file, a folder of them or the URL of a database. Names, e-mails, accounts and so on become fakes, equal
    ones equal fakes; free texts become made-up words. The result is pseudonymised, not anonymous: its rows still
    describe real people.

    \b
      simulacra mask shop/ -o masked/ --keys
      simulacra mask shop/ -o small/ --subset 0.1 --table customers --shift-dates 30
      simulacra mask shop/ --dry-run
    """
    if output is None and not dry_run:
        raise OptionError("there is nothing to write to. Give -o, or --dry-run to see what would be done.")
    wishes = Wishes(_read_columns(columns), split_names(keep) or (), keys, texts, shift_dates, locale)
    secret = Secret.make(env=key_env)
    require_places(source, None if dry_run else output, schema)
    start = time.perf_counter()
    with progress("masking", quiet=quiet) as report:
        given = dataset(source, schema=contract(schema, source))
        if share is not None or where is not None:
            given = take(given, share=share, table=table, where=where, seed=seed)
        done = mask_tables(given, wishes, secret, dry=dry_run, progress=report)
    if output is not None and not dry_run:
        done.write(output, if_exists=if_exists)
    if as_json:
        print_json({"dry_run": dry_run, **done.to_dict()})
        return
    if not quiet:
        tell(done.notes)
    _show(done)
    if not quiet and output is not None and not dry_run:
        say(f"masked {len(done):,} rows in {time.perf_counter() - start:.1f} s; wrote {conceal_url(output)}")


def _read_columns(text: str | None) -> dict[str, str]:
    """Read ``a,b=email``: what a column is replaced by may be left out."""
    pairs = (name.partition("=") for name in split_names(text) or ())
    return {name.strip(): what.strip() for name, _, what in pairs}


def _show(done: Masked) -> None:
    """Print what was done to each column, and what the others still tell."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("table", "column", "kind", "how", "values", "same", "collisions"):
        table.add_column(title, justify="right" if title in {"values", "same", "collisions"} else "left")
    for one in done.replaced:
        counts = (f"{one.distinct:,}", f"{one.unchanged:,}", f"{one.collisions:,}")
        table.add_row(one.table, one.column, one.what, one.method, *counts)
    OUT.print(table)
    for left in done.remains:
        if left.alone:
            names = ", ".join(left.columns[:6]) + (", ..." if len(left.columns) > 6 else "")
            OUT.print(
                f"{left.alone:,} of {left.rows:,} rows of {left.table} are the only ones with their values in the "
                f"columns that stay: {names}",
                markup=False,
            )
