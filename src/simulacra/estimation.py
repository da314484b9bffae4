"""What a fit will cost: a few rows are fitted, and their time is scaled by what the model says of its work."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulacra.fitting import fit_table
from simulacra.generator import Generator, Progress, silent
from simulacra.intake import Intake
from simulacra.memory import require_memory, size_text, used_bytes
from simulacra.randomness import Streams
from simulacra.synthesizer import make_generator

PROBES = (4_000, 24_000)
"""Rows of the two small fits."""
PROBE_COLUMNS = 40
WARM_ROWS = 300
"""Rows of a fit before them, in which kernels are loaded."""
PROGRAM = 200_000_000
"""Bytes of the program and its libraries."""
COLUMN = 3.0
"""Copies of one column's values at the worst moment of reading and encoding it."""
TEXTS, REAL = 32, 8
"""Bytes of one value: of a text with its place, of a real."""
ENCODED = {"category": 2, "boolean": 1, "datetime": 16, "key": 0, "text": 16}
"""Bytes of one value after encoding; other kinds are one real."""
UNLEARNT = {"key"}


@dataclass(frozen=True)
class Estimate:
    """What a fit will cost, within about a factor of 2.

    Parameters
    ----------
    rows, columns : int
        What is fitted.
    seconds : float
        Processor time; wall time is less where the model uses several processors.
    bytes : int
        Peak memory of the process.
    tables : int
        Over how many tables the figures are summed.

    Examples
    --------
    >>> print(Estimate(1_000_000, 15, 66.0, 1_100_000_000))
    1,000,000 rows x 15 columns: about 1.1 minutes of processor time and 1.1 GB of memory
    """

    rows: int
    columns: int
    seconds: float
    bytes: int
    tables: int = 1

    def __str__(self) -> str:
        long = self.seconds >= 60
        seconds = max(round(self.seconds), 1)
        span = f"{self.seconds / 60:,.1f} minutes" if long else f"{seconds} second{'s' * (seconds > 1)}"
        memory = f"{size_text(self.bytes)} of memory"
        size = f"{self.rows:,} rows x {self.columns} columns"
        if self.tables > 1:
            size = f"{self.tables} tables, {self.rows:,} rows and {self.columns} columns"
        return f"{size}: about {span} of processor time and {memory}"


def estimate_fit(
    intake: Intake, *, model: str, options: Mapping[str, Any], holders: int, progress: Progress = silent
) -> Estimate:
    """Estimate what `simulacra.fitting.fit_table` will cost.

    Parameters
    ----------
    intake : Intake
        The table; every column is read once, and none is used up.
    model, options, holders
        As for the fit.
    progress : callable
        Told the share done.

    Returns
    -------
    Estimate
        Processor time and memory.

    Notes
    -----
    **Cost**: reading the columns, and three small fits of at most 24,000 rows and 40 columns.
    """
    generator = make_generator(model, options)
    rows, columns = len(intake), len(intake.table.columns)
    memory = memory_of(intake, generator)
    streams = Streams(0).at("estimate")
    chosen = np.sort(streams.stream("columns").permutation(columns)[:PROBE_COLUMNS])
    names = [intake.table.names[int(place)] for place in chosen]
    some = np.sort(streams.stream("rows").permutation(rows)[: PROBES[-1]])
    progress(0.0, "reading some rows")
    work, seconds = [0.0], [0.0]
    sample = intake.frame(names, some)
    for number, size in enumerate((WARM_ROWS, *PROBES), 1):
        probe = intake.like(sample[:size])
        start = time.process_time()
        fit_table(probe, model=model, options=options, holders=min(holders, max(len(probe), 1)))
        work.append(generator.work(len(probe), len(names)))
        seconds.append(time.process_time() - start)
        progress(number / (len(PROBES) + 1), "fitting a few rows")
    return Estimate(rows, columns, _scaled(generator.work(rows, columns), work[2:], seconds[2:]), memory)


def _scaled(wanted: float, work: list[float], seconds: list[float]) -> float:
    """Draw a line through two small fits; through the origin and the larger one where it would not rise."""
    (low, high), (first, second) = work, seconds
    slope = (second - first) / (high - low) if high > low and second > first else second / max(high, 1.0)
    return max(second + slope * (wanted - high), 0.0)


def require_room(intake: Intake, generator: Generator, limit: int | None = None) -> None:
    """Refuse a fit that needs more memory than there is.

    Parameters
    ----------
    intake : Intake
        The table.
    generator : Generator
        The model.
    limit : int or None
        Bytes that the process may use; what is free, beside what it uses already, when None.

    Raises
    ------
    OptionError
        The fit would need more.
    """
    needed = memory_of(intake, generator)
    what = f"fitting {len(intake):,} rows of {len(intake.table.columns)} columns"
    if limit is None:
        require_memory(needed - (used_bytes() or 0), what, "Give fewer rows or columns.")
    else:
        require_memory(needed, what, "Give fewer rows or columns, or allow more.", limit=limit)


def memory_of(intake: Intake, generator: Generator) -> int:
    """Estimate the peak memory of a fit from its rows and kinds of column alone.

    Parameters
    ----------
    intake : Intake
        The table; nothing is read.
    generator : Generator
        The model: it says what it needs beside the encoded rows.

    Returns
    -------
    int
        Bytes of the whole process.
    """
    rows, kinds = len(intake), [column.kind for column in intake.table.columns]
    block = rows * sum(ENCODED.get(kind, REAL) for kind in kinds)
    axes = sum(1 + (kind == "datetime") for kind in kinds if kind not in UNLEARNT)
    values = rows * (TEXTS if {"category", "text", "key"} & set(kinds) else REAL) * COLUMN
    # while columns are encoded; while both sides of protection are held; while the model learns
    peaks = (block + values, 2 * block + 2 * REAL * rows, block + generator.room(rows, axes))
    return int(max(used_bytes() or 0, PROGRAM) + max(peaks))
