"""Answers to a user's own questions on real and on synthetic rows, and how far apart chance alone puts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import norm, t

from simulacra.domain import Array
from simulacra.metric import Comparison, Verdict
from simulacra.metrics._case import draw, judge
from simulacra.metrics._verdicts import ALARM
from simulacra.randomness import Streams

Key = tuple[str, ...]
Ask = Callable[[pl.DataFrame], Mapping[Key, float]]

SPLITS = 30
SPLIT_ROWS = 20_000
SMALL_PART = 4
"""How many times smaller the small parts are than halves."""
ROOT = 0.6
"""An exponent of the fall of variance from which on it is taken for 1, that of means; extremes have about 0."""
TOLERANCE = 0.02
"""A difference from the real answer, as a share of it, that changes no conclusion."""
FEWEST_ROWS = 50


@dataclass(frozen=True)
class Answer:
    """One figure on real, synthetic and unseen real rows.

    Parameters
    ----------
    key : tuple of str
        The question, the group and the figure.
    real, synthetic, holdout : float
        The answers, sums and counts at as many rows as the training data have; NaN where there is none.
    error : float
        Standard error of the difference between the synthetic and the real answer, if chance alone makes it.
    holdout_error : float
        The same for the holdout.
    degrees : int
        From how many differences the errors were estimated.
    settled : bool
        Whether the answer rests on many real rows: every eighth of them gives it.
    lost : bool
        Whether one side settles the answer and the other has none.
    smooth : bool
        Whether it varies as a mean does; an extreme does not.
    sound : bool
        Whether enough rows stand behind the errors to be sure of a difference: of both sides, or of one for a sum.
    """

    key: Key
    real: float
    synthetic: float
    holdout: float
    error: float
    holdout_error: float
    degrees: int
    settled: bool
    lost: bool
    smooth: bool
    sound: bool

    @property
    def asked(self) -> bool:
        """Whether there is something to compare."""
        return self.lost or bool(np.isfinite([self.real, self.synthetic, self.error]).all())

    @property
    def reach(self) -> float:
        """Half the width of the 95 % interval of answers of as many real rows."""
        return self.error * float(t.isf(0.025, self.degrees))

    @property
    def outside(self) -> bool:
        """Whether the synthetic answer lies outside that interval."""
        return self.lost or abs(self.synthetic - self.real) > self.reach + _rounding(self.real)

    @property
    def holdout_outside(self) -> bool:
        """Whether the holdout's answer lies outside its own."""
        reach = self.holdout_error * float(t.isf(0.025, self.degrees)) + _rounding(self.real)
        return (
            bool(np.isfinite(self.holdout) and np.isfinite(self.real))
            and abs(self.holdout - self.real) > reach
        )

    def surely_other(self, looks: int) -> bool:
        """Whether chance hardly ever puts the answers so far apart, and the difference matters."""
        if self.lost or not self.sound:
            return self.lost
        gap = abs(self.synthetic - self.real)
        reach = self.error * float(t.isf(ALARM / 2 / looks, self.degrees))
        return gap > reach + _rounding(self.real) and gap > TOLERANCE * abs(self.real)


def _rounding(value: float) -> float:
    return 1e-9 * (abs(value) + 1e-9)


def shape_of(answers: list[Answer], outside: int) -> tuple[float, tuple[float, float]]:
    """Return a share of the answers with its 95 % interval by Wilson."""
    trials, z = len(answers), float(norm.isf(0.025))
    share = outside / trials
    middle = (outside + z**2 / 2) / (trials + z**2)
    width = z / (trials + z**2) * float(np.sqrt(outside * (1 - share) + z**2 / 4))
    return share, (max(0.0, min(share, middle - width)), min(1.0, max(share, middle + width)))


def say_outside(answers: list[Answer], what: str, baseline: float | None) -> str:
    """Say how many answers lie outside."""
    outside = sum(answer.outside for answer in answers)
    sure = sum(answer.surely_other(len(answers)) for answer in answers)
    words = (
        f"Of {len(answers):,} {what}, {_count(outside, 'lies', 'lie')} outside the 95 % range of real samples and "
        f"{_count(sure, 'is', 'are')} so far off that you would have concluded something else"
    )
    if baseline is not None:
        unseen = round(baseline * len(answers))
        words += f"; with unseen real rows {_count(unseen, 'lies', 'lie')} outside"
    return f"{words}."


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def verdict_of(answers: list[Answer], limits: tuple[float, float]) -> Verdict:
    """Judge by the share of answers that are surely other ones."""
    return judge(float(np.mean([answer.surely_other(len(answers)) for answer in answers])), limits)


