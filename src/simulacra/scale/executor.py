"""The contract of an engine: parts in, records out as they come."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from simulacra.errors import OptionError
from simulacra.registry import Registry
from simulacra.scale.manifest import Record
from simulacra.scale.plan import Part

ENGINES = Registry("engine", "simulacra.scale.engines", "simulacra.scale.executor:Executor")
"""All engines by their names."""

MOST_DEATHS = 3
"""Times that workers may die while the same number of parts is finished, before a run is given up."""


@dataclass(frozen=True)
class Executor(ABC):
    """Makes parts somewhere.

    Parameters
    ----------
    workers : int
        How many parts are made at the same time.
    address : str or None
        Where a scheduler listens that is there already.
    """

    distant: ClassVar[bool] = True
    """Whether parts are made in other processes."""

    workers: int
    address: str | None = None

    @abstractmethod
    def run(self, work: Callable[[Part], Record], parts: Sequence[Part]) -> Iterator[Record]:
        """Make parts, and give their records as they come, in any order.

        Parameters
        ----------
        work : callable
            Makes one part; sent to each worker once. It does no harm if it is called twice for a part.
        parts : sequence of Part
            What is to be made.

        Yields
        ------
        Record
            One for each part. When one fails, those that are being made are finished first.
        """


def make_executor(engine: str, workers: int) -> Executor:
    """Make an engine by its name, or by the address of a scheduler.

    Parameters
    ----------
    engine : str
        ``"threads"``, ``"processes"``, ``"dask"`` or ``"spark"``; or where a Dask scheduler (``tcp://host:8786``,
        ``tls://``) or a Spark master (``spark://``, ``yarn``, ``local[4]``) is.
    workers : int
        How many parts are made at the same time.

    Raises
    ------
    UnknownName
        There is no such engine.
    MissingExtra
        It needs a package that is not installed.

    Examples
    --------
    >>> make_executor("threads", 2).workers
    2
    """
    address: str | None = None
    name = engine
    if engine.startswith(("tcp://", "tls://", "ucx://", "ws://", "wss://")):
        name, address = "dask", engine
    elif engine.startswith(("spark://", "local[", "k8s://")) or engine == "yarn":
        name, address = "spark", engine
    made: Executor = ENGINES.load(name)(workers, address)
    return made


def count_workers(workers: int | None) -> int:
    """Return how many workers there are to be: as many as processors that may be used when None.

    Raises
    ------
    OptionError
        It is no whole number from 1.

    Examples
    --------
    >>> count_workers(3)
    3
    """
    if workers is None:
        try:
            return len(os.sched_getaffinity(0))
        except AttributeError:
            return os.cpu_count() or 1
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise OptionError(f"workers= (--workers) is a whole number from 1, not {workers!r}.")
    return workers
