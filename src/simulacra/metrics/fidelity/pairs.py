"""How far the joint distribution of each pair of columns is from the real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import (
    LEVEL_KINDS,
    ceiling_note,
    comparable_columns,
    empty_side,
    level_codes,
    not_computed,
    sampled_note,
    too_few,
)
from simulacra.metrics._cells import total_variation
from simulacra.metrics._correlations import correlations, ranks
from simulacra.metrics._exchange import Excess, worst_of
from simulacra.metrics._joint import FEWEST_ROWS, Distances, Joint, choose_sets, compare_sets
from simulacra.metrics._resampling import recentred_interval
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

NAME = "fidelity/pairs"
MOST_PAIRS = 2_000
MOST_CELLS = 10
ROWS_PER_CELL = 50
MOST_TABLE = 250_000
"""Cells of a table of two categories with all their levels; larger ones tell nothing."""


class Pairs(Metric):
    """The mean over pairs of columns of the distance between synthetic and real joint tables; 0 is perfect.

    Every column is cut into at most 10 shared quantile cells of the real column (categories: the 10 commonest
    levels and "other"), plus one cell for values outside what real rows hold and one for missing values. The
    same cells serve every frame, so one outlier can not move them and a rescaled column falls outside. The
    distance is the total variation of the two joint tables. The baseline is the same for as many training
    rows.

    Notes
    -----
    **Verdict** on the value minus the baseline (without one, minus what chance gives): pass up to 0.03, look up to
    0.08, fail above. A second score, ``fidelity/pairs/worst``, is about the pair that loses most: pass up to 0.06,
    look up to 0.15. Either passes where chance explains the excess: the spread that it has when synthetic rows and
    those of the baseline change sides at random.

    **Interval** bootstrap of counts over groups of rows, moved back onto the value; it does not hold the
    choice of pairs where there are more than 2,000.

    **Detail** for each pair: ``real`` and ``synthetic`` (association: Cramér's V on the cells, corrected for
    bias; 0 where a column is constant), ``distance`` and ``baseline``; the farthest first. For two numbers ``pearson``
    and ``spearman``, each for real and for synthetic rows, over rows where both values are there. ``trend`` is
    the similarity that other tools call pair trend: ``1 - |r - s| / 2`` with Pearson's correlations for two
    numbers, 1 minus the total variation over all levels for two categories.

    **Cost** rows x pairs, with at most ``case.max_rows`` rows and 2,000 pairs.

    **Source** Bergsma 2013, "A bias-correction for Cramér's V and Tschuprow's T", equation 8; change of sides: Good
    2005, "Permutation, Parametric and Bootstrap Tests of Hypotheses", section 3.2.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> frame = pl.DataFrame({"x": list(range(40)), "y": list(range(40))})
    >>> table = Table("t", (Column("x", "number", integer=True), Column("y", "number", integer=True)))
    >>> Pairs().score(Comparison(table, frame, frame))[0].value
    0.0
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Pairs of columns (mean distance, 0 to 1)"
    limits: ClassVar[tuple[float, float]] = (0.03, 0.08)
    worst_limits: ClassVar[tuple[float, float]] = (0.06, 0.15)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = empty_side(case)
        if why is None and len(columns) < 2:
            why = "it needs two columns that are neither text nor keys nor identifiers."
        why = why or too_few(case.reference.height, FEWEST_ROWS, "real rows")
        if why is not None:
            return not_computed(self, NAME, why)
        streams = case.streams.at(NAME)
        rows = min(case.reference.height, case.max_rows)
        most = int(np.clip(np.sqrt(rows / ROWS_PER_CELL), 3, MOST_CELLS))
        joint = Joint.sort(case, columns, most, streams)
        pairs, total = choose_sets(len(columns), 2, MOST_PAIRS, streams.stream("pairs"))
        found = compare_sets(joint, pairs, streams)
        detail = _tabulate(joint, found, columns)
        available = min(case.train.height, case.synthetic.height)
        note = sampled_note(joint.frames[0].height, available, case.max_rows)
        if total > len(pairs):
            note = f" ({len(pairs):,} of the {total:,} pairs, drawn at random, were compared.)" + note
        given = case.holdout is not None
        return [
            self._mean(found, detail.sort("distance", descending=True, maintain_order=True), given, note),
            self._worst(found, detail, given, note),
        ]

    def _mean(self, found: Distances, detail: pl.DataFrame, given: bool, note: str) -> Score:
        value = float(found.values.mean())
        baseline = float(found.baselines.mean()) if given else None
        return Score(
            NAME,
            value,
            recentred_interval(value, found.repeated),
            baseline,
            Excess.over(value, baseline, found.chance.mean(axis=0)).judge(self.limits),
            _say(value, baseline, detail) + note + ceiling_note(baseline),
            self.better,
            detail,
            title=self.title,
        )

    def _worst(self, found: Distances, detail: pl.DataFrame, given: bool, note: str) -> Score:
        baselines = found.baselines.tolist() if given else [None] * len(found.values)
        excesses = [
            Excess.over(value, baseline, chance)
            for value, baseline, chance in zip(found.values.tolist(), baselines, found.chance, strict=True)
        ]
        at, verdict = worst_of(excesses, self.worst_limits)
        row = detail.row(at, named=True)
        value, half = row["distance"], 1.96 * float(found.spread[at])
        most = "loses most against real data" if given else "is farthest away"
        real = f" where unseen real rows get {row['baseline']:.3f}" if given else ""
        words = (
            f"Of {len(excesses):,} pairs of columns {row['column_a']!r} with {row['column_b']!r} {most}: it is "
            f"{value:.3f} away from the real pair{real}; their association is {row['synthetic']:.2f}, and "
            f"{row['real']:.2f} in real rows (0 is none, 1 is full)."
        )
        return Score(
            f"{NAME}/worst",
            value,
            (max(0.0, value - half), min(1.0, value + half)),
            row["baseline"],
            verdict,
            words + note + ceiling_note(row["baseline"]),
            self.better,
            title="The worst pair of columns (distance, 0 to 1)",
        )


