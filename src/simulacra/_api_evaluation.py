"""What `evaluate` compares, and what it writes down about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from simulacra.dataset import Dataset, dataset
from simulacra.errors import OptionError, SchemaViolation
from simulacra.evaluation import Evaluation
from simulacra.fitting import fit_table
from simulacra.intake import Intake
from simulacra.metric import Comparison
from simulacra.plausibility import measure_density
from simulacra.privacy.protection import HOLDERS
from simulacra.provenance import fingerprint, versions
from simulacra.randomness import Streams
from simulacra.schema.conformance import conform
from simulacra.schema.types import Schema, Table
from simulacra.synthesizer import Synthesizer


@dataclass(frozen=True)
class ModelLikelihood:
    """How likely a fitted model finds rows, for metrics; see `simulacra.metric.Likelihood`."""

    model: Synthesizer

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return log-probabilities, rows x columns."""
        return measure_density(self.model, frame).columns

    def refit(self, frame: pl.DataFrame, seed: int) -> ModelLikelihood:
        """Fit the same model with the same settings to other rows, which may hold values that it never saw."""
        made = self.model
        columns = tuple(
            replace(column, levels=None, bounds=None, declared=False)
            for column in made.table.columns
            if column.name in frame.columns
        )
        table = replace(made.table, columns=columns, weight=None, constraints=())
        intake = Intake.open(frame.select(table.names), Schema((table,)))
        holders = made.provenance.get("privacy", {}).get("holders", HOLDERS)
        options = made.generator.options()
        return ModelLikelihood(
            fit_table(intake, model=made.model, options=options, seed=seed, holders=holders)
        )


def compare(
    train: Dataset,
    table: Table,
    synthetic: Any,
    holdout: Any,
    target: str | None,
    seed: int,
    model: Synthesizer | None = None,
) -> tuple[Comparison, list[str]]:
    """Bring synthetic rows and holdout under the schema of the training rows, with notes of what was done."""
    absent = [] if model is None else [name for name in model.table.names if name not in table.names]
    if absent:
        raise OptionError(
            f"the model has a column {absent[0]!r} that the training rows have not, so it did not make these data. "
            "Give the model of this table, or none."
        )
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
        table, train.polars(), frames["synthetic"], frames.get("holdout"), target, Streams(seed),
        likelihood=None if model is None else ModelLikelihood(model),
    )  # fmt: skip
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


def describe_model(model: Synthesizer | None) -> tuple[str, ...]:
    """Say which model made the rows, and what its protection did."""
    if model is None:
        return ()
    level = model.generator.options().get("privacy")
    said = f", privacy {level!r}" if level else ""
    return (f"made by model {model.model!r}{said}.", *model.notes)
