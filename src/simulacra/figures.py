"""What a model is told when it is made from figures, with no rows at all: margins, correlations, tables of chances."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from simulacra.domain import Array


def _nothing() -> Array:
    return np.empty(0)


@dataclass(frozen=True, slots=True)
class Cells:
    """The distribution of one axis, told in cells: the codes of an axis, or exact values and bins of a real one.

    Parameters
    ----------
    share : array
        The chance of every cell; with `missing` they sum to 1.
    low, high : array
        Of a real axis: where each cell starts and ends, ascending; equal for an exact value. Values lie evenly in a
        bin. Empty for an axis of codes.
    missing : float
        Of a real axis: the chance of "no value".
    blank : int or None
        Of an axis of codes: the code of "no value", if there is one.

    Examples
    --------
    >>> Cells(np.array([0.2, 0.7]), np.array([0.0, 0.0]), np.array([0.0, 5.0]), missing=0.1).chances().tolist()
    [0.1, 0.2, 0.7]
    """

    share: Array
    low: Array = field(default_factory=_nothing)
    high: Array = field(default_factory=_nothing)
    missing: float = 0.0
    blank: int | None = None

    @property
    def gap(self) -> int | None:
        """The code of "no value", if there is one."""
        return 0 if self.missing > 0 else self.blank

    def line(self) -> Array:
        """Return the codes as they lie on the line on which columns are correlated.

        "No value" lies in the middle of the others, where it says least of what goes with it.

        Examples
        --------
        >>> Cells(np.array([0.25, 0.25, 0.25, 0.25]), blank=3).line().tolist()
        [0, 3, 1, 2]
        """
        codes = np.arange(len(self.chances()))
        if self.gap is None:
            return codes
        others = np.delete(codes, self.gap)
        total = np.cumsum(self.chances()[others])
        return np.insert(others, np.searchsorted(total, total[-1] / 2 - 1e-12), self.gap)

    def chances(self) -> Array:
        """Return the chance of every code of the axis' view, in which "no value", if it can be, is code 0."""
        return np.append(self.missing, self.share) if self.missing > 0 else self.share


@dataclass(frozen=True, slots=True)
class Chances:
    """The chances of the codes of one axis, given those of its parents.

    Parameters
    ----------
    parents : tuple of int
        Positions of axes.
    table : array, shape (codes of the first parent, ..., own codes)
        The last dimension sums to 1.
    """

    parents: tuple[int, ...]
    table: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All that a model is told of a domain.

    Parameters
    ----------
    cells : tuple of Cells
        One for each axis.
    told : tuple of str
        For each axis, its distribution in words.
    correlations : array or None, shape (axes, axes)
        The matrix of an elliptical copula, positive definite with ones on its diagonal; None for no correlations.
    chances : tuple of Chances or None
        One for each axis; None where no axis has parents.
    """

    cells: tuple[Cells, ...]
    told: tuple[str, ...]
    correlations: Array | None = None
    chances: tuple[Chances, ...] | None = None
