"""How many real rows have a synthetic row among their near neighbours; a collapsed model leaves most without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._balls import Balls, chance_error, draw_balls, interval_of, jackknife_error
from simulacra.metrics._case import percent
from simulacra.metrics._embedding import unplaceable
from simulacra.metrics._verdicts import judge_excess

NAME = "diversity/coverage"
NEIGHBOURS = 5


class Coverage(Metric):
    """The share of real rows with a synthetic row no farther away than their fifth nearest real row.

    Both sides have as many rows, so unseen real rows get 1 - (n-1)...(n-k) / (2n-1)...(2n-k), which is 0.97 for
    k = 5, wherever rows do not repeat. A model that makes only part of the data leaves the other part without any
    synthetic row nearby. The baseline is the same for training rows in place of the synthetic ones. Distance is
    Gower's, numbers by their rank among the real ones, so that one outlier changes nothing.

    Notes
    -----
    **Verdict** on the baseline minus the value, where it is more than shuffling synthetic and training rows would
    give: pass up to 0.02, look up to 0.08, fail above.

    **Interval** 95 %, normal; the spread over real rows, and a jackknife over 50 groups of synthetic rows.

    **Detail** for both: the share of real rows with no, with one, with two and more synthetic rows so near.

    **Privacy** aggregates only.

    **Cost** 2,500 real rows x 20,000 rows of each side x columns at most.

    **Source** Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models", equation 5; what
    real rows get, equation 12.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> Coverage().score(Comparison(table, train, train[:50].sample(500, with_replacement=True), holdout))[0].verdict
    'fail'
    """

    family: ClassVar[str] = "diversity"
    title: ClassVar[str] = "Coverage of the real rows (share, 0 to 1)"
    better: ClassVar = "higher"
    limits: ClassVar[tuple[float, float]] = (0.02, 0.08)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        if (unable := unplaceable(self, NAME, case)) is not None:
            return unable
        balls = draw_balls(case, "holdout", NEIGHBOURS)
        value, baseline = covered(balls.synthetic), covered(balls.control)
        error = _chance(balls, case.streams.at(NAME).stream("deal"))
        return [
            Score(
                NAME,
                value,
                interval_of(value, _error(balls.synthetic)),
                baseline,
                judge_excess(baseline - value, error, self.limits),
                _say(value, baseline) + balls.note,
                self.better,
                _detail(balls),
                title=self.title,
            )
        ]


def covered(counts: Array) -> float:
    """Return the share of balls that hold a row."""
    return float((counts.sum(axis=1) > 0).mean())


def _error(counts: Array) -> float:
    balls = len(counts)
    sole = (counts > 0) & ((counts > 0).sum(axis=1, keepdims=True) == 1)
    # without a group, the balls are empty that only this group reaches
    spread = jackknife_error(covered(counts) - sole.mean(axis=0)) ** 2
    # that each ball is reached by luck is part of both spreads, and counts once
    luck = sole.mean() * counts.shape[1] / balls
    # two of either kind more (Agresti & Coull 1998): a share of 1 among few rows is not certain
    share = (covered(counts) * balls + 2) / (balls + 4)
    return float(np.sqrt(max(0.0, spread - luck) + share * (1 - share) / (balls + 4)))


def _chance(balls: Balls, rng: np.random.Generator) -> float:
    held = (np.hstack([balls.synthetic, balls.control]) > 0).astype(np.float32)

    def difference(hand: Array) -> Array:
        shares = [((held @ side.T.astype(np.float32)) > 0).mean(axis=0) for side in (hand, ~hand)]
        return np.asarray(shares[0] - shares[1])

    return chance_error(balls.synthetic.shape[1], difference, rng)


def _detail(balls: Balls) -> pl.DataFrame:
    shares = {"rows nearby": ["none", "one", "two or more"]}
    records = [
        np.bincount(np.minimum(counts.sum(axis=1), 2), minlength=3) / len(counts)
        for counts in (balls.synthetic, balls.control)
    ]
    return pl.DataFrame(shares | {"synthetic": records[0], "real": records[1]})


def _say(value: float, baseline: float) -> str:
    return (
        f"{percent(value)} of the real rows have a synthetic row among their near neighbours (real data: "
        f"{percent(baseline)}); where the share is far below that of real data, kinds of rows are missing."
    )
