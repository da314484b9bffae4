"""How much of the real data's variety the synthetic rows reach, and whether they come nearer than real rows do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._balls import Balls, chance_error, draw_balls, interval_of, jackknife_error
from simulacra.metrics._embedding import unplaceable
from simulacra.metrics._verdicts import judge_excess, noise

NAME = "diversity/recall"
NEIGHBOURS = 1
RESAMPLES = 200
MOST_NEAR = 16
"""Groups that are kept of a ball, both sides together; that a hand holds none of them is one deal in 60,000."""
ORDER: tuple[Verdict, ...] = ("pass", "look", "fail")


class Recall(Metric):
    """The beta-recall of the training rows, integrated over beta; unseen real rows get about one half, a copy 1.

    The beta-support of the synthetic rows holds the share beta of them that lies nearest to the centre. Recall at
    beta is the share of training rows whose nearest synthetic row belongs to it and is no farther away than their
    nearest other training row; it equals beta for a copy. Value: 1 - 2 x the mean distance between recall and beta. The
    baseline is the same for holdout rows, which come nearer than a training row does half of the time. A value above
    it is no quality: it says that synthetic rows lie nearer to the training rows than real rows do, which is
    memorisation.

    Notes
    -----
    **Verdict** where the difference is more than shuffling synthetic and holdout rows would give: below the baseline,
    pass up to 0.05, look up to 0.15, fail beyond; above it, pass up to 0.02, look up to 0.10, fail beyond. A holdout
    of another kind than the training rows (a later year) lies farther from them too: draw it at random.

    **Interval** 95 %, normal; a bootstrap of the training rows, and a jackknife over 50 groups of synthetic rows;
    rather too wide, since luck that is both a training row's and a synthetic row's counts twice.

    **Detail** recall of the synthetic and of the holdout rows at eleven values of beta.

    **Privacy** aggregates only.

    **Cost** 2,500 training rows x 20,000 rows of each side x columns at most.

    **Source** Alaa et al. 2022, "How faithful is your synthetic data? Sample-level metrics for evaluating and auditing
    generative models", section 4, with the first nearest neighbour. The centre is that of the training rows (the place
    from which they are least far on average) for both sides, where the paper takes each side's own: so the two differ
    by their rows alone.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> score = Recall().score(Comparison(table, train, train, holdout))[0]
    >>> round(score.value, 2), score.verdict
    (1.0, 'fail')
    """

    family: ClassVar[str] = "diversity"
    title: ClassVar[str] = "Recall of the real variety (about 0.5 is ideal)"
    better: ClassVar = "higher"
    limits: ClassVar[tuple[float, float]] = (0.05, 0.15)
    above: ClassVar[tuple[float, float]] = (0.02, 0.10)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        if (unable := unplaceable(self, NAME, case)) is not None:
            return unable
        streams = case.streams.at(NAME)
        balls = draw_balls(case, "train", NEIGHBOURS)
        synthetic = _Order.of(balls.apart, balls.steps, balls.shares)
        control = _Order.of(balls.control_apart, balls.control_steps, balls.control_shares)
        lines = [synthetic.whole(), control.whole()]
        value, baseline = (float(integrated(*line)) for line in lines)
        error = _chance(balls, streams.stream("deal"))
        verdicts = [
            judge_excess(baseline - value, error, self.limits, looks=2),
            judge_excess(value - baseline, error, self.above, looks=2),
        ]
        memorised = value - baseline > noise(error, 2) and verdicts[1] != "pass"
        return [
            Score(
                NAME,
                value,
                interval_of(value, synthetic.error(streams.stream("resample"))),
                baseline,
                max(verdicts, key=ORDER.index),
                _say(value, baseline, memorised) + balls.note,
                self.better,
                _detail(lines),
                title=self.title,
            )
        ]


def integrated(beta: Array, recall: Array) -> Array:
    """Return the integrated beta-recall of curves (the last axis) that start at 0.

    Examples
    --------
    >>> beta = np.array([0.25, 0.5, 1.0])
    >>> float(integrated(beta, beta)), float(integrated(beta, beta / 2)), float(integrated(beta, 0 * beta))
    (1.0, 0.5, 0.0)
    """
    start = np.zeros((*recall.shape[:-1], 1))
    betas = np.concatenate([start, np.broadcast_to(beta, recall.shape)], axis=-1)
    gaps = np.abs(np.concatenate([start, recall], axis=-1) - betas)
    return np.asarray(1.0 - 2.0 * np.trapezoid(gaps, betas, axis=-1))


@dataclass(frozen=True)
class _Order:
    """For each ball the groups that have a row in it, the nearest first, and the step of that row.

    Parameters
    ----------
    groups, steps : array
        Shape (balls, `MOST_NEAR`); the step is one beyond the last where the ball holds none of the group.
    shares : array
        As in `Balls`.
    """

    groups: Array
    steps: Array
    shares: Array

    @classmethod
    def of(cls, apart: Array, steps: Array, shares: Array) -> _Order:
        """Sort; what lies beyond the first few is hardly ever asked for."""
        order = np.argsort(apart, axis=1, kind="stable")[:, :MOST_NEAR]
        inside = np.isfinite(np.take_along_axis(apart, order, axis=1))
        return cls(order, np.where(inside, np.take_along_axis(steps, order, axis=1), shares.shape[1]), shares)

    def curve(self, hand: Array) -> tuple[Array, Array]:
        """Return the share beta of the rows of some groups that lies in the first steps, and its recall."""
        theirs = hand[self.groups]
        first = theirs.argmax(axis=1)
        rows = np.arange(len(first))
        size = self.shares.shape[1]
        reached = np.where(theirs[rows, first], self.steps[rows, first], size)
        counts = self.shares[hand].sum(axis=0)
        return (
            np.cumsum(counts) / counts.sum(),
            np.cumsum(np.bincount(reached, minlength=size)[:size]) / len(rows),
        )

    def whole(self) -> tuple[Array, Array]:
        """Return the curve of all groups."""
        return self.curve(np.ones(len(self.shares), dtype=bool))

    def error(self, rng: np.random.Generator) -> float:
        """Return the standard error of the integrated recall: over groups, and over balls."""
        without = np.array([integrated(*self.curve(hand)) for hand in ~np.eye(len(self.shares), dtype=bool)])
        beta, _ = self.whole()
        reached = (self.steps[:, :1] <= np.arange(len(beta))).astype(np.float64)
        rows = len(reached)
        drawn = rng.multinomial(rows, np.full(rows, 1 / rows), size=RESAMPLES) / rows
        return float(np.hypot(jackknife_error(without), integrated(beta, drawn @ reached).std()))


def _chance(balls: Balls, rng: np.random.Generator) -> float:
    order = _Order.of(
        np.hstack([balls.apart, balls.control_apart]),
        np.hstack([balls.steps, balls.control_steps]),
        np.vstack([balls.shares, balls.control_shares]),
    )

    def difference(hands: Array) -> Array:
        return np.array([integrated(*order.curve(hand)) - integrated(*order.curve(~hand)) for hand in hands])

    return chance_error(balls.apart.shape[1], difference, rng)


def _detail(lines: list[tuple[Array, Array]]) -> pl.DataFrame:
    betas = np.linspace(0.0, 1.0, 11)
    ours, real = (np.interp(betas, np.append(0, beta), np.append(0, recall)) for beta, recall in lines)
    return pl.DataFrame({"beta": betas, "synthetic": ours, "real": real})


def _say(value: float, baseline: float, memorised: bool) -> str:
    figures = (
        "recall, how much of the training rows' room the synthetic rows fill as nearly as real rows do, is "
        f"{value:.3f} "
        f"(real data: {baseline:.3f}; a copy: 1)"
    )
    if memorised:
        return (
            f"The synthetic rows lie nearer to the training rows than other real rows do, which is a sign of "
            f"memorisation: the {figures}."
        )
    return f"The {figures}; the nearer to the figure of real data, the more of their variety is there."
