"""Kernels of a product kernel density, and their bandwidths by likelihood cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from simulacra.domain import Array
from simulacra.models.table._parted import Parted
from simulacra.randomness import Streams

JUDGED, BESIDE = 400, 4_000
"""Rows that are left out in turn, and rows whose kernels stand beside each of them."""
_STEPS = 16
_WIDTHS = np.geomspace(0.01, 1.0, 200)
"""Bandwidths of numbers that are tried, in standard deviations."""
_LEAST_CHANCE = 1e-4
_STRIDE = 1.8
"""How far to go towards the target of a step and beyond; below 2 steps still come to rest."""
_FAINT = 1e-7
"""A kernel of less weight than that is left out of sums."""


@dataclass(frozen=True)
class Kernels:
    """The kernel of each axis.

    Parameters
    ----------
    chance : array, shape (axes,)
        The chance that a class is drawn anew, from the margin: 0 keeps it, 1 smooths the axis out.
    width : array, shape (axes,)
        Bandwidth of the body: a score z becomes normal with mean ``sqrt(1 - width**2) z`` and this standard deviation.
    """

    chance: Array
    width: Array

    def stretched(self, target: Kernels) -> Kernels:
        """Go beyond a step's target: what is smoothed out would take very many steps else."""
        chance = self.chance * (target.chance / self.chance) ** _STRIDE
        width = self.width * (target.width / self.width) ** _STRIDE
        return Kernels(np.clip(chance, _LEAST_CHANCE, 1.0), np.clip(width, _WIDTHS[0], 1.0))

    def scaled(self, factor: float) -> Kernels:
        """Return wider or narrower kernels."""
        return Kernels(np.minimum(self.chance * factor, 1.0), np.minimum(self.width * factor, 1.0))


@dataclass(frozen=True)
class Places:
    """Where rows lie: the class and the score of each axis.

    Parameters
    ----------
    classes : array of int32, shape (rows, axes)
        0 for the body.
    scores : array of float32, shape (rows, axes)
        The score within the body.
    weights : array, shape (rows,)
        The rows' weights.
    """

    classes: Array
    scores: Array
    weights: Array

    @classmethod
    def of(cls, parted: Sequence[Parted], codes: Sequence[Array], weights: Array, rng: Streams) -> Places:
        """Place rows; a score is drawn inside the interval of its code."""
        classes = np.zeros((len(weights), len(parted)), np.int32)
        scores = np.zeros((len(weights), len(parted)), np.float32)
        for axis, (own, code) in enumerate(zip(parted, codes)):
            classes[:, axis] = own.classes[code]
            inside = classes[:, axis] == 0
            scores[inside, axis] = own.spread(code[inside], rng.stream("score", axis).random(inside.sum()))
        return cls(classes, scores, weights)

    def take(self, index: Array) -> Places:
        """Return some of the rows."""
        return Places(self.classes[index], self.scores[index], self.weights[index])


def find_kernels(places: Places, margins: Sequence[Array], rng: Streams) -> Kernels:
    """Find the kernels under which left-out rows are likeliest.

    Parameters
    ----------
    places : Places
        The rows.
    margins : sequence of array
        The chance of each class of each axis.
    rng : Streams
        Where randomness comes from.

    Returns
    -------
    Kernels
        One of each axis.

    Notes
    -----
    The likelihood of each of some rows under the kernels of others rises with every step of expectation and
    maximisation, in which each of these is a component. An axis that says nothing of the others is smoothed out by
    itself. Bandwidths of a sample are made narrower for all rows by the rates at which the best ones fall.

    **Cost.** Some million pairs of rows, whatever the number of rows.

    **Source.** Li and Racine 2003, "Nonparametric estimation of distributions with categorical and continuous data",
    section 2; the steps after Leiva-Murillo and Artés-Rodríguez 2012, "Algorithms for maximum-likelihood bandwidth
    selection in kernel density estimators".
    """
    axes, many = places.classes.shape[1], len(places.weights)
    kernels = Kernels(np.full(axes, 0.2), np.full(axes, 0.3))
    if many < 3 or not axes:
        return kernels
    order = rng.stream("judged").permutation(many)
    beside, judged = places.take(order[:BESIDE]), min(JUDGED, many)
    for _ in range(_STEPS):
        kernels = _improve(beside, judged, margins, kernels)
    # numbers that are told apart at all count as dimensions
    dimensions = int(((places.classes == 0).mean(0) > 0.1).sum())
    rate = 1 / (4 + min(dimensions, 8))
    finer = (len(beside.weights) / many) ** rate
    chance = np.where(kernels.chance > 0.99, 1.0, kernels.chance * finer**2)
    width = np.where(kernels.width > 0.99, 1.0, kernels.width * finer)
    return Kernels(np.maximum(chance, _LEAST_CHANCE), width)


