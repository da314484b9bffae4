"""Whether every group has the share of rows, and the shares of outcomes, that it has in the real data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import LEVEL_KINDS, NUMERIC_KINDS, ceiling_note, judge, not_computed, percent
from simulacra.metrics._cells import total_variation
from simulacra.metrics._groups import HIDDEN, Groups, Partition, divide, gather
from simulacra.metrics._resampling import recentred_interval
from simulacra.metrics._shares import chance_of_apart, chance_of_fewer, rare, wilson
from simulacra.randomness import Streams

NAME = "fairness/groups"
DRAWS = 1_000
FRAMES = ("real", "synthetic", "holdout")


class Representation(Metric):
    """The distance between the groups' shares in synthetic and in training rows; 0 is perfect.

    Groups are the levels of each column that was named (numbers: quartile bands of the training rows; missing
    is a group) and the intersections of all named columns; groups of fewer than 50 training rows are merged
    into "others". Three scores: ``fairness/groups``, the total variation distance of the shares of the
    intersections; ``fairness/groups/lost``, the share of its rows that the group lacks which is short of them
    most clearly; ``fairness/groups/rates``, the largest change of how often an outcome of the target occurs in a
    group (numbers: how often it falls into a quarter of the training values), of the group and outcome where the change
    is clearest. The baseline has the holdout in the place of the synthetic rows.

    Notes
    -----
    **Verdict** pass where no group's figure differs beyond chance (Fisher's exact test of every group, corrected for
    their number; real rows fail it once in 10,000 reports), else by the value: distance pass up to 0.03, look
    up to 0.10; lost 0.20 and 0.50; rates 0.05 and 0.10; fail above.

    **Interval** 95 %. Distance: multinomial resampling of both sides, moved back onto the value. Lost: the logarithm
    of the ratio of shares with half a row added. Rates: Wilson intervals combined after Newcombe.

    **Detail** for each group: training rows, shares with intervals in each frame, the ratio, the chance that
    real rows would give such a share, the mean share of missing values; for rates a row for each group and outcome.

    **Privacy** aggregates of at least 10 training rows. Outcomes of a sensitive target are numbered, not named.

    **Cost** one count per column of groups.

    **Source** Fisher 1935, "The logic of inductive inference" (exact test); Newcombe 1998, "Interval estimation for the
    difference between independent proportions", method 10; Walter 1975, "The distribution of Levin's measure of
    attributable risk" (half a row added).

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> real = pl.DataFrame({"sex": ["f", "m"] * 500})
    >>> fake = pl.DataFrame({"sex": ["f"] * 200 + ["m"] * 800})
    >>> case = Comparison(Table("t", (Column("sex", "category"),)), real, fake, groups=("sex",))
    >>> [(round(score.value, 2), score.verdict) for score in Representation().score(case)][:2]
    [(0.3, 'fail'), (0.6, 'fail')]
    """

    family: ClassVar[str] = "fairness"
    title: ClassVar[str] = "Shares of groups (distance from the real ones, 0 to 1)"
    limits: ClassVar[tuple[float, float]] = (0.03, 0.10)
    lost_limits: ClassVar[tuple[float, float]] = (0.20, 0.50)
    rate_limits: ClassVar[tuple[float, float]] = (0.05, 0.10)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        groups = gather(case)
        if isinstance(groups, str):
            return not_computed(self, NAME, groups, asked=bool(case.groups))
        found = _represent(case, groups)
        return [self._distance(case, groups, found), self._lost(groups, found), *self._rates(case, groups)]

    def _distance(self, case: Comparison, groups: Groups, found: pl.DataFrame) -> Score:
        counts = groups.finest.counts()
        value = _distance(counts[0], counts[1])
        baseline = _distance(counts[0], counts[2]) if len(counts) > 2 else None
        apart = bool(rare(found["chance"].to_numpy()).any())
        least = found.row(int(found["chance"].arg_min() or 0), named=True)
        words = (
            f"{percent(value)} of the synthetic rows would have to change their group to get the real shares"
            f"{_beside(baseline)}. {_contrast(least)}{groups.note()}"
        )
        return Score(
            NAME,
            value,
            _resampled(value, counts, case.streams.at(NAME)),
            baseline,
            judge(value - (baseline or 0.0), self.limits) if apart else "pass",
            words + ceiling_note(baseline),
            self.better,
            found.drop("fewer"),
            title=self.title,
        )

    def _lost(self, groups: Groups, found: pl.DataFrame) -> Score:
        counts = [partition.counts() for partition in groups.partitions]
        value, interval, place = _shortfall(counts, groups.partitions, 1)
        baseline = _shortfall(counts, groups.partitions, 2)[0] if len(counts[0]) > 2 else None
        short = bool(rare(found["fewer"].to_numpy()).any())
        words = (
            f"Group {place!r} has {percent(value)} fewer rows than its real share calls for: no group is short of "
            f"rows more clearly{_beside(baseline)}."
        )
        if value == 0:
            words = f"No group has fewer rows than its real share calls for{_beside(baseline)}."
        elif not short:
            words += " So much is chance."
        return Score(
            f"{NAME}/lost",
            value,
            interval,
            baseline,
            judge(value, self.lost_limits) if short else "pass",
            words + ceiling_note(baseline),
            self.better,
            title="Rows that the worst group lacks (share)",
        )

    def _rates(self, case: Comparison, groups: Groups) -> list[Score]:
        name, title = f"{NAME}/rates", "Outcomes by group (largest change of a share)"
        why = None
        if case.target is None:
            why = "no target was named; say which column holds the outcome with target=... (--target)"
        elif case.target not in case.table.names:
            why = (
                f"the table has no column {case.target!r}; name one of its columns with target=... (--target)"
            )
        elif case.table[case.target].kind not in LEVEL_KINDS | NUMERIC_KINDS:
            why = f"{case.target!r} is a text or a key and holds no outcomes; choose another target."
        if why is not None or case.target is None:
            return not_computed(self, name, why or "", title=title, asked=case.target is not None)
        column = case.table[case.target]
        frames = [case.train, case.synthetic] + ([] if case.holdout is None else [case.holdout])
        outcomes = divide(column, [frame[column.name] for frame in frames])
        shown = (
            [f"outcome {i + 1}" for i in range(len(outcomes.names))] if column.sensitive else outcomes.names
        )
        rates = [rate for part in groups.without(column.name) for rate in _rates_of(part, outcomes, shown)]
        if not rates:
            why = f"the only groups are those of the target {column.name!r}; name others."
            return not_computed(self, name, why, title=title)
        worst = min(rates, key=lambda rate: rate.chance(1))
        value, interval = worst.change(1)
        baseline = None
        if case.holdout is not None:
            baseline = min(rates, key=lambda rate: rate.chance(2)).change(2)[0]
        named = worst.outcome.capitalize() if column.sensitive else f"Outcome {worst.outcome!r}"
        apart = bool(rare(np.array([rate.chance(1) for rate in rates])).any())
        real, fake = (percent(float(worst.hits[i] / max(1, worst.rows[i]))) for i in (0, 1))
        real = real if _may_show(worst.hits[0], 0) else f"that of fewer than {HIDDEN} rows"
        words = (
            f"{named} of {column.name!r} has a share of {fake} among synthetic rows of "
            f"group {worst.group!r}, and of {real} among real ones: the clearest change of all"
            f"{_beside(baseline)}.{'' if apart else ' So much is chance.'}{ceiling_note(baseline)}"
        )
        verdict = judge(value, self.rate_limits) if apart else "pass"
        detail = pl.DataFrame([rate.record() for rate in rates], infer_schema_length=None)
        detail = detail.sort("chance", maintain_order=True)
        return [Score(name, value, interval, baseline, verdict, words, self.better, detail, title=title)]


def _represent(case: Comparison, groups: Groups) -> pl.DataFrame:
    """Describe every group that may be shown."""
    frames = [case.train, case.synthetic] + ([] if case.holdout is None else [case.holdout])
    gaps = [_missing(frame) for frame in frames]
    parts = []
    for partition in groups.partitions:
        counts, shown = partition.counts(), np.flatnonzero(partition.shown())
        totals = counts.sum(axis=1)
        data: dict[str, Any] = {
            "by": [partition.by] * len(shown),
            "group": [partition.names[i] for i in shown],
            "rows": counts[0][shown],
        }
        shares = counts / totals[:, None]
        for i, frame in enumerate(FRAMES):
            known = i < len(counts)
            data[frame] = [
                float(shares[i][g]) if known and _may_show(counts[i][g], i) else None for g in shown
            ]
            if i < 2:
                low, high = wilson(counts[i], totals[i])
                data[f"{frame}_low"], data[f"{frame}_high"] = low[shown], high[shown]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(counts[0] > 0, shares[1] / shares[0], np.nan)
        data["ratio"] = pl.Series(ratio[shown], nan_to_null=True)
        data["chance"] = chance_of_apart(counts[1], totals[1], counts[0], totals[0])[shown]
        data["fewer"] = chance_of_fewer(counts[1], totals[1], counts[0], totals[0])[shown]
        for i, frame in enumerate(FRAMES[:2]):
            means = np.bincount(partition.codes[i], gaps[i], minlength=len(partition.names))
            data[f"missing_{frame}"] = (means / np.maximum(1, counts[i]))[shown]
        parts.append(pl.DataFrame(data, schema_overrides={"group": pl.String, "holdout": pl.Float64}))
    return pl.concat(parts)


def _missing(frame: pl.DataFrame) -> Array:
    """Return the share of columns that each row misses."""
    return frame.select(pl.mean_horizontal(pl.all().is_null())).to_series().to_numpy()


def _distance(real: Array, other: Array) -> float:
    return float(total_variation(real / real.sum(), other / other.sum()))


def _resampled(value: float, counts: Array, streams: Streams) -> tuple[float, float]:
    draws = [
        streams.stream("resample", FRAMES[i]).multinomial(row.sum(), row / row.sum(), size=DRAWS) / row.sum()
        for i, row in enumerate(counts[:2])
    ]
    return recentred_interval(value, total_variation(*draws))


def _shortfall(
    counts: Sequence[Array], partitions: Sequence[Partition], frame: int
) -> tuple[float, tuple[float, float], str]:
    """Return how many of its rows the group lacks that is most clearly short of them."""
    best = (2.0, 0, 0)
    for p, (table, partition) in enumerate(zip(counts, partitions, strict=True)):
        totals = table.sum(axis=1)
        chances = chance_of_fewer(table[frame], totals[frame], table[0], totals[0])
        chances = np.where(partition.shown(), chances, 1.5)
        best = min(best, (float(chances.min()), p, int(chances.argmin())))
    _, p, g = best
    ours, theirs = int(counts[p][frame][g]), int(counts[p][0][g])
    rows, real = int(counts[p][frame].sum()), int(counts[p][0].sum())
    value = max(0.0, 1 - (ours / rows) / (theirs / real)) if theirs else 0.0
    middle = np.log((ours + 0.5) / (rows + 0.5)) - np.log((theirs + 0.5) / (real + 0.5))
    error = np.sqrt(1 / (ours + 0.5) - 1 / (rows + 0.5) + 1 / (theirs + 0.5) - 1 / (real + 0.5))
    low, high = (float(max(0.0, 1 - np.exp(middle + side * 1.96 * error))) for side in (1, -1))
    return value, (min(low, value), max(high, value)), partitions[p].names[g]


@dataclass(frozen=True)
class _Rate:
    """How often an outcome occurs in a group, in each frame."""

    by: str
    group: str
    outcome: str
    hits: Array
    rows: Array

    def chance(self, frame: int) -> float:
        """Return the chance of rates so far from the training rows' if there is no difference."""
        return float(chance_of_apart(self.hits[frame], self.rows[frame], self.hits[0], self.rows[0]))

    def change(self, frame: int) -> tuple[float, tuple[float, float]]:
        """Return the change from the training rows with its 95 % interval."""
        if min(self.rows[0], self.rows[frame]) == 0:
            return 0.0, (0.0, 1.0)
        ours, theirs = self.hits[frame] / self.rows[frame], self.hits[0] / self.rows[0]
        (low, high), (their_low, their_high) = (wilson(self.hits[i], self.rows[i]) for i in (frame, 0))
        below = ours - theirs - np.hypot(ours - low, their_high - theirs)
        above = ours - theirs + np.hypot(high - ours, theirs - their_low)
        if ours < theirs:
            below, above = -above, -below
        value = float(abs(ours - theirs))
        return value, (min(value, max(0.0, float(below))), max(value, min(1.0, float(above))))

    def record(self) -> dict[str, Any]:
        """Describe it as a row of the detail."""
        row: dict[str, Any] = {
            "by": self.by,
            "group": self.group,
            "outcome": self.outcome,
            "rows": int(self.rows[0]),
        }
        for i, frame in enumerate(FRAMES):
            there = i < len(self.rows) and self.rows[i] > 0 and _may_show(self.hits[i], i)
            row[frame] = float(self.hits[i] / self.rows[i]) if there else None
            if i < 2:
                ends = [float(end) for end in wilson(self.hits[i], self.rows[i])]
                row[f"{frame}_low"], row[f"{frame}_high"] = ends if there else (None, None)
        return row | {"chance": self.chance(1)}


