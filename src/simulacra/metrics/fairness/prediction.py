"""Whether models trained on synthetic rows treat groups less evenly than models trained on real rows do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import not_computed
from simulacra.metrics._groups import HIDDEN, Groups, Partition, gather
from simulacra.metrics._learners import Predictions, asked_classes, predictions
from simulacra.metrics._verdicts import judge_excess

NAME = "fairness/prediction"
FEWEST_OF_A_GROUP = 20
"""Test rows of a group, and of those of its rows that a rate is about."""
CHOSEN = 0.5
SAID = {
    "prediction": "mean predicted chance of {what}",
    "TPR": "mean predicted chance of {what}, among people who have it,",
    "FPR": "mean predicted chance of {what}, among people who do not have it,",
    "value": "mean prediction of {what}",
    "error": "mean error about {what}",
}


class Prediction(Metric):
    """How much wider the gap between groups gets when a model learns from synthetic rows; 0 is perfect.

    A boosted-tree model trained on real rows and one trained on as many synthetic rows predict the target of the same
    unseen real rows. A gap is the largest rate of a group minus the smallest. Two scores: ``fairness/prediction`` is
    the growth of the parity gap (the mean predicted chance of the outcome; the rarer of two outcomes, or each of
    more), and ``fairness/prediction/odds`` that of the equalised-odds gap (the same mean among people who truly
    have the outcome, TPR, and among those who have not, FPR). Each is taken for every column of groups and for their
    intersections; the one whose growth is clearest counts. Of numbers it is the mean prediction, and the mean
    error, in standard deviations of the target. The baseline is 0: a model trained on real rows against itself.

    Notes
    -----
    **Verdict** pass up to 0.05 and where chance explains the growth, look up to 0.10, fail above.

    **Interval** 95 %, for the two groups that make the gap: over the test rows (paired differences of the two
    models) and over the rows that each model learnt from (a group's rate is known as well as a share of
    its training rows is).

    **Detail** of the first score, by group: test rows, true rate, mean predicted chance, and of the decisions (a
    chance of one half or more) the share chosen, TPR, FPR and PPV, from either model. Of the second, by column of
    groups: each gap from either model, its growth, and the ratio of the smallest to the largest rate.

    **Privacy** aggregates of groups with at least 20 test rows; no share of fewer than 10 people who
    have an outcome. The classes of a sensitive target are numbered.

    **Cost** none of its own: the models are those of ``utility/transfer``.

    **Source** Hardt, Price & Srebro 2016, "Equality of opportunity in supervised learning", section 2; Pleiss et
    al. 2017, "On fairness and calibration", section 2 (rates of predicted chances in place of decisions, which
    jump where chances lie near the threshold).

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> def people(rows, bias):
    ...     group, x = rng.integers(0, 2, rows), rng.normal(size=rows)
    ...     good = x + bias * group + rng.normal(size=rows) > 0
    ...     return pl.DataFrame({"group": np.where(group, "a", "b"), "x": x, "good": good})
    >>> table = Table("t", (Column("group", "category"), Column("x", "number"), Column("good", "boolean")))
    >>> frames = people(1000, 0), people(1000, 2), people(500, 0)
    >>> case = Comparison(table, *frames, groups=("group",), targets=("good",))
    >>> Prediction().score(case)[0].verdict
    'fail'
    """

    family: ClassVar[str] = "fairness"
    title: ClassVar[str] = "Gap between groups in predictions (growth against real data)"
    limits: ClassVar[tuple[float, float]] = (0.05, 0.10)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        groups = gather(case)
        if isinstance(groups, str):
            return not_computed(self, NAME, groups, asked=bool(case.groups))
        if case.target is None:
            why = "no target was named; say which column people will predict with target=... (--target)"
            return not_computed(self, NAME, why, asked=False)
        found = predictions(case, case.target)
        if isinstance(found, str):
            return not_computed(self, NAME, found)
        audit = _Audit.make(found, groups, case.train.height)
        if not audit.partitions:
            why = (
                f"no two groups apart from those of the target have {FEWEST_OF_A_GROUP} test rows with a target; "
                "give a larger holdout, or other groups."
            )
            return not_computed(self, NAME, why)
        gaps = list(audit.gaps())
        parity = [gap for gap in gaps if gap.rate in {"prediction", "value"}]
        odds = [gap for gap in gaps if gap.rate not in {"prediction", "value"}]
        titles = (self.title, "Gap between groups in errors (growth against real data)")
        note = groups.note()
        scores = [self._conclude(NAME, titles[0], parity, case.target, audit.detail(), note)]
        if odds:
            table = pl.DataFrame([gap.record() for gap in gaps])
            scores.append(self._conclude(f"{NAME}/odds", titles[1], odds, case.target, table, ""))
        else:
            why = f"no two groups have {FEWEST_OF_A_GROUP} test rows with the outcome and as many without."
            scores += not_computed(self, f"{NAME}/odds", why, title=titles[1])
        return scores

    def _conclude(
        self, name: str, title: str, gaps: list[_Gap], target: str, detail: pl.DataFrame, note: str
    ) -> Score:
        worst = max(gaps, key=lambda gap: gap.growth / gap.error)
        looks = sum(gap.groups * (gap.groups - 1) for gap in gaps)
        unit = " standard deviations" if worst.rate in {"value", "error"} else ""
        what = f"{worst.outcome!r} of {target!r}" if worst.outcome else repr(target)
        words = (
            f"With a model trained on synthetic rows, the {SAID[worst.rate].format(what=what)} differs by up to "
            f"{worst.synthetic:.2f}{unit} between groups of {worst.by!r} (from {worst.low!r} to {worst.high!r}); "
            "with one "
            f"trained on real rows it differs by {worst.real:.2f}{unit}."
        )
        half = 1.96 * worst.error
        return Score(
            name,
            worst.growth,
            (worst.growth - half, worst.growth + half),
            0.0,
            judge_excess(worst.growth, worst.error, self.limits, looks=looks),
            words + note,
            self.better,
            detail,
            title=title,
        )


@dataclass(frozen=True)
class _Gap:
    """The difference between the largest and the smallest rate of a group, from either model."""

    by: str
    outcome: str
    rate: str
    real: float
    synthetic: float
    real_ratio: float | None
    synthetic_ratio: float | None
    low: str
    high: str
    error: float
    groups: int

    @property
    def growth(self) -> float:
        """How much wider the gap is after training on synthetic rows."""
        return self.synthetic - self.real

    def record(self) -> dict[str, Any]:
        """Return a row of the detail."""
        return {
            "by": self.by,
            "outcome": self.outcome,
            "rate": self.rate,
            "gap_real": self.real,
            "gap_synthetic": self.synthetic,
            "growth": self.growth,
            "growth_low": self.growth - 1.96 * self.error,
            "growth_high": self.growth + 1.96 * self.error,
            "ratio_real": self.real_ratio,
            "ratio_synthetic": self.synthetic_ratio,
            "lowest": self.low,
            "highest": self.high,
        }


@dataclass(frozen=True)
class _Outcome:
    """One outcome of the target: who has it, and what the two models say of everybody."""

    name: str
    truth: Array
    real: Array
    synthetic: Array
    spread: Array
    """For each test row, the variance of one training row's answer about the true rate there."""


