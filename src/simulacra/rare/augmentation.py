"""Rare events: how many synthetic rows of a rare level help to recognise it, found by cross-validation.

A generator is fitted to all real rows, target included, and rows of the rare level are drawn from it by a condition.
So what makes a rare row rare comes from its few holders, and all else about it from everybody: the trees share what the
classes share. The amount is chosen on folds of the training rows, with a generator of its own in each fold.

Source: Chawla et al. 2002, "SMOTE: synthetic minority over-sampling technique" (rows of the rare class are made up);
Breiman, Friedman, Olshen and Stone 1984, "Classification and regression trees", section 3.4.3 (the simplest choice
within one standard error of the best); Menon et al. 2013, "On the statistical consistency of algorithms for binary
classification under class imbalance" (why a threshold alone mends balanced accuracy).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.generator import Progress
from simulacra.randomness import Streams
from simulacra.rare._question import Question
from simulacra.rare._scores import (
    AUC,
    BALANCED,
    PRECISION,
    Measured,
    choose_scale,
    measure,
    resample,
)
from simulacra.rare._trials import (
    Amount,
    Setting,
    ask,
    deal_folds,
    ladder,
    name_of,
    run_trial,
    scaled,
)
from simulacra.rare._words import (
    OPTIMISTIC,
    OUT_OF_FOLD,
    amount_table,
    say_choice,
    say_gains,
    score_table,
)

GOALS = (BALANCED, AUC, PRECISION)
MOST_ROWS = 50_000
"""Rows on which the amount is chosen: a random part of more keeps the shares, and costs less."""
LONG = 60.0
"""Seconds from which the cost is told beforehand."""


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    Parameters
    ----------
    folds, repeats : int
        Cross-validation: so many parts, dealt so many times.
    steps : int
        Amounts that are tried beside none.

    Examples
    --------
    >>> Effort.of(quick=True).folds
    3
    """

    folds: int = 5
    repeats: int = 2
    steps: int = 4

    @classmethod
    def of(cls, *, quick: bool) -> Effort:
        """Return the usual effort, or about a fifth of it."""
        return cls(folds=3, repeats=1, steps=2) if quick else cls()


@dataclass(frozen=True)
class Outcome:
    """What was found.

    Parameters
    ----------
    synthetic : DataFrame
        The rows to add, canonical values; none where no amount helps.
    chosen : dict
        For each rare level, by its position in the question, how many rows.
    scores : DataFrame
        Every method on the test rows.
    amounts : DataFrame
        Every amount on out-of-fold predictions: what the choice was made by.
    notes : tuple of str
        The verdict in words, the plainest first.
    shares : (float, float)
        The share of rare rows among those that scores are measured on, and among the real rows.
    """

    synthetic: pl.DataFrame
    chosen: Amount
    scores: pl.DataFrame
    amounts: pl.DataFrame
    notes: tuple[str, ...]
    shares: tuple[float, float]


@dataclass(frozen=True)
class _Folds:
    """Out-of-fold predictions: which fold each row was in, and what each method said of it, per repetition."""

    truth: Array
    fold: Array
    told: dict[str, Array]


def augment_table(
    frame: pl.DataFrame,
    setting: Setting,
    *,
    holdout: pl.DataFrame | None,
    rows: Amount | None,
    goal: str,
    effort: Effort,
    streams: Streams,
    progress: Progress,
) -> Outcome:
    """Choose how many synthetic rows to add, make them, and hold the result against the other methods.

    Parameters
    ----------
    frame : DataFrame
        Canonical values of the real rows.
    setting : Setting
        Target, learner, rivals, and what makes rows.
    holdout : DataFrame or None
        Real rows that scores are measured on; out-of-fold predictions of the training rows when None.
    rows : dict or None
        The amount to add, instead of choosing one.
    goal : str
        The score that the amount is chosen by.
    effort : Effort
        Folds, repetitions and amounts.
    streams : Streams
        Where randomness comes from.
    progress : callable
        Told the share done.

    Returns
    -------
    Outcome
        Rows, scores and words.

    Notes
    -----
    **Cost**: one fit of the generator and of about eight classifiers per fold and repetition, and once more.
    """
    question = setting.question
    codes = question.code(frame)
    whole = codes[codes >= 0]
    amounts = (
        [dict.fromkeys(question.rare, 0), rows]
        if rows is not None
        else ladder(whole, question.rare, effort.steps)
    )
    part = _thin(frame, codes, streams.stream("part"))
    folds = _cross_validate(setting, part, amounts, len(part) / len(frame), effort, streams, progress)
    weights = resample(folds.truth, streams.stream("bootstrap"))
    tried = {name: _score_folds(folds, name, question, weights) for name in folds.told}
    names = [name_of(amount) for amount in amounts]
    best = len(amounts) - 1 if rows is not None else choose([tried[name] for name in names], goal)
    chosen = amounts[best]
    synthetic = setting.make(frame, chosen, streams.at("final"))
    if holdout is None:
        measured, thresholds = tried, {name: _threshold(folds, name, question) for name in tried}
    else:
        progress(0.97, "measuring on the holdout")
        measured, thresholds = _score_holdout(setting, frame, synthetic, holdout, chosen, folds, streams)
    scores = score_table(measured, thresholds, chosen)
    shares = (question.share(frame if holdout is None else holdout), question.share(frame))
    notes = [
        *say_choice(question, chosen, amounts, goal, asked=rows is not None),
        *say_gains(scores, shares[0]),
    ]
    if len(part) < len(frame):
        notes.append(f"the amounts were tried on a random {len(part):,} of the {len(frame):,} rows.")
    if holdout is None:
        notes.append(OPTIMISTIC if rows is None else OUT_OF_FOLD)
    return Outcome(synthetic, chosen, scores, amount_table(amounts, tried, chosen), tuple(notes), shares)


