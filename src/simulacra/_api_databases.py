"""What `evaluate` does when it is given databases: several tables with references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from simulacra._api_logs import Log, Parted
from simulacra.database_evaluation import evaluate_database
from simulacra.database_metric import DatabaseComparison
from simulacra.dataset import Dataset, dataset
from simulacra.errors import DataError, OptionError, SchemaViolation
from simulacra.generator import Progress
from simulacra.memory import peak_bytes, size_text
from simulacra.provenance import fingerprint, versions
from simulacra.randomness import Streams, resolve_seed
from simulacra.relational.database import DatabaseSynthesizer
from simulacra.report.database import DatabaseReport
from simulacra.schema.conformance import conform
from simulacra.schema.types import Schema
from simulacra.synthesizer import Synthesizer


def evaluate_databases(
    sides: Parted,
    log: Log | None = None,
    *,
    metrics: Sequence[str] | None,
    thresholds: Mapping[str, tuple[float, float]],
    seed: int,
    title: str | None,
    model: Any,
    progress: Progress,
) -> DatabaseReport:
    """Measure a synthetic database, or log, against a real one, all under the schema of the training part."""
    train = sides.train
    notes = list(train.notes)
    frames = {
        role: bring(data, train.schema, role, notes)
        for role, data in (("synthetic", sides.synthetic), ("holdout", sides.holdout))
        if data is not None
    }
    case = DatabaseComparison(
        train.schema, dict(train.frames), frames["synthetic"], frames.get("holdout"), Streams(resolve_seed(seed))
    )  # fmt: skip
    found = evaluate_database(case, metrics=metrics, thresholds=thresholds, progress=progress)
    if log is not None:
        found = replace(
            found, whole=replace(found.whole, summary=_count_events(found.whole.summary, train.schema))
        )
    made: dict[str, Any] = dict(getattr(model, "provenance", None) or {})
    parts = {"train": case.train, "synthetic": case.synthetic, "holdout": case.holdout}
    peak = peak_bytes()
    provenance = {
        **{
            role: {"sha256": _digest(tables), "rows": _count_rows(tables, train.schema, log)}
            for role, tables in parts.items()
            if tables is not None
        },
        "evaluation": {
            "seed": seed,
            **({} if log is None else {"entity": log.entity, "order": log.order}),
            "most rows per table": case.max_rows,
            "seconds": round(sum(found.whole.seconds.values()), 1),
            "peak memory": None if peak is None else size_text(peak),
        },
        "model": {k: v for k, v in made.items() if k not in {"versions", "privacy"}} or None,
        "privacy": made.get("privacy", {"formal": None}),
        "versions": versions(),
    }
    whole = f"database of {len(train.schema.tables)} tables" if log is None else train.schema.tables[1].name
    name = title or f"Synthetic {whole}"
    return DatabaseReport(
        name, found.whole, provenance, tuple(notes), tables=found.tables, structure=train.schema
    )


def refuse_models(**given: Any) -> None:
    """Say so where a model stands in the place of rows, or of what makes them."""
    for name, value in given.items():
        if isinstance(value, (Synthesizer, DatabaseSynthesizer)):
            meant = "rows: model.sample(...)" if name != "maker" else "a function of rows and a seed"
            raise OptionError(
                f"{name} is a model, and should be {meant}. Give the model itself with model=..."
            )


def refuse_questions(log: Log | None = None, **asked: Any) -> None:
    """Say which questions can only be asked of single rows of one table, where one was asked."""
    for name, value in asked.items():
        if value and log is not None:
            raise OptionError(
                f"{name}=... asks about single rows, and whole histories of {log.entity!r} are judged here. Ask it in "
                "a call without entity=, order= and the model or schema of a log."
            )
        if value:
            raise OptionError(
                f"{name}=... is about one table, and these data have several. Ask it of one: "
                "sim.evaluate(database.select('loan'), ...)."
            )


def bring(data: Any, schema: Schema, role: str, notes: list[str]) -> dict[str, pl.DataFrame]:
    """Bring a database under the schema of another one, and note what was done.

    Raises
    ------
    DataError
        A table is lacking.
    SchemaViolation
        A table lacks a column.
    """
    loose = data if isinstance(data, Dataset) else dataset(data)
    frames = {}
    for table in schema.tables:
        if table.name not in loose.frames:
            raise DataError(
                f"the {role} data have no table {table.name!r}, which the training data have. They have: "
                f"{', '.join(loose.frames)}."
            )
        try:
            frames[table.name], told = conform(
                loose.frames[table.name], table, extra="drop", unreadable="null"
            )
        except SchemaViolation as error:
            raise SchemaViolation(f"the {role} rows do not fit the training rows: {error}") from error
        notes += [f"{role}, {note}" for note in told]
    return frames


def _count_rows(tables: Mapping[str, pl.DataFrame], schema: Schema, log: Log | None) -> int:
    """Count the rows of a database; of a log those that the user knows, its events."""
    names = schema.names if log is None else schema.names[1:]
    return sum(len(tables[name]) for name in names)


def _count_events(summary: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Tell entities from events in the summary of a log, which is one table to its user."""
    entities, events = (summary["tables"][name] for name in schema.names)
    sides = summary["rows"]
    return {
        **summary,
        "rows": {side: events.get(side) for side in sides},
        "entities": {side: entities.get(side) for side in sides},
        "columns": len({column.name for table in schema.tables for column in table.columns}),
    }


def _digest(tables: Mapping[str, pl.DataFrame]) -> str:
    listed = [f"{name} {fingerprint(frame)}" for name, frame in sorted(tables.items())]
    return fingerprint(pl.DataFrame({"digest": listed}))
