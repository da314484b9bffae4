"""Whether the synthetic rows of one group are easier to tell from real ones than everybody else's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._boosting import fit
from simulacra.metrics._case import ceiling_note, not_computed, percent, predictive_columns, sampled_note
from simulacra.metrics._cells import Cells, total_variation
from simulacra.metrics._features import extract
from simulacra.metrics._groups import Groups, gather
from simulacra.metrics._roc import influence
from simulacra.metrics._verdicts import judge_excess
from simulacra.randomness import Streams
from simulacra.schema.types import Column

NAME = "fairness/likeness"
FOLDS = 3
ROUNDS = 60
MOST_ROWS = 15_000
FEWEST_ROWS = 50
FEWEST_OF_A_GROUP = 20
MOST_CELLS = 10


class Likeness(Metric):
    """How much better a classifier tells synthetic rows apart in the worst-made group than elsewhere; 0 is perfect.

    One boosted-tree classifier learns to tell all synthetic rows from real ones (the holdout, or the training rows
    where there is none); the area under the ROC curve of its out-of-fold scores is taken within each group and
    intersection. The value is the area of a group minus that of everybody else, for the group where it is above
    most clearly. The baseline is the same with training rows in the place of the synthetic ones.

    Notes
    -----
    **Verdict** pass up to 0.05 and where chance explains it, look up to 0.15, fail above. A group of which the
    sample holds fewer than 20 rows of each kind is not judged.

    **Interval** 95 %, DeLong's variance of both areas.

    **Detail** for each group: rows of each kind, area with interval, the area with real rows, and the mean distance of
    the columns' distributions (total variation over shared cells) beside that of real rows.

    **Privacy** aggregates of groups with at least 20 rows.

    **Cost** three small classifiers of at most 15,000 rows of each side, twice.

    **Source** Lopez-Paz & Oquab 2017, "Revisiting classifier two-sample tests", section 3; DeLong, DeLong &
    Clarke-Pearson 1988 for the influences.

    Examples
    --------
    >>> from simulacra.schema.types import Table
    >>> rng = np.random.default_rng(0)
    >>> sex = [level for level in "mf" for _ in range(500)]
    >>> train, holdout, fake = (pl.DataFrame({"sex": sex, "pay": rng.normal(size=1000)}) for _ in range(3))
    >>> fake = fake.with_columns(pay=pl.when(pl.col("sex") == "f").then(pl.col("pay") + 4).otherwise("pay"))
    >>> table = Table("t", (Column("sex", "category"), Column("pay", "number")))
    >>> Likeness().score(Comparison(table, train, fake, holdout, groups=("sex",)))[0].verdict
    'fail'
    """

    family: ClassVar[str] = "fairness"
    title: ClassVar[str] = "The group that is told apart most easily (AUC above that of others)"
    limits: ClassVar[tuple[float, float]] = (0.05, 0.15)

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        groups = gather(case)
        if isinstance(groups, str):
            return not_computed(self, NAME, groups, asked=bool(case.groups))
        columns = predictive_columns(case.table)
        available = min(case.synthetic.height, case.reference.height, case.train.height)
        rows = min(available, MOST_ROWS, case.max_rows)
        if rows < FEWEST_ROWS:
            why = f"it needs at least {FEWEST_ROWS} rows of each kind and there are {available}; give more."
            return not_computed(self, NAME, why)
        streams = case.streams.at(NAME)
        # training, synthetic and holdout rows, as the codes of groups have them
        reference = 0 if case.holdout is None else 2
        chosen = {
            frame: np.sort(streams.stream(title).choice(len(whole), rows, replace=False))
            for frame, title, whole in ((0, "baseline", case.train), (1, "synthetic", case.synthetic),
                                        (reference, "reference", case.reference))
        }  # fmt: skip
        frames = {0: case.train, 1: case.synthetic, reference: case.reference}
        drawn = {frame: frames[frame][places] for frame, places in chosen.items()}
        with threadpool_limits(1):
            sides = [_compare(drawn, chosen, groups, columns, streams, (1, reference))]
            if case.holdout is not None:
                sides.append(_compare(drawn, chosen, groups, columns, streams, (0, reference)))
        if sides[0].worst is None:
            why = f"no group has {FEWEST_OF_A_GROUP} rows of each kind among those compared; give more rows."
            return not_computed(self, NAME, why)
        return [self._conclude(sides, groups, sampled_note(rows, available, MOST_ROWS))]

    def _conclude(self, sides: list[_Side], groups: Groups, note: str) -> Score:
        found = sides[0]
        worst = found.worst
        assert worst is not None
        baseline = 0.0 if len(sides) > 1 and sides[1].worst is None else None
        if len(sides) > 1 and sides[1].worst is not None:
            baseline = sides[1].worst.excess
        words = (
            f"In group {worst.group!r} a classifier tells synthetic rows from real ones {percent(worst.area)} of the "
            f"time, among everybody else {percent(worst.others)} (50 % is guessing): no group is "
            "above the others more clearly"
        )
        words += "." if baseline is None else f" (unseen real rows: a gap of {100 * baseline:.1f} points)."
        half = 1.96 * worst.error
        return Score(
            NAME,
            worst.excess,
            (worst.excess - half, worst.excess + half),
            baseline,
            judge_excess(worst.excess, worst.error, self.limits, looks=len(found.groups)),
            words + note + groups.note() + ceiling_note(baseline),
            self.better,
            _detail(sides),
            title=self.title,
        )


@dataclass(frozen=True)
class _Group:
    """What was found in one group, and among everybody else."""

    by: str
    group: str
    fake: int
    real: int
    area: float
    own_error: float
    others: float
    excess: float
    error: float
    distance: float


@dataclass(frozen=True)
class _Side:
    area: float
    groups: list[_Group]

    @property
    def worst(self) -> _Group | None:
        """The group that stands out most clearly."""
        return max(self.groups, key=lambda group: group.excess / group.error, default=None)


def _compare(
    drawn: dict[int, pl.DataFrame],
    chosen: dict[int, Array],
    groups: Groups,
    columns: Sequence[Column],
    streams: Streams,
    pair: tuple[int, int],
) -> _Side:
    """Tell the rows of one frame from those of another, and look into every group."""
    features = extract([drawn[frame] for frame in pair], columns)
    matrix = np.vstack(features.matrices)
    fake = np.repeat([True, False], [len(part) for part in features.matrices])
    scores = _scores(matrix, fake, features.categorical, streams)
    area = influence(scores, fake)[0]
    cells = _cells([drawn[frame] for frame in pair], columns)
    found = []
    for partition in groups.partitions:
        codes = np.concatenate([partition.codes[frame][chosen[frame]] for frame in pair])
        for place in np.flatnonzero(partition.shown()):
            inside = codes == place
            counts = int((inside & fake).sum()), int((inside & ~fake).sum())
            rest = int((~inside & fake).sum()), int((~inside & ~fake).sum())
            if min(*counts, *rest) < FEWEST_OF_A_GROUP:
                continue
            (own, error), (others, their_error) = (
                _area(scores[rows], fake[rows]) for rows in (inside, ~inside)
            )
            distance = float(np.mean([
                total_variation(*(np.bincount(c[inside & side], minlength=size) / n
                                  for side, n in zip((fake, ~fake), counts, strict=True)))
                for c, size in cells
            ])) if cells else float("nan")  # fmt: skip
            found.append(
                _Group(
                    partition.by, partition.names[place], *counts, own, error, others,
                    own - others, float(np.hypot(error, their_error)), distance,
                )
            )  # fmt: skip
    return _Side(area, found)


def _area(scores: Array, fake: Array) -> tuple[float, float]:
    """Return the area under the ROC curve and its standard error."""
    area, pulls = influence(scores, fake)
    wins, losses = int(fake.sum()), int((~fake).sum())
    # the least that ranks of so few rows vary when there is nothing to find
    least = float(np.sqrt((wins + losses + 1) / (12 * wins * losses)))
    return area, max(least, float(np.sqrt((pulls**2).mean() / len(pulls))))


def _scores(matrix: Array, fake: Array, categorical: Array, streams: Streams) -> Array:
    """Return the out-of-fold scores of a classifier, higher for what looks synthetic."""
    rng = streams.stream("folds")
    fold = np.empty(len(matrix), dtype=np.int64)
    for side in (fake, ~fake):
        fold[side] = rng.permutation(int(side.sum())) % FOLDS
    scores = np.empty(len(matrix))
    for number in range(FOLDS):
        inside = fold == number
        model = HistGradientBoostingClassifier(
            learning_rate=0.15,
            max_iter=ROUNDS,
            min_samples_leaf=int(np.clip(len(matrix) // 40, 5, 20)),
            categorical_features=categorical,
            early_stopping=False,
            random_state=int(streams.stream("model", number).integers(2**31)),
        )
        scores[inside] = fit(model, matrix[~inside], fake[~inside]).decision_function(matrix[inside])
    return scores


def _cells(frames: Sequence[pl.DataFrame], columns: Sequence[Column]) -> list[tuple[Array, int]]:
    """Sort both frames into cells of the real one, column by column."""
    found = []
    for column in columns:
        if column.kind != "text":
            cells = Cells.fit(frames[1][column.name], column, MOST_CELLS)
            found.append((np.concatenate([cells.codes(frame[column.name]) for frame in frames]), cells.size))
    return found


def _detail(sides: list[_Side]) -> pl.DataFrame:
    real = {(g.by, g.group): g for g in sides[1].groups} if len(sides) > 1 else {}
    rows: list[dict[str, Any]] = []
    for group in sides[0].groups:
        beside = real.get((group.by, group.group))
        rows.append({
            "by": group.by,
            "group": group.group,
            "synthetic_rows": group.fake,
            "real_rows": group.real,
            "auc": group.area,
            "low": max(0.0, group.area - 1.96 * group.own_error),
            "high": min(1.0, group.area + 1.96 * group.own_error),
            "others": group.others,
            "baseline": None if beside is None else beside.area,
            "distance": group.distance,
            "distance_baseline": None if beside is None else beside.distance,
        })  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"baseline": pl.Float64, "distance_baseline": pl.Float64})
