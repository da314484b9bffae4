"""A forest per column, each given the columns before it: learns shapes, mixtures and rules of any table.

The default model. Columns are put in an order, and the distribution of each one given those before it is
learnt by a few randomised regression trees. A row is drawn column by column: a random tree, down to a leaf,
with some chance some nodes up again, and there the value of a random donor.

It learns nonlinear relations, mixtures, spikes, missing values and (nearly) exact rules between columns, on
numbers and categories alike. It can not learn relations between rows, numbers that no column held (it draws
within the bins it saw), or sums of many columns. Cost: fitting is about linear in rows and quadratic in
columns up to 30, linear beyond that; drawing is linear in both.

Source: sequential trees after Reiter 2005, "Using CART to generate partially synthetic public use
microdata"; randomised trees after Geurts, Ernst and Wehenkel 2006, "Extremely randomized trees"; back-off
after Witten and Bell 1991, "The zero-frequency problem".
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, Block, Domain
from simulacra.errors import NotFitted, OptionError
from simulacra.generator import Generator, Progress, silent
from simulacra.models.table import _kernels as kernels
from simulacra.models.table._digits import Digits, association, split_axes
from simulacra.models.table._forest import Forest, Settings, dump_forests, grow_tree, restore_forests
from simulacra.models.table._rules import find_rule
from simulacra.randomness import Streams

_WEIGHT_STEPS = 256
"""Weights are counted in steps of 1/256 of the mean weight."""
_SUBSAMPLE = 0.7
_LEAST_LEAF = 10
_BACKOFF_ROWS = 40
"""A draw leaves a node of this many donors, no two alike, with odds of `backoff` to one."""


@dataclass(kw_only=True)
class Trees(Generator):
    """Sequential back-off forest.

    Parameters
    ----------
    trees : int
        Trees per column. More give smoother draws and cost in proportion.
    min_leaf : int
        Rows that a leaf keeps at least; in small tables the square root of the number of rows is enough, if
        it is 10 or more. Larger is more private and less exact.
    backoff : float
        How readily a draw leaves its leaf for a larger group of donors; 0 never does.
    predictors : float
        Share of the earlier columns that are tried at each split, above 0 and at most 1.
    max_predictors : int
        Columns that one tree looks at; with more columns, those of highest mutual information are preferred.
    grow_rows : int
        Trees are grown on at most about this many rows; all rows are donors.

    Notes
    -----
    **Cost.** Fitting 26,000 rows of 15 columns takes seconds on one core, drawing as many a fraction of one.

    **Privacy.** The state holds, per leaf, how many rows have each code: no row can be read from it, but
    counts of small groups can. There is no formal guarantee.

    **Source.** Reiter 2005; Geurts, Ernst and Wehenkel 2006; Witten and Bell 1991.

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

    trees: int = 8
    min_leaf: int = 40
    backoff: float = 3.0
    predictors: float = 0.6
    max_predictors: int = 30
    grow_rows: int = 200_000

    def __post_init__(self) -> None:
        for name in ("trees", "min_leaf", "max_predictors", "grow_rows"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise OptionError(
                    f"model 'trees': {name} is a whole number from 1, not {getattr(self, name)!r}."
                )
        if not self.backoff >= 0:
            raise OptionError(f"model 'trees': backoff is 0 or more, not {self.backoff!r}.")
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
        self.digits_, arrays = split_axes(Block(axes, columns), rng.stream("levels"))
        self.owner_ = [axis for axis, parts in enumerate(arrays) for _ in parts]
        digits = np.array([part for parts in arrays for part in parts], np.uint8).reshape(-1, len(block))
        nominal = [self.digits_[axis].nominal for axis in self.owner_]
        links = association(list(digits), nominal, rng.stream("rows"))
        self.order_ = self._order(links, inputs)
        weights = np.ones(len(block), np.float32)
        self.unit_ = 1.0
        if block.weights is not None:
            weights = (block.weights * (len(block) / block.weights.sum())).astype(np.float32)
            self.unit_ = float(min(_WEIGHT_STEPS, max(1, 2**31 // (self.trees * len(block)))))
        settings = Settings(
            min_leaf=min(self.min_leaf, max(_LEAST_LEAF, math.isqrt(len(block)))),
            share=_SUBSAMPLE * min(1.0, self.grow_rows / len(block)),
            predictors=self.predictors,
            unit=self.unit_,
        )
        self.forests_ = self._grow(digits, nominal, weights, links, inputs, settings, rng, progress)
        progress(1.0, "trees grown")
        return self

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        if not hasattr(self, "forests_"):
            raise NotFitted("this 'trees' model has learnt nothing yet. Call fit first.")
        z = np.zeros((n, len(self.owner_)), np.uint8)
        inputs = 0
        if self.context_ is not None:
            if context is None or context.domain != self.context_ or len(context) != n:
                raise OptionError(
                    f"this model was fitted with a context of {len(self.context_)} axes: "
                    f"sample needs a context of the same axes with {n:,} rows."
                )
            inputs = len(self.context_)
            for axis, values in enumerate(context.columns):
                parts = self.digits_[axis].split(self.digits_[axis].view.encode(values))
                for place, part in zip(self._places(axis), parts):
                    z[:, place] = part
        out = np.empty(n, np.uint8)
        for forest in self.forests_:
            forest.draw(z, rng.stream("draw", forest.target).random((2, n)), out)
            z[:, forest.target] = out
        columns = []
        for axis, spec in enumerate(self.domain_.axes, inputs):
            codes = self.digits_[axis].join([z[:, place] for place in self._places(axis)])
            columns.append(self.digits_[axis].view.decode(codes, rng.stream("value", spec.name)))
        return Block(self.domain_, tuple(columns), rows=n)

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
        self.owner_ = [axis for axis, digit in enumerate(self.digits_) for _ in digit.sizes]
        self.order_ = tuple(state["order"])
        self.unit_ = float(state["unit"])
        self.forests_ = restore_forests(state["forests"], self._drift, self.unit_)
        return self

    @property
    def _drift(self) -> float:
        return self.backoff * _BACKOFF_ROWS

    def _places(self, axis: int) -> list[int]:
        return [place for place, owner in enumerate(self.owner_) if owner == axis]

    def _order(self, links: Array, inputs: int) -> tuple[int, ...]:
        """Order the axes that are drawn: the ones that tell most about all others come first."""
        lead = [self._places(axis)[0] for axis in range(len(self.digits_))]
        total = links[np.ix_(lead, lead)].sum(1)[inputs:]
        return tuple(int(axis) + inputs for axis in np.argsort(-total, kind="stable"))

    def _grow(
        self,
        digits: Array,
        nominal: Sequence[bool],
        weights: Array,
        links: Array,
        inputs: int,
        settings: Settings,
        rng: Streams,
        progress: Progress,
    ) -> list[Forest]:
        varies = [part.min() < part.max() for part in digits]
        earlier = list(range(inputs))
        whole = [self._number(digits, axis) for axis in range(len(self.digits_))]
        known = [d for axis in earlier for d in self._places(axis) if varies[d]]
        jobs = []
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for axis in self.order_:
                place = self._places(axis)[0]
                nearness = np.array([links[place, self._places(other)[0]] for other in earlier])
                rule = find_rule(
                    whole[axis], [whole[other] for other in earlier], nearness, rng.stream("rule", place)
                )
                deciding = [d for i in rule for d in self._places(earlier[i]) if varies[d]]
                for target in self._places(axis):
                    lead = target - 1 if target > place else -1
                    leads = [lead, *deciding] if lead >= 0 else deciding
                    if varies[target]:
                        streams = rng.at("grow", target)
                        trees = [
                            pool.submit(
                                grow_tree, digits, weights, target,
                                self._choose(known, links[target], leads, streams.at(tree)),
                                nominal, leads, settings, streams.at(tree),
                            )
                            for tree in range(self.trees if known else 1)
                        ]  # fmt: skip
                        jobs.append((target, lead, trees))
                        known.append(target)
                earlier.append(axis)
            forests = []
            for target, lead, trees in jobs:
                grown = [tree.result() for tree in trees]
                forests.append(Forest.join(grown, target, lead, len(digits), self._drift, settings.unit))
                progress(len(forests) / len(jobs), f"column {len(forests)} of {len(jobs)}")
        return forests

    def _number(self, digits: Array, axis: int) -> Array:
        """Join an axis' digits to one number."""
        number = np.zeros(digits.shape[1], np.int64)
        for place in self._places(axis):
            number = number * kernels.CODES + digits[place]
        return number

    def _choose(self, known: Sequence[int], links: Array, leads: Sequence[int], rng: Streams) -> list[int]:
        """Choose predictors of one tree: half by mutual information, the others drawn in proportion to it."""
        if len(known) <= self.max_predictors:
            return list(known)
        scores = np.array([np.inf if digit in leads else links[digit] for digit in known])
        best = np.argsort(-scores, kind="stable")
        sure = best[: max((self.max_predictors + 1) // 2, len(leads))]
        rest = best[len(sure) :]
        chance = scores[rest] + 1e-9
        drawn = rng.stream("predictors").choice(
            rest, max(self.max_predictors - len(sure), 0), replace=False, p=chance / chance.sum()
        )
        return [known[i] for i in sorted([*sure, *drawn])]
