"""Nearest records, one or several, by Gower's distance: mismatches of levels and differences of numbers, summed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numba import njit

from simulacra.domain import Array
from simulacra.metrics._case import LEVEL_KINDS, level_codes
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

FAR = np.float32(1e6)
"""Stands for a missing number: a difference counts at most 1, so it is 1 from any number and 0 from itself."""
BLOCK = 512
STEP = 8
"""Columns between two looks at whether a block of references can still win."""
CHUNK = 256
PAIR_CELLS = 10_000_000_000
"""Pairs of rows times columns that one search may look at; a second or two."""


@dataclass(frozen=True)
class Points:
    """Rows in the space of Gower's distance.

    Parameters
    ----------
    codes : array
        Shape (level columns, rows), int32; a missing value is a level.
    numbers : array
        Shape (other columns, rows), float32, in units of the real rows' range.
    """

    codes: Array
    numbers: Array

    def __len__(self) -> int:
        return int(self.codes.shape[1])

    def take(self, rows: Array) -> Points:
        """Keep some of the rows, in the order given."""
        return Points(np.ascontiguousarray(self.codes[:, rows]), np.ascontiguousarray(self.numbers[:, rows]))


@dataclass(frozen=True)
class Nearest:
    """For each query: the distance to the nearest reference, which one (the first), and how many are as near."""

    distance: Array
    index: Array
    ties: Array


def place(frames: Sequence[pl.DataFrame], columns: Sequence[Column], real: int) -> list[Points]:
    """Put frames into one space; the first `real` of them say how long a number's range is.

    Notes
    -----
    **Source** Gower 1971, "A general coefficient of similarity and some of its properties".
    """
    cuts = np.cumsum([frame.height for frame in frames])
    codes = [
        np.concatenate(level_codes(*(frame[c.name] for frame in frames))[0])
        for c in columns
        if c.kind in LEVEL_KINDS
    ]
    numbers = []
    for column in columns:
        if column.kind in LEVEL_KINDS:
            continue
        values = np.concatenate([as_numbers(frame[column.name]) for frame in frames])
        known = values[: cuts[real - 1]]
        known = known[~np.isnan(known)]
        low, length = (known.min(), known.max() - known.min()) if len(known) else (0.0, 0.0)
        # where all real values are equal, any other value is as far away as can be
        scaled = np.clip((values - low) / (length or np.finfo(np.float64).tiny), -2.0, 3.0)
        numbers.append(np.where(np.isnan(values), FAR, scaled))
    rows = int(cuts[-1])
    whole = Points(
        np.array(codes, dtype=np.int32).reshape(len(codes), rows),
        np.array(numbers, dtype=np.float32).reshape(len(numbers), rows),
    )
    starts = np.concatenate([[0], cuts[:-1]])
    return [whole.take(np.arange(start, stop)) for start, stop in zip(starts, cuts, strict=True)]


def search_in_chunks(search: Callable[[int], None], rows: int) -> None:
    """Search for all queries, `CHUNK` rows at a time, in a few threads."""
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        list(pool.map(search, range(0, rows, CHUNK)))


def _order(references: Points) -> Array:
    """Put rows of equal levels next to each other, so that whole blocks are soon out of reach."""
    return np.lexsort(references.codes) if len(references.codes) else np.lexsort(references.numbers)


def nearest(queries: Points, references: Points) -> Nearest:
    """Find each query's nearest reference, by looking at all of them.

    Notes
    -----
    **Cost** queries x references x columns, at most 0.3 ns each; no matrix of distances is kept.
    """
    order = _order(references)
    references = references.take(order)
    found = Nearest(
        np.empty(len(queries), np.float32), np.empty(len(queries), np.int64), np.empty(len(queries), np.int64)
    )

    def search(start: int) -> None:
        stop = min(start + CHUNK, len(queries))
        _search(
            queries.codes, queries.numbers, references.codes, references.numbers,
            start, stop, found.distance, found.index, found.ties,
        )  # fmt: skip

    search_in_chunks(search, len(queries))
    return Nearest(found.distance, order[found.index], found.ties)


def nearest_several(queries: Points, references: Points, count: int) -> Array:
    """Return the distances from each query to its nearest references, in ascending order.

    Parameters
    ----------
    queries, references : Points
        Of one space.
    count : int
        How many; infinity stands where there are fewer references.

    Returns
    -------
    array
        Shape (queries, count), float32.

    Notes
    -----
    **Cost** queries x references x columns, at most 0.3 ns each; no matrix of distances is kept.
    """
    references = references.take(_order(references))
    found = np.full((len(queries), count), np.inf, np.float32)

    def search(start: int) -> None:
        stop = min(start + CHUNK, len(queries))
        _search_several(
            queries.codes, queries.numbers, references.codes, references.numbers, start, stop, found
        )

    search_in_chunks(search, len(queries))
    return found


@njit(cache=True, nogil=True, fastmath={"nnan", "ninf", "nsz"})
def _smallest(values: Array) -> np.float32:
    least = values[0]
    for i in range(1, len(values)):
        # the builtin min minds NaN, which keeps the loop from being vectorised
        least = values[i] if values[i] < least else least
    return least


@njit(cache=True, nogil=True)
def _add_mismatch(total: Array, column: Array, own: np.int32) -> None:
    for i in range(len(column)):
        total[i] += np.float32(1.0) if column[i] != own else np.float32(0.0)


@njit(cache=True, nogil=True)
def _add_difference(total: Array, column: Array, own: np.float32) -> None:
    for i in range(len(column)):
        gap = abs(column[i] - own)
        total[i] += gap if gap < np.float32(1.0) else np.float32(1.0)


@njit(cache=True, nogil=True)
def _search(
    codes: Array,
    numbers: Array,
    their_codes: Array,
    their_numbers: Array,
    start: int,
    stop: int,
    distance: Array,
    index: Array,
    ties: Array,
) -> None:
    """Search for the queries from start to stop, a block of references at a time."""
    levels, columns = codes.shape[0], codes.shape[0] + numbers.shape[0]
    rows = their_codes.shape[1]
    total = np.empty(BLOCK, np.float32)
    for q in range(start, stop):
        best, where, count = np.float32(np.inf), 0, 0
        for first in range(0, rows, BLOCK):
            size = min(BLOCK, rows - first)
            total[:size] = 0
            lost = False
            for j in range(columns):
                if j < levels:
                    _add_mismatch(total, their_codes[j, first : first + size], codes[j, q])
                else:
                    _add_difference(
                        total, their_numbers[j - levels, first : first + size], numbers[j - levels, q]
                    )
                if j % STEP == STEP - 1 and j + 1 < columns and _smallest(total[:size]) > best:
                    lost = True
                    break
            if lost:
                continue
            least = _smallest(total[:size])
            if least > best:
                continue
            if least < best:
                best, where, count = least, -1, 0
            for i in range(size):
                if total[i] == best:
                    count += 1
                    if where < 0:
                        where = first + i
        distance[q], index[q], ties[q] = best, where, count


@njit(cache=True, nogil=True)
def _search_several(
    codes: Array,
    numbers: Array,
    their_codes: Array,
    their_numbers: Array,
    start: int,
    stop: int,
    found: Array,
) -> None:
    """Search for the queries from start to stop, a block of references at a time."""
    levels, columns = codes.shape[0], codes.shape[0] + numbers.shape[0]
    rows = their_codes.shape[1]
    count = found.shape[1]
    total = np.empty(BLOCK, np.float32)
    for q in range(start, stop):
        best = found[q]
        for first in range(0, rows, BLOCK):
            size = min(BLOCK, rows - first)
            total[:size] = 0
            lost = False
            for j in range(columns):
                if j < levels:
                    _add_mismatch(total, their_codes[j, first : first + size], codes[j, q])
                else:
                    _add_difference(
                        total, their_numbers[j - levels, first : first + size], numbers[j - levels, q]
                    )
                if j % STEP == STEP - 1 and j + 1 < columns and _smallest(total[:size]) >= best[count - 1]:
                    lost = True
                    break
            if lost or _smallest(total[:size]) >= best[count - 1]:
                continue
            for i in range(size):
                value = total[i]
                if value < best[count - 1]:
                    place = count - 1
                    while place > 0 and best[place - 1] > value:
                        best[place] = best[place - 1]
                        place -= 1
                    best[place] = value
