"""The components of a mixture: classes by chance, and normals of which each may lean on those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numba import njit
from scipy.special import ndtr, ndtri

from simulacra.domain import Array
from simulacra.models.table._parted import Parted

FLOOR = 1e-30
"""No chance counts as less, so that its log can be added up."""


@dataclass(frozen=True, slots=True)
class Line:
    """The normal of one axis' body in every component: a mean that is linear in the scores of axes before it.

    Parameters
    ----------
    before : tuple of int
        The axes that it leans on; none with a diagonal covariance.
    start : array, shape (components,)
        The mean where their scores are 0.
    slopes : array, shape (len(before), components)
        What a unit of each score adds.
    spread : array, shape (components,)
        Standard deviation.
    """

    before: tuple[int, ...]
    start: Array
    slopes: Array
    spread: Array

    def means(self, scores: Sequence[Array]) -> Array:
        """Return the mean of every row in every component, shape (rows or 1, components)."""
        found = self.start[None]
        for own, slope in zip(scores, self.slopes):
            found = found + own[:, None] * slope
        return found

    def mean(self, scores: Sequence[Array], chosen: Array) -> Array:
        """Return the mean of every row in the component that was chosen for it."""
        found = self.start[chosen]
        for own, slope in zip(scores, self.slopes):
            found = found + own * slope[chosen]
        return found

    def pick(self, keep: Array) -> Line:
        """Return some of the components."""
        return Line(self.before, self.start[keep], self.slopes[:, keep], self.spread[keep])


@dataclass(frozen=True)
class Components:
    """All components of a mixture.

    Parameters
    ----------
    parted : sequence of Parted
        The axes.
    scores : sequence of array
        The score of every code of each.
    share : array, shape (components,)
        The chance of each component.
    theta : sequence of array, shape (classes, components)
        The chance of each class of each axis.
    lines : sequence of Line or None
        The normal of each axis that has a body.
    """

    parted: Sequence[Parted]
    scores: Sequence[Array]
    share: Array
    theta: Sequence[Array]
    lines: Sequence[Line | None]

    def __len__(self) -> int:
        return len(self.share)

    def free(self, axis: int) -> bool:
        """Whether the axis leans on no other within a component."""
        line = self.lines[axis]
        return line is None or not line.before

    def table(self, axis: int) -> Array:
        """Return the chance of every code in every component, shape (cells, components), of an axis that is free."""
        assert self.free(axis)
        parted, line = self.parted[axis], self.lines[axis]
        found = self.theta[axis][parted.classes]
        if line is not None:
            cuts = (parted.cuts()[:, None] - line.start) / line.spread
            found[parted.body] *= between(cuts[:-1], cuts[1:])
        return np.asarray(found)

    def leaning(self, axis: int, codes: Mapping[int, Array], rows: slice) -> list[Array]:
        """Return the scores of the axes that an axis leans on."""
        line = self.lines[axis]
        return [] if line is None else [self.scores[other][codes[other][rows]] for other in line.before]

    def log_chances(self, axis: int, codes: Mapping[int, Array], rows: slice) -> Array:
        """Return the log of the chance of the rows' own codes, given those before; shape (rows, components)."""
        own, line, parted = codes[axis][rows], self.lines[axis], self.parted[axis]
        if self.free(axis):
            return np.asarray(self._logs(axis)[own])
        assert line is not None
        found = np.log(np.maximum(self.theta[axis], FLOOR))[parted.classes[own]]
        inside = np.flatnonzero(parted.classes[own] == 0)
        place = np.searchsorted(parted.body, own[inside])
        means = line.means([scores[inside] for scores in self.leaning(axis, codes, rows)])
        cuts = parted.cuts()
        chance = between(
            (cuts[place][:, None] - means) / line.spread, (cuts[place + 1][:, None] - means) / line.spread
        )
        found[inside] += np.log(np.maximum(chance, FLOOR))
        return np.asarray(found)

    def chances(self, axis: int, codes: Mapping[int, Array], rows: slice, weights: Array) -> Array:
        """Return the chance of every code of some rows, shape (rows, cells); weights are those of the components."""
        parted, line = self.parted[axis], self.lines[axis]
        if self.free(axis):
            return np.asarray(weights @ self.table(axis).T)
        assert line is not None
        found = (weights @ self.theta[axis].T)[:, parted.classes]
        means = line.means(self.leaning(axis, codes, rows))
        cuts, inside = parted.cuts(), np.zeros((len(weights), len(parted.body)))
        for k in range(len(self)):
            edges = (cuts - means[:, k, None]) / line.spread[k]
            inside += (weights[:, k] * self.theta[axis][0, k])[:, None] * between(edges[:, :-1], edges[:, 1:])
        found[:, parted.body] = inside
        return found

    def draw(self, axis: int, codes: Mapping[int, Array], chosen: Array, uniform: Array) -> Array:
        """Draw the code of every row in the component that was chosen for it.

        Parameters
        ----------
        axis : int
            The axis.
        codes : mapping
            The codes of the axes that it leans on.
        chosen : array of int, shape (rows,)
            The component of each row.
        uniform : array, shape (2, rows)
            Random numbers in [0, 1).
        """
        parted, line = self.parted[axis], self.lines[axis]
        found = np.empty(len(chosen), np.int64)
        if self.free(axis):
            pick(self.table(axis).T.cumsum(1), chosen, uniform[0], found)
            return found
        assert line is not None
        classes = np.empty(len(chosen), np.int64)
        pick(self.theta[axis].T.cumsum(1), chosen, uniform[0], classes)
        z = line.mean(self.leaning(axis, codes, slice(None)), chosen)
        z += line.spread[chosen] * ndtri(np.maximum(uniform[1], 1e-16))
        return np.where(classes == 0, parted.settle(z), parted.home()[classes])

    def pick(self, keep: Array) -> Components:
        """Return some of the components."""
        share = self.share[keep] / self.share[keep].sum()
        lines = [None if line is None else line.pick(keep) for line in self.lines]
        return Components(self.parted, self.scores, share, [theta[:, keep] for theta in self.theta], lines)

    def dump(self) -> dict[str, Any]:
        """Return the state as arrays."""
        return {
            "parted": [parted.dump() for parted in self.parted],
            "scores": list(self.scores),
            "share": self.share,
            "theta": list(self.theta),
            "lines": [
                None
                if line is None
                else {
                    "before": list(line.before),
                    "start": line.start,
                    "slopes": line.slopes,
                    "spread": line.spread,
                }
                for line in self.lines
            ],
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make them from what `dump` gave."""
        lines = [
            None if own is None else Line(tuple(own["before"]), own["start"], own["slopes"], own["spread"])
            for own in state["lines"]
        ]
        parted = [Parted.restore(own) for own in state["parted"]]
        return cls(parted, list(state["scores"]), state["share"], list(state["theta"]), lines)

    def _logs(self, axis: int) -> Array:
        return np.log(np.maximum(self.table(axis), FLOOR)).astype(np.float32)


def between(low: Array, high: Array) -> Array:
    """Return the chance that a standard normal lies between limits; on the side where nothing cancels.

    Examples
    --------
    >>> between(np.array([-1.0, 9.0]), np.array([1.0, np.inf])).round(4).tolist()
    [0.6827, 0.0]
    """
    flip = low > 0
    return np.asarray(ndtr(np.where(flip, -low, high)) - ndtr(np.where(flip, -high, low)))


@njit(cache=True, nogil=True)
def pick(rising: Array, chosen: Array, uniform: Array, out: Array) -> None:
    """Draw a number of every row from the line of sums that was chosen for it.

    Parameters
    ----------
    rising : array, shape (lines, numbers)
        Sums of the chances of all numbers up to each.
    chosen : array of int, shape (rows,)
        The line of each row.
    uniform : array, shape (rows,)
        Random numbers in [0, 1).
    out : array of int, shape (rows,)
        Where the numbers go.
    """
    cells = rising.shape[1]
    for i in range(len(out)):
        own = rising[chosen[i]]
        wanted = uniform[i] * own[cells - 1]
        low, high = 0, cells - 1
        while low < high:
            middle = (low + high) // 2
            if own[middle] > wanted:
                high = middle
            else:
                low = middle + 1
        # a product that rounds up to the whole sum must not lead to a number without a chance
        while low > 0 and own[low] <= own[low - 1]:
            low -= 1
        out[i] = low
