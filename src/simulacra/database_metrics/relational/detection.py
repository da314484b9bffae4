"""How well a classifier can tell synthetic entities, with all that belongs to them, from real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.database_metric import DatabaseComparison, DatabaseMetric
from simulacra.database_metrics._aggregates import find_single, flatten, list_paths
from simulacra.database_metrics._case import in_both, is_common, not_computed, references, sides
from simulacra.metric import Comparison, Score
from simulacra.metrics._case import draw
from simulacra.metrics._roc import judge_area
from simulacra.metrics.fidelity.detection import FEWEST_ROWS, Detection
from simulacra.schema.types import Table

NAME = "relational/detection"
MOST_ENTITIES = 10_000
NAMED = 3
PERMUTED_ROWS = 500


class _Flat(Detection):
    """The test of flat entities: no pairs, which nobody would read among so many columns."""

    paired: ClassVar[int] = 0
    permuted: ClassVar[int] = PERMUTED_ROWS


class EntityDetection(DatabaseMetric):
    """A classifier two-sample test (C2ST) of whole entities: the AUC for the table that gives itself away most.

    For every table that others refer to, each row is one entity. It is flattened: its own columns, how many rows of
    each child table belong to it, and of each of their columns the number of distinct levels, or mean, spread,
    smallest and largest value; so are the children's children, and what link tables tie it to. Where an entity has
    one row at most, the value itself stands. Boosted trees, out of fold, try to tell flat synthetic entities from as
    many flat real ones. 0.5 is perfect: the classifier can only guess.

    ``relational/detection/TABLE`` is the figure of each table, and ``relational/detection/TABLE/rules`` the share of
    entities that short rules give away, which people can read.

    Notes
    -----
    **Verdict** on the AUC minus the baseline, or minus 0.5 where that is larger: pass up to 0.10, look up to 0.25,
    fail above; pass where the spread of the AUC of guessing explains the excess. The baseline is the AUC of training
    entities against the holdout's; without a holdout, of one random half of the training entities against the other.

    Tables that are common ground (role ``reference``, or whose rows are in the holdout and in the training data:
    districts, airports) have no entities and are left out. So are single rows that stand on both sides.

    **Interval** DeLong's variance of the pooled out-of-fold scores.

    **Detail** of each table: for each feature the AUC that is lost when it is shuffled (``importance``, in at most
    2,500 rows that were not learnt from) and the AUC that it reaches alone (``auc``).
    Rules as in ``fidelity/detection``; sensitive columns are left out of them.

    **Cost** linear in rows; at most 10,000 entities of each table and 30 columns of each child.

    **Source** Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests", section 3; on aggregates of related
    rows: Hudovernik, Jurkovič & Štrumbelj 2024, "Benchmarking the fidelity and utility of synthetic relational data",
    section 4.
    """

    title: ClassVar[str] = "Whole entities told apart by a classifier, worst table (AUC, 0.5 is guessing)"
    limits: ClassVar[tuple[float, float]] = Detection.limits

    def score(self, case: DatabaseComparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        declared = [
            t.name for t in case.schema.tables if any(r.table == t.name for _, _, r in references(case))
        ]
        entities = [name for name in declared if not is_common(case, name)]
        if not entities:
            why = "no table refers to one that holds entities."
            return not_computed(self, NAME, why, asked=bool(declared))
        scores: list[Score] = []
        for name in entities:
            scores += self._detect(case, name)
        computed = [s for s in scores if s.name.count("/") == 2 and s.verdict != "not computed"]
        if not computed:
            return [
                *not_computed(self, NAME, f"no table has at least {FEWEST_ROWS} entities on every side."),
                *scores,
            ]
        gravity = ("fail", "look", "pass")
        worst = min(computed, key=lambda s: (gravity.index(s.verdict), (s.baseline or 0.5) - s.value))
        return [replace(worst, name=NAME, title=self.title, detail=None), *scores]

    def _detect(self, case: DatabaseComparison, name: str) -> list[Score]:
        streams = case.streams.at(NAME).at(name)
        table, frames = _flat(case, name)
        if case.holdout is None:
            inner = Comparison(
                table, frames[1], frames[0], None, streams=streams, max_rows=frames[0].height + 1
            )
        else:
            inner = Comparison(
                table, frames[2], frames[0], frames[1], streams=streams, max_rows=MOST_ENTITIES
            )
        title = f"Whole rows of {name} with what belongs to them (AUC, 0.5 is guessing)"
        first, *more = _Flat().score(inner)
        if first.verdict == "not computed":
            return [replace(first, name=f"{NAME}/{name}", title=title)]
        rows = min(frame.height for frame in frames)
        if case.holdout is None:
            first = self._beside_halves(first, inner, rows)
        rules = [s for s in more if s.name.endswith("/rules")]
        return [
            replace(first, name=f"{NAME}/{name}", title=title, words=_say(name, first)),
            *(replace(s, name=f"{NAME}/{name}/rules", title=f"Rules that give {name} away (share of rows)",
                      private=None) for s in rules),
        ]  # fmt: skip

    def _beside_halves(self, score: Score, inner: Comparison, rows: int) -> Score:
        """Give the figure of one half of the training entities against the other as the baseline."""
        order = inner.streams.stream("halves").permutation(inner.train.height)
        half = len(order) // 2
        one, other = (inner.train[np.sort(part)] for part in (order[:half], order[half : 2 * half]))
        real = _Flat().area(Comparison(inner.table, one, other, streams=inner.streams.at("halves")))
        if real is None:
            return score
        verdict = judge_area(score.value, real, min(rows, half), self.limits)
        return replace(score, baseline=real, verdict=verdict)


def _flat(case: DatabaseComparison, name: str) -> tuple[Table, list[pl.DataFrame]]:
    """Return flat entities of each side, those that stand on one side only; at most so many of each."""
    paths = list_paths(case, name)
    single = find_single(case, paths, sides(case))
    made = [flatten(case, name, paths, single, side) for side in sides(case)]
    frames = [
        frame.filter(pl.Series(~in_both(case, name, side)))
        for side, (_, frame) in zip(sides(case), made, strict=True)
    ]
    rows = min(MOST_ENTITIES, *(frame.height for frame in frames))
    streams = case.streams.at(NAME).at(name)
    drawn = [draw(frame, rows, streams.stream("entities", side)) for side, frame in zip(sides(case), frames)]
    return made[0][0], drawn


def _say(name: str, score: Score) -> str:
    real = "" if score.baseline is None else f"; real ones among themselves get {100 * score.baseline:.0f} %"
    words = (
        f"A classifier that sees a row of {name!r} with what belongs to it finds the synthetic one of two "
        f"{100 * score.value:.0f} % of the time (50 % is guessing{real})."
    )
    if score.detail is not None and score.value > (score.baseline or 0.5) + 0.02:
        top = score.detail.filter(pl.col("importance") > 0).head(NAMED)["column"].to_list()
        if top:
            words += f" What gives them away most: {'; '.join(repr(column) for column in top)}."
    if "no holdout" in score.words.lower():
        words += " There is no holdout, so memorised rows look perfect here."
    return words
