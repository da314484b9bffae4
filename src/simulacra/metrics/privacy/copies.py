"""How many synthetic rows copy a training row, exactly or nearly, beyond what unseen real rows do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from scipy.stats import beta

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import comparable_columns, judge, not_computed, percent, unassessable
from simulacra.metrics._copies import Copied, Matches, find_copies
from simulacra.metrics._shares import chance_of_more, share_interval
from simulacra.schema.types import Column

NAME = "privacy/copies"
EVIDENCE_ROWS = 20
LOOKS = 5
"""Tests that can raise the alarm: four kinds of copy, exact ones twice."""
ALARM = 2e-3
"""Chance of a false alarm: more than other scores allow themselves, since a leak that passes costs more than a look.

The whole report stays below 1 %.
"""
WORDS = {
    "exact": "exact copies",
    "near": "exact or near copies",
    "close": "exact or close copies (numbers within 0.5 % of where the middle 90 % lie)",
    "exact, of single rows": "exact copies of training rows that occur only once",
}


class Copies(Metric):
    """The share of synthetic rows that copy training rows, in excess of what an unseen holdout has.

    A near copy has equal categories, the same values missing, and every number, date and time within 0.5 %
    of the training column's range. Where a few huge values stretch a range, nearly all rows are near each other, so
    a close copy is counted too: every number within 0.5 % of the range of the column's middle 90 %. Keys, text and
    identifiers are left out: they are made anew. Value: (share of synthetic rows that copy - share of holdout rows
    that copy) / (1 - holdout share): 1 for a copy of the training rows, about 0 for unseen real rows. It is taken for
    exact, near and close copies (exact ones are among the others), and the one counts whose interval starts highest: a
    poor model makes fewer chance near copies than real rows do, and that must not hide its exact ones. Synthetic and
    holdout rows are held against all training rows, so the sizes match. The baseline is the holdout's own figure, 0.

    Notes
    -----
    **Verdict** pass where an exact test finds no more copies than chance gives (chance of a false alarm 2e-3 over
    all tests), of whatever kind: exact, exact of training rows that occur only once, near, close. Beyond chance,
    look up to a value of 0.02, however small; fail above. Not computed where even a complete copy would raise no
    alarm. The test is Fisher's, against the holdout. For exact copies it is made once more against holdout and
    training rows together: an unseen row equals a training row by the same chance as a training row equals
    another. Training rows equal each other in groups, so that groups are counted.

    **Interval** 95 %, from Wilson intervals of both shares, combined after Newcombe.

    **Detail** for each kind of copy: shares of synthetic and of holdout rows, the excess with its interval, ``chance``,
    the chance of so many copies if synthetic rows were unseen real ones, and ``detectable``, the share of copied
    rows that this test would have seen with 95 % power.

    **Privacy** ``private`` shows up to 20 synthetic rows with the training rows that they copy, their row numbers (from
    1) and how often the training row occurs, for the owner of the data; copies of rows that occur once come
    first. Passing says that this attack found no leak, and no more than that.

    **Cost** rows x log(rows): two search trees over the numbers, inside groups of equal categories. All rows are used.

    **Source** Fisher 1935, "The design of experiments", section 21 (exact test); Newcombe 1998, "Interval estimation
    for the difference between independent proportions", method 10.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> round(Copies().score(Comparison(table, train, train, holdout))[0].value, 3)
    1.0
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Copies of training rows (share beyond chance)"
    limits: ClassVar[tuple[float, float]] = (0.0, 0.02)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = unassessable(case, columns, "copies are not assessable without a holdout")
        if why is not None or case.holdout is None:
            return not_computed(self, NAME, why or "")
        found = find_copies(case.train, [case.synthetic, case.holdout], columns)
        excesses = _compare(found)
        counted = [one for one in excesses if one.kind != "exact, of single rows" and one.holdout < 1]
        if not counted:
            why = "every holdout row copies a training row too, so a copy can not be told from chance."
            return not_computed(self, NAME, why)
        alarms = [one for one in excesses if one.alarm]
        sharp = [one for one in counted if one.detectable < 1]
        if not sharp and not alarms:
            rows = f"{case.synthetic.height:,} synthetic and {case.holdout.height:,} holdout rows"
            why = (
                f"too few rows to tell a copy from chance: with {case.train.height:,} training, {rows} even a "
                "complete copy would raise no alarm; give more rows."
            )
            return not_computed(self, NAME, why)
        most = max(sharp or counted, key=lambda excess: excess.low)
        verdict: Verdict = "pass"
        if alarms:
            worst = judge(max(one.value for one in alarms), self.limits)
            verdict = "fail" if worst == "fail" else "look"
        told = next((one for one in alarms if one is most), alarms[0] if alarms else most)
        return [
            Score(
                NAME,
                most.value,
                (most.low, most.high),
                0.0,
                verdict,
                _say(told),
                self.better,
                pl.DataFrame([one.record() for one in excesses]),
                _evidence(case, found, columns),
                title=self.title,
            )
        ]


