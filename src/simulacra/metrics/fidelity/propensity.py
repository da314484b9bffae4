"""How far propensity scores of synthetic rows are from guessing (pMSE), as a ratio to what the true model would get."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from scipy.stats import chi2, f
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import (
    comparable_columns,
    draw,
    empty_side,
    judge,
    not_computed,
    too_few,
)
from simulacra.metrics._features import extract
from simulacra.metrics._presence import Sides
from simulacra.metrics._propensity import design, expected_pmse, pmse, propensities
from simulacra.metrics._resampling import Resample, recentred_interval
from simulacra.metrics._verdicts import ALARM
from simulacra.randomness import Streams
from simulacra.schema.types import Column

NAME = "fidelity/propensity"
CART = f"{NAME}/cart"
CART_TITLE = "Propensity scores of a tree (error, 1 is ideal)"
MOST_ROWS = 10_000
CART_ROWS = 2_500
MOST_TERMS = 80
ROWS_PER_TERM = 25
FEWEST_ROWS = 50
FEWEST_PERMUTATIONS, MOST_PERMUTATIONS = 30, 150
PERMUTED_ROWS = 75_000
LEAVES = 50


class Propensity(Metric):
    """The propensity score mean squared error (pMSE) of a logistic model, divided by its expectation; 1 is ideal.

    A model learns to tell synthetic rows from training rows; pMSE is the mean squared distance of its scores from the
    share of synthetic rows. The logistic model has main effects (numbers and their squares, common levels, missing
    values) and products of two columns, at most 80 terms and one per 25 rows. The expectation is for rows that the true
    model makes after it was fitted to the training rows: fresh real rows, which come with noise of their own on both
    sides, get about 2. The second score takes a classification tree, whose expectation comes from permuting who is
    synthetic, on the same scale. The baselines are for the holdout (without one: one half of the training rows).

    Notes
    -----
    **Verdict** on the ratio: pass up to 3 or where as high a figure has a chance of more than one in 10,000 for fresh
    real rows, look up to 10, fail above.

    **Interval** logistic: from the noncentral chi-square that pMSE follows; tree: bootstrap of its leaves.

    **Detail** logistic: ``pmse``, ``expected``, ``ratio``, ``standardized`` (distance from the expectation in standard
    deviations) and ``parameters`` of the whole model, then of a model of each column alone; tree: how much each column
    contributes to the splits (``importance``).

    **Cost** rows x terms squared; at most 10,000 rows of each side, 2,500 for 32 trees and more.

    **Source** Snoke, Raab, Nowok, Dibben & Slavkovic 2018, "General and specific utility measures for synthetic data",
    sections 3 (closed form) and 4 (trees and permutation).

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> rng = np.random.default_rng(0)
    >>> real, holdout, fake = (pl.DataFrame({"x": rng.normal(size=500) + shift}) for shift in (0, 0, 4))
    >>> [s.verdict for s in Propensity().score(Comparison(Table("t", (Column("x", "number"),)), real, fake, holdout))]
    ['fail', 'fail']
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Propensity scores of a logistic model (error, 1 is ideal)"
    limits: ClassVar[tuple[float, float]] = (3.0, 10.0)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = empty_side(case)
        if why is None and not columns:
            why = "no column can be compared: all are text, keys or identifiers."
        if why is None:
            streams = case.streams.at(NAME)
            sides = Sides.take(case, columns, streams, min(MOST_ROWS, case.max_rows))
            why = too_few(sides.fewest, FEWEST_ROWS)
        if why is not None:
            return not_computed(self, NAME, why)
        return [self._score_logistic(sides, columns, streams), self._score_cart(sides, columns, streams)]

    def _score_logistic(self, sides: Sides, columns: list[Column], streams: Streams) -> Score:
        rows = sides.fewest
        real = draw(sides.known, rows, streams.stream("logistic", "known"))
        fake = draw(sides.fake, rows, streams.stream("logistic", "fake"))
        fresh = draw(sides.fresh, rows, streams.stream("logistic", "fresh"))
        # one thread: several cost more than they bring, and add in another order
        with threadpool_limits(1, user_api="blas"):
            found, alone = _fit_logistic([fake, real], columns, streams, each=True)
            baseline, _ = _fit_logistic([fresh, real], columns, streams, each=False)
        if found.parameters == 1:
            return not_computed(self, NAME, "no column varies, so there is nothing to tell rows apart by.")[0]
        verdict: Verdict = "pass" if found.chance >= ALARM else judge(found.ratio, self.limits)
        words = (
            f"A logistic model's chances that a row is synthetic differ from guessing {found.ratio:.1f} times as "
            "much (pMSE) as "
            f"they would for rows of the true model (real data: {baseline.ratio:.1f}); up to 3 is good, above 10 an "
            "analysis "
            "of these columns may mislead."
        )
        return Score(
            NAME, found.ratio, found.interval(), baseline.ratio, verdict, words + sides.note, self.better,
            _describe(found, alone, columns), title=self.title,
        )  # fmt: skip

    def _score_cart(self, sides: Sides, columns: list[Column], streams: Streams) -> Score:
        rows = min(sides.fewest, CART_ROWS)
        frames = [
            draw(frame, rows, streams.stream("cart", word))
            for word, frame in (("fake", sides.fake), ("known", sides.known), ("fresh", sides.fresh))
        ]
        features = extract(frames, columns)
        fake, known, fresh = features.matrices
        label = np.repeat([True, False], rows)
        seed = int(streams.stream("cart", "seed").integers(2**31))
        found, tree = _fit_cart(np.vstack([fake, known]), label, seed)
        baseline, _ = _fit_cart(np.vstack([fresh, known]), label, seed)
        rng = streams.stream("cart", "permutations")
        whole = np.vstack([fake, known])
        times = int(np.clip(PERMUTED_ROWS // rows, FEWEST_PERMUTATIONS, MOST_PERMUTATIONS))
        null = np.array([_fit_cart(whole, rng.permutation(label), seed)[0] for _ in range(times)])
        # permuting makes both sides noisy; the expectation of section 3 holds the real side fixed
        expected = float(null.mean() / 2)
        if expected == 0.0:
            return not_computed(
                self, CART, "no tree can be grown: no column varies enough.", title=CART_TITLE
            )[0]
        value = found / expected
        verdict: Verdict = "pass" if _null_chance(found, null) >= ALARM else judge(value, self.limits)
        leaves = tree.apply(whole.astype(np.float32))
        low, high = (
            end / expected
            for end in _resample_leaves(found, leaves, label, streams.stream("cart", "resample"))
        )
        importance = np.bincount(features.owners, tree.feature_importances_, minlength=len(columns))
        detail = pl.DataFrame({"column": [c.name for c in columns], "importance": importance})
        words = (
            f"A tree's chances that a row is synthetic differ from guessing {value:.1f} times as much (pMSE) as they "
            "would for "
            f"rows of the true model (real data: {baseline / expected:.1f}); up to 3 is good. (A random {rows:,} "
            "rows of each "
            "side were used.)"
        )
        return Score(
            CART, value, (low, high), baseline / expected, verdict, words, self.better,
            detail.sort("importance", descending=True, maintain_order=True),
            title=CART_TITLE,
        )  # fmt: skip


@dataclass(frozen=True)
class _Fit:
    """One logistic model's pMSE, beside what the true model lets expect."""

    value: float
    parameters: int
    share: float
    rows: int

    @property
    def expected(self) -> tuple[float, float]:
        return expected_pmse(self.parameters, self.share, self.rows)

    @property
    def ratio(self) -> float:
        return self.value / self.expected[0] if self.parameters > 1 else 0.0

    @property
    def statistic(self) -> float:
        """Return what follows chi-square, of as many degrees as terms, for fresh real rows."""
        return self.value * self.rows / (self.share * (1 - self.share))

    @property
    def chance(self) -> float:
        return float(chi2.sf(self.statistic, self.parameters - 1))

    def interval(self) -> tuple[float, float]:
        degrees = self.parameters - 1
        beyond = max(0.0, self.statistic - degrees)
        half = 1.96 * math.sqrt(2 * degrees + 4 * beyond) / self.statistic if self.statistic > 0 else 0.0
        return max(0.0, self.ratio * (1 - half)), self.ratio * (1 + half)

    def record(self, column: str) -> dict[str, str | float | int | None]:
        mean, spread = self.expected
        standardized = (self.value - mean) / spread if self.parameters > 1 else None
        ratio = self.ratio if self.parameters > 1 else None
        return {
            "column": column, "pmse": self.value, "expected": mean, "ratio": ratio, "standardized": standardized,
            "parameters": self.parameters,
        }  # fmt: skip


def _fit_logistic(
    frames: list[pl.DataFrame], columns: list[Column], streams: Streams, *, each: bool
) -> tuple[_Fit, list[_Fit]]:
    """Fit the model to (synthetic, real) rows of one size, and if asked to each column alone."""
    rows = frames[0].height
    label = np.repeat([True, False], rows)
    most = min(MOST_TERMS, 2 * rows // ROWS_PER_TERM)
    matrix, owners = design(frames, columns, most, ROWS_PER_TERM, streams.stream("design"))
    parts = [np.ones(len(owners), dtype=bool)]
    if each:
        parts += [np.array([owner == (i,) for owner in owners], dtype=bool) for i in range(len(columns))]
    fits = []
    for part in parts:
        scores, parameters = propensities(matrix[:, part], label)
        fits.append(_Fit(pmse(scores, label), parameters, 0.5, 2 * rows))
    return fits[0], fits[1:]


def _describe(whole: _Fit, alone: list[_Fit], columns: list[Column]) -> pl.DataFrame:
    order = sorted(range(len(columns)), key=lambda i: -alone[i].value)
    records = [whole.record("(all)"), *(alone[i].record(columns[i].name) for i in order)]
    schema = {
        "column": pl.String, "pmse": pl.Float64, "expected": pl.Float64, "ratio": pl.Float64,
        "standardized": pl.Float64, "parameters": pl.Int64,
    }  # fmt: skip
    return pl.DataFrame(records, schema=schema)


def _fit_cart(matrix: Array, label: Array, seed: int) -> tuple[float, DecisionTreeClassifier]:
    """Grow a tree and return the pMSE of its leaves."""
    leaf = max(10, len(label) // (2 * LEAVES))
    tree = DecisionTreeClassifier(max_leaf_nodes=LEAVES, min_samples_leaf=leaf, random_state=seed)
    tree.fit(matrix, label)
    return pmse(tree.predict_proba(matrix)[:, -1], label), tree


def _null_chance(value: float, null: Array) -> float:
    """Return the chance of so high a figure, if it is drawn as the permuted ones are.

    A sum of squares over leaves is about a multiple of a chi-square, of as many degrees of freedom as mean and
    spread tell (Satterthwaite); a third is taken off, for they are told by few permutations.
    """
    degrees = 2 * null.mean() ** 2 / max(null.var(ddof=1), 1e-6 * null.mean() ** 2) / 1.5
    return float(f.sf(value / null.mean(), degrees, degrees * len(null)))


def _resample_leaves(
    value: float, leaves: Array, label: Array, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the interval of a tree's pMSE, from rows drawn again into the leaves of the tree as it was grown."""
    _, places = np.unique(leaves, return_inverse=True)
    size = int(places.max()) + 1
    shares = Resample.plan(len(label), rng).shares(places * 2 + label, 2 * size).reshape(-1, size, 2)
    weight = shares.sum(axis=2)
    fake = np.divide(shares[:, :, 1], weight, out=np.full_like(weight, 0.5), where=weight > 0)
    repeated = (weight * (fake - label.mean()) ** 2).sum(axis=1)
    return recentred_interval(value, repeated)
