"""What a condition means for a model that draws axis by axis: what each axis may be, and what is judged later.

A term on one column limits the column's axes before they are drawn. A term over several columns is a gate: it is judged
as soon as the last axis that it needs is drawn. What rules say of texts and keys is judged on finished rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from simulacra.domain import Array, Support
from simulacra.relations import Lookup
from simulacra.sampling._instants import find_instant, limit_instant
from simulacra.sampling.decoding import UNMADE, Decoder
from simulacra.schema.predicates import Predicate


@dataclass(frozen=True)
class Wish:
    """A term that rows keep.

    Parameters
    ----------
    term : Predicate
        One condition without an AND at its top.
    unknown : bool
        Whether UNKNOWN is enough: a constraint fails only where it is FALSE.
    """

    term: Predicate
    unknown: bool = False

    @classmethod
    def split(cls, conditions: Iterable[Predicate], *, unknown: bool = False) -> list[Wish]:
        """Split conditions at their ANDs, without what every row keeps."""
        wishes = [cls(term, unknown) for condition in conditions for term in condition.terms()]
        return [wish for wish in wishes if not wish.is_idle]

    @property
    def is_idle(self) -> bool:
        """Whether it reads no column and every row keeps it."""
        if self.term.columns:
            return False
        held = self.term.truth()
        return self.unknown if held is None else held


@dataclass(frozen=True)
class Gate:
    """Terms that are judged once the axes they need are drawn."""

    wishes: tuple[Wish, ...]
    axes: tuple[int, ...]


class Ahead(Protocol):
    """What each code of an axis counts, by the codes of axes drawn before."""

    @property
    def before(self) -> tuple[int, ...]:
        """The axes before."""
        ...

    def lines(self, codes: Sequence[Array], rows: int) -> tuple[Array, Array]:
        """Return the weights that some rows need, and which line of them each row needs."""
        ...


@dataclass(frozen=True)
class Plan:
    """How rows are drawn that keep some wishes.

    Parameters
    ----------
    supports : dict of int to Support
        By axis: what may be drawn.
    gates : dict of int to Gate
        By number of axes drawn: what is judged then.
    late : tuple of Wish
        What is judged on finished rows.
    stages : int
        How many axes are drawn before nothing is limited or judged any more.
    bias : dict of int to array
        By axis: weights per code of the model, by which draws are led to where wishes can hold.
    foreseen : dict of int to Foresight
        By axis: what gates leave of it, by what was drawn before.
    """

    supports: dict[int, Support] = field(default_factory=dict)
    gates: dict[int, Gate] = field(default_factory=dict)
    late: tuple[Wish, ...] = ()
    stages: int = 0
    bias: dict[int, Array] = field(default_factory=dict)
    foreseen: Mapping[int, Ahead] = field(default_factory=dict)

    @property
    def asked(self) -> tuple[int, ...]:
        """The axes of which something is asked: those that are limited, then those that are judged."""
        judged = [axis for gate in self.gates.values() for axis in gate.axes]
        return tuple(dict.fromkeys([*self.supports, *judged]))

    def support(self, axis: int) -> Support | None:
        """Return what an axis may be and how it is led; None for a free draw."""
        limits, bias = self.supports.get(axis), self.bias.get(axis)
        if bias is None:
            return limits
        return (
            Support(bias=bias)
            if limits is None
            else Support(levels=limits.levels, ranges=limits.ranges, missing=limits.missing, bias=bias)
        )

    def steers(self, axis: int) -> bool:
        """Tell whether an axis is drawn otherwise than freely."""
        return axis in self.supports or axis in self.bias or axis in self.foreseen

    def bars_all(self) -> tuple[int, ...]:
        """Return the axes on which nothing at all is allowed."""
        return tuple(axis for axis, support in self.supports.items() if _is_empty(support))


def make_plan(wishes: Sequence[Wish], decoder: Decoder, order: Sequence[int]) -> Plan:
    """Turn wishes into limits of axes, gates and what is judged late.

    Parameters
    ----------
    wishes : sequence of Wish
        All of them must be kept.
    decoder : Decoder
        Knows the columns' axes and what is rebuilt.
    order : sequence of int
        Axes in the order in which the model draws them.
    """
    supports: dict[int, Support] = {}
    gated: dict[int, list[Wish]] = {}
    late: list[Wish] = []
    stage = {axis: place + 1 for place, axis in enumerate(order)}
    for wish in wishes:
        if not wish.term.columns and len(order):
            supports[order[0]] = _nothing(decoder, order[0])
            continue
        kinds = {decoder.encodings[name].column.kind for name in wish.term.columns}
        if kinds & set(UNMADE):
            late.append(wish)
            continue
        found, exact = _limit(wish, decoder)
        for axis, support in found.items():
            supports[axis] = intersect(supports[axis], support) if axis in supports else support
        if not exact:
            needed = decoder.axes_of(wish.term.columns)
            gated.setdefault(max((stage[axis] for axis in needed), default=1), []).append(wish)
    gates = {
        at: Gate(tuple(own), decoder.axes_of({name for wish in own for name in wish.term.columns}))
        for at, own in gated.items()
    }
    stages = max([*(stage[axis] for axis in supports), *gates, 0])
    return Plan(supports, gates, tuple(late), stages)


def _limit(wish: Wish, decoder: Decoder) -> tuple[dict[int, Support], bool]:
    """Return what a term leaves of the axes of its column, and whether that says it all."""
    instant = find_instant(wish.term.columns, decoder)
    if instant is not None:
        return limit_instant(wish.term, wish.unknown, instant, decoder)
    if len(wish.term.columns) != 1:
        return {}, False
    encoding = decoder.encodings[wish.term.columns[0]]
    rebuilt = [decoder.rebuilt[axis.name] for axis in encoding.axes if axis.name in decoder.rebuilt]
    if not rebuilt:
        limits = encoding.restrict(wish.term, unknown=wish.unknown)
        return {decoder.places[name]: support for name, support in limits.supports.items()}, limits.exact
    relation = rebuilt[0]
    if isinstance(relation, Lookup) and len(relation.by) == 1 and relation.by[0] not in decoder.rebuilt:
        return _limit_source(wish, relation, decoder)
    return {}, False


def _limit_source(wish: Wish, relation: Lookup, decoder: Decoder) -> tuple[dict[int, Support], bool]:
    """Limit what a looked-up column is looked up by, where that is a list of codes."""
    source = relation.by[0]
    size = decoder.domain.axes[decoder.places[source]].size
    if size is None:
        return {}, False
    codes = np.arange(size)
    found = relation.put_back({source: codes, relation.target: np.zeros(size)})
    name = wish.term.columns[0]
    frame = decoder.columns([name], {**found, source: codes}, size)
    fits = wish.term.evaluate(frame).fill_null(wish.unknown).to_numpy()
    return {decoder.places[source]: Support(levels=fits.astype(np.float64))}, True


def intersect(one: Support, two: Support) -> Support:
    """Return what two supports of an axis both allow.

    Examples
    --------
    >>> a, b = Support(ranges=np.array([[0.0, 5.0], [8.0, 9.0]])), Support(ranges=np.array([[4.0, 8.5]]))
    >>> intersect(a, b).ranges.tolist()
    [[4.0, 5.0], [8.0, 8.5]]
    """
    if one.levels is not None and two.levels is not None:
        return Support(levels=one.levels * two.levels)
    first, second = (np.reshape(s.ranges if s.ranges is not None else [], (-1, 2)) for s in (one, two))
    if len(first) > len(second):
        first, second = second, first
    pieces = [np.empty((0, 2))]
    for low, high in first:
        start, stop = np.maximum(second[:, 0], low), np.minimum(second[:, 1], high)
        pieces.append(np.stack([start, stop], axis=1)[start <= stop])
    return Support(ranges=np.concatenate(pieces), missing=one.missing and two.missing)


def _nothing(decoder: Decoder, axis: int) -> Support:
    size = decoder.domain.axes[axis].size
    return Support(ranges=np.empty((0, 2))) if size is None else Support(levels=np.zeros(size))


def _is_empty(support: Support) -> bool:
    if support.levels is not None:
        return not np.any(support.levels)
    return not support.missing and (support.ranges is None or not len(support.ranges))
