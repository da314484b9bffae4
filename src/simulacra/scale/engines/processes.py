"""Processes of this machine: each with one thread; those that are killed are replaced."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from loky import ProcessPoolExecutor

from simulacra.errors import FileError
from simulacra.scale.engines._threads import ONE_THREAD
from simulacra.scale.engines._windows import run_windowed
from simulacra.scale.executor import MOST_DEATHS, Executor
from simulacra.scale.manifest import Record
from simulacra.scale.plan import Part

_work: Callable[[Part], Record] | None = None


@dataclass(frozen=True)
class Processes(Executor):
    """Fresh processes, which import nothing of the program that starts them.

    A worker that is killed takes the others with it; the pool is made again, and what was not finished is given out
    again.

    Examples
    --------
    >>> Processes(2).workers
    2
    """

    def run(self, work: Callable[[Part], Record], parts: Sequence[Part]) -> Iterator[Record]:
        """Make parts in processes; see `Executor.run`."""
        sent = pickle.dumps(work)
        left = {part.key: part for part in parts}
        deaths = 0
        while left:
            try:
                for record in self._run(sent, list(left.values())):
                    del left[record.key]
                    deaths = 0
                    yield record
            except BrokenProcessPool as error:
                deaths += 1
                if deaths >= MOST_DEATHS:
                    raise FileError(
                        f"workers died {deaths} times and finished nothing in between; most often there is too little "
                        "memory. Take fewer workers (--workers), or say how much there is (--memory)."
                    ) from error

    def _run(self, sent: bytes, parts: Sequence[Part]) -> Iterator[Record]:
        pool = ProcessPoolExecutor(
            min(self.workers, len(parts)), initializer=_begin, initargs=(sent, list(sys.path), os.getpid()),
            env=ONE_THREAD,
        )  # fmt: skip
        try:
            # one more than can run, so that no worker waits for this process
            yield from run_windowed(lambda part: pool.submit(_make, part), parts, self.workers + 1)
        finally:
            pool.shutdown(wait=True)


def _begin(sent: bytes, paths: list[str], parent: int) -> None:
    """Take the work in a new process, which ends when the one that asked for it does."""
    global _work
    sys.path[:] = [*dict.fromkeys((*paths, *sys.path))]
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    _work = pickle.loads(sent)


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _make(part: Part) -> Record:
    assert _work is not None, "the worker was not told what to do"
    return _work(part)
