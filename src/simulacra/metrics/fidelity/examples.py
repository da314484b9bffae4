"""Synthetic rows beside their nearest real rows, typical ones and the strangest, for the eye."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import comparable_columns
from simulacra.metrics._embedding import embed, unplaceable
from simulacra.metrics._neighbours import Nearest, nearest

NAME = "fidelity/examples"
MOST_QUERIES = 2_000
SHOWN = 5
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
RESAMPLES = 400


class Examples(Metric):
    """The median distance from a synthetic row to its nearest training row, with such pairs to look at.

    Distance is Gower's as a share of the columns: 0 for the same row, 1 for rows that agree in nothing. The baseline is
    the same for holdout rows. Much smaller than the baseline means copies, much larger means rows that do not exist.

    Notes
    -----
    **Verdict** none: it is for the eye; `privacy/copies` and `fidelity/precision` judge.

    **Interval** 95 %, bootstrap of the synthetic rows.

    **Detail** quantiles of that distance for synthetic and for holdout rows.

    **Privacy** ``private`` shows five synthetic rows of a middling distance and the five farthest away, each above
    its nearest training row: for the owner of the data only.

    **Cost** 2,000 rows of each side x 20,000 training rows x columns at most.

    **Source** Gower 1971, "A general coefficient of similarity and some of its properties".

    Examples
    --------
    >>> from simulacra.schema.types import Column, Table
    >>> frame = pl.DataFrame({"x": [float(i) for i in range(100)]})
    >>> score = Examples().score(Comparison(Table("t", (Column("x", "number"),)), frame, frame, frame + 0.5))[0]
    >>> score.verdict, score.private.height
    ('info', 20)
    """

    family: ClassVar[str] = "fidelity"
    title: ClassVar[str] = "Nearest training row (median distance, 0 to 1)"

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        if (unable := unplaceable(self, NAME, case)) is not None:
            return unable
        cloud = embed(case, "train")
        queries = np.arange(min(MOST_QUERIES, len(cloud)))
        found = [nearest(side.take(queries), cloud.reference) for side in (cloud.synthetic, cloud.control)]
        apart = [near.distance.astype(np.float64) / cloud.columns for near in found]
        value, baseline = (float(np.median(far)) for far in apart)
        rng = case.streams.at(NAME).stream("resample")
        medians = np.median(rng.choice(apart[0], (RESAMPLES, len(queries))), axis=1)
        low, high = np.quantile(medians, [0.025, 0.975])
        note = cloud.note
        if len(cloud) > len(queries):
            note += f" ({len(queries):,} rows of each side were used.)"
        return [
            Score(
                NAME,
                value,
                (min(value, float(low)), max(value, float(high))),
                baseline,
                "info",
                f"The middle synthetic row is {value:.3f} of all columns away from its nearest training row "
                f"(real data: {baseline:.3f}), where 0 is the same row and 1 agrees in nothing.{note}",
                self.better,
                pl.DataFrame(
                    {"share of rows": QUANTILES}
                    | {
                        name: np.quantile(far, QUANTILES)
                        for name, far in zip(("synthetic", "real"), apart, strict=True)
                    }
                ),
                _pairs(case, found[0], cloud.rows[1], cloud.rows[0], cloud.columns),
                title=self.title,
            )
        ]


def _pairs(case: Comparison, found: Nearest, synthetic: Array, train: Array, columns: int) -> pl.DataFrame:
    """Lay rows of a middling distance, and the farthest, above their nearest training rows."""
    order = np.argsort(found.distance, kind="stable")
    start = (len(order) - SHOWN) // 2
    chosen = np.concatenate([order[start : start + SHOWN], order[::-1][:SHOWN]])
    names = [column.name for column in comparable_columns(case.table)]
    ours = case.synthetic[synthetic[chosen]].select(names)
    theirs = case.train[train[found.index[chosen]]].select(names)
    told = pl.DataFrame(
        {
            "kind": ["typical"] * SHOWN + ["strangest"] * SHOWN,
            "pair": np.arange(1, 2 * SHOWN + 1),
            "distance": found.distance[chosen].astype(np.float64) / columns,
        }
    )
    # a blank keeps a column of the data apart from one of ours with the same name
    sides = [
        pl.concat(
            [told.with_columns(row=pl.lit(role)), frame.rename(lambda name: f"{name} ")], how="horizontal"
        )
        for role, frame in (("synthetic", ours), ("nearest real", theirs))
    ]
    return pl.concat(sides, how="vertical_relaxed").sort("pair", maintain_order=True)
