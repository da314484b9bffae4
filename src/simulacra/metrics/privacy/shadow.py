"""Whether generators that learnt a person's record can be told from those that did not: an attack by shadow models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from scipy.stats import t
from sklearn.linear_model import LogisticRegression

from simulacra.domain import Array
from simulacra.errors import SimulacraError
from simulacra.metric import Comparison, Maker, Metric, Score, Verdict
from simulacra.metrics._attack import (
    AREA_LIMITS,
    NEIGHBOURS,
    Suspicion,
    Trial,
    gather,
    no_leak,
)
from simulacra.metrics._case import judge, not_computed, percent
from simulacra.metrics._neighbours import nearest_several, place
from simulacra.metrics._roc import area, influence
from simulacra.metrics._verdicts import ALARM
from simulacra.randomness import Streams

NAME = "privacy/shadow"
TARGETS = 20
MOST_ROWS = 5_000
FEWEST_SHADOWS = 4
SUGGESTED = 32
NEAREST = 5
"""Neighbours whose mean distance says how isolated a record is."""
RATE = 0.1
"""False alarms at which the share caught is told: of some hundred trials 1 % would be one."""


class Shadow(Metric):
    """A shadow-model attack on the most isolated training rows: AUC, 0.5 is guessing.

    The attack does to the generator what an attacker can do who knows how it works: it makes the generator learn many
    times from random real rows (shadow models), each time with each of 20 target records in or out by the toss of a
    coin, and looks at what the drawn rows do near each target. Half of the shadow models teach a classifier to tell
    "in" from "out", the others test it. The targets are the training rows that lie farthest from other real rows,
    those who have most to lose. It judges the generator and its settings rather than the very rows under test: no
    other attack here is as strong, and none costs as much, so it runs only when it is asked for.

    A shadow model learns from at most 5,000 rows, and draws as many. Near a target these figures are taken: distances
    to the 1st, 2nd, 4th, 8th and 16th nearest drawn row and their density, each in comparison with that of the other
    shadow models at this target. Distance is Gower's. Two scores: ``privacy/shadow``, the area under the ROC curve
    over all targets and test models; ``privacy/shadow/caught``, the share of targets named where they are in, when it
    is wrong on 10 % of those where they are out (0.1 is guessing).

    Notes
    -----
    **Verdict** pass where guessing explains the figure (rank-sum and exact rank test, with a chance of a false alarm
    of 1e-4). Beyond that, AUC: pass up to 0.55, look up to 0.60, fail above. Caught: pass up to 0.15, look up to 0.25,
    fail above. A verdict on the most isolated is harsh on purpose.

    **Interval** 95 %. AUC: DeLong's influences, summed within each shadow model, since its targets share its luck,
    with Student's t. Caught: as `privacy/membership`.

    **Detail** the numbers of shadow models, of their rows and of targets, AUC where the classifier learnt and where it
    was tested, and the share caught.

    **Privacy** ``private`` shows the targets with the AUC on each, for the owner of the data. Passing says that this
    attack found no leak, and no more than that.

    **Cost** as many fits as shadow models; the words say how long that takes, before it is asked for.

    **Source** Stadler, Oprisanu & Troncoso 2022, "Synthetic data: anonymisation groundhog day", section 4 (the game of
    shadow models); Meeus et al. 2023, "Achilles' heels: vulnerable record identification in synthetic data
    publishing", section 5 (targets by mean distance to the 5 nearest records); Carlini et al. 2022, "Membership
    inference attacks from first principles", section 5 (every shadow set takes each target by the toss of a coin).

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=200) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> print(Shadow().score(Comparison(table, train, train, holdout))[0].verdict)
    not computed
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Most isolated rows told in or out by shadow models (AUC, 0.5 is guessing)"
    limits: ClassVar[tuple[float, float]] = AREA_LIMITS
    caught_limits: ClassVar[tuple[float, float]] = (0.15, 0.25)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        if case.maker is None:
            why = (
                "it makes the generator learn anew and nobody said how; give the model that made the rows with "
                "model=... (--model), or a function from real rows to synthetic ones with maker=..."
            )
            return not_computed(self, NAME, why, asked=False)
        trial = gather(case)
        if isinstance(trial, str):
            return not_computed(self, NAME, trial)
        try:
            if case.shadows < FEWEST_SHADOWS:
                return not_computed(self, NAME, _offer(case, case.maker), asked=case.shadows > 0)
            plan = _Plan.draw(case, trial)
            made = plan.make(case.maker, case.streams.at(NAME))
        except SimulacraError as error:
            return not_computed(self, NAME, str(error))
        if min(frame.height for frame in made) == 0:
            return not_computed(self, NAME, "a shadow model drew no rows; look at what maker=... returns.")
        return self._scores(plan, *_attack(plan, plan.measure(made, trial)), case)

    def _scores(self, plan: _Plan, known: Suspicion, tried: Suspicion, case: Comparison) -> list[Score]:
        models, targets = len(plan.included), len(plan.targets)
        tested = len(tried.scores) // targets
        value, interval = _area(tried, tested)
        share, reach = tried.caught(RATE)
        verdict: Verdict = "pass" if tried.ranked() >= ALARM else judge(value, self.limits)
        second: Verdict = "pass" if tried.chance(RATE) >= ALARM else judge(share, self.caught_limits)
        fitted = f"{models} shadow models were fitted to {plan.rows:,} rows each, {tested} of them to test the attack"
        told = (
            f"Somebody who knows how the generator works tells whether it learnt one of the {targets} most isolated "
            f"training rows: ranked right {percent(value)} of the time (50 % is guessing); {fitted}."
        )
        also = (
            f"Somebody who knows how the generator works names {percent(share)} of the {targets} most isolated "
            "training rows "
            "where it learnt them, while wrongly naming 10 % where it did not (guessing names 10 %)."
        )
        detail = pl.DataFrame(
            {
                "shadow_models": [models], "rows": [plan.rows], "targets": [targets],
                "auc_learning": [area(known.scores, known.inside)], "auc": [value], "tpr_0.1": [share],
            }
        )  # fmt: skip
        return [
            Score(NAME, value, interval, 0.5, verdict, no_leak(told, verdict), self.better, detail,
                  _evidence(plan, tried, case), title=self.title),
            Score(f"{NAME}/caught", share, reach, RATE, second, no_leak(also, second), self.better,
                  title="Most isolated rows named by shadow models (share, at 10 % false alarms)"),
        ]  # fmt: skip


