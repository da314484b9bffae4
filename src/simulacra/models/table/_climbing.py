"""Components of a mixture learnt from rows: expectation and maximisation, and how many there should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from scipy import sparse

from simulacra.domain import Array
from simulacra.models.table._components import FLOOR, Components, Line
from simulacra.models.table._parted import Parted

Covariance = Literal["diagonal", "full", "tied"]

LADDER = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192)
"""Numbers of components that are tried."""
_PRIOR = 1.0
"""Rows' worth of the margin that is mixed into every component's classes."""
_EVIDENCE, _NARROW = 2.0, 0.3
"""A component's normal counts so many rows of this standard deviation besides its own."""
_LOOSE = 0.7
"""Standard deviation about a row that a component starts from."""
_REACH = 16
"""Axes that the normal of another leans on at most: those of the largest correlations."""
_PART = 4_096
_LEAST_SPREAD = 0.01


@dataclass(frozen=True)
class Rows:
    """Rows as codes, ready to be summed over components.

    Parameters
    ----------
    codes : sequence of array
        One array of codes for each axis.
    weights : array, shape (rows,)
        Their weights.
    marks : sparse array, shape (rows, cells of all axes)
        A one for every code that a row holds.
    """

    codes: Sequence[Array]
    weights: Array
    marks: sparse.csr_array

    @classmethod
    def of(cls, codes: Sequence[Array], weights: Array, sizes: Sequence[int]) -> Self:
        """Gather rows."""
        starts = np.cumsum([0, *sizes[:-1]]) if len(sizes) else np.zeros(0, np.int64)
        width = len(codes)
        places = np.empty((len(weights), width), np.int32)
        for axis, (own, start) in enumerate(zip(codes, starts)):
            places[:, axis] = own.astype(np.int32) + start
        ones = np.ones(places.size, np.float32)
        ends = np.arange(len(weights) + 1, dtype=np.int64) * width
        marks = sparse.csr_array((ones, places.ravel(), ends), shape=(len(weights), sum(sizes)))
        return cls(codes, weights, marks)

    def __len__(self) -> int:
        return len(self.weights)

    def take(self, index: Array) -> Rows:
        """Return some of the rows."""
        return Rows([own[index] for own in self.codes], self.weights[index], self.marks[index])

    def parts(self) -> Iterator[Rows]:
        """Cut the rows into parts that stay in a cache."""
        for first in range(0, len(self), _PART):
            part = slice(first, first + _PART)
            yield Rows([own[part] for own in self.codes], self.weights[part], self.marks[part])


@dataclass
class Sums:
    """What rows tell of components: sums over rows, each counted by how likely it is of the component."""

    counts: Array
    members: Array
    products: dict[int, Array]
    likelihood: float = 0.0


def start(rows: Rows, parted: Sequence[Parted], seeds: Array, scores: Sequence[Array]) -> Components:
    """Begin with one component about each of some rows."""
    many = len(seeds)
    counts = rows.marks[seeds].T.toarray().astype(np.float64)
    sums = Sums(counts, np.ones(many), {})
    return _maximise(sums, parted, scores, [()] * len(parted), "diagonal", prior=2.0, narrow=_LOOSE)


def climb(rows: Rows, begin: Components, steps: int, covariance: Covariance = "diagonal") -> Components:
    """Take steps of expectation and maximisation.

    Parameters
    ----------
    rows : Rows
        The rows.
    begin : Components
        Where to begin.
    steps : int
        How many.
    covariance : str
        Whether the normals of a component lean on each other.

    Returns
    -------
    Components
        Those after the last step.

    Notes
    -----
    **Cost.** Each step costs rows times axes times components; one with leaning normals, times axes again.
    """
    before = _predecessors(rows, begin, covariance)
    found = begin
    for _ in range(steps):
        sums = expect(rows, found, before)
        found = _maximise(sums, found.parted, found.scores, before, covariance)
    return found


