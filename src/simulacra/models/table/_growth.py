"""Growing all forests of a table: in what order, from which columns, on two threads or more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulacra.domain import Array
from simulacra.generator import Progress
from simulacra.models.table._digits import Digits
from simulacra.models.table._forest import Drawing, Forest, Settings, Tree, grow_tree
from simulacra.models.table._rules import LOOK, find_rule
from simulacra.models.table._samples import scout
from simulacra.randomness import Streams


@dataclass(frozen=True)
class Layout:
    """Where the digits of each axis stand, and behind them the features derived from them.

    Parameters
    ----------
    digits : tuple of Digits
        One per axis.
    """

    digits: tuple[Digits, ...]

    @cached_property
    def owner(self) -> list[int]:
        """The axis of each digit."""
        return [axis for axis, digit in enumerate(self.digits) for _ in digit.address]

    @cached_property
    def derived(self) -> list[int]:
        """The axis of each derived feature."""
        return [axis for axis, digit in enumerate(self.digits) for _ in digit.features]

    @cached_property
    def _first(self) -> Array:
        """Where the digits of each axis begin, and the end; then the same of the features."""
        axes = np.arange(len(self.digits) + 1)
        return np.stack([np.searchsorted(self.owner, axes), np.searchsorted(self.derived, axes)])

    @property
    def width(self) -> int:
        """Number of digits and derived features."""
        return len(self.owner) + len(self.derived)

    def places(self, axis: int) -> list[int]:
        """Return where an axis' digits stand."""
        return list(range(self._first[0, axis], self._first[0, axis + 1]))

    def features(self, axis: int) -> list[int]:
        """Return where an axis' derived features stand."""
        first, last = self._first[1, axis], self._first[1, axis + 1]
        return list(range(len(self.owner) + first, len(self.owner) + last))


@dataclass(frozen=True)
class Plan:
    """What the forests of a table are grown from.

    Parameters
    ----------
    layout : Layout
        Where everything stands.
    table : array of uint8, shape (layout.width, rows)
        Digits and derived features of all rows.
    nominal : sequence of bool
        Which of them are unordered.
    links : array, shape (layout.width, layout.width)
        How much each tells about each other.
    parents : sequence of int or None
        The axis that each axis is nested in.
    inputs : int
        Axes that are known beforehand; they come first.
    mass : array of uint32, shape (rows,) or (1,)
        Row weights.
    trees, max_predictors : int
        As in `Trees`.
    settings : Settings
        How to grow.
    drawing : Drawing
        How to draw.
    """

    layout: Layout
    table: Array
    nominal: Sequence[bool]
    links: Array
    parents: Sequence[int | None]
    inputs: int
    mass: Array
    trees: int
    max_predictors: int
    settings: Settings
    drawing: Drawing


@dataclass(frozen=True)
class _Job:
    target: int
    bounds: tuple[int, ...]
    leads: list[int]
    known: list[int]
    mass: Array
    kind: tuple[bool, bool]


def order_axes(layout: Layout, links: Array, parents: Sequence[int | None], inputs: int) -> tuple[int, ...]:
    """Order the axes that are drawn: those marked as first, then the ones that tell most about all others.

    A vocabulary comes after the axis that it is nested in.
    """
    owner = np.array(layout.owner, np.int64)
    near = np.zeros((len(layout.digits), len(layout.digits)))
    np.maximum.at(near, np.ix_(owner, owner), links[: len(owner), : len(owner)])
    np.fill_diagonal(near, 0.0)
    order: list[int] = []
    late = [not digits.view.axis.first for digits in layout.digits]
    for axis in np.lexsort((-near.sum(1), late)):
        line: list[int] = []
        step: int | None = int(axis)
        while step is not None and step >= inputs and step not in order:
            line.append(step)
            step = parents[step]
        order += reversed(line)
    return tuple(order)


def grow_forests(plan: Plan, order: Sequence[int], rng: Streams, progress: Progress) -> list[Forest]:
    """Grow the forests of all digits that vary, in the order in which they are drawn.

    Parameters
    ----------
    plan : Plan
        Rows and settings.
    order : sequence of int
        The axes that are drawn.
    rng : Streams
        Every tree has streams of its own, so that threads do not matter.
    progress : callable
        Told the share done.

    Returns
    -------
    list of Forest
        One per digit.
    """
    forests: list[Forest] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        grown = [
            (
                job,
                [
                    pool.submit(_grow, plan, job, worth, rng.at("grow", job.target, tree))
                    for tree in range(count)
                ],
            )
            for job in _jobs(plan, order, rng)
            for count in [plan.trees if job.known else 1]
            for worth in [pool.submit(_scout, plan, job, rng.at("scout", job.target))]
        ]
        for job, trees in grown:
            done = [tree.result() for tree in trees]
            trees.clear()
            forests.append(
                Forest.join(done, job.target, job.bounds, plan.layout.width, job.kind, plan.drawing)
            )
            progress(len(forests) / len(grown), f"column {len(forests)} of {len(grown)}")
    return forests


