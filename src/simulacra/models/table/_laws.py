"""What the next score of each row is drawn from, given those before: free, within what is allowed, or known."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtri, stdtr, stdtrit

from simulacra.domain import Array
from simulacra.models.table._codes import log_of
from simulacra.models.table._scores import Margin

_CELLS = 2_000_000
"""Tails held at once: 16 MB for each side."""


class Law(ABC):
    """The conditional distribution of a score, one for each row.

    What is drawn is told as the joint distribution wants to be reminded of it: a standardised score, or a level.
    """

    @abstractmethod
    def draw_free(self, margin: Margin, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw every row; return what was drawn and its code, both of shape (rows,)."""

    @abstractmethod
    def draw_within(self, margin: Margin, weights: Array, uniform: Array) -> tuple[Array, Array, Array]:
        """Draw every row, each code counted by its weight.

        Parameters
        ----------
        margin : Margin
            The column.
        weights : array, shape (codes,)
            Weights from 0 to 1.
        uniform : array, shape (2, rows)
            Random numbers in [0, 1).

        Returns
        -------
        tuple of array, shape (rows,)
            What was drawn, codes, and the log of the weight to be expected of a free draw.
        """

    @abstractmethod
    def draw_given(self, margin: Margin, codes: Array, known: Array, uniform: Array) -> tuple[Array, Array]:
        """Draw inside the intervals of known codes, for the rows where something is known.

        Parameters
        ----------
        margin : Margin
            The column.
        codes : array, shape (known rows,)
            Their codes.
        known : array of bool, shape (rows,)
            Which rows.
        uniform : array, shape (known rows,)
            Random numbers in [0, 1).

        Returns
        -------
        tuple of array, shape (known rows,)
            What was drawn, and the log of the code's chance: minus infinity for one that no row had.
        """


