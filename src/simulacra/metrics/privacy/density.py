"""Whether synthetic rows crowd around training rows more than around unseen ones: an attack by local density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._attack import LIMITS, Trial, gather, report_attack
from simulacra.metrics._case import not_computed

NAME = "privacy/density"
WIDTH = 4
"""Nearest rows that say how wide to look; few, since a leak is a crowd of few."""


class DensityRatio(Metric):
    """A membership attack by the density ratio: members caught at 1 % false alarms (0.01 is guessing).

    A generator that fits some training rows too closely draws too many rows around them. The attacker compares how
    dense the synthetic rows are at a candidate with how dense other real rows are there: the score is the logarithm of
    the ratio of the two densities. Dense regions do not raise suspicion by themselves, which is what an attack by
    distances alone gets wrong. Where `privacy/membership` sees one nearest row, this sees crowds.

    A density is a sum over rows of ``exp(-d / h)``, with d Gower's distance and h the mean distance of the candidate to
    its 4 nearest rows of both kinds, so that the width suits the place; the 16 nearest rows of each kind are summed.
    Columns of mixed kinds are no trouble, and no vocabulary is spread out into columns.

    Candidates, other real rows and the three scores (``privacy/density``, ``/isolated``, ``/auc``) are those of
    `privacy/membership`. Real rows get 0.01, 0.01 and 0.5.

    Notes
    -----
    **Verdict**, **Interval** and **Privacy** as `privacy/membership`.

    **Detail** for all candidates and the most isolated: the number of members, TPR at 0.1, 1 and 10 % FPR, and the
    AUC; for this attack and for the density of synthetic rows alone.

    **Cost** next to nothing beside `privacy/membership`, whose distances it shares.

    **Source** van Breugel et al. 2023, "Membership inference attacks against synthetic data through overfitting
    detection", section 3 (the ratio of densities); Terrell & Scott 1992, "Variable kernel density estimation",
    section 2 (a width that suits the place).

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> DensityRatio().score(Comparison(table, train, train, holdout))[0].verdict
    'fail'
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Members named by the density of rows nearby (share, at 1 % false alarms)"
    limits: ClassVar[tuple[float, float]] = LIMITS

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        trial = gather(case)
        if isinstance(trial, str):
            return not_computed(self, NAME, trial)
        width = _width(trial)
        fake, real = (_log_density(distances, width) for distances in (trial.near, trial.known))
        plain = [("density of synthetic rows alone", fake)]
        return report_attack(self, NAME, "the density of rows nearby", fake - real, trial, case.train, plain)


def _width(trial: Trial) -> Array:
    """Return for each candidate the mean distance to its nearest rows of both kinds together."""
    nearest = np.sort(np.hstack([trial.near, trial.known]), axis=1)[:, :WIDTH]
    finite = np.isfinite(nearest)
    mean = np.where(finite, nearest, 0.0).sum(axis=1) / finite.sum(axis=1)
    return np.maximum(mean, trial.least)


def _log_density(distances: Array, width: Array) -> Array:
    scaled = -distances / width[:, None]
    highest = scaled[:, :1]
    return np.asarray(highest[:, 0] + np.log(np.exp(scaled - highest).sum(axis=1)))
