"""Which combinations of two or three things real rows hold and synthetic rows lack, and which are invented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import comb
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import comparable_columns, empty_side, judge, not_computed, percent, too_few
from simulacra.metrics._cells import Cells
from simulacra.metrics._presence import NAMED, PRIVATE, Sides, find_depleted, name_cells
from simulacra.metrics._shares import chance_of_more, share_interval
from simulacra.metrics._verdicts import ALARM
from simulacra.randomness import Streams
from simulacra.schema.types import Column

NAME = "diversity/combinations"
INVENTED = f"{NAME}/invented"
MOST_ROWS = 25_000
MOST_PAIRS = 500
MOST_TRIPLES = 300
CELLS = {2: 10, 3: 4}
"""Ordinary cells of a column in pairs, and in triples of columns."""
KEPT = 0.25
"""A combination of which no more than this share is left counts as lost."""
FLOODED = 0.1
"""A combination that real rows hold less often than this, as a share of synthetic rows, counts as invented."""
FEWEST_ROWS = 20
SHOWN = 50


class Combinations(Metric):
    """The share of real rows that belong to a combination which the synthetic rows lost; 0 is perfect.

    Every column is cut into cells of the training rows (at most 10 for pairs and 4 for triples: quantiles, or
    the commonest levels and "other"; then outside and missing), and all pairs and up to 300 triples of columns are
    counted. A combination of cells is lost if synthetic rows hold at most a quarter of what real rows let expect,
    and chance alone would do that to any of all combinations less than once in 10,000 times. The real rows are the
    training rows and the holdout together. The second score is the share of synthetic rows that hold a
    combination which no training row holds, or one that they hold ten times as often as the holdout, by
    the same test. The baselines are the same for the holdout against the training rows (without one: for one half of
    the training rows against the other).

    Notes
    -----
    **Verdict** lost: pass up to 0.005, look up to 0.02, fail above. Invented, minus the baseline: pass up to
    0.01 or where an exact test does not reach one in 10,000, look up to 0.05, fail above.

    **Interval** Wilson's, for the combinations as they were found.

    **Detail** the 50 combinations that most rows miss (or most synthetic rows invent): ``columns``,
    ``combination`` in words, shares of ``real`` and ``synthetic`` rows. A lost combination is named where at
    least 20 real rows hold it, a level where at least 20 do; columns marked as sensitive show no values.

    **Cost** rows x tables, at most 25,000 rows of each side, 500 pairs and 300 triples; drawn at random
    where there are more.

    **Source** exact tests as in `simulacra.metrics._presence`; Fisher's exact test for the invented ones.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> real = pl.DataFrame({"a": ["x", "x", "y", "y"] * 100, "b": ["u", "v", "u", "v"] * 100})
    >>> fake = real.filter((pl.col("a") == "x") | (pl.col("b") == "u"))
    >>> table = Table("t", (Column("a", "category"), Column("b", "category")))
    >>> Combinations().score(Comparison(table, real, fake, real))[0].value
    0.25
    """

    family: ClassVar[str] = "diversity"
    title: ClassVar[str] = "Combinations lost (share of real rows that hold one)"
    limits: ClassVar[tuple[float, float]] = (0.005, 0.02)
    invented_limits: ClassVar[tuple[float, float]] = (0.01, 0.05)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = empty_side(case)
        if why is None and len(columns) < 2:
            why = "it needs two columns that are neither text nor keys nor identifiers."
        if why is None:
            streams = case.streams.at(NAME)
            sides = Sides.take(case, columns, streams, min(MOST_ROWS, case.max_rows))
            why = too_few(sides.fewest, FEWEST_ROWS)
        if why is not None:
            return not_computed(self, NAME, why)
        counted = _Counted(sides, columns, streams)
        return [self._score_lost(counted), self._score_invented(counted)]

    def _score_lost(self, counted: _Counted) -> Score:
        fake, known, fresh = counted.counts
        rows = counted.rows
        lost, looks = find_depleted(fake, rows[0], known + fresh, rows[1] + rows[2], KEPT)
        lost_baseline, _ = find_depleted(fresh, rows[2], known, rows[1], KEPT)
        without = np.concatenate([counted.holders(lost, side) for side in (1, 2)])
        value, hits = float(without.mean()), int(without.sum())
        baseline = float(counted.holders(lost_baseline, 1).mean())
        detail, evidence = counted.describe(lost, (known + fresh) / (rows[1] + rows[2]))
        real = f"(real data: {percent(baseline)})"
        words = (
            f"No combination of two or three things is lost {real}, of {looks:,} that could be missed."
            if hits == 0
            else f"{percent(value)} of the real rows hold a combination of two or three things of which the "
            f"synthetic rows have a quarter or less of what they should {real}; the commonest: {_first(detail)}."
        )
        return Score(
            NAME,
            value,
            share_interval(hits, len(without)),
            baseline,
            judge(value, self.limits),
            words + counted.note,
            self.better,
            detail,
            evidence,
            title=self.title,
        )

    def _score_invented(self, counted: _Counted) -> Score:
        fake, known, fresh = counted.counts
        rows = counted.rows
        never = known == 0
        # by the fresh rows alone: the known ones made the cells, and so none of them is ever outside
        flooded, _ = find_depleted(fresh, rows[2], fake, rows[0], FLOODED)
        unseen = [counted.holders(never, side) for side in (0, 2)]
        hits = counted.holders(never | flooded, 0)
        value = float(hits.mean())
        baseline = float(counted.holders(never, 2).mean())
        chance = chance_of_more(*np.array([unseen[0].sum(), rows[0], unseen[1].sum(), rows[2]]))
        verdict: Verdict = judge(value - baseline, self.invented_limits)
        if verdict != "pass" and not flooded.any() and chance >= ALARM:
            verdict = "pass"
        detail, evidence = counted.describe((never & (fresh == 0) & (fake > 0)) | flooded, fake / rows[0])
        words = (
            f"{percent(value)} of the synthetic rows hold a combination of two or three things that real rows "
            f"never or hardly ever hold (real data: {percent(baseline)})"
        ) + (f"; the commonest: {_first(detail)}." if verdict != "pass" else ".")
        return Score(
            INVENTED,
            value,
            share_interval(int(hits.sum()), rows[0]),
            baseline,
            verdict,
            words + counted.note,
            self.better,
            detail,
            evidence,
            title="Combinations invented (share of synthetic rows)",
        )


class _Counted:
    """The rows of every side in every combination of cells; tables one after another."""

    def __init__(self, sides: Sides, columns: list[Column], streams: Streams) -> None:
        self.columns = columns
        self.frames = (sides.fake, sides.known, sides.fresh)
        self.rows = [frame.height for frame in self.frames]
        self.tables, left_out = _choose(len(columns), streams)
        self.note = sides.note + left_out
        self.cells = {
            size: [Cells.fit(sides.known[c.name], c, most) for c in columns] for size, most in CELLS.items()
        }
        self.codes = {
            size: [
                [cell.codes(frame[c.name]) for cell, c in zip(cells, columns, strict=True)]
                for frame in self.frames
            ]
            for size, cells in self.cells.items()
        }
        sizes = [int(np.prod([self.cells[len(t)][c].size for c in t])) for t in self.tables]
        self.starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self.counts = [
            np.concatenate(
                [
                    np.bincount(self._joint(side, t), minlength=size)
                    for t, size in zip(self.tables, sizes, strict=True)
                ]
            )
            for side in range(len(self.frames))
        ]

    def _joint(self, side: int, table: tuple[int, ...]) -> Array:
        """Return the combination of each row in one table."""
        codes, cells = self.codes[len(table)][side], self.cells[len(table)]
        joint = codes[table[0]]
        for column in table[1:]:
            joint = joint * cells[column].size + codes[column]
        return joint

    def holders(self, marked: Array, side: int) -> Array:
        """Tell which rows of a side hold at least one marked combination."""
        found = np.zeros(self.rows[side], dtype=bool)
        held = marked & (self.counts[side] > 0)
        for table, start, stop in zip(self.tables, self.starts[:-1], self.starts[1:], strict=True):
            if held[start:stop].any():
                found |= held[start:stop][self._joint(side, table)]
        return found

    def describe(self, marked: Array, weight: Array) -> tuple[pl.DataFrame, pl.DataFrame]:
        """List the marked combinations of most weight: those of no real row or of enough for all, all for the owner."""
        places = np.flatnonzero(marked)
        places = places[np.argsort(-weight[places], kind="stable")][:SHOWN]
        fake, known, fresh = (count[places] for count in self.counts)
        real = known + fresh
        records = [self._name(int(place)) for place in places]
        frame = pl.DataFrame(
            {
                "columns": [", ".join(self.columns[c].name for c in table) for table, _ in records],
                "combination": ["; ".join(names) for _, names in records],
                "real": real / (self.rows[1] + self.rows[2]),
                "synthetic": fake / self.rows[0],
            },
            schema={
                "columns": pl.String,
                "combination": pl.String,
                "real": pl.Float64,
                "synthetic": pl.Float64,
            },
        )
        named = pl.Series((real == 0) | (real >= NAMED), dtype=pl.Boolean)
        hidden = pl.when(named).then(pl.col("combination")).otherwise(pl.lit(PRIVATE)).alias("combination")
        return frame.with_columns(hidden), frame.with_columns(real_rows=real, synthetic_rows=fake)

    def _name(self, place: int) -> tuple[tuple[int, ...], list[str]]:
        number = int(np.searchsorted(self.starts, place, side="right")) - 1
        table = self.tables[number]
        cells = [self.cells[len(table)][c] for c in table]
        codes = np.unravel_index(place - self.starts[number], [cell.size for cell in cells])
        names = []
        for column, cell, code in zip(table, cells, codes, strict=True):
            counts = np.bincount(self.codes[len(table)][1][column], minlength=cell.size)
            names.append(name_cells(cell, self.columns[column], counts)[int(code)])
        return table, names


def _choose(columns: int, streams: Streams) -> tuple[list[tuple[int, ...]], str]:
    """Return all pairs and triples of columns, or as many as are allowed, and a note on what was left out."""
    chosen: list[tuple[int, ...]] = []
    notes = []
    for size, most, word in ((2, MOST_PAIRS, "pairs"), (3, MOST_TRIPLES, "triples")):
        every = comb(columns, size)
        if every <= most:
            chosen += list(combinations(range(columns), size))
            continue
        chosen += sorted(_draw_tables(columns, size, most, streams.stream(word)))
        notes.append(f"{most:,} of the {every:,} {word}")
    return chosen, f" ({' and '.join(notes)} of columns, drawn at random, were looked at.)" if notes else ""


def _draw_tables(columns: int, size: int, most: int, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Draw different sets of columns, without a list of all of them."""
    seen: set[tuple[int, ...]] = set()
    while len(seen) < most:
        table = tuple(sorted(int(c) for c in rng.choice(columns, size, replace=False)))
        if table not in seen:
            seen.add(table)
            yield table


def _first(detail: pl.DataFrame) -> str:
    """Name the first combination."""
    if detail.height == 0:
        return "none by itself"
    row: dict[str, Any] = detail.row(0, named=True)
    return f"{row['columns']} = {row['combination']}"
