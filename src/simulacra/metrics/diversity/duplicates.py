"""How many synthetic rows repeat another synthetic row, beside what real rows do at the same size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score, Verdict
from simulacra.metrics._case import (
    LEVEL_KINDS,
    as_levels,
    comparable_columns,
    draw,
    empty_side,
    judge,
    not_computed,
    percent,
    too_few,
)
from simulacra.metrics._occupancy import SURE, count_cells, distinct_error
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

NAME = "diversity/duplicates"
FEWEST_ROWS = 20


class Duplicates(Metric):
    """The share of synthetic rows that an earlier synthetic row equals, beside that of as many real rows.

    Rows are compared over all columns but keys, text and identifiers. A table of few levels repeats itself by
    nature, and the longer a table the more it does, so both sides have the same number of rows; the real ones
    are drawn from the training rows and the holdout.

    Notes
    -----
    **Verdict** on the value minus the baseline, either way: pass up to 0.01 or where chance explains the
    difference, look up to 0.05, fail above; fewer repeated rows than real ones are never worse than look.

    **Interval** normal, with the spread that dealing the rows of both sides anew would give.

    **Detail** how many rows are equal (``copies``: 1, 2, 3, 4, 5 to 9, 10 or more) and which share of
    ``synthetic`` and ``real`` rows is in such a group.

    **Cost** one sort of rows by all columns, of at most ``case.max_rows`` of each side.

    **Source** `simulacra.metrics._occupancy` for the test.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> real = pl.DataFrame({"x": list(range(200))})
    >>> fake = pl.DataFrame({"x": list(range(100)) * 2})
    >>> Duplicates().score(Comparison(Table("t", (Column("x", "number"),)), real, fake, real))[0].value
    0.5
    """

    family: ClassVar[str] = "diversity"
    title: ClassVar[str] = "Repeated rows (share)"
    limits: ClassVar[tuple[float, float]] = (0.01, 0.05)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = empty_side(case)
        if why is None and not columns:
            why = "no column can be compared: all are text, keys or identifiers."
        available = case.train.height + (0 if case.holdout is None else case.holdout.height)
        rows = min(case.synthetic.height, available, case.max_rows)
        why = why or too_few(rows, FEWEST_ROWS)
        if why is not None:
            return not_computed(self, NAME, why)
        streams = case.streams.at(NAME)
        names = [column.name for column in columns]
        real = case.train.select(names)
        if case.holdout is not None:
            real = pl.concat([real, case.holdout.select(names)])
        fake = draw(case.synthetic.select(names), rows, streams.stream("synthetic"))
        groups = _number([fake, draw(real, rows, streams.stream("real"))], columns)
        ours, theirs = count_cells(*groups)
        value, baseline = (float((rows - (counts > 0).sum()) / rows) for counts in (ours, theirs))
        error = distinct_error(ours, theirs) / rows
        excess = value - baseline
        verdict: Verdict = "pass" if abs(excess) <= SURE * error else judge(abs(excess), self.limits)
        if excess < 0 and verdict == "fail":
            verdict = "look"
        words = (
            f"{percent(value)} of the synthetic rows repeat an earlier one; of as many real rows "
            f"{percent(baseline)} do."
        )
        if rows < case.synthetic.height:
            words += f" (A random {rows:,} rows of each side were used.)"
        return [
            Score(
                NAME,
                value,
                (max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error)),
                baseline,
                verdict,
                words,
                self.better,
                _tabulate(ours, theirs),
                title=self.title,
            )
        ]


def _number(frames: list[pl.DataFrame], columns: list[Column]) -> tuple[Array, Array]:
    """Number the distinct rows of two frames together."""
    parts = []
    for frame in frames:
        values = {
            f"c{i}": as_levels(frame[c.name])
            if c.kind in LEVEL_KINDS
            else pl.Series(as_numbers(frame[c.name]))
            for i, c in enumerate(columns)
        }
        parts.append(pl.DataFrame(values).with_columns(pl.selectors.float().fill_nan(None)))
    whole = pl.concat(parts)
    numbered = whole.unique(maintain_order=True).with_row_index("group")
    found = whole.join(numbered, on=whole.columns, how="left", nulls_equal=True, maintain_order="left")
    groups = found["group"].cast(pl.Int64).to_numpy()
    return groups[: frames[0].height], groups[frames[0].height :]


def _tabulate(ours: Array, theirs: Array) -> pl.DataFrame:
    """Return the shares of rows in groups of each size."""
    bounds = np.array([1, 2, 3, 4, 5, 10])
    shares = []
    for counts in (ours, theirs):
        place = np.searchsorted(bounds, counts[counts > 0], side="right") - 1
        shares.append(np.bincount(place, counts[counts > 0], minlength=len(bounds)) / counts.sum())
    return pl.DataFrame(
        {"copies": ["1", "2", "3", "4", "5 to 9", "10 or more"], "synthetic": shares[0], "real": shares[1]}
    )
