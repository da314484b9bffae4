"""What an expert said in a blind test, counted: how often right, against guessing."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from scipy.stats import binom

from simulacra.metric import Verdict
from simulacra.metrics._case import judge, percent
from simulacra.metrics._shares import exact_interval

GUESSING = 0.5
DOUBT = 0.01
"""Chance that somebody who only guesses is looked at: a test is made by hand, seldom, and of few records."""
ALARM = 0.001
"""Chance that somebody who only guesses makes it fail."""


@dataclass(frozen=True)
class Tally:
    """Right answers among some marked records.

    Parameters
    ----------
    right : int
        How many were marked as what they are.
    marked : int
        How many were marked at all.
    """

    right: int
    marked: int

    @classmethod
    def of(cls, marks: pl.DataFrame) -> Tally:
        """Count a frame with the columns ``real`` and ``marked``; records left open are not counted."""
        known = marks.filter(pl.col("marked").is_not_null())
        return cls(int((known["real"] == known["marked"]).sum()), known.height)

    @property
    def share(self) -> float:
        """Share of right answers; that of guessing where there are none."""
        return self.right / self.marked if self.marked else GUESSING

    @property
    def interval(self) -> tuple[float, float]:
        """Exact 95 % interval of the share."""
        return exact_interval(self.right, self.marked)

    @property
    def chance(self) -> float:
        """How likely guessing is as far from one half, on either side."""
        far = max(self.right, self.marked - self.right)
        return min(1.0, 2 * float(binom.sf(far - 1, self.marked, GUESSING)))

    def verdict(self, limits: tuple[float, float]) -> Verdict:
        """Judge how far the answers are from guessing, on either side; what chance explains passes."""
        if self.chance >= DOUBT:
            return "pass"
        verdict = judge(GUESSING + abs(self.share - GUESSING), limits)
        return "look" if verdict == "fail" and self.chance >= ALARM else verdict

    def record(self, of: str) -> dict[str, str | int | float]:
        """Return a row of a table."""
        low, high = self.interval
        return {
            "of": of, "marked": self.marked, "right": self.right, "share": self.share, "low": low, "high": high,
        }  # fmt: skip


def tallies(marks: pl.DataFrame) -> pl.DataFrame:
    """Count all records, the real and the synthetic ones, and those of which the expert was sure or not.

    Examples
    --------
    >>> marks = pl.DataFrame({"real": [True, False, True], "marked": [True, True, None]})
    >>> tallies(marks)["right"].to_list()
    [1, 1, 0]
    """
    parts = {
        "all records": marks,
        "real records": marks.filter(pl.col("real")),
        "synthetic records": marks.filter(~pl.col("real")),
    }
    if "sure" in marks.columns and marks["sure"].drop_nulls().len():
        parts["sure answers"] = marks.filter(pl.col("sure"))
        parts["unsure answers"] = marks.filter(~pl.col("sure"))
    return pl.DataFrame([Tally.of(part).record(of) for of, part in parts.items()])


def say(marks: pl.DataFrame) -> str:
    """Say in one or two sentences how well the expert told the records apart."""
    every = Tally.of(marks)
    low, high = every.interval
    real, fake = (Tally.of(marks.filter(pl.col("real") == side)) for side in (True, False))
    words = (
        f"An expert marked {every.marked} records as real or synthetic and was right for {every.right} of them, "
        f"{percent(every.share)} (95 % interval: {percent(low)} to {percent(high)}; guessing, as with real records "
        "on both "
        "sides, gives 50 %): "
        f"{real.right} of {real.marked} real ones and {fake.right} of {fake.marked} synthetic ones."
    )
    if low <= GUESSING <= high:
        words += " Guessing explains that."
    elif every.chance >= DOUBT:
        words += " Luck may explain that; more records would tell."
    elif every.share < GUESSING:
        words += (
            " That is worse than guessing: the two are told apart, but the synthetic ones are taken for real."
        )
    if left := marks.height - every.marked:
        words += f" ({left} record{' was' if left == 1 else 's were'} left open.)"
    return words
