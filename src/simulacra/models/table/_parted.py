"""The codes of one axis in classes and a body: spikes, gaps and levels apart from values that lie on a normal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from scipy.special import ndtri

from simulacra.domain import Array
from simulacra.models.table._views import View

FEW = 12
"""An ordered axis of so few codes is all classes: a normal could not follow its steps."""
SPIKE = 0.03
"""An exact value that this share of rows holds is a class of its own."""
_OUTER = 2.5
"""Where a class beside the body lies at most, in standard deviations."""
_WIDEST = 8.0
"""Stands for an infinite end, where a score must be finite."""


@dataclass(frozen=True, slots=True)
class Parted:
    """One axis as classes and a body.

    A class is a level, "no value", or a value that many rows hold (zero, a round number). The codes that are left are
    the body, which is class 0: together they are a standard normal, cut into one interval for each code.

    Parameters
    ----------
    share : array, shape (cells,)
        The chance of each code.
    classes : array of int, shape (cells,)
        The class of each code, 0 for the body; there may be no body.
    edges : array or None
        Where codes of the body meet, in standard deviations from their mean; None on the scale of ranks, on which the
        body is a standard normal.

    Examples
    --------
    >>> from simulacra.domain import Axis
    >>> values = np.append(np.zeros(50), np.arange(1.0, 51.0))
    >>> view = View.fit(Axis("x", "x"), values, max_codes=255)
    >>> parted = Parted.fit(view, np.bincount(view.encode(values), minlength=view.size).astype(float))
    >>> parted.count, len(parted.body)
    (2, 50)
    """

    share: Array
    classes: Array
    edges: Array | None = None

    @classmethod
    def fit(cls, view: View, counts: Array, *, ranked: bool = True) -> Self:
        """Tell classes from the body.

        Parameters
        ----------
        view : View
            The codes.
        counts : array, shape (cells,)
            The weight of the rows of each code.
        ranked : bool
            Whether the body lies on the scale of its ranks, or on that of its values.
        """
        share = counts / max(counts.sum(), 1e-300)
        axis = view.axis
        alone = np.ones(len(share), bool)
        if (axis.size is None or axis.ordered) and len(share) > FEW:
            exact = np.append(np.ones(int(view.missing), bool), view.exact) if axis.size is None else alone
            alone = exact & (share >= SPIKE)
            alone[: int(view.missing)] = True
            if len(share) - alone.sum() < 2:
                alone[:] = True
        found = cls(share, np.where(alone, np.cumsum(alone), 0))
        return found if ranked or alone.all() else replace(found, edges=found._cut(view))

    @property
    def count(self) -> int:
        """Number of classes, with the body, which may be empty."""
        return int(self.classes.max()) + 1

    @property
    def body(self) -> Array:
        """The codes of the body, in order."""
        return np.flatnonzero(self.classes == 0)

    def margin(self) -> Array:
        """Return the chance of each class, shape (count,)."""
        return np.bincount(self.classes, self.share, minlength=self.count)

    def cuts(self) -> Array:
        """Return where the interval of each code of the body starts, and where the last one ends."""
        if self.edges is not None:
            return np.concatenate([[-np.inf], self.edges, [np.inf]])
        total = np.cumsum(self._inside())
        cuts = ndtri(np.clip(np.concatenate([[0.0], total]), 0.0, 1.0))
        cuts[0], cuts[-1] = -np.inf, np.inf
        return np.asarray(cuts)

    def moments(self) -> tuple[Array, Array]:
        """Return the mean and the mean square of scores within each code of the body."""
        share, cuts = self._inside(), self.cuts()
        if self.edges is not None:
            # the outermost codes are about as wide as their neighbours
            wide = self.edges[[1, -1]] - self.edges[[0, -2]] if len(self.edges) > 1 else np.ones(2)
            ends = np.concatenate([[self.edges[0] - wide[0]], self.edges, [self.edges[-1] + wide[1]]])
            middle = (ends[1:] + ends[:-1]) / 2
            return middle, middle**2 + np.diff(ends) ** 2 / 12
        density = np.exp(-(cuts**2) / 2) / np.sqrt(2 * np.pi)
        finite = np.where(np.isfinite(cuts), cuts, 0.0)
        # a code without rows has an interval without width: its score is where it lies
        place = np.clip(cuts[:-1], -_WIDEST, _WIDEST)
        seen = share > 1e-12
        mean = np.where(seen, -np.diff(density) / np.where(seen, share, 1.0), place)
        square = np.where(seen, 1 - np.diff(finite * density) / np.where(seen, share, 1.0), place**2)
        return mean, np.maximum(square, mean**2)

    def scores(self, missing: bool) -> Array:
        """Return a score for every code: its mean, or where a class lies beside the body; 0 for "no value"."""
        found = np.zeros(len(self.share))
        body = self.body
        if not len(body):
            return found
        found[body] = self.moments()[0]
        apart = np.flatnonzero(self.classes > 0)
        found[apart] = np.clip(self.cuts()[np.searchsorted(body, apart)], -_OUTER, _OUTER)
        found[: int(missing)] = 0.0
        return found

    def spread(self, codes: Array, uniform: Array) -> Array:
        """Draw scores inside the intervals of codes of the body."""
        share, body = self._inside(), self.body
        place = np.searchsorted(body, codes)
        below = np.concatenate([[0.0], np.cumsum(share)])
        return np.asarray(ndtri(np.clip(below[place] + uniform * share[place], 1e-12, 1 - 1e-12)))

    def settle(self, scores: Array) -> Array:
        """Return the code of the body in whose interval each score lies."""
        return self.body[np.searchsorted(self.cuts()[1:-1], scores, side="right")]

    def home(self) -> Array:
        """Return a code of each class: the only one, but for the body."""
        found = np.zeros(self.count, np.int64)
        found[self.classes] = np.arange(len(self.classes))
        return found

    def fold(self, counts: Array) -> Array:
        """Sum counts of codes, shape (cells, any), over classes, shape (count, any)."""
        found = np.zeros((self.count, counts.shape[1]))
        np.add.at(found, self.classes, counts)
        return found

    def dump(self) -> dict[str, Any]:
        """Return the state as arrays."""
        return {"share": self.share, "classes": self.classes.astype(np.int64), "edges": self.edges}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make it from what `dump` gave."""
        return cls(np.asarray(state["share"]), np.asarray(state["classes"]), state["edges"])

    def _cut(self, view: View) -> Array:
        """Cut the scale of values between the codes of the body, and standardise it."""
        body = self.body
        if view.axis.size is not None:
            low = high = body.astype(np.float64)
        else:
            low, high = view.low[body - view.missing], view.high[body - view.missing]
        middle = (low + high) / 2
        apart = high[:-1] <= low[1:]
        cuts = np.where(apart, high[:-1] + low[1:], middle[:-1] + middle[1:]) / 2
        share = self._inside()
        mean = share @ middle
        spread = float(np.sqrt(share @ (middle - mean) ** 2))
        return np.asarray((np.maximum.accumulate(cuts) - mean) / (spread or 1.0))

    def _inside(self) -> Array:
        """Return the share of each code of the body among them."""
        share = self.share[self.body]
        total = share.sum()
        return np.asarray(share / total if total > 0 else np.full(len(share), 1 / max(len(share), 1)))