def weigh_kernels(
    places: Places, classes: Array, scores: Array, margins: Sequence[Array], kernels: Kernels
) -> Array:
    """Return how likely rows, known in the first axes, are of each kernel; shape (rows, kernels), rows sum to 1."""
    axes = classes.shape[1]
    same, other, slope, narrow = _terms(classes, margins, kernels, axes)
    found = np.empty((len(classes), len(places.weights)))
    _fill_all(
        classes,
        scores,
        places.classes,
        places.scores,
        np.log(np.maximum(places.weights, 1e-30)),
        same,
        other,
        slope,
        narrow,
        found,
    )
    found -= found.max(1, keepdims=True)
    np.exp(found, out=found)
    return np.asarray(found / found.sum(1, keepdims=True))


def _terms(
    classes: Array, margins: Sequence[Array], kernels: Kernels, axes: int
) -> tuple[Array, Array, Array, Array]:
    """Return what kernels of the same class add to a log, what others add, and slopes and variances of scores."""
    margin = (
        np.stack([margins[axis][classes[:, axis]] for axis in range(axes)], 1)
        if axes
        else np.zeros((len(classes), 0))
    )
    chance = kernels.chance[:axes]
    same = np.log(np.maximum(1 - chance + chance * margin, 1e-30))
    other = np.log(np.maximum(chance * margin, 1e-30))
    narrow = kernels.width[:axes] ** 2
    return same, other, np.sqrt(1 - narrow), narrow


def _improve(beside: Places, judged: int, margins: Sequence[Array], kernels: Kernels) -> Kernels:
    axes = beside.classes.shape[1]
    same, other, slope, narrow = _terms(beside.classes[:judged], margins, kernels, axes)
    kept, squares = np.zeros(axes), np.zeros((4, axes))
    weights = beside.weights / beside.weights.mean()
    _gather(
        judged, beside.classes, beside.scores, weights, np.log(np.maximum(weights, 1e-30)),
        same, other, slope, narrow, kept, squares,
    )  # fmt: skip
    total = weights[:judged].sum()
    # `kept` sums how surely a kernel of the same class has kept it, times 1 - chance over its own log
    chance = 1 - kept * (1 - kernels.chance) / total
    pairs, first, both, second = squares
    fit = -pairs * np.log(_WIDTHS[:, None]) - (
        first - 2 * np.sqrt(1 - _WIDTHS[:, None] ** 2) * both + (1 - _WIDTHS[:, None] ** 2) * second
    ) / (2 * _WIDTHS[:, None] ** 2)
    width = np.where(pairs > 0.5, _WIDTHS[np.argmax(fit, axis=0)], 1.0)
    return kernels.stretched(Kernels(np.clip(chance, _LEAST_CHANCE, 1.0), width))


@njit(cache=True, nogil=True)
def _fill(
    own: Array, score: Array, classes: Array, scores: Array, logs: Array,
    same: Array, other: Array, slope: Array, narrow: Array, out: Array,
) -> float:  # fmt: skip
    """Write the log of every kernel at one row, and return the largest."""
    base = 0.0
    axes = len(own)
    gain = np.empty(axes)
    for j in range(axes):
        base += other[j]
        gain[j] = same[j] - other[j]
        if own[j] == 0:
            # in place of the standard normal of a kernel outside the body
            gain[j] += score[j] * score[j] / 2 - 0.5 * np.log(narrow[j])
    top = -np.inf
    for i in range(len(classes)):
        total = base + logs[i]
        for j in range(axes):
            if classes[i, j] == own[j]:
                total += gain[j]
                if own[j] == 0:
                    off = score[j] - slope[j] * scores[i, j]
                    total -= off * off / (2 * narrow[j])
        out[i] = total
        top = max(top, total)
    return top


@njit(cache=True, nogil=True)
def _fill_all(
    own: Array, score: Array, classes: Array, scores: Array, logs: Array,
    same: Array, other: Array, slope: Array, narrow: Array, out: Array,
) -> None:  # fmt: skip
    """Write the log of every kernel at some rows."""
    for i in range(len(own)):
        _fill(own[i], score[i], classes, scores, logs, same[i], other[i], slope, narrow, out[i])


@njit(cache=True, nogil=True)
def _gather(
    judged: int, classes: Array, scores: Array, weights: Array, logs: Array,
    same: Array, other: Array, slope: Array, narrow: Array, kept: Array, squares: Array,
) -> None:  # fmt: skip
    """Sum, over the rows that are judged, what their kernels tell of bandwidths."""
    many, axes = classes.shape
    out = np.empty(many)
    for i in range(judged):
        _fill(classes[i], scores[i], classes, scores, logs, same[i], other[i], slope, narrow, out)
        out[i] = -np.inf
        top = out.max()
        total = 0.0
        for k in range(many):
            out[k] = np.exp(out[k] - top)
            total += out[k]
        for k in range(many):
            part = weights[i] * out[k] / total
            if part < _FAINT:
                continue
            for j in range(axes):
                if classes[k, j] != classes[i, j]:
                    continue
                kept[j] += part * np.exp(-same[i, j])
                if classes[i, j] == 0:
                    squares[0, j] += part
                    squares[1, j] += part * scores[i, j] * scores[i, j]
                    squares[2, j] += part * scores[i, j] * scores[k, j]
                    squares[3, j] += part * scores[k, j] * scores[k, j]