_SCHEMA = {
    "column_a": pl.String,
    "column_b": pl.String,
    "real": pl.Float64,
    "synthetic": pl.Float64,
    "distance": pl.Float64,
    "baseline": pl.Float64,
    "pearson_real": pl.Float64,
    "pearson_synthetic": pl.Float64,
    "spearman_real": pl.Float64,
    "spearman_synthetic": pl.Float64,
    "trend": pl.Float64,
}


def _tabulate(joint: Joint, found: Distances, columns: list[Column]) -> pl.DataFrame:
    """Set down what is known of every pair, in their order."""
    records = []
    for at, (a, b) in enumerate(found.sets):
        shape = joint.sizes[a], joint.sizes[b]
        fake, real = (counts.reshape(shape) for counts in found.counts[at][:2])
        records.append(
            {
                "column_a": joint.names[a],
                "column_b": joint.names[b],
                "real": association(real),
                "synthetic": association(fake),
                "distance": float(found.values[at]),
                "baseline": float(found.baselines[at]) if len(joint.frames) == 3 else None,
            }
        )
    _add_numbers(records, joint, found.sets, columns)
    _add_levels(records, joint, found.sets, columns)
    return pl.DataFrame(records, schema=_SCHEMA)


def _add_numbers(
    records: list[dict[str, Any]], joint: Joint, pairs: list[tuple[int, ...]], columns: list[Column]
) -> None:
    """Add correlations of the pairs of numbers."""
    places = {at: place for place, at in enumerate(i for i, c in enumerate(columns) if c.kind == "number")}
    if len(places) < 2:
        return
    for side, frame in (("synthetic", joint.frames[0]), ("real", joint.frames[1])):
        values = np.column_stack([as_numbers(frame[joint.names[at]]) for at in places])
        for name, matrix in (("pearson", correlations(values)), ("spearman", correlations(ranks(values)))):
            for record, (a, b) in zip(records, pairs, strict=True):
                if a in places and b in places and np.isfinite(matrix[places[a], places[b]]):
                    record[f"{name}_{side}"] = float(matrix[places[a], places[b]])
    for record in records:
        if "pearson_real" in record and "pearson_synthetic" in record:
            record["trend"] = 1 - abs(record["pearson_real"] - record["pearson_synthetic"]) / 2


def _add_levels(
    records: list[dict[str, Any]], joint: Joint, pairs: list[tuple[int, ...]], columns: list[Column]
) -> None:
    """Add the similarity of the whole tables of two categories."""
    fake, real = joint.frames[:2]
    coded = {
        at: level_codes(fake[c.name], real[c.name]) for at, c in enumerate(columns) if c.kind in LEVEL_KINDS
    }
    for record, (a, b) in zip(records, pairs, strict=True):
        if a in coded and b in coded:
            (one, size), (other, width) = coded[a], coded[b]
            crossed = [left * width + right for left, right in zip(one, other, strict=True)]
            if size * width <= MOST_TABLE:
                shares = [np.bincount(code, minlength=size * width) / len(code) for code in crossed]
                record["trend"] = 1 - float(total_variation(*shares))


def association(counts: Array) -> float:
    """Return Cramér's V of a table of counts, corrected for bias: 0 is independence, 1 is a function.

    Examples
    --------
    >>> association(np.array([[500, 0], [0, 500]])), association(np.array([[50, 50], [50, 50]]))
    (1.0, 0.0)
    """
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    total = int(counts.sum())
    if min(counts.shape) < 2 or total < 3:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    phi = float(((counts - expected) ** 2 / expected).sum()) / total
    rows, columns = counts.shape
    corrected = max(0.0, phi - (rows - 1) * (columns - 1) / (total - 1))
    fewest = min(rows - (rows - 1) ** 2 / (total - 1), columns - (columns - 1) ** 2 / (total - 1))
    return float(min(1.0, np.sqrt(corrected / (fewest - 1)))) if fewest > 1 else 0.0


def _say(value: float, baseline: float | None, detail: pl.DataFrame) -> str:
    worst = detail.row(0, named=True)
    real = "" if baseline is None else f" (real data: {baseline:.3f})"
    return (
        f"On average a pair of synthetic columns is {value:.3f} away from the real pair{real}, where 0 is "
        f"the same joint shape and 1 is no overlap; the farthest is {worst['column_a']!r} with "
        f"{worst['column_b']!r} at {worst['distance']:.3f}."
    )
