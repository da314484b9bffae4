"""Writing a job in parts: planned, made by any number of workers, and listed in a manifest."""

from __future__ import annotations

import importlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from simulacra.databases.urls import is_database
from simulacra.errors import FileError, OptionError
from simulacra.generator import Progress, silent
from simulacra.memory import parse_size, size_text
from simulacra.scale.executor import Executor, count_workers, make_executor
from simulacra.scale.files import Files
from simulacra.scale.formats import require_few, require_form, require_partition
from simulacra.scale.job import Job, is_sequential
from simulacra.scale.manifest import Manifest, Record
from simulacra.scale.plan import HELD, Part, Plan, fit_workers, make_plan, measure_units
from simulacra.scale.store import open_store
from simulacra.scale.target import IfExists, Target
from simulacra.scale.work import Work

FEW_WORKERS, FEW_PARTS = 4, 32
"""Up to so many workers, or parts, threads are as fast as processes, which take seconds and memory to start."""
LEAST_MEMORY = 100_000
"""Bytes below which an amount of memory was surely meant otherwise: "4" for "4GB"."""
_ADVICE = "What is finished stays, and the same call goes on with the rest."


def write_parts(
    job: Job,
    to: str | Path,
    *,
    format: str = "parquet",
    engine: str | None = None,
    workers: int | None = None,
    memory: int | str | None = None,
    partition: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
    if_exists: IfExists = "resume",
    check: bool = False,
    storage_options: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Manifest:
    """Write a job in parts.

    Parameters
    ----------
    job : Job
        What is to be drawn: see `simulacra.scale.models.make_job`.
    to : str or Path
        A folder, a URL that fsspec knows (``s3://bucket/rows``), or the URL of a PostgreSQL database.
    format : str
        ``parquet``, ``csv``, ``csv.gz``, ``jsonl``, ``jsonl.gz`` or ``arrow``; of no meaning for a database.
    engine : str or None
        ``threads``, ``processes``, ``dask``, ``spark``, or the address of a Dask scheduler or a Spark master. When
        None, threads for what is small or has few workers, else processes.
    workers : int or None
        How many parts are made at the same time; as many as processors when None.
    memory : int, str or None
        What all workers may use together (``"4GB"``): parts are cut so that they fit.
    partition : str, sequence of str, mapping or None
        Columns by whose values files are parted, as Hive does it: ``country=DE/part-00000.parquet``.
    if_exists : {"resume", "replace", "error"}
        What to do with parts that are there: make what is missing of the same job (others are refused), take them away,
        or refuse any.
    check : bool
        Whether to read the files that are there, and make again those that were changed; else only their sizes count.
    storage_options : mapping or None
        What the store needs beside its URL: ``{"endpoint_url": "http://localhost:9000"}``.
    progress : callable
        Told the share done, with rows and rows per second.

    Returns
    -------
    Manifest
        Rows, files, digests; `Manifest.summary` says it in one line.

    Raises
    ------
    FileError
        It can not be written, or the folder holds something else. What is finished stays.
    OptionError
        An option is out of its range, or two do not go together.
    MissingExtra
        The engine or the store needs a package that is not installed.

    Notes
    -----
    A part is a pure function of the job and its number, is written beside its place and renamed, and leaves a record
    with its hashes. A worker, a run or a machine that dies loses no more than the parts that it was making; the same
    call makes them. Values, digest and manifest do not depend on engine or faults, and the digest does not on how the
    job is cut, workers or format either.

    **Cost**: beside drawing, some 110 ns for a row of six columns, as zstd Parquet with its digests; memory stays flat.

    Examples
    --------
    >>> import tempfile, polars as pl, simulacra as sim
    >>> from simulacra.scale.models import make_job
    >>> model = sim.fit(pl.DataFrame({"a": [1, 2] * 50}), "independent", seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = write_parts(make_job(model, 5, seed=1), folder + "/rows")
    ...     sim.read(folder + "/rows")
    Dataset(table: 5 rows x 1 columns)
    >>> done.rows, [file.name for file in done.files]
    ({'table': 5}, ['part-00000.parquet'])
    """
    start = time.perf_counter()
    if if_exists not in {"resume", "replace", "error"}:
        raise OptionError(
            f"if_exists= (--if-exists) is 'resume', 'replace' or 'error' for parts, not {if_exists!r}."
        )
    parted = require_partition(partition, job.schema.tables)
    limit = None if memory is None else _read_limit(memory)
    target = _open(job, to, parted, storage_options)
    form = "table" if is_database(to) else require_form(format)
    asked = 1 if is_sequential(job) else count_workers(workers)
    sizes = measure_units(job)
    _require_room(sizes, limit)
    count = fit_workers(sizes, asked, limit)
    _look_ahead(job, parted)
    plan = make_plan(job, form, parted, sizes, workers=count, memory=limit)
    executor, told = _choose(engine, count, job, plan, target)
    if count < asked:
        told = (*told, f"{count} and not {asked} workers at a time fit into memory={memory} (--memory).")
    plan, records = target.begin(plan, if_exists, check=check)
    there = {record.key for record in records}
    left = [part for part in plan.parts() if part.key not in there]
    found = sum(record.rows for record in records)
    records += _make(executor, Work(job, plan, target), left, records, progress)
    done = target.finish(Manifest.of(job, plan, records, job.notes, target.place)).with_notes(told)
    made = sum(done.rows.values()) - found
    return replace(done, seconds=time.perf_counter() - start, made=made)


def _look_ahead(job: Job, parted: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse columns of too many values to part by before anything is written, as far as the first unit tells."""
    for group in job.groups:
        own = [name for name in group.tables if name in parted]
        drawn = job.draw(group.name, 0) if own and group.units else {}
        for name in own if drawn else ():
            require_few(drawn[name], job.schema.table(name), parted[name])


def _read_limit(memory: int | str) -> int:
    limit = parse_size(memory)
    if limit < LEAST_MEMORY:
        raise OptionError(
            f"memory= (--memory) is what all workers use together, from {LEAST_MEMORY:,} bytes, not {memory!r}. "
            "Give an amount such as '1GB'."
        )
    return limit


def _require_room(sizes: Mapping[str, int], limit: int | None) -> None:
    """Refuse less memory than one worker takes for the smallest piece that a job is made of."""
    needed = HELD * max(sizes.values(), default=0)
    if limit is not None and limit < needed:
        raise OptionError(
            f"one worker takes about {size_text(needed)} for a block of these rows, and memory= (--memory) allows "
            f"{size_text(limit)}. Give more."
        )


def _open(
    job: Job,
    to: str | Path,
    parted: Mapping[str, tuple[str, ...]],
    options: Mapping[str, Any] | None,
) -> Target:
    if not is_database(to):
        return Files(job.schema, open_store(to, options))
    if parted:
        raise OptionError("a database is not parted by columns. Leave out partition= (--partition).")
    leaf = importlib.import_module("simulacra.scale.database")
    target: Target = leaf.open_tables(job.schema, to)
    return target


def _choose(
    engine: str | None, workers: int, job: Job, plan: Plan, target: Target
) -> tuple[Executor, tuple[str, ...]]:
    """Choose where parts are made, and say what was not done as asked."""
    if engine is None:
        alone = workers <= FEW_WORKERS or is_sequential(job) or not target.shared
        small = alone or sum(1 for _ in plan.parts()) < FEW_PARTS
        return make_executor("threads" if small else "processes", workers), ()
    executor = make_executor(engine, workers)
    if not executor.distant:
        return executor, ()
    if not target.shared:
        raise OptionError(
            f"{target.place!r} is seen by this process only, and the engine {engine!r} has others. "
            "Say engine='threads' (--engine threads)."
        )
    if is_sequential(job):
        told = f"threads of one process draw them, and not the engine {engine!r}."
        return make_executor("threads", 1), (f"rows can only be drawn in their order, so {told}",)
    return executor, ()


def _make(
    executor: Executor, work: Work, parts: Sequence[Part], there: Sequence[Record], progress: Progress
) -> list[Record]:
    """Make parts, and tell how far they are."""
    total = max(sum(1 for _ in work.plan.parts()), 1)
    records: list[Record] = []
    rows, start = 0, time.perf_counter()
    try:
        for record in executor.run(work, parts):
            records.append(record)
            rows += record.rows
            rate = rows / max(time.perf_counter() - start, 1e-9)
            progress((len(there) + len(records)) / total, f"{rows:,} rows, {rate:,.0f} rows/s")
    except FileError as error:
        done = len(there) + len(records)
        if not done:
            raise
        raise FileError(
            f"{str(error).rstrip('.')}. {done:,} of {total:,} parts are there. {_ADVICE}"
        ) from error
    return records
