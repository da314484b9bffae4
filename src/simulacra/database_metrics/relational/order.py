"""Whether events follow each other as real ones do: when they begin, how far apart they are, and what follows what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import polars as pl

from simulacra.database_metric import DatabaseComparison, DatabaseMetric
from simulacra.database_metrics._case import NO_CEILING, not_computed
from simulacra.database_metrics._clustered import judge_worst
from simulacra.database_metrics._histories import compare_histories, find_owner
from simulacra.metric import Score

NAME = "relational/order"
MOST_ROWS = 50_000


class Order(DatabaseMetric):
    """How far the histories of entities are from real ones, in the aspect that loses most; 0 is perfect.

    For every table whose rows have an order, by entity: events per entity, the first and the last event, the time
    from one to the other, and the time between events (Kolmogorov-Smirnov distances); for each number the correlation
    of its ranks with those of the event before (absolute difference); for each category how often which level follows
    which (total variation of the table of pairs). The baseline is the same for training rows.

    Notes
    -----
    **Verdict** on the distance minus the baseline (without one, minus what chance gives): pass up to 0.05, look up to
    0.15, fail above; passes where chance explains the excess, entities taken as a whole.

    **Interval** bootstrap over groups of entities.

    **Detail** for each table and aspect: ``distance`` and ``baseline``. Times are in days.

    **Cost** linear in rows x columns; of each table so many entities that there are about 50,000 rows.

    **Source** Kolmogorov 1933; change of sides: Good 2005, section 3.2.
    """

    title: ClassVar[str] = "Events in their order, worst aspect (distance, 0 to 1)"
    limits: ClassVar[tuple[float, float]] = (0.05, 0.15)

    def score(self, case: DatabaseComparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        ordered = [table for table in case.schema.tables if table.order is not None]
        if not ordered:
            why = "no table has an order. Name the column by which events follow each other: schema.with_order(...)"
            return not_computed(self, NAME, why, asked=False)
        records, gaps = [], []
        for table in ordered:
            owner = find_owner(case, table)
            if owner is None:
                continue
            streams = case.streams.at(NAME).at(table.name)
            for what, column, gap in compare_histories(case, table, owner, MOST_ROWS, streams):
                records.append({"table": table.name, "aspect": what, "column": column, "distance": gap.value,
                                "baseline": gap.baseline})  # fmt: skip
                gaps.append(gap)
        if not gaps:
            why = "no ordered table has events of at least 20 entities on every side."
            return not_computed(self, NAME, why)
        at, verdict = judge_worst(gaps, self.limits)
        gap, row = gaps[at], records[at]
        real = "" if gap.baseline is None else f" (unseen real histories: {gap.baseline:.3f})"
        words = (
            f"Of {len(gaps)} aspects of events, {row['aspect']} ({row['table']}.{row['column']}) is farthest from real "
            f"data: {gap.value:.3f}{real}."
        )
        detail = pl.DataFrame(records, infer_schema_length=None).with_columns(
            pl.col("baseline").cast(pl.Float64)
        )
        return [
            Score(
                NAME, gap.value, gap.interval(2.0), gap.baseline, verdict,
                words + (NO_CEILING if gap.baseline is None else ""), self.better,
                detail.sort("distance", descending=True, maintain_order=True), title=self.title,
            )
        ]  # fmt: skip
