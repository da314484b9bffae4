"""How well an expert in a blind test could tell synthetic records from real ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import polars as pl

from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import not_computed
from simulacra.metrics._marks import GUESSING, Tally, say, tallies

NAME = "fidelity/review"
FEWEST = 10


class ExpertReview(Metric):
    """The share of records that an expert marked as what they are, real or synthetic; 0.5 is guessing and perfect.

    ``simulacra review`` makes the test; ``--review`` and ``--review-key`` (``review=...``) bring the answers. Records
    that were left open do not count. The baseline is 0.5: with real records on both sides one can but guess.

    Notes
    -----
    **Verdict** pass where guessing explains the answers (exact binomial test on both sides, 1 %); else by the distance
    from 0.5 on either side: pass up to 0.60, look up to 0.75, fail above, and fail only where guessing gets so far once
    in 1,000 tests.

    **Interval** exact, 95 %.

    **Detail** right answers of all records, of real and of synthetic ones, and of sure and unsure answers.

    **Privacy** ``private`` lists the expert's reasons by record: they may quote values of real records.

    **Cost** none.

    **Source** Clopper & Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the
    binomial".

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> frame = pl.DataFrame({"x": [1.0, 2.0]})
    >>> said = {"real": [True, False] * 10, "marked": [True] * 20, "reason": [""] * 20}
    >>> marks = pl.DataFrame({"record": range(20), **said})
    >>> case = Comparison(Table("t", (Column("x", "number"),)), frame, frame, review=marks)
    >>> score = ExpertReview().score(case)[0]
    >>> score.value, score.verdict
    (0.5, 'pass')
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Told apart by an expert (share right, 0.5 is guessing)"
    limits: ClassVar[tuple[float, float]] = (0.60, 0.75)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        if case.review is None:
            why = (
                "no expert has looked at the records; make a blind test with `simulacra review`, and give the answers "
                "with review=... (--review and --review-key)."
            )
            return not_computed(self, NAME, why, asked=False)
        found = Tally.of(case.review)
        if found.marked < FEWEST:
            why = f"the expert marked {found.marked} records and {FEWEST} are needed; ask for more."
            return not_computed(self, NAME, why)
        said = case.review.filter(pl.col("reason").str.strip_chars() != "")
        return [
            Score(
                NAME,
                found.share,
                found.interval,
                GUESSING,
                found.verdict(self.limits),
                say(case.review),
                self.better,
                tallies(case.review),
                said.select("record", "real", marked_real="marked", reason="reason"),
                title=self.title,
            )
        ]
