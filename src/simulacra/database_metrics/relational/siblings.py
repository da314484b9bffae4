"""Whether rows of one parent are as alike as real siblings, and families of one kind go with those of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.database_metric import DatabaseComparison, DatabaseMetric, Side
from simulacra.database_metrics._aggregates import plain_columns
from simulacra.database_metrics._case import (
    NO_CEILING,
    entities,
    is_common,
    not_computed,
    pointers,
    references,
    say_reference,
    sides,
)
from simulacra.database_metrics._clustered import (
    Gap,
    Plan,
    add_up,
    apart,
    correlation,
    judge_worst,
    moments,
    rank_among,
)
from simulacra.domain import Array
from simulacra.metric import Score
from simulacra.metrics._case import LEVEL_KINDS
from simulacra.profile import as_numbers
from simulacra.schema.reference import Reference
from simulacra.schema.types import Column, Table

NAME = "relational/siblings"
FEWEST_FAMILIES = 20
Found = tuple[dict[str, object], Gap]


class Siblings(DatabaseMetric):
    """How far the likeness of rows that share a parent is from that of real ones, of the column that loses most.

    For a number: the share of its variance that lies between parents (the intraclass correlation of its ranks). For a
    category: how often two rows of one parent agree. For tables with several kinds of children: the correlation of
    how many a row has of each. The value is the absolute difference from real data; 0 is perfect. The baseline is the
    same for training rows.

    Notes
    -----
    **Verdict** on the difference minus the baseline: pass up to 0.05, look up to 0.15, fail above; passes where
    chance explains the excess, entities taken as a whole.

    **Interval** bootstrap over groups of entities.

    **Detail** for each question: ``real`` and ``synthetic`` figures, their ``distance`` and ``baseline``.

    **Cost** linear in rows x columns.

    **Source** Fisher 1925, "Statistical methods for research workers", section 38 (intraclass correlation, by
    analysis of variance); change of sides: Good 2005, section 3.2.
    """

    title: ClassVar[str] = "Likeness of rows with one parent, worst column (difference)"
    limits: ClassVar[tuple[float, float]] = (0.05, 0.15)

    def score(self, case: DatabaseComparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        found = [*_columns(case), *_counts(case)]
        if not found:
            why = "no parent has several children with columns to compare."
            return not_computed(self, NAME, why, asked=any(True for _ in references(case)))
        gaps = [gap for _, gap in found]
        at, verdict = judge_worst(gaps, self.limits)
        gap, row = gaps[at], found[at][0]
        detail = pl.DataFrame([one for one, _ in found], infer_schema_length=None)
        words = (
            f"{row['question']} is farthest from real data at {row['what']}: {row['synthetic']:.2f} where real rows "
            f"have {row['real']:.2f}."
        )
        return [
            Score(
                NAME, gap.value, gap.interval(2.0), gap.baseline, verdict,
                words + (NO_CEILING if gap.baseline is None else ""), self.better,
                detail.with_columns(pl.col("baseline").cast(pl.Float64)), title=self.title,
            )
        ]  # fmt: skip


def _columns(case: DatabaseComparison) -> Iterator[Found]:
    """Ask every column of every child table how alike siblings are."""
    for table, at, reference in references(case):
        if is_common(case, reference.table):
            continue
        families = [_Family(case, side, table, at) for side in sides(case)]
        if min(family.several for family in families) < FEWEST_FAMILIES:
            continue
        streams = case.streams.at(NAME).at(f"{table.name}.{at}")
        plan = Plan.make([family.clusters for family in families], streams)
        for column in plain_columns(table):
            yield _likeness(case, table, reference, column, families, plan)


class _Family:
    """The rows of one side that have a parent, sorted by it."""

    def __init__(self, case: DatabaseComparison, side: Side, table: Table, at: int) -> None:
        up = pointers(case, side)[table.name, at]
        self.rows = np.flatnonzero(up >= 0)
        self.parents, self.of = np.unique(up[self.rows], return_inverse=True)
        sizes = np.bincount(self.of, minlength=len(self.parents))
        self.several = int((sizes > 1).sum())
        first = np.zeros(len(self.parents), dtype=np.int64)
        first[self.of[::-1]] = self.rows[::-1]
        self.clusters = entities(case, side).labels[table.name][first]


def _likeness(
    case: DatabaseComparison, table: Table, reference: Reference, column: Column, families: Sequence[_Family],
    plan: Plan,
) -> Found:  # fmt: skip
    values = [
        case.side(side)[table.name][column.name][f.rows]
        for side, f in zip(sides(case), families, strict=True)
    ]
    if column.kind in LEVEL_KINDS:
        parts = [_agreement(v, family) for v, family in zip(values, families, strict=True)]
        question, figure = "How often two rows of one parent agree", _agreeing
    else:
        known = np.sort(as_numbers(values[1].drop_nulls()))
        known = known[~np.isnan(known)]
        parts = [_variance(_ranked(as_numbers(v), known), f) for v, f in zip(values, families, strict=True)]
        question, figure = "The share of variance between parents", _between
    gap = plan.compare([add_up(part) for part in parts], apart(figure))
    return _record(question, f"{column.name} of {say_reference(table, reference)}", parts, figure, gap), gap


def _record(what: str, where: str, parts: Sequence[Array], figure: object, gap: Gap) -> dict[str, object]:
    assert callable(figure)
    fake, real = (float(figure(part.sum(axis=0))) for part in parts[:2])
    return {
        "question": what, "what": where, "real": real, "synthetic": fake, "distance": gap.value,
        "baseline": gap.baseline,
    }  # fmt: skip


def _ranked(values: Array, known: Array) -> Array:
    """Return the share of real values below each value: outliers get no more weight than others."""
    if len(known) == 0:
        return np.full(len(values), np.nan)
    return rank_among(values, known)


def _variance(values: Array, family: _Family) -> Array:
    """Return, for each parent, what the analysis of variance needs: n, 1, n squared, sum, squares, squared sum / n."""
    known = ~np.isnan(values)
    of, x = family.of[known], values[known]
    parents = len(family.parents)
    n = np.bincount(of, minlength=parents).astype(np.float64)
    total, squares = np.bincount(of, x, parents), np.bincount(of, x * x, parents)
    return np.column_stack([n, n > 0, n * n, total, squares, total**2 / np.maximum(n, 1)])


def _between(sums: Array) -> Array:
    """Return the share of variance that lies between parents."""
    n, parents, squared, total, squares, between = (sums[..., at] for at in range(6))
    inside = (squares - between) / np.maximum(n - parents, 1)
    across = (between - total**2 / np.maximum(n, 1)) / np.maximum(parents - 1, 1)
    size = (n - squared / np.maximum(n, 1)) / np.maximum(parents - 1, 1)
    whole = across + (size - 1) * inside
    return np.where(whole > 1e-12, np.clip((across - inside) / np.where(whole > 1e-12, whole, 1), -1, 1), 0.0)


def _agreement(values: pl.Series, family: _Family) -> Array:
    """Return, for each parent, how many pairs of its rows have one level, and how many pairs there are."""
    parents = len(family.parents)
    counted = pl.DataFrame({"of": family.of, "v": values.cast(pl.String)}).group_by("of", "v").len()
    alike = counted["len"].cast(pl.Float64).to_numpy()
    n = np.bincount(family.of, minlength=parents).astype(np.float64)
    return np.column_stack([np.bincount(counted["of"].to_numpy(), alike * (alike - 1), parents), n * (n - 1)])


def _agreeing(sums: Array) -> Array:
    share: Array = sums[..., 0] / np.maximum(sums[..., 1], 1.0)
    return share


def _counts(case: DatabaseComparison) -> Iterator[Found]:
    """Ask every parent with several kinds of children how their numbers go together."""
    for parent in case.schema.tables:
        mine = [
            (t, at, r)
            for t, at, r in references(case)
            if r.table == parent.name and t.name != parent.name
        ]  # fmt: skip
        rows = [len(case.side(side)[parent.name]) for side in sides(case)]
        if len(mine) < 2 or is_common(case, parent.name) or min(rows) < FEWEST_FAMILIES:
            continue
        plan = Plan.make(
            [entities(case, side).labels[parent.name] for side in sides(case)],
            case.streams.at(NAME).at(parent.name),
        )
        for one, other in combinations(mine, 2):
            pairs = [
                [np.log1p(_number(case, side, t, at, parent)) for t, at, _ in (one, other)]
                for side in sides(case)
            ]
            gap = plan.compare([moments(a, b) for a, b in pairs], apart(correlation))
            figures = [float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else 0.0 for a, b in pairs[:2]]
            what = f"{one[0].name} and {other[0].name} of one {parent.name}"
            yield (
                {
                    "question": "The correlation of numbers of children", "what": what, "real": figures[1],
                    "synthetic": figures[0], "distance": gap.value, "baseline": gap.baseline,
                },
                gap,
            )  # fmt: skip


def _number(case: DatabaseComparison, side: Side, table: Table, at: int, parent: Table) -> Array:
    rows = pointers(case, side)[table.name, at]
    return np.bincount(rows[rows >= 0], minlength=len(case.side(side)[parent.name]))
