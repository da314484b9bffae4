"""Parts given out a few at a time, so that an end stops what has not begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from simulacra.scale.manifest import Record
from simulacra.scale.plan import Part


def run_windowed(
    submit: Callable[[Part], Future[Record]], parts: Sequence[Part], most: int
) -> Iterator[Record]:
    """Give out parts, at most so many at a time, and give their records as they come.

    What is waiting when this ends, by an error or since nobody asks on, is cancelled.
    """
    running: set[Future[Record]] = set()
    try:
        for part in parts:
            running.add(submit(part))
            if len(running) >= most:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        for future in running:
            future.cancel()
