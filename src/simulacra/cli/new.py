"""Copy a template of rules: a whole made-up database, to sample as it is or to change first."""

from __future__ import annotations

from pathlib import Path

import click

from simulacra.cli._console import print_json, say
from simulacra.errors import FileError, OptionError
from simulacra.rules.templates import TEMPLATES, summarise_template, template_text
from simulacra.storage import atomic_path, require_writable


@click.command()
@click.argument("name", required=False)
@click.option("-o", "--output", type=click.Path(), metavar="FILE", help="Where to; stdout when left out.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="List the templates as JSON.")
def command(name: str | None, output: str | None, force: bool, as_json: bool) -> None:
    """Copy the template NAME to a file; without a name, list the templates.

    A template is a schema in which every column has a rule, so it needs no data.

    \b
      simulacra new
      simulacra new shop -o shop.yaml
      simulacra sample shop.yaml --scale 10 --seed 1 -o shop/
    """
    if name is None:
        if output is not None:
            raise OptionError(
                f"-o {output!r} is to hold a template, and none is named. Add one of: {_names()}."
            )
        _list(as_json)
        return
    if as_json:
        raise OptionError("--json lists the templates, and one is named. Leave one of the two out.")
    text = template_text(name)
    if output is None:
        click.echo(text, nl=False)
        return
    if Path(output).exists() and not force:
        raise FileError(f"{output!r} is there already. Name another file, or add --force to overwrite it.")
    require_writable(output, suffixes=(".yaml", ".yml"))
    with atomic_path(output) as part:
        part.write_text(text, encoding="utf-8")
    say(f"wrote {output}; next: simulacra sample {output} --seed 1 -o {Path(output).stem}/")


def _list(as_json: bool) -> None:
    found = [{"name": name, "summary": summarise_template(name)} for name in TEMPLATES]
    if as_json:
        print_json(found)
        return
    width = max(map(len, TEMPLATES))
    for row in found:
        click.echo(f"{row['name']:<{width}}  {row['summary']}")


def _names() -> str:
    return ", ".join(TEMPLATES)
