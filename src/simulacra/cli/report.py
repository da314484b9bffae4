"""Draw a report that evaluate wrote as JSON: as a page, Markdown or CSV, or in the terminal."""

from __future__ import annotations

import click

from simulacra.cli._console import OUT, print_json, say
from simulacra.report.document import Report
from simulacra.report.terminal import print_report


@click.command()
@click.argument("results", type=click.Path(), required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    help="What to write: .html, .json, .md or .csv; the terminal when left out.",
)
@click.option("--private", is_flag=True, help="Keep the owner's part, where RESULTS have one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--schema", "as_schema", is_flag=True, help="Print the JSON Schema of reports, and no report.")
@click.option("-v", "--verbose", is_flag=True, help="List tests that passed one by one, too.")
def command(
    results: str | None, output: str | None, private: bool, as_json: bool, as_schema: bool, verbose: bool
) -> None:
    """Draw RESULTS, the JSON that evaluate wrote, as a page or in the terminal.

    \b
      simulacra evaluate adult.csv fake.csv -o results.json
      simulacra report results.json -o report.html
      simulacra report --schema
    """
    if as_schema:
        print_json(Report.schema())
        return
    if results is None:
        raise click.UsageError("RESULTS is missing: give the JSON that evaluate wrote.")
    report = Report.read(results)
    if output is not None:
        report.save(output, private=private)
        say(f"wrote {output}")
    elif as_json:
        print_json(report.to_dict(private=private))
    else:
        print_report(report, OUT, verbose=verbose)
