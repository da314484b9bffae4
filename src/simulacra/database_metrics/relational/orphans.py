"""Whether references lead to rows that are there, and are missing as often as in real data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.database_metric import DatabaseComparison, DatabaseMetric
from simulacra.database_metrics._case import (
    NO_CEILING,
    entities,
    not_computed,
    pointers,
    references,
    say_reference,
    sides,
)
from simulacra.database_metrics._clustered import Gap, Plan, add_up, apart, judge_worst
from simulacra.domain import Array
from simulacra.lineage import MISSING, ORPHAN
from simulacra.metric import Score, Verdict
from simulacra.metrics._shares import share_interval
from simulacra.schema.reference import Reference
from simulacra.schema.types import Table

NAME = "relational/orphans"


class Orphans(DatabaseMetric):
    """How far the share of rows that refer to a row that is not there is from the real share, worst reference.

    A reference of a composite key counts as a whole; a row in which one of its columns is missing refers to nothing
    and is no orphan. ``relational/orphans/missing`` is the same for rows that refer to nothing. 0 is perfect. The
    baseline is the same for training rows.

    Notes
    -----
    **Verdict** on the difference minus the baseline: pass up to 0.005, look up to 0.02, fail above; passes where
    chance explains it, entities taken as a whole. Where real data have no orphan at all, the database keeps that
    reference, and a single synthetic orphan fails: the database would refuse the row.

    **Interval** bootstrap over groups of entities; for a share of 0, Wilson's.

    **Detail** for each reference: rows, ``orphans_real`` and ``orphans_synthetic`` (shares), ``missing_real`` and
    ``missing_synthetic``.

    **Cost** linear in rows (one join for each reference).

    **Source** Wilson 1927; change of sides: Good 2005, section 3.2.
    """

    title: ClassVar[str] = "References that lead nowhere, worst reference (difference of shares)"
    limits: ClassVar[tuple[float, float]] = (0.005, 0.02)

    def score(self, case: DatabaseComparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        listed = [
            one for one in references(case) if all(len(case.side(side)[one[0].name]) for side in sides(case))
        ]
        if not listed:
            declared = any(True for _ in references(case))
            return not_computed(self, NAME, "no table with rows refers to another one.", asked=declared)
        found = [_compare(case, *one) for one in listed]
        detail = pl.DataFrame([row for _, _, row in found], infer_schema_length=None)
        return [
            self._say(case, [gaps[0] for gaps, _, _ in found], [kept for _, kept, _ in found], detail),
            self._say_missing([gaps[1] for gaps, _, _ in found], detail),
        ]

    def _say(
        self, case: DatabaseComparison, gaps: list[Gap], kept: list[bool], detail: pl.DataFrame
    ) -> Score:
        at, verdict = judge_worst(gaps, self.limits)
        broken = [i for i, keeps in enumerate(kept) if keeps and detail["orphans_synthetic"][i] > 0]
        if broken:
            at = max(broken, key=lambda i: gaps[i].value)
            verdict = "fail"
        row, gap = detail.row(at, named=True), gaps[at]
        if broken:
            words = (
                f"{row['synthetic_orphans']:,} of {row['rows']:,} synthetic rows of {row['reference']} refer to a row "
                "that is not there. No real row does, so a database that keeps this reference would refuse them."
            )
        elif not detail["synthetic_orphans"].sum():
            words = f"Every synthetic row refers to a row that is there, over {len(gaps)} references."
        else:
            words = (
                f"{100 * row['orphans_synthetic']:.2f} % of the synthetic rows of {row['reference']} refer to a row "
                f"that is not there, and {100 * row['orphans_real']:.2f} % of the real ones."
            )
        return self._score(NAME, gap, verdict, words, self.title, detail)

    def _say_missing(self, gaps: list[Gap], detail: pl.DataFrame) -> Score:
        at, verdict = judge_worst(gaps, self.limits)
        row = detail.row(at, named=True)
        words = (
            f"{100 * row['missing_synthetic']:.2f} % of the synthetic rows of {row['reference']} refer to nothing, and "
            f"{100 * row['missing_real']:.2f} % of the real ones."
        )
        title = "References left empty, worst reference (difference of shares)"
        return self._score(f"{NAME}/missing", gaps[at], verdict, words, title, None)

    def _score(
        self, name: str, gap: Gap, verdict: Verdict, words: str, title: str, detail: pl.DataFrame | None
    ) -> Score:
        note = NO_CEILING if gap.baseline is None else ""
        return Score(
            name, gap.value, gap.interval(), gap.baseline, verdict, words + note, self.better, detail, title=title
        )  # fmt: skip


def _compare(
    case: DatabaseComparison, table: Table, at: int, reference: Reference
) -> tuple[tuple[Gap, Gap], bool, dict[str, object]]:
    """Return the gaps of orphans and of missing references, whether real data have no orphan, and the detail."""
    streams = case.streams.at(NAME).at(f"{table.name}.{at}")
    rows = [pointers(case, side)[table.name, at] for side in sides(case)]
    plan = Plan.make([entities(case, side).labels[table.name] for side in sides(case)], streams)
    gaps = tuple(
        plan.compare([add_up(_marks(found, state)) for found in rows], apart(_rate))
        for state in (ORPHAN, MISSING)
    )
    hits = [int((found == ORPHAN).sum()) for found in rows]
    if hits[0] == 0 and gaps[0].value == 0.0:
        # no draw has an orphan either, and yet a larger sample might
        gaps = (_with_spread(gaps[0], share_interval(0, len(rows[0]))[1]), gaps[1])
    row = {
        "reference": say_reference(table, reference),
        "rows": len(rows[0]),
        "synthetic_orphans": hits[0],
        "orphans_real": hits[1] / len(rows[1]),
        "orphans_synthetic": hits[0] / len(rows[0]),
        "missing_real": float((rows[1] == MISSING).mean()),
        "missing_synthetic": float((rows[0] == MISSING).mean()),
    }
    return (gaps[0], gaps[1]), sum(hits[1:]) == 0, row


def _marks(rows: Array, state: int) -> Array:
    return np.column_stack([np.ones(len(rows)), rows == state])


def _rate(sums: Array) -> Array:
    rate: Array = sums[..., 1] / np.maximum(sums[..., 0], 1.0)
    return rate


def _with_spread(gap: Gap, high: float) -> Gap:
    return Gap(gap.value, gap.baseline, gap.chance, np.array([0.0, 2 * high / 1.96]))
