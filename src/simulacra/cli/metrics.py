"""List the metrics that evaluate runs."""

from __future__ import annotations

import click

from simulacra.cli.models import show
from simulacra.registry import METRICS


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the metrics that evaluate runs."""
    show([{"name": name, "summary": METRICS.summary(name)} for name in METRICS.names()], as_json)
