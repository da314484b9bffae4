"""How far each column's distribution is from the real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import (
    NUMERIC_KINDS,
    ceiling_note,
    draw,
    empty_side,
    not_computed,
    predictive_columns,
)
from simulacra.metrics._cells import total_variation
from simulacra.metrics._exchange import Excess, Exchange, worst_of
from simulacra.metrics._resampling import Resample, plan_both, recentred_interval
from simulacra.metrics._shapes import (
    distance,
    grid,
    has_levels,
    kolmogorov,
    level_coverage,
    levels,
    measure,
    range_coverage,
    wasserstein,
)
from simulacra.schema.types import Column

NAME = "fidelity/marginals"
LOUD = 0.10
"""A column this much worse than real data deserves a look, however good the mean is."""


class Marginals(Metric):
    """The mean over columns of the distance between synthetic and real distributions; 0 is perfect.

    Numbers, dates and times: the Kolmogorov-Smirnov distance, with missing values as a mass below all others.
    Categories and booleans: the total variation distance, missing being a level. Text: the Kolmogorov-Smirnov
    distance of its lengths. Keys and identifying columns are made anew and left out. The real side is the
    holdout, or the training rows without one. The baseline is the same for as many training rows against the
    holdout. A second score, ``fidelity/marginals/worst``, is about the one column that loses most.

    Notes
    -----
    **Verdict** on the value minus the baseline (without one, minus what chance gives): pass up to 0.02, look up to
    0.05, fail above; never better than look when a single column is more than 0.10 above its own baseline. The worst
    column: pass up to 0.02, look up to 0.10. Either passes where chance explains the excess: the spread that it has
    when synthetic rows and those of the baseline change sides at random.

    **Interval** bootstrap of counts over groups of rows (`simulacra.metrics._resampling`), moved back onto
    the value. For numbers it is taken on 256 shared cells, for vocabularies on the 1,000 commonest levels. That of
    the worst column does not hold the choice of the column.

    **Detail** for each column: ``measure`` (KS or TVD), ``distance``, ``baseline``, ``low`` and ``high`` (95 %), and
    shares of missing values. For numbers and times ``wasserstein`` (Wasserstein-1) in the column's ``unit`` (dates in
    days, times in seconds), where a value beyond the real range counts as at most one range length beyond it, so that
    one outlier can not explode it, and ``range_coverage``: how much of the range from the 1st to the 99th percentile
    of real values lies between those of synthetic ones. For levels ``category_coverage``: the share of real levels
    that synthetic rows hold. Names that end in ``_baseline`` hold the same for real data.

    **Cost** rows x log(rows) for each column.

    **Source** Kolmogorov-Smirnov: Massey 1951; Wasserstein: Villani 2003, section 2.2 (one dimension); change of
    sides: Good 2005, "Permutation, Parametric and Bootstrap Tests of Hypotheses", section 3.2.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})
    >>> case = Comparison(Table("t", (Column("x", "number"),)), frame, frame)
    >>> Marginals().score(case)[0].value
    0.0
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Single columns (mean distance, 0 to 1)"
    limits: ClassVar[tuple[float, float]] = (0.02, 0.05)
    worst_limits: ClassVar[tuple[float, float]] = (0.02, 0.10)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        why = empty_side(case)
        columns = predictive_columns(case.table)
        if why is None and not columns:
            why = "the table has no columns but keys and identifiers, which are made anew."
        if why is not None:
            return not_computed(self, NAME, why)
        streams = case.streams.at(NAME)
        real = case.reference
        rows = min(case.train.height, case.synthetic.height)
        frames = [draw(case.synthetic, rows, streams.stream("synthetic")), real]
        if case.holdout is not None:
            frames.append(draw(case.train, rows, streams.stream("baseline")))
        plans = plan_both(streams, frames[0].height, real.height)
        exchange = Exchange.plan(rows, frames[-1].height, streams.stream("exchange"))
        # the products of matrices are small: threads would cost more than they bring
        with threadpool_limits(1, user_api="blas"):
            records, repeated, chance = _measure_all(columns, frames, plans, exchange)
        detail = pl.DataFrame(records, schema=_SCHEMA)
        excesses = [
            Excess.over(row["distance"], row.get("baseline"), draws)
            for row, draws in zip(records, chance, strict=True)
        ]
        at, worst = worst_of(excesses, self.worst_limits)
        return [
            self._mean(detail, at, np.mean(repeated, axis=0), np.mean(chance, axis=0), excesses),
            self._worst(detail.row(at, named=True), worst, len(columns)),
        ]

    def _mean(
        self, detail: pl.DataFrame, at: int, repeated: Array, chance: Array, excesses: list[Excess]
    ) -> Score:
        value = float(np.mean(detail["distance"].to_numpy()))
        given = detail["baseline"].null_count() == 0
        baseline = float(np.mean(detail["baseline"].to_numpy())) if given else None
        verdict = Excess.over(value, baseline, chance).judge(self.limits)
        loud = [excess for excess in excesses if excess.judge((LOUD, 1.0), len(excesses)) != "pass"]
        if verdict == "pass" and loud:
            verdict = "look"
        return Score(
            NAME,
            value,
            recentred_interval(value, repeated),
            baseline,
            verdict,
            _say(value, baseline, detail.row(at, named=True)),
            self.better,
            detail,
            title=self.title,
        )

    def _worst(self, row: dict[str, Any], verdict: Verdict, looks: int) -> Score:
        alone = row["baseline"] is None
        real = "" if alone else f" where unseen real rows get {row['baseline']:.3f}"
        words = (
            f"Of {looks:,} columns {row['column']!r} "
            f"{'is farthest away' if alone else 'loses most against real data'}: "
            f"it is {row['distance']:.3f} away from the real column{real} (0 is the same shape, 1 is no overlap)."
            f"{ceiling_note(row['baseline'])}"
        )
        return Score(
            f"{NAME}/worst",
            row["distance"],
            (row["low"], row["high"]),
            row["baseline"],
            verdict,
            words,
            self.better,
            title="The worst single column (distance, 0 to 1)",
        )


