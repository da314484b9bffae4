"""Models held against rows that they never saw: can their rows be told apart, do they serve, how near do they come?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from simulacra.domain import Array, Block
from simulacra.models.table._neighbours import Space
from simulacra.randomness import Streams

MOST_ROWS = 10_000
"""Rows of each side that are looked at."""
_LEVELS = 200
"""Levels of a category that a classifier takes as such; the others of a larger one count as one."""
_SETTINGS = {"max_iter": 60, "learning_rate": 0.15, "max_leaf_nodes": 15, "min_samples_leaf": 20}


@dataclass(frozen=True)
class Judge:
    """What is measured of a model's rows.

    Parameters
    ----------
    learnt : Block
        Rows that the model learnt from.
    unseen : Block
        Rows that it did not.
    target : int or None
        The axis that people will predict.
    rng : Streams
        Where randomness comes from.
    """

    learnt: Block
    unseen: Block
    target: int | None
    rng: Streams

    @property
    def chance(self) -> float:
        """The standard error of an AUC of .5 with as many rows on each side as are unseen (Mann and Whitney 1947)."""
        rows = min(len(self.unseen), MOST_ROWS)
        return float(np.sqrt((2 * rows + 1) / (12 * rows * rows)))

    def tell_apart(self, fake: Block) -> float:
        """Return the AUC with which boosted trees tell a model's rows from unseen ones.

        Half of the rows teach the trees, the other half is told apart, by turns (Lopez-Paz and Oquab 2017, "Revisiting
        classifier two-sample tests").
        """
        rows = min(len(fake), len(self.unseen), MOST_ROWS)
        sides = [
            _matrix(_some(block, rows, self.rng.at("apart", name)))
            for name, block in (("unseen", self.unseen), ("fake", fake))
        ]
        matrix, kinds = np.concatenate([side[0] for side in sides]), sides[0][1]
        answers = np.repeat([0, 1], rows)
        half = np.tile(np.arange(rows) % 2, 2)
        found = np.zeros(2 * rows)
        for part in (0, 1):
            own = half == part
            with threadpool_limits(1):
                model = _fit(_classifier(kinds, self.rng), matrix[~own], answers[~own])
                found[own] = model.predict_proba(matrix[own])[:, 1]
        return float(np.mean([area(found[half == p], answers[half == p]) for p in (0, 1)]))

    def serve(self, rows: Block) -> float:
        """Return how well a model that learnt from rows predicts unseen ones: AUC (their mean over levels), or R2."""
        assert self.target is not None
        fewer = _some(rows, 2 * MOST_ROWS, self.rng.at("serve"))
        matrix, kinds = _matrix(fewer, self.target)
        unseen, _ = _matrix(self.unseen, self.target)
        wanted, truth = (block.columns[self.target] for block in (fewer, self.unseen))
        if self.unseen.domain.axes[self.target].size is None:
            known, told = ~np.isnan(wanted), ~np.isnan(truth)
            if known.sum() < 2 or told.sum() < 2:
                return float("nan")
            fitted = HistGradientBoostingRegressor(categorical_features=kinds, random_state=0, **_SETTINGS)
            with threadpool_limits(1):
                made = _fit(fitted, matrix[known], wanted[known]).predict(unseen[told])
            spread = float(((truth[told] - truth[told].mean()) ** 2).sum())
            return 1 - float(((truth[told] - made) ** 2).sum()) / spread if spread else float("nan")
        if len(np.unique(wanted)) < 2:
            return 0.5
        fitted = _classifier(kinds, self.rng)
        with threadpool_limits(1):
            chances = _fit(fitted, matrix, wanted).predict_proba(unseen)
        areas = [
            area(chances[:, place], truth == level)
            for place, level in enumerate(fitted.classes_)
            if 0 < (truth == level).sum() < len(truth)
        ]
        return float(np.mean(areas)) if areas else float("nan")

    def come_near(self, fake: Block) -> float:
        """Return how much more often a model's rows lie nearer to learnt rows than to as many unseen ones: 0 to 1."""
        rows = min(len(self.learnt), len(self.unseen), MOST_ROWS)
        if not len(self.learnt.domain):
            return 0.0
        space = Space.fit(_some(self.learnt, rows, self.rng.at("space")), self.rng.stream("space"))
        trees = [
            cKDTree(space.points(_some(block, rows, self.rng.at("near", name))))
            for name, block in (("learnt", self.learnt), ("unseen", self.unseen))
        ]
        points = space.points(_some(fake, rows, self.rng.at("near", "fake")))
        learnt, unseen = (tree.query(points)[0] for tree in trees)
        share = float((learnt < unseen).mean() + (learnt == unseen).mean() / 2)
        return max(2 * share - 1, 0.0)


def area(scores: Array, answers: Array) -> float:
    """Return the area under the ROC curve.

    Examples
    --------
    >>> area(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]))
    0.75
    """
    yes = np.asarray(answers, bool)
    places = rankdata(scores)[yes].sum()
    return float((places - yes.sum() * (yes.sum() + 1) / 2) / (yes.sum() * (~yes).sum()))


def _fit(model: Any, matrix: Array, answers: Array) -> Any:
    """Fit, taking a column without any value for a constant: scikit-learn refuses it otherwise."""
    blank = np.isnan(matrix).all(axis=0)
    return model.fit(np.where(blank, 0.0, matrix) if blank.any() else matrix, answers)


def _classifier(kinds: Array, rng: Streams) -> HistGradientBoostingClassifier:
    seed = int(rng.stream("classifier").integers(2**31))
    return HistGradientBoostingClassifier(categorical_features=kinds, random_state=seed, **_SETTINGS)


def _some(block: Block, rows: int, rng: Streams) -> Block:
    """Return at most so many rows, any of them; by weight where rows have weights."""
    if block.weights is not None:
        weights = block.weights / block.weights.sum()
        return block.take(rng.stream("rows").choice(len(block), min(rows, len(block)), p=weights))
    if len(block) <= rows:
        return block
    return block.take(np.sort(rng.stream("rows").permutation(len(block))[:rows]))


def _matrix(block: Block, without: int | None = None) -> tuple[Array, Array]:
    """Return the rows as numbers for a classifier, and which columns are categories."""
    columns, kinds = [], []
    for place, (axis, values) in enumerate(zip(block.domain.axes, block.columns)):
        if place == without:
            continue
        nominal = axis.size is not None and not axis.ordered
        codes = values.astype(np.float32)
        columns.append(np.minimum(codes, _LEVELS) if nominal else codes)
        kinds.append(nominal)
    if not columns:
        return np.zeros((len(block), 1), np.float32), np.array([False])
    return np.stack(columns, axis=1), np.array(kinds)
