"""Gaussian copula: the shape of each column, and one correlation for each pair of columns.

Each column becomes a cut standard normal; the correlations of these normals are estimated, and rows are
drawn from the joint normal and turned back. It learns monotone relations between pairs. It can not learn
curved relations, mixtures, or rules between columns; the levels of an unordered category are put in order
of frequency, so of its relations only those along that order are kept. Fitting is linear in rows and
quadratic in columns.

Source: Nelsen 2006, "An introduction to copulas", section 2.3; Patki, Wedge and Veeramachaneni 2016, "The
Synthetic Data Vault", section III.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import ndtri

from simulacra.domain import Array, Block, Domain
from simulacra.errors import NotFitted, OptionError
from simulacra.generator import Generator, Progress, silent
from simulacra.models.table._views import View
from simulacra.randomness import Streams

_TERMS = 48
_STEPS = 30
_HIGHEST = 0.999
_LEAST_EIGENVALUE = 1e-6
_PAIR_BLOCK = 64


@dataclass(kw_only=True)
class Copula(Generator):
    """Gaussian copula on empirical margins.

    Parameters
    ----------
    max_codes : int
        Bins of a real axis at most.

    Notes
    -----
    The correlation of a pair is the one under which the cut normals have the covariance of scores seen in
    the data (a score is the mean of the normal within its code's interval); it is found from Mehler's
    expansion in Hermite polynomials. Negative eigenvalues of the matrix of all pairs are clipped and its
    diagonal is put back to 1.

    **Cost.** One sort per column and one matrix product over the rows.

    **Privacy.** The state holds a histogram per column and a matrix of correlations. There is no formal
    guarantee.

    **Source.** Nelsen 2006, section 2.3; Patki et al. 2016, section III; Mehler's expansion as in Olsson
    1979, "Maximum likelihood estimation of the polychoric correlation coefficient"; clipping after Rebonato
    and Jäckel 1999, "The most general methodology to create a valid correlation matrix".

    Examples
    --------
    >>> from simulacra.domain import Axis
    >>> x = np.linspace(-1, 1, 500)
    >>> block = Block(Domain((Axis("x", "x"), Axis("y", "y"))), (x, x**3))
    >>> fake = Copula().fit(block, rng=Streams(1)).sample(500, rng=Streams(2))
    >>> bool(np.corrcoef(fake.columns)[0, 1] > 0.8)
    True
    """

    max_codes: int = 4096

    def __post_init__(self) -> None:
        if not isinstance(self.max_codes, int) or self.max_codes < 2:
            raise OptionError(f"model 'copula': max_codes is a whole number from 2, not {self.max_codes!r}.")

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        self.domain_ = block.domain
        self.context_: Domain | None = context.domain if context is not None else None
        axes = (*(context.domain.axes if context is not None else ()), *block.domain.axes)
        columns = (*(context.columns if context is not None else ()), *block.columns)
        weights = np.ones(len(block)) if block.weights is None else block.weights.astype(np.float64)
        weights = weights / weights.sum()
        self.margins_ = []
        scores = np.empty((len(axes), len(block)))
        terms = np.empty((len(axes), _TERMS))
        for place, (axis, values) in enumerate(zip(axes, columns)):
            view = View.fit(axis, values, max_codes=self.max_codes)
            codes = view.encode(values)
            margin = Margin.fit(view, np.bincount(codes, weights, minlength=view.size))
            score, terms[place] = margin.expand()
            scores[place] = score[codes]
            self.margins_.append(margin)
            progress((place + 1) / (len(axes) + 1), f"column {place + 1} of {len(axes)}")
        self.root_ = np.linalg.cholesky(_nearest_correlation(_latent((scores * weights) @ scores.T, terms)))
        progress(1.0, "correlations found")
        return self

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        if not hasattr(self, "root_"):
            raise NotFitted("this 'copula' model has learnt nothing yet. Call fit first.")
        first = len(self.context_) if self.context_ is not None else 0
        white = np.empty((len(self.margins_), n))
        if self.context_ is not None:
            if context is None or context.domain != self.context_ or len(context) != n:
                raise OptionError(
                    f"this model was fitted with a context of {first} axes: "
                    f"sample needs a context of the same axes with {n:,} rows."
                )
            given = np.empty((first, n))
            for place, (margin, values) in enumerate(zip(self.margins_, context.columns)):
                given[place] = margin.latent(values, rng.stream("context", margin.view.axis.name))
            white[:first] = np.linalg.solve(self.root_[:first, :first], given)
        for place, margin in enumerate(self.margins_[first:], first):
            white[place] = rng.stream("normal", margin.view.axis.name).standard_normal(n)
        columns = []
        for place, margin in enumerate(self.margins_[first:], first):
            # Row by row of the root, so that the bytes do not depend on how a matrix product is threaded.
            normal = np.zeros(n)
            for other in range(place + 1):
                normal += self.root_[place, other] * white[other]
            columns.append(margin.values(normal, rng.stream("value", margin.view.axis.name)))
        return Block(self.domain_, tuple(columns), rows=n)

    def importances(self) -> Array:
        """Return what each axis explains of each; see `Explained.importances`.

        What the best single axis explains of its normal (a squared correlation), shared out by squared correlations.
        """
        if not hasattr(self, "root_"):
            raise NotFitted("this 'copula' model has learnt nothing yet. Call fit first.")
        if not len(self.root_):
            return np.empty((0, 0))
        correlation = self.root_ @ self.root_.T
        squares = np.minimum(correlation**2, 1.0)
        np.fill_diagonal(squares, 0.0)
        found = squares * (squares.max(1) / np.maximum(squares.sum(1), 1e-12))[:, None]
        return np.asarray(found[-len(self.domain_) :] if len(self.domain_) else found[:0])

    def describe(self, axis: int) -> str:
        """Say how an axis is drawn; see `Explained.describe`."""
        return "from its own distribution and its correlations with all others"

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        return {
            "domain": self.domain_.dump(),
            "context": None if self.context_ is None else self.context_.dump(),
            "margins": [{"view": m.view.dump(), "order": m.order, "share": m.share} for m in self.margins_],
            "root": self.root_,
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self.domain_ = Domain.restore(state["domain"])
        self.context_ = None if state["context"] is None else Domain.restore(state["context"])
        self.margins_ = [Margin(View.restore(m["view"]), m["order"], m["share"]) for m in state["margins"]]
        self.root_ = state["root"]
        return self


@dataclass(frozen=True, slots=True)
class Margin:
    """One column as a cut standard normal.

    Parameters
    ----------
    view : View
        Its codes.
    order : array
        The codes in the order in which they lie on the normal.
    share : array
        The probability of each code, in that order.
    """

    view: View
    order: Array
    share: Array

    @classmethod
    def fit(cls, view: View, share: Array) -> Self:
        """Order the codes: unordered ones by frequency, the others as they are."""
        nominal = view.axis.size is not None and not view.axis.ordered
        order = np.argsort(-share, kind="stable") if nominal else np.arange(len(share))
        return cls(view, order, share[order] / share.sum())

    def expand(self) -> tuple[Array, Array]:
        """Return the score of every code, and the Hermite coefficients of the score."""
        edges = self._edges()
        density = np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi)
        seen = self.share > 0
        score = np.zeros(len(self.share))
        score[seen] = -np.diff(density)[seen] / self.share[seen]
        finite = np.where(np.isfinite(edges), edges, 0.0)
        terms = np.empty(_TERMS)
        before, here = np.zeros(len(edges)), np.ones(len(edges))
        for k in range(_TERMS):
            # He_k times the density integrates to minus He_(k-1) times the density.
            terms[k] = (-np.diff(here * density) * score).sum() / np.sqrt(k + 1)
            before, here = here, (finite * here - np.sqrt(k) * before) / np.sqrt(k + 1)
        by_code = np.empty(len(score))
        by_code[self.order] = score
        return by_code, terms

    def latent(self, values: Array, rng: np.random.Generator) -> Array:
        """Draw normals inside the intervals of given values."""
        place = np.empty(len(self.order), np.int64)
        place[self.order] = np.arange(len(self.order))
        at = place[self.view.encode(values)]
        total = np.concatenate([[0.0], np.cumsum(self.share)])
        level = total[at] + rng.random(len(values)) * self.share[at]
        return ndtri(np.clip(level, 1e-12, 1 - 1e-12))

    def values(self, normal: Array, rng: np.random.Generator) -> Array:
        """Turn normals into values of the column."""
        at = np.searchsorted(self._edges()[1:-1], normal, side="right")
        seen = np.flatnonzero(self.share)
        at = np.clip(at, seen[0], seen[-1])
        return self.view.decode(self.order[at], rng)

    def _edges(self) -> Array:
        total = np.cumsum(self.share)[:-1]
        return np.concatenate([[-np.inf], ndtri(np.clip(total, 0.0, 1.0)), [np.inf]])


def _latent(covariance: Array, terms: Array) -> Array:
    """Find, for every pair, the correlation of normals that gives the covariance of scores."""
    size = len(covariance)
    result = np.eye(size)
    powers = np.arange(1, _TERMS + 1)
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
