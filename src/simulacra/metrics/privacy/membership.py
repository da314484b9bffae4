"""Whether the nearest synthetic record tells who was in the training data: an attack on single persons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._auc import area_interval
from simulacra.metrics._case import comparable_columns, draw, judge, not_computed, percent, unassessable
from simulacra.metrics._neighbours import PAIR_CELLS, Points, nearest, place
from simulacra.metrics._roc import caught

NAME = "privacy/membership"
FALSE_ALARMS = 0.01
ISOLATED = 0.01
FEWEST_ISOLATED = 10
FEWEST_ROWS = 50
TITLES = {
    NAME: "Members named at 1 % false alarms",
    f"{NAME}/isolated": "Members named, most isolated 1 %",
    f"{NAME}/auc": "Members ranked above others (AUC)",
}


class Membership(Metric):
    """A membership attack by the nearest record: members caught at 1 % false alarms (0.01 is guessing).

    Candidates are training rows (members) and as many holdout rows. An attacker who knows a candidate, and real rows
    besides, suspects those who lie nearer to a synthetic row than to any other real one: the
    score is the logarithm of the ratio of the two distances. The other real rows are the training rows that
    are no candidates, more than most attackers know. Distance is Gower's: mismatches of levels and
    differences of numbers, in units of their range. Keys, text and identifiers are left out.

    Three scores: ``privacy/membership``, the share of members that the attack names when it is wrong on 1 % of
    the others (TPR at 1 % FPR); ``privacy/membership/isolated``, the same among the 1 % of candidates that lie
    farthest from other real rows (at least 10 of each kind); ``privacy/membership/auc``, the area under the
    ROC curve, a mean over everybody that hides a leak of a few. Real rows get 0.01, 0.01 and 0.5.

    Notes
    -----
    **Verdict** TPR: pass up to 0.02 or where the interval reaches 0.01, look up to 0.05, fail above. AUC: pass up
    to 0.55 or where the interval reaches 0.5, look up to 0.60, fail above. Of the isolated there are few, so that the
    interval of their TPR reaches far: it excuses only where the interval of their AUC reaches 0.5 too.

    **Interval** 95 %. TPR: from Wilson's interval of the share and the binomial interval of the threshold's
    rank, combined in quadrature. AUC: DeLong's variance.

    **Ties** count by their expectation over all ways to break them. The threshold is such that a holdout row
    passes it with a chance of 1 % in expectation over holdouts, also where there are only a few. So n holdout
    rows, where fewer than 99, show at most (n + 1) % of the members: the words say so.

    **Detail** for all candidates and the most isolated: their number, TPR at 0.1, 1 and 10 % FPR, and the AUC; for this
    attack and for the plain distance to the nearest synthetic row.

    **Privacy** aggregates only. Passing says that this attack found no leak, and no more than that.

    **Cost** all pairs of candidates with synthetic and other real rows; candidates are drawn where that would
    take more than some seconds, and the words say so.

    **Source** Chen et al. 2020, "GAN-Leaks", sections 4 and 5 (nearest-record attack, calibrated by a reference);
    Carlini et al. 2022, "Membership inference attacks from first principles", section 3 (TPR at a low FPR).

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> Membership().score(Comparison(table, train, train, holdout))[0].value
    1.0
    """

    family: ClassVar[str] = "privacy"
    limits: ClassVar[tuple[float, float]] = (0.02, 0.05)
    area_limits: ClassVar[tuple[float, float]] = (0.55, 0.60)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = unassessable(case, columns, "membership is not assessable without a holdout")
        if why is not None or case.holdout is None:
            return not_computed(self, NAME, why or "")
        available = min(case.train.height // 2, case.holdout.height)
        if available < FEWEST_ROWS:
            why = (
                f"it needs at least {2 * FEWEST_ROWS} training rows and {FEWEST_ROWS} holdout rows, and there "
                f"are {case.train.height} and {case.holdout.height}; give more."
            )
            return not_computed(self, NAME, why)
        streams = case.streams.at(NAME)
        synthetic = draw(case.synthetic, case.max_rows, streams.stream("synthetic"))
        others = min(case.train.height - available, case.max_rows)
        affordable = PAIR_CELLS // (2 * len(columns) * (synthetic.height + others))
        rows = min(available, max(FEWEST_ROWS, affordable))
        order = streams.stream("members").permutation(case.train.height)
        frames = [case.train[order[:rows]], draw(case.holdout, rows, streams.stream("others"))]
        frames += [case.train[order[rows : rows + others]], synthetic]
        found = _attack(*place(frames, columns, 3))
        used = "" if rows == available else f" (A random {rows:,} candidates of each kind were used.)"
        return self._scores(found, used)

    def _scores(self, found: _Attack, used: str) -> list[Score]:
        hard = found.isolated()
        caught, caught_hard = found.caught(FALSE_ALARMS), hard.caught(FALSE_ALARMS)
        auc, between = area_interval(found.scores, found.members)
        detail = pl.DataFrame([*found.records("all"), *hard.records("most isolated")])
        count = int(found.members.sum())
        words = [
            f"At 1 % false alarms an attack by nearest records names {percent(caught[0])} of {count:,} training rows "
            f"as members (guessing names 1 %).{used}",
            f"Among the {int(hard.members.sum()):,} training rows that lie farthest from all others it names "
            f"{percent(caught_hard[0])} (guessing names 1 %{hard.ceiling()}).",
            f"The attack ranks a training row above an unseen one {percent(auc)} of the time (50 % is guessing). "
            "This is a mean over everybody, which hides a leak of a few.",
        ]
        excused = caught_hard[1][0] <= FALSE_ALARMS and area_interval(hard.scores, hard.members)[1][0] <= 0.5
        results = [
            (NAME, *caught, FALSE_ALARMS, caught[1][0] <= FALSE_ALARMS, self.limits, detail),
            (f"{NAME}/isolated", *caught_hard, FALSE_ALARMS, excused, self.limits, None),
            (f"{NAME}/auc", auc, between, 0.5, between[0] <= 0.5, self.area_limits, None),
        ]
        scores = []
        for said, (name, value, interval, guess, chance, limits, table) in zip(words, results, strict=True):
            verdict: Verdict = "pass" if chance else judge(value, limits)
            said = f"No leak found by this attack: {said[0].lower()}{said[1:]}" if verdict == "pass" else said
            scores.append(
                Score(name, value, interval, guess, verdict, said, self.better, table, title=TITLES[name])
            )
        return scores


@dataclass(frozen=True)
class _Attack:
    """The attack's scores of all candidates, higher for more suspect."""

    scores: Array
    plain: Array
    isolation: Array
    members: Array

    def isolated(self) -> _Attack:
        """Keep the candidates of both kinds that lie farthest from other real rows."""
        kept = []
        for kind in (True, False):
            rows = np.flatnonzero(self.members == kind)
            count = min(len(rows), max(FEWEST_ISOLATED, int(np.ceil(ISOLATED * len(rows)))))
            kept.append(rows[np.argsort(-self.isolation[rows], kind="stable")[:count]])
        rows = np.concatenate(kept)
        return _Attack(self.scores[rows], self.plain[rows], self.isolation[rows], self.members[rows])

    def caught(self, rate: float, plain: bool = False) -> tuple[float, tuple[float, float]]:
        """Return the share of members caught at a rate of false alarms, with its 95 % interval."""
        return caught(self.plain if plain else self.scores, self.members, rate)

    def ceiling(self) -> str:
        """Say how far the figure could go, where strangers are too few to tell 1 % of them."""
        most = FALSE_ALARMS * (int((~self.members).sum()) + 1)
        return "" if most >= 1 else f"; with so few, none can be seen to name more than {percent(most)}"

    def records(self, who: str) -> list[dict[str, float | int | str]]:
        """Describe the candidates' figures, for both ways to score them."""
        records: list[dict[str, float | int | str]] = []
        for attack, scores in (("relative distance", self.scores), ("distance", self.plain)):
            rates = {f"tpr_{rate:g}": caught(scores, self.members, rate)[0] for rate in (0.001, 0.01, 0.1)}
            auc = area_interval(scores, self.members)[0]
            each = int(self.members.sum())
            records.append({"candidates": who, "attack": attack, "members": each, **rates, "auc": auc})
        return records


def _attack(members: Points, strangers: Points, others: Points, synthetic: Points) -> _Attack:
    """Score all candidates."""
    near, real = ([nearest(side, rows).distance.astype(np.float64) for side in (members, strangers)]
                  for rows in (synthetic, others))  # fmt: skip
    fake, known = np.concatenate(near), np.concatenate(real)
    # keeps the ratio finite, and lets a copy of a lonely record weigh more than one of a common record
    least = 0.01 * max(float(np.median(known)), 0.01)
    return _Attack(
        np.log((known + least) / (fake + least)),
        -fake,
        known,
        np.repeat([True, False], [len(members), len(strangers)]),
    )
