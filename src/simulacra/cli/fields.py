"""List the fields that rule columns can be drawn from, each with an example."""

from __future__ import annotations

import click

from simulacra.cli._console import print_json


@click.command()
@click.argument("words", nargs=-1)
@click.option("--locale", default="en_US", show_default=True, help="Language and country, such as de_DE.")
@click.option("--locales", is_flag=True, help="List the locales.")
@click.option("--all", "every", is_flag=True, help="List the methods of Faker too, as faker.METHOD.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(words: tuple[str, ...], locale: str, locales: bool, every: bool, as_json: bool) -> None:
    """List the fields that rule columns can be drawn from, each with an example.

    WORDS keep the fields whose name, other names or description hold them all.

    \b
    simulacra fields
    simulacra fields person --locale ja_JP
    simulacra fields --all --json
    """
    from simulacra.fields.listing import describe_fields, list_locales

    if locales:
        rows = [{"name": name} for name in list_locales()]
    else:
        rows = describe_fields(words, locale=locale, faker=every)
    if as_json:
        print_json(rows)
        return
    width = max((len(str(row["name"])) for row in rows), default=0)
    for row in rows:
        if locales:
            click.echo(row["name"])
            continue
        click.echo(f"{row['name']!s:<{width}}  {row['example']}\n{'':<{width}}    {row['summary']}")
