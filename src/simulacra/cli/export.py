"""Write related tables of patients as FHIR R4 bundles."""

from __future__ import annotations

import time

import click

from simulacra.cli._console import print_json, progress, require_files, say
from simulacra.fhir.bundles import write_bundles


@click.command()
@click.argument("folder", type=click.Path())
@click.option(
    "-o", "--output", required=True, type=click.Path(), metavar="TARGET",
    help="A .ndjson file with a bundle a line, or a folder with a file for each patient.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["fhir"]), default="fhir", show_default=True, help="The form."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON about what was written.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(folder: str, output: str, form: str, as_json: bool, quiet: bool) -> None:
    """Write the tables in FOLDER as FHIR R4 bundles, one for each patient.

    The tables are those of the template hospital: patients, encounters, conditions, medications and observations;
    encounters name practitioners and departments.

    \b
      simulacra new hospital -o hospital.yaml
      simulacra sample hospital.yaml -n patients=1000 --seed 1 -o hospital/
      simulacra export hospital/ -o bundles.ndjson
    """
    require_files(folder)
    start = time.perf_counter()
    with progress("exporting", quiet=quiet) as report:
        written = write_bundles(folder, output, progress=report)
    took = round(time.perf_counter() - start, 2)
    if as_json:
        print_json(
            {
                "bundles": written.bundles,
                "resources": written.resources,
                "format": form,
                "target": output,
                "seconds": took,
            }
        )
    elif not quiet:
        say(
            f"wrote {written.bundles:,} bundles with {written.resources:,} resources to {output} in {took:.1f} s"
        )
