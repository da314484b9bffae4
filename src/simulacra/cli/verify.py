"""Hold rows in parts against their manifest, and against the rules of their schema."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from simulacra._filing_parts import MANIFEST_FILE
from simulacra.cli._console import print_json, progress, say, tell
from simulacra.errors import CheckFailed, OptionError
from simulacra.memory import parse_size
from simulacra.proof.lines import Proof
from simulacra.proof.proof import prove
from simulacra.scale.verification import Verification, verify

SHOWN = 20
"""Problems that are told one by one."""


@click.command()
@click.argument("folder", type=click.Path())
@click.option("--deep", is_flag=True, help="Read all values too, and compute the digests again.")
@click.option(
    "--rules", is_flag=True,
    help="Hold every row against every rule of schema.yaml: keys, references, constraints, bounds.",
)  # fmt: skip
@click.option("--workers", type=int, metavar="NUMBER", help="Files that are read at the same time.")
@click.option("--memory", metavar="SIZE", help='With --rules: memory that may be used, such as "4GB".')
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no notes.")
def command(
    folder: str, deep: bool, rules: bool, workers: int | None, memory: str | None, as_json: bool, quiet: bool
) -> None:
    """Hold FOLDER, which sample wrote in parts, against its manifest.

    Every file must be there with its size and SHA-256, and none that nothing lists; the digests of the parts must give
    that of the whole. With --rules FOLDER may also be a folder or a file without a manifest.

    \b
      simulacra verify rows/
      simulacra verify s3://bucket/rows --deep
      simulacra verify shop/ --rules --memory 2GB

    Exits with 1 where something is not as it was written, or breaks a rule.
    """
    if memory is not None and not rules:
        raise OptionError("--memory is for --rules: files are looked at one by one. Leave it out.")
    limit = None if memory is None else parse_size(memory)
    if rules and "://" in folder:
        raise OptionError(
            "--rules reads a folder of this machine. Copy the store to one, or leave --rules out."
        )
    found = None
    if not rules or deep or (Path(folder) / MANIFEST_FILE).is_file():
        with progress("verifying", quiet=quiet) as report:
            found = verify(folder, deep=deep, workers=workers, progress=report)
    proof = None
    if rules:
        with progress("proving", quiet=quiet) as report:
            proof = prove(folder, memory=limit, progress=report)
    problems = list(found.problems if found is not None else ())
    problems += [
        str(line).rstrip(".") for line in (proof.lines if proof is not None else ()) if not line.holds
    ]
    if as_json:
        files = {} if found is None else found.to_dict()
        print_json({**files, **({} if proof is None else {"proof": proof.to_dict()})})
    elif not quiet:
        _tell(found, proof, problems)
    if problems:
        raise CheckFailed(_advise(folder, problems, changed=found is not None and not found.whole))


def _tell(found: Verification | None, proof: Proof | None, problems: Sequence[str]) -> None:
    """Say what was looked at, and what is wrong."""
    if found is not None:
        say(found.summary)
        say(f"digest {found.manifest.digest}")
    if proof is not None:
        held = sum(line.holds for line in proof.lines)
        rows = sum(proof.rows.values())
        say(f"{held:,} of {len(proof.lines):,} rules hold in all of {rows:,} rows, in {proof.seconds:.1f} s")
        tell(proof.notes)
    for problem in problems[:SHOWN]:
        say(f"  {problem}")
    if len(problems) > SHOWN:
        say(f"  and {len(problems) - SHOWN:,} more")


def _advise(folder: str, problems: Sequence[str], *, changed: bool) -> str:
    advice = "The call that made it makes again what is missing, and with --check what was changed."
    return f"{folder!r}: {problems[0]}. {advice if changed else 'Mend the rows, or the rule.'}"