@dataclass(frozen=True)
class Normal(Law):
    """Normal scores.

    Parameters
    ----------
    mean : array, shape (rows,)
        Their means.
    sd : float
        Their standard deviation.
    """

    mean: Array
    sd: float

    def draw_free(self, margin: Margin, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw every row; see `Law.draw_free`."""
        z = rng.standard_normal(len(self.mean))
        return z, margin.codes(self.mean + self.sd * z)

    def draw_within(self, margin: Margin, weights: Array, uniform: Array) -> tuple[Array, Array, Array]:
        """Draw every row within weights; see `Law.draw_within`."""
        return margin.draw_within(weights, self.mean, self.sd, uniform)

    def draw_given(self, margin: Margin, codes: Array, known: Array, uniform: Array) -> tuple[Array, Array]:
        """Draw inside known codes; see `Law.draw_given`."""
        return margin.draw_given(codes, self.mean[known], self.sd, uniform)


class Inverted(Law):
    """A law that knows its distribution function and the inverse of it."""

    @abstractmethod
    def take(self, index: Array | slice) -> Self:
        """Return the law of some of the rows."""

    @abstractmethod
    def cuts(self, margin: Margin) -> Array:
        """Return where the codes that some row has start, and where the last one ends, as scores."""

    @abstractmethod
    def tails(self, score: Array | float) -> tuple[Array, Array]:
        """Return the chance of lying below a score, and of lying above; shape (rows,)."""

    @abstractmethod
    def invert(self, level: Array, upper: Array) -> Array:
        """Return the score below which, or above which, there is a chance of `level`; shape (rows,)."""

    @abstractmethod
    def tell(self, scores: Array) -> Array:
        """Say what was drawn as the joint distribution wants it."""

    @abstractmethod
    def __len__(self) -> int: ...

    def draw_free(self, margin: Margin, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw every row; see `Law.draw_free`."""
        level = np.clip(rng.random(len(self)), 1e-16, 1 - 1e-16)
        scores = self.invert(np.minimum(level, 1 - level), level > 0.5)
        codes = margin.seen[np.searchsorted(self.cuts(margin)[1:-1], scores, side="right")]
        return self.tell(scores), codes

    def draw_within(self, margin: Margin, weights: Array, uniform: Array) -> tuple[Array, Array, Array]:
        """Draw every row within weights; see `Law.draw_within`.

        Notes
        -----
        **Cost.** Rows times runs of neighbouring codes of one weight.
        """
        first, stop, worth = margin.runs(weights)
        size = max(_CELLS // (len(first) + 1), 64)
        parts = [
            self.take(slice(start, start + size))._within(
                margin, first, stop, worth, uniform[:, start : start + size]
            )
            for start in range(0, max(len(self), 1), size)
        ]
        scores, codes, log = (np.concatenate(column) for column in zip(*parts))
        return self.tell(scores), codes, log

    def _within(
        self, margin: Margin, first: Array, stop: Array, worth: Array, uniform: Array
    ) -> tuple[Array, Array, Array]:
        cuts = self.cuts(margin)
        sides = np.array([self.tails(edge) for edge in cuts[np.append(first, len(cuts) - 1)]])
        below, above = sides[:, 0], sides[:, 1]
        # a chance is a difference of the tails on its own side of the middle, where nothing cancels
        upper = below[:-1] > 0.5
        mass = np.maximum(np.where(upper, above[:-1] - above[1:], below[1:] - below[:-1]), 0.0)
        rising = np.cumsum(worth[:, None] * mass, axis=0)
        total = rising[-1]
        run = (rising <= uniform[0] * total).sum(0)
        run = np.minimum(run, len(worth) - 1 - np.argmax((worth[:, None] * mass)[::-1] > 0, axis=0))
        rows = np.arange(len(self))
        side = upper[run, rows]
        near = np.where(side, above[run + 1, rows], below[run, rows])
        scores = self.invert(near + uniform[1] * mass[run, rows], side)
        # a score at the edge of its run may round into a neighbour, which may not be allowed
        scores = np.clip(scores, cuts[first[run]], cuts[stop[run]])
        place = np.searchsorted(cuts[1:-1], scores, side="right")
        return scores, margin.seen[np.clip(place, first[run], stop[run] - 1)], log_of(np.minimum(total, 1.0))

    def draw_given(self, margin: Margin, codes: Array, known: Array, uniform: Array) -> tuple[Array, Array]:
        """Draw inside known codes; see `Law.draw_given`."""
        law, cuts = self.take(known), self.cuts(margin)
        at, had = margin.intervals(codes)
        low, high = cuts[at], cuts[at + 1]
        (left, right), (upto, beyond) = law.tails(low), law.tails(high)
        upper = left > 0.5
        mass = np.maximum(np.where(upper, right - beyond, upto - left), 0.0)
        level = np.where(upper, beyond, left) + uniform * mass
        scores = np.clip(law.invert(level, upper), low, high)
        return law.tell(scores), np.where(had, log_of(np.minimum(mass, 1.0)), -np.inf)


@dataclass(frozen=True)
class Student(Inverted):
    """Scores of Student's t, given others of the same t.

    Parameters
    ----------
    mean, scale : array, shape (rows,)
        Where each lies, and how wide it is.
    sd : float
        What a score is standardised by.
    df, whole : float
        Degrees of freedom of the score given those before, and of every score by itself.
    """

    mean: Array
    scale: Array
    sd: float
    df: float
    whole: float

    def __len__(self) -> int:
        return len(self.mean)

    def draw_free(self, margin: Margin, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw every row; see `Law.draw_free`."""
        scores = self.mean + self.scale * rng.standard_t(self.df, len(self))
        return self.tell(scores), margin.seen[np.searchsorted(self.cuts(margin)[1:-1], scores, side="right")]

    def take(self, index: Array | slice) -> Self:
        """Return the law of some of the rows."""
        return type(self)(self.mean[index], self.scale[index], self.sd, self.df, self.whole)

    def cuts(self, margin: Margin) -> Array:
        """Return where codes start and end, as scores."""
        return quantiles_t(margin.levels(), self.whole)

    def tails(self, score: Array | float) -> tuple[Array, Array]:
        """Return the chances of lying below a score, and above."""
        x = (score - self.mean) / self.scale
        return stdtr(self.df, x), stdtr(self.df, -x)

    def invert(self, level: Array, upper: Array) -> Array:
        """Return the score of a level."""
        x = stdtrit(self.df, np.clip(level, 1e-100, 1.0))
        return np.asarray(self.mean + self.scale * np.where(upper, -x, x))

    def tell(self, scores: Array) -> Array:
        """Standardise what was drawn."""
        return (scores - self.mean) / self.sd


def quantiles_t(levels: Array, df: float) -> Array:
    """Return quantiles of Student's t; those of 0 and 1 are infinite.

    Examples
    --------
    >>> quantiles_t(np.array([0.0, 0.5, 0.9, 1.0]), 3.0).round(2).tolist()
    [-inf, 0.0, 1.64, inf]
    """
    inside = (levels > 0) & (levels < 1)
    ends = np.where(levels > 0, np.inf, -np.inf)
    lower = np.minimum(levels, 1 - levels)
    found = stdtrit(df, np.where(inside, lower, 0.5))
    return np.where(inside, np.where(levels > 0.5, -found, found), ends)


def quantiles_normal(levels: Array) -> Array:
    """Return quantiles of the standard normal."""
    return np.asarray(ndtri(levels))
