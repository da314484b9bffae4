"""Products and ratios of two numbers, rounded as the data are: ``amount = price x quantity``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from simulacra.domain import Array
from simulacra.relations._look import Look
from simulacra.relations.relation import FEWEST, HOLDS, VARIED, Prediction, Range, span

MOST_AXES = 120
"""Numbers among which products are looked for; their pairs are tried on every other one."""
BATCH = 12
HUNDRED = 100
ROUNDINGS = ("half up", "half even", "binary", "down")
"""Ways to round: of ties away from 0, of ties to even, of binary fractions as floats do, and cutting off."""
TIE = 1e-7


@dataclass(frozen=True, eq=False)
class Product(Prediction):
    """One number as the product of two others, or their ratio, rounded to its own decimals.

    Parameters
    ----------
    target : str
        The axis that is rebuilt.
    left : str
        The first factor, or what is divided.
    right : str
        The second factor, or the divisor.
    ratio : bool
        Whether `left` is divided by `right`.
    factor : int
        100 for percentages.
    units : tuple of float
        What one position is worth on the lattices of target, left and right.
    rounding : str
        One of `ROUNDINGS`.
    """

    kind: ClassVar[str] = "product"
    left: str
    right: str
    ratio: bool = False
    factor: int = 1
    units: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rounding: str = "half up"

    @property
    def sources(self) -> tuple[str, ...]:
        """Both factors, or what is divided and the divisor."""
        return (self.left, self.right)

    def predict(self, arrays: Mapping[str, Array]) -> Array:
        """Return the rounded product for every row, NaN where a source is missing or the divisor 0."""
        left, right = arrays[self.left], arrays[self.right]
        if self.rounding == "binary":
            a, b = _values(left, self.units[1]), _values(right, self.units[2])
            total = self.factor * self._combine(a, b)
            return np.rint(total * _per(self.units[0]) if _per(self.units[0]) else total / self.units[0])
        worth = self.units[1] / self.units[2] if self.ratio else self.units[1] * self.units[2]
        return _round(self._combine(left, right) * (self.factor * worth / self.units[0]), self.rounding)

    def _combine(self, left: Array, right: Array) -> Array:
        if not self.ratio:
            return left * right
        return left / np.where(right == 0, np.nan, right)

    def reach(self, limits: Mapping[str, Range]) -> Range:
        """Return the smallest and largest value that sources within limits can give."""
        left, right = (np.array(limits[name]) for name in self.sources)
        if self.ratio and right[0] <= 0 <= right[1]:
            # a whole divisor that is not 0 is at least 1 from it
            right = np.array([x for x in (right[0], -1.0, 1.0, right[1]) if x and right[0] <= x <= right[1]])
        grid = {self.left: np.repeat(left, len(right)), self.right: np.tile(right, len(left))}
        return span(self.predict(grid))

    def __str__(self) -> str:
        times = f"{self.factor} x " if self.factor != 1 else ""
        return f"'{self.target}' = {times}'{self.left}' {'/' if self.ratio else 'x'} '{self.right}'"


def find_products(look: Look, arrays: Mapping[str, Array]) -> list[Product]:
    """Find products and ratios among lattice axes, those that hold in most rows first.

    Parameters
    ----------
    look : Look
        Rows on which candidates are found.
    arrays : dict
        All rows, on which they are verified.

    Notes
    -----
    **Cost**: cubic in the numbers looked at (at most 120), on 12 rows at a time.
    """
    seen = {axis.name: rows for axis, rows in zip(look.axes, look.rows, strict=True)}
    likely = [draft for draft in _candidates(look) if _finish(draft, seen) is not None]
    found = [relation for draft in likely if (relation := _finish(draft, arrays)) is not None]
    return sorted(found, key=lambda r: (-r.share, r.ratio, -look.place[r.target], str(r)))


def _finish(draft: Product, arrays: Mapping[str, Array]) -> Product | None:
    """Choose the rounding that holds in most rows; None if it holds in too few, or has too little to show for it."""
    values = arrays[draft.target]
    best: Product | None = None
    for rounding in ROUNDINGS:
        relation = replace(draft, rounding=rounding)
        predicted = relation.predict(arrays)
        complete = ~np.isnan(predicted) & ~np.isnan(values)
        # a product of 0 is easily right
        telling = complete & (values != 0)
        if telling.sum() < FEWEST:
            return None
        right = predicted == values
        share = float(right[telling].mean())
        if share >= HOLDS and (best is None or share > best.share):
            best = replace(relation, share=share, exact=bool(right[complete].all()))
    return best


def _candidates(look: Look) -> Iterator[Product]:
    """Try every pair on every other number, in small batches, so that a few wrong rows hide nothing from all."""
    numbers = [i for i, axis in enumerate(look.axes) if axis.period is None and look.distinct[axis.name] > 1][
        :MOST_AXES
    ]
    units = np.array([look.axes[i].unit for i in numbers])
    names = [look.axes[i].name for i in numbers]
    targets = np.array([look.distinct[name] >= VARIED for name in names])
    seen: set[tuple[int, int, int, bool, int]] = set()
    for batch in range(4):
        rows = _telling_rows(look.rows[numbers], batch)
        if rows.shape[1] < BATCH:
            return
        values = rows * units[:, None]
        for a in range(len(numbers)):
            for ratio, factor in ((False, 1), (True, 1), (True, HUNDRED)):
                with np.errstate(divide="ignore", invalid="ignore"):
                    total = factor * (values[a] / values if ratio else values[a] * values)
                near = np.abs(total[:, None, :] / units[None, :, None] - rows[None, :, :]) <= 1.0 + TIE
                for b, c in np.argwhere(near.all(axis=2) & targets[None, :]).tolist():
                    key = (c, a, b, ratio, factor)
                    if len({a, b, c}) < 3 or key in seen or (not ratio and a > b):
                        continue
                    seen.add(key)
                    yield Product(
                        names[c], names[a], names[b], ratio, factor,
                        (float(units[c]), float(units[a]), float(units[b])),
                    )  # fmt: skip


def _telling_rows(rows: Array, batch: int) -> Array:
    """Take rows in which most numbers are not 0."""
    order = np.argsort(-(rows != 0).sum(axis=0), kind="stable")
    return rows[:, order[batch * BATCH : (batch + 1) * BATCH]]


def _round(total: Array, rounding: str) -> Array:
    size = np.abs(total)
    slack = TIE * np.maximum(size, 1.0) * 1e-3 + TIE
    if rounding == "down":
        return np.sign(total) * np.floor(size + slack)
    near = np.floor(size)
    tie = np.abs(size - near - 0.5) < slack
    up = np.where(tie, near + 1, np.rint(size))
    if rounding == "half even":
        up = np.where(tie, near + near % 2, up)
    return np.sign(total) * up


def _per(unit: float) -> float:
    """Return how many positions make 1, or 0 where that is no whole number."""
    whole = round(1 / unit) if 0 < unit <= 1 else 0
    return float(whole) if whole and abs(whole * unit - 1) < 1e-9 else 0.0


def _values(positions: Array, unit: float) -> Array:
    """Turn positions into the floats that stand in the data."""
    return positions / _per(unit) if _per(unit) else positions * unit
