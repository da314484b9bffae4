"""How many synthetic rows copy a training row, exactly or nearly, beyond what unseen real rows do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import (
    NUMERIC_KINDS,
    as_levels,
    comparable_columns,
    judge,
    not_computed,
    percent,
    unassessable,
)
from simulacra.profile import as_numbers
from simulacra.schema.types import Column

NAME = "privacy/copies"
NEARNESS = 0.005
"""A number is near another if they differ by at most this share of the training column's range."""
EVIDENCE_ROWS = 20
Z = 1.96


class Copies(Metric):
    """The share of synthetic rows that copy training rows, in excess of what an unseen holdout has.

    A near copy has equal categories, the same values missing, and every number, date and time within 0.5 %
    of the training column's range. Keys, text and identifiers are left out: they are made anew. Value:
    (share of synthetic rows that copy - share of holdout rows that copy) / (1 - holdout share): 1 for a copy
    of the training rows, about 0 for unseen real rows. It is taken for exact copies and for near ones (exact
    ones among them) and the larger counts: a poor model makes fewer chance near copies than real rows do,
    and that must not hide its exact ones. Synthetic and holdout rows are held against all training rows, so
    the sizes match. The baseline is the holdout's own figure, 0.

    Notes
    -----
    **Verdict** pass when the interval reaches 0 or the value is at most 0.005; look up to 0.02; fail above.
    When exact copies alone are in excess (their interval is above 0), never better than look.

    **Interval** 95 %, from Wilson intervals of both shares, combined after Newcombe.

    **Detail** for exact and near copies: shares of synthetic and of holdout rows, the excess with its
    interval, and ``detectable``, the share of copied rows that this test would have seen with 95 % power.

    **Privacy** ``private`` shows row numbers (from 1) of up to 20 synthetic rows and the training rows that
    they copy, for the owner of the data. Passing says that this attack found no leak, and no more than that.

    **Cost** rows x log(rows): a search tree over the numbers, inside groups of equal categories.

    **Source** Newcombe 1998, "Interval estimation for the difference between independent proportions",
    method 10.

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
    limits: ClassVar[tuple[float, float]] = (0.005, 0.02)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = unassessable(case, columns, "copies are not assessable without a holdout")
        if why is not None or case.holdout is None:
            return not_computed(self, NAME, why or "")
        found = _search(case.train, [case.synthetic, case.holdout], columns)
        near = _excess(found[0].near >= 0, found[1].near >= 0)
        exact = _excess(found[0].exact >= 0, found[1].exact >= 0)
        if near is None or exact is None:
            why = "every holdout row is near a training row too, so a copy can not be told from chance."
            return not_computed(self, NAME, why)
        most = max(near, exact, key=lambda excess: excess.value)
        verdict = "pass" if most.low <= 0 else judge(most.value, self.limits)
        if verdict == "pass" and exact.low > 0:
            verdict = "look"
        detail = pl.DataFrame([{"copies": "exact", **exact.record()}, {"copies": "near", **near.record()}])
        return [
            Score(
                NAME,
                most.value,
                (most.low, most.high),
                0.0,
                verdict,
                _say(most, "exact" if most is exact and most is not near else "near"),
                self.better,
                detail,
                _evidence(found[0]),
                title="Copies of training rows (excess share)",
            )
        ]


@dataclass(frozen=True)
class _Matches:
    """For each row, the position of a training row that it copies, or -1."""

    exact: Array
    near: Array


@dataclass(frozen=True)
class _Excess:
    value: float
    low: float
    high: float
    synthetic: float
    holdout: float
    detectable: float

    def record(self) -> dict[str, float]:
        names = {"synthetic": self.synthetic, "holdout": self.holdout, "excess": self.value}
        return names | {"low": self.low, "high": self.high, "detectable": self.detectable}


def _search(train: pl.DataFrame, frames: list[pl.DataFrame], columns: list[Column]) -> list[_Matches]:
    """Look for each row of each frame among the training rows."""
    numeric = [c for c in columns if c.kind in NUMERIC_KINDS]
    parts = [train, *frames]
    points, frozen = _points(parts, numeric)
    groups = _groups(parts, [c for c in columns if c not in numeric], frozen)
    firsts = _groups(parts, [], [*points, groups[:, None]] if points else [groups[:, None]])
    cuts = np.cumsum([frame.height for frame in parts])
    first_row = np.full(int(firsts.max()) + 1, -1, dtype=np.int64)
    first_row[firsts[: cuts[0]][::-1]] = np.arange(cuts[0])[::-1]
    matrix = np.hstack([groups[:, None].astype(np.float64) * 4, *points])
    known = np.zeros(int(groups.max()) + 1, dtype=bool)
    known[groups[: cuts[0]]] = True
    # repeated rows would make leaves that a search must scan whole, so each stands in the tree once
    unique = first_row[np.unique(firsts[: cuts[0]])]
    tree = cKDTree(matrix[unique], balanced_tree=False)
    results = []
    for start, stop in pairwise(cuts):
        exact = first_row[firsts[start:stop]]
        near = exact.copy()
        open_rows = np.flatnonzero((exact < 0) & known[groups[start:stop]])
        if len(open_rows):
            reach = np.nextafter(1.0 + 1e-9, 2.0)
            _, index = tree.query(
                matrix[start:stop][open_rows], p=np.inf, distance_upper_bound=reach, workers=-1
            )
            near[open_rows] = np.append(unique, -1)[index]
        results.append(_Matches(exact, near))
    return results


def _points(parts: list[pl.DataFrame], numeric: list[Column]) -> tuple[list[Array], list[Array]]:
    """Return numbers in units of the allowed distance, and what must be equal: missing or not, constants."""
    points, frozen = [], []
    for column in numeric:
        sides = [as_numbers(frame[column.name]) for frame in parts]
        known = sides[0][~np.isnan(sides[0])]
        pooled = np.concatenate(sides)
        missing = np.isnan(pooled)
        frozen.append(missing.astype(np.float64)[:, None])
        pooled = np.where(missing, 0.0, pooled)
        reach = NEARNESS * (known.max() - known.min()) if len(known) else 0.0
        if reach > 0:
            points.append((np.where(missing, 0.0, pooled - known.min()) / reach)[:, None])
        else:
            frozen.append(pooled[:, None])
    return points, frozen


def _groups(parts: list[pl.DataFrame], levels: list[Column], frozen: list[Array]) -> Array:
    """Number the distinct combinations of levels and frozen values over all parts together."""
    series = [
        pl.concat([as_levels(frame[c.name]) for frame in parts]).alias(f"l{i}") for i, c in enumerate(levels)
    ]
    series += [pl.Series(f"f{i}", array[:, 0]) for i, array in enumerate(frozen)]
    rows = sum(frame.height for frame in parts)
    if not series:
        return np.zeros(rows, dtype=np.int64)
    frame = pl.DataFrame(series)
    numbered = frame.unique(maintain_order=True).with_row_index("group")
    joined = frame.join(numbered, on=frame.columns, how="left", nulls_equal=True, maintain_order="left")
    return joined["group"].cast(pl.Int64).to_numpy()


def _wilson(hits: int, rows: int) -> tuple[float, float]:
    share, inverse = hits / rows, Z * Z / rows
    middle = (share + inverse / 2) / (1 + inverse)
    half = Z * np.sqrt(share * (1 - share) / rows + inverse / (4 * rows)) / (1 + inverse)
    return min(share, middle - half), max(share, middle + half)


def _excess(synthetic: Array, holdout: Array) -> _Excess | None:
    """Return the excess of one share over the other with its interval; None where the holdout has it all."""
    ours, theirs = float(synthetic.mean()), float(holdout.mean())
    if theirs == 1.0:
        return None
    low_ours, high_ours = _wilson(int(synthetic.sum()), len(synthetic))
    low_theirs, high_theirs = _wilson(int(holdout.sum()), len(holdout))
    gap, room = ours - theirs, 1 - theirs
    low = gap - np.hypot(ours - low_ours, high_theirs - theirs)
    high = gap + np.hypot(high_ours - ours, theirs - low_theirs)
    chance = (holdout.sum() + 2) / (len(holdout) + 4)
    error = np.sqrt(chance * (1 - chance) * (1 / len(synthetic) + 1 / len(holdout)))
    detectable = min(1.0, float((Z + 1.645) * error / (1 - chance)))
    # an excess is a share of the rows that chance does not explain; a shortfall stays a plain difference, since
    # a small room would blow it up beyond all meaning
    value, low, high = (float(x / room if x > 0 else x) for x in (gap, low, high))
    return _Excess(value, low, min(1.0, high), ours, theirs, detectable)


def _evidence(found: _Matches) -> pl.DataFrame:
    order = np.concatenate(
        [np.flatnonzero(found.exact >= 0), np.flatnonzero((found.exact < 0) & (found.near >= 0))]
    )
    rows = order[:EVIDENCE_ROWS]
    return pl.DataFrame(
        {"synthetic_row": rows + 1, "train_row": found.near[rows] + 1, "exact": found.exact[rows] >= 0},
        schema={"synthetic_row": pl.Int64, "train_row": pl.Int64, "exact": pl.Boolean},
    )


def _say(found: _Excess, kind: str) -> str:
    copies = "exact copies" if kind == "exact" else "exact or near copies"
    shares = (
        f"{percent(found.synthetic)} of the synthetic rows are {copies} of training rows, and "
        f"{percent(found.holdout)} of real rows that the model never saw are so by chance"
    )
    seen = f"it would have seen {percent(found.detectable)} copied rows with 95 % power"
    if found.low <= 0:
        return f"No leak found by this attack: {shares}; {seen}."
    return f"About {percent(found.value)} of the synthetic rows are copied beyond chance: {shares}; {seen}."
