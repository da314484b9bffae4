"""Finding orders: which columns are never above which, and from which ends to measure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

import numpy as np

from simulacra.domain import Array, Axis, Block
from simulacra.privacy.holders import count_owners
from simulacra.randomness import Streams
from simulacra.relations._measures import Measure, find_measures
from simulacra.relations.orders import Order
from simulacra.relations.relation import FEWEST
from simulacra.schema.types import Table

GLANCE = 1_000
SLACK = 1e-6
"""Share of a position that rounding may err by."""
BROKEN = 0.05
"""Share of randomly paired rows that must break an order, else it says nothing."""
MOST = 300
TYPICAL = 0.005
"""The middle of either column must lie within the range of the other, less this share of its rows at each end."""
NARROW = 0.5
"""A gap is what a model sees if its middle half is at most this wide, in middle halves of the column itself."""
TOUCHING = 0.2
"""Share of rows at the end of their range from which what is drawn outside is put there."""
SPIKE = 0.02
"""... and if no value of the column is commoner by more than this share of rows than the commonest gap."""

Pair = tuple[int, int]


def find_orders(
    block: Block, rng: Streams, *, table: Table | None = None, linked: Collection[frozenset[str]] = (),
    fixed: Collection[str] = (),
) -> list[Order]:  # fmt: skip
    """Find columns that are never above others, in every row that has both.

    Parameters
    ----------
    block : Block
        Encoded rows.
    rng : Streams
        Pairs rows at random.
    table : Table or None
        Says which columns are of one kind and unit; without it all are.
    linked : collection of frozenset
        Pairs of axes that other relations hold together already.
    fixed : collection of str
        Axes that other relations rebuild: others may be measured from them, but they stay where they are.

    Returns
    -------
    list of Order
        Together they keep every order found, save between two fixed columns.

    Notes
    -----
    **Cost**: quadratic in columns on 1,000 rows; what passes is verified on all.
    """
    arrays = dict(zip(block.domain.names, block.columns, strict=True))
    axes = {axis.name: axis for axis in block.domain.axes}
    listed = [
        (measure, label)
        for measure, label in find_measures(block, table)[:MOST]
        if _is_held(axes[measure.axes[0]], arrays[measure.axes[0]], block.owners)
    ]
    if len(listed) < 2:
        return []
    measures = [measure for measure, _ in listed]
    values = np.array([measure.read(arrays) * measure.unit for measure in measures])
    pairs = {
        pair
        for pair in _likely(values, [label for _, label in listed], measures, rng)
        if not _linked(measures, pair, linked) and _always(values, measures, pair)
    }
    held = {i for i, measure in enumerate(measures) if set(measure.axes) & set(fixed)}
    whole = {i for i, line in enumerate(values) if not np.isnan(line).any()}
    closed = _closure(pairs)
    # where values are missing, what follows from two orders may not hold itself: such a group is left alone
    groups = [
        group
        for group in _components(pairs)
        if all(_always(values, measures, pair) for pair in closed if pair[0] in group)
    ]
    return [
        _with_form(order, arrays)
        for group in groups
        for order in _arrange(group, closed, held, whole, measures)
    ]


def _is_held(axis: Axis, values: Array, owners: Array | None) -> bool:
    """Tell whether so many rows, and so many holders, have a value that both ends can be given out."""
    some = np.isfinite(values)
    holders = int(some.sum()) if owners is None else count_owners(owners[some])
    return bool(some.sum() >= FEWEST) and holders >= 2 * axis.holders


def _likely(values: Array, labels: list[object], measures: list[Measure], rng: Streams) -> Iterator[Pair]:
    """Give pairs that hold in some rows, and that mean something: random pairing breaks them."""
    order = rng.stream("orders").permutation(values.shape[1])[:GLANCE]
    some = values[:, order]
    shuffled = np.roll(some, 1, axis=1)
    spans = [_span(line) for line in some]
    for a, (low, middle, high) in enumerate(spans):
        with np.errstate(invalid="ignore"):
            held = ~(some[a] > some + SLACK * measures[a].unit).any(axis=1)
        for b in np.flatnonzero(held).tolist():
            if a == b or labels[a] != labels[b]:
                continue
            if not (spans[b][0] <= middle <= spans[b][2] and low <= spans[b][1] <= high):
                continue
            both = ~np.isnan(shuffled[a]) & ~np.isnan(some[b])
            if both.sum() >= FEWEST // 2 and (shuffled[a] > some[b])[both].mean() >= BROKEN:
                yield a, b


def _span(values: Array) -> tuple[float, float, float]:
    held = values[~np.isnan(values)]
    if len(held) < FEWEST // 2:
        return (np.nan, np.nan, np.nan)
    low, high = np.quantile(held, (TYPICAL, 1 - TYPICAL))
    # most discounts are 0: the others tell where the column lies
    some = held[held != 0]
    return float(low), float(np.median(some if len(some) > BROKEN * len(held) else held)), float(high)


def _always(values: Array, measures: list[Measure], pair: Pair) -> bool:
    a, b = pair
    gap = values[b] - values[a]
    both = ~np.isnan(gap)
    slack = SLACK * min(measures[a].unit, measures[b].unit) if measures[b].lattice else 0.0
    return bool(both.sum() >= FEWEST and (gap[both] >= -slack).all() and (gap[both] > slack).any())


def _linked(measures: list[Measure], pair: Pair, linked: Collection[frozenset[str]]) -> bool:
    return any(frozenset((x, y)) in linked for x in measures[pair[0]].axes for y in measures[pair[1]].axes)


def _components(pairs: set[Pair]) -> list[list[int]]:
    """Group what hangs together."""
    home: dict[int, set[int]] = {}
    for a, b in sorted(pairs):
        joined = home.get(a, {a}) | home.get(b, {b})
        for member in joined:
            home[member] = joined
    return [sorted(group) for group in {id(group): group for group in home.values()}.values()]


def _closure(pairs: set[Pair]) -> set[Pair]:
    """Add what follows: a <= c from a <= b and b <= c."""
    closed = set(pairs)
    while more := {(a, d) for a, b in closed for c, d in closed if b == c} - closed:
        closed |= more
    return closed


def _arrange(
    members: list[int], pairs: set[Pair], held: set[int], whole: set[int], measures: list[Measure]
) -> list[Order]:
    """Place one column after the other; each is held between those that are placed already.

    From below or from above: whichever way leaves fewer columns that are measured from nothing.
    """
    below = {m: {a for a, b in pairs if b == m} for m in members}
    above = {m: {b for a, b in pairs if a == m} for m in members}
    # and what is always there is rather measured from than measured
    bases = [
        (sum(not ends[m] for m in members), sum(bool(ends[m]) and m in whole for m in members))
        for ends in (below, above)
    ]
    ends = below if bases[0] <= bases[1] else above
    ranked = sorted(members, key=lambda m: (m not in held, len(ends[m]), m))
    placed: list[int] = []
    orders = []
    for m in ranked:
        if m not in held:
            lower = _nearest(below[m] & set(placed), above, whole - held)
            upper = _nearest(above[m] & set(placed), below, whole - held)
            if lower or upper:
                orders.append(
                    Order(
                        measures[m].column, measures[m],
                        tuple(measures[i] for i in lower), tuple(measures[i] for i in upper),
                    )
                )  # fmt: skip
        placed.append(m)
    return orders


def _nearest(ends: set[int], beyond: Mapping[int, set[int]], firm: set[int]) -> list[int]:
    """Leave out ends that another end, which is always there and kept in its place, holds in already."""
    return sorted(end for end in ends if not beyond[end] & ends & firm)


def _with_form(order: Order, arrays: Mapping[str, Array]) -> Order:
    """Choose what a model sees: the gap where it is the narrower and not the smoother of the two."""
    target = order.measure.read(arrays)
    gap = order.measure.read(order.take_out(arrays))
    low, high = order.ends(arrays)
    held = ~np.isnan(target)
    known = held & ~np.isnan(low if order.lower else high)
    if not known.any():
        return replace(order, gap=False)
    end = (low if order.lower else high)[known]
    target, gap = target[known], gap[known]
    # where the end is the last value of all, there is no other place to stand
    room = end > target.min() if not order.lower else end < target.max()
    clipped = bool(room.any() and (target == end)[room].mean() >= TOUCHING)
    wide = np.subtract(*np.quantile(target, (0.75, 0.25)))
    narrow = np.subtract(*np.quantile(gap, (0.75, 0.25)))
    keeps_spikes = _commonest(target) <= _commonest(gap) + SPIKE
    # a row without the target has no gap either, and tells nothing of the two
    use = known.sum() > 0.9 * held.sum() and narrow <= NARROW * wide and keeps_spikes
    return replace(order, gap=bool(use), clipped=clipped and not use)


def _commonest(values: Array) -> float:
    return float(np.unique(values, return_counts=True)[1].max() / max(len(values), 1))
