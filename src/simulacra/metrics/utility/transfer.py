"""How well a model trained on synthetic rows predicts real ones that nobody has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._auc import influence, interval_from
from simulacra.metrics._boosting import fit, threads
from simulacra.metrics._case import (
    LEVEL_KINDS,
    NUMERIC_KINDS,
    as_levels,
    draw,
    empty_side,
    judge,
    not_computed,
    predictive_columns,
    sampled_note,
)
from simulacra.metrics._features import extract
from simulacra.profile import as_numbers

NAME = "utility/transfer"
MOST_CLASSES = 20
FEWEST_ROWS = 50
FEWEST_OF_A_CLASS = 10
SHRINKAGE = 10.0
"""L2 penalty on leaves: without it the steps of rare classes, of tiny curvature, run away (AUC 0.66 for 1.00)."""


class Transfer(Metric):
    """Train on synthetic, test on real: AUC (classes, one against the rest) or R2 (numbers) on the holdout.

    The baseline is the same learner trained on as many training rows and tested on the same rows. Needs a
    target column and a holdout. Rows whose target is missing are left out.

    Notes
    -----
    **Verdict** on the baseline minus the value: pass up to 0.02, look up to 0.05, fail above.

    **Interval** over the test rows, from each row's influence on the figure (the infinitesimal jackknife,
    the limit of a bootstrap of the test rows); it does not hold the spread over other training rows.

    **Detail** for each class (or for R2 and the mean absolute error): ``synthetic`` and ``real``, the figure
    after training on either; then the ``gap`` between them with its 95 % interval.

    **Cost** linear in rows (at most ``case.max_rows``), columns and classes (beyond 20, the rarest are one
    class).

    **Source** Esteban, Hyland & Rätsch 2017, arXiv 1706.02633, section 4 (TSTR); Efron 1982, chapter 6.

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
    better: ClassVar = "higher"
    limits: ClassVar[tuple[float, float]] = (0.02, 0.05)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        why = _obstacle(case)
        if why is not None or case.holdout is None or case.target is None:
            return not_computed(self, NAME, why or "")
        target = case.table[case.target]
        streams = case.streams.at(NAME)
        known = pl.col(target.name).is_not_null()
        frames = [frame.filter(known) for frame in (case.synthetic, case.train, case.holdout)]
        fewest = min(frame.height for frame in frames)
        if fewest < FEWEST_ROWS:
            return not_computed(
                self, NAME, f"it needs {FEWEST_ROWS} rows with a target and some data have {fewest}."
            )
        available = min(frames[0].height, frames[1].height)
        rows = min(available, case.max_rows)
        fake = draw(frames[0], rows, streams.stream("synthetic"))
        real = draw(frames[1], rows, streams.stream("train"))
        test = draw(frames[2], case.max_rows, streams.stream("test"))
        columns = [c for c in predictive_columns(case.table) if c.name != target.name]
        features = extract([fake, real, test], columns)
        task = _Task(features.matrices[2], features.categorical, target.sensitive)
        answers = [frame[target.name] for frame in (fake, real, test)]
        with threads(features.matrices[0].size):
            if target.kind in LEVEL_KINDS:
                outcome = _classify(task, features.matrices, answers)
            else:
                outcome = _regress(task, features.matrices, [as_numbers(a) for a in answers])
        if isinstance(outcome, str):
            return not_computed(self, NAME, outcome)
        value, interval = outcome.value, outcome.interval
        verdict = judge(outcome.baseline - value, self.limits)
        words = f"Predicting {target.name!r}: {outcome.words}" + sampled_note(rows, available, case.max_rows)
        return [
            Score(
                NAME,
                value,
                interval,
                outcome.baseline,
                verdict,
                words,
                self.better,
                outcome.detail,
                title="Prediction on real rows, trained on synthetic",
            )
        ]


@dataclass(frozen=True)
class _Task:
    test: Array
    categorical: Array
    hide_levels: bool


@dataclass(frozen=True)
class _Outcome:
    value: float
    interval: tuple[float, float]
    baseline: float
    words: str
    detail: pl.DataFrame


def _obstacle(case: Comparison) -> str | None:
    """Say why the question can not be asked of these data, if it can not."""
    if (why := empty_side(case)) is not None:
        return why
    if case.target is None:
        return "no target was named; say which column to predict with target=... (--target)"
    if case.target not in case.table.names:
        return f"the table has no column {case.target!r}; name one of its columns with target=... (--target)"
    if case.holdout is None:
        return "it needs real rows that the model never saw; give them with holdout=... (--holdout)"
    column = case.table[case.target]
    if column.kind not in LEVEL_KINDS | NUMERIC_KINDS or column.identifying is not None:
        what = column.kind if column.identifying is None else "column of identifiers"
        return f"{case.target!r} is a {what} and can not be predicted; choose another target."
    if len(predictive_columns(case.table)) < 2:
        return "there is no other column to predict the target from."
    return None


