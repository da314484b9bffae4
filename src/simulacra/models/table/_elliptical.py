"""Elliptical copulas, Gaussian and Student t: their correlations, their degrees of freedom, and their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simulacra.domain import Array
from simulacra.models.table._laws import Law, Normal, Student
from simulacra.models.table._scores import TERMS, Margin
from simulacra.randomness import Streams

_STEPS = 30
_HIGHEST = 0.999
_LEAST_EIGENVALUE = 1e-6
_PAIR_BLOCK = 64
_PROFILE_ROWS = 800
_PARTICLES = 10
_LEAST_DF, _MOST_DF = 2.5, 100.0
_EVALUATIONS = 9
_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Elliptical:
    """Scores that are jointly normal, or jointly t.

    Parameters
    ----------
    root : array, shape (axes, axes)
        Cholesky root of the correlations, in the order of drawing.
    df : float or None
        Degrees of freedom; None for the normal.
    order : tuple of int
        The places of the axes in the order in which they are drawn; as they stand when empty.

    Notes
    -----
    Scores are drawn one after the other. Given k others, a score of a t with `df` degrees of freedom is t with df + k,
    around the mean that it would have were all normal, and wider by the root of (df + D) / (df + k): D is the squared
    Mahalanobis distance of the k from their centre, the sum of squares of what was new in each.

    **Source.** Demarta and McNeil 2005, "The t copula and related copulas", section 2; Ding 2016, "On the conditional
    distribution of the multivariate t distribution", section 2.
    """

    root: Array
    df: float | None = None
    order: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.order:
            object.__setattr__(self, "order", tuple(range(len(self.root))))

    @classmethod
    def of(cls, correlation: Array, df: float | None = None, order: Sequence[int] = ()) -> Self:
        """Make the joint distribution that has such correlations, drawn in such an order."""
        own = np.array(order, np.int64) if len(order) else np.arange(len(correlation))
        return cls(np.linalg.cholesky(correlation[np.ix_(own, own)]), df, tuple(own.tolist()))

    def law(self, past: Mapping[int, Array], place: int, rows: int) -> Law:
        """Return what the next score is drawn from, given what was new in those before."""
        at = self.order.index(place)
        before = [past[other] for other in self.order[:at]]
        # Row by row of the root, so that the bytes do not depend on how a matrix product is threaded.
        mean = np.zeros(rows)
        for weight, new in zip(self.root[at], before):
            mean += weight * new
        sd = float(self.root[at, at])
        if self.df is None:
            return Normal(mean, sd)
        distance = np.zeros(rows)
        for new in before:
            distance += new**2
        df = self.df + at
        return Student(mean, sd * np.sqrt((self.df + distance) / df), sd, df, self.df)

    def put(self, past: dict[int, Array], place: int, told: Array) -> None:
        """Remember what was drawn."""
        past[place] = told

    def say(self) -> str:
        """Say in a sentence how scores hang together."""
        told = "normal" if self.df is None else f"Student t with {self.df:.3g} degrees of freedom"
        return f"Correlations of the scores behind the columns, which are jointly {told}."

    def list_pairs(self) -> list[dict[str, Any]]:
        """Return nothing: there are no copulas of pairs."""
        return []

    def dump(self) -> dict[str, Any]:
        """Return the state."""
        return {"root": self.root, "df": self.df, "order": list(self.order)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """Make the joint distribution from what `dump` gave."""
        return cls(state["root"], state["df"], tuple(state["order"]))


def correlate(margins: Sequence[Margin], codes: Sequence[Array], weights: Array) -> Array:
    """Find the correlations of the normals behind columns.

    Parameters
    ----------
    margins : sequence of Margin
        The columns.
    codes : sequence of array, shape (rows,)
        Their codes.
    weights : array, shape (rows,)
        Weights of the rows, of sum 1.

    Returns
    -------
    array, shape (axes, axes)
        A positive definite matrix of correlations.

    Notes
    -----
    The correlation of a pair is the one under which the cut normals have the covariance of scores seen in the data (a
    score is the mean of the normal within its code's interval), by Mehler's expansion in Hermite polynomials. Negative
    eigenvalues of the matrix of all pairs are clipped and its diagonal is put back to 1.

    **Cost.** One matrix product over the rows.

    **Source.** Mehler's expansion as in Olsson 1979, "Maximum likelihood estimation of the polychoric correlation
    coefficient"; clipping after Rebonato and Jäckel 1999, "The most general methodology to create a valid correlation
    matrix".
    """
    scores = np.empty((len(margins), len(weights)))
    terms = np.empty((len(margins), TERMS))
    for place, (margin, own) in enumerate(zip(margins, codes)):
        score, terms[place] = margin.expand()
        scores[place] = score[own]
    return _nearest_correlation(_latent((scores * weights) @ scores.T, terms))


def profile_df(
    correlation: Array, margins: Sequence[Margin], codes: Sequence[Array], weights: Array, rng: Streams
) -> float:
    """Find the degrees of freedom of a t copula under which the codes of rows are the likeliest.

    Parameters
    ----------
    correlation : array, shape (axes, axes)
        The correlations, which are held fixed.
    margins : sequence of Margin
        The columns.
    codes : sequence of array, shape (rows,)
        Their codes.
    weights : array, shape (rows,)
        Weights of the rows, of sum 1.
    rng : Streams
        Where randomness comes from.

    Returns
    -------
    float
        From 2.5 to 100, where a t copula can not be told from a normal one.

    Notes
    -----
    The chance of a row's codes is the mean, over particles, of the product of the masses of steps; all evaluations
    share their random numbers, so that the likelihood is smooth. The best of it is found by golden sections of the
    logarithm.

    **Cost.** Nine times 800 rows times 10 particles, whatever the number of rows.

    **Source.** Hajivassiliou and Ruud 1994, "Classical estimation methods for LDV models using simulation", section 3;
    profile likelihood after Demarta and McNeil 2005, section 4.2.
    """
    chosen = pick_rows(weights, _PROFILE_ROWS, rng.stream("profile"))
    root = np.linalg.cholesky(correlation)
    shown = [np.repeat(own[chosen], _PARTICLES) for own in codes]
    uniform = rng.stream("particles").random((len(codes), len(shown[0]) if shown else 0))
    everyone = np.ones(uniform.shape[1], bool)

    def worth(log_df: float) -> float:
        joint, total = Elliptical(root, float(np.exp(log_df))), np.zeros(uniform.shape[1])
        past: dict[int, Array] = {}
        for place, margin in enumerate(margins):
            law = joint.law(past, place, uniform.shape[1])
            told, log = law.draw_given(margin, shown[place], everyone, uniform[place])
            joint.put(past, place, told)
            total += log
        by_row = total.reshape(-1, _PARTICLES)
        top = by_row.max(1)
        return float((top + np.log(np.exp(by_row - top[:, None]).mean(1))).sum())

    low, high = np.log(_LEAST_DF), np.log(_MOST_DF)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = worth(left), worth(right)
    for _ in range(_EVALUATIONS - 2):
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = worth(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = worth(right)
    return float(np.exp(left if at_left >= at_right else right))


def pick_rows(weights: Array, most: int, rng: np.random.Generator) -> Array:
    """Pick at most so many rows, in proportion to their weights: all of them where they are few and alike."""
    if len(weights) <= most and np.ptp(weights) == 0:
        return np.arange(len(weights))
    count = min(len(weights), most)
    places = (np.arange(count) + rng.random()) / count
    shuffled = rng.permutation(len(weights))
    ends = np.cumsum(weights[shuffled])
    return shuffled[np.minimum(np.searchsorted(ends, places * ends[-1], side="right"), len(weights) - 1)]


def _latent(covariance: Array, terms: Array) -> Array:
    """Find, for every pair, the correlation of normals that gives the covariance of scores."""
    size = len(covariance)
    result = np.eye(size)
    powers = np.arange(1, TERMS + 1)
    for i in range(size):
        for first in range(0, i, _PAIR_BLOCK):
            others = slice(first, min(first + _PAIR_BLOCK, i))
            weight = terms[i] * terms[others]
            low = np.full(len(weight), -_HIGHEST)
            high = -low
            for _ in range(_STEPS):
                middle = (low + high) / 2
                below = (weight * middle[:, None] ** powers).sum(1) < covariance[i, others]
                low, high = np.where(below, middle, low), np.where(below, high, middle)
            flat = np.abs(weight).sum(1) < 1e-12
            result[i, others] = result[others, i] = np.where(flat, 0.0, (low + high) / 2)
    return result


def _nearest_correlation(matrix: Array) -> Array:
    if not len(matrix):
        return matrix
    values, vectors = np.linalg.eigh(matrix)
    clipped = (vectors * np.maximum(values, _LEAST_EIGENVALUE)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(clipped))
    return clipped * scale[:, None] * scale