def _offer(case: Comparison, maker: Maker) -> str:
    """Say what the attack would cost, and how to ask for it."""
    rows = min(MOST_ROWS, (case.train.height + case.reference.height) // 2)
    seconds = maker.seconds(rows)
    cost = "how long each takes is not known" if math.isnan(seconds) else f"about {_about(seconds)} s each"
    why = "it was not asked for" if case.shadows <= 0 else f"{case.shadows} shadow models are too few"
    return (
        f"{why}; it would fit {SUGGESTED} models to {rows:,} rows each, {cost}: ask with "
        f"shadows={SUGGESTED} (--shadows {SUGGESTED}), at least {FEWEST_SHADOWS}."
    )


def _about(seconds: float) -> str:
    """Round to one digit, as an estimate deserves."""
    return f"{float(f'{max(seconds, 0.1):.1g}'):g}"


@dataclass(frozen=True)
class _Plan:
    """Which rows each shadow model learns from."""

    targets: Array
    frame: pl.DataFrame
    pool: pl.DataFrame
    included: Array
    learning: int
    rows: int

    @classmethod
    def draw(cls, case: Comparison, trial: Trial) -> _Plan:
        """Choose the targets, and deal each of them into half of the models that teach and half of those that test."""
        streams = case.streams.at(NAME)
        distances = np.where(np.isfinite(trial.known), trial.known, 0.0)
        lonely = distances[: trial.members.height, :NEAREST].mean(axis=1)
        chosen = np.argsort(-lonely, kind="stable")[:TARGETS]
        targets = trial.rows[chosen]
        rest = np.delete(np.arange(case.train.height), targets)
        pool = pl.concat([case.train[rest], case.reference])
        models = case.shadows - case.shadows % 2
        learning = max(2, models // 4 * 2)
        rng = streams.stream("deal")

        def deal(count: int) -> Array:
            return np.column_stack([rng.permutation(count) < count // 2 for _ in targets])

        included = np.vstack([deal(learning), deal(models - learning)])
        return cls(targets, case.train[targets], pool, included, learning, min(MOST_ROWS, pool.height // 2))

    def make(self, maker: Maker, streams: Streams) -> list[pl.DataFrame]:
        """Fit the shadow models and draw from them."""
        made = []
        for number, inside in enumerate(self.included):
            rng = streams.stream("shadow", str(number))
            others = self.pool[np.sort(rng.choice(self.pool.height, self.rows, replace=False))]
            real = pl.concat([others, self.frame.filter(pl.Series(inside))])
            real = real[rng.permutation(real.height)]
            made.append(maker.make(real, self.rows, int(rng.integers(2**31))))
        return made

    def measure(self, made: list[pl.DataFrame], trial: Trial) -> Array:
        """Return what drawn rows do near the targets: an array of shape (models, targets, figures)."""
        names = [column.name for column in trial.columns]
        frames = [frame.select(names) for frame in (self.frame, self.pool, *made)]
        targets, _, *drawn = place(frames, trial.columns, 2)
        near = np.stack([nearest_several(targets, rows, NEIGHBOURS) for rows in drawn]).astype(np.float64)
        near = np.where(np.isfinite(near), near, len(names) * 1.0)
        width = np.maximum(np.median(near, axis=(0, 2)), trial.least)
        density = np.log(np.exp(-near / width[:, None] * 4).sum(axis=2) + 1e-12)
        logs = np.log(near[:, :, [0, 1, 3, 7, 15]] + 0.01 * width[:, None])
        return np.concatenate([logs, density[:, :, None]], axis=2)


def _attack(plan: _Plan, figures: Array) -> tuple[Suspicion, Suspicion]:
    """Teach a classifier with the first models and let it judge the others; both for all targets together."""
    first = figures[: plan.learning]
    spread = first.std(axis=0)
    scaled = (figures - first.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    # two models that happen to agree have no spread to speak of, and must not drown all others
    scaled = np.clip(scaled, -5.0, 5.0)
    flat = scaled.reshape(-1, scaled.shape[2])
    inside = plan.included.ravel()
    cut = plan.learning * len(plan.targets)
    model = LogisticRegression(C=0.1).fit(flat[:cut], inside[:cut])
    scores = model.decision_function(flat)
    return Suspicion(scores[:cut], inside[:cut]), Suspicion(scores[cut:], inside[cut:])


def _area(tried: Suspicion, models: int) -> tuple[float, tuple[float, float]]:
    """Return the area with an interval that knows that the targets of one model share its luck."""
    value, influences = influence(tried.scores, tried.inside)
    sums = influences.reshape(models, -1).sum(axis=1)
    error = float(np.sqrt((sums**2).sum() * models / (models - 1))) / len(influences)
    margin = float(t.ppf(0.975, models - 1)) * max(error, 1 / len(influences))
    return value, (max(0.0, value - margin), min(1.0, value + margin))


def _evidence(plan: _Plan, tried: Suspicion, case: Comparison) -> pl.DataFrame:
    """Show the targets, those told best first, for their owner."""
    targets = len(plan.targets)
    scores, inside = (array.reshape(-1, targets) for array in (tried.scores, tried.inside))
    areas = [area(scores[:, k], inside[:, k]) for k in range(targets)]
    order = np.argsort(-np.array(areas), kind="stable")
    shown = pl.DataFrame({"train_row": plan.targets[order] + 1, "auc": np.array(areas)[order]})
    return shown.hstack([values.alias(f"train: {values.name}") for values in plan.frame[order].get_columns()])
