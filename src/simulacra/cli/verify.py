"""Hold a folder of parts against its manifest: files, hashes, values, rules."""

from __future__ import annotations

import click

from simulacra.cli._console import print_json, progress, say, tell
from simulacra.errors import CheckFailed
from simulacra.scale.verification import SHOWN, verify


@click.command()
@click.argument("folder", type=click.Path())
@click.option("--deep", is_flag=True, help="Read all values, and compute the digests again.")
@click.option("--workers", type=int, metavar="NUMBER", help="Files that are read at the same time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(folder: str, deep: bool, workers: int | None, as_json: bool, quiet: bool) -> None:
    """Hold FOLDER, which sample wrote in parts, against its manifest.

    Every file must be there with its size and SHA-256, and none that nothing lists; the digests of the parts must give
    that of the whole. Exits with 1 where something is not as it was written.

    \b
      simulacra verify rows/
      simulacra verify s3://bucket/rows --deep
    """
    with progress("verifying", quiet=quiet) as report:
        found = verify(folder, deep=deep, workers=workers, progress=report)
    if as_json:
        print_json(found.to_dict())
    elif not quiet:
        say(found.summary)
        tell(found.problems[:SHOWN])
    if not found.whole:
        first = found.problems[0]
        raise CheckFailed(
            f"{folder!r} is not as it was written: {first}. The call that made it makes again what is missing "
            "or changed, with check=True."
        )
