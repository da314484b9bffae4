"""What rows under each definition of fairness are measured by: groups, labels, a classifier, margins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra._api_comparison import compare
from simulacra.dataset import Dataset
from simulacra.domain import Array
from simulacra.errors import DataError, unknown
from simulacra.metric import Comparison
from simulacra.metrics._case import as_levels, comparable_columns
from simulacra.metrics._cells import Cells, total_variation
from simulacra.metrics._groups import HIDDEN, Partition, gather
from simulacra.metrics._learners import pose, predict, trained, view
from simulacra.metrics._parity import Figure, describe_decisions, describe_labels, rate_of
from simulacra.randomness import Streams
from simulacra.report.parity import GroupRate, Treatment
from simulacra.schema.types import Table
from simulacra.shares._crossing import Crossing

MOST_CELLS = 30
"""Cells of a column when its distance from the real one is taken."""


def find_positive(frame: pl.DataFrame, target: str, wanted: str | None) -> str:
    """Return the level of the target whose rate counts: the one named, or the rarest."""
    levels = as_levels(frame[target]).drop_nulls().to_frame().group_by(target).len()
    counts = levels.sort(["len", target], descending=[True, False])[target].to_list()
    if not counts:
        raise DataError(f"the target {target!r} has no value. Name another column.")
    if wanted is not None and wanted not in counts:
        raise unknown(f"level of {target!r}", wanted, counts)
    return str(counts[-1]) if wanted is None else wanted


@dataclass(frozen=True)
class Scene:
    """What all treatments are measured against."""

    known: Dataset
    holdout: Dataset
    target: str
    group: tuple[str, ...]
    given: tuple[str, ...]
    positive: str
    seed: int
    n: int

    @property
    def table(self) -> Table:
        """The contract of the real rows."""
        return self.known.schema.table()

    @property
    def real(self) -> pl.DataFrame:
        """As many real rows as are drawn, or all there are."""
        frame = self.known.polars()
        if len(frame) <= self.n:
            return frame
        rng = Streams(self.seed).at("compare fairness").stream("real")
        return frame[np.sort(rng.choice(len(frame), self.n, replace=False))]

    @property
    def shown(self) -> str:
        """How the positive level may be called."""
        return "the outcome" if self.table[self.target].sensitive else self.positive

    def describe(self, name: str, words: str, frame: pl.DataFrame, notes: tuple[str, ...]) -> Treatment:
        """Measure rows."""
        case, _ = compare(
            self.known, self.table, frame, self.holdout, self.seed,
            groups=self.group, targets=(self.target,),
        )  # fmt: skip
        groups = gather(case)
        if isinstance(groups, str):
            raise DataError(f"groups can not be compared: {groups}")
        part, strata = groups.finest, None
        if self.given:
            crossing = Crossing.cut([case.table[column] for column in self.given], case.train)
            strata = crossing.codes(case.synthetic) + 1
        hits = (as_levels(case.synthetic[self.target]) == self.positive).fill_null(False).to_numpy()
        figures = describe_labels(hits, part.codes[1], len(part.names), strata)
        del figures["rate"]
        figures |= self._decisions(case, part) | {"moved": _moved(case)}
        return Treatment(name, words, self._rates(part, hits), figures, notes)

    def _rates(self, part: Partition, hits: Array) -> tuple[GroupRate, ...]:
        sensitive = any(self.table[name].sensitive for name in self.group)
        found = []
        for place in np.flatnonzero(part.shown()):
            inside = part.codes[1] == place
            if inside.any() and (part.counts()[0][place] >= HIDDEN):
                name = f"group {place + 1}" if sensitive else part.names[place]
                found.append(GroupRate(name, int(inside.sum()), float(inside.mean()), rate_of(hits[inside])))
        return tuple(found)

    def _decisions(self, case: Comparison, part: Partition) -> dict[str, Figure | None]:
        """Train a classifier on the rows, and describe how it decides about the holdout."""
        question = pose(case, self.target)
        if isinstance(question, str):
            raise DataError(f"no classifier can be trained: {question}")
        assert question.classes is not None
        if self.positive not in question.classes:
            raise DataError(
                f"the positive level of {self.target!r} is too rare for a classifier. Give more rows."
            )
        model = trained(case, question, "boosting", "synthetic")
        told = predict(model, view(case, question, "boosting").matrices["test"], question)
        place = question.classes.index(self.positive)
        truth = question.answers["test"] == place
        return describe_decisions(told[:, place], truth, part.codes[2][question.rows], len(part.names))


def _moved(case: Comparison) -> Figure | None:
    """Return the mean distance of the columns from the real ones, with the smallest and the largest."""
    distances = []
    for column in comparable_columns(case.table):
        cells = Cells.fit(case.train[column.name], column, MOST_CELLS)
        real, drawn = (
            np.bincount(cells.codes(frame[column.name]), minlength=cells.size) / max(len(frame), 1)
            for frame in (case.train, case.synthetic)
        )
        distances.append(float(total_variation(real, drawn)))
    if not distances:
        return None
    return Figure(float(np.mean(distances)), min(distances), max(distances))
