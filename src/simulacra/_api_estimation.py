"""The verb that tells beforehand what `fit` will cost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from simulacra._api_fitting import checked, only_model, open_intake, read_several, require_table
from simulacra._api_schema import Contract
from simulacra.dataset import Dataset
from simulacra.errors import DataError
from simulacra.estimation import PROBES, WARM_ROWS, Estimate, estimate_fit
from simulacra.generator import Progress, silent
from simulacra.generator import part as part_of
from simulacra.memory import require_memory, used_bytes
from simulacra.privacy.protection import HOLDERS
from simulacra.randomness import Streams
from simulacra.relational.database import DatabaseSynthesizer
from simulacra.splitting import split_database

REAL = 8
"""Bytes of one value as models learn it."""


def estimate(
    data: Any,
    model: str | Mapping[str, str] = "trees",
    *,
    schema: Contract | None = None,
    weight: str | None = None,
    entity: str | None = None,
    order: str | None = None,
    reference: str | Sequence[str] = (),
    protect: bool = True,
    holders: int = HOLDERS,
    rows: int | None = None,
    progress: Progress = silent,
    **options: Any,
) -> Estimate:
    """Tell what `fit` with the same arguments would cost, without fitting.

    Parameters
    ----------
    data, model, schema, weight, entity, order, reference, protect, holders, rows, progress, **options
        As for `fit`.

    Returns
    -------
    Estimate
        ``seconds`` of processor time and ``bytes`` of memory, within about a factor of 2; for several tables of all
        of them together, within about a factor of 3.

    Notes
    -----
    **Cost**: reading the data, and small fits of at most 24,000 rows and 40 columns: seconds. For several tables, fits
    of parts of the database with about as many rows.

    Examples
    --------
    >>> import polars as pl, simulacra as sim
    >>> cost = sim.estimate(pl.DataFrame({"a": [1, 2, 3, 4] * 25}), "independent")
    >>> cost.rows, cost.columns, cost.seconds < 60
    (100, 1, True)
    """
    k = checked(holders) if protect else 1
    if entity is None and order is None and not reference:
        start = time.process_time()
        streamed = import_module("simulacra._api_streaming").stream_intake(
            data, schema, weight=weight, holders=k, rows=rows, seed=0, progress=part_of(progress, 0.0, 0.7)
        )
        if streamed is not None:
            counting = time.process_time() - start
            cost = estimate_fit(
                streamed,
                model=only_model(model),
                options=options,
                holders=k,
                progress=part_of(progress, 0.7, 1.0),
            )
            # a fit counts all rows as well
            return replace(cost, seconds=cost.seconds + counting)
    many, _ = read_several(data, schema, weight, entity, order, reference)
    if many is not None:
        return _estimate_several(many, model, options, k, progress)
    name = only_model(model)
    intake = open_intake(data, name, schema, weight, holders, options)
    require_table(model, intake)
    return estimate_fit(intake, model=name, options=options, holders=k, progress=progress)


def require_room_for(
    data: Dataset, model: str | Mapping[str, str], options: Mapping[str, Any], holders: int, limit: int
) -> None:
    """Refuse to fit several tables where that needs more memory than is allowed."""
    needed = _estimate_several(data, model, options, holders, silent).bytes
    what = f"fitting {len(data.frames)} tables with {len(data):,} rows"
    require_memory(needed, what, "Give fewer rows or tables, or allow more.", limit=limit)


def _estimate_several(
    data: Dataset,
    model: str | Mapping[str, str],
    options: Mapping[str, Any],
    holders: int,
    progress: Progress,
) -> Estimate:
    """Fit two parts of a database, entities with all that belongs to them, and draw a line through their times."""
    fit_many = import_module("simulacra.relational.fitting").fit_database
    rows = _drawn_rows(data)
    work, seconds = [], []
    fitted: DatabaseSynthesizer | None = None
    steps = [size for size in (WARM_ROWS, *PROBES) if size < rows / 2] or [rows]
    for number, size in enumerate(steps):
        progress(number / len(steps), "fitting a part of the database")
        part = data if size == rows else _part(data, size / rows)
        least = min(
            (len(f) for name, f in part.frames.items() if _is_drawn(data, name) and len(f)), default=1
        )
        start = time.process_time()
        try:
            fitted = fit_many(part, model=model, options=options, seed=0, holders=min(holders, least))
        except DataError:
            # a part may have rows of fewer entities than rows: what it costs hardly hangs on protection
            start = time.process_time()
            fitted = fit_many(part, model=model, options=options, seed=0, holders=1)
        seconds.append(time.process_time() - start)
        work.append(_work(part, fitted))
    assert fitted is not None
    wanted = _work(data, fitted)
    slope = seconds[-1] / max(work[-1], 1.0)
    if len(steps) > 2 and work[-1] > work[-2] and seconds[-1] > seconds[-2]:
        slope = (seconds[-1] - seconds[-2]) / (work[-1] - work[-2])
    whole = max(seconds[-1] + slope * (wanted - work[-1]), 0.0)
    columns = sum(frame.width for frame in data.frames.values())
    return Estimate(len(data), columns, whole, _memory(data, fitted), len(data.frames))


def _work(data: Dataset, fitted: DatabaseSynthesizer) -> float:
    """Add up what the models say of their work on tables of these sizes."""
    return sum(
        own.generator.work(len(data.frames[unit.name]), len(own.domain))
        for unit in fitted.units.values()
        if (own := unit.synthesizer) is not None
    )


def _is_drawn(data: Dataset, name: str) -> bool:
    return data.schema.table(name).role != "reference"


def _drawn_rows(data: Dataset) -> int:
    """Count the rows that models learn from."""
    return sum(len(frame) for name, frame in data.frames.items() if _is_drawn(data, name))


def _part(data: Dataset, share: float) -> Dataset:
    """Take some entities with all that belongs to them."""
    part = split_database(data.schema, data.frames, share, Streams(0).at("estimate"))[1]
    return replace(data, frames=part)


def _memory(data: Dataset, fitted: DatabaseSynthesizer) -> int:
    """Add up what the data hold, what of each table is kept for its children, and the costliest fit of all."""
    kept, peak = 0.0, 0.0
    for unit in fitted.units.values():
        own = unit.synthesizer
        if own is None:
            continue
        rows, width = len(data.frames[unit.name]), len(own.domain)
        known = getattr(own.generator, "context_", None)
        axes = width + (len(known) if known is not None else 0)
        kept += REAL * rows * width
        peak = max(peak, REAL * rows * axes + own.generator.room(rows, axes))
    return int((used_bytes() or 0) + kept + peak)