def compare_answers(case: Comparison, ask: Ask, streams: Streams, splits: int = SPLITS) -> list[Answer]:
    """Ask the same of all frames, and of random parts of their rows.

    A figure that doubles when every row is given twice (a count, a sum) is scaled to the rows of the training data.

    Notes
    -----
    The variance of a figure comes from differences between random halves, and between random eighths, of the rows
    (at most 20,000); from the two sizes follows how it falls with the number of rows.
    """
    frames = {"real": case.train, "synthetic": case.synthetic}
    if case.holdout is not None:
        frames["holdout"] = case.holdout
    rows = {side: frame.height for side, frame in frames.items()}
    found = {side: dict(ask(frame)) for side, frame in frames.items()}
    grows = _additive(found, frames, ask)
    keys = list(dict.fromkeys([*found["real"], *found["synthetic"]]))
    parts = {side: _Parts(frame, ask, splits, streams.at(side)) for side, frame in frames.items()}
    answers = []
    for key in keys:
        additive = grows.get(key[-1], False)
        empty = 0.0 if additive else np.nan
        scaled = {
            side: found[side].get(key, empty) * (rows["real"] / rows[side] if additive else 1.0)
            for side in found
        }
        spread = {side: part.spread(key, additive, rows["real"]) for side, part in parts.items()}
        variance = {side: one.at(rows[side]) for side, one in spread.items()}
        present = {side: np.isfinite(scaled[side]) for side in ("real", "synthetic")}
        lost = any(
            present[side] and spread[side].settled and not present[other]
            for side, other in (("real", "synthetic"), ("synthetic", "real"))
        )
        answers.append(
            Answer(
                key,
                float(scaled["real"]),
                float(scaled["synthetic"]),
                float(scaled.get("holdout", np.nan)),
                float(np.sqrt(variance["real"] + variance["synthetic"])),
                float(np.sqrt(variance["real"] + variance.get("holdout", np.nan))),
                splits,
                bool(spread["real"].settled and present["real"]),
                lost,
                spread["real"].exponent == 1.0,
                (any if additive else all)(spread[side].settled for side in ("real", "synthetic")),
            )
        )
    return answers


def _additive(
    found: dict[str, dict[Key, float]], frames: dict[str, pl.DataFrame], ask: Ask
) -> dict[str, bool]:
    """Tell for each figure whether it doubles with the rows."""
    doubles: dict[str, list[bool]] = {}
    for side in ("real", "synthetic"):
        twice = ask(pl.concat([frames[side], frames[side]]))
        for key, value in found[side].items():
            if np.isfinite(value) and value != 0:
                same = abs(twice.get(key, np.nan) - 2 * value) <= 1e-9 * abs(value)
                doubles.setdefault(key[-1], []).append(bool(same))
    return {figure: all(same) for figure, same in doubles.items()}


@dataclass(frozen=True)
class _Spread:
    variance: float
    rows: int
    exponent: float
    settled: bool

    def at(self, rows: int) -> float:
        """Return the variance with so many rows."""
        return self.variance * (self.rows / rows) ** self.exponent


class _Parts:
    """Answers on random halves and on random eighths of a frame's rows, in disjoint pairs."""

    def __init__(self, frame: pl.DataFrame, ask: Ask, splits: int, streams: Streams) -> None:
        frame = draw(frame, SPLIT_ROWS, streams.stream("rows"))
        self.half = frame.height // 2
        self.small = max(1, self.half // SMALL_PART)
        self.pairs: dict[int, list[tuple[Mapping[Key, float], Mapping[Key, float]]]] = {}
        for size in (self.half, self.small):
            self.pairs[size] = []
            for number in range(splits):
                order = streams.stream("parts", number, size).permutation(frame.height)
                self.pairs[size].append((ask(frame[order[:size]]), ask(frame[order[size : 2 * size]])))

    def spread(self, key: Key, additive: bool, rows: int) -> _Spread:
        """Return how much one answer varies, at the size of a half."""
        empty = 0.0 if additive else np.nan
        halves, small = (
            self._values(size, key, empty) * (rows / size if additive else 1) for size in self.pairs
        )
        settled = bool(np.isfinite(small).all() and not (additive and (small == 0).any()))
        variance, smaller = (_variance(values) for values in (halves, small))
        exponent = 1.0
        if settled and 0 < variance < np.inf and 0 < smaller < np.inf:
            fall = float(np.log(smaller / variance) / np.log(self.half / self.small))
            exponent = 1.0 if fall >= ROOT else max(0.0, fall - 0.2)
        return _Spread(variance, self.half, exponent, settled)

    def _values(self, size: int, key: Key, empty: float) -> Array:
        return np.array(
            [[part.get(key, empty) for part in pair] for pair in self.pairs[size]], dtype=np.float64
        )


def _variance(pairs: Array) -> float:
    """Return the variance of one answer from differences between two."""
    gaps = pairs[:, 0] - pairs[:, 1]
    known = gaps[np.isfinite(gaps)]
    # an answer that many parts do not give rests on too few rows to say how it varies
    return float((known**2).mean() / 2) if len(known) > 0.9 * len(gaps) else float("inf")
