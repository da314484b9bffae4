"""What `evaluate` compares, and what it writes down about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from simulacra.dataset import Dataset, dataset
from simulacra.errors import DataError, OptionError, SchemaViolation
from simulacra.evaluation import LISTED, Evaluation, nearest_name
from simulacra.fitting import fit_table
from simulacra.intake import Intake
from simulacra.memory import peak_bytes, size_text
from simulacra.metric import Comparison
from simulacra.plausibility import measure_density
from simulacra.privacy.protection import HOLDERS
from simulacra.provenance import fingerprint, versions
from simulacra.randomness import Streams
from simulacra.schema.conformance import conform
from simulacra.schema.types import Column, Schema, Table
from simulacra.synthesizer import Synthesizer

ALIKE = 0.7
"""How like a name that is lacking another must be to be taken for it."""
HINTS = 3
PROBE_ROWS = 2_000
WARM_ROWS = 200
"""Rows of the two fits that tell how long a fit takes."""


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
    seed: int,
    model: Synthesizer | None = None,
    **questions: Any,
) -> tuple[Comparison, list[str]]:
    """Bring synthetic rows and holdout under the schema of the training rows, with notes of what was done.

    `questions` are fields of the comparison: targets, groups, queries and the like.
    """
    absent = [] if model is None else [name for name in model.table.names if name not in table.names]
    if absent:
        raise OptionError(
            f"the model has a column {absent[0]!r} that the training rows have not, so it did not make these data. "
            "Give the model of this table, or none."
        )
    notes: list[str] = list(train.notes)
    given: dict[str, tuple[pl.DataFrame, tuple[str, ...]]] = {}
    for role, data in {"synthetic": synthetic, "holdout": holdout}.items():
        if data is None:
            continue
        loose = data if isinstance(data, Dataset) else dataset(data, schema=None)
        given[role] = (loose.polars(), loose.notes)
        _require_rows(role, given[role][0])
        _require_columns(role, given[role][0].columns, table)
    real = train.polars()
    loosened = _allow_fractions(table, {role: frame for role, (frame, _) in given.items()}, notes)
    if loosened is not table:
        real, _ = conform(real, loosened)
    frames = {"train": real}
    for role, (frame, said) in given.items():
        try:
            frames[role], told = conform(frame, loosened, extra="drop", unreadable="null")
        except SchemaViolation as error:
            raise SchemaViolation(f"the {role} rows do not fit the training rows: {error}") from error
        notes += [f"{role}: {note}" for note in (*said, *told)]
    case = Comparison(
        loosened, frames["train"], frames["synthetic"], frames.get("holdout"), streams=Streams(seed),
        likelihood=None if model is None else ModelLikelihood(model), **questions,
    )  # fmt: skip
    return case, notes


def _require_rows(role: str, frame: pl.DataFrame) -> None:
    if frame.height == 0:
        wanted = "Give the rows to be judged."
        if role == "holdout":
            wanted = "Give real rows that the generator never saw, or no holdout."
        raise DataError(f"the {role} data hold no rows. {wanted}")


def _require_columns(role: str, names: Sequence[str], table: Table) -> None:
    """Name the columns that rows lack, with what they may be called there."""
    lacking = [name for name in table.names if name not in set(names)]
    if not lacking:
        return
    others = [name for name in names if name not in set(table.names)]
    near = {name: nearest_name(name, others, ALIKE) for name in lacking}
    hints = [f"{other!r} may be {name!r}" for name, other in near.items() if other is not None][:HINTS]
    shown = ", ".join(repr(name) for name in lacking[:LISTED])
    more = f" and {len(lacking) - LISTED} more" if len(lacking) > LISTED else ""
    word, them = ("columns", "them") if len(lacking) > 1 else ("column", "it")
    beside = "the holdout" if role == "synthetic" else "the synthetic rows"
    raise SchemaViolation(
        f"the {role} rows lack the {word} {shown}{more}, which the training rows have"
        f"{' (' + ', '.join(hints) + ')' if hints else ''}. "
        f"Add {them}, or leave {them} out of the training rows and {beside} as well."
    )


def _allow_fractions(table: Table, frames: dict[str, pl.DataFrame], notes: list[str]) -> Table:
    """Let a column of whole numbers hold fractions where some rows have them, and say so.

    Read as missing they would be lost to every metric: a copy of the training rows with a little noise would look like
    a table full of holes.
    """
    for column in table.columns:
        if column.kind != "number" or not column.integer:
            continue
        for role, frame in frames.items():
            if column.name not in frame.columns or not frame[column.name].dtype.is_float():
                continue
            values = frame[column.name]
            broken = int((values.is_finite() & (values != values.round())).sum())
            if broken:
                notes.append(
                    f"{role}, column {column.name!r}: {broken:,} of {len(values):,} values are not whole numbers, "
                    "as those of the training rows are; they are compared as they stand."
                )
                table = _replace_column(table, replace(column, integer=False, decimals=None, step=None))
    return table


def _replace_column(table: Table, column: Column) -> Table:
    columns = tuple(column if one.name == column.name else one for one in table.columns)
    return replace(table, columns=columns)


@dataclass(frozen=True)
class ModelMaker:
    """Learns the same kind of model with the same settings from other rows, and draws from it."""

    model: Synthesizer

    def seconds(self, rows: int) -> float:
        """Estimate the processor time of one fit by fitting a few rows that the model draws itself.

        A model file says nothing of time: it holds no clock, so that the same fit gives the same bytes.
        """
        few = min(rows, PROBE_ROWS)
        probe = self.model.sample(few, seed=0).polars()
        likelihood = ModelLikelihood(self.model)
        # what is loaded and compiled once is no part of what each fit takes
        likelihood.refit(probe.head(WARM_ROWS), 0)
        start = time.process_time()
        likelihood.refit(probe, 0)
        spent = time.process_time() - start
        axes = len(self.model.table.columns)
        work = self.model.generator.work
        return spent * work(rows, axes) / max(work(few, axes), 1.0)

    def make(self, frame: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
        """Fit, and draw rows."""
        return ModelLikelihood(self.model).refit(frame, seed).model.sample(rows, seed=seed).polars()


@dataclass(frozen=True)
class CallableMaker:
    """Makes rows by a user's own function."""

    function: Callable[[pl.DataFrame, int], Any]
    table: Table

    def seconds(self, rows: int) -> float:
        """Say that nobody knows."""
        return float("nan")

    def make(self, frame: pl.DataFrame, rows: int, seed: int) -> pl.DataFrame:
        """Call the function, and bring what it gives under the schema."""
        try:
            given = self.function(frame, seed)
        except Exception as error:  # whatever a user's function raises, the other attacks go on
            raise DataError(
                f"the function given with maker=... failed with {type(error).__name__} on {frame.height:,} real rows; "
                "it must take a frame of rows and a seed, and return synthetic rows."
            ) from error
        made = dataset(given, schema=None).polars()
        return conform(made, self.table, extra="drop", unreadable="null")[0].head(rows)


