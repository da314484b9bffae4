"""Copulas: the shape of each column, and how columns hang together: Gaussian, Student t, or a vine of pairs.

Each column becomes levels between 0 and 1, of even distribution; a copula joins these, rows are drawn from it and
turned back. `family` chooses it. "gaussian": one correlation for each pair. "t": correlations, and degrees of freedom,
so that extremes come together. "vine": a copula of its own for each pair of a tree, and for pairs given others, which
may be lopsided. It learns monotone relations. It can not learn curved relations, mixtures, or rules between columns.
The levels of an unordered category are put on the line on which they hang together most with the other columns, so of
its relations only those along that line are kept. Margins are the data's own (bins), or parametric families.

Fitting is linear in rows and quadratic in columns; a vine is fitted to at most 5,000 rows. Conditions are drawn without
rejection: given the columns before, the distribution of the next is known, and is drawn between the limits of what is
allowed; a list of many single values costs a vine much time.

Source: Nelsen 2006, "An introduction to copulas", section 2.3; Patki, Wedge and Veeramachaneni 2016, "The Synthetic
Data Vault", section III; Demarta and McNeil 2005, "The t copula and related copulas"; Aas, Czado, Frigessi and Bakken
2009, "Pair-copula constructions of multiple dependence"; draws within limits after Geweke 1991, "Efficient simulation
from the multivariate normal and Student-t distributions subject to linear constraints", and Hajivassiliou and Ruud
1994, "Classical estimation methods for LDV models using simulation", section 3 (the GHK simulator).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from threadpoolctl import threadpool_limits

from simulacra.domain import Array, Block, Domain, Support
from simulacra.errors import NotFitted, OptionError, unknown
from simulacra.exhibit import Exhibit
from simulacra.figures import Figures
from simulacra.generator import Generator, Progress, part, silent
from simulacra.models.table._codes import Draft
from simulacra.models.table._dependence import show_correlations, show_margins, show_pairs
from simulacra.models.table._designs import view_of
from simulacra.models.table._elliptical import Elliptical, correlate
from simulacra.models.table._joints import PAIRS, Joint, fit_joint, load_vines, read_pairs, restore_joint
from simulacra.models.table._levelled import AS_SEEN, learn_margins, shape_margins
from simulacra.models.table._scores import Margin
from simulacra.models.table._views import View
from simulacra.randomness import Streams

_FAMILIES = ("gaussian", "t", "vine")
_VINES = ("regular", "canonical", "drawable")
_MARGINS = ("empirical", "parametric")
_DESIGNED_DF = 5.0


@dataclass
class Scored(Draft):
    """Rows of which some axes are drawn.

    Parameters
    ----------
    past : dict
        What the copula remembers of the axes drawn so far; arrays of shape (rows,).
    context : tuple of array
        Values of the context, as long as the first step has not yet given them scores.
    """

    past: dict[Any, Array] = field(default_factory=dict)
    context: tuple[Array, ...] = ()

    def take(self, index: Array) -> Self:
        """Return some of the rows; one may be taken several times."""
        past = {key: told[index] for key, told in self.past.items()}
        context = tuple(values[index] for values in self.context)
        return replace(super().take(index), past=past, context=context)


@dataclass(kw_only=True)
class Copula(Generator):
    """Copula of a chosen family on empirical or parametric margins.

    Parameters
    ----------
    family : {"gaussian", "t", "vine"}
        What joins the columns. A vine needs pyvinecopulib (the extra "vines").
    margins : {"empirical", "parametric"}
        Whether a real axis keeps its bins, or is told by the parametric family that fits best.
    df : float or None
        Degrees of freedom of family "t", from 1; found by likelihood when None.
    vine : {"regular", "canonical", "drawable"}
        R-vine (each tree is the strongest one), C-vine (each tree is a star) or D-vine (each is a path).
    truncate : int or None
        Trees of a vine; pairs of later ones are independent. When None 3 of a regular vine, and all of the others,
        whose trees can not be chosen by strength.
    pairs : sequence of str, str or None
        Copulas that a pair of a vine may have: of "independence", "gaussian", "t", "clayton", "gumbel", "frank" and
        "joe" (the lopsided ones in all rotations); all when None.
    max_codes : int
        Bins of a real axis at most.

    Notes
    -----
    Correlations are found as `correlate` says, degrees of freedom as `profile_df`. A vine is fitted to levels that are
    drawn within the codes of rows, so that columns of few codes count as if they were continuous; its parameters are
    those of Kendall's tau, its families have the smallest Bayesian criterion.

    **Cost.** One sort per column, one matrix product over the rows and a table of each category with each other column.
    Degrees of freedom: about half a second. A vine: some 10 ms for each pair of its trees.

    **Privacy.** The state holds a histogram per column (or a few parameters) and a matrix of correlations, or pairs
    with one or two parameters. There is no formal guarantee.

    **Source.** Nelsen 2006, section 2.3; Patki et al. 2016, section III; Demarta and McNeil 2005; Aas et al. 2009.

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
    family: str = "gaussian"
    margins: str = "empirical"
    df: float | None = None
    vine: str = "regular"
    truncate: int | None = None
    pairs: Sequence[str] | str | None = None
    max_codes: int = 4096

    def __new__(cls, **options: Any) -> Self:
        # abilities are those of a class, and a vine lacks one: its structure says in what order it can be drawn
        return super().__new__(_Elliptic if cls is Copula and options.get("family") != "vine" else cls)  # type: ignore[return-value]

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]:
        return (), {"family": self.family}

    def __post_init__(self) -> None:
        for name, value, known in (
            ("family", self.family, _FAMILIES),
            ("margins", self.margins, _MARGINS),
            ("vine", self.vine, _VINES),
        ):
            if value not in known:
                raise OptionError(f"model 'copula': {unknown(name, str(value), known)}")
        if not isinstance(self.max_codes, int) or self.max_codes < 2:
            raise OptionError(f"model 'copula': max_codes is a whole number from 2, not {self.max_codes!r}.")
        if self.df is not None and not (isinstance(self.df, int | float) and 1 <= self.df < math.inf):
            raise OptionError(f"model 'copula': df is a number from 1, not {self.df!r}.")
        if self.truncate is not None and (not isinstance(self.truncate, int) or self.truncate < 1):
            raise OptionError(f"model 'copula': truncate is a whole number from 1, not {self.truncate!r}.")
        if self.pairs is not None:
            self.pairs = read_pairs(self.pairs)
            for name in self.pairs:
                if name not in PAIRS:
                    raise OptionError(f"model 'copula': {unknown('copula of a pair', name, PAIRS)}")
        if self.family == "vine":
            load_vines()

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
        # sums of products differ in their last bits with the number of threads
        with threadpool_limits(1, user_api="blas"):
            seen, codes = learn_margins(
                axes,
                columns,
                weights,
                max_codes=self.max_codes,
                owners=block.owners,
                progress=part(progress, 0.0, 0.8),
            )
            self.correlation_ = correlate(seen, codes, weights)
            progress(0.85, "correlations found")
            self.joint_: Joint = fit_joint(
                self.correlation_,
                seen,
                codes,
                weights,
                rng=rng,
                known=len(axes) - len(self.domain_),
                **self.options(),
            )
        progress(0.95, f"{self.family} copula fitted")
        self.margins_, self.told_ = seen, [AS_SEEN] * len(seen)
        if self.margins == "parametric":
            self.margins_, self.told_ = shape_margins(seen, columns, block)
        progress(1.0, "margins fitted")
        return self

    def design(self, domain: Domain, figures: Figures, *, rng: Streams) -> Self:
        """Take margins and correlations as they are told; see `Designed.design`."""
        if self.family == "vine":
            raise OptionError(
                "a copula made from figures is gaussian or t, not a vine: say family='gaussian' or family='t'."
            )
        self.domain_, self.context_ = domain, None
        self.margins_ = [
            Margin.fit(view_of(axis, cells), np.asarray(cells.chances(), np.float64), cells.line())
            for axis, cells in zip(domain.axes, figures.cells)
        ]
        self.told_ = list(figures.told)
        told = np.eye(len(domain)) if figures.correlations is None else figures.correlations
        self.correlation_ = np.array(told, np.float64)
        df = None if self.family == "gaussian" else float(self.df or _DESIGNED_DF)
        self.joint_ = Elliptical.of(self.correlation_, df)
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
        return tuple(place - self._inputs for place in self._places if place >= self._inputs)

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
        self._recall(draft, rng)
        law, log = self.joint_.law(draft.past, place, len(draft)), np.zeros(len(draft))
        if support is None:
            told, codes = law.draw_free(margin, rng.stream("normal", name))
        else:
            uniform = rng.stream("within", name).random((2, len(draft)))
            told, codes, log = law.draw_within(margin, margin.view.weights(support), uniform)
            draft.supports[axis] = support
        if given is not None:
            known = draft.set_known(axis, given, held)
            codes[known] = margin.view.encode(given[known])
            uniform = rng.stream("given", name).random(len(draft))[known]
            told[known], log[known] = law.draw_given(margin, codes[known], known, uniform)
        self.joint_.put(draft.past, place, told)
        draft.codes[axis] = codes
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
        squares = np.minimum(self.correlation_**2, 1.0)
        np.fill_diagonal(squares, 0.0)
        strongest = squares.max(1, initial=0.0)
        found = squares * (strongest / np.maximum(squares.sum(1), 1e-12))[:, None]
        return np.asarray(found[self._inputs :])

    def describe(self, axis: int) -> str:
        """Say how an axis is drawn; see `Explained.describe`."""
        words = "the copulas of its pairs" if self.family == "vine" else "its correlations with all others"
        return f"from its own distribution and {words}"

    def exhibits(self) -> tuple[Exhibit, ...]:
        """Show how columns hang together, and the families of pairs and margins; see `Exhibiting.exhibits`."""
        self._require_fitted()
        names = [axis.name for axis in (*(self.context_.axes if self.context_ else ()), *self.domain_.axes)]
        found = [show_correlations(names, self.correlation_, self.joint_.say())]
        pairs = self.joint_.list_pairs()
        if pairs:
            found.append(show_pairs(names, pairs))
        parametric = [(name, told) for name, told in zip(names, self.told_) if told != AS_SEEN]
        if parametric:
            found.append(show_margins(parametric))
        return tuple(found)

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        self._require_fitted()
        return {
            "domain": self.domain_.dump(),
            "context": None if self.context_ is None else self.context_.dump(),
            "margins": [{"view": m.view.dump(), "order": m.order, "share": m.share} for m in self.margins_],
            "told": self.told_,
            "correlation": self.correlation_,
            "joint": self.joint_.dump(),
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self.domain_ = Domain.restore(state["domain"])
        self.context_ = None if state["context"] is None else Domain.restore(state["context"])
        self.margins_ = [Margin(View.restore(m["view"]), m["order"], m["share"]) for m in state["margins"]]
        self.told_ = list(state["told"])
        self.correlation_ = state["correlation"]
        self.joint_ = restore_joint(self.family, state["joint"])
        return self

    @property
    def root_(self) -> Array:
        """Cholesky root of the correlations."""
        self._require_fitted()
        return np.linalg.cholesky(self.correlation_)

    @property
    def _places(self) -> tuple[int, ...]:
        """Places of the axes, those of the context first, in the order of the copula."""
        return tuple(place for place in self.joint_.order if place < len(self.margins_))

    @property
    def _inputs(self) -> int:
        return len(self.margins_) - len(self.domain_)

    @property
    def _views(self) -> list[View]:
        self._require_fitted()
        return [margin.view for margin in self.margins_[self._inputs :]]

    def _require_fitted(self) -> None:
        if not hasattr(self, "joint_"):
            raise NotFitted("this 'copula' model has learnt nothing yet. Call fit first.")

    def _recall(self, draft: Scored, rng: Streams) -> None:
        """Give the values of the context scores, before the first step."""
        if not draft.context:
            return
        everyone = np.ones(len(draft), bool)
        for place in self._places[: self._inputs]:
            margin = self.margins_[place]
            law = self.joint_.law(draft.past, place, len(draft))
            uniform = rng.stream("context", margin.view.axis.name).random(len(draft))
            codes = margin.view.encode(draft.context[place])
            told, _ = law.draw_given(margin, codes, everyone, uniform)
            self.joint_.put(draft.past, place, told)
        draft.context = ()


class _Elliptic(Copula):
    """A copula that can be drawn in any order."""

    def ordered(self, first: Sequence[int]) -> Copula:
        """Return the same copula with some axes drawn first; see `Reorderable.ordered`."""
        self._require_fitted()
        axes = [*first, *(axis for axis in self.order if axis not in set(first))]
        places = [*range(self._inputs), *(axis + self._inputs for axis in axes)]
        other = copy.copy(self)
        other.joint_ = Elliptical.of(self.correlation_, self.joint_.dump()["df"], places)
        return other