def expect(rows: Rows, components: Components, before: Sequence[tuple[int, ...]] | None = None) -> Sums:
    """Sum rows over components; with no `before`, only members and the likelihood are found."""
    many = len(components)
    table, shift = _log_table(components), np.log(components.share).astype(np.float32)
    sums = Sums(np.zeros((len(table) if before is not None else 0, many)), np.zeros(many), {})
    if before is not None:
        for axis, others in enumerate(before):
            if others:
                sums.products[axis] = np.zeros((many, len(others) + 2, len(others) + 2))
    for part in rows.parts():
        # single precision: twice as fast, and no sum over rows is taken in it
        logs = part.marks @ table
        logs += shift
        _add_leaning(logs, part, components)
        top = logs.max(1, keepdims=True)
        logs -= top
        np.exp(logs, out=logs)
        total = logs.sum(1, keepdims=True)
        sums.likelihood += float(part.weights @ (top + np.log(total))[:, 0].astype(np.float64))
        logs /= total
        sums.members += logs.sum(0)
        if before is None:
            continue
        logs *= part.weights[:, None].astype(np.float32)
        sums.counts += part.marks.T @ logs
        for axis, products in sums.products.items():
            _add_products(products, logs, part, components, axis, before[axis])
    return sums


def count_parameters(sums: Sums, components: Components) -> int:
    """Count what was estimated: of classes, those that at least one row's worth of a component holds."""
    found = len(components) - 1
    first = 0
    for axis, parted in enumerate(components.parted):
        held = parted.fold(sums.counts[first : first + len(parted.share)]) >= 1
        found += int(np.maximum(held.sum(0) - 1, 0).sum())
        line = components.lines[axis]
        if line is not None:
            found += int(held[0].sum()) * (2 + len(line.before))
        first += len(parted.share)
    return found


def prune(components: Components, members: Array, least: float) -> Components:
    """Leave out components of too few rows; the largest stays."""
    keep = members >= least
    keep[np.argmax(members)] = True
    return components if keep.all() else components.pick(np.flatnonzero(keep))


def _log_table(components: Components) -> Array:
    """Return the log of the chance of each code of each axis; of axes that lean, of their classes only."""
    found = []
    for axis, parted in enumerate(components.parted):
        own = components.table(axis) if components.free(axis) else components.theta[axis][parted.classes]
        found.append(np.log(np.maximum(own, FLOOR)).astype(np.float32))
    return np.concatenate(found) if found else np.zeros((0, len(components)), np.float32)


def _add_leaning(logs: Array, part: Rows, components: Components) -> None:
    """Add the log-density of the normals that lean on others, at the mean score of a row's code."""
    codes = dict(enumerate(part.codes))
    for axis, line in enumerate(components.lines):
        if line is None or not line.before:
            continue
        own = part.codes[axis]
        inside = np.flatnonzero(components.parted[axis].classes[own] == 0)
        leaning = [scores[inside] for scores in components.leaning(axis, codes, slice(None))]
        off = np.stack(leaning, 1).astype(np.float32) @ line.slopes.astype(np.float32)
        off += line.start.astype(np.float32)
        off -= components.scores[axis][own[inside]].astype(np.float32)[:, None]
        off /= line.spread.astype(np.float32)
        off *= off
        off *= -0.5
        off -= np.log(line.spread).astype(np.float32)
        logs[inside] += off


def _add_products(
    products: Array, held: Array, part: Rows, components: Components, axis: int, others: tuple[int, ...]
) -> None:
    """Add, for each component, the products of 1, the scores before, and the axis' own."""
    own = part.codes[axis]
    inside = np.flatnonzero(components.parted[axis].classes[own] == 0)
    if not len(inside):
        return
    columns = [np.ones(len(inside))]
    columns += [components.scores[other][part.codes[other][inside]] for other in (*others, axis)]
    high, low = np.triu_indices(len(columns))
    both = np.stack([columns[i] * columns[j] for i, j in zip(high, low)], 1).astype(np.float32)
    found = held[inside].T @ both
    products[:, high, low] += found
    apart = high != low
    products[:, low[apart], high[apart]] += found[:, apart]


