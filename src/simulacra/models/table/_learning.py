"""How a Bayesian network is learnt from codes: groups, graph, counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulacra.domain import Array
from simulacra.generator import Progress, part
from simulacra.models.table._edges import Edge, chain_parts, place_edges
from simulacra.models.table._ladders import Ladder
from simulacra.models.table._networks import CANDIDATES, Features, Scorer, Search
from simulacra.models.table._nodes import Node, group_codes
from simulacra.models.table._views import View

_OWN = 24
"""Coarse codes of an axis."""
_JUDGED = 6
"""Groups in which an axis is judged when a greedy search looks for what tells of it: finer ones cost it edges, since
every cell that they add counts as chance."""
_GROUPS, _FINEST = (2, 4, 8, 16), 32
"""Groups in which an axis may be seen by those that it is a parent of; the finest in a tree and in a given graph, which
have few parents."""
_NEAR = 2
"""Parents that fine codes heed."""
_RUNGS = 25
"""Times that counting by one set of parents is as much work as scoring one."""
_LOOK, _VALUES = 40_000, 2_000_000
"""Rows, and values of them, that a search looks at; all rows are counted."""
_LEAST = 5_000
"""Rows that it looks at in the widest tables."""


@dataclass(frozen=True)
class Wanted:
    """What graph is wanted, and how its counts are smoothed; the options of the model."""

    structure: str
    edges: Sequence[Edge]
    required: Sequence[Edge]
    forbidden: Sequence[Edge]
    score: str
    max_parents: int
    min_rows: int
    backoff: float


@dataclass(frozen=True)
class Rows:
    """Rows to learn from.

    Parameters
    ----------
    views : sequence of View
        One per axis; those known beforehand come first.
    codes : sequence of array
        The rows' codes.
    inputs : int
        How many axes are known beforehand.
    weights, owners : array or None
        Of the rows.
    """

    views: Sequence[View]
    codes: Sequence[Array]
    inputs: int
    weights: Array | None = None
    owners: Array | None = None


@dataclass(frozen=True)
class Network:
    """What was learnt, by places: those of axes known beforehand come first."""

    order: list[int]
    nodes: dict[int, Node]
    shares: Array


def learn(wanted: Wanted, rows: Rows, stream: np.random.Generator, progress: Progress) -> Network:
    """Find the graph, and count.

    Parameters
    ----------
    wanted : Wanted
        The options.
    rows : Rows
        What to learn from.
    stream : Generator
        Chooses the rows that a search looks at when there are many.
    progress : callable
        Told the share done.
    """
    counts = [
        np.bincount(codes, rows.weights, minlength=max(view.size, 1))
        for view, codes in zip(rows.views, rows.codes)
    ]
    greedy = wanted.structure == "greedy"
    sizes = _GROUPS if greedy else (*_GROUPS, _FINEST)
    coarse, maps, judged = [], [], []
    for view, own in zip(rows.views, counts):
        kind = {"ordered": view.axis.size is None or view.axis.ordered, "missing": view.missing}
        coarse.append(group_codes(own, _OWN, **kind))
        judged.append(group_codes(own, _JUDGED, **kind) if greedy else coarse[-1])
        levels = {size: (found, size) for found, size in (group_codes(own, most, **kind) for most in sizes)}
        maps.append(list(levels.values()))
    search = _search(wanted, rows, judged, maps, stream)
    progress(0.5, "graph found")
    step = part(progress, 0.5, 1.0)
    order, nodes = search.order(), {}
    for done, place in enumerate(order, 1):
        parents = search.parents[place]
        seen = [maps[parent.place][parent.level] for parent in parents]
        groups = [(own[rows.codes[parent.place]], size) for (own, size), parent in zip(seen, parents)]
        own, size = coarse[place]
        holders = (rows.views[p].axis.holders for p in (place, *(parent.place for parent in parents)))
        least, codes = max(wanted.min_rows, *holders), own[rows.codes[place]]
        rough = Ladder.fit(
            codes, size, groups, least=least, backoff=wanted.backoff, weights=rows.weights, owners=rows.owners
        )
        fine = None
        if size < (counts[place] > 0).sum():
            fine = Ladder.fit(
                rows.codes[place].astype(np.int64), len(own), [(codes, size), *groups[:_NEAR]], fixed=1,
                least=least, backoff=wanted.backoff, weights=rows.weights, owners=rows.owners,
            )  # fmt: skip
        places = tuple(parent.place for parent in parents)
        nodes[place] = Node(places, tuple(own for own, _ in seen), own, rough, fine)
        step(done / len(order), f"column {done} of {len(order)}")
    return Network(order, nodes, search.shares())


def work_of(rows: int, axes: int, parents: int) -> float:
    """Return how much work it is to learn a greedy graph and its counts; measured on 15 to 100 axes."""
    scored = axes / 2 + min(axes, CANDIDATES) * len(_GROUPS) * (parents + 1)
    return axes * (_rows_seen(rows, axes) * scored + rows * _RUNGS * (2 * parents + 1))


def room_of(rows: int, axes: int) -> float:
    """Return the bytes that learning needs: groups of the rows that a search looks at, and a few keys of all rows."""
    return 8.0 * (len(_GROUPS) + 1) * _rows_seen(rows, axes) * axes + 120.0 * rows


def _rows_seen(rows: int, axes: int) -> int:
    return min(rows, _LOOK, max(_VALUES // max(axes, 1), _LEAST))


def _search(
    wanted: Wanted,
    rows: Rows,
    judged: Sequence[tuple[Array, int]],
    maps: Sequence[Sequence[tuple[Array, int]]],
    stream: np.random.Generator,
) -> Search:
    """Find the graph, on some of the rows."""
    total = len(rows.codes[0]) if rows.codes else 0
    most = _rows_seen(total, len(rows.codes))
    look = np.sort(stream.choice(total, most, replace=False)) if total > most else np.arange(total)
    seen = [codes[look] for codes in rows.codes]
    features = Features(
        [[(own[codes], size) for own, size in levels] for levels, codes in zip(maps, seen)],
        [(own[codes], size) for (own, size), codes in zip(judged, seen)],
        rows.inputs,
        None if rows.weights is None else rows.weights[look],
    )
    axes = [view.axis for view in rows.views]
    search = Search(Scorer(features, wanted.score))
    if wanted.structure == "given":
        asked = place_edges(wanted.edges, axes, rows.inputs, "edges")
        search.keep([*chain_parts(axes, rows.inputs), *asked])
    elif wanted.structure == "tree":
        search.span()
    else:
        search.keep(place_edges(wanted.required, axes, rows.inputs, "required"))
        search.grow(wanted.max_parents, set(place_edges(wanted.forbidden, axes, 0, "forbidden")))
    return search
