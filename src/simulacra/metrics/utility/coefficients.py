"""Whether a regression on synthetic rows finds the coefficients that it finds on real rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.stats import norm, t

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import draw, empty_side, judge, not_computed, percent
from simulacra.metrics._learners import Question, pose
from simulacra.metrics._linear import Coding, encode, fit_logistic, fit_numbers, moments
from simulacra.metrics._verdicts import ALARM
from simulacra.randomness import Streams
from simulacra.schema.types import Column

NAME = "utility/coefficients"
SIGNS = "utility/coefficients/signs"
SIGNS_TITLE = "Same signs of regression coefficients (share)"
ROWS_A_COEFFICIENT = 10
MOST_COEFFICIENTS = 60
REACH = 1.96
CLEAR = 3.5
"""Standard errors from 0 from which on a coefficient's sign is taken as known: few do so by chance among many."""
DRAWS = 10_000
NO_SIGNS = "no coefficient is far enough from 0 on the real rows for its sign to be known; give more rows."


class Coefficients(Metric):
    """The mean overlap of 95 % intervals of regression coefficients, fitted to real and to as many synthetic rows.

    A linear regression (a number to predict) or a logistic one (the commonest other class against the rest) on
    standardised numbers and on the common levels of each column. 1 where all intervals are equal, 0 where none meet;
    two samples of one population reach 0.71 on average, whatever their size. The baseline is the same with holdout
    rows in place of the synthetic ones. ``/signs`` is the share of coefficients clearly apart from 0 on the real rows
    whose sign is the same. With several targets the figure is that of the worst.

    Notes
    -----
    **Verdict** on the expectation for real rows minus the value: pass up to 0.20, look up to 0.45, fail above; signs:
    pass while at most 5 % of them differ, look up to 15 %. What pairs of real samples show more often than once in
    10,000 times passes (drawn from the joint normal distribution of the estimates).

    **Interval** of the overlap: the spread of the mean over such pairs, around the value; of the signs: Wilson's.

    **Detail** for each coefficient its value and interval on either side (numbers per standard deviation, levels
    against all levels without a coefficient of their own), the overlap and whether the signs agree.

    **Privacy** aggregates only; the levels of a sensitive column are numbered.

    **Cost** a fit on each side of at most 30,000 rows and 60 coefficients per target.

    **Source** Karr et al. 2006, "A framework for evaluating the utility of data altered to protect confidentiality",
    section 3 (interval overlap); White 1980 (errors that hold for wrong models, here with the correction HC3 of
    MacKinnon & White 1985).

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> frames = [pl.DataFrame(rng.normal(size=(500, 2)), schema=["x", "e"]) for _ in range(3)]
    >>> frames = [frame.select("x", y=pl.col("x") + pl.col("e")) for frame in frames]
    >>> table = Table("t", (Column("x", "number"), Column("y", "number")))
    >>> [s.verdict for s in Coefficients().score(Comparison(table, *frames, targets=("y",)))]
    ['pass', 'pass']
    """

    family: ClassVar[str] = "utility"
    title: ClassVar[str] = "Same regression coefficients (overlap of intervals, 0 to 1)"
    better: ClassVar = "higher"
    limits: ClassVar[tuple[float, float]] = (0.20, 0.45)
    sign_limits: ClassVar[tuple[float, float]] = (0.05, 0.15)

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
        note = "".join(f" (Not asked of {name!r}, because {why})" for name, why in refused.items())
        detail = pl.concat([trial.detail for trial in trials])
        signed = [trial for trial in trials if trial.signs.asked]
        scores = [self._overlap(trials, detail, note)]
        if not signed:
            return [*scores, *not_computed(self, SIGNS, NO_SIGNS, title=SIGNS_TITLE)]
        return [*scores, self._signs(signed, detail, note)]

    def _overlap(self, trials: list[_Trial], detail: pl.DataFrame, note: str) -> Score:
        worst = min(trials, key=lambda trial: trial.value - trial.expected)
        width = REACH * float(worst.chance.std())
        words = (
            f"Regression of {worst.question.target.name!r}: the intervals of coefficients from {worst.rows:,} real "
            f"and as many synthetic rows overlap by {percent(worst.value)} on average; those of two real samples by "
            f"{percent(worst.expected)}, of training and holdout rows by {percent(worst.baseline)}." + note
        )
        verdict: Verdict = "pass"
        if worst.apart or worst.value < np.quantile(worst.chance, ALARM / len(trials)):
            verdict = judge(worst.expected - worst.value, self.limits)
        return Score(
            NAME,
            worst.value,
            (max(0.0, worst.value - width), min(1.0, worst.value + width)),
            worst.baseline,
            verdict,
            words,
            self.better,
            detail,
            title=self.title,
        )

    def _signs(self, trials: list[_Trial], detail: pl.DataFrame, note: str) -> Score:
        worst = min(trials, key=lambda trial: trial.signs.value)
        signs = worst.signs
        wrong = signs.asked - signs.agreeing
        words = (
            f"Regression of {worst.question.target.name!r}: of {signs.asked} coefficients clearly apart from 0 on the "
            f"real rows, {signs.agreeing} have the same sign on the synthetic rows and {signs.contrary} clearly the "
            f"opposite one; with holdout rows {percent(signs.baseline)} have the same sign." + note
        )
        verdict: Verdict = "pass"
        if float((signs.chance >= wrong).mean()) < ALARM / len(trials):
            verdict = judge(1 - signs.value, self.sign_limits)
        low, high = _wilson(signs.agreeing, signs.asked)
        return Score(
            SIGNS,
            signs.value,
            (min(low, signs.value), max(high, signs.value)),
            signs.baseline,
            verdict,
            words,
            self.better,
            detail,
            title=SIGNS_TITLE,
        )


