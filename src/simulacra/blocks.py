"""What draws rows; blocks of them, drawn by as many threads as there are processors and given in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import polars as pl

from simulacra.randomness import BLOCK_ROWS, Streams
from simulacra.schema.predicates import Predicate

Draw = Callable[[int, Predicate | None, Streams], pl.DataFrame]
"""Draws exactly so many rows that satisfy a predicate (None: any rows), as a function of its arguments alone."""

DrawBlock = Callable[[int, int, Streams], pl.DataFrame]
"""Draws (rows, position of the first, streams)."""

MOST_THREADS = 8


def draw_blocks(n: int, draw: DrawBlock, streams: Streams) -> Iterator[pl.DataFrame]:
    """Draw n rows in blocks of 65,536.

    Parameters
    ----------
    n : int
        Number of rows in all.
    draw : callable
        Draws a block; called from several threads at once.
    streams : Streams
        Every block has streams of its own, so threads change no byte.

    Yields
    ------
    DataFrame
        The blocks in order; one without rows when n is 0.

    Notes
    -----
    **Cost**: memory for one block per thread, and one more.

    Examples
    --------
    >>> def count(n, start, streams):
    ...     return pl.DataFrame({"row": range(start, start + n)})
    >>> [len(block) for block in draw_blocks(70_000, count, Streams(1))]
    [65536, 4464]
    """
    starts = range(0, max(n, 1), BLOCK_ROWS)
    threads = min(os.cpu_count() or 1, len(starts), MOST_THREADS)
    waiting: deque[Future[pl.DataFrame]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for block, start in enumerate(starts):
            rows = min(BLOCK_ROWS, n - start)
            waiting.append(pool.submit(draw, rows, start, streams.at("block", block)))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
