"""A forest per column, each given the columns before it: learns shapes, mixtures and rules of any table.

The default model. Columns are put in an order, and the distribution of each one given those before it is
learnt by a few randomised regression trees. A row is drawn column by column: a random tree, down to a leaf,
with some chance some nodes up again, and there the value of a random donor, or one near it. A tree splits its
rows only where that explains clearly more than chance would, so what it keeps is what many rows share.

It learns nonlinear relations, mixtures, spikes, missing values and (nearly) exact rules between columns, on
numbers and categories alike. It can not learn relations between rows, numbers that no column held (it draws
within the bins it saw), or sums of many columns. Cost: fitting is about linear in rows and quadratic in
columns up to 30, linear beyond that; drawing is linear in both.

Source: sequential trees after Reiter 2005, "Using CART to generate partially synthetic public use
microdata"; randomised trees after Geurts, Ernst and Wehenkel 2006, "Extremely randomized trees"; back-off
after Witten and Bell 1991, "The zero-frequency problem"; splits only on evidence after Hothorn, Hornik and
Zeileis 2006, "Unbiased recursive partitioning".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, Block, Domain, Support, code_dtype
from simulacra.errors import NotFitted, OptionError, unknown
from simulacra.generator import Generator, Progress, silent
from simulacra.models.table._association import association
from simulacra.models.table._digits import Digits, split_axes
from simulacra.models.table._drafts import Draft, Drawer
from simulacra.models.table._forest import Drawing, Settings, dump_forests, restore_forests
from simulacra.models.table._growth import Layout, Plan, grow_forests, order_axes
from simulacra.models.table._importance import describe_axis, weigh_axes
from simulacra.randomness import Streams

PRESETS: dict[str, dict[str, float]] = {
    "strict": {"min_leaf": 40, "evidence": 6.0, "backoff": 6.0, "window": 12},
    "balanced": {"min_leaf": 15, "evidence": 3.0, "backoff": 3.0, "window": 6},
    "fidelity": {"min_leaf": 10, "evidence": 1.0, "backoff": 1.0, "window": 2},
}
"""What each level of privacy sets."""
_WEIGHT_STEPS = 256
"""Weights are counted in steps of 1/256 of the mean weight."""
_SUBSAMPLE = 0.7
_LEAST_LEAF = 10
_BACKOFF_ROWS = 40
"""A draw leaves a node of this many donors, no two alike, with odds of `backoff` to one."""

_ROW_BYTES, _ENTRY_BYTES, _ENTRIES = 6, 11, 60_000
"""Measured memory of a fit: per row and axis, per entry of a tree, and entries that a tree has at most."""


@dataclass(kw_only=True)
class Trees(Generator):
    """Sequential back-off forest.

    Parameters
    ----------
    privacy : str
        ``strict``, ``balanced`` or ``fidelity``: sets `min_leaf`, `evidence`, `backoff` and `window` where they are
        not given. The measured trade-off stands in the documentation.
    trees : int
        Trees per column. More give smoother draws and cost in proportion.
    min_leaf : int or None
        Rows that a leaf keeps at least; in small tables the square root of the number of rows is enough, if
        it is 10 or more. Larger is more private and less exact.
    evidence : float or None
        Standard deviations by which a split must explain more than a cut at random does on average. Larger is more
        private and less exact.
    backoff : float or None
        How readily a draw leaves its leaf for a larger group of donors; 0 never does.
    window : int or None
        Donors that share a window of neighbouring codes: a number is drawn from the window of its donor, in
        the proportions of the whole column. 1 draws the donor's own code.
    predictors : float
        Share of the earlier columns that are tried at each split, above 0 and at most 1.
    max_predictors : int
        Columns that one tree looks at; with more columns, those of highest mutual information are preferred.
    grow_rows : int
        Trees are grown on at most about this many rows; all rows are donors.
    keen : int
        If not 0, only about so many predictors are tried at a node that explained most above it, and as many others:
        with many predictors that is several times as fast, and nearly as exact. 0 tries all.

    Notes
    -----
    **Cost.** Fitting 26,000 rows of 15 columns takes seconds on one core, drawing as many a fraction of one.

    **Privacy.** The state holds, per leaf, how many rows have each code: no row can be read from it, but
    counts of small groups can. There is no formal guarantee.

    **Source.** Reiter 2005; Geurts, Ernst and Wehenkel 2006; Witten and Bell 1991; Hothorn, Hornik and Zeileis 2006.

    Examples
    --------
    >>> from simulacra.domain import Axis
    >>> a = np.arange(400, dtype=np.uint8) % 4
    >>> domain = Domain((Axis("a", "a", size=4), Axis("b", "b", size=2)))
    >>> block = Block(domain, (a, a // 2))
    >>> fake = Trees().fit(block, rng=Streams(1)).sample(100, rng=Streams(2))
    >>> bool((fake.columns[0] // 2 == fake.columns[1]).all())
    True
    """

    privacy: str = "balanced"
    trees: int = 8
    min_leaf: int | None = None
    evidence: float | None = None
    backoff: float | None = None
    window: int | None = None
    predictors: float = 0.7
    max_predictors: int = 30
    grow_rows: int = 120_000
    keen: int = 0

    def __post_init__(self) -> None:
        if self.privacy not in PRESETS:
            raise OptionError(str(unknown("level of privacy", str(self.privacy), list(PRESETS))))
        for name, value in PRESETS[self.privacy].items():
            if getattr(self, name) is None:
                setattr(self, name, value)
        for name in ("trees", "min_leaf", "window", "max_predictors", "grow_rows"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise OptionError(
                    f"model 'trees': {name} is a whole number from 1, not {getattr(self, name)!r}."
                )
        for name in ("backoff", "evidence"):
            if not getattr(self, name) >= 0:
                raise OptionError(f"model 'trees': {name} is 0 or more, not {getattr(self, name)!r}.")
        if not 0 < self.predictors <= 1:
            raise OptionError(f"model 'trees': predictors is above 0 and at most 1, not {self.predictors!r}.")

    def fit(
        self, block: Block, *, context: Block | None = None, rng: Streams, progress: Progress = silent
    ) -> Self:
        """Learn from a block with at least one row; see `Generator.fit`."""
        inputs = len(context.domain) if context is not None else 0
        axes = Domain((*(context.domain.axes if context is not None else ()), *block.domain.axes))
        columns = (*(context.columns if context is not None else ()), *block.columns)
        self.context_: Domain | None = context.domain if context is not None else None
        self.domain_ = block.domain
        rows, weights = len(block), block.weights
        split = split_axes(Block(axes, columns, owners=block.owners), rng.stream("levels"))
        # the values are not needed any more: who gave the only reference to them gets the memory back
        del block, context, columns
        layout = Layout(tuple(split.digits))
        table = np.array([p for ps in (*split.arrays, *split.derived) for p in ps], np.uint8)
        table = table.reshape(layout.width, rows)
        split.arrays.clear()
        split.derived.clear()
        nominal = [kind for digits in layout.digits for kind in digits.nominal] + [True] * len(layout.derived)
        known = layout.places(inputs)[0] if 0 < inputs < len(layout.digits) else 0
        links = association(list(table), nominal, rng.stream("rows"), first=known)
        self.digits_ = list(layout.digits)
        self.order_ = order_axes(layout, links, split.parents, inputs)
        self.unit_, mass = self._count_weights(weights, rows)
        settings = Settings(
            min_leaf=min(int(self.min_leaf or 1), max(_LEAST_LEAF, math.isqrt(rows))),
            share=_SUBSAMPLE * min(1.0, self.grow_rows / rows),
            predictors=self.predictors,
            evidence=float(self.evidence or 0),
            keen=int(self.keen),
        )
        plan = Plan(
            layout, table, nominal, links, split.parents, inputs, mass, self.trees, self.max_predictors, settings,
            self._drawing,
        )  # fmt: skip
        self.forests_ = grow_forests(plan, self.order_, rng, progress)
        self._ready()
        progress(1.0, "trees grown")
        return self

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        draft = self.start(n, context=context)
        for axis in self._steps:
            self._drawer.draw(draft.z, axis, rng)
        return self.finish(draft, rng)

    @property
    def order(self) -> tuple[int, ...]:
        """Positions of the axes in the order in which they are drawn; see `Sequential.order`."""
        return tuple(axis - self._inputs for axis in self._steps)

    def start(self, n: int, *, context: Block | None = None) -> Draft:
        """Return n rows of which nothing is drawn yet; see `Sequential.start`."""
        if not hasattr(self, "forests_"):
            raise NotFitted("this 'trees' model has learnt nothing yet. Call fit first.")
        draft = Draft(np.zeros((n, self._drawer.layout.width), np.uint8))
        if self.context_ is not None:
            if context is None or context.domain != self.context_ or len(context) != n:
                raise OptionError(
                    f"this model was fitted with a context of {len(self.context_)} axes: "
                    f"sample needs a context of the same axes with {n:,} rows."
                )
            for axis, values in enumerate(context.columns):
                self._drawer.fill(draft.z, axis, values)
        return draft

    def refill(self, draft: Draft, rows: int, axes: Sequence[int], columns: Sequence[Array]) -> None:
        """Give the first rows new values of some axes of the context; see `Resuming.refill`."""
        z = draft.z[:rows]
        for axis, values in zip(axes, columns, strict=True):
            if axis in self._read_axes and not _same(draft.filled.get(axis), values):
                self._drawer.fill(z, axis, values)
                draft.filled[axis] = values.copy()

    def redraw(self, draft: Draft, rows: int, rng: Streams) -> Block:
        """Draw all axes of the first rows anew; see `Resuming.redraw`."""
        head = Draft(draft.z[:rows])
        for axis in self._steps:
            self._drawer.draw(head.z, axis, rng)
        return self.finish(head, rng)

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
        **Cost.** A restricted draw looks at every tree, so it costs about `trees` times a free one.
        """
        place = axis + self._inputs
        mass = np.ones(len(draft))
        if support is None:
            self._drawer.draw(draft.z, place, rng)
        else:
            mass = self._drawer.draw_within(draft.z, place, support, rng)
            # a value in a bin is limited; what codes were drawn by is past
            draft.supports[place] = (
                replace(support, bias=None, lines=None) if support.limited else Support(bias=np.ones(1))
            )
        if given is not None:
            known = np.ones(len(draft), bool) if held is None else held
            free = draft.z[~known]
            self._drawer.fill(draft.z, place, given)
            own = self._drawer.weigh(draft.z, place)
            draft.z[~known] = free
            mass = np.where(known, own, mass)
            size = self.domain_.axes[axis].size
            kind = np.float64 if size is None else code_dtype(size)
            draft.given[place] = (np.asarray(given, kind), known)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(mass))

    def table(self, axis: int) -> tuple[Array, Array]:
        """Return what the codes of an axis stand for; see `Tabled.table`."""
        return self._drawer.layout.digits[axis + self._inputs].view.table()

    def cells(self, axis: int) -> int:
        """Return the number of codes of an axis; see `Sequential.cells`."""
        return self._drawer.layout.digits[axis + self._inputs].view.size

    def codes(self, draft: Draft, axis: int) -> Array:
        """Return the code of every row; see `Sequential.codes`."""
        return self._drawer.codes(draft.z, axis + self._inputs)

    def read(self, draft: Draft, axis: int, rng: Streams) -> Array:
        """Settle the values of an axis already drawn; see `Sequential.read`."""
        return self._drawer.read(draft, axis + self._inputs, self.domain_.axes[axis].name, rng)

    def finish(self, draft: Draft, rng: Streams) -> Block:
        """Return the rows once every axis is drawn; see `Sequential.finish`."""
        return self._drawer.finish(draft, self.domain_, self._inputs, rng)

    def log_density(self, block: Block, *, context: Block | None = None) -> Array:
        """Return the log-probability of every value; see `Dense.log_density`.

        A value that the model can not draw there gets the log of 1e-12.
        """
        draft = self.start(len(block), context=context)
        for place, values in enumerate(block.columns, self._inputs):
            self._drawer.fill(draft.z, place, values)
        found = np.empty((len(block), len(self.domain_)))
        for axis in range(len(self.domain_)):
            place = axis + self._inputs
            found[:, axis] = self._drawer.log_density(draft.z, place)
        return found

    def importances(self) -> Array:
        """Return what each axis explains of each; see `Explained.importances`."""
        layout, forests = self._drawer.layout, self._drawer.forests
        return weigh_axes(layout, forests, self.unit_)[self._inputs :]

    def describe(self, axis: int) -> str:
        """Say how an axis is drawn; see `Explained.describe`."""
        return describe_axis(self._drawer.layout, self._drawer.forests, axis + self._inputs)

    def work(self, rows: int, axes: int) -> float:
        """Return how much work fitting is; see `Generator.work`."""
        grown = min(rows, self.grow_rows)
        # measured on 4,000 to 10 million rows and 10 to 500 axes
        per_axis = sum(8 + min(earlier, self.max_predictors) + earlier / 20 for earlier in range(axes))
        return self.trees * per_axis * (grown * math.log2(max(grown, 200) / 100) + 2 * rows)

    def room(self, rows: int, axes: int) -> float:
        """Return the bytes that fitting needs beside the block; see `Generator.room`."""
        return 1e8 + axes * (_ROW_BYTES * rows + _ENTRY_BYTES * self.trees * min(rows, _ENTRIES))

    def dump(self) -> dict[str, Any]:
        """Return the fitted state."""
        return {
            "domain": self.domain_.dump(),
            "context": None if self.context_ is None else self.context_.dump(),
            "digits": [digit.dump() for digit in self.digits_],
            "order": list(self.order_),
            "unit": self.unit_,
            "forests": dump_forests(self.forests_),
        }

    def restore(self, state: dict[str, Any]) -> Self:
        """Take back the state that `dump` gave."""
        self.domain_ = Domain.restore(state["domain"])
        self.context_ = None if state["context"] is None else Domain.restore(state["context"])
        self.digits_ = [Digits.restore(item) for item in state["digits"]]
        self.order_ = tuple(state["order"])
        self.unit_ = float(state["unit"])
        self.forests_ = restore_forests(state["forests"], self._drawing)
        self._ready()
        return self

    @property
    def _drawing(self) -> Drawing:
        return Drawing(float(self.backoff or 0) * _BACKOFF_ROWS, float(self.window or 1), self.unit_)

    @property
    def _inputs(self) -> int:
        return len(self.digits_) - len(self.domain_)

    @property
    def _steps(self) -> tuple[int, ...]:
        if not hasattr(self, "forests_"):
            raise NotFitted("this 'trees' model has learnt nothing yet. Call fit first.")
        return self.order_

    def _ready(self) -> None:
        self._drawer = Drawer(Layout(tuple(self.digits_)), {f.target: f for f in self.forests_})
        read = {int(place) for forest in self.forests_ for place in np.unique(forest.feature)}
        layout = self._drawer.layout
        self._read_axes = {
            axis for axis in range(self._inputs) if read & {*layout.places(axis), *layout.features(axis)}
        }

    def _count_weights(self, weights: Array | None, rows: int) -> tuple[float, Array]:
        """Return what a row of mean weight counts, and the rows' weights in whole numbers."""
        if weights is None:
            return 1.0, np.ones(1, np.uint32)
        unit = float(min(_WEIGHT_STEPS, max(1, 2**31 // (self.trees * rows))))
        return unit, np.rint(weights * (rows / weights.sum() * unit)).astype(np.uint32)


def _same(before: Array | None, values: Array) -> bool:
    """Tell whether the first rows hold these values already."""
    if before is None:
        return False
    old = before[: len(values)]
    return bool((old == values).all()) or (
        values.dtype.kind == "f" and np.array_equal(old, values, equal_nan=True)
    )
