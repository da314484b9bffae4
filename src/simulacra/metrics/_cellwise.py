"""What a test sees that looks at one or two columns only: likelihood ratios over cells, out of fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array

SINGLE_CELLS = 64
PAIR_CELLS = 12


@dataclass(frozen=True)
class Gain:
    """What two columns give away together.

    Parameters
    ----------
    together : float
        AUC of the likelihood ratio over their joint cells.
    apart : float
        The better of: each alone, and both added up as if they were independent.
    error : float
        Standard error of the difference.
    """

    together: float
    apart: float
    error: float

    @property
    def value(self) -> float:
        """What only looking at both at once gives."""
        return self.together - self.apart


def cut(values: Array, cells: int) -> tuple[Array, int]:
    """Sort numbers (or codes, the commonest first) into at most so many quantile cells, missing apart."""
    known = values[~np.isnan(values)]
    edges = known
    if len(known):
        edges = np.unique(np.quantile(known, np.linspace(0, 1, cells), method="inverted_cdf"))
    return np.where(np.isnan(values), len(edges), np.searchsorted(edges[:-1], values, side="left")), len(
        edges
    ) + 1


def alone(codes: Array, size: int, fake: Array, fold: Array, folds: int) -> float:
    """Return the out-of-fold AUC of the likelihood ratio over cells of one column."""
    counts = _count(codes, size, fake, fold, folds)
    return _ratio_area(_ratio(counts), counts)[0]


def together(
    codes: tuple[Array, Array], sizes: tuple[int, int], fake: Array, fold: Array, folds: int
) -> Gain:
    """Return what two columns give away together beyond what they give away apart."""
    shape = (folds, 2, *sizes)
    joint = _count(codes[0] * sizes[1] + codes[1], sizes[0] * sizes[1], fake, fold, folds).reshape(shape)
    pair = _ratio(joint)
    first = np.broadcast_to(_ratio(joint.sum(axis=3))[:, :, None], pair.shape)
    second = np.broadcast_to(_ratio(joint.sum(axis=2))[:, None, :], pair.shape)
    best, placed = _ratio_area(pair, joint)
    value, other = max(
        (_ratio_area(score, joint) for score in (first, second, first + second)), key=lambda found: found[0]
    )
    wins, losses = joint[:, 1].ravel(), joint[:, 0].ravel()
    variance = sum(
        _variance(ours - theirs, counts)
        for ours, theirs, counts in zip(placed, other, (wins, losses), strict=True)
    )
    return Gain(best, value, float(np.sqrt(variance)))


def _count(codes: Array, size: int, fake: Array, fold: Array, folds: int) -> Array:
    return np.bincount((fold * 2 + fake) * size + codes, minlength=folds * 2 * size).reshape(folds, 2, size)


def _ratio(counts: Array) -> Array:
    """Return the log ratio of the counts of the other folds, half a row added to each."""
    others = counts.sum(axis=0) - counts + 0.5
    return np.log(others[:, 1] / others[:, 0])


def _ratio_area(scores: Array, counts: Array) -> tuple[float, tuple[Array, Array]]:
    """Return the AUC of scores given per cell, and the placement of each cell's synthetic and of its real rows."""
    wins, losses = counts[:, 1].ravel(), counts[:, 0].ravel()
    _, place = np.unique(scores.ravel(), return_inverse=True)
    ours, theirs = np.bincount(place, wins), np.bincount(place, losses)
    below = (np.cumsum(theirs) - theirs + 0.5 * theirs) / theirs.sum()
    above = (np.cumsum(ours[::-1])[::-1] - 0.5 * ours) / ours.sum()
    return float((below * ours).sum() / ours.sum()), (below[place], above[place])


def _variance(values: Array, counts: Array) -> float:
    total = counts.sum()
    mean = (values * counts).sum() / total
    return float((counts * (values - mean) ** 2).sum() / total / total)