@dataclass(frozen=True)
class _Audit:
    """Predictions of the test rows, and their groups."""

    outcomes: list[_Outcome]
    partitions: list[Partition]
    codes: list[Array]
    learnt: list[Array]
    """For each partition and group: the rows that each model learnt from."""
    is_number: bool

    @classmethod
    def make(cls, found: Predictions, groups: Groups, rows: int) -> _Audit:
        """Gather what is asked about, and the groups with enough test rows."""
        question = found.question
        partitions, codes, learnt = [], [], []
        for part in groups.without(question.target.name):
            own = part.codes[2][question.rows]
            if (np.bincount(own, minlength=len(part.names)) >= FEWEST_OF_A_GROUP).sum() >= 2:
                partitions.append(part)
                codes.append(own)
                learnt.append(np.maximum(1.0, part.counts()[0] * min(1.0, question.used / max(1, rows))))
        return cls(_outcomes(found), partitions, codes, learnt, question.classes is None)

    def gaps(self) -> Iterator[_Gap]:
        """Give the gaps of every outcome, partition and rate that enough test rows tell about."""
        for outcome in self.outcomes:
            everybody = np.ones(len(outcome.truth), dtype=bool)
            has = outcome.truth > 0
            asked = [("prediction", everybody, 0.0), ("TPR", has, 0.0), ("FPR", ~has, 0.0)]
            if self.is_number:
                asked = [("value", everybody, 0.0), ("error", everybody, 1.0)]
            for part, codes, learnt in zip(self.partitions, self.codes, self.learnt, strict=True):
                for rate, rows, minus in asked:
                    gap = _gap(part, codes, learnt, outcome, rate, rows, minus, self.is_number)
                    if gap is not None:
                        yield gap

    def detail(self) -> pl.DataFrame:
        """Describe every group with enough test rows, for every outcome."""
        rows: list[dict[str, Any]] = []
        for outcome in self.outcomes:
            for part, codes in zip(self.partitions, self.codes, strict=True):
                for place in np.flatnonzero(part.shown()):
                    inside = codes == place
                    if inside.sum() < FEWEST_OF_A_GROUP:
                        continue
                    start = {"by": part.by, "group": part.names[place], "outcome": outcome.name}
                    rows.append(start | self._describe(outcome, inside))
        return pl.DataFrame(rows, infer_schema_length=None)

    def _describe(self, outcome: _Outcome, inside: Array) -> dict[str, Any]:
        truth = outcome.truth[inside]
        # few people with an outcome could be known by it
        few = not self.is_number and 0 < truth.sum() < HIDDEN
        record: dict[str, Any] = {"rows": int(inside.sum()), "true": None if few else float(truth.mean())}
        for side, said in (("real", outcome.real[inside]), ("synthetic", outcome.synthetic[inside])):
            record[f"predicted_{side}"] = float(said.mean())
            if self.is_number:
                record[f"error_{side}"] = float((said - truth).mean())
                continue
            chosen, has = said >= CHOSEN, truth > 0
            record[f"chosen_{side}"] = float(chosen.mean())
            for name, among, hits in (("tpr", has, chosen), ("fpr", ~has, chosen), ("ppv", chosen, has)):
                enough = among.sum() >= FEWEST_OF_A_GROUP
                record[f"{name}_{side}"] = float(hits[among].mean()) if enough else None
        return record


