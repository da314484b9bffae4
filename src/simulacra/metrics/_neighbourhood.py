"""The several nearest records by Gower's distance, where the nearest alone would be too rough."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from simulacra.domain import Array
from simulacra.metrics._neighbours import (
    BLOCK,
    CHUNK,
    STEP,
    Points,
    _add_difference,
    _add_mismatch,
    _smallest,
)


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
    # neighbours in this order have equal levels, so that whole blocks are soon out of reach
    order = np.lexsort(references.codes) if len(references.codes) else np.lexsort(references.numbers)
    references = references.take(order)
    found = np.full((len(queries), count), np.inf, np.float32)

    def search(start: int) -> None:
        stop = min(start + CHUNK, len(queries))
        _search_several(
            queries.codes, queries.numbers, references.codes, references.numbers, start, stop, found
        )

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        list(pool.map(search, range(0, len(queries), CHUNK)))
    return found


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
