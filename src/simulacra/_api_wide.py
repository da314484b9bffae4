"""What an evaluation of more rows than memory holds is made of: counts of all rows, and samples for metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulacra.dataset import Dataset
from simulacra.evaluation import Evaluation
from simulacra.frames import to_polars
from simulacra.metric import Comparison
from simulacra.provenance import fingerprint
from simulacra.schema.types import Schema, Table
from simulacra.survey.cells import Bins, profile_surveys
from simulacra.survey.survey import Survey


@dataclass
class Wide:
    """Sides of a comparison of which one is more than is compared row by row.

    Parameters
    ----------
    table : Table
        The schema that all were read by.
    sides : dict of str to Survey
        ``train``, ``synthetic`` and, if there is one, ``holdout``.
    bins : dict of str to Bins
        Cells for pictures.
    notes : tuple of str
        What was counted of all rows, and what of samples.
    seconds : float
        How long the counting took.
    copies : bool
        Whether rows were looked up among the training rows, which are too many beyond 50,000,000.
    """

    table: Table
    sides: dict[str, Survey]
    bins: dict[str, Bins]
    notes: tuple[str, ...]
    seconds: float
    copies: bool

    def data(self, role: str) -> Dataset | None:
        """Return the sample of one side."""
        if role not in self.sides:
            return None
        frame = self.sides[role].sample
        table = self.table if role == "train" else replace(self.table, constraints=())
        notes = self.notes if role == "train" else ()
        return Dataset(Schema((table,)), {table.name: frame}, {table.name: to_polars(frame)[1]}, notes)

    def complete(self, evaluation: Evaluation, case: Comparison) -> Evaluation:
        """Put counts of all rows in the place of those of samples."""
        sides, names = self.sides, case.table.names
        rows = {
            role: sides[role].rows if role in sides else None for role in ("train", "synthetic", "holdout")
        }
        summary: dict[str, Any] = {
            **evaluation.summary,
            "rows": rows,
            "missing": {
                name: {role: side.missing[name] / max(1, side.rows) for role, side in sides.items()}
                for name in names
            },
            "duplicates": {role: side.repeated / max(1, side.rows) for role, side in sides.items()},
            "violations": [
                *(str(line) for line in sides["synthetic"].lines if line.violations),
                *self.strangers(),
            ],
            "rows that metrics looked at": {role: side.sample.height for role, side in sides.items()},
        }
        if self.copies:
            others = {role: side.known for role, side in sides.items() if role != "train"}
            summary["rows that equal a training row"] = others
        shown = profile_surveys(case.table, self.bins, list(sides.values()))
        seconds = {**evaluation.seconds, "counting all rows": self.seconds}
        return replace(evaluation, summary=summary, profiles=shown, seconds=seconds)

    def strangers(self) -> list[str]:
        """Count the synthetic rows beyond the ends and levels of the training rows, in words that do not show these."""
        train, drawn = self.sides["train"], self.sides["synthetic"]
        said = []
        for column in self.table.columns:
            if column.declared:
                continue
            name, rows = column.name, f"of {drawn.rows:,} rows"
            beyond = drawn.beyond.get(name, 0) if column.bounds is not None else 0
            if beyond:
                said.append(
                    (
                        beyond,
                        f"column {name!r}: {beyond:,} {rows} lie outside the range of the training rows.",
                    )
                )
            if name in drawn.levels and not (drawn.levels[name].cut or train.levels[name].cut):
                met = drawn.levels[name].table
                new = int(met.join(train.levels[name].table, on="level", how="anti")["len"].sum())
                if new:
                    said.append(
                        (
                            new,
                            f"column {name!r}: {new:,} {rows} hold a level that the training rows do not have.",
                        )
                    )
        return [words for _, words in sorted(said, key=lambda one: -one[0])]

    def describe(self, provenance: dict[str, Any]) -> dict[str, Any]:
        """Tell of whole sides and samples apart."""
        told = dict(provenance)
        for role, side in self.sides.items():
            sampled = {"sha256 of the sample": fingerprint(side.sample), "sampled rows": side.sample.height}
            told[role] = {"rows": side.rows, **({"sha256": told[role]["sha256"]} if side.whole else sampled)}
        return told


def say_sides(sides: Mapping[str, Survey], copies: bool) -> list[str]:
    """Say what was looked at row by row, and what in samples."""
    parts = [
        f"{side.sample.height:,} of {side.rows:,} {role} rows"
        if not side.whole
        else f"all {side.rows:,} {role} rows"
        for role, side in sides.items()
    ]
    copied = " and of rows that equal a training row" if copies else ""
    return [
        f"counts of rows, missing values and repeated rows{copied}, the distributions of single columns in pictures, "
        "and rules over single rows are of all rows.",
        f"metrics looked at uniform samples: {', '.join(parts)}. Choose how many with rows=... (--rows).",
    ]