def _rates_of(part: Partition, outcomes: Partition, shown: Sequence[str]) -> list[_Rate]:
    size = len(outcomes.names)
    tables = [
        np.bincount(codes * size + own, minlength=len(part.names) * size).reshape(-1, size)
        for codes, own in zip(part.codes, outcomes.codes, strict=True)
    ]
    table = np.array(tables)
    rows = table.sum(axis=2)
    # of two outcomes one says it all: the rarer
    asked = [int(outcomes.counts()[0].argmin())] if size == 2 else range(size)
    visible = np.flatnonzero(part.shown() & (rows[0] > 0))
    return [
        _Rate(part.by, part.names[g], shown[c], table[:, g, c], rows[:, g]) for g in visible for c in asked
    ]


def _may_show(rows: int, frame: int) -> bool:
    """Tell whether a figure of so many rows of a frame names nobody; synthetic rows are nobody's."""
    return frame == 1 or rows == 0 or rows >= HIDDEN


def _beside(baseline: float | None) -> str:
    return "" if baseline is None else f" (unseen real rows: {percent(baseline)})"


def _contrast(group: dict[str, Any]) -> str:
    return (
        f"The clearest difference is that of group {group['group']!r}: {percent(group['real'])} of the real rows and "
        f"{percent(group['synthetic'])} of the synthetic ones."
    )
