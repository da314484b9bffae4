"""How many synthetic rows lie where real rows lie: alpha-precision and density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._balls import Balls, chance_error, draw_balls, interval_of, tabulate
from simulacra.metrics._embedding import Cloud, eccentricity, embed, unplaceable
from simulacra.metrics._resampling import plan_both, recentred_interval
from simulacra.metrics._verdicts import judge_excess

NAME = "fidelity/precision"
NEIGHBOURS = 5
MOST_STEPS = 400


class Precision(Metric):
    """The alpha-precision, integrated over alpha: 1 where synthetic rows lie as near to the real centre as real ones.

    The alpha-support of the real rows holds the share alpha of them that lies nearest to their centre (has the least
    mean distance to all of them). Precision at alpha is the share of synthetic rows in it, and equals alpha for real
    rows. Value: 1 - 2 x the mean distance between precision and alpha. Beside it stands the density: in how many balls
    around real rows, each reaching to the fifth nearest real row, a synthetic row lies on average, divided by five. It
    is about 1 for rows anywhere among the real ones, and lower where synthetic rows lie between or outside all of them.
    The baselines are the same for training rows.

    Notes
    -----
    **Verdict** of either, on the baseline minus the value, where it is more than shuffling synthetic and training rows
    would give: pass up to 0.02 (density: 0.05), look up to 0.08 (0.25), fail above. Precision is blind to a model that
    makes only part of the data: see `diversity/coverage`.

    **Interval** 95 %. Precision: bootstrap of groups of rows of both sides, moved back onto the value. Density: normal,
    with the spread over real rows and over 50 groups of synthetic rows; where most rows repeat, it holds for these real
    rows and not for others.

    **Detail** precision of synthetic and training rows at eleven values of alpha.

    **Privacy** aggregates only.

    **Cost** precision: rows x columns. Density: 2,500 real rows x 20,000 rows of each side x columns at most.

    **Source** Alaa et al. 2022, "How faithful is your synthetic data? Sample-level metrics for evaluating and auditing
    generative models", section 4; Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models",
    equation 4.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout, fake = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(3))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> [score.verdict for score in Precision().score(Comparison(table, train, fake * 10, holdout))]
    ['fail', 'fail']
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Precision: as typical as real rows (0 to 1)"
    better: ClassVar = "higher"
    limits: ClassVar[tuple[float, float]] = (0.02, 0.08)
    density_limits: ClassVar[tuple[float, float]] = (0.05, 0.25)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        if (unable := unplaceable(self, NAME, case)) is not None:
            return unable
        return [self._precision(case), self._density(case)]

    def _precision(self, case: Comparison) -> Score:
        streams = case.streams.at(NAME)
        cloud = embed(case, "holdout")
        steps, size = _steps(cloud)
        reference, ours, control = (np.bincount(codes, minlength=size) / len(codes) for codes in steps)
        value, baseline = float(integrated(ours, reference)), float(integrated(control, reference))
        plans = plan_both(streams, len(cloud), len(cloud))
        repeated = 1 - integrated(plans[0].shares(steps[1], size), plans[1].shares(steps[0], size))
        low, high = recentred_interval(1 - value, np.asarray(repeated))
        error = _chance(steps, size, streams.stream("deal"))
        return Score(
            NAME,
            value,
            (1 - high, 1 - low),
            baseline,
            judge_excess(baseline - value, error, self.limits),
            f"Synthetic rows are as typical, neither too middling nor too odd, as real rows to a degree of {value:.3f} "
            f"(real data: {baseline:.3f}), where 1 is ideal and 0 is all in the very middle or all far outside."
            f"{cloud.note}",
            self.better,
            _detail(reference, ours, control),
            title=self.title,
        )

    def _density(self, case: Comparison) -> Score:
        balls = draw_balls(case, "holdout", NEIGHBOURS)
        value, baseline = density(balls.synthetic, NEIGHBOURS), density(balls.control, NEIGHBOURS)
        groups = np.hstack([balls.synthetic, balls.control]).sum(axis=0) / (len(balls.synthetic) * NEIGHBOURS)

        def difference(hands: Array) -> Array:
            return np.asarray(hands @ groups - ~hands @ groups)

        rng = case.streams.at(NAME).stream("deal density")
        error = chance_error(balls.synthetic.shape[1], difference, rng)
        return Score(
            f"{NAME}/density",
            value,
            interval_of(value, _spread(balls), high=np.inf),
            baseline,
            judge_excess(baseline - value, error, self.density_limits),
            f"The neighbourhoods of real rows hold {value:.2f} times as many synthetic rows as real ones (real data: "
            f"{baseline:.2f}); far below 1, synthetic rows lie where no real rows are.{balls.note}",
            self.better,
            title="Density around real rows (1 is ideal)",
        )


def integrated(shares: Array, reference: Array) -> Array:
    """Return the integrated alpha-precision from shares of rows in steps of distance from the real centre.

    Parameters
    ----------
    shares, reference : array
        Shape (..., steps): of the rows under test, and of the real rows, from the centre outwards; the last step lies
        beyond all real rows.
    """
    alpha, precision = (np.cumsum(side, axis=-1) for side in (reference, shares))
    before = np.zeros((*alpha.shape[:-1], 1))
    alpha, precision = (np.concatenate([before, side], axis=-1)[..., :-1] for side in (alpha, precision))
    return np.asarray(1.0 - 2.0 * np.trapezoid(np.abs(precision - alpha), alpha, axis=-1))


def density(counts: Array, neighbours: int) -> float:
    """Return the mean number of rows in a ball, in units of the real ones."""
    return float(counts.sum(axis=1).mean() / neighbours)


def _steps(cloud: Cloud) -> tuple[list[Array], int]:
    """Cut the distance from the real centre into steps that hold as many real rows each, and one beyond."""
    far = [eccentricity(side, cloud.reference) for side in (cloud.reference, cloud.synthetic, cloud.control)]
    edges = np.unique(np.quantile(far[0], np.linspace(0, 1, MOST_STEPS + 1)[1:], method="inverted_cdf"))
    return [np.searchsorted(edges, side) for side in far], len(edges) + 1


def _chance(steps: list[Array], size: int, rng: np.random.Generator) -> float:
    counts = np.vstack([tabulate(codes, size) for codes in steps[1:]])
    reference = np.bincount(steps[0], minlength=size) / len(steps[0])

    def difference(hands: Array) -> Array:
        drawn = [hand @ counts for hand in (hands, ~hands)]
        figures = [
            integrated(d / d.sum(axis=1, keepdims=True), np.broadcast_to(reference, d.shape)) for d in drawn
        ]
        return np.asarray(figures[0] - figures[1])

    return chance_error(len(counts) // 2, difference, rng)


def _spread(balls: Balls) -> float:
    """Return the standard error of the density: that over balls, and that over groups of rows."""
    counts = balls.synthetic
    over_balls = counts.sum(axis=1).std() / np.sqrt(len(counts))
    over_groups = counts.sum(axis=0).std() * np.sqrt(counts.shape[1]) / len(counts)
    return float(np.hypot(over_balls, over_groups)) / balls.neighbours


def _detail(reference: Array, ours: Array, control: Array) -> pl.DataFrame:
    alphas = np.linspace(0.0, 1.0, 11)
    at = np.append(0.0, np.cumsum(reference)[:-1])
    lines = [np.interp(alphas, at, np.append(0.0, np.cumsum(side)[:-1])) for side in (ours, control)]
    return pl.DataFrame({"alpha": alphas, "synthetic": lines[0], "real": lines[1]})