def choose(tried: list[Measured], goal: str) -> int:
    """Choose among amounts, of which the first is none.

    An amount is allowed where no other score falls below that of doing nothing by more than one standard error. Of
    those the best by the goal is found, if it gains more than one standard error, and the smallest within one
    standard error of it is chosen.

    Parameters
    ----------
    tried : list of Measured
        The amounts from none upwards, measured on the same rows.
    goal : str
        The score that decides.

    Returns
    -------
    int
        A position.

    Notes
    -----
    **Source** Breiman et al. 1984, section 3.4.3 (the one-standard-error rule), with errors of paired differences.
    """
    nothing = tried[0]
    guards = [score for score in GOALS if score != goal]
    allowed = [0]
    for position, one in enumerate(tried[1:], 1):
        gaps = [one.gap(nothing, score) for score in guards]
        if all(gap >= -error for gap, error in gaps):
            allowed.append(position)
    best = max(allowed, key=lambda position: tried[position].values[goal])
    gap, error = tried[best].gap(nothing, goal)
    if best == 0 or gap <= error:
        return 0
    for position in allowed[1:]:
        behind, error = tried[best].gap(tried[position], goal)
        if behind <= error:
            return position
    return best


def _thin(frame: pl.DataFrame, codes: Array, rng: np.random.Generator) -> pl.DataFrame:
    """Take a random part of the rows of each class where there are more than are looked at."""
    if len(frame) <= MOST_ROWS:
        return frame
    share = MOST_ROWS / len(frame)
    kept = [
        rng.choice(own, max(1, round(share * len(own))), replace=False)
        for code in np.unique(codes)
        for own in [np.flatnonzero(codes == code)]
    ]
    return frame[np.sort(np.concatenate(kept))]


def _cross_validate(
    setting: Setting,
    frame: pl.DataFrame,
    amounts: list[Amount],
    share: float,
    effort: Effort,
    streams: Streams,
    progress: Progress,
) -> _Folds:
    question = setting.question
    codes = question.code(frame)
    known = codes >= 0
    folds: list[Array] = []
    told: dict[str, Array] = {}
    start, total = time.perf_counter(), effort.repeats * effort.folds
    for repeat in range(effort.repeats):
        fold = deal_folds(codes, effort.folds, streams.stream("folds", repeat))
        folds.append(fold[known])
        for number in range(effort.folds):
            done = repeat * effort.folds + number
            progress(0.95 * done / total, f"fold {done + 1} of {total}")
            inside = float((fold[known] != number).mean()) * share
            parts = [scaled(amount, inside) for amount in amounts]
            train, test = frame.filter(fold != number), frame.filter(fold == number)
            found = run_trial(setting, train, test, parts, streams.at("fold", repeat, number))
            # amounts of a part go by the name of the whole amount
            names = [*(name_of(amount) for amount in amounts), *setting.rivals]
            for name, chances in zip(names, found, strict=True):
                blank = np.zeros((effort.repeats, len(frame), len(question.values)))
                told.setdefault(name, blank)[repeat, fold == number] = chances
            expected = (time.perf_counter() - start) * (total + 1)
            if done == 0 and expected > LONG:
                progress(
                    0.95 / total, f"about {expected / 60:.0f} minutes in all; a quick search takes a fifth"
                )
    return _Folds(codes[known], np.array(folds), {name: chances[:, known] for name, chances in told.items()})


def _score_folds(folds: _Folds, name: str, question: Question, weights: Array) -> Measured:
    """Score out-of-fold predictions; the threshold for each fold comes from the other folds."""
    told = folds.told[name]
    decided = np.zeros(told.shape[:2], dtype=np.int64)
    for repeat, fold in enumerate(folds.fold):
        for number in np.unique(fold):
            own = fold == number
            scale = choose_scale(told[repeat][~own], folds.truth[~own], question.rare[0])
            decided[repeat, own] = (told[repeat][own] * scale).argmax(axis=1)
    return measure(told, folds.truth, decided, question.rare, weights)


def _scale(folds: _Folds, name: str, question: Question) -> Array:
    told = folds.told[name]
    pooled = told.reshape(-1, told.shape[2])
    return choose_scale(pooled, np.tile(folds.truth, len(told)), question.rare[0])


def _threshold(folds: _Folds, name: str, question: Question) -> float | None:
    """Return the threshold on the chance of the rare one of two levels."""
    return 1 / (1 + float(_scale(folds, name, question)[question.rare[0]])) if question.binary else None


def _score_holdout(
    setting: Setting,
    frame: pl.DataFrame,
    synthetic: pl.DataFrame,
    holdout: pl.DataFrame,
    chosen: Amount,
    folds: _Folds,
    streams: Streams,
) -> tuple[dict[str, Measured], dict[str, float | None]]:
    question = setting.question
    nothing = dict.fromkeys(question.rare, 0)
    truth = question.code(holdout)
    asked = holdout.filter(truth >= 0)
    truth = truth[truth >= 0]
    amounts = [nothing, chosen] if any(chosen.values()) else [nothing]
    found = ask(setting, frame, synthetic, asked, amounts, streams.at("final"))
    weights = resample(truth, streams.stream("bootstrap", "holdout"))
    measured, thresholds = {}, {}
    for name, chances in zip([*map(name_of, amounts), *setting.rivals], found, strict=True):
        decided = (chances * _scale(folds, name, question)).argmax(axis=1)
        measured[name] = measure(chances[None], truth, decided[None], question.rare, weights)
        thresholds[name] = _threshold(folds, name, question)
    return measured, thresholds