def _maximise(
    sums: Sums,
    parted: Sequence[Parted],
    scores: Sequence[Array],
    before: Sequence[tuple[int, ...]],
    covariance: Covariance,
    *,
    prior: float = _PRIOR,
    narrow: float = _NARROW,
) -> Components:
    """Find the components that make the sums likeliest, with a little of the margins in each."""
    theta: list[Array] = []
    lines: list[Line | None] = []
    first = 0
    for axis, own in enumerate(parted):
        counts = sums.counts[first : first + len(own.share)]
        first += len(own.share)
        held = own.fold(counts)
        margin = own.fold(own.share[:, None])
        theta.append((held + prior * margin) / (held.sum(0) + prior * margin.sum()))
        lines.append(None)
        if len(own.body):
            inside = counts[own.body]
            if before[axis]:
                lines[axis] = _lean(sums.products[axis], inside, own, before[axis], covariance == "tied")
            else:
                lines[axis] = _stand(inside, own, narrow, covariance == "tied")
    total = np.asarray(sums.counts[: len(parted[0].share)].sum(0)) if len(parted) else sums.members
    share = np.maximum(total, 1e-9) / np.maximum(total, 1e-9).sum()
    return Components(parted, scores, share, theta, lines)


def _stand(inside: Array, parted: Parted, narrow: float, tied: bool) -> Line:
    """Fit a normal that leans on nothing."""
    mean, square = parted.moments()
    held, first, second = inside.sum(0), mean @ inside, square @ inside
    middle = first / (held + 0.5)
    scatter = np.maximum(second - 2 * middle * first + middle**2 * held, 0.0)
    spread = _spread(scatter, held, narrow, tied)
    return Line((), middle, np.zeros((0, len(middle))), spread)


def _lean(products: Array, inside: Array, parted: Parted, before: tuple[int, ...], tied: bool) -> Line:
    """Fit a normal whose mean is linear in scores before it."""
    mean, square = parted.moments()
    held = inside.sum(0)
    rest = (square - mean**2) @ inside
    centre = products[:, 0, 1:] / (products[:, 0, :1] + 0.5)
    scatter = (
        products[:, 1:, 1:]
        - centre[:, :, None] * products[:, 0, None, 1:]
        - products[:, 0, 1:, None] * centre[:, None, :]
        + products[:, 0, 0, None, None] * centre[:, :, None] * centre[:, None, :]
    )
    if tied:
        scatter = np.broadcast_to(scatter.sum(0), scatter.shape)
    # a few rows of independent scores besides, so that no slope stands on next to nothing
    ridge = _EVIDENCE * np.eye(len(before))
    slopes = np.linalg.solve(scatter[:, :-1, :-1] + ridge, scatter[:, :-1, -1:])[:, :, 0]
    left = scatter[:, -1, -1] - (slopes * scatter[:, :-1, -1]).sum(1)
    if tied:
        spread = _spread(left / len(held) + rest, held, _NARROW, True)
    else:
        spread = _spread(np.maximum(left, 0.0) + rest, held, _NARROW, False)
    begin = centre[:, -1] - (slopes * centre[:, :-1]).sum(1)
    return Line(before, begin, np.ascontiguousarray(slopes.T), spread)


def _spread(scatter: Array, held: Array, narrow: float, tied: bool) -> Array:
    if tied:
        scatter, held = (np.full(len(own), own.sum()) for own in (scatter, held))
    variance = (scatter + _EVIDENCE * narrow**2) / (held + _EVIDENCE)
    return np.maximum(np.sqrt(variance), _LEAST_SPREAD)


def _predecessors(rows: Rows, components: Components, covariance: Covariance) -> list[tuple[int, ...]]:
    """Tell which axes each normal leans on: all before it that have one, or those of the largest correlations."""
    width = len(components.parted)
    if covariance == "diagonal":
        return [()] * width
    normals = [axis for axis in range(width) if len(components.parted[axis].body)]
    some = slice(None, None, max(len(rows) // 20_000, 1))
    found: list[tuple[int, ...]] = [()] * width
    table = np.array([components.scores[axis][rows.codes[axis][some]] for axis in normals])
    for place, axis in enumerate(normals):
        others = np.arange(place)
        if place > _REACH:
            centred = table[: place + 1] - table[: place + 1].mean(1, keepdims=True)
            worth = np.abs(centred[:-1] @ centred[-1]) / np.maximum(np.sqrt((centred[:-1] ** 2).sum(1)), 1e-9)
            others = np.sort(np.argsort(-worth, kind="stable")[:_REACH])
        found[axis] = tuple(normals[other] for other in others.tolist())
    return found
