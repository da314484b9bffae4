"""Learn a generator from a table and write it to a file."""

from __future__ import annotations

import time
from dataclasses import asdict, fields
from typing import Any

import click

from simulacra.api import estimate, fit, read
from simulacra.cli._console import print_json, progress, say, tell
from simulacra.errors import OptionError
from simulacra.privacy.protection import HOLDERS
from simulacra.registry import MODELS
from simulacra.storage import require_writable


@click.command()
@click.argument("data")
@click.option("-o", "--output", type=click.Path(), help="The model file to write (.sim).")
@click.option("-m", "--model", default="trees", show_default=True, help="See: simulacra models")
@click.option("--schema", type=click.Path(), help="A schema file; guessed when left out.")
@click.option("--table", help="Which table, when DATA is a folder of several.")
@click.option("--weight", metavar="COLUMN", help="How many of the population each row stands for.")
@click.option("--seed", type=int, help="Fit again with the same seed to get the same model.")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the model; repeatable."
)
@click.option("--privacy", metavar="LEVEL", help="strict, balanced or fidelity; of model trees.")
@click.option(
    "--holders",
    type=int,
    default=HOLDERS,
    show_default=True,
    help="Rows that must share a value before it may be given out.",
)
@click.option("--no-protect", is_flag=True, help="Give rare levels, extremes and single values out.")
@click.option("--allow-rows", is_flag=True, help="Allow a model file that holds training rows.")
@click.option("--estimate", "only_estimate", is_flag=True, help="Tell time and memory, and do not fit.")
@click.option(
    "--max-memory", metavar="SIZE", help="Refuse what needs more, e.g. 4GB; what is free when left out."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    data: str,
    output: str | None,
    model: str,
    schema: str | None,
    table: str | None,
    weight: str | None,
    seed: int | None,
    settings: tuple[str, ...],
    privacy: str | None,
    holders: int,
    no_protect: bool,
    allow_rows: bool,
    only_estimate: bool,
    max_memory: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Learn a generator from DATA (one table) and write it to a model file.

    \b
      simulacra fit adult.csv -o adult.sim
      simulacra fit adult.csv --privacy strict -o adult.sim
      simulacra fit adult.csv --schema adult.schema.yaml -m copula --seed 1 -o adult.sim
      simulacra fit adult.csv --estimate
    """
    if output is not None:
        require_writable(output, inputs=[data], suffixes=(".sim",))
    elif not only_estimate:
        raise OptionError("the model needs a file to go to. Name it with -o MODEL.sim (--output).")
    if privacy is not None and "privacy" not in {setting.name for setting in fields(MODELS.load(model))}:
        raise OptionError(f"model {model!r} has no levels of privacy. Leave --privacy out, or use -m trees.")
    start = time.perf_counter()
    given = data if table is None else read(data, schema=schema).select(table)
    common: dict[str, Any] = {
        "schema": schema if table is None else None, "weight": weight, "protect": not no_protect, "holders": holders,
        **_options(settings, privacy),
    }  # fmt: skip
    if output is None or only_estimate:
        with progress("estimating", quiet=quiet) as report:
            cost = estimate(given, model, progress=report, **common)
        print_json(asdict(cost)) if as_json else click.echo(str(cost))
        return
    with progress(f"fitting {model}", quiet=quiet) as report:
        fitted = fit(given, model, seed=seed, max_memory=max_memory, progress=report, **common)
    path = fitted.save(output, allow_rows=allow_rows)
    took = time.perf_counter() - start
    if as_json:
        summary = {"file": str(path), "bytes": path.stat().st_size, "seconds": round(took, 2)}
        print_json({**summary, "notes": list(fitted.notes), "provenance": dict(fitted.provenance)})
    elif not quiet:
        tell(fitted.notes)
        used, rows = fitted.provenance["seed"], fitted.provenance["data"]["rows"]
        level = fitted.provenance["options"].get("privacy")
        say(
            f"fitted {model}{f' (privacy {level})' if level else ''} to {rows:,} rows in {took:.1f} s (seed {used}); "
            f"wrote {path} ({path.stat().st_size:,} bytes)"
        )


def _options(settings: tuple[str, ...], privacy: str | None = None) -> dict[str, Any]:
    options: dict[str, Any] = {} if privacy is None else {"privacy": privacy}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise OptionError(f"--set takes NAME=VALUE, not {setting!r}.")
        if name == "privacy" and privacy is not None:
            raise OptionError(
                "--privacy and --set privacy=... both set the level of privacy. Give one of them."
            )
        options[name.replace("-", "_")] = _value(value)
    return options


def _value(text: str) -> Any:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
