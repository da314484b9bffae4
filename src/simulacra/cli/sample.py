"""Draw rows, or a whole database, from a model file, a file of rules or of figures, or a template."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from simulacra._api_fitting import load
from simulacra.cli._conditions import joined
from simulacra.cli._console import print_json, progress, say, tell
from simulacra.cli._databases import (
    draw_database,
    give_out,
    put,
    read_conditions,
    read_sizes,
    refuse,
    refuse_rules,
    require_folder,
    require_target,
    summarise,
)
from simulacra.cli._given import read_begun, refuse_given
from simulacra.cli._parity import parse_fair
from simulacra.cli._parts import (
    CHECK,
    ENGINE,
    MEMORY,
    PARTITION,
    WORKERS,
    draw_parts,
    goes_in_parts,
    is_store,
)
from simulacra.cli._shares import read_shares
from simulacra.databases.urls import is_database
from simulacra.errors import OptionError
from simulacra.filing import source_for
from simulacra.rules.model import RuleSynthesizer
from simulacra.synthesizer import Synthesizer


@click.command()
@click.argument("model", type=click.Path())
@click.option(
    "-n", "--rows", multiple=True, metavar="[TABLE=]ROWS",
    help="How many rows; of a database, rows of a table that belongs to no other, repeatable.",
)  # fmt: skip
@click.option(
    "--scale", type=float, metavar="TIMES", help="Times as many rows as the data had, or as the rules say."
)
@click.option(
    "-o", "--output", type=click.Path(), metavar="TARGET",
    help="A file, a folder, a database URL, or a .sql or .xlsx file; CSV on stdout when left out.",
)  # fmt: skip
@click.option(
    "--format", "form", metavar="ENDING", help="Of the files in a folder: parquet (default), csv, csv.gz, ..."
)
@click.option(
    "--if-exists",
    type=click.Choice(["error", "replace", "append", "resume"]),
    metavar="error|replace|append|resume",
    help="What to do with what is there. When left out: tables are an error, parts of the same rows are gone on with. "
    "append is for databases.",
)
@ENGINE
@WORKERS
@MEMORY
@PARTITION
@CHECK
@click.option("--dialect", help="For whom a .sql file is: postgresql, mysql, sqlite or duckdb.")
@click.option("--seed", type=int, help="The same seed gives the same bytes.")
@click.option(
    "--where", multiple=True, metavar="CONDITION",
    help='A SQL predicate that every row satisfies; of a database "TABLE: PREDICATE"; repeatable.',
)  # fmt: skip
@click.option(
    "--do", multiple=True, metavar="CONDITION",
    help="What columns are set to from outside, e.g. \"smoking = 'no'\", in a model with a graph; repeatable.",
)  # fmt: skip
@click.option(
    "--given", multiple=True, metavar="[TABLE=]FILE",
    help="Rows that are there already: what they lack is drawn, and histories go on; repeatable.",
)  # fmt: skip
@click.option("--steps", type=int, metavar="ROWS", help="With --given: how many more rows each history gets.")
@click.option(
    "--after", metavar="TIME", help="With --given: until when it is known that nothing else happened."
)
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
    rows: tuple[str, ...],
    scale: float | None,
    output: str | None,
    form: str | None,
    if_exists: str | None,
    engine: str | None,
    workers: int | None,
    memory: str | None,
    partition: tuple[str, ...],
    check: bool,
    dialect: str | None,
    seed: int | None,
    where: tuple[str, ...],
    do: tuple[str, ...],
    given: tuple[str, ...],
    steps: int | None,
    after: str | None,
    balance: tuple[str, ...],
    bigger: tuple[str, ...],
    smaller: tuple[str, ...],
    fair: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Draw rows from MODEL: a file that fit wrote, a file of rules or figures (.yaml), or the name of a template.

    \b
      simulacra sample adult.sim -n 500 --seed 1 -o fake.parquet
      simulacra sample adult.sim -n 500 --where "sex = 'Female' and age between 20 and 30" -o fake.csv
      simulacra sample adult.sim -n 500 --balance "income:>50K=0.5" -o fake.csv
      simulacra sample study.sim -n 500 --do "smoking = 'no'" -o fake.csv

    A model of several tables fills a folder, a database or a .sql file; without -n it draws as many rows as there were.

    \b
      simulacra sample shop.yaml --scale 10 --seed 1 -o shop/
      simulacra sample adult.sim -n 100000000 --workers 2 -o adult/
      simulacra sample shop.sim --scale 10 --seed 1 -o postgresql://ada@db.example/shop_test
      simulacra sample shop.sim -n customers=1000 --format csv -o shop/
      simulacra sample shop.sim -n 1000 --where "customers: state = 'OH'" -o ohio.sql

    What is there already goes on, or gets what belongs to it.

    \b
      simulacra sample log.sim --given so_far.csv --after 2024-06-30 -o whole.csv
      simulacra sample shop.sim --given customers=new_customers.csv -o shop/
    """
    if as_json and output is None:
        raise OptionError("--json prints about the draw, so the rows need a file. Name it with -o.")
    if output is not None and not is_store(output):
        require_target(output, model, form)
    start = time.perf_counter()
    fitted = load(model)
    parts = {
        "engine": engine,
        "workers": workers,
        "memory": memory,
        "partition": list(partition),
        "check": check,
    }
    in_parts = goes_in_parts(fitted, output, parts, form)
    if if_exists == "resume" and not in_parts:
        raise OptionError("--if-exists resume is for rows in parts. Name a folder with -o, or add --workers.")
    shares = {"balance": balance, "bigger": bigger, "smaller": smaller}
    how: dict[str, Any] = {"form": form, "if_exists": if_exists or "error", "dialect": dialect}
    told = {"as_json": as_json, "quiet": quiet}
    if in_parts:
        parts |= {"format": (form or "parquet").lstrip("."), "if_exists": if_exists}
    if isinstance(fitted, RuleSynthesizer):
        refuse_given(given, steps, after)
        refuse_rules(where, {"do": do, **shares, "fair": fair})
        sizes = read_sizes(rows, fitted.roots)
        if in_parts:
            draw_parts(fitted, sizes, str(output), {"seed": seed, "scale": scale}, parts, **told)
            return
        require_folder(output, form, fitted.schema.names, if_exists or "error")
        with progress("making", quiet=quiet) as report:
            drawn = fitted.sample(sizes, scale=scale, seed=seed, progress=report)
        give_out(drawn, output, how, start, **told)
        return
    if isinstance(fitted, Synthesizer):
        refuse_given(given, steps, after)
        if do:
            fitted = fitted.intervene(joined(do))
        count = _rows(fitted, rows, scale)
        asked: dict[str, Any] = {
            "seed": seed, "where": joined(where) if where else None, "fair": parse_fair(fair),
            **{option: read_shares(texts, f"--{option}", fitted.table.names) for option, texts in shares.items()},
        }  # fmt: skip
        if in_parts:
            draw_parts(fitted, count, str(output), asked, parts, **told)
            return
        if output is not None and _takes_all(output, form):
            with progress("drawing", quiet=quiet) as report:
                drawn = fitted.sample(count, progress=report, **asked)
            notes = (*drawn.notes, *put(drawn, output, **how))
            summarise(drawn, output, notes, start, as_json=as_json, quiet=quiet)
            return
        _draw_file(fitted, count, output, asked, start, as_json=as_json, quiet=quiet)
        return
    refuse(fitted, {"do": do, **shares, "fair": fair})
    if fitted.log is None:
        require_folder(output, form, fitted.schema.names, if_exists or "error")
    begun = read_begun(given, steps, after, fitted.schema.names)
    if in_parts:
        asked = {"scale": scale, "where": read_conditions(where, fitted.schema.names), "seed": seed, **begun}
        draw_parts(fitted, read_sizes(rows, fitted.schema.names), str(output), asked, parts, **told)
        return
    drawn = draw_database(fitted, rows=rows, scale=scale, where=where, seed=seed, quiet=quiet, **begun)
    give_out(drawn, output, how, start, **told)


