"""Exact relations between columns: found on the data, taken out before fitting, put back after sampling.

``total = net + tax``, ``shipped = ordered + days``, ``end = start + duration (modulo a day)``: no model of
probabilities keeps such a rule in every row. So the column on the left is replaced by its residual, what is left of it
when the rule's prediction is subtracted. Where the rule holds the residual is 0; a row that breaks it, or lacks a
source, keeps what it has. Nothing is lost, and after sampling the prediction is added again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np

from simulacra.domain import Array, Axis, Block
from simulacra.randomness import Streams

LOOK = 4_000
"""Rows on which candidates are verified."""
HOLDS = 0.995
"""Share of the rows that have all values in which a relation must hold."""
FEWEST = 100
"""Complete rows below which nothing is looked for."""
VARIED = 12
"""A column of fewer different values is left to the model."""
MOST_AXES = 1_000
HOUR = 60


@dataclass(frozen=True)
class Relation:
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
    share : float
        Share of the rows looked at in which it holds.
    exact : bool
        It holds in every row that has all values, so every row drawn keeps it too.
    """

    target: str
    terms: tuple[tuple[str, int], ...]
    constant: int = 0
    period: int | None = None
    base: int = 0
    share: float = 1.0
    exact: bool = False

    def predict(self, arrays: Mapping[str, Array]) -> Array:
        """Return the prediction for every row, NaN where a source is missing."""
        first = next(iter(arrays.values()))
        total = np.full(len(first), float(self.constant))
        for name, factor in self.terms:
            total = total + factor * arrays[name]
        return total if self.period is None else self._fold(total)

    def take_out(self, arrays: Mapping[str, Array]) -> Array:
        """Return the residual of the target; where a source is missing, the target itself."""
        values = arrays[self.target]
        left = values - self.predict(arrays)
        if self.period is not None:
            left = (left + self.period // 2) % self.period - self.period // 2
        return np.where(np.isnan(left), values, left)

    def put_back(self, arrays: Mapping[str, Array]) -> Array:
        """Return the target from its residual."""
        left = arrays[self.target]
        predicted = self.predict(arrays)
        total = np.where(np.isnan(left), np.nan, predicted) if self.exact else left + predicted
        if self.period is not None:
            total = self._fold(total)
        return np.where(np.isnan(predicted), left, total)

    def _fold(self, total: Array) -> Array:
        return (total - self.base) % (self.period or 1) + self.base

    def reach(self, limits: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
        """Return the smallest and largest value that sources within limits can give."""
        if self.period is not None:
            return float(self.base), float(self.base + self.period - 1)
        ends = [sorted((factor * limits[name][0], factor * limits[name][1])) for name, factor in self.terms]
        return self.constant + sum(e[0] for e in ends), self.constant + sum(e[1] for e in ends)

    def dump(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        fields = {name: getattr(self, name) for name in Relation.__dataclass_fields__}
        return {**fields, "terms": [list(term) for term in self.terms]}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Relation:
        """Make the relation from what `dump` gave."""
        return cls(**{**state, "terms": tuple((str(name), int(factor)) for name, factor in state["terms"])})

    def __str__(self) -> str:
        parts = [
            f"{'-' if f < 0 else '+'} {'' if abs(f) == 1 else f'{abs(f)} x '}'{name}'"
            for name, f in self.terms
        ]
        total = " ".join(parts).removeprefix("+ ")
        total += f" {'+' if self.constant > 0 else '-'} {abs(self.constant)}" if self.constant else ""
        return f"'{self.target}' = {total}" + (f" (modulo {self.period:,})" if self.period else "")


def find_relations(block: Block, rng: Streams) -> tuple[Relation, ...]:
    """Find sums, differences, equalities and clock sums among the lattice axes of a block.

    Parameters
    ----------
    block : Block
        Encoded rows.
    rng : Streams
        Chooses the rows to look at.

    Returns
    -------
    tuple of Relation
        In an order in which they can be put back: sources before what stands on them. No axis is the target of two.

    Notes
    -----
    **Cost**: quadratic in the number of lattice axes (at most 1,000 are looked at), on at most 4,000 rows: for sums,
    each axis is reduced to a random linear fingerprint, so that ``c = a + b`` is a lookup of a sum among fingerprints
    (after Freivalds 1977, "Probabilistic machines can use less running time").

    Examples
    --------
    >>> from simulacra.domain import Axis, Domain
    >>> a, b = np.arange(500.0) % 37, np.arange(500.0) % 23
    >>> axes = tuple(Axis(name, name, ordered=True, lattice=True) for name in "abc")
    >>> print(*find_relations(Block(Domain(axes), (a, b, a + b)), Streams(0)))
    'c' = 'a' + 'b'
    """
    look = _Look.at(block, rng)
    if look is None:
        return ()
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
    arrays = dict(zip(block.domain.names, block.columns, strict=True))
    settled = (_settle(relation, arrays) for relation in _without_circles(ranked))
    return tuple(relation for relation in settled if relation is not None)


def _settle(relation: Relation, arrays: Mapping[str, Array]) -> Relation | None:
    """Finish a relation on all rows; None if a value could not be had back, as where both 0000 and 2400 occur."""
    values = arrays[relation.target]
    if relation.period is not None:
        relation = replace(relation, base=0 if np.nanmin(values) < 1 else 1)
    left = relation.take_out(arrays)
    complete = ~np.isnan(relation.predict(arrays)) & ~np.isnan(values)
    relation = replace(relation, exact=bool((left[complete] == 0).all()))
    back = relation.put_back({**arrays, relation.target: left})
    return relation if np.array_equal(back, values, equal_nan=True) else None


def take_out(block: Block, relations: tuple[Relation, ...]) -> Block:
    """Replace the targets of relations by their residuals."""
    arrays = dict(zip(block.domain.names, block.columns, strict=True))
    residuals = {relation.target: relation.take_out(arrays) for relation in relations}
    columns = tuple({**arrays, **residuals}[name] for name in block.domain.names)
    return Block(block.domain, columns, block.weights, block.rows)


def put_back(arrays: dict[str, Array], relations: tuple[Relation, ...]) -> dict[str, Array]:
    """Replace residuals by the values of the targets, sources first."""
    for relation in relations:
        arrays = {**arrays, relation.target: relation.put_back(arrays)}
    return arrays


def spans(block: Block, relations: tuple[Relation, ...]) -> dict[str, tuple[float, float]]:
    """Return the range that each rebuilt axis can have, from the ranges of what it is rebuilt from.

    Parameters
    ----------
    block : Block
        Residuals and sources after protection: only their ranges are used, so that nothing withheld comes back.
    relations : tuple of Relation
        What will be put back.
    """
    arrays = dict(zip(block.domain.names, block.columns, strict=True))
    limits = {
        axis.name: _range(arrays[axis.name]) for axis in block.domain.axes if axis.size is None and len(block)
    }
    found = {}
    for relation in relations:
        left = arrays[relation.target]
        lone = np.isnan(relation.predict(arrays))
        low, high = relation.reach(limits)
        if relation.period is None:
            least, most = _range(left[~lone])
            low, high = low + least, high + most
        ends = np.array([low, high, *_range(left[lone])])
        limits[relation.target] = found[relation.target] = _range(ends)
    return found


def _range(values: Array) -> tuple[float, float]:
    held = values[~np.isnan(values)]
    return (float(held.min()), float(held.max())) if len(held) else (float("nan"), float("nan"))


@dataclass(frozen=True)
class _Look:
    """Some complete rows of the lattice axes."""

    axes: tuple[Axis, ...]
    rows: Array
    distinct: dict[str, int]
    place: dict[str, int]

    @classmethod
    def at(cls, block: Block, rng: Streams) -> _Look | None:
        chosen = rng.stream("rows").permutation(len(block))[: 4 * LOOK]
        pairs = [
            (axis, column[chosen])
            for axis, column in zip(block.domain.axes, block.columns, strict=True)
            if axis.size is None and axis.lattice
        ][:MOST_AXES]
        pairs = [(axis, values) for axis, values in pairs if np.isnan(values).mean() < 0.5]
        if len(pairs) < 2:
            return None
        rows = np.array([values for _, values in pairs])
        rows = rows[:, ~np.isnan(rows).any(axis=0)][:, :LOOK]
        if rows.shape[1] < FEWEST:
            return None
        axes = tuple(axis for axis, _ in pairs)
        distinct = {axis.name: len(np.unique(values)) for axis, values in zip(axes, rows, strict=True)}
        return cls(axes, rows, distinct, {axis.name: i for i, axis in enumerate(axes)})

    def check(
        self, target: int, terms: tuple[tuple[int, int], ...], period: int | None = None
    ) -> Relation | None:
        """Return the relation if it holds, with the constant that most rows agree on."""
        if self.distinct[self.axes[target].name] < VARIED:
            return None
        left = self.rows[target] - sum(factor * self.rows[source] for source, factor in terms)
        left = left if period is None else left % period
        values, counts = np.unique(left, return_counts=True)
        share = float(counts.max() / len(left))
        if share < HOLDS:
            return None
        named = tuple((self.axes[source].name, factor) for source, factor in terms)
        return Relation(self.axes[target].name, named, int(values[counts.argmax()]), period, share=share)


def _candidates(look: _Look) -> Iterator[Relation]:
    for target, terms, period in (*_sums(look), *_clock_sums(look), *_hours_and_minutes(look)):
        relation = look.check(target, terms, period)
        if relation is not None:
            yield relation


Candidate = tuple[int, tuple[tuple[int, int], ...], int | None]


def _sums(look: _Look) -> set[Candidate]:
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


def _clock_sums(look: _Look) -> set[Candidate]:
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


def _hours_and_minutes(look: _Look) -> set[Candidate]:
    """Pair columns that can be an hour and a minute, for every clock time in minutes."""
    clocks = [i for i, axis in enumerate(look.axes) if axis.period == 24 * HOUR]
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


def _without_circles(ranked: list[Relation]) -> tuple[Relation, ...]:
    """Keep relations greedily, so that no axis is rebuilt twice or from itself; then sort sources first."""
    kept: dict[str, Relation] = {}
    for relation in ranked:
        if relation.target not in kept and not _leads_to(relation, relation.target, kept):
            kept[relation.target] = relation
    ordered: list[Relation] = []
    while kept:
        ready = [r for r in kept.values() if not any(name in kept for name, _ in r.terms)]
        ordered += ready
        for relation in ready:
            del kept[relation.target]
    return tuple(ordered)


def _leads_to(relation: Relation, target: str, kept: Mapping[str, Relation]) -> bool:
    names = [name for name, _ in relation.terms]
    return target in names or any(name in kept and _leads_to(kept[name], target, kept) for name in names)
