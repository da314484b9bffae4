"""One classic decision tree per column, given those before it: the sequential CART synthesis of official statistics.

Columns are visited in order. The first is drawn from its own distribution; for each further one a tree (CART) is
grown on all columns before it, deep, with the best cut of all at every node: by the variance of ranks for numbers, by
the Gini index for categories. A row falls to a leaf, and takes the value of a random donor there. A number that may be
missing has two trees: one says whether it is, the other its value.

It learns nonlinear relations, mixtures and spikes of mixed columns. Leaves hold few rows, so more of what it draws lies
near to training rows than with `trees`, which spreads the same idea over a forest that backs off. It can not learn sums
of many columns, nor values that it never saw, but for those in the bins of rare ones. A number that explains others is
looked at in 256 bins, and so are the levels of a large vocabulary. Fitting costs about rows times columns squared times
the depth of the trees; drawing costs rows times columns times the depth.

Source: Breiman, Friedman, Olshen and Stone 1984, "Classification and regression trees", chapters 2, 4 and 8; Reiter
2005, "Using CART to generate partially synthetic public use microdata"; Nowok, Raab and Dibben 2016, "synthpop: bespoke
creation of synthetic data in R", section 2; levels in order after Coppersmith, Hong and Hosking 1999, "Partitioning
nominal attributes in decision trees", section 4.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, Block, Support
from simulacra.errors import OptionError
from simulacra.generator import Progress, silent
from simulacra.models.table._association import association
from simulacra.models.table._cart import BINS
from simulacra.models.table._classic import Sizes, Tree, cut_codes, kind_of
from simulacra.models.table._coded import Coded
from simulacra.models.table._codes import Draft
from simulacra.models.table._levels import Traits, arrange_levels
from simulacra.models.table._views import View
from simulacra.randomness import Streams


@dataclass(frozen=True)
class _Table:
    """Rows in bins, in the order in which columns are visited."""

    bins: Array
    nominal: Array
    weights: Array


@dataclass(kw_only=True)
class Cart(Coded):
    """Sequential classification and regression trees.

    Parameters
    ----------
    visit : str or sequence of str
        In what order columns are drawn: ``given``, as in the table; ``linked``, those first that tell most about all
        others; or names of columns (in a text: with commas between), the others following as given.
    min_leaf : int
        Rows of a leaf at least; a node is cut only if it has three times as many. Larger is more private. synthpop's
        default of 5 makes more copies of training rows, and is not more exact on the tables that we measure.
    max_depth : int
        Cuts on the way to a leaf at most.
    complexity : float
        Share of a column's spread that a cut must explain: larger prunes more.
    max_codes : int
        Bins of a real axis at most.

    Notes
    -----
    **Cost.** Fitting 26,000 rows of 15 columns takes 2 seconds on one core.

    **Privacy.** The state holds, per leaf, how many rows have each code: no row can be read from it, but counts of
    groups of `min_leaf` rows can. There is no formal guarantee.

    **Source.** Breiman et al. 1984; Reiter 2005; Nowok, Raab and Dibben 2016, section 2.

    Examples
    --------
    >>> from simulacra.domain import Axis, Domain
    >>> a = np.arange(400, dtype=np.uint8) % 4
    >>> domain = Domain((Axis("a", "a", size=4), Axis("b", "b", size=2)))
    >>> fake = Cart().fit(Block(domain, (a, a // 2)), rng=Streams(1)).sample(100, rng=Streams(2))
    >>> bool((fake.columns[0] // 2 == fake.columns[1]).all())
    True
    """

    visit: str | Sequence[str] = "given"
    min_leaf: int = 10
    max_depth: int = 30
    complexity: float = 1e-8
    max_codes: int = 4096

    def __post_init__(self) -> None:
        for name, least in (("min_leaf", 1), ("max_depth", 0), ("max_codes", 2)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise OptionError(f"model 'cart': {name} is a whole number from {least}, not {value!r}.")
        if not 0 <= self.complexity < 1:
            raise OptionError(f"model 'cart': complexity is from 0 to below 1, not {self.complexity!r}.")
        if not isinstance(self.visit, str):
            self.visit = [str(name) for name in self.visit]

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        codes = self._learn_views(block, context, max_codes=self.max_codes)
        weights = np.ones(len(block)) if block.weights is None else block.weights.astype(np.float64)
        # the values are not needed any more: who gave the only reference to them gets the memory back
        del block, context
        nominal = np.array([_is_nominal(view) for view in self.views_], bool)
        self.bins_ = self._cut(codes, nominal, rng)
        binned = np.empty((len(codes), len(weights)), np.uint8)
        for row, bins, own in zip(binned, self.bins_, codes):
            np.take(bins, own, out=row)
        self.visits_ = self._order(binned, nominal, rng)
        places = [*range(self._inputs), *(axis + self._inputs for axis in self.visits_)]
        table = _Table(binned[places], nominal[places], weights)
        self.trees_ = []
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            turns = range(self._inputs, len(places))
            grown = pool.map(lambda turn: self._grow(table, turn, places[turn], codes[places[turn]]), turns)
            for done, pair in enumerate(grown, 1):
                self.trees_.append(pair)
                progress(done / len(self.visits_), f"column {done} of {len(self.visits_)}")
        progress(1.0, "trees grown")
        return self

    def _grow(self, table: _Table, turn: int, place: int, codes: Array) -> tuple[Tree | None, Tree | None]:
        """Grow the tree that says whether a value is missing, where it may be, and that of values."""
        sizes = Sizes(self.min_leaf, self.max_depth, self.complexity)
        view, x, nominal = self.views_[place], table.bins[:turn], table.nominal[:turn]
        number, rows, gap = view.axis.size is None, np.flatnonzero(table.weights > 0), None
        if number and view.missing:
            gap = Tree.grow(x, nominal, codes > 0, table.weights, rows, sizes, number=True)
            rows = rows[codes[rows] > 0]
        if not len(rows):
            return gap, None
        return gap, Tree.grow(x, nominal, codes, table.weights, rows, sizes, number=number)

    @property
    def order(self) -> tuple[int, ...]:
        """Positions of the axes in the order in which they are drawn; see `Sequential.order`."""
        self._require_fitted()
        return self.visits_

    def step(
        self,
        draft: Draft,
        axis: int,
        *,
        support: Support | None = None,
        given: Array | None = None,
        held: Array | None = None,
        rng: Streams,
    ) -> Array:
        """Draw the next axis of every row, or set it; see `Sequential.step`.

        Notes
        -----
        **Cost.** A free draw takes one donor of the leaf; a restricted one looks at all codes of the axis.
        """
        if support is not None or given is not None:
            return super().step(draft, axis, support=support, given=given, held=held, rng=rng)
        view, (gap, tree) = self._view(axis), self._trees(axis)
        x = self._look(draft, axis, slice(None))
        uniform = rng.stream("draw", view.axis.name).random((2, len(draft)))
        codes = np.zeros(len(draft), kind_of(view.size))
        if tree is not None:
            tree.draw(x, uniform[0], codes)
        if gap is not None:
            some = np.zeros(len(draft), np.uint8)
            gap.draw(x, uniform[1], some)
            codes[some == 0] = 0
        draft.codes[axis] = codes
        return np.zeros(len(draft))

    def _chances(self, draft: Draft, axis: int, rows: slice) -> Array:
        """Return the chance of each code; see `Coded._chances`."""
        gap, tree = self._trees(axis)
        x = self._look(draft, axis, rows)
        found = np.zeros((len(x), self.cells(axis)))
        if tree is not None:
            tree.fill(x, found)
        if gap is not None:
            some = np.zeros((len(x), 2))
            gap.fill(x, some)
            found *= some[:, 1:]
            found[:, 0] = some[:, 0]
        return found

    def importances(self) -> Array:
        """Return what each axis explains of each; see `Explained.importances`.

        Of an axis with gaps, the mean of what is explained of gaps and of values.
        """
        self._require_fitted()
        found = np.zeros((len(self.domain_), len(self.views_)))
        places = np.array([*range(self._inputs), *(axis + self._inputs for axis in self.visits_)], np.int64)
        for axis, pair in zip(self.visits_, self.trees_):
            own = [tree.worth for tree in pair if tree is not None]
            found[axis, places[: len(own[0])]] = np.mean(own, axis=0)
        return found

    def describe(self, axis: int) -> str:
        """Say how an axis is drawn; see `Explained.describe`."""
        own = [tree for tree in self._trees(axis) if tree is not None]
        used = len({place for tree in own for place in tree.used().tolist()})
        if not used:
            return (
                "always the same value"
                if all(len(t.codes) == 1 for t in own)
                else "from its own distribution"
            )
        leaves = sum(tree.leaves for tree in own)
        of = "1 earlier column" if used == 1 else f"{used} earlier columns"
        return f"from {'a tree' if len(own) == 1 else '2 trees'} of {leaves:,} leaves by {of}"

    def work(self, rows: int, axes: int) -> float:
        """Return how much work fitting is; see `Generator.work`."""
        return axes * (axes + 10) * rows * math.log2(max(rows / self.min_leaf, 2))

    def room(self, rows: int, axes: int) -> float:
        """Return the bytes that fitting needs beside the block; see `Generator.room`."""
        return 1e8 + rows * (12.0 * axes + 60.0 * (os.cpu_count() or 1))

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        trees = [[None if tree is None else tree.dump() for tree in pair] for pair in self.trees_]
        return {**self._dump_views(), "bins": self.bins_, "visits": list(self.visits_), "trees": trees}

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self._restore_views(state)
        self.bins_ = [np.asarray(bins, np.uint8) for bins in state["bins"]]
        self.visits_ = tuple(int(axis) for axis in state["visits"])
        self.trees_ = []
        for pair in state["trees"]:
            gap, tree = (None if tree is None else Tree.restore(tree) for tree in pair)
            self.trees_.append((gap, tree))
        return self

    def _trees(self, axis: int) -> tuple[Tree | None, Tree | None]:
        """Return the tree that says whether a value is missing, and that of values."""
        return self.trees_[self.visits_.index(axis)]

    def _look(self, draft: Draft, axis: int, rows: slice) -> Array:
        """Return what the trees of an axis look at, shape (rows, predictors)."""
        turn = self.visits_.index(axis)
        used = {int(place) for tree in self.trees_[turn] if tree is not None for place in tree.used()}
        many = len(range(*rows.indices(len(draft))))
        x = np.zeros((many, self._inputs + turn), np.uint8)
        for place in used:
            other = place - self._inputs
            own = other if other < 0 else self.visits_[other]
            x[:, place] = self.bins_[own + self._inputs][draft.codes[own][rows]]
        return x

    def _cut(self, codes: Sequence[Array], nominal: Array, rng: Streams) -> list[Array]:
        """Put the codes of every axis in bins; levels of large vocabularies that go with the same values share one."""
        traits: Traits | None = None
        bins = []
        for place, (view, own) in enumerate(zip(self.views_, codes)):
            counts = np.bincount(own, minlength=view.size)
            order = np.arange(len(counts))
            if nominal[place] and view.size > BINS:
                traits = traits or Traits(self.views_, codes, rng.stream("levels"))
                order = np.argsort(_place(place, traits, codes, view.size), kind="stable")
            bins.append(cut_codes(counts, order, view.axis.size is None and view.missing))
        return bins

    def _order(self, x: Array, nominal: Array, rng: Streams) -> tuple[int, ...]:
        """Return the axes in the order in which they are visited."""
        axes, first = self.domain_.axes, self._inputs
        if self.visit == "given":
            return tuple(range(len(axes)))
        if self.visit == "linked":
            links = association(list(x), nominal.tolist(), rng.stream("rows"), first=first)
            late = [not axis.first for axis in axes]
            return tuple(np.lexsort((-links.sum(1)[first:], late)).tolist())
        names = self.visit.split(",") if isinstance(self.visit, str) else self.visit
        rank = {name.strip(): place for place, name in enumerate(names)}
        known = {axis.column for axis in axes}
        for name in rank:
            if name not in known:
                raise OptionError(
                    f"model 'cart': visit names {name!r}, which is no column that the model draws. "
                    "Give 'given', 'linked', or names of columns that are neither keys nor texts."
                )
        return tuple(sorted(range(len(axes)), key=lambda axis: rank.get(axes[axis].column, len(rank))))


def _is_nominal(view: View) -> bool:
    return view.axis.size is not None and not view.axis.ordered


def _place(place: int, traits: Traits, codes: Sequence[Array], size: int) -> Array:
    """Place the levels of a vocabulary; levels that no row has come last."""
    found = np.full(size, np.inf)
    known = arrange_levels(place, traits, codes, None)
    found[: len(known)] = known
    return found
