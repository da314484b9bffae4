"""Columns as cut standard normals: the scores of their codes, and draws between two scores."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from scipy.special import log_ndtr, ndtri, ndtri_exp

from simulacra.domain import Array, code_dtype
from simulacra.models.table._codes import log_of
from simulacra.models.table._views import View

TERMS = 48
"""Terms of Mehler's expansion."""
_LEAST = 1e-15
"""No cut between two codes lies where less than this is left on a side."""
_FAR = 40.0
"""A known value is put no further out than so many standard deviations, of a chance below 1e-300."""


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
    def fit(cls, view: View, share: Array, order: Array | None = None) -> Self:
        """Lay the codes on the normal, in an order of their own or as they are."""
        order = np.arange(len(share)) if order is None else order
        return cls(view, order, share[order] / share.sum())

    def expand(self) -> tuple[Array, Array]:
        """Return the score of every code, and the Hermite coefficients of the score."""
        total = np.cumsum(self.share)[:-1]
        edges = np.concatenate([[-np.inf], ndtri(np.clip(total, 0.0, 1.0)), [np.inf]])
        density = np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi)
        seen = self.share > 0
        score = np.zeros(len(self.share))
        score[seen] = -np.diff(density)[seen] / self.share[seen]
        finite = np.where(np.isfinite(edges), edges, 0.0)
        terms = np.empty(TERMS)
        before, here = np.zeros(len(edges)), np.ones(len(edges))
        for k in range(TERMS):
            # He_k times the density integrates to minus He_(k-1) times the density.
            terms[k] = (-np.diff(here * density) * score).sum() / np.sqrt(k + 1)
            before, here = here, (finite * here - np.sqrt(k) * before) / np.sqrt(k + 1)
        by_code = np.empty(len(score))
        by_code[self.order] = score
        return by_code, terms

    def codes(self, scores: Array) -> Array:
        """Return the code in whose interval each score lies."""
        return self.seen[np.searchsorted(self.cuts()[1:-1], scores, side="right")]

    def draw_within(
        self, weights: Array, mean: Array, sd: float, uniform: Array
    ) -> tuple[Array, Array, Array]:
        """Draw scores from a normal, each code counted by its weight.

        Parameters
        ----------
        weights : array, shape (codes,)
            Weights from 0 to 1.
        mean : array, shape (rows,)
            Mean of each row's score.
        sd : float
            Standard deviation of all.
        uniform : array, shape (2, rows)
            Random numbers in [0, 1).

        Returns
        -------
        tuple of array
            Standardised scores, codes, and the log of the weight to be expected of a free draw.

        Notes
        -----
        **Cost.** Rows times runs of neighbouring codes of one weight.
        """
        cuts = self.cuts()
        first, stop, worth = self.runs(weights)
        edges = np.append(cuts[first], cuts[-1])
        run, mass = np.empty(len(mean), np.int64), np.empty(len(mean))
        _choose_runs(mean, sd, edges, worth, uniform[0], run, mass)
        z, _ = draw_between((edges[run] - mean) / sd, (edges[run + 1] - mean) / sd, uniform[1])
        # a score at the edge of its run may round into a neighbour, which may not be allowed
        place = np.searchsorted(cuts[1:-1], mean + sd * z, side="right")
        codes = self.seen[np.clip(place, first[run], stop[run] - 1)]
        return z, codes, log_of(np.minimum(mass, 1.0))

    def draw_given(self, codes: Array, mean: Array, sd: float, uniform: Array) -> tuple[Array, Array]:
        """Draw scores inside the intervals of known codes; return them standardised, and the log of their chance.

        A code that no row of the training data had is put where it would lie; its chance is 0.
        """
        cuts = self.cuts()
        at, had = self.intervals(codes)
        z, log = draw_between((cuts[at] - mean) / sd, (cuts[at + 1] - mean) / sd, uniform)
        return np.clip(z, -_FAR, _FAR), np.where(had, log, -np.inf)

    def runs(self, weights: Array) -> tuple[Array, Array, Array]:
        """Return where, in `seen`, runs of neighbouring codes of one weight start and stop, and the weight of each."""
        own = weights[self.seen]
        first = np.flatnonzero(np.append(True, own[1:] != own[:-1]))
        return first, np.append(first[1:], len(own)), own[first]

    def intervals(self, codes: Array) -> tuple[Array, Array]:
        """Return which code of `seen` each is, or would lie at, and whether some row had it."""
        place = np.empty(len(self.order), np.int64)
        place[self.order] = np.arange(len(self.order))
        had = np.flatnonzero(self.share)
        at = np.minimum(np.searchsorted(had, place[codes]), len(had) - 1)
        return at, self.share[place[codes]] > 0

    @property
    def seen(self) -> Array:
        """The codes that some row has, in their order on the normal."""
        return self.order[self.share > 0].astype(code_dtype(self.view.size))

    def levels(self) -> Array:
        """Return the share below the interval of each code of `seen`, and 1."""
        total = np.cumsum(self.share[self.share > 0])[:-1]
        return np.concatenate([[0.0], np.clip(total, _LEAST, 1 - _LEAST), [1.0]])

    def cuts(self) -> Array:
        """Return where the interval of each code of `seen` starts, and where the last one ends."""
        return ndtri(self.levels())