@dataclass(frozen=True)
class _Fit:
    """Coefficients of one frame, without the intercept, with the covariance of their errors."""

    values: Array
    covariance: Array

    @property
    def errors(self) -> Array:
        found: Array = np.sqrt(np.maximum(np.diag(self.covariance), 1e-24))
        return found


@dataclass(frozen=True)
class _Signs:
    asked: int
    agreeing: int
    contrary: int
    baseline: float
    chance: Array

    @property
    def value(self) -> float:
        return self.agreeing / self.asked if self.asked else 1.0


@dataclass(frozen=True)
class _Trial:
    question: Question
    rows: int
    value: float
    expected: float
    baseline: float
    chance: Array
    apart: bool
    signs: _Signs
    detail: pl.DataFrame


def _try(case: Comparison, target: str) -> _Trial | str:
    question = pose(case, target)
    if isinstance(question, str):
        return question
    streams = case.streams.at(NAME, target)
    real, test = question.frames["real"], question.frames["test"]
    rows = question.used
    most = _most_coefficients(question, min(rows, test.height))
    if most < 1:
        return (
            f"there are fewer than {ROWS_A_COEFFICIENT} rows for each coefficient of a regression of {target!r} in the "
            "training rows or the holdout; give more rows."
        )
    coding = encode(real, question.columns, most)
    if not coding.names:
        return f"no column that varies is left to explain {target!r}."
    if len(coding.names) > most:
        coding = encode(real, _associated(question, coding, most), most)
    sides = {side: (question.frames[side], question.answers[side]) for side in question.frames}
    fits = {side: _fit(question, coding, *sides[side]) for side in ("real", "synthetic")}
    fewer = min(rows, test.height)
    unseen = [_fit(question, coding, *_part(sides[side], fewer, streams, side)) for side in ("real", "test")]
    one, other = fits["real"], fits["synthetic"]
    shared = _overlaps(one, other)
    scale = _scale(one, other)
    drawn = _differences(one, scale, streams)
    # pairs of samples of one population: their coefficients differ by as much as the errors say
    paired = _overlap_of(drawn, one.errors, one.errors * scale).mean(axis=1)
    return _Trial(
        question,
        rows,
        float(shared.mean()),
        float(paired.mean()),
        float(_overlaps(*unseen).mean()),
        paired,
        _apart(one, other, rows),
        _compare_signs(one, other, unseen, drawn),
        _detail(question, coding, one, other, shared),
    )


def _most_coefficients(question: Question, rows: int) -> int:
    """Return for how many coefficients there are rows enough: of the rarer answer, if there are two."""
    if question.classes is None:
        return min(MOST_COEFFICIENTS, rows // ROWS_A_COEFFICIENT)
    rarer = min(
        _rarer(question.answers[side] == 1) / len(question.answers[side]) for side in ("real", "test")
    )
    return min(MOST_COEFFICIENTS, int(rarer * rows) // ROWS_A_COEFFICIENT)


def _rarer(positive: Array) -> int:
    return int(min(positive.sum(), len(positive) - positive.sum()))


def _associated(question: Question, coding: Coding, most: int) -> list[Column]:
    """Keep the columns that tell most about the answer, as many as there are rows for."""
    matrix, answers = coding.matrix(question.frames["real"]), question.answers["real"]
    wanted = (answers == 1).astype(np.float64) if question.classes is not None else answers
    centred = matrix - matrix.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0) * ((wanted - wanted.mean()) ** 2).sum())
    told = np.abs(centred.T @ (wanted - wanted.mean())) / np.maximum(size, 1e-12)
    best: dict[int, float] = {}
    for owner, strength in zip(coding.owners.tolist(), told.tolist(), strict=True):
        best[owner] = max(best.get(owner, 0.0), strength)
    order = sorted(best, key=lambda owner: (-best[owner], owner))[:most]
    return [question.columns[owner] for owner in sorted(order)]


