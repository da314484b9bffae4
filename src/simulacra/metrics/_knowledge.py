"""Records as an attacker knows them: values in fine cells, keys of the columns he knows, nearest rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numba import njit

from simulacra.domain import Array
from simulacra.metric import Comparison
from simulacra.metrics._case import LEVEL_KINDS, comparable_columns, level_codes
from simulacra.profile import as_numbers
from simulacra.randomness import Streams
from simulacra.schema.types import Column

CELLS = 200
"""Cells over the robust range of a number: two numbers in one cell are within 0.5 % of it."""
FARTHEST_CELL = 1_000_000
MISSING = 100_000_000
BLOCK = 512
CHUNK = 64
SIDES = ("train", "holdout", "synthetic")


@dataclass(frozen=True)
class Records:
    """The comparable columns of all frames, as int32 codes: a row per column, the frames side by side.

    Levels are numbered jointly; numbers fall into cells of 0.5 % of the range that holds the middle 90 % of the
    real values, so no outlier can stretch them. Missing values have a code of their own.
    """

    columns: tuple[Column, ...]
    codes: Array
    cuts: tuple[int, int, int]
    multipliers: Array

    def rows(self, side: str) -> slice:
        """Return where the rows of a frame stand."""
        at = SIDES.index(side)
        return slice(self.cuts[at - 1] if at else 0, self.cuts[at])

    def keys(self, columns: Sequence[int]) -> Array:
        """Return one number per row, equal where all these columns are equal (but for a chance of 1 in 1e9)."""
        total = np.zeros(self.codes.shape[1], dtype=np.uint64)
        for i in columns:
            total += self.part(i)
        return total

    def part(self, column: int) -> Array:
        """Return what one column adds to the key: it can be taken away again."""
        return np.asarray(self.codes[column].astype(np.int64).view(np.uint64) * self.multipliers[column])


def gather(case: Comparison) -> Records:
    """Code all rows of a comparison with a holdout; remembered, for several attacks need it."""
    return case.remember(("knowledge",), lambda: _gather(case))


def _gather(case: Comparison) -> Records:
    columns = comparable_columns(case.table)
    frames = [case.train, case.reference, case.synthetic]
    cuts = np.cumsum([frame.height for frame in frames])
    codes = np.empty((len(columns), int(cuts[-1])), dtype=np.int32)
    for i, column in enumerate(columns):
        parts = [frame[column.name] for frame in frames]
        if column.kind in LEVEL_KINDS:
            codes[i] = np.concatenate(level_codes(*parts)[0])
        else:
            codes[i] = _number_codes(np.concatenate([as_numbers(part) for part in parts]), int(cuts[1]))
    stream = Streams(case.streams.seed).at("knowledge").stream("keys")
    odd = stream.integers(0, 2**63, len(columns), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return Records(tuple(columns), codes, (int(cuts[0]), int(cuts[1]), int(cuts[2])), odd)


def _number_codes(values: Array, real: int) -> Array:
    known = values[:real][~np.isnan(values[:real])]
    low, width = _robust_range(known)
    cells = np.floor(np.clip((values - low) / width * CELLS, -FARTHEST_CELL, FARTHEST_CELL))
    return np.where(np.isnan(cells), MISSING, cells)


def _robust_range(known: Array) -> tuple[float, float]:
    """Return the lower end and the length of the range of most real values."""
    if not len(known):
        return 0.0, 1.0
    for share in (0.05, 0.01, 0.0):
        low, high = np.quantile(known, [share, 1 - share], method="inverted_cdf")
        if high > low:
            return float(low), float(high - low)
    return float(known[0]), 1.0


def nearest_without(
    records: Records, known: Sequence[int], queries: Array, references: Array, left_out: Array, count: int
) -> Array:
    """Find each query's nearest references by the known columns, leaving out some of them at a time.

    Distance is Gower's on the cells: 1 for a level that differs, the difference as a share of the robust range
    (1 at most) for a number.

    Parameters
    ----------
    records : Records
        All rows.
    known : sequence of int
        Positions of the columns in use.
    queries, references : array
        Row numbers; of references that are equally near, the first is taken.
    left_out : array of bool
        Shape (searches, known columns): what a search does not look at.
    count : int
        Neighbours to find.

    Returns
    -------
    array
        Shape (queries, searches, count): positions among the references, -1 where there are too few.

    Notes
    -----
    **Cost** queries x references x (columns + columns left out), 0.2 ns each.
    """
    units = np.array([CELLS if records.columns[i].kind in LEVEL_KINDS else 1 for i in known], dtype=np.int32)
    scaled = records.codes[list(known)] * units[:, None] if len(known) else records.codes[:0]
    ours, theirs = np.ascontiguousarray(scaled[:, queries]), np.ascontiguousarray(scaled[:, references])
    found = np.full((len(queries), len(left_out), count), -1, dtype=np.int64)

    def search(start: int) -> None:
        _search(ours, theirs, left_out, start, min(start + CHUNK, len(queries)), found)

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        list(pool.map(search, range(0, len(queries), CHUNK)))
    return found


@njit(cache=True, nogil=True)
def _add(total: Array, column: Array, own: np.int32) -> None:
    most = np.int32(CELLS)
    for i in range(len(column)):
        # numba widens sums of int32, which would halve the speed
        gap = np.int32(abs(np.int32(column[i] - own)))
        total[i] = np.int32(total[i] + (gap if gap < most else most))


@njit(cache=True, nogil=True)
def _least(total: Array, part: Array) -> np.int32:
    least = np.int32(total[0] - part[0])
    for i in range(1, len(total)):
        left = np.int32(total[i] - part[i])
        least = left if left < least else least
    return least


@njit(cache=True, nogil=True)
def _search(ours: Array, theirs: Array, left_out: Array, start: int, stop: int, found: Array) -> None:
    searches, count = found.shape[1], found.shape[2]
    total = np.empty(BLOCK, np.int32)
    part = np.empty((searches, BLOCK), np.int32)
    best = np.empty((searches, count), np.int32)
    for q in range(start, stop):
        best[:] = np.int32(2**31 - 1)
        for first in range(0, theirs.shape[1], BLOCK):
            size = min(BLOCK, theirs.shape[1] - first)
            total[:] = 0
            part[:] = 0
            for j in range(len(theirs)):
                _add(total[:size], theirs[j, first : first + size], ours[j, q])
                for s in range(searches):
                    if left_out[s, j]:
                        _add(part[s, :size], theirs[j, first : first + size], ours[j, q])
            for s in range(searches):
                if _least(total[:size], part[s, :size]) >= best[s, count - 1]:
                    continue
                for i in range(size):
                    distance = total[i] - part[s, i]
                    if distance < best[s, count - 1]:
                        place = count - 1
                        while place > 0 and best[s, place - 1] > distance:
                            best[s, place] = best[s, place - 1]
                            found[q, s, place] = found[q, s, place - 1]
                            place -= 1
                        best[s, place] = distance
                        found[q, s, place] = first + i


def matches(keys: Array, wanted: Array) -> tuple[Array, Array]:
    """Return for each key its place in a sorted list of distinct keys, and whether it stands there."""
    if not len(wanted):
        return np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
    return place, wanted[place] == keys


def positions(columns: Sequence[Column], names: Sequence[str]) -> list[int]:
    """Return where columns of these names stand; names that are not there are left out."""
    known = {column.name: i for i, column in enumerate(columns)}
    return [known[name] for name in names if name in known]


def draw_rows(side: slice, most: int, rng: np.random.Generator) -> Array:
    """Draw row numbers of one frame, in an order by lot."""
    return side.start + rng.permutation(side.stop - side.start)[:most]
