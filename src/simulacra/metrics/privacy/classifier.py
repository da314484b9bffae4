"""Whether a classifier that knows what synthetic rows look like recognises training rows: an attack by trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from simulacra.domain import Array
from simulacra.metric import Comparison, Metric, Score
from simulacra.metrics._attack import LIMITS, Trial, gather, report_attack
from simulacra.metrics._boosting import fit
from simulacra.metrics._case import draw, not_computed, sampled_note
from simulacra.metrics._features import extract
from simulacra.randomness import Streams

NAME = "privacy/classifier"
MOST_ROWS = 20_000
ROUNDS = 100
LEAVES = 255
LEAF_ROWS = 2
RATE = 0.2


class Classifier(Metric):
    """A membership attack by a classifier: members caught at 1 % false alarms (0.01 is guessing).

    Boosted trees learn to tell synthetic rows from real rows that are no candidates, and are let to learn them
    nearly by heart. Then they say of each candidate how synthetic it looks. Where the generator has kept something
    of a training row, rows like it stand among the synthetic ones, and the training row looks more synthetic than
    an unseen row does. The trees find by themselves which columns matter, which distances do not.
    Numbers are moved to the nearest value that other real rows have, so that a wrong number of decimals does not give
    the synthetic rows away before the trees have learnt anything of persons.

    Candidates, other real rows and the three scores (``privacy/classifier``, ``/isolated``, ``/auc``) are those of
    `privacy/membership`. Real rows get 0.01, 0.01 and 0.5.

    Notes
    -----
    **Verdict**, **Interval** and **Privacy** as `privacy/membership`.

    **Detail** for all candidates and the most isolated: the number of members, TPR at 0.1, 1 and 10 % FPR, and the AUC.

    **Cost** linear in rows (at most 20,000 synthetic and 20,000 other real rows, said in the words) and in columns.

    **Source** van Breugel et al. 2023, "Membership inference attacks against synthetic data through overfitting
    detection", section 3 (a ratio of densities, here by a classifier between synthetic and reference rows); Sugiyama
    et al. 2012, "Density ratio estimation in machine learning", chapter 4 (why a classifier gives that ratio).

    Examples
    --------
    >>> import polars as pl
    >>> from simulacra.schema.types import Column, Table
    >>> rng = np.random.default_rng(0)
    >>> train, holdout = (pl.DataFrame({c: rng.normal(size=500) for c in "abc"}) for _ in range(2))
    >>> table = Table("t", tuple(Column(c, "number") for c in "abc"))
    >>> Classifier().score(Comparison(table, train, train, holdout))[0].verdict
    'fail'
    """

    family: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Members named by a classifier (share, at 1 % false alarms)"
    limits: ClassVar[tuple[float, float]] = LIMITS

    def score(self, case: Comparison) -> Sequence[Score]:
        """Answer the question; see the class."""
        trial = gather(case)
        if isinstance(trial, str):
            return not_computed(self, NAME, trial)
        scores = _suspect(trial, case.streams.at(NAME))
        found = report_attack(self, NAME, "a classifier", scores, trial, case.train)
        rows = max(trial.synthetic.height, trial.others.height)
        return [
            replace(found[0], words=found[0].words + sampled_note(MOST_ROWS, rows, MOST_ROWS)),
            *found[1:],
        ]


def _suspect(trial: Trial, streams: Streams) -> Array:
    """Learn synthetic against other real rows, and return how synthetic each candidate looks."""
    fakes = draw(trial.synthetic, MOST_ROWS, streams.stream("synthetic"))
    others = draw(trial.others, MOST_ROWS, streams.stream("others"))
    features = extract([fakes, others, trial.members, trial.strangers], trial.columns)
    matrices = _snap(features.matrices, features.matrices[1], features.categorical)
    matrix = np.vstack(matrices[:2])
    answers = np.repeat([True, False], [fakes.height, others.height])
    model = HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAF_ROWS,
        learning_rate=RATE,
        early_stopping=False,
        categorical_features=features.categorical,
        random_state=int(streams.stream("trees").integers(2**31)),
    )
    with threadpool_limits(1, user_api="openmp"):
        fit(model, matrix, answers)
        return np.asarray(model.decision_function(np.vstack(matrices[2:])))


def _snap(matrices: Sequence[Array], real: Array, categorical: Array) -> list[Array]:
    """Move every number to the nearest one that real rows have."""
    snapped = [matrix.copy() for matrix in matrices]
    for j in np.flatnonzero(~categorical):
        grid = np.unique(real[:, j][~np.isnan(real[:, j])])
        if not len(grid):
            continue
        middles = grid[1:] / 2 + grid[:-1] / 2
        for matrix in snapped:
            known = ~np.isnan(matrix[:, j])
            matrix[known, j] = grid[np.searchsorted(middles, matrix[known, j])]
    return snapped
