"""Whether your own questions in SQL have the same answers on synthetic rows as on real ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import polars as pl

from simulacra.errors import OptionError
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._answers import FEWEST_ROWS, Answer, compare_answers, say_outside, shape_of, verdict_of
from simulacra.metrics._case import ceiling_note, empty_side, not_computed
from simulacra.metrics._sql import check_query

NAME = "utility/queries"
REFUSED = "Queries without an answer"


class Queries(Metric):
    """The share of answers to the user's queries that lie outside the sampling interval of real rows.

    Every query (``queries={"mean": "select avg(pay) from data"}``) is run on all training, synthetic and holdout rows.
    Each numeric cell of its result is an answer; the cells that name a group match those of other frames. A figure
    that doubles when every row is given twice (a count, a sum) is scaled to the rows of the training data. Chance alone
    puts 5 % of the answers outside; the baseline is the share with holdout rows in place of the synthetic ones.

    Notes
    -----
    **Verdict** on the share of answers that chance hardly ever puts so far apart (one in 10,000 over all answers) and
    that differ by more than 2 %: pass at 0, look up to 0.20, fail above. A group that many rows of one side have
    and the other lacks is such an answer. Queries that can not be asked, or that give no figure, are named by a score
    ``utility/queries/refused`` that is not computed.

    **Interval** Wilson's, over the answers.

    **Detail** for each answer the figures on real, synthetic and holdout rows and the interval. Answers that rest on
    few real rows are not listed, and figures of queries for extremes are blank; both stand in the owner's part.

    **Privacy** the detail of a query is as revealing as an aggregate over many rows is.

    **Cost** 360 runs of each query on at most 10,000 rows, and some on all.

    **Source** Efron 1982, chapter 8 (half-sampling); Politis, Romano & Wolf 1999, chapter 8 (how the spread falls with
    the sample size).

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> frames = [pl.DataFrame({"x": [start + i % 7 for i in range(200)]}) for start in (0, 9, 0)]
    >>> asked = {"mean": "select avg(x) as x from data"}
    >>> case = Comparison(Table("t", (Column("x", "number"),)), *frames, queries=asked)
    >>> Queries().score(case)[0].verdict
    'fail'
    """

    family: ClassVar[str] = "utility"
    title: ClassVar[str] = "Answers to your queries outside the range of real data (share)"
    limits: ClassVar[tuple[float, float]] = (0.0, 0.20)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        why = empty_side(case)
        if why is None and not case.queries:
            why = (
                "no queries were given; give your own questions with queries={'mean pay': 'select avg(pay) from data'} "
                "(--query)"
            )
        fewest = min(case.train.height, case.synthetic.height)
        if why is None and fewest < FEWEST_ROWS:
            why = f"it needs {FEWEST_ROWS} rows of each kind and some data have {fewest}; give more."
        if why is not None:
            return not_computed(self, NAME, why, asked=bool(case.queries))
        answers: list[Answer] = []
        revealing: set[str] = set()
        refused: list[str] = []
        silent: list[str] = []
        for name, sql in case.queries.items():
            try:
                query = check_query(name, sql, case.table.name, case.table.names)
                found = compare_answers(case, query.ask, case.streams.at(NAME, name))
            except OptionError as error:
                refused.append(str(error))
                continue
            asked = [answer for answer in found if answer.asked]
            answers += asked
            if not asked:
                silent.append(name)
            if query.revealing:
                revealing.add(name)
        if not answers:
            return not_computed(self, NAME, _unanswered(refused, silent, len(case.queries)))
        unanswered: list[Score] = []
        if refused or silent:
            why = _unanswered(refused, silent, len(case.queries))
            unanswered = not_computed(self, f"{NAME}/refused", why, title=REFUSED)
        value, interval = shape_of(answers, sum(answer.outside for answer in answers))
        baseline = None
        if case.holdout is not None:
            baseline = shape_of(answers, sum(answer.holdout_outside for answer in answers))[0]
        verdict = verdict_of(answers, self.limits)
        return [
            Score(
                NAME,
                value,
                interval,
                baseline,
                verdict,
                _say(answers, baseline, _summary(refused, silent, len(case.queries)))
                + ceiling_note(baseline),
                self.better,
                _detail([a for a in answers if a.settled], revealing),
                _detail(answers, set()),
                title=self.title,
            ),
            *unanswered,
        ]


def _say(answers: list[Answer], baseline: float | None, unanswered: str) -> str:
    noun = "answer" if len(answers) == 1 else "answers"
    words = say_outside(answers, f"{noun} to your queries", baseline)
    words += " (Counts and sums are scaled to the rows of the training data.)"
    return words + (f" ({unanswered[:1].upper()}{unanswered[1:]}.)" if unanswered else "")


def _unanswered(refused: list[str], silent: list[str], queries: int) -> str:
    """Say why queries have no answer, and what to do about it."""
    if queries == len(refused) == 1:
        return refused[0]
    return f"{_summary(refused, silent, queries)}; mend these queries, or leave them out."


def _summary(refused: list[str], silent: list[str], queries: int) -> str:
    """Name the queries without an answer, with the reason but not the advice."""
    parts = []
    if refused:
        reasons = ", ".join(why.removeprefix("query ").rpartition("; ")[0] for why in refused)
        noun = "query" if queries == 1 else "queries"
        parts.append(f"{len(refused)} of {queries} {noun} could not be asked: {reasons}")
    if silent:
        gives = "gives" if len(silent) == 1 else "give"
        parts.append(f"{', '.join(map(repr, silent))} {gives} no figure on both sides")
    return "; ".join(parts)


def _detail(answers: list[Answer], blank: set[str]) -> pl.DataFrame:
    schema = {
        "query": pl.String,
        "group": pl.String,
        "figure": pl.String,
        "real": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "synthetic": pl.Float64,
        "holdout": pl.Float64,
        "outside": pl.Boolean,
    }
    rows = [(*answer.key, *_figures(answer, answer.key[0] in blank)) for answer in answers]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _figures(answer: Answer, blank: bool) -> tuple[float | bool | None, ...]:
    real, low, high = answer.real, answer.real - answer.reach, answer.real + answer.reach
    shown = (
        (None, None, None, answer.synthetic, None)
        if blank
        else (real, low, high, answer.synthetic, answer.holdout)
    )
    return *(None if one is None or one != one else one for one in shown), answer.outside
