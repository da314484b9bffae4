"""Sums, differences, equalities and clock sums: ``total = net + tax``, ``end = start + took (modulo a day)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, ClassVar, Self

import numpy as np

from simulacra.domain import Array, Block
from simulacra.relations._look import Look
from simulacra.relations.relation import HOLDS, MARK, VARIED, Prediction, Range

ALIKE = 0.3
"""How much more often than by chance two numbers of rows are equal, of which one is told by the other."""
HOUR = 60
DAY = 24 * HOUR


@dataclass(frozen=True, eq=False)
class Sum(Prediction):
    """One axis as a whole-numbered sum of others, in positions on their lattices.

    Parameters
    ----------
    target : str
        The axis that is rebuilt.
    terms : tuple of (str, int)
        Axes and what each is multiplied by.
    constant : int
        Added to the sum.
    period : int or None
        The sum is taken modulo this (1,440 for clock times in minutes), into `base` to ``base + period - 1``.
    base : int
        Smallest value of a sum that has a period.
    """

    kind: ClassVar[str] = "sum"
    terms: tuple[tuple[str, int], ...]
    constant: int = 0
    period: int | None = None
    base: int = 0

    @property
    def sources(self) -> tuple[str, ...]:
        """The axes that are added."""
        return tuple(name for name, _ in self.terms)

    @property
    def circular(self) -> bool:
        """Whether the sum has a period."""
        return self.period is not None

    @property
    def copies(self) -> bool:
        """Whether the target is another column once more."""
        return self.exact and len(self.terms) == 1 and self.terms[0][1] == 1 and not self.constant

    def predict(self, arrays: Mapping[str, Array]) -> Array:
        """Return the sum for every row, NaN where a source is missing."""
        total = np.full(len(arrays[self.sources[0]]), float(self.constant))
        for name, factor in self.terms:
            total = total + factor * arrays[name]
        return self._fold(total)

    def _between(self, left: Array) -> Array:
        if self.period is None:
            return left
        return (left + self.period // 2) % self.period - self.period // 2

    def _fold(self, total: Array) -> Array:
        return total if self.period is None else (total - self.base) % self.period + self.base

    def reach(self, limits: Mapping[str, Range]) -> Range:
        """Return the smallest and largest value that sources within limits can give."""
        if self.period is not None:
            return float(self.base), float(self.base + self.period - 1)
        ends = [sorted((factor * limits[name][0], factor * limits[name][1])) for name, factor in self.terms]
        return self.constant + sum(e[0] for e in ends), self.constant + sum(e[1] for e in ends)

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """Make the relation from what `dump` gave."""
        terms = tuple((str(name), int(factor)) for name, factor in state["terms"])
        return super().restore({**state, "terms": terms})

    def __str__(self) -> str:
        parts = [
            f"{'-' if f < 0 else '+'} {'' if abs(f) == 1 else f'{abs(f)} x '}'{name}'"
            for name, f in self.terms
        ]
        total = " ".join(parts).removeprefix("+ ")
        total += f" {'+' if self.constant > 0 else '-'} {abs(self.constant)}" if self.constant else ""
        return f"'{self.target}' = {total}" + (f" (modulo {self.period:,})" if self.period else "")


def find_sums(look: Look, arrays: Mapping[str, Array]) -> list[Sum]:
    """Find sums, differences, equalities and clock sums among lattice axes, the most telling first.

    Parameters
    ----------
    look : Look
        Rows on which candidates are verified.
    arrays : dict
        All rows, on which what was found is finished.

    Notes
    -----
    **Cost**: quadratic in axes, on at most 4,000 rows: each axis is reduced to a random linear fingerprint, so that
    ``c = a + b`` is a lookup of a sum among fingerprints (after Freivalds 1977, "Probabilistic machines can use less
    running time").
    """
    found = {relation.target + str(relation): relation for relation in _candidates(look)}
    # the richest target first: of a = b + c, b = a - c and c = a - b, the one with most values is rebuilt
    ranked = sorted(
        found.values(),
        key=lambda r: (
            r.period is None,
            -round(r.share, 3),
            -look.distinct[r.target],
            -look.place[r.target],
            str(r),
        ),
    )
    return [settled for relation in ranked if (settled := _finish(relation, arrays)) is not None]


def find_counts(block: Block) -> list[Sum]:
    """Find numbers of rows in histories that are mostly the number in another table: they are told by the difference.

    Parameters
    ----------
    block : Block
        Encoded rows.

    Notes
    -----
    **Cost**: linear in rows, for each pair of such columns.
    """
    names = [
        axis.name
        for axis in block.domain.axes
        if axis.column.startswith(f"{MARK}rows") and axis.size is None and axis.lattice
    ]
    arrays = dict(zip(block.domain.names, block.columns, strict=True))
    found: list[Sum] = []
    for place, name in enumerate(names):
        own = arrays[name]
        gains = [(_more_alike(own, arrays[other]), other) for other in names[:place]]
        gain, other = max(gains, default=(0.0, ""))
        if gain >= ALIKE and not np.isnan(own).any() and not np.isnan(arrays[other]).any():
            found.append(Sum(name, ((other, 1),), share=float((own == arrays[other]).mean())))
    return found


def _more_alike(one: Array, two: Array) -> float:
    """Return how much more often two numbers are equal than they would be by chance."""
    values, codes = np.unique(np.concatenate([one, two]), return_inverse=True)
    shares = [np.bincount(side, minlength=len(values)) / max(len(one), 1) for side in np.split(codes, 2)]
    return float((one == two).mean() - (shares[0] * shares[1]).sum())


def _finish(relation: Sum, arrays: Mapping[str, Array]) -> Sum | None:
    """Finish a sum on all rows; None if a value could not be had back, as where both 0000 and 2400 occur."""
    values = arrays[relation.target]
    if relation.period is not None:
        # midnight is 0, or 2400 where it is written so
        relation = replace(relation, base=int(np.nanmax(values) == relation.period))
    left = relation.take_out(arrays)[relation.target]
    complete = ~np.isnan(relation.predict(arrays)) & ~np.isnan(values)
    relation = replace(relation, exact=bool((left[complete] == 0).all()))
    back = relation.put_back({**arrays, relation.target: left})[relation.target]
    return relation if np.array_equal(back, values, equal_nan=True) else None


def _candidates(look: Look) -> Iterator[Sum]:
    for target, terms, period in (*_sums(look), *_clock_sums(look), *_hours_and_minutes(look)):
        relation = _check(look, target, terms, period)
        if relation is not None:
            yield relation


def _check(
    look: Look, target: int, terms: tuple[tuple[int, int], ...], period: int | None = None
) -> Sum | None:
    """Return the relation if it holds, with the constant that most rows agree on."""
    if look.distinct[look.axes[target].name] < VARIED:
        return None
    left = look.rows[target] - sum(factor * look.rows[source] for source, factor in terms)
    left = left if period is None else left % period
    values, counts = np.unique(left, return_counts=True)
    share = float(counts.max() / len(left))
    if share < HOLDS:
        return None
    named = tuple((look.axes[source].name, factor) for source, factor in terms)
    return Sum(look.axes[target].name, named, int(values[counts.argmax()]), period, share=share)


Candidate = tuple[int, tuple[tuple[int, int], ...], int | None]


def _sums(look: Look) -> set[Candidate]:
    """Look the sum of every two fingerprints up among the fingerprints."""
    varied = [i for i, axis in enumerate(look.axes) if look.distinct[axis.name] > 1]
    units = np.array([look.axes[i].unit for i in varied])
    found: set[Candidate] = set()
    # small batches, so that a few rows that break a rule do not hide it from all of them
    for batch in range(4):
        values = look.rows[varied][:, batch * 12 : batch * 12 + 12] * units[:, None]
        weights = np.cos(np.arange(1, values.shape[1] + 1) ** 2 * 1.7)
        prints = (values - values[:, :1]) @ weights
        scale = np.abs(values - values[:, :1]).max(initial=1.0)
        order = np.argsort(prints, kind="stable")
        tolerance = 1e-9 * scale * len(weights)
        for sources, total in _pair_totals(prints):
            low = np.searchsorted(prints[order], total - tolerance)
            high = np.searchsorted(prints[order], total + tolerance)
            for hit in np.flatnonzero(high > low):
                for position in range(low[hit], min(high[hit], low[hit] + 4)):
                    target = order[position]
                    terms = _whole_terms(units, target, sources[hit])
                    if terms and target not in [s for s, _ in sources[hit]]:
                        found.add((varied[target], tuple((varied[s], f) for s, f in terms), None))
    return found


def _pair_totals(prints: Array) -> Iterator[tuple[list[tuple[tuple[int, int], ...]], Array]]:
    n = len(prints)
    yield [((a, 1),) for a in range(n)], prints.copy()
    for a in range(n):
        others = [b for b in range(n) if b != a]
        yield [((a, 1), (b, 1)) for b in others if b > a], prints[a] + prints[a + 1 :]
        yield [((a, 1), (b, -1)) for b in others], prints[a] - prints[others]


def _whole_terms(
    units: Array, target: int, sources: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], ...] | None:
    """Turn factors between values into factors between positions, if those are whole."""
    terms = []
    for source, factor in sources:
        ratio = units[source] / units[target]
        if round(ratio) < 1 or abs(ratio - round(ratio)) > 1e-9:
            return None
        terms.append((source, factor * round(ratio)))
    return tuple(terms)


def _clock_sums(look: Look) -> set[Candidate]:
    """Pair every clock time with another one of its period and a number."""
    clocks = [i for i, axis in enumerate(look.axes) if axis.period]
    found: set[Candidate] = set()
    for target, other in permutations(clocks, 2):
        period = look.axes[target].period
        if period != look.axes[other].period:
            continue
        for number, axis in enumerate(look.axes):
            if axis.period is None and look.distinct[axis.name] > 1:
                for sign in (1, -1):
                    some = (look.rows[target] - look.rows[other] - sign * look.rows[number])[:50] % period
                    if len(np.unique(some)) <= 3:
                        found.add((target, ((other, 1), (number, sign)), period))
    return found


def _hours_and_minutes(look: Look) -> set[Candidate]:
    """Pair columns that can be an hour and a minute, for every clock time in minutes."""
    clocks = [i for i, axis in enumerate(look.axes) if axis.period == DAY]
    top, low = look.rows.max(axis=1), look.rows.min(axis=1)
    hours = [i for i in range(len(look.axes)) if low[i] >= 0 and 1 < top[i] <= 24]
    minutes = [i for i in range(len(look.axes)) if low[i] >= 0 and 24 < top[i] < HOUR]
    return {
        (target, ((hour, HOUR), (minute, 1)), None)
        for target in clocks
        for hour in hours
        for minute in minutes
        if target not in (hour, minute)
    }