def _scout(plan: Plan, job: _Job, rng: Streams) -> Array | None:
    """Tell what predictors are worth, where there are too many for each tree to look at all."""
    if not plan.settings.keen or len(job.known) <= plan.max_predictors:
        return None
    return scout(plan.table, job.mass, job.target, job.known, plan.nominal, plan.settings.evidence, rng)


def _grow(plan: Plan, job: _Job, worth: Future[Array | None], rng: Streams) -> Tree:
    found = worth.result()
    chosen = _choose(job.known, plan.links[job.target], job.leads, plan.max_predictors, rng, found)
    return grow_tree(plan.table, job.mass, job.target, chosen, plan.nominal, job.leads, plan.settings, rng)


def _jobs(plan: Plan, order: Sequence[int], rng: Streams) -> Iterator[_Job]:
    layout, table = plan.layout, plan.table
    varies = [bool((part != part[0]).any()) for part in table]
    earlier = list(range(plan.inputs))
    known = [d for a in earlier for d in (*layout.places(a), *layout.features(a)) if varies[d]]
    whole = _numbers(plan, rng)
    for axis in order:
        place = layout.places(axis)[0]
        near = np.array([plan.links[place, layout.places(other)[0]] for other in earlier])
        rule = find_rule(
            whole(axis), [whole(other) for other in earlier], near, table.shape[1], _distinct(plan, earlier)
        )
        deciding = [d for i in rule for d in layout.places(earlier[i]) if varies[d]]
        parent = plan.parents[axis]
        above = (
            [d for d in layout.places(parent) if varies[d]]
            if parent in earlier and parent is not None
            else []
        )
        digits = layout.digits[axis]
        for index, (target, coarser) in enumerate(zip(layout.places(axis), digits.bounds)):
            bounds = (*above, *(place + d for d in coarser if varies[place + d]))
            mass = plan.mass
            if digits.blank and index:
                mass = np.where(table[place] > 0, mass, np.uint32(0))
            leads = [*bounds, *(d for d in deciding if d not in bounds)]
            missing = digits.view.missing and not index and digits.view.axis.size is None
            if varies[target]:
                yield _Job(target, bounds, leads, list(known), mass, (not plan.nominal[target], missing))
                known.append(target)
        known += [d for d in layout.features(axis) if varies[d]]
        earlier.append(axis)


def _numbers(plan: Plan, rng: Streams) -> Callable[[int], Array]:
    """Return a function that gives an axis' digits as one number, on the rows that rules are looked for in."""
    rows = plan.table.shape[1]
    look = rng.stream("rules").permutation(rows)[:LOOK]
    glance = plan.table[:, look]
    found: dict[int, Array] = {}

    def number(axis: int) -> Array:
        if axis not in found:
            parts = [glance[place] for place in plan.layout.places(axis)]
            found[axis] = plan.layout.digits[axis].number(parts)
        return found[axis]

    return number


def _distinct(plan: Plan, earlier: Sequence[int]) -> Callable[[tuple[int, ...]], int]:
    """Return a function that counts the different combinations of some of the earlier axes over all rows."""
    axes = list(earlier)

    def count(columns: tuple[int, ...]) -> int:
        key = np.zeros(plan.table.shape[1], np.int64)
        for column in columns:
            parts = [plan.table[place] for place in plan.layout.places(axes[column])]
            number = plan.layout.digits[axes[column]].number(parts)
            key = key * (int(number.max(initial=0)) + 1) + number
        return len(np.unique(key))

    return count


def _choose(
    known: Sequence[int],
    links: Array,
    leads: Sequence[int],
    most: int,
    rng: Streams,
    worth: Array | None,
) -> list[int]:
    """Choose predictors of one tree: half by what they are worth, the others drawn in proportion to it.

    That is what a scouting tree says if there is one, and then the mutual information.
    """
    if len(known) <= most:
        return list(known)
    scores = np.array([np.inf if digit in leads else links[digit] for digit in known])
    ranks = scores if worth is None else np.where((worth > 0) & (scores < np.inf), worth + 1e6, scores)
    best = np.argsort(-ranks, kind="stable")
    sure = best[: max((most + 1) // 2, len(leads))]
    rest = best[len(sure) :]
    chance = scores[rest] + 1e-9
    drawn = rng.stream("predictors").choice(
        rest, max(most - len(sure), 0), replace=False, p=chance / chance.sum()
    )
    return [known[i] for i in sorted([*sure, *drawn])]
