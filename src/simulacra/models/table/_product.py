"""Base of models that take every column by itself: a view of each axis, and the chance of each of its codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from simulacra.domain import Array, Block, Domain, Support, code_dtype
from simulacra.errors import NotFitted
from simulacra.generator import Generator
from simulacra.models.table._codes import UNSEEN, Draft, draw_codes, log_of
from simulacra.models.table._views import View
from simulacra.randomness import Streams


@dataclass(kw_only=True)
class Product(Generator):
    """Product of the columns' own distributions: a subclass learns ``domain_``, ``views_`` and ``counts_``.

    A context has no influence on what is drawn: that is what independence means.
    """

    relates: ClassVar[bool] = False

    def sample(self, n: int, *, context: Block | None = None, rng: Streams) -> Block:
        """Draw n rows; see `Generator.sample`."""
        draft = self.start(n, context=context)
        for axis in self.order:
            self._draw(draft, axis, self.counts_[axis], rng)
        return self.finish(draft, rng)

    @property
    def order(self) -> tuple[int, ...]:
        """Positions of the axes in the order in which they are drawn; see `Sequential.order`."""
        self._require_fitted()
        return tuple(range(len(self.domain_)))

    def cells(self, axis: int) -> int:
        """Return the number of codes of an axis; see `Sequential.cells`."""
        self._require_fitted()
        return self.views_[axis].size

    def start(self, n: int, *, context: Block | None = None) -> Draft:
        """Return n rows of which nothing is drawn yet; see `Sequential.start`."""
        self._require_fitted()
        return Draft(n)

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
        """Draw the next axis of every row, or set it; see `Sequential.step`."""
        view, chances = self.views_[axis], self._chances(axis)
        log = np.zeros(len(draft))
        if support is None:
            self._draw(draft, axis, self.counts_[axis], rng)
        else:
            weights = chances * view.weights(support)
            self._draw(draft, axis, weights, rng)
            draft.supports[axis] = support
            # the sum over all codes may round to a little more than 1
            log[:] = log_of(np.minimum(weights.sum(), 1.0))
        if given is not None:
            known = draft.set_known(axis, given, held)
            codes = view.encode(given[known])
            draft.codes[axis][known] = codes
            log[known] = log_of(chances[codes])
        return log

    def codes(self, draft: Draft, axis: int) -> Array:
        """Return the code of every row; see `Sequential.codes`."""
        return draft.codes[axis]

    def read(self, draft: Draft, axis: int, rng: Streams) -> Array:
        """Settle the values of an axis; see `Sequential.read`."""
        return draft.read(axis, self.views_[axis], rng)

    def finish(self, draft: Draft, rng: Streams) -> Block:
        """Return the rows once every axis is drawn; see `Sequential.finish`."""
        return draft.finish(self.domain_, self.views_, rng)

    def log_density(self, block: Block, *, context: Block | None = None) -> Array:
        """Return the log-probability of every value; see `Dense.log_density`.

        A value that the model can not draw gets the log of 1e-12.
        """
        self._require_fitted()
        found = np.empty((len(block), len(self.domain_)))
        for axis, (view, values) in enumerate(zip(self.views_, block.columns)):
            density = np.maximum(self._chances(axis) / view.volume(), UNSEEN)
            found[:, axis] = np.log(density)[view.encode(values)]
        return found

    def _dump_views(self) -> dict[str, Any]:
        """Return what was learnt of the axes."""
        self._require_fitted()
        return {
            "domain": self.domain_.dump(),
            "views": [view.dump() for view in self.views_],
            "counts": self.counts_,
        }

    def _restore_views(self, state: dict[str, Any]) -> None:
        """Take back what `_dump_views` gave."""
        self.domain_: Domain = Domain.restore(state["domain"])
        self.views_: list[View] = [View.restore(item) for item in state["views"]]
        self.counts_: list[Array] = list(state["counts"])

    def _require_fitted(self) -> None:
        if not hasattr(self, "views_"):
            raise NotFitted("this model has learnt nothing yet. Call fit first.")

    def _chances(self, axis: int) -> Array:
        counts = np.asarray(self.counts_[axis], np.float64)
        return counts / counts.sum()

    def _draw(self, draft: Draft, axis: int, weights: Array, rng: Streams) -> None:
        view = self.views_[axis]
        uniform = rng.stream("draw", view.axis.name).random(len(draft))
        draft.codes[axis] = draw_codes(weights, uniform).astype(code_dtype(view.size))
