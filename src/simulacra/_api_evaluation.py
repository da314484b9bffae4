"""What `evaluate` compares, and what it writes down about it."""

from __future__ import annotations

from typing import Any

from simulacra.dataset import Dataset, dataset
from simulacra.errors import SchemaViolation
from simulacra.evaluation import Evaluation
from simulacra.metric import Comparison
from simulacra.provenance import fingerprint, versions
from simulacra.randomness import Streams
from simulacra.schema.conformance import conform
from simulacra.schema.types import Table
from simulacra.synthesizer import Synthesizer


def compare(
    train: Dataset, table: Table, synthetic: Any, holdout: Any, target: str | None, seed: int
) -> tuple[Comparison, list[str]]:
    """Bring synthetic rows and holdout under the schema of the training rows, with notes of what was done."""
    notes: list[str] = list(train.notes)
    frames = {}
    for role, data in {"synthetic": synthetic, "holdout": holdout}.items():
        if data is None:
            continue
        loose = data if isinstance(data, Dataset) else dataset(data, schema=None)
        try:
            frames[role], told = conform(loose.polars(), table, extra="drop", unreadable="null")
        except SchemaViolation as error:
            raise SchemaViolation(f"the {role} rows do not fit the training rows: {error}") from error
        notes += [f"{role}: {note}" for note in (*loose.notes, *told)]
    case = Comparison(
        table, train.polars(), frames["synthetic"], frames.get("holdout"), target, Streams(seed)
    )
    return case, notes


def describe_evaluation(
    case: Comparison, evaluation: Evaluation, seed: int, model: Synthesizer | None
) -> dict[str, Any]:
    """Write down what was compared, and what made it."""
    made: dict[str, Any] = dict(model.provenance) if model is not None else {}
    frames = {"train": case.train, "synthetic": case.synthetic, "holdout": case.holdout}
    return {
        **{
            role: {"sha256": fingerprint(frame), "rows": len(frame)}
            for role, frame in frames.items()
            if frame is not None
        },
        "evaluation": {"seed": seed, "target": case.target, "seconds": evaluation.seconds},
        "model": {k: v for k, v in made.items() if k not in {"versions", "privacy"}} or None,
        "privacy": made.get("privacy", {"formal": None}),
        "versions": versions(),
    }
