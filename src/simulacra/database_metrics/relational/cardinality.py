"""Whether parents have as many children as real ones, those without any among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.database_metric import DatabaseComparison, DatabaseMetric, Side
from simulacra.database_metrics._case import (
    NO_CEILING,
    empty_side,
    in_both,
    is_common,
    not_computed,
    pointers,
    references,
    say_reference,
    sides,
)
from simulacra.database_metrics._clustered import (
    Gap,
    Plan,
    count_codes,
    find_edges,
    judge_worst,
    largest_gap,
    shares,
)
from simulacra.domain import Array
from simulacra.metric import Score
from simulacra.schema.reference import Reference
from simulacra.schema.types import Table

NAME = "relational/cardinality"
FEWEST_PARENTS = 10
THINNED = " (children drawn so that both sides have as many)"


class Cardinality(DatabaseMetric):
    """The distance between synthetic and real numbers of children per parent, of the reference that loses most.

    For every reference the rows that refer to each row of the parent table are counted, parents without any among
    them, and the two distributions are held against each other (Kolmogorov-Smirnov; 0 is perfect). The baseline is
    the same for as many real parents.

    Notes
    -----
    **Verdict** on the distance minus the baseline (without one, minus what chance gives): pass up to 0.03, look up
    to 0.10, fail above; passes where chance explains the excess.

    A table that is common ground (role ``reference``, or whose rows are in the holdout and in the training data:
    districts, airports) has more children where there are more rows. There children are drawn at random until the
    sides have as many.

    **Interval** bootstrap over groups of parents.

    **Detail** for each reference: ``distance`` and ``baseline``; ``share``, the largest difference of the share of
    parents with one number of children, and ``at``, that number; mean number of children (``real``, ``synthetic``),
    share of parents without any (``none_real``, ``none_synthetic``) and the most children that one has
    (``most_real``, ``most_synthetic``; real ones only where 10 parents have as many).

    **Cost** linear in rows.

    **Source** Kolmogorov 1933; change of sides: Good 2005, section 3.2.
    """

    title: ClassVar[str] = "Children per parent, worst reference (distance, 0 to 1)"
    limits: ClassVar[tuple[float, float]] = (0.03, 0.10)

    def score(self, case: DatabaseComparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        listed = [
            (table, at, reference)
            for table, at, reference in references(case)
            if empty_side(case, reference.table) is None
            and min(len(case.side(side)[reference.table]) for side in sides(case)) >= FEWEST_PARENTS
        ]
        if not listed:
            why = "no table refers to another one of at least 10 rows."
            return not_computed(self, NAME, why, asked=any(True for _ in references(case)))
        found = [_compare(case, *one) for one in listed]
        worst, verdict = judge_worst([gap for gap, _ in found], self.limits)
        gap, row = found[worst]
        detail = pl.DataFrame([row for _, row in found], infer_schema_length=None)
        detail = detail.with_columns(pl.col("baseline").cast(pl.Float64))
        real = "" if gap.baseline is None else f" (other real parents: {gap.baseline:.3f})"
        words = (
            f"Numbers of children are farthest from real ones for {row['reference']}: {gap.value:.3f} apart{real}; "
            f"{row['synthetic']:.2f} on average where real parents have {row['real']:.2f}, and "
            f"{100 * row['none_synthetic']:.0f} % have none where {100 * row['none_real']:.0f} % of real ones have."
        )
        return [
            Score(
                NAME, gap.value, gap.interval(), gap.baseline, verdict,
                words + (NO_CEILING if gap.baseline is None else ""), self.better,
                detail.sort("distance", descending=True, maintain_order=True), title=self.title,
            )
        ]  # fmt: skip


def count_children(case: DatabaseComparison, side: Side, table: str, at: int, reference: Reference) -> Array:
    """Return how many rows refer to each row of the parent table on one side."""
    rows = pointers(case, side)[table, at]
    return np.bincount(rows[rows >= 0], minlength=len(case.side(side)[reference.table]))


def _compare(
    case: DatabaseComparison, table: Table, at: int, reference: Reference
) -> tuple[Gap, dict[str, Any]]:
    streams = case.streams.at(NAME).at(f"{table.name}.{at}")
    common = is_common(case, reference.table)
    counted = []
    for side in sides(case):
        numbers = count_children(case, side, table.name, at, reference)
        counted.append(numbers if common else numbers[~in_both(case, reference.table, side)])
    if common:
        fewest = min(float(numbers.mean()) for numbers in counted)
        # thinning: each child stays with the chance that makes the sides' means equal
        counted = [
            streams.stream("thin", side).binomial(numbers, min(1.0, fewest / max(1e-12, float(numbers.mean()))))
            for side, numbers in zip(sides(case), counted)
        ]  # fmt: skip
    rows = min(len(counted[0]), len(counted[-1]))
    kept = [
        numbers if len(numbers) <= rows or place == 1 else streams.stream("rows", place).permutation(numbers)[:rows]
        for place, numbers in enumerate(counted)
    ]  # fmt: skip
    edges = find_edges(kept)
    codes = [np.searchsorted(edges, numbers) for numbers in kept]
    size = len(edges)
    plan = Plan.make([np.arange(len(numbers)) for numbers in kept], streams)
    gap = plan.compare([count_codes(code, size) for code in codes], largest_gap)
    fake, real = (shares(np.bincount(code, minlength=size).astype(np.float64)) for code in codes[:2])
    far = int(np.abs(fake - real).argmax())
    synthetic, held = kept[0], kept[1]
    row = {
        "reference": say_reference(table, reference) + (THINNED if common else ""),
        "distance": gap.value,
        "baseline": gap.baseline,
        "share": float(abs(fake - real)[far]),
        "at": f"{edges[far]:,}",
        "real": float(held.mean()),
        "synthetic": float(synthetic.mean()),
        "none_real": float((held == 0).mean()),
        "none_synthetic": float((synthetic == 0).mean()),
        "most_real": int(np.sort(held)[-FEWEST_PARENTS]),
        "most_synthetic": int(synthetic.max()),
    }
    return gap, row
