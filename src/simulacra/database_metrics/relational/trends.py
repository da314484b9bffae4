"""Whether columns go together with those of the parent and the grandparent as in real data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.database_metric import DatabaseComparison, DatabaseMetric
from simulacra.database_metrics._case import NO_CEILING, not_computed
from simulacra.database_metrics._clustered import Gap, judge_worst
from simulacra.database_metrics._pairs import compare_pairs, list_ascents
from simulacra.metric import Score
from simulacra.metrics._exchange import Excess

NAME = "relational/trends"
HOPS = 2
MOST_ROWS = 10_000


class Trends(DatabaseMetric):
    """The mean distance between synthetic and real joint tables of a column with one of a table above; 0 is perfect.

    Every row is joined with the row it refers to (one hop) and the row that this one refers to (two hops). Columns
    are cut into at most 8 shared cells that real rows set, with one more for values outside and one for missing ones,
    and the joint tables of each column with each column above it are compared (total variation).
    ``relational/trends/worst`` is the pair that loses most. The baseline is the same for as many training rows.

    Notes
    -----
    **Verdict** on the value minus the baseline (without one, minus what chance gives): pass up to 0.03, look up to
    0.08, fail above; for the worst pair pass up to 0.06, look up to 0.15. Either passes where chance explains the
    excess: rows of one entity change sides together, for they are alike.

    **Interval** bootstrap over groups of entities.

    **Detail** for each pair: ``hops``, ``real`` and ``synthetic`` (association: Cramér's V on the cells, corrected
    for bias), ``distance`` and ``baseline``.

    **Cost** rows x pairs, at most 10,000 rows of each table.

    **Source** Bergsma 2013, equation 8; change of sides: Good 2005, section 3.2; pairs over several hops: Hudovernik,
    Jurkovič & Štrumbelj 2024, section 4.
    """

    title: ClassVar[str] = "Columns with those of parent and grandparent (mean distance, 0 to 1)"
    limits: ClassVar[tuple[float, float]] = (0.03, 0.08)
    worst_limits: ClassVar[tuple[float, float]] = (0.06, 0.15)

    def score(self, case: DatabaseComparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        ascents = list_ascents(case, HOPS)
        found = [
            pair
            for ascent in ascents
            for pair in compare_pairs(
                case, ascent, min(MOST_ROWS, case.max_rows), case.streams.at(NAME).at(ascent.table, ascent.label)
            )
        ]  # fmt: skip
        if not found:
            why = "no table with 50 rows has columns to compare with those of a table that it refers to."
            return not_computed(self, NAME, why, asked=bool(ascents))
        detail = pl.DataFrame([row for row, _ in found], infer_schema_length=None)
        detail = detail.with_columns(pl.col("baseline").cast(pl.Float64))
        gaps = [gap for _, gap in found]
        return [self._mean(gaps, detail), self._worst(gaps, detail)]

    def _mean(self, gaps: list[Gap], detail: pl.DataFrame) -> Score:
        value = float(np.mean([gap.value for gap in gaps]))
        known = [gap.baseline for gap in gaps if gap.baseline is not None]
        baseline = float(np.mean(known)) if known else None
        # pairs of unlike ways have draws of their own; adding their spreads up as if they moved together is safe
        error = float(np.mean([gap.excess.error for gap in gaps]))
        excess = float(np.mean([gap.excess.value for gap in gaps]))
        half = 1.96 * float(np.mean([gap.spread.std() for gap in gaps]))
        farthest = detail.sort("distance", descending=True, maintain_order=True)
        first = farthest.row(0, named=True)
        real = "" if baseline is None else f" (real data: {baseline:.3f})"
        words = (
            f"On average a column with one of a table above is {value:.3f} away from the real pair{real}, over "
            f"{len(gaps):,} pairs; the farthest is {first['column_a']!r} with {first['column_b']!r} at "
            f"{first['distance']:.3f}."
        )
        return Score(
            NAME, value, (max(0.0, value - half), min(1.0, value + half)), baseline,
            Excess(excess, error).judge(self.limits), words + (NO_CEILING if baseline is None else ""), self.better,
            farthest, title=self.title,
        )  # fmt: skip

    def _worst(self, gaps: list[Gap], detail: pl.DataFrame) -> Score:
        at, verdict = judge_worst(gaps, self.worst_limits)
        gap, row = gaps[at], detail.row(at, named=True)
        real = "" if gap.baseline is None else f" where unseen real rows get {gap.baseline:.3f}"
        words = (
            f"{row['column_a']!r} with {row['column_b']!r} loses most: {gap.value:.3f} away from the real pair{real}; "
            f"their association is {row['synthetic']:.2f}, and {row['real']:.2f} in real rows (0 is none, 1 is full)."
        )
        return Score(
            f"{NAME}/worst", gap.value, gap.interval(), gap.baseline, verdict,
            words + (NO_CEILING if gap.baseline is None else ""), self.better,
            title="The worst pair with a table above (distance, 0 to 1)",
        )  # fmt: skip