def _draw_file(
    fitted: Synthesizer,
    rows: int,
    output: str | None,
    asked: Mapping[str, Any],
    start: float,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Draw the rows of one table block by block into a file, or to stdout."""
    if output is not None:
        source_for(output)
    with progress("drawing", quiet=quiet) as report:
        drawn = fitted.write(output or sys.stdout, rows, progress=report, **asked)
    took = round(time.perf_counter() - start, 2)
    if as_json:
        facts = {"rows": drawn.rows, "file": output, "sha256": drawn.digest, "seconds": took}
        print_json({**facts, "notes": list(drawn.notes)})
    elif not quiet:
        tell(drawn.notes)
        say(f"drew {drawn.rows:,} rows in {took:.1f} s" + (f"; wrote {output}" if output else ""))


def _takes_all(output: str, form: str | None) -> bool:
    """Tell whether all rows of one table are drawn first: for a database, a dump, or a folder of workbooks."""
    folder = form is not None and not Path(output).suffix
    return folder or is_database(output) or output.lower().endswith(".sql")


def _rows(fitted: Synthesizer, texts: Sequence[str], scale: float | None) -> int:
    """Return how many rows of one table are wanted."""
    name = fitted.table.name
    sizes = read_sizes(texts, [name])
    if scale is None:
        if sizes is None:
            raise OptionError(
                "how many rows? Say it with -n ROWS, or with --scale TIMES the rows of the data."
            )
        return sizes if isinstance(sizes, int) else sizes[name]
    if sizes is not None:
        raise OptionError("-n and --scale both say how many rows. Give one of them.")
    if not 0 <= scale < float("inf"):
        raise OptionError(f"--scale is a number from 0, not {scale}.")
    if fitted.provenance.get("designed"):
        raise OptionError(
            "this model is made from figures, so there are no rows to scale. Say how many with -n ROWS."
        )
    return round(scale * int(fitted.provenance["data"]["rows"]))
