"""How well a model trained on synthetic rows predicts real ones that nobody has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._accuracy import Accuracy, Spread, error_over_rows, measure, training_spread
from simulacra.metrics._case import empty_side, not_computed
from simulacra.metrics._learners import Learner, Question, pose, predict, predictions, train, view
from simulacra.metrics._verdicts import judge_excess

NAME = "utility/transfer"
TAIL = 0.025
"""Chance beyond either end of an interval."""
TITLES: dict[str, str] = {
    "boosting": "Prediction on real rows, boosted trees trained on synthetic ones (AUC or R2)",
    "linear": "Prediction on real rows, a linear model trained on synthetic ones (AUC or R2)",
    "forest": "Prediction on real rows, a random forest trained on synthetic ones (AUC or R2)",
    "augmented": "Prediction on real rows, boosted trees trained on real and synthetic ones (AUC or R2)",
}
LEARNERS: dict[str, Learner] = {
    "boosting": "boosting",
    "linear": "linear",
    "forest": "forest",
    "augmented": "boosting",
}
CALLED = {
    "boosting": "a model",
    "linear": "a linear model",
    "forest": "a random forest",
    "augmented": "a model",
}


class Transfer(Metric):
    """Train on synthetic, test on real: AUC (classes, one against the rest) or R2 (numbers) on the holdout.

    Boosted trees give the headline; a linear or logistic regression (``/linear``) and a random forest (``/forest``)
    are asked the same. ``/augmented`` trains boosted trees on real and synthetic rows together. The baseline is the
    same learner trained on as many training rows and tested on the same rows. Needs a target and a holdout. With
    several targets the figure is that of the target with the largest gap. Rows whose target is missing are left out.

    Notes
    -----
    **Verdict** on the baseline minus the value: pass up to 0.02, look up to 0.05, fail above; a gap within noise (of
    the test rows, in pairs, and of the training rows, from models of two real halves) passes.

    **Interval** over the test rows, from each row's influence on the figure (the infinitesimal jackknife, the limit
    of a bootstrap of the test rows), widened by the spread over training rows.

    **Detail** for each target and class (or R2 and the mean absolute error): ``synthetic`` and ``real``, the figure
    after training on either; then the ``gap`` between them with its 95 % interval.

    **Privacy** aggregates only; the classes of a sensitive target are numbered.

    **Cost** some twenty models of at most 4,000 rows and two of at most 30,000 for each learner and target; linear in
    columns and classes (beyond 20, the rarest are one class).

    **Source** Esteban, Hyland & Rätsch 2017, arXiv 1706.02633, section 4 (TSTR); Efron 1982, chapter 6 (the
    infinitesimal jackknife) and chapter 8 (half-sampling).

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> frames = [pl.DataFrame({"x": rng.normal(size=300)}).with_columns(y=pl.col("x") * 2) for _ in range(3)]
    >>> table = Table("t", (Column("x", "number"), Column("y", "number")))
    >>> Transfer().score(Comparison(table, frames[0], frames[1], frames[2], targets=("y",)))[0].verdict
    'pass'
    """

    family: ClassVar[str] = "utility"
    title: ClassVar[str] = TITLES["boosting"]
    better: ClassVar = "higher"
    limits: ClassVar[tuple[float, float]] = (0.02, 0.05)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        why = empty_side(case)
        if why is None and not case.targets:
            why = "no target was named; say which column to predict with target=... (--target)"
        if why is not None:
            return not_computed(self, NAME, why, asked=bool(case.targets))
        posed = {target: pose(case, target) for target in dict.fromkeys(case.targets)}
        questions = [question for question in posed.values() if isinstance(question, Question)]
        refused = {target: why for target, why in posed.items() if isinstance(why, str)}
        if not questions:
            return not_computed(self, NAME, next(iter(refused.values())))
        note = "".join(f" (Not asked of {name!r}, because {why})" for name, why in refused.items())
        return [self._score_with(case, kind, questions, note) for kind in TITLES]

    def _score_with(self, case: Comparison, kind: str, questions: list[Question], note: str) -> Score:
        trials = [_try(case, question, kind) for question in questions]
        worst = max(trials, key=lambda trial: trial.gap)
        low, high = worst.interval
        if worst.question.classes is not None:
            low = max(0.0, low)
        return Score(
            NAME if kind == "boosting" else f"{NAME}/{kind}",
            worst.fake.value,
            (low, max(worst.fake.value, min(1.0, high))),
            worst.real.value,
            judge_excess(worst.gap, worst.error, self.limits, looks=len(trials)),
            _say(worst, kind, len(trials)) + _sampled(worst.question) + note,
            self.better,
            pl.concat([trial.detail() for trial in trials]),
            title=TITLES[kind],
        )


@dataclass(frozen=True)
class _Trial:
    """Two models of one target: one of real rows, one of synthetic rows (or of both together)."""

    question: Question
    fake: Accuracy
    real: Accuracy
    spread: Spread

    @property
    def gap(self) -> float:
        return self.real.value - self.fake.value

    @property
    def error(self) -> float:
        return float(
            np.hypot(error_over_rows(self.real.influences - self.fake.influences), self.spread.careful())
        )

    @property
    def interval(self) -> tuple[float, float]:
        # the spread is that of a gap between two models, of which this is one
        error = float(np.hypot(error_over_rows(self.fake.influences), self.spread.careful(TAIL) / np.sqrt(2)))
        return self.fake.value - 1.96 * error, self.fake.value + 1.96 * error

    def detail(self) -> pl.DataFrame:
        rows = [
            self._row(name, fake, real, real_effect - fake_effect)
            for (name, fake, fake_effect), (_, real, real_effect) in zip(
                self.fake.parts, self.real.parts, strict=True
            )
        ]
        names = ["target", "measure", "synthetic", "real", "gap", "gap_low", "gap_high"]
        return pl.DataFrame(rows, schema=names, orient="row")

    def _row(self, name: str, fake: float, real: float, effect: Array) -> tuple[str | float, ...]:
        # an error in the target's own unit has no spread over training rows in units of R2
        spread = 0.0 if name == "mean absolute error" else self.spread.careful(TAIL)
        error = 1.96 * float(np.hypot(np.sqrt((effect**2).mean() / len(effect)), spread))
        gap = real - fake
        return self.question.target.name, name, fake, real, gap, gap - error, gap + error


def _try(case: Comparison, question: Question, kind: str) -> _Trial:
    learner = LEARNERS[kind]
    told = predictions(case, question.target.name, learner)
    assert not isinstance(told, str)  # the question was posed, so it can be answered
    fake = _augmented(case, question) if kind == "augmented" else told.synthetic
    return _Trial(
        question,
        measure(question, fake, told.truth),
        measure(question, told.real, told.truth),
        training_spread(case, question, learner),
    )


def _augmented(case: Comparison, question: Question) -> Array:
    seen = view(case, question, "boosting")
    matrix = np.vstack([seen.matrices["real"], seen.matrices["synthetic"]])
    answers = np.concatenate([question.answers["real"], question.answers["synthetic"]])
    rng = case.streams.at(NAME).stream("augmented", question.target.name)
    return predict(train(question, "boosting", seen, matrix, answers, rng), seen.matrices["test"], question)


def _say(trial: _Trial, kind: str, targets: int) -> str:
    name, fake, real = trial.question.target.name, 100 * trial.fake.value, 100 * trial.real.value
    rows = "real and synthetic rows together" if kind == "augmented" else "synthetic rows"
    alone = "real rows alone" if kind == "augmented" else "real rows"
    if trial.question.classes is None:
        words = (
            f"Predicting {name!r}: {CALLED[kind]} trained on {rows} explains {fake:.1f} % of the target's variance "
            f"in unseen real rows; trained on {alone} it is {real:.1f} %."
        )
    else:
        words = (
            f"Predicting {name!r}: {CALLED[kind]} trained on {rows} ranks unseen real rows right {fake:.1f} % of the "
            f"time; trained on {alone} it is {real:.1f} % (50 % is guessing)."
        )
    if targets > 1:
        words += f" (Of {targets} targets the one with the largest gap is shown.)"
    if trial.question.merged:
        words += f" (The {trial.question.merged:,} rarest classes of the target are taken as one.)"
    return words


def _sampled(question: Question) -> str:
    if question.used >= question.available:
        return ""
    return f" (A random {question.used:,} rows of each side were used.)"