_SCHEMA = {
    "column": pl.String,
    "kind": pl.String,
    "measure": pl.String,
    "distance": pl.Float64,
    "baseline": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "missing_real": pl.Float64,
    "missing_synthetic": pl.Float64,
    "wasserstein": pl.Float64,
    "wasserstein_baseline": pl.Float64,
    "unit": pl.String,
    "range_coverage": pl.Float64,
    "range_coverage_baseline": pl.Float64,
    "category_coverage": pl.Float64,
    "category_coverage_baseline": pl.Float64,
}


@dataclass(frozen=True)
class _Found:
    """A column's record, and every frame's codes in shared cells."""

    record: dict[str, Any]
    codes: list[Array]
    size: int


def _measure_all(
    columns: list[Column], frames: list[pl.DataFrame], plans: tuple[Resample, Resample], exchange: Exchange
) -> tuple[list[dict[str, Any]], list[Array], list[Array]]:
    """Return each column's record, its distance in every repetition, and what chance makes of its excess."""
    records, repeated, chance = [], [], []
    for column in columns:
        found = _compare(column, [frame[column.name] for frame in frames])
        sides = [plan.shares(code, found.size) for plan, code in zip(plans, found.codes, strict=False)]
        repeated.append(distance(column, *sides))
        one, other = exchange.shares(found.codes[0], found.codes[-1], found.size)
        if len(frames) == 3:
            held = np.bincount(found.codes[1], minlength=found.size) / frames[1].height
            chance.append(distance(column, one, held) - distance(column, other, held))
        else:
            chance.append(distance(column, one, other))
        low, high = recentred_interval(found.record["distance"], repeated[-1])
        records.append(found.record | {"low": low, "high": high})
    return records, repeated, chance


def _compare(column: Column, parts: list[pl.Series]) -> _Found:
    """Compare a column of synthetic rows, of real rows and, where there is a ceiling, of other real rows."""
    fake, real = parts[:2]
    record: dict[str, Any] = {
        "column": column.name,
        "kind": column.kind,
        "measure": "TVD" if has_levels(column) else "KS",
        "missing_real": real.null_count() / len(real),
        "missing_synthetic": fake.null_count() / len(fake),
    }
    sides = {"": 0, "_baseline": 2} if len(parts) == 3 else {"": 0}
    if has_levels(column):
        codes, folded, shares, size = levels(parts)
        there = [code[part.is_not_null().to_numpy()] for code, part in zip(codes, parts, strict=True)]
        for end, side in sides.items():
            record[end[1:] or "distance"] = float(total_variation(shares[side], shares[1]))
            record["category_coverage" + end] = level_coverage(there[side], there[1])
        return _Found(record, folded, size)
    values = [measure(part, column) for part in parts]
    if column.kind in NUMERIC_KINDS:
        record["unit"] = column.unit or {"number": None, "date": "days"}.get(column.kind, "seconds")
    for end, side in sides.items():
        record[end[1:] or "distance"] = kolmogorov(values[side], values[1])
        if column.kind in NUMERIC_KINDS:
            record["wasserstein" + end] = wasserstein(values[side], values[1])
            record["range_coverage" + end] = range_coverage(values[side], values[1])
    codes, size = grid(values)
    return _Found(record, codes, size)


def _say(value: float, baseline: float | None, worst: dict[str, Any]) -> str:
    real = "" if baseline is None else f" (real data: {baseline:.3f})"
    most = "is farthest away" if baseline is None else "loses most against real data"
    return (
        f"On average a synthetic column is {value:.3f} away from the real one{real}, where 0 is the same "
        f"shape and 1 is no overlap; the one that {most} is {worst['column']!r} with "
        f"{worst['distance']:.3f}.{ceiling_note(baseline)}"
    )
