"""Make a blind test for an expert (which records are real?), and count the answers."""

from __future__ import annotations

import click
import polars as pl
from rich.markup import escape
from rich.table import Table

from simulacra.api import review
from simulacra.cli._console import OUT, print_json, say
from simulacra.errors import OptionError
from simulacra.metrics import _marks
from simulacra.report.marks import read_marks
from simulacra.report.review import key_path
from simulacra.storage import require_writable


@click.command()
@click.argument("real", required=False)
@click.argument("synthetic", required=False)
@click.option("-o", "--output", type=click.Path(), help="The page to write; ends in .html.")
@click.option(
    "-n", "records", type=int, default=40, show_default=True, help="Records to show, half of them real."
)
@click.option("--seed", type=int, help="The same seed draws the same records.")
@click.option(
    "--text", is_flag=True, help="Show columns of free text too; keys and identifiers are never shown."
)
@click.option("--schema", type=click.Path(), help="A schema file; guessed from REAL when left out.")
@click.option("--title", help="Heading of the page.")
@click.option("--key", type=click.Path(), help="The file of the key; beside the page when left out.")
@click.option("--answers", type=click.Path(), help="Count the answers of this file instead; needs --key.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    real: str | None,
    synthetic: str | None,
    output: str | None,
    records: int,
    seed: int | None,
    text: bool,
    schema: str | None,
    title: str | None,
    key: str | None,
    answers: str | None,
    as_json: bool,
) -> None:
    """Mix REAL and SYNTHETIC records on a page where an expert marks which are which; then count the answers.

    \b
      simulacra review adult.csv fake.csv -o review.html
      simulacra review --answers answers.json --key review.key.json
      simulacra evaluate adult.csv fake.csv --review answers.json --review-key review.key.json
    """
    if answers is not None:
        if real is not None or output is not None or key is None:
            raise OptionError(
                "--answers takes --key and nothing else: --answers answers.json --key review.key.json."
            )
        _count(answers, key, as_json)
        return
    if real is None or synthetic is None or output is None:
        raise OptionError(
            "a review takes real rows, synthetic rows and a page to write: simulacra review real.csv fake.csv "
            "-o review.html."
        )
    secret = key or str(key_path(output))
    require_writable(output, inputs=[real, synthetic], suffixes=(".html",))
    require_writable(secret, inputs=[real, synthetic], suffixes=(".json",))
    made = review(real, synthetic, n=records, seed=seed, text=text, schema=schema, title=title)
    page, hidden = made.save(output, key=secret)
    if as_json:
        print_json({"page": str(page), "key": str(hidden), "records": len(made.records), "review": made.name})
    say(f"wrote {page}: {len(made.records)} records, half of them real; give it to the expert")
    say(f"wrote {hidden}: which ones are real; keep it from the expert")
    say(
        f"  note: the page shows {sum(made.real)} real records as they are; protect it as you protect the data"
    )


def _count(answers: str, key: str, as_json: bool) -> None:
    marks = read_marks(answers, key)
    counted = _marks.tallies(marks)
    every = _marks.Tally.of(marks)
    said = marks.filter(pl.col("reason").str.strip_chars() != "")
    if as_json:
        print_json({
            "accuracy": every.share, "interval": list(every.interval), "guessing": _marks.GUESSING,
            "chance": every.chance, "counts": counted.to_dicts(), "reasons": said.to_dicts(),
        })  # fmt: skip
        return
    OUT.print(_marks.say(marks), markup=False)
    table = Table(
        "records", "marked", "right", "share", "95 % interval", box=None, pad_edge=False, header_style="bold"
    )
    for row in counted.iter_rows(named=True):
        ends = f"{row['low']:.0%} to {row['high']:.0%}" if row["marked"] else "–"
        share = f"{row['share']:.0%}" if row["marked"] else "–"
        table.add_row(row["of"], str(row["marked"]), str(row["right"]), share, ends)
    OUT.print()
    OUT.print(table)
    if said.height:
        OUT.print("\n[bold]Reasons[/bold]")
    for row in said.iter_rows(named=True):
        names = {True: "real", False: "synthetic", None: "open"}
        head = f"record {row['record']} (is {names[row['real']]}, marked {names[row['marked']]}): "
        OUT.print(f"  {escape(head)}{escape(' '.join(row['reason'].split()))}")
