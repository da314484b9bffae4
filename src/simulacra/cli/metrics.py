"""List the metrics that evaluate runs."""

from __future__ import annotations

import click

from simulacra.cli.models import show
from simulacra.registry import DATABASE_METRICS, METRICS


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the metrics that evaluate runs."""
    listed = [(name, registry) for registry in (METRICS, DATABASE_METRICS) for name in registry.names()]
    show([{"name": name, "summary": registry.summary(name)} for name, registry in listed], as_json)
