"""Measure fields: CPU time of every one, and of a person's name, address on the net and town beside Faker's.

python dev.py bench fields

Values are drawn in blocks of 65,536 rows with a stream for each, and Faker draws row by row what is nearest. Times are
CPU seconds of all threads of this process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from faker import Faker

from simulacra.fields.finding import find_field, list_fields
from simulacra.randomness import BLOCK_ROWS, Streams

PAGE = Path(__file__).parent / "fields.md"
HEAD = """\
# Fields

`python dev.py bench fields`: CPU nanoseconds a row, drawn in blocks of 65,536 rows (`en_US`), and numbered without
repeats.
"""
LOCALES = ("en_US", "de_DE", "ja_JP")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables, and write the page."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench fields", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=30, help="blocks of 65,536 rows for each field")
    blocks = parser.parse_args(arguments).blocks
    lines = [
        HEAD,
        "## Name, address on the net made of it, town",
        "",
        "| locale | rows per CPU-s | Faker |",
        "|---|---|---|",
    ]
    for locale in LOCALES:
        ours = 1e9 / measure(lambda locale=locale: people(locale), blocks)
        lines.append(f"| {locale} | {ours:,.0f} | {theirs(locale):,.0f} |")
    lines += ["", "## Every field", "", "| field | drawn | numbered |", "|---|---|---|"]
    for field in list_fields():
        drawn = measure(
            lambda field=field: field.draw(BLOCK_ROWS, Streams(1).stream("values")), blocks // 5 or 1
        )
        numbered = ""
        room = field.room()
        if room is not None:
            places = np.arange(BLOCK_ROWS) % room
            order = lambda field=field, places=places: field.number(places, Streams(1).stream("order"))  # noqa: E731
            numbered = f"{measure(order, blocks // 5 or 1):,.0f}"
        lines.append(f"| `{field.name}` | {drawn:,.0f} | {numbered} |")
    text = "\n".join(lines) + "\n"
    print(text)
    PAGE.write_text(text, encoding="utf-8")


def people(locale: str) -> pl.DataFrame:
    """Draw a block of names, of addresses made of these, and of towns."""
    streams = Streams(1).at(locale)
    names = find_field("person.name").draw(BLOCK_ROWS, streams.stream("name"), {"locale": locale})
    mails = find_field("email").draw(BLOCK_ROWS, streams.stream("mail"), {"locale": locale, "name": names})
    towns = find_field("address.city").draw(BLOCK_ROWS, streams.stream("town"), {"locale": locale})
    return pl.DataFrame({"name": names.values, "mail": mails.values, "town": towns.values})


def theirs(locale: str, rows: int = 3_000) -> float:
    """Count the rows that Faker makes in a CPU second."""
    source = Faker(locale)
    source.seed_instance(1)
    before = time.process_time()
    for _ in range(rows):
        source.name(), source.safe_email(), source.city()
    return rows / (time.process_time() - before)


def measure(work: Callable[[], object], times: int) -> float:
    """Return CPU nanoseconds a row of a block, once everything is warm."""
    work()
    before = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - before) / times / BLOCK_ROWS * 1e9


if __name__ == "__main__":
    main()
