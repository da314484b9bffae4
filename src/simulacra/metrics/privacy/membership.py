"""Whether the nearest synthetic record tells who was in the training data: an attack on single persons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._attack import LIMITS, gather, report_attack
from simulacra.metrics._case import not_computed

NAME = "privacy/membership"


class Membership(Metric):
    """A membership attack by the nearest record: members caught at 1 % false alarms (0.01 is guessing).

    Candidates are training rows (members) and as many holdout rows. An attacker who knows a candidate, and real rows
    besides, suspects those who lie nearer to a synthetic row than to any other real one: the
    score is the logarithm of the ratio of the two distances. The other real rows are the training rows that
    are no candidates, more than most attackers know. Distance is Gower's: mismatches of levels and
    differences of numbers, in units of their range. Keys, text and identifiers are left out.

    Three scores: ``privacy/membership``, the share of members that the attack names when it is wrong on 1 % of
    the others (TPR at 1 % FPR); ``privacy/membership/isolated``, the same among the 1 % of candidates that lie
    farthest from other real rows (at least 20 of both kinds together); ``privacy/membership/auc``, the area under the
    ROC curve, a mean over everybody that hides a leak of a few. Real rows get 0.01, 0.01 and 0.5.

    Notes
    -----
    **Verdict** pass where guessing explains the figure: an exact test by ranks for the TPR, the rank-sum test for the
    AUC, with a chance of a false alarm of 1e-4. Beyond that, TPR: pass up to 0.02, look up to 0.05, fail above. AUC:
    pass up to 0.55, look up to 0.60, fail above. Of the isolated there are few, so that their ranks count too: where
    their AUC alone is beyond guessing, look.

    **Interval** 95 %. TPR: from Wilson's interval of the share and the binomial interval of the threshold's
    rank, combined in quadrature. AUC: DeLong's variance.

    **Ties** count by their expectation over all ways to break them. The threshold is such that a holdout row
    passes it with a chance of 1 % in expectation over holdouts, also where there are only a few. So n holdout
    rows, where fewer than 99, show at most (n + 1) % of the members: the words say so.

    **Detail** for all candidates and the most isolated: the number of members, TPR at 0.1, 1 and 10 % FPR, and the
    AUC; for this attack and for the plain distance to the nearest synthetic row.

    **Privacy** ``private`` shows up to 20 of the training rows that the attack names, for the owner of the data.
    Passing says that this attack found no leak, and no more than that.

    **Cost** all pairs of candidates with synthetic and other real rows, once for all attacks; candidates are drawn
    where that would take more than some seconds, and the words say so.

    **Source** Chen et al. 2020, "GAN-Leaks", sections 4 and 5 (nearest-record attack, calibrated by a reference);
    Carlini et al. 2022, "Membership inference attacks from first principles", section 3 (TPR at a low FPR).

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> Membership().score(Comparison(table, train, train, holdout))[0].value
    1.0
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Members named by nearest records (share, at 1 % false alarms)"
    limits: ClassVar[tuple[float, float]] = LIMITS

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        trial = gather(case)
        if isinstance(trial, str):
            return not_computed(self, NAME, trial)
        near, known = trial.near[:, 0], trial.known[:, 0]
        scores = np.log((known + trial.least) / (near + trial.least))
        plain = [("distance to the nearest synthetic row alone", -near)]
        return report_attack(self, NAME, "nearest records", scores, trial, case.train, plain)
