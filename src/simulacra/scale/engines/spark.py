"""Spark: the session that is there, a master, or one on this machine."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from simulacra.errors import FileError, OptionError
from simulacra.scale.engines._threads import ONE_THREAD
from simulacra.scale.engines._windows import run_windowed
from simulacra.scale.executor import Executor
from simulacra.scale.manifest import Record
from simulacra.scale.plan import Part

FAILURES = 4
"""Times that Spark makes a part before it gives up, where it does not know better (spark.task.maxFailures)."""

_opened: dict[int, Callable[[Part], Record]] = {}


@dataclass(frozen=True)
class Spark(Executor):
    """Executors of Spark; a part is a job of one task, which Spark gives out again when its executor dies.

    Notes
    -----
    An active session is used as it is, and left running; ``spark.task.maxFailures`` says how often a part is tried. The
    executors need simulacra and the driver's version of Python, and must see the place that parts go to.

    **Source**: Zaharia et al. 2012, "Resilient distributed datasets".

    Examples
    --------
    >>> Spark(2).workers
    2
    """

    def run(self, work: Callable[[Part], Record], parts: Sequence[Part]) -> Iterator[Record]:
        """Make parts on the executors; see `Executor.run`."""
        with self._session() as session:
            context = session.sparkContext
            sent = context.broadcast((pickle.dumps(work), list(sys.path)))

            def make(part: Part) -> Record:
                try:
                    found: list[Record] = (
                        context.parallelize([part], 1).map(lambda own: _make(sent, own)).collect()
                    )
                except (Py4JJavaError, PySparkException) as error:
                    raise _reworded(error) from error
                return found[0]

            slots = max(self.workers, context.defaultParallelism)
            with ThreadPoolExecutor(slots, "spark") as pool:

                def submit(part: Part) -> Future[Record]:
                    return pool.submit(make, part)

                yield from run_windowed(submit, parts, slots)

    @contextmanager
    def _session(self) -> Iterator[SparkSession]:
        active = SparkSession.getActiveSession()
        if active is not None and self.address is None:
            yield active
            return
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.appName("simulacra").master(
            self.address or f"local[{self.workers},{FAILURES}]"
        )
        settings = {"spark.ui.enabled": "false", "spark.log.level": "OFF"}
        settings |= {f"spark.executorEnv.{name}": value for name, value in ONE_THREAD.items()}
        for name, value in settings.items():
            builder = builder.config(name, value)
        try:
            session = builder.getOrCreate()
        except Exception as error:
            raise OptionError(
                f"Spark can not be started ({type(error).__name__}). It needs Java 17, and a master that answers."
            ) from error
        try:
            yield session
        finally:
            session.stop()


def _make(sent: Any, part: Part) -> Record:
    """Make a part in an executor, which opens the work once."""
    content, paths = sent.value
    key = hash(content)
    if key not in _opened:
        sys.path[:] = [*dict.fromkeys((*paths, *sys.path))]
        _opened.clear()
        _opened[key] = pickle.loads(content)
    return _opened[key](part)


def _reworded(error: Exception) -> FileError:
    """Return what a part said when it failed, without the pages that Spark puts around it."""
    lines = [line.strip() for line in str(getattr(error, "java_exception", error)).splitlines()]
    said = [line for line in lines if line.startswith(("simulacra.errors.", "FileError", "DataError"))]
    told = said[-1].partition(": ")[2].rstrip(".") if said else "its Python worker died, or Spark was stopped"
    return FileError(f"Spark could not make a part: {told}. The log of the executor says more.")
