"""How far each column's distribution is from the real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import (
    LEVEL_KINDS,
    NUMERIC_KINDS,
    draw,
    empty_side,
    judge_distance,
    level_codes,
    not_computed,
    predictive_columns,
)
from simulacra.metrics._cells import total_variation
from simulacra.metrics._resampling import plan_both, recentred_interval
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

NAME = "fidelity/marginals"
GRID = 256
FOLDED_LEVELS = 1_000
LOUD = 0.10
"""A column this much worse than real data deserves a look, however good the mean is."""


class Marginals(Metric):
    """The mean over columns of the distance between synthetic and real distributions; 0 is perfect.

    Numbers, dates and times: the Kolmogorov-Smirnov distance, with missing values as a mass below all others.
    Categories and booleans: the total variation distance, missing being a level. Text: the Kolmogorov-Smirnov
    distance of its lengths. Keys and identifying columns are made anew and left out. The real side is the
    holdout, or the training rows without one. The baseline is the same for as many training rows against the
    holdout; without it the verdict is never worse than look.

    Notes
    -----
    **Verdict** on the value minus the baseline (minus 0 without one): pass up to 0.02, look up to 0.05, fail
    above; never better than look when a single column is more than 0.10 above its own baseline.

    **Interval** bootstrap of counts over groups of rows (`simulacra.metrics._resampling`), moved back onto
    the value. For numbers it is taken on 256 shared cells, for vocabularies on the 1,000 commonest levels.

    **Detail** for each column: ``distance``, ``baseline``, ``low`` and ``high`` (95 %), shares of missing
    values, and for numbers and times ``wasserstein`` in the column's ``unit`` (dates in days, times in
    seconds).

    **Cost** rows x log(rows) for each column.

    **Source** Kolmogorov-Smirnov: Massey 1951; Wasserstein: Villani 2003, section 2.2 (one dimension).

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})
    >>> case = Comparison(Table("t", (Column("x", "number"),)), frame, frame)
    >>> Marginals().score(case)[0].value
    0.0
    """

    family: ClassVar[str] = "fidelity"
    limits: ClassVar[tuple[float, float]] = (0.02, 0.05)

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
        fake = draw(case.synthetic, rows, streams.stream("synthetic"))
        ceiling = None if case.holdout is None else draw(case.train, rows, streams.stream("baseline"))
        plans = plan_both(streams, fake.height, real.height)
        records, repeated = [], []
        for column in columns:
            name = column.name
            sides = (fake[name], real[name], None if ceiling is None else ceiling[name])
            record, codes, size, ordered = _compare(column, *sides)
            left, right = (plan.shares(code, size) for plan, code in zip(plans, codes, strict=True))
            draws = _supremum(left, right) if ordered else total_variation(left, right)
            record["low"], record["high"] = recentred_interval(record["distance"], draws)
            records.append(record)
            repeated.append(draws)
        detail = pl.DataFrame(records, schema=_SCHEMA)
        value = float(np.mean(detail["distance"].to_numpy()))
        baseline = None if ceiling is None else float(np.mean(detail["baseline"].to_numpy()))
        interval = recentred_interval(value, np.mean(repeated, axis=0))
        excess = (detail["distance"] - detail["baseline"].fill_null(0.0)).to_numpy()
        verdict = judge_distance(value, baseline, self.limits)
        if verdict == "pass" and excess.max() > LOUD:
            verdict = "look"
        words = _say(value, baseline, detail, int(excess.argmax()))
        return [
            Score(
                NAME,
                value,
                interval,
                baseline,
                verdict,
                words,
                self.better,
                detail,
                title="Single columns (mean distance)",
            )
        ]


_SCHEMA = {
    "column": pl.String,
    "kind": pl.String,
    "distance": pl.Float64,
    "baseline": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "missing_real": pl.Float64,
    "missing_synthetic": pl.Float64,
    "wasserstein": pl.Float64,
    "unit": pl.String,
}


def _compare(
    column: Column, fake: pl.Series, real: pl.Series, ceiling: pl.Series | None
) -> tuple[dict[str, Any], list[Array], int, bool]:
    """Return a column's record; then both sides' codes, their number, and whether they are ordered."""
    record: dict[str, Any] = {
        "column": column.name,
        "kind": column.kind,
        "missing_real": real.null_count() / len(real),
        "missing_synthetic": fake.null_count() / len(fake),
    }
    if column.kind in LEVEL_KINDS:
        parts = [fake, real] if ceiling is None else [fake, real, ceiling]
        codes, size = level_codes(*parts)
        shares = [np.bincount(code, minlength=size) / len(code) for code in codes]
        record["distance"] = float(total_variation(shares[0], shares[1]))
        record["baseline"] = None if ceiling is None else float(total_variation(shares[2], shares[1]))
        folded = [np.minimum(code, FOLDED_LEVELS) for code in codes[:2]]
        return record, folded, min(size, FOLDED_LEVELS + 1), False
    left, right = _measure(fake, column), _measure(real, column)
    record["distance"], transport = _distances(left, right)
    record["baseline"] = None if ceiling is None else _distances(_measure(ceiling, column), right)[0]
    if column.kind in NUMERIC_KINDS:
        record["wasserstein"] = transport
        record["unit"] = column.unit or {"number": None, "date": "days"}.get(column.kind, "seconds")
    codes, size = _grid(left, right)
    return record, codes, size, True


def _measure(values: pl.Series, column: Column) -> Array:
    if column.kind in NUMERIC_KINDS:
        return as_numbers(values)
    return values.cast(pl.String).str.len_chars().cast(pl.Float64).to_numpy()


def _distances(left: Array, right: Array) -> tuple[float, float | None]:
    """Return Kolmogorov-Smirnov with missing below all, and Wasserstein-1 of the values that are there."""
    known_left, known_right = (np.sort(side[~np.isnan(side)]) for side in (left, right))
    gap_missing = abs(len(known_left) / len(left) - len(known_right) / len(right))
    places = np.sort(np.concatenate([known_left, known_right]))
    if len(places) == 0:
        return gap_missing, None
    below_left = np.searchsorted(known_left, places, side="right")
    below_right = np.searchsorted(known_right, places, side="right")
    missing_left, missing_right = len(left) - len(known_left), len(right) - len(known_right)
    gaps = np.abs((below_left + missing_left) / len(left) - (below_right + missing_right) / len(right))
    supremum = max(gap_missing, float(gaps.max()))
    if len(known_left) == 0 or len(known_right) == 0:
        return supremum, None
    between = np.abs(below_left / len(known_left) - below_right / len(known_right))[:-1]
    return supremum, float((between * np.diff(places)).sum())


def _grid(left: Array, right: Array) -> tuple[list[Array], int]:
    """Sort both sides into shared cells in order, missing first."""
    pooled = np.concatenate([left, right])
    known = pooled[~np.isnan(pooled)]
    edges = (
        np.unique(np.quantile(known, np.linspace(0, 1, GRID), method="inverted_cdf")) if len(known) else known
    )
    codes = [
        np.where(np.isnan(side), 0, np.searchsorted(edges, side, side="left") + 1) for side in (left, right)
    ]
    return codes, len(edges) + 2


def _supremum(left: Array, right: Array) -> Array:
    return np.abs(np.cumsum(left - right, axis=1)).max(axis=1)


def _say(value: float, baseline: float | None, detail: pl.DataFrame, worst: int) -> str:
    row = detail.row(worst, named=True)
    real = "" if baseline is None else f" (real data: {baseline:.3f})"
    return (
        f"On average a synthetic column is {value:.3f} away from the real one{real}, where 0 is the same "
        f"shape and 1 is no overlap; the one that loses most against real data is {row['column']!r} with "
        f"{row['distance']:.3f}."
    )
