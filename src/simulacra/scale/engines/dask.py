"""Dask: a cluster on this machine, or any scheduler that is there already."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from distributed import Client, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from simulacra.errors import FileError, OptionError
from simulacra.scale.engines._threads import ONE_THREAD
from simulacra.scale.executor import MOST_DEATHS, Executor
from simulacra.scale.manifest import Record
from simulacra.scale.plan import Part

AHEAD = 4
"""Parts that are given out for each that can be made at the same time."""
PATIENCE = 30
"""Seconds in which a scheduler must answer."""


@dataclass(frozen=True)
class Dask(Executor):
    """Workers of a Dask scheduler, which gives parts of killed ones to others by itself.

    Notes
    -----
    The workers need simulacra, and must see the place that parts go to. A cluster on this machine starts processes that
    import the main module of the program, so a script needs the usual ``if __name__ == "__main__":``.

    **Source**: Rocklin 2015, "Dask: parallel computation with blocked algorithms and task scheduling".

    Examples
    --------
    >>> Dask(2, "tcp://127.0.0.1:8786").address
    'tcp://127.0.0.1:8786'
    """

    def run(self, work: Callable[[Part], Record], parts: Sequence[Part]) -> Iterator[Record]:
        """Make parts on the cluster; see `Executor.run`."""
        with ExitStack() as stack:
            client = self._connect(stack)
            # sent once, as a task: should the worker that holds it die, another one unpacks it again
            opened = client.submit(pickle.loads, pickle.dumps(work), pure=False)
            waiting = iter(parts)
            slots = max(sum(client.nthreads().values()), self.workers)
            first = [self._give(client, opened, part) for _, part in zip(range(AHEAD * slots), waiting)]
            pending = as_completed(first, loop=client.loop)
            try:
                for future in pending:
                    yield _result(future)
                    for part in waiting:
                        pending.add(self._give(client, opened, part))
                        break
            finally:
                client.cancel([opened])

    def _give(self, client: Client, opened: Any, part: Part) -> Any:
        return client.submit(
            _make, opened, part, pure=False, key=f"part-{part.key}-{opened.key}", retries=MOST_DEATHS
        )

    def _connect(self, stack: ExitStack) -> Client:
        address: Any = self.address
        if address is None:
            address = stack.enter_context(
                LocalCluster(
                    n_workers=self.workers, threads_per_worker=1, dashboard_address=None, env=ONE_THREAD,
                    silence_logs=50,
                )
            )  # fmt: skip
        try:
            return stack.enter_context(Client(address, timeout=PATIENCE, set_as_default=False))
        except OSError as error:
            raise OptionError(
                f"no Dask scheduler answers at {self.address!r}. Check the address, and its version."
            ) from error


def _make(work: Callable[[Part], Record], part: Part) -> Record:
    return work(part)


def _result(future: Any) -> Record:
    try:
        record: Record = future.result()
    except KilledWorker as error:
        raise FileError(
            "workers of Dask died again and again over one part; most often there is too little memory. Take fewer "
            "workers (--workers), or say how much there is (--memory)."
        ) from error
    return record
