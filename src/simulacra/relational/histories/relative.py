"""Values told by what they repeat: "the same as in the row before", "the same as in the sibling's row beside it".

A team that a player stays with, a price that does not change, the games that two tables count alike: a model that draws
the value itself has to learn one rule for each value. So a value that repeats another one gets a code, or a difference,
of its own, and the model learns when things stay the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulacra.domain import Array, Axis, Block, Domain, code_dtype

MORE = 0.1
"""How much oftener than by chance a value must repeat another before it is told by it."""

STEPS, SLOW = 200, 0.3
"""Rows from which, and share of the middle half of values within which three quarters of the steps must stay for a
number to be told by its steps."""


@dataclass(frozen=True)
class Relative:
    """How one axis is told.

    Parameters
    ----------
    axis : Axis
        The axis as it is.
    last : bool
        Whether "as in the row before" is a code.
    beside : str or None
        The axis of the row beside it that it may equal.
    names : array or None
        For coded axes: the own code of each code of that axis, -1 where there is none.
    spare : array
        The share of each code, or a few values, for where there is nothing to repeat.
    limits : (float, float)
        Smallest and largest value of a real axis.
    start : float
        What a first row is told by.
    side : int
        For real axes with a value beside: -1 where it is never above that, 1 where it is never below, else 0.
    """

    axis: Axis
    last: bool
    beside: str | None
    names: Array | None
    spare: Array
    limits: tuple[float, float] = (-np.inf, np.inf)
    start: float = 0.0
    side: int = 0

    @property
    def plain(self) -> bool:
        """Whether the axis is told as it is."""
        return not self.last and self.beside is None

    @property
    def told(self) -> Axis:
        """The axis that the model learns."""
        if self.plain:
            return self.axis
        if self.axis.size is None:
            return replace(self.axis, period=None, calendar=False, first=self.beside is not None)
        size = self.axis.size + self.last + (self.beside is not None)
        return replace(self.axis, size=size, ordered=False, first=self.beside is not None)

    def tell(self, values: Array, last: Array, beside: Mapping[str, Array]) -> Array:
        """Turn values into what the model learns."""
        if self.plain:
            return values
        if self.axis.size is None and self.beside is not None:
            # a value of its own says "the same"; the others stay what they are, so that more can be told from them
            return np.where(values == beside[self.beside], self.limits[1] + 1, values)
        if self.axis.size is None:
            return values - np.where(np.isnan(last), self.start, last)
        told = values.astype(code_dtype(int(self.told.size or 0)))
        if self.last:
            told[values == last] = self.axis.size
        if self.beside is not None:
            told[values == self._own(beside[self.beside])] = self.axis.size + self.last
        return told

    def read(self, told: Array, last: Array, beside: Mapping[str, Array], rng: np.random.Generator) -> Array:
        """Turn what a model drew into values."""
        if self.plain:
            return told
        if self.axis.size is None and self.beside is not None:
            return self._near(told, beside[self.beside])
        if self.axis.size is None:
            return np.clip(told + np.where(np.isnan(last), self.start, last), *self.limits)
        values = told.astype(np.int64)
        if self.beside is not None:
            same = told == self.axis.size + self.last
            values[same] = self._own(beside[self.beside])[same]
        if self.last:
            same = told == self.axis.size
            values[same] = last[same]
        lost = (values < 0) | (values >= self.axis.size)
        if lost.any():
            values[lost] = rng.choice(self.axis.size, int(lost.sum()), p=self.spare)
        return values.astype(code_dtype(self.axis.size))

    def _own(self, codes: Array) -> Array:
        assert self.names is not None
        return np.append(self.names, -1)[np.minimum(codes, len(self.names))]

    def _near(self, told: Array, other: Array) -> Array:
        """Return what was drawn, and the value beside it where that is said to be the same or is the end."""
        bound = np.where(np.isnan(other), self.limits[1], other)
        own = np.clip(told, *self.limits)
        if self.side:
            own = np.minimum(own, bound) if self.side < 0 else np.maximum(own, bound)
        return np.where(told > self.limits[1], bound, own)

    def dump(self) -> dict[str, Any]:
        """Return the state."""
        state: dict[str, Any] = {
            "axis": self.axis.dump(), "last": self.last, "beside": self.beside, "spare": self.spare,
            "limits": [float(end) if np.isfinite(end) else None for end in self.limits], "start": self.start,
            "side": self.side,
        }  # fmt: skip
        return state if self.names is None else {**state, "names": self.names}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Relative:
        """Make it from what `dump` gave."""
        low, high = state["limits"]
        limits = (-np.inf if low is None else float(low), np.inf if high is None else float(high))
        names = np.asarray(state["names"], np.int64) if "names" in state else None
        return cls(
            Axis.restore(state["axis"]), bool(state["last"]), state["beside"], names,
            np.asarray(state["spare"], float), limits, float(state["start"]),
            int(state["side"]),
        )  # fmt: skip


def choose_relatives(
    block: Block,
    last: Sequence[Array],
    beside: Mapping[str, Array],
    names: Mapping[str, tuple[str, Array | None]],
) -> tuple[Relative, ...]:
    """Decide how each axis is told, by how often it repeats what.

    Parameters
    ----------
    block : Block
        Rows as they are.
    last : sequence of array
        The value of each axis in the row before; NaN, or the number of codes, where there is none.
    beside : mapping of str to array
        The values of the row beside.
    names : mapping
        For axes that have one of the same meaning beside them: its name, and their own codes for its codes.
    """
    found = []
    for axis, values, before in zip(block.domain.axes, block.columns, last, strict=True):
        if axis.size is None:
            found.append(_choose_real(axis, values, before, beside, names))
        else:
            found.append(_choose_code(axis, values, before, beside, names))
    return tuple(found)


def _choose_code(
    axis: Axis,
    values: Array,
    before: Array,
    beside: Mapping[str, Array],
    names: Mapping[str, tuple[str, Array | None]],
) -> Relative:
    size = int(axis.size or 0)
    share = np.bincount(values, minlength=size) / max(len(values), 1)
    chance = float((share**2).sum())
    held = before < size
    last = size > 2 and bool(held.any()) and float((values == before)[held].mean()) > chance + MORE
    other, codes = names.get(axis.name, (None, None))
    if other is not None and codes is not None:
        own = np.append(codes, -1)[np.minimum(beside[other], len(codes))]
        there = own >= 0
        if there.any() and float((values == own)[there].mean()) > chance + MORE:
            return Relative(axis, last, other, codes, share)
    return Relative(axis, last, None, None, share)


def _choose_real(
    axis: Axis,
    values: Array,
    before: Array,
    beside: Mapping[str, Array],
    names: Mapping[str, tuple[str, Array | None]],
) -> Relative:
    plain = Relative(axis, False, None, None, np.zeros(0))
    seen = values[~np.isnan(values)]
    if not len(seen) or np.isnan(values).any():
        return plain
    _, counts = np.unique(seen, return_counts=True)
    chance = float(((counts / len(seen)) ** 2).sum())
    limits = (float(seen.min()), float(seen.max()))
    other = names.get(axis.name, (None, None))[0]
    if other is not None:
        there = ~np.isnan(beside[other])
        if there.mean() > 0.5 and float((values == beside[other])[there].mean()) > chance + 2 * MORE:
            above = (values - beside[other])[there]
            side = -1 if (above <= 0).all() else 1 if (above >= 0).all() else 0
            return replace(plain, beside=other, limits=limits, side=side)
    held = ~np.isnan(before)
    if held.any() and float((values == before)[held].mean()) > chance + 3 * MORE:
        return replace(plain, last=True, limits=limits)
    if axis.period is None and held.sum() >= STEPS and _moves_slowly(values, before, held):
        first = values[~held]
        return replace(plain, last=True, limits=limits, start=float(np.median(first)) if len(first) else 0.0)
    return plain


def _moves_slowly(values: Array, before: Array, held: Array) -> bool:
    """Tell whether a value mostly lies near the one before, seen from how far apart values lie."""
    moves = np.abs(values[held] - before[held])
    low, high = np.quantile(values, (0.25, 0.75))
    return bool(np.quantile(moves, 0.75) < SLOW * (high - low))


def told_domain(relatives: Sequence[Relative]) -> Domain:
    """Return the domain that the model learns."""
    return Domain(tuple(relative.told for relative in relatives))
