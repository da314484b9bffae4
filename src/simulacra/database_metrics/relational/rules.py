"""Whether synthetic rows keep the rules that the schema states for each table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import polars as pl

from simulacra.database_metric import DatabaseComparison, DatabaseMetric
from simulacra.database_metrics._case import NO_CEILING, not_computed, sides
from simulacra.metric import Score, Verdict
from simulacra.metrics._shares import exact_interval
from simulacra.schema.breaches import find_broken

NAME = "relational/rules"


class Rules(DatabaseMetric):
    """The share of synthetic rows that break a rule of the schema, of the rule that is broken most; 0 is right.

    Every constraint of every table is tried. The baseline is the same share among training rows.

    Notes
    -----
    **Verdict**: pass where no synthetic row breaks a rule that real rows keep; fail otherwise. Where real rows break
    a rule themselves, look up to their own share, and fail above.

    **Interval** exact (Clopper and Pearson).

    **Detail** for each rule: rows that break it, and the shares of synthetic and of real ones.

    **Cost** linear in rows, for each rule.

    **Source** Clopper & Pearson 1934.
    """

    title: ClassVar[str] = "Rows that break a rule of the schema, worst rule (share)"

    def score(self, case: DatabaseComparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        stated = [(table, rule) for table in case.schema.tables for rule in table.constraints]
        if not stated:
            why = "the schema states no rules. Add some with schema.with_constraint(...), or find them with mine."
            return not_computed(self, NAME, why, asked=False)
        records: list[dict[str, Any]] = []
        for table, rule in stated:
            frames = [case.side(side)[table.name] for side in sides(case)]
            if not all(len(frame) for frame in frames):
                continue
            broken = [int(find_broken(rule, frame, table).sum()) for frame in frames]
            rates = [count / len(frame) for count, frame in zip(broken, frames, strict=True)]
            records.append(
                {
                    "table": table.name,
                    "rule": str(rule),
                    "broken": broken[0],
                    "rows": len(frames[0]),
                    "share": rates[0],
                    "share_real": max(rates[1:]),
                    "train": rates[2] if len(rates) == 3 else None,
                }
            )
        if not records:
            return not_computed(self, NAME, "no table with rules has rows on every side.")
        worst = max(records, key=lambda row: (row["share"] - row["share_real"], row["share"]))
        verdict: Verdict = "pass"
        if any(row["share"] > 0 and row["share"] > row["share_real"] for row in records):
            verdict = "fail"
        elif any(row["share"] > 0 for row in records):
            verdict = "look"
        words = f"All {len(records)} rules hold in every synthetic row."
        if worst["broken"]:
            words = (
                f"{worst['broken']:,} of {worst['rows']:,} synthetic rows of {worst['table']!r} break {worst['rule']}; "
                f"{100 * worst['share_real']:.2f} % of the real rows do."
            )
        detail = pl.DataFrame(records, infer_schema_length=None).drop("train")
        return [
            Score(
                NAME, worst["share"], exact_interval(worst["broken"], worst["rows"]), worst["train"], verdict,
                words + (NO_CEILING if case.holdout is None else ""), self.better,
                detail.sort("share", descending=True, maintain_order=True), title=self.title,
            )
        ]  # fmt: skip
