"""Rows as points: the one space in which all geometric metrics measure.

A number, date or time stands at its place among the real rows' values (its mid-rank, 0 to 1), so neither units nor
tails nor one outlier decide who is near to whom; what lies outside their range goes on beyond 0 and 1, at most by 1.
Levels agree or do not. The distance of two rows is Gower's: the sum over columns of differences, each at most 1. It
was taken rather than Euclid's on one-hot codes since there two middling numbers weigh a sixth of a mismatch, and since
levels need no bounded vocabulary here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numba import njit

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import LEVEL_KINDS, comparable_columns, empty_side, level_codes, not_computed
from simulacra.metrics._neighbours import FAR, Points
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

MOST_ROWS = 20_000
FEWEST_ROWS = 40
OUTSIDE = 1.0
"""How far beyond the real range a value can lie: as far as two levels that differ."""
BLOCK = 1024

Side = Literal["holdout", "train"]


@dataclass(frozen=True)
class Cloud:
    """Three samples of one size in the space of the first, each in random order.

    Parameters
    ----------
    reference, synthetic, control : Points
        The real rows that the others are held against, the rows under test, and the real rows in their place.
    columns : int
        Number of columns: the largest distance there can be.
    rows : tuple of array
        Of each sample, the positions of its rows in the frame they were drawn from.
    note : str
        What was left out or done in another way, for people.
    """

    reference: Points
    synthetic: Points
    control: Points
    columns: int
    rows: tuple[Array, Array, Array]
    note: str

    def __len__(self) -> int:
        return len(self.reference)


def unplaceable(metric: Metric, name: str, case: Comparison) -> list[Score] | None:
    """Say why rows can not be put into a space, if they can not."""
    why = empty_side(case)
    if why is None and not comparable_columns(case.table):
        why = "no column can be compared: all are text, keys or identifiers."
    if why is None and (rows := _size(case)) < FEWEST_ROWS:
        real = "real rows" if case.holdout is None else "training, synthetic and holdout rows each"
        need = 2 * FEWEST_ROWS if case.holdout is None else FEWEST_ROWS
        have = 2 * rows if case.holdout is None else rows
        why = f"it needs at least {need} {real} and there are {have}; give more."
    return None if why is None else not_computed(metric, name, why)


def embed(case: Comparison, against: Side) -> Cloud:
    """Draw rows of each side, as many of one as of the others, and put them into the space of one side.

    Parameters
    ----------
    case : Comparison
        One of which `unplaceable` says nothing.
    against : str
        The side that makes the space: ``"holdout"`` (the training rows are then the control, and what is near to
        rows that the model saw has no advantage) or ``"train"`` (the control is the holdout). Without a holdout the
        training rows are cut in two at random, and either half is one side.

    Notes
    -----
    The space knows nothing of the synthetic rows nor of the control, so that unseen real rows in place of the
    synthetic ones are to the control as one sample is to another: their order can be shuffled to learn what chance
    alone would give.
    """
    return case.remember(("embedding", against), lambda: _embed(case, against))


def _size(case: Comparison) -> int:
    real = case.train.height // 2 if case.holdout is None else min(case.train.height, case.holdout.height)
    return min(real, case.synthetic.height, case.max_rows, MOST_ROWS)


def _embed(case: Comparison, against: Side) -> Cloud:
    streams = case.streams.at("embedding")
    size, most = _size(case), min(case.max_rows, MOST_ROWS)
    train = streams.stream("train").permutation(case.train.height)
    synthetic = streams.stream("synthetic").permutation(case.synthetic.height)[:size]
    if case.holdout is None:
        other, spare = case.train, train[size : 2 * size]
        note = " (Without a holdout, one half of the training rows was held against the other.)"
    else:
        other, note = case.holdout, ""
        spare = streams.stream("holdout").permutation(other.height)[:size]
    seen = (case.train, train[:size])
    unseen = (other, spare)
    (reference, at), (control, beside) = (seen, unseen) if against == "train" else (unseen, seen)
    frames = [reference[at], case.synthetic[synthetic], control[beside]]
    columns = comparable_columns(case.table)
    fewest = min(case.synthetic.height, case.train.height, other.height)
    if size == most and fewest > most:
        note += f" (A random {size:,} rows of each side were used.)"
    placed = place(frames, columns)
    return Cloud(placed[0], placed[1], placed[2], len(columns), (at, synthetic, beside), note)


def place(frames: Sequence[pl.DataFrame], columns: Sequence[Column]) -> list[Points]:
    """Put frames into the space that the first one makes.

    Examples
    --------
    >>> frame = pl.DataFrame({"x": [10.0, 20.0, 30.0, 1e9]})
    >>> place([frame.head(3), frame], [Column("x", "number")])[1].numbers.round(2).tolist()
    [[0.17000000178813934, 0.5, 0.8299999833106995, 1.8300000429153442]]
    """
    codes: list[list[Array]] = []
    numbers: list[list[Array]] = []
    for column in columns:
        sides = [frame[column.name] for frame in frames]
        if column.kind in LEVEL_KINDS:
            codes.append(level_codes(*sides)[0])
        else:
            numbers.append(_ranks([as_numbers(side) for side in sides]))
    return [
        Points(
            _stack([column[i] for column in codes], frame.height, np.int32),
            _stack([column[i] for column in numbers], frame.height, np.float32),
        )
        for i, frame in enumerate(frames)
    ]


def _stack(columns: list[Array], rows: int, dtype: type) -> Array:
    return np.array(columns, dtype=dtype).reshape(len(columns), rows)


def _ranks(sides: list[Array]) -> list[Array]:
    """Turn values into mid-ranks among the first side's values."""
    known = np.sort(sides[0][~np.isnan(sides[0])])
    if not len(known):
        return [np.where(np.isnan(side), FAR, 0.5) for side in sides]
    values, counts = np.unique(known, return_counts=True)
    middles = (np.cumsum(counts) - counts / 2) / len(known)
    low, high = np.quantile(known, [0.25, 0.75])
    # where the middle half of the rows share one value, the whole range says what is far
    spread = (high - low) or (values[-1] - values[0])
    placed = []
    for side in sides:
        beyond = np.maximum(values[0] - side, 0.0) + np.maximum(side - values[-1], 0.0)
        share = np.divide(beyond, beyond + spread, out=np.zeros_like(side), where=beyond > 0)
        inside = np.interp(side, values, middles)
        moved = inside + OUTSIDE * np.where(side > values[-1], share, -share)
        placed.append(np.where(np.isnan(side), FAR, moved))
    return placed


