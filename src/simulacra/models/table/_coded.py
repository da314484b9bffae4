"""Models that tell, row by row, the chance of every code of an axis, given the codes before it.

Whoever knows these chances has everything else: rows, conditions, known values and densities.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from simulacra.domain import Array, Block, Domain, Support, code_dtype
from simulacra.errors import NotFitted, OptionError
from simulacra.generator import Generator
from simulacra.models.table._codes import UNSEEN, Draft, log_of
from simulacra.models.table._views import View
from simulacra.randomness import Streams

_CELLS = 4_000_000
"""Chances held at once: 32 MB."""


@dataclass(kw_only=True)
class Coded(Generator):
    """Base of models of codes, drawn axis by axis.

    A subclass fits: it calls `_learn_views` first, which sets `domain_`, `context_` and `views_` and gives the codes.
    Then it answers `_chances`. It may override `order`. Axes of a context stand at negative positions in
    `Draft.codes`: -1 is the last of them.

    Its state has ``domain``, ``context`` and ``views`` by `_dump_views` and `_restore_views`.
    """

    @abstractmethod
    def _chances(self, draft: Draft, axis: int, rows: slice) -> Array:
        """Return the chance of each code of an axis for some rows, given what is drawn; shape (rows, cells).

        Rows sum to 1. A new array, or one that may not be written to.
        """

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
        return self._view(axis).size

    def table(self, axis: int) -> tuple[Array, Array]:
        """Return what the codes of an axis stand for; see `Tabled.table`."""
        return self._view(axis).table()

    def start(self, n: int, *, context: Block | None = None) -> Draft:
        """Return n rows of which nothing is drawn yet; see `Sequential.start`."""
        self._require_fitted()
        draft = Draft(n)
        if self.context_ is not None:
            if context is None or context.domain != self.context_ or len(context) != n:
                raise OptionError(
                    f"this model was fitted with a context of {len(self.context_)} axes: "
                    f"sample needs a context of the same axes with {n:,} rows."
                )
            for place, values in enumerate(context.columns):
                draft.codes[place - self._inputs] = self.views_[place].encode(values)
        return draft

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
        **Cost.** Rows times codes of the axis.
        """
        view, rows = self._view(axis), len(draft)
        uniform = rng.stream("draw", view.axis.name).random(rows)
        known = np.zeros(rows, bool) if given is None else draft.set_known(axis, given, held)
        told = np.zeros(rows, np.int64)
        if given is not None:
            told[known] = view.encode(given[known])
        share, lines = _counted(view, support)
        codes, mass = np.empty(rows, code_dtype(max(view.size, 1))), np.ones(rows)
        for part in self._parts(rows, view.size):
            chances = np.ascontiguousarray(self._chances(draft, axis, part), np.float64)
            line = np.zeros(part.stop - part.start, np.int64) if lines is None else lines[part]
            _draw_rows(
                chances, share, line, support is not None, known[part], told[part],
                uniform[part], codes[part], mass[part],
            )  # fmt: skip
        draft.codes[axis] = codes
        if support is not None:
            draft.supports[axis] = support
        return log_of(mass)

    def codes(self, draft: Draft, axis: int) -> Array:
        """Return the code of every row; see `Sequential.codes`."""
        return draft.codes[axis]

    def read(self, draft: Draft, axis: int, rng: Streams) -> Array:
        """Settle the values of an axis; see `Sequential.read`."""
        return draft.read(axis, self._view(axis), rng)

    def finish(self, draft: Draft, rng: Streams) -> Block:
        """Return the rows once every axis is drawn; see `Sequential.finish`."""
        return draft.finish(self.domain_, self.views_[self._inputs :], rng)

    def log_density(self, block: Block, *, context: Block | None = None) -> Array:
        """Return the log-probability of every value; see `Dense.log_density`.

        A value that the model can not draw gets the log of 1e-12.
        """
        draft = self.start(len(block), context=context)
        for axis, values in enumerate(block.columns):
            draft.codes[axis] = self._view(axis).encode(values)
        found = np.empty((len(block), len(self.domain_)))
        for axis in self.order:
            view, own = self._view(axis), draft.codes[axis]
            volume = view.volume()
            for part in self._parts(len(block), view.size):
                chances = self._chances(draft, axis, part)
                at = own[part].astype(np.int64)
                density = np.asarray(chances)[np.arange(len(at)), at] / volume[at]
                found[part, axis] = np.log(np.maximum(density, UNSEEN))
        return found

    def _learn_views(
        self, block: Block, context: Block | None, *, max_codes: int, max_exact: int = 0
    ) -> list[Array]:
        """Fit the views of all axes, and return the codes of the rows: those of the context first."""
        self.domain_ = block.domain
        self.context_: Domain | None = None if context is None else context.domain
        self.views_: list[View] = []
        codes = []
        for given in [] if context is None else [context]:
            for axis, values in zip(given.domain.axes, given.columns):
                self.views_.append(View.fit(axis, values, max_codes=max_codes, max_exact=max_exact))
                codes.append(self.views_[-1].encode(values))
        for axis, values in zip(block.domain.axes, block.columns):
            self.views_.append(
                View.fit(axis, values, max_codes=max_codes, max_exact=max_exact, owners=block.owners)
            )
            codes.append(self.views_[-1].encode(values))
        return codes

    def _dump_views(self) -> dict[str, Any]:
        """Return what `_learn_views` learnt."""
        self._require_fitted()
        return {
            "domain": self.domain_.dump(),
            "context": None if self.context_ is None else self.context_.dump(),
            "views": [view.dump() for view in self.views_],
        }

    def _restore_views(self, state: dict[str, Any]) -> None:
        """Take back what `_dump_views` gave."""
        self.domain_ = Domain.restore(state["domain"])
        self.context_ = None if state["context"] is None else Domain.restore(state["context"])
        self.views_ = [View.restore(item) for item in state["views"]]

    @property
    def _inputs(self) -> int:
        """Number of axes of the context."""
        return len(self.views_) - len(self.domain_)

    def _view(self, axis: int) -> View:
        """Return the view of an axis; those of the context have negative positions."""
        self._require_fitted()
        return self.views_[axis + self._inputs]

    def _require_fitted(self) -> None:
        if not hasattr(self, "views_"):
            raise NotFitted("this model has learnt nothing yet. Call fit first.")

    @staticmethod
    def _parts(rows: int, cells: int) -> Iterator[slice]:
        """Cut rows so that their chances fit in memory."""
        size = max(_CELLS // max(cells, 1), 64)
        for first in range(0, rows, size):
            yield slice(first, min(first + size, rows))


def _counted(view: View, support: Support | None) -> tuple[Array, Array | None]:
    """Return lines of what each code counts, and the line of each row where there are several."""
    if support is None:
        return np.ones((1, max(view.size, 1))), None
    share = view.share(support)
    if support.bias is None:
        return share[None], None
    return np.atleast_2d(share * support.bias), support.lines


@njit(cache=True, nogil=True)
def _draw_rows(
    chances: Array,
    share: Array,
    line: Array,
    limited: bool,
    known: Array,
    told: Array,
    uniform: Array,
    codes: Array,
    mass: Array,
) -> None:
    """Draw a code of each row in proportion to chance x share, and return the sum of these; or take the known one."""
    rows, cells = chances.shape
    for i in range(rows):
        if known[i]:
            codes[i], mass[i] = told[i], chances[i, told[i]]
            continue
        own, total, last = line[i], 0.0, 0
        for c in range(cells):
            weight = chances[i, c] * share[own, c]
            if weight > 0:
                total += weight
                last = c
        # the sum over all codes may round to a little more or less than 1
        mass[i] = min(total, 1.0) if limited else 1.0
        wanted, found = uniform[i] * total, last
        for c in range(last):
            weight = chances[i, c] * share[own, c]
            if weight > 0:
                if wanted < weight:
                    found = c
                    break
                wanted -= weight
        codes[i] = found
