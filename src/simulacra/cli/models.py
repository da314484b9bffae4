"""List the models that can be fitted."""

from __future__ import annotations

import click

from simulacra.registry import MODELS


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the models that can be fitted."""
    rows: list[dict[str, object]] = [
        {
            "name": name,
            "summary": MODELS.summary(name),
            "default": name == "trees",
            "stores_rows": MODELS.sets(name, "stores_rows"),
        }
        for name in MODELS.names()
    ]
    show(rows, as_json)


def show(rows: list[dict[str, object]], as_json: bool) -> None:
    """Print names and summaries, or JSON."""
    if as_json:
        import json

        click.echo(json.dumps(rows, indent=2))
        return
    width = max((len(str(row["name"])) for row in rows), default=0)
    for row in rows:
        mark = " (default)" if row.get("default") else " (not private)" if row.get("stores_rows") else ""
        click.echo(f"{row['name']!s:<{width}}  {row['summary']}{mark}")
