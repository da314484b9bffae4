"""Correlations of values, and of ranks with ties and gaps: what the normals underneath must have for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtri

from simulacra.domain import Array
from simulacra.errors import OptionError
from simulacra.figures import Cells

_TERMS = 64
"""Terms of Mehler's expansion."""
_TIED = 0.01
"""Share of one value from which ties count."""
_GRID = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 257))


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one column, its ranks or its values, as functions of a normal.

    Parameters
    ----------
    present, score, square : array, shape (terms,)
        Hermite coefficients of: whether there is a value; its score; that squared.
    tied : bool
        Whether ties or gaps are worth reckoning with.
    """

    present: Array
    score: Array
    square: Array
    tied: bool

    @classmethod
    def of(cls, cells: Cells, *, ranks: bool = True) -> Self:
        """Expand the ranks of an axis, from 0 to 1 and in the middle of ties; or its values, of levels their places."""
        chances, line, gap = cells.chances(), cells.line(), cells.gap
        share = chances[line]
        held = line != gap
        seen = np.where(held, share, 0.0)
        score = (np.cumsum(seen) - seen / 2) / seen.sum() if ranks else _values(cells)[line]
        score = np.where(held, score, 0.0)
        total = np.clip(np.cumsum(share) / share.sum(), 0, 1)[:-1]
        edges = np.concatenate([[-np.inf], ndtri(total), [np.inf]])
        alone = cells.low == cells.high if len(cells.low) else np.ones(len(cells.share), bool)
        tied = bool((cells.share[alone] > _TIED).any() or gap is not None)
        share = share / share.sum()
        present, scores, squares = (_expand(f, share, edges) for f in (held.astype(float), score, score**2))
        return cls(present, scores, squares, tied)


def _values(cells: Cells) -> Array:
    """Return a number for each code, around 0 and of spread 1."""
    values = (cells.low + cells.high) / 2 if len(cells.low) else np.arange(len(cells.share), dtype=np.float64)
    share = (
        cells.share
        if cells.blank is None
        else np.where(np.arange(len(cells.share)) == cells.blank, 0.0, cells.share)
    )
    mean = float(values @ share) / share.sum()
    spread = float(np.sqrt(share @ (values - mean) ** 2 / share.sum()))
    values = (values - mean) / max(spread, 1e-300)
    return np.append(0.0, values) if cells.missing > 0 else values


def _expand(values: Array, share: Array, edges: Array) -> Array:
    """Return the Hermite coefficients of a function that is constant between edges."""
    density = np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi)
    finite = np.where(np.isfinite(edges), edges, 0.0)
    terms = np.empty(_TERMS)
    terms[0] = values @ share
    before, here = np.zeros(len(edges)), np.ones(len(edges))
    for k in range(1, _TERMS):
        terms[k] = (-np.diff(here * density) @ values) / np.sqrt(k)
        before, here = here, (finite * here - np.sqrt(k - 1) * before) / np.sqrt(k)
    return terms


def find_latent(one: Scores, two: Scores, told: float, names: tuple[str, str]) -> float:
    """Find the correlation of normals under which scores have the one that is told.

    Parameters
    ----------
    one, two : Scores
        The columns.
    told : float
        The correlation of scores in rows in which neither is missing.
    names : (str, str)
        The columns' names, for the message.

    Raises
    ------
    OptionError
        Ties keep them from having it.

    Notes
    -----
    A mean of a product of functions of two normals is a power series in their correlation (Mehler).

    Examples
    --------
    >>> even = Scores.of(Cells(np.array([0.5, 0.5])))
    >>> round(find_latent(even, even, 0.5, ("a", "b")), 2)
    0.71
    """
    powers = _GRID[:, None] ** np.arange(_TERMS)

    def mean(f: Array, g: Array) -> Array:
        return np.asarray(powers @ (f * g))

    both = mean(one.present, two.present)
    first, second = mean(one.score, two.present) / both, mean(one.present, two.score) / both
    shared = mean(one.score, two.score) / both - first * second
    spread = (mean(one.square, two.present) / both - first**2) * (
        mean(one.present, two.square) / both - second**2
    )
    # few terms do not quite reach the ends
    table = np.maximum.accumulate(shared / np.sqrt(np.maximum(spread, 1e-12)))
    if not table[0] <= told <= table[-1]:
        raise OptionError(
            f"correlation of {names[0]!r} and {names[1]!r}: with values as often as told, it lies "
            f"between {table[0]:.3f} and {table[-1]:.3f}, and can not be {told:g}. Correct it, or tell that of the "
            "normals underneath with of='normal'."
        )
    return float(np.interp(told, table, _GRID))