def _outcomes(found: Predictions) -> list[_Outcome]:
    question, truth = found.question, found.truth
    if question.classes is None:
        low, high = np.quantile(truth, [0.25, 0.75])
        scale = float(high - low) / 1.349 or float(truth.std()) or 1.0
        squares = ((truth - found.real) / scale) ** 2
        return [_Outcome("", truth / scale, found.real / scale, found.synthetic / scale, squares)]
    counts = np.bincount(truth, minlength=len(question.classes))
    outcomes = []
    for place in asked_classes(counts):
        name = f"class {place + 1}" if question.target.sensitive else question.classes[place]
        chance = found.real[:, place]
        # half a row more of each kind, since a model that is sure of itself is not sure to be right
        spread = chance * (1 - chance) + 0.5 / len(truth)
        has = (truth == place).astype(np.float64)
        outcomes.append(_Outcome(name, has, chance, found.synthetic[:, place], spread))
    return outcomes


def _gap(
    part: Partition,
    codes: Array,
    learnt: Array,
    outcome: _Outcome,
    rate: str,
    rows: Array,
    minus: float,
    is_number: bool,
) -> _Gap | None:
    """Find the widest gap between two groups after training on synthetic rows, and that after training on real rows."""
    size = len(part.names)
    codes, every = codes[rows], np.bincount(codes, minlength=size)
    count = np.bincount(codes, minlength=size)
    kept = np.flatnonzero((count >= FEWEST_OF_A_GROUP) & part.shown())
    if len(kept) < 2:
        return None

    def mean(values: Array) -> Array:
        return np.asarray(np.bincount(codes, values[rows], minlength=size)[kept] / count[kept])

    apart = outcome.synthetic - outcome.real
    real = mean(outcome.real - minus * outcome.truth)
    synthetic = mean(outcome.synthetic - minus * outcome.truth)
    over_test = (mean(apart**2) - mean(apart) ** 2) / count[kept]
    # two models learnt from as many rows each, of which this share is what the rate is about
    known = learnt[kept] * count[kept] / every[kept]
    variance = over_test + 2 * mean(outcome.spread) / known
    high, low = int(synthetic.argmax()), int(synthetic.argmin())
    ratios = [None if is_number else float(side.min() / max(side.max(), 1e-12)) for side in (real, synthetic)]
    return _Gap(
        part.by,
        outcome.name,
        rate,
        float(real.max() - real.min()),
        float(synthetic.max() - synthetic.min()),
        ratios[0],
        ratios[1],
        part.names[kept[low]],
        part.names[kept[high]],
        float(np.sqrt(variance[high] + variance[low])) or 1e-9,
        len(kept),
    )
