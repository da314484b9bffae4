"""Rows that sample writes in parts: which outputs are, the options for it, and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from simulacra.cli._console import print_json, progress, say, tell
from simulacra.databases.urls import is_database
from simulacra.errors import OptionError
from simulacra.rules.model import RuleSynthesizer
from simulacra.scale.formats import is_form
from simulacra.synthesizer import Synthesizer

ENGINE, WORKERS, MEMORY, PARTITION, CHECK = (
    click.option("--engine", metavar="ENGINE",
                 help="What makes parts: threads, processes, dask, spark, or the address of a scheduler."),
    click.option("--workers", type=int, metavar="NUMBER", help="How many parts are made at the same time."),
    click.option("--memory", metavar="SIZE", help='What all workers may use together, such as "4GB".'),
    click.option("--partition", multiple=True, metavar="COLUMN",
                 help="Part the files by the values of a column (country=DE/part-00000.parquet); repeatable."),
    click.option("--check", is_flag=True,
                 help="Read the parts that are there, and make those again that were changed."),
)  # fmt: skip


def is_store(output: str) -> bool:
    """Tell whether an output is a URL of a store of files.

    Examples
    --------
    >>> is_store("s3://bucket/rows"), is_store("postgresql://db/shop")
    (True, False)
    """
    return "://" in output and not is_database(output)


def goes_in_parts(
    model: Any, output: str | None, options: Mapping[str, Any], form: str | None = None
) -> bool:
    """Tell whether rows are written in parts: to a store, to a folder, or because an option says so.

    Examples
    --------
    >>> goes_in_parts(None, "s3://bucket/rows", {}), goes_in_parts(None, "rows.csv", {})
    (True, False)
    """
    asked = [name for name, value in options.items() if _is_said(value)]
    if output is None or output.lower().endswith(".sql"):
        if asked:
            raise OptionError(
                f"--{asked[0]} is for rows in parts, and they go to a folder. Name one with -o."
            )
        return False
    if asked:
        return True
    if is_database(output):
        return False
    if is_store(output):
        return True
    if form is not None and not is_form(form):
        return False
    one = isinstance(model, (Synthesizer, RuleSynthesizer))
    return one and (not Path(output).suffix or output.endswith(("/", "\\")))


def draw_parts(
    model: Any,
    n: Any,
    output: str,
    asked: Mapping[str, Any],
    how: Mapping[str, Any],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Draw rows into parts and say what was written."""
    known = {name: value for name, value in {**asked, **how}.items() if _is_said(value)}
    with progress("drawing", quiet=quiet) as report:
        done = model.sample(n, to=output, progress=report, **known)
    if as_json:
        facts = {
            "rows": sum(done.rows.values()),
            "tables": dict(done.rows),
            "folder": output,
            "sha256": done.digest,
        }
        print_json({**facts, "seconds": round(done.seconds, 2), "notes": list(done.notes)})
    elif not quiet:
        tell(done.notes)
        say(done.summary)
        say(f"digest {done.digest}")


def _is_said(value: Any) -> bool:
    """Tell whether an option was given; 0 is a seed, and a number that is to be refused."""
    return value is not None and value is not False and value not in ((), [], {})
