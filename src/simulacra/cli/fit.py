"""Learn a generator from a table or a database and write it to a file."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click

from simulacra._api_schema import contract
from simulacra._api_survey import find_files
from simulacra.api import estimate, fit, read
from simulacra.cli._console import print_json, progress, say, split_names, tell
from simulacra.cli._places import in_namespace, namespace_option
from simulacra.databases.urls import is_database
from simulacra.dataset import Dataset
from simulacra.errors import OptionError
from simulacra.privacy.protection import HOLDERS
from simulacra.registry import MODELS
from simulacra.relational.database import DatabaseSynthesizer
from simulacra.rules.model import RuleSynthesizer
from simulacra.storage import require_writable
from simulacra.synthesizer import Synthesizer

DEFAULT = "trees"


@click.command()
@click.argument("data")
@click.option("-o", "--output", type=click.Path(), help="The model file to write (.sim).")
@click.option(
    "-m", "--model", "models", multiple=True, metavar="[TABLE=]NAME",
    help=f"{DEFAULT} when left out; of one table as orders=copula, repeatable. See: simulacra models",
)  # fmt: skip
@click.option(
    "--schema", type=click.Path(), help="A schema file; declared by the database or guessed when left out."
)
@click.option("--table", help="Which table, when DATA has several and one of them is wanted.")
@click.option("--tables", metavar="NAMES", help="Which tables, joined by commas; all when left out.")
@namespace_option
@click.option(
    "--reference", multiple=True, metavar="TABLE", help="A public table, given out as it is; repeatable."
)
@click.option(
    "--entity", metavar="COLUMN", help="Learn histories: the column that says whose event a row is."
)
@click.option(
    "--order", metavar="COLUMN", help="With --entity: what the rows of an entity follow each other by."
)
@click.option(
    "--read-rows", type=click.IntRange(min=1), metavar="N",
    help="Read about so many rows of each table of a database: some entities with all that belongs to them.",
)  # fmt: skip
@click.option(
    "--rows", type=click.IntRange(min=1), metavar="N",
    help="Rows of a large file or of a folder of parts to learn from, at most; 1,000,000 of a folder. All are counted.",
)  # fmt: skip
@click.option("--weight", metavar="COLUMN", help="How many of the population each row stands for.")
@click.option(
    "--start",
    type=click.Path(),
    metavar="MODEL.sim",
    help="A model of related rows to start from, for few rows.",
)
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
@click.option("--no-rules", is_flag=True, help="Look for no rules over several tables.")
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
    models: tuple[str, ...],
    schema: str | None,
    table: str | None,
    tables: str | None,
    namespace: str | None,
    reference: tuple[str, ...],
    entity: str | None,
    order: str | None,
    read_rows: int | None,
    rows: int | None,
    weight: str | None,
    start: str | None,
    seed: int | None,
    settings: tuple[str, ...],
    privacy: str | None,
    holders: int,
    no_protect: bool,
    no_rules: bool,
    allow_rows: bool,
    only_estimate: bool,
    max_memory: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Learn a generator from DATA and write it to a model file.

    DATA is a file, a folder of files, or a database (a URL, or a file that ends in .db, .sqlite or .duckdb). Of several
    tables that refer to each other one model of all is learnt. Passwords stand in PGPASSWORD or MYSQL_PWD, or in the
    URL as ${NAME}; they are never shown or stored.

    \b
      simulacra fit adult.csv -o adult.sim
      simulacra fit adult.csv --privacy strict -o adult.sim
      simulacra fit adult.csv --schema adult.schema.yaml -m copula --seed 1 -o adult.sim
      simulacra fit adult.csv --estimate
      simulacra fit postgresql://ada@db.example/shop --reference states -o shop.sim
      simulacra fit parts/ --rows 1000000 -o adult.sim
      simulacra fit events.csv --entity user --order time -o events.sim
    """
    if output is not None:
        require_writable(output, inputs=[data], suffixes=(".sim",))
    elif not only_estimate:
        raise OptionError("the model needs a file to go to. Name it with -o MODEL.sim (--output).")
    plain, named = _read_models(models)
    for model in (plain, *named.values()):
        if privacy is not None and "privacy" not in {setting.name for setting in fields(MODELS.load(model))}:
            raise OptionError(
                f"model {model!r} has no levels of privacy. Leave --privacy out, or use -m trees."
            )
    begun = time.perf_counter()
    given, left = _open(in_namespace(data, namespace), schema, table, tables, read_rows)
    chosen = _spread(plain, named, given, reference)
    common: dict[str, Any] = {
        "schema": left, "weight": weight, "entity": entity, "order": order, "reference": reference,
        "protect": not no_protect, "holders": holders, "rows": rows, **_options(settings, privacy),
    }  # fmt: skip
    if output is None or only_estimate:
        with progress("estimating", quiet=quiet) as report:
            cost = estimate(given, chosen, progress=report, **common)
        print_json(asdict(cost)) if as_json else click.echo(str(cost))
        return
    with progress(f"fitting {plain}", quiet=quiet) as report:
        fitted = fit(
            given,
            chosen,
            seed=seed,
            rules=not no_rules,
            max_memory=max_memory,
            start=start,
            progress=report,
            **common,
        )
    path = fitted.save(output, allow_rows=allow_rows)
    took = time.perf_counter() - begun
    if as_json:
        summary = {"file": str(path), "bytes": path.stat().st_size, "seconds": round(took, 2)}
        if isinstance(fitted, DatabaseSynthesizer):
            summary |= {"tables": list(fitted.schema.names), "roots": list(fitted.roots)}
        print_json({**summary, "notes": list(fitted.notes), "provenance": dict(fitted.provenance)})
    elif not quiet:
        tell(fitted.notes)
        say(f"fitted {_said(fitted)} in {took:.1f} s (seed {fitted.provenance['seed']}); "
            f"wrote {path} ({path.stat().st_size:,} bytes)")  # fmt: skip


