"""Make a table from columns named on the command line, without data or a file of rules."""

from __future__ import annotations

import time
from typing import Any

import click

from simulacra._api_rules import compose
from simulacra.cli._console import progress
from simulacra.cli._databases import give_out, require_target
from simulacra.errors import OptionError
from simulacra.rules.vocabularies import goes_by
from simulacra.schema._yaml import load_yaml


@click.command()
@click.argument("columns", nargs=-1, required=True)
@click.option("-n", "--rows", type=int, default=10, show_default=True, help="How many rows.")
@click.option(
    "--table", default="table", show_default=True, help="Name of the table, for databases and workbooks."
)
@click.option("--locale", help="Language and country of all fields, such as de_DE.")
@click.option("--seed", type=int, help="The same seed gives the same bytes.")
@click.option(
    "-o", "--output", type=click.Path(), metavar="TARGET",
    help="A file (.csv, .parquet, .xlsx, .jsonl), a database (.db, .sqlite, .duckdb, a URL) or a .sql file; CSV on "
    "stdout when left out.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON about the draw; needs -o.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    columns: tuple[str, ...],
    rows: int,
    table: str,
    locale: str | None,
    seed: int | None,
    output: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a table of COLUMNS: each a field, a name with a field, or a name with a rule.

    \b
      simulacra generate name email city job -n 100 --locale de_DE -o people.csv
      simulacra generate id=sequence name phone "income={lognormal: [41000, 0.5], decimals: 2}" -n 1000 -o people.db
      simulacra generate name street city state zip phone ssn company job license_plate -o people.xlsx

    "simulacra fields" lists the fields; more than one table, and references between them, are rules in a file: see
    "simulacra new".
    """
    if as_json and output is None:
        raise OptionError("--json prints about the draw, so the rows need a file. Name it with -o.")
    if rows < 0:
        raise OptionError(f"-n takes a whole number from 0, not {rows}.")
    if output is not None:
        require_target(output, "", None)
    start = time.perf_counter()
    rules = dict(_read_column(text, locale) for text in columns)
    if len(rules) < len(columns):
        raise OptionError("a column is named twice. Give each a name of its own, as in work_phone=phone.")
    model = compose({"tables": {table: {"columns": rules}}})
    with progress("making", quiet=quiet) as report:
        drawn = model.sample(rows, seed=seed, progress=report)
    how: dict[str, Any] = {"form": None, "if_exists": "error", "dialect": None}
    give_out(drawn, output, how, start, as_json=as_json, quiet=quiet)


def _read_column(text: str, locale: str | None) -> tuple[str, Any]:
    """Read ``email``, ``mail=email`` or ``income={lognormal: [41000, 0.5]}``: a name and a rule.

    Examples
    --------
    >>> _read_column("mail=email", None), _read_column("age={int: [18, 99]}", None)
    (('mail', 'email'), ('age', {'int': [18, 99]}))
    """
    name, sign, said = text.partition("=")
    rule: Any = load_yaml(f"rule: {said}")["rule"] if sign else name
    field = rule.get("field") if isinstance(rule, dict) else rule
    given = isinstance(rule, dict) and {"locale", "country"} & set(rule)
    if locale is not None and not given and isinstance(field, str) and goes_by(field, "locale"):
        rule = {**(rule if isinstance(rule, dict) else {"field": field}), "locale": locale}
    return name, rule
