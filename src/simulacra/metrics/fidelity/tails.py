"""Whether synthetic rows keep the tails of each column, invent extremes, and are as isolated as real outliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import (
    NUMERIC_KINDS,
    comparable_columns,
    empty_side,
    judge,
    not_computed,
    percent,
    too_few,
)
from simulacra.metrics._neighbours import nearest, place
from simulacra.metrics._presence import Sides
from simulacra.metrics._shares import chance_of_apart, chance_of_more, share_interval
from simulacra.metrics._verdicts import ALARM
from simulacra.profile import as_numbers
from simulacra.randomness import Streams
from simulacra.schema.types import Column

NAME = "fidelity/tails"
INVENTED = f"{NAME}/invented"
ISOLATED = f"{NAME}/isolated"
SHARES = (0.01, 0.001)
ROWS_PER_TAIL = 20
WIDEST = 0.25
FEWEST_ROWS = 80
NEIGHBOURS = 5_000


class Tails(Metric):
    """The largest deviation of a tail's share from the real one, relative to it: 0 is kept, 1 is lost or doubled.

    For each number, date and time, the values beyond the 1 % and the 99 % quantile of the training rows are its tails
    (and beyond 0.1 % and 99.9 % where there are rows enough; wider ones in small tables, so that 20 training rows
    are in each). Invented: the share of synthetic rows with a value outside the range of the training rows. Isolated:
    the share of synthetic rows as far from their nearest record among 5,000 training rows (Gower's distance)
    as the most isolated 1 % of other training rows. The baselines are the same for the holdout (without one: for
    one half of the training rows against the other).

    Notes
    -----
    **Verdict** tails: pass up to 0.5 or where no exact test against the holdout reaches one in 10,000 for all tails
    together, look up to 0.9, fail above; the tails of 0.1 % alone are never worse than look. Invented: pass up to
    0.005 above the baseline or where chance explains it, look up to 0.02, fail above. Isolated: pass between half and
    double of the baseline or where chance explains it, fail from its quintuple on.

    **Interval** of the worst tail, and of the other shares: Wilson's.

    **Detail** for each tail: ``column``, ``side``, shares of ``known`` (training), ``synthetic`` and ``baseline`` rows
    beyond it, the ``deviation`` and whether it is ``beyond_chance``. Invented: for each column the ``share``, its
    ``baseline`` and how far the values lie outside (``median_distance``, in lengths from the 1 % to the 99 % quantile).

    **Privacy** no quantile and no extreme value is shown.

    **Cost** one sort of each column; 5,000 rows of each kind for the isolated.

    **Source** Fisher's exact test; Gower 1971, "A general coefficient of similarity and some of its properties".

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> rng = np.random.default_rng(0)
    >>> real, holdout = (pl.DataFrame({"x": rng.normal(size=5000)}) for _ in range(2))
    >>> fake = real.with_columns(pl.col("x").clip(-2, 2))
    >>> Tails().score(Comparison(Table("t", (Column("x", "number"),)), real, fake, holdout))[0].value
    1.0
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Tails of single columns kept (largest relative deviation)"
    limits: ClassVar[tuple[float, float]] = (0.5, 0.9)
    invented_limits: ClassVar[tuple[float, float]] = (0.005, 0.02)
    isolated_limits: ClassVar[tuple[float, float]] = (2.0, 5.0)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        numeric = [c for c in columns if c.kind in NUMERIC_KINDS]
        why = empty_side(case)
        if why is None and not numeric:
            why = "no column is a number, a date or a time."
        if why is None:
            streams = case.streams.at(NAME)
            sides = Sides.take(case, columns, streams, case.max_rows)
            why = too_few(sides.fewest, FEWEST_ROWS)
        if why is not None:
            return not_computed(self, NAME, why)
        ranges = [_Range.measure(c, sides) for c in numeric]
        return [
            self._score_tails(ranges, sides),
            self._score_invented(ranges, sides),
            self._score_isolated(sides, columns, streams),
        ]

    def _score_tails(self, ranges: list[_Range], sides: Sides) -> Score:
        records = [record for limits in ranges for record in limits.tails()]
        if not records:
            return not_computed(
                self, NAME, "no column has a tail that 20 training rows are in; give more rows."
            )[0]
        counts = np.array([record.pop("counts") for record in records])
        rows = np.array([sides.fake.height, sides.known.height, sides.fresh.height])
        shares = counts / rows
        deviation = np.abs(shares[:, [0, 2]] - shares[:, [1]]) / shares[:, [1]]
        # chance is only asked where the verdict hangs on it, and still for as many tails as there are
        beyond = np.zeros(len(records), dtype=bool)
        open_tails = np.flatnonzero(deviation[:, 0] > self.limits[0])
        chances = chance_of_apart(counts[open_tails, 0], rows[:1], counts[open_tails, 2], rows[2:])
        beyond[open_tails] = chances < ALARM / len(records)
        thin = np.array([record["share"] < SHARES[0] for record in records])
        ranks = beyond * np.searchsorted(self.limits, deviation[:, 0], side="left")
        rank = int(np.where(thin, np.minimum(ranks, 1), ranks).max())
        worst = int(np.lexsort([deviation[:, 0], ~thin, beyond])[-1])
        value = float(deviation[worst, 0])
        frame = pl.DataFrame(records).with_columns(
            known=shares[:, 1], synthetic=shares[:, 0], baseline=shares[:, 2],
            deviation=deviation[:, 0], beyond_chance=beyond,
        )  # fmt: skip
        interval = _deviation_interval(int(counts[worst, 0]), int(rows[0]), float(shares[worst, 1]))
        column, side = records[worst]["column"], records[worst]["side"]
        ours, train, fresh = (percent(float(share)) for share in shares[worst])
        words = (
            f"The tail that deviates most is the {side} {percent(records[worst]['share'])} of {column!r}: {ours} of "
            f"the synthetic rows are in it, {train} of the training rows and (real data) {fresh} of other real rows."
        )
        return Score(
            NAME, value, (min(value, interval[0]), max(value, interval[1])), float(deviation[worst, 1]),
            ("pass", "look", "fail")[rank], words + sides.note, self.better,
            frame.sort("beyond_chance", "deviation", descending=True, maintain_order=True),
            title=self.title,
        )  # fmt: skip

    def _score_invented(self, ranges: list[_Range], sides: Sides) -> Score:
        hits, fresh = (np.logical_or.reduce([limits.outside[side] for limits in ranges]) for side in (0, 2))
        value, baseline = float(hits.mean()), float(fresh.mean())
        verdict: Verdict = judge(value - baseline, self.invented_limits)
        urn = np.array([hits.sum(), len(hits), fresh.sum(), len(fresh)])
        if verdict != "pass" and chance_of_more(*urn) >= ALARM:
            verdict = "pass"
        detail = pl.DataFrame([limits.record() for limits in ranges], schema=_INVENTED_SCHEMA)
        words = (
            f"{percent(value)} of the synthetic rows have a value beyond the smallest or largest of the training "
            f"rows (real data: {percent(baseline)})."
        )
        return Score(
            INVENTED, value, share_interval(int(hits.sum()), len(hits)), baseline, verdict, words + sides.note,
            self.better, detail.sort("share", descending=True, maintain_order=True),
            title="Extremes invented (share of rows)",
        )  # fmt: skip

    def _score_isolated(self, sides: Sides, columns: list[Column], streams: Streams) -> Score:
        most = min(NEIGHBOURS, sides.known.height // 2)
        order = streams.stream("isolated").permutation(sides.known.height)
        reference, other = sides.known[np.sort(order[:most])], sides.known[np.sort(order[most : 2 * most])]
        fake, fresh = sides.fake.head(0), sides.fresh.head(0)
        fake, fresh = (
            frame[np.sort(streams.stream("isolated", word).permutation(frame.height)[:NEIGHBOURS])]
            for word, frame in (("fake", sides.fake), ("fresh", sides.fresh))
        )
        points = place([reference, other, fresh, fake], columns, 3)
        distances = [nearest(part, points[0]).distance for part in points[1:]]
        share = max(SHARES[0], min(WIDEST, ROWS_PER_TAIL / most))
        limit = np.quantile(distances[0], 1 - share, method="inverted_cdf")
        far, fresh_far = (int((part > limit).sum()) for part in (distances[2], distances[1]))
        value, baseline = far / len(distances[2]), fresh_far / len(distances[1])
        chance = float(chance_of_apart(*np.array([far, len(distances[2]), fresh_far, len(distances[1])])))
        usual = (fresh_far + 0.5) / len(distances[1])
        times = value / usual
        verdict: Verdict = judge(times, self.isolated_limits)
        if times < 1 / self.isolated_limits[0]:
            verdict = "look"
        if chance >= ALARM:
            verdict = "pass"
        words = (
            f"{percent(value)} of the synthetic rows lie as far from all real rows as the most isolated "
            f"{percent(share)} of the training rows (real data: {percent(baseline)})."
        )
        if sides.fake.height > NEIGHBOURS:
            words += f" (A random {NEIGHBOURS:,} rows of each side were used.)"
        return Score(
            ISOLATED, value, share_interval(far, len(distances[2])), baseline, verdict, words, self.better,
            title="As isolated as real outliers (share of rows)",
        )  # fmt: skip


_INVENTED_SCHEMA = {
    "column": pl.String,
    "share": pl.Float64,
    "baseline": pl.Float64,
    "median_distance": pl.Float64,
}


@dataclass(frozen=True)
class _Range:
    """The values of one column on every side (synthetic, known, fresh), and which are outside the known range."""

    name: str
    values: list[Array]
    outside: list[Array]
    length: float

    @classmethod
    def measure(cls, column: Column, sides: Sides) -> _Range:
        values = [as_numbers(frame[column.name]) for frame in (sides.fake, sides.known, sides.fresh)]
        known = values[1][~np.isnan(values[1])]
        if len(known) == 0:
            return cls(column.name, values, [np.zeros(len(side), dtype=bool) for side in values], 0.0)
        outside = [(side < known.min()) | (side > known.max()) for side in values]
        low, high = np.quantile(known, [SHARES[0], 1 - SHARES[0]])
        return cls(column.name, values, outside, float(high - low) or float(known.max() - known.min()))

    def tails(self) -> list[dict[str, Any]]:
        """Count the rows beyond each limit, for limits that enough training rows are beyond."""
        known = self.values[1][~np.isnan(self.values[1])]
        wanted = [share for share in SHARES if share * len(known) >= ROWS_PER_TAIL]
        if not wanted and len(known):
            wanted = [min(WIDEST, ROWS_PER_TAIL / len(known))]
        records = []
        for share in wanted:
            low, high = (
                np.quantile(known, share, method="higher"),
                np.quantile(known, 1 - share, method="lower"),
            )
            for word, counts in (
                ("lowest", [int((side < low).sum()) for side in self.values]),
                ("highest", [int((side > high).sum()) for side in self.values]),
            ):
                # ties at a limit can leave few rows beyond it, or none
                if counts[1] >= ROWS_PER_TAIL // 2:
                    records.append({"column": self.name, "side": word, "share": share, "counts": counts})
        return records

    def record(self) -> dict[str, Any]:
        """Describe the values outside the known range, in units of the length of its bulk."""
        fake = self.values[0][self.outside[0]]
        known = self.values[1][~np.isnan(self.values[1])]
        distance = None
        if len(fake) and self.length > 0:
            distance = float(np.median(np.maximum(known.min() - fake, fake - known.max())) / self.length)
        shares = {"share": float(self.outside[0].mean()), "baseline": float(self.outside[2].mean())}
        return {"column": self.name, **shares, "median_distance": distance}


def _deviation_interval(hits: int, rows: int, real: float) -> tuple[float, float]:
    """Return the interval of a share's relative deviation from a real share."""
    low, high = (end / real - 1 for end in share_interval(hits, rows))
    return (0.0 if low < 0 < high else min(abs(low), abs(high))), max(abs(low), abs(high))
