"""Whether synthetic rows are as many different kinds of rows as real ones, or fell into a few modes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import comparable_columns, empty_side, not_computed, percent, too_few
from simulacra.metrics._cells import Cells
from simulacra.metrics._neighbours import nearest, place
from simulacra.metrics._occupancy import SURE, count_cells, distinct_error
from simulacra.metrics._presence import Sides, find_depleted
from simulacra.metrics._shares import share_interval
from simulacra.randomness import Streams
from simulacra.schema.types import Column

NAME = "diversity/collapse"
MODES = f"{NAME}/modes"
MOST_ROWS = 20_000
FEWEST_ROWS = 50
PARTITIONS = 8
CELLS = 8
DISTINCT = 0.5
"""A partition is fine enough when so many of the real rows stand in a cell of their own kind."""
REGIONS = 100
ROWS_PER_REGION = 50
KEPT = 0.25


class Collapse(Metric):
    """The number of different kinds of synthetic rows, as a share of that of as many real rows; 1 is perfect.

    Eight times, columns in random order are cut into cells of the training rows (at most 8 each) until half of the
    training rows are distinct. The kinds are the cells of all these columns together that any row is in; the
    value is the mean over the eight of synthetic kinds / kinds of holdout rows, at the same size. A table that
    says ten times the same has few kinds, also if each row is told a little differently. The second score, "modes",
    cuts space into up to 100 regions, each around one training row by Gower's distance, and is the share of real
    rows in regions where synthetic rows are at least a quarter as frequent as real ones, beyond chance. The
    baselines are the same for training rows in place of synthetic ones (without a holdout, one half of the training
    rows stands for it).

    Notes
    -----
    **Verdict** kinds: pass from 0.90 or where chance explains the lack, look from 0.70, fail below. Modes: pass
    from 0.98, look from 0.90, fail below. More kinds than in real rows are no collapse.

    **Interval** kinds: normal, with the mean spread that dealing the rows of both sides anew would give; modes:
    Wilson's, for the regions as they were found.

    **Detail** kinds: for each partition, how many ``columns`` it has and the kinds of ``synthetic``, ``real`` and
    ``baseline`` rows; modes: for each region of the real rows, the shares of ``real`` and ``synthetic`` rows.

    **Cost** rows x log(rows) for each partition and rows x regions x columns; at most 20,000 rows of each side.

    **Source** Hurlbert 1971, "The nonconcept of species diversity" (richness at equal size); Gower 1971.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> rng = np.random.default_rng(0)
    >>> real, other = (pl.DataFrame({c: rng.normal(size=1000) for c in "abcd"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abcd"))
    >>> Collapse().score(Comparison(table, real, real[[i % 100 for i in range(1000)]], other))[0].verdict
    'fail'
    """

    family: ClassVar[str] = "diversity"
    title: ClassVar[str] = "Different kinds of rows (ratio to real rows)"
    better = "higher"
    limits: ClassVar[tuple[float, float]] = (0.90, 0.70)
    mode_limits: ClassVar[tuple[float, float]] = (0.98, 0.90)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = empty_side(case)
        if why is None and not columns:
            why = "no column can be compared: all are text, keys or identifiers."
        if why is None:
            streams = case.streams.at(NAME)
            sides = Sides.take(case, columns, streams, min(MOST_ROWS, case.max_rows))
            why = too_few(sides.fewest, FEWEST_ROWS)
        if why is not None:
            return not_computed(self, NAME, why)
        return [self._score_kinds(sides, columns, streams), self._score_modes(sides, columns, streams)]

    def _score_kinds(self, sides: Sides, columns: list[Column], streams: Streams) -> Score:
        rows = sides.fewest
        order = [
            streams.stream("equal", side).permutation(frame.height)[:rows]
            for side, frame in enumerate(_frames(sides))
        ]
        frames = [frame[np.sort(chosen)] for frame, chosen in zip(_frames(sides), order, strict=True)]
        records, errors = [], []
        for codes, used in _partition(frames, columns, streams.stream("partitions")):
            fake, known, fresh = codes
            ours, theirs = count_cells(fake, fresh)
            kinds = [len(np.unique(side)) for side in (fake, fresh, known)]
            errors.append(distinct_error(ours, theirs) / kinds[1])
            records.append([used, *kinds])
        numbers = np.array(records, dtype=np.float64)
        value, baseline = (float((numbers[:, side] / numbers[:, 2]).mean()) for side in (1, 3))
        # the partitions are not independent, and the error of a mean is at most the mean error
        error = float(np.mean(errors))
        verdict: Verdict = "pass" if 1 - value <= SURE * error else _judge(value, self.limits)
        words = (
            f"The synthetic rows fall into {value:.2f} times as many different kinds as the same number of real rows "
            "(real "
            f"data: {baseline:.2f}); far below 1, the model makes only part of what there is (mode collapse)."
        )
        return Score(
            NAME,
            value,
            (max(0.0, value - 1.96 * error), value + 1.96 * error),
            baseline,
            verdict,
            words + sides.note,
            self.better,
            pl.DataFrame(numbers.astype(np.int64), schema=["columns", "synthetic", "real", "baseline"]),
            title=self.title,
        )

    def _score_modes(self, sides: Sides, columns: list[Column], streams: Streams) -> Score:
        size = int(np.clip(sides.fewest // ROWS_PER_REGION, 2, REGIONS))
        centres = streams.stream("centres").choice(sides.known.height, size, replace=False)
        known, fresh, fake = place([sides.known, sides.fresh, sides.fake], columns, 2)
        regions = [nearest(points, known.take(np.sort(centres))).index for points in (fake, known, fresh)]
        counts = [np.bincount(region, minlength=size) for region in regions]
        rows = [len(region) for region in regions]
        lost, _ = find_depleted(counts[0], rows[0], counts[2], rows[2], KEPT)
        lost_baseline, _ = find_depleted(counts[1], rows[1], counts[2], rows[2], KEPT)
        hits = int(counts[2][~lost].sum())
        value, baseline = hits / rows[2], float(counts[2][~lost_baseline].sum() / rows[2])
        effective = [_effective(count) for count in counts]
        words = (
            f"{percent(value)} of the real rows lie in regions that synthetic rows reach as well (real data: "
            f"{percent(baseline)}); {int(lost.sum())} of {size} regions are all but empty. Synthetic rows spread over "
            f"what amounts to {effective[0]:.1f} equal regions, real ones over {effective[2]:.1f}."
        )
        detail = pl.DataFrame({"real": counts[2] / rows[2], "synthetic": counts[0] / rows[0], "lost": lost})
        return Score(
            MODES,
            value,
            share_interval(hits, rows[2]),
            baseline,
            _judge(value, self.mode_limits),
            words + sides.note,
            self.better,
            detail.sort("real", descending=True, maintain_order=True),
            title="Regions reached (share of real rows in them)",
        )


def _frames(sides: Sides) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    return sides.fake, sides.known, sides.fresh


def _judge(value: float, limits: tuple[float, float]) -> Verdict:
    """Judge a figure of which higher is better."""
    return "pass" if value >= limits[0] else "look" if value >= limits[1] else "fail"


def _partition(
    frames: list[pl.DataFrame], columns: list[Column], rng: np.random.Generator
) -> list[tuple[list[Array], int]]:
    """Sort the rows of (synthetic, known, fresh) into cells of several columns together, in several ways.

    Returns
    -------
    list of (codes, columns)
        For each way, the cells of every frame's rows, and how many columns make them.
    """
    known = 1
    codes: dict[int, tuple[list[Array], int]] = {}
    found = []
    for _ in range(PARTITIONS):
        order = rng.permutation(len(columns))
        joint = [np.zeros(frame.height, dtype=np.int64) for frame in frames]
        used = 0
        for position in order:
            if position not in codes:
                column = columns[position]
                cells = Cells.fit(frames[known][column.name], column, CELLS)
                codes[position] = [cells.codes(frame[column.name]) for frame in frames], cells.size
            own, size = codes[position]
            joint = _renumber([whole * size + code for whole, code in zip(joint, own, strict=True)])
            used += 1
            if len(np.unique(joint[known])) >= DISTINCT * frames[known].height:
                break
        found.append((joint, used))
    return found


def _renumber(joint: list[Array]) -> list[Array]:
    """Number the values of several arrays together, so that they stay small."""
    _, numbers = np.unique(np.concatenate(joint), return_inverse=True)
    return np.split(numbers.astype(np.int64), np.cumsum([len(codes) for codes in joint])[:-1])


def _effective(counts: Array) -> float:
    """Return the number of equal cells that would have the same entropy (Hill number of order 1)."""
    shares = counts[counts > 0] / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
