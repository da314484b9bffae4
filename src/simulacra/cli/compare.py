"""Rank several synthetic tables, or several models, side by side."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from simulacra.api import compare
from simulacra.cli._console import OUT, print_json, progress, say
from simulacra.errors import CheckFailed, DataError, OptionError
from simulacra.report.ranking import SUFFIXES, Ranking, print_ranking
from simulacra.storage import require_writable


@click.command()
@click.argument("train")
@click.argument("candidates", nargs=-1, metavar="[NAME=FILE]...")
@click.option("-m", "--model", "models", multiple=True, help="A model to fit and to draw from; repeatable.")
@click.option("--holdout", help="Real rows that no generator saw; privacy and usefulness need them.")
@click.option("--target", "targets", multiple=True, help="A column that people will predict; repeatable.")
@click.option("--group", "groups", multiple=True, help="A column of groups, for fairness; repeatable.")
@click.option("--sensitive", multiple=True, help="A column nobody may learn about a person; repeatable.")
@click.option(
    "--quasi-identifier",
    "quasi_identifiers",
    multiple=True,
    help="A column that others may know about a person; repeatable.",
)
@click.option("--schema", type=click.Path(), help="A schema file; guessed from TRAIN when left out.")
@click.option("--metric", "metrics", multiple=True, help="Run only these; repeatable. See: simulacra metrics")
@click.option(
    "--policy",
    type=click.Path(),
    help="A YAML file of thresholds, requirements and questions; exit with 1 if all candidates break one.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same ranking.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(),
    help="Ranking to write: .html, .json, .md or .csv; repeatable.",
)
@click.option("--reports", type=click.Path(), help="A folder for the page and the JSON of each candidate.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    train: str,
    candidates: tuple[str, ...],
    models: tuple[str, ...],
    holdout: str | None,
    targets: tuple[str, ...],
    groups: tuple[str, ...],
    sensitive: tuple[str, ...],
    quasi_identifiers: tuple[str, ...],
    schema: str | None,
    metrics: tuple[str, ...],
    policy: str | None,
    seed: int,
    outputs: tuple[str, ...],
    reports: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Measure several synthetic tables against the TRAIN rows with the same tests and seeds, and rank them.

    A candidate is a file of synthetic rows or a model file (.sim). One that fails does not stop the others.

    \b
      simulacra compare adult.csv ours=fake.csv theirs=theirs.csv --holdout test.csv --target income -o ranking.html
      simulacra compare adult.csv --model trees --model copula --holdout test.csv -o ranking.html
    """
    given = _named(candidates)
    for output in outputs:
        inputs = [train, *given.values(), *([holdout] if holdout else [])]
        require_writable(output, inputs=inputs, suffixes=tuple(f".{form}" for form in SUFFIXES))
    if reports is not None:
        _make_folder(reports)
    asked: dict[str, Any] = {
        "target": targets, "groups": groups, "sensitive": sensitive, "quasi_identifiers": quasi_identifiers,
        "metrics": metrics or None, "policy": policy,
    }  # fmt: skip
    with progress("comparing", quiet=quiet) as bar:
        ranking = compare(
            train, given, models=models, holdout=holdout, schema=schema, seed=seed, progress=bar, **asked
        )
    for output in outputs:
        ranking.save(output)
        say(f"wrote {output}")
    if reports is not None:
        _save_reports(ranking, Path(reports))
    if as_json:
        print_json(ranking.to_dict())
    else:
        print_ranking(ranking, OUT)
    _judge(ranking)


def _named(texts: tuple[str, ...]) -> dict[str, str]:
    """Read NAME=FILE; a file alone is called by its stem."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, path = text.partition("=")
        if not sign:
            name, path = Path(text).name.partition(".")[0], text
        if not name.strip() or not path:
            raise OptionError(f"a candidate is NAME=FILE such as ours=fake.csv, not {text!r}.")
        if name in found:
            raise OptionError(f"two candidates are called {name!r}. Give each a name: NAME=FILE.")
        found[name] = path
    return found


def _make_folder(path: str) -> None:
    if Path(path).exists() and not Path(path).is_dir():
        raise OptionError(f"--reports {path!r} is a file. Name a folder.")
    if not Path(path).resolve().parent.is_dir():
        raise OptionError(f"--reports {path!r}: the folder above it does not exist. Make it first.")
    Path(path).mkdir(exist_ok=True)


def _save_reports(ranking: Ranking, folder: Path) -> None:
    for place, (name, report) in enumerate(ranking.reports.items(), 1):
        stem = f"{place}-{re.sub(r'[^A-Za-z0-9_-]+', '-', name).strip('-') or 'candidate'}"
        for suffix in ("html", "json"):
            report.save(folder / f"{stem}.{suffix}")
    say(f"wrote {len(ranking.reports)} reports to {folder}")


def _judge(ranking: Ranking) -> None:
    """Tell by the exit code that candidates were left out, or that none keeps the policy."""
    left_out = [f"{one.name} ({one.error})" for one in ranking if one.error]
    if left_out:
        raise DataError(f"{len(left_out)} of {len(ranking)} candidates were left out: {'; '.join(left_out)}")
    if all(report.broken for report in ranking.reports.values()):
        said = [f"{name}: {report.broken[0]}." for name, report in ranking.reports.items()]
        raise CheckFailed(f"no candidate keeps the policy. {' '.join(said)}")
