"""Whether your own analysis comes to the same figures on synthetic rows as on real ones."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

import polars as pl

from simulacra.errors import OptionError
from simulacra.metric import Comparison, Metric, Score, Task
from simulacra.metrics._answers import (
    FEWEST_ROWS,
    SPLITS,
    Answer,
    Key,
    compare_answers,
    say_outside,
    shape_of,
    verdict_of,
)
from simulacra.metrics._case import ceiling_note, empty_side, not_computed

NAME = "utility/task"
SECONDS = 20.0
"""How long the parts of the data may take in all."""
FEWEST_SPLITS = 8
CALLS = 12
"""Calls for one split: a pair of halves and a pair of eighths, of real, synthetic and unseen rows."""


class Analysis(Metric):
    """The share of figures of the user's own analysis that lie outside the sampling interval of real rows.

    The function (``task=...``) takes a Polars frame and returns a number or a mapping of names to numbers. It is called
    with all training, synthetic and holdout rows, and with random halves and eighths of them, which tell how far apart
    chance alone puts its figures. A figure that doubles when every row is given twice is scaled to the rows of the
    training data. The baseline is the share with holdout rows in place of the synthetic ones.

    Notes
    -----
    **Verdict** on the share of figures that chance hardly ever puts so far apart (one in 10,000 over all figures) and
    that differ by more than 2 %: pass at 0, look up to 0.20, fail above.

    **Interval** Wilson's, over the figures.

    **Detail** for each figure its value on real, synthetic and holdout rows and the interval. Figures that rest on few
    real rows, or that vary as extremes do, have blank real values; those stand in the owner's part.

    **Privacy** the figures are as revealing as the user's function makes them.

    **Cost** 360 calls on at most 10,000 rows; fewer where they would take more than 20 seconds, and then the
    words say so.

    **Source** Efron 1982, chapter 8 (half-sampling); Politis, Romano & Wolf 1999, chapter 8 (how the spread falls with
    the sample size).

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> frames = [pl.DataFrame({"x": [start + i % 7 for i in range(200)]}) for start in (0, 9, 0)]
    >>> table = Table("t", (Column("x", "number"),))
    >>> Analysis().score(Comparison(table, *frames, task=lambda rows: float(rows["x"].to_numpy().mean())))[0].verdict
    'fail'
    """

    family: ClassVar[str] = "utility"
    title: ClassVar[str] = "Figures of your analysis outside the range of real data (share)"
    limits: ClassVar[tuple[float, float]] = (0.0, 0.20)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        why = empty_side(case)
        if why is None and case.task is None:
            why = "no analysis was given; give a function of a frame with task=..."
        fewest = min(case.train.height, case.synthetic.height)
        if why is None and fewest < FEWEST_ROWS:
            why = f"it needs {FEWEST_ROWS} rows of each kind and some data have {fewest}; give more."
        if why is not None or case.task is None:
            return not_computed(self, NAME, why or "", asked=case.task is not None)
        ask = _Asked(case.task)
        try:
            splits = _affordable(ask, case)
            found = compare_answers(case, ask, case.streams.at(NAME), splits)
        except OptionError as error:
            return not_computed(self, NAME, str(error))
        answers = [answer for answer in found if answer.asked]
        if not answers:
            return not_computed(self, NAME, "the analysis gives no figure on both sides; return numbers.")
        value, interval = shape_of(answers, sum(answer.outside for answer in answers))
        baseline = None
        if case.holdout is not None:
            baseline = shape_of(answers, sum(answer.holdout_outside for answer in answers))[0]
        return [
            Score(
                NAME,
                value,
                interval,
                baseline,
                verdict_of(answers, self.limits),
                _say(answers, baseline, splits) + ceiling_note(baseline),
                self.better,
                _detail(answers, hide=True),
                _detail(answers, hide=False),
                title=self.title,
            )
        ]


class _Asked:
    """The user's function, its figures by name."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def __call__(self, frame: pl.DataFrame) -> Mapping[Key, float]:
        """Return the figures of a frame.

        Raises
        ------
        OptionError
            The task is no function, raised something, or gave no numbers.
        """
        if not callable(self.task):
            raise OptionError(
                f"the task is no function (it is of type {type(self.task).__name__}); give a function of a "
                "frame with task=..."
            )
        try:
            given = self.task(frame)
        except Exception as error:  # whatever a user's function raises; its message may hold values of rows
            raise OptionError(
                f"the analysis (task=) raised {type(error).__name__} on {frame.height:,} rows; make it return a number "
                "or a mapping of names to numbers for any sample of the rows."
            ) from None
        named = isinstance(given, Mapping)
        figures = given if isinstance(given, Mapping) else {"figure": given}
        return {(str(name),): _number(value, named) for name, value in figures.items()}


def _number(value: object, named: bool) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        # neither the value nor its name is shown: both may come from rows
        raise OptionError(
            f"the task gave {'a mapping that holds ' if named else ''}a {type(value).__name__}; return a number or a "
            "mapping of names to numbers."
        ) from None


def _affordable(ask: _Asked, case: Comparison) -> int:
    """Return how many splits the time allows."""
    start = time.perf_counter()
    ask(case.train)
    taken = time.perf_counter() - start
    share = min(1.0, 10_000 / case.train.height)
    splits = int(SECONDS / max(1e-9, taken * share * CALLS))
    return max(FEWEST_SPLITS, min(SPLITS, splits))


def _say(answers: list[Answer], baseline: float | None, splits: int) -> str:
    noun = "figure" if len(answers) == 1 else "figures"
    words = say_outside(answers, f"{noun} of your analysis", baseline)
    if splits < SPLITS:
        words += f" (The analysis is slow: {splits} random splits of the rows in place of {SPLITS} tell the range.)"
    return words


def _detail(answers: list[Answer], *, hide: bool) -> pl.DataFrame:
    schema = {
        "figure": pl.String,
        "real": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "synthetic": pl.Float64,
        "holdout": pl.Float64,
        "outside": pl.Boolean,
    }
    rows = []
    for answer in answers:
        shown: tuple[float | None, ...] = (
            answer.real,
            answer.real - answer.reach,
            answer.real + answer.reach,
        )
        unseen: float | None = answer.holdout
        if hide and not (answer.settled and answer.smooth):
            shown, unseen = (None, None, None), None
        figures = [None if one is None or one != one else one for one in (*shown, answer.synthetic, unseen)]
        rows.append((answer.key[0], *figures, answer.outside))
    return pl.DataFrame(rows, schema=schema, orient="row")
