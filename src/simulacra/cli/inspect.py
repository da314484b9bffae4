"""Guess the schema of data, with a reason for every column."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table as Grid

from simulacra.api import read
from simulacra.cli._console import OUT, print_json, say, tell
from simulacra.cli._links import Linkage, count_links
from simulacra.cli._places import in_namespace, namespace_option
from simulacra.errors import CheckFailed, OptionError
from simulacra.fitting import relate
from simulacra.mining.mining import EXCEPTIONS, Proposal, chosen, keep, mine
from simulacra.modelfile import read_model
from simulacra.schema.files import dump_schema, load_schema, write_schema
from simulacra.schema.types import FIXED, Column, Schema
from simulacra.schema.validation import validate
from simulacra.storage import require_writable


@click.command()
@click.argument("data")
@namespace_option
@click.option(
    "--schema", type=click.Path(), help="Check the data against this schema instead of guessing one."
)
@click.option(
    "-o", "--output", type=click.Path(), help="Write the schema here (YAML), to look at and correct."
)
@click.option("--diagram", type=click.Path(), help="Draw the tables and their references here (SVG).")
@click.option("--weight", metavar="COLUMN", help="How many of the population each row stands for.")
@click.option("--constraints", is_flag=True, help="Propose constraints that the data keep.")
@click.option(
    "--exceptions",
    type=float,
    default=EXCEPTIONS,
    show_default=True,
    help="Share of the rows that may break what is proposed.",
)
@click.option(
    "--accept", metavar="NUMBERS", help="Write proposals into the schema: all, or their numbers as 1,3,5-8."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    data: str,
    namespace: str | None,
    schema: str | None,
    output: str | None,
    diagram: str | None,
    weight: str | None,
    constraints: bool,
    exceptions: float,
    accept: str | None,
    as_json: bool,
) -> None:
    """Guess the schema of DATA (a file, a folder, a database URL, or a .sim model), with a reason for every column.

    Of several tables, keys and references are found too, and drawn as a diagram. With --schema the data are checked
    against that schema, and the exit code is 1 if they break it.

    \b
      simulacra inspect adult.csv -o adult.schema.yaml
      simulacra inspect new.csv --schema adult.schema.yaml
      simulacra inspect shop/ -o shop.schema.yaml --diagram shop.svg
      simulacra inspect orders.csv --constraints
      simulacra inspect orders.csv --constraints --accept 1,3 -o orders.schema.yaml
    """
    if accept is not None and output is None:
        raise OptionError(
            "--accept writes proposals into a schema. Name its file with -o SCHEMA.yaml (--output)."
        )
    if output is not None:
        require_writable(output, inputs=[data], suffixes=(".yaml", ".yml"))
    if diagram is not None:
        require_writable(diagram, inputs=[data], suffixes=(".svg",))
    notes: tuple[str, ...] = ()
    linkage = Linkage()
    broken: list[str] = []
    related: list[str] = []
    proposed: list[Proposal] = []
    rows: dict[str, int] = {}
    if data.endswith(".sim"):
        if constraints or accept is not None:
            raise OptionError(
                "a model holds no rows to propose constraints from. Give the data that it was fitted to."
            )
        file = read_model(Path(data))
        found, notes = load_schema(file.schema), file.notes
    else:
        given = read(in_namespace(data, namespace), schema=schema)
        found, notes = given.schema, given.notes
        rows = {name: len(frame) for name, frame in given.frames.items()}
        if weight is not None:
            found = found.with_weight(weight)
        for table in found.tables:
            related += [str(relation) for relation in relate(given.frames[table.name], table)]
        if schema is not None or weight is not None:
            broken = [str(v) for t in found.tables for v in validate(given.frames[t.name], t)]
        if constraints or accept is not None:
            proposed = mine(given, exceptions=exceptions)
        if accept is not None:
            found = keep(found, chosen(proposed, accept))
        linkage = count_links(given.frames, found)
    if output is not None:
        write_schema(found, Path(output))
    if diagram is not None:
        linkage.draw(found, rows, Path(diagram))
    if as_json:
        print_json(
            {
                **dump_schema(found),
                "rows": rows,
                "reasons": found.reasons,
                **linkage.to_dict(found),
                "relations": related,
                "notes": list(notes),
                "violations": broken,
                "proposals": [proposal.to_dict() for proposal in proposed],
            }
        )
    else:
        for table in found.tables:
            OUT.print(_grid(found, table.name, rows.get(table.name)))
        linkage.show(found, rows)
        tell(notes)
        tell([f"exact relation, kept by 'fit' in every row: {relation}" for relation in related])
        _propose(proposed, asked=constraints or accept is not None)
    for written in filter(None, (output, diagram)):
        say(f"wrote {written}")
    if broken:
        raise CheckFailed("the data break the schema: " + " ".join(broken))


def _propose(proposed: list[Proposal], *, asked: bool) -> None:
    """Print the proposals with the numbers that --accept takes."""
    for number, proposal in enumerate(proposed, 1):
        OUT.print(f"{number:>3}. {proposal}", markup=False, soft_wrap=True)
    if asked and not proposed:
        say("no constraint is proposed: nothing holds in these rows that chance would not make hold.")


def _grid(schema: Schema, name: str, rows: int | None) -> Grid:
    table = schema.table(name)
    count = "" if rows is None else f"{rows:,} rows, "
    grid = Grid(
        title=f"{name}: {count}{len(table.columns)} columns", title_justify="left", box=None, pad_edge=False
    )
    for heading in ("column", "kind", "values", "why"):
        grid.add_column(heading, overflow="fold")
    for column in table.columns:
        why = "" if column.sensitive else schema.reasons.get(name, {}).get(column.name, "")
        grid.add_row(_plain(column.name), _kind(column), _plain(_values(column)), _plain(why))
    return grid


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


def _kind(column: Column) -> str:
    words: list[str] = [column.kind]
    if column.kind == "number" and column.format != "HHMM":
        words.append("whole" if column.integer else _decimals(column.decimals))
    words += [str(word) for word in (_written(column), column.timezone, column.identifying) if word]
    return ", ".join(words) + (" (may be missing)" if column.nullable else "")


def _written(column: Column) -> str | None:
    """Name a format that says more than the kind does."""
    return None if column.format == FIXED else column.format


def _decimals(count: int | None) -> str:
    return "real" if count is None else "1 decimal" if count == 1 else f"{count} decimals"


def _values(column: Column) -> str:
    if column.sensitive:
        return "sensitive, not shown"
    if column.bounds is not None:
        return f"{column.bounds[0]} to {column.bounds[1]}" + (f" {column.unit}" if column.unit else "")
    if column.levels is not None:
        shown = ", ".join(column.levels[:4])
        return f"{len(column.levels)} levels: {shown}" + (", ..." if len(column.levels) > 4 else "")
    return column.pattern or ""
