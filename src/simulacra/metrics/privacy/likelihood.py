"""Whether the model itself tells who was in the training data: an attack by its own likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.errors import SimulacraError
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._attack import (
    Suspicion,
    judge_caught,
    no_leak,
)
from simulacra.metrics._case import draw, not_computed, percent
from simulacra.metrics._likelihood import FEWEST_ROWS, Logs, times, unanswerable
from simulacra.metrics._roc import area_interval

NAME = "privacy/likelihood"
FALSE_ALARMS = 0.01


class LikelihoodRatio(Metric):
    """A membership attack by the model's own likelihood: members caught at 1 % false alarms (0.01 is guessing).

    An attacker who holds the model file, and rows of the same kind that it never saw, asks how much likelier the
    model finds a record than a second model does that was fitted to those other rows. Half of the holdout
    is what the second model learns from; the other half are the strangers. It is stronger than an attack by nearest
    records, which sees drawn rows only.

    Three scores: ``privacy/likelihood``, the share of members that the attack names when it is wrong on 1 % of the
    strangers; ``privacy/likelihood/auc``, the area under the ROC curve; ``privacy/likelihood/gap``, by how much the
    mean log-probability of training rows exceeds that of unseen rows, in nats: the generalisation gap.

    Notes
    -----
    **Verdict** TPR: pass where guessing explains it (an exact test by ranks, with a chance of a false alarm of 1e-4) or
    up to 0.02, look up to 0.05, fail above. AUC and gap have none: they are means over everybody, and any model that
    learns from rows finds them likelier than others.

    **Interval** 95 %. TPR: as for ``privacy/membership``. AUC: DeLong's variance. Gap: normal. None of them holds the
    spread over fits of the second model.

    **Detail** TPR at 0.1, 1 and 10 % FPR and the AUC of this attack, and of the likelihood without a second model; for
    the gap, the mean log-probabilities of each column.

    **Privacy** aggregates only. Passing says that this attack found no leak, and no more than that.

    **Cost** one more fit, to half of the holdout.

    **Source** Carlini et al. 2022, "Membership inference attacks from first principles" (likelihood ratios, TPR at a
    low FPR); a second model as the reference: Ye et al. 2022, "Enhanced membership inference attacks", section 4.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> frame = pl.DataFrame({"x": [float(i) for i in range(100)]})
    >>> LikelihoodRatio().score(Comparison(Table("t", (Column("x", "number"),)), frame, frame))[0].verdict
    'not computed'
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Members named by the model itself (share, at 1 % false alarms)"
    limits: ClassVar[tuple[float, float]] = (0.02, 0.05)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        why = unanswerable(case)
        if why is None and case.holdout is not None:
            rows = min(case.train.height, case.holdout.height // 2)
            if rows < FEWEST_ROWS:
                why = (
                    f"it needs at least {FEWEST_ROWS} training rows and {2 * FEWEST_ROWS} holdout rows, and there "
                    f"are {case.train.height} and {case.holdout.height}; give more."
                )
        if why is not None or case.likelihood is None or case.holdout is None:
            return not_computed(self, NAME, why or "", asked=case.likelihood is not None)
        streams = case.streams.at(NAME)
        order = streams.stream("halves").permutation(case.holdout.height)
        half = case.holdout.height // 2
        known, strangers = (case.holdout[part][: case.max_rows] for part in (order[:half], order[half:]))
        members = draw(case.train, case.max_rows, streams.stream("members"))
        try:
            second = case.likelihood.refit(known, int(streams.stream("refit").integers(2**31)))
            logs = [Logs.of(case.likelihood, frame) for frame in (members, strangers)]
            others = [Logs.of(second, frame) for frame in (members, strangers)]
        except SimulacraError as error:
            return not_computed(self, NAME, str(error))
        if not logs[0].columns.width:
            return not_computed(self, NAME, "the model learns no column: all are keys.")
        return self._scores(logs, others)

    def _scores(self, logs: list[Logs], others: list[Logs]) -> list[Score]:
        inside = np.repeat([True, False], [len(log.columns) for log in logs])
        plain = np.concatenate([log.rows for log in logs])
        ratio = plain - np.concatenate([log.rows for log in others])
        found = Suspicion(ratio, inside)
        share, reach = found.caught()
        auc, between = area_interval(ratio, inside)
        gap, spread = _gap(plain[inside], plain[~inside])
        verdict = judge_caught(found, self.limits)
        told = (
            f"Somebody who holds the model file, not only the rows, names {percent(share)} of {int(inside.sum()):,} "
            "training rows as members (rows that the model learnt from) while wrongly naming 1 % of unseen rows; "
            "guessing names 1 %."
        )
        return [
            Score(NAME, share, reach, FALSE_ALARMS, verdict, no_leak(told, verdict), self.better,
                  _records(ratio, plain, inside),
                  title=self.title),
            Score(
                f"{NAME}/auc", auc, between, 0.5, "info",
                f"Going by the model itself, an attack ranks a training row above an unseen one {percent(auc)} of "
                "the time (50 % "
                "is guessing). "
                "This is a mean over everybody, without a verdict.",
                self.better, title="Members ranked above others by the model itself (AUC, 0.5 is guessing)",
            ),
            Score(
                f"{NAME}/gap", gap, spread, 0.0, "info",
                f"To the model a training row is on average {times(gap)} an unseen row: its log-probability "
                f"is {abs(gap):.2f} nats {'lower' if gap < 0 else 'higher'} (0 if the model knows training rows no "
                "better; "
                "0.69 nats is a factor of 2).",
                self.better, _by_column(*logs),
                title="How much likelier training rows are to the model (nats; 0.69 is twice as likely)",
            ),
        ]  # fmt: skip


def _gap(inside: Array, outside: Array) -> tuple[float, tuple[float, float]]:
    """Return the difference of means with its normal 95 % interval."""
    gap = float(inside.mean() - outside.mean())
    error = float(np.sqrt(inside.var(ddof=1) / len(inside) + outside.var(ddof=1) / len(outside)))
    return gap, (gap - 1.96 * error, gap + 1.96 * error)


def _records(ratio: Array, plain: Array, inside: Array) -> pl.DataFrame:
    attacks = (("against a second model", ratio), ("likelihood alone", plain))
    records = [Suspicion(scores, inside).record("all", attack) for attack, scores in attacks]
    return pl.DataFrame(records)


def _by_column(inside: Logs, outside: Logs) -> pl.DataFrame:
    names = inside.columns.columns
    train, holdout = (np.asarray(log.columns.to_numpy().mean(axis=0)) for log in (inside, outside))
    found = pl.DataFrame({"column": names, "train": train, "holdout": holdout, "gap": train - holdout})
    return found.sort("gap", descending=True, maintain_order=True)
