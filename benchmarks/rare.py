"""Measure augmentation of a rare level: few positives among many rows, several draws of them, all methods.

python dev.py bench rare --train adult.csv --holdout test.csv --target income --level ">50K"

For each seed, rows of the level and of the others are drawn from the training file; scores are measured on the whole
holdout (--thin keeps as small a share of the level in it). Intervals are over the seeds: they hold the chance of the
training rows as well.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.stats import t

import simulacra as sim
from simulacra.randomness import Streams


def main(arguments: Sequence[str] | None = None) -> None:
    """Augment every draw, and print means with intervals over the draws."""
    parser = argparse.ArgumentParser(
        prog="dev.py bench rare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", required=True)
    parser.add_argument("--holdout", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--level", required=True)
    parser.add_argument("--positives", type=int, default=100)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--learner", default="boosting")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--thin", action="store_true")
    options = parser.parse_args(arguments)
    known = sim.read(options.train)
    whole = known.polars()
    unseen = sim.read(options.holdout, schema=known.schema).polars()
    found = []
    for seed in range(1, options.seeds + 1):
        streams = Streams(seed).at("rare")
        train = thin(whole, options, options.positives, options.rows - options.positives, streams.at("train"))
        others = int((unseen[options.target].cast(pl.String) != options.level).sum())
        kept = round(others * options.positives / (options.rows - options.positives))
        test = thin(unseen, options, kept, others, streams.at("test")) if options.thin else unseen
        start = time.process_time()
        made = sim.augment(
            train, options.target, levels=options.level, holdout=test, schema=known.schema,
            learner=options.learner, quick=options.quick, seed=seed,
        )  # fmt: skip
        print(f"seed {seed}: {made}, {time.process_time() - start:.0f} CPU-seconds", flush=True)
        found.append(made.scores.with_columns(seed=pl.lit(seed)))
    tell(pl.concat(found), options.seeds)


def thin(
    frame: pl.DataFrame, options: argparse.Namespace, positives: int, others: int, streams: Streams
) -> pl.DataFrame:
    """Draw rows of the level and of the others, in their old order."""
    rare = (frame[options.target].cast(pl.String) == options.level).to_numpy()
    rows = [
        streams.stream(str(level)).choice(np.flatnonzero(rare == level), count, replace=False)
        for level, count in ((True, positives), (False, others))
    ]
    return frame[np.sort(np.concatenate(rows))]


def tell(scores: pl.DataFrame, seeds: int) -> None:
    """Print each method's mean and its gain over doing nothing and over random oversampling."""
    wide = float(t.ppf(0.975, max(seeds - 1, 1)))
    over = scores.filter(pl.col("method") == "random oversampling").select("seed", "score", over="value")
    scores = scores.join(over, on=["seed", "score"], how="left").with_columns(
        over=pl.col("value") - pl.col("over")
    )
    print(f"{'score':38}{'method':22}{'mean':>7}   {'over doing nothing':26}{'over random oversampling':26}")
    for (score, method), rows in scores.group_by("score", "method", maintain_order=True):
        if rows["value"].null_count():
            print(f"{score:38}{method:22}{rows['note'][0]}")
            continue
        told = f"{score:38}{method:22}{rows['value'].mean():7.4f}   "
        for name in ("gain", "over"):
            values = rows[name].to_numpy()
            half = wide * values.std(ddof=1) / np.sqrt(seeds) if seeds > 1 else float("nan")
            told += f"{values.mean():+.4f} +- {half:.4f}".ljust(26)
        print(told)
