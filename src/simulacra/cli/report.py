"""Draw a report that evaluate wrote as JSON: as HTML, or in the terminal."""

from __future__ import annotations

import click

from simulacra.cli._console import OUT, print_json, say
from simulacra.report.document import Report
from simulacra.report.terminal import print_report


@click.command()
@click.argument("results", type=click.Path())
@click.option(
    "-o", "--output", type=click.Path(), help="The page to write (.html); the terminal when left out."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(results: str, output: str | None, as_json: bool) -> None:
    """Draw RESULTS, the JSON that evaluate wrote, as a page or in the terminal.

    \b
      simulacra evaluate adult.csv fake.csv -o results.json
      simulacra report results.json -o report.html
    """
    report = Report.read(results)
    if output is not None:
        report.save(output)
        say(f"wrote {output}")
    elif as_json:
        print_json(report.to_dict())
    else:
        print_report(report, OUT)
