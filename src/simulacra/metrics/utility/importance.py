"""Whether models trained on synthetic and on real rows find the same columns important for a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._accuracy import Spread, error_over_rows, half_models, measure
from simulacra.metrics._case import empty_side, not_computed, percent
from simulacra.metrics._learners import Question, pose, predict, predictions, some, trained, view
from simulacra.metrics._verdicts import ALARM, judge_excess

NAME = "utility/importance"
TEST_ROWS = 1_500
BATCH_CELLS = 1_000_000
DRAWS = 200
SURE = 4.0
"""Standard errors above guessing from which on a target counts as predictable."""


class Importance(Metric):
    """The share of importance that two random forests give to the same columns: one of synthetic rows, one of real.

    A column is as important as the squared error that shuffling it among unseen real rows adds. The importances of a
    model are taken as shares of their sum; the figure is the overlap of the two lists of shares: 1 where they are
    equal, 0 where no column matters to both. The baseline is the mean overlap of models trained on two halves of the
    real rows. With several targets the figure is that of the target furthest below its baseline.

    Notes
    -----
    **Verdict** on the baseline minus the value: pass up to 0.10, look up to 0.25, fail above; what is within the spread
    among halves of the real rows and over test rows passes. Several targets are judged one by one and by the mean over
    them, whose spread is known from more halves; the worst verdict counts.

    **Interval** a bootstrap of the test rows.

    **Detail** for each target and column: ``real`` and ``synthetic``, its shares of importance, and their difference.

    **Privacy** aggregates only.

    **Cost** linear in columns (1,500 test rows shuffled in each), over the random forests that
    `utility/transfer` trains, too.

    **Source** Breiman 2001, "Random forests", section 10 (importance by permutation); Fisher, Rudin & Dominici 2019,
    section 3 (model reliance on unseen rows).

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> frames = [pl.DataFrame(rng.normal(size=(300, 2)), schema=["x", "z"]).with_columns(y="x") for _ in range(3)]
    >>> table = Table("t", tuple(Column(name, "number") for name in "xzy"))
    >>> Importance().score(Comparison(table, frames[0], frames[1], frames[2], targets=("y",)))[0].verdict
    'pass'
    """

    family: ClassVar[str] = "utility"
    title: ClassVar[str] = "Same columns are important for prediction (overlap, 0 to 1)"
    better: ClassVar = "higher"
    limits: ClassVar[tuple[float, float]] = (0.10, 0.25)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        why = empty_side(case)
        if why is None and not case.targets:
            why = "no target was named; say which column to predict with target=... (--target)"
        if why is not None:
            return not_computed(self, NAME, why, asked=bool(case.targets))
        tried = {target: _try(case, target) for target in dict.fromkeys(case.targets)}
        refused = {target: why for target, why in tried.items() if isinstance(why, str)}
        trials = [trial for trial in tried.values() if isinstance(trial, _Trial)]
        if not trials:
            return not_computed(self, NAME, next(iter(refused.values())))
        verdict = _judge(trials, self.limits)
        worst = max(trials, key=lambda trial: trial.excess)
        value = worst.overlap.value
        low, high = worst.overlap.interval
        name = worst.question.target.name
        words = (
            f"Predicting {name!r}, a model trained on synthetic rows gives {percent(value)} of the importance to the "
            f"same columns as one trained on real rows; models of two halves of the real rows share "
            f"{percent(worst.ceiling)}."
        )
        if len(trials) > 1:
            mean, ceiling = (
                float(np.mean(figures))
                for figures in ([one.overlap.value for one in trials], [one.ceiling for one in trials])
            )
            words += (
                f" (Of {len(trials)} targets the one furthest below real data is shown; the mean over them is "
                f"{percent(mean)}, and {percent(ceiling)} with real data.)"
            )
        words += "".join(f" (Not asked of {name!r}, because {why})" for name, why in refused.items())
        return [
            Score(
                NAME,
                value,
                (max(0.0, low), min(1.0, high)),
                worst.ceiling,
                verdict,
                words,
                self.better,
                pl.concat([trial.detail for trial in trials]),
                title=self.title,
            )
        ]


@dataclass(frozen=True)
class _Overlap:
    """How far two lists of shares agree, and what it was in bootstraps of the test rows."""

    value: float
    repeated: Array

    @property
    def interval(self) -> tuple[float, float]:
        low, high = np.quantile(self.repeated - self.repeated.mean(), [0.025, 0.975])
        return self.value + min(0.0, float(low)), self.value + max(0.0, float(high))


@dataclass(frozen=True)
class _Trial:
    question: Question
    overlap: _Overlap
    ceiling: float
    spread: Spread
    detail: pl.DataFrame

    @property
    def excess(self) -> float:
        return self.ceiling - self.overlap.value


def _judge(trials: list[_Trial], limits: tuple[float, float]) -> Verdict:
    """Return the worst verdict of the targets, each alone and all together."""
    if len(trials) == 1:
        return _judge_mean(trials, limits, 1)
    looks = len(trials) + 1
    found = [_judge_mean([trial], limits, looks) for trial in trials]
    return max([*found, _judge_mean(trials, limits, looks)], key=("pass", "look", "fail").index)


def _judge_mean(trials: list[_Trial], limits: tuple[float, float], looks: int) -> Verdict:
    # targets share the synthetic rows: errors of a mean are taken as if they were all the same one
    pooled = _pool([trial.spread for trial in trials]).careful(ALARM / looks)
    resampled = np.sqrt(np.mean([trial.overlap.repeated.var() for trial in trials]))
    excess = float(np.mean([trial.excess for trial in trials]))
    return judge_excess(excess, float(np.hypot(pooled, resampled)), limits, looks)


def _pool(spreads: list[Spread]) -> Spread:
    """Return the root of the mean variance, with degrees of freedom by Satterthwaite.

    Examples
    --------
    >>> _pool([Spread(0.1, 7), Spread(0.1, 7)]).degrees, _pool([Spread(0.1, 7), Spread(0.001, 7)]).degrees
    (14, 7)
    """
    variances = np.array([spread.error**2 for spread in spreads])
    degrees = np.array([spread.degrees for spread in spreads])
    if not variances.any():
        return Spread(0.0, int(degrees.sum()))
    effective = variances.sum() ** 2 / (variances**2 / degrees).sum()
    return Spread(float(np.sqrt(variances.mean())), int(effective + 1e-9))


def _try(case: Comparison, target: str) -> _Trial | str:
    question = pose(case, target)
    if isinstance(question, str):
        return question
    told = predictions(case, target, "forest")
    assert not isinstance(told, str)  # the question was posed, so it can be answered
    found = measure(question, told.real, told.truth)
    guessing = 0.0 if question.classes is None else 0.5
    if found.value - SURE * error_over_rows(found.influences) <= guessing:
        return (
            f"{target!r} can not be predicted from the other columns, even by a model trained on real rows, so no "
            "column is important for it; choose another target."
        )
    streams = case.streams.at(NAME, target)
    rows = some(question, TEST_ROWS, streams.stream("test"))
    probe = _Probe(case, question, rows)
    real, fake = (probe.losses(trained(case, question, "forest", side)) for side in ("real", "synthetic"))
    weights = streams.stream("resample").multinomial(
        len(rows), np.full(len(rows), 1 / len(rows)), size=DRAWS
    ) / len(rows)
    overlap = _Overlap(
        float(_overlap(real.mean(axis=0), fake.mean(axis=0))), _overlap(weights @ real, weights @ fake)
    )
    halves = np.array(
        [
            float(_overlap(probe.losses(one).mean(axis=0), probe.losses(other).mean(axis=0)))
            for one, other in half_models(case, question, "forest")
        ]
    )
    # one more draw lies around an estimated mean
    spread = Spread(float(halves.std(ddof=1)) * float(np.sqrt(1 + 1 / len(halves))), len(halves) - 1)
    detail = pl.DataFrame(
        {
            "target": [target] * len(question.columns),
            "column": [column.name for column in question.columns],
            "real": _shares(real.mean(axis=0)),
            "synthetic": _shares(fake.mean(axis=0)),
        }
    ).with_columns(difference=pl.col("synthetic") - pl.col("real"))
    return _Trial(
        question,
        overlap,
        float(halves.mean()),
        spread,
        detail.sort("real", descending=True, maintain_order=True),
    )


def _shares(importance: Array) -> Array:
    """Return importances as shares of their sum, along the last axis; all 0 where nothing is important."""
    positive = np.maximum(importance, 0.0)
    total = positive.sum(axis=-1, keepdims=True)
    return np.divide(positive, total, out=np.zeros_like(positive), where=total > 0)


def _overlap(one: Array, other: Array) -> Array:
    shared: Array = np.minimum(_shares(one), _shares(other)).sum(axis=-1)
    return np.minimum(shared, 1.0)


class _Probe:
    """Test rows, and the same rows with each column shuffled in turn; the same for all models."""

    def __init__(self, case: Comparison, question: Question, rows: Array) -> None:
        seen = view(case, question, "forest")
        self.question = question
        self.matrix = seen.matrices["test"][rows]
        self.owners = seen.owners
        self.truth = question.answers["test"][rows]
        streams = case.streams.at(NAME, question.target.name)
        self.orders = [
            streams.stream("shuffle", column.name).permutation(len(rows)) for column in question.columns
        ]

    def losses(self, model: Any) -> Array:
        """Return the squared error that shuffling adds, rows x columns."""
        rows = len(self.matrix)
        plain = self._loss(model, self.matrix, self.truth)
        added = np.zeros((rows, len(self.orders)))
        batch = max(1, BATCH_CELLS // self.matrix.size)
        for start in range(0, len(self.orders), batch):
            orders = self.orders[start : start + batch]
            shuffled = np.tile(self.matrix, (len(orders), 1))
            for place, order in enumerate(orders):
                own = np.flatnonzero(self.owners == start + place)
                shuffled[place * rows : (place + 1) * rows, own] = self.matrix[order][:, own]
            losses = self._loss(model, shuffled, np.tile(self.truth, len(orders)))
            added[:, start : start + batch] = losses.reshape(len(orders), rows).T - plain[:, None]
        return added

    def _loss(self, model: Any, matrix: Array, truth: Array) -> Array:
        told = predict(model, matrix, self.question)
        if self.question.classes is None:
            return (told - truth) ** 2
        told[np.arange(len(told)), truth] -= 1.0
        return (told**2).sum(axis=1)