def _said(fitted: Synthesizer | DatabaseSynthesizer | RuleSynthesizer) -> str:
    """Word what was fitted to what."""
    facts = fitted.provenance
    level = facts["options"].get("privacy")
    words = f"{facts['model']}{f' (privacy {level})' if level else ''} to"
    rows = f"{facts['data']['rows']:,} rows"
    if isinstance(fitted, RuleSynthesizer):
        return f"{words} {rows}, beside rules"
    if not isinstance(fitted, DatabaseSynthesizer):
        return f"{words} {rows}"
    if fitted.log is not None:
        whose = fitted.schema.tables[0].name
        number = len(fitted.kept[whose]) if whose in fitted.kept else fitted.units[whose].rows
        return f"{words} the histories of {number:,} entities"
    return f"{words} {len(fitted.schema.tables)} tables with {rows}"


def _open(
    data: str, schema: str | None, table: str | None, tables: str | None, rows: int | None
) -> tuple[str | Dataset, str | None]:
    """Read what may have several tables; a file of one is left to be read column by column, with its schema."""
    if table is not None and tables is not None:
        raise OptionError("--table and --tables both choose tables. Give one of them.")
    wanted = [table] if table is not None else split_names(tables)
    base = is_database(data)
    if rows is not None and not base:
        raise OptionError(
            f"--read-rows is for databases, and {data!r} is none. Take a part of it with: "
            f"simulacra subset {data} -n {rows}"
        )
    single = not Path(data).expanduser().is_dir() or find_files(data) is not None
    if not base and single:
        return (data, schema) if wanted is None else (read(data, schema=schema).select(*wanted), None)
    chosen = wanted if base else None
    known = contract(schema, data, tables=chosen, rows=rows)
    if known is not None and wanted is not None:
        known = known.select(wanted)
    given = read(data, schema=known, tables=chosen, rows=rows)
    return (given if wanted is None or known is not None else given.select(*wanted)), None


def _read_models(texts: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """Read NAME for all tables and TABLE=NAME for some."""
    plain = [text for text in texts if "=" not in text]
    if len(plain) > 1:
        raise OptionError(
            f"-m is given twice, as {plain[0]!r} and {plain[1]!r}. Name the tables: -m TABLE={plain[1]}."
        )
    pairs = (text.rpartition("=") for text in texts if "=" in text)
    return (plain[0] if plain else DEFAULT), {table.strip(): name.strip() for table, _, name in pairs}


def _spread(
    plain: str, named: Mapping[str, str], given: str | Dataset, public: Sequence[str]
) -> str | dict[str, str]:
    """Give the tables that are not named the plain model."""
    if not named:
        return plain
    if plain == DEFAULT or not isinstance(given, Dataset):
        return dict(named)
    others = (
        table.name for table in given.schema.tables if table.role != "reference" and table.name not in public
    )
    return {**dict.fromkeys(others, plain), **named}


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
