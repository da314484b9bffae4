"""Show what each definition of fairness does to drawn rows, to the others, and to a classifier."""

from __future__ import annotations

import click

from simulacra._api_parity import compare_fairness
from simulacra.cli._console import OUT, print_json, progress, say
from simulacra.cli._parity import read_groups
from simulacra.report.parity import SUFFIXES, print_parity
from simulacra.shares.parity import DEFINITIONS
from simulacra.storage import require_writable


@click.command()
@click.argument("train")
@click.option(
    "-m", "--model", default="trees", show_default=True, help="A model file (.sim), or a model to fit here."
)
@click.option("--holdout", required=True, help="Real rows that no model saw; classifiers are tested on them.")
@click.option("--target", required=True, help="The column of outcomes, a category or a boolean.")
@click.option("--group", "groups", multiple=True, required=True, help="A column of groups; repeatable.")
@click.option("--given", multiple=True, help="A column that explains a difference; repeatable.")
@click.option("--positive", help="The level of the target whose rate counts; the rarest when left out.")
@click.option(
    "--definition",
    "definitions",
    multiple=True,
    help=f"Only this one; repeatable. One of: {', '.join(DEFINITIONS)}.",
)
@click.option(
    "--rate",
    type=float,
    help="The rate that base-rates and relabel give every group; that of all rows when left out.",
)
@click.option(
    "--share",
    "shares",
    multiple=True,
    metavar="GROUP=SHARE",
    help="A group's share of the rows, for group-shares; repeatable. Equal shares when left out.",
)
@click.option(
    "-n",
    "--rows",
    type=click.IntRange(min=1),
    help="Rows to draw under each; as many as TRAIN at most 30,000.",
)
@click.option("--schema", type=click.Path(), help="A schema file; guessed from TRAIN when left out.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same figures.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(),
    help="Report to write: .html, .json or .csv; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    train: str,
    model: str,
    holdout: str,
    target: str,
    groups: tuple[str, ...],
    given: tuple[str, ...],
    positive: str | None,
    definitions: tuple[str, ...],
    rate: float | None,
    shares: tuple[str, ...],
    rows: int | None,
    schema: str | None,
    seed: int,
    outputs: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Draw rows under each definition of fairness, and compare them with the TRAIN rows and with rows as learnt.

    For each: the gaps between groups in the rows, the gaps in what a classifier that learns from them decides about
    unseen real people, its accuracy, and how far the columns moved.

    \b
      simulacra fair adult.csv -m adult.sim --holdout test.csv --target income --group sex -o fair.html
      simulacra fair adult.csv --holdout test.csv --target income --group sex --given education --json
    """
    for output in outputs:
        require_writable(
            output, inputs=[train, holdout, model], suffixes=tuple(f".{form}" for form in SUFFIXES)
        )
    with progress("comparing", quiet=quiet) as bar:
        report = compare_fairness(
            train, model, holdout=holdout, target=target, group=groups, given=given or None, positive=positive,
            definitions=definitions or None, rate=rate, shares=read_groups(shares), rows=rows,
            schema=schema, seed=seed, progress=bar,
        )  # fmt: skip
    for output in outputs:
        report.save(output)
        if not quiet:
            say(f"wrote {output}")
    if as_json:
        print_json(report.to_dict())
    else:
        print_parity(report, OUT)