def _part(
    side: tuple[pl.DataFrame, Array], rows: int, streams: Streams, name: str
) -> tuple[pl.DataFrame, Array]:
    frame, answers = side
    places = draw(pl.DataFrame({"row": np.arange(frame.height)}), rows, streams.stream("part", name))[
        "row"
    ].to_numpy()
    return frame[places], answers[places]


def _fit(question: Question, coding: Coding, frame: pl.DataFrame, answers: Array) -> _Fit:
    matrix = coding.matrix(frame)
    if question.classes is None:
        weights = fit_numbers(matrix, answers)
    else:
        answers = (answers == 1).astype(np.float64)
        weights = fit_logistic(matrix, answers == 1)
    curve, scores = moments(matrix, answers, weights, logistic=question.classes is not None)
    bread = cho_solve(cho_factor(curve), np.eye(len(curve)))
    covariance = bread @ (scores.T @ scores) @ bread
    return _Fit(weights[1:], covariance[1:, 1:])


def _overlaps(one: _Fit, other: _Fit) -> Array:
    return _overlap_of(other.values - one.values, one.errors, other.errors)


def _overlap_of(difference: Array, one: Array, other: Array) -> Array:
    """Return the mean of the shares of either interval that the two have in common; 0 where they do not meet."""
    common = np.minimum(REACH * one, difference + REACH * other) - np.maximum(
        -REACH * one, difference - REACH * other
    )
    common = np.maximum(common, 0.0)
    share: Array = (common / (2 * REACH * one) + common / (2 * REACH * other)) / 2
    return share


def _scale(one: _Fit, other: _Fit) -> Array:
    """Return how much larger the synthetic errors are: not without limit, and the real ones stand for smaller ones."""
    scale: Array = np.clip(other.errors / one.errors, 1.0, 2.0)
    return scale


def _differences(one: _Fit, scale: Array, streams: Streams) -> Array:
    """Draw differences between the coefficients of two samples of the population of the real rows."""
    joint = one.covariance + one.covariance * np.outer(scale, scale)
    values, vectors = eigh(joint)
    normal = streams.stream("pairs").standard_normal((DRAWS, len(values)))
    return (normal * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def _apart(one: _Fit, other: _Fit, rows: int) -> bool:
    """Tell whether any coefficient differs by more than chance hardly ever gives."""
    apart = np.abs(one.values - other.values) / np.hypot(one.errors, other.errors)
    # errors are themselves estimates, the less sure the fewer the rows
    degrees = max(4, rows // (2 * ROWS_A_COEFFICIENT))
    return bool(apart.max() > t.isf(ALARM / 4 / len(apart), degrees))


def _compare_signs(one: _Fit, other: _Fit, unseen: list[_Fit], drawn: Array) -> _Signs:
    clear = np.abs(one.values) > CLEAR * one.errors
    same = np.sign(one.values) == np.sign(other.values)
    contrary = clear & ~same & (np.abs(other.values) > CLEAR * other.errors)
    told = one.values[clear] + drawn[:, clear]
    known = np.abs(unseen[0].values) > CLEAR * unseen[0].errors
    agreed = np.sign(unseen[0].values) == np.sign(unseen[1].values)
    return _Signs(
        int(clear.sum()),
        int((clear & same).sum()),
        int(contrary.sum()),
        float(agreed[known].mean()) if known.any() else 1.0,
        (np.sign(told) != np.sign(one.values[clear])).sum(axis=1),
    )


def _wilson(hits: int, trials: int) -> tuple[float, float]:
    z = float(norm.isf(0.025))
    middle = (hits + z**2 / 2) / (trials + z**2)
    width = z / (trials + z**2) * float(np.sqrt(hits * (trials - hits) / trials + z**2 / 4))
    return max(0.0, middle - width), min(1.0, middle + width)


def _detail(question: Question, coding: Coding, one: _Fit, other: _Fit, shared: Array) -> pl.DataFrame:
    hidden = {column.name for column in question.columns if column.sensitive}
    seen: dict[str, int] = {}
    names = []
    for column, level in coding.names:
        seen[column] = seen.get(column, 0) + 1
        names.append(f"level {seen[column]}" if column in hidden and level else level)
    frame = pl.DataFrame(
        {
            "target": [question.target.name] * len(names),
            "column": [column for column, _ in coding.names],
            "level": names,
            "real": one.values,
            "real_low": one.values - REACH * one.errors,
            "real_high": one.values + REACH * one.errors,
            "synthetic": other.values,
            "synthetic_low": other.values - REACH * other.errors,
            "synthetic_high": other.values + REACH * other.errors,
            "overlap": shared,
            "same_sign": np.sign(one.values) == np.sign(other.values),
        }
    )
    return frame.sort("overlap", maintain_order=True)
