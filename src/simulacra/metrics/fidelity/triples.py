"""How far the joint distribution of three columns at a time is from the real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import (
    ceiling_note,
    comparable_columns,
    empty_side,
    not_computed,
    sampled_note,
    too_few,
)
from simulacra.metrics._exchange import Excess
from simulacra.metrics._joint import FEWEST_ROWS, Distances, Joint, choose_sets, compare_sets
from simulacra.metrics._resampling import recentred_interval

NAME = "fidelity/triples"
MOST_TRIPLES = 200
MOST_CELLS = 5
ROWS_PER_CELL = 50


class Triples(Metric):
    """The mean over sets of three columns of the distance between synthetic and real joint tables; 0 is perfect.

    Every column is cut into at most 5 shared quantile cells of the real column (categories: the 5 commonest levels and
    "other"), plus one cell for values outside what real rows hold and one for missing values; with few rows into as
    few as 2. At most 200 sets of three columns are looked at, drawn at random by seed. The distance is the total
    variation of the two joint tables. The baseline is the same for as many training rows.

    Notes
    -----
    **Verdict** on the value minus the baseline (without one, minus what chance gives): pass up to 0.04, look up to
    0.10, fail above; pass where chance explains the excess: the spread that it has when synthetic rows and those of
    the baseline change sides at random.

    **Interval** bootstrap of counts over groups of rows, moved back onto the value; it does not hold the choice of
    sets where there are more than 200.

    **Detail** for each set of three: ``distance``, ``baseline`` and ``excess``; the largest excess first.

    **Cost** rows x 200, with at most ``case.max_rows`` rows.

    **Source** total variation of low-dimensional marginals: McKenna, Miklau & Sheldon 2021, "Winning the NIST
    contest", section 2; change of sides: Good 2005, section 3.2.

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> frame = pl.DataFrame({name: list(range(40)) for name in "xyz"})
    >>> table = Table("t", tuple(Column(name, "number", integer=True) for name in "xyz"))
    >>> Triples().score(Comparison(table, frame, frame))[0].value
    0.0
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Three columns at a time (mean distance, 0 to 1)"
    limits: ClassVar[tuple[float, float]] = (0.04, 0.10)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = empty_side(case)
        if why is None and len(columns) < 3:
            why = "it needs three columns that are neither text nor keys nor identifiers."
        why = why or too_few(case.reference.height, FEWEST_ROWS, "real rows")
        if why is not None:
            return not_computed(self, NAME, why)
        streams = case.streams.at(NAME)
        rows = min(case.reference.height, case.max_rows)
        most = int(np.clip(np.cbrt(rows / ROWS_PER_CELL), 2, MOST_CELLS))
        joint = Joint.sort(case, columns, most, streams)
        triples, total = choose_sets(len(columns), 3, MOST_TRIPLES, streams.stream("triples"))
        found = compare_sets(joint, triples, streams)
        value = float(found.values.mean())
        baseline = None if case.holdout is None else float(found.baselines.mean())
        verdict = Excess.over(value, baseline, found.chance.mean(axis=0)).judge(self.limits)
        detail = _detail(joint.names, found)
        available = min(case.train.height, case.synthetic.height)
        note = sampled_note(joint.frames[0].height, available, case.max_rows)
        if total > len(triples):
            note = (
                f" ({len(triples):,} of the {total:,} sets of three, drawn at random, were compared.)" + note
            )
        return [
            Score(
                NAME,
                value,
                recentred_interval(value, found.repeated),
                baseline,
                verdict,
                _say(value, baseline, detail) + note + ceiling_note(baseline),
                self.better,
                detail,
                title=self.title,
            )
        ]


def _detail(names: list[str], found: Distances) -> pl.DataFrame:
    columns = {
        f"column_{letter}": [names[triple[place]] for triple in found.sets]
        for place, letter in enumerate("abc")
    }
    figures = {
        "distance": found.values,
        "baseline": found.baselines,
        "excess": found.values - found.baselines,
    }
    frame = pl.DataFrame(columns | figures).with_columns(pl.col("baseline", "excess").fill_nan(None))
    by = "distance" if frame["excess"].null_count() else "excess"
    return frame.sort(by, descending=True, maintain_order=True)


def _say(value: float, baseline: float | None, detail: pl.DataFrame) -> str:
    worst = detail.row(0, named=True)
    real = "" if baseline is None else f" (real data: {baseline:.3f})"
    beside = "" if worst["baseline"] is None else f", where real data get {worst['baseline']:.3f}"
    most = "the farthest" if worst["baseline"] is None else "those that lose most against real data"
    return (
        f"On average three synthetic columns together are {value:.3f} away from the real ones{real}, where 0 is the "
        f"same joint shape and 1 is no overlap; {most} are {worst['column_a']!r}, {worst['column_b']!r} and "
        f"{worst['column_c']!r} at {worst['distance']:.3f}{beside}."
    )