def eccentricity(points: Points, around: Points) -> Array:
    """Return each row's mean distance to all rows of a sample: small in its middle, large at its edge.

    Numbers outside the range count for more than 1 here, which keeps the cost at rows x columns x log(rows).
    """
    total = np.zeros(len(points))
    rows = len(around)
    for codes, theirs in zip(points.codes, around.codes, strict=True):
        size = 1 + max(int(codes.max()), int(theirs.max()))
        total += 1.0 - np.bincount(theirs, minlength=size)[codes] / rows
    for numbers, theirs in zip(points.numbers, around.numbers, strict=True):
        known = np.sort(theirs[theirs < FAR].astype(np.float64))
        sums = np.append(0.0, np.cumsum(known))
        below = np.searchsorted(known, numbers)
        own = numbers.astype(np.float64)
        apart = own * (2 * below - len(known)) - 2 * sums[below] + sums[-1]
        total += np.where(numbers < FAR, (apart + rows - len(known)) / rows, len(known) / rows)
    return total


def distances(queries: Points, references: Points) -> Array:
    """Return all distances of a few rows to a few others, shape (queries, references), float32."""
    found = np.empty((len(queries), len(references)), dtype=np.float32)
    _fill(queries.codes, queries.numbers, references.codes, references.numbers, found)
    return found


@njit(cache=True, nogil=True)
def _fill(codes: Array, numbers: Array, their_codes: Array, their_numbers: Array, found: Array) -> None:
    for q in range(found.shape[0]):
        measure(codes, numbers, q, their_codes, their_numbers, 0, found[q])


@njit(cache=True, nogil=True)
def measure(
    codes: Array, numbers: Array, q: int, their_codes: Array, their_numbers: Array, first: int, total: Array
) -> None:
    """Write the distances from one query to as many references as there is room for, starting at the first."""
    size = len(total)
    total[:] = np.float32(0.0)
    for j in range(codes.shape[0]):
        column, code = their_codes[j, first : first + size], codes[j, q]
        for i in range(size):
            total[i] += np.float32(1.0) if column[i] != code else np.float32(0.0)
    for j in range(numbers.shape[0]):
        column_, number = their_numbers[j, first : first + size], numbers[j, q]
        for i in range(size):
            gap = abs(column_[i] - number)
            total[i] += gap if gap < np.float32(1.0) else np.float32(1.0)
