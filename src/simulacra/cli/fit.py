"""Learn a generator from a table and write it to a file."""

from __future__ import annotations

import time
from typing import Any

import click

from simulacra.api import fit, read
from simulacra.cli._console import print_json, progress, say, tell
from simulacra.errors import OptionError
from simulacra.privacy.protection import HOLDERS
from simulacra.storage import require_writable


@click.command()
@click.argument("data")
@click.option("-o", "--output", type=click.Path(), required=True, help="The model file to write (.sim).")
@click.option("-m", "--model", default="trees", show_default=True, help="See: simulacra models")
@click.option("--schema", type=click.Path(), help="A schema file; guessed when left out.")
@click.option("--table", help="Which table, when DATA is a folder of several.")
@click.option("--seed", type=int, help="Fit again with the same seed to get the same model.")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="A setting of the model; repeatable."
)
@click.option(
    "--holders",
    type=int,
    default=HOLDERS,
    show_default=True,
    help="Rows that must share a value before it may be given out.",
)
@click.option("--no-protect", is_flag=True, help="Give rare levels, extremes and single values out.")
@click.option("--allow-rows", is_flag=True, help="Allow a model file that holds training rows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    data: str,
    output: str,
    model: str,
    schema: str | None,
    table: str | None,
    seed: int | None,
    settings: tuple[str, ...],
    holders: int,
    no_protect: bool,
    allow_rows: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Learn a generator from DATA (one table) and write it to a model file.

    \b
      simulacra fit adult.csv -o adult.sim
      simulacra fit adult.csv --schema adult.schema.yaml -m copula --seed 1 -o adult.sim
    """
    require_writable(output, inputs=[data], suffixes=(".sim",))
    start = time.perf_counter()
    given = read(data, schema=schema)
    if table is not None:
        given = given.select(table)
    with progress(f"fitting {model}", quiet=quiet) as report:
        fitted = fit(
            given, model, seed=seed, protect=not no_protect, holders=holders, progress=report, **_options(settings)
        )  # fmt: skip
    path = fitted.save(output, allow_rows=allow_rows)
    took = time.perf_counter() - start
    if as_json:
        summary = {"file": str(path), "bytes": path.stat().st_size, "seconds": round(took, 2)}
        print_json({**summary, "notes": list(fitted.notes), "provenance": dict(fitted.provenance)})
    elif not quiet:
        tell(fitted.notes)
        used = fitted.provenance["seed"]
        say(
            f"fitted {model} to {len(given):,} rows in {took:.1f} s (seed {used}); "
            f"wrote {path} ({path.stat().st_size:,} bytes)"
        )


def _options(settings: tuple[str, ...]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise OptionError(f"--set takes NAME=VALUE, not {setting!r}.")
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
