"""Axes as digits of at most 255 codes: one digit, or a coarse and a fine one where an axis has more codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from simulacra.domain import Array, Axis, Block
from simulacra.errors import DataError
from simulacra.models.table._views import View

BASE = 255
"""Largest number of codes of a digit."""
_BINS = 16
_LEVELS = 32
_TRAITS = 3
_LOOK = 50_000
"""Rows looked at for the order of levels and of columns."""


@dataclass(frozen=True, slots=True)
class Digits:
    """How the codes of one view become one or two digits.

    Parameters
    ----------
    view : View
        The view.
    members : array
        The view's codes that occur, in the order of the digits.
    start : array
        Where each coarse group starts in `members`, and the end; empty for an axis of one digit.
    """

    view: View
    members: Array
    start: Array

    @classmethod
    def fit(cls, view: View, codes: Array, position: Array) -> Self:
        """Arrange the codes that occur; `position` gives each code of the view its place."""
        present, counts = np.unique(codes, return_counts=True)
        if len(present) > BASE * BASE:
            raise DataError(
                f"axis {view.axis.name!r}: {len(present):,} levels occur, and this model takes at most "
                f"{BASE * BASE:,}. Merge levels, or leave the column out."
            )
        order = np.argsort(position[present], kind="stable")
        if len(present) <= BASE:
            return cls(view, present[order], np.empty(0, np.int64))
        return cls(view, present[order], _groups(counts[order]))

    @property
    def nominal(self) -> bool:
        """Whether the codes have no order of their own."""
        return self.view.axis.size is not None and not self.view.axis.ordered

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of codes of each digit."""
        if not len(self.start):
            return (max(len(self.members), 1),)
        return (len(self.start) - 1, int(np.diff(self.start).max()))

    def split(self, codes: Array) -> tuple[Array, ...]:
        """Turn the view's codes into digits; a code that never occurred becomes the nearest that did."""
        by_code = np.argsort(self.members, kind="stable")
        known = self.members[by_code].astype(np.int64)
        wanted = codes.astype(np.int64)
        right = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        left = np.maximum(right - 1, 0)
        at = by_code[np.where(np.abs(known[left] - wanted) < np.abs(known[right] - wanted), left, right)]
        if not len(self.start):
            return (at.astype(np.uint8),)
        coarse = np.searchsorted(self.start, at, side="right") - 1
        return coarse.astype(np.uint8), (at - self.start[coarse]).astype(np.uint8)

    def join(self, digits: Sequence[Array]) -> Array:
        """Turn digits into the view's codes."""
        if not len(self.start):
            return self.members[digits[0]]
        return self.members[self.start[digits[0]] + digits[1]]

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON and arrays."""
        return {"view": self.view.dump(), "members": self.members, "start": self.start.astype(np.int32)}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the digits from what `dump` gave."""
        return cls(View.restore(state["view"]), state["members"], state["start"].astype(np.int64))


def split_axes(block: Block, rng: np.random.Generator) -> tuple[list[Digits], list[tuple[Array, ...]]]:
    """Learn the digits of every axis of a block, and give the rows' digits.

    Parameters
    ----------
    block : Block
        The rows.
    rng : Generator
        For the projections by which levels of large vocabularies are ordered.

    Returns
    -------
    digits : list of Digits
        One per axis.
    arrays : list of tuple of array of uint8
        The rows' digits, one or two arrays per axis.
    """
    views = [
        View.fit(axis, values, max_codes=BASE, max_exact=BASE * BASE)
        for axis, values in zip(block.domain.axes, block.columns)
    ]
    codes = [view.encode(values) for view, values in zip(views, block.columns)]
    traits = [_traits(view.axis, c, rng) for view, c in zip(views, codes)]
    digits = []
    for index, (view, c) in enumerate(zip(views, codes)):
        place = np.arange(view.size)
        large = view.axis.size is not None and not view.axis.ordered and view.size > BASE
        others = [t for other, t in enumerate(traits) if other != index]
        if large and others:
            place = _by_association(c, view.size, np.concatenate(others, axis=1))
        digits.append(Digits.fit(view, c, place))
    return digits, [d.split(c) for d, c in zip(digits, codes)]


