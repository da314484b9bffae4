"""Large vocabularies put in order: levels that go with the same values of other columns stand side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from simulacra.domain import Array
from simulacra.models.table._views import View

_PROJECTIONS = 3
_MOST_TRAITS = 60
"""Traits of other columns that levels are ordered by; in wide tables those that tell levels apart best."""
_LOOK = 50_000
_RAREST = 0.002
_NESTED = 0.95
"""Share of rows that have the usual code of their level, above which levels are nested in another axis; the others, as
protection makes them, are kept in their share."""
_EXPLAINS = 0.9
_PROOF = 500
"""Rows beyond the first of their level that a nesting must rest on."""


class Traits:
    """What columns say about rows, as numbers of mean 0 and about variance 1.

    Parameters
    ----------
    views : sequence of View
        One per axis.
    codes : sequence of array
        The rows' codes.
    rng : Generator
        For the projections of unordered codes.
    """

    def __init__(self, views: Sequence[View], codes: Sequence[Array], rng: np.random.Generator) -> None:
        # a list of its own: dates that are put on a calendar later get other codes there, and keep these here
        self.codes = list(codes)
        self.tables = [_trait_table(view, own, rng) for view, own in zip(views, codes)]

    def leaving_out(self, index: int, most: int) -> Iterator[Array]:
        """Give traits of all columns but one, an array of rows each, one at a time; of many, an even choice."""
        names = [
            (other, k) for other, table in enumerate(self.tables) if other != index for k in range(len(table))
        ]
        step = max(-(-len(names) // most), 1)
        yield from (self.column(other, k) for other, k in names[::step])

    def column(self, other: int, k: int) -> Array:
        """Return one trait of all rows."""
        return self.tables[other][k][self.codes[other]]


def _trait_table(view: View, codes: Array, rng: np.random.Generator) -> Array:
    counts = np.bincount(codes, minlength=max(view.size, 1))
    share = counts / max(counts.sum(), 1)
    if view.axis.size is None or view.axis.ordered:
        parts = (np.cumsum(share) - share / 2)[None, :]
    else:
        parts = rng.standard_normal((_PROJECTIONS, len(counts))) / np.sqrt(np.maximum(share, _RAREST))
    parts = parts - (parts @ share)[:, None]
    spread = np.sqrt(parts**2 @ share)
    return parts[spread > 0] / spread[spread > 0, None]


def arrange_levels(index: int, traits: Traits, codes: Sequence[Array], parent: int | None) -> Array:
    """Place the levels of an axis: by their parent, then by the first principal component of their rows' traits.

    Parameters
    ----------
    index : int
        The axis.
    traits : Traits
        Of all axes.
    codes : sequence of array
        The rows' codes, per axis.
    parent : int or None
        An axis in which the levels are nested.

    Returns
    -------
    array of float64
        A place for each code.

    Notes
    -----
    **Cost**: one pass over the rows per trait, and memory of levels times traits.
    """
    own = codes[index]
    counts = np.bincount(own)
    names = _telling(index, traits)
    place = np.arange(len(counts), dtype=np.float64)
    if names:
        sums = np.stack([np.bincount(own, traits.column(*name)) for name in names], axis=1)
        scaled = sums / np.sqrt(np.maximum(counts, 1))[:, None]
        main = np.linalg.eigh(scaled.T @ scaled)[1][:, -1]
        main = main * np.sign(main[np.abs(main).argmax()])
        place = (sums / np.maximum(counts, 1)[:, None]) @ main
    if parent is None:
        return place
    above = codes[parent]
    middle = np.bincount(above, place[own]) / np.maximum(np.bincount(above), 1)
    rank = np.empty(len(middle), np.int64)
    rank[np.argsort(middle, kind="stable")] = np.arange(len(middle))
    usual = np.zeros(len(counts), np.int64)
    usual[own] = rank[above]
    order = np.lexsort((place, usual))
    result = np.empty(len(counts), np.float64)
    result[order] = np.arange(len(counts))
    return result


def _telling(index: int, traits: Traits) -> list[tuple[int, int]]:
    """Choose the traits of other columns that tell the levels of an axis apart best."""
    names = [
        (other, k) for other, table in enumerate(traits.tables) if other != index for k in range(len(table))
    ]
    if len(names) <= _MOST_TRAITS:
        return names
    own = traits.codes[index]
    look = slice(None, None, max(len(own) // _LOOK, 1))
    own = np.unique(own[look], return_inverse=True)[1]
    counts = np.bincount(own)
    told = []
    for other, k in names:
        sums = np.bincount(own, traits.tables[other][k][traits.codes[other][look]])
        told.append(float((sums**2 / counts).sum()))
    best = np.argsort(-np.array(told), kind="stable")[:_MOST_TRAITS]
    return [names[i] for i in sorted(best)]


def find_parent(index: int, views: Sequence[View], codes: Sequence[Array]) -> int | None:
    """Find the axis in which the levels of a large vocabulary are nested: every city in its region.

    Parameters
    ----------
    index : int
        The axis with the large vocabulary.
    views : sequence of View
        One per axis.
    codes : sequence of array
        The rows' codes.

    Returns
    -------
    int or None
        Of several such axes, the one with most codes; it has fewer codes than the vocabulary.

    Notes
    -----
    **Cost**: one pass over the rows per other coded axis.

    Only rows beyond the first of each level prove anything, so rare levels do not feign a nesting.
    """
    own = codes[index]
    first = np.full(views[index].size, -1, np.int64)
    first[own[::-1]] = np.arange(len(own))[::-1]
    repeated = np.flatnonzero(first[own] != np.arange(len(own)))
    if len(repeated) < _PROOF:
        return None
    witness = first[own[repeated]]
    best, found = 1, None
    for other, view in enumerate(views):
        if other == index or view.axis.size is None or not best < view.size < views[index].size:
            continue
        held = float((codes[other][repeated] == codes[other][witness]).mean())
        usual = float(np.bincount(codes[other][repeated]).max()) / len(repeated)
        if held >= _NESTED and held - usual >= _EXPLAINS * (1 - usual):
            best, found = view.size, other
    return found