def _classify(task: _Task, matrices: list[Array], answers: list[pl.Series]) -> _Outcome | str:
    labels, classes, merged = _classes([as_levels(a) for a in answers])
    counts = np.bincount(labels[2], minlength=len(classes))
    asked = np.flatnonzero((counts >= FEWEST_OF_A_CLASS) & (counts <= len(labels[2]) - FEWEST_OF_A_CLASS))
    if len(asked) == 0:
        return (
            "fewer than two classes of the target have 10 rows in the holdout; give more, or another target."
        )
    scores = [_probabilities(task, matrices[i], labels[i], len(classes)) for i in (0, 1)]
    if len(classes) == 2:
        asked = asked[-1:]
    parts = [[influence(side[:, c], labels[2] == c) for c in asked] for side in scores]
    values = np.array([[value for value, _ in side] for side in parts])
    influences = np.array([np.mean([i for _, i in side], axis=0) for side in parts])
    shown = [f"class {i + 1}" for i in range(len(classes))] if task.hide_levels else classes
    names = [f"AUC of {shown[c]}" for c in asked] if len(asked) > 1 else ["AUC"]
    differences = [real - fake for (_, fake), (_, real) in zip(*parts, strict=True)]
    detail = _detail(names, values[0], values[1], differences)
    value, baseline = float(values[0].mean()), float(values[1].mean())
    low, high = interval_from(value, influences[0], floor=1 / len(labels[2]))
    words = (
        f"A model trained on synthetic rows ranks unseen real rows right {100 * value:.1f} % of the time; "
        f"trained on real rows it is {100 * baseline:.1f} % (50 % is guessing)."
    )
    if merged:
        words += f" (The {merged:,} rarest classes of the target are taken as one.)"
    return _Outcome(value, (max(0.0, low), min(1.0, high)), baseline, words, detail)


def _classes(answers: list[pl.Series]) -> tuple[list[Array], list[str], int]:
    """Number the classes, real ones by frequency, and merge the rarest beyond `MOST_CLASSES`."""
    real = pl.DataFrame({"level": pl.concat(answers[1:])})
    counts = real.group_by("level").len().sort(["len", "level"], descending=[True, False])["level"].to_list()
    kept = counts if len(counts) <= MOST_CLASSES else counts[: MOST_CLASSES - 1]
    position = {level: i for i, level in enumerate(kept)}
    classes = [*kept, "all others"] if len(kept) < len(counts) else list(kept)
    # a class that only the synthetic rows have counts as one more that the test never asks for
    unknown = len(kept)
    labels = [
        answer.replace_strict(position, default=unknown, return_dtype=pl.Int64).to_numpy()
        for answer in answers
    ]
    if len(kept) == len(counts) and bool((labels[0] == unknown).any()):
        classes = [*classes, "unknown"]
    return labels, classes, len(counts) - len(kept)


def _probabilities(task: _Task, matrix: Array, labels: Array, classes: int) -> Array:
    """Train on some rows and return the chance of each class for every test row."""
    found = np.zeros((len(task.test), classes))
    present = np.unique(labels)
    if len(present) == 1:
        found[:, present[0]] = 1.0
        return found
    rounds = 100 if len(present) == 2 else int(np.clip(300 // len(present), 30, 100))
    model = HistGradientBoostingClassifier(
        learning_rate=0.1,
        max_iter=rounds,
        l2_regularization=SHRINKAGE,
        categorical_features=task.categorical,
        early_stopping=False,
        random_state=0,
    )
    found[:, present] = fit(model, matrix, labels).predict_proba(task.test)
    return found


def _regress(task: _Task, matrices: list[Array], answers: list[Array]) -> _Outcome | str:
    truth = answers[2]
    spread = float(truth.var())
    if spread == 0:
        return "the target is constant in the holdout; choose another target."
    squared, absolute = [], []
    for matrix, answer in zip(matrices[:2], answers[:2], strict=True):
        model = HistGradientBoostingRegressor(
            learning_rate=0.1, categorical_features=task.categorical, early_stopping=False, random_state=0
        )
        error = truth - fit(model, matrix, answer).predict(task.test)
        squared.append(error**2)
        absolute.append(float(np.abs(error).mean()))
    means = np.array([s.mean() for s in squared])
    value, baseline = (float(r) for r in 1 - means / spread)
    deviation = (truth - truth.mean()) ** 2
    influences = np.array(
        [
            -(s - m) / spread + m / spread**2 * (deviation - spread)
            for s, m in zip(squared, means, strict=True)
        ]
    )
    names = ["R2", "mean absolute error"]
    detail = _detail(
        names,
        np.array([value, absolute[0]]),
        np.array([baseline, absolute[1]]),
        [
            influences[1] - influences[0],
            np.sqrt(squared[1]) - np.sqrt(squared[0]) - (absolute[1] - absolute[0]),
        ],
    )
    low, high = interval_from(value, influences[0])
    words = (
        f"A model trained on synthetic rows explains {100 * value:.1f} % of the target's variance in unseen "
        f"real rows; trained on real rows it is {100 * baseline:.1f} %."
    )
    return _Outcome(value, (low, min(1.0, high)), baseline, words, detail)


def _detail(names: list[str], fake: Array, real: Array, influences: list[Array]) -> pl.DataFrame:
    """List each measure with its gap, real minus synthetic, and the gap's interval over the test rows."""
    gaps = real - fake
    ends = [interval_from(float(gap), influence) for gap, influence in zip(gaps, influences, strict=True)]
    low, high = zip(*ends, strict=True)
    return pl.DataFrame(
        {"measure": names, "synthetic": fake, "real": real, "gap": gaps, "gap_low": low, "gap_high": high}
    )
