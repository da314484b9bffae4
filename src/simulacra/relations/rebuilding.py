"""Relations of a table, in an order in which their targets can be rebuilt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulacra.domain import Array, Block, Domain
from simulacra.randomness import Streams
from simulacra.relations._determining import find_lookups
from simulacra.relations._look import Look
from simulacra.relations._ordering import find_orders
from simulacra.relations.calendar import Calendar, find_calendar
from simulacra.relations.lookups import Lookup
from simulacra.relations.orders import Order
from simulacra.relations.products import Product, find_products
from simulacra.relations.relation import Range, Relation, Remains
from simulacra.relations.sums import Sum, find_counts, find_sums
from simulacra.relations.years import Year, find_years
from simulacra.relations.zones import Zone, find_zones
from simulacra.schema.types import Table

KINDS: dict[str, type[Relation]] = {
    cls.kind: cls for cls in (Sum, Product, Order, Lookup, Calendar, Zone, Year)
}


def find_relations(
    block: Block, rng: Streams, *, table: Table | None = None, declared: Collection[str] = ()
) -> tuple[Relation, ...]:
    """Find every exact relation among the columns of a block.

    Parameters
    ----------
    block : Block
        Encoded rows.
    rng : Streams
        Chooses the rows to look at.
    table : Table or None
        The columns' kinds and units; without it, all real axes are numbers of one unit.
    declared : collection of str
        Columns whose levels and bounds are public.

    Returns
    -------
    tuple of Relation
        In an order in which they can be put back: sources before what stands on them. No axis is the target of two.

    Notes
    -----
    **Cost**: quadratic in columns (cubic for at most 120 numbers and pairs of at most 60 columns) on at most 4,000
    rows; what passes is verified on all rows.

    Examples
    --------
    >>> import numpy as np
    >>> from simulacra.domain import Axis
    >>> a, b = np.arange(500.0) % 37, np.arange(500.0) % 23
    >>> axes = tuple(Axis(name, name, ordered=True, lattice=True) for name in "abc")
    >>> print(*find_relations(Block(Domain(axes), (a, b, a + b)), Streams(0)))
    'c' = 'a' + 'b'
    """
    arrays = dict(zip(block.domain.names, block.columns, strict=True))
    chosen = _Chosen()
    chosen.add([*find_years(block, table), *find_counts(block)])
    # what a calendar says is no sum, though some months long one may look like it
    calendars = find_calendar(block, table=table, declared=declared)
    chosen.add(calendars)
    look = Look.at(block, rng)
    if look is not None:
        sums, products = find_sums(look, arrays), find_products(look, arrays)
        # a product that holds in every row tells more than a sum that holds in nearly every one
        chosen.add([*(s for s in sums if s.circular or s.share == 1.0), *products, *sums])
    chosen.add(find_lookups(block, rng, table=table, guarded=_guarded(block, declared)))
    linked = {frozenset((r.target, source)) for r in chosen for source in r.sources}
    fixed = {name for r in chosen for name in r.targets}
    doubles = {r.target for r in chosen if isinstance(r, Sum) and r.copies}
    single = Block(
        Domain(tuple(axis for axis in block.domain.axes if axis.name not in doubles)),
        tuple(values for name, values in arrays.items() if name not in doubles),
        owners=block.owners,
    )
    chosen.add(find_orders(single, rng, table=table, linked=linked, fixed=fixed))
    # last: an instant that is measured from another one is drawn as the gap between them
    chosen.add(find_zones(calendars, arrays))
    return chosen.in_order()


def take_out(block: Block, relations: Iterable[Relation]) -> Block:
    """Replace the targets of relations by what is left of them."""
    arrays = dict(zip(block.domain.names, block.columns, strict=True))
    left: dict[str, Array] = {}
    days: set[str] = set()
    for relation in relations:
        left |= relation.take_out(arrays)
        days |= set(relation.targets) if isinstance(relation, Zone) else set()
    axes = tuple(
        # a difference of two dates is no date
        replace(axis, calendar=axis.calendar and axis.name in days)
        if left.get(axis.name, arrays[axis.name]) is not arrays[axis.name]
        else axis
        for axis in block.domain.axes
    )
    columns = tuple({**arrays, **left}[axis.name] for axis in axes)
    return Block(Domain(axes), columns, block.weights, len(block), block.owners)


def put_back(arrays: Mapping[str, Array], relations: Iterable[Relation]) -> dict[str, Array]:
    """Rebuild the targets, sources first."""
    whole = dict(arrays)
    for relation in relations:
        whole |= relation.put_back(whole)
    return whole


@dataclass(frozen=True)
class Settled:
    """Relations that are ready to be put back, and what may be released of their targets.

    Parameters
    ----------
    relations : tuple of Relation
        In the order given.
    limits : dict
        Ranges of real targets that were replaced by what was left of them. Keys are (column, part); of an instant as
        a whole, in units of its clock, the part is "instant".
    """

    relations: tuple[Relation, ...] = ()
    limits: dict[tuple[str, str], Range] = field(default_factory=dict)


def settle(
    relations: Iterable[Relation],
    before: Block,
    after: Block,
    kept: Mapping[tuple[str, str], Array],
    *,
    declared: Collection[str] = (),
) -> Settled:
    """Finish relations after protection, so that nothing withheld comes back with the targets.

    Parameters
    ----------
    relations : iterable of Relation
        As `find_relations` gave them.
    before : Block
        Encoded rows.
    after : Block
        What protection left when the relations were taken out.
    kept : dict
        For axes that lost codes: the old codes that stay, under (column, part).
    declared : collection of str
        Columns whose levels and bounds are public.
    """
    axes = {axis.name: axis for axis in before.domain.axes}
    home = {name: (axis.column, axis.part) for name, axis in axes.items()}
    remains = Remains(
        dict(zip(before.domain.names, before.columns, strict=True)),
        dict(zip(after.domain.names, after.columns, strict=True)),
        axes,
        frozenset(_guarded(before, declared)),
        {name: kept[home[name]] for name in axes if home[name] in kept},
        declared=frozenset(declared),
        owners=before.owners,
    )
    done = []
    for relation in relations:
        ready = relation.settle(remains)
        remains.after.update(ready.put_back(remains.after))
        done.append(ready)
    limits = {home[name]: ends for name, ends in remains.limits.items()}
    limits |= {(column, "instant"): ends for column, ends in remains.instants.items()}
    return Settled(tuple(done), limits)


def restore_relation(state: dict[str, Any]) -> Relation:
    """Make a relation from what its `dump` gave."""
    # the first format knew only sums
    return KINDS[state.get("kind", Sum.kind)].restore(state)


def _guarded(block: Block, declared: Collection[str]) -> set[str]:
    return {axis.name for axis in block.domain.axes if axis.holders > 1 and axis.column not in declared}


class _Chosen:
    """Relations taken one after the other, so that no axis is rebuilt twice or from itself."""

    def __init__(self) -> None:
        self.by_target: dict[str, Relation] = {}

    def __iter__(self) -> Iterator[Relation]:
        return iter(dict.fromkeys(self.by_target.values()))

    def add(self, relations: Iterable[Relation]) -> None:
        for relation in relations:
            targets = set(relation.targets)
            if not targets & self.by_target.keys() and not self._lead_to(relation.sources, targets):
                self.by_target |= dict.fromkeys(relation.targets, relation)

    def _lead_to(self, sources: Iterable[str], targets: set[str]) -> bool:
        return any(
            name in targets
            or (name in self.by_target and self._lead_to(self.by_target[name].sources, targets))
            for name in sources
        )

    def in_order(self) -> tuple[Relation, ...]:
        waiting = list(self)
        ordered: list[Relation] = []
        while waiting:
            pending = {name for relation in waiting for name in relation.targets}
            ready = [r for r in waiting if not pending & set(r.sources)]
            ordered += ready
            waiting = [r for r in waiting if r not in ready]
        return tuple(ordered)
