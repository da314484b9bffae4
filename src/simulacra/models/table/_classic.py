"""Classic trees with the donors of their leaves, and columns in bins that trees look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, code_dtype
from simulacra.models.table import _falls as falls
from simulacra.models.table._cart import BINS, grow

_HEAVY = 0.01
"""Share of rows from which a code is a bin of its own."""
_STATE = {
    "feature": np.int32, "cuts": np.uint8, "right": np.int32, "subset": np.int32, "sets": np.uint8,
    "first": np.int64, "codes": np.uint32, "counts": np.float64, "worth": np.float64,
}  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """How far trees grow; see `Cart`."""

    min_leaf: int
    max_depth: int
    complexity: float


@dataclass(frozen=True)
class Tree:
    """A grown tree with the donors of its leaves.

    Parameters
    ----------
    feature, cuts, right, subset, sets : arrays
        As `_cart.grow` returns them.
    first : array of int64, shape (leaves + 1,)
        Where the donors of each leaf begin.
    codes : array of uint32
        The codes of donors, ascending in each leaf.
    counts : array of float64
        The weight of the donors of each code.
    worth : array of float64, shape (predictors,)
        The share of the target's spread that each predictor explains.
    """

    feature: Array
    cuts: Array
    right: Array
    subset: Array
    sets: Array
    first: Array
    codes: Array
    counts: Array
    worth: Array

    @classmethod
    def grow(
        cls, x: Array, nominal: Array, y: Array, w: Array, rows: Array, sizes: Sizes, *, number: bool
    ) -> Self:
        """Grow the tree of some rows.

        Parameters
        ----------
        x : array of uint8, shape (predictors, rows)
            Bins of the predictors.
        nominal : array of bool, shape (predictors,)
            Which have unordered bins.
        y : array of int, shape (rows,)
            Codes of the target.
        w : array of float64, shape (rows,)
            Row weights.
        rows : array of int
            The rows to grow on: at least one, all of some weight.
        sizes : Sizes
            How far to grow.
        number : bool
            Whether near codes mean near values.
        """
        y = y.astype(np.int32)
        share = np.bincount(y[rows], w[rows], minlength=int(y.max(initial=0)) + 1)
        # of two classes the Gini index is twice the variance of either
        classes = 0 if number or len(share) < 3 else len(share)
        middle = (np.cumsum(share) - share / 2) / share.sum() - 0.5
        feature, cuts, right, subset, sets, leaf, worth = grow(
            x, nominal, rows.astype(np.int32), y, middle[y], w, classes,
            sizes.min_leaf, sizes.max_depth, sizes.complexity,
        )  # fmt: skip
        keys, place = np.unique(leaf[rows].astype(np.int64) * len(share) + y[rows], return_inverse=True)
        counts = np.bincount(place, w[rows], minlength=len(keys))
        first = np.searchsorted(keys, np.arange((feature < 0).sum() + 1) * len(share))
        codes = (keys % len(share)).astype(np.uint32)
        return cls(feature, cuts, right, subset, sets, first.astype(np.int64), codes, counts, worth)

    def draw(self, x: Array, uniform: Array, out: Array) -> None:
        """Draw a code for every row; x has the shape (rows, predictors)."""
        falls.draw(self._fall(x), self.first, self.codes, self._summed, uniform, out)

    def fill(self, x: Array, out: Array) -> None:
        """Write the chance of every code, shape (rows, codes), where it is not 0."""
        falls.fill(self._fall(x), self.first, self.codes, self._summed, out)

    def used(self) -> Array:
        """Return the predictors that the tree looks at."""
        return np.unique(self.feature[self.feature >= 0])

    @property
    def leaves(self) -> int:
        """How many leaves there are."""
        return len(self.first) - 1

    @cached_property
    def _summed(self) -> Array:
        return np.append(0.0, np.cumsum(self.counts))

    @cached_property
    def _leaf(self) -> Array:
        return np.cumsum(self.feature < 0) - 1

    def _fall(self, x: Array) -> Array:
        out = np.empty(len(x), np.int64)
        falls.fall(x, self.feature, self.cuts, self.right, self.subset, self.sets, self._leaf, out)
        return out

    def dump(self) -> dict[str, Any]:
        """Return the state as arrays."""
        return {name: getattr(self, name) for name in _STATE}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the tree from what `dump` gave."""
        return cls(**{name: np.asarray(state[name], kind) for name, kind in _STATE.items()})


def cut_codes(counts: Array, order: Array, alone: bool) -> Array:
    """Put the codes of an axis in at most 256 bins of about equally many rows.

    Parameters
    ----------
    counts : array, shape (codes,)
        Rows of each code.
    order : array, shape (codes,)
        The codes in the order in which they are put together.
    alone : bool
        Whether the first of them shares its bin with none.

    Returns
    -------
    array of uint8, shape (codes,)
        The bin of each code. Codes of a hundredth of the rows have their own.

    Examples
    --------
    >>> cut_codes(np.ones(1000), np.arange(1000), False)[[0, 1, 999]].tolist()
    [0, 0, 249]
    """
    if len(counts) <= BINS:
        return np.arange(len(counts), dtype=np.uint8)
    own = counts[order]
    heavy = own >= _HEAVY * max(own.sum(), 1)
    heavy[0] |= alone
    # beside each bin of one code, one may be left half full
    room = max(own[~heavy].sum() / (BINS - 2 * heavy.sum() - 2), 1e-9)
    bins = np.empty(len(own), np.uint8)
    bin_, held = 0, 0.0
    for place, (count, single) in enumerate(zip(own.tolist(), heavy.tolist())):
        if place and (single or heavy[place - 1] or held >= room):
            bin_, held = bin_ + 1, 0.0
        bins[place] = bin_
        held += count
    found = np.empty(len(own), np.uint8)
    found[order] = bins
    return found


def kind_of(size: int) -> type[np.unsignedinteger[Any]]:
    """Return the type of codes of an axis that may have none."""
    return code_dtype(max(size, 1))