def association(arrays: Sequence[Array], nominal: Sequence[bool], rng: np.random.Generator) -> Array:
    """Estimate the mutual information of every pair of digits, in nats, less the bias of a finite table.

    Parameters
    ----------
    arrays : sequence of array of uint8
        One array of codes per digit.
    nominal : sequence of bool
        Which digits have unordered codes.
    rng : Generator
        Chooses the rows to look at when there are many.

    Returns
    -------
    array, shape (digits, digits)
        Symmetric, with a zero diagonal.

    Notes
    -----
    **Source.** Bias correction: Miller 1955, "Note on the bias of information estimates".
    """
    rows = len(arrays[0]) if arrays else 0
    look = np.sort(rng.choice(rows, _LOOK, replace=False)) if rows > _LOOK else slice(None)
    binned = [_coarsen(a[look], unordered) for a, unordered in zip(arrays, nominal)]
    result = np.zeros((len(arrays), len(arrays)))
    for i, (a, ka) in enumerate(binned):
        for j, (b, kb) in enumerate(binned[:i]):
            if ka > 1 and kb > 1:
                joint = np.bincount(a * kb + b, minlength=ka * kb).reshape(ka, kb)
                result[i, j] = result[j, i] = _information(joint)
    return result


def _information(joint: Array) -> float:
    n = joint.sum()
    p = joint / n
    expected = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)
    full = p > 0
    value = float((p[full] * np.log(p[full] / expected[full])).sum())
    return max(value - (joint.shape[0] - 1) * (joint.shape[1] - 1) / (2 * n), 0.0)


def _coarsen(codes: Array, nominal: bool) -> tuple[Array, int]:
    counts = np.bincount(codes)
    if nominal:
        rank = np.empty(len(counts), np.int64)
        rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
        bins = np.minimum(rank, _LEVELS - 1)
    else:
        middle = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1)
        bins = np.minimum((middle * _BINS).astype(np.int64), _BINS - 1)
    used, dense = np.unique(bins[np.flatnonzero(counts)], return_inverse=True)
    table = np.zeros(len(counts), np.int64)
    table[np.flatnonzero(counts)] = dense
    return table[codes], len(used)


def _traits(axis: Axis, codes: Array, rng: np.random.Generator) -> Array:
    counts = np.bincount(codes)
    if axis.size is None or axis.ordered:
        middle = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1)
        return middle[codes][:, None].astype(np.float32) * np.float32(np.sqrt(12))
    share = np.maximum(counts / counts.sum(), 0.002)
    table = rng.standard_normal((len(counts), _TRAITS)) / np.sqrt(share * _TRAITS)[:, None]
    return table[codes].astype(np.float32)


def _by_association(codes: Array, size: int, traits: Array) -> Array:
    """Place levels by the first principal component of the mean traits of their rows."""
    counts = np.bincount(codes, minlength=size)
    traits = traits - traits.mean(0)
    sums = np.stack([np.bincount(codes, column, minlength=size) for column in traits.T], axis=1)
    scaled = sums / np.sqrt(np.maximum(counts, 1))[:, None]
    main = np.linalg.svd(scaled, full_matrices=False)[2][0]
    return (sums / np.maximum(counts, 1)[:, None]) @ main


def _groups(counts: Array) -> Array:
    """Cut levels in order into at most BASE runs of about equal weight, none longer than BASE."""
    starts = [0]
    mass, left, levels = 0, int(counts.sum()), len(counts)
    for index in range(levels):
        mass += int(counts[index])
        still = BASE - len(starts)
        enough = mass * (still + 1) >= left and levels - index - 1 <= BASE * still
        if index + 1 < levels and still and (enough or index + 1 - starts[-1] == BASE):
            starts.append(index + 1)
            left -= mass
            mass = 0
    return np.array([*starts, levels], np.int64)