@dataclass(frozen=True)
class _Excess:
    """How much more often synthetic rows copy than holdout rows do."""

    kind: str
    synthetic: float
    holdout: float
    value: float
    low: float
    high: float
    chance: float
    detectable: float

    @property
    def alarm(self) -> bool:
        """Whether chance hardly ever gives so many copies."""
        return self.chance < ALARM / LOOKS

    def record(self) -> dict[str, float | str]:
        """Return a row of the detail."""
        shares = {"synthetic": self.synthetic, "holdout": self.holdout, "excess": self.value}
        bounds = {"low": self.low, "high": self.high, "chance": self.chance}
        return {"copies": self.kind, **shares, **bounds, "detectable": self.detectable}


def _compare(found: Copied) -> list[_Excess]:
    """Hold synthetic rows against holdout rows, for each kind of copy."""
    synthetic, holdout = found.frames
    twins = found.twins()

    def once(side: Matches) -> Array:
        return (side.exact >= 0) & (found.times[side.exact] == 1)

    return [
        _excess("exact", synthetic.exact >= 0, holdout.exact >= 0, twins),
        _excess("near", synthetic.near >= 0, holdout.near >= 0),
        _excess("close", synthetic.close >= 0, holdout.close >= 0),
        _excess("exact, of single rows", once(synthetic), once(holdout)),
    ]


def _excess(kind: str, synthetic: Array, holdout: Array, more: tuple[int, int] | None = None) -> _Excess:
    """Return the excess of one share over the other; `more` are hits and trials of other unseen rows."""
    hits, trials = int(synthetic.sum()), len(synthetic)
    theirs, others = int(holdout.sum()), len(holdout)
    share, chance = hits / trials, theirs / others
    low_ours, high_ours = share_interval(hits, trials)
    low_theirs, high_theirs = share_interval(theirs, others)
    gap, room = share - chance, 1 - chance
    low = gap - float(np.hypot(share - low_ours, high_theirs - chance))
    high = gap + float(np.hypot(high_ours - share, chance - low_theirs))
    tables = [(theirs, others)] + ([] if more is None else [(theirs + more[0], others + more[1])])
    likely = min(float(chance_of_more(hits, trials, *table)) for table in tables)
    detectable = min(_detectable(trials, *table) for table in tables)
    # an excess is a share of the rows that chance does not explain; a shortfall stays a plain difference, since
    # a small room would blow it up beyond all meaning
    gap, low, high = (x / room if x > 0 and room > 0 else x for x in (gap, low, high))
    return _Excess(kind, share, chance, gap, low, max(gap, min(1.0, high)), likely, detectable)


def _detectable(trials: int, theirs: int, others: int) -> float:
    """Return the share of copied rows that raises the alarm with 95 % power."""
    low, high = 0, trials + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle)
            if float(chance_of_more(middle, trials, theirs, others)) < ALARM / LOOKS
            else (middle, high)
        )
    if high > trials:
        return 1.0
    share, chance = float(beta.ppf(0.95, high, trials - high + 1)), theirs / others
    return max(0.0, share - chance) / (1 - chance) if chance < 1 else 1.0


def _evidence(case: Comparison, found: Copied, columns: Sequence[Column]) -> pl.DataFrame:
    """Show synthetic rows beside the training rows that they copy, the most telling ones first."""
    side = found.frames[0]
    copies = np.flatnonzero(side.near >= 0)
    exact = side.exact[copies] >= 0
    times = found.times[side.near[copies]]
    order = np.lexsort((times, ~(side.close[copies] >= 0), ~exact))[:EVIDENCE_ROWS]
    rows = copies[order]
    partners = np.where(side.close[rows] >= 0, side.close[rows], side.near[rows])
    shown = pl.DataFrame(
        {
            "synthetic_row": rows + 1,
            "train_row": partners + 1,
            "exact": exact[order],
            "times_in_train": found.times[partners],
        },
        schema={
            "synthetic_row": pl.Int64, "train_row": pl.Int64, "exact": pl.Boolean, "times_in_train": pl.Int64,
        },
    )  # fmt: skip
    names = [column.name for column in columns]
    pairs = [
        values
        for name in names
        for values in (
            case.synthetic[name][rows].alias(f"synthetic: {name}"),
            case.train[name][partners].alias(f"train: {name}"),
        )
    ]
    return shown.hstack(pairs)


def _say(found: _Excess) -> str:
    shares = (
        f"{percent(found.synthetic)} of the synthetic rows are {WORDS[found.kind]} of training rows"
        if found.kind != "exact, of single rows"
        else f"{percent(found.synthetic)} of the synthetic rows are {WORDS[found.kind]}"
    )
    shares += f", and {percent(found.holdout)} of real rows that the model never saw are so by chance"
    seen = f"it would have seen {percent(found.detectable)} copied rows with 95 % power"
    if not found.alarm:
        return f"No leak found by this attack: {shares}; {seen}."
    return f"About {percent(found.value)} of the synthetic rows are copied beyond chance: {shares}; {seen}."
