"""Exact relations the other way round: a source from the target and the other sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from simulacra.completion._known import NO_CHANCE
from simulacra.domain import Array
from simulacra.encoding import Encoding
from simulacra.encodings._real import Real
from simulacra.relations import Order, Product, Relation, Sum, Zone
from simulacra.relations.relation import Prediction

_NEAR = 1e-6


def solve(
    relation: Relation, arrays: Mapping[str, Array], left: Array, source: str, encoding: Encoding
) -> tuple[Array, Array]:
    """Work out a source of a relation.

    Parameters
    ----------
    relation : Relation
        The rule.
    arrays : mapping of str to array
        The target and the other sources, as they are in whole rows.
    left : array
        What is left of the target when the rule is taken out.
    source : str
        The axis to work out.
    encoding : Encoding
        That of its column.

    Returns
    -------
    values, found : array
        The source, and whether there is a value that the column can have and that gives the target back.
    """
    target = arrays[relation.target]
    guesses: list[Array]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        match relation:
            case Sum():
                guesses = _guess_term(relation, arrays, target - left, source)
            case Product():
                guesses = _guess_factor(relation, arrays, target - left, source)
            case Order():
                lower = source in [name for measure in relation.lower for name in measure.axes]
                other = (relation.lower if lower else relation.upper)[0]
                total = target - left if lower else target + left
                guesses = [total * (relation.measure.unit / other.unit)]
            case _:
                guesses = []
    values = np.full(len(target), np.nan)
    found = np.zeros(len(target), bool)
    for guess in guesses:
        fits = ~found & can_be(encoding, guess)
        back = relation.put_back({**arrays, source: guess, relation.target: left})[relation.target]
        fits &= np.abs(back - target) <= _NEAR
        values, found = np.where(fits, guess, values), found | fits
    return values, found


def solvable(relation: Relation, source: str) -> bool:
    """Tell whether a source of a relation can be worked out from all else."""
    if isinstance(relation, Sum | Product):
        return True
    if not isinstance(relation, Order) or not relation.gap:
        return False
    # the gap is measured from the nearest of its ends, so only one end is worked out
    ends = relation.lower if relation.lower else relation.upper
    return len(ends) == 1 and ends[0].axes == (source,)


def leaves(relation: Relation) -> bool:
    """Tell whether a model sees of the target only what is left of it."""
    return isinstance(relation, Prediction | Zone) or (isinstance(relation, Order) and relation.gap)


def join(outer: Sum, inner: Sum) -> Sum | None:
    """Write the terms of a source that is a sum into the sum that it is a source of, where that is one.

    Examples
    --------
    >>> print(join(Sum("c", (("b", 1), ("d", -1)), 5), Sum("b", (("a", 60), ("e", 1)), 2)))
    'c' = 60 x 'a' + 'e' - 'd' + 7
    """
    factor = dict(outer.terms)[inner.target]
    if inner.period is not None and inner.period != outer.period:
        return None
    terms = [(name, factor * times) for name, times in inner.terms]
    terms += [(name, times) for name, times in outer.terms if name != inner.target]
    if len({name for name, _ in terms}) < len(terms):
        return None
    return replace(outer, terms=tuple(terms), constant=outer.constant + factor * inner.constant)


def can_be(encoding: Encoding, values: Array) -> Array:
    """Mark values of a column's only axis that the column can have."""
    held = ~np.isnan(values) & (np.abs(values) < 2.0**53)
    safe = np.where(held, values, 0.0)
    again = encoding.encode(encoding.decode((safe,), rng=NO_CHANCE))[0]
    return held & (np.abs(again - safe) <= _NEAR)


def widened(encoding: Encoding) -> Encoding:
    """Return an encoding without the ends of its range, where it has one: for what follows from known cells."""
    return replace(encoding, low=-np.inf, high=np.inf) if isinstance(encoding, Real) else encoding


def order_ends(relation: Order, arrays: Mapping[str, Array]) -> Array:
    """Mark rows in which the target of an order lies between its ends."""
    low, high = relation.ends(arrays)
    values = relation.measure.read(arrays)
    return ~(values < low) & ~(values > high)


def _guess_term(relation: Sum, arrays: Mapping[str, Array], total: Array, source: str) -> list[Array]:
    factor = dict(relation.terms)[source]
    rest = np.full(len(total), float(relation.constant))
    for name, times in relation.terms:
        if name != source:
            rest = rest + times * arrays[name]
    if relation.period is None:
        return [(total - rest) / factor]
    first = np.mod((total - rest) / factor, relation.period)
    turns = [first, first - relation.period, first + relation.period]
    # the shortest one that the column can have
    small = np.where(np.abs(turns[1]) < np.abs(first), turns[1], first)
    return [small, *turns]


def _guess_factor(relation: Product, arrays: Mapping[str, Array], total: Array, source: str) -> list[Array]:
    first = source == relation.left
    other = arrays[relation.right if first else relation.left]
    unit = dict(zip((relation.target, relation.left, relation.right), relation.units, strict=True))
    worth, other = (
        total * unit[relation.target] / relation.factor,
        other * unit[relation.right if first else relation.left],
    )
    if relation.ratio:
        value = worth * other if first else other / worth
    else:
        value = worth / other
    near = np.rint(value / unit[source])
    return [near, near - 1, near + 1]


def closure(names: Sequence[str], rebuilt: Mapping[str, Relation]) -> set[str]:
    """Return the axes that must be drawn before some axes are whole."""
    waiting, needed = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            if name in rebuilt:
                waiting += [*rebuilt[name].sources, *rebuilt[name].targets]
    return needed