def make_maker(maker: Any, model: Synthesizer | None, table: Table) -> ModelMaker | CallableMaker | None:
    """Return what makes rows anew: the user's function, or the model; None where neither was given."""
    if maker is not None:
        return CallableMaker(maker, table)
    return None if model is None else ModelMaker(model)


def as_names(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return one name or several as a tuple."""
    return () if names is None else (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))


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
        "evaluation": {
            "seed": seed,
            **_asked(case),
            "most rows per metric": case.max_rows,
            "seconds": round(sum(evaluation.seconds.values()), 1),
            "peak memory": _peak(),
        },
        "model": {k: v for k, v in made.items() if k not in {"versions", "privacy"}} or None,
        "privacy": made.get("privacy", {"formal": None}),
        "versions": versions(),
    }


def _peak() -> str | None:
    peak = peak_bytes()
    return None if peak is None else size_text(peak)


def _asked(case: Comparison) -> dict[str, Any]:
    """Say which columns the user named for what, where any were named."""
    named = {
        "targets": case.targets,
        "groups": case.groups,
        "sensitive": case.sensitive,
        "quasi-identifiers": case.quasi_identifiers,
        "queries": tuple(case.queries),
    }
    return {"target": case.target, **{what: list(names) for what, names in named.items() if names}}


def describe_model(model: Synthesizer | None) -> tuple[str, ...]:
    """Say which model made the rows, and what its protection did."""
    if model is None:
        return ()
    level = model.generator.options().get("privacy")
    said = f", privacy {level!r}" if level else ""
    return (f"made by model {model.model!r}{said}.", *model.notes)
