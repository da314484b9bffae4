"""Measure synthetic rows against real ones, and write a report."""

from __future__ import annotations

import re

import click

from simulacra.api import evaluate, load
from simulacra.cli._console import OUT, print_json, progress, say
from simulacra.errors import CheckFailed, OptionError
from simulacra.report.document import SUFFIXES, Report
from simulacra.report.policy import Policy, read_policy, require_known
from simulacra.report.terminal import print_report
from simulacra.storage import require_writable


@click.command()
@click.argument("train")
@click.argument("synthetic")
@click.option("--holdout", help="Real rows that the generator never saw; privacy and usefulness need them.")
@click.option("--entity", metavar="COLUMN", help="Whose event each row is: whole histories are judged then.")
@click.option("--order", metavar="COLUMN", help="By what the events of an entity follow each other.")
@click.option("--target", "targets", multiple=True, help="A column that people will predict; repeatable.")
@click.option("--group", "groups", multiple=True, help="A column of groups, for fairness; repeatable.")
@click.option("--sensitive", multiple=True, help="A column nobody may learn about a person; repeatable.")
@click.option(
    "--quasi-identifier",
    "quasi_identifiers",
    multiple=True,
    help="A column that others may know about a person; repeatable.",
)
@click.option(
    "--query",
    "queries",
    multiple=True,
    metavar="NAME=SQL",
    help='A question in SQL over the table "data", asked of real and synthetic rows; repeatable.',
)
@click.option(
    "--shadows",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Models that an attack may fit; needs --model.",
)
@click.option("--review", type=click.Path(), help="An expert's answers in a blind test; needs --review-key.")
@click.option("--review-key", type=click.Path(), help="The key of that test; see: simulacra review")
@click.option("--schema", type=click.Path(), help="A schema file; guessed from TRAIN when left out.")
@click.option("--model", type=click.Path(), help="The model file that made the rows, for the report.")
@click.option("--metric", "metrics", multiple=True, help="Run only these; repeatable. See: simulacra metrics")
@click.option(
    "--threshold",
    "limits",
    multiple=True,
    metavar="METRIC=PASS,LOOK",
    help="Limits of the verdicts; repeatable.",
)
@click.option(
    "--policy",
    type=click.Path(),
    help="A YAML file of thresholds, requirements and questions; exit with 1 if one is broken.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same figures.")
@click.option(
    "--rows",
    type=click.IntRange(1),
    help="Rows of each side that metrics look at, at most; a million by default. All are counted.",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(),
    help="Report to write: .html, .json, .md or .csv; repeatable.",
)
@click.option("--private", is_flag=True, help="Add the owner's part, which shows real rows.")
@click.option(
    "--fail-if",
    "checks",
    multiple=True,
    metavar="EXPR",
    help='Exit with 1 if it holds, e.g. "privacy/copies > 0.01".',
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-v", "--verbose", is_flag=True, help="List tests that passed one by one, too.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    train: str,
    synthetic: str,
    holdout: str | None,
    entity: str | None,
    order: str | None,
    targets: tuple[str, ...],
    groups: tuple[str, ...],
    sensitive: tuple[str, ...],
    quasi_identifiers: tuple[str, ...],
    queries: tuple[str, ...],
    shadows: int,
    review: str | None,
    review_key: str | None,
    schema: str | None,
    model: str | None,
    metrics: tuple[str, ...],
    limits: tuple[str, ...],
    policy: str | None,
    seed: int,
    rows: int | None,
    outputs: tuple[str, ...],
    private: bool,
    checks: tuple[str, ...],
    as_json: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    """Measure SYNTHETIC rows, from any generator, against the TRAIN rows it learnt from.

    \b
      simulacra evaluate adult.csv fake.csv --holdout test.csv --target income -o report.html
      simulacra evaluate adult.csv fake.csv --holdout test.csv --fail-if "privacy/copies > 0.01"
      simulacra evaluate adult.csv fake.csv --holdout test.csv --policy house.yaml
      simulacra evaluate log.csv fake.csv --holdout held.csv --entity user --order date -o report.html
      simulacra evaluate bank/ fake/ --holdout held/ --schema bank.yaml -o report.html
      simulacra evaluate adult.parquet parts/ --rows 200000 -o report.html
    """
    if (review is None) != (review_key is None):
        raise OptionError(
            "--review and --review-key go together: the expert's answers, and the key of the test."
        )
    house = Policy() if policy is None else read_policy(policy)
    require_known(checks, metrics or house.metrics)
    for output in outputs:
        require_writable(
            output,
            inputs=[train, synthetic, *([holdout] if holdout else [])],
            suffixes=tuple(f".{form}" for form in SUFFIXES),
        )
    with progress("evaluating", quiet=quiet) as bar:
        report = evaluate(
            train, synthetic, holdout=holdout, entity=entity, order=order, target=targets, groups=groups,
            sensitive=sensitive,
            quasi_identifiers=quasi_identifiers, queries=_queries(queries), shadows=shadows,
            review=(review, review_key) if review and review_key else None, schema=schema, metrics=metrics or None,
            thresholds=_thresholds(limits) or None, policy=None if policy is None else house, seed=seed, rows=rows,
            model=load(model) if model else None, progress=bar,
        )  # fmt: skip
    for output in outputs:
        report.save(output, private=private)
        say(f"wrote {output}")
    if as_json:
        print_json(report.to_dict(private=private))
    else:
        print_report(report, OUT, verbose=verbose)
    _forbid(report, checks)


def _forbid(report: Report, checks: tuple[str, ...]) -> None:
    """Check every expression before failing, so that one run tells all that is wrong."""
    failed = [f"{said}." for said in report.broken]
    for check in checks:
        try:
            report.forbid(check)
        except CheckFailed as error:
            failed.append(str(error))
    if failed:
        raise CheckFailed(" ".join(failed))


def _thresholds(texts: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    out = {}
    for text in texts:
        match = re.fullmatch(r"([\w/.-]+)=([-+.\deE]+),([-+.\deE]+)", text)
        if match is None:
            raise OptionError(
                f"--threshold takes METRIC=PASS,LOOK such as fidelity/detection=0.6,0.75, not {text!r}."
            )
        out[match[1]] = (float(match[2]), float(match[3]))
    return out


def _queries(texts: tuple[str, ...]) -> dict[str, str]:
    out = {}
    for text in texts:
        name, sign, sql = text.partition("=")
        if not sign or not name.strip() or not sql.strip():
            raise OptionError(
                f'--query takes NAME=SQL such as "mean age=select avg(age) from data", not {text!r}.'
            )
        out[name.strip()] = sql.strip()
    return out
