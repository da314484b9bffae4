"""Whether synthetic rows lie nearer to the training rows than to as many real rows that were never seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._case import comparable_columns, draw, not_computed, percent, unassessable
from simulacra.metrics._neighbours import PAIR_CELLS, Nearest, nearest, place
from simulacra.randomness import Streams
from simulacra.schema.types import Column

NAME = "privacy/distances"
FEWEST_ROWS = 50
MOST_SYNTHETIC = 20_000
MOST_REFERENCES = 20_000
MOST_SETS = 4


class Distances(Metric):
    """The excess of synthetic rows whose closest record is a training row: 0 is ideal, 1 is a copy.

    Training rows and holdout rows are dealt into sets of equal size. A synthetic row is nearer to one set of
    training rows than to one set of holdout rows half of the time, if it knows no more of the first than
    of the second. Value: 2 (share nearer to the training set - 1/2) x (training rows / rows of a set), over
    all pairs of sets; ties count half. The last factor undoes that a set holds only some of the rows that
    could have been copied. Distance is Gower's: mismatches of levels and differences of numbers, in units of
    their range. Keys, text and identifiers are left out. The baseline is 0, what unseen real rows get on
    average; one table of them is off by some hundredths.

    Notes
    -----
    **Verdict** none, it is a picture: tables that look well here are still open to attacks, and the attacks
    (`privacy/membership`, `privacy/copies`) decide.

    **Interval** 95 %. What varies is which real rows happened to be training rows: given all rows, each row's
    side is a toss of a coin, and a real row weighs as much as the synthetic rows whose nearest it is.

    **Detail** for training rows and holdout rows: the number of sets and their rows, and quantiles of the distance
    from a synthetic row to its closest record in a set.

    **Privacy** aggregates only.

    **Cost** at most 20,000 synthetic rows x 160,000 real ones, by looking at all pairs; fewer synthetic rows
    where there are many columns. Capped numbers are said.

    **Source** the measure is the "DCR share" of Platzer & Reutterer 2021, "Holdout-based empirical assessment
    of mixed-type synthetic data", with the dilution undone; why there is no verdict: Yao et al. 2025, "The
    DCR delusion", arXiv 2505.01524.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> Distances().score(Comparison(table, train, train, holdout))[0].value
    1.0
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Synthetic rows nearer to training than to unseen rows (excess share)"

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        columns = comparable_columns(case.table)
        why = unassessable(case, columns, "distances have nothing to be held against without a holdout")
        if why is not None or case.holdout is None:
            return not_computed(self, NAME, why or "")
        size = min(case.train.height, case.holdout.height, MOST_REFERENCES)
        if size < FEWEST_ROWS:
            why = (
                f"it needs at least {FEWEST_ROWS} training and holdout rows and there are {size}; give more."
            )
            return not_computed(self, NAME, why)
        streams = case.streams.at(NAME)
        deals = [_deal(case.train.height, size, streams, "train")]
        deals.append(_deal(case.holdout.height, size, streams, "holdout"))
        pairs = PAIR_CELLS // (len(columns) * size * (len(deals[0]) + len(deals[1])))
        rows = max(FEWEST_ROWS, min(MOST_SYNTHETIC, pairs))
        synthetic = draw(case.synthetic, rows, streams.stream("synthetic"))
        found = _search(case.train, case.holdout, synthetic, columns, deals)
        share, error = _share(found[0], found[1], size)
        scale = 2 * case.train.height / size
        value = scale * (share - 0.5)
        margin = 1.96 * scale * error
        return [
            Score(
                NAME,
                value,
                (value - margin, value + margin),
                0.0,
                "info",
                _say(value, margin, share, size, case, rows),
                self.better,
                _detail(found, size),
                title=self.title,
            )
        ]


def _deal(rows: int, size: int, streams: Streams, side: str) -> list[Array]:
    """Deal row numbers into sets of one size, which share no row."""
    order = streams.stream(side).permutation(rows)
    count = min(MOST_SETS, rows // size)
    return [order[k * size : (k + 1) * size] for k in range(count)]


def _search(
    train: pl.DataFrame,
    holdout: pl.DataFrame,
    synthetic: pl.DataFrame,
    columns: list[Column],
    deals: list[list[Array]],
) -> list[list[Nearest]]:
    """Find each synthetic row's closest record in every set of training rows and of holdout rows."""
    *real, queries = place([train, holdout, synthetic], columns, 2)
    return [
        [nearest(queries, side.take(rows)) for rows in sets] for side, sets in zip(real, deals, strict=True)
    ]


def _share(train: list[Nearest], holdout: list[Nearest], size: int) -> tuple[float, float]:
    """Return the share of synthetic rows nearer to a training set, over all pairs of sets, and its error."""
    weights = [[np.zeros(size) for _ in sets] for sets in (train, holdout)]
    wins, pairs = 0.0, len(train) * len(holdout)
    rows = len(train[0].distance)
    for a, ours in enumerate(train):
        for b, theirs in enumerate(holdout):
            won = ours.distance < theirs.distance
            tied = ours.distance == theirs.distance
            wins += float(won.mean() + 0.5 * tied.mean()) / pairs
            for near, better, sums in ((ours, won, weights[0][a]), (theirs, ~won & ~tied, weights[1][b])):
                # another row as near takes over for a tied one, so only a sole nearest row can turn a tie
                weight = better + 0.5 * (tied & (near.ties == 1))
                sums += np.bincount(near.index, weight, minlength=size)[:size] / (pairs * rows)
    # the sides have fixed numbers of rows, so tosses that change all rows alike can not happen: hence var
    variance = 0.25 * sum(size * float(sums.var()) for side in weights for sums in side)
    return wins, float(np.sqrt(variance))


def _detail(found: list[list[Nearest]], size: int) -> pl.DataFrame:
    records = []
    for side, sets in zip(("train", "holdout"), found, strict=True):
        distances = np.concatenate([near.distance for near in sets]).astype(np.float64)
        low, middle, high = np.quantile(distances, [0.05, 0.5, 0.95])
        records.append(
            {"nearest in": side, "sets": len(sets), "rows": size, "p05": low, "median": middle, "p95": high}
        )
    return pl.DataFrame(records)


def _say(value: float, margin: float, share: float, size: int, case: Comparison, rows: int) -> str:
    said = (
        f"{percent(share)} of the synthetic rows lie nearer to a set of {size:,} training rows than to as many real "
        f"rows that the model never saw (50 % if they know nothing of the training rows). "
    )
    if value - margin <= 0:
        said += "That is no more than chance would give."
    else:
        said += (
            f"That is as if about {percent(min(1.0, value))} of them had been copied and the rest were new."
        )
    if case.synthetic.height > rows:
        said += f" (A random {rows:,} synthetic rows were used.)"
    return said + " This is a picture and no verdict: attacks decide."