def draw_between(low: Array, high: Array, uniform: Array) -> tuple[Array, Array]:
    """Draw standard normals between limits, and tell the log of the chance of lying there.

    Parameters
    ----------
    low, high : array, shape (rows,)
        The limits; they may be infinite, and far out.
    uniform : array, shape (rows,)
        Random numbers in [0, 1).

    Returns
    -------
    tuple of array, shape (rows,)
        The draws, and the logs.

    Notes
    -----
    By the inverse of the distribution function, in logs and on the side of the lower tail, where nothing cancels.

    **Source.** Geweke 1991, "Efficient simulation from the multivariate normal and Student-t distributions subject to
    linear constraints", section 2.

    Examples
    --------
    >>> z, log = draw_between(np.array([-np.inf, 40.0]), np.array([0.0, np.inf]), np.array([0.5, 0.5]))
    >>> z.round(2).tolist(), log.round(1).tolist()
    ([-0.67, 40.02], [-0.7, -804.6])
    """
    flip = low > 0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    below, upto = log_ndtr(low), log_ndtr(high)
    ratio = np.exp(below - upto)
    # neither end itself, which may be infinite
    level = np.clip(ratio + uniform * (1 - ratio), 1e-300, 1 - 2.0**-53)
    z = np.clip(ndtri_exp(upto + np.log(level)), low, high)
    with np.errstate(divide="ignore"):
        return np.where(flip, -z, z), upto + np.log1p(-ratio)


@njit(cache=True, nogil=True)
def _choose_runs(
    mean: Array, sd: float, edges: Array, worth: Array, uniform: Array, run: Array, mass: Array
) -> None:
    """Draw a run of codes for every row, in proportion to its chance times what it is worth.

    Parameters
    ----------
    mean : array, shape (rows,)
        Mean of each row's normal.
    sd : float
        Standard deviation of all.
    edges, worth : array, shapes (runs + 1,) and (runs,)
        Where runs start and end, from minus to plus infinity; the weight of each.
    uniform : array, shape (rows,)
        Random numbers in [0, 1).
    run, mass : array, shape (rows,)
        Where the runs and the sums go. Where the sum is 0, the run is any.
    """
    scale = 1 / (sd * math.sqrt(2.0))
    rising = np.empty(len(worth))
    for i in range(len(mean)):
        # the chance of a run is a difference of tails on its own side of the mean, where nothing cancels
        left, passed, total = 0.0, False, 0.0
        for r in range(len(worth)):
            edge = (edges[r + 1] - mean[i]) * scale
            tail = 0.5 * math.erfc(abs(edge))
            chance = 1 - left - tail if edge > 0 and not passed else abs(tail - left)
            total += worth[r] * chance
            rising[r] = total
            left, passed = tail, edge > 0
        mass[i] = total
        found = np.searchsorted(rising, uniform[i] * total, side="right")
        while found == len(worth) or (found > 0 and worth[found] == 0):
            found -= 1
        run[i] = found
