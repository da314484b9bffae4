"""How well a logistic regression can tell synthetic rows from real ones: shown because others show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import (
    ceiling_note,
    draw,
    empty_side,
    not_computed,
    predictive_columns,
    sampled_note,
    too_few,
)
from simulacra.metrics._linear import Coding, encode, fit_logistic
from simulacra.metrics._roc import area, area_interval, judge_area
from simulacra.randomness import Streams

NAME = "fidelity/logistic"
FOLDS = 5
FEWEST_ROWS = 50
MOST_ROWS = 20_000
MOST_FEATURES = 200


class Logistic(Metric):
    """A classifier two-sample test with logistic regression: out-of-fold AUC of synthetic against unseen real rows.

    0.5 is perfect. It sees how each column is distributed on its own and next to nothing of how columns hang
    together: columns that were shuffled independently pass it. `fidelity/detection` is the test to look at; this one
    is here because other tools report it. Numbers are standardised with marks for missing values, and the commonest
    levels have a mark each.

    Notes
    -----
    **Verdict** on the value minus the baseline, or minus 0.5 where that is larger or there is none: pass up to 0.10,
    look up to 0.25, fail above; pass where the spread of the AUC of guessing explains the excess.

    **Interval** DeLong's variance of the pooled out-of-fold scores.

    **Detail** for each feature (column, and level where it has levels): the coefficient of the regression on all
    rows; positive where synthetic rows have more of it.

    **Privacy** a level is named only where at least 10 rows hold it; those of sensitive columns are not named.

    **Cost** rows x features squared, with at most 20,000 rows of each side and 200 features.

    **Source** Lopez-Paz & Oquab 2017, section 3; le Cessie & van Houwelingen 1992 for the regression.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout, fake = (pl.DataFrame({"x": rng.normal(size=200) + shift}) for shift in (0, 0, 5))
    >>> case = Comparison(Table("t", (Column("x", "number"),)), train, fake, holdout)
    >>> Logistic().score(case)[0].verdict
    'fail'
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Told apart by logistic regression (AUC, 0.5 is guessing)"
    limits: ClassVar[tuple[float, float]] = (0.10, 0.25)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = predictive_columns(case.table)
        cap = min(case.max_rows, MOST_ROWS)
        available = min(case.synthetic.height, case.reference.height, case.train.height)
        rows = min(available, cap)
        why = empty_side(case)
        if why is None and not columns:
            why = "no column can be compared: all are keys or identifiers."
        why = why or too_few(rows, FEWEST_ROWS)
        if why is not None:
            return not_computed(self, NAME, why)
        streams = case.streams.at(NAME)
        fake = draw(case.synthetic, rows, streams.stream("synthetic"))
        real = draw(case.reference, rows, streams.stream("reference"))
        names = [column.name for column in columns]
        pooled = pl.concat([fake.select(names), real.select(names)], how="vertical_relaxed")
        coding = encode(pooled, columns, MOST_FEATURES)
        secret = {c.name for c in columns if c.sensitive} | set(case.sensitive)
        with threadpool_limits(None if rows * len(coding.names) > 500_000 else 1, user_api="blas"):
            matrix = coding.matrix(pooled)
            scores, detail = _cross_validate(matrix, streams), _coefficients(matrix, coding, secret)
            baseline = None
            if case.holdout is not None:
                other = draw(case.train, rows, streams.stream("baseline"))
                apart = _cross_validate(np.vstack([coding.matrix(other), matrix[rows:]]), streams)
                baseline = area(apart, np.arange(2 * rows) < rows)
        value, interval = area_interval(scores, np.arange(2 * rows) < rows)
        beside = "50 % is guessing" + ("" if baseline is None else f"; real data get {100 * baseline:.0f} %")
        words = (
            f"A logistic regression finds the synthetic one of two rows {100 * value:.0f} % of the time ({beside}). "
            "It is nearly blind to how columns hang together, and is shown because other tools report it."
        )
        return [
            Score(
                NAME,
                value,
                interval,
                baseline,
                judge_area(value, baseline, rows, self.limits),
                words + sampled_note(rows, available, cap) + ceiling_note(baseline),
                self.better,
                detail,
                title=self.title,
            )
        ]


def _cross_validate(matrix: Array, streams: Streams) -> Array:
    """Return out-of-fold scores; the first half of the rows are synthetic."""
    rows = len(matrix) // 2
    fake = np.arange(2 * rows) < rows
    rng = streams.stream("folds")
    fold = np.concatenate([rng.permutation(rows) % FOLDS, rng.permutation(rows) % FOLDS])
    scores = np.empty(2 * rows)
    for number in range(FOLDS):
        inside = fold == number
        weights = fit_logistic(matrix[~inside], fake[~inside])
        scores[inside] = matrix[inside] @ weights[1:] + weights[0]
    return scores


def _coefficients(matrix: Array, coding: Coding, secret: set[str]) -> pl.DataFrame:
    """Set down the coefficients on all rows, the largest first."""
    weights = fit_logistic(matrix, np.arange(len(matrix)) < len(matrix) // 2)[1:]
    levels = ["(a level)" if column in secret and level else level for column, level in coding.names]
    frame = pl.DataFrame(
        {"column": [column for column, _ in coding.names], "level": levels, "coefficient": weights},
        schema={"column": pl.String, "level": pl.String, "coefficient": pl.Float64},
    )
    return frame.sort(pl.col("coefficient").abs(), descending=True, maintain_order=True)
