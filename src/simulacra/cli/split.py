"""Keep some rows away from the generator, to measure with."""

from __future__ import annotations

from typing import Any

import click

from simulacra.api import read, split
from simulacra.cli._console import say, tell
from simulacra.cli._places import if_exists_option, require_free, require_places
from simulacra.filing import source_for
from simulacra.schema.files import read_schema


@click.command()
@click.argument("data")
@click.option("--train", required=True, type=click.Path(), help="The file for the rows to learn from.")
@click.option("--holdout", required=True, type=click.Path(), help="The file for the rows that are kept away.")
@click.option("--share", type=float, default=0.2, show_default=True, help="Share of rows that are kept away.")
@click.option("--entity", metavar="COLUMN", help="Whose event each row is: whole entities are parted then.")
@if_exists_option
@click.option("--schema", type=click.Path(), help="A schema file, for the references between several tables.")
@click.option("--seed", type=int, help="The same seed gives the same parts.")
def command(
    data: str,
    train: str,
    holdout: str,
    share: float,
    entity: str | None,
    if_exists: Any,
    schema: str | None,
    seed: int | None,
) -> None:
    """Part the rows of DATA at random: some to learn from, some to measure with.

    Of several tables in a folder the entities are parted, with all that belongs to them, and of a log of events with
    --entity too.

    \b
      simulacra split adult.csv --train train.csv --holdout test.csv --seed 1
      simulacra split log.csv --entity user --train train.csv --holdout held.csv --seed 1
      simulacra split bank/ --schema bank.yaml --train train/ --holdout held/ --seed 1
    """
    whole = read(data) if schema is None else read(data).with_schema(read_schema(schema))
    for output in (train, holdout):
        require_places(data, output)
        if len(whole.frames) == 1:
            source_for(output)
        else:
            require_free(output, list(whole.frames), if_exists)
    parts = split(whole, share, entity=entity, seed=seed)
    tell(parts[0].notes[len(whole.notes) :])
    for part, output in zip(parts, (train, holdout), strict=True):
        part.write(output, if_exists=if_exists)
        say(f"wrote {len(part):,} rows to {output}")
