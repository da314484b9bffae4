"""Add synthetic rows of a rare level to real ones, as many as help to recognise it."""

from __future__ import annotations

import sys
import time

import click
from rich.table import Table

from simulacra._api_augmentation import augment
from simulacra.cli._console import ERR, print_json, progress, require_files, say, tell
from simulacra.errors import OptionError
from simulacra.filing import source_for
from simulacra.generator import Progress
from simulacra.rare._learners import LEARNERS
from simulacra.rare.augmentation import GOALS
from simulacra.report.augmented import SUFFIXES, Augmented
from simulacra.storage import require_writable


@click.command()
@click.argument("data")
@click.option("--target", required=True, help="The column that is to be predicted.")
@click.option(
    "--level", "levels", multiple=True, help="A level that gets rows; repeatable. The rarest when left out."
)
@click.option("--holdout", help="Other real rows, on which scores are measured.")
@click.option("-o", "--output", type=click.Path(), help="The file for all rows; CSV on stdout when left out.")
@click.option("--report", type=click.Path(), help="A file for the scores: .html, .json or .csv.")
@click.option("--mark", metavar="NAME", help="Add a column that is true for synthetic rows.")
@click.option(
    "-n", "--rows", type=click.IntRange(min=1), help="Add so many rows instead of choosing a number."
)
@click.option(
    "--goal", type=click.Choice(GOALS), metavar="SCORE", default=GOALS[0], show_default=True,
    help=f"The score that decides: {', '.join(GOALS[:-1])} or {GOALS[-1]}.",
)  # fmt: skip
@click.option(
    "--learner", type=click.Choice(LEARNERS), metavar="NAME", default=LEARNERS[0], show_default=True,
    help=f"The classifier that all methods are judged by: {' or '.join(LEARNERS)}.",
)  # fmt: skip
@click.option("-m", "--model", default="trees", show_default=True, help="The generator.")
@click.option("--schema", type=click.Path(), help="The schema file; inferred when left out.")
@click.option("--protect", is_flag=True, help="Withhold values that fewer than 10 rows hold, as fit does.")
@click.option("--quick", is_flag=True, help="Fewer folds and amounts: about a fifth of the time.")
@click.option("--seed", type=int, help="The same seed gives the same rows and scores.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON; needs -o.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def command(
    data: str,
    target: str,
    levels: tuple[str, ...],
    holdout: str | None,
    output: str | None,
    report: str | None,
    mark: str | None,
    rows: int | None,
    goal: str,
    learner: str,
    model: str,
    schema: str | None,
    protect: bool,
    quick: bool,
    seed: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Add synthetic rows of a rare level of a target to DATA, as many as cross-validation finds useful.

    Doing nothing, class weights, random oversampling and SMOTE are measured on the same rows, and it is said when
    synthetic rows do not help: then the rows come back as they are.

    \b
      simulacra augment train.csv --target income --holdout test.csv -o augmented.csv --report augmented.html
      simulacra augment train.csv --target income --level ">50K" --quick --mark synthetic -o augmented.csv
    """
    if as_json and output is None:
        raise OptionError("--json prints the scores, so the rows need a file. Name it with -o.")
    require_files(data, holdout, schema)
    inputs = [data, *([holdout] if holdout else [])]
    if output is not None:
        require_writable(output, inputs=inputs)
        source_for(output)
    if report is not None:
        require_writable(report, inputs=inputs, suffixes=tuple(f".{form}" for form in SUFFIXES))
    start = time.perf_counter()
    with progress("augmenting", quiet=quiet) as bar:
        found = augment(
            data, target, levels=list(levels) or None, holdout=holdout, rows=rows, goal=goal, learner=learner,
            model=model, quick=quick, mark=mark, schema=schema, protect=protect, seed=seed,
            progress=bar if quiet else _telling(bar),
        )  # fmt: skip
    if output is not None:
        found.write(output)
    if report is not None:
        found.save(report)
    if as_json:
        print_json({**found.to_dict(), "file": output})
    elif output is None:
        found.write(sys.stdout)
    if not quiet:
        _print_scores(found)
        tell(found.notes)
        wrote = (
            f"; wrote {' and '.join(path for path in (output, report) if path)}" if output or report else ""
        )
        took = time.perf_counter() - start
        say(f"{len(found.data):,} real and {len(found.drawn):,} synthetic rows in {took:.0f} s{wrote}")


def _telling(bar: Progress) -> Progress:
    """Pass progress on, and say once on a line of its own how long it will take."""

    def report(share: float, step: str) -> None:
        if step.startswith("about "):
            say(step)
        bar(share, step)

    return report


def _print_scores(found: Augmented) -> None:
    """Print the methods side by side, in ASCII, within 80 columns."""
    names = found.scores["score"].unique(maintain_order=True).to_list()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("method", vertical="bottom")
    for name in names:
        table.add_column(name, justify="right", max_width=13)
    for _, rows in found.scores.group_by("method", maintain_order=True):
        cells = [
            "-" if value is None else f"{value:.3f} +-{max(value - low, high - value):.3f}"
            for value, low, high in rows.select("value", "low", "high").iter_rows()
        ]
        table.add_row(rows["method"][0], *cells)
    ERR.print(table, highlight=False, markup=False)
