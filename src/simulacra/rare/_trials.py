"""One trial: a generator learns from training rows, and every method's model is asked about rows that neither saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metrics._boosting import in_parallel
from simulacra.randomness import Streams
from simulacra.rare._learners import Lesson, foretell, teach, view
from simulacra.rare._question import Question
from simulacra.rare._rivals import NOTHING, SYNTHETIC, rival_lesson

Amount = dict[int, int]
"""For each rare level, how many synthetic rows."""
Make = Callable[[pl.DataFrame, Amount, Streams], pl.DataFrame]
"""Fits a generator to rows, and draws so many of each rare level, one level after the other."""


@dataclass(frozen=True)
class Setting:
    """What all trials of one augmentation share.

    Parameters
    ----------
    question : Question
        The target.
    learner : str
        The models that methods are judged by.
    rivals : tuple of str
        The other methods.
    make : callable
        Makes synthetic rows.
    """

    question: Question
    learner: str
    rivals: tuple[str, ...]
    make: Make


def name_of(amount: Amount) -> str:
    """Return the name of the method that adds synthetic rows."""
    return f"{SYNTHETIC} {sum(amount.values())}" if any(amount.values()) else NOTHING


def scaled(amount: Amount, share: float) -> Amount:
    """Return the same amount for a part of the rows."""
    return {code: round(rows * share) for code, rows in amount.items()}


def ladder(codes: Array, rare: Sequence[int], steps: int) -> list[Amount]:
    """List the amounts that are tried: none, and in equal ratios up to as many rows as the commonest level has.

    Examples
    --------
    >>> ladder(np.repeat([0, 1], [1600, 100]), [1], 2)
    [{1: 0}, {1: 300}, {1: 1500}]
    """
    counts = np.bincount(codes)
    levels = {code: int(counts[code]) for code in rare}
    most = int(counts.max())
    found: list[Amount] = []
    for step in range(steps + 1):
        amount = {
            code: round(count * (most / count) ** (step / max(steps, 1))) - count
            for code, count in levels.items()
        }
        if amount not in found:
            found.append(amount)
    return found


def run_trial(
    setting: Setting, train: pl.DataFrame, test: pl.DataFrame, amounts: Sequence[Amount], streams: Streams
) -> list[Array]:
    """Fit a generator to the training rows, draw the largest amount, and ask one model per method about the rest."""
    most = {code: max(amount[code] for amount in amounts) for code in setting.question.rare}
    pool = setting.make(train, most, streams.at("generator"))
    return ask(setting, train, pool, test, amounts, streams)


def ask(
    setting: Setting,
    train: pl.DataFrame,
    pool: pl.DataFrame,
    test: pl.DataFrame,
    amounts: Sequence[Amount],
    streams: Streams,
) -> list[Array]:
    """Return, for each amount and then each rival, the chance of each class of the test rows, shape (rows, classes).

    Parameters
    ----------
    setting : Setting
        What all trials share.
    train : DataFrame
        Real rows to learn from; those without a target are left out.
    pool : DataFrame
        Synthetic rows of the rare levels.
    test : DataFrame
        Real rows to be asked about.
    amounts : sequence
        Of the pool, the first rows of each level.
    streams : Streams
        Randomness of the rivals.
    """
    question, learner = setting.question, setting.learner
    codes = question.code(train)
    known = codes >= 0
    seen = view([train.filter(known), pool, test], question.columns, learner)
    real, made, asked = seen.matrices
    base = Lesson(real, codes[known])
    drawn = question.code(pool)

    jobs: list[Amount | str] = [*amounts, *setting.rivals]

    def work(job: Amount | str) -> Array:
        if isinstance(job, str):
            lesson = rival_lesson(job, base, seen.categorical, question.rare, streams)
        else:
            rows = _first(drawn, job)
            lesson = base.with_rows(made[rows], drawn[rows])
        return foretell(teach(lesson, seen.categorical, learner), asked, len(question.values))

    return in_parallel(work, jobs)


def _first(codes: Array, amount: Mapping[int, int]) -> Array:
    """Return the positions of the first rows of each level."""
    found = [np.flatnonzero(codes == code)[:rows] for code, rows in amount.items()]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def deal_folds(codes: Array, folds: int, rng: np.random.Generator) -> Array:
    """Deal rows into folds, each class evenly; rows without a class (-1) are in every training part: fold -1."""
    fold = np.full(len(codes), -1)
    for code in np.unique(codes[codes >= 0]):
        rows = rng.permutation(np.flatnonzero(codes == code))
        # each class starts at another fold, so that small ones do not all fall into the first
        fold[rows] = (np.arange(len(rows)) + int(code)) % folds
    return fold
