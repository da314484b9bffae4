"""Draw the rows of named scenarios from a model file, in one go."""

from __future__ import annotations

import time
from pathlib import Path

import click

from simulacra._api_scenarios import play
from simulacra.cli._console import print_json, progress, say, tell
from simulacra.errors import OptionError
from simulacra.report.scenarios import SUFFIXES, file_names
from simulacra.scenarios import EXAMPLE, read_scenarios, require_order
from simulacra.storage import require_writable


@click.command()
@click.argument("model", type=click.Path(), required=False)
@click.argument("scenarios", type=click.Path(), required=False)
@click.option("-o", "--output", type=click.Path(), help="The folder of the files; made if it is not there.")
@click.option(
    "--format", default="csv", show_default=True, help="Ending of the files: csv, csv.gz, parquet, jsonl, ..."
)
@click.option(
    "--report", type=click.Path(), help="A page on what was asked and got (.html), or its figures (.json)."
)
@click.option("--seed", type=int, help="The same seed gives the same bytes.")
@click.option("--only", multiple=True, metavar="NAME", help="Draw this scenario only; repeatable.")
@click.option("--example", is_flag=True, help="Print a file of scenarios to start from.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON about the draws.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    model: str | None,
    scenarios: str | None,
    output: str | None,
    format: str,
    report: str | None,
    seed: int | None,
    only: tuple[str, ...],
    example: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Draw the scenarios of a YAML file from MODEL, a file that fit wrote: one file of rows each.

    All scenarios are checked before anything is drawn, and all are drawn before anything is written.

    \b
      simulacra play --example > scenarios.yaml
      simulacra play adult.sim scenarios.yaml -o scenarios/ --report scenarios.html --seed 1
    """
    if example:
        click.echo(EXAMPLE, nl=False)
        return
    if model is None or scenarios is None or output is None:
        raise click.UsageError(
            "give MODEL, SCENARIOS and the folder -o; --example prints a file to start from."
        )
    require_order(model, scenarios)
    if report is not None:
        require_writable(report, inputs=[model, scenarios], suffixes=tuple(f".{form}" for form in SUFFIXES))
    names = file_names(list(read_scenarios(scenarios)), format)
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"-o {output!r} is a file, and scenarios go to a folder. Name a folder.")
    for name in names.values():
        if folder.is_dir():
            require_writable(folder / name, inputs=[model, scenarios])
    start = time.perf_counter()
    with progress("drawing", quiet=quiet) as bar:
        drawn = play(model, scenarios, seed=seed, only=only or None, progress=bar)
    written = drawn.write(folder, format)
    if report is not None:
        drawn.save(report)
    if as_json:
        facts = drawn.to_dict()
        for one in facts["scenarios"]:
            one["file"] = str(written[one["name"]])
        print_json(facts)
        return
    if quiet:
        return
    for name, path in written.items():
        say(f"{name}: wrote {len(drawn[name]):,} rows to {path}")
        tell(drawn[name].notes)
    seeded = "" if seed is not None else f" (seed {drawn.seed})"
    what = "scenario" if len(drawn) == 1 else "scenarios"
    say(f"drew {len(drawn)} {what} in {time.perf_counter() - start:.1f} s{seeded}")
    if report is not None:
        say(f"wrote {report}")
