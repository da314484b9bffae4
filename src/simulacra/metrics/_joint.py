"""Joint tables of several columns over shared cells: how far synthetic ones are from the real, and what is chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from simulacra.domain import Array
from simulacra.metric import Comparison
from simulacra.metrics._case import draw
from simulacra.metrics._cells import Cells, total_variation
from simulacra.metrics._exchange import Exchange
from simulacra.metrics._resampling import plan_both
from simulacra.randomness import Streams
from simulacra.schema.types import Column

FEWEST_ROWS = 20


@dataclass(frozen=True)
class Joint:
    """Every frame's rows sorted into the cells of every column.

    Parameters
    ----------
    names : list of str
        The columns.
    sizes : list of int
        How many cells each column has.
    codes : list of list of array
        For synthetic, real and (with a holdout) other real rows, every column's codes.
    frames : list of DataFrame
        The rows.
    """

    names: list[str]
    sizes: list[int]
    codes: list[list[Array]]
    frames: list[pl.DataFrame]

    @classmethod
    def sort(cls, case: Comparison, columns: Sequence[Column], most: int, streams: Streams) -> Joint:
        """Draw rows and sort them into at most this many cells of each column, which real rows set."""
        rows = min(case.train.height, case.synthetic.height, case.max_rows)
        real = draw(case.reference, case.max_rows, streams.stream("reference"))
        frames = [draw(case.synthetic, rows, streams.stream("synthetic")), real]
        if case.holdout is not None:
            frames.append(draw(case.train, rows, streams.stream("baseline")))
        cells = [Cells.fit(real[c.name], c, most) for c in columns]
        codes = [[cell.codes(frame[c.name]) for cell, c in zip(cells, columns)] for frame in frames]
        return cls([c.name for c in columns], [cell.size for cell in cells], codes, frames)


@dataclass(frozen=True)
class Distances:
    """Distances of several joint tables.

    Parameters
    ----------
    sets : list of tuple
        The positions of the columns of each.
    counts : list of list of array
        For each set, the flat counts of every frame.
    values, baselines : array
        The total variation from the real table, of synthetic and of other real rows (without a holdout: NaN).
    repeated : array
        The mean distance in every bootstrap repetition.
    chance : array
        For each set and draw, what the excess (the distance, without a holdout) is where nothing is wrong.
    spread : array
        For each set, the standard deviation of the distance over bootstrap repetitions.
    """

    sets: list[tuple[int, ...]]
    counts: list[list[Array]]
    values: Array
    baselines: Array
    repeated: Array
    chance: Array
    spread: Array


def compare_sets(joint: Joint, sets: list[tuple[int, ...]], streams: Streams) -> Distances:
    """Compare the joint tables of sets of columns."""
    # the products of matrices are small: threads would cost more than they bring
    with threadpool_limits(1, user_api="blas"):
        return _compare(joint, sets, streams)


def _compare(joint: Joint, sets: list[tuple[int, ...]], streams: Streams) -> Distances:
    heights = [frame.height for frame in joint.frames]
    plans = plan_both(streams, *heights[:2])
    exchange = Exchange.plan(heights[0], heights[-1], streams.stream("exchange"))
    ceiling = len(heights) == 3
    values, baselines = np.zeros(len(sets)), np.full(len(sets), np.nan)
    spread, chance, counts, repeated = np.zeros(len(sets)), [], [], np.zeros(len(plans[0].weights))
    for at, columns in enumerate(sets):
        codes, size = _cross(joint, columns)
        counts.append([np.bincount(code, minlength=size) for code in codes])
        shares = [count / count.sum() for count in counts[-1]]
        values[at] = total_variation(shares[0], shares[1])
        if ceiling:
            baselines[at] = total_variation(shares[2], shares[1])
        drawn = total_variation(*(plan.shares(code, size) for plan, code in zip(plans, codes)))
        repeated += drawn / len(sets)
        spread[at] = drawn.std()
        one, other = exchange.shares(codes[0], codes[-1], size)
        if ceiling:
            chance.append(total_variation(one, shares[1]) - total_variation(other, shares[1]))
        else:
            chance.append(total_variation(one, other))
    return Distances(sets, counts, values, baselines, repeated, np.array(chance), spread)


def _cross(joint: Joint, columns: tuple[int, ...]) -> tuple[list[Array], int]:
    """Number the cells of several columns jointly."""
    size = 1
    codes = [np.zeros(frame.height, dtype=np.int64) for frame in joint.frames]
    for column in columns:
        size *= joint.sizes[column]
        codes = [code * joint.sizes[column] + side[column] for code, side in zip(codes, joint.codes)]
    return codes, size


def choose_sets(
    columns: int, width: int, most: int, rng: np.random.Generator
) -> tuple[list[tuple[int, ...]], int]:
    """Return sets of so many columns, at most so many of them, drawn at random; and how many there are in all."""
    total = comb(columns, width)
    if total <= 20 * most:
        sets = list(combinations(range(columns), width))
        chosen = range(total) if total <= most else np.sort(rng.choice(total, most, replace=False))
        return [sets[i] for i in chosen], total
    drawn: set[tuple[int, ...]] = set()
    while len(drawn) < most:
        drawn.add(tuple(sorted(rng.choice(columns, width, replace=False).tolist())))
    return sorted(drawn), total
