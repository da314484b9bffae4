"""Threads of this process: nothing to start, and nothing to send."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

from simulacra.scale.engines._windows import run_windowed
from simulacra.scale.executor import Executor
from simulacra.scale.manifest import Record
from simulacra.scale.plan import Part


@dataclass(frozen=True)
class Threads(Executor):
    """Threads of this process; models, NumPy and Polars let each other run.

    Examples
    --------
    >>> part = Part("t", 0, 0, 1, "part-00000")
    >>> [record.rows for record in Threads(1).run(lambda part: Record("t", 0, 0, {}, (), 0), [part])]
    [0]
    """

    distant: ClassVar[bool] = False

    def run(self, work: Callable[[Part], Record], parts: Sequence[Part]) -> Iterator[Record]:
        """Make parts in threads; see `Executor.run`."""
        pool = ThreadPoolExecutor(self.workers, "part")
        try:
            yield from run_windowed(lambda part: pool.submit(work, part), parts, self.workers)
        finally:
            # parts that are being made get finished and leave their records, whatever ended this
            pool.shutdown(wait=True, cancel_futures=True)
