"""Pairs of a column with one of the tables above, over shared cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulacra.database_metric import DatabaseComparison, Side
from simulacra.database_metrics._aggregates import plain_columns
from simulacra.database_metrics._case import entities, is_common, pointers, sides
from simulacra.database_metrics._clustered import Gap, Plan, count_codes, variation
from simulacra.domain import Array
from simulacra.metrics._cells import Cells
from simulacra.metrics.fidelity.pairs import association
from simulacra.randomness import Streams

CELLS = 8
FEWEST_ROWS = 50
ROWS_PER_CELL = 30


@dataclass(frozen=True)
class Ascent:
    """References to follow from a table to one above it.

    Parameters
    ----------
    table : str
        Where they start.
    steps : tuple of (str, int)
        References by table and place.
    above : str
        Where they end.
    label : str
        The way in words: ``"account.district"``.
    """

    table: str
    steps: tuple[tuple[str, int], ...]
    above: str
    label: str


def list_ascents(case: DatabaseComparison, hops: int) -> list[Ascent]:
    """List all ways up of at most so many references that do not come back to a table."""
    found: list[Ascent] = []
    for table in case.schema.tables:
        pending = [Ascent(table.name, (), table.name, "")]
        while pending:
            at = pending.pop(0)
            for place, reference in enumerate(case.schema.table(at.above).references):
                passed = {table.name, *(case.schema.table(t).references[i].table for t, i in at.steps)}
                if reference.table in passed:
                    continue
                several = sum(r.table == reference.table for r in case.schema.table(at.above).references) > 1
                label = f"{reference.table} ({', '.join(reference.columns)})" if several else reference.table
                further = Ascent(
                    table.name, (*at.steps, (at.above, place)), reference.table,
                    f"{at.label}.{label}" if at.label else label,
                )  # fmt: skip
                found.append(further)
                if len(further.steps) < hops:
                    pending.append(further)
    return found


@dataclass(frozen=True)
class Climbed:
    """Rows of one side, drawn, with the row above that each leads to."""

    rows: Array
    above: Array
    clusters: Array


def climb(case: DatabaseComparison, ascent: Ascent, side: Side, most: int, streams: Streams) -> Climbed:
    """Draw at most so many rows that have a row above them, and find it."""
    known = pointers(case, side)
    up = np.arange(len(case.side(side)[ascent.table]))
    for step in ascent.steps:
        further = known[step]
        up = np.where(up >= 0, further[np.maximum(up, 0)], -1) if len(further) else np.full(len(up), -1)
    rows = np.flatnonzero(up >= 0)
    if len(rows) > most:
        rows = np.sort(streams.stream("rows", side).permutation(rows)[:most])
    # what a table of shared parents says is drawn once for each parent, unless the table is kept as it is
    shared = is_common(case, ascent.above) and case.schema.table(ascent.above).role != "reference"
    clusters = up[rows] if shared else entities(case, side).labels[ascent.table][rows]
    return Climbed(rows, up[rows], clusters)


def compare_pairs(
    case: DatabaseComparison, ascent: Ascent, most: int, streams: Streams
) -> Iterator[tuple[dict[str, object], Gap]]:
    """Hold the joint tables of each column with each column above it against the real ones."""
    ours = plain_columns(case.schema.table(ascent.table))
    theirs = plain_columns(case.schema.table(ascent.above))
    if not ours or not theirs:
        return
    climbed = [climb(case, ascent, side, most, streams) for side in sides(case)]
    rows = min(len(climbed[0].rows), len(climbed[-1].rows))
    climbed = [
        one if place == 1 or len(one.rows) <= rows else climb(case, ascent, side, rows, streams)
        for place, (side, one) in enumerate(zip(sides(case), climbed, strict=True))
    ]
    if min(len(one.rows) for one in climbed) < FEWEST_ROWS:
        return
    cells = int(np.clip(np.sqrt(len(climbed[1].rows) / ROWS_PER_CELL), 3, CELLS))
    plan = Plan.make([one.clusters for one in climbed], streams)
    coded: dict[tuple[str, str], tuple[list[Array], int]] = {}
    for which, table, columns in (("own", ascent.table, ours), ("above", ascent.above, theirs)):
        for column in columns:
            values = [
                case.side(side)[table][column.name][one.rows if which == "own" else one.above]
                for side, one in zip(sides(case), climbed, strict=True)
            ]
            fitted = Cells.fit(values[1], column, cells)
            coded[which, column.name] = [fitted.codes(v) for v in values], fitted.size
    for column in ours:
        for other in theirs:
            (left, one), (right, width) = coded["own", column.name], coded["above", other.name]
            codes = [a * width + b for a, b in zip(left, right, strict=True)]
            gap = plan.compare([count_codes(code, one * width) for code in codes], variation)
            fake, real = (np.bincount(code, minlength=one * width).reshape(one, width) for code in codes[:2])
            yield (
                {
                    "column_a": f"{ascent.table}.{column.name}",
                    "column_b": f"{ascent.label}.{other.name}",
                    "hops": len(ascent.steps),
                    "real": association(real),
                    "synthetic": association(fake),
                    "distance": gap.value,
                    "baseline": gap.baseline,
                },
                gap,
            )
