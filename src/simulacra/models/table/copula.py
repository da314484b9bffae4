"""Gaussian copula: the shape of each column, and one correlation for each pair of columns.

Each column becomes a cut standard normal; the correlations of these normals are estimated, and rows are
drawn from the joint normal and turned back. It learns monotone relations between pairs. It can not learn
curved relations, mixtures, or rules between columns; the levels of an unordered category are put in order
of frequency, so of its relations only those along that order are kept. Fitting is linear in rows and
quadratic in columns. Conditions are drawn without rejection: given the normals of the columns before, that of
the next is normal, and is drawn between the limits of what is allowed.

Source: Nelsen 2006, "An introduction to copulas", section 2.3; Patki, Wedge and Veeramachaneni 2016, "The
Synthetic Data Vault", section III; draws within limits after Geweke 1991, "Efficient simulation from the
multivariate normal and Student-t distributions subject to linear constraints", and Hajivassiliou and Ruud
1994, "Classical estimation methods for LDV models using simulation", section 3 (the GHK simulator).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from simulacra.domain import Array, Block, Domain, Support
from simulacra.errors import NotFitted, OptionError
from simulacra.generator import Generator, Progress, silent
from simulacra.models.table._codes import Draft
from simulacra.models.table._scores import TERMS, Margin
from simulacra.models.table._views import View
from simulacra.randomness import Streams

_STEPS = 30
_HIGHEST = 0.999
_LEAST_EIGENVALUE = 1e-6
_PAIR_BLOCK = 64


@dataclass
class Scored(Draft):
    """Rows of which some axes are drawn.

    Parameters
    ----------
    white : array or None, shape (margins, rows)
        Independent normals: what is new in the score of each axis, given those before it.
    context : tuple of array
        Values of the context, as long as the first step has not yet given them scores.
    """

    white: Array | None = None
    context: tuple[Array, ...] = ()

    def take(self, index: Array) -> Self:
        """Return some of the rows; one may be taken several times."""
        white = None if self.white is None else self.white[:, index]
        context = tuple(values[index] for values in self.context)
        return replace(super().take(index), white=white, context=context)


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

    symmetric: ClassVar[bool] = True
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
        terms = np.empty((len(axes), TERMS))
        for place, (axis, values) in enumerate(zip(axes, columns)):
            view = View.fit(axis, values, max_codes=self.max_codes, owners=block.owners)
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
        draft = self.start(n, context=context)
        for axis in self.order:
            self.step(draft, axis, rng=rng)
        return self.finish(draft, rng)

    @property
    def order(self) -> tuple[int, ...]:
        """Positions of the axes in the order in which they are drawn; see `Sequential.order`."""
        self._require_fitted()
        return tuple(range(len(self.domain_)))

    def cells(self, axis: int) -> int:
        """Return the number of codes of an axis; see `Sequential.cells`."""
        return self._views[axis].size

    def start(self, n: int, *, context: Block | None = None) -> Scored:
        """Return n rows of which nothing is drawn yet; see `Sequential.start`."""
        self._require_fitted()
        draft = Scored(n)
        if self.context_ is not None:
            if context is None or context.domain != self.context_ or len(context) != n:
                raise OptionError(
                    f"this model was fitted with a context of {len(self.context_)} axes: "
                    f"sample needs a context of the same axes with {n:,} rows."
                )
            draft.context = context.columns
        return draft

    def step(
        self,
        draft: Scored,
        axis: int,
        *,
        support: Support | None = None,
        given: Array | None = None,
        held: Array | None = None,
        rng: Streams,
    ) -> Array:
        """Draw the next axis of every row, or set it; see `Sequential.step`.

        A value that is known is given a score inside its code's interval.

        Notes
        -----
        **Cost.** A restricted draw costs rows times runs of neighbouring codes of one weight: one run or three for a
        range, as many as there are codes for a bias that differs from code to code.
        """
        place = axis + self._inputs
        margin, name = self.margins_[place], self.domain_.axes[axis].name
        white = self._whiten(draft, rng)
        # Row by row of the root, so that the bytes do not depend on how a matrix product is threaded.
        mean = np.zeros(len(draft))
        for other in range(place):
            mean += self.root_[place, other] * white[other]
        sd, log = float(self.root_[place, place]), np.zeros(len(draft))
        if support is None:
            z = rng.stream("normal", name).standard_normal(len(draft))
            codes = margin.codes(mean + sd * z)
        else:
            uniform = rng.stream("within", name).random((2, len(draft)))
            z, codes, log = margin.draw_within(margin.view.weights(support), mean, sd, uniform)
            draft.supports[axis] = support
        if given is not None:
            known = draft.set_known(axis, given, held)
            codes[known] = margin.view.encode(given[known])
            uniform = rng.stream("given", name).random(len(draft))[known]
            z[known], log[known] = margin.draw_given(codes[known], mean[known], sd, uniform)
        white[place], draft.codes[axis] = z, codes
        return log

    def codes(self, draft: Scored, axis: int) -> Array:
        """Return the code of every row; see `Sequential.codes`."""
        return draft.codes[axis]

    def read(self, draft: Scored, axis: int, rng: Streams) -> Array:
        """Settle the values of an axis; see `Sequential.read`."""
        return draft.read(axis, self._views[axis], rng)

    def finish(self, draft: Scored, rng: Streams) -> Block:
        """Return the rows once every axis is drawn; see `Sequential.finish`."""
        return draft.finish(self.domain_, self._views, rng)

    def importances(self) -> Array:
        """Return what each axis explains of each; see `Explained.importances`.

        What the best single axis explains of its normal (a squared correlation), shared out by squared correlations.
        """
        self._require_fitted()
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

    @property
    def _inputs(self) -> int:
        return len(self.margins_) - len(self.domain_)

    @property
    def _views(self) -> list[View]:
        self._require_fitted()
        return [margin.view for margin in self.margins_[self._inputs :]]

    def _require_fitted(self) -> None:
        if not hasattr(self, "root_"):
            raise NotFitted("this 'copula' model has learnt nothing yet. Call fit first.")

    def _whiten(self, draft: Scored, rng: Streams) -> Array:
        """Return the rows' normals; those of the context are drawn at the first step."""
        if draft.white is None:
            first = self._inputs
            draft.white = np.zeros((len(self.margins_), len(draft)))
            if first:
                given = np.empty((first, len(draft)))
                for place, (margin, values) in enumerate(zip(self.margins_, draft.context)):
                    given[place] = margin.latent(values, rng.stream("context", margin.view.axis.name))
                draft.white[:first] = np.linalg.solve(self.root_[:first, :first], given)
            draft.context = ()
        return draft.white


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
